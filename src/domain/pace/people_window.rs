//! A limit of how many people may be written to within a moving day: Meta's, which a business shares over all of its numbers. Whoever
//! had a message within the day counts once, however many they had.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Pace, PaceReason};
use crate::domain::phone::{PersonKey, Phone};

/// How long a person counts.
pub const PEOPLE_DAY: TimeDelta = TimeDelta::hours(24);

/// Who was written to within the day. Without a limit nobody is remembered.
#[derive(Debug, Clone, Default)]
pub struct PeopleWindow {
    limit: Option<u32>,
    last: HashMap<PersonKey, DateTime<Utc>>,
    /// The same by time.
    order: BTreeSet<(DateTime<Utc>, PersonKey)>,
    /// Messages of the day before the newest: one of them counts again where that is withdrawn.
    earlier: BTreeSet<(PersonKey, DateTime<Utc>)>,
}

impl PeopleWindow {
    pub const fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// Goes on under another limit; without one everybody is forgotten.
    pub fn set_limit(&mut self, limit: Option<u32>) {
        if limit.is_none() {
            *self = Self::default();
        }
        self.limit = limit;
    }

    /// A message to this number went, or may have gone, at this time; of several the newest counts.
    pub fn posted(&mut self, phone: &Phone, at: DateTime<Utc>) {
        let (Some(_), Some(key)) = (self.limit, phone.key()) else { return };
        match self.last.get(&key).copied() {
            Some(known) if known == at => return,
            Some(known) if known > at => {
                self.earlier.insert((key, at));
                return;
            }
            Some(known) => {
                self.order.remove(&(known, key));
                self.earlier.insert((key, known));
                self.forget_earlier(key, at - PEOPLE_DAY);
            }
            None => {}
        }
        self.last.insert(key, at);
        self.order.insert((at, key));
    }

    /// The message recorded at that time is known not to have been accepted: the one before it counts, if there was one.
    pub fn withdrawn(&mut self, phone: &Phone, at: DateTime<Utc>) {
        let Some(key) = phone.key() else { return };
        if !self.order.remove(&(at, key)) {
            self.earlier.remove(&(key, at));
            return;
        }
        self.last.remove(&key);
        let before = self.earlier_of(key, at).next_back().copied();
        if let Some((_, before)) = before {
            self.earlier.remove(&(key, before));
            self.last.insert(key, before);
            self.order.insert((before, key));
        }
    }

    /// A person's earlier messages up to a time.
    fn earlier_of(
        &self,
        key: PersonKey,
        until: DateTime<Utc>,
    ) -> impl DoubleEndedIterator<Item = &(PersonKey, DateTime<Utc>)> {
        self.earlier.range((key, DateTime::<Utc>::MIN_UTC)..=(key, until))
    }

    fn forget_earlier(&mut self, key: PersonKey, until: DateTime<Utc>) {
        let over: Vec<_> = self.earlier_of(key, until).copied().collect();
        for message in over {
            self.earlier.remove(&message);
        }
    }

    /// How many more people may be written to; `None`: any number.
    pub fn left(&mut self, now: DateTime<Utc>) -> Option<u32> {
        let limit = self.limit?;
        while let Some((at, key)) = self.order.first().copied().filter(|(at, _)| *at + PEOPLE_DAY <= now) {
            self.order.remove(&(at, key));
            self.last.remove(&key);
            self.forget_earlier(key, at);
        }
        Some(limit.saturating_sub(u32::try_from(self.order.len()).unwrap_or(u32::MAX)))
    }

    /// Whether another person may be written to, and if not, when: once enough people count no more.
    pub fn next(&mut self, now: DateTime<Utc>) -> Pace {
        let Some(limit) = self.limit.filter(|_| self.left(now) == Some(0)) else { return Pace::Go };
        // Under a limit that was lowered several have to go first.
        let over = self.order.len() - usize::try_from(limit).unwrap_or(usize::MAX).min(self.order.len());
        let until = self.order.iter().nth(over).map_or(now + PEOPLE_DAY, |(at, _)| *at + PEOPLE_DAY);
        Pace::Wait { until, reason: PaceReason::People { limit } }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minutes * 60, 0).unwrap()
    }

    fn phone(n: u32) -> Phone {
        Phone::parse(&format!("+60100{n:06}"), "MY".parse().unwrap()).unwrap()
    }

    fn of(limit: u32) -> PeopleWindow {
        let mut window = PeopleWindow::default();
        window.set_limit(Some(limit));
        window
    }

    #[test]
    fn a_full_day_waits_until_the_first_person_counts_no_more() {
        let mut window = of(2);
        window.posted(&phone(1), at(0));
        window.posted(&phone(2), at(30));
        window.posted(&phone(2), at(60));

        let day = 24 * 60;
        assert_eq!(window.next(at(60)), Pace::Wait { until: at(day), reason: PaceReason::People { limit: 2 } });
        assert_eq!((window.next(at(day)), window.left(at(day))), (Pace::Go, Some(1)));
        assert_eq!(window.left(at(day + 59)), Some(1), "the newest message counts");
        assert_eq!(window.left(at(day + 60)), Some(2));
    }

    #[test]
    fn a_refused_message_counts_nobody_and_a_lowered_limit_waits_for_several() {
        let mut window = of(3);
        for n in 1..=3 {
            window.posted(&phone(n), at(i64::from(n)));
        }
        window.withdrawn(&phone(3), at(3));
        assert_eq!(window.left(at(4)), Some(1));
        window.posted(&phone(3), at(3));

        window.set_limit(Some(1));

        let Pace::Wait { until, .. } = window.next(at(4)) else { panic!("it is full") };
        assert_eq!(until, at(24 * 60 + 3), "all three have to go first");
        window.set_limit(None);
        assert_eq!((window.next(at(4)), window.left(at(4))), (Pace::Go, None));
    }

    #[test]
    fn a_refused_message_leaves_whoever_had_one_before_it() {
        let mut window = of(2);
        for minute in [0, 30, 60] {
            window.posted(&phone(1), at(minute));
        }

        window.withdrawn(&phone(1), at(60));
        assert_eq!(window.left(at(61)), Some(1), "they had two before");
        window.withdrawn(&phone(1), at(0));
        assert_eq!(window.left(at(24 * 60 + 29)), Some(1), "by the one that is left");
        assert_eq!(window.left(at(24 * 60 + 30)), Some(2));

        window.posted(&phone(2), at(3_000));
        window.posted(&phone(2), at(2_990));
        window.withdrawn(&phone(2), at(3_000));
        assert_eq!(window.left(at(3_001)), Some(1), "also where that was read later");
        window.withdrawn(&phone(2), at(2_990));
        assert_eq!(window.left(at(3_001)), Some(2));
        assert!(window.earlier.is_empty() && window.last.is_empty());
    }

    proptest! {
        #[test]
        fn no_moving_day_has_more_people_than_its_limit(
            limit in 1..6_u32, posts in proptest::collection::vec((0..12_u32, 0..400_i64), 0..60),
        ) {
            let (mut window, mut now, mut sent) = (of(limit), 0, Vec::new());
            for (person, pause) in posts {
                now += pause;
                if window.next(at(now)) == Pace::Go {
                    window.posted(&phone(person), at(now));
                    sent.push((now, person));
                }
                let within = sent.iter().filter(|(then, _)| now - then < 24 * 60).map(|(_, person)| *person);
                let people: std::collections::HashSet<u32> = within.collect();
                prop_assert!(people.len() <= limit as usize);
            }
        }
    }
}

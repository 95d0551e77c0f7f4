//! The pair gap: the shortest time between two messages of a sender to the same person, whichever blast
//! they are of, and whichever way their number is spelled.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Speed, pacer::later};
use crate::domain::phone::{PersonKey, Phone};

/// When each person was last posted to, as long as that still counts.
#[derive(Debug, Clone, Default)]
pub struct RecipientCooldown {
    /// `None`: no gap, and nothing is remembered.
    gap: Option<Duration>,
    last: HashMap<PersonKey, DateTime<Utc>>,
    /// Once this many are remembered, those whose gap is over are dropped.
    forget_at: usize,
}

const FORGET_AT: usize = 10_000;

impl RecipientCooldown {
    /// Without any past posts. In a rehearsal the gap shrinks like all others.
    pub fn new(gap: Option<Duration>, speed: Speed) -> Self {
        Self { gap: gap.map(|gap| speed.shrink(gap)), last: HashMap::new(), forget_at: FORGET_AT }
    }

    /// How far back attempts still count; `None` without a gap.
    pub fn reach(&self) -> Option<TimeDelta> {
        self.gap.and_then(|gap| TimeDelta::from_std(gap).ok())
    }

    /// Until when this number must not be posted to; `None` when it may now.
    pub fn closed_until(&self, phone: &Phone, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let gap = self.gap?;
        let until = later(*self.last.get(&phone.key()?)?, gap);
        Some(until).filter(|until| *until > now)
    }

    /// A POST to this number went, or may have gone.
    pub fn posted(&mut self, phone: &Phone, at: DateTime<Utc>) {
        let (Some(gap), Some(key)) = (self.gap, phone.key()) else { return };
        let last = self.last.entry(key).or_insert(at);
        *last = at.max(*last);
        if self.last.len() >= self.forget_at {
            self.last.retain(|_, last| later(*last, gap) > at);
            self.forget_at = FORGET_AT.max(self.last.len() * 2);
        }
    }

    /// The POST recorded at that time did not go after all.
    pub fn withdrawn(&mut self, phone: &Phone, at: DateTime<Utc>) {
        if let Some(key) = phone.key()
            && self.last.get(&key) == Some(&at)
        {
            self.last.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::{FORGET_AT, RecipientCooldown, Speed};
    use crate::domain::phone::{Phone, Region};

    fn phone(n: usize) -> Phone {
        Phone::parse(&format!("+60100{n:06}"), Region::MALAYSIA).unwrap()
    }

    fn noon() -> DateTime<Utc> {
        "2026-06-15T04:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_number_is_closed_until_its_gap_is_over_and_others_are_not() {
        let mut cooldown = RecipientCooldown::new(Some(Duration::from_secs(600)), Speed::REAL);
        cooldown.posted(&phone(1), noon());

        let over = noon() + TimeDelta::minutes(10);
        assert_eq!(cooldown.closed_until(&phone(1), noon() + TimeDelta::minutes(9)), Some(over));
        assert_eq!(cooldown.closed_until(&phone(1), over), None);
        assert_eq!(cooldown.closed_until(&phone(2), noon()), None);
    }

    #[test]
    fn what_did_not_go_after_all_closes_nothing_and_older_news_nothing_longer() {
        let mut cooldown = RecipientCooldown::new(Some(Duration::from_secs(600)), Speed::REAL);
        cooldown.posted(&phone(1), noon());
        cooldown.posted(&phone(1), noon() - TimeDelta::minutes(5));
        assert_eq!(cooldown.closed_until(&phone(1), noon()), Some(noon() + TimeDelta::minutes(10)));

        cooldown.withdrawn(&phone(1), noon() - TimeDelta::minutes(5));
        assert!(cooldown.closed_until(&phone(1), noon()).is_some(), "another POST's time");
        cooldown.withdrawn(&phone(1), noon());
        assert_eq!(cooldown.closed_until(&phone(1), noon()), None);
    }

    #[test]
    fn one_person_under_two_spellings_has_one_gap() {
        let spelled = |text| Phone::parse(text, Region::MALAYSIA).unwrap();
        let mut cooldown = RecipientCooldown::new(Some(Duration::from_secs(600)), Speed::REAL);

        cooldown.posted(&spelled("+5548987654321"), noon());

        let over = noon() + TimeDelta::minutes(10);
        assert_eq!(cooldown.closed_until(&spelled("+554887654321"), noon()), Some(over));
    }

    #[test]
    fn numbers_whose_gap_is_over_are_forgotten() {
        let mut cooldown = RecipientCooldown::new(Some(Duration::from_secs(1)), Speed::REAL);
        for n in 0..3 * FORGET_AT {
            cooldown.posted(&phone(n), noon() + TimeDelta::milliseconds(i64::try_from(n).unwrap()));
        }
        assert!(cooldown.last.len() <= FORGET_AT, "{}", cooldown.last.len());
    }

    #[test]
    fn without_a_gap_nothing_is_remembered() {
        let mut cooldown = RecipientCooldown::new(None, Speed::REAL);
        cooldown.posted(&phone(1), noon());
        assert!(cooldown.last.is_empty());
        assert_eq!((cooldown.closed_until(&phone(1), noon()), cooldown.reach()), (None, None));
    }
}

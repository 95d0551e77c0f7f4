//! Follow-ups: who is left out of one, and how long people have to be stuck.

use chrono::TimeDelta;

/// Why somebody who is stuck gets no follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeftOut {
    OptedOut,
    /// Bought after this blast's message, by the word of another blast, or at another number of theirs in any.
    Bought,
    /// Replied in the blast that this one follows, or in one that that follows.
    Replied,
    /// In a follow-up of this blast already.
    Followed,
}

impl LeftOut {
    /// In the order of their weight: whoever opted out is counted there, whatever else is true of them.
    pub const ALL: [Self; 4] = [Self::OptedOut, Self::Bought, Self::Replied, Self::Followed];

    /// As the store spells it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::Bought => "bought",
            Self::Replied => "replied",
            Self::Followed => "followed",
        }
    }

    /// After a number of people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OptedOut => "opted out",
            Self::Bought => "bought since",
            Self::Replied => "replied in the blast that it follows",
            Self::Followed => "in a follow-up of this blast already",
        }
    }
}

/// The ages that a follow-up may be chosen by, in minutes; the first is everybody.
const AGE_MINUTES: [i64; 10] = [0, 15, 30, 60, 180, 720, 1_440, 2_880, 4_320, 10_080];

/// The ages to choose from, ascending.
pub fn ages() -> Vec<TimeDelta> {
    AGE_MINUTES.iter().map(|minutes| TimeDelta::minutes(*minutes)).collect()
}

/// The age that is proposed, an index into [`ages`]: a day.
pub const PROPOSED_AGE: usize = 6;

/// How many people are stuck for at least so long, and for which reasons some of them are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AgeCount {
    pub stuck: i64,
    pub left_out: Vec<(LeftOut, i64)>,
    /// Those who get it, wrote something and are not marked as replied.
    pub unmarked: i64,
}

impl AgeCount {
    /// How many get the follow-up.
    pub fn gets(&self) -> i64 {
        self.stuck - self.left_out.iter().map(|(_, people)| people).sum::<i64>()
    }

    pub fn add(&mut self, reason: Option<LeftOut>, people: i64) {
        self.stuck += people;
        let Some(reason) = reason else { return };
        match self.left_out.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += people,
            None => self.left_out.push((reason, people)),
        }
        self.left_out.sort_by_key(|(reason, _)| LeftOut::ALL.iter().position(|other| other == reason));
    }
}

#[cfg(test)]
mod tests {
    use super::{AGE_MINUTES, AgeCount, LeftOut, PROPOSED_AGE, ages};

    #[test]
    fn whoever_is_left_out_is_counted_once_and_the_numbers_add_up() {
        let mut count = AgeCount::default();
        count.add(None, 35);
        count.add(Some(LeftOut::Followed), 2);
        count.add(Some(LeftOut::OptedOut), 3);
        count.add(Some(LeftOut::Followed), 1);

        assert_eq!((count.stuck, count.gets()), (41, 35));
        assert_eq!(count.left_out, [(LeftOut::OptedOut, 3), (LeftOut::Followed, 3)]);
    }

    #[test]
    fn the_proposed_age_is_a_day_and_the_ages_ascend() {
        assert_eq!(ages()[PROPOSED_AGE], chrono::TimeDelta::hours(24));
        assert!(AGE_MINUTES.is_sorted());
    }
}

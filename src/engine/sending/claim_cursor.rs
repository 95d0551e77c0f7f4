//! Where the claims of a blast are in its to-do list: each goes on behind the one before, and begins at the start now and
//! then, for those who were passed by (locked by somebody) or given back.

use std::time::{Duration, Instant};

use crate::store::claim::{Claimed, QueuePosition};

/// Whoever was passed by waits no longer than this.
const FROM_START_EVERY: Duration = Duration::from_secs(5);

/// A place in one blast's list, and when the walk there began.
pub(super) struct ClaimCursor {
    place: Option<QueuePosition>,
    began: Instant,
}

impl Default for ClaimCursor {
    fn default() -> Self {
        Self { place: None, began: Instant::now() }
    }
}

impl ClaimCursor {
    /// Behind whom the next claim looks; `None`: from the start.
    pub(super) fn next(&mut self) -> Option<QueuePosition> {
        if self.began.elapsed() >= FROM_START_EVERY {
            *self = Self::default();
        }
        self.place
    }

    /// After a claim of at most `wanted`. One that found fewer came to the end of those who are due.
    pub(super) fn moved(&mut self, people: &[Claimed], wanted: usize) {
        let last = people.iter().map(Claimed::place).max();
        self.place = last.filter(|_| people.len() >= wanted);
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, Utc};

    use super::*;
    use crate::domain::ids::RecipientId;
    use crate::domain::phone::{Phone, Region};

    fn claimed(id: i64, due_in: i64) -> Claimed {
        Claimed {
            id: RecipientId(id),
            attempt: 1,
            phone_number: Phone::parse("0100123456", Region::MALAYSIA).unwrap(),
            name: None,
            variables: None,
            next_attempt_at: Utc::now() + TimeDelta::seconds(due_in),
            claimed_at: Utc::now(),
            epoch: 1,
            is_fresh: false,
        }
    }

    #[test]
    fn the_next_claim_goes_on_behind_the_last_person_in_the_lists_order() {
        let mut cursor = ClaimCursor::default();
        let people = [claimed(3, 60), claimed(8, 0)];

        cursor.moved(&people, 2);

        assert_eq!(cursor.next(), Some(people[0].place()));
    }

    #[test]
    fn a_claim_that_came_to_the_end_or_is_long_ago_is_followed_by_one_from_the_start() {
        let mut cursor = ClaimCursor::default();
        cursor.moved(&[claimed(3, 0)], 2);
        assert_eq!(cursor.next(), None);

        cursor.moved(&[claimed(3, 0), claimed(4, 0)], 2);
        cursor.began -= FROM_START_EVERY;

        assert_eq!(cursor.next(), None);
    }
}

//! Which attempts answers are about.

use std::collections::BTreeMap;

use crate::domain::ids::RecipientId;

/// The attempt of each uncertain person that whoever answers was shown. An answer about it says nothing of a later one. About whoever is
/// not in here the answer is of their newest attempt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownAttempts(BTreeMap<RecipientId, i32>);

impl ShownAttempts {
    /// Of one person, where it is known.
    pub fn of_one(person: RecipientId, attempt: Option<i32>) -> Self {
        attempt.map(|attempt| (person, attempt)).into_iter().collect()
    }

    /// The one that was shown of somebody.
    pub fn of(&self, person: RecipientId) -> Option<i32> {
        self.0.get(&person).copied()
    }

    /// Adds those of whom none is known yet: what was shown first stays.
    pub fn add_missing(&mut self, others: &Self) {
        for (person, attempt) in &others.0 {
            self.0.entry(*person).or_insert(*attempt);
        }
    }
}

impl FromIterator<(RecipientId, i32)> for ShownAttempts {
    fn from_iter<I: IntoIterator<Item = (RecipientId, i32)>>(attempts: I) -> Self {
        Self(attempts.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_first_of_somebody_stays() {
        let mut shown: ShownAttempts = [(RecipientId(1), 1)].into_iter().collect();

        shown.add_missing(&[(RecipientId(1), 2), (RecipientId(2), 3)].into_iter().collect());

        assert_eq!([1, 2, 3].map(|id| shown.of(RecipientId(id))), [Some(1), Some(3), None]);
    }
}

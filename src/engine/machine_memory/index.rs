//! Whom a journal names, in memory: whether an attempt that a claim comes with was posted before.

use std::collections::HashMap;

use super::journal::FORGOTTEN;
use crate::domain::ids::RecipientId;
use crate::store::fence::PostedAttempt;

/// The older half is dropped once the newer one holds so many: about as many as the journal keeps. As many as fit a map of 131,072 buckets
/// of 25 bytes; one more would double it. 6.6 MB at most.
const HALF: usize = 131_072 / 8 * 7;

/// The newest attempt of each recipient that this machine posted to.
#[derive(Debug, Default)]
pub(super) struct PostedIndex {
    newer: HashMap<RecipientId, (i32, u64)>,
    older: HashMap<RecipientId, (i32, u64)>,
}

impl PostedIndex {
    pub(super) fn insert(&mut self, posted: &PostedAttempt) {
        if self.newer.len() >= HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(posted.recipient, (posted.attempt, posted.phone));
    }

    /// Whether this attempt, or a later one, was posted to the same number before. Attempts are numbered upwards: a database
    /// that counts one again has gone back in time, as a whole or for this recipient.
    pub(super) fn has(&self, claimed: &PostedAttempt) -> bool {
        let known = self.newer.get(&claimed.recipient).or_else(|| self.older.get(&claimed.recipient));
        known.is_some_and(|(attempt, phone)| *attempt >= claimed.attempt && [claimed.phone, FORGOTTEN].contains(phone))
    }
}

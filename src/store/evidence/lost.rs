//! Late failures that a code would have tried again by themselves. Whoever would get a message that lost the number of somebody who was
//! forgotten stays failed: nobody said yes to those words.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::EvidenceEntry;
use crate::domain::ids::RecipientId;
use crate::store::{StoreError, forget};

/// Why somebody who failed is not tried again by themselves.
const WITHOUT_NUMBER: &str =
    "not tried again: the message would go without the number of somebody who was forgotten since";

/// Whose message lost a number, among those who failed late.
#[derive(Debug, Default)]
pub(super) struct LostNumbers {
    people: HashSet<RecipientId>,
    /// Somebody is being forgotten: whose message loses their number is known once they are.
    is_open: bool,
}

impl LostNumbers {
    /// Nobody is forgotten from here on until the transaction ends, where somebody failed late. Nothing is waited for.
    pub async fn among(tx: &mut PgConnection, entries: &[EvidenceEntry]) -> Result<Self, StoreError> {
        let failed = entries.iter().filter(|entry| entry.is_late_failure()).map(|entry| entry.recipient);
        let failed: Vec<RecipientId> = failed.collect();
        if failed.is_empty() {
            return Ok(Self::default());
        }
        if !forget::try_share_lists(tx).await? {
            return Ok(Self { is_open: true, ..Self::default() });
        }
        let people = forget::lost_words(tx, &failed).await?.into_iter().collect();
        Ok(Self { people, is_open: false })
    }

    /// Whether an entry has to wait until that is known.
    pub fn is_open_for(&self, entry: &EvidenceEntry) -> bool {
        self.is_open && entry.is_late_failure()
    }

    /// Why its person is not tried again, where they are not.
    pub fn why(&self, entry: &EvidenceEntry) -> Option<&'static str> {
        self.people.contains(&entry.recipient).then_some(WITHOUT_NUMBER)
    }
}

//! Late failures that a code would have tried again by themselves, and opt-outs that are taken back. Whoever would get a message that lost
//! the number of somebody who was forgotten stays failed, or is left out: nobody said yes to those words.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::EvidenceEntry;
use crate::domain::ids::RecipientId;
use crate::store::{StoreError, forget};

/// Why somebody who failed is not tried again by themselves.
const WITHOUT_NUMBER: &str =
    "not tried again: the message would go without the number of somebody who was forgotten since";

/// Why somebody whose opt-out is taken back is left out.
const LEFT_OUT: &str =
    "opt-out taken back: not sent, the message would go without the number of somebody who was forgotten since";

/// Whose message lost a number, among those who failed late, or are allowed again.
#[derive(Debug, Default)]
pub(super) struct LostNumbers {
    people: HashSet<RecipientId>,
    /// Somebody is being forgotten: whose message loses their number is known once they are.
    is_open: bool,
}

impl LostNumbers {
    /// Where somebody failed late, nobody is forgotten from here on until the transaction ends. Nothing is waited for: whoever is allowed again
    /// by their own word is so at once, whoever else is being forgotten.
    pub async fn among(tx: &mut PgConnection, entries: &[EvidenceEntry]) -> Result<Self, StoreError> {
        let sent_to = entries.iter().filter(|entry| may_send(entry)).map(|entry| entry.recipient);
        let sent_to: Vec<RecipientId> = sent_to.collect();
        if sent_to.is_empty() {
            return Ok(Self::default());
        }
        let is_open = entries.iter().any(EvidenceEntry::is_late_failure) && !forget::try_share_lists(tx).await?;
        let people = forget::lost_words(tx, &sent_to).await?.into_iter().collect();
        Ok(Self { people, is_open })
    }

    /// Whether an entry has to wait until that is known.
    pub fn is_open_for(&self, entry: &EvidenceEntry) -> bool {
        self.is_open && entry.is_late_failure()
    }

    /// Why its person is not sent to again, where they are not.
    pub fn why(&self, entry: &EvidenceEntry) -> Option<&'static str> {
        let why = if entry.is_late_failure() { WITHOUT_NUMBER } else { LEFT_OUT };
        self.people.contains(&entry.recipient).then_some(why)
    }
}

/// Whether a message may go out by it that nobody says yes to.
const fn may_send(entry: &EvidenceEntry) -> bool {
    entry.is_late_failure() || entry.takes_opt_out_back()
}

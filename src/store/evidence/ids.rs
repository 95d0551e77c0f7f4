//! Message ids are unique per sender. One that another message has already is not taken from the later one's answer:
//! it would get the first one's statuses.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::PgConnection;

use super::write::{column, storable};
use super::{AttemptAnswer, EvidenceEntry};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Evidence;
use crate::store::StoreError;

/// A message id of a sender.
type SenderMessageId = (i64, String);
/// The attempt that an id belongs to.
type AttemptKey = (RecipientId, i32);

/// The entries, those with an id that is not theirs without it, and flagged.
pub(super) async fn without_taken<'a>(
    tx: &mut PgConnection,
    entries: &'a [EvidenceEntry],
) -> Result<Cow<'a, [EvidenceEntry]>, StoreError> {
    let answered: Vec<(&EvidenceEntry, &AttemptAnswer)> =
        entries.iter().filter_map(|entry| entry.answer.as_ref().map(|answer| (entry, answer))).collect();
    let owners = owners(tx, &answered).await?;
    let is_taken = |entry: &EvidenceEntry| {
        let owner = entry.answer.as_ref().and_then(id_of).and_then(|id| owners.get(&id).copied());
        owner.is_some_and(|owner| owner != entry.of())
    };
    if !entries.iter().any(is_taken) {
        return Ok(Cow::Borrowed(entries));
    }
    Ok(entries.iter().map(|entry| if is_taken(entry) { without_id(entry) } else { entry.clone() }).collect())
}

fn without_id(entry: &EvidenceEntry) -> EvidenceEntry {
    let mut entry = entry.clone();
    if let Some(answer) = &mut entry.answer {
        answer.message_id = None;
        answer.flagged = Some("its id belongs to another message of this sender");
    }
    if let Evidence::Accepted { message_id, .. } = &mut entry.stamped.evidence {
        *message_id = None;
    }
    entry
}

fn id_of(answer: &AttemptAnswer) -> Option<SenderMessageId> {
    answer.message_id.as_ref().map(|id| (answer.sender.0, storable(id.as_str()).into_owned()))
}

/// Whose each id of this batch is: who stored it first, in the table or earlier in the batch.
async fn owners(
    tx: &mut PgConnection,
    answered: &[(&EvidenceEntry, &AttemptAnswer)],
) -> Result<HashMap<SenderMessageId, AttemptKey>, StoreError> {
    let ids: Vec<SenderMessageId> = answered.iter().filter_map(|(_, answer)| id_of(answer)).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let stored: Vec<(i64, String, RecipientId, i32)> = sqlx::query_as(
        "select sender_id, message_id, recipient_id, attempt from provider_message
          where sender_id = any($1) and message_id = any($2)",
    )
    .bind(column(&ids, |id| id.0))
    .bind(column(&ids, |id| id.1.clone()))
    .fetch_all(tx)
    .await?;
    let mut owners: HashMap<SenderMessageId, AttemptKey> =
        stored.into_iter().map(|(s, id, person, n)| ((s, id), (person, n))).collect();
    for (entry, answer) in answered {
        if let Some(id) = id_of(answer) {
            owners.entry(id).or_insert_with(|| entry.of());
        }
    }
    Ok(owners)
}

//! What is here and not applied yet, of attempts whose outcome is not known.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::domain::ids::RecipientId;
use crate::domain::phone::Phone;
use crate::store::StoreError;

/// An attempt by all that a webhook may name it by.
#[derive(Debug, Clone)]
pub struct NamedAttempt {
    pub recipient: RecipientId,
    /// What its callback data begins with.
    pub callback: String,
    pub message_id: Option<String>,
    pub phone: Phone,
}

/// Who of these is named by a request that is not applied yet. A new one may name them in any way; one that waits, by their attempt: of a
/// message that nobody knows, or of a reply that waits for a decision about this very attempt, nothing more becomes known.
///
/// Reads all of the backlog: for what is rare, and not to be got wrong.
pub async fn unapplied(tx: &mut PgConnection, attempts: &[NamedAttempt]) -> Result<BTreeSet<RecipientId>, StoreError> {
    let named: Vec<i64> = sqlx::query_scalar(
        "select a.id
           from unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) as a (id, callback, message_id, number)
          where exists (select from webhook_inbox w
                         where w.state in ('new', 'parked')
                           and (position(convert_to(a.callback, 'UTF8') in w.body) > 0
                                or w.state = 'new' and (position(convert_to(nullif(a.message_id, ''), 'UTF8') in w.body) > 0
                                                        or position(convert_to(nullif(a.number, ''), 'UTF8') in w.body) > 0)))",
    )
    .bind(attempts.iter().map(|named| named.recipient.0).collect::<Vec<_>>())
    .bind(attempts.iter().map(|named| named.callback.as_str()).collect::<Vec<_>>())
    .bind(attempts.iter().map(|named| named.message_id.as_deref()).collect::<Vec<_>>())
    .bind(attempts.iter().map(|named| named.phone.digits()).collect::<Vec<_>>())
    .fetch_all(tx)
    .await?;
    Ok(named.into_iter().map(RecipientId).collect())
}

//! The messages of a blast, as people have them: what was sent to them and what they wrote.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::view::export;

/// A message that was sent, or tried.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SentMessage {
    pub id: RecipientId,
    pub phone_number: Phone,
    /// What the program that made the recipient calls them.
    pub external_id: Option<String>,
    /// The attempt that its id is of.
    pub attempt: i32,
    pub status: Status,
    pub message_id: Option<String>,
    pub message_text: Option<String>,
    pub is_template: bool,
    pub sent_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub changed_at: DateTime<Utc>,
}

/// Where a person is to whom something was sent.
const SENT: [Status; 7] =
    [Status::Sent, Status::Delivered, Status::Read, Status::Replied, Status::Closed, Status::Failed, Status::Uncertain];

/// The messages of a blast to people behind `after`, in the order of their rows.
pub async fn sent(
    pool: &PgPool,
    blast: BlastId,
    after: RecipientId,
    limit: i64,
) -> Result<Vec<SentMessage>, StoreError> {
    let ids = export::ids_after(pool, blast, &SENT, Some(after), limit).await?;
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let messages = sqlx::query_as(
        "select r.id, r.phone_number, r.external_id, r.attempt, r.status::text as status, r.message_id, r.message_text, b.template is not null as is_template,
                r.sent_at, r.delivered_at, r.read_timestamp as read_at, r.failed_at, r.error_code, r.error_message, r.changed_at
           from blast_recipients r join blasts b on b.id = r.blast_id
          where r.id = any($1) order by r.id",
    );
    Ok(messages.bind(ids).fetch_all(pool).await?)
}

/// What the programs that made recipients call them, of those that have such an id.
pub async fn external_ids(pool: &PgPool, recipients: &[RecipientId]) -> Result<Vec<(RecipientId, String)>, StoreError> {
    let ids: Vec<i64> = recipients.iter().map(|id| id.0).collect();
    let found =
        sqlx::query_as("select id, external_id from blast_recipients where id = any($1) and external_id is not null");
    Ok(found.bind(ids).fetch_all(pool).await?)
}

//! One person as use cases look at them, with what surrounds them.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::StoreError;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;

/// Somebody in a blast, the sender's business included.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Person {
    pub id: RecipientId,
    pub blast_id: BlastId,
    pub phone_number: Phone,
    pub name: Option<String>,
    pub status: Status,
    pub attempt: i32,
    pub closed_at: Option<DateTime<Utc>>,
    pub amount: Option<Decimal>,
    pub note: Option<String>,
    pub business: String,
    pub is_suppressed: bool,
}

impl Person {
    /// The name, else the number as people read it.
    pub fn who(&self) -> String {
        let name = self.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        name.map_or_else(|| self.phone_number.to_string(), str::to_owned)
    }
}

pub async fn get(tx: &mut PgConnection, id: RecipientId) -> Result<Option<Person>, StoreError> {
    let person = sqlx::query_as(
        "select r.id, r.blast_id, r.phone_number, r.name, r.status, r.attempt, r.closed_at, r.amount, r.note, s.business,
                exists (select 1 from suppressions x
                         where x.phone_number = r.phone_number and x.business in (s.business, '*')) as is_suppressed
           from blast_recipients r join blasts b on b.id = r.blast_id join senders s on s.id = b.sender_id
          where r.id = $1",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    Ok(person)
}

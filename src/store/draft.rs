//! Changes of drafts.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::StoreError;
use super::claim::{ClaimTx, Claimed};
use crate::domain::field_change::FieldChange;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;

/// New values of columns; `None` leaves one as it is.
#[derive(Debug, Clone, Default)]
pub struct DraftChange {
    pub tag: Option<String>,
    pub follow_up_stage: Option<String>,
    pub description: Option<String>,
    pub external_id: Option<String>,
    pub message: Option<String>,
    pub template: FieldChange<Value>,
    pub rate: FieldChange<String>,
    pub gap: FieldChange<String>,
    pub window: FieldChange<String>,
    pub weekdays: FieldChange<String>,
    pub timezone: FieldChange<String>,
    pub start: FieldChange<(DateTime<Utc>, Option<NaiveDateTime>)>,
}

/// Locks the blast's row, before its people.
pub async fn lock(tx: &mut PgConnection, id: BlastId) -> Result<(), StoreError> {
    sqlx::query("select 1 from blasts where id = $1 for update").bind(id).execute(tx).await?;
    Ok(())
}

/// Changes a draft that has this version. `false`: somebody was first.
pub async fn change(tx: &mut PgConnection, id: BlastId, version: i64, to: DraftChange) -> Result<bool, StoreError> {
    let start = to.start.value();
    let done = sqlx::query(
        "update blasts
            set blast_tag = coalesce($3, blast_tag), follow_up_stage = coalesce($4, follow_up_stage),
                description = coalesce($5, description), external_id = coalesce($6, external_id),
                message = coalesce($7, message), template = case when $8 then $9 else template end,
                rate = case when $10 then $11 else rate end, gap = case when $12 then $13 else gap end,
                send_window = case when $14 then $15 else send_window end,
                weekdays = case when $16 then $17 else weekdays end, timezone = case when $18 then $19 else timezone end,
                scheduled_for = case when $20 then $21 else scheduled_for end,
                scheduled_local = case when $20 then $22 else scheduled_local end,
                send_after = case when $20 and state = 'scheduled' then $21 else send_after end,
                version = version + 1, updated_at = now()
          where id = $1 and version = $2",
    )
    .bind(id)
    .bind(version)
    .bind(to.tag)
    .bind(to.follow_up_stage)
    .bind(to.description)
    .bind(to.external_id)
    .bind(to.message)
    .bind(!to.template.is_keep())
    .bind(to.template.value())
    .bind(!to.rate.is_keep())
    .bind(to.rate.value())
    .bind(!to.gap.is_keep())
    .bind(to.gap.value())
    .bind(!to.window.is_keep())
    .bind(to.window.value())
    .bind(!to.weekdays.is_keep())
    .bind(to.weekdays.value())
    .bind(!to.timezone.is_keep())
    .bind(to.timezone.value())
    .bind(!to.start.is_keep())
    .bind(start.map(|(at, _)| at))
    .bind(start.and_then(|(_, local)| local))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A blast's people as a claim would have them, by id, at most `limit` after `after`.
pub async fn people(
    tx: &mut PgConnection,
    id: BlastId,
    after: Option<RecipientId>,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let rows = sqlx::query(
        "select id, attempt, phone_number, name, variables, next_attempt_at from blast_recipients
          where blast_id = $1 and status = 'queued' and id > $2
          order by status, id limit $3",
    )
    .bind(id)
    .bind(after.map_or(0, |after| after.0))
    .bind(limit)
    .fetch_all(tx)
    .await?;
    // Nobody is claimed.
    let nobody = Arc::new(ClaimTx { at: DateTime::UNIX_EPOCH, transaction: None });
    let person = |row: &PgRow| Claimed::from_row(row, nobody.clone());
    Ok(rows.iter().map(person).collect::<Result<_, sqlx::Error>>()?)
}

/// Takes people out, in either spelling of their number. Returns how many were in.
pub async fn remove(tx: &mut PgConnection, id: BlastId, phones: &[Phone]) -> Result<u64, StoreError> {
    let phones: Vec<&str> = phones.iter().map(Phone::as_str).collect();
    let removed: i64 = sqlx::query_scalar(
        "with removed as (
             delete from blast_recipients
              where blast_id = $1 and person_key(phone_number) in (select person_key(phone) from unnest($2::text[]) as phone)
             returning 1)
         update blasts
            set total_recipients = total_recipients - (select count(*) from removed), version = version + 1, updated_at = now()
          where id = $1
         returning (select count(*) from removed)",
    )
    .bind(id)
    .bind(phones)
    .fetch_one(tx)
    .await?;
    Ok(removed.unsigned_abs())
}

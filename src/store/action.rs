//! Operator actions: who did what, from where, and what was taken back.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};

use super::StoreError;
use crate::domain::ids::{ActionId, BlastId, RecipientId};

/// An act to log.
#[derive(Debug, Clone)]
pub struct NewAction<'a> {
    pub operator: &'a str,
    pub action: &'a str,
    pub blast: Option<BlastId>,
    pub recipient: Option<RecipientId>,
    pub phone: Option<&'a str>,
    /// What an undo needs to know.
    pub detail: Value,
}

/// An act as logged.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Action {
    pub id: ActionId,
    pub at: DateTime<Utc>,
    pub operator: String,
    pub action: String,
    pub blast_id: Option<BlastId>,
    pub recipient_id: Option<RecipientId>,
    pub detail: Value,
}

pub async fn log(tx: &mut PgConnection, new: NewAction<'_>) -> Result<ActionId, StoreError> {
    let id = sqlx::query_scalar(
        "insert into operator_actions (operator, action, blast_id, recipient_id, phone_number, detail)
         values ($1, $2, $3, $4, $5, $6) returning id",
    )
    .bind(new.operator)
    .bind(new.action)
    .bind(new.blast)
    .bind(new.recipient)
    .bind(new.phone)
    .bind(new.detail)
    .fetch_one(tx)
    .await?;
    Ok(id)
}

/// Adds to an act what was said a moment later; what an undo needs to know of the time before stays.
pub async fn amend(tx: &mut PgConnection, id: ActionId, detail: &Value) -> Result<(), StoreError> {
    sqlx::query("update operator_actions set detail = $2 || detail || jsonb_build_object('amount', $2 -> 'amount') where id = $1")
        .bind(id)
        .bind(detail)
        .execute(tx)
        .await?;
    Ok(())
}

/// An operator's newest act that can be taken back and is not: a mark, or a start of a moment ago (which is
/// refused when it has begun to send, instead of taking an older mark back unasked).
pub async fn newest_of(tx: &mut PgConnection, operator: &str) -> Result<Option<Action>, StoreError> {
    let action = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, detail from operator_actions
          where operator = $1 and undone_at is null
            and (action in ('replied', 'closed', 'opt-out', 'note', 'resolve')
                 or (action in ('launch', 'resume')
                     and at > now() - interval '2 minutes'
                     and exists (select 1 from blasts b where b.id = blast_id and b.state = 'sending')))
          order by id desc limit 1",
    )
    .bind(operator)
    .fetch_optional(tx)
    .await?;
    Ok(action)
}

/// The newest mark on a person that is not taken back.
pub async fn newest_on(tx: &mut PgConnection, recipient: RecipientId) -> Result<Option<Action>, StoreError> {
    let action = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, detail from operator_actions
          where recipient_id = $1 and undone_at is null and action in ('replied', 'closed', 'opt-out', 'note', 'resolve')
          order by id desc limit 1",
    )
    .bind(recipient)
    .fetch_optional(tx)
    .await?;
    Ok(action)
}

/// Who closed a person, if an operator did and it stands.
pub async fn newest_close(tx: &mut PgConnection, recipient: RecipientId) -> Result<Option<Action>, StoreError> {
    let action = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, detail from operator_actions
          where recipient_id = $1 and undone_at is null and action = 'closed' order by id desc limit 1",
    )
    .bind(recipient)
    .fetch_optional(tx)
    .await?;
    Ok(action)
}

/// Notes that an act is taken back. `false`: somebody did that already.
pub async fn mark_undone(tx: &mut PgConnection, id: ActionId, by: &str) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update operator_actions set undone_at = now(), undone_by = $2 where id = $1 and undone_at is null",
    )
    .bind(id)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// When an operator last looked; notes that they look now.
pub async fn seen(pool: &PgPool, operator: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let mut tx = pool.begin().await?;
    let before = sqlx::query_scalar("select seen_at from operator_seen where operator = $1")
        .bind(operator)
        .fetch_optional(&mut *tx)
        .await?;
    sqlx::query(
        "insert into operator_seen (operator) values ($1) on conflict (operator) do update set seen_at = now()",
    )
    .bind(operator)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(before)
}

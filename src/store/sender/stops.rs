//! What stops a sender, and what lets it go on: each is logged beside what operators do, as an edit of the sender with `stopped`.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::domain::act::Actor;
use crate::domain::ids::SenderId;
use crate::domain::sender::StopCode;
use crate::store::StoreError;

/// What became of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOutcome {
    /// The sender was not stopped yet.
    Stopped,
    /// It was: for a token, which is for another process to mend, or for something less grave. Now it is for this.
    Replaced,
    /// It was, and stays so for what it was; or somebody has let it go on from this since it happened.
    StoppedAlready,
}

impl StopOutcome {
    /// Whether the sender is stopped for this from now on.
    pub fn is_news(self) -> bool {
        self != Self::StoppedAlready
    }
}

/// Stops a sender until a person mends what is wrong. Whatever stops a sender comes through here or, for a token, through
/// [`stop_for_token`]: a grave cause replaces one that is not, never the other way round.
pub async fn stop(
    executor: impl PgExecutor<'_>,
    id: SenderId,
    code: &StopCode,
    reason: &str,
) -> Result<StopOutcome, StoreError> {
    stop_as_of(executor, id, (code, reason), Actor::ENGINE, None).await
}

/// The same for a message that failed after it was accepted, `at` this time or some time after it: not where somebody has let the sender go
/// on from this code since. News may come days late, and says nothing of what they have seen to.
pub async fn stop_for_failure(
    executor: impl PgExecutor<'_>,
    id: SenderId,
    cause: (&StopCode, &str),
    at: DateTime<Utc>,
) -> Result<StopOutcome, StoreError> {
    stop_as_of(executor, id, cause, Actor::ENGINE, Some(at)).await
}

/// The same on somebody's word: what let it go on is taken back, and it is stopped `since` the time at which that began.
pub async fn stop_again(
    tx: &mut PgConnection,
    id: SenderId,
    cause: (&StopCode, &str),
    (since, by): (Option<DateTime<Utc>>, &str),
) -> Result<(), StoreError> {
    if stop_as_of(&mut *tx, id, cause, by, None).await?.is_news() {
        sqlx::query("update senders set stopped_at = coalesce($2, stopped_at) where id = $1")
            .bind(id)
            .bind(since)
            .execute(tx)
            .await?;
    }
    Ok(())
}

async fn stop_as_of(
    executor: impl PgExecutor<'_>,
    id: SenderId,
    (code, reason): (&StopCode, &str),
    by: &str,
    at: Option<DateTime<Utc>>,
) -> Result<StopOutcome, StoreError> {
    let was_stopped: Option<bool> = sqlx::query_scalar(
        "with before as (
             select id, stopped_at is not null as was_stopped from senders
              where id = $1 and (stopped_at is null or refused_token is not null
                                 or ($5 and coalesce(stopped_code, '') <> all($6)))
                and not exists (select from operator_actions a
                                 where a.at > $7 and a.action = 'edit' and a.detail ->> 'stopped' = 'false'
                                   and a.detail ->> 'sender' = senders.name and a.detail ->> 'code' = $2)
                for update),
              stopped as (
             update senders s set stopped_at = now(), stopped_code = $2, stopped_reason = $3, refused_token = null
               from before where s.id = before.id
             returning s.name, s.stopped_reason, before.was_stopped),
              logged as (
             insert into operator_actions (operator, action, detail)
             select $4, 'edit', jsonb_build_object('sender', name, 'stopped', true, 'reason', stopped_reason) from stopped)
         select was_stopped from stopped",
    )
    .bind(id)
    .bind(code.as_str().replace('\0', ""))
    .bind(reason.replace('\0', ""))
    .bind(by)
    .bind(code.is_grave())
    .bind(StopCode::FINAL.as_slice())
    .bind(at)
    .fetch_optional(executor)
    .await?;
    Ok(match was_stopped {
        Some(false) => StopOutcome::Stopped,
        Some(true) => StopOutcome::Replaced,
        None => StopOutcome::StoppedAlready,
    })
}

/// The senders that are stopped because their database was restored, with the reasons.
pub async fn restored(pool: &PgPool) -> Result<Vec<(SenderId, String)>, StoreError> {
    let stopped = sqlx::query_as(
        "select id, coalesce(stopped_reason, '') from senders where stopped_code = $1 and stopped_at is not null",
    );
    Ok(stopped.bind(StopCode::Restored.as_str()).fetch_all(pool).await?)
}

/// Replaces the reason of a sender that is stopped because its database was restored.
pub async fn restate(pool: &PgPool, id: SenderId, reason: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update senders set stopped_reason = $3 where id = $1 and stopped_code = $2 and stopped_at is not null",
    )
    .bind(id)
    .bind(StopCode::Restored.as_str())
    .bind(reason.replace('\0', ""))
    .execute(pool)
    .await?;
    Ok(())
}

/// Stops a sender because its provider refused a token, known by its fingerprint. `true` when it was not stopped yet.
pub async fn stop_for_token(
    pool: &PgPool,
    id: SenderId,
    (code, reason): (&StopCode, &str),
    token: &str,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "with stopped as (
             update senders set stopped_at = now(), stopped_code = $2, stopped_reason = $3, refused_token = $4
              where id = $1 and stopped_at is null
             returning name, stopped_reason)
         insert into operator_actions (operator, action, detail)
         select $5, 'edit', jsonb_build_object('sender', name, 'stopped', true, 'reason', stopped_reason) from stopped",
    )
    .bind(id)
    .bind(code.as_str().replace('\0', ""))
    .bind(reason.replace('\0', ""))
    .bind(token)
    .bind(Actor::ENGINE)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a sender go on that is stopped because this token was refused: another one works. `false` if it is not, or not any more.
pub async fn lift_refusal(pool: &PgPool, id: SenderId, token: &str) -> Result<bool, StoreError> {
    let lifted = sqlx::query(
        "with lifted as (
             update senders set stopped_at = null, stopped_code = null, stopped_reason = null
              where id = $1 and stopped_at is not null and refused_token = $2
             returning name)
         insert into operator_actions (operator, action, detail)
         select $3, 'edit', jsonb_build_object('sender', name, 'stopped', false, 'reason', 'another token works') from lifted",
    )
    .bind(id)
    .bind(token)
    .bind(Actor::ENGINE)
    .execute(pool)
    .await?;
    Ok(lifted.rows_affected() == 1)
}

/// Says of a sender that is stopped because this token was refused why it is so still.
pub async fn explain_refusal(pool: &PgPool, id: SenderId, token: &str, why: &str) -> Result<(), StoreError> {
    sqlx::query(
        "update senders set stopped_reason = $3
          where id = $1 and stopped_at is not null and refused_token = $2 and stopped_reason is distinct from $3",
    )
    .bind(id)
    .bind(token)
    .bind(why.replace('\0', ""))
    .execute(pool)
    .await?;
    Ok(())
}

/// Lets a sender go on, on somebody's word. Returns the code that it was stopped with, if it was stopped.
pub async fn unstop(tx: &mut PgConnection, id: SenderId, by: &str) -> Result<Option<StopCode>, StoreError> {
    let code: Option<Option<String>> = sqlx::query_scalar(
        "with before as (select id, stopped_code from senders where id = $1 for update),
              lifted as (
             update senders s set stopped_at = null, stopped_code = null, stopped_reason = null
               from before
              where s.id = before.id and s.stopped_at is not null
             returning s.name, before.stopped_code),
              logged as (
             insert into operator_actions (operator, action, detail)
             select $2, 'edit', jsonb_build_object('sender', name, 'stopped', false, 'code', stopped_code) from lifted)
         select stopped_code from lifted",
    )
    .bind(id)
    .bind(by)
    .fetch_optional(tx)
    .await?;
    Ok(code.map(|code| code.unwrap_or_default().into()))
}

/// What a sender is stopped for, as code and sentence, if it is. It stays as it is until the transaction ends.
pub async fn stop_of(tx: &mut PgConnection, id: SenderId) -> Result<Option<(StopCode, String)>, StoreError> {
    let stop: Option<(String, String)> = sqlx::query_as(
        "select coalesce(stopped_code, ''), coalesce(stopped_reason, '') from senders
          where id = $1 and stopped_at is not null for no key update",
    )
    .bind(id)
    .fetch_optional(tx)
    .await?;
    Ok(stop.map(|(code, why)| (code.into(), why)))
}

/// Since when a sender is stopped, if it is.
pub async fn stopped_at(tx: &mut PgConnection, id: SenderId) -> Result<Option<DateTime<Utc>>, StoreError> {
    let at = sqlx::query_scalar("select stopped_at from senders where id = $1").bind(id);
    Ok(at.fetch_optional(tx).await?.flatten())
}

/// Why a sender is stopped, if it is.
pub async fn stopped(pool: &PgPool, id: SenderId) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("select stopped_reason from senders where id = $1 and stopped_at is not null")
        .bind(id)
        .fetch_optional(pool)
        .await?
        .flatten())
}

/// For how long a sender was stopped since a time, by what was logged of it.
pub async fn stopped_since(tx: &mut PgConnection, id: SenderId, since: DateTime<Utc>) -> Result<TimeDelta, StoreError> {
    let seconds: i64 = sqlx::query_scalar(
        "select coalesce(extract(epoch from sum(ended_at - greatest(at, $2))), 0)::bigint
           from (select a.at, a.detail ->> 'stopped' = 'true' as is_stop, lead(a.at, 1, now()) over (order by a.at, a.id) as ended_at
                   from operator_actions a join senders s on s.name = a.detail ->> 'sender'
                  where s.id = $1 and a.action = 'edit' and a.detail ->> 'stopped' is not null
                    and a.at > $2 - interval '90 days' and a.at <= now()) acts
          where is_stop and ended_at > $2",
    )
    .bind(id)
    .bind(since)
    .fetch_one(tx)
    .await?;
    Ok(TimeDelta::try_seconds(seconds).unwrap_or_default())
}

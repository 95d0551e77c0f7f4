//! Senders: the rows behind the configuration's, and what stops them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool};

use super::in_flight::not_in_flight;
use super::{StoreError, settings};
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::sender::SenderDevice;

mod registration;
mod stops;

pub use registration::{RegistrationOutcome, SenderRegistration, look_up, move_to, register};
pub use stops::{
    StopOutcome, explain_refusal, lift_refusal, restate, restored, stop, stop_again, stop_for_failure, stop_for_token,
    stop_of, stopped, stopped_at, stopped_since, unstop,
};

/// A token that a sender's provider refused.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RefusedToken {
    #[sqlx(rename = "id")]
    pub sender: SenderId,
    /// Its fingerprint.
    #[sqlx(rename = "refused_token")]
    pub token: String,
    /// The sender is stopped for it.
    pub is_stopped: bool,
    /// Somebody is queued in a blast that is sending.
    pub is_wanted: bool,
}

/// A sender and whoever else is its phone by the rows of `senders`, such as itself under a former name: what protects a phone counts what
/// was sent from it by any name.
macro_rules! of_its_phone {
    ($id:literal) => {
        concat!(
            "array(select ",
            $id,
            " union select o.id from senders m join senders o
                        on (o.provider, o.address, o.device) = (m.provider, m.address, m.device) where m.id = ",
            $id,
            ")"
        )
    };
}
pub(super) use of_its_phone;

/// Of each sender the token that was refused last, where that is not mended yet.
pub async fn refused_tokens(pool: &PgPool) -> Result<Vec<RefusedToken>, StoreError> {
    // As a rule there is none, and every engine asks at each step.
    let any = sqlx::query_scalar("select exists (select 1 from senders where refused_token is not null)");
    if !any.fetch_one(pool).await? {
        return Ok(Vec::new());
    }
    let mut tx = settings::begin_hot_path(pool).await?;
    let refused = sqlx::query_as(concat!(
        "select s.id, s.refused_token, s.stopped_at is not null as is_stopped,
                exists (select 1 from blasts b
                         where b.sender_id = s.id and b.state = 'sending'
                           and exists (select 1 from blast_recipients r
                                        where r.blast_id = b.id and r.status = 'queued' and ",
        not_in_flight!("r."),
        ")) as is_wanted
           from senders s where s.refused_token is not null",
    ))
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(refused)
}

/// This token may be sent with again. A stop stays for somebody to lift.
pub async fn forget_refusal(pool: &PgPool, id: SenderId, token: &str) -> Result<(), StoreError> {
    sqlx::query("update senders set refused_token = null where id = $1 and stopped_at is null and refused_token = $2")
        .bind(id)
        .bind(token)
        .execute(pool)
        .await?;
    Ok(())
}

/// How many people are queued in what a sender sends once nothing holds it, and how many it has in flight: its blasts that were launched
/// and go on, and those whose time came while it was stopped, which its next engine starts.
pub async fn queued_and_in_flight(tx: &mut PgConnection, id: SenderId) -> Result<(i64, i64), StoreError> {
    let counts = sqlx::query_as(concat!(
        "select (select count(*) from blasts b join blast_recipients r on r.blast_id = b.id and r.status = 'queued' and ",
        not_in_flight!("r."),
        " where b.sender_id = $1 and b.deleted_at is null
                    and (b.state = 'sending' or b.state = 'scheduled' and b.send_after <= now() and b.repeat_rule is null)),
                (select count(*) from in_flight where sender_id = $1)",
    ));
    Ok(counts.bind(id).fetch_one(tx).await?)
}

/// When this sender's newest attempts were made: what a restart seeds its rate and gap from. Whoever was given back
/// before a POST does not count; a refused POST does, for the provider saw it. An attempt that a dead engine left behind
/// counts from when it was found. At most 10,000.
pub async fn recent_attempts(
    pool: &PgPool,
    id: SenderId,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let times = sqlx::query_scalar(concat!(
        "(select case when r.status = 'uncertain' and r.attempt = a.attempt then greatest(r.changed_at, a.claimed_at)
                      else a.claimed_at end as at
            from attempts a join blast_recipients r on r.id = a.recipient_id
           where a.sender_id = any(",
        of_its_phone!("$1"),
        ") and a.claimed_at >= $2 and a.outcome is distinct from 'released'
           order by a.claimed_at desc limit 10000)
          union all
          (select at from deleted_attempts where sender_id = any(",
        of_its_phone!("$1"),
        ") and at >= $2 order by at desc limit 10000)
          order by at desc limit 10000",
    ))
    .bind(id)
    .bind(since)
    .fetch_all(pool)
    .await?;
    Ok(times)
}

/// When this sender last tried each number, since a time: what a restart seeds the pair gap from. Whoever was given back
/// before a POST does not count. Nobody knows when exactly a POST came to the provider's door: it counts from its answer,
/// and one that a dead engine left behind from when that was found. Whoever was deleted since counts as well.
pub async fn recent_numbers(
    pool: &PgPool,
    id: SenderId,
    since: DateTime<Utc>,
) -> Result<Vec<(Phone, DateTime<Utc>)>, StoreError> {
    let tried = sqlx::query_as(concat!(
        "select r.phone_number,
                max(greatest(a.claimed_at, a.received_at,
                             case when r.status = 'uncertain' and r.attempt = a.attempt then r.changed_at end))
           from attempts a
           join blast_recipients r on r.id = a.recipient_id
          where a.sender_id = any(",
        of_its_phone!("$1"),
        ") and a.claimed_at >= $2 - interval '1 hour' and a.outcome is distinct from 'released'
          group by 1
          union all
         select phone_number, max(at) from deleted_attempts
          where sender_id = any(",
        of_its_phone!("$1"),
        ") and at >= $2 - interval '1 hour' and phone_number is not null
          group by 1",
    ))
    .bind(id)
    .bind(since)
    .fetch_all(pool)
    .await?;
    Ok(tried)
}

/// How many attempts count against the day that began at `since`: every one not known to be unaccepted, also of those who
/// were deleted meanwhile.
pub async fn attempts_since(
    executor: impl PgExecutor<'_>,
    id: SenderId,
    since: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let attempts = attempts_of_days(executor, &[(id, since)]).await?;
    Ok(attempts.get(&id).copied().unwrap_or_default())
}

/// The same for many senders, each with the beginning of its own day.
pub async fn attempts_of_days(
    executor: impl PgExecutor<'_>,
    days: &[(SenderId, DateTime<Utc>)],
) -> Result<HashMap<SenderId, i64>, StoreError> {
    let (ids, starts): (Vec<i64>, Vec<DateTime<Utc>>) = days.iter().map(|(id, since)| (id.0, *since)).unzip();
    let attempts: Vec<(SenderId, i64)> = sqlx::query_as(concat!(
        "select d.id,
                (select count(*) from attempts a
                  where a.sender_id = any(p.senders) and a.claimed_at >= d.since
                    and coalesce(a.outcome, 'unknown') not in ('released', 'rejected'))
              + (select count(*) from deleted_attempts x where x.sender_id = any(p.senders) and x.at >= d.since and not x.refused)
           from unnest($1::bigint[], $2::timestamptz[]) as d (id, since)
          cross join lateral (select ",
        of_its_phone!("d.id"),
        " as senders) p",
    ))
    .bind(ids)
    .bind(starts)
    .fetch_all(executor)
    .await?;
    Ok(attempts.into_iter().collect())
}

/// Drops attempts for deleted people after 32 days: longer than any limit but a frequency cap reaches back. Returns how many.
pub async fn forget_deleted(pool: &PgPool) -> Result<u64, StoreError> {
    let forgotten =
        sqlx::query("delete from deleted_attempts where at < now() - interval '32 days'").execute(pool).await?;
    Ok(forgotten.rows_affected())
}

/// How many times a sender was slowed, and until when the provider asked it to wait.
pub async fn slowed(pool: &PgPool, id: SenderId) -> Result<(i32, Option<DateTime<Utc>>), StoreError> {
    Ok(sqlx::query_as("select slowed, held_until from senders where id = $1").bind(id).fetch_one(pool).await?)
}

pub async fn set_slowed(
    pool: &PgPool,
    id: SenderId,
    steps: i32,
    held_until: Option<DateTime<Utc>>,
) -> Result<(), StoreError> {
    sqlx::query("update senders set slowed = $2, held_until = greatest(held_until, $3) where id = $1")
        .bind(id)
        .bind(steps)
        .bind(held_until)
        .execute(pool)
        .await?;
    Ok(())
}

/// The codes for which people of a sender wait for another try.
pub async fn waiting_codes(tx: &mut PgConnection, id: SenderId) -> Result<Vec<String>, StoreError> {
    let codes = sqlx::query_scalar(
        "select distinct r.error_code
           from blasts b join blast_recipients r on r.blast_id = b.id
          where b.sender_id = $1 and b.state in ('sending', 'paused')
            and r.status = 'queued' and r.next_attempt_at > now() and r.tries > 0 and r.error_code is not null",
    );
    Ok(codes.bind(id).fetch_all(tx).await?)
}

/// Ends the pause that a provider asked for, and has those due whom it refused with one of these codes. `false`: there is none.
/// Engines read [`hold_lifted_at`] after the next order.
pub async fn lift_hold(tx: &mut PgConnection, id: SenderId, codes: &[String]) -> Result<bool, StoreError> {
    let lifted = sqlx::query(
        "update senders set held_until = null, hold_lifted_at = clock_timestamp() where id = $1 and held_until > now()",
    )
    .bind(id)
    .execute(&mut *tx)
    .await?;
    if lifted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "update blast_recipients r set next_attempt_at = now()
           from blasts b
          where b.sender_id = $1 and b.state in ('sending', 'paused') and r.blast_id = b.id
            and r.status = 'queued' and r.next_attempt_at > now() and r.tries > 0 and r.error_code = any($2)",
    )
    .bind(id)
    .bind(codes)
    .execute(tx)
    .await?;
    Ok(true)
}

/// When an operator last ended a pause that the provider had asked for.
pub async fn hold_lifted_at(pool: &PgPool, id: SenderId) -> Result<Option<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar("select hold_lifted_at from senders where id = $1").bind(id).fetch_one(pool).await?)
}

/// A provider's wish, by webhook, that a sender sends more slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct SlowDown {
    /// By the provider's clock.
    #[sqlx(rename = "slow_down_at")]
    pub at: DateTime<Utc>,
    /// Nothing is sent before.
    #[sqlx(rename = "slow_down_until")]
    pub until: DateTime<Utc>,
}

/// Keeps it for the engine that sends, which reads [`slow_down`] after the next order. `false`: a later and longer one is known.
pub async fn ask_to_slow_down(tx: &mut PgConnection, id: SenderId, wish: SlowDown) -> Result<bool, StoreError> {
    let asked = sqlx::query(
        "update senders set slow_down_at = greatest(slow_down_at, $2), slow_down_until = greatest(slow_down_until, $3)
          where id = $1 and (slow_down_at is null or slow_down_at < $2 or slow_down_until < $3)",
    )
    .bind(id)
    .bind(wish.at)
    .bind(wish.until)
    .execute(tx)
    .await?;
    Ok(asked.rows_affected() == 1)
}

/// The last one.
pub async fn slow_down(pool: &PgPool, id: SenderId) -> Result<Option<SlowDown>, StoreError> {
    Ok(sqlx::query_as(
        "select slow_down_at, slow_down_until from senders
          where id = $1 and slow_down_at is not null and slow_down_until is not null",
    )
    .bind(id)
    .fetch_optional(pool)
    .await?)
}

/// The business that a sender's opt-outs are shared in.
pub async fn business(pool: &PgPool, id: SenderId) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar("select business from senders where id = $1").bind(id).fetch_one(pool).await?)
}

/// A sender's key by its name.
pub async fn name(tx: &mut PgConnection, id: SenderId) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("select name from senders where id = $1").bind(id).fetch_optional(tx).await?)
}

pub async fn id(pool: &PgPool, name: &str) -> Result<Option<SenderId>, StoreError> {
    Ok(sqlx::query_scalar("select id from senders where name = $1").bind(name).fetch_optional(pool).await?)
}

/// Which phone a sender is, as far as that is known.
pub async fn device(pool: &PgPool, id: SenderId) -> Result<Option<SenderDevice>, StoreError> {
    let found: Option<(String, Option<String>, Option<String>)> =
        sqlx::query_as("select provider, address, device from senders where id = $1")
            .bind(id)
            .fetch_optional(pool)
            .await?;
    Ok(found.and_then(|(provider, address, id)| Some(SenderDevice { provider, address: address?, id: id? })))
}

/// The first blast of these senders that is sent, or starts by itself, with the sender's name.
pub async fn unfinished(pool: &PgPool, names: &[&str]) -> Result<Option<(String, BlastId)>, StoreError> {
    let found = sqlx::query_as(
        "select s.name, b.id from blasts b join senders s on s.id = b.sender_id
          where s.name = any($1) and b.state in ('scheduled', 'sending') and b.deleted_at is null
          order by b.id limit 1",
    )
    .bind(names)
    .fetch_optional(pool)
    .await?;
    Ok(found)
}

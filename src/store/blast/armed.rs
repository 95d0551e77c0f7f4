//! Blasts that wait for the end of the time in which what somebody confirmed can be taken back.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};

use crate::domain::blast::ARMED_FOR;
use crate::domain::ids::{BlastId, SenderId};
use crate::store::StoreError;
use crate::store::settings::interval;

/// A scheduled blast that was started with others of its sender, and who had scheduled it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct DueStart {
    pub id: BlastId,
    pub state_by: Option<String>,
}

/// How a blast waited before an act that let its sender go on armed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct FormerStart {
    pub id: BlastId,
    pub state_by: Option<String>,
    pub armed_at: Option<DateTime<Utc>>,
    pub send_after: Option<DateTime<Utc>>,
}

/// Starts what a sender's next engine would start at once, since its time came while the sender was stopped; what is later than `too_late`
/// asks then. One that somebody holds, as a list that comes in does, is left to the engine, which starts it a moment later.
pub async fn start_due(
    tx: &mut PgConnection,
    sender: SenderId,
    too_late: TimeDelta,
) -> Result<Vec<DueStart>, StoreError> {
    let late = interval(too_late)?;
    let started = sqlx::query_as(
        "with due as (
            select id, state_by from blasts
             where sender_id = $1 and state = 'scheduled' and deleted_at is null and repeat_rule is null
               and send_after <= now() and send_after >= now() - $2
             order by id for no key update skip locked)
         update blasts b
            set state = 'sending', state_by = 'engine', launched_at = now(), blast_date = now(), version = version + 1, updated_at = now()
           from due where b.id = due.id
         returning b.id, due.state_by",
    );
    Ok(started.bind(sender).bind(late).fetch_all(tx).await?)
}

/// Has what [`start_due`] started wait for its time as before, which has passed. Only where it still waits by the act of then, and nothing
/// was sent since. The change is noted as `by` whoever takes that back; whose schedule it is stays as it was.
pub async fn set_due_back(
    tx: &mut PgConnection,
    started: &DueStart,
    (armed_at, by): (DateTime<Utc>, &str),
) -> Result<(), StoreError> {
    let set_back = sqlx::query(
        "update blasts
            set state = 'scheduled', state_by = $2, send_after = scheduled_for, armed_at = null, launched_at = null,
                blast_date = scheduled_for, version = version + 1, updated_at = now()
          where id = $1 and state = 'sending' and armed_at = $3 and scheduled_for is not null and deleted_at is null",
    )
    .bind(started.id)
    .bind(by)
    .bind(armed_at)
    .execute(&mut *tx)
    .await?;
    if set_back.rows_affected() > 0 {
        sqlx::query("update blasts set state_by = $2 where id = $1")
            .bind(started.id)
            .bind(&started.state_by)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// What a sender was launched to send waits until `armed_for` has passed, by the database's clock: `operator` lets it go on. All of it is
/// armed at the time of this transaction, as the act that is logged in it. Returns how each waited before, for [`disarm_all`].
pub async fn arm_all(
    tx: &mut PgConnection,
    sender: SenderId,
    operator: &str,
    armed_for: TimeDelta,
) -> Result<Vec<FormerStart>, StoreError> {
    let wait = interval(armed_for)?;
    let former = sqlx::query_as(
        "with former as (
            select id, state_by, armed_at, send_after from blasts
             where sender_id = $1 and state = 'sending' and deleted_at is null
             order by id for no key update)
         update blasts b
            set send_after = greatest(b.send_after, now() + $2), armed_at = now(), state_by = $3, version = version + 1, updated_at = now()
           from former where b.id = former.id
         returning b.id, former.state_by, former.armed_at, former.send_after",
    );
    Ok(former.bind(sender).bind(wait).bind(operator).fetch_all(tx).await?)
}

/// The blasts of a sender that an act on one of them armed by letting the sender go on, as far as they are still to be sent, by id.
pub async fn armed_by(tx: &mut PgConnection, of: BlastId, at: DateTime<Utc>) -> Result<Vec<BlastId>, StoreError> {
    let armed = sqlx::query_scalar(
        "select b.id from blasts a join blasts b on b.sender_id = a.sender_id
          where a.id = $1 and b.state = 'sending' and b.armed_at = $2 and b.deleted_at is null
          order by b.id",
    );
    Ok(armed.bind(of).bind(at).fetch_all(tx).await?)
}

/// What an act armed then by letting its sender go on waits as it did before: whose start it is, and when it began, is known of it still.
/// What was paused, or armed by something else, since stays as it is. An engine that does not know that yet goes by what it read before,
/// and the stop.
pub async fn disarm_all(
    tx: &mut PgConnection,
    (sender, armed_at): (SenderId, DateTime<Utc>),
    former: &[FormerStart],
) -> Result<(), StoreError> {
    sqlx::query(
        "update blasts b
            set send_after = f.send_after, armed_at = f.armed_at, state_by = f.state_by, version = version + 1, updated_at = now()
           from unnest($3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[]) as f (id, state_by, armed_at, send_after)
          where b.id = f.id and b.sender_id = $1 and b.state = 'sending' and b.armed_at = $2",
    )
    .bind(sender)
    .bind(armed_at)
    .bind(former.iter().map(|one| one.id.0).collect::<Vec<_>>())
    .bind(former.iter().map(|one| one.state_by.as_deref()).collect::<Vec<_>>())
    .bind(former.iter().map(|one| one.armed_at).collect::<Vec<_>>())
    .bind(former.iter().map(|one| one.send_after).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// A blast waits no more for the time in which its start can be taken back: something else keeps it from sending. An engine that does not
/// know that yet still waits, by what it read before.
pub async fn disarm(tx: &mut PgConnection, id: BlastId) -> Result<(), StoreError> {
    sqlx::query(
        "update blasts set send_after = now(), version = version + 1, updated_at = now()
          where id = $1 and state = 'sending' and send_after > now()",
    )
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// The same as [`arm_all`] of one blast that `operator` had send at once.
pub async fn arm(tx: &mut PgConnection, id: BlastId, operator: &str, armed_for: TimeDelta) -> Result<(), StoreError> {
    let wait = interval(armed_for)?;
    sqlx::query(
        "update blasts set send_after = greatest(send_after, now() + $2), armed_at = now(), state_by = $3 where id = $1",
    )
    .bind(id)
    .bind(wait)
    .bind(operator)
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives those blasts of a sender their [`ARMED_FOR`] anew that nobody could take back for a while: nothing was read since `since`. Also
/// those whose time came meanwhile: each is armed at a time of its own, since no act armed them together, and for whoever scheduled it,
/// whose launch `u` takes back. Nobody of them is claimed yet. Returns which.
pub async fn arm_again(pool: &PgPool, sender: SenderId, since: DateTime<Utc>) -> Result<Vec<BlastId>, StoreError> {
    let wait = interval(ARMED_FOR)?;
    let armed = sqlx::query_scalar(
        "update blasts
            set send_after = now() + $3, armed_at = coalesce(armed_at, clock_timestamp()), version = version + 1, updated_at = now(),
                state_by = case when state_by = 'engine'
                                then coalesce((select a.operator from operator_actions a
                                                where a.blast_id = blasts.id and a.undone_at is null and a.action in ('launch', 'resume')
                                                order by a.id desc limit 1), state_by)
                                else state_by end
          where sender_id = $1 and state = 'sending' and send_after > $2
            and (armed_at is not null or scheduled_for = send_after and launched_at > $2)
            and not exists (select from in_flight where blast_id = blasts.id)
         returning id",
    );
    Ok(armed.bind(sender).bind(since).bind(wait).fetch_all(pool).await?)
}

/// Whether anybody of a blast was claimed since it was launched or resumed with time to take that back.
pub async fn has_begun_since_armed(tx: &mut PgConnection, id: BlastId) -> Result<bool, StoreError> {
    let begun = sqlx::query_scalar(
        "select exists (select from in_flight where blast_id = $1)
             or exists (select from blasts b
                          join provider_message p on p.sender_id = b.sender_id and p.claimed_at >= b.armed_at
                          join blast_recipients r on r.id = p.recipient_id
                         where b.id = $1 and r.blast_id = $1)",
    );
    Ok(begun.bind(id).fetch_one(tx).await?)
}

/// A blast of a sender, or `only` this one, of which somebody was claimed since a time.
pub async fn begun_since(
    tx: &mut PgConnection,
    (sender, at): (SenderId, DateTime<Utc>),
    only: Option<BlastId>,
) -> Result<Option<BlastId>, StoreError> {
    let begun = sqlx::query_scalar(
        "select blast_id from in_flight
          where sender_id = $1 and claimed_at >= $2 and ($3::bigint is null or blast_id = $3)
         union all
         select r.blast_id from provider_message p join blast_recipients r on r.id = p.recipient_id
          where p.sender_id = $1 and p.claimed_at >= $2 and ($3::bigint is null or r.blast_id = $3)
          limit 1",
    );
    Ok(begun.bind(sender).bind(at).bind(only).fetch_optional(tx).await?)
}

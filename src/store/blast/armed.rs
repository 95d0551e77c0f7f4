//! Blasts that wait for the end of the time in which what somebody confirmed can be taken back.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};

use super::BlastHead;
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

/// Has what [`start_due`] started wait for its time as before, which has passed. Only where it still waits with the blast `of`, and nothing
/// of it was sent.
pub async fn set_due_back(tx: &mut PgConnection, started: &DueStart, of: &BlastHead) -> Result<(), StoreError> {
    if has_begun_since_armed(&mut *tx, started.id).await? {
        return Ok(());
    }
    sqlx::query(
        "update blasts
            set state = 'scheduled', state_by = $2, send_after = scheduled_for, armed_at = null, launched_at = null,
                blast_date = scheduled_for, version = version + 1, updated_at = now()
          where id = $1 and state = 'sending' and send_after = $3 and scheduled_for is not null and deleted_at is null",
    )
    .bind(started.id)
    .bind(&started.state_by)
    .bind(of.send_after)
    .execute(tx)
    .await?;
    Ok(())
}

/// What a sender was launched to send waits until `armed_for` has passed, by the database's clock: `operator` lets it go on.
pub async fn arm_all(
    tx: &mut PgConnection,
    sender: SenderId,
    operator: &str,
    armed_for: TimeDelta,
) -> Result<(), StoreError> {
    let wait = interval(armed_for)?;
    sqlx::query(
        "update blasts
            set send_after = greatest(send_after, now() + $2), armed_at = now(), state_by = $3, version = version + 1, updated_at = now()
          where sender_id = $1 and state = 'sending' and deleted_at is null",
    )
    .bind(sender)
    .bind(wait)
    .bind(operator)
    .execute(tx)
    .await?;
    Ok(())
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

/// What waits since then waits no more: something else keeps it from sending. An engine that does not know that yet still waits, by
/// what it read before.
pub async fn disarm_all(tx: &mut PgConnection, of: &BlastHead) -> Result<(), StoreError> {
    sqlx::query(
        "update blasts set send_after = now(), version = version + 1, updated_at = now()
          where sender_id = $1 and state = 'sending' and send_after = $2 and send_after > now()",
    )
    .bind(of.sender_id)
    .bind(of.send_after)
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

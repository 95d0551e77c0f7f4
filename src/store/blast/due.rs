//! Blasts that start by themselves, once their time has come.

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::domain::ids::{BlastId, SenderId};
use crate::store::StoreError;
use crate::store::settings::{self, interval};

/// Why a scheduled blast waits for an operator whose time had passed for long when an engine came.
const STARTS_TOO_LATE: &str = "its time passed while no engine ran: resume it if it is still to go";
/// The same where its sender was stopped at its time.
const STARTS_BEHIND_STOP: &str = "its time passed while its sender was stopped: resume it if it is still to go";

/// Starts a sender's blasts whose time has come; one whose time is longer ago than `too_late` is paused and asks instead. Each
/// once, whichever engines look: the row is changed under its lock. One that somebody holds, as a list that comes in does, holds up none
/// of the others: it is asked again a moment later. Of a stopped sender nothing is started, also where the stop comes in the same moment: the
/// sender's row is read under its lock, and while whoever stops it or lets it go on holds that, nothing is started yet.
pub async fn start_scheduled(pool: &PgPool, sender: SenderId, too_late: TimeDelta) -> Result<Vec<BlastId>, StoreError> {
    let late = interval(too_late)?;
    let mut tx = settings::begin_hot_path(pool).await?;
    let started = sqlx::query_scalar(
        "update blasts
            set state = (case when send_after < now() - $2 then 'paused' else 'sending' end)::blast_state,
                state_reason = case when send_after < now() - $2 then
                    case when (select a.detail ->> 'stopped'
                                 from operator_actions a join senders s on s.name = a.detail ->> 'sender'
                                where s.id = $1 and a.action = 'edit' and a.detail ->> 'stopped' is not null
                                  and a.at <= blasts.send_after and a.at > blasts.send_after - interval '90 days'
                                order by a.at desc, a.id desc limit 1) = 'true'
                         then $4 else $3 end end,
                launched_at = case when send_after < now() - $2 then launched_at else now() end,
                blast_date = case when send_after < now() - $2 then blast_date else now() end,
                state_by = 'engine', version = version + 1, updated_at = now()
          where id = any(array(
                    select b.id from blasts b join senders s on s.id = b.sender_id
                     where b.sender_id = $1 and b.state = 'scheduled' and b.send_after <= now() and b.deleted_at is null
                       and b.repeat_rule is null and s.stopped_at is null
                     order by b.id
                       for no key update of b skip locked
                       for share of s skip locked))
            and state = 'scheduled' and send_after <= now()
         returning id",
    )
    .bind(sender)
    .bind(late)
    .bind(STARTS_TOO_LATE)
    .bind(STARTS_BEHIND_STOP)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(started)
}

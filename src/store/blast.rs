//! Commands on whole blasts: compare-and-set on the version, so that two operators cannot both win.

mod armed;
mod due;
mod head;
mod set_back;
mod streaks;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgPool, Row};

pub use self::armed::{
    DueStart, FormerStart, arm, arm_again, arm_all, armed_by, begun_since, disarm, disarm_all, has_begun_since_armed,
    set_due_back, start_due,
};
pub use self::due::start_scheduled;
pub use self::head::{BlastHead, distinct_name, head, locked_head, of_sender};
pub use self::set_back::{make_due_now, patterns_ahead, set_pattern_back};
pub use self::streaks::{set_streak, streak};
use super::in_flight::not_in_flight;
use super::settings::interval;
use super::{StoreError, settings};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::LimitColumns;
use crate::domain::retry::OperatorRetry;

impl FromRow<'_, PgRow> for LimitColumns {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Self::read(|column| row.try_get(column))
    }
}

/// A blast that an engine may send for.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RunnableBlast {
    pub id: BlastId,
    pub message: String,
    /// Sent in place of the message.
    pub template: Option<serde_json::Value>,
    /// A hash of both, by which this machine knows again what it posted.
    pub content_key: i64,
    #[sqlx(flatten)]
    pub limits: LimitColumns,
    pub send_after: Option<DateTime<Utc>>,
    /// Until when a webhook of the provider's has it wait, and why.
    pub provider_hold_until: Option<DateTime<Utc>>,
    pub provider_hold_why: Option<String>,
    /// Scheduled, and its time has come: to be started.
    pub is_due: bool,
    /// Its hours and weekdays hold by each person's own zone.
    pub window_local: bool,
    /// Answers somebody who wrote.
    pub is_answer: bool,
    /// Of the first people whom it stops after, those not claimed yet; `None`: it stops after nobody.
    pub first_left: Option<i32>,
}

/// A change of state, with who wants it and why.
#[derive(Debug, Clone, Copy)]
pub struct StateChange<'a> {
    pub state: BlastState,
    pub reason: Option<&'a str>,
    pub by: &'a str,
}

/// Changes the state if the version is still the one that was seen. `false`: somebody was first.
pub async fn change(tx: &mut PgConnection, id: BlastId, version: i64, to: StateChange<'_>) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts
            set state = $3::text::blast_state, state_reason = $4, state_by = $5, version = version + 1, updated_at = now(),
                send_after = case when $3 = 'draft' then null else send_after end,
                armed_at = case when $3 = 'draft' then null else armed_at end,
                launched_at = case when $3 = 'draft' then null else launched_at end,
                provider_hold_until = null, provider_hold_why = null,
                blast_date = case when $3 = 'draft' or $3 = 'cancelled' and launched_at is null
                                  then least(blast_date, created_at) else blast_date end,
                completed_at = case $3 when 'completed' then now() when 'paused' then null else completed_at end
          where id = $1 and version = $2",
    )
    .bind(id)
    .bind(version)
    .bind(to.state)
    .bind(to.reason)
    .bind(to.by)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Launches or resumes: one row. Nothing is claimed before `armed_for` has passed, by the database's clock.
pub async fn launch(
    tx: &mut PgConnection,
    id: BlastId,
    version: i64,
    armed_for: TimeDelta,
    by: &str,
) -> Result<bool, StoreError> {
    let wait = interval(armed_for)?;
    let done = sqlx::query(
        "update blasts
            set state = 'sending', state_reason = null, state_by = $4, version = version + 1, updated_at = now(),
                send_after = now() + $3, armed_at = case when $3 > interval '0' then now() end, launched_at = coalesce(launched_at, now()), launched_on = server_start(),
                provider_hold_until = null, provider_hold_why = null,
                -- Whoever resumes has seen how the first people fared, once nobody of them is in flight.
                first_left = case when first_left > 0 or exists (select from in_flight where blast_id = $1)
                                  then first_left end,
                blast_date = coalesce(launched_at, now())
          where id = $1 and version = $2",
    )
    .bind(id)
    .bind(version)
    .bind(wait)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has a blast start by itself at its time, which is still to come by the database's clock. `false`: somebody was first, or
/// the time has come.
pub async fn schedule(tx: &mut PgConnection, id: BlastId, version: i64, by: &str) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts
            set state = 'scheduled', state_reason = null, state_by = $3, version = version + 1, updated_at = now(),
                send_after = scheduled_for, armed_at = null, blast_date = scheduled_for, launched_on = server_start(),
                provider_hold_until = null, provider_hold_why = null
          where id = $1 and version = $2 and scheduled_for > now()",
    )
    .bind(id)
    .bind(version)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has what was sent before its time, and not begun, start by itself at its time as before. `by`: who had scheduled it. `false` as of
/// [`schedule`].
pub async fn schedule_again(tx: &mut PgConnection, id: BlastId, version: i64, by: &str) -> Result<bool, StoreError> {
    let done =
        sqlx::query("update blasts set launched_at = null where id = $1 and version = $2 and scheduled_for > now()");
    let done = done.bind(id).bind(version).execute(&mut *tx).await?;
    Ok(done.rows_affected() == 1 && schedule(tx, id, version, by).await?)
}

/// Gives what was to be sent before its time, and is paused before it began, its time back.
pub async fn keep_its_time(tx: &mut PgConnection, id: BlastId) -> Result<(), StoreError> {
    sqlx::query("update blasts set launched_at = null, armed_at = null, blast_date = scheduled_for where id = $1 and scheduled_for > now()")
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// Keeps the text of a blast's template as people read it, with its variables.
pub async fn set_template_text(tx: &mut PgConnection, id: BlastId, text: &str) -> Result<(), StoreError> {
    let text = text.replace('\0', "");
    sqlx::query("update blasts set template_text = $2 where id = $1").bind(id).bind(text).execute(tx).await?;
    Ok(())
}

/// Pauses the blasts of a sender that were started before `idle_since` and have somebody queued. Returns which.
pub async fn pause_stale(
    tx: &mut PgConnection,
    sender: SenderId,
    idle_since: DateTime<Utc>,
    reason: &str,
) -> Result<Vec<BlastId>, StoreError> {
    let paused = sqlx::query_scalar(concat!(
        "update blasts b
            set state = 'paused', state_reason = $3, state_by = 'engine', version = version + 1, updated_at = now()
          where b.sender_id = $1 and b.state = 'sending' and coalesce(b.send_after, b.launched_at) < $2
            and exists (select 1 from blast_recipients r where r.blast_id = b.id and r.status = 'queued' and ",
        not_in_flight!("r."),
        ")
         returning b.id",
    ))
    .bind(sender)
    .bind(idle_since)
    .bind(reason)
    .fetch_all(tx)
    .await?;
    Ok(paused)
}

/// Whether anything was ever tried for somebody of this blast, or one of its times has come, where it repeats.
pub async fn was_begun(tx: &mut PgConnection, id: BlastId) -> Result<bool, StoreError> {
    let begun = sqlx::query_scalar(
        "select exists (select 1 from blast_recipients where blast_id = $1 and attempt > 0) or exists (select 1 from in_flight where blast_id = $1)
             or exists (select 1 from blasts where id = $1 and repeat_seen > 0)",
    )
    .bind(id)
    .fetch_one(tx)
    .await?;
    Ok(begun)
}

/// When a blast's newest attempts were made, oldest first, at most 1,000: what its own pace is seeded from. Whoever was given back before
/// a POST does not count, as for the sender's pace.
pub async fn recent_attempts(
    pool: &PgPool,
    id: BlastId,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let mut times: Vec<DateTime<Utc>> = sqlx::query_scalar(
        // Each attempt's recipient is looked up by id. As a join, the planner compares every attempt with everybody of a blast that was
        // imported a moment ago and is not analyzed yet. No attempt is older than its blast.
        "select a.claimed_at from attempts a
          where a.sender_id = (select sender_id from blasts where id = $1)
            and a.claimed_at >= greatest($2, (select created_at from blasts where id = $1))
            and a.outcome is distinct from 'released'
            and (select r.blast_id from blast_recipients r where r.id = a.recipient_id) = $1
          order by a.claimed_at desc limit 1000",
    )
    .bind(id)
    .bind(since)
    .fetch_all(pool)
    .await?;
    times.reverse();
    Ok(times)
}

/// Whether somebody has resumed a blast since this time that was paused for this reason.
pub async fn was_resumed_since(
    tx: &mut PgConnection,
    id: BlastId,
    reason: &str,
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let resumed = sqlx::query_scalar(
        "select exists (
             select from blast_changes c
              where c.at > $3 and c.blast_id = $1 and c.old_state = 'paused' and c.new_state = 'sending'
                and $2 = (select p.reason from blast_changes p
                           where p.blast_id = c.blast_id and p.id < c.id and p.new_state = 'paused'
                           order by p.id desc limit 1))",
    );
    Ok(resumed.bind(id).bind(reason).bind(since).fetch_one(tx).await?)
}

/// Whether a blast is over, by its id and the codes after which an operator may send again: nobody in it is open, and nothing of it starts
/// later or can still be taken back.
macro_rules! is_over {
    ($blast:literal, $codes:literal) => {
        concat!(
            "state in ('sending', 'paused') and repeat_rule is null
             and (armed_at is null or send_after <= now())
             and (launched_at is not null or scheduled_for is null or scheduled_for <= now())
             and not exists (select 1 from blast_recipients
                              where blast_id = ",
            $blast,
            " and status in ('queued', 'uncertain'))
             and not (state = 'paused'
                      and exists (select 1 from blast_recipients
                                   where blast_id = ",
            $blast,
            " and status = 'failed' and error_code = any(",
            $codes,
            ")))"
        )
    };
}

/// Completes a blast in which nobody is queued, sending or uncertain any more, also one that was paused while its last
/// people were in flight: nothing is left to resume. Paused, it waits while somebody is in it whom an operator may retry now: Meta
/// dropped their message with the template. One that repeats is done once its rule is. What starts later, or can still be taken back, is
/// not done: an opt-out that nobody meant is taken back as well. `false`: not yet, or not begun.
pub async fn complete(pool: &PgPool, id: BlastId) -> Result<bool, StoreError> {
    // The row first, in a statement of its own: one that waited for it would go on by what it saw before. Whoever holds it
    // does not hold up the other blasts: it is asked again a moment later.
    let mut tx = settings::begin_hot_path(pool).await?;
    let held =
        sqlx::query("select 1 from blasts where id = $1 and state in ('sending', 'paused') and repeat_rule is null for update skip locked")
            .bind(id)
            .execute(&mut *tx)
            .await?;
    if held.rows_affected() == 0 {
        return Ok(false);
    }
    let done = sqlx::query(concat!(
        "update blasts
            set state = 'completed', version = version + 1, updated_at = now(), completed_at = now(),
                state_reason = null, state_by = 'engine'
          where id = $1 and ",
        is_over!("$1", "$2")
    ))
    .bind(id)
    .bind(OperatorRetry::Now.codes())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Pauses a blast whose first people were all sent to, once none of them is in flight. `false`: not yet, or it stops after nobody, or
/// somebody holds its row: the sender's other blasts do not wait for that.
pub async fn pause_after_first(pool: &PgPool, id: BlastId) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts
            set state = 'paused', state_by = 'engine', version = version + 1, updated_at = now(),
                state_reason = case first_people
                    when 1 then 'the first one is done: see how it went, then resume'
                    else 'the first ' || first_people || ' are done: check the results, then resume' end
          where id = (select id from blasts where id = $1 for no key update skip locked)
            and state = 'sending' and first_left = 0 and not exists (select from in_flight where blast_id = $1)",
    )
    .bind(id)
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a sender may send for now or soon. What is due while it is stopped is not among it: that starts once the stop is lifted.
pub async fn runnable(pool: &PgPool, sender: SenderId) -> Result<Vec<RunnableBlast>, StoreError> {
    let blasts = sqlx::query_as(
        "select id, message, template, content_key(message, template) as content_key, rate, gap, send_window, weekdays,
                timezone, send_after, provider_hold_until, provider_hold_why, state = 'scheduled' as is_due,
                window_local is true as window_local, answer_until is not null as is_answer, first_left
           from blasts
          where sender_id = $1
            and (state = 'sending'
                 or state = 'scheduled' and send_after <= now() and repeat_rule is null
                    and exists (select from senders where id = $1 and stopped_at is null))
          order by id",
    )
    .bind(sender)
    .fetch_all(pool)
    .await?;
    Ok(blasts)
}

/// Has a blast that is being sent wait for its provider. `false`: it is not being sent, or it waits already.
pub async fn hold(tx: &mut PgConnection, id: BlastId, until: DateTime<Utc>, why: &str) -> Result<bool, StoreError> {
    let held = sqlx::query(
        "update blasts set provider_hold_until = $2, provider_hold_why = $3
          where id = $1 and state = 'sending' and (provider_hold_until is null or provider_hold_until <= now())",
    )
    .bind(id)
    .bind(until)
    .bind(why.replace('\0', ""))
    .execute(tx)
    .await?;
    Ok(held.rows_affected() == 1)
}

/// Senders with something to do: somebody queued in a blast that is sending or will start by itself (unless the sender is stopped), or somebody
/// in flight, whatever else holds: a takeover must sweep whom a crash left there.
pub async fn senders_with_work(pool: &PgPool) -> Result<Vec<SenderId>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let senders = sqlx::query_scalar(
        "select distinct b.sender_id from blasts b join senders s on s.id = b.sender_id
          where b.state in ('sending', 'scheduled') and s.stopped_at is null
            and (b.repeat_rule is not null and b.state = 'scheduled'
                 or exists (select 1 from blast_recipients r where r.blast_id = b.id and r.status = 'queued'))
         union select s.id from senders s where exists (select from in_flight f where f.sender_id = s.id offset 0)",
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(senders)
}

/// Blasts that say *sending* or *paused* though they are over, as in [`complete`]: to be completed by whoever finds them.
pub async fn finished(pool: &PgPool) -> Result<Vec<BlastId>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let blasts =
        sqlx::query_scalar(concat!("select id from blasts b where deleted_at is null and ", is_over!("b.id", "$1")))
            .bind(OperatorRetry::Now.codes())
            .fetch_all(&mut *tx)
            .await?;
    tx.commit().await?;
    Ok(blasts)
}

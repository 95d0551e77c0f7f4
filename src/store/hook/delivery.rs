//! Deliveries: which rows each call carries, and what became of it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::{EventSource, HeldHook, RowRange, cursor_column, interval};
use crate::domain::stored::stored_by_word;
use crate::store::StoreError;

/// A call that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Delivery {
    pub hook_id: i64,
    /// 1, 2, 3 and so on, in each hook.
    pub sequence: i64,
    /// The same however often it is tried.
    pub message_id: String,
    source: String,
    after_row: i64,
    last_row: i64,
    rows_since: DateTime<Utc>,
    /// How many events it carried when it was made first.
    pub events: i32,
    pub made_at: DateTime<Utc>,
    pub tries: i32,
}

impl Delivery {
    /// Its rows. `None` for a source that this version does not know.
    pub fn range(&self) -> Option<RowRange> {
        let source = EventSource::from_word(&self.source)?;
        Some(RowRange { source, after: self.after_row, last: self.last_row, since: self.rows_since })
    }
}

/// Rows that the next call is to carry.
#[derive(Debug, Clone, Copy)]
pub struct CutRange {
    pub range: RowRange,
    pub events: i32,
    /// When the newest ids were read.
    pub read_at: DateTime<Utc>,
    /// How long it is tried.
    pub retried_for: TimeDelta,
}

/// Makes a delivery of rows and moves the hook's cursor behind them, in one statement. `None`: another engine has the hook by now, or
/// delivered them already.
pub async fn cut(pool: &PgPool, hook: &HeldHook, holder: &str, new: CutRange) -> Result<Option<Delivery>, StoreError> {
    let column = cursor_column(new.range.source);
    let since = if new.range.source == EventSource::History { ", history_since = $8" } else { "" };
    let sql = format!(
        "with moved as (
             update hooks set sequence = sequence + 1, {column} = $5{since}
              where id = $1 and holder = $2 and {column} = $4 and $8::timestamptz is not null
             returning sequence)
         insert into hook_deliveries (hook_id, sequence, source, after_row, last_row, rows_since, events, give_up_at)
         select $1, sequence, $3, $4, $5, $6, $7, now() + $9 from moved
         returning hook_id, sequence, message_id, source, after_row, last_row, rows_since, events, made_at, tries"
    );
    let delivery = sqlx::query_as(AssertSqlSafe(sql))
        .bind(hook.id)
        .bind(holder)
        .bind(new.range.source.word())
        .bind(new.range.after)
        .bind(new.range.last)
        .bind(new.range.since)
        .bind(new.events)
        .bind(new.read_at)
        .bind(interval(new.retried_for)?)
        .fetch_optional(pool)
        .await?;
    Ok(delivery)
}

/// Calls of a hook that are to be made, or made again, now: by number.
pub async fn due(pool: &PgPool, hook: i64, limit: i64) -> Result<Vec<Delivery>, StoreError> {
    let due = sqlx::query_as(
        "select hook_id, sequence, message_id, source, after_row, last_row, rows_since, events, made_at, tries
           from hook_deliveries where hook_id = $1 and state = 'pending' and next_try_at <= now()
          order by sequence limit $2",
    );
    Ok(due.bind(hook).bind(limit).fetch_all(pool).await?)
}

/// How many calls of a hook are still to be made.
pub async fn pending(pool: &PgPool, hook: i64) -> Result<i64, StoreError> {
    let pending = sqlx::query_scalar("select count(*) from hook_deliveries where hook_id = $1 and state = 'pending'");
    Ok(pending.bind(hook).fetch_one(pool).await?)
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// To be made, or made again.
    Pending,
    Delivered,
    /// Given up; a replay tries it again.
    Dead,
}

stored_by_word!(DeliveryState);

impl DeliveryState {
    const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// The word in SQL and JSON.
    const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A call that was made.
#[derive(Debug, Clone)]
pub struct CallAttempt<'a> {
    /// `None`: it was delivered.
    pub error: Option<&'a str>,
    pub http_status: Option<u16>,
    pub took: TimeDelta,
    /// When to try again, unless it is given up before.
    pub pause: TimeDelta,
}

/// Notes a call. One that failed is tried again after its pause, a last time when it is to be given up, and is dead then.
pub async fn note_attempt(
    pool: &PgPool,
    delivery: &Delivery,
    attempt: &CallAttempt<'_>,
) -> Result<Option<DeliveryState>, StoreError> {
    let state = sqlx::query_scalar(
        "update hook_deliveries
            set tries = tries + 1, tried_at = now(), took_ms = $3, http_status = $4, error = $5,
                state = case when $5::text is null then 'delivered' when now() >= give_up_at then 'dead' else 'pending' end,
                next_try_at = least(now() + $6, greatest(give_up_at, now()))
          where hook_id = $1 and sequence = $2 and state = 'pending'
         returning state",
    )
    .bind(delivery.hook_id)
    .bind(delivery.sequence)
    .bind(i32::try_from(attempt.took.num_milliseconds()).unwrap_or(i32::MAX))
    .bind(attempt.http_status.and_then(|status| i16::try_from(status).ok()))
    .bind(attempt.error.map(|text| text.replace('\0', "")))
    .bind(interval(attempt.pause)?)
    .fetch_optional(pool)
    .await?;
    Ok(state)
}

/// A delivery as the log shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct DeliveryRow {
    pub hook: String,
    pub sequence: i64,
    /// The `webhook-id`.
    pub message_id: String,
    pub source: String,
    pub events: i32,
    pub state: DeliveryState,
    pub tries: i32,
    pub made_at: DateTime<Utc>,
    pub tried_at: Option<DateTime<Utc>>,
    /// Of one that is pending.
    pub next_try_at: Option<DateTime<Utc>>,
    pub took_ms: Option<i32>,
    pub http_status: Option<i16>,
    pub error: Option<String>,
}

/// Deliveries of a hook, or of all, newest first.
pub async fn deliveries(
    pool: &PgPool,
    hook: Option<&str>,
    state: Option<DeliveryState>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let rows = sqlx::query_as(
        "select h.name as hook, d.sequence, d.message_id, d.source, d.events, d.state, d.tries, d.made_at, d.tried_at,
                case when d.state = 'pending' then d.next_try_at end as next_try_at, d.took_ms, d.http_status, d.error
           from hook_deliveries d join hooks h on h.id = d.hook_id
          where ($1::text is null or h.name = $1) and ($2::text is null or d.state = $2)
          order by d.made_at desc, d.hook_id, d.sequence desc limit $3",
    );
    Ok(rows.bind(hook).bind(state).bind(limit).fetch_all(pool).await?)
}

/// Which deliveries are made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayedDeliveries {
    One(i64),
    /// All that were given up.
    Dead,
    /// All that were made since, delivered or not.
    Since(DateTime<Utc>),
}

/// Has deliveries made again, for as long as a new one; returns how many. The same rows under the same `webhook-id` and number.
pub async fn replay(
    pool: &PgPool,
    hook: &str,
    which: ReplayedDeliveries,
    retried_for: TimeDelta,
) -> Result<u64, StoreError> {
    let (one, since) = match which {
        ReplayedDeliveries::One(sequence) => (Some(sequence), None),
        ReplayedDeliveries::Since(at) => (None, Some(at)),
        ReplayedDeliveries::Dead => (None, None),
    };
    let done = sqlx::query(
        "with awake as (update hooks set paused_until = null, failures = 0 where name = $1 returning id)
         update hook_deliveries d
            set state = 'pending', tries = 0, next_try_at = now(), give_up_at = now() + $4, error = null
           from awake
          where d.hook_id = awake.id
            and case when $2::bigint is not null then d.sequence = $2
                     when $3::timestamptz is not null then d.made_at >= $3
                     else d.state = 'dead' end",
    )
    .bind(hook)
    .bind(one)
    .bind(since)
    .bind(interval(retried_for)?)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// Drops what is over for so many days: deliveries, and changes of blasts' states and opt-outs that were taken back, once every hook
/// delivered them.
pub async fn drop_old(pool: &PgPool, days: u32) -> Result<(), StoreError> {
    let days = i32::try_from(days).unwrap_or(i32::MAX);
    sqlx::query("delete from hook_deliveries where state <> 'pending' and made_at < now() - make_interval(days => $1)")
        .bind(days)
        .execute(pool)
        .await?;
    sqlx::query(
        "delete from blast_changes
          where at < now() - make_interval(days => $1)
            and not exists (select 1 from hooks where told_changes < blast_changes.id)",
    )
    .bind(days)
    .execute(pool)
    .await?;
    sqlx::query(
        "delete from opt_out_removals
          where at < now() - make_interval(days => $1)
            and not exists (select 1 from hooks where told_opt_out_removals < opt_out_removals.id)",
    )
    .bind(days)
    .execute(pool)
    .await?;
    Ok(())
}

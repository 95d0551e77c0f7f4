//! Webhooks for other systems: how far each hook has read, and its deliveries.

mod delivery;
mod order_rows;
mod rows;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::StoreError;
use super::settings::interval;
use crate::domain::hook::EventSource;

pub use delivery::{
    CallAttempt, CutRange, Delivery, DeliveryRow, DeliveryState, ReplayedDeliveries, cut, deliveries, drop_old, due,
    note_attempt, pending, replay,
};
pub use rows::{EventRow, RowQuery, RowRange, ensure_history_index, rows};

/// The table behind a source.
const fn table(source: EventSource) -> &'static str {
    match source {
        EventSource::Changes => "blast_changes",
        EventSource::History => "status_history",
        EventSource::Replies => "replies",
        EventSource::OptOuts => "suppressions",
        EventSource::OptOutRemovals => "opt_out_removals",
        EventSource::Orders => "order_changes",
    }
}

/// The column of a source's cursor: the last row that was delivered or passed over.
const fn cursor_column(source: EventSource) -> &'static str {
    match source {
        EventSource::Changes => "told_changes",
        EventSource::History => "told_history",
        EventSource::Replies => "told_replies",
        EventSource::OptOuts => "told_opt_outs",
        EventSource::OptOutRemovals => "told_opt_out_removals",
        EventSource::Orders => "told_orders",
    }
}

/// The newest id that each source has given out, committed or not.
macro_rules! heads {
    () => {
        "select (select case when is_called then last_value else 0 end from blast_changes_id_seq) as changes,
                (select case when is_called then last_value else 0 end from status_history_id_seq) as history,
                (select case when is_called then last_value else 0 end from replies_id_seq) as replies,
                (select case when is_called then last_value else 0 end from suppressions_id_seq) as opt_outs,
                (select case when is_called then last_value else 0 end from opt_out_removals_id_seq) as opt_out_removals,
                (select case when is_called then last_value else 0 end from order_changes_id_seq) as orders,
                now() as at"
    };
}

/// Locks of those who write one of the sources' tables.
macro_rules! writers {
    () => {
        "pg_locks
          where locktype = 'relation' and mode = 'RowExclusiveLock' and granted
            and database = (select oid from pg_database where datname = current_database())
            and relation in ('blast_changes'::regclass, 'status_history'::regclass, 'replies'::regclass, 'suppressions'::regclass,
                             'opt_out_removals'::regclass, 'order_changes'::regclass)"
    };
}
/// Ids of each source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct SourceHeads {
    changes: i64,
    history: i64,
    replies: i64,
    opt_outs: i64,
    opt_out_removals: i64,
    orders: i64,
    /// When they were read.
    pub at: DateTime<Utc>,
}

impl SourceHeads {
    pub const fn of(&self, source: EventSource) -> i64 {
        match source {
            EventSource::Changes => self.changes,
            EventSource::History => self.history,
            EventSource::Replies => self.replies,
            EventSource::OptOuts => self.opt_outs,
            EventSource::OptOutRemovals => self.opt_out_removals,
            EventSource::Orders => self.orders,
        }
    }
}

/// Ids, and the transactions that may still commit rows with some of them.
///
/// Ids are given out before their rows are committed, and later ones may be committed first: reading up to the newest row that can be
/// seen would miss those. Whoever has taken an id holds the lock of a writer on its table since before, and until it is over. So once
/// everybody who held one when the ids were read is gone, every row up to those ids is there, or never will be.
#[derive(Debug, Clone)]
pub struct UnsettledHeads {
    pub heads: SourceHeads,
    /// Virtual transaction ids.
    writers: Vec<String>,
}

/// Reads the newest ids, then who is writing: in this order, in two statements.
pub async fn heads(pool: &PgPool) -> Result<UnsettledHeads, StoreError> {
    let heads = sqlx::query_as(heads!()).fetch_one(pool).await?;
    let writers = sqlx::query_scalar(concat!("select distinct virtualtransaction from ", writers!()));
    Ok(UnsettledHeads { heads, writers: writers.fetch_all(pool).await? })
}

impl UnsettledHeads {
    /// Whether all rows up to the heads can be seen from now on.
    pub async fn are_settled(&mut self, pool: &PgPool) -> Result<bool, StoreError> {
        if self.writers.is_empty() {
            return Ok(true);
        }
        let left = concat!("select distinct virtualtransaction from ", writers!(), " and virtualtransaction = any($1)");
        self.writers = sqlx::query_scalar(left).bind(&self.writers).fetch_all(pool).await?;
        Ok(self.writers.is_empty())
    }
}

/// Makes the hooks that are not there yet. Each begins with what happens from now on, also for what it asks for newly.
/// `wanted` says of each source whether it is asked for.
pub async fn register(
    connection: &mut PgConnection,
    name: &str,
    wanted: impl Fn(EventSource) -> bool,
) -> Result<(), StoreError> {
    let known = "select told_changes is not null, told_history is not null, told_replies is not null,
                        told_opt_outs is not null, told_opt_out_removals is not null, told_orders is not null
                   from hooks where name = $1";
    let asked: Option<(bool, bool, bool, bool, bool, bool)> =
        sqlx::query_as(known).bind(name).fetch_optional(&mut *connection).await?;
    let [changes, history, replies, opt_outs, removals, orders] = EventSource::ALL.map(wanted);
    if asked == Some((changes, history, replies, opt_outs, removals, orders)) {
        return Ok(());
    }
    sqlx::query(concat!(
        "with head as (",
        heads!(),
        ")
         insert into hooks as h (name, told_changes, told_history, told_replies, told_opt_outs, told_opt_out_removals, told_orders,
                            history_since)
         select $1, case when $2 then changes end, case when $3 then history end, case when $4 then replies end,
                case when $5 then opt_outs end, case when $6 then opt_out_removals end, case when $7 then orders end, at
           from head
         on conflict (name) do update
            set told_changes = case when $2 then coalesce(h.told_changes, excluded.told_changes) end,
                told_history = case when $3 then coalesce(h.told_history, excluded.told_history) end,
                told_replies = case when $4 then coalesce(h.told_replies, excluded.told_replies) end,
                told_opt_outs = case when $5 then coalesce(h.told_opt_outs, excluded.told_opt_outs) end,
                told_opt_out_removals =
                    case when $6 then coalesce(h.told_opt_out_removals, excluded.told_opt_out_removals) end,
                told_orders = case when $7 then coalesce(h.told_orders, excluded.told_orders) end,
                history_since = case when h.told_history is null then excluded.history_since else h.history_since end"
    ))
    .bind(name)
    .bind(changes)
    .bind(history)
    .bind(replies)
    .bind(opt_outs)
    .bind(removals)
    .bind(orders)
    .execute(connection)
    .await?;
    Ok(())
}

/// A hook that this engine delivers.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct HeldHook {
    pub id: i64,
    told_changes: Option<i64>,
    told_history: Option<i64>,
    told_replies: Option<i64>,
    told_opt_outs: Option<i64>,
    told_opt_out_removals: Option<i64>,
    told_orders: Option<i64>,
    /// No later row of the history began more than a day before this.
    pub history_since: DateTime<Utc>,
    pub failures: i32,
    /// It calls nobody now, since its receiver is in trouble.
    pub is_paused: bool,
}

impl HeldHook {
    /// The last row of a source that was delivered or passed over.
    pub const fn cursor(&self, source: EventSource) -> Option<i64> {
        match source {
            EventSource::Changes => self.told_changes,
            EventSource::History => self.told_history,
            EventSource::Replies => self.told_replies,
            EventSource::OptOuts => self.told_opt_outs,
            EventSource::OptOutRemovals => self.told_opt_out_removals,
            EventSource::Orders => self.told_orders,
        }
    }
}

/// Takes a hook, or keeps it: nobody else delivers for `for_span`. `None`: another engine has it, or there is none of this name.
pub async fn hold(
    pool: &PgPool,
    name: &str,
    holder: &str,
    for_span: TimeDelta,
) -> Result<Option<HeldHook>, StoreError> {
    let held = sqlx::query_as(
        "update hooks set holder = $2, held_until = now() + $3
          where name = $1 and (holder = $2 or holder is null or coalesce(held_until, '1970-01-01') < now())
         returning id, told_changes, told_history, told_replies, told_opt_outs, told_opt_out_removals, told_orders, history_since,
                   failures, coalesce(paused_until > now(), false) as is_paused",
    );
    Ok(held.bind(name).bind(holder).bind(interval(for_span)?).fetch_optional(pool).await?)
}

/// Lets another engine deliver.
pub async fn release(pool: &PgPool, name: &str, holder: &str) -> Result<(), StoreError> {
    sqlx::query("update hooks set holder = null, held_until = null where name = $1 and holder = $2")
        .bind(name)
        .bind(holder)
        .execute(pool)
        .await?;
    Ok(())
}

/// Notes that there is nothing to deliver up to this id.
pub async fn skip_to(
    pool: &PgPool,
    hook: &HeldHook,
    holder: &str,
    (source, last, at): (EventSource, i64, DateTime<Utc>),
) -> Result<(), StoreError> {
    let column = cursor_column(source);
    let since = if source == EventSource::History { ", history_since = $4" } else { "" };
    let sql = format!(
        "update hooks set {column} = $3{since} where id = $1 and holder = $2 and {column} < $3 and $4::timestamptz is not null"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(hook.id).bind(holder).bind(last).bind(at).execute(pool).await?;
    Ok(())
}

/// Notes how the last call went: how many failed in a row, and how long to call nobody.
pub async fn note_health(
    pool: &PgPool,
    hook: i64,
    failures: u32,
    paused_for: TimeDelta,
    error: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query(
        "update hooks set failures = $2, paused_until = case when $3 > interval '0' then now() + $3 end, last_error = $4
          where id = $1 and (failures <> $2 or last_error is distinct from $4 or $3 > interval '0')",
    )
    .bind(hook)
    .bind(i32::try_from(failures).unwrap_or(i32::MAX))
    .bind(interval(paused_for)?)
    .bind(error.map(|text| text.replace('\0', "")))
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether one of these hooks has something to tell now or within a minute, and a receiver that takes it.
pub async fn has_work(pool: &PgPool, names: &[&str]) -> Result<bool, StoreError> {
    let has_work = concat!(
        "with head as (",
        heads!(),
        ")
         select exists (
             select 1 from hooks h cross join head
              where h.name = any($1) and h.failures < 3 and coalesce(h.paused_until < now() + interval '1 minute', true)
                and (h.told_changes < head.changes or h.told_history < head.history or h.told_replies < head.replies
                     or h.told_opt_outs < head.opt_outs or h.told_opt_out_removals < head.opt_out_removals
                     or h.told_orders < head.orders
                     or exists (select 1 from hook_deliveries d
                                 where d.hook_id = h.id and d.state = 'pending'
                                   and d.next_try_at < now() + interval '1 minute')))"
    );
    Ok(sqlx::query_scalar(has_work).bind(names).fetch_one(pool).await?)
}

/// A hook as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct HookStatus {
    pub name: String,
    /// Of the newest call.
    pub sequence: i64,
    /// Calls that are to be made, or made again.
    pub pending: i64,
    /// Calls that were given up.
    pub dead: i64,
    pub last_delivered_at: Option<DateTime<Utc>>,
    /// Failed calls in a row.
    pub failures: i32,
    pub paused_until: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// Every hook that the database knows, by name.
pub async fn list(pool: &PgPool) -> Result<Vec<HookStatus>, StoreError> {
    let hooks = sqlx::query_as(
        "select h.name, h.sequence, count(*) filter (where d.state = 'pending') as pending,
                count(*) filter (where d.state = 'dead') as dead,
                max(d.tried_at) filter (where d.state = 'delivered') as last_delivered_at,
                h.failures, case when h.paused_until > now() then h.paused_until end as paused_until, h.last_error
           from hooks h left join hook_deliveries d on d.hook_id = h.id
          group by h.id order by h.name",
    );
    Ok(hooks.fetch_all(pool).await?)
}

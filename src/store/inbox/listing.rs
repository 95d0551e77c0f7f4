//! What is in the inbox, for operators, and applying it again.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::NamelessKind;
use crate::store::StoreError;
use crate::store::notify;

/// A request, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct InboxEntry {
    pub id: i64,
    pub received_at: DateTime<Utc>,
    pub provider: String,
    pub state: String,
    /// How many pieces of news are in it; `None` before it was read.
    pub items: Option<i32>,
    /// How many of them wait.
    pub open: i32,
    pub failed: i32,
    pub tries: i32,
    pub reason: Option<String>,
    pub next_try_at: Option<DateTime<Utc>>,
    pub applied_at: Option<DateTime<Utc>>,
    pub bytes: i32,
}

/// How much of the inbox is not applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct InboxSummary {
    pub new: i64,
    pub parked: i64,
    pub failed: i64,
    /// Of those that are parked, those that wait for their writer's number.
    #[sqlx(flatten)]
    #[serde(flatten)]
    pub nameless: Nameless,
    /// Since when the oldest waits that is to be applied at once: since it came, or was replayed. One that is parked waits for a message
    /// or a number to become known.
    pub oldest: Option<DateTime<Utc>>,
}

/// How many requests wait for their writer's number, by what is in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Nameless {
    #[sqlx(rename = "nameless_orders")]
    #[serde(rename = "nameless_orders")]
    pub orders: i64,
    #[sqlx(rename = "nameless_stops")]
    #[serde(rename = "nameless_stops")]
    pub stops: i64,
    #[sqlx(rename = "nameless_messages")]
    #[serde(rename = "nameless_messages")]
    pub messages: i64,
}

impl Nameless {
    pub const fn total(self) -> i64 {
        self.orders + self.stops + self.messages
    }
}

/// Requests with failed items, each arm by an index of its own: none that is applied has any.
const HAS_FAILED: &str = "(state = 'failed' or state in ('new', 'parked') and failed_items is not null)";

/// The newest requests first; only those with failed items where that is asked.
pub async fn list(pool: &PgPool, only_failed: bool, limit: i64) -> Result<Vec<InboxEntry>, StoreError> {
    let which = if only_failed { HAS_FAILED } else { "true" };
    let sql = format!(
        "select id, received_at, provider, state, items, coalesce(cardinality(open_items), 0) as open,
                coalesce(cardinality(failed_items), 0) as failed, tries, reason,
                case when state in ('new', 'parked') then next_try_at end as next_try_at, applied_at,
                octet_length(body) as bytes
           from webhook_inbox
          where {which}
          order by received_on desc, id desc limit $1"
    );
    let rows = sqlx::query_as(AssertSqlSafe(sql)).bind(limit).fetch_all(pool).await?;
    Ok(rows)
}

pub async fn summary(pool: &PgPool) -> Result<InboxSummary, StoreError> {
    // What is new was never put off: it is due since it came, or was replayed.
    let summary = sqlx::query_as(
        "select count(*) filter (where state = 'new') as new, count(*) filter (where state = 'parked') as parked,
                count(*) filter (where state = 'failed') as failed,
                count(*) filter (where state = 'parked' and reason = $1) as nameless_orders,
                count(*) filter (where state = 'parked' and reason = $2) as nameless_stops,
                count(*) filter (where state = 'parked' and reason = $3) as nameless_messages,
                min(next_try_at) filter (where state = 'new') as oldest
           from webhook_inbox where state = 'failed' or state in ('new', 'parked')",
    )
    .bind(NamelessKind::Order.reason())
    .bind(NamelessKind::Stop.reason())
    .bind(NamelessKind::Message.reason())
    .fetch_one(pool)
    .await?;
    Ok(summary)
}

/// Which requests are applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplaySelection {
    /// The whole request with this id.
    One(i64),
    /// The failed items of all requests.
    Failed,
    /// Everything received since.
    Since(DateTime<Utc>),
}

/// Has requests applied again; what was applied already changes nothing. Returns how many they are.
pub async fn replay(pool: &PgPool, selection: ReplaySelection) -> Result<u64, StoreError> {
    const WHOLE: &str =
        "state = 'new', open_items = null, failed_items = null, waits_for = null, reason = null, tries = 0,
                         next_try_at = now()";
    const ONE: &str =
        "state = 'new', open_items = null, failed_items = null, waits_for = null, reason = null, tries = 0,
                       next_try_at = now(), senders = case when provider = 'meta' then null else senders end";
    const FAILED: &str = "state = 'new', open_items = coalesce(open_items, '{}') || failed_items, failed_items = null,
                          waits_for = null, reason = null, tries = 0, next_try_at = now()";
    let (set, which) = match selection {
        // Whoever names it vouches for it, whichever app signed it.
        ReplaySelection::One(_) => (ONE, "id = $1"),
        ReplaySelection::Failed => (FAILED, HAS_FAILED),
        ReplaySelection::Since(_) => (WHOLE, "received_at >= $1 and received_on >= ($1 at time zone 'UTC')::date"),
    };
    // Of a request that named somebody who was forgotten nothing is left to apply.
    let query = sqlx::query(AssertSqlSafe(format!("update webhook_inbox set {set} where {which} and body <> ''")));
    let query = match selection {
        ReplaySelection::One(id) => query.bind(id),
        ReplaySelection::Failed => query,
        ReplaySelection::Since(at) => query.bind(at),
    };
    let done = query.execute(pool).await?;
    if done.rows_affected() > 0 {
        notify::inbox(pool).await?;
    }
    let empty = if selection == ReplaySelection::Failed { close_empty(pool).await? } else { 0 };
    Ok(done.rows_affected() + empty)
}

/// Failed requests without a body, which nothing else would ever end. Returns how many.
async fn close_empty(pool: &PgPool) -> Result<u64, StoreError> {
    let closed = sqlx::query(AssertSqlSafe(format!(
        "update webhook_inbox set state = 'applied', open_items = null, failed_items = null, waits_for = null, reason = 'its body is empty'
          where {HAS_FAILED} and body = ''"
    )));
    Ok(closed.execute(pool).await?.rows_affected())
}

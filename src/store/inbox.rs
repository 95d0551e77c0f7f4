//! The webhook inbox: requests as they came, each until all that is in it is applied.

mod listing;
pub mod messages;
pub mod notices;
pub mod repeated;
pub mod streaks;
mod unapplied;
pub mod webhook_liveness;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::{DbTransaction, StoreError, fence, settings};
use crate::domain::ids::SenderId;
use crate::domain::opt_out::may_hold_opt_out;

pub use listing::{InboxEntry, InboxSummary, Nameless, ReplaySelection, list, replay, summary};
pub use unapplied::{NamedAttempt, unapplied};

/// What waits of somebody of whom Meta's id alone is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamelessKind {
    Order,
    Stop,
    Message,
}

impl NamelessKind {
    /// Why it waits: its request has the same reason.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Order => "an order, and no number is known of this person's id",
            Self::Stop => "a stop, and no number is known of this person's id",
            Self::Message => "no number is known of this person's id",
        }
    }
}

/// A webhook's request as it came.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// [`crate::domain::sender::ProviderKind`] as a word.
    pub provider: &'static str,
    /// Whose secret its address had; `None` where the body names the number.
    pub senders: Option<Vec<SenderId>>,
    pub content_type: Option<String>,
    pub body: Bytes,
}

/// A stored request.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct InboxRow {
    /// The table of its day, and where it stands in it.
    pub part: String,
    pub place: String,
    pub id: i64,
    pub received_at: DateTime<Utc>,
    pub provider: String,
    pub senders: Option<Vec<SenderId>>,
    pub content_type: Option<String>,
    pub digest: Vec<u8>,
    pub body: Vec<u8>,
    /// What is left of it, by position; `None`: everything. Of a request that is applied in parts, what was tried in an earlier
    /// one and waits is here as the position's complement (`!position`).
    pub open_items: Option<Vec<i32>>,
    pub failed_items: Option<Vec<i32>>,
    /// The message ids that what is left waits for.
    pub waits_for: Option<Vec<String>>,
    pub reason: Option<String>,
    pub tries: i32,
    /// By its bytes, as it came.
    pub may_opt_out: bool,
}

/// What became of a request in one turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InboxProgress {
    /// How many pieces of news are in it.
    pub items: i32,
    /// Those that wait, by position.
    pub open: Vec<i32>,
    pub failed: Vec<i32>,
    /// The message ids that the open ones wait for.
    pub waits_for: Vec<String>,
    pub reason: Option<String>,
    /// How long the open ones wait.
    pub pause: Duration,
    /// More of it is still to be tried: that counts as a try when all is.
    pub is_part: bool,
}

impl InboxProgress {
    fn state(&self) -> &'static str {
        match (self.open.is_empty(), self.failed.is_empty()) {
            (false, _) => "parked",
            (true, false) => "failed",
            (true, true) => "applied",
        }
    }
}

/// At most so many requests in one turn that are new, and so many bytes of them, beside one large one.
const TAKE_AT_MOST: i64 = 1_000;
const TAKE_BYTES: i64 = 2 * 1024 * 1024;
const LARGE: i64 = TAKE_BYTES / 4;
/// Of those that waited, a fraction of that beside them: a crowd of them holds up nothing that is new.
const PARKED_SHARE: i64 = 4;

/// By what a request (`provider`, `senders` and `body`) is the same one.
macro_rules! digest {
    () => {
        "sha256(convert_to(provider || ':' || coalesce(senders, '') || ':', 'UTF8') || body)"
    };
}
use digest;

/// Keeps requests, each once a day whatever how often it comes, and notifies the engines. Durable once it returns. How many were new.
pub async fn insert(pool: &PgPool, webhooks: &[NewWebhook]) -> Result<u64, StoreError> {
    let senders = webhooks.iter().map(|webhook| {
        let ids = webhook.senders.as_ref()?.iter().map(ToString::to_string);
        Some(ids.collect::<Vec<_>>().join(","))
    });
    let mut tx = settings::begin_durable(pool).await?;
    // What is kept in a table that a restore is about to drop is lost, though its sender got the answer that it is stored.
    fence::require_triggers(&mut tx).await?;
    let added: i64 = sqlx::query_scalar(concat!(
        "with added as (
             insert into webhook_inbox (provider, senders, content_type, digest, body, may_opt_out)
             select provider, string_to_array(senders, ',')::bigint[], content_type, ",
        digest!(),
        ", body, may_opt_out
               from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $6::boolean[])
                      as x (provider, senders, content_type, body, may_opt_out)
             on conflict do nothing
             returning 1)
         select n.added from (select count(*) from added) as n (added), lateral (select case when n.added > 0 then pg_notify($5, '') end) as notified"
    ))
    .bind(webhooks.iter().map(|webhook| webhook.provider).collect::<Vec<_>>())
    .bind(senders.collect::<Vec<_>>())
    .bind(webhooks.iter().map(|webhook| storable(webhook.content_type.as_deref())).collect::<Vec<_>>())
    .bind(webhooks.iter().map(|webhook| &webhook.body[..]).collect::<Vec<_>>())
    .bind(super::notify::INBOX)
    .bind(webhooks.iter().map(|webhook| may_hold_opt_out(webhook.provider, &webhook.body)).collect::<Vec<_>>())
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(added.unsigned_abs())
}

fn storable(text: Option<&str>) -> Option<String> {
    text.map(|text| text.replace('\0', ""))
}

/// Begins a turn. What is applied in it and what is marked applied become durable together. It waits for no lock longer than an
/// instant.
pub async fn begin(pool: &PgPool) -> Result<DbTransaction, StoreError> {
    settings::begin_impatient(pool).await
}

/// From now on, nothing in this turn waits for locks.
pub async fn hurry(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("set local lock_timeout = '1ms'").execute(tx).await?;
    Ok(())
}

/// Locks requests that are due, the new ones and some of those that waited, oldest first, leaving those that another engine has.
pub async fn take(tx: &mut PgConnection) -> Result<Vec<InboxRow>, StoreError> {
    let due: Vec<DueRow> = sqlx::query_as(
        "with new as materialized (
             select received_on, tableoid::regclass::text as part, ctid::text as place, id, octet_length(body)::bigint as size
               from webhook_inbox
              where state = 'new' and next_try_at <= now()
              order by next_try_at, id limit $1 for update skip locked),
         waited as materialized (
             select received_on, tableoid::regclass::text as part, ctid::text as place, id, octet_length(body)::bigint as size
               from webhook_inbox
              where state = 'parked' and next_try_at <= now()
              order by next_try_at, id limit $1 / $2 for update skip locked)
         select *, 1::bigint as weight from new union all select *, $2 from waited",
    )
    .bind(TAKE_AT_MOST)
    .bind(PARKED_SHARE)
    .fetch_all(&mut *tx)
    .await?;
    let mut rows = Vec::with_capacity(due.len());
    for ((_, part), places) in by_day(due) {
        rows.extend(read(tx, &part, &places).await?);
    }
    Ok(rows)
}

/// Requests that may hold an opt-out, and where to read on.
#[derive(Debug)]
pub struct OptOutPage {
    pub rows: Vec<InboxRow>,
    /// Everything up to this id was read.
    pub up_to: i64,
}

/// New requests that may hold an opt-out, however much is due before them: those behind an id, but for these, oldest first. None
/// of them is locked.
pub async fn opt_outs(tx: &mut PgConnection, after: i64, except: &[i64]) -> Result<OptOutPage, StoreError> {
    let waiting: Vec<DueRow> = sqlx::query_as(
        "select received_on, tableoid::regclass::text as part, ctid::text as place, id, octet_length(body)::bigint as size,
                1::bigint as weight
           from webhook_inbox
          where state = 'new' and may_opt_out and id > $1 and id <> all($2)
          order by id limit $3",
    )
    .bind(after)
    .bind(except)
    .bind(TAKE_AT_MOST)
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<i64> = waiting.iter().map(|row| row.id).collect();
    let mut rows = Vec::with_capacity(waiting.len());
    for ((_, part), places) in by_day(waiting) {
        rows.extend(read(tx, &part, &places).await?);
    }
    // A large one may be left for the next page, and smaller ones behind it are in this one.
    let taken: HashSet<i64> = rows.iter().map(|row| row.id).collect();
    let left = ids.iter().find(|id| !taken.contains(id)).map(|id| id - 1);
    Ok(OptOutPage { up_to: left.or(ids.last().copied()).unwrap_or(after), rows })
}

/// The newest id that was given to a request; 0: none was.
pub async fn last_id(tx: &mut PgConnection) -> Result<i64, StoreError> {
    let last = sqlx::query_scalar("select case when is_called then last_value else 0 end from webhook_inbox_id_seq");
    Ok(last.fetch_one(tx).await?)
}

/// New requests that have one of these texts in them, whichever is due before them, oldest first and at most a turn's. None of them is
/// locked. Reads all of the backlog: for what is rare, and not to be got wrong.
pub async fn naming(tx: &mut PgConnection, texts: &[String]) -> Result<Vec<InboxRow>, StoreError> {
    let naming: Vec<DueRow> = sqlx::query_as(
        "select received_on, tableoid::regclass::text as part, ctid::text as place, id, octet_length(body)::bigint as size,
                1::bigint as weight
           from webhook_inbox
          where state = 'new'
            and exists (select from unnest($1::text[]) as text where position(convert_to(text, 'UTF8') in body) > 0)
          order by id limit $2",
    )
    .bind(texts)
    .bind(TAKE_AT_MOST)
    .fetch_all(&mut *tx)
    .await?;
    let mut rows = Vec::with_capacity(naming.len());
    for ((_, part), places) in by_day(naming) {
        rows.extend(read(tx, &part, &places).await?);
    }
    Ok(rows)
}

/// A request that is due: the table of its day, where it stands in it, its length, and what a byte of it counts.
#[derive(sqlx::FromRow)]
struct DueRow {
    received_on: NaiveDate,
    part: String,
    place: String,
    id: i64,
    size: i64,
    weight: i64,
}

/// As many as may be taken at once, by day: of the new ones and of those that waited, the oldest first. Large ones go one by one, and
/// keep nothing small from being taken with them.
fn by_day(mut due: Vec<DueRow>) -> BTreeMap<(NaiveDate, String), Vec<String>> {
    due.sort_unstable_by_key(|row| (row.received_on, row.id));
    let (mut days, mut bytes) = (BTreeMap::<_, Vec<String>>::new(), BTreeMap::<(i64, bool), i64>::new());
    for row in due {
        let is_large = row.size > LARGE;
        let before = bytes.entry((row.weight, is_large)).or_default();
        let has_room = if is_large { *before == 0 } else { *before * row.weight < TAKE_BYTES };
        if has_room {
            *before += row.size;
            days.entry((row.received_on, row.part)).or_default().push(row.place);
        }
    }
    days
}

/// Rows that are locked here are found by their places: a join over a day has plans that read all of it for each row, and
/// statistics that are a moment old have the planner choose one. `part` is a name as the server writes it.
async fn read(tx: &mut PgConnection, part: &str, places: &[String]) -> Result<Vec<InboxRow>, StoreError> {
    let sql = format!(
        "select '{}' as part, ctid::text as place, id, received_at, provider, senders, content_type, digest, body,
                open_items, failed_items, waits_for, reason, tries, may_opt_out
           from {part} where ctid = any($1::text[]::tid[]) order by id",
        part.replace('\'', "''")
    );
    Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(places).fetch_all(tx).await?)
}

/// Locks requests that were taken in another transaction, and are as they were then; returns their ids. Whoever changes a request
/// moves it: a place that still has the same request has it unchanged.
pub async fn lock(tx: &mut PgConnection, rows: &[&InboxRow]) -> Result<HashSet<i64>, StoreError> {
    let mut days: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        days.entry(&row.part).or_default().push(&row.place);
    }
    let taken: HashSet<(i64, i32, &str)> = rows.iter().map(|row| (row.id, row.tries, &*row.place)).collect();
    let mut locked = HashSet::new();
    for (part, places) in days {
        let sql = format!(
            "select id, tries, ctid::text from {part} where ctid = any($1::text[]::tid[]) for update skip locked"
        );
        let found: Vec<(i64, i32, String)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(places).fetch_all(&mut *tx).await?;
        let same = found.iter().filter(|(id, tries, place)| taken.contains(&(*id, *tries, place.as_str())));
        locked.extend(same.map(|(id, ..)| *id));
    }
    Ok(locked)
}

/// Writes what became of requests that are locked in this transaction.
pub async fn mark(tx: &mut PgConnection, rows: &[(InboxRow, InboxProgress)]) -> Result<(), StoreError> {
    let mut days: BTreeMap<&str, Vec<&(InboxRow, InboxProgress)>> = BTreeMap::new();
    for row in rows {
        days.entry(&row.0.part).or_default().push(row);
    }
    for (part, rows) in days {
        mark_day(tx, part, &rows).await?;
    }
    Ok(())
}

async fn mark_day(tx: &mut PgConnection, part: &str, rows: &[&(InboxRow, InboxProgress)]) -> Result<(), StoreError> {
    let list = |items: &[i32]| items.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    sqlx::query(AssertSqlSafe(format!(
        "update {part} i
            set state = x.state, items = x.items, tries = i.tries + x.tried, reason = x.reason,
                open_items = case when x.state = 'parked' then string_to_array(x.open, ',')::int[] end,
                failed_items = nullif(string_to_array(x.failed, ',')::int[], '{{}}'),
                waits_for = case when x.state = 'parked' then nullif(string_to_array(x.waits_for, ' '), '{{}}') end,
                next_try_at = now() + x.pause * interval '1 ms',
                applied_at = case when x.state = 'applied' then now() else i.applied_at end
           from unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
                       $9::int[])
                as x (place, state, items, open, failed, waits_for, reason, pause, tried)
          where i.ctid = x.place::tid",
    )))
    .bind(rows.iter().map(|(row, _)| row.place.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| now.state()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| now.items).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| list(&now.open)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| list(&now.failed)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| now.waits_for.join(" ")).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| storable(now.reason.as_deref())).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| i64::try_from(now.pause.as_millis()).unwrap_or(i64::MAX)).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, now)| i32::from(!now.is_part)).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Has those tried again at once that wait for these message ids.
pub async fn wake_waiting(tx: &mut PgConnection, message_ids: &[String]) -> Result<u64, StoreError> {
    let waiting: Vec<(String, String)> = sqlx::query_as(
        "select tableoid::regclass::text, ctid::text from webhook_inbox
          where state = 'parked' and next_try_at > now() and waits_for && $1
            for update skip locked",
    )
    .bind(message_ids)
    .fetch_all(&mut *tx)
    .await?;
    let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (part, place) in waiting {
        days.entry(part).or_default().push(place);
    }
    let mut woken = 0;
    for (part, places) in days {
        let sql = format!("update {part} set next_try_at = now() where ctid = any($1::text[]::tid[])");
        woken += sqlx::query(AssertSqlSafe(sql)).bind(places).execute(&mut *tx).await?.rows_affected();
    }
    Ok(woken)
}

/// How long until the next request is due; `None`: none waits.
pub async fn next_due(pool: &PgPool) -> Result<Option<Duration>, StoreError> {
    let milliseconds: Option<i64> = sqlx::query_scalar(
        "select (extract(epoch from min(next_try_at) - now()) * 1000)::bigint
           from webhook_inbox where state in ('new', 'parked')",
    )
    .fetch_one(pool)
    .await?;
    Ok(milliseconds.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0))))
}

/// Whether a request waits that nobody has tried to apply yet.
pub async fn has_new(pool: &PgPool) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar("select exists (select 1 from webhook_inbox where state = 'new' and next_try_at <= now())")
        .fetch_one(pool)
        .await?)
}

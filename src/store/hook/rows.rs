//! The rows that events are made from.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgPool};

use super::{EventSource, order_rows, table};
use crate::domain::api_sentence::for_programs;
use crate::domain::blast::BlastState;
use crate::domain::hook::EventKind;
use crate::domain::status::Status;
use crate::store::{StoreError, settings};

/// Rows of a source, by id: those behind `after`, up to `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowRange {
    pub source: EventSource,
    pub after: i64,
    pub last: i64,
    /// None of them began more than a day before this: older months of the history are not looked at.
    pub since: DateTime<Utc>,
}

/// What is wanted of a range.
#[derive(Debug, Clone, Copy)]
pub struct RowQuery<'a> {
    pub range: RowRange,
    /// Of these senders' people only.
    pub senders: Option<&'a [String]>,
    /// Of the history, steps to these.
    pub statuses: &'a [Status],
    /// At most so many, the first ones.
    pub limit: i64,
}

/// A row of a source.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub id: i64,
    /// What it is; `None` for what is not an event.
    pub kind: Option<EventKind>,
    /// By the clock of whoever knows best: the provider's, for a status.
    pub at: DateTime<Utc>,
    /// When the row was written; with the id, it identifies this row, also after a restore.
    pub written_at: DateTime<Utc>,
    /// What there is to say of it, as JSON.
    pub data: Box<RawValue>,
}

/// The rows of a range, by id. A message's text is in none of them.
pub async fn rows(pool: &PgPool, query: RowQuery<'_>) -> Result<Vec<EventRow>, StoreError> {
    match query.range.source {
        EventSource::Changes => changes(pool, query).await,
        EventSource::History => history(pool, query).await,
        EventSource::Replies => plain(pool, query, REPLIES, EventKind::ReplyReceived).await,
        EventSource::OptOuts => plain(pool, query, OPT_OUTS, EventKind::OptOutAdded).await,
        EventSource::Orders => order_rows::orders(pool, query).await,
        EventSource::OptOutRemovals => plain(pool, query, OPT_OUT_REMOVALS, EventKind::OptOutRemoved).await,
    }
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    id: i64,
    at: DateTime<Utc>,
    #[sqlx(flatten)]
    data: ChangeData,
}

/// What there is to say of a blast's change; what is not known is left out.
#[derive(sqlx::FromRow, Serialize)]
struct ChangeData {
    blast_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    state: BlastState,
    previous_state: BlastState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

impl ChangeRow {
    fn event(mut self) -> EventRow {
        let kind = EventKind::of_change(self.data.previous_state, self.data.state);
        // Whoever is called is a program.
        self.data.reason = self.data.reason.as_deref().map(for_programs);
        let data = to_raw_value(&self.data).unwrap_or_default();
        EventRow { id: self.id, kind, at: self.at, written_at: self.at, data }
    }
}

async fn changes(pool: &PgPool, query: RowQuery<'_>) -> Result<Vec<EventRow>, StoreError> {
    let rows: Vec<ChangeRow> = sqlx::query_as(
        "select c.id, c.at, c.blast_id, b.blast_tag, b.external_id, s.name as sender, c.new_state::text as state,
                c.old_state::text as previous_state, c.reason, c.by_whom as by
           from blast_changes c
           left join blasts b on b.id = c.blast_id
           left join senders s on s.id = b.sender_id
          where c.id > $1 and c.id <= $2 and ($3::text[] is null or s.name = any($3))
          order by c.id limit $4",
    )
    .bind(query.range.after)
    .bind(query.range.last)
    .bind(query.senders)
    .bind(query.limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(ChangeRow::event).collect())
}

#[derive(sqlx::FromRow)]
struct StatusEventRow {
    id: i64,
    at: DateTime<Utc>,
    written_at: DateTime<Utc>,
    old_status: Status,
    new_status: Status,
    data: Json<Box<RawValue>>,
}

async fn history(pool: &PgPool, query: RowQuery<'_>) -> Result<Vec<EventRow>, StoreError> {
    // By the index on the id of each month, whatever the statistics say.
    let mut tx = settings::begin_hot_path(pool).await?;
    let rows: Vec<StatusEventRow> = sqlx::query_as(
        "select h.id, coalesce(h.happened_at, h.changed_at) as at, h.changed_at as written_at, h.old_status::text as old_status,
                h.new_status::text as new_status,
                json_strip_nulls(json_build_object(
                    'blast_id', h.blast_id, 'blast_tag', b.blast_tag, 'blast_external_id', b.external_id, 'sender', s.name,
                    'recipient_id', h.recipient_id, 'external_id', r.external_id, 'phone_number', r.phone_number,
                    'name', r.name, 'status', h.new_status, 'previous_status', h.old_status, 'attempt', h.attempt,
                    'message_id', case when r.attempt = h.attempt then r.message_id end,
                    'error_code', case when h.new_status = 'failed' and r.attempt = h.attempt then r.error_code end,
                    'error_message', case when h.new_status = 'failed' and r.attempt = h.attempt then r.error_message end,
                    'amount', case when h.new_status = 'closed' then r.amount::text end,
                    'source', h.source, 'by', h.by_whom)) as data
           from status_history h
           left join blast_recipients r on r.id = h.recipient_id
           left join blasts b on b.id = h.blast_id
           left join senders s on s.id = b.sender_id
          where h.id > $1 and h.id <= $2 and h.changed_at >= $5::timestamptz - interval '1 day'
            and h.new_status = any($6::text[]::recipient_status[]) and b.answer_until is null
            and ($3::text[] is null or s.name = any($3))
          order by h.id limit $4",
    )
    .bind(query.range.after)
    .bind(query.range.last)
    .bind(query.senders)
    .bind(query.limit)
    .bind(query.range.since)
    .bind(query.statuses.iter().map(|status| status.word()).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let row = |row: StatusEventRow| {
        let kind = EventKind::of_step(row.old_status, row.new_status);
        EventRow { id: row.id, kind, at: row.at, written_at: row.written_at, data: row.data.0 }
    };
    Ok(rows.into_iter().map(row).collect())
}

const REPLIES: &str = "select r.id, r.at, r.received_at as written_at,
                json_strip_nulls(json_build_object(
                    'reply_id', r.id, 'sender', s.name, 'blast_id', r.blast_id, 'recipient_id', r.recipient_id,
                    'phone_number', r.phone_number, 'user_id', r.user_id,
                    'name', coalesce(r.name, (select p.name from blast_recipients p where p.id = r.recipient_id)), 'kind', r.kind, 'text', r.body,
                    'payload', r.payload, 'message_id', r.message_id, 'quoted_message_id', r.quoted_id)) as data
           from replies r
           join senders s on s.id = r.sender_id
          where r.id > $1 and r.id <= $2 and ($3::text[] is null or s.name = any($3))
          order by r.id limit $4";

/// Of the businesses of these senders, and of every one. What stands for somebody who was forgotten is nobody whom a receiver knows.
const OPT_OUTS: &str = "select x.id, x.created_at as at, x.created_at as written_at,
                json_strip_nulls(json_build_object(
                    'phone_number', x.phone_number, 'business', x.business, 'source', x.source, 'reason', x.reason,
                    'by', x.created_by)) as data
           from suppressions x
          where x.id > $1 and x.id <= $2 and not starts_with(x.phone_number, 'forgotten')
            and ($3::text[] is null or x.business = '*'
                 or exists (select 1 from senders s where s.name = any($3) and s.business = x.business))
          order by x.id limit $4";

/// The same of those that were taken back.
const OPT_OUT_REMOVALS: &str = "select x.id, x.at, x.at as written_at,
                json_build_object('phone_number', x.phone_number, 'business', x.business, 'source', x.source,
                                  'added_at', to_char(x.added_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')) as data
           from opt_out_removals x
          where x.id > $1 and x.id <= $2 and not starts_with(x.phone_number, 'forgotten')
            and ($3::text[] is null or x.business = '*'
                 or exists (select 1 from senders s where s.name = any($3) and s.business = x.business))
          order by x.id limit $4";

#[derive(sqlx::FromRow)]
struct PlainRow {
    id: i64,
    at: DateTime<Utc>,
    written_at: DateTime<Utc>,
    data: Json<Box<RawValue>>,
}

async fn plain(
    pool: &PgPool,
    query: RowQuery<'_>,
    sql: &'static str,
    kind: EventKind,
) -> Result<Vec<EventRow>, StoreError> {
    let rows: Vec<PlainRow> = sqlx::query_as(sql)
        .bind(query.range.after)
        .bind(query.range.last)
        .bind(query.senders)
        .bind(query.limit)
        .fetch_all(pool)
        .await?;
    let row = |row: PlainRow| EventRow {
        id: row.id,
        kind: Some(kind),
        at: row.at,
        written_at: row.written_at,
        data: row.data.0,
    };
    Ok(rows.into_iter().map(row).collect())
}

/// A month of the history, with its schema as a statement needs it.
#[derive(sqlx::FromRow)]
struct Month {
    sql_name: String,
    index: String,
    /// An index that was not finished when its maker was stopped.
    broken: Option<String>,
}

/// Makes the index by which rows of the history are found by their ids, in each month that ends after this: nobody pays for it before
/// a hook asks for people's events. Writers go on meanwhile. Returns how many were made.
pub async fn ensure_history_index(pool: &PgPool, since: DateTime<Utc>) -> Result<usize, StoreError> {
    let months: Vec<Month> = sqlx::query_as(
        "select format('%I.%I', n.nspname, c.relname) as sql_name, format('%I', c.relname || '_by_id') as index,
                (select format('%I.%I', n.nspname, i.relname) from pg_index x join pg_class i on i.oid = x.indexrelid
                  where x.indrelid = c.oid and not x.indisvalid and i.relname = c.relname || '_by_id') as broken
           from pg_inherits p
           join pg_class c on c.oid = p.inhrelid
           join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attname = 'id'
          where p.inhparent = to_regclass($1)
            and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)')::timestamptz
                > $2::timestamptz - interval '1 day'
            and not exists (select 1 from pg_index x where x.indrelid = c.oid and x.indisvalid and x.indkey[0] = a.attnum)
            and not exists (select 1 from pg_stat_progress_create_index g where g.relid = c.oid)
          order by c.relname",
    )
    .bind(table(EventSource::History))
    .bind(since)
    .fetch_all(pool)
    .await?;
    for Month { sql_name, index, broken } in &months {
        if let Some(broken) = broken {
            let drop = format!("drop index concurrently if exists {broken}");
            sqlx::raw_sql(AssertSqlSafe(drop)).execute(pool).await?;
        }
        let create = format!("create index concurrently if not exists {index} on {sql_name} (id)");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(pool).await?;
    }
    Ok(months.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_an_event_is_documented() {
        let (_, events) = include_str!("../../../docs/API.md").split_once("The `data` of each").unwrap();
        let keys_of = |sql: &'static str| sql.split('\'').skip(1).step_by(2);

        for (event, next, sql) in [
            ("\n    reply.received ", "\n    order.", REPLIES),
            ("\n    opt_out.added ", "\n    opt_out.removed", OPT_OUTS),
        ] {
            let documented = events.split_once(event).unwrap().1.split_once(next).unwrap().0;
            let (fields, _) = sql.split_once(" as data").unwrap();
            for key in keys_of(fields) {
                assert!(documented.contains(&format!("\"{key}\"")), "docs/API.md has no `{key}` in{event}");
            }
        }
    }

    #[test]
    fn the_reason_of_a_change_names_calls_and_what_is_not_known_is_left_out() {
        let row = ChangeRow {
            id: 1,
            at: DateTime::UNIX_EPOCH,
            data: ChangeData {
                blast_id: 7,
                blast_tag: Some("May".to_owned()),
                external_id: None,
                sender: Some("sales".to_owned()),
                state: BlastState::Paused,
                previous_state: BlastState::Sending,
                reason: Some("the token is refused: `blastdeck blast resume 7` goes on".to_owned()),
                by: None,
            },
        };

        assert_eq!(
            row.event().data.get(),
            r#"{"blast_id":7,"blast_tag":"May","sender":"sales","state":"paused","previous_state":"sending","reason":"the token is refused: `POST /api/blasts/7/resume` goes on"}"#
        );
    }
}

//! Windows and counts of a blast's people.
//!
//! A window by status, or of everybody, is cut from one probe a status, each answered in order by the index
//! `(blast_id, status, id)` and no longer than the window: a million people cost what a hundred do. The probes are one lateral
//! join, with the window's length as a literal: so written the statement is planned once, and planning a probe for each status took
//! three times as long as running them all. A filter that asks for more takes one pass over the blast, whatever it finds. Sorted by
//! their newest change instead
//! ([`newest`]), a window by status is as cheap; with such a filter, or by name or amount, rows are sorted, and never more
//! than [`SORTED_MAX`].

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::{PgPool, Postgres, QueryBuilder};

use super::{Anchor, Order, RecipientQuery, RecipientRow, RowPosition, SORTED_MAX, Total, condition, newest, opt_outs};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;
use crate::store::in_flight::current;
use crate::store::{ROWS_MAX, StoreError};

pub use super::before_resend::{BeforeResend, before_resend};
pub use super::person::{details, find};

/// The columns of a [`RecipientRow`], by its names.
pub(super) const COLUMNS: &str = concat!(
    "id, blast_id, phone_number as phone, name, ",
    current!("", status_word),
    " as status, ",
    current!("", attempt),
    " as attempt, message_id, sent_at,
     delivered_at, read_timestamp as read_at, replied_at, closed_at, failed_at, opted_out_at, ",
    current!("", changed_at),
    " as changed_at, amount, note, error_code, error_message, reason, provider_status, external_id"
);

/// The rows of a window, in its order. In another order than [`Order::Row`] with more than [`SORTED_MAX`] matches, only the first
/// so many of the list are sorted: ask [`count`] before.
pub async fn window(pool: &PgPool, query: &RecipientQuery) -> Result<Vec<RecipientRow>, StoreError> {
    let statuses = query.filter.statuses();
    if statuses.is_empty() {
        return Ok(Vec::new());
    }
    let asks_more = query.filter.beyond_status().next().is_some();
    let mut sql = match query.order {
        Order::NewestChange if !asks_more => newest::window(query, &statuses, limit(query)),
        Order::Row => by_row(query, &statuses),
        Order::NewestChange | Order::Name | Order::Amount | Order::SmallestAmount => sorted(query, &statuses),
    };
    let mut rows: Vec<RecipientRow> = sql.build_query_as().fetch_all(pool).await?;
    if is_backwards(query.anchor) {
        rows.reverse();
    }
    opt_outs::attach(pool, &mut rows).await?;
    Ok(rows)
}

/// Windows that end somewhere are read from there backwards.
pub(super) const fn is_backwards(anchor: Anchor) -> bool {
    matches!(anchor, Anchor::End | Anchor::Before(_) | Anchor::UpTo(_))
}

fn limit(query: &RecipientQuery) -> i64 {
    i64::from(query.limit.clamp(1, ROWS_MAX))
}

fn by_row(query: &RecipientQuery, statuses: &[Status]) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("");
    Matches { query, anchor: query.anchor, limit: limit(query) }.push(&mut sql, statuses);
    sql
}

fn sorted(query: &RecipientQuery, statuses: &[Status]) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("select * from (");
    Matches { query, anchor: Anchor::Start, limit: SORTED_MAX }.push(&mut sql, statuses);
    sql.push(") as sortable");
    push_place(&mut sql, query);
    let key = SortKey::of(query.order);
    let is_descending = key.is_descending != is_backwards(query.anchor);
    sql.push(" order by ").push(key.column).push(if is_descending { " desc" } else { "" });
    sql.push(if is_backwards(query.anchor) { ", id desc limit " } else { ", id limit " });
    sql.push_bind(limit(query));
    sql
}

/// What rows are sorted by, before their id.
struct SortKey {
    column: &'static str,
    is_descending: bool,
}

impl SortKey {
    const fn of(order: Order) -> Self {
        match order {
            Order::NewestChange => Self { column: "changed_at", is_descending: true },
            Order::Row => Self { column: "id", is_descending: false },
            Order::Name => Self { column: NAME_KEY, is_descending: false },
            // Nobody's sale is negative.
            Order::Amount => Self { column: "coalesce(amount, -1)", is_descending: true },
            // Larger than any that the column takes.
            Order::SmallestAmount => Self { column: "coalesce(amount, 1e18)", is_descending: false },
        }
    }
}

const NAME_KEY: &str = r#"lower(coalesce(name, '')) collate "C""#;

/// The rows after a place or before it, and the list's order among those with the same key.
fn push_place(sql: &mut QueryBuilder<Postgres>, query: &RecipientQuery) {
    let key = SortKey::of(query.order);
    let Some((ids, place)) = query.anchor.further_ids() else { return };
    let further = if is_backwards(query.anchor) == key.is_descending { " > " } else { " < " };
    sql.push(" where ").push(key.column).push(further);
    push_key(sql, query.order, place);
    sql.push(" or ").push(key.column).push(" = ");
    push_key(sql, query.order, place);
    sql.push(format_args!(" and id {ids} ")).push_bind(place.id);
}

/// The key at a place.
fn push_key(sql: &mut QueryBuilder<Postgres>, order: Order, place: RowPosition) {
    match order {
        Order::NewestChange => sql.push_bind(place.changed_at),
        Order::Row => sql.push_bind(place.id),
        Order::Name => {
            sql.push("(select ").push(NAME_KEY).push(" from blast_recipients where id = ").push_bind(place.id).push(")")
        }
        Order::Amount => sql.push_bind(place.amount.unwrap_or(Decimal::NEGATIVE_ONE)),
        Order::SmallestAmount => {
            sql.push_bind(place.amount.unwrap_or_else(|| Decimal::from(1_000_000_000_000_000_000_i64)))
        }
    };
}

/// The matches in the list's order from an anchor on, at most `limit`.
struct Matches<'a> {
    query: &'a RecipientQuery,
    anchor: Anchor,
    limit: i64,
}

impl Matches<'_> {
    fn push(&self, sql: &mut QueryBuilder<Postgres>, statuses: &[Status]) {
        let asks_more = self.query.filter.beyond_status().next().is_some();
        if asks_more && statuses.len() > 1 {
            self.push_pass(sql, statuses);
        } else {
            self.push_probes(sql, statuses);
        }
        sql.push(self.direction()).push(" limit ").push_bind(self.limit);
    }

    fn direction(&self) -> &'static str {
        if is_backwards(self.anchor) { " desc" } else { "" }
    }

    /// One pass over the blast. `id + 0`, since no index must lend its order here: a walk of all ids would begin with
    /// every older blast.
    fn push_pass(&self, sql: &mut QueryBuilder<Postgres>, statuses: &[Status]) {
        self.push_rows(sql, "id + 0");
        sql.push(" and ");
        condition::push_statuses(sql, statuses);
        sql.push(" order by id + 0");
    }

    /// One index walk a status, merged. The status is a range of one, so that ordering by it is not redundant: by `id`
    /// alone the planner would rather walk the primary key, through every older blast.
    fn push_probes(&self, sql: &mut QueryBuilder<Postgres>, statuses: &[Status]) {
        let (direction, limit) = (self.direction(), self.limit);
        let (queued, sending) = (statuses.contains(&Status::Queued), statuses.contains(&Status::Sending));
        let words: Vec<&str> =
            statuses.iter().filter(|status| **status != Status::Sending).map(|status| status.word()).collect();
        sql.push("select * from (select probe.* from unnest(").push_bind(words);
        sql.push("::text[]::recipient_status[]) as probed cross join lateral (");
        self.push_rows(sql, "id");
        sql.push(" and status >= probed and status <= probed");
        if queued && !sending {
            sql.push(" and (probed <> 'queued' or not ").push(condition::IN_FLIGHT).push(")");
        }
        sql.push(format_args!(" order by blast_recipients.status{direction}, id{direction} limit {limit}) as probe"));
        if sending && !queued {
            sql.push(" union all ");
            self.push_rows(sql, "id");
            sql.push(" and id = any(array(select recipient_id from in_flight where blast_id = ");
            sql.push_bind(self.query.blast).push("))");
        }
        sql.push(") as probes order by id");
    }

    fn push_rows(&self, sql: &mut QueryBuilder<Postgres>, id: &'static str) {
        sql.push("select ").push(COLUMNS).push(" from blast_recipients where blast_id = ").push_bind(self.query.blast);
        if let Some((ids, place)) = self.anchor.further_ids() {
            sql.push(format_args!(" and {id} {ids} ")).push_bind(place.id);
        }
        if let Some(as_of) = self.query.as_of {
            sql.push(" and changed_at <= ").push_bind(as_of);
        }
        push_terms(sql, &self.query.filter);
    }
}

fn push_terms(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    for term in filter.beyond_status() {
        condition::push(sql, term);
    }
}

/// These people as they are now, in the order asked; who is gone is left out, who is asked for twice comes twice.
pub async fn by_id(pool: &PgPool, ids: &[RecipientId]) -> Result<Vec<RecipientRow>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let mut sql = QueryBuilder::<Postgres>::new("select ");
    sql.push(COLUMNS).push(" from unnest(").push_bind(ids);
    sql.push("::bigint[]) with ordinality as asked (id, place) join blast_recipients using (id) order by place");
    let mut rows: Vec<RecipientRow> = sql.build_query_as().fetch_all(pool).await?;
    opt_outs::attach(pool, &mut rows).await?;
    Ok(rows)
}

/// What the campaigns' spelling says of people beside their rows.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RecipientFacts {
    pub id: RecipientId,
    pub variables: Option<serde_json::Value>,
    /// When their newest attempt was claimed.
    pub claimed_at: Option<DateTime<Utc>>,
}

pub async fn facts(pool: &PgPool, ids: &[RecipientId]) -> Result<Vec<RecipientFacts>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let facts = sqlx::query_as(concat!(
        "select id, variables, ",
        current!("", claimed_at),
        " as claimed_at from blast_recipients where id = any($1)"
    ));
    Ok(facts.bind(ids).fetch_all(pool).await?)
}

/// The person with this number, in either spelling, in a blast.
pub async fn by_phone(pool: &PgPool, blast: BlastId, phone: &Phone) -> Result<Option<RecipientRow>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select ");
    sql.push(COLUMNS).push(" from blast_recipients where blast_id = ").push_bind(blast);
    sql.push(" and person_key(phone_number) = person_key(").push_bind(phone.as_str());
    // An older version took both spellings: whoever is named as they were typed is meant.
    sql.push(") order by phone_number = ").push_bind(phone.as_str()).push(" desc limit 1");
    Ok(sql.build_query_as().fetch_optional(pool).await?)
}

/// How many match; with `changed_after`, how many of them changed their status since. Filters by status alone are
/// answered from the counts, exactly; others are counted up to [`SORTED_MAX`], in one pass over the blast at most.
pub async fn count(
    pool: &PgPool,
    blast: BlastId,
    filter: &Filter,
    changed_after: Option<DateTime<Utc>>,
) -> Result<Total, StoreError> {
    let statuses = filter.statuses();
    if statuses.is_empty() {
        return Ok(Total::Exactly(0));
    }
    if changed_after.is_none() && filter.beyond_status().next().is_none() {
        return by_counts(pool, blast, &statuses).await;
    }
    let mut sql = QueryBuilder::<Postgres>::new("select count(*) from (select from blast_recipients where blast_id = ");
    sql.push_bind(blast);
    if let Some(since) = changed_after {
        sql.push(" and changed_at > ").push_bind(since);
    }
    sql.push(" and ");
    condition::push_statuses(&mut sql, &statuses);
    push_terms(&mut sql, filter);
    sql.push(" limit ").push_bind(SORTED_MAX + 1).push(") as matches");
    let found: i64 = sql.build_query_scalar().fetch_one(pool).await?;
    Ok(if found > SORTED_MAX { Total::AtLeast(SORTED_MAX) } else { Total::Exactly(found) })
}

async fn by_counts(pool: &PgPool, blast: BlastId, statuses: &[Status]) -> Result<Total, StoreError> {
    let mut sql =
        QueryBuilder::<Postgres>::new("select coalesce(sum(people), 0)::bigint from blast_status_counts where ");
    condition::push_words(&mut sql, statuses);
    sql.push(" and blast_id = ").push_bind(blast);
    Ok(Total::Exactly(sql.build_query_scalar().fetch_one(pool).await?))
}

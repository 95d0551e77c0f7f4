//! A blast's people and what happened to them, page by page. Each page is short statements of their own: a long one would keep
//! dead entries of the to-do list for as long as whoever reads is slow.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{PgPool, Postgres, QueryBuilder};

use super::{RecipientRow, condition};
use crate::domain::amount::as_kept;
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::message::Variables;
use crate::domain::phone::Phone;
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::history::changes_of;

/// The ids of a blast's people in one of these statuses, behind `after`, in the list's order; at most `limit`. Each status
/// is one walk of the index `(blast_id, status, id)`: a page costs the same wherever in the blast it is.
pub async fn ids_after(
    pool: &PgPool,
    blast: BlastId,
    statuses: &[Status],
    after: Option<RecipientId>,
    limit: i64,
) -> Result<Vec<RecipientId>, StoreError> {
    if statuses.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Postgres>::new("select id from (");
    for (i, status) in statuses.iter().enumerate() {
        sql.push(if i == 0 { "(" } else { " union all (" });
        if *status == Status::Sending {
            sql.push("select recipient_id as id from in_flight where blast_id = ").push_bind(blast);
            sql.push(" and recipient_id > ").push_bind(after.unwrap_or(RecipientId(0)));
            sql.push(" order by recipient_id limit ").push_bind(limit).push(")");
            continue;
        }
        sql.push("select id from blast_recipients where blast_id = ").push_bind(blast);
        if *status == Status::Queued {
            sql.push(" and not ").push(condition::IN_FLIGHT);
        }
        // A range of one, so that ordering by the status is not redundant: by `id` alone the planner would rather walk the
        // primary key, through every older blast.
        let word = status.word();
        sql.push(format_args!(" and status >= '{word}' and status <= '{word}' and id > "));
        sql.push_bind(after.unwrap_or(RecipientId(0))).push(" order by status, id limit ").push_bind(limit).push(")");
    }
    sql.push(") as probes order by id limit ").push_bind(limit);
    Ok(sql.build_query_scalar().fetch_all(pool).await?)
}

/// Those of these people who match, in the list's order.
pub async fn matching(pool: &PgPool, ids: &[RecipientId], filter: &Filter) -> Result<Vec<RecipientRow>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select ");
    sql.push(super::recipients::COLUMNS).push(" from blast_recipients where id = any(").push_bind(numbers(ids));
    sql.push(")");
    for term in &filter.terms {
        condition::push(&mut sql, term);
    }
    sql.push(" order by id");
    Ok(sql.build_query_as().fetch_all(pool).await?)
}

/// The names of the columns that somebody of a blast has a value in, but for the name's. One walk over its people: a second for a million.
pub async fn list_columns(pool: &PgPool, blast: BlastId) -> Result<Vec<String>, StoreError> {
    let names = sqlx::query_scalar(
        "select distinct key from blast_recipients, jsonb_object_keys(variables) as key where blast_id = $1 and key <> 'name'",
    );
    Ok(names.bind(blast).fetch_all(pool).await?)
}

/// The values of these people's columns, of those who have any.
pub async fn list_values(pool: &PgPool, ids: &[RecipientId]) -> Result<Vec<(RecipientId, Variables)>, StoreError> {
    let found =
        sqlx::query_as("select id, variables from blast_recipients where id = any($1) and variables is not null");
    let found: Vec<(RecipientId, Json<Variables>)> = found.bind(numbers(ids)).fetch_all(pool).await?;
    Ok(found.into_iter().map(|(id, variables)| (id, variables.0)).collect())
}

/// One change of somebody's status, with whose it is.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct PersonChange {
    pub recipient_id: RecipientId,
    pub phone: Phone,
    pub name: Option<String>,
    pub changed_at: DateTime<Utc>,
    /// When it happened, by the provider's clock.
    pub happened_at: Option<DateTime<Utc>>,
    pub old_status: Status,
    pub new_status: Status,
    pub attempt: i32,
    pub source: String,
    pub by_whom: Option<String>,
    /// Of the sale, where an operator or an order gave one with it.
    #[sqlx(default)]
    pub amount: Option<Decimal>,
    pub metadata: Option<Value>,
}

/// What happened to these people, person by person, oldest first; an amount that was written later is a change of its own.
pub async fn changes(pool: &PgPool, people: &[RecipientId]) -> Result<Vec<PersonChange>, StoreError> {
    let changes = sqlx::query_as(concat!(
        "select h.recipient_id, r.phone_number as phone, r.name, h.changed_at, h.happened_at, h.old_status::text as old_status,
                h.new_status::text as new_status, h.attempt, h.source, h.by_whom, h.metadata
           from (",
        changes_of!("= any($1)"),
        ") h
           join blast_recipients r on r.id = h.recipient_id
          order by h.recipient_id, h.place"
    ));
    let changes = changes.bind(numbers(people)).fetch_all(pool).await?;
    let amounts = sqlx::query_as(
        "select recipient_id, at, operator, (detail ->> 'amount')::numeric as amount, undone_by from operator_actions
          where recipient_id = any($1) and action = 'closed' and detail ->> 'amount' ~ '^[0-9]+([.][0-9]+)?$' order by id",
    );
    let amounts: Vec<WrittenAmount> = amounts.bind(numbers(people)).fetch_all(pool).await?;
    Ok(amounts.into_iter().fold(changes, with_amount))
}

impl PersonChange {
    /// What was taken back is no amount any more: whoever adds them up would count it. It stands in the detail.
    fn set_amount(&mut self, amount: Decimal, undone_by: Option<String>) {
        let Some(by) = undone_by else {
            self.amount = Some(amount);
            return;
        };
        self.amount = None;
        let mut detail = match self.metadata.take() {
            Some(Value::Object(detail)) => detail,
            _ => serde_json::Map::new(),
        };
        detail.insert("amount".to_owned(), json!(as_kept(amount)));
        detail.insert("taken_back_by".to_owned(), json!(by));
        self.metadata = Some(Value::Object(detail));
    }
}

/// An amount that was written for somebody's sale.
#[derive(sqlx::FromRow)]
struct WrittenAmount {
    recipient_id: RecipientId,
    at: DateTime<Utc>,
    operator: String,
    amount: Decimal,
    undone_by: Option<String>,
}

/// With the line that closed the sale, or a line of its own.
fn with_amount(mut changes: Vec<PersonChange>, written: WrittenAmount) -> Vec<PersonChange> {
    let WrittenAmount { recipient_id, at, operator, amount, undone_by } = written;
    let closes = |change: &&mut PersonChange| {
        (change.recipient_id, change.changed_at, change.new_status) == (recipient_id, at, Status::Closed)
    };
    if let Some(change) = changes.iter_mut().find(closes) {
        change.set_amount(amount, undone_by);
        return changes;
    }
    let place = changes.partition_point(|change| (change.recipient_id, change.changed_at) <= (recipient_id, at));
    let before = place.checked_sub(1).and_then(|before| changes.get(before));
    if let Some(before) = before.filter(|before| before.recipient_id == recipient_id) {
        let mut change = PersonChange {
            changed_at: at,
            happened_at: None,
            old_status: Status::Closed,
            new_status: Status::Closed,
            source: "operator".to_owned(),
            by_whom: Some(operator),
            metadata: None,
            ..before.clone()
        };
        change.set_amount(amount, undone_by);
        changes.insert(place, change);
    }
    changes
}

fn numbers(ids: &[RecipientId]) -> Vec<i64> {
    ids.iter().map(|id| id.0).collect()
}

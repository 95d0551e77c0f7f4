//! Orders with their items: kept as they came, counted by the act that closed their person, read with what they come to.

pub mod audit;
pub mod edit;
pub mod items;
mod rows;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{FromRow, PgConnection};

pub use rows::{OrderItemRow, OrderQuery, OrderRow, OriginalOrder, get, list};

use self::items::{ItemsOf, SoldBy};
use super::{StoreError, answered};
use crate::domain::ids::{ActionId, OrderId, RecipientId, SenderId};
use crate::domain::order::{OrderState, OrderTotal, OrderedItem};
use crate::store::reply::AnsweredMessage;

/// An order to keep. Texts of others are kept without null characters.
#[derive(Debug, Clone)]
pub struct NewOrder<'a> {
    pub sender: SenderId,
    /// Whose message it answers; none that is known.
    pub answers: Option<AnsweredMessage>,
    /// With the plus.
    pub phone: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub catalogue: Option<&'a str>,
    pub note: Option<&'a str>,
    /// The message that it came in; of an operator's none.
    pub message_id: Option<&'a str>,
    pub items: &'a [OrderedItem],
    /// Items that cannot be read.
    pub unreadable: usize,
    pub raw: Option<&'a Value>,
    pub total: Option<&'a OrderTotal>,
    /// Why it is not counted in revenue.
    pub uncounted: Option<String>,
    pub at: DateTime<Utc>,
    /// What the message says, where that is later than when it came.
    pub dated: Option<DateTime<Utc>>,
    /// The operator or token that wrote it.
    pub by: Option<&'a str>,
}

/// Keeps an order, with the names that its products have now. Whoever ordered and is queued for what follows a cart is left out there.
pub async fn insert(tx: &mut PgConnection, order: &NewOrder<'_>) -> Result<OrderId, StoreError> {
    let plain = |text: &str| text.replace('\0', "");
    let source = if order.message_id.is_some() { "webhook" } else { "operator" };
    let id = sqlx::query_scalar(
        "insert into orders (sender_id, blast_id, recipient_id, phone_number, user_id, name, catalogue, note, source, message_id,
                             total, currency, unreadable, raw, uncounted, ordered_at, created_by, dated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) returning id",
    )
    .bind(order.sender)
    .bind(order.answers.map(|message| message.blast_id))
    .bind(order.answers.map(|message| message.recipient_id))
    .bind(order.phone)
    .bind(order.user_id)
    .bind(order.name.map(plain))
    .bind(order.catalogue.map(plain))
    .bind(order.note.map(plain))
    .bind(source)
    .bind(order.message_id)
    .bind(order.total.map(|total| total.sum))
    .bind(order.total.map(|total| plain(&total.currency)))
    .bind(i32::try_from(order.unreadable).unwrap_or(i32::MAX))
    .bind(order.raw.map(without_nulls))
    .bind(order.uncounted.as_deref().map(plain))
    .bind(order.at)
    .bind(order.by)
    .bind(order.dated)
    .fetch_one(&mut *tx)
    .await?;
    let by = SoldBy { sender: order.sender, catalogue: order.catalogue };
    items::insert(&mut *tx, ItemsOf::Order(id), by, order.items).await?;
    answered::leave_out_who_ordered(tx, id).await?;
    Ok(id)
}

/// Postgres keeps no null character in JSON.
fn without_nulls(raw: &Value) -> Value {
    match raw {
        Value::String(text) => Value::String(text.replace('\0', "")),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.replace('\0', ""), without_nulls(value))).collect()
        }
        other => other.clone(),
    }
}

/// Writes which act counts an order, and how much of its person's amount is the order's.
pub async fn count(
    tx: &mut PgConnection,
    id: OrderId,
    action: ActionId,
    counted: Option<Decimal>,
) -> Result<(), StoreError> {
    sqlx::query("update orders set action_id = $2, counted = $3 where id = $1")
        .bind(id)
        .bind(action)
        .bind(counted)
        .execute(&mut *tx)
        .await?;
    sqlx::query("update operator_actions set detail = detail || jsonb_build_object('order', $2::bigint, 'amount', $3::text) where id = $1")
        .bind(action)
        .bind(id)
        .bind(counted.map(|counted| counted.to_string()))
        .execute(tx)
        .await?;
    Ok(())
}

/// The orders of a person that count with an amount of their own, oldest first.
pub async fn counting(tx: &mut PgConnection, recipient: RecipientId) -> Result<Vec<OrderId>, StoreError> {
    let ids = sqlx::query_scalar(
        "select o.id
           from orders o join operator_actions a on a.id = o.action_id and a.undone_at is null
          where o.recipient_id = $1 and o.counted is not null
            and not exists (select from operator_actions t
                             where t.recipient_id = $1 and t.id > a.id and t.undone_at is null and t.action = 'closed'
                               and t.detail -> 'order' is null and t.detail ->> 'amount' is not null)
          order by o.id",
    );
    Ok(ids.bind(recipient).fetch_all(tx).await?)
}

/// An order as its states are changed.
#[derive(Debug, Clone, FromRow)]
pub struct LockedOrder {
    pub sender_id: SenderId,
    pub recipient_id: Option<RecipientId>,
    pub phone_number: Option<String>,
    pub state: OrderState,
    pub action_id: Option<ActionId>,
    /// Items that could not be read.
    pub unreadable: i32,
}

/// The orders that closed somebody by these acts with an amount that counts, and are not cancelled.
pub async fn of_acts(
    tx: &mut PgConnection,
    people: &[RecipientId],
    acts: &[ActionId],
) -> Result<Vec<OrderId>, StoreError> {
    let orders = sqlx::query_scalar(
        "select id from orders
          where recipient_id = any($1) and action_id = any($2) and state <> 'cancelled' and counted is not null
          order by id",
    );
    let people: Vec<i64> = people.iter().map(|person| person.0).collect();
    let acts: Vec<i64> = acts.iter().map(|act| act.0).collect();
    Ok(orders.bind(people).bind(acts).fetch_all(tx).await?)
}

/// An order under lock.
pub async fn lock(tx: &mut PgConnection, id: OrderId) -> Result<Option<LockedOrder>, StoreError> {
    let order = sqlx::query_as(
        "select sender_id, recipient_id, phone_number, state::text as state, action_id, unreadable from orders
          where id = $1 for update",
    );
    Ok(order.bind(id).fetch_optional(tx).await?)
}

pub async fn set_state(tx: &mut PgConnection, id: OrderId, state: OrderState, by: &str) -> Result<(), StoreError> {
    sqlx::query("update orders set state = $2::text::order_state, state_by = $3, updated_at = now() where id = $1")
        .bind(id)
        .bind(state)
        .bind(by)
        .execute(tx)
        .await?;
    Ok(())
}

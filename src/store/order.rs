//! Orders with their items: kept as they came, counted by the act that closed their person, read with what they come to.

pub mod audit;
mod rows;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{FromRow, PgConnection};

pub use rows::{OrderItemRow, OrderQuery, OrderRow, get, list};

use super::StoreError;
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
    /// The operator or token that wrote it.
    pub by: Option<&'a str>,
}

/// Keeps an order, with the names that its products have now.
pub async fn insert(tx: &mut PgConnection, order: &NewOrder<'_>) -> Result<OrderId, StoreError> {
    let plain = |text: &str| text.replace('\0', "");
    let source = if order.message_id.is_some() { "webhook" } else { "operator" };
    let id = sqlx::query_scalar(
        "insert into orders (sender_id, blast_id, recipient_id, phone_number, user_id, name, catalogue, note, source, message_id,
                             total, currency, unreadable, raw, uncounted, ordered_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning id",
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
    .fetch_one(&mut *tx)
    .await?;
    insert_items(tx, id, order).await?;
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

/// A product is found in the catalogue that the order names, else in any of the business.
async fn insert_items(tx: &mut PgConnection, id: OrderId, order: &NewOrder<'_>) -> Result<(), StoreError> {
    let plain = |text: &str| text.replace('\0', "");
    sqlx::query(
        "insert into order_items (order_id, position, sku, name, product_id, variant_id, quantity, price, currency)
         select $1, i.n, i.sku, p.name, p.product_id, p.variant_id, i.quantity, i.price, i.currency
           from unnest($2::text[], $3::numeric[], $4::numeric[], $5::text[])
                with ordinality as i (sku, quantity, price, currency, n)
           left join lateral (
                select c.name, c.product_id, c.variant_id from catalogue_items c
                 where c.sku = i.sku and c.business = (select business from senders where id = $6)
                 order by c.catalogue_external_id is not distinct from $7 desc, c.removed_at is null desc, c.product_id desc
                 limit 1) p on true",
    )
    .bind(id)
    .bind(order.items.iter().map(|item| plain(&item.sku)).collect::<Vec<_>>())
    .bind(order.items.iter().map(|item| item.quantity).collect::<Vec<_>>())
    .bind(order.items.iter().map(|item| item.price).collect::<Vec<_>>())
    .bind(order.items.iter().map(|item| item.currency.as_deref().map(plain)).collect::<Vec<_>>())
    .bind(order.sender)
    .bind(order.catalogue)
    .execute(tx)
    .await?;
    Ok(())
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
    sqlx::query("update operator_actions set detail = detail || jsonb_build_object('order', $2::bigint) where id = $1")
        .bind(action)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// An order as its states are changed.
#[derive(Debug, Clone, FromRow)]
pub struct LockedOrder {
    pub sender_id: SenderId,
    pub recipient_id: Option<RecipientId>,
    pub state: OrderState,
    pub action_id: Option<ActionId>,
    pub counted: Option<Decimal>,
}

/// An order under lock.
pub async fn lock(tx: &mut PgConnection, id: OrderId) -> Result<Option<LockedOrder>, StoreError> {
    let order = sqlx::query_as(
        "select sender_id, recipient_id, state, action_id, counted from orders where id = $1 for update",
    );
    Ok(order.bind(id).fetch_optional(tx).await?)
}

pub async fn set_state(tx: &mut PgConnection, id: OrderId, state: OrderState, by: &str) -> Result<(), StoreError> {
    sqlx::query("update orders set state = $2, state_by = $3, updated_at = now() where id = $1")
        .bind(id)
        .bind(state)
        .bind(by)
        .execute(tx)
        .await?;
    Ok(())
}

/// Whether an order's act stands, and whether it closed its person.
pub async fn closes(tx: &mut PgConnection, action: ActionId) -> Result<Option<bool>, StoreError> {
    let closes = sqlx::query_scalar(
        "select coalesce((detail ->> 'closes')::boolean, false) from operator_actions where id = $1 and undone_at is null",
    );
    Ok(closes.bind(action).fetch_optional(tx).await?)
}

/// The act of the person's oldest order beside this one that still counts.
pub async fn other_act(
    tx: &mut PgConnection,
    recipient: RecipientId,
    but: OrderId,
) -> Result<Option<ActionId>, StoreError> {
    let act = sqlx::query_scalar(
        "select a.id from orders o join operator_actions a on a.id = o.action_id
          where o.recipient_id = $1 and o.id <> $2 and a.undone_at is null
          order by o.id limit 1",
    );
    Ok(act.bind(recipient).bind(but).fetch_optional(tx).await?)
}

/// From now on this act is the one that closed its person.
pub async fn pass_on_close(tx: &mut PgConnection, action: ActionId) -> Result<(), StoreError> {
    let passed = "update operator_actions set detail = detail || '{\"closes\": true}' where id = $1";
    sqlx::query(passed).bind(action).execute(tx).await?;
    Ok(())
}

/// Amounts that were written by hand after this act remember one that had the order's in it: taking them back must not bring
/// that back.
pub async fn forget_in_later_acts(
    tx: &mut PgConnection,
    (recipient, after): (RecipientId, ActionId),
    amount: Decimal,
) -> Result<(), StoreError> {
    sqlx::query(
        "update operator_actions
            set detail = detail || jsonb_build_object('amount_before',
                    nullif(greatest((detail ->> 'amount_before')::numeric - $3, 0), 0)::text)
          where recipient_id = $1 and id > $2 and undone_at is null and action = 'closed'
            and detail -> 'order' is null and detail ->> 'amount_before' is not null",
    )
    .bind(recipient)
    .bind(after)
    .bind(amount)
    .execute(tx)
    .await?;
    Ok(())
}

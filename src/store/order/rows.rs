//! Orders as they are listed.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};

use crate::domain::amount::text_as_text;
use crate::domain::ids::{BlastId, OrderId, RecipientId, SenderId};
use crate::domain::order::{OrderState, Uncounted};
use crate::domain::phone::Phone;
use crate::store::{ROWS_MAX, StoreError};

/// An order with its items.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct OrderRow {
    pub id: OrderId,
    pub state: OrderState,
    /// `webhook` or `operator`.
    pub source: String,
    pub sender_id: SenderId,
    pub sender: String,
    pub blast_id: Option<BlastId>,
    pub blast_tag: Option<String>,
    pub recipient_id: Option<RecipientId>,
    pub phone_number: Option<String>,
    pub user_id: Option<String>,
    pub name: Option<String>,
    /// As the message names it.
    pub catalogue: Option<String>,
    pub note: Option<String>,
    pub message_id: Option<String>,
    /// Exact; `None` where it cannot be added up.
    pub total: Option<Decimal>,
    pub currency: Option<String>,
    /// Items that could not be read.
    pub unreadable: i32,
    /// How much of its person's amount is its own; `None` once that was taken back.
    pub counted: Option<Decimal>,
    /// Why it is not counted in revenue.
    pub uncounted: Option<String>,
    /// Whoever typed an amount after it, in its place.
    pub replaced_by: Option<String>,
    pub replaced_at: Option<DateTime<Utc>>,
    /// Whether the act that counted it was undone, and by whom.
    pub is_undone: bool,
    pub undone_by: Option<String>,
    pub ordered_at: DateTime<Utc>,
    /// What the message says, where that is later than when it came.
    pub dated_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Whose last word the state is; `None`: the person's.
    pub state_by: Option<String>,
    pub items: Json<Vec<OrderItemRow>>,
    /// As it was before its first edit; `None`: it was not edited.
    pub original: Option<Json<OriginalOrder>>,
    /// Whoever edited it last.
    pub edited_by: Option<String>,
    pub edited_at: Option<DateTime<Utc>>,
}

/// An order as it was before it was edited. The total is a text, exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredOriginal")]
pub struct OriginalOrder {
    pub items: Vec<OrderItemRow>,
    pub total: Option<String>,
    pub currency: Option<String>,
}

/// The same with its total as the database writes it: nothing as `0`.
#[derive(Deserialize)]
struct StoredOriginal {
    items: Vec<OrderItemRow>,
    total: Option<String>,
    currency: Option<String>,
}

impl From<StoredOriginal> for OriginalOrder {
    fn from(StoredOriginal { items, total, currency }: StoredOriginal) -> Self {
        Self { items, total: total.map(|total| text_as_text(total, currency.as_deref())), currency }
    }
}

/// An item as it was ordered. Numbers are texts, exact; money has the places of its currency at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredItem")]
pub struct OrderItemRow {
    pub id: i64,
    pub sku: String,
    /// Of the product when it was ordered; `None` where no catalogue had it.
    pub name: Option<String>,
    pub product_id: Option<i64>,
    pub variant_id: Option<i64>,
    pub quantity: String,
    pub price: Option<String>,
    pub currency: Option<String>,
    pub total: Option<String>,
}

/// The same with its money as the database writes it: nothing as `0`.
#[derive(Deserialize)]
struct StoredItem {
    id: i64,
    sku: String,
    name: Option<String>,
    product_id: Option<i64>,
    variant_id: Option<i64>,
    quantity: String,
    price: Option<String>,
    currency: Option<String>,
    total: Option<String>,
}

impl From<StoredItem> for OrderItemRow {
    fn from(item: StoredItem) -> Self {
        let StoredItem { id, sku, name, product_id, variant_id, quantity, price, currency, total } = item;
        let money = |text: Option<String>| text.map(|text| text_as_text(text, currency.as_deref()));
        let (price, total) = (money(price), money(total));
        Self { id, sku, name, product_id, variant_id, quantity, price, currency, total }
    }
}

/// Which orders to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct OrderQuery {
    pub blast: Option<BlastId>,
    pub sender: Option<SenderId>,
    pub state: Option<OrderState>,
    /// Only this person's, in either spelling.
    pub phone: Option<Phone>,
    /// Only those older than this one.
    pub before: Option<OrderId>,
    /// 1 to 1,000.
    pub limit: u32,
}

const SELECT: &str = "select o.id, o.state::text as state, o.source, o.sender_id, s.name as sender, o.blast_id, b.blast_tag, o.recipient_id,
                o.phone_number, o.user_id, coalesce(r.name, o.name) as name, o.catalogue, o.note, o.message_id, o.total, o.currency,
                o.unreadable, case when a.id is not null and r.id is not null and t.id is null then o.counted end as counted,
                o.uncounted, t.operator as replaced_by, t.at as replaced_at, u.id is not null as is_undone, u.undone_by, o.ordered_at, o.dated_at, o.created_at, o.updated_at, o.state_by,
                coalesce((select json_agg(json_build_object(
                    'id', i.id, 'sku', i.sku, 'name', i.name, 'product_id', i.product_id, 'variant_id', i.variant_id,
                    'quantity', i.quantity::text, 'price', i.price::text, 'currency', i.currency,
                    'total', (i.quantity * i.price)::text) order by i.position)
                    from order_items i where i.order_id = o.id), '[]') as items,
                (select json_build_object('items', e.items, 'total', e.total::text, 'currency', e.currency)
                   from order_edits e where e.order_id = o.id order by e.id limit 1) as original,
                l.by_whom as edited_by, l.at as edited_at
           from orders o
           join senders s on s.id = o.sender_id
           left join blasts b on b.id = o.blast_id and b.deleted_at is null
           left join blast_recipients r on r.id = o.recipient_id
           left join operator_actions a on a.id = o.action_id and a.undone_at is null
           left join operator_actions u on u.id = o.action_id and u.undone_at is not null
           left join lateral (
                select t.id, t.operator, t.at from operator_actions t
                 where t.recipient_id = o.recipient_id and t.id > a.id and t.undone_at is null and t.action = 'closed'
                   and t.detail -> 'order' is null and t.detail ->> 'amount' is not null
                 order by t.id limit 1) t on o.counted is not null
           left join lateral (
                select e.by_whom, e.at from order_edits e where e.order_id = o.id order by e.id desc limit 1) l on true
          where true";

impl OrderRow {
    /// Why it is not counted in revenue; `None` where it is.
    pub fn not_counted(&self) -> Option<String> {
        if self.counted.is_some() {
            return None;
        }
        // It would not count whatever else is said of it.
        if self.state == OrderState::Cancelled {
            return Some(Uncounted::Cancelled.to_string());
        }
        let replaced = self.replaced_by.as_ref().zip(self.replaced_at);
        let replaced = replaced.map(|(by, at)| Uncounted::Replaced(by.clone(), at).to_string());
        let undone = || Uncounted::Undone(self.undone_by.clone());
        let now = || if self.is_undone { undone() } else { Uncounted::PersonGone };
        replaced.or_else(|| self.uncounted.clone()).or_else(|| Some(now().to_string()))
    }
}

pub async fn get(pool: &PgPool, id: OrderId) -> Result<Option<OrderRow>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push(" and o.id = ").push_bind(id);
    Ok(sql.build_query_as().fetch_optional(pool).await?)
}

pub async fn list(pool: &PgPool, query: &OrderQuery) -> Result<Vec<OrderRow>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    if let Some(blast) = query.blast {
        sql.push(" and o.blast_id = ").push_bind(blast);
    }
    if let Some(sender) = query.sender {
        sql.push(" and o.sender_id = ").push_bind(sender);
    }
    if let Some(state) = query.state {
        sql.push(" and o.state = ").push_bind(state).push("::text::order_state");
    }
    if let Some(phone) = &query.phone {
        sql.push(" and person_key(o.phone_number) = person_key(").push_bind(phone.as_str()).push(")");
    }
    if let Some(before) = query.before {
        sql.push(" and o.id < ").push_bind(before);
    }
    sql.push(" order by o.id desc limit ").push_bind(i64::from(query.limit.clamp(1, ROWS_MAX)));
    Ok(sql.build_query_as().fetch_all(pool).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_that_is_read_has_the_places_of_its_currency() {
        let item = r#"{"id":1,"sku":"teh","name":null,"product_id":null,"variant_id":null,"quantity":"2","price":"0","currency":"MYR","total":"0"}"#;
        let original = format!(r#"{{"items":[{item}],"total":"2.5","currency":"MYR"}}"#);

        let original: OriginalOrder = serde_json::from_str(&original).unwrap();

        let item = &original.items[0];
        assert_eq!((item.price.as_deref(), item.total.as_deref()), (Some("0.00"), Some("0.00")));
        assert_eq!((item.quantity.as_str(), original.total.as_deref()), ("2", Some("2.50")));
    }
}

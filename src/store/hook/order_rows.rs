//! What there is to say of an order's changes: with its items as they are by now, and money as everywhere.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use sqlx::PgPool;
use sqlx::types::Json;

use super::{EventRow, RowQuery};
use crate::domain::amount::{as_text, text_as_text};
use crate::domain::hook::EventKind;
use crate::domain::order::OrderState;
use crate::store::StoreError;

#[derive(sqlx::FromRow)]
struct OrderEventRow {
    id: i64,
    at: DateTime<Utc>,
    /// As the database writes it: nothing as `0`.
    sum: Option<Decimal>,
    #[sqlx(flatten)]
    data: OrderEventData,
}

/// What is not known is left out.
#[derive(sqlx::FromRow, Serialize)]
struct OrderEventData {
    order_id: i64,
    sender: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    state: OrderState,
    /// The same as the state: an edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_state: Option<OrderState>,
    #[sqlx(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Json<Vec<OrderEventItem>>>,
}

#[derive(Deserialize, Serialize)]
struct OrderEventItem {
    product_retailer_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    quantity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
}

impl OrderEventRow {
    fn event(mut self) -> EventRow {
        let data = &mut self.data;
        data.total = self.sum.map(|sum| as_text(sum, data.currency.as_deref()));
        for item in data.items.iter_mut().flat_map(|items| items.0.iter_mut()) {
            item.price = item.price.take().map(|price| text_as_text(price, item.currency.as_deref()));
        }
        let kind = Some(EventKind::of_order(data.previous_state, data.state));
        let data = to_raw_value(&self.data).unwrap_or_default();
        EventRow { id: self.id, kind, at: self.at, written_at: self.at, data }
    }
}

/// The changes of orders in a range.
pub(super) async fn orders(pool: &PgPool, query: RowQuery<'_>) -> Result<Vec<EventRow>, StoreError> {
    let rows: Vec<OrderEventRow> = sqlx::query_as(
        "select c.id, c.at, o.total as sum, o.id as order_id, s.name as sender, o.blast_id, o.recipient_id, o.phone_number, o.user_id,
                o.name, c.new_state::text as state, c.old_state::text as previous_state, o.currency, o.note, o.message_id,
                c.by_whom as by,
                (select json_agg(json_build_object(
                    'product_retailer_id', i.sku, 'name', i.name, 'quantity', i.quantity::text, 'price', i.price::text,
                    'currency', i.currency) order by i.position) from order_items i where i.order_id = o.id) as items
           from order_changes c
           join orders o on o.id = c.order_id
           join senders s on s.id = o.sender_id
          where c.id > $1 and c.id <= $2 and ($3::text[] is null or s.name = any($3))
          order by c.id limit $4",
    )
    .bind(query.range.after)
    .bind(query.range.last)
    .bind(query.senders)
    .bind(query.limit)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(OrderEventRow::event).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_an_order_is_documented() {
        let some = || Some("x".to_owned());
        let data = OrderEventData {
            order_id: 3,
            sender: "sales".to_owned(),
            blast_id: Some(7),
            recipient_id: Some(1),
            phone_number: some(),
            user_id: some(),
            name: some(),
            state: OrderState::Paid,
            previous_state: Some(OrderState::New),
            total: some(),
            currency: some(),
            note: some(),
            message_id: some(),
            by: some(),
            items: Some(Json(Vec::new())),
        };
        let fields = serde_json::to_value(&data).unwrap();
        let (_, documented) = include_str!("../../../docs/API.md").split_once("\n    order.* ").unwrap();
        let (documented, _) = documented.split_once("\n    opt_out.added").unwrap();

        for field in fields.as_object().unwrap().keys() {
            assert!(documented.contains(&format!("\"{field}\"")), "docs/API.md has no `{field}` of an order");
        }
    }

    #[test]
    fn an_order_of_nothing_is_called_with_the_places_of_its_currency_and_what_is_not_known_is_left_out() {
        let item = |price: &str| OrderEventItem {
            product_retailer_id: "teh".to_owned(),
            name: None,
            quantity: "2".to_owned(),
            price: Some(price.to_owned()),
            currency: Some("MYR".to_owned()),
        };
        let data = OrderEventData {
            order_id: 3,
            sender: "sales".to_owned(),
            blast_id: None,
            recipient_id: None,
            phone_number: None,
            user_id: None,
            name: None,
            state: OrderState::New,
            previous_state: None,
            total: None,
            currency: Some("MYR".to_owned()),
            note: None,
            message_id: None,
            by: None,
            items: Some(Json(vec![item("0")])),
        };
        let row = OrderEventRow { id: 1, at: DateTime::UNIX_EPOCH, sum: Some(Decimal::ZERO), data };

        assert_eq!(
            row.event().data.get(),
            r#"{"order_id":3,"sender":"sales","state":"new","total":"0.00","currency":"MYR","items":[{"product_retailer_id":"teh","quantity":"2","price":"0.00","currency":"MYR"}]}"#
        );
    }
}

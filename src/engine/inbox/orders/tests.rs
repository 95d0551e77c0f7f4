//! Ten thousand orders as Meta sends them, read and added up; compared with whole numbers.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::OrderNews;
use crate::domain::order::Uncounted;
use crate::provider::meta::webhook::{InboundContent, WebhookEvent, parse};

fn webhook(order: &Value) -> Vec<u8> {
    let message =
        json!({ "from": "60100000001", "id": "wamid.x", "timestamp": "1790000000", "type": "order", "order": order });
    let value =
        json!({ "messaging_product": "whatsapp", "metadata": { "phone_number_id": "1" }, "messages": [message] });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] })
        .to_string()
        .into_bytes()
}

fn news(order: &Value) -> OrderNews {
    let now = chrono::Utc::now();
    let items = parse(&webhook(order), now);
    let found = items.into_iter().find_map(|item| match item.event {
        WebhookEvent::Message(message) => match message.content {
            InboundContent::Order(order) => Some(order.into()),
            _ => None,
        },
        _ => None,
    });
    found.unwrap()
}

#[test]
fn ten_thousand_orders_add_up_to_the_last_digit() {
    let mut random = StdRng::seed_from_u64(43);
    let mut revenue = Decimal::ZERO;
    let mut cents = 0_i128;
    for n in 0..10_000 {
        let mut sum = 0_i128;
        let mut items = Vec::new();
        for _ in 0..random.random_range(1..6) {
            // In ten-thousandths, some of them whole, some with one place or more.
            let places = 10_i128.pow(random.random_range(0..=4));
            let units = random.random_range(0..50_000_000_i128) / places * places;
            let quantity = random.random_range(1..20_i128);
            sum += units * quantity;
            let text = format!("{}.{:04}", units / 10_000, units % 10_000);
            let price = if n % 2 == 0 { json!(text) } else { json!(text.parse::<f64>().unwrap()) };
            let quantity = i64::try_from(quantity).unwrap();
            items.push(
                json!({ "product_retailer_id": "sku", "quantity": quantity, "item_price": price, "currency": "MYR" }),
            );
        }

        let order = news(&json!({ "catalog_id": "1", "product_items": items }));

        assert_eq!(order.total.as_ref().unwrap().sum, Decimal::from_i128_with_scale(sum, 4), "{items:?}");
        revenue += order.revenue("MYR").unwrap();
        cents += (sum + 50) / 100;
    }
    assert_eq!(revenue, Decimal::from_i128_with_scale(cents, 2));
}

#[test]
fn an_order_with_an_item_that_cannot_be_read_has_no_total() {
    let order = news(&json!({ "product_items": [
        { "product_retailer_id": "sku", "quantity": 1, "item_price": 5, "currency": "MYR" }, { "quantity": 1 } ] }));

    assert_eq!((order.items.len(), order.unreadable), (1, 1));
    assert_eq!(order.revenue("MYR"), Err(Uncounted::Unreadable));
}

#[test]
fn an_order_in_words_has_its_amount_as_every_other_sentence_has_it() {
    let words = |price: &str, currency: &str| {
        let item =
            json!({ "product_retailer_id": "rendang", "quantity": 1, "item_price": price, "currency": currency });
        news(&json!({ "product_items": [item] })).words()
    };

    assert_eq!(words("19.9", "MYR"), "(order) 1 × rendang, RM 19.90");
    assert_eq!(words("1250", "USD"), "(order) 1 × rendang, $ 1,250.00");
    assert_eq!(words("300", "JPY"), "(order) 1 × rendang, JPY 300");
}

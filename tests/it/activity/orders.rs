//! Orders and carts in what happened.

use blastdeck::domain::ids::RecipientId;
use blastdeck::store::view::activity::{self, ActivityEvent, ActivityRow};
use blastdeck::store::view::{RecipientDetails, recipients};
use serde_json::json;

use crate::inbox::ordering::{messages, order};
use crate::inbox::scene::InboxScene;
use crate::support::digits;

#[tokio::test]
async fn orders_are_named_where_they_were_written_edited_and_cancelled_and_as_what_closed_their_person() {
    let scene = InboxScene::sent(2).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "teh*3@2.50"]).await;
    shop.ok(&["order", "edit", "1", "teh*2"]).await;
    shop.ok(&["order", "add", "1", &digits(2), "kek*1@10"]).await;
    shop.ok(&["order", "cancel", "2"]).await;

    let pool = &shop.database.pool;
    let rows = activity::page(pool, None, 50).await.unwrap();
    let orders: Vec<_> = rows
        .iter()
        .filter_map(|row| match &row.event {
            ActivityEvent::Act { act, by, order: Some(order), .. } => Some(format!("{act} by {by}: {order}")),
            _ => None,
        })
        .collect();
    let details = async |n| recipients::details(pool, RecipientId(n)).await.unwrap().unwrap();
    let said = |details: &RecipientDetails| -> Vec<String> {
        details.history.iter().filter_map(|row| row.detail.clone()).filter(|said| said.contains("order")).collect()
    };

    assert_eq!(
        orders,
        [
            "undo by aina: order 2, RM 10.00",
            "closed by aina: order 2, RM 10.00",
            "edit by aina: order 1, RM 5.00",
            "closed by aina: order 1, RM 7.50",
        ]
    );
    assert_eq!(said(&details(1).await), ["order 1"]);
    assert_eq!(said(&details(2).await), ["order 2", "order 2 was cancelled"]);
    let undone = shop.ok(&["mark", "1", &digits(1), "closed", "--amount", "9"]).await;
    assert!(undone.contains("; order 1 no longer counts"), "{undone}");
    let more = shop.ok(&["mark", "1", &digits(1), "closed", "--amount", "8"]).await;
    assert!(!more.contains("no longer"), "{more}");
}

#[tokio::test]
async fn each_step_of_an_order_says_what_it_came_to_then() {
    let scene = InboxScene::sent(1).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "teh*3@2.50"]).await;
    shop.ok(&["order", "confirm", "1"]).await;
    shop.ok(&["order", "edit", "1", "teh*2"]).await;
    shop.ok(&["order", "pay", "1"]).await;
    shop.ok(&["order", "edit", "1", "teh*4"]).await;
    shop.ok(&["order", "cancel", "1"]).await;

    let rows = activity::page(&shop.database.pool, None, 50).await.unwrap();

    let step = |row: &ActivityRow| match &row.event {
        ActivityEvent::Act { act, order: Some(order), .. } => {
            Some(order.state.map_or_else(|| format!("{act}: {order}"), |state| format!("{state}: {order}")))
        }
        _ => None,
    };
    assert_eq!(
        rows.iter().filter_map(step).collect::<Vec<_>>(),
        [
            "undo: order 1, RM 10.00",
            "edit: order 1, RM 10.00",
            "paid: order 1, RM 5.00",
            "edit: order 1, RM 5.00",
            "confirmed: order 1, RM 7.50",
            "closed: order 1, RM 7.50",
        ]
    );
}

#[tokio::test]
async fn an_order_that_came_by_a_message_happened_once() {
    let scene = InboxScene::sent(1).await;
    let items = json!([{ "product_retailer_id": "kuih", "quantity": 3, "item_price": 0.35, "currency": "MYR" }]);

    scene.receive(messages(&[order(1, "wamid.o1", &items)])).await;

    let closed = "select count(*) from operator_actions where operator = 'engine' and action = 'closed'";
    assert_eq!(scene.shop.number(closed).await, 1, "it counts");
    let pool = &scene.shop.database.pool;
    let of_person = async || {
        let rows = activity::page(pool, None, 50).await.unwrap();
        let of_person = rows.into_iter().filter(|row| row.recipient == Some(RecipientId(1)));
        of_person.map(|row| row.event).collect::<Vec<_>>()
    };
    let events = of_person().await;
    assert!(
        matches!(&events[..], [ActivityEvent::Reply { text, .. }] if text == "(order) 3 × kuih, RM 1.05"),
        "{events:?}"
    );
    scene.shop.ok(&["order", "cancel", "1"]).await;
    let events = of_person().await;
    assert!(events.iter().any(|event| matches!(event, ActivityEvent::Act { order: Some(_), .. })), "{events:?}");
}

//! Orders and stops at another number of the same business than the one that sent.

use serde_json::{Value, json};

use super::ordering::{amount, messages, order};
use super::scene::{InboxScene, blast_of, envelope, text, uncertain};

fn items() -> Value {
    json!([{ "product_retailer_id": "teh", "quantity": 2, "item_price": 5, "currency": "MYR" }])
}

#[tokio::test]
async fn an_order_at_another_number_of_the_business_belongs_to_its_newest_message() {
    let scene = InboxScene::with(2, "sales", "").await;

    scene.receive(messages(&[order(1, "wamid.o1", &items()), order(9, "wamid.o2", &items())])).await;

    assert_eq!((scene.status(1).await, amount(&scene, 1).await.as_deref()), ("closed".to_owned(), Some("10.00")));
    let said = scene.shop.json(&["order", "show", "1"]).await;
    assert_eq!((&said["blast_id"], &said["sender"], &said["counted"]), (&json!(1), &json!("cloud"), &json!("10.00")));
    let stranger = scene.shop.json(&["order", "show", "2"]).await;
    assert_eq!(stranger["uncounted"], "it answers no blast that is known");
    let [listed, shown] = [scene.shop.ok(&["order", "list"]).await, scene.shop.ok(&["order", "show", "1"]).await];
    assert!(listed.contains("+60100000001") && shown.contains(", +60100000001"), "{listed}{shown}");
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_order_belongs_to_its_own_numbers_message_where_another_number_sent_a_newer_one() {
    let newer = "update blast_recipients set sent_at = now() - interval '1 hour' where blast_id = 1;";
    let second = blast_of("sales", 2, 1).replace("'wamid.' || n", "'second.' || n");
    let scene = InboxScene::with(1, "cloud", &format!("{second}{newer}")).await;

    scene.receive(messages(&[order(1, "wamid.o1", &items())])).await;

    assert_eq!(scene.shop.json(&["order", "show", "1"]).await["blast_id"], 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_order_at_another_number_waits_until_it_is_known_whether_a_message_went() {
    let scene = InboxScene::with(1, "sales", &uncertain(1)).await;

    scene.receive(messages(&[order(1, "wamid.o1", &items())])).await;

    assert_eq!(scene.shop.number("select count(*) from orders").await, 0);
    assert_eq!(scene.shop.number("select count(*) from webhook_inbox where state = 'parked'").await, 1);
}

#[tokio::test]
async fn a_stop_to_another_number_of_the_business_is_that_of_whoever_had_its_newest_message() {
    let scene = InboxScene::with(3, "sales", "").await;
    // A number of the account that no sender has.
    let mut unknown = envelope(&text(2, "wamid.in2", "STOP"));
    unknown["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = json!("999");

    scene.receive_all(&[text(1, "wamid.in1", "STOP"), text(3, "wamid.in3", "Hello")]).await;
    scene.serve.meta(unknown.to_string()).await;
    scene.until_applied().await;

    let people = scene.shop.json_lines(&["blast", "recipients", "1"]).await;
    let opted_out: Vec<_> = people.iter().map(|person| person["opted_out_at"].is_string()).collect();
    assert_eq!(opted_out, [true, true, false]);
    assert_eq!(scene.status(3).await, "sent", "any other word to another number answers no blast");
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

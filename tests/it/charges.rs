//! What delivered messages cost: by category, and in money where the operator gives a rate card.

use serde_json::{Value, json};

use crate::answering::scene::AnswerScene;
use crate::support::digits;

#[tokio::test]
async fn delivered_messages_are_charged_once_by_category_and_in_money_with_a_rate_card() {
    let scene = AnswerScene::served(3).await;
    let ids: Vec<String> = sqlx::query_scalar("select message_id from blast_recipients order by id")
        .fetch_all(&scene.shop.database.pool)
        .await
        .unwrap();
    let status = |n: u32, word: &str, category: &str, kind: &str| -> Value {
        json!({ "statuses": [{
            "id": ids[n as usize - 1], "status": word, "timestamp": chrono::Utc::now().timestamp().to_string(),
            "recipient_id": digits(n),
            "pricing": { "billable": kind == "regular", "pricing_model": "PMP", "category": category, "type": kind },
        }] })
    };
    scene.receive(status(1, "sent", "marketing", "regular")).await;
    scene.receive(status(1, "delivered", "marketing", "regular")).await;
    scene.receive(status(1, "read", "marketing", "regular")).await;
    scene.receive(status(2, "delivered", "service", "free_customer_service")).await;
    scene.receive(status(3, "sent", "marketing", "regular")).await;

    let without = scene.json(&["blast", "show", "1"]).await["charges"].clone();
    let config = std::fs::read_to_string(scene.shop.path("config.toml")).unwrap();
    let rates =
        "[pricing]\nrates = [\"marketing MY 0.0861 USD from 2026-01-01\", \"marketing * 9 USD from 2026-01-01\"]\n";
    scene.shop.write("config.toml", config.clone() + rates);
    let with = scene.json(&["blast", "show", "1"]).await["charges"].clone();
    let report = scene.ok(&["blast", "report", "1"]).await;
    scene.shop.write("config.toml", config + "[pricing]\nrates = [\"marketing MY cheap USD from 2026-01-01\"]\n");
    let wrong = scene.run(&["blast", "show", "1"]).await;

    assert_eq!(without, json!({ "categories": { "marketing": 1 }, "free": 1, "money": {}, "without_rate": 1 }));
    let expected =
        json!({ "categories": { "marketing": 1 }, "free": 1, "money": { "USD": "0.0861" }, "without_rate": 0 });
    assert_eq!(with, expected);
    assert!(report.contains("charged USD 0.09 for 1 marketing, 1 free"), "{report}");
    assert!(wrong.code == 2 && wrong.err.contains("pricing.rates"), "{wrong:?}");
}

#[tokio::test]
async fn a_message_costs_what_it_cost_once_its_person_is_forgotten() {
    let scene = AnswerScene::served(1).await;
    let id: String = sqlx::query_scalar("select message_id from blast_recipients")
        .fetch_one(&scene.shop.database.pool)
        .await
        .unwrap();
    scene
        .receive(json!({ "statuses": [{
            "id": id, "status": "delivered", "timestamp": chrono::Utc::now().timestamp().to_string(), "recipient_id": digits(1),
            "pricing": { "billable": true, "pricing_model": "PMP", "category": "marketing", "type": "regular" },
        }] }))
        .await;
    let config = std::fs::read_to_string(scene.shop.path("config.toml")).unwrap();
    let rates = "[pricing]\nrates = [\"marketing MY 0.0861 USD from 2026-01-01\"]\n";
    scene.shop.write("config.toml", config + rates);
    let charges = async || scene.json(&["blast", "show", "1"]).await["charges"].clone();
    let before = charges().await;

    scene.ok(&["customer", "forget", &format!("+{}", digits(1)), "--yes"]).await;

    assert_eq!(before["money"], json!({ "USD": "0.0861" }));
    assert_eq!(charges().await, before);
}

#[tokio::test]
async fn a_blast_shows_how_much_was_written_back_and_a_launch_that_can_be_taken_back_is_listed_as_one_that_starts() {
    let scene = AnswerScene::unserved(2).await;
    scene.wrote(&[1, 2]).await;
    scene.shop.execute("update replies set kind = 'button' where recipient_id = 2").await;
    scene
        .shop
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state, send_after)
             select 'Soon', id, 'Hi', 'sending', now() + interval '1 hour' from senders where name = 'sales'",
        )
        .await;
    let queued = "insert into blast_recipients (blast_id, phone_number) select max(id), '+60100009999' from blasts";
    scene.shop.execute(queued).await;

    let show = scene.ok(&["blast", "show", "1"]).await;
    let starts = scene.json_lines(&["blast", "list", "--state", "starts"]).await;
    let armed = scene.ok(&["blast", "list", "--state", "armed"]).await;
    let drafts = scene.ok(&["blast", "list", "--state", "completed"]).await;

    assert!(show.contains("replies  2 replies, 1 of them text, by 2 people"), "{show}");
    assert!(armed.contains("Soon") && armed.contains(" starts "), "{armed}");
    assert_eq!(starts.iter().map(|blast| &blast["tag"]).collect::<Vec<_>>(), ["Soon"]);
    assert!(!drafts.contains("Soon"), "{drafts}");
}

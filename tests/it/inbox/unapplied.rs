//! What is here and not applied yet may say that somebody uncertain has the message: they are not sent to again before it is read.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{InboxScene, OLD, blast_of, envelope, status, statuses, text, uncertain};
use crate::support::serve::{Serve, senders};
use crate::support::{Said, Setup, Shop, digits, eventually_async};

/// Three people who have been uncertain for long, and a server that keeps what it receives: no engine applies it.
async fn without_engine() -> InboxScene {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let doubts: String = (1..=3).map(uncertain).collect();
    shop.execute(&format!("{}{doubts}{OLD}", blast_of("cloud", 1, 3))).await;
    let installation = shop.text("select id::text from database_id").await;
    InboxScene { shop, serve, installation }
}

/// Keeps what Meta posts.
async fn keep(scene: &InboxScene, value: &Value) {
    assert_eq!(scene.serve.meta(envelope(value).to_string()).await, StatusCode::OK);
}

async fn resend(scene: &InboxScene, whom: &str) -> Said {
    scene.shop.run(&["uncertain", "resolve", "1", whom, "resend", "--yes"]).await
}

/// The command line between has the directories of the test.
const WAITS: [&str; 2] = [
    "a webhook that names them is here and not applied yet, and may say what became of it: run `",
    " engine`, or try again in a moment where one runs",
];

fn is_waited_for(refused: &Said, n: u32) -> bool {
    let [waits, mend] = WAITS;
    refused.code == 3 && refused.err.contains(&format!("Person {n}: {waits}")) && refused.err.contains(mend)
}

#[tokio::test]
async fn nobody_is_sent_to_again_while_a_webhook_about_them_waits() {
    let scene = without_engine().await;
    let mut delivered = status(1, "delivered");
    // WhatsApp may know them by another number.
    delivered["recipient_id"] = json!("60199999999");
    delivered["biz_opaque_callback_data"] = json!(scene.callback(1).await);
    keep(&scene, &statuses(&[delivered])).await;
    keep(&scene, &text(2, "wamid.in2", "Ok, I take three")).await;

    for n in [1, 2] {
        let refused = resend(&scene, &digits(n)).await;
        assert!(is_waited_for(&refused, n), "{refused:?}");
    }
    assert_eq!(scene.shop.count("uncertain").await, 3);
    let all = scene.shop.json(&["uncertain", "resolve", "1", "all", "resend", "--yes"]).await;
    assert_eq!(all, json!({ "resolved": 1, "refused": 2 }), "nothing waits of the third");

    let engine = scene.shop.engine();
    eventually_async("it is applied", async || scene.status(1).await == "delivered").await;
    let settled = resend(&scene, &digits(1)).await;
    assert!(settled.code == 3 && settled.err.contains("not uncertain"), "{settled:?}");
    // Their reply waits for this very answer.
    eventually_async("it was tried", async || {
        scene.shop.number("select count(*) from webhook_inbox where state = 'new'").await == 0
    })
    .await;
    let again = resend(&scene, &digits(2)).await;
    assert_eq!(again.code, 0, "{again:?}");
    engine.stop().await;
}

#[tokio::test]
async fn a_webhook_that_was_tried_and_waits_counts_where_it_names_the_attempt() {
    let scene = without_engine().await;
    let mut sent = status(1, "sent");
    sent["biz_opaque_callback_data"] = json!(scene.callback(1).await);
    keep(&scene, &statuses(&[sent])).await;
    // It was tried once, while somebody had the row.
    scene.shop.execute("update webhook_inbox set state = 'parked', tries = 1").await;

    let refused = resend(&scene, &digits(1)).await;

    assert!(is_waited_for(&refused, 1), "{refused:?}");
    // Of a reply that was read nothing more becomes known before it is decided.
    keep(&scene, &text(3, "wamid.in3", "Hello")).await;
    scene.shop.execute("update webhook_inbox set state = 'parked', tries = 1 where state = 'new'").await;
    assert_eq!(resend(&scene, &digits(3)).await.code, 0);
}

#[tokio::test]
async fn a_server_without_an_engine_records_opt_outs_and_leaves_the_rest_to_an_engine() {
    let scene = without_engine().await;
    let shop = &scene.shop;
    shop.execute(&format!(
        "insert into blast_recipients (blast_id, phone_number) values (1, '+{}'), (1, '+{}')",
        digits(4),
        digits(5)
    ))
    .await;
    keep(&scene, &text(4, "wamid.in4", "STOP")).await;
    keep(&scene, &text(5, "wamid.in5", "I take three")).await;

    eventually_async("they opted out", async || shop.count("opted_out").await == 1).await;
    keep(&scene, &text(3, "wamid.in3", "stop")).await;
    eventually_async("so did another", async || shop.number("select count(*) from suppressions").await == 2).await;

    let waiting = "select count(*) from webhook_inbox where state = 'new'";
    assert_eq!((shop.number(waiting).await, shop.count("queued").await), (3, 1));
    assert_eq!(shop.number("select count(*) from replies").await, 0);
    let engine = shop.engine();
    eventually_async("an engine applies it", async || shop.number("select count(*) from replies").await == 3).await;
    engine.stop().await;
}

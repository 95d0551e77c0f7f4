//! Replies, opt-outs and ids of people.

use serde_json::{Value, json};

use super::scene::{InboxScene, blast_of, text};
use crate::support::serve::{Serve, WEBHOOK_SECRET, senders};
use crate::support::{Setup, Shop, digits, eventually_async};

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// A business-scoped id of person `n`.
fn user_id(n: u32) -> String {
    format!("MY.person{n}")
}

#[tokio::test]
async fn a_reply_belongs_to_the_message_that_it_quotes_else_to_the_newest_that_reached_them() {
    let scene = InboxScene::with(4, "cloud", &blast_of("cloud", 2, 0)).await;
    scene.shop.execute("update blast_recipients set sent_at = now() - interval '40 days' where id = 3").await;
    let mut quoting = text(1, "wamid.in1", "Yes, please");
    quoting["messages"][0]["context"] = json!({ "id": "wamid.2", "from": "60122222222" });

    scene
        .receive_all(&[
            quoting,
            text(1, "wamid.in2", "Hello"),
            text(3, "wamid.in3", "Late"),
            text(9, "wamid.in4", "Who?"),
        ])
        .await;
    scene.receive(json!({ "messages": [
        { "from": digits(4), "id": "wamid.in5", "timestamp": now().to_string(), "type": "reaction",
          "reaction": { "message_id": "wamid.4", "emoji": "x" } },
        { "from": digits(4), "id": "wamid.in6", "timestamp": now().to_string(), "type": "revoke", "revoke": { "original_message_id": "x" } },
    ] })).await;

    let of: Vec<(Option<i64>, String)> = sqlx::query_as("select recipient_id, body from replies order by message_id")
        .fetch_all(&scene.shop.database.pool)
        .await
        .unwrap();
    let expected = [(Some(2), "Yes, please"), (Some(1), "Hello"), (None, "Late"), (None, "Who?")];
    assert_eq!(of, expected.map(|(id, body)| (id, body.to_owned())));
    let statuses = [scene.status(1).await, scene.status(2).await, scene.status(3).await, scene.status(4).await];
    assert_eq!(statuses, ["replied", "replied", "sent", "sent"]);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn whatever_somebody_sends_is_a_reply_also_where_its_kind_is_not_known() {
    let scene = InboxScene::sent(5).await;
    let of = |n: u32, kind: &str, content: Value| -> Value {
        json!({ "messages": [{ "from": digits(n), "id": format!("wamid.in{n}"), "timestamp": now().to_string(), "type": kind,
                               kind: content }] })
    };
    let long = format!("\u{1b}[2J{}", "x".repeat(300));

    scene
        .receive_all(&[
            of(1, "hologram", json!({ "id": "7" })),
            of(2, "interactive", json!({ "type": "brand_new", "brand_new": {} })),
            of(3, &long, json!({})),
            of(4, "unsupported", json!({ "type": "edit" })),
            of(5, "request_welcome", json!({})),
        ])
        .await;

    let replies = "select string_agg(kind || ' ' || body, ', ' order by message_id) from replies";
    let cut = format!("[2j{}", "x".repeat(37));
    let expected = format!("hologram (hologram), brand new (brand new), {cut} ({cut})");
    assert_eq!(scene.text(replies).await, Some(expected));
    let mut statuses = Vec::new();
    for n in 1..=5 {
        statuses.push(scene.status(n).await);
    }
    assert_eq!(statuses, ["replied", "replied", "replied", "sent", "sent"]);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_word_a_stop_button_and_a_setting_are_opt_outs_of_the_whole_business() {
    let queued = "insert into blasts (blast_tag, sender_id, message, state, total_recipients)
                  values ('Next', (select id from senders where name = 'sales'), 'Hi', 'paused', 4);
                  insert into blast_recipients (blast_id, phone_number)
                  select 2, '+60100' || lpad(n::text, 6, '0') from generate_series(1, 4) as n";
    let scene = InboxScene::with(4, "cloud", queued).await;
    let button = json!({ "messages": [{ "from": digits(2), "id": "wamid.in2", "timestamp": now().to_string(), "type": "button",
                                        "button": { "payload": "STOP", "text": "No more of this" },
                                        "context": { "id": "wamid.2" } }] });
    let wish = |n: u32, value: &str, at: i64| json!({ "user_preferences": [{ "wa_id": digits(n), "category": "marketing_messages", "value": value, "timestamp": at }] });

    scene
        .receive_all(&[
            text(1, "wamid.in1", " stop! "),
            button,
            wish(3, "stop", now()),
            text(4, "wamid.in4", "please don't stop"),
        ])
        .await;

    let next: Vec<String> =
        sqlx::query_scalar("select status::text from blast_recipients where blast_id = 2 order by id")
            .fetch_all(&scene.shop.database.pool)
            .await
            .unwrap();
    assert_eq!(next, ["opted_out", "opted_out", "opted_out", "queued"]);
    assert_eq!(
        [scene.status(1).await, scene.status(2).await],
        ["sent", "sent"],
        "who was reached stays where they are"
    );
    let suppressed = "select count(*) from suppressions where business = 'kedai' and source = 'person'";
    assert_eq!(scene.shop.number(suppressed).await, 3);

    scene.receive(wish(3, "resume", now() - 3_600)).await;
    assert_eq!(scene.shop.number(suppressed).await, 3, "an older wish that comes late");
    scene.shop.ok(&["suppress", "add", &digits(4)]).await;
    scene.receive_all(&[wish(3, "resume", now() + 5), wish(4, "resume", now() + 5)]).await;
    assert_eq!(scene.shop.number(suppressed).await, 2);
    let by_operator = "select count(*) from suppressions where source = 'operator'";
    assert_eq!(scene.shop.number(by_operator).await, 1, "what an operator set is lifted by an operator");
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_id_without_a_number_finds_its_person_once_both_were_seen_together() {
    let scene = InboxScene::sent(2).await;
    let from_id = |n: u32, id: &str, body: &str| -> Value {
        json!({ "messages": [{ "from_user_id": user_id(n), "id": id, "timestamp": now().to_string(), "type": "text",
                               "text": { "body": body } }] })
    };
    scene.receive(from_id(1, "wamid.in1", "Who am I?")).await;
    assert_eq!(scene.status(1).await, "sent");

    let mut status = super::scene::status(1, "delivered");
    status["recipient_user_id"] = json!(user_id(1));
    status.as_object_mut().unwrap().remove("recipient_id");
    scene.receive(super::scene::statuses(&[status])).await;
    scene.receive_all(&[from_id(1, "wamid.in2", "Me"), from_id(1, "wamid.in3", "STOP")]).await;

    eventually_async("the first one is attributed, too", async || {
        scene.shop.number("select count(*) from replies where recipient_id = 1").await == 3
    })
    .await;
    assert_eq!(scene.status(1).await, "replied");
    let suppressed = "select count(*) from suppressions where phone_number = '+60100000001'";
    assert_eq!(scene.shop.number(suppressed).await, 1);
    assert_eq!(scene.shop.number("select count(*) from replies where user_id is not null").await, 3);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn wsapmes_statuses_and_texts_are_applied_alike() {
    let scene = InboxScene::with(3, "sales", "").await;
    let incoming = |n: u32, body: &str| {
        json!({ "type": "text", "message": body, "file": "", "from": format!("{}@c.us", digits(n)), "timestamp": now(),
                "is_forwarded": false, "is_broadcast": false, "dataSender": "",
                "dataReceiver": { "jid": "60122222222@s.whatsapp.net", "name": "Our Device", "phone": {}, "imgUrl": "" } })
    };
    let key = json!({ "remoteJid": format!("{}@s.whatsapp.net", digits(1)), "fromMe": true, "id": "wamid.1" });

    scene.receive_wsapme(json!({ "key": key, "update": { "status": 3, "messageTimestamp": now() } })).await;
    scene.receive_wsapme(json!({ "data": [{ "messageId": "wamid.2", "status": "READ" }] })).await;
    let hello = incoming(3, "Hello");
    scene.receive_wsapme(hello.clone()).await;
    scene.receive_wsapme(hello).await;
    scene.receive_wsapme(incoming(2, "Berhenti")).await;

    let statuses = [scene.status(1).await, scene.status(2).await, scene.status(3).await];
    assert_eq!(statuses, ["delivered", "read", "replied"]);
    assert_eq!(scene.shop.number("select count(*) from replies").await, 2);
    assert_eq!(scene.shop.number("select count(*) from suppressions where phone_number = '+60100000002'").await, 1);
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_stop_takes_effect_before_the_next_post() {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    let serve = Serve::start(&shop, &[]).await;
    let blast = shop.blast_with(1..4, &["--gap", "2s..2s"]).await;
    shop.until_posts(1).await;
    let first = shop.sim.posts().await[0].phone.clone();
    let last = (1..4).map(digits).rfind(|phone| !first.ends_with(phone.as_str())).unwrap();
    let stop = json!({ "type": "text", "message": "STOP", "from": format!("{last}@c.us"), "timestamp": now() });

    let path = format!("/api/webhook/wsapme/{WEBHOOK_SECRET}");
    assert_eq!(serve.post(&path, stop.to_string()).await, reqwest::StatusCode::OK);
    shop.until_state(&blast, "completed").await;

    let posts = shop.sim.posts().await;
    assert_eq!(posts.len(), 2, "{posts:?}");
    assert!(!posts.iter().any(|post| post.phone.ends_with(&last)), "{posts:?}");
    assert_eq!(shop.count("opted_out").await, 1);
    shop.promises().await;
}

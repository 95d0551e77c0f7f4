//! A blast through the real program, Postgres and the simulator: each message once, orders obeyed, troubles reported.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::{Post, Setup, Shop, digits, eventually_async, settle_for};

/// One message at a time, and no pause between two.
const ONE_BY_ONE: Setup<'static> = Setup {
    sim: &["--latency", "10ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 1",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

fn phones(posts: &[Post]) -> BTreeSet<String> {
    posts.iter().map(|post| post.phone.clone()).collect()
}

fn people(range: std::ops::Range<u32>) -> BTreeSet<String> {
    range.map(digits).collect()
}

#[tokio::test]
async fn each_of_250_people_gets_one_message_and_is_followed() {
    let polling = "interval = \"1s\"\nper_second = 0.5\ngive_up_after = \"20h\"";
    let sim = &["--latency", "50ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, polling, ..Setup::default() }).await;
    let blast = shop.blast(0..250).await;
    let engine = shop.engine();

    shop.until_state(&blast, "completed").await;
    eventually_async("what became of everybody is known", async || {
        let posts = shop.sim.posts().await;
        for stage in STAGES {
            if shop.count(stage).await != people_at(&posts, stage) {
                return false;
            }
        }
        true
    })
    .await;
    engine.stop().await;

    let posts = shop.sim.posts().await;
    assert_eq!((posts.len(), phones(&posts)), (250, people(0..250)));
    for post in &posts {
        let name = post.phone.trim_start_matches("60100").parse::<u32>().unwrap();
        let body = format!(r#"{{"device":"5850","to":"{}","message":"Hi Person {name}"}}"#, post.phone);
        assert_eq!((post.body.as_str(), post.content_type.as_str()), (body.as_str(), "application/json"));
        assert!(post.token_ok && post.accepted);
    }
    assert!(shop.sim.stats().await.max_in_flight <= 16);
    ids_and_answers_are_those_of(&shop, &posts).await;
    counts_are_those_of(&shop, &blast, &posts).await;
    shop.promises().await;
}

/// Each accepted answer is stored, and is what the simulator said of that message.
async fn ids_and_answers_are_those_of(shop: &Shop, posts: &[Post]) {
    let stored: Vec<(String, String, Value, i16)> = sqlx::query_as(
        "select r.phone_number, r.message_id, convert_from(m.body, 'UTF8')::jsonb, m.http_status
           from blast_recipients r join provider_message m on m.recipient_id = r.id and m.message_id = r.message_id
          where m.outcome = 'accepted' and r.message_text = 'Hi ' || r.name",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    let truth: BTreeMap<_, _> = posts.iter().map(|post| (format!("+{}", post.phone), post)).collect();
    assert_eq!(stored.len(), posts.len());
    for (phone, id, body, http_status) in &stored {
        assert_eq!((Some(id), *http_status), (truth[phone].message_id.as_ref(), 200));
        assert_eq!(body["data"]["key"]["id"], json!(id));
        assert_eq!(body["data"]["key"]["remoteJid"], json!(format!("{}@s.whatsapp.net", truth[phone].phone)));
    }
}

/// Where the provider has somebody who was not marked by hand.
const STAGES: [&str; 4] = ["sent", "delivered", "read", "failed"];

/// How many are at a stage, as the provider has it.
fn people_at(posts: &[Post], stage: &str) -> i64 {
    i64::try_from(posts.iter().filter(|post| post.stage.as_deref() == Some(stage)).count()).unwrap()
}

async fn counts_are_those_of(shop: &Shop, blast: &str, posts: &[Post]) {
    let report = shop.json(&["blast", "report", blast]).await;
    let number = |value: &Value| value.as_i64().unwrap();
    let counts = report["counts"].as_object().unwrap();
    assert_eq!(counts.values().map(number).sum::<i64>(), 250, "{report}");
    for stage in STAGES {
        assert_eq!(number(&counts[stage]), people_at(posts, stage), "{stage}: {report}");
    }
    let funnel = ["sent", "received", "read", "replied", "closed"].map(|stage| number(&report["funnel"][stage]));
    assert!(funnel.is_sorted_by(|above, below| above >= below), "{funnel:?}");
    assert_eq!(funnel[0] + number(&counts["failed"]), 250);
    assert_eq!(report["blast"]["state"], "completed");
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn an_answer_is_stored_byte_for_byte_whatever_it_is() {
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"\nin_flight = 2", ..Setup::default() }).await;
    let odd = "{ \"data\" : {\"status\":\"PENDING\", \"key\":{\"id\":\"3EB0WM0A1B\",\"fromMe\":true}},\"success\":true ,\n\t\
               \"message\":\"Sent \\u0041\\u0000 \u{1f64f}\", \"message\": \"twice\" }\r\n";
    let flat = r#"{"messageId":"WMAPI01D888T","id_device":5850,"jid":"x","message":"m","status":"PENDING","qt":1}"#;
    let page = "<html>\u{7}<h1>502 Bad Gateway</h1></html>";
    let refusal = r#"{"success" : false, "message":"The number is not registered \u0000"}"#;
    let answers = [
        (json!([{ "body": odd, "message_id": "3EB0WM0A1B" }]), odd, "accepted", "sent"),
        (json!([{ "body": flat, "message_id": "WMAPI01D888T" }]), flat, "accepted", "sent"),
        (json!([{ "code": 502, "body": page, "content_type": "text/html" }]), page, "unknown", "uncertain"),
        (json!([{ "body": refusal }]), refusal, "rejected", "failed"),
        (json!([{ "body": "", "accepted": true }]), "", "unknown", "uncertain"),
    ];
    for (n, (answer, ..)) in (0..).zip(&answers) {
        shop.sim.answer_send(&digits(n), answer.clone()).await;
    }

    shop.blast(0..5).await;
    shop.until_idle().await;

    for (n, (_, body, outcome, status)) in (0..).zip(answers) {
        let stored: (Vec<u8>, String, String) = sqlx::query_as(
            "select m.body, m.outcome, coalesce((select h.new_status::text from status_history h
                                                  where h.recipient_id = r.id and h.source = 'send' order by h.id desc limit 1),
                                                case when r.sent_at is not null then 'sent' end)
               from blast_recipients r join provider_message m on m.recipient_id = r.id where r.phone_number = '+' || $1",
        )
        .bind(digits(n))
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
        let text = String::from_utf8(stored.0).unwrap();
        assert_eq!((text.as_str(), stored.1.as_str(), stored.2.as_str()), (body, outcome, status));
    }
    shop.invariants().await;
}

#[tokio::test]
async fn a_throttled_person_is_tried_again_after_a_while_and_taken_once() {
    let shop = Shop::open(Setup::default()).await;
    let throttled = json!([{ "code": 429, "body": "{\"success\":false,\"message\":\"Too Many Attempts.\"}" }]);
    for n in [1, 4] {
        shop.sim.answer_send(&digits(n), throttled.clone()).await;
    }

    let blast = shop.blast(0..6).await;
    shop.until_idle().await;

    let posts = shop.sim.posts().await;
    assert_eq!((posts.len(), posts.iter().filter(|post| post.accepted).count()), (8, 6));
    assert_eq!(shop.state(&blast).await, "completed");
    shop.promises().await;
}

#[tokio::test]
async fn an_order_during_the_pause_between_two_messages_is_obeyed_before_the_next() {
    // A second between two messages.
    let shop = Shop::open(Setup { sender: "gap = \"10m..10m\"", ..ONE_BY_ONE }).await;
    let blast = shop.blast(0..8).await;
    let engine = shop.engine();
    shop.until_posts(1).await;

    shop.ok(&["blast", "pause", &blast]).await;
    let paused = shop.sim.stats().await.posts;
    settle_for(1_300).await;
    assert_eq!(shop.sim.stats().await.posts, paused, "nothing is sent while it is paused");
    assert_eq!((shop.state(&blast).await.as_str(), shop.count("sending").await), ("paused", 0));

    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_posts(paused + 2).await;

    let cancelled_json = shop.json(&["blast", "cancel", &blast, "--yes"]).await;
    let cancelled = shop.sim.stats().await.posts;
    settle_for(1_300).await;
    assert_eq!(shop.sim.stats().await.posts, cancelled, "nothing is sent after it was cancelled");
    let left_out = shop.count("skipped").await;
    assert_eq!(
        (cancelled_json["left_out"].as_i64(), left_out),
        (Some(left_out), 8 - i64::try_from(cancelled).unwrap())
    );
    assert_eq!(shop.number("select count(*) from blast_recipients where reason = 'cancelled'").await, left_out);
    engine.stop().await;
    shop.promises().await;
}

/// Four at once, each answered after more than a second.
const SLOW: Setup<'static> = Setup {
    sim: &["--latency", "1200ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 4",
    ..ONE_BY_ONE
};

#[tokio::test]
async fn a_pause_during_slow_posts_starts_no_other_and_loses_none_of_them() {
    let shop = Shop::open(Setup { sim: &["--latency", "5s", "--speed", "6000"], ..SLOW }).await;
    let blast = shop.blast(0..20).await;
    let engine = shop.engine();
    shop.until_posts(4).await;

    shop.ok(&["blast", "pause", &blast]).await;
    eventually_async("those in flight are settled", async || shop.count("sending").await == 0).await;

    let posts = i64::try_from(shop.sim.stats().await.posts).unwrap();
    assert_eq!((posts, shop.count("queued").await), (4, 16), "the claimed-ahead one is given back");
    assert_eq!(shop.count("uncertain").await, 0);
    let refused = shop.run(&["blast", "delete", &blast, "--yes"]).await;
    assert_eq!((refused.code, refused.err.contains("cancel it first")), (3, true), "{refused:?}");
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_cancel_during_slow_posts_leaves_out_the_rest_and_keeps_those_in_flight() {
    // Longer than a busy machine takes for two verbs.
    let shop = Shop::open(Setup { sim: &["--latency", "8s", "--speed", "6000"], ..SLOW }).await;
    let blast = shop.blast(0..20).await;
    let engine = shop.engine();
    shop.until_posts(4).await;

    let refused = shop.run(&["blast", "delete", &blast, "--yes"]).await;
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;
    eventually_async("those in flight are settled", async || shop.count("sending").await == 0).await;
    engine.stop().await;

    assert_eq!((refused.code, refused.err.contains("cancel it first")), (3, true), "{refused:?}");
    assert_eq!((shop.sim.posts().await.len(), shop.count("skipped").await), (4, 16));
    assert_eq!((shop.count("queued").await, shop.count("uncertain").await), (0, 0));
    shop.promises().await;
    shop.ok(&["blast", "delete", &blast, "--yes"]).await;
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 0);
    shop.invariants().await;
}

#[tokio::test]
async fn what_is_over_is_not_sent_again() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..3).await;
    shop.until_idle().await;
    let before = shop.rows().await;

    let again = shop.run(&["blast", "send", &blast, "--yes"]).await;
    let resumed = shop.run(&["blast", "resume", &blast, "--yes"]).await;

    assert_eq!((again.code, resumed.code), (3, 3));
    assert_eq!(again.err, "blastdeck: people is done: make a new blast to send again\n");
    assert_eq!((shop.rows().await, shop.sim.posts().await.len()), (before, 3));
}

#[tokio::test]
async fn a_wrong_token_stops_the_sender_and_the_blast_waits_until_it_is_mended() {
    let shop = Shop::open(ONE_BY_ONE).await;
    let blast = shop.blast(0..5).await;
    let mut engine = shop.command(&["engine", "--until-idle"]);
    engine.env("WSAPME_TOKEN", "another-token");
    let mut check = shop.command(&["sender", "check", "sales"]);
    check.env("WSAPME_TOKEN", "another-token");

    assert_eq!(crate::support::said(engine).await.code, 0, "with nothing to do it ends");

    assert_eq!((shop.sim.posts().await.len(), shop.count("queued").await), (1, 5), "after one refusal nobody is tried");
    let show = shop.json(&["blast", "show", &blast]).await;
    assert_eq!(show["state"], "sending");
    let waiting = show["waiting"].to_string();
    assert!(waiting.contains("\"sender_stopped\"") && waiting.contains("Unauthorised Token"), "{show}");
    let checked = crate::support::said(check).await;
    assert_eq!((checked.code, checked.out.contains("Unauthorised Token")), (1, true), "{checked:?}");

    let mended = shop.run(&["sender", "check", "sales"]).await;
    assert!(mended.code == 1 && mended.out.contains("and 5 people are queued"), "{mended:?}");
    assert_eq!((shop.sim.posts().await.len(), shop.count("queued").await), (1, 5), "a check sends nothing");
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert_eq!(shop.state(&blast).await, "completed");
    let posts = shop.sim.posts().await;
    assert_eq!(posts.iter().filter(|post| post.accepted).count(), 5);
    shop.promises().await;
}

#[tokio::test]
async fn without_its_token_nothing_is_sent_and_nothing_changes() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..3).await;
    let before = shop.rows().await;
    let mut send = shop.command(&["blast", "send", &blast, "--yes"]);
    send.env_remove("WSAPME_TOKEN");
    let mut engine = shop.command(&["engine", "--until-idle"]);
    engine.env_remove("WSAPME_TOKEN");

    let (send, engine) = (crate::support::said(send).await, crate::support::said(engine).await);

    let line = "blastdeck: no token for sender sales: environment variable WSAPME_TOKEN: not set: `export WSAPME_TOKEN=...` first, or \
                name a file, { file = \"/path\" }\n";
    assert_eq!((send.code, send.err.as_str()), (3, line));
    assert_eq!((engine.code, engine.err.contains("WSAPME_TOKEN")), (3, true), "{engine:?}");
    assert_eq!(shop.rows().await, before);
}

#[tokio::test]
async fn equal_failures_in_a_row_pause_the_blast_and_say_why() {
    let shop = Shop::open(Setup { engine: "speed = 600\nfailures_in_a_row = 4", ..ONE_BY_ONE }).await;
    let blast = shop.blast(0..20).await;
    shop.sim.faults(&["error=1"]).await;

    shop.until_idle().await;

    assert_eq!((shop.sim.posts().await.len(), shop.count("failed").await, shop.count("queued").await), (4, 4, 16));
    let show = shop.json(&["blast", "show", &blast]).await;
    assert_eq!(show["state"], "paused");
    assert_eq!(show["state_reason"], "4 equal failures in a row: Failed to send message");
    shop.promises().await;

    shop.sim.faults(&[]).await;
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert_eq!((shop.state(&blast).await.as_str(), shop.sim.posts().await.len()), ("completed", 20));
    shop.promises().await;
}

#[tokio::test]
async fn a_row_of_failures_that_paused_a_blast_is_over_once_it_is_resumed() {
    let shop = Shop::open(Setup { engine: "speed = 600\nfailures_in_a_row = 4", ..ONE_BY_ONE }).await;
    for n in 0..5 {
        shop.sim.answer_send(&digits(n), json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }])).await;
    }
    let blast = shop.blast(0..8).await;
    shop.until_idle().await;
    assert_eq!((shop.state(&blast).await.as_str(), shop.count("failed").await), ("paused", 4));

    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert_eq!((shop.state(&blast).await.as_str(), shop.count("failed").await), ("completed", 5));
}

#[tokio::test]
async fn a_row_of_failures_is_not_forgotten_by_a_restart() {
    let shop = Shop::open(Setup { engine: "speed = 600\nfailures_in_a_row = 4", ..ONE_BY_ONE }).await;
    // One a second, so that there is a moment to stop in.
    shop.configure(Setup { sender: "gap = \"10m..10m\"", engine: "speed = 600\nfailures_in_a_row = 4", ..ONE_BY_ONE });
    shop.sim.faults(&["error=1"]).await;
    let blast = shop.blast(0..20).await;
    let engine = shop.engine();
    eventually_async("two have failed", async || shop.count("failed").await == 2).await;
    engine.stop().await;

    shop.until_idle().await;

    assert_eq!((shop.state(&blast).await.as_str(), shop.count("failed").await), ("paused", 4));
    shop.promises().await;
}

#[tokio::test]
async fn who_opted_out_is_left_out_at_launch_in_whatever_spelling() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["suppress", "add", "010-000 0002"]).await;
    shop.ok(&["suppress", "add", "+60100000003", "--business", "kedai"]).await;
    shop.execute(
        "insert into suppressions (business, phone_number, source) values ('another', '+60100000004', 'operator')",
    )
    .await;
    let blast = shop.draft(0..7).await;
    shop.ok(&["suppress", "add", "0060 10-000 0006"]).await;

    let plan = shop.json(&["blast", "plan", &blast]).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    assert_eq!((plan["people"].as_i64(), plan["suppressed"].as_i64()), (Some(4), Some(3)));
    assert_eq!(phones(&shop.sim.posts().await), [0, 1, 4, 5].map(digits).into());
    assert_eq!(shop.state(&blast).await, "completed");
    assert_eq!((shop.count("skipped").await, shop.count("opted_out").await), (0, 3));
    shop.promises().await;
}

#[tokio::test]
async fn an_opt_out_takes_effect_in_a_blast_that_is_being_sent() {
    // Two fifths of a second between two messages.
    let shop = Shop::open(Setup { sender: "gap = \"4m..4m\"", ..ONE_BY_ONE }).await;
    let blast = shop.blast(0..25).await;
    let engine = shop.engine();
    shop.until_posts(2).await;

    for n in [22, 23] {
        shop.ok(&["suppress", "add", &digits(n)]).await;
    }
    shop.ok(&["mark", &blast, &digits(24), "opt-out"]).await;
    shop.until_state(&blast, "completed").await;
    engine.stop().await;

    assert_eq!(phones(&shop.sim.posts().await), people(0..22));
    assert_eq!(shop.count("opted_out").await, 3);
    shop.promises().await;
}

#[tokio::test]
async fn nobody_is_sent_to_faster_than_the_rate_also_across_a_restart() {
    // Four an hour of a time that runs 300 times as fast: evenly laid, one in three seconds, which is longer than a restart.
    let sender = "rate = \"4/h\"\nin_flight = 8";
    let shop = Shop::open(Setup { sender, engine: "speed = 300", ..ONE_BY_ONE }).await;
    let blast = shop.blast(0..4).await;
    let engine = shop.engine();
    shop.until_posts(2).await;
    engine.stop().await;

    let engine = shop.engine();
    shop.until_state(&blast, "completed").await;
    engine.stop().await;

    let mut times: Vec<_> = shop.sim.posts().await.iter().map(|post| post.at).collect();
    times.sort_unstable();
    let shortest = times.windows(2).map(|two| (two[1] - two[0]).num_milliseconds()).min().unwrap();
    assert!(shortest >= 2_200, "two within {shortest} ms");
    shop.promises().await;
}

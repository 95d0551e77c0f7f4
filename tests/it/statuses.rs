//! News of a message comes late, twice, out of order and in strange shapes: none lowers a stage, is counted twice, or
//! stops the asking.

use serde_json::{Value, json};

use crate::support::{Setup, Shop, digits, eventually_async};

/// Nothing happens to anybody by itself, and messages are asked about for a minute.
const STILL: Setup<'static> = Setup {
    sim: &["--latency", "5ms", "--speed", "0.001"],
    sender: "rate = \"unlimited\"\nin_flight = 4",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.5\ngive_up_after = \"10h\"",
};

fn word(word: &str) -> Value {
    json!({ "body": json!({ "success": true, "data": { "status": word } }).to_string() })
}

fn body(body: &str) -> Value {
    json!({ "body": body })
}

fn often(mut answer: Value) -> Value {
    answer["times"] = json!(1000);
    answer
}

fn page(code: u16) -> Value {
    json!({ "code": code, "body": "<html><h1>502 Bad Gateway</h1></html>", "content_type": "text/html" })
}

/// What each person's questions are answered with, the stage they end in, and the stages of their history.
fn cases() -> Vec<(Vec<Value>, &'static str, &'static [&'static str])> {
    let account = r#"{"success":true,"message":"info","data":{"status":true,"device_name":"Kedai"}}"#;
    let of_another = r#"{"success":true,"data":{"key":{"id":"OTHER","fromMe":true},"status":"READ"}}"#;
    vec![
        // Late and out of order.
        (
            vec![word("DELIVERY_ACK"), word("SERVER_ACK"), word("PENDING"), often(word("1"))],
            "delivered",
            &["delivered"],
        ),
        (vec![word("DELIVERY_ACK"), word("ERROR"), often(word("0"))], "delivered", &["delivered"]),
        (vec![word("READ")], "read", &["read"]),
        // Twice.
        (vec![word("DELIVERY_ACK"), word("DELIVERY_ACK"), word("READ"), word("READ")], "read", &["delivered", "read"]),
        // As numbers, and as digits.
        (
            vec![body(r#"{"success":true,"data":{"status":3}}"#), often(body(r#"{"data":{"status":2}}"#))],
            "delivered",
            &["delivered"],
        ),
        (vec![word("3"), word("5")], "read", &["delivered", "read"]),
        (vec![body(r#"[{"status":"READ"}]"#), body(r#"{"success":true,"data":[{"status":4}]}"#)], "read", &["read"]),
        // A boolean is no status; a word beside it is one.
        (vec![often(body(account))], "sent", &[]),
        (vec![body(account), body(r#"{"success":true,"status":true,"messageStatus":"read_ack"}"#)], "read", &["read"]),
        // No status at all: a page, with and without an honest code; cut off; empty; not there.
        (
            vec![
                page(502),
                page(200),
                json!({ "hang_up": "before" }),
                body(""),
                body("{\"data\":{\"sta"),
                word("PLAYED"),
            ],
            "read",
            &["read"],
        ),
        (
            vec![body(r#"{"success":false,"message":"messageInfo ","data":{}}"#), word("delivery_ack")],
            "delivered",
            &["delivered"],
        ),
        // Unknown words, numbers out of range, and news of somebody else's message.
        (
            vec![
                word("QUEUED"),
                word("17"),
                body(r#"{"data":{"status":-1}}"#),
                body(r#"{"data":{"status":3.5}}"#),
                often(body(of_another)),
            ],
            "sent",
            &[],
        ),
        // Refused after it was taken.
        (vec![word("SERVER_ACK"), often(word("ERROR"))], "failed", &["failed"]),
        // A time that is no delivery.
        (
            vec![
                body(r#"{"data":{"status":"SERVER_ACK","messageC2STimestamp":"1634061785"}}"#),
                often(word("SERVER_ACK")),
            ],
            "sent",
            &[],
        ),
    ]
}

#[tokio::test]
async fn a_word_that_nobody_knows_is_kept_and_changes_no_stage() {
    let shop = Shop::open(STILL).await;
    shop.sim.answer_send(&digits(0), json!([{ "message_id": "M0" }])).await;
    shop.sim.answer_status("M0", json!([often(word("WOBBLY"))])).await;
    shop.blast(0..1).await;
    let engine = shop.engine();

    let kept = "select count(*) from blast_recipients where provider_status = 'WOBBLY' and status = 'sent'";
    eventually_async("it is kept", async || shop.number(kept).await == 1).await;

    engine.stop().await;
    assert_eq!(shop.number("select count(*) from status_history where source = 'poll'").await, 0);
    shop.promises().await;
}

#[tokio::test]
async fn no_news_lowers_a_stage_counts_twice_or_stops_the_asking() {
    let shop = Shop::open(STILL).await;
    let cases = cases();
    let people = u32::try_from(cases.len()).unwrap();
    for (n, (answers, ..)) in (0..).zip(&cases) {
        shop.sim.answer_send(&digits(n), json!([{ "message_id": format!("M{n}") }])).await;
        shop.sim.answer_status(&format!("M{n}"), json!(answers)).await;
    }
    let blast = shop.blast(0..people).await;
    let engine = shop.engine();

    for (n, (_, stage, _)) in (0..).zip(&cases) {
        let query = format!("select count(*) from blast_recipients where message_id = 'M{n}' and status = '{stage}'");
        eventually_async(&format!("person {n} is {stage}"), async || shop.number(&query).await == 1).await;
    }
    // Everybody who is still asked about gets the lowering answer several times over.
    let asked = shop.sim.stats().await.status_calls;
    eventually_async("they are asked about again", async || shop.sim.stats().await.status_calls > asked + 80).await;
    engine.stop().await;

    for (n, (_, stage, stages)) in (0..).zip(&cases) {
        let history: Vec<String> = sqlx::query_scalar(
            "select h.new_status::text from status_history h join blast_recipients r on r.id = h.recipient_id
              where r.message_id = 'M' || $1 and h.source = 'poll' order by h.id",
        )
        .bind(n.to_string())
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
        assert_eq!(history, *stages, "the history of person {n}");
        let query = format!("select count(*) from blast_recipients where message_id = 'M{n}' and status = '{stage}'");
        assert_eq!(shop.number(&query).await, 1, "person {n} is still {stage}");
    }
    let report = shop.json(&["blast", "report", &blast]).await;
    let counts = |stage: &str| i64::try_from(cases.iter().filter(|case| case.1 == stage).count()).unwrap();
    for stage in ["sent", "delivered", "read", "failed"] {
        assert_eq!(report["counts"][stage], json!(counts(stage)), "{stage}: {report}");
    }
    let times = "select count(*) from blast_recipients where message_id = 'M13' and delivered_at is null
                  and message_c2s_timestamp = '2021-10-12 18:03:05Z'";
    assert_eq!(shop.number(times).await, 1, "the time of handing over is kept, and is no delivery");
    shop.invariants().await;
}

#[tokio::test]
async fn nothing_is_written_while_the_news_is_old() {
    let shop = Shop::open(STILL).await;
    shop.blast(0..5).await;
    let engine = shop.engine();
    let sent = "select count(*) from blast_recipients where status = 'sent' and provider_status is not null";
    eventually_async("all are sent", async || shop.number(sent).await == 5).await;
    let calls = async || shop.sim.stats().await.status_calls;
    let asked = calls().await;
    eventually_async("they are asked about", async || calls().await > asked + 30).await;
    let version = "select sum(xmin::text::bigint)::bigint from blast_recipients";
    let before = shop.number(version).await;

    let asked = calls().await;
    eventually_async("they are asked about again", async || calls().await > asked + 30).await;

    assert_eq!(shop.number(version).await, before);
    engine.stop().await;
}

#[tokio::test]
async fn a_restriction_in_a_status_stops_the_sender() {
    // Far apart: the restriction comes before the second.
    let shop = Shop::open(Setup { sender: "gap = \"2h..2h\"", ..STILL }).await;
    let restricted = r#"{"success":true,"data":{"status":"ERROR","messageStubParameters":["463"]}}"#;
    shop.sim.answer_send(&digits(0), json!([{ "message_id": "M0" }])).await;
    shop.sim.answer_status("M0", json!([{ "body": restricted }])).await;
    let blast = shop.blast(0..4).await;

    shop.until_idle().await;

    let show = shop.json(&["blast", "show", &blast]).await;
    assert_eq!((shop.sim.posts().await.len(), shop.count("failed").await), (1, 1));
    assert!(show["waiting"].to_string().contains("restrict"), "{show}");
    shop.invariants().await;
}

#[tokio::test]
async fn a_mark_is_not_undone_by_what_the_provider_says_later() {
    let shop = Shop::open(STILL).await;
    shop.sim.answer_send(&digits(0), json!([{ "message_id": "M0" }])).await;
    shop.sim.answer_status("M0", json!([often(word("PENDING"))])).await;
    let blast = shop.blast(0..1).await;
    let engine = shop.engine();
    eventually_async("it is sent", async || shop.count("sent").await == 1).await;

    shop.ok(&["mark", &blast, &digits(0), "closed", "--amount", "120.00"]).await;
    let asked = shop.sim.stats().await.status_calls;
    shop.ok(&["mark", &blast, &digits(0), "undo"]).await;
    eventually_async("it is asked about again", async || shop.sim.stats().await.status_calls > asked + 3).await;
    assert_eq!(shop.count("sent").await, 1);
    shop.ok(&["mark", &blast, &digits(0), "replied"]).await;
    engine.stop().await;

    let report = shop.json(&["blast", "report", &blast]).await;
    assert_eq!(report["funnel"], json!({ "sent": 1, "received": 1, "read": 1, "replied": 1, "closed": 0 }));
    shop.invariants().await;
}

#[tokio::test]
async fn message_info_is_asked_with_the_whole_answer_to_the_send_and_its_answers_are_kept() {
    let shop = Shop::open(Setup {
        sim: &["--latency", "5ms", "--speed", "6000"],
        sender: "rate = \"unlimited\"\nin_flight = 4\nstatus_call = \"messageInfo\"",
        engine: "speed = 600",
        polling: "interval = \"1s\"\nper_second = 100\ngive_up_after = \"12h\"",
    })
    .await;
    shop.blast(0..20).await;
    let engine = shop.engine();

    let arrived = "select count(*) from blast_recipients where delivered_at is not null";
    eventually_async("somebody got it", async || shop.number(arrived).await > 0).await;
    engine.stop().await;

    let kept = "select count(*) from status_history
                 where source = 'poll' and new_status = 'delivered' and metadata ->> 'answer' like '%DELIVERY_ACK%'";
    assert!(shop.number(kept).await > 0);
    shop.promises().await;
}

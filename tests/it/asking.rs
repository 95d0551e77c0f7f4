//! Whom the provider is asked about: every blast and every age in its turn, no more than the provider wants, and nobody is called
//! stuck who was not asked about.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Setup, Shop, eventually_async, until_unchanged};

/// A provider that is asked twenty questions a second in all, in real time.
const SLOW: Setup<'static> = Setup {
    sim: &["--latency", "5ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 4",
    engine: "",
    polling: "interval = \"1s\"\nper_second = 20\ngive_up_after = \"3d\"",
};

/// A cancelled blast with so many people of whose messages the provider knows nothing.
async fn unanswered(shop: &Shop, people: i64) -> String {
    let blast = shop.draft(900_000..900_001).await;
    shop.execute(&format!(
        "delete from blast_recipients;
         insert into blast_recipients (blast_id, phone_number, status, standing, attempt, message_id, sent_at, changed_at)
         select {blast}, '+6011' || lpad(n::text, 8, '0'), 'sent', 'sent', 1, 'OLD' || n, at, at
           from generate_series(1, {people}) as n cross join lateral (select now() - interval '1 second' * (n % 500) as at) t;
         update blasts set state = 'cancelled', state_reason = 'cancelled', total_recipients = {people}, launched_at = now()
          where id = {blast};
         analyze"
    ))
    .await;
    blast
}

#[tokio::test]
async fn a_new_blast_does_not_starve_behind_the_unanswered_questions_of_another() {
    let shop = Shop::open(SLOW).await;
    let old = unanswered(&shop, 30_000).await;
    let engine = shop.engine();
    eventually_async("the old one is asked about", async || shop.sim.stats().await.status_calls > 20).await;

    // Begun in the middle of the walk through the old one.
    let new = shop.blast(0..10).await;
    let read = format!(
        "select count(*) from blast_recipients where blast_id = {new} and status >= 'delivered' and status < 'failed'"
    );
    eventually_async("the new one's statuses are known", async || shop.number(&read).await >= 8).await;
    let asked = i64::try_from(shop.sim.stats().await.status_calls).unwrap();
    eventually_async("a page of the old one is through", async || {
        shop.json(&["blast", "report", &old]).await["stuck"]["sent"] != json!(0)
    })
    .await;
    engine.stop().await;

    let report = shop.json(&["blast", "report", &old]).await;
    let (stuck, unasked) = (report["stuck"]["sent"].as_i64().unwrap(), report["unasked"].as_i64().unwrap());
    let questions = i64::try_from(shop.sim.stats().await.status_calls).unwrap();
    assert!(asked < 1_000 && stuck <= questions && stuck + unasked == 30_000, "{questions} questions: {report}");
    let people = shop.ok(&["blast", "recipients", &old, "--search", "stuck:sent", "--json"]).await;
    assert_eq!(
        people.lines().count(),
        usize::try_from(stuck).unwrap(),
        "who is listed as stuck is who is counted as such"
    );
    let show = shop.ok(&["blast", "show", &old]).await;
    let grouped = format!("{},{:03}", unasked / 1_000, unasked % 1_000);
    assert!(show.contains(&format!("{grouped} at sent have not been polled yet")), "{show}");
    let table = shop.ok(&["blast", "report", &old]).await;
    assert!(table.contains("at sent have not been polled yet"), "{table}");
}

#[tokio::test]
async fn whoever_was_asked_about_and_got_no_further_is_stuck() {
    // Nothing ever happens to anybody.
    let shop = Shop::open(Setup { sim: &["--latency", "5ms", "--speed", "0.001"], ..SLOW }).await;
    let blast = shop.blast(0..5).await;
    let said = async || shop.json(&["blast", "show", &blast]).await;
    let engine = shop.engine();
    eventually_async("all are sent", async || shop.count("sent").await == 5).await;
    eventually_async("all are asked about", async || said().await["unasked"] == json!(0)).await;
    engine.stop().await;

    assert_eq!(said().await["stuck"], json!({ "sent": 5, "delivered": 0, "read": 0, "replied": 0 }));
    let ranges = "select count(*) from blast_polls, unnest(asked)";
    assert_eq!(shop.number(ranges).await, 1, "what was asked is one stretch");
}

#[tokio::test]
async fn the_last_of_a_full_page_was_asked_about_like_everybody_before_them() {
    let polling = "interval = \"1s\"\nper_second = 200\ngive_up_after = \"3d\"";
    let shop = Shop::open(Setup { sim: &["--latency", "5ms", "--speed", "0.001"], polling, ..SLOW }).await;
    // People are read by fifties.
    let blast = shop.blast(0..100).await;
    let engine = shop.engine();

    eventually_async("all are asked about", async || {
        let said = shop.json(&["blast", "show", &blast]).await;
        said["stuck"]["sent"] == json!(100) && said["unasked"] == json!(0)
    })
    .await;
    engine.stop().await;
}

#[tokio::test]
async fn whoever_is_sent_to_by_an_operator_s_word_can_not_be_asked_about_and_is_stuck_at_once() {
    let shop = Shop::open(SLOW).await;
    let blast = unanswered(&shop, 3).await;
    shop.execute(&format!(
        "update blast_recipients set message_id = null where blast_id = {blast} and message_id = 'OLD1'"
    ))
    .await;

    let said = shop.json(&["blast", "show", &blast]).await;

    assert_eq!((&said["unasked"], &said["stuck"]["sent"]), (&json!(2), &json!(1)), "{said}");
}

#[tokio::test]
async fn a_follow_up_to_those_at_sent_says_of_how_many_nobody_knows_whether_they_are_stuck() {
    let shop = Shop::open(SLOW).await;
    let blast = unanswered(&shop, 3).await;
    let follow_up = ["blast", "follow-up", &blast, "--stuck-at", "sent", "--message", "Did you get this?"];

    let nobody = shop.run(&follow_up).await;
    shop.execute("update blast_recipients set message_id = null where message_id = 'OLD1'").await;
    let made = shop.json(&follow_up).await;

    let words = "is stuck at sent; 3 people at sent may be stuck there or have the message: the provider was not asked about them \
                 yet";
    assert!(nobody.code == 3 && nobody.err.contains(words), "{nobody:?}");
    assert_eq!((&made["taken"], &made["rejected"]), (&json!(1), &json!(2)), "{made}");
    assert_eq!(made["reasons"][0]["reason"], "at sent whom the provider was not asked about yet", "{made}");
}

#[tokio::test]
async fn who_is_asked_about_while_the_gateway_is_in_trouble_is_not_stuck() {
    let shop = Shop::open(Setup { sim: &["--latency", "5ms", "--speed", "0.001"], ..SLOW }).await;
    shop.sim
        .answer_any_status(json!([{ "code": 502, "body": "<html>", "content_type": "text/html", "times": 100_000 }]))
        .await;
    let blast = shop.blast(0..5).await;
    let engine = shop.engine();
    eventually_async("they are asked about", async || shop.sim.stats().await.status_calls > 15).await;
    engine.stop().await;

    let said = shop.json(&["blast", "show", &blast]).await;
    assert_eq!((&said["unasked"], &said["stuck"]["sent"]), (&json!(5), &json!(0)), "{said}");
}

#[tokio::test]
async fn a_provider_that_asks_for_a_pause_is_not_asked_meanwhile() {
    tokio::join!(
        pauses_after(
            json!({ "code": 429, "body": "{\"success\":false,\"message\":\"Too Many Attempts.\"}", "retry_after": 4 })
        ),
        pauses_after(json!({ "code": 503, "body": "<html>", "content_type": "text/html", "retry_after": 4 })),
    );
}

async fn pauses_after(refusal: Value) {
    let polling = "interval = \"1s\"\nper_second = 200\ngive_up_after = \"3d\"";
    let shop = Shop::open(Setup { polling, ..SLOW }).await;
    unanswered(&shop, 500).await;
    shop.sim.answer_any_status(json!([refusal])).await;
    let calls = async || shop.sim.stats().await.status_calls;
    let engine = shop.engine();
    eventually_async("it is asked", async || calls().await > 0).await;

    // Those in flight with the first may still come.
    let early = until_unchanged("questions", Duration::from_secs(2), calls).await;

    assert!(early <= 60, "{early}: {refusal}");
    eventually_async("it is asked again", async || calls().await > early + 20).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_pause_that_a_send_was_answered_with_holds_for_questions_too() {
    let shop = Shop::open(SLOW).await;
    unanswered(&shop, 500).await;
    shop.sim.answer_any_send(json!([{ "code": 429, "body": "{}", "retry_after": 3_600 }])).await;
    shop.blast(0..2).await;
    let engine = shop.engine();
    eventually_async("the sender is held", async || {
        shop.number("select count(*) from senders where held_until > now()").await == 1
    })
    .await;

    // A page of questions may be in flight. Without a pause there are twenty a second.
    until_unchanged("questions", Duration::from_millis(1_500), async || shop.sim.stats().await.status_calls).await;

    engine.stop().await;
}

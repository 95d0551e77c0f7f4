//! What outcomes mean for a whole blast or a whole sender: failures of everybody pause the blast, also where the provider takes
//! each message first; no provider holds a sender for longer than an hour, and an operator can end that.

use serde_json::{Value, json};

use crate::support::{Setup, Shop, digits, eventually_async, settle_for};

const ONE_BY_ONE: Setup<'static> = Setup {
    sim: &["--latency", "5ms", "--speed", "0.001"],
    sender: "rate = \"unlimited\"\nin_flight = 1",
    engine: "failures_in_a_row = 5",
    polling: "give_up_after = \"1ms\"",
};

/// Takes the message, and says that it failed.
fn taken_and_failed(n: u32) -> Value {
    taken(n, "ERROR")
}

fn taken(n: u32, status: &str) -> Value {
    let body =
        json!({ "success": true, "data": { "key": { "id": format!("M{n}"), "fromMe": true }, "status": status } });
    json!([{ "body": body.to_string(), "message_id": format!("M{n}") }])
}

#[tokio::test]
async fn a_blast_whose_messages_are_all_taken_with_an_error_pauses() {
    let shop = Shop::open(ONE_BY_ONE).await;
    for n in 0..20 {
        shop.sim.answer_send(&digits(n), taken_and_failed(n)).await;
    }
    let blast = shop.blast(0..20).await;
    let engine = shop.engine();

    shop.until_state(&blast, "paused").await;
    engine.stop().await;

    let show = shop.json(&["blast", "show", &blast]).await;
    let why = show["state_reason"].as_str().unwrap();
    assert!(why.starts_with("5 equal failures in a row: ") && why.contains("reported a failure"), "{show}");
    assert_eq!((shop.sim.posts().await.len(), shop.count("failed").await, shop.count("queued").await), (5, 5, 15));
    shop.invariants().await;
}

#[tokio::test]
async fn a_few_messages_that_are_taken_with_an_error_pause_nothing() {
    let shop = Shop::open(ONE_BY_ONE).await;
    for n in [0, 1, 2, 3, 6, 7, 8, 9] {
        shop.sim.answer_send(&digits(n), taken_and_failed(n)).await;
    }
    let blast = shop.blast(0..12).await;

    shop.until_idle().await;

    assert_eq!((shop.state(&blast).await.as_str(), shop.count("failed").await), ("completed", 8));
    shop.invariants().await;
}

#[tokio::test]
async fn a_blast_whose_messages_all_fail_after_they_were_taken_pauses() {
    let polling = "interval = \"1s\"\nper_second = 100\ngive_up_after = \"3d\"";
    let shop = Shop::open(Setup { sender: "rate = \"5/s\"\nin_flight = 1", polling, ..ONE_BY_ONE }).await;
    let error = json!({ "success": true, "data": { "status": "ERROR" } }).to_string();
    shop.sim.answer_any_status(json!([{ "body": error, "times": 100_000 }])).await;
    let blast = shop.blast(0..200).await;
    let engine = shop.engine();

    shop.until_state(&blast, "paused").await;
    engine.stop().await;

    let show = shop.json(&["blast", "show", &blast]).await;
    assert!(show["state_reason"].as_str().unwrap().contains("after accepting it"), "{show}");
    assert!(shop.count("queued").await > 100);
}

#[tokio::test]
async fn failures_after_acceptance_count_on_over_answers_that_say_nothing_new_and_over_a_restart() {
    let polling = "interval = \"1s\"\nper_second = 100\ngive_up_after = \"3d\"";
    let shop = Shop::open(Setup { polling, ..ONE_BY_ONE }).await;
    let often = |status: &str| {
        let body = json!({ "success": true, "data": { "status": status } }).to_string();
        json!([{ "body": body, "times": 100_000 }])
    };
    for n in 0..6 {
        shop.sim.answer_send(&digits(n), taken(n, "PENDING")).await;
    }
    for n in [0, 2, 3, 5] {
        shop.sim.answer_status(&format!("M{n}"), often("ERROR")).await;
    }
    shop.sim.answer_any_status(often("PENDING")).await;
    let blast = shop.blast(0..7).await;
    // Somebody is left for tomorrow: the blast goes on.
    let left = "update blast_recipients set next_attempt_at = now() + interval '1 day' where phone_number";
    shop.execute(&format!("{left} = '+{}'", digits(6))).await;
    let engine = shop.engine();

    let counted = "select count(*) from blast_late_streaks where length = 4";
    eventually_async("four are counted", async || shop.number(counted).await == 1).await;
    let asked = shop.sim.stats().await.status_calls;
    eventually_async("the others are asked about again", async || shop.sim.stats().await.status_calls > asked + 4)
        .await;
    engine.stop().await;
    assert_eq!(shop.state(&blast).await, "sending");
    shop.sim.answer_status("M1", often("ERROR")).await;
    let engine = shop.engine();

    shop.until_state(&blast, "paused").await;
    engine.stop().await;
    let why = shop.text("select state_reason from blasts").await;
    assert!(why.starts_with("5 equal failures in a row: "), "{why}");
    assert_eq!(shop.number("select count(*) from blast_late_streaks").await, 0);
    shop.invariants().await;
}

#[tokio::test]
async fn an_absurd_retry_after_holds_for_an_hour_at_most_and_an_operators_word_ends_it() {
    let shop = Shop::open(Setup { engine: "", ..ONE_BY_ONE }).await;
    let refusal = json!({ "code": 429, "body": "{}", "retry_after": 999_999_999_u32 });
    shop.sim.answer_any_send(json!([refusal])).await;
    let blast = shop.blast(0..5).await;
    let engine = shop.engine();

    let said = shop.until_waiting(&blast, "throttled").await;
    let held = "select extract(epoch from held_until - now())::bigint from senders";
    let seconds = shop.number(held).await;
    assert!((3_500..=3_600).contains(&seconds), "{seconds}");
    let due = "select extract(epoch from max(next_attempt_at) - now())::bigint from blast_recipients";
    assert!(shop.number(due).await <= 3_600, "nor does the person wait for longer");
    assert!(said["mend"].as_str().unwrap().contains("sender confirm"), "{said}");
    assert_eq!(shop.sim.stats().await.posts, 1);

    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    shop.until_state(&blast, "completed").await;

    assert_eq!(shop.sim.stats().await.posts, 6);
    let again = shop.run(&["sender", "confirm", "sales", "--yes"]).await;
    assert!(again.code == 3 && again.err.contains("not stopped, nor held"), "{again:?}");
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn the_last_one_who_waits_out_a_retry_after_waits_for_a_pause_that_can_be_ended() {
    let shop = Shop::open(Setup { engine: "", ..ONE_BY_ONE }).await;
    shop.sim.answer_any_send(json!([{ "code": 429, "body": "{}", "retry_after": 900 }])).await;
    let blast = shop.blast(0..1).await;
    let engine = shop.engine();
    // The engine says what it waits for before its answer is written.
    let written = "select count(*) from provider_message";
    eventually_async("the answer is written", async || shop.number(written).await == 1).await;

    let said = shop.until_waiting(&blast, "throttled").await;
    assert!(said["mend"].as_str().unwrap().contains(" sender confirm sales` ends the pause"), "{said}");
    let due = "select extract(epoch from max(next_attempt_at) - $1::timestamptz)::bigint from blast_recipients";
    let until = said["until"].as_str().unwrap();
    let late: i64 = sqlx::query_scalar(due)
        .bind(until.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    assert!(late <= 0, "it lasts until the person is due");
    // Nobody ends the wait of somebody who was refused for another reason.
    shop.execute("update blast_recipients set error_code = '131026'").await;
    let other = shop.until_waiting(&blast, "backoff").await;
    assert_eq!(other["mend"], json!(null), "{other}");
    shop.execute("update blast_recipients set error_code = '429'").await;

    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;

    shop.until_state(&blast, "completed").await;
    engine.stop().await;
}

#[tokio::test]
async fn a_pause_of_a_day_that_an_older_version_wrote_down_holds_for_an_hour_at_most() {
    let shop = Shop::open(ONE_BY_ONE).await;
    let blast = shop.blast(0..2).await;
    shop.execute("update senders set held_until = now() + interval '23 hours'").await;
    let engine = shop.engine();

    let said = shop.until_waiting(&blast, "throttled").await;
    let until: chrono::DateTime<chrono::Utc> = said["until"].as_str().unwrap().parse().unwrap();
    assert!(until < chrono::Utc::now() + chrono::TimeDelta::minutes(61), "{said}");
    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    eventually_async("it is sent", async || shop.sim.stats().await.posts == 2).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_sender_that_is_to_stop_posts_to_nobody_while_that_cannot_be_written() {
    let shop = Shop::open(Setup { sender: "rate = \"30/min\"\nin_flight = 1", ..ONE_BY_ONE }).await;
    let revoked = json!([{ "code": 401, "body": r#"{"success":false,"message":"Unauthorized"}"# }]);
    shop.sim.answer_send(&digits(1), revoked).await;
    shop.blast(0..20).await;
    let engine = shop.engine();
    shop.until_posts(1).await;
    let mut by_hand = shop.database.pool.begin().await.unwrap();
    sqlx::query("select 1 from senders for no key update").execute(&mut *by_hand).await.unwrap();
    shop.until_posts(2).await;

    // Longer than a statement waits for a lock: the first try fails.
    settle_for(6_500).await;
    let meanwhile = shop.sim.posts().await.len();
    by_hand.rollback().await.unwrap();

    let stopped = "select count(*) from senders where stopped_at is not null";
    eventually_async("the sender is stopped", async || shop.number(stopped).await == 1).await;
    engine.stop().await;
    assert_eq!((meanwhile, shop.sim.posts().await.len()), (2, 2));
}

#[tokio::test]
async fn a_blast_that_is_to_pause_posts_to_nobody_while_that_cannot_be_written() {
    let sender = "rate = \"30/min\"\nin_flight = 1";
    let shop = Shop::open(Setup { sender, engine: "failures_in_a_row = 2", ..ONE_BY_ONE }).await;
    shop.sim.faults(&["error=1"]).await;
    let blast = shop.blast(0..20).await;
    let mut by_hand = shop.database.pool.begin().await.unwrap();
    sqlx::query("select 1 from blasts for share").execute(&mut *by_hand).await.unwrap();
    let engine = shop.engine();
    shop.until_posts(2).await;

    // Longer than a statement waits for a lock, and than the rate takes for three more.
    settle_for(6_500).await;
    let meanwhile = shop.sim.posts().await.len();
    by_hand.rollback().await.unwrap();

    shop.until_state(&blast, "paused").await;
    engine.stop().await;
    assert_eq!((meanwhile, shop.sim.posts().await.len()), (2, 2));
}

#[tokio::test]
async fn a_sender_lets_go_once_a_newer_version_has_migrated_its_database() {
    let shop = Shop::open(Setup { sender: "rate = \"5/s\"\nin_flight = 1", ..ONE_BY_ONE }).await;
    shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(3).await;

    shop.execute(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9001, 'of tomorrow', true, '\\x00', 1)",
    )
    .await;

    let held = "select count(*) from sender_leases where holder is not null and expires_at > now()";
    eventually_async("the lease is free", async || shop.number(held).await == 0).await;
    drop(engine);
}

#[tokio::test]
async fn what_an_answer_means_that_comes_while_the_engine_stops_is_written_all_the_same() {
    let shop = Shop::open(ONE_BY_ONE).await;
    let revoked = json!([{ "code": 401, "body": r#"{"success":false,"message":"Unauthorized"}"#, "delay_ms": 1_500 }]);
    shop.sim.answer_any_send(revoked).await;
    shop.blast(0..3).await;
    let engine = shop.engine();
    eventually_async("a POST is in flight", async || shop.count("sending").await == 1).await;
    settle_for(500).await;

    engine.stop().await;

    assert_eq!(shop.number("select count(*) from senders where stopped_at is not null").await, 1);
    assert_eq!((shop.sim.posts().await.len(), shop.count("queued").await), (1, 3));
}

//! At every moment a blast says why it is not faster, and until when.

use std::time::Duration;

use blastdeck::domain::engine_role::EngineRole;
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::waiting::Waiting;
use blastdeck::engine::{self, RunOptions, Until};
use chrono::{DateTime, DurationRound, TimeDelta, Timelike, Utc};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::chaos::proxied;
use crate::recurring::engine_app;
use crate::support::proxy::CLAIMS;
use crate::support::{Deadline, PATIENCE, Setup, Shop, digits, eventually_async};

/// In real time.
const REAL: Setup<'static> = Setup {
    sim: &["--latency", "20ms"],
    sender: "rate = \"40/s\"\nin_flight = 8",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

/// Hours that are closed now and open in a while.
fn closed_hours() -> String {
    let opens = (Utc::now().hour() + 2) % 24;
    format!("{opens:02}:00-{:02}:00", opens + 1)
}

fn until(waiting: &Value) -> DateTime<Utc> {
    waiting["until"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_rate_that_binds_is_the_reason_all_the_time_and_written_once() {
    let shop = Shop::open(Setup { sender: "rate = \"2/s\"\nin_flight = 8", ..REAL }).await;
    // Longer than any machine takes for this.
    let blast = shop.blast(0..200).await;
    shop.execute(
        "create sequence writes minvalue 0 start 0;
         create function count_write() returns trigger language plpgsql as
             $$ begin perform nextval('writes'); return null; end $$;
         create trigger count_write after update of waiting on sender_leases for each row
             when (old.waiting is not distinct from new.waiting) execute function count_write()",
    )
    .await;
    let engine = shop.engine();

    let said = shop.until_waiting(&blast, "rate").await;
    for _ in 0..8 {
        let now = shop.waiting(&blast).await;
        // Of a machine so busy that a claim takes most of a second, the database is what holds messages up.
        assert!(now == said || now["reason"] == "slow_database", "{now}");
    }
    // A reason is weighed by the second.
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 5).await;
    let written = shop.number("select last_value from writes").await;
    engine.stop().await;

    assert_eq!((&said["rate"], &said["whose"]), (&json!("2/s"), &json!("sender")));
    assert_eq!((&said["text"], &said["until"]), (&json!("waits for: sender rate 2/s"), &Value::Null));
    assert_eq!(written, 0, "what does not change is not written again");
}

#[tokio::test]
async fn a_sender_at_full_stretch_waits_for_the_providers_answers() {
    let sender = "rate = \"unlimited\"\nin_flight = 4";
    let shop = Shop::open(Setup { sim: &["--latency", "300ms"], sender, ..REAL }).await;
    let blast = shop.blast(0..200).await;
    let engine = shop.engine();

    let said = shop.until_waiting(&blast, "answers").await;
    engine.stop().await;

    assert_eq!(said["text"], "waits for: the provider's answers, 4 messages at once");
}

/// Waits until a blast says when its gap ends; near the end it only says that the gap takes most of its time.
async fn until_gap_ends(shop: &Shop, blast: &str) -> (Value, DateTime<Utc>) {
    let mut deadline = Deadline::after(PATIENCE);
    loop {
        let asked_at = Utc::now();
        let said = shop.waiting(blast).await;
        if said["reason"] == "gap" && !said["until"].is_null() && until(&said) > asked_at {
            return (said.clone(), until(&said));
        }
        assert!(deadline.wait_a_moment().await, "{said}");
    }
}

#[tokio::test]
async fn each_of_several_blasts_says_its_own_reason() {
    let shop = Shop::open(REAL).await;
    let slow = shop.blast_with(0..100, &["--rate", "3/s"]).await;
    let patient = shop.blast_with(100..200, &["--gap", "4s"]).await;
    let hours = closed_hours();
    let closed = shop.blast_with(200..300, &["--window", &hours, "--timezone", "UTC"]).await;
    let quick = shop.blast_with(1_000..1_900, &[]).await;
    let engine = shop.engine();

    for (blast, words) in [(&quick, "waits for: sender rate 40/s"), (&slow, "waits for: blast rate 3/s")] {
        eventually_async(words, async || shop.waiting(blast).await["text"] == words).await;
    }
    let window = shop.until_waiting(&closed, "window").await;
    assert_eq!(window["window"], format!("{hours} daily (UTC)"));
    assert!(until(&window) > Utc::now());
    let (gap, next) = until_gap_ends(&shop, &patient).await;
    assert!(next < Utc::now() + chrono::TimeDelta::seconds(4), "{gap}");
    assert_eq!(gap["text"], format!("waits for: gap 4s, next {}", next.format("%Y-%m-%dT%H:%M:%SZ")));
    let list = shop.json(&["sender", "list"]).await;
    assert_eq!(list["waiting"]["rate"], "40/s", "{list}");
    engine.stop().await;
}

#[tokio::test]
async fn a_blast_that_goes_alone_names_its_own_rate() {
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"\nin_flight = 4", ..REAL }).await;
    let blast = shop.blast_with(0..200, &["--rate", "3/s"]).await;
    let engine = shop.engine();

    let said = shop.until_waiting(&blast, "rate").await;
    engine.stop().await;

    assert_eq!(said["text"], "waits for: blast rate 3/s");
}

#[tokio::test]
async fn without_an_engine_it_says_so_and_after_a_kill_first_that_there_is_no_sign_of_life() {
    let shop = Shop::open(Setup { sender: "gap = \"1h\"\nin_flight = 1", ..REAL }).await;
    let blast = shop.blast(0..5).await;
    shop.execute("update blasts set send_after = now() - interval '1 min'").await;
    let alone = shop.waiting(&blast).await;
    let engine = shop.engine();
    shop.until_waiting(&blast, "gap").await;

    engine.kill().await;
    // A clock that was a day ahead granted it.
    shop.execute("update sender_leases set expires_at = expires_at + interval '1 day'").await;
    let ahead = shop.waiting(&blast).await;
    shop.execute("update sender_leases set expires_at = expires_at - interval '1 day'").await;
    let silent = shop.until_waiting(&blast, "silent").await;
    let nobody = shop.until_waiting(&blast, "no_engine").await;

    assert_eq!(alone["text"], "nobody is sending: no engine runs");
    let mend = alone["mend"].as_str().unwrap();
    assert!(mend.starts_with("run `BLASTDECK_STATE_DIR='"), "{mend}");
    assert!(mend.ends_with(" engine`, or open the dashboard"), "{mend}");
    assert!(ahead["text"].as_str().unwrap().ends_with(", taken over in a moment"), "no time that moves: {ahead}");
    assert_eq!(ahead["until"], serde_json::Value::Null);
    assert!(silent["text"].as_str().unwrap().starts_with("no sign of life from the engine at "), "{silent}");
    assert!(until(&silent) <= Utc::now() && nobody == alone, "{silent} {nobody}");
}

#[tokio::test]
async fn of_a_sender_that_this_configuration_has_not_programs_read_the_advice_that_people_read() {
    let shop = Shop::open(REAL).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.add_sender("counter");
    let blast = shop.draft_of("counter", 0..3, &[]).await;
    shop.send(&blast).await;
    shop.execute("update blasts set send_after = now() - interval '1 min'").await;
    shop.write("config.toml", config);

    let (shown, listed) = (shop.waiting(&blast).await, shop.json_lines(&["blast", "list"]).await);
    let text = shop.ok(&["blast", "show", &blast]).await;

    let mend = shown["mend"].as_str().unwrap();
    assert!(mend.contains("counter") && text.contains(mend), "{mend}: {text}");
    assert_eq!(listed[0]["waiting"]["mend"], shown["mend"]);
}

#[tokio::test]
async fn people_due_later_and_people_in_doubt_are_the_reason() {
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"\nin_flight = 2", ..REAL }).await;
    shop.sim.answer_send(&digits(0), json!([{ "body": "", "accepted": true }])).await;
    let blast = shop.draft(0..3).await;
    shop.execute("update blast_recipients set next_attempt_at = now() + interval '1 h' where phone_number like '%2'")
        .await;
    shop.send(&blast).await;
    let engine = shop.engine();

    let later = shop.until_waiting(&blast, "backoff").await;
    assert_eq!(later["people"], 1);
    assert!(later["text"].as_str().unwrap().starts_with("waits for: 1 to be retried, next try 20"), "{later}");

    // No engine is notified of a time that was changed by hand: only one that starts is sure to see it.
    engine.stop().await;
    shop.execute("update blast_recipients set next_attempt_at = now() where status = 'queued'").await;
    let engine = shop.engine();
    let doubt = shop.until_waiting(&blast, "uncertain").await;
    engine.stop().await;
    assert_eq!(doubt["text"], "waits for you: 1 uncertain");
    let mend = doubt["mend"].as_str().unwrap();
    assert!(mend.starts_with("say whether each message went out: `BLASTDECK_STATE_DIR='"), "{mend}");
    assert!(mend.ends_with(&format!(" uncertain list {blast}`")), "{mend}");
}

#[tokio::test]
async fn a_retry_that_is_due_after_the_hours_is_promised_for_when_they_begin_again() {
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"\nin_flight = 2", ..REAL }).await;
    let now = Utc::now();
    // Open for an hour at least, and closed in three.
    let hours = format!("{:02}:00-{:02}:00", now.hour(), (now.hour() + 2) % 24);
    let blast = shop.draft_with(0..3, &["--window", &hours, "--timezone", "UTC"]).await;
    shop.execute("update blast_recipients set next_attempt_at = now() + interval '3 h' where phone_number like '%2'")
        .await;
    shop.send(&blast).await;
    let engine = shop.engine();

    let later = shop.until_waiting(&blast, "backoff").await;
    engine.stop().await;

    let opens = now.duration_trunc(TimeDelta::hours(1)).unwrap() + TimeDelta::days(1);
    assert_eq!(until(&later), opens, "{later}");
    let text = format!("waits for: 1 to be retried, next try {}", opens.format("%Y-%m-%dT%H:%M:%SZ"));
    assert_eq!(later["text"], text);
}

#[tokio::test]
async fn a_days_cap_that_is_reached_says_when_the_next_day_begins() {
    let shop = Shop::open(Setup { sender: "rate = \"40/s\"\nin_flight = 2\ntimezone = \"UTC\"", ..REAL }).await;
    let blast = shop.blast(0..9).await;
    let engine = shop.engine_with(&[("BLASTDECK_SENDERS_SALES_DAILY_CAP", "3")]);

    let said = shop.until_waiting(&blast, "daily_cap").await;
    engine.stop().await;

    assert_eq!((&said["cap"], shop.sim.posts().await.len()), (&json!(3), 3));
    assert_eq!((until(&said).hour(), until(&said) > Utc::now()), (0, true), "{said}");
    shop.promises().await;
}

#[tokio::test]
async fn a_days_cap_counts_no_refusal_also_after_a_restart() {
    let shop = Shop::open(Setup { sender: "rate = \"40/s\"\nin_flight = 2\ntimezone = \"UTC\"", ..REAL }).await;
    shop.sim.answer_send(&digits(0), json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }])).await;
    let blast = shop.blast(0..9).await;

    for (cap, posts) in [("3", 4), ("4", 5)] {
        let engine = shop.engine_with(&[("BLASTDECK_SENDERS_SALES_DAILY_CAP", cap)]);
        shop.until_posts(posts).await;
        shop.until_waiting(&blast, "daily_cap").await;
        engine.stop().await;
        assert_eq!(shop.sim.posts().await.len(), posts, "one was refused");
    }
    shop.promises().await;
}

#[tokio::test]
async fn whoever_paused_a_blast_is_named() {
    let shop = Shop::open(REAL).await;
    let blast = shop.blast(0..9).await;

    shop.ok(&["blast", "pause", &blast]).await;

    let text = shop.ok(&["blast", "show", &blast]).await;
    assert!(text.contains("  state    paused by aina\n"), "{text}");
    assert_eq!(shop.json(&["blast", "show", &blast]).await["state_by"], "aina");
}

#[tokio::test]
async fn clocks_that_differ_stop_the_sending_and_it_says_so() {
    let shop = Shop::open(REAL).await;
    let blast = shop.blast(0..9).await;
    let name = shop.database.name();
    shop.execute("create function now() returns timestamptz language sql stable as $$ select pg_catalog.now() + interval '90 s' $$").await;
    shop.execute(&format!("alter database {name} set search_path = public, pg_catalog")).await;

    let engine = shop.engine();
    let said = shop.until_waiting(&blast, "clock").await;
    engine.stop().await;

    let seconds = said["seconds"].as_i64().unwrap();
    assert!((89..=91).contains(&seconds), "{said}");
    assert_eq!(said["text"], format!("waits for: clocks to agree (they differ by {seconds} s)"));
    assert_eq!(shop.sim.posts().await.len(), 0);
}

#[tokio::test]
async fn a_slow_database_is_the_reason() {
    let (shop, proxy) = proxied(Setup { sender: "rate = \"unlimited\"\nin_flight = 2", ..REAL }).await;
    let blast = shop.blast(0..100).await;
    proxy.delay(CLAIMS, Duration::from_millis(400));
    let engine = shop.engine();

    let said = shop.until_waiting(&blast, "slow_database").await;
    proxy.calm();
    eventually_async("it goes on", async || shop.count("queued").await < 80).await;
    engine.stop().await;

    assert_eq!(said["text"], "waits for: the database, which answers slowly");
}

#[tokio::test]
async fn no_end_is_promised_before_an_engine_sends() {
    let shop = Shop::open(REAL).await;
    let blast = shop.draft(0..2_000).await;

    shop.ok(&["blast", "send", &blast, "--yes", "--no-engine"]).await;
    let unattended = shop.json(&["blast", "show", &blast]).await;
    let engine = shop.engine();

    assert_eq!((&unattended["state"], &unattended["done_at"]), (&json!("sending"), &json!(null)), "{unattended}");
    eventually_async("an end is promised", async || shop.json(&["blast", "show", &blast]).await["done_at"].is_string())
        .await;
    engine.stop().await;
}

#[tokio::test]
async fn an_engine_that_rests_is_an_engine_and_is_woken_for_what_was_changed_by_hand() {
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"", ..REAL }).await;
    let app = engine_app(&shop, "aina").await;
    let blast = shop.draft(0..3).await;
    let stop = CancellationToken::new();
    let options =
        RunOptions { role: EngineRole::Engine, until: Until::Stopped, standby: None, local: None, watcher: None };
    let running = tokio::spawn(engine::run(app.engine().clone(), options, stop.clone()));
    shop.execute("update blasts set state = 'sending', launched_at = now(), send_after = now() - interval '1 minute'")
        .await;

    let read = app.blast(BlastId(blast.parse().unwrap())).await.unwrap();

    assert_ne!(read.waiting, Some(Waiting::NoEngine));
    let is_held = "select count(*) from sender_leases where holder is not null";
    eventually_async("the engine sends for it", async || shop.number(is_held).await == 1).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn with_the_last_people_in_flight_it_is_said_that_nobody_sees_to_them() {
    let shop = Shop::open(REAL).await;
    let blast = shop.blast(0..2).await;
    for n in [0, 1] {
        shop.put_in_flight(&blast, n).await;
    }

    let said = shop.until_waiting(&blast, "no_engine").await;
    shop.execute("update senders set stopped_at = now(), stopped_code = 'token', stopped_reason = 'refused'").await;
    let stopped = shop.waiting(&blast).await;

    assert_eq!((&said["reason"], &stopped["reason"]), (&json!("no_engine"), &json!("sender_stopped")));
}

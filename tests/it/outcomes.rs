//! What became of people and blasts as every face shows it: opt-outs, a cancel, a pause while the last are in flight.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::support::{Setup, Shop, Size, digits, eventually_async};

/// In real time, unpaced.
const REAL: Setup<'static> = Setup {
    sim: &["--latency", "1s"],
    sender: "rate = \"unlimited\"\nin_flight = 4",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

#[tokio::test]
async fn who_opted_out_before_the_launch_is_opted_out_in_every_face() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..4).await;
    shop.execute(&format!(
        "insert into suppressions (business, phone_number, source, created_at)
         values ('kedai', '+{}', 'person', '2026-01-02T03:04:05Z')",
        digits(2)
    ))
    .await;
    shop.send(&blast).await;
    shop.until_idle().await;

    let report = shop.json(&["blast", "report", &blast]).await;
    let text = shop.ok(&["blast", "show", &blast]).await;
    let person = shop.json(&["blast", "recipients", &blast, "--status", "opted_out"]).await;
    let history = "select count(*) from status_history
                    where new_status = 'opted_out' and metadata ->> 'why' = 'opted out earlier'";

    assert_eq!((&report["counts"]["opted_out"], &report["counts"]["skipped"]), (&json!(1), &json!(0)));
    assert!(text.contains("opted out 1  skipped 0\n"), "{text}");
    let since: DateTime<Utc> = person["opted_out_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(since.timestamp(), 1_767_323_045, "since when they are");
    assert_eq!((shop.number(history).await, shop.state(&blast).await.as_str()), (1, "completed"));
    shop.promises().await;
}

#[tokio::test]
async fn an_opt_out_of_somebody_who_has_the_message_is_seen_though_their_stage_stays() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..4).await;
    shop.until_idle().await;
    let before = shop.json(&["blast", "report", &blast]).await;

    shop.ok(&["mark", &blast, &digits(1), "opt-out"]).await;

    let report = shop.json(&["blast", "report", &blast]).await;
    assert_eq!((&before["opted_out_later"], &report["opted_out_later"]), (&json!(0), &json!(1)));
    assert_eq!((&before["counts"], &before["funnel"]), (&report["counts"], &report["funnel"]));
    let show = shop.ok(&["blast", "show", &blast]).await;
    assert!(show.contains("opted out 0 (+1 later)"), "{show}");
    let screen = shop.dashboard(Size { columns: 120, rows: 29 });
    screen.wait_for_text("opted out 0 (+1 later)");
    shop.ok(&["mark", &blast, &digits(1), "undo"]).await;
    screen.wait_for_text("opted out 0  skipped 0");
}

#[tokio::test]
async fn a_cancelled_blast_says_so_once_and_is_as_far_as_it_came() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..10).await;
    shop.execute("update blast_recipients set next_attempt_at = now() + interval '1 h' where id > 4").await;
    let engine = shop.engine();
    eventually_async("four are through", async || shop.count("queued").await == 6 && shop.count("sending").await == 0)
        .await;
    engine.stop().await;

    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;

    let show = shop.ok(&["blast", "show", &blast]).await;
    assert!(show.contains("  state    cancelled by aina\n"), "{show}");
    let list = shop.ok(&["blast", "list"]).await;
    assert!(list.contains(" 40%"), "{list}");
    assert_eq!(shop.json(&["blast", "show", &blast]).await["state_reason"], Value::Null);
}

#[tokio::test]
async fn a_blast_paused_while_its_last_people_are_in_flight_completes_when_they_are_through() {
    let shop = Shop::open(REAL).await;
    let blast = shop.blast(0..3).await;
    let engine = shop.engine();
    eventually_async("all are in flight", async || shop.count("sending").await == 3).await;

    shop.ok(&["blast", "pause", &blast]).await;

    shop.until_state(&blast, "completed").await;
    engine.stop().await;
    assert!(shop.sim.posts().await.iter().all(|post| post.accepted));
    shop.promises().await;
}

#[tokio::test]
async fn a_paused_blast_with_somebody_left_stays_paused() {
    let shop =
        Shop::open(Setup { sim: &["--latency", "300ms"], sender: "rate = \"unlimited\"\nin_flight = 1", ..REAL }).await;
    let blast = shop.blast(0..40).await;
    let engine = shop.engine();
    shop.until_posts(2).await;

    shop.ok(&["blast", "pause", &blast]).await;
    eventually_async("nobody is in flight", async || shop.count("sending").await == 0).await;
    // An engine that completes another one has looked at this one too.
    let other = shop.blast(100..101).await;
    shop.until_state(&other, "completed").await;
    engine.stop().await;

    assert_eq!(shop.state(&blast).await, "paused");
    assert!(shop.count("queued").await > 0);
}

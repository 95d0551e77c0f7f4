//! Whoever comes after an engine that is gone goes on by itself; and how long nothing is sent until then. The figures are
//! printed (`cargo test --test it times:: -- --nocapture`) and held to their bounds in the long form.

use std::time::{Duration, Instant};

use crate::support::{Setup, Shop, eventually_async, long_form, measured};

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "50ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 2",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

/// A shop with a lease of so many seconds, and enough to send for a while.
async fn shop(lease: u64) -> Shop {
    let shop = Shop::open(SETUP).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace("lease_seconds = 5", &format!("lease_seconds = {lease}")));
    shop.blast(0..600).await;
    shop
}

/// Waits until somebody is sent to again: under a newer epoch, or it was a POST of the engine that is gone.
async fn until_sent_again(shop: &Shop, epoch: i64, what: &str, bound: Duration) {
    let since = Instant::now();
    let sent = format!(
        "select count(*) from attempts where epoch > {epoch} and recipient_id in (select id from blast_recipients where sent_at is not null)"
    );
    eventually_async("somebody is sent to", async || shop.number(&sent).await > 0).await;
    measured(what, since.elapsed(), bound);
}

async fn epoch(shop: &Shop) -> i64 {
    shop.number("select epoch from sender_leases").await
}

/// One engine that sends, and another that waits.
async fn two_engines(shop: &Shop) -> (crate::support::Engine, crate::support::Engine) {
    let sends = shop.engine();
    shop.until_posts(4).await;
    let waits = shop.engine();
    shop.until_listening(2).await;
    (sends, waits)
}

#[tokio::test]
async fn an_engine_that_is_started_again_after_a_kill_sends_within_five_seconds() {
    let shop = shop(15).await;
    let engine = shop.engine();
    shop.until_posts(10).await;
    engine.kill().await;

    let before = epoch(&shop).await;
    let again = shop.engine();
    until_sent_again(&shop, before, "after kill -9 and a start on the same machine", Duration::from_secs(5)).await;
    again.stop().await;

    shop.promises().await;
}

#[tokio::test]
async fn another_engine_takes_over_a_crashed_ones_sender_within_its_lease_and_five_seconds() {
    let lease = if long_form() { 15 } else { 5 };
    let shop = shop(lease).await;
    let (sends, waits) = two_engines(&shop).await;

    let before = epoch(&shop).await;
    sends.kill().await;
    let what = format!("after a crash, by another, with a lease of {lease} s");
    until_sent_again(&shop, before, &what, Duration::from_secs(lease + 5)).await;
    waits.stop().await;

    shop.promises().await;
}

#[tokio::test]
async fn after_an_orderly_stop_another_engine_goes_on_within_two_seconds() {
    let shop = shop(15).await;
    let (sends, waits) = two_engines(&shop).await;

    let before = epoch(&shop).await;
    sends.stop().await;
    until_sent_again(&shop, before, "after an orderly stop, by another", Duration::from_secs(2)).await;
    waits.stop().await;

    assert_eq!(shop.count("uncertain").await, 0);
    shop.promises().await;
}

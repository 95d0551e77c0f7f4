//! Replies to COMMIT that are lost or late: what was written, and what the engine believes, differ for a while.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::{SETUP, SLOTS};
use crate::support::proxy::{CLAIMS, EVIDENCE, Proxy};
use crate::support::{
    Deadline, PATIENCE, Setup, Shop, database, digits, eventually_async, measured, postgres, said, settle_for,
    until_unchanged,
};

/// A shop on the shared server, reached through a proxy.
pub async fn proxied(setup: Setup<'_>) -> (Shop, Proxy) {
    let proxy = Proxy::start(postgres().await.socket()).await;
    let mut database = database().await;
    database.url = proxy.url(database.name());
    (Shop::open_on(database, setup), proxy)
}

async fn until_swallowed(proxy: &Proxy, commits: usize) {
    eventually_async("replies to COMMIT are swallowed", async || proxy.swallowed() >= commits).await;
}

#[tokio::test]
async fn people_of_a_claim_whose_commit_was_not_acknowledged_return_to_the_queue() {
    let (shop, proxy) = proxied(SETUP).await;
    let blast = shop.blast(0..200).await;
    proxy.swallow_commits(CLAIMS, 2);

    let engine = shop.engine();
    until_swallowed(&proxy, 2).await;
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    engine.stop().await;
    shop.until_idle().await;

    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (200, 0));
    let returned = shop.number("select count(*) from provider_message where outcome = 'released'").await;
    assert!((1..=2 * SLOTS).contains(&returned), "{returned}");
    assert_eq!(shop.state(&blast).await, "completed");
    shop.promises().await;
}

/// The engine has had no time to ask whom it claimed when it is stopped.
#[tokio::test]
async fn people_of_a_claim_whose_commit_was_not_acknowledged_return_to_the_queue_of_an_engine_that_stops() {
    let (shop, proxy) = proxied(SETUP).await;
    shop.blast(0..200).await;
    proxy.swallow_commits(CLAIMS, usize::MAX);

    let engine = shop.engine();
    until_swallowed(&proxy, 1).await;
    engine.stop().await;

    assert_eq!((shop.count("queued").await, shop.count("uncertain").await), (200, 0));
    assert_eq!(shop.sim.posts().await.len(), 0);
    proxy.calm();
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 200);
    shop.promises().await;
}

#[tokio::test]
async fn evidence_whose_commit_was_not_acknowledged_is_written_once() {
    let (shop, proxy) = proxied(SETUP).await;
    for n in [3, 5] {
        shop.sim.answer_send(&digits(n), json!([{ "hang_up": "after" }])).await;
    }
    shop.sim
        .answer_send(&digits(7), json!([{ "code": 429, "body": "{\"success\":false,\"message\":\"Too Many\"}" }]))
        .await;
    let blast = shop.blast(0..60).await;
    proxy.swallow_commits(EVIDENCE, 5);

    let engine = shop.engine();
    until_swallowed(&proxy, 5).await;
    eventually_async("all are settled", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    engine.stop().await;

    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (61, 2));
    let accepted = "select count(*) from provider_message where outcome = 'accepted' and message_id is not null";
    assert_eq!(shop.number(accepted).await, 58);
    assert_eq!(shop.state(&blast).await, "sending", "two are uncertain");
    shop.promises().await;
}

#[tokio::test]
async fn no_more_are_posted_than_there_are_slots_while_evidence_cannot_be_written() {
    let (shop, proxy) = proxied(SETUP).await;
    shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(30).await;

    proxy.delay(EVIDENCE, Duration::from_secs(60));
    let written = shop.number("select count(*) from provider_message").await;
    // Ten times as long as a POST takes.
    let posts = until_unchanged("POSTs", Duration::from_millis(600), async || shop.sim.stats().await.posts).await;
    let posts = i64::try_from(posts).unwrap();
    engine.kill().await;
    proxy.calm();
    proxy.cut();
    settle_for(200).await;

    let in_doubt = shop.count("sending").await;
    // One batch may have been on its way to the disk when the delay began, another waits for its commit to be acknowledged.
    assert!(posts - written <= 3 * SLOTS, "{} POSTs without a durable answer", posts - written);
    assert!(in_doubt <= SLOTS, "{in_doubt} are in doubt after one kill");
    shop.until_idle().await;
    assert_eq!(shop.count("queued").await + shop.count("sending").await, 0);
    assert!(shop.count("uncertain").await <= SLOTS);
    shop.promises().await;
}

/// A machine that sleeps, or is cut off, between two statements of a claim: its transaction holds the lease's row.
#[tokio::test]
async fn an_engine_that_stops_in_the_middle_of_a_claim_does_not_hold_up_a_takeover() {
    // Slow enough that some are left however late a busy machine sets the trap.
    let slow =
        Setup { sender: "rate = \"40/s\"\nin_flight = 8", engine: "", polling: "give_up_after = \"1s\"", ..SETUP };
    let (shop, proxy) = proxied(slow).await;
    shop.blast(0..600).await;
    let engine = shop.engine();
    shop.until_posts(20).await;
    proxy.delay_before_commit(CLAIMS, Duration::from_secs(600));
    let held = "select count(*) from pg_stat_activity
                 where datname = current_database() and state = 'idle in transaction' and query like '%with claimed as%'";
    eventually_async("a claim is held up before its COMMIT", async || shop.number(held).await == 1).await;
    engine.signal(Signal::STOP);
    let (posts, began) = (shop.sim.posts().await.len(), Instant::now());

    let mut direct = shop.command(&["engine", "--until-idle"]);
    direct.env("DATABASE_URL", postgres().await.with_database(shop.database.name()).url());
    let other = tokio::spawn(said(direct));
    let mut deadline = Deadline::after(2 * PATIENCE);
    while shop.sim.stats().await.posts < posts + 5 {
        assert!(deadline.wait_a_moment().await, "nobody takes over");
    }
    let took = began.elapsed();
    engine.signal(Signal::CONT);
    proxy.calm();
    assert_eq!(other.await.unwrap().code, 0);
    engine.stop().await;

    measured("taken over from an engine that stopped in the middle of a claim", took, Duration::from_secs(20));
    assert_eq!(shop.count("queued").await + shop.count("sending").await, 0);
    shop.promises().await;
}

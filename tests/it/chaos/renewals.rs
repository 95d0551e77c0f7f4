//! A lease is as old as the request that renewed it, and what a sleeper learns late is still the truth.

use std::time::Duration;

use chrono::TimeDelta;
use rustix::process::Signal;

use super::SETUP;
use super::commits::proxied;
use crate::support::proxy::RENEWALS;
use crate::support::{Setup, Shop, eventually_async, pass};

/// Two thirds of five seconds.
const TRUSTED: TimeDelta = TimeDelta::milliseconds(3_334);

#[tokio::test]
async fn a_renewal_that_is_told_late_makes_no_lease_younger() {
    // One at a time: ten a second by the provider's own pace, whatever the time is thought to be.
    let sim = &["--latency", "100ms", "--speed", "6000"];
    let sender = "rate = \"unlimited\"\nin_flight = 1";
    let (shop, proxy) = proxied(Setup { sim, sender, engine: "", ..SETUP }).await;
    shop.blast(0..400).await;
    // Asked for in the second second and told of in the sixth, the lease is two thirds over already.
    proxy.delay(RENEWALS, Duration::from_secs(4));

    let engine = shop.engine();
    shop.until_posts(1).await;
    // Long enough for one renewal to be told of, and for what would be sent on it.
    pass(7_000).await;
    let times: Vec<_> = shop.sim.posts().await.iter().map(|post| post.at).collect();
    proxy.calm();
    shop.until_posts(times.len() + 5).await;
    engine.stop().await;

    let sent_for = times[times.len() - 1] - times[0];
    assert!(sent_for < TRUSTED + TimeDelta::milliseconds(300), "it sent for {sent_for} on one request");
    shop.promises().await;
}

#[tokio::test]
async fn what_a_sleeper_is_told_when_it_wakes_is_the_truth_whoever_has_the_lease() {
    let sim = &["--latency", "700ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender: "rate = \"unlimited\"\nin_flight = 6", ..SETUP }).await;
    shop.blast(0..60).await;
    let sleeper = shop.engine();
    shop.until_posts(6).await;
    sleeper.signal(Signal::STOP);

    let other = shop.engine();
    eventually_async("the other has taken over", async || shop.count("uncertain").await > 0).await;
    let in_doubt = shop.count("uncertain").await;
    sleeper.signal(Signal::CONT);
    eventually_async("the sleeper's answers are written", async || shop.count("uncertain").await <= 1).await;
    sleeper.stop().await;
    other.stop().await;

    assert!((6..=7).contains(&in_doubt), "{in_doubt}");
    shop.promises().await;
}

#[tokio::test]
async fn a_killed_engine_that_is_started_again_keeps_the_rate() {
    // One in two seconds, as one in twenty minutes of a time that runs 600 times as fast.
    let setup = Setup { sender: "rate = \"3/h\"\nin_flight = 4", ..SETUP };
    let shop = Shop::open(setup).await;
    shop.blast(0..6).await;

    for posts in 1..4 {
        let engine = shop.engine();
        shop.until_posts(posts).await;
        engine.kill().await;
    }

    let times: Vec<_> = shop.sim.posts().await.iter().map(|post| post.at).collect();
    let shortest = times.windows(2).map(|two| (two[1] - two[0]).num_milliseconds()).min().unwrap();
    assert!(shortest >= 1_900, "two within {shortest} ms");
    shop.promises().await;
}

//! A lease is as old as the request that renewed it, and what a sleeper receives late is still recorded.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use rustix::process::Signal;

use super::SETUP;
use super::commits::proxied;
use crate::support::proxy::RENEWALS;
use crate::support::rude::{Call, Manner, Rude};
use crate::support::{Setup, Shop, eventually_async, measured, settle_for};

const LEASE: Duration = Duration::from_secs(5);
/// Two thirds of it.
const TRUSTED: TimeDelta = TimeDelta::milliseconds(3_334);

#[tokio::test]
async fn a_renewal_that_is_acknowledged_late_makes_no_lease_younger() {
    // One at a time: ten a second by the provider's own pace, whatever the time is thought to be.
    let sim = &["--latency", "100ms", "--speed", "6000"];
    let sender = "rate = \"unlimited\"\nin_flight = 1";
    let (shop, proxy) = proxied(Setup { sim, sender, engine: "", ..SETUP }).await;
    shop.blast(0..400).await;
    // Asked for in the second second and acknowledged in the sixth, the lease is two thirds over already.
    proxy.delay(RENEWALS, Duration::from_secs(4));

    let engine = shop.engine();
    shop.until_posts(1).await;
    // Long enough for one renewal to be acknowledged, and for what would be sent on it.
    settle_for(7_000).await;
    let times: Vec<_> = shop.sim.posts().await.iter().map(|post| post.at).collect();
    proxy.calm();
    shop.until_posts(times.len() + 5).await;
    engine.stop().await;

    let sent_for = times[times.len() - 1] - times[0];
    assert!(sent_for < TRUSTED + TimeDelta::milliseconds(300), "it sent for {sent_for} on one request");
    shop.promises().await;
}

#[tokio::test]
async fn what_a_sleeper_receives_when_it_wakes_is_recorded_whoever_has_the_lease() {
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

/// The first three connections are kept waiting for a minute, the others are served.
async fn first_three_late() -> Rude {
    Rude::start(|n| if n < 3 { Manner::Late(Duration::from_secs(60)) } else { Manner::Polite }).await
}

fn late(rude: &Rude) -> Vec<Call> {
    rude.calls().into_iter().filter(|call| call.manner != Manner::Polite).collect()
}

const CUT_OFF: &str = "select count(*) from blast_recipients
                        where status = 'uncertain' and reason = 'the lease ended while the request was under way'";

#[tokio::test]
async fn a_post_in_flight_is_dropped_before_its_lease_ends_when_no_renewal_gets_through() {
    let sender = "rate = \"unlimited\"\nin_flight = 3";
    let (shop, proxy) = proxied(Setup { sender, engine: "failures_in_a_row = 1", ..SETUP }).await;
    let rude = first_three_late().await;
    shop.send_through(rude.url());
    let blast = shop.blast(0..6).await;

    let engine = shop.engine();
    eventually_async("three are in flight", async || rude.calls().len() == 3).await;
    proxy.delay(RENEWALS, Duration::from_secs(600));
    eventually_async("their connections are closed", async || late(&rude).iter().all(|c| c.gone_at.is_some())).await;
    eventually_async("they are uncertain", async || shop.number(CUT_OFF).await == 3).await;
    let others = rude.calls().len() - 3;
    proxy.calm();
    proxy.cut();
    eventually_async("the others are sent to", async || shop.count("queued").await + shop.count("sending").await == 0)
        .await;
    engine.stop().await;

    for call in late(&rude) {
        let lasted = call.gone_at.unwrap() - call.came_at;
        // Its lease may have been a third of its time old, and as much more as a busy machine is late.
        assert!(lasted > LEASE / 3 && lasted < LEASE, "{lasted:?}");
    }
    assert_eq!((others, rude.calls().len(), rude.called_again()), (0, 6, Vec::new()));
    assert_eq!(shop.state(&blast).await, "sending", "it is no failure of the provider's");
    shop.invariants().await;
}

#[tokio::test]
async fn a_process_that_slept_through_its_calls_and_its_lease_pauses_nothing_that_another_sends() {
    let sender = "rate = \"unlimited\"\nin_flight = 3\ntimeout = \"2s\"";
    let shop = Shop::open(Setup { sender, engine: "failures_in_a_row = 1", ..SETUP }).await;
    let rude = first_three_late().await;
    shop.send_through(rude.url());
    let blast = shop.blast(0..6).await;
    // This client sees that the time of its calls is over before it hears of the lease.
    let sleeper = shop.engine_with(&[("BLASTDECK_CLIENT", "reqwest")]);
    eventually_async("three are in flight", async || rude.calls().len() == 3).await;
    sleeper.signal(Signal::STOP);
    let other = shop.engine();
    eventually_async("the other goes on", async || shop.count("queued").await == 0).await;

    sleeper.signal(Signal::CONT);
    sleeper.stop().await;

    assert_eq!(shop.state(&blast).await, "sending", "the provider failed nobody");
    other.stop().await;
    assert_eq!((shop.count("uncertain").await, rude.called_again()), (3, Vec::new()));
    shop.invariants().await;
}

#[tokio::test]
async fn answers_that_came_while_a_process_slept_count_when_it_wakes() {
    let sender = "rate = \"unlimited\"\nin_flight = 8\ntimeout = \"2s\"";
    let sim = &["--latency", "500ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender, ..SETUP }).await;
    shop.blast(0..120).await;
    let sleeper = shop.engine();
    shop.until_posts(4).await;
    sleeper.signal(Signal::STOP);
    let other = shop.engine();
    // Some seconds after the other took over, at sixteen a second.
    shop.until_posts(64).await;

    assert!(shop.count("uncertain").await > 0, "the other took over");
    sleeper.signal(Signal::CONT);
    sleeper.stop().await;

    assert_eq!(shop.count("uncertain").await, 0, "they were answered");
    other.stop().await;
    shop.invariants().await;
}

#[tokio::test]
async fn what_was_in_flight_in_a_process_that_slept_through_its_lease_is_dropped_when_it_wakes() {
    let setup = Setup { sender: "rate = \"unlimited\"\nin_flight = 3", engine: "failures_in_a_row = 1", ..SETUP };
    let shop = Shop::open(setup).await;
    let rude = first_three_late().await;
    shop.send_through(rude.url());
    shop.blast(0..6).await;
    let sleeper = shop.engine();
    eventually_async("three are in flight", async || rude.calls().len() == 3).await;
    sleeper.signal(Signal::STOP);

    let other = shop.engine();
    eventually_async("the other goes on", async || shop.count("queued").await == 0).await;
    let still_open = late(&rude).iter().all(|call| call.gone_at.is_none());
    sleeper.signal(Signal::CONT);
    let woken = Instant::now();
    eventually_async("their connections are closed", async || late(&rude).iter().all(|c| c.gone_at.is_some())).await;
    let took = woken.elapsed();
    sleeper.stop().await;
    other.stop().await;

    assert!(still_open, "as long as it sleeps");
    measured("dropped after it woke", took, Duration::from_secs(2));
    assert_eq!((shop.count("uncertain").await, rude.calls().len(), rude.called_again()), (3, 6, Vec::new()));
    shop.invariants().await;
}

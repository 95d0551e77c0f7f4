//! Pace as the provider sees it: by the simulator's own record of when each POST came to its door.

use chrono::{DateTime, TimeDelta, Utc};

use crate::support::{Setup, Shop, eventually_async, long_form};

/// In real time: what a sender with a rate is like.
const REAL: Setup<'static> = Setup {
    sim: &["--latency", "20ms"],
    sender: "",
    engine: "",
    polling: "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"",
};

async fn arrivals(shop: &Shop) -> Vec<DateTime<Utc>> {
    let mut times: Vec<_> = shop.sim.posts().await.iter().map(|post| post.at).collect();
    times.sort_unstable();
    times
}

/// The most that came within any stretch of so long, wherever it is laid.
fn fullest(times: &[DateTime<Utc>], stretch: TimeDelta) -> usize {
    let within = |(n, at): (usize, &DateTime<Utc>)| times[n..].partition_point(|later| *later < *at + stretch);
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// The share of a rate that was reached in the best stretch of so many posts: a machine that is busy elsewhere holds up the
/// others.
fn reached(times: &[DateTime<Utc>], posts: usize, per_second: u32) -> f64 {
    let shortest = times.windows(posts + 1).map(|run| run[posts] - run[0]).min().unwrap();
    f64::from(u32::try_from(posts).unwrap()) / shortest.as_seconds_f64() / f64::from(per_second)
}

#[expect(clippy::print_stderr, reason = "figures for whoever runs it with --nocapture")]
fn tell(what: &str) {
    eprintln!("{what}");
}

/// Sends for some seconds at a rate; checks that no sliding second is over it, and that it is reached.
async fn a_rate_is_kept_and_reached(rate: u32, in_flight: u32, seconds: u32) {
    let sender = format!("rate = \"{rate}/s\"\nin_flight = {in_flight}");
    let shop = Shop::open(Setup { sender: &sender, ..REAL }).await;
    let people = usize::try_from(rate * seconds).unwrap();
    shop.blast(0..rate * seconds).await;
    let engine = shop.engine();
    eventually_async("everybody was sent to", async || shop.sim.stats().await.posts >= people).await;
    engine.stop().await;

    let times = arrivals(&shop).await;
    let most = fullest(&times, TimeDelta::seconds(1));
    let (best, all) = (reached(&times, people / 2, rate), reached(&times, people - 1, rate));
    let (whole, peak) = (all * 100.0, best * 100.0);
    tell(&format!("{rate}/s: at most {most} in a second; {whole:.2} % of it reached, {peak:.2} % at best"));
    assert!(most <= rate as usize, "{most} in a second at {rate}/s");
    assert!(best >= 0.98, "{best}");
    assert_eq!(times.len(), people);
    shop.promises().await;
}

#[tokio::test]
async fn a_rate_of_80_a_second_is_kept_in_every_second_and_reached() {
    a_rate_is_kept_and_reached(80, 16, if long_form() { 20 } else { 6 }).await;
}

#[tokio::test]
async fn a_rate_of_1000_a_second_is_kept_in_every_second_and_reached() {
    if long_form() {
        a_rate_is_kept_and_reached(1_000, 128, 10).await;
    }
}

//! An engine whose time of day is wrong, in the middle of a blast.

use std::time::Duration;

use crate::support::{Clock, Setup, Shop, eventually_async, until_unchanged};

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "300ms", "--speed", "6000"],
    sender: "rate = \"20/s\"",
    engine: "",
    polling: "give_up_after = \"1ms\"",
};

#[tokio::test]
async fn an_engine_whose_clock_is_set_hours_wrong_says_so_sends_nothing_and_goes_on_when_it_is_right() {
    tokio::join!(sends_nothing_by_a_clock_set_by(-7_200), sends_nothing_by_a_clock_set_by(7_200));
}

async fn sends_nothing_by_a_clock_set_by(seconds: i64) {
    let shop = Shop::open(SETUP).await;
    let clock = Clock::new(&shop.path(""));
    let blast = shop.blast(0..400).await;
    let engine = shop.engine_with(&clock.environment());
    let posts = async || shop.sim.stats().await.posts;
    eventually_async("it sends", async || posts().await > 10).await;

    clock.jump(seconds);
    let reason = shop.until_waiting(&blast, "clock").await;
    let posts_meanwhile = until_unchanged("POSTs", Duration::from_secs(1), posts).await;
    clock.jump(0);

    assert!(reason["text"].as_str().unwrap().contains("clocks to agree"), "{reason}");
    eventually_async("it goes on", async || posts().await > posts_meanwhile + 20).await;
    engine.stop().await;
    let beside = "select count(*) from blast_recipients where sent_at not between claimed_at - interval '5 s' and now() + interval '5 s'";
    assert_eq!(shop.number(beside).await, 0, "nobody was sent to by a wrong clock's time");
    shop.promises().await;
}

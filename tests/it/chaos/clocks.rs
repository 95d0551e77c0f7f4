//! An engine whose time of day is wrong, in the middle of a blast.

use crate::support::{Clock, Setup, Shop, eventually_async, pass};

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "300ms", "--speed", "6000"],
    sender: "rate = \"20/s\"",
    engine: "",
    polling: "give_up_after = \"1ms\"",
};

#[tokio::test]
async fn an_engine_whose_clock_is_set_hours_wrong_says_so_sends_nothing_and_goes_on_when_it_is_right() {
    for wrong in [-7_200, 7_200] {
        let shop = Shop::open(SETUP).await;
        let clock = Clock::new(&shop.path(""));
        let blast = shop.blast(0..400).await;
        let engine = shop.engine_with(&clock.environment());
        eventually_async("it sends", async || shop.sim.stats().await.posts > 10).await;

        clock.jump(wrong);
        let said = shop.until_waiting(&blast, "clock").await;
        let posts = shop.sim.stats().await.posts;
        pass(1_500).await;
        let posts_later = shop.sim.stats().await.posts;
        clock.jump(0);

        assert!(said["text"].as_str().unwrap().contains("clocks that agree"), "{said}");
        assert_eq!(posts_later, posts, "nothing is sent by a wrong clock");
        eventually_async("it goes on", async || shop.sim.stats().await.posts > posts + 20).await;
        engine.stop().await;
        let beside = "select count(*) from blast_recipients where sent_at not between claimed_at - interval '5 s' and now() + interval '5 s'";
        assert_eq!(shop.number(beside).await, 0, "nobody was sent to by a wrong clock's time");
        shop.promises().await;
    }
}

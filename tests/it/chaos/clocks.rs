//! An engine whose time of day is wrong, in the middle of a blast.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

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

/// What the server of the database takes for the time is `ahead` of it, in new sessions.
const SETTABLE: &str = "
    create table clock (ahead interval not null);
    insert into clock values ('0');
    create function public.now() returns timestamptz language sql stable
        as 'select pg_catalog.now() + (select ahead from public.clock)';
    do $$ begin execute format('alter database %I set search_path = public, pg_catalog', current_database()); end $$";

#[tokio::test]
async fn a_database_whose_clock_was_ahead_and_is_set_right_holds_nobody_up_for_as_long() {
    const AHEAD: Duration = Duration::from_secs(55);
    let shop = Shop::open(Setup { sim: &["--latency", "20ms", "--speed", "6000"], ..SETUP }).await;
    shop.execute(SETTABLE).await;
    shop.blast(0..2_000).await;
    let engine = shop.engine();
    let posts = async || shop.sim.stats().await.posts;
    eventually_async("it sends", async || posts().await > 10).await;
    let epoch = async || shop.number("select max(epoch) from sender_leases").await;

    shop.execute(&format!("update clock set ahead = '{} s'", AHEAD.as_secs())).await;
    eventually_async("it sends by that clock", async || {
        shop.number("select count(*) from provider_message where claimed_at > pg_catalog.now() + interval '50 s'").await
            > 10
    })
    .await;
    let (before, set_right) = (epoch().await, Instant::now());
    shop.execute("update clock set ahead = '0'").await;
    eventually_async("it begins anew", async || epoch().await > before).await;
    let posts_before = posts().await;
    eventually_async("it goes on", async || posts().await > posts_before + 20).await;

    assert!(set_right.elapsed() < AHEAD, "it waited until the times had come again: {:?}", set_right.elapsed());
    engine.stop().await;
    // Whoever was claimed as the lease was lost is given back, and claimed again.
    let posts = shop.sim.posts().await;
    let people: BTreeSet<&str> = posts.iter().map(|post| post.phone.as_str()).collect();
    assert_eq!(posts.len(), people.len(), "nobody was sent to twice");
}

#[tokio::test]
async fn what_was_launched_while_the_databases_clock_was_ahead_waits_for_no_time_to_come_again() {
    let shop = Shop::open(SETUP).await;
    shop.execute(SETTABLE).await;
    shop.execute("update clock set ahead = '3 h'").await;
    let blast = shop.blast(0..30).await;
    // A retry of whoever was tried waits as it should.
    let tried = format!(
        "update blast_recipients set tries = 1, next_attempt_at = next_attempt_at + interval '1 h' where blast_id = {blast} and id =
            (select min(id) from blast_recipients where blast_id = {blast})"
    );
    shop.execute(&tried).await;
    shop.execute("update clock set ahead = '0'").await;

    let engine = shop.engine();
    eventually_async("they are sent to", async || shop.sim.stats().await.posts == 29).await;
    engine.stop().await;

    assert_eq!(shop.count("queued").await, 1);
    shop.invariants().await;
}

//! A standby: it goes on where another process was killed, and costs next to nothing where it is not needed.

use std::time::{Duration, Instant};

use crate::crash::everybody_is_settled;
use crate::support::{Engine, PATIENCE, Setup, Shop, eventually, measured, settle_for};

#[tokio::test]
async fn a_standby_goes_on_within_the_lease_when_the_engine_is_killed() {
    let sim = &["--latency", "150ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender: "rate = \"unlimited\"\nin_flight = 3", ..Setup::default() }).await;
    let blast = shop.blast(0..150).await;
    let engine = shop.engine();
    shop.until_posts(6).await;
    let mut standby = shop.command(&["engine", "--until-idle", "--standby"]).spawn().unwrap();
    shop.until_posts(12).await;

    engine.kill().await;
    let killed = Instant::now();
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 6).await;

    // A second until it is noticed, and what this machine is busy with.
    measured("a standby goes on after a kill", killed.elapsed(), Duration::from_secs(10));
    let ended = tokio::time::timeout(PATIENCE, standby.wait()).await;
    assert!(ended.expect("it ends by itself").unwrap().success());
    let uncertain = shop.count("uncertain").await;
    assert!(uncertain <= 3, "{uncertain}");
    assert_eq!(shop.state(&blast).await, if uncertain > 0 { "sending" } else { "completed" });
    everybody_is_settled(&shop).await;
}

#[tokio::test]
async fn a_standby_waits_for_no_lease_of_an_engine_that_was_killed_on_its_machine() {
    let sim = &["--latency", "150ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender: "rate = \"unlimited\"\nin_flight = 3", ..Setup::default() }).await;
    shop.blast(0..120).await;
    let engine = shop.engine();
    shop.until_posts(6).await;
    let mut standby = shop.command(&["engine", "--until-idle", "--standby"]).spawn().unwrap();
    shop.until_posts(12).await;

    engine.kill().await;
    shop.execute("update sender_leases set expires_at = now() + interval '1 hour', valid = interval '5 minutes'").await;

    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 6).await;
    let ended = tokio::time::timeout(PATIENCE, standby.wait()).await;
    assert!(ended.expect("it ends by itself").unwrap().success());
    everybody_is_settled(&shop).await;
}

#[tokio::test]
async fn a_standby_rests_once_another_one_has_taken_over() {
    let sim = &["--latency", "150ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender: "rate = \"unlimited\"\nin_flight = 3", ..Setup::default() }).await;
    shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(6).await;
    let standbys = [shop.engine(), shop.engine()];
    shop.until_posts(50).await;

    engine.kill().await;
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 6).await;
    let before = standbys.each_ref().map(processor_time);
    settle_for(3_000).await;
    let after = standbys.each_ref().map(processor_time);

    let took = before.iter().zip(after).map(|(before, after)| after.saturating_sub(*before)).min().unwrap();
    measured("a standby that waits, of the processor in three seconds", took, Duration::from_millis(500));
    for standby in standbys {
        standby.stop().await;
    }
    shop.promises().await;
}

#[tokio::test]
async fn a_standby_that_waits_for_its_database_goes_by_the_address_once_that_is_corrected() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..3).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let address = |url: &str| shop.write("config.toml", format!("[database]\nurl = \"{url}\"\n{config}"));
    let log = shop.path("standby.log");
    address("postgres://nobody@127.0.0.1:1/shop");
    let mut standby = shop.command(&["engine", "--until-idle", "--standby"]);
    standby.env_remove("DATABASE_URL").stderr(std::fs::File::create(&log).unwrap());
    let mut standby = standby.spawn().unwrap();
    eventually("it waits", || std::fs::read_to_string(&log).unwrap().contains("the engine waits for the database"));

    address(&shop.database.url);
    let ended = tokio::time::timeout(PATIENCE, standby.wait()).await;

    assert!(ended.expect("it ends by itself").unwrap().success());
    assert_eq!(shop.state(&blast).await, "completed");
    shop.promises().await;
}

/// What a process took of the processor so far.
fn processor_time(engine: &Engine) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", engine.pid())).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Of the user's and the system's, in hundredths of a second.
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

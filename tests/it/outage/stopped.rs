//! An engine that is asked to end while its database is gone: it says that it could not write what it knows.

use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use blastdeck::private_postgres::PrivatePostgres;

use super::{SETUP, SLOTS};
use crate::support::serve::Serve;
use crate::support::{Shop, TestDatabase, TestDir, eventually_async, private_postgres};

/// Ends the database while people are in flight, whose answers come afterwards.
async fn lose_the_database(shop: &Shop, local: &PrivatePostgres) {
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 20).await;
    shop.sim.hold();
    eventually_async("somebody is in flight", async || shop.count("sending").await > 0).await;
    local.stop().await.unwrap();
    shop.sim.let_go();
}

/// How it ended, well before the 40 seconds that evidence is kept for.
async fn ended_soon(ends: impl Future<Output = ExitStatus>, log: &Path) {
    let ended = tokio::time::timeout(Duration::from_secs(25), ends).await.expect("it ends soon");
    let said = std::fs::read_to_string(log).unwrap();
    assert_eq!(ended.code(), Some(1), "{said}");
    assert!(said.contains("whoever was in flight will be uncertain"), "{said}");
}

#[tokio::test]
async fn an_engine_and_a_server_whose_database_is_gone_end_soon_and_say_who_will_be_uncertain() {
    let dir = TestDir::new();
    let (local, address) = private_postgres(&dir).await;
    let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, SETUP);
    shop.blast(0..2_000).await;

    let engine = shop.engine();
    lose_the_database(&shop, &local).await;
    ended_soon(engine.end(), &shop.path("engine.log")).await;
    local.ensure_running().await.unwrap();
    let serve = Serve::start(&shop, &[]).await;
    lose_the_database(&shop, &local).await;
    ended_soon(serve.end(), &shop.path("serve.log")).await;

    local.ensure_running().await.unwrap();
    let engine = shop.engine();
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    engine.stop().await;
    let uncertain = shop.count("uncertain").await;
    assert!((1..=2 * SLOTS).contains(&uncertain), "{uncertain} uncertain");
    shop.promises().await;
}

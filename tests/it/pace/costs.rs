//! What an engine that waits costs the database.

use chrono::{Timelike, Utc};

use super::{REAL, share};
use crate::chaos::proxied;
use crate::support::proxy::Proxy;
use crate::support::{Setup, Shop, database, figure, long_form, postgres, settle_for};

/// How many transactions a second come from an engine that only waits.
async fn cost_of_waiting(proxy: &Proxy) -> f64 {
    settle_for(3_000).await;
    // Two of its looks, wherever the stretch begins.
    let before = proxy.transactions();
    settle_for(10_000).await;
    let cost = share(proxy.transactions() - before, 10);
    figure(&format!("{cost:.1} transactions a second"));
    cost
}

#[tokio::test]
async fn an_engine_that_only_waits_costs_the_database_next_to_nothing() {
    let hour = Utc::now().hour();
    let hours = format!("{:02}:00-{:02}:00", (hour + 2) % 24, (hour + 3) % 24);
    let setup = Setup { sender: "rate = \"40/s\"\nin_flight = 2", ..REAL };
    let ((paused, of_paused), (closed, of_closed)) = (proxied(setup).await, proxied(setup).await);
    let blast = paused.blast(0..200).await;
    paused.ok(&["blast", "pause", &blast]).await;
    let engines = [paused.engine(), closed.engine()];
    let window = closed.blast_with(0..9, &["--window", &hours, "--timezone", "UTC"]).await;
    closed.until_waiting(&window, "window").await;

    paused.until_listening(1).await;
    let costs = tokio::join!(cost_of_waiting(&of_paused), cost_of_waiting(&of_closed));

    for engine in engines {
        engine.stop().await;
    }
    // Counted on their way to the server, which does things of its own. Renewals of these short leases are among them.
    assert!(costs.0 < 2.0 && costs.1 < 3.5, "{costs:?}");
}

#[tokio::test]
async fn an_engine_that_stands_by_asks_after_the_lease_alone() {
    let proxy = Proxy::start(postgres().await.socket()).await;
    let mut database = database().await;
    let through = proxy.url(database.name());
    let direct = std::mem::replace(&mut database.url, through);
    let shop = Shop::open_on(database, Setup { sender: "rate = \"1/s\"\nin_flight = 1", ..REAL });
    shop.blast(0..200).await;
    let sends = shop.engine_with(&[("DATABASE_URL", &direct)]);
    shop.until_posts(1).await;

    let stands_by = shop.engine();
    shop.until_listening(2).await;
    let cost = cost_of_waiting(&proxy).await;
    sends.kill().await;
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 2).await;
    stands_by.stop().await;

    // A look every five seconds, and one at everything every thirty.
    assert!(cost < 0.8, "{cost}");
    shop.promises().await;
}

#[tokio::test]
async fn blasts_that_only_wait_for_an_operator_cost_the_others_nothing() {
    let setup = Setup { sender: "rate = \"20/s\"\nin_flight = 2", ..REAL };
    let (shop, proxy) = proxied(setup).await;
    shop.blast(0..1).await;
    // Twenty-nine like it.
    shop.execute(
        "insert into blasts overriding system value
         select (jsonb_populate_record(b, jsonb_build_object('id', nextval('blasts_id_seq'), 'blast_tag', 'b' || n))).*
           from blasts b, generate_series(1, 29) as n;
         insert into blast_recipients (blast_id, phone_number, name)
         select id, '+6010' || lpad(id::text, 7, '0'), 'Person ' || id from blasts where id > 1",
    )
    .await;
    shop.execute("update blast_recipients set status = 'uncertain', standing = 'uncertain', attempt = 1").await;
    let engine = shop.engine();
    shop.until_listening(1).await;
    settle_for(2_000).await;
    let before = proxy.transactions();

    shop.blast(100..200).await;
    shop.until_posts(100).await;

    let each = share(proxy.transactions() - before, 100);
    engine.stop().await;
    figure(&format!("{each:.1} transactions a message beside 30 blasts with somebody uncertain"));
    // Some come with time, however few messages go in it. To ask each blast after every message would take forty.
    let most = if long_form() { 8.0 } else { 20.0 };
    assert!(each < most, "{each}");
}

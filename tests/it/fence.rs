//! A stale, restored or copied database does not send by itself; a sender that was asked to slow down remembers it.

use std::time::Duration;

use blastdeck::domain::ids::SenderId;
use blastdeck::domain::sender::StopCode;
use blastdeck::store::sender;
use serde_json::json;

use crate::chaos::proxied;
use crate::support::{Setup, Shop, digits, eventually_async, postgres, settle_for};

const SLOW_START: Setup<'static> = Setup {
    sim: &["--latency", "10ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 4",
    engine: "",
    polling: "give_up_after = \"1s\"",
};

/// A shop that has sent once, so that there is something to remember.
async fn a_shop_that_has_sent() -> Shop {
    let shop = Shop::open(SLOW_START).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 3);
    shop
}

async fn is_stopped_and_asks(shop: &Shop, blast: &str, words: &str) {
    shop.until_idle().await;
    let shown = shop.json(&["blast", "show", blast]).await;
    assert_eq!(shown["waiting"]["reason"], json!("sender_stopped"), "{shown}");
    assert!(shown["waiting"]["why"].as_str().unwrap().contains(words), "{shown}");
    assert_eq!(shop.sim.posts().await.len(), 3, "nothing may go out");
}

async fn goes_on_once_confirmed(shop: &Shop, posts: usize) {
    let checked = shop.run(&["sender", "check"]).await;
    assert!(checked.code == 1 && checked.out.contains("sender confirm sales`"), "{checked:?}");
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 3, "the provider's word does not confirm a database");
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), posts);
}

#[tokio::test]
async fn a_copied_database_sends_nothing_until_somebody_confirms() {
    let shop = a_shop_that_has_sent().await;
    // What a copy shows: it says that it is another database than the one that sent.
    shop.execute("update senders set sent_from = jsonb_set(sent_from, '{database_oid}', '1')").await;
    let blast = shop.blast(10..15).await;

    is_stopped_and_asks(&shop, &blast, "copy").await;

    goes_on_once_confirmed(&shop, 8).await;
}

/// What a copy of a database shows from which nothing was sent yet: its blast was launched on another start of a server.
#[tokio::test]
async fn a_copied_database_that_has_not_sent_yet_sends_nothing_where_no_engine_waited_for_its_blast() {
    let shop = Shop::open(SLOW_START).await;
    let blast = shop.blast(0..5).await;
    shop.execute("update blasts set launched_on = '1763600000 ' || split_part(launched_on, ' ', 2)").await;

    shop.until_idle().await;

    let shown = shop.json(&["blast", "show", &blast]).await;
    let why = shown["waiting"]["why"].as_str().unwrap();
    assert!(why.contains("may be a copy") && why.contains("sender confirm sales"), "{shown}");
    assert_eq!(shop.sim.posts().await.len(), 0, "the database that it is a copy of sends to them");
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 5);
    shop.promises().await;
}

/// A dump from before the first message of a sender, restored in place: nothing but the table of people is another one.
#[tokio::test]
async fn a_blast_that_was_launched_in_tables_that_were_restored_since_sends_nothing_where_no_engine_waited_for_it() {
    let shop = Shop::open(SLOW_START).await;
    let blast = shop.blast(0..5).await;
    shop.execute("update blasts set launched_on = regexp_replace(launched_on, ' [0-9]+$', ' 1')").await;

    shop.until_idle().await;

    let shown = shop.json(&["blast", "show", &blast]).await;
    assert!(shown["waiting"]["why"].as_str().unwrap().contains("before its tables were restored"), "{shown}");
    assert_eq!(shop.sim.posts().await.len(), 0);
    // As the version before noted it.
    shop.execute(
        "update blasts set launched_on = split_part(server_start(), ' ', 1) || ' ' || split_part(server_start(), ' ', 2);
         update senders set stopped_at = null, stopped_code = null, stopped_reason = null",
    )
    .await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 5);
}

#[tokio::test]
async fn a_database_that_went_back_in_time_sends_nothing_until_somebody_confirms() {
    let shop = a_shop_that_has_sent().await;
    // What a backup from just before the last acquisition has, which the next one would make up for.
    shop.execute("update sender_leases set epoch = epoch - 1, renewals = renewals - 1").await;
    let blast = shop.blast(10..15).await;

    is_stopped_and_asks(&shop, &blast, "back in time").await;

    goes_on_once_confirmed(&shop, 8).await;
}

#[tokio::test]
async fn an_engine_that_froze_while_it_acquired_a_lease_stops_nobody_who_has_sent_since() {
    let (shop, proxy) = proxied(SLOW_START).await;
    shop.blast(0..2_000).await;
    let before = shop.engine();
    shop.until_posts(5).await;
    before.stop().await;
    // It has read what the database counts, and sees the answer once somebody else has sent for a while.
    proxy.delay("s.sent_from,", Duration::from_secs(600));
    let frozen = shop.engine();
    let waits = "select count(*) from pg_stat_activity
                  where datname = current_database() and state = 'idle in transaction' and query like '%s.sent_from,%'";
    eventually_async("it is in the middle", async || shop.number(waits).await == 1).await;
    let direct = postgres().await.with_database(shop.database.name()).url();
    let other = shop.engine_with(&[("DATABASE_URL", &direct)]);
    let posts = shop.sim.posts().await.len();
    shop.until_posts(posts + 20).await;

    proxy.calm();
    settle_for(1_500).await;

    assert_eq!(shop.number("select count(*) from senders where stopped_at is not null").await, 0);
    let posts = shop.sim.posts().await.len();
    shop.until_posts(posts + 20).await;
    frozen.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_blast_that_nobody_could_send_for_hours_asks_before_it_goes_on() {
    let shop = a_shop_that_has_sent().await;
    let blast = shop.blast(10..15).await;
    shop.execute("update sender_leases set expires_at = now() - interval '7 h'").await;
    shop.execute("update blasts set send_after = now() - interval '8 h' where state = 'sending'").await;

    shop.until_idle().await;

    let shown = shop.json(&["blast", "show", &blast]).await;
    assert_eq!(shown["state"], json!("paused"));
    assert!(shown["state_reason"].as_str().unwrap().contains("7 h"), "{shown}");
    assert_eq!(shop.sim.posts().await.len(), 3);
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8);
}

#[tokio::test]
async fn what_a_stop_of_its_sender_kept_for_hours_says_so_where_it_asks() {
    let shop = a_shop_that_has_sent().await;
    let (blast, due) = (shop.blast(10..15).await, shop.draft(15..16).await);
    let sender = SenderId(shop.number("select id from senders").await);
    let offline = StopCode::Provider("device".to_owned());
    sender::stop(&shop.database.pool, sender, &offline, "Device is offline").await.unwrap();
    shop.execute(&format!(
        "update operator_actions set at = now() - interval '8 h' where detail ->> 'stopped' = 'true';
         update sender_leases set expires_at = now() - interval '7 h';
         update blasts set send_after = now() - interval '8 h' where state = 'sending';
         update blasts set state = 'scheduled', send_after = now() - interval '7 h', scheduled_for = now() - interval '7 h'
          where id = {due}"
    ))
    .await;

    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    let reason = async |id: &str| shop.text(&format!("select state_reason from blasts where id = {id}")).await;
    assert_eq!(reason(&blast).await, "its sender was stopped for 7 h: resume it if it is not too late");
    assert_eq!(reason(&due).await, "its time passed while its sender was stopped: resume it if it is still to go");
    assert_eq!((shop.state(&blast).await, shop.state(&due).await), ("paused".to_owned(), "paused".to_owned()));
    assert_eq!(shop.sim.posts().await.len(), 3);
}

#[tokio::test]
async fn a_machine_that_stood_still_for_hours_asks_before_it_goes_on() {
    let shop = Shop::open(Setup { sender: "rate = \"20/s\"\nin_flight = 1", ..SLOW_START }).await;
    let blast = shop.blast(0..200).await;
    let engine = shop.engine();
    shop.until_posts(2).await;

    // What it finds once it wakes up.
    shop.execute("update blasts set launched_at = now() - interval '8 h', send_after = now() - interval '8 h'").await;
    shop.execute("update sender_leases set expires_at = now() - interval '7 h'").await;

    shop.until_state(&blast, "paused").await;
    let shown = shop.json(&["blast", "show", &blast]).await;
    assert!(shown["state_reason"].as_str().unwrap().contains("no engine ran for 7 h"), "{shown}");
    let posts = shop.sim.posts().await.len();
    settle_for(300).await;
    assert_eq!(shop.sim.posts().await.len(), posts);
    engine.stop().await;
}

#[tokio::test]
async fn a_throttled_sender_is_slowed_once_and_remembers_it() {
    let setup = Setup { sender: "rate = \"600/min\"\nin_flight = 4", engine: "retry_backoff = \"10ms\"", ..SLOW_START };
    let shop = Shop::open(setup).await;
    let throttled = json!([{ "code": 429, "body": "{\"success\":false,\"message\":\"slow down\"}" }]);
    shop.sim.answer_send(&digits(0), throttled).await;
    let full = shop.json(&["sender", "list"]).await["per_hour"].as_i64().unwrap();
    let blast = shop.blast(0..1).await;
    let engine = shop.engine();

    eventually_async("it is slowed", async || shop.number("select slowed::bigint from senders").await == 1).await;

    assert_eq!(shop.number("select count(*) from senders where held_until > now()").await, 1);
    assert_eq!(shop.json(&["sender", "list"]).await["per_hour"], full / 2);
    engine.stop().await;
    let engine = shop.engine();
    let held = "select count(*) from sender_leases where holder is not null";
    eventually_async("the next process has the lease", async || shop.number(held).await == 1).await;
    settle_for(500).await;
    assert_eq!(shop.sim.posts().await.len(), 1, "the next process waits as long as the provider asked");
    engine.stop().await;
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;
    shop.promises().await;
}

//! A database that was put back, recovered, copied or failed over under the program: nobody is messaged twice by it, and
//! nothing is sent before somebody says so.

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Cluster, Setup, Shop, TestDatabase, copy, eventually_async};

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "20ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 4",
    engine: "",
    polling: "give_up_after = \"1s\"",
};

/// One message after another, slow enough to meet an engine in the middle of its work.
const SLOW: Setup<'static> = Setup { sender: "rate = \"20/s\"\nin_flight = 1", ..SETUP };

/// A shop on a server whose files can be taken away and put back.
struct Restorable {
    shop: Shop,
    cluster: Cluster,
}

impl Restorable {
    async fn open(setup: Setup<'_>) -> Self {
        let (cluster, address) = Cluster::start().await;
        let shop = Shop::open_on(TestDatabase::private(address.url(), &address).await, setup);
        Self { shop, cluster }
    }

    /// With leases so long that no renewal comes meanwhile: a claim has to notice by itself.
    async fn with_long_leases(setup: Setup<'_>) -> Self {
        let world = Self::open(setup).await;
        let config = std::fs::read_to_string(world.shop.path("config.toml")).unwrap();
        world.shop.write("config.toml", config.replace("lease_seconds = 5", "lease_seconds = 120"));
        world
    }

    async fn posts(&self) -> usize {
        self.shop.sim.posts().await.len()
    }

    /// Its sender is stopped, and says that somebody is to confirm.
    async fn asks(&self, words: &str) {
        eventually_async("the sender asks", async || {
            self.shop.number("select count(*) from senders where stopped_code = 'restored'").await == 1
        })
        .await;
        let senders = self.shop.json(&["sender", "list"]).await;
        let reason = senders["stopped"]["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(words) && reason.contains("sender confirm sales"), "{reason}");
    }
}

#[tokio::test]
async fn a_data_directory_that_is_put_back_messages_nobody_again() {
    let world = Restorable::open(SETUP).await;
    world.shop.blast(0..3).await;
    world.shop.until_idle().await;
    let blast = world.shop.blast(10..50).await;
    world.cluster.back_up().await;
    world.shop.until_idle().await;
    assert_eq!(world.posts().await, 43);

    world.cluster.put_back().await;
    world.shop.until_idle().await;

    world.asks("back in time").await;
    assert_eq!(world.posts().await, 43);
    let said = world.shop.run(&["sender", "confirm", "sales", "--no-engine"]).await;
    assert!(said.err.contains("40 people"), "{said:?}");
    world.shop.until_idle().await;
    assert_eq!(
        world.posts().await,
        43,
        "whom this machine knows that it posted to is uncertain, and not sent to again"
    );
    assert_eq!(world.shop.count("uncertain").await, 40);
    assert_eq!(world.shop.waiting(&blast).await["reason"], json!("uncertain"));
    world.shop.invariants().await;
    // And it goes on with whoever comes next.
    world.shop.blast(60..65).await;
    world.shop.until_idle().await;
    assert_eq!(world.posts().await, 48);
}

/// Sends, and in the middle of it has the server do something that it comes back from with a past state. The engine sends to
/// nobody until somebody confirms, and then to nobody twice.
async fn an_engine_asks_after(spoil: impl AsyncFnOnce(&Cluster), words: &str) {
    let world = Restorable::with_long_leases(SLOW).await;
    world.shop.blast(0..3).await;
    world.shop.until_idle().await;
    world.shop.blast(10..200).await;
    let engine = world.shop.engine();
    world.shop.until_posts(15).await;
    // The copy has the very lease that the engine goes on with.
    world.cluster.back_up().await;
    let posts = world.posts().await;
    world.shop.until_posts(posts + 20).await;

    spoil(&world.cluster).await;

    world.asks(words).await;
    world.shop.ok(&["sender", "confirm", "sales", "--no-engine"]).await;
    let posts = world.posts().await;
    world.shop.until_posts(posts + 20).await;
    engine.stop().await;
    world.shop.promises().await;
}

#[tokio::test]
async fn a_rollback_under_a_running_engine_messages_nobody_again() {
    an_engine_asks_after(async |cluster| cluster.put_back().await, "back in time").await;
}

#[tokio::test]
async fn a_replica_that_was_behind_and_took_over_under_a_running_engine_messages_nobody_again() {
    an_engine_asks_after(async |cluster| cluster.fail_over().await, "took over").await;
}

/// The people of a blast as they are now, kept aside in the database itself, so that they can be put back without any other
/// change: neither the server nor the lease shows it.
async fn keep_people(shop: &Shop, blast: &str) {
    shop.execute(&format!("create table kept as select * from blast_recipients where blast_id = {blast}")).await;
}

async fn put_people_back(shop: &Shop, blast: &str) {
    shop.execute(&format!(
        "do $$ declare columns text; begin
             select string_agg(column_name, ', ') into columns from information_schema.columns
              where table_name = 'kept' and column_name in (
                  select column_name from information_schema.columns
                   where table_name = 'blast_recipients' and is_generated = 'NEVER');
             delete from blast_recipients where blast_id = {blast};
             alter table blast_recipients disable trigger user;
             execute format('insert into blast_recipients (%1$s) overriding system value select %1$s from kept', columns);
             alter table blast_recipients enable trigger user;
         end $$"
    ))
    .await;
    shop.run(&["audit", "--repair"]).await;
}

#[tokio::test]
async fn people_who_were_put_back_under_a_running_engine_are_not_messaged_again() {
    let world = Restorable::with_long_leases(SLOW).await;
    let blast = world.shop.blast(0..200).await;
    let engine = world.shop.engine();
    world.shop.until_posts(15).await;
    keep_people(&world.shop, &blast).await;
    let posts = world.posts().await;
    world.shop.until_posts(posts + 20).await;

    put_people_back(&world.shop, &blast).await;

    world.asks("back in time").await;
    world.shop.ok(&["sender", "confirm", "sales"]).await;
    let posts = world.posts().await;
    world.shop.until_posts(posts + 20).await;
    engine.stop().await;
    let phones: Vec<_> = world.shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    let different: std::collections::BTreeSet<_> = phones.iter().collect();
    assert_eq!(phones.len(), different.len(), "nobody was messaged twice");
}

#[tokio::test]
async fn people_who_were_put_back_between_two_engines_are_not_messaged_again_however_many_were_sent_to_since() {
    let shop = Shop::open(SETUP).await;
    let blast = shop.blast(0..40).await;
    keep_people(&shop, &blast).await;
    shop.until_idle().await;
    // More than an engine looks up when it acquires the sender.
    shop.blast(1_000..1_600).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 640);

    shop.execute(&format!("update blasts set state = 'sending' where id = {blast}")).await;
    put_people_back(&shop, &blast).await;
    shop.until_idle().await;

    assert_eq!(shop.sim.posts().await.len(), 640);
    let stopped = shop.number("select count(*) from senders where stopped_code = 'restored'").await;
    assert_eq!(stopped, 1);
    shop.ok(&["sender", "confirm", "sales"]).await;
    shop.until_idle().await;
    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (640, 40));
}

#[tokio::test]
async fn a_server_that_is_merely_started_again_asks_nothing() {
    let world = Restorable::open(SLOW).await;
    world.shop.blast(0..60).await;
    let engine = world.shop.engine();
    world.shop.until_posts(10).await;

    world.cluster.local.stop().await.unwrap();
    world.cluster.local.ensure_running().await.unwrap();

    world.shop.until_posts(55).await;
    engine.stop().await;
    assert_eq!(world.shop.number("select count(*) from senders where stopped_at is not null").await, 0);
    world.shop.promises().await;
}

/// A shop that has sent to three, on the shared server.
async fn a_shop_that_has_sent() -> Shop {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 3);
    shop
}

async fn asks_and_sends_nothing(shop: &Shop, words: &str) {
    shop.until_idle().await;
    let senders = shop.json(&["sender", "list"]).await;
    let reason = senders["stopped"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains(words), "{words}: {reason}");
    assert_eq!(shop.sim.posts().await.len(), 3, "{words}");
}

/// The one file of this name in the shop's memory.
fn remembered(shop: &Shop, ending: &str) -> PathBuf {
    let databases = std::fs::read_dir(shop.path("state")).unwrap().flatten();
    let file = databases.map(|database| database.path().join(format!("sender-1.{ending}")));
    file.into_iter().next().unwrap()
}

#[tokio::test]
async fn a_memory_that_was_emptied_cut_or_lost_asks_and_a_confirmation_mends_it() {
    let cases = [
        ("damaged", (|shop| std::fs::write(remembered(shop, "json"), "").unwrap()) as fn(&Shop)),
        ("cut off", |shop| std::fs::write(remembered(shop, "posted-0"), "").unwrap()),
        ("no record", |shop| std::fs::remove_dir_all(shop.path("state")).unwrap()),
        ("cannot be written", |shop| std::fs::create_dir(remembered(shop, "new")).unwrap()),
        ("cannot be read", |shop| {
            std::fs::remove_dir_all(shop.path("state")).unwrap();
            std::fs::write(shop.path("state"), "").unwrap();
        }),
    ];
    futures_util::future::join_all(cases.map(|(what, spoil)| asks_once_its_memory_is(what, spoil))).await;
}

async fn asks_once_its_memory_is(what: &str, spoil: fn(&Shop)) {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    spoil(&shop);

    asks_and_sends_nothing(&shop, what).await;

    if what.starts_with("cannot") {
        let said = shop.run(&["sender", "confirm", "sales", "--no-engine"]).await;
        assert_eq!(said.code, 3, "a confirmation that cannot be remembered is none: {said:?}");
        let path = shop.path("state");
        if path.is_dir() { std::fs::remove_dir(remembered(&shop, "new")) } else { std::fs::remove_file(path) }.unwrap();
    }
    shop.ok(&["sender", "confirm", "sales", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8, "{what}");
    shop.promises().await;
}

#[tokio::test]
async fn the_same_database_by_another_address_is_still_remembered() {
    let mut shop = a_shop_that_has_sent().await;
    shop.execute("update sender_leases set renewals = renewals - 100").await;
    shop.blast(10..15).await;
    let separator = if shop.database.url.contains('?') { '&' } else { '?' };
    shop.database.url = format!("{}{separator}sslmode=prefer", shop.database.url);

    asks_and_sends_nothing(&shop, "back in time").await;
}

#[tokio::test]
async fn a_confirmation_is_for_one_sender() {
    let shop = a_shop_that_has_sent().await;
    let more = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let second = more.split("[engine]").next().unwrap().replace("\"sales\"", "\"shop\"").replace("5850", "5851");
    shop.write("config.toml", format!("{second}{more}"));
    let list = shop.path("people.csv");
    let draft = ["blast", "new", "--sender", "shop", "--message", "Hi", "--recipients", list.to_str().unwrap()];
    let other = shop.json(&draft).await["id"].to_string();
    shop.send(&other).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 6);
    shop.execute("update senders set sent_from = jsonb_set(sent_from, '{database_oid}', '1')").await;
    shop.blast(10..15).await;
    let third = shop.json(&draft).await["id"].to_string();
    shop.send(&third).await;
    shop.until_idle().await;

    shop.ok(&["sender", "confirm", "sales", "--no-engine"]).await;
    shop.until_idle().await;

    assert_eq!(shop.sim.posts().await.len(), 11, "the other sender still asks");
    assert_eq!(shop.number("select count(*) from senders where stopped_code = 'restored'").await, 1);
}

#[tokio::test]
async fn the_memory_of_the_version_before_is_taken_over_and_its_warning_too() {
    tokio::join!(sends_after_an_upgrade(0, 8), sends_after_an_upgrade(1_000, 3));
}

async fn sends_after_an_upgrade(renewals: i64, posts: usize) {
    let shop = a_shop_that_has_sent().await;
    std::fs::remove_dir_all(shop.path("state")).unwrap();
    let likeness: serde_json::Value =
        sqlx::query_scalar("select sent_from from senders").fetch_one(&shop.database.pool).await.unwrap();
    let memory = json!({ "likeness": likeness, "confirmed_at": null, "renewals": { "1": renewals } });
    std::fs::create_dir_all(shop.path("data/run/0123456789abcdef")).unwrap();
    shop.write("data/run/0123456789abcdef/memory.json", memory.to_string());
    shop.blast(10..15).await;

    shop.until_idle().await;

    assert_eq!(shop.sim.posts().await.len(), posts, "{renewals} renewals were remembered");
}

#[tokio::test]
async fn a_database_from_before_it_had_an_id_is_known_by_its_server() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    // What a backup of the version before becomes when this one migrates it: its people are queued, and have their message.
    shop.execute(
        "update database_id set id = gen_random_uuid();
         update senders set sent_from = null;
         delete from attempts;
         delete from provider_message;
         update blast_recipients set status = 'queued', standing = 'queued', attempt = 0, message_id = null where id <= 3;
         update blasts set state = 'sending'",
    )
    .await;

    asks_and_sends_nothing(&shop, "back in time").await;

    let said = shop.run(&["sender", "confirm", "sales", "--no-engine"]).await;
    assert!(said.err.contains("3 people"), "{said:?}");
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8);
}

#[tokio::test]
async fn another_machine_takes_over_from_one_that_it_saw_alive_and_else_asks() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..400).await;
    let elsewhere = shop.path("elsewhere");
    let first = shop.engine();
    shop.until_posts(5).await;
    let second = shop.engine_with(&[("BLASTDECK_STATE_DIR", elsewhere.to_str().unwrap())]);
    let renewals = shop.number("select renewals from sender_leases").await;
    eventually_async("it saw two renewals", async || {
        shop.number("select renewals from sender_leases").await > renewals + 2
    })
    .await;

    first.kill().await;
    let posts = shop.sim.posts().await.len();
    shop.until_posts(posts + 5).await;
    second.stop().await;

    shop.ok(&["blast", "pause", &blast]).await;
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    let posts = shop.sim.posts().await.len();
    let third = shop.path("a-third");
    let said = crate::support::said({
        let mut command = shop.command(&["engine", "--until-idle"]);
        command.env("BLASTDECK_STATE_DIR", third);
        command
    })
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(shop.sim.posts().await.len(), posts, "it has seen nobody send");
    assert_eq!(shop.number("select count(*) from senders where stopped_reason like '%no record%'").await, 1);
    shop.promises().await;
}

#[tokio::test]
async fn a_lease_that_ends_in_a_day_is_taken_over_once_its_counter_stands_still() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..400).await;
    let first = shop.engine();
    shop.until_posts(5).await;
    first.signal(Signal::STOP);
    shop.execute("update sender_leases set expires_at = now() + interval '1 day'").await;
    let posts = shop.sim.posts().await.len();

    let second = shop.engine();
    shop.until_posts(posts + 5).await;

    first.signal(Signal::CONT);
    first.stop().await;
    second.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_copied_memory_is_none() {
    let shop = a_shop_that_has_sent().await;
    let (state, copied) = (shop.path("state"), shop.path("state-copy"));
    copy(&state, &copied);
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(&copied, &state).unwrap();
    shop.blast(10..15).await;

    asks_and_sends_nothing(&shop, "copy").await;
}

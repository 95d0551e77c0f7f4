//! A database that was put back, recovered, copied or failed over under the program: nobody is messaged twice by it, and
//! nothing is sent before somebody says so.

mod again;
mod emptied;
mod forgotten;
mod memory;
mod opt_outs;
mod renumbered;
mod replies;
mod takeover;
mod unsent;

use std::process::Command;

use chrono::Utc;
use rustix::process::Signal;
use serde_json::json;

use crate::support::{Cluster, Setup, Shop, TestDatabase, digits, eventually_async};

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

    /// What was done after three people had been sent to was lost, and the sender has found that out.
    async fn after_losing(work: impl AsyncFnOnce(&Shop)) -> Self {
        let world = Self::open(SETUP).await;
        let shop = &world.shop;
        shop.blast(0..3).await;
        shop.until_idle().await;
        world.loses(work).await;
        world
    }

    /// The same of what is done from here on.
    async fn loses(&self, work: impl AsyncFnOnce(&Shop)) {
        let shop = &self.shop;
        self.cluster.back_up().await;
        work(shop).await;
        shop.until_idle().await;
        self.cluster.put_back().await;
        shop.blast(20..21).await;
        shop.until_idle().await;
    }

    async fn posts(&self) -> usize {
        self.shop.sim.posts().await.len()
    }

    async fn doctor_says_of_memory(&self, verdict: &str) -> String {
        let said = self.shop.run(&["doctor", "--json"]).await;
        let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let memory = report["checks"].as_array().unwrap().iter().find(|check| check["what"] == "memory").unwrap();
        assert_eq!(memory["verdict"], verdict, "{said:?}");
        memory["detail"].as_str().unwrap().to_owned()
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
        let promise =
            "those whom the database has forgotten become uncertain, and everybody else who is queued gets a message";
        assert!(reason.contains(promise), "{reason}");
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

    assert!(world.doctor_says_of_memory("good").await.starts_with("in "));
    world.cluster.put_back().await;
    assert!(world.doctor_says_of_memory("doubtful").await.contains("back in time"));
    world.shop.until_idle().await;

    world.asks("back in time").await;
    assert_eq!(world.posts().await, 43);
    let said = world.shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
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
    world.shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
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

/// The whole database, as `pg_dump` writes it.
fn dumped(shop: &Shop) -> String {
    let said = Command::new("pg_dump").arg(&shop.database.url).output().unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

/// Restores a dump under whoever uses the database, as `docs/OPERATIONS.md` says, in one transaction.
async fn put_back_in_place(shop: &Shop, dump: &str) {
    let emptied = "drop schema public cascade; drop schema if exists compat cascade; create schema public;";
    shop.write("dump.sql", format!("{emptied}\n{}", dump.replace("CREATE SCHEMA public;", "")));
    let file = shop.path("dump.sql");
    let mut psql = tokio::process::Command::new("psql");
    psql.args(["-q", "-1", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file).arg(&shop.database.url);
    let said = psql.output().await.unwrap();
    assert!(said.status.success(), "{said:?}");
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
                   where table_schema = 'public' and table_name = 'blast_recipients' and is_generated = 'NEVER');
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
    world.shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    let posts = world.posts().await;
    world.shop.until_posts(posts + 20).await;
    engine.stop().await;
    let phones: Vec<_> = world.shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    let different: std::collections::BTreeSet<_> = phones.iter().collect();
    assert_eq!(phones.len(), different.len(), "nobody was messaged twice");
}

#[tokio::test]
async fn a_list_that_was_imported_again_after_a_restore_is_uncertain_once_somebody_confirms() {
    let world = Restorable::open(SETUP).await;
    world.shop.blast(0..3).await;
    world.shop.until_idle().await;
    world.cluster.back_up().await;
    world.shop.blast(10..30).await;
    world.shop.until_idle().await;
    eventually_async("no engine is left", async || world.shop.engines().is_empty()).await;
    world.cluster.put_back().await;

    // In another order, and with five people more.
    let again = world.shop.draft(5..30).await;
    // Whichever is first: the send is handed over, or the sender stops under it.
    world.shop.run(&["blast", "send", &again, "--yes"]).await;
    world.shop.until_idle().await;
    world.asks("back in time").await;
    let said = world.shop.run(&["sender", "confirm", "sales", "--yes"]).await;
    world.shop.until_idle().await;

    assert!(said.err.contains("20 people are now uncertain"), "{said:?}");
    assert!(said.err.contains("opt-outs"), "{said:?}");
    assert_eq!((world.posts().await, world.shop.count("uncertain").await), (3 + 20 + 5, 20));
    world.shop.invariants().await;
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
    shop.ok(&["sender", "confirm", "sales", "--yes"]).await;
    shop.until_idle().await;
    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (640, 40));
}

#[tokio::test]
async fn somebody_who_failed_before_a_backup_and_was_retried_after_it_is_not_sent_to_again() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    shop.sim.answer_send(&digits(1), json!([{ "body": r#"{"success":false,"message":"Invalid number"}"# }])).await;
    let blast = shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!(shop.count("failed").await, 1);
    world.cluster.back_up().await;
    shop.ok(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!((world.posts().await, shop.count("failed").await), (4, 0));

    world.cluster.put_back().await;
    shop.blast(10..12).await;
    shop.until_idle().await;
    world.asks("back in time").await;
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    let retried = shop.run(&["blast", "retry", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert!(retried.code == 3 && retried.err.contains("is known not to have received the message"), "{retried:?}");
    assert_eq!((world.posts().await, shop.count("failed").await), (4 + 2, 1));
    shop.invariants().await;
}

#[tokio::test]
async fn somebody_who_was_refused_and_sent_to_in_the_time_that_was_lost_is_not_sent_to_again() {
    let world = Restorable::open(Setup { engine: "speed = 600", ..SETUP }).await;
    let shop = &world.shop;
    shop.blast(10..11).await;
    shop.until_idle().await;
    shop.sim
        .answer_send(&digits(1), json!([{ "code": 429, "body": "{\"success\":false,\"message\":\"slow down\"}" }]))
        .await;
    let blast = shop.blast(0..3).await;
    world.cluster.back_up().await;
    let since = Utc::now();
    shop.until_idle().await;
    assert_eq!((world.posts().await, shop.count("queued").await), (5, 0));

    world.cluster.put_back().await;
    let lost = [(since, Utc::now())];
    shop.until_idle().await;
    world.asks("back in time").await;
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert_eq!(
        (world.posts().await, shop.count("uncertain").await),
        (5, 3),
        "{}",
        shop.ok(&["blast", "show", &blast]).await
    );
    shop.promises_but_for(&lost).await;
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

#[tokio::test]
async fn opt_outs_that_a_restored_database_has_forgotten_are_noted_again() {
    let world = Restorable::open(SETUP).await;
    world.shop.blast(0..3).await;
    world.shop.until_idle().await;
    world.shop.blast(10..16).await;
    let [by_verb, lifted, marked, undone] = [10, 11, 12, 13].map(digits);
    world.cluster.back_up().await;
    world.shop.ok(&["suppress", "add", &by_verb, "--reason", "by letter"]).await;
    world.shop.ok(&["suppress", "add", &lifted]).await;
    world.shop.ok(&["suppress", "remove", &lifted, "--yes"]).await;
    for (phone, marks) in [(&marked, &["opt-out"][..]), (&undone, &["opt-out", "undo"])] {
        for mark in marks {
            world.shop.ok(&["mark", "2", phone, mark, "--yes"]).await;
        }
    }
    world.shop.until_idle().await;
    let sent = world.posts().await;

    world.cluster.put_back().await;
    world.shop.until_idle().await;
    world.asks("back in time").await;
    let said = world.shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    world.shop.until_idle().await;

    assert!(said.code == 0 && said.err.contains("2 opt-outs were forgotten, too, and are recorded again"), "{said:?}");
    let listed = world.shop.ok(&["suppress", "list", "--json"]).await;
    let is_listed = |phone: &String| listed.contains(phone.as_str());
    assert_eq!([&by_verb, &lifted, &marked, &undone].map(is_listed), [true, false, true, false], "{listed}");
    assert!(listed.contains("by letter") && listed.contains("\"created_by\":\"aina\""), "{listed}");
    let to_them = world.shop.sim.posts().await;
    assert!(to_them.iter().all(|post| post.phone != by_verb && post.phone != marked), "{sent} before: {to_them:?}");
}

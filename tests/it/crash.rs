//! Whatever dies, and whenever: nobody is written to twice, nobody is forgotten, nobody is invented.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Setup, Shop, Size, digits, eventually_async, figure, long_form, said, settle_for};

/// As many as a crash may leave uncertain: 16 in flight, and as many again, which answers after 30 ms allow.
const SLOTS: i64 = 32;

/// The lease of a dead engine is let go at once, instead of after its five seconds.
async fn free_the_lease(shop: &Shop) {
    shop.execute("update sender_leases set expires_at = now() where holder is not null").await;
}

/// Everybody is where a POST, or a doubt, puts them.
pub(crate) async fn everybody_is_settled(shop: &Shop) {
    let open = shop.count("queued").await + shop.count("sending").await;
    assert_eq!(open, 0, "nobody is forgotten");
    shop.promises().await;
}

/// What is killed how often.
struct Killing<'a> {
    in_flight: i64,
    /// As many as a kill may leave in doubt: those in flight, and as many more as the latency allows, or a quarter before the
    /// first answer.
    slots: i64,
    latency: &'a str,
    kills: u32,
    people: u32,
}

#[tokio::test]
async fn killed_at_random_moments_nobody_is_sent_to_twice_and_nobody_is_forgotten() {
    let (kills, people) = if long_form() { (12, 1_200) } else { (3, 300) };
    kill_at_random_moments(Killing { in_flight: 16, slots: 32, latency: "30ms", kills, people }).await;
}

#[tokio::test]
async fn killed_with_256_in_flight_no_more_are_in_doubt_than_it_had_slots() {
    // More people than are ever waited for before a kill.
    let (kills, people) = if long_form() { (12, 16_000) } else { (1, 1_500) };
    kill_at_random_moments(Killing { in_flight: 256, slots: 320, latency: "150ms", kills, people }).await;
}

async fn kill_at_random_moments(killing: Killing<'_>) {
    let Killing { in_flight, slots, latency, kills, people } = killing;
    let sender = &format!("rate = \"unlimited\"\nin_flight = {in_flight}");
    let shop = Shop::open(Setup { sim: &["--latency", latency, "--speed", "6000"], sender, ..Setup::default() }).await;
    let blast = shop.blast(0..people).await;

    let mut was_uncertain = 0;
    for _ in 0..kills {
        let posts = shop.sim.stats().await.posts;
        let engine = shop.engine();
        let more = rand::random::<u64>() % (4 * u64::try_from(in_flight).unwrap());
        shop.until_posts(posts + 1 + usize::try_from(more).unwrap()).await;
        settle_for(u64::from(rand::random::<u8>() % 40)).await;
        engine.kill().await;
        if !long_form() {
            free_the_lease(&shop).await;
        }
        let in_doubt = shop.count("uncertain").await + shop.count("sending").await;
        figure(&format!("{in_flight} in flight: {} more are in doubt after one kill", in_doubt - was_uncertain));
        assert!(in_doubt - was_uncertain <= slots, "{} more are in doubt after one kill", in_doubt - was_uncertain);
        was_uncertain = in_doubt;
    }
    shop.until_idle().await;

    everybody_is_settled(&shop).await;
    let waiting = shop.json(&["blast", "show", &blast]).await["waiting"].to_string();
    assert_eq!(waiting.contains("uncertain"), shop.count("uncertain").await > 0, "{waiting}");
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn two_engines_at_once_share_nothing_of_one_sender() {
    start_together(2).await;
}

#[tokio::test]
async fn five_engines_at_once_share_nothing_of_one_sender() {
    start_together(5).await;
}

async fn start_together(engines: usize) {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..200).await;

    let started = (0..engines).map(|_| shop.run(&["engine", "--until-idle"]));
    let ended = futures_util::future::join_all(started).await;

    assert!(ended.iter().all(|said| said.code == 0), "{ended:?}");
    assert_eq!((shop.sim.posts().await.len(), shop.count("uncertain").await), (200, 0));
    assert_eq!(shop.state(&blast).await, "completed");
    let at_once = shop.sim.stats().await.max_in_flight;
    assert!(at_once <= 16, "{at_once} at once: both sent for it");
    everybody_is_settled(&shop).await;
}

#[tokio::test]
async fn connections_that_break_under_a_blast_lose_nobody() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..300).await;
    let engine = shop.engine();

    for posts in [20, 100, 180] {
        shop.until_posts(posts).await;
        shop.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
              where application_name = 'blastdeck' and datname = current_database()",
        )
        .await;
    }
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    engine.stop().await;

    // A claim whose answer was lost is the only thing that may be in doubt.
    let uncertain = shop.count("uncertain").await;
    assert!(uncertain <= 3 * SLOTS, "{uncertain}");
    everybody_is_settled(&shop).await;
}

/// It is the one answer after which somebody may have a message twice.
async fn sending_again_is_asked_about(shop: &Shop, verb: &[&str]) {
    let unasked = shop.run(verb).await;
    assert_eq!((unasked.code, unasked.err.contains("--yes")), (3, true), "{unasked:?}");
    let mut terminal = shop.in_terminal(verb, Size { columns: 100, rows: 10 });
    terminal.wait_for_text("If it did arrive, they get it twice.");
    terminal.type_keys("n\r");
    terminal.wait_for_text("nothing was done");
    assert_eq!(terminal.wait_for_exit().exit_code(), 3);
    assert_eq!(shop.count("uncertain").await, 3);
}

#[tokio::test]
async fn who_was_taken_without_an_answer_is_uncertain_and_only_a_person_decides() {
    let sender = "rate = \"unlimited\"\nin_flight = 4\ntimeout = \"2s\"";
    let shop = Shop::open(Setup { engine: "", sender, ..Setup::default() }).await;
    for n in [1, 3] {
        shop.sim.answer_send(&digits(n), json!([{ "hang_up": "after" }])).await;
    }
    shop.sim.answer_send(&digits(5), json!([{ "delay_ms": 5000 }])).await;
    let blast = shop.blast(0..8).await;
    let engine = shop.engine();
    eventually_async("three are uncertain", async || shop.count("uncertain").await == 3).await;
    eventually_async("the others are sent to", async || shop.count("queued").await == 0).await;

    let resolve =
        async |n: u32, answer: &str| shop.run(&["uncertain", "resolve", &blast, &digits(n), answer, "--yes"]).await;
    let too_early = resolve(5, "resend").await;
    assert_eq!((too_early.code, too_early.err.contains("an answer may still come")), (3, true), "{too_early:?}");
    sending_again_is_asked_about(&shop, &["uncertain", "resolve", &blast, &digits(5), "resend"]).await;
    assert_eq!((resolve(1, "sent").await.code, resolve(3, "drop").await.code), (0, 0));
    let twice = resolve(1, "sent").await;
    assert_eq!((twice.code, twice.err.contains("not uncertain")), (3, true), "{twice:?}");
    assert_eq!(shop.sim.posts().await.len(), 8, "nobody is sent to again by itself");
    assert_eq!(shop.ok(&["uncertain", "list", &blast, "--json"]).await.lines().count(), 1);

    // Five minutes later a second message is allowed.
    shop.execute("update blast_recipients set claimed_at = claimed_at - interval '5 min' where status = 'uncertain'")
        .await;
    let resent = resolve(5, "resend").await;
    assert_eq!(resent.code, 0, "{resent:?}");
    shop.until_state(&blast, "completed").await;
    engine.stop().await;

    let to = |n: u32, posts: &[crate::support::Post]| posts.iter().filter(|post| post.phone == digits(n)).count();
    let posts = shop.sim.posts().await;
    assert_eq!((posts.len(), to(1, &posts), to(3, &posts), to(5, &posts)), (9, 1, 1, 2));
    assert_eq!(shop.number("select count(*) from blast_recipients where reason = 'left out while uncertain'").await, 1);
    shop.promises().await;
}

#[tokio::test]
async fn a_verb_leaves_an_engine_behind_that_finishes_the_blast_and_ends() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..30).await;

    let sent = shop.json(&["blast", "send", &blast, "--yes"]).await;
    shop.until_state(&blast, "completed").await;
    eventually_async("the engine ends by itself", async || shop.engines().is_empty()).await;

    assert_eq!(sent, json!({ "id": 1, "state": "sending", "people": 30 }));
    assert_eq!(shop.sim.posts().await.len(), 30);
    everybody_is_settled(&shop).await;
    let log = std::fs::read_to_string(shop.path("data/log/standby.log")).unwrap();
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

#[tokio::test]
async fn a_captured_verb_returns_though_its_engine_goes_on() {
    // A pause of three seconds between two messages.
    let shop = Shop::open(Setup { sender: "gap = \"30m..30m\"", ..Setup::default() }).await;
    let blast = shop.draft(0..5).await;

    let said = said(shop.command(&["blast", "send", &blast, "--yes"])).await;
    // An output that is held open ends with the engine, and that with the blast.
    let still_sending = shop.count("queued").await;
    eventually_async("it is being sent", async || !shop.sim.posts().await.is_empty()).await;
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;
    eventually_async("the engine ends by itself", async || shop.engines().is_empty()).await;

    assert_eq!(said.code, 0, "{said:?}");
    assert!(still_sending > 0, "its output was held open");
}

#[tokio::test]
async fn a_sender_that_is_stopped_leaves_nobody_in_flight_after_a_crash() {
    let shop = Shop::open(Setup { sim: &["--latency", "2s", "--speed", "6000"], ..Setup::default() }).await;
    shop.blast(0..10).await;
    let engine = shop.engine();
    shop.until_posts(10).await;
    engine.kill().await;
    shop.execute("update senders set stopped_at = now(), stopped_code = 'device', stopped_reason = 'offline'").await;
    free_the_lease(&shop).await;

    shop.until_idle().await;

    assert_eq!((shop.count("sending").await, shop.count("uncertain").await), (0, 10));
    shop.promises().await;
}

#[tokio::test]
async fn whose_row_was_locked_during_a_takeover_is_uncertain_soon_after_it() {
    let sim = &["--latency", "2s", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender: "rate = \"unlimited\"\nin_flight = 4", ..Setup::default() }).await;
    shop.blast(0..4).await;
    let engine = shop.engine();
    shop.until_posts(4).await;
    engine.kill().await;
    let mut lock = shop.database.pool.begin().await.unwrap();
    sqlx::query("select from blast_recipients where id = 1 for update").execute(&mut *lock).await.unwrap();
    free_the_lease(&shop).await;

    let engine = shop.engine();
    eventually_async("three are uncertain", async || shop.count("uncertain").await == 3).await;
    assert_eq!(shop.count("sending").await, 1);
    lock.rollback().await.unwrap();

    let fourth = eventually_async("so is the fourth", async || shop.count("uncertain").await == 4);
    tokio::time::timeout(Duration::from_secs(20), fourth).await.expect("not only by the next ordinary sweep");
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_that_is_asked_to_stop_waits_for_its_posts_and_leaves_no_doubt() {
    let sim = &["--latency", "1200ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender: "rate = \"unlimited\"\nin_flight = 4", ..Setup::default() }).await;
    shop.blast(0..20).await;
    let engine = shop.engine();
    shop.until_posts(4).await;

    engine.stop().await;

    assert_eq!((shop.sim.posts().await.len(), shop.count("queued").await), (4, 16));
    assert_eq!((shop.count("uncertain").await, shop.count("sending").await), (0, 0));
    assert_eq!(shop.number("select count(*) from sender_leases where holder is not null").await, 0);
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_that_slept_through_its_lease_sends_to_nobody_when_it_wakes() {
    // It takes ten seconds: a test that is late to stop it still finds enough people left for the other one.
    let sim = &["--latency", "200ms", "--speed", "6000"];
    let shop = Shop::open(Setup { sim, sender: "rate = \"unlimited\"\nin_flight = 8", ..Setup::default() }).await;
    shop.blast(0..400).await;
    let sleeper = shop.engine();
    shop.until_posts(40).await;
    sleeper.signal(Signal::STOP);

    // It waits for the lease to run out, and has sent to some when the other wakes.
    let other = shop.engine();
    let posts = shop.sim.stats().await.posts;
    shop.until_posts(posts + 40).await;
    sleeper.signal(Signal::CONT);
    eventually_async("all are sent to", async || shop.count("queued").await + shop.count("sending").await == 0).await;
    other.stop().await;
    sleeper.stop().await;

    let uncertain = shop.count("uncertain").await;
    assert!(uncertain <= 10, "{uncertain}");
    assert!(shop.sim.stats().await.max_in_flight <= 16);
    everybody_is_settled(&shop).await;
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_pauses_the_blast_and_costs_nobody_their_message() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..12).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace(shop.sim.base_url(), "http://127.0.0.1:9"));

    shop.until_idle().await;

    let show = shop.json(&["blast", "show", &blast]).await;
    assert_eq!(show["state"], "paused", "{show}");
    assert!(show["state_reason"].as_str().unwrap().contains("30 equal failures in a row: no connection"), "{show}");
    assert_eq!((shop.count("failed").await, shop.count("uncertain").await), (0, 0));
    shop.write("config.toml", config);
    shop.ok(&["blast", "resume", &blast, "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!((shop.state(&blast).await.as_str(), shop.sim.posts().await.len()), ("completed", 12));
    shop.promises().await;
}

/// The first few commits from now on that add to this table fail.
async fn fail_commits(shop: &Shop, table: &str, how_many: u32) {
    shop.execute(&format!(
        "create sequence commits minvalue 0 start 0;
         create function fail_commit() returns trigger language plpgsql as $$
         begin
             if nextval('commits') < {how_many} then raise exception 'the disk is full' using errcode = '53100'; end if;
             return null;
         end $$;
         create constraint trigger fail_commit after insert on {table} deferrable initially deferred
             for each row execute function fail_commit()"
    ))
    .await;
}

#[tokio::test]
async fn a_claim_whose_commit_fails_sends_nothing() {
    let shop = Shop::open(Setup::default()).await;
    fail_commits(&shop, "claims", 4).await;
    let blast = shop.blast(0..40).await;

    let engine = shop.engine();
    eventually_async("a commit has failed", async || shop.number("select last_value from commits").await > 0).await;
    shop.until_state(&blast, "completed").await;
    engine.stop().await;

    assert_eq!((shop.sim.posts().await.len(), shop.number("select count(*) from attempts").await), (40, 40));
    everybody_is_settled(&shop).await;
}

#[tokio::test]
async fn evidence_whose_commit_fails_is_kept_and_written_later() {
    let shop = Shop::open(Setup::default()).await;
    fail_commits(&shop, "provider_message", 4).await;
    let blast = shop.blast(0..40).await;

    shop.until_idle().await;

    assert!(shop.number("select last_value from commits").await >= 4);
    assert_eq!((shop.state(&blast).await.as_str(), shop.count("uncertain").await), ("completed", 0));
    assert_eq!(shop.number("select count(*) from provider_message where outcome = 'accepted'").await, 40);
    everybody_is_settled(&shop).await;
}

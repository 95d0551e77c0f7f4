//! Opt-outs that a server without an engine records, beside whatever else works on the same database.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::scene::{envelope, text};
use super::stopping::wish;
use crate::support::serve::{Serve, WEBHOOK_SECRET, senders};
use crate::support::{Setup, Shop, digits, eventually_async};

const SUPPRESSED: &str = "select count(*) from suppressions";
/// How many sessions have waited for a lock since the test began to look, as those who hold it see them.
const WAITS: &str =
    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";

/// A shop whose WSAPME sender has no pauses, and a server that runs no engine.
async fn unserved() -> (Shop, Serve) {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(shop.sim.base_url()).replace("\"unlimited\"", "\"unlimited\"\ngap = \"none\""));
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    (shop, serve)
}

async fn keep(serve: &Serve, value: &Value) {
    assert_eq!(serve.meta(envelope(value).to_string()).await, StatusCode::OK);
}

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

async fn is_suppressed(shop: &Shop, n: u32) -> bool {
    shop.number(&format!("{SUPPRESSED} where phone_number = '+{}'", digits(n))).await == 1
}

/// Holds what a transaction of another process does that is writing the same stop.
async fn write_stop(shop: &Shop, n: u32) -> sqlx::Transaction<'_, sqlx::Postgres> {
    let mut tx = shop.database.pool.begin().await.unwrap();
    let stop = format!(
        "insert into marketing_wishes (business, phone_number, wish, at) values ('kedai', '+{0}', 'stop', now());
         insert into suppressions (business, phone_number, source, created_by) values ('kedai', '+{0}', 'person', 'the person')",
        digits(n)
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(stop)).execute(&mut *tx).await.unwrap();
    tx
}

#[tokio::test]
async fn an_engine_that_starts_waits_for_the_stops_that_another_process_is_writing() {
    let (shop, serve) = unserved().await;
    serve.stop().await;
    let blast = shop.draft(0..4).await;
    shop.ok(&["blast", "send", &blast, "--yes", "--no-engine"]).await;
    let writing = write_stop(&shop, 0).await;
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    keep(&serve, &text(0, "wamid.in0", "STOP")).await;
    serve.kill().await;

    let engine = shop.engine();
    for _ in 0..3 {
        eventually_async("it meets the lock", async || shop.number(WAITS).await > 0).await;
        eventually_async("it gives way", async || shop.number(WAITS).await == 0).await;
    }
    assert_eq!(shop.sim.posts().await.len(), 0, "what was answered 200 holds before the first message");
    writing.commit().await.unwrap();

    shop.until_state(&blast, "completed").await;
    assert!(!shop.sim.posts().await.iter().any(|post| post.phone == digits(0)));
    assert_eq!((shop.sim.posts().await.len(), shop.count("opted_out").await), (3, 1));
    engine.stop().await;
}

#[tokio::test]
async fn a_stop_that_meets_a_lock_is_recorded_once_that_is_gone() {
    let (shop, serve) = unserved().await;
    let writing = write_stop(&shop, 1).await;

    keep(&serve, &text(1, "wamid.in1", "STOP")).await;
    eventually_async("it meets the lock", async || shop.number(WAITS).await > 0).await;
    eventually_async("it gives way", async || shop.number(WAITS).await == 0).await;
    writing.rollback().await.unwrap();

    eventually_async("it is recorded", async || is_suppressed(&shop, 1).await).await;
    serve.stop().await;
}

#[tokio::test]
async fn what_is_lifted_on_another_machine_is_not_noted_again_by_the_next_webhook() {
    let (shop, serve) = unserved().await;
    keep(&serve, &text(1, "wamid.in1", "STOP")).await;
    eventually_async("it is recorded", async || is_suppressed(&shop, 1).await).await;
    // It is compared with the database from then on.
    keep(&serve, &text(2, "wamid.in2", "STOP")).await;
    eventually_async("it is recorded", async || is_suppressed(&shop, 2).await).await;
    keep(&serve, &text(3, "wamid.in3", "STOP")).await;
    eventually_async("it is recorded", async || is_suppressed(&shop, 3).await).await;

    // Also one that nothing was compared behind.
    shop.ok(&["suppress", "add", &digits(5), "--business", "kedai"]).await;

    for n in [3, 5] {
        let mut lift = shop.command(&["suppress", "remove", &digits(n), "--business", "kedai"]);
        assert!(lift.env("BLASTDECK_STATE_DIR", shop.path("elsewhere")).status().await.unwrap().success());
        assert!(!is_suppressed(&shop, n).await);
    }
    keep(&serve, &text(4, "wamid.in4", "STOP")).await;
    eventually_async("it is recorded", async || is_suppressed(&shop, 4).await).await;

    for n in [3, 5] {
        assert!(!is_suppressed(&shop, n).await, "it was lifted on purpose");
    }
    serve.stop().await;
}

#[tokio::test]
async fn stops_that_come_after_a_restore_in_place_are_recorded_though_their_ids_were_seen() {
    let (shop, serve) = unserved().await;
    shop.execute("alter sequence webhook_inbox_id_seq restart with 1000").await;
    let of = |n: u32| envelope(&text(n, &format!("wamid.in{n}"), "STOP")).to_string();
    let kept = format!(
        "insert into webhook_inbox (provider, digest, body, may_opt_out, received_at)
         values ('meta', sha256('first'), convert_to('{}', 'UTF8'), true, now() - interval '1 minute')",
        of(1)
    );
    shop.execute(&kept).await;
    shop.execute("select pg_notify('blastdeck_inbox', '')").await;
    eventually_async("it is recorded", async || is_suppressed(&shop, 1).await).await;
    // Nothing before it is looked at again.
    keep(&serve, &text(2, "wamid.in2", "STOP")).await;
    eventually_async("it is recorded", async || is_suppressed(&shop, 2).await).await;

    shop.execute("delete from webhook_inbox; alter sequence webhook_inbox_id_seq restart with 1").await;
    keep(&serve, &text(3, "wamid.in3", "STOP")).await;

    eventually_async("it is recorded", async || is_suppressed(&shop, 3).await).await;
    serve.stop().await;
}

#[tokio::test]
async fn somebody_who_was_let_back_in_stops_again_in_the_same_words_on_the_same_day() {
    let (shop, serve) = unserved().await;
    let path = format!("/api/webhook/wsapme/{WEBHOOK_SECRET}");
    let stop = json!({ "type": "text", "message": "STOP", "from": format!("{}@c.us", digits(1)) }).to_string();
    let is_recorded = async || is_suppressed(&shop, 1).await;
    assert_eq!(serve.post(&path, stop.clone()).await, StatusCode::OK);
    eventually_async("they stopped", is_recorded).await;
    shop.ok(&["suppress", "remove", &digits(1), "--business", "kedai"]).await;

    // What comes again at once is the same message.
    let ids = "select sum(id)::bigint from webhook_inbox";
    let first = shop.number(ids).await;
    assert_eq!(serve.post(&path, stop.clone()).await, StatusCode::OK);
    assert_eq!(shop.number(ids).await, first);
    let later = "update webhook_inbox set received_at = received_at - interval '2 minutes'";
    shop.execute(later).await;
    assert_eq!(serve.post(&path, stop.clone()).await, StatusCode::OK);
    eventually_async("they stopped again", is_recorded).await;

    // The same once an engine has applied it.
    let engine = shop.engine();
    let applied = "select count(*) from webhook_inbox where state = 'applied'";
    eventually_async("it is applied", async || shop.number(applied).await == 1).await;
    shop.ok(&["suppress", "remove", &digits(1), "--business", "kedai"]).await;
    shop.execute(later).await;
    assert_eq!(serve.post(&path, stop).await, StatusCode::OK);
    eventually_async("they stopped again", is_recorded).await;
    assert_eq!(shop.number("select count(*) from webhook_inbox").await, 1);
    engine.stop().await;
    serve.stop().await;
}

#[tokio::test]
async fn a_stop_that_comes_again_while_another_request_has_it_is_recorded_or_refused() {
    let (shop, serve) = unserved().await;
    let path = format!("/api/webhook/wsapme/{WEBHOOK_SECRET}");
    let stop = json!({ "type": "text", "message": "STOP", "from": format!("{}@c.us", digits(1)) }).to_string();
    assert_eq!(serve.post(&path, stop.clone()).await, StatusCode::OK);
    eventually_async("they stopped", async || is_suppressed(&shop, 1).await).await;
    shop.ok(&["suppress", "remove", &digits(1), "--business", "kedai"]).await;
    shop.execute("update webhook_inbox set received_at = received_at - interval '2 minutes'").await;

    let hold = async || {
        let mut tx = shop.database.pool.begin().await.unwrap();
        sqlx::query("select from webhook_inbox for update").execute(&mut *tx).await.unwrap();
        tx
    };
    let held = hold().await;
    assert_eq!(serve.post(&path, stop.clone()).await, StatusCode::SERVICE_UNAVAILABLE, "it is to come again");
    held.rollback().await.unwrap();
    let held = hold().await;
    let (status, ()) = tokio::join!(serve.post(&path, stop), async {
        eventually_async("it waits", async || shop.number(WAITS).await > 0).await;
        held.rollback().await.unwrap();
    });
    assert_eq!(status, StatusCode::OK);

    eventually_async("they stopped again", async || is_suppressed(&shop, 1).await).await;
    serve.stop().await;
}

#[tokio::test]
async fn after_a_restore_the_time_of_a_stop_counts_and_so_does_a_later_resume() {
    let (shop, serve) = unserved().await;
    for n in 1..=2 {
        keep(&serve, &wish(n, "stop", now() - 30)).await;
        eventually_async("it is recorded", async || is_suppressed(&shop, n).await).await;
    }
    serve.stop().await;
    let forget = "delete from suppressions; delete from opt_out_memories; delete from marketing_wishes; delete from webhook_inbox";
    shop.execute(forget).await;
    // The second wished otherwise in the restored database already.
    let resumed = format!(
        "insert into marketing_wishes (business, phone_number, wish, at) values ('kedai', '+{}', 'resume', now() + interval '1 second')",
        digits(2)
    );
    shop.execute(&resumed).await;

    let serve = Serve::start(&shop, &["--no-engine"]).await;
    eventually_async("it is recorded again", async || is_suppressed(&shop, 1).await).await;
    assert!(!is_suppressed(&shop, 2).await, "their newest word lets them back in");
    keep(&serve, &wish(1, "resume", now() - 40)).await;
    keep(&serve, &text(3, "wamid.in3", "STOP")).await;
    eventually_async("it is recorded", async || is_suppressed(&shop, 3).await).await;

    assert!(is_suppressed(&shop, 1).await, "the older word came late");
    keep(&serve, &wish(1, "resume", now() - 20)).await;
    eventually_async("the newer word, too", async || !is_suppressed(&shop, 1).await).await;
    serve.stop().await;
}

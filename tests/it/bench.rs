//! The benches measure what they say, in a schema of their own that they remove.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{PATIENCE, Setup, Shop, database, eventually_async};

const SCHEMAS: &str = "select count(*) from pg_namespace where nspname like 'blastdeck%'";

/// A bench in a database of the test's own.
async fn figures_of(shop: &Shop, arguments: &[&str]) -> Value {
    let figures = shop.json(&[&["bench"], arguments, &["--database-url", &shop.database.url]].concat()).await;
    assert_eq!(shop.number(SCHEMAS).await, 0);
    assert_eq!(shop.number("select count(*) from blasts").await, 0, "nothing beside its schema");
    figures
}

fn assert_positive(figures: &Value, names: &[&str]) {
    for name in names {
        assert!(figures[name].as_f64().is_some_and(|figure| figure > 0.0), "{name}: {figures}");
    }
}

#[tokio::test]
async fn a_bench_of_sending_prints_all_its_figures_and_leaves_nothing() {
    // Sessions report what they did when they end, or a second later.
    let shop = Shop::open_on(database().await.with_new_sessions(), Setup::default());

    for provider in ["wsapme", "meta"] {
        let send = ["send", "--count", "300", "--in-flight", "32", "--latency", "5ms", "--provider", provider];
        let figures = figures_of(&shop, &send).await;

        assert_eq!((&figures["people"], &figures["provider"]), (&300.into(), &provider.into()));
        let names = ["per_second", "bare_loop_per_second", "share_of_ideal", "share_of_bare_loop", "cpu_us_per_send"];
        assert_positive(&figures, &names);
        assert_positive(&figures, &["postgres_cpu_us_per_send", "wal_bytes_per_send", "commits_per_send"]);
        // A claim and an outcome leave a version of the person's row each.
        assert!((1.0..10.0).contains(&figures["dead_rows_per_send"].as_f64().unwrap()), "{figures}");
        let (p50, p99) = (figures["durable_p50_ms"].as_f64().unwrap(), figures["durable_p99_ms"].as_f64().unwrap());
        assert!(p50 >= 5.0 && p99 >= p50, "no answer comes in less than 5 ms: {figures}");
        let at_once = &figures["nothing_waits"];
        assert_eq!(
            (&at_once["people"], &at_once["latency_ms"], &at_once["in_flight"]),
            (&300.into(), &1.into(), &256.into())
        );
        assert_positive(at_once, &["per_second", "cpu_us_per_send", "postgres_cpu_us_per_send"]);
        let share = figures["per_second"].as_f64().unwrap() / 6_400.0;
        assert!((share - figures["share_of_ideal"].as_f64().unwrap()).abs() < 0.01, "{figures}");
    }
}

#[tokio::test]
async fn a_bench_sends_to_another_stand_in_on_this_machine_and_to_no_other() {
    let shop = Shop::open(Setup::default()).await;

    let send = ["send", "--count", "50", "--in-flight", "8", "--provider-url", shop.sim.base_url()];
    figures_of(&shop, &send).await;
    let elsewhere = shop.run(&["bench", "send", "--provider-url", "https://api.wsapme.com"]).await;
    let posts = shop.sim.posts().await.len();
    shop.sim.faults(&["offline=1"]).await;
    let refused = shop.run(&[&["bench"], &send[..], &["--database-url", &shop.database.url]].concat()).await;

    assert!(refused.code != 0 && refused.err.contains("it accepted 0 of 50 messages"), "{refused:?}");
    assert!(posts >= 100, "the blast's and the bare loop's");
    assert_eq!((elsewhere.code, elsewhere.err.contains("this machine only")), (2, true), "{elsewhere:?}");
}

#[tokio::test]
async fn a_bench_of_webhooks_has_all_of_them_applied_and_prints_all_its_figures() {
    let shop = Shop::open(Setup::default()).await;

    let size = ["--recipients", "500", "--statuses", "900", "--per-post", "200", "--posts", "90", "--connections", "4"];
    let figures = figures_of(&shop, &[&["ingest"], &size[..]].concat()).await;

    assert_eq!(
        (&figures["recipients"], &figures["statuses"], &figures["posts"]),
        (&500.into(), &900.into(), &90.into())
    );
    let rates =
        ["statuses_durable_per_second", "statuses_applied_per_second", "posts_per_second", "posts_applied_per_second"];
    assert_positive(&figures, &rates);
    assert_positive(&figures, &["many_p50_ms", "many_p99_ms", "one_p50_ms", "one_p99_ms", "peak_memory_mb"]);
    let [durable, applied] = [0, 1].map(|n| figures[rates[n]].as_f64().unwrap());
    assert!(applied <= durable, "nothing is applied before it is durable: {figures}");
}

#[tokio::test]
async fn a_bench_that_is_stopped_leaves_nothing() {
    let shop = Shop::open(Setup::default()).await;
    let send = ["bench", "send", "--count", "100000", "--database-url", &shop.database.url];
    let mut bench = shop.command(&send).stderr(Stdio::null()).spawn().unwrap();
    eventually_async("its schema is there", async || shop.number(SCHEMAS).await == 1).await;

    let pid = Pid::from_raw(i32::try_from(bench.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ended = tokio::time::timeout(PATIENCE, bench.wait()).await;

    assert_eq!(ended.expect("it ends").unwrap().code(), Some(1));
    assert_eq!(shop.number(SCHEMAS).await, 0);
}

#[tokio::test]
async fn a_bench_whose_database_cannot_be_reached_says_so() {
    let shop = Shop::open(Setup::default()).await;

    let said = shop.run(&["bench", "send", "--count", "10", "--database-url", "postgres://nobody@127.0.0.1:1/x"]).await;

    assert_ne!(said.code, 0);
    assert!(said.err.contains("database"), "{said:?}");
}

#[tokio::test]
async fn a_bench_of_frames_watches_a_real_dashboard_and_prints_all_its_figures() {
    let shop = Shop::open(Setup::default()).await;

    let size =
        ["--count", "1000", "--changes", "50", "--keys", "10", "--idle", "2s", "--columns", "120", "--rows", "30"];
    let figures = figures_of(&shop, &[&["frame"], &size[..]].concat()).await;

    assert_eq!((&figures["people"], &figures["columns"], &figures["rows"]), (&1000.into(), &120.into(), &30.into()));
    assert_positive(
        &figures,
        &["key_to_frame_ms", "key_to_frame_p95_ms", "first_paint_bytes", "funnel_tick_bytes", "memory_mb"],
    );
    assert_eq!(figures["idle_bytes"], 0, "an idle screen writes nothing: {figures}");
    let [median, slow] = ["key_to_frame_ms", "key_to_frame_p95_ms"].map(|name| figures[name].as_f64().unwrap());
    assert!(slow >= median && figures["keys"].as_u64().unwrap() <= 10, "{figures}");
}

//! The benches measure what they say, in a schema of their own that they remove.

use crate::support::{Setup, Shop};

const SCHEMAS: &str = "select count(*) from pg_namespace where nspname like 'blastdeck%'";

#[tokio::test]
async fn a_bench_of_sending_prints_all_its_figures_and_leaves_nothing() {
    let shop = Shop::open(Setup::default()).await;
    let url = shop.database.url.clone();

    let figures = shop
        .json(&["bench", "send", "--count", "300", "--in-flight", "32", "--latency", "5ms", "--database-url", &url])
        .await;

    assert_eq!(figures["people"], 300);
    for figure in ["per_second", "bare_loop_per_second", "share_of_ideal", "share_of_bare_loop", "cpu_us_per_send"] {
        assert!(figures[figure].as_f64().is_some_and(|figure| figure > 0.0), "{figure}: {figures}");
    }
    let (p50, p99) = (figures["durable_p50_ms"].as_f64().unwrap(), figures["durable_p99_ms"].as_f64().unwrap());
    assert!(p50 >= 5.0 && p99 >= p50, "no answer comes in less than 5 ms: {figures}");
    let share = figures["per_second"].as_f64().unwrap() / 6_400.0;
    assert!((share - figures["share_of_ideal"].as_f64().unwrap()).abs() < 0.01, "{figures}");
    assert_eq!(shop.number(SCHEMAS).await, 0);
    assert_eq!(shop.number("select count(*) from blasts").await, 0, "nothing beside its schema");
}

#[tokio::test]
async fn a_bench_whose_database_cannot_be_reached_says_so() {
    let shop = Shop::open(Setup::default()).await;

    let said = shop.run(&["bench", "send", "--count", "10", "--database-url", "postgres://nobody@127.0.0.1:1/x"]).await;

    assert_ne!(said.code, 0);
    assert!(said.err.contains("database"), "{said:?}");
}

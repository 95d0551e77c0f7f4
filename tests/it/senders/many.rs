//! Thousands of senders: every verb reads all of them.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::super::support::{Setup, Shop, measured};

/// Enough that a statement, a TLS client or a walk over the file for each of them shows.
const SENDERS: usize = 3_000;

#[tokio::test]
async fn thousands_of_senders_cost_a_verb_no_more_than_reading_them() {
    let shop = Shop::open(Setup::default()).await;
    let mut config = String::new();
    for n in 0..SENDERS {
        let token = "token = { env = \"WSAPME_TOKEN\" }";
        writeln!(config, "[[senders]]\nname = \"s{n}\"\nprovider = \"wsapme\"\ndevice = \"{n}\"\n{token}").unwrap();
    }
    shop.write("config.toml", config);

    let began = Instant::now();
    shop.ok(&["suppress", "list"]).await;
    let first = began.elapsed();

    assert_eq!(shop.number("select count(*) from senders where device is not null").await, 3_000);
    measured("a first verb with 3,000 senders", first, Duration::from_secs(20));
}

//! How many connections a verb makes: each costs the server milliseconds, and a far client six trips.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use crate::support::{Setup, Shop, database, eventually_async, said, until_unchanged};

/// Sessions that have begun, of those that have ended too.
const SESSIONS: &str = "select sessions from pg_stat_database where datname = current_database()";

/// Sessions of the program, which count once they are gone at the latest.
const LIVE: &str = "select count(*) from pg_stat_activity
                     where datname = current_database() and application_name = 'blastdeck'";

/// Counts them by one connection of its own. A server counts a session of whoever stays only once that reports, seconds later: those of the
/// test's other connections must not come in between.
struct SessionCounter(PgConnection);

impl SessionCounter {
    async fn begin(shop: &Shop) -> Self {
        shop.database.pool.close().await;
        Self(PgConnection::connect(&shop.database.url).await.unwrap())
    }

    async fn number(&mut self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.0).await.unwrap()
    }

    async fn sessions(&mut self) -> i64 {
        eventually_async("the program has hung up", async || self.number(LIVE).await == 0).await;
        let settled = Duration::from_millis(400);
        until_unchanged("the count of sessions", settled, async || self.number(SESSIONS).await).await
    }
}

/// The one that finds out what answers goes on as the pool's: a question asked beside a transaction would make a second.
#[tokio::test]
async fn a_verb_makes_one_connection() {
    let shop = Shop::open_on(database().await.with_new_sessions(), Setup::default());
    let blast = shop.blast(0..5).await;
    let person = "+".to_owned() + &crate::support::digits(1);
    let verbs: [&[&str]; 8] = [
        &["blast", "list"],
        &["--read-only", "blast", "list"],
        &["blast", "show", &blast],
        &["customer", "show", &person],
        &["suppress", "add", &person],
        &["suppress", "remove", &person, "--yes"],
        &["blast", "cancel", &blast, "--yes"],
        &["audit"],
    ];

    let mut counter = SessionCounter::begin(&shop).await;
    for verb in verbs {
        let before = counter.sessions().await;
        shop.ok(verb).await;
        assert_eq!(counter.sessions().await - before, 1, "{verb:?}");
    }
}

/// The socket over which the pool gets its connection is a file.
#[tokio::test]
async fn a_verb_connects_anew_where_it_can_make_no_socket() {
    let shop = Shop::open_on(database().await.with_new_sessions(), Setup::default());
    shop.draft(0..5).await;
    let mut list = shop.command(&["blast", "list"]);
    list.env("TMPDIR", shop.path("nowhere"));

    let mut counter = SessionCounter::begin(&shop).await;
    let before = counter.sessions().await;
    let listed = said(list).await;

    assert_eq!(listed.code, 0, "{listed:?}");
    assert_eq!(counter.sessions().await - before, 2);
}

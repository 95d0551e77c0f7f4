//! How many connections a verb makes: each costs the server milliseconds, and a far client three trips.

use std::time::Duration;

use crate::support::{Setup, Shop, eventually_async, until_unchanged};

/// Sessions that have begun, of those that have ended too.
const SESSIONS: &str = "select sessions from pg_stat_database where datname = current_database()";

/// Sessions of the program, which count once they are gone at the latest.
const LIVE: &str = "select count(*) from pg_stat_activity
                     where datname = current_database() and application_name = 'blastdeck'";

async fn sessions(shop: &Shop) -> i64 {
    eventually_async("the program has hung up", async || shop.number(LIVE).await == 0).await;
    let settled = Duration::from_millis(400);
    until_unchanged("the count of sessions", settled, async || shop.number(SESSIONS).await).await
}

/// One that finds out what answers, and one of the pool: a question asked beside a transaction would make a third.
#[tokio::test]
async fn a_verb_makes_two_connections_one_after_the_other() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..5).await;
    let person = "+".to_owned() + &crate::support::digits(1);
    let verbs: [&[&str]; 7] = [
        &["blast", "list"],
        &["blast", "show", &blast],
        &["customer", "show", &person],
        &["suppress", "add", &person],
        &["suppress", "remove", &person],
        &["blast", "cancel", &blast, "--yes"],
        &["audit"],
    ];

    for verb in verbs {
        let before = sessions(&shop).await;
        shop.ok(verb).await;
        assert_eq!(sessions(&shop).await - before, 2, "{verb:?}");
    }
}

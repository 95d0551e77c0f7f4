//! What a verb asks of a server that is far away: each round trip is a tenth of a second there, and each connection five of them.

use crate::support::proxy::Proxy;
use crate::support::{Setup, Shop, database, figure, postgres};

/// A shop with three people in a draft, whose database is behind a proxy that counts.
async fn far_shop() -> (Shop, Proxy) {
    let proxy = Proxy::start(postgres().await.socket()).await;
    let mut database = database().await;
    database.url = proxy.url(database.name());
    let shop = Shop::open_on(database, Setup::default());
    shop.draft(0..3).await;
    (shop, proxy)
}

/// Round trips of a verb that reads, beside those that begin its connections.
const TRIPS_AT_MOST: usize = 15;

#[tokio::test]
async fn a_verb_asks_a_far_server_little() {
    let (shop, proxy) = far_shop().await;

    for verb in
        [&["blast", "list"][..], &["blast", "show", "1"], &["replies"], &["suppress", "list"], &["sender", "list"]]
    {
        proxy.halt_after(usize::MAX);
        shop.ok(verb).await;
        let trips = proxy.trips();
        figure(&format!("{verb:?}: {trips} round trips"));
        assert!((1..=TRIPS_AT_MOST).contains(&trips), "{verb:?}: {trips} round trips");
    }
}

#[tokio::test]
async fn a_mark_asks_a_far_server_little() {
    let (shop, proxy) = far_shop().await;
    shop.execute(
        "update blasts set state = 'completed';
         update blast_recipients set status = 'read', standing = 'read', attempt = 1, sent_at = now(), message_id = 'M' || id",
    )
    .await;

    // On connections that have not seen its statements: as a rule each of those is one more.
    for (mark, person, at_most) in
        [(&["replied"][..], 0, 24), (&["closed", "--amount", "120"], 1, 26), (&["opt-out"], 2, 30)]
    {
        let phone = format!("+{}", crate::support::digits(person));
        proxy.halt_after(usize::MAX);
        shop.ok(&[&["mark", "1", &phone], mark].concat()).await;
        let trips = proxy.trips();
        figure(&format!("{mark:?}: {trips} round trips"));
        assert!((1..=at_most).contains(&trips), "{mark:?}: {trips} round trips");
    }
}

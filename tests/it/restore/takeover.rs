//! Another engine goes on where one stopped.

use super::*;

/// An engine that sends, and one of a machine without a record that has seen it renew its lease twice.
async fn watched_by_another_machine(shop: &Shop) -> (crate::support::Engine, crate::support::Engine) {
    let first = shop.engine();
    shop.until_posts(5).await;
    let elsewhere = shop.path("elsewhere");
    let second = shop.engine_with(&[("BLASTDECK_STATE_DIR", elsewhere.to_str().unwrap())]);
    until_seen_alive(shop).await;
    (first, second)
}

/// Of two engines, of which one sends.
async fn until_seen_alive(shop: &Shop) {
    // One that is still starting sees none of them.
    shop.until_listening(2).await;
    let renewals = shop.number("select renewals from sender_leases").await;
    let renewed = async || shop.number("select renewals from sender_leases").await > renewals + 2;
    eventually_async("the other one saw two renewals", renewed).await;
}

#[tokio::test]
async fn another_machine_takes_over_from_one_that_it_saw_alive_and_else_asks() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..400).await;
    let (first, second) = watched_by_another_machine(&shop).await;

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

/// The lease in it is valid still: a second look at it must not forget how far the first one saw it count.
#[tokio::test]
async fn a_database_that_was_put_back_by_seconds_is_not_sent_from_by_the_machine_that_watched() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.blast(0..400).await;
    let elsewhere = shop.path("elsewhere");
    let first = shop.engine();
    shop.until_posts(5).await;
    let second = shop.engine_with(&[("BLASTDECK_STATE_DIR", elsewhere.to_str().unwrap())]);
    keep_people(&shop, &blast).await;
    shop.execute("create table kept_leases as select epoch, renewals from sender_leases").await;
    until_seen_alive(&shop).await;
    first.signal(Signal::STOP);

    put_people_back(&shop, &blast).await;
    shop.execute(
        "update sender_leases l set epoch = k.epoch, renewals = k.renewals, expires_at = now() + interval '1 minute' from kept_leases k",
    )
    .await;

    let posts = shop.sim.posts().await.len();
    let asks = "select count(*) from senders where stopped_reason like '%when this process last read it%'";
    eventually_async("the second machine asks", async || shop.number(asks).await == 1).await;
    assert_eq!(shop.sim.posts().await.len(), posts);
    first.kill().await;
    second.stop().await;
}

/// Less than one renewal was lost, so that the lease counts what the watching machine saw last.
#[tokio::test]
async fn a_dump_that_was_restored_in_place_is_not_sent_from_by_a_machine_that_watched_whoever_sent() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..400).await;
    let (first, second) = watched_by_another_machine(&shop).await;
    let dump = dumped(&shop);
    let posts = shop.sim.posts().await.len();
    shop.until_posts(posts + 2).await;
    first.signal(Signal::STOP);

    put_back_in_place(&shop, &dump).await;

    let posts = shop.sim.posts().await.len();
    asks_since_it_was_restored(&shop).await;
    assert_eq!(shop.sim.posts().await.len(), posts);
    first.kill().await;
    second.stop().await;
}

#[tokio::test]
async fn a_dump_that_was_restored_in_place_stops_the_engine_that_sends_at_its_next_claim() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(5).await;
    let dump = dumped(&shop);
    let posts = shop.sim.posts().await.len();
    shop.until_posts(posts + 2).await;

    put_back_in_place(&shop, &dump).await;

    asks_since_it_was_restored(&shop).await;
    engine.stop().await;
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    let engine = shop.engine();
    let posts = shop.sim.posts().await.len();
    shop.until_posts(posts + 2).await;
    engine.stop().await;
    shop.promises().await;
}

/// Nothing of it was launched in the dump, so that only the sender's own row shows that its tables are others.
#[tokio::test]
async fn a_draft_that_is_launched_after_its_dump_was_restored_in_place_is_sent_by_no_machine_without_a_record() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.draft(0..400).await;
    let dump = dumped(&shop);
    shop.send(&blast).await;
    let first = shop.engine();
    shop.until_posts(5).await;
    first.kill().await;
    put_back_in_place(&shop, &dump).await;
    let posts = shop.sim.posts().await.len();

    shop.send(&blast).await;
    let elsewhere = shop.path("elsewhere");
    let second = shop.engine_with(&[("BLASTDECK_STATE_DIR", elsewhere.to_str().unwrap())]);

    asks_since_it_was_restored(&shop).await;
    assert_eq!(shop.sim.posts().await.len(), posts);
    second.stop().await;
}

/// Its row is of after the restore, and vouches for nothing: it may have been sent for in the time that is lost.
#[tokio::test]
async fn a_sender_that_is_registered_after_its_dump_was_restored_in_place_is_asked_about() {
    let shop = Shop::open(SETUP).await;
    shop.draft(0..3).await;
    let dump = dumped(&shop);
    shop.add_sender("front");
    let blast = shop.draft_of("front", 10..13, &[]).await;
    shop.send(&blast).await;
    shop.until_idle().await;
    put_back_in_place(&shop, &dump).await;
    assert_eq!(shop.sim.posts().await.len(), 3);

    let again = shop.draft_of("front", 10..13, &[]).await;
    shop.send(&again).await;
    let elsewhere = shop.path("elsewhere");
    let second = shop.engine_with(&[("BLASTDECK_STATE_DIR", elsewhere.to_str().unwrap())]);

    asks_since_it_was_restored(&shop).await;
    assert_eq!(shop.sim.posts().await.len(), 3);
    second.stop().await;
    let confirm = ["sender", "confirm", "front", "--yes", "--no-engine"];
    assert!(shop.run(&confirm).await.err.contains("then confirm again"), "what this machine remembers is said first");
    shop.ok(&confirm).await;
    shop.add_sender("support");
    shop.draft_of("support", 20..23, &[]).await;
    let vouched = "select count(*) from senders where people_table = people_table() and name in ('front', 'support')";
    assert_eq!(shop.number(vouched).await, 2, "and so is whoever comes after that");
}

/// As a copy of the whole database has it, or a replica that took over: its tables have the oids of those that were copied.
#[tokio::test]
async fn a_draft_of_a_sender_that_was_never_sent_for_is_not_sent_from_a_copy() {
    let shop = Shop::open(SLOW).await;
    let blast = shop.draft(0..3).await;
    let noted = "select count(*) from senders where (sent_from ->> 'timeline')::bigint > 0";
    assert_eq!(shop.number(noted).await, 1, "it is noted when it is registered");
    shop.execute("update senders set sent_from = jsonb_set(sent_from, '{database_oid}', '1')").await;

    shop.send(&blast).await;
    let engine = shop.engine();

    asks_since_it_was_restored(&shop).await;
    assert_eq!(shop.sim.posts().await.len(), 0);
    engine.stop().await;
}

async fn asks_since_it_was_restored(shop: &Shop) {
    let asks = "select count(*) from senders where stopped_reason like '%was restored%'";
    eventually_async("an engine asks", async || shop.number(asks).await == 1).await;
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

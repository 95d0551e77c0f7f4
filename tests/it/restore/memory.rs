//! What a machine remembers of a database, spoiled or from elsewhere: it asks, and sends nothing until somebody confirms.

mod machines;

use std::fs::File;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use serde_json::json;

use super::{Restorable, SETUP, SLOW};
use crate::support::{Shop, copy, eventually_async};

/// A shop that has sent to three, on the shared server.
async fn a_shop_that_has_sent() -> Shop {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 3);
    shop
}

async fn asks_and_sends_nothing(shop: &Shop, words: &str) {
    shop.until_idle().await;
    let senders = shop.json(&["sender", "list"]).await;
    let reason = senders["stopped"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains(words), "{words}: {reason}");
    assert_eq!(shop.sim.posts().await.len(), 3, "{words}");
}

/// As a database whose lease had been renewed far less often: fewer than an engine here makes in a short test.
async fn forget_renewals(shop: &Shop) {
    shop.execute(
        "alter table sender_leases drop constraint sender_leases_counters_check;
         update sender_leases set renewals = renewals - 100",
    )
    .await;
}

/// The one file of this name in the shop's memory.
fn remembered(shop: &Shop, ending: &str) -> PathBuf {
    let databases = std::fs::read_dir(shop.path("state")).unwrap().flatten();
    let file = databases.map(|database| database.path().join(format!("sender-sales.{ending}")));
    file.into_iter().next().unwrap()
}

#[tokio::test]
async fn whom_a_dump_has_in_flight_gets_no_message_of_a_confirmation_and_will_be_uncertain() {
    let shop = a_shop_that_has_sent().await;
    let blast = shop.blast(3..6).await;
    shop.execute(&format!(
        "insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
         select {blast}, 1, 1, 1, min(id), min(id), array[min(id)] from blast_recipients where blast_id = {blast};
         update senders set stopped_at = now(), stopped_reason = 'as restored', stopped_code = 'restored'"
    ))
    .await;

    let confirm = ["sender", "confirm", "sales", "--no-engine"];
    assert!(shop.run(&confirm).await.err.contains("then confirm again"), "what it means is said first");
    let asked = shop.run(&confirm).await;

    let question = "2 people queued in launched blasts get a message from sales; 1 person was posted to before, and will be uncertain";
    assert!(asked.code == 3 && asked.err.contains(question), "{asked:?}");
    let confirmed = shop.run(&["sender", "confirm", "sales", "--no-engine", "--yes"]).await;
    let said = "1 person is now uncertain: they may have the message already";
    assert!(confirmed.err.contains(said), "the other machine posted to them, and not this one: {confirmed:?}");
}

#[tokio::test]
async fn a_process_that_was_stopped_while_it_wrote_its_memory_holds_up_no_other() {
    let shop = a_shop_that_has_sent().await;
    let stopped = File::open(remembered(&shop, "lock")).unwrap();
    flock(&stopped, FlockOperation::LockExclusive).unwrap();

    let engine = shop.engine();
    shop.blast(10..12).await;

    shop.until_posts(5).await;
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_database_that_has_not_come_as_far_as_the_people_who_were_posted_to_asks() {
    let shop = Shop::open(SETUP).await;
    shop.execute("select setval('blast_recipients_id_seq', 100)").await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 3);

    // As one that is older than these people, but for its lease.
    shop.execute("delete from blast_recipients; select setval('blast_recipients_id_seq', 50)").await;
    shop.blast(10..12).await;

    asks_and_sends_nothing(&shop, "back in time").await;
}

#[tokio::test]
async fn no_epoch_is_given_out_again_where_only_the_record_of_posts_is_left() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..12).await;
    shop.until_idle().await;
    let epoch = shop.number("select max(epoch) from attempts").await;
    std::fs::write(remembered(&shop, "json"), "").unwrap();
    shop.execute("update sender_leases set epoch = 0").await;
    shop.blast(20..22).await;
    shop.until_idle().await;
    assert_eq!(shop.number("select count(*) from senders where stopped_code = 'restored'").await, 1);

    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;

    let raised = shop.number("select epoch from sender_leases").await;
    assert!(raised >= epoch, "{raised} after {epoch}");
}

#[tokio::test]
async fn a_memory_that_was_emptied_cut_or_lost_asks_and_a_confirmation_mends_it() {
    let cases = [
        ("damaged", (|shop| std::fs::write(remembered(shop, "json"), "").unwrap()) as fn(&Shop)),
        ("cut off", |shop| std::fs::write(remembered(shop, "posted-0"), "").unwrap()),
        // As one of before the first post, which is written into the file that is there.
        ("an older one", |shop| std::fs::write(remembered(shop, "posted-0"), 8_u64.to_be_bytes()).unwrap()),
        ("it is a copy", |shop| {
            std::fs::copy(remembered(shop, "json"), shop.path("beside")).unwrap();
            std::fs::rename(shop.path("beside"), remembered(shop, "json")).unwrap();
        }),
        ("no record", |shop| std::fs::remove_dir_all(shop.path("state")).unwrap()),
        ("cannot be written", |shop| {
            std::fs::remove_file(remembered(shop, "lock")).unwrap();
            std::fs::create_dir(remembered(shop, "lock")).unwrap();
        }),
        ("cannot be read", |shop| {
            std::fs::remove_dir_all(shop.path("state")).unwrap();
            std::fs::write(shop.path("state"), "").unwrap();
        }),
    ];
    futures_util::future::join_all(cases.map(|(what, spoil)| asks_once_its_memory_is(what, spoil))).await;
}

async fn asks_once_its_memory_is(what: &str, spoil: fn(&Shop)) {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    spoil(&shop);

    asks_and_sends_nothing(&shop, what).await;

    if what.starts_with("cannot") {
        let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
        assert_eq!(said.code, 3, "a confirmation that cannot be remembered is none: {said:?}");
        let path = shop.path("state");
        if path.is_dir() { std::fs::remove_dir(remembered(&shop, "lock")) } else { std::fs::remove_file(path) }
            .unwrap();
    }
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8, "{what}");
    shop.promises().await;
}

/// Forty were sent to after the backup that is put back, and of forty-three posts on this machine's record half is cut off, before
/// the sender asks or after it did.
#[tokio::test]
async fn a_rollback_with_half_a_memory_says_how_many_may_get_it_twice_before_anything_is_confirmed() {
    tokio::join!(asks_with_half_a_memory(true), asks_with_half_a_memory(false));
}

async fn asks_with_half_a_memory(is_cut_before: bool) {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.blast(10..50).await;
    world.cluster.back_up().await;
    shop.until_idle().await;
    world.cluster.put_back().await;
    let cut = || File::options().write(true).open(remembered(shop, "posted-0")).unwrap().set_len(8 + 20 * 40).unwrap();
    if is_cut_before {
        cut();
        shop.until_idle().await;
    } else {
        shop.until_idle().await;
        world.asks("this machine remembers whom it posted to").await;
        cut();
        let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
        assert!(said.code == 3 && said.err.contains("25 of 43 posts cannot be read"), "{said:?}");
    }
    world.asks("25 of 43 posts cannot be read").await;
    world.asks("of the 18 that can be read those whom the database has forgotten become uncertain").await;
    assert_eq!(world.posts().await, 43);

    let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert!(said.code == 0 && said.err.contains("(25 posts)"), "{said:?}");
    assert_eq!((shop.count("uncertain").await, world.posts().await), (15, 43 + 25));
}

#[tokio::test]
async fn a_memory_that_is_removed_after_the_sender_asked_is_told_before_anything_is_confirmed() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.blast(10..30).await;
    world.cluster.back_up().await;
    shop.until_idle().await;
    world.cluster.put_back().await;
    shop.until_idle().await;
    world.asks("this machine remembers whom it posted to (23 posts)").await;
    std::fs::remove_dir_all(shop.path("state")).unwrap();

    let first = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;

    assert!(first.code == 3 && first.err.contains("everybody who is queued gets a message, again"), "{first:?}");
    shop.until_idle().await;
    assert_eq!((world.posts().await, shop.count("queued").await), (23, 20));
    let senders = shop.json(&["sender", "list"]).await;
    let reason = senders["stopped"]["reason"].as_str().unwrap();
    assert!(reason.starts_with("this machine remembers posting to nobody"), "what is so here comes first: {senders}");
    let gone = ". Besides, another machine of the same name says: ";
    assert!(reason.split_once(gone).is_some_and(|(_, gone)| gone.contains("(23 posts)")), "{senders}");
    assert!(!first.err.contains("sender list"), "it says itself what it means: {first:?}");
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(world.posts().await, 23 + 20);
}

/// Nobody knows any more who had been posted to before: a confirmation does not make that record whole.
#[tokio::test]
async fn a_record_that_was_lost_is_told_of_again_after_a_confirmation() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..12).await;
    std::fs::remove_dir_all(shop.path("state")).unwrap();
    asks_and_sends_nothing(&shop, "remembers posting to nobody").await;
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 5);

    forget_renewals(&shop).await;
    shop.blast(20..22).await;
    shop.until_idle().await;

    let senders = shop.json(&["sender", "list"]).await;
    let reason = senders["stopped"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("(2 posts since its record begins, 20"), "{reason}");
    assert!(
        reason.contains("again if it was another machine that posted to them, or this one before that"),
        "{reason}"
    );
    assert_eq!(shop.sim.posts().await.len(), 5);
}

/// The verbs that start messages leave a database that somebody has to confirm first as it is.
#[tokio::test]
async fn neither_send_nor_resume_confirms_a_restored_database_by_the_way() {
    let shop = a_shop_that_has_sent().await;
    let paused = shop.blast(10..15).await;
    shop.ok(&["blast", "pause", &paused]).await;
    let (sending, draft) = (shop.blast(20..25).await, shop.draft(30..35).await);
    forget_renewals(&shop).await;
    asks_and_sends_nothing(&shop, "back in time").await;
    let before = shop.rows().await;

    for verb in [["resume", &paused], ["resume", &sending], ["send", &draft]] {
        let said = shop.run(&["blast", verb[0], verb[1], "--yes", "--no-engine"]).await;

        assert_eq!((said.code, said.out.as_str()), (3, ""), "{verb:?}: {said:?}");
        assert!(said.err.contains("sender confirm 'sales'"), "{verb:?}: {said:?}");
    }

    assert_eq!(shop.rows().await, before, "nothing changed");
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.ok(&["blast", "resume", &paused, "--yes", "--no-engine"]).await;
    shop.until_idle().await;
    shop.promises().await;
}

/// The server is the same one, and every claim finds its lease: the renewal alone shows it.
#[tokio::test]
async fn a_lease_that_counts_fewer_renewals_than_its_engine_made_is_lost_and_the_sender_asks() {
    let shop = Shop::open(SLOW).await;
    shop.blast(0..600).await;
    let engine = shop.engine();
    shop.until_posts(5).await;

    forget_renewals(&shop).await;

    eventually_async("the sender asks", async || {
        shop.number("select count(*) from senders where stopped_code = 'restored'").await == 1
    })
    .await;
    let posts = shop.sim.posts().await.len();
    engine.stop().await;
    assert_eq!((shop.sim.posts().await.len(), posts < 600), (posts, true), "nothing more is sent");
    let senders = shop.json(&["sender", "list"]).await;
    let reason = senders["stopped"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("back in time: its lease counts"), "{reason}");
    shop.promises().await;
}

#[tokio::test]
async fn the_same_database_by_another_address_is_still_remembered() {
    let mut shop = a_shop_that_has_sent().await;
    forget_renewals(&shop).await;
    shop.blast(10..15).await;
    let separator = if shop.database.url.contains('?') { '&' } else { '?' };
    shop.database.url = format!("{}{separator}sslmode=prefer", shop.database.url);

    asks_and_sends_nothing(&shop, "back in time").await;
}

#[tokio::test]
async fn a_confirmation_is_for_one_sender() {
    let shop = a_shop_that_has_sent().await;
    let more = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let second = more.split("[engine]").next().unwrap().replace("\"sales\"", "\"shop\"").replace("5850", "5851");
    shop.write("config.toml", format!("{second}{more}"));
    let list = shop.path("people.csv");
    let draft = ["blast", "new", "--sender", "shop", "--message", "Hi", "--recipients", list.to_str().unwrap()];
    let other = shop.json(&draft).await["id"].to_string();
    shop.send(&other).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 6);
    shop.execute("update senders set sent_from = jsonb_set(sent_from, '{database_oid}', '1')").await;
    shop.blast(10..15).await;
    let third = shop.json(&draft).await["id"].to_string();
    shop.send(&third).await;
    shop.until_idle().await;

    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.until_idle().await;

    assert_eq!(shop.sim.posts().await.len(), 11, "the other sender still asks");
    assert_eq!(shop.number("select count(*) from senders where stopped_code = 'restored'").await, 1);
}

#[tokio::test]
async fn the_memory_of_the_version_before_is_taken_over_and_its_warning_too() {
    tokio::join!(sends_after_an_upgrade(0, 8), sends_after_an_upgrade(1_000, 3));
}

async fn sends_after_an_upgrade(renewals: i64, posts: usize) {
    let shop = a_shop_that_has_sent().await;
    std::fs::remove_dir_all(shop.path("state")).unwrap();
    let likeness: serde_json::Value =
        sqlx::query_scalar("select sent_from from senders").fetch_one(&shop.database.pool).await.unwrap();
    let memory = json!({ "likeness": likeness, "confirmed_at": null, "renewals": { "1": renewals } });
    std::fs::create_dir_all(shop.path("data/run/0123456789abcdef")).unwrap();
    shop.write("data/run/0123456789abcdef/memory.json", memory.to_string());
    shop.blast(10..15).await;

    shop.until_idle().await;

    assert_eq!(shop.sim.posts().await.len(), posts, "{renewals} renewals were remembered");
}

#[tokio::test]
async fn a_database_from_before_it_had_an_id_is_known_by_its_server() {
    let shop = a_shop_that_has_sent().await;
    shop.blast(10..15).await;
    // What a backup of the version before becomes when this one migrates it: its people are queued, and have their message.
    shop.execute(
        "update database_id set id = gen_random_uuid();
         update senders set sent_from = null;
         delete from provider_message;
         update blast_recipients set status = 'queued', standing = 'queued', attempt = 0, message_id = null where id <= 3;
         update blasts set state = 'sending'",
    )
    .await;

    asks_and_sends_nothing(&shop, "back in time").await;

    let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    assert!(said.err.contains("3 people"), "{said:?}");
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 8);
}

#[tokio::test]
async fn a_copied_memory_is_none() {
    let shop = a_shop_that_has_sent().await;
    let (state, copied) = (shop.path("state"), shop.path("state-copy"));
    copy(&state, &copied);
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::rename(&copied, &state).unwrap();
    shop.blast(10..15).await;

    asks_and_sends_nothing(&shop, "copy").await;
}

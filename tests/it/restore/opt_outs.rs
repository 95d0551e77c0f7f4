//! Opt-outs that a restored database has forgotten: whoever sends notes them again first.

use std::path::PathBuf;

use reqwest::StatusCode;
use serde_json::json;

use super::{Restorable, SETUP, SLOW};
use crate::inbox::scene::{envelope, text};
use crate::support::serve::{NUMBER, Serve, senders, with_secrets};
use crate::support::{Setup, Shop, digits, eventually_async, said};

/// The file of opt-outs in the shop's memory.
pub(super) fn opt_outs(shop: &Shop) -> PathBuf {
    std::fs::read_dir(shop.path("state")).unwrap().flatten().next().unwrap().path().join("opt-outs")
}

pub(super) async fn is_suppressed(shop: &Shop, phone: &str) -> bool {
    shop.number(&format!("select count(*) from suppressions where phone_number = '+{phone}'")).await == 1
}

/// What a dump that was restored leaves: the opt-outs, and what was compared of them, are as before; nothing else shows it.
async fn forget_opt_outs(shop: &Shop) {
    shop.execute(
        "delete from suppressions;
         delete from opt_out_memories;
         delete from status_history where new_status = 'opted_out';
         update blast_recipients set status = 'queued', standing = 'queued', opted_out_at = null where status = 'opted_out'",
    )
    .await;
}

#[tokio::test]
async fn a_restore_that_lost_opt_outs_alone_posts_to_none_of_them() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let blast = shop.draft(0..12).await;
    world.cluster.back_up().await;
    let [first, second, marked, lifted] = [1, 2, 3, 4].map(digits);
    shop.ok(&["suppress", "add", &first, "--reason", "by letter"]).await;
    shop.ok(&["suppress", "add", &second, "--business", "kedai"]).await;
    shop.ok(&["mark", &blast, &marked, "opt-out"]).await;
    shop.ok(&["suppress", "add", &lifted]).await;
    shop.ok(&["suppress", "remove", &lifted]).await;

    world.cluster.put_back().await;
    shop.send(&blast).await;
    shop.until_idle().await;

    let phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    assert_eq!(phones.len(), 9, "{phones:?}");
    assert!(![&first, &second, &marked].iter().any(|phone| phones.contains(phone)), "{phones:?}");
    assert!(phones.contains(&lifted), "what was lifted on purpose does not come back");
    assert_eq!(shop.count("opted_out").await, 3);
    let listed = shop.ok(&["suppress", "list", "--json"]).await;
    assert!(listed.contains("by letter") && listed.contains("\"created_by\":\"aina\""), "{listed}");
    shop.promises().await;
}

#[tokio::test]
async fn what_could_not_be_remembered_when_it_was_noted_is_remembered_before_anybody_is_sent_to() {
    let shop = Shop::open(SETUP).await;
    shop.blast(20..22).await;
    shop.until_idle().await;
    let blast = shop.draft(0..12).await;
    let [noted, marked, lifted] = [1, 2, 3].map(digits);
    // Nothing can be added to the list meanwhile, as in a directory that is read-only.
    let lock = opt_outs(&shop).with_extension("lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    let said = shop.run(&["suppress", "add", &noted]).await;
    assert!(said.code == 0 && said.err.contains("this machine cannot remember it"), "{said:?}");
    shop.ok(&["mark", &blast, &marked, "opt-out"]).await;
    shop.ok(&["suppress", "add", &lifted]).await;
    shop.ok(&["suppress", "remove", &lifted]).await;
    assert_eq!(shop.number("select count(*) from opt_outs_to_remember").await, 4);
    std::fs::remove_dir(&lock).unwrap();

    shop.blast(30..32).await;
    shop.until_idle().await;
    assert_eq!(shop.number("select count(*) from opt_outs_to_remember").await, 0);
    forget_opt_outs(&shop).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    let phones: Vec<_> = shop.sim.posts().await.into_iter().skip(4).map(|post| post.phone).collect();
    assert!(!phones.contains(&noted) && !phones.contains(&marked) && phones.contains(&lifted), "{phones:?}");
}

/// Of several opt-outs and lifts of one person the newest holds, also after a restore.
#[tokio::test]
async fn an_opt_out_that_was_remembered_since_is_ended_by_no_older_lift() {
    let shop = Shop::open(SETUP).await;
    shop.blast(20..22).await;
    shop.until_idle().await;
    let blast = shop.draft(0..4).await;
    let lock = opt_outs(&shop).with_extension("lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    for verb in ["add", "remove", "add", "remove"] {
        shop.ok(&["suppress", verb, &digits(1)]).await;
    }
    shop.execute("create table of_a_dump as select * from opt_outs_to_remember").await;
    std::fs::remove_dir(&lock).unwrap();
    shop.ok(&["suppress", "add", &digits(1)]).await;
    shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;

    forget_opt_outs(&shop).await;
    let columns = "origin, business, phone_number, reason, source, created_by, is_lifted, noted_at";
    shop.execute(&format!("insert into opt_outs_to_remember ({columns}) select {columns} from of_a_dump")).await;
    shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    let phones: Vec<_> = shop.sim.posts().await.into_iter().skip(2).map(|post| post.phone).collect();
    assert!(phones.len() == 3 && !phones.contains(&digits(1)), "{phones:?}");
}

/// What could not be remembered is older than what was remembered since.
#[tokio::test]
async fn what_was_lifted_or_noted_since_is_not_turned_round_by_what_is_remembered_later() {
    let shop = Shop::open(SETUP).await;
    shop.blast(20..22).await;
    shop.until_idle().await;
    let blast = shop.draft(0..12).await;
    let [lifted, lifted_since, noted_since] = [1, 2, 3].map(digits);
    for person in [&lifted, &noted_since] {
        shop.ok(&["suppress", "add", person]).await;
    }
    let lock = opt_outs(&shop).with_extension("lock");
    std::fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    for person in [&lifted, &noted_since] {
        shop.ok(&["suppress", "remove", person]).await;
    }
    shop.ok(&["suppress", "add", &lifted_since]).await;
    std::fs::remove_dir(&lock).unwrap();
    shop.ok(&["suppress", "remove", &lifted_since]).await;
    shop.ok(&["suppress", "add", &noted_since]).await;

    // What a dump of this moment has is remembered by then.
    shop.execute("create table of_a_dump as select * from opt_outs_to_remember where is_lifted").await;
    // Whoever confirms compares everything.
    shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    shop.blast(30..32).await;
    shop.until_idle().await;
    let standing = async || [&lifted, &lifted_since, &noted_since].map(|phone| is_suppressed(&shop, phone));
    let mut now = Vec::new();
    for one in standing().await {
        now.push(one.await);
    }
    assert_eq!(now, [false, false, true]);
    forget_opt_outs(&shop).await;
    let columns = "origin, business, phone_number, reason, source, created_by, is_lifted, noted_at";
    shop.execute(&format!("insert into opt_outs_to_remember ({columns}) select {columns} from of_a_dump")).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    let phones: Vec<_> = shop.sim.posts().await.into_iter().skip(4).map(|post| post.phone).collect();
    let has_post = [&lifted, &lifted_since, &noted_since].map(|phone| phones.contains(phone));
    assert_eq!(has_post, [true, true, false], "{phones:?}");
}

#[tokio::test]
async fn another_sender_of_a_restored_database_posts_to_nobody_who_opted_out_of_every_business() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    shop.add_sender("shop");
    world.cluster.back_up().await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    for person in 10..16 {
        shop.ok(&["suppress", "add", &digits(person)]).await;
    }

    world.cluster.put_back().await;
    shop.blast(0..3).await;
    let other = shop.draft_of("shop", 10..20, &[]).await;
    shop.send(&other).await;
    shop.until_idle().await;

    let stopped = shop.number("select count(*) from senders where name = 'sales' and stopped_code = 'restored'").await;
    assert_eq!(stopped, 1);
    assert_eq!((world.posts().await, shop.count("opted_out").await), (3 + 4, 6));
}

#[tokio::test]
async fn a_renamed_sender_keeps_the_opt_outs_of_its_old_name_after_a_restore() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let rename = |from: &str, to: &str| {
        let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
        shop.write("config.toml", config.replace(from, to));
    };
    rename("business = \"kedai\"", "business = \"pasar\"");
    shop.ok(&["sender", "list"]).await;
    world.cluster.back_up().await;
    shop.ok(&["suppress", "add", &digits(1), "--business", "pasar"]).await;
    rename("business = \"pasar\"\n", "");
    rename("\"sales\"", "\"retail\"");
    shop.ok(&["sender", "list"]).await;

    world.cluster.put_back().await;
    let blast = shop.draft_of("retail", 0..5, &[]).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    assert_eq!((world.posts().await, shop.count("opted_out").await), (4, 1));
}

#[tokio::test]
async fn a_running_engine_notes_again_what_its_database_forgot_under_it() {
    let shop = Shop::open(SLOW).await;
    let late = digits(399);
    shop.blast(0..400).await;
    let engine = shop.engine();
    shop.until_posts(5).await;
    shop.ok(&["suppress", "add", &late]).await;
    eventually_async("it is compared", async || {
        shop.number("select count(*) from opt_out_memories where bytes > 0").await == 1
    })
    .await;

    forget_opt_outs(&shop).await;

    eventually_async("it is noted again", async || is_suppressed(&shop, &late).await).await;
    assert_eq!(shop.count("opted_out").await, 1);
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn a_record_of_opt_outs_that_is_damaged_asks_and_a_confirmation_says_what_may_be_lost() {
    let cases = [
        ("cut off", (|path| std::fs::write(&path, &std::fs::read(&path).unwrap()[..300]).unwrap()) as fn(PathBuf)),
        ("cut off", |path| std::fs::write(path, "").unwrap()),
        ("damaged", |path| std::fs::write(path, "# 1").unwrap()),
        ("No such file", |path| std::fs::remove_file(path).unwrap()),
        ("cannot be written", |path| {
            std::fs::remove_file(&path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
    ];
    futures_util::future::join_all(cases.map(|(words, spoil)| asks_once_its_opt_outs_are(words, spoil))).await;
}

async fn asks_once_its_opt_outs_are(words: &str, spoil: fn(PathBuf)) {
    let shop = Shop::open(SETUP).await;
    for person in 10..13 {
        shop.ok(&["suppress", "add", &digits(person)]).await;
    }
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.blast(10..15).await;

    spoil(opt_outs(&shop));
    shop.until_idle().await;

    let senders = shop.json(&["sender", "list"]).await;
    let reason = senders["stopped"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains(words) && reason.contains("opt-outs"), "{words}: {reason}");
    assert_eq!(shop.sim.posts().await.len(), 3, "{words}");
    let said = shop.run(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
    assert!(said.code == 0 && said.err.contains("may be lost"), "{words}: {said:?}");
    shop.until_idle().await;
    assert_eq!((shop.sim.posts().await.len(), shop.count("opted_out").await), (5, 3), "{words}");
}

#[tokio::test]
async fn an_opt_out_that_cannot_be_remembered_is_noted_and_stops_the_sending() {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    let path = opt_outs(&shop);
    let _ = std::fs::remove_file(&path);
    std::fs::create_dir(&path).unwrap();

    let said = shop.run(&["suppress", "add", &digits(10)]).await;

    assert!(said.code == 0 && said.err.contains("cannot remember it"), "{said:?}");
    assert!(is_suppressed(&shop, &digits(10)).await);
    shop.blast(20..25).await;
    shop.until_idle().await;
    assert_eq!(shop.sim.posts().await.len(), 3);
    assert_eq!(shop.number("select count(*) from senders where stopped_code = 'restored'").await, 1);
}

#[tokio::test]
async fn a_lease_that_no_engine_can_take_over_is_the_reason() {
    let shop = Shop::open(SETUP).await;
    shop.blast(0..3).await;
    shop.until_idle().await;
    let counters = "update sender_leases set epoch = 4611686018427387903";
    shop.execute(counters).await;
    let blast = shop.blast(10..13).await;

    shop.until_idle().await;

    let waiting = shop.waiting(&blast).await.to_string();
    assert!(waiting.contains("no engine can take it over"), "{waiting}");
    let refused =
        sqlx::raw_sql("update sender_leases set epoch = 9223372036854775807").execute(&shop.database.pool).await;
    assert!(refused.unwrap_err().to_string().contains("sender_leases_counters_check"));
    shop.execute("update sender_leases set epoch = 5").await;
    shop.ok(&["sender", "confirm", "sales", "--yes", "--no-engine"]).await;
}

#[tokio::test]
async fn an_opt_out_that_the_provider_answers_a_send_with_is_remembered_like_any_other() {
    let shop = Shop::open(Setup { sim: &["--latency", "20ms", "--phone-number-id", NUMBER], ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    let stopped = json!({ "error": { "code": 131_050, "message": "(#131050) User has stopped marketing messages" } });
    shop.sim.answer_send(&digits(1), json!([{ "code": 400, "body": stopped.to_string() }])).await;
    let other = "+60970000001";
    shop.execute(&format!("insert into number_aliases (alias, phone_number) values ('{other}', '+{}')", digits(1)))
        .await;
    let list = shop.write("people.csv", format!("phone\n{}\n{}\n", digits(1), digits(2)));
    let new = ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--language", "en_US", "--recipients"];

    for verb in [
        &[&new[..], &[list.to_str().unwrap()]].concat()[..],
        &["blast", "send", "1", "--yes", "--no-engine"],
        &["engine", "--until-idle"],
    ] {
        let done = said(with_secrets(shop.command(verb))).await;
        assert_eq!(done.code, 0, "{done:?}");
    }

    assert_eq!(shop.count("opted_out").await, 1);
    let remembered = std::fs::read_to_string(opt_outs(&shop)).unwrap();
    assert!(remembered.contains(&digits(1)), "{remembered}");
    assert!(!remembered.contains(&digits(2)), "{remembered}");
    assert!(remembered.contains(&other[1..]), "their other number, too: {remembered}");
    // By the clock of wishes: a webhook about an older resume changes nothing.
    let wishes = "select count(*) from marketing_wishes w join suppressions s using (business, phone_number) where wish = 'stop'";
    assert_eq!(shop.number(wishes).await, 2);
}

#[tokio::test]
async fn an_opt_out_that_a_server_without_an_engine_received_outlives_a_restore() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let config = senders(shop.sim.base_url()).replace("\"unlimited\"", "\"unlimited\"\ngap = \"none\"");
    shop.write("config.toml", format!("{config}[polling]\ngive_up_after = \"1s\"\n"));
    let blast = shop.draft(0..12).await;
    world.cluster.back_up().await;
    let serve = Serve::start(shop, &["--no-engine"]).await;
    let stop = envelope(&text(1, "wamid.in1", "STOP")).to_string();
    assert_eq!(serve.meta(stop).await, StatusCode::OK);
    eventually_async("it is recorded", async || is_suppressed(shop, &digits(1)).await).await;
    serve.stop().await;

    world.cluster.put_back().await;
    assert!(!is_suppressed(shop, &digits(1)).await);
    // Where the engine runs on another machine, whoever received it has the only record.
    let serve = Serve::start(shop, &["--no-engine"]).await;
    eventually_async("it is recorded again", async || is_suppressed(shop, &digits(1)).await).await;
    serve.stop().await;

    world.cluster.put_back().await;
    shop.send(&blast).await;
    shop.until_idle().await;
    let phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    assert!(phones.len() == 11 && !phones.contains(&digits(1)), "{phones:?}");
    assert_eq!(shop.count("opted_out").await, 1);
}

#[tokio::test]
async fn an_opt_out_that_is_lifted_before_a_restored_database_has_it_again_stays_lifted() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    let blast = shop.draft(0..12).await;
    world.cluster.back_up().await;
    let [lifted, stays] = [1, 2].map(digits);
    shop.ok(&["suppress", "add", &lifted]).await;
    shop.ok(&["suppress", "add", &stays]).await;

    world.cluster.put_back().await;
    let removed = shop.run(&["suppress", "remove", &lifted]).await;
    assert!(removed.code == 0 && removed.err.contains("may be messaged again"), "{removed:?}");
    let again = shop.run(&["suppress", "remove", &lifted]).await;
    assert!(again.code == 1 && again.err.contains("is not suppressed"), "{again:?}");
    shop.send(&blast).await;
    shop.until_idle().await;

    let phones: Vec<_> = shop.sim.posts().await.into_iter().map(|post| post.phone).collect();
    assert!(phones.len() == 11 && phones.contains(&lifted) && !phones.contains(&stays), "{phones:?}");
    shop.promises().await;
}

#[tokio::test]
async fn a_confirmation_announces_as_many_as_become_uncertain_whoever_of_them_opted_out() {
    let world = Restorable::open(SETUP).await;
    let shop = &world.shop;
    shop.blast(0..3).await;
    shop.until_idle().await;
    shop.blast(10..20).await;
    world.cluster.back_up().await;
    shop.until_idle().await;
    shop.ok(&["suppress", "add", &digits(12)]).await;
    world.cluster.put_back().await;
    shop.until_idle().await;
    world.asks("back in time").await;

    let confirm = ["sender", "confirm", "sales", "--no-engine"];
    let asked = shop.run(&confirm).await;
    assert!(asked.err.contains("9 people were posted to before, and will be uncertain"), "{asked:?}");
    let confirmed = shop.run(&[&confirm[..], &["--yes"]].concat()).await;
    assert!(confirmed.err.contains("9 people are now uncertain"), "{confirmed:?}");
    assert_eq!((shop.count("uncertain").await, shop.count("opted_out").await), (9, 1));
}

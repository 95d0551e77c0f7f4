//! Senders in the configuration and in the database: opt-outs follow them, and each stays the phone that it is.

use std::collections::BTreeSet;

use super::support::{Post, Setup, Shop, digits, eventually_async, said};

mod many;

/// One message at a time, a tenth of a second between two.
const SLOWLY: Setup<'static> = Setup {
    sim: &["--latency", "10ms", "--speed", "6000"],
    sender: "gap = \"1m..1m\"",
    engine: "speed = 600",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

const NO_BUSINESS: (&str, &str) = ("business = \"kedai\"\n", "");

/// Edits the configuration as an operator would.
fn edit(shop: &Shop, (from, to): (&str, &str)) {
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    assert!(config.contains(from), "{from} is not in {config}");
    shop.write("config.toml", config.replace(from, to));
}

/// Gives the sender a business, or another one.
fn name_business(shop: &Shop, business: &str) {
    edit(shop, ("device = \"5850\"\n", &format!("device = \"5850\"\nbusiness = \"{business}\"\n")));
}

fn phones(posts: &[Post]) -> BTreeSet<String> {
    posts.iter().map(|post| post.phone.clone()).collect()
}

fn all_but(people: std::ops::Range<u32>, left_out: &[u32]) -> BTreeSet<String> {
    people.filter(|n| !left_out.contains(n)).map(digits).collect()
}

/// How many POSTs left from each phone.
async fn posts_from(shop: &Shop, device: &str) -> usize {
    let mark = format!("\"device\":\"{device}\"");
    shop.sim.posts().await.iter().filter(|post| post.body.contains(&mark)).count()
}

/// A draft for a sender of this name.
async fn draft_for(shop: &Shop, sender: &str, people: std::ops::Range<u32>) -> String {
    let rows: Vec<_> = people.map(|n| format!("Person {n},{}", digits(n))).collect();
    let list = shop.write("people.csv", format!("name,phone\n{}\n", rows.join("\n")));
    let people = ["--message", "Hi {name}", "--recipients", list.to_str().unwrap()];
    let made = shop.json(&[&["blast", "new", "--sender", sender], &people[..]].concat()).await;
    made["id"].as_i64().unwrap().to_string()
}

#[tokio::test]
async fn opt_outs_follow_a_sender_into_a_business_and_back() {
    let shop = Shop::open(Setup::default()).await;
    edit(&shop, NO_BUSINESS);
    shop.ok(&["suppress", "add", &digits(1), "--business", "sales"]).await;
    let first = shop.draft(0..4).await;

    name_business(&shop, "kedai");
    shop.send(&first).await;
    shop.until_idle().await;
    assert_eq!(phones(&shop.sim.posts().await), all_but(0..4, &[1]));

    // As whoever does not know of the business yet might still name it.
    shop.ok(&["suppress", "add", &digits(12), "--business", "sales"]).await;
    shop.ok(&["suppress", "add", &digits(13), "--business", "kedai"]).await;
    let second = shop.draft(10..14).await;
    edit(&shop, NO_BUSINESS);
    shop.send(&second).await;
    shop.until_idle().await;

    let expected = all_but(0..4, &[1]).into_iter().chain(all_but(10..14, &[12, 13])).collect();
    assert_eq!(phones(&shop.sim.posts().await), expected);
    shop.promises().await;
}

#[tokio::test]
async fn opt_outs_follow_a_sender_that_is_renamed() {
    let shop = Shop::open(Setup::default()).await;
    edit(&shop, NO_BUSINESS);
    shop.ok(&["suppress", "add", &digits(1), "--business", "sales"]).await;

    edit(&shop, ("name = \"sales\"", "name = \"shop\""));
    shop.ok(&["sender", "list"]).await;
    // As an engine with the older configuration would note it.
    shop.ok(&["suppress", "add", &digits(2), "--business", "sales"]).await;
    let blast = draft_for(&shop, "shop", 0..4).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    assert_eq!(phones(&shop.sim.posts().await), all_but(0..4, &[1, 2]));
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_started_before_a_business_was_named_honours_its_opt_outs() {
    let shop = Shop::open(SLOWLY).await;
    edit(&shop, NO_BUSINESS);
    let blast = shop.blast(0..20).await;
    let engine = shop.engine_of_older_config();
    shop.until_posts(2).await;

    name_business(&shop, "kedai");
    shop.ok(&["sender", "list"]).await;
    // By another engine: of the blast's row it knows nothing.
    let person = format!(
        "insert into suppressions (business, phone_number, source) values ('kedai', '+{}', 'provider')",
        digits(19)
    );
    shop.execute(&person).await;
    shop.until_state(&blast, "completed").await;
    engine.stop().await;

    assert_eq!(phones(&shop.sim.posts().await), all_but(0..20, &[19]));
}

#[tokio::test]
async fn an_opt_out_of_before_an_upgrade_follows_too() {
    let shop = Shop::open(Setup::default()).await;
    edit(&shop, NO_BUSINESS);
    shop.ok(&["suppress", "add", &digits(1), "--business", "sales"]).await;
    // The version before noted no device.
    shop.execute("update senders set address = null, device = null; delete from sender_devices").await;

    edit(&shop, ("name = \"sales\"", "name = \"shop\""));
    let blast = draft_for(&shop, "shop", 0..3).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    assert_eq!(phones(&shop.sim.posts().await), all_but(0..3, &[1]));
}

#[tokio::test]
async fn opt_outs_to_come_of_a_business_that_was_left_are_its_own() {
    let shop = Shop::open(Setup::default()).await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let sender = config.split("[engine]").next().unwrap();
    let second = sender.replace("sales", "office").replace("5850", "5851");
    shop.write("config.toml", format!("{second}{config}"));
    shop.ok(&["suppress", "add", &digits(1), "--business", "kedai"]).await;

    edit(&shop, (sender, &sender.replace("kedai", "pasar")));
    let blast = shop.draft(0..4).await;
    // The office is of the old business still.
    shop.ok(&["suppress", "add", &digits(2), "--business", "kedai"]).await;
    shop.send(&blast).await;
    shop.until_idle().await;

    assert_eq!(phones(&shop.sim.posts().await), all_but(0..4, &[1]));
}

#[tokio::test]
async fn the_same_name_is_not_another_phone_until_it_is_moved_on_purpose() {
    // A third of a second between two messages: there is time for the verbs.
    let shop = Shop::open(Setup { sender: "gap = \"3m..3m\"", ..SLOWLY }).await;
    let blast = shop.blast(0..60).await;
    let engine = shop.engine_of_older_config();
    shop.until_posts(2).await;

    edit(&shop, ("device = \"5850\"", "device = \"7777\""));
    let other = shop.draft(100..102).await;
    let plan = shop.json(&["blast", "plan", &other]).await;
    let refused = shop.run(&["blast", "send", &other, "--yes", "--no-engine"]).await;
    let idle = shop.run(&["engine", "--until-idle"]).await;
    assert!(plan["obstacles"].to_string().contains("`blastdeck sender move sales`"), "{plan}");
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("device 5850") && refused.err.contains("device 7777"), "{refused:?}");
    assert_eq!(idle.code, 3, "no sender can be used: {idle:?}");
    assert_eq!(posts_from(&shop, "7777").await, 0);

    shop.ok(&["sender", "move", "sales"]).await;
    let from_old = posts_from(&shop, "5850").await;
    shop.ok(&["blast", "send", &other, "--yes", "--no-engine"]).await;
    // It need not be slow any more.
    edit(&shop, ("gap = \"3m..3m\"", "rate = \"unlimited\""));
    shop.until_idle().await;
    engine.stop().await;

    // One may have passed its last check before the move.
    let (old, new) = (posts_from(&shop, "5850").await, posts_from(&shop, "7777").await);
    assert!(old <= from_old + 1, "{from_old} had left when it was moved, {old} did");
    assert!(new > 2, "the rest left from the new phone, and not only the other blast: {new}");
    assert_eq!((shop.state(&blast).await.as_str(), shop.state(&other).await.as_str()), ("completed", "completed"));
    shop.promises().await;

    // And the other way round: the older configuration may not send any more.
    edit(&shop, ("device = \"7777\"", "device = \"5850\""));
    let last = shop.draft(110..112).await;
    assert_eq!(shop.run(&["blast", "send", &last, "--yes", "--no-engine"]).await.code, 3);
}

#[tokio::test]
async fn an_engine_whose_sender_was_moved_says_so_and_sends_nothing_more() {
    let shop = Shop::open(SLOWLY).await;
    let blast = shop.blast(0..60).await;
    let engine = shop.engine_of_older_config();
    shop.until_posts(2).await;

    edit(&shop, ("device = \"5850\"", "device = \"7777\""));
    shop.ok(&["sender", "move", "sales"]).await;
    let log = || std::fs::read_to_string(shop.path("engine.log")).unwrap();
    eventually_async("the engine has noticed", async || log().contains("was moved to another phone")).await;
    let from_old = posts_from(&shop, "5850").await;
    shop.until_state(&blast, "sending").await;
    shop.until_idle().await;
    engine.stop().await;

    assert_eq!(posts_from(&shop, "5850").await, from_old);
    assert_eq!(log().matches("was moved to another phone").count(), 1);
    shop.promises().await;
}

#[tokio::test]
async fn an_engine_whose_only_sender_became_another_phone_goes_on_until_that_is_moved() {
    let shop = Shop::open(Setup { sender: "gap = \"3m..3m\"", ..SLOWLY }).await;
    let blast = shop.blast(0..60).await;
    let engine = shop.engine();
    shop.until_posts(1).await;
    let before = shop.engines();
    let log = || std::fs::read_to_string(shop.path("engine.log")).unwrap();
    let mend = "run `blastdeck sender move sales`";

    edit(&shop, ("device = \"5850\"", "device = \"7777\""));
    eventually_async("the engine says what to do", async || log().contains(mend)).await;
    let from_old = posts_from(&shop, "5850").await;
    shop.until_posts(from_old + 2).await;
    assert_eq!((shop.engines(), posts_from(&shop, "7777").await), (before.clone(), 0));

    shop.ok(&["sender", "move", "sales"]).await;
    eventually_async("it sends from the new phone", async || posts_from(&shop, "7777").await > 0).await;
    edit(&shop, ("gap = \"3m..3m\"", "rate = \"unlimited\""));
    shop.until_state(&blast, "completed").await;

    assert_eq!(shop.engines(), before);
    assert_eq!(log().matches(mend).count(), 1, "{}", log());
    engine.stop().await;
    shop.promises().await;
}

#[tokio::test]
async fn an_upgrade_takes_what_is_configured() {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["sender", "list"]).await;
    shop.execute("update senders set address = null, device = null; delete from sender_devices").await;

    edit(&shop, ("device = \"5850\"", "device = \"7777\""));
    let blast = shop.blast(0..2).await;
    shop.until_idle().await;

    assert_eq!((shop.state(&blast).await.as_str(), posts_from(&shop, "7777").await), ("completed", 2));
    assert_eq!(shop.number("select count(*) from sender_devices where device = '7777'").await, 1);
    let moved = shop.json(&["sender", "move", "SALES"]).await;
    assert_eq!(moved["moved"], false);
}

#[tokio::test]
async fn a_move_while_an_engine_takes_the_sender_is_noticed_before_anything_is_sent() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..5).await;
    shop.execute("insert into sender_leases (sender_id) select id from senders on conflict do nothing").await;
    let mut by_hand = shop.database.pool.begin().await.unwrap();
    sqlx::query("select 1 from sender_leases for update").execute(&mut *by_hand).await.unwrap();
    let engine = shop.engine();
    let waits = "select count(*) from pg_stat_activity
                  where datname = current_database() and wait_event_type = 'Lock' and query like '%from sender_leases%'";
    eventually_async("the engine waits for the lease", async || shop.number(waits).await > 0).await;

    // As `sender move` does it, under the lock that the engine waits for.
    sqlx::query("update senders set device = '7777'").execute(&mut *by_hand).await.unwrap();
    by_hand.commit().await.unwrap();

    let log = || std::fs::read_to_string(shop.path("engine.log")).unwrap();
    eventually_async("the engine has noticed", async || log().contains("was moved to another phone")).await;
    let held = "select count(*) from sender_leases where holder is not null";
    eventually_async("it holds no lease", async || shop.number(held).await == 0).await;
    assert!(shop.sim.posts().await.is_empty());
    engine.stop().await;
}

#[tokio::test]
async fn the_cap_of_a_phone_holds_for_it_under_another_name() {
    let shop = Shop::open(Setup { sender: "rate = \"unlimited\"", engine: "", ..Setup::default() }).await;
    let blast = shop.blast(0..5).await;
    let engine = shop.engine_with(&[("BLASTDECK_SENDERS_SALES_DAILY_CAP", "3")]);
    shop.until_posts(3).await;
    shop.until_waiting(&blast, "daily_cap").await;
    engine.stop().await;
    shop.ok(&["blast", "cancel", &blast, "--yes"]).await;

    edit(&shop, ("name = \"sales\"", "name = \"shop\""));
    let again = shop.draft_of("shop", 10..15, &[]).await;
    shop.ok(&["blast", "send", &again, "--yes", "--no-engine"]).await;
    let engine = shop.engine_with(&[("BLASTDECK_SENDERS_SHOP_DAILY_CAP", "3")]);
    shop.until_waiting(&again, "daily_cap").await;
    engine.stop().await;

    assert_eq!(shop.sim.posts().await.len(), 3);
}

#[tokio::test]
async fn a_sender_whose_token_cannot_be_read_has_its_cap_and_its_pace_all_the_same() {
    let shop = Shop::open(SLOWLY).await;
    edit(&shop, ("daily_cap = \"none\"", "daily_cap = 500"));
    let tokenless = |arguments: &[&str]| {
        let mut list = shop.command(arguments);
        list.env_remove("WSAPME_TOKEN");
        said(list)
    };

    let with = shop.json(&["sender", "list"]).await;
    let listed = tokenless(&["sender", "list", "--json"]).await;
    let without: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let shown = tokenless(&["sender", "list"]).await.out;

    assert!(with["stopped"].is_null() && with["unusable_here"].is_null(), "{with}");
    let why = without["unusable_here"].as_str().unwrap();
    assert!(without["stopped"].is_null() && why.contains("no token for sender sales"), "nobody stopped it: {without}");
    assert!(shown.contains("cannot be used here: no token for sender sales") && !shown.contains("stopped"), "{shown}");
    assert_eq!(without["daily_cap"], 500, "{without}");
    assert!(without["per_hour"].is_number() && without["per_hour"] == with["per_hour"], "{with} {without}");
}

#[tokio::test]
async fn a_sender_that_an_engine_holds_is_listed_as_unusable_in_a_shell_without_its_token_too() {
    let shop = Shop::open(SLOWLY).await;
    shop.blast(0..2_000).await;
    let engine = shop.engine();
    shop.until_posts(1).await;
    let mut list = shop.command(&["sender", "list"]);
    list.env_remove("WSAPME_TOKEN");

    let shown = said(list).await.out;

    engine.stop().await;
    assert!(shown.contains("); cannot be used here: no token for sender sales"), "beside who holds it: {shown}");
}

#[tokio::test]
async fn a_phone_that_another_configuration_names_otherwise_is_sent_from_by_one_engine_at_a_time() {
    let shop = Shop::open(SLOWLY).await;
    // Longer than any machine takes to begin the other one.
    let blast = shop.blast(0..2_000).await;
    let engine = shop.engine_of_older_config();
    shop.until_posts(1).await;

    edit(&shop, ("name = \"sales\"", "name = \"shop\""));
    let other = draft_for(&shop, "shop", 2_000..2_003).await;
    shop.send(&other).await;
    let second = shop.engine();
    let waits = shop.until_waiting(&other, "phone_in_use").await;
    assert!(waits["text"].as_str().unwrap().contains("sends from as sender sales"), "{waits}");
    assert_eq!(shop.state(&blast).await, "sending");
    engine.stop().await;
    shop.until_state(&other, "completed").await;
    second.stop().await;

    let last_of_first = "select count(*) from attempts a join attempts b on a.sender_id <> b.sender_id
                           where a.sender_id < b.sender_id and a.claimed_at > b.claimed_at";
    assert_eq!(shop.number(last_of_first).await, 0, "one after the other");
}

#[tokio::test]
async fn a_phone_whose_messages_are_only_asked_about_is_let_go_to_whoever_sends_from_it_under_another_name() {
    let polling = "interval = \"10m\"\nper_second = 0.01\ngive_up_after = \"1h\"";
    let sender = "rate = \"unlimited\"";
    let shop = Shop::open(Setup { sim: &["--latency", "10ms"], sender, engine: "", polling }).await;
    let blast = shop.blast(0..2).await;
    let engine = shop.engine_of_older_config();
    shop.until_state(&blast, "completed").await;
    assert_eq!(
        shop.number("select count(*) from sender_leases where holder is not null").await,
        1,
        "it asks about them"
    );

    edit(&shop, ("name = \"sales\"", "name = \"shop\""));
    let other = draft_for(&shop, "shop", 2..5).await;
    shop.send(&other).await;
    let second = shop.engine();
    shop.until_state(&other, "completed").await;
    engine.stop().await;
    second.stop().await;

    assert_eq!(shop.sim.posts().await.len(), 5);
}

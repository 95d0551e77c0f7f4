//! Webhooks for other systems, against a receiver of the test's own: what they are told, in which order, and that nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use blastdeck::domain::hook::spell_secret;
use serde_json::Value;

use crate::inbox::blast_of;
use crate::support::receiver::{Call, Receiver};
use crate::support::{Setup, Shop, digits, eventually_async};

/// A shop with a hook `crm` that its engine tells of these events; further lines go into the hook's table.
async fn shop_telling(receiver: &Receiver, events: &str, further: &str) -> Shop {
    let shop = Shop::open(Setup::default()).await;
    tell(&shop, receiver, events, further);
    shop
}

fn tell(shop: &Shop, receiver: &Receiver, events: &str, further: &str) {
    let secret = shop.write("secret", spell_secret([7; 32]));
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    let hook = format!(
        "[[hooks]]\nname = \"crm\"\nurl = \"{}\"\nsecret = {{ file = \"{}\" }}\nevents = {events}\nallow_private = true\n{further}\n",
        receiver.url,
        secret.display()
    );
    shop.write("config.toml", format!("{config}{hook}"));
}

/// How often each kind of event was told.
fn kinds(events: &[Value]) -> BTreeMap<String, usize> {
    events.iter().fold(BTreeMap::new(), |mut kinds, event| {
        *kinds.entry(event["type"].as_str().unwrap().to_owned()).or_default() += 1;
        kinds
    })
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

/// Rows of the history that somebody who asks for everything is told of.
const TOLD_STEPS: &str = "select count(*) from status_history
                           where new_status <> 'sending' and not (old_status = 'sending' and new_status = 'queued')";

async fn until_told(shop: &Shop, receiver: &Receiver) {
    let rows = shop.number(TOLD_STEPS).await + shop.number("select count(*) from blast_changes").await;
    eventually_async("everything is told", async || i64::try_from(ids(&receiver.events()).len()).unwrap() == rows)
        .await;
}

#[tokio::test]
async fn a_blast_is_told_from_its_launch_to_its_end_signed_and_numbered() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"*\"]", "batch = 3").await;

    let blast = shop.blast(0..5).await;
    shop.until_idle().await;
    shop.ok(&["mark", &blast, "+60100000001", "closed", "--amount", "12.50"]).await;
    shop.until_idle().await;

    until_told(&shop, &receiver).await;
    let (calls, events) = (receiver.calls(), receiver.events());
    assert!(calls.iter().all(|call| call.is_signed_with(&spell_secret([7; 32])) && call.events().len() <= 3));
    let numbers: Vec<_> = calls.iter().map(Call::sequence).collect();
    assert_eq!(numbers, (1..=i64::try_from(calls.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(ids(&events).len(), events.len(), "nothing is told twice");
    let kinds = kinds(&events);
    assert_eq!((kinds["blast.launched"], kinds["blast.completed"], kinds["recipient.sent"]), (1, 1, 5), "{kinds:?}");
    let launched = events.iter().find(|event| event["type"] == "blast.launched").unwrap();
    assert_eq!((&launched["data"]["sender"], &launched["data"]["by"]), (&"sales".into(), &"aina".into()), "{launched}");
    let closed = events.iter().find(|event| event["type"] == "recipient.closed").unwrap();
    let data = &closed["data"];
    assert_eq!((&data["amount"], &data["phone_number"]), (&"12.50".into(), &"+60100000001".into()), "{closed}");
    assert_eq!(data["blast_id"].to_string(), blast);
    let logged = shop.json_lines(&["hook", "log", "crm"]).await;
    assert_eq!(logged.len(), calls.len());
    assert!(logged.iter().all(|call| call["state"] == "delivered" && call["http_status"] == 204), "{logged:?}");
    let listed = shop.json_lines(&["hook", "list"]).await;
    assert_eq!((&listed[0]["name"], &listed[0]["pending"]), (&"crm".into(), &0.into()), "{listed:?}");
}

#[tokio::test]
async fn nothing_is_lost_however_often_engines_are_killed_and_calls_refused() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"*\"]", "batch = 7").await;
    receiver.answer(|n| [204, 503, 204, 500, 404, 204][n % 6]);
    shop.blast(0..120).await;

    for calls in [3, 12, 20] {
        let (one, other) = (shop.engine(), shop.engine());
        eventually_async("calls are made", async || receiver.calls().len() >= calls).await;
        one.kill().await;
        other.kill().await;
    }
    receiver.answer(|_| 204);
    shop.until_idle().await;

    until_told(&shop, &receiver).await;
    let taken = receiver.taken();
    let mut bodies = BTreeMap::new();
    for call in receiver.calls() {
        let body = bodies.entry(call.header("webhook-id").to_owned()).or_insert_with(|| call.body.clone());
        assert_eq!(*body, call.body, "a call is the same however often it is made");
    }
    let numbers: BTreeSet<_> = taken.iter().map(Call::sequence).collect();
    let newest = *numbers.last().unwrap();
    assert_eq!(numbers, (1..=newest).collect(), "no number is left out");
    assert_eq!(shop.number("select count(*) from hook_deliveries where state <> 'delivered'").await, 0);
}

/// Ids are given out before commits: what is committed late must not be passed over.
#[tokio::test]
async fn a_row_that_is_committed_after_a_later_one_is_told_before_it() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"blast.*\"]", "").await;
    shop.ok(&["hook", "list"]).await;
    let blast = shop.draft(0..1).await;
    let change = |state: &str| {
        format!("insert into blast_changes (blast_id, old_state, new_state) values ({blast}, 'sending', '{state}')")
    };
    let mut late = shop.database.pool.begin().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(change("paused"))).execute(&mut *late).await.unwrap();
    shop.execute(&change("completed")).await;

    let engine = shop.engine();
    eventually_async("an engine has the hook", async || {
        shop.number("select count(*) from hooks where holder is not null").await == 1
    })
    .await;
    crate::support::settle_for(700).await;
    assert_eq!(receiver.calls().len(), 0, "somebody may still commit an earlier one");
    late.commit().await.unwrap();
    eventually_async("both are told", async || receiver.events().len() == 2).await;
    engine.stop().await;

    let told: Vec<_> = receiver.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, ["blast.paused", "blast.completed"]);
    let told = "select told_changes - (select max(id) from blast_changes) from hooks";
    assert_eq!(shop.number(told).await, 0);
    assert_eq!(shop.number("select count(*) from hooks where told_history is not null").await, 0, "nobody asked");
}

#[tokio::test]
async fn a_call_that_is_given_up_is_shown_and_made_again_and_a_secret_is_rotated() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"blast.launched\"]", "").await;
    receiver.answer(|_| 500);
    let blast = shop.draft(0..2).await;
    let engine = shop.engine();
    shop.send(&blast).await;
    eventually_async("it is tried", async || receiver.calls().len() >= 2).await;
    shop.execute("update hook_deliveries set give_up_at = now()").await;
    let dead = "select count(*) from hook_deliveries where state = 'dead'";
    eventually_async("it is given up", async || shop.number(dead).await == 1).await;

    let doctor = shop.run(&["doctor"]).await;
    assert!(doctor.out.contains("hook crm") && doctor.out.contains("HTTP 500"), "{doctor:?}");
    let logged = shop.json_lines(&["hook", "log", "--dead"]).await;
    assert_eq!((&logged[0]["sequence"], &logged[0]["error"]), (&1.into(), &"HTTP 500".into()), "{logged:?}");
    assert_eq!(shop.run(&["hook", "replay", "crm", "9"]).await.code, 1);
    assert_eq!(shop.run(&["hook", "replay", "till", "--dead"]).await.code, 1);

    receiver.answer(|_| 204);
    let before = spell_secret([7; 32]);
    let rotated = shop.json(&["hook", "rotate", "crm"]).await["secret"].as_str().unwrap().to_owned();
    let twice = shop.run(&["hook", "rotate", "crm"]).await;
    assert!(twice.code == 3 && twice.err.contains("signs until") && twice.err.contains("--again"), "{twice:?}");
    assert_eq!(shop.json(&["hook", "replay", "crm", "--dead"]).await["replayed"], 1);
    eventually_async("it is taken", async || receiver.taken().len() == 1).await;
    engine.stop().await;

    let call = &receiver.taken()[0];
    assert!(call.is_signed_with(&rotated) && call.is_signed_with(&before) && rotated != before, "{call:?}");
    assert_eq!(call.header("webhook-id"), logged[0]["message_id"].as_str().unwrap());
    assert_eq!(call.events()[0]["type"], "blast.launched");
    let tested = shop.json(&["hook", "test", "crm"]).await;
    assert_eq!((&tested["delivered"], &tested["http_status"]), (&true.into(), &204.into()));
    assert_eq!(receiver.events()[1]["type"], "hook.test");
    let log = std::fs::read_to_string(shop.path("engine.log")).unwrap();
    assert!(log.contains("given up") && !log.contains("whsec_") && !log.contains("/in"), "{log}");
}

/// An opt-out may be taken back while the receiver is down.
#[tokio::test]
async fn a_call_whose_rows_are_gone_is_made_all_the_same_so_that_no_number_is_missing() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"opt_out.added\"]", "").await;
    receiver.answer(|_| 500);
    let engine = shop.engine();
    let add = |phone: &str| {
        format!("insert into suppressions (business, phone_number, source) values ('*', '+{phone}', 'operator')")
    };
    eventually_async("an engine has the hook", async || {
        shop.number("select count(*) from hooks where holder is not null").await == 1
    })
    .await;
    shop.execute(&add("60100000001")).await;
    eventually_async("it is tried", async || !receiver.calls().is_empty()).await;

    shop.execute("delete from suppressions").await;
    shop.execute(&add("60100000002")).await;
    receiver.answer(|_| 204);
    eventually_async("both are taken", async || receiver.taken().len() >= 2).await;
    engine.stop().await;

    let mut taken = receiver.taken();
    taken.sort_by_key(Call::sequence);
    assert_eq!(taken.iter().map(Call::sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((taken[0].events().len(), &taken[0].json()["data"]["missing"]), (0, &1.into()));
    assert_eq!((taken[1].events().len(), taken[1].json()["data"].get("missing")), (1, None));
    let logged = shop.json_lines(&["hook", "log", "crm"]).await;
    assert!(logged.iter().all(|call| call["state"] == "delivered"), "{logged:?}");
}

#[tokio::test]
async fn a_receiver_that_refuses_every_call_is_said_to_fail_once_and_is_called_all_the_same() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"opt_out.added\"]", "batch = 1").await;
    receiver.answer(|_| 400);
    let engine = shop.engine();
    eventually_async("an engine has the hook", async || {
        shop.number("select count(*) from hooks where holder is not null").await == 1
    })
    .await;

    shop.execute(
        "insert into suppressions (business, phone_number, source)
         select '*', '+6010000000' || n, 'operator' from generate_series(1, 3) as n",
    )
    .await;

    let failing = "select count(*) from hooks where failures >= 3 and paused_until is null";
    eventually_async("it fails", async || shop.number(failing).await == 1).await;
    let doctor = shop.run(&["doctor"]).await;
    assert!(doctor.out.contains("calls in a row failed: HTTP 400"), "{doctor:?}");
    engine.stop().await;
    let log = std::fs::read_to_string(shop.path("engine.log")).unwrap();
    assert_eq!(log.matches("a call was not taken").count(), 1, "{log}");
}

#[tokio::test]
async fn what_stands_for_somebody_who_was_forgotten_is_no_opt_out_to_send() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"opt_out.*\"]", "").await;
    shop.ok(&["hook", "list"]).await;
    let [gone, other] = [1, 2].map(|n| format!("+{}", digits(n)));
    shop.ok(&["suppress", "add", &gone]).await;
    shop.ok(&["suppress", "remove", &gone]).await;

    shop.ok(&["customer", "forget", &gone, "--yes"]).await;
    shop.ok(&["suppress", "add", &other]).await;
    shop.until_idle().await;

    eventually_async("the other is sent", async || !receiver.events().is_empty()).await;
    let phones: Vec<_> = receiver.events().iter().map(|event| event["data"]["phone_number"].clone()).collect();
    assert_eq!(phones, [Value::from(other)]);
}

#[tokio::test]
async fn no_private_address_is_called_and_a_wrong_secret_is_named_without_being_shown() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"*\"]", "").await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write(
        "config.toml",
        config.replace("allow_private = true", "").replace("http://127.0.0.1", "https://localhost"),
    );

    let tested = shop.run(&["hook", "test", "crm", "--json"]).await;
    let said: Value = serde_json::from_str(&tested.out).unwrap();
    assert_eq!((tested.code, &said["delivered"], &said["http_status"]), (1, &false.into(), &Value::Null));
    assert!(said["error"].as_str().unwrap().contains("allow_private = true"), "{said}");
    assert_eq!(receiver.calls().len(), 0);

    shop.write("config.toml", config);
    shop.write("secret", "whsec_n0t-a-s3cret");
    let doctor = shop.run(&["doctor"]).await;
    assert_eq!(doctor.code, 1);
    assert!(doctor.out.contains("the secret of hook crm is not valid") && !doctor.out.contains("s3cret"), "{doctor:?}");
    assert_eq!(shop.run(&["hook", "test", "crm"]).await.code, 1);
    assert_eq!(shop.run(&["hook", "test", "till"]).await.code, 1);
}

#[tokio::test]
async fn an_opt_out_is_told_when_it_is_noted_and_when_it_is_taken_back() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"opt_out.*\"]", "").await;
    shop.ok(&["hook", "list"]).await;

    shop.ok(&["suppress", "add", "+60100000001", "--reason", "asked"]).await;
    shop.until_idle().await;
    eventually_async("it is told", async || kinds(&receiver.events()).contains_key("opt_out.added")).await;
    shop.ok(&["suppress", "remove", "+60100000001"]).await;
    shop.until_idle().await;

    eventually_async("both are told", async || receiver.events().len() >= 2).await;
    let told = receiver.events();
    let removed = told.iter().find(|event| event["type"] == "opt_out.removed").unwrap();
    let data = &removed["data"];
    assert_eq!((&data["phone_number"], &data["business"]), (&"+60100000001".into(), &"*".into()), "{removed}");
    assert!(data["source"] == "operator" && data["added_at"].is_string(), "{removed}");
}

#[tokio::test]
async fn an_order_is_told_with_its_items_each_of_its_edits_and_states() {
    let receiver = Receiver::start().await;
    let shop = shop_telling(&receiver, "[\"order.*\"]", "").await;
    shop.ok(&["hook", "list"]).await;
    shop.execute(&blast_of("sales", 1, 2)).await;

    shop.ok(&["order", "add", "1", &digits(1), "teh*2@2.50"]).await;
    shop.ok(&["order", "edit", "1", "teh*3@2.50"]).await;
    shop.ok(&["order", "pay", "1"]).await;
    shop.ok(&["order", "cancel", "1"]).await;
    shop.until_idle().await;

    eventually_async("all are told", async || receiver.events().len() >= 4).await;
    let told = receiver.events();
    let kinds: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["order.received", "order.edited", "order.paid", "order.cancelled"]);
    let data = &told[1]["data"];
    assert_eq!(
        (&data["total"], &data["currency"], &data["items"][0]["quantity"]),
        (&"7.50".into(), &"MYR".into(), &"3".into())
    );
    assert_eq!((&data["state"], &data["previous_state"], &data["by"]), (&"new".into(), &"new".into(), &"aina".into()));
    assert_eq!((&told[3]["data"]["previous_state"], &told[2]["data"]["by"]), (&"paid".into(), &"aina".into()));
}

//! Orders that come by webhook: their money, their blast, and what becomes of their person.

use std::collections::{BTreeMap, HashSet};

use blastdeck::store::view::activity;
use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use reqwest::StatusCode;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::scene::{InboxScene, blast_of, envelope, text};
use crate::support::{digits, eventually_async, long_form};

/// An order of person `n`, as Meta sends it.
pub fn order(n: u32, id: &str, items: &Value) -> Value {
    json!({ "from": digits(n), "id": id, "timestamp": Utc::now().timestamp().to_string(), "type": "order",
            "order": { "catalog_id": "194836987003835", "text": "", "product_items": items } })
}

pub fn messages(items: &[Value]) -> Value {
    json!({ "messages": items })
}

/// The example of Meta's own documentation.
fn recorded(n: u32, id: &str) -> Value {
    let items = json!([
        { "product_retailer_id": "di9ozbzfi4", "quantity": 2, "item_price": 30, "currency": "USD" },
        { "product_retailer_id": "nqryix03ez", "quantity": 1, "item_price": 25, "currency": "USD" },
    ]);
    let mut order = order(n, id, &items);
    order["order"]["text"] = json!("Love these!");
    order
}

/// Another amount of somebody who is closed, as the dashboard writes it.
pub fn amend(n: u32, amount: &str) -> String {
    format!(
        "insert into operator_actions (operator, action, blast_id, recipient_id, phone_number, detail)
         values ('aina', 'closed', 1, {n}, '+{}', '{{\"amount\": \"{amount}\"}}');
         update blast_recipients set amount = {amount} where id = {n}",
        digits(n)
    )
}

pub async fn amount(scene: &InboxScene, n: u32) -> Option<String> {
    scene.text(&format!("select amount::text from blast_recipients where phone_number = '+{}'", digits(n))).await
}

#[tokio::test]
async fn an_order_is_kept_as_it_came_closes_its_person_and_counts_in_revenue_once() {
    let scene = InboxScene::sent(3).await;
    scene
        .shop
        .execute(
            "insert into catalogues (business, external_id, name, source) values ('kedai', '194836987003835', 'Shop', 'meta');
             insert into products (catalogue_id, sku, name, price, currency) values (1, 'teh', 'Teh Tarik', 5, 'MYR')",
        )
        .await;
    let items = json!([
        { "product_retailer_id": "teh", "quantity": 2, "item_price": 4.995, "currency": "MYR" },
        { "product_retailer_id": "who-knows", "quantity": "1", "item_price": "0.10", "currency": "MYR" },
    ]);

    let once = messages(&[order(1, "wamid.o1", &items)]);
    scene.receive_all(&[once.clone(), once, messages(&[recorded(2, "wamid.o2")])]).await;

    let said = scene.shop.json(&["order", "show", "1"]).await;
    assert_eq!((&said["state"], &said["total"], &said["counted"]), (&json!("new"), &json!("10.090"), &json!("10.09")));
    assert_eq!((&said["blast_id"], &said["catalogue"]), (&json!(1), &json!("194836987003835")));
    assert_eq!((&said["items"][0]["name"], &said["items"][0]["price"]), (&json!("Teh Tarik"), &json!("4.995")));
    assert_eq!((&said["items"][1]["name"], &said["items"][1]["sku"]), (&Value::Null, &json!("who-knows")));
    let dollars = scene.shop.json(&["order", "show", "2"]).await;
    assert_eq!(
        (&dollars["total"], &dollars["currency"], &dollars["counted"]),
        (&json!("85.00"), &json!("USD"), &Value::Null)
    );
    assert_eq!(dollars["uncounted"], "it is in USD, and revenue is counted in MYR");
    for (of_export, field) in [("not_counted", "uncounted"), ("blast", "blast_id"), ("recipient", "recipient_id")] {
        assert!(dollars.get(of_export).is_some_and(|value| *value == dollars[field]), "{of_export}: {dollars}");
    }
    assert_eq!(dollars["note"], "Love these!");
    let words = scene.text("select body from replies where message_id = 'wamid.o2'").await;
    assert_eq!(words.as_deref(), Some("(order) 2 × di9ozbzfi4, 1 × nqryix03ez, $ 85.00: Love these!"));
    let statuses = [scene.status(1).await, scene.status(2).await, scene.status(3).await];
    assert_eq!(statuses, ["closed", "closed", "sent"]);
    assert_eq!((amount(&scene, 1).await.as_deref(), amount(&scene, 2).await), (Some("10.09"), None));
    let report = scene.shop.json(&["blast", "report", "1"]).await;
    assert_eq!((&report["amount"], &report["counts"]["closed"]), (&json!("10.09"), &json!(2)));
    assert_eq!(scene.shop.json_lines(&["order", "list"]).await.len(), 2, "the same order twice is one");
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_order_belongs_to_the_message_that_it_quotes_and_a_strangers_is_kept_without_a_blast() {
    let scene = InboxScene::with(3, "cloud", &blast_of("cloud", 2, 0)).await;
    let items = json!([{ "product_retailer_id": "teh", "quantity": 1, "item_price": 5, "currency": "MYR" }]);
    let [mut own, mut foreign] = [order(2, "wamid.o0", &items), order(1, "wamid.o1", &items)];
    for quoting in [&mut own, &mut foreign] {
        quoting["context"] = json!({ "id": "wamid.2", "from": "60122222222" });
    }

    scene.receive(messages(&[own, foreign, order(9, "wamid.o2", &items)])).await;
    let broken = json!([{ "product_retailer_id": "teh" }, { "product_retailer_id": "teh", "quantity": 1, "item_price": -5,
                        "currency": "MYR" }]);
    let huge = json!([{ "product_retailer_id": "a\u{0}\u{1b}]0;x", "quantity": "99999999999999999999", "item_price": 1e20,
                        "currency": "MYR" }]);
    scene
        .receive(messages(&[
            order(3, "wamid.o3", &broken),
            order(3, "wamid.o4", &huge),
            order(3, "wamid.o5", &json!([])),
        ]))
        .await;

    assert_eq!([scene.status(1).await, scene.status(2).await, scene.status(3).await], ["closed", "closed", "closed"]);
    assert_eq!([amount(&scene, 1).await, amount(&scene, 2).await], [Some("5.00".to_owned()), Some("5.00".to_owned())]);
    let orders = scene.shop.json_lines(&["order", "list"]).await;
    let why: Vec<_> = orders.iter().rev().map(|order| order["uncounted"].as_str().unwrap_or("-")).collect();
    let expected = [
        "-",
        "-",
        "it answers no blast that is known",
        "some of its items cannot be read",
        "its total is too large to be counted",
        "it has no items",
    ];
    assert_eq!(why, expected, "{orders:?}");
    assert_eq!(amount(&scene, 3).await, None);
    let shown = scene.shop.ok(&["order", "show", "5"]).await;
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_price_of_more_digits_than_a_float_has_is_kept_to_the_last() {
    let scene = InboxScene::sent(3).await;
    // Numbers, as Meta writes them: a value of `serde_json` has fewer digits.
    let prices = ["99999999999999.99", "0.124999999999999999999", "33.333333333333333333333333"];
    for (n, price) in (1..).zip(prices) {
        let item = json!([{ "product_retailer_id": "a", "quantity": 1, "item_price": "PRICE", "currency": "MYR" }]);
        let body = envelope(&messages(&[order(n, &format!("wamid.o{n}"), &item)])).to_string();
        let body = body.replace("\"PRICE\"", price);
        assert_eq!(scene.serve.meta(body).await, StatusCode::OK);
    }
    scene.until_applied().await;

    for (n, price) in (1..).zip(prices) {
        let said = scene.shop.json(&["order", "show", &n.to_string()]).await;
        assert_eq!(said["total"], *price);
    }
    assert_eq!(amount(&scene, 2).await.as_deref(), Some("0.12"));
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_order_of_nothing_or_of_what_nobody_can_have_closes_nobody() {
    let scene = InboxScene::sent(4).await;
    let of = |quantity: i32, price: &str| json!([{ "product_retailer_id": "teh", "quantity": quantity, "item_price": price, "currency": "MYR" }]);

    let orders = [json!([]), of(0, "5"), of(1, "-5"), of(1, "0")];
    let orders: Vec<_> = (1..).zip(&orders).map(|(n, items)| order(n, &format!("wamid.o{n}"), items)).collect();
    scene.receive(messages(&orders)).await;

    let statuses = [scene.status(1).await, scene.status(2).await, scene.status(3).await, scene.status(4).await];
    assert_eq!(statuses, ["replied", "replied", "replied", "closed"], "what is free is sold too");
    let orders = scene.shop.json_lines(&["order", "list"]).await;
    let why: Vec<_> = orders.iter().rev().map(|order| order["uncounted"].as_str().unwrap_or("-")).collect();
    let impossible = "teh has a quantity or price that nobody can have";
    assert_eq!(why, ["it has no items", impossible, impossible, "-"]);
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_cancelled_order_takes_its_own_amount_back_and_reopens_whom_it_alone_closed() {
    let scene = InboxScene::sent(4).await;
    let worth =
        |price: &str| json!([{ "product_retailer_id": "a", "quantity": 1, "item_price": price, "currency": "MYR" }]);
    scene.shop.ok(&["mark", "1", &digits(2), "closed", "--amount", "7"]).await;
    let all = [
        order(1, "wamid.o1", &worth("10.50")),
        order(1, "wamid.o2", &worth("20")),
        order(2, "wamid.o3", &worth("5")),
        order(3, "wamid.o4", &worth("30")),
        order(4, "wamid.o5", &worth("40")),
    ];
    scene.receive(messages(&all)).await;
    scene.receive(text(4, "wamid.t", "thanks")).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("30.50"));

    scene.shop.ok(&["order", "cancel", "1"]).await;
    assert_eq!((scene.status(1).await, amount(&scene, 1).await.as_deref()), ("closed".to_owned(), Some("20.00")));
    scene.shop.ok(&["order", "cancel", "2"]).await;
    assert_eq!((scene.status(1).await, amount(&scene, 1).await), ("replied".to_owned(), None));
    scene.shop.ok(&["order", "cancel", "3"]).await;
    assert_eq!((scene.status(2).await, amount(&scene, 2).await.as_deref()), ("closed".to_owned(), Some("7.00")));

    // An amount by hand replaces the order's; taking it back does not bring a cancelled order's back.
    scene.shop.execute(&amend(3, "45")).await;
    scene.shop.ok(&["order", "cancel", "4"]).await;
    assert_eq!((scene.status(3).await, amount(&scene, 3).await.as_deref()), ("closed".to_owned(), Some("45.00")));
    scene.shop.ok(&["mark", "1", &digits(3), "undo"]).await;
    assert_eq!((scene.status(3).await, amount(&scene, 3).await), ("replied".to_owned(), None));

    // The close of an order is undone as any mark, and the order then takes nothing more.
    scene.shop.ok(&["mark", "1", &digits(4), "undo"]).await;
    assert_eq!((scene.status(4).await, amount(&scene, 4).await), ("replied".to_owned(), None));
    scene.shop.ok(&["mark", "1", &digits(4), "closed", "--amount", "3"]).await;
    scene.shop.ok(&["order", "cancel", "5"]).await;
    assert_eq!(amount(&scene, 4).await.as_deref(), Some("3.00"));

    let again = scene.shop.run(&["order", "pay", "5"]).await;
    assert_eq!((again.code, again.err.contains("cancelled, for good")), (3, true), "{again:?}");
    let again = scene.shop.run(&["order", "cancel", "5"]).await;
    assert!(again.code == 3 && again.err.contains("order 5 is cancelled already: nothing changed"), "{again:?}");
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_cancelled_order_is_not_counted_because_it_is_cancelled() {
    let scene = InboxScene::sent(1).await;
    scene.receive(messages(&[recorded(1, "wamid.order1")])).await;
    let why = async || scene.shop.json_lines(&["order", "export", "--format", "json"]).await[0]["not_counted"].clone();
    assert_eq!(why().await, "it is in USD, and revenue is counted in MYR");

    scene.shop.ok(&["order", "cancel", "1"]).await;

    assert_eq!(why().await, "it is cancelled");
}

#[tokio::test]
async fn an_order_of_an_id_without_a_number_is_said_while_it_waits_and_listed_by_the_id_after_an_hour() {
    let scene = InboxScene::sent(1).await;
    let mut nameless = order(
        1,
        "wamid.order1",
        &json!([{ "product_retailer_id": "teh", "quantity": 2, "item_price": 3,
                                                          "currency": "MYR" }]),
    );
    nameless["from_user_id"] = json!("MY.somebody");
    nameless.as_object_mut().unwrap().remove("from");
    scene.receive(messages(&[nameless])).await;

    let waits = scene.shop.run(&["order", "list"]).await;

    let says = "1 order waits: the writer's number is not known yet: `BLASTDECK_STATE_DIR='";
    assert!(waits.code == 0 && waits.err.contains(says), "{waits:?}");
    let hour = "received_at = received_at - interval '2 hours', next_try_at = now()";
    scene.shop.execute(&format!("update webhook_inbox set {hour} where state = 'parked'")).await;
    eventually_async("it is kept without a number", async || {
        scene.shop.number("select count(*) from orders where user_id = 'MY.somebody'").await == 1
    })
    .await;
    let listed = scene.shop.run(&["order", "list"]).await;
    assert!(listed.out.contains("MY.somebody") && !listed.err.contains("waits"), "{listed:?}");
    let shown = activity::page(&scene.shop.database.pool, None, 1).await.unwrap();
    assert_eq!(shown[0].name.as_deref(), Some("MY.somebody"), "{shown:?}");
}

#[tokio::test]
async fn an_operator_writes_an_order_and_takes_it_through_its_states() {
    let scene = InboxScene::sent(2).await;
    scene
        .shop
        .execute(
            "insert into catalogues (business, name, source) values ('kedai', 'Shop', 'csv');
             insert into products (catalogue_id, sku, name, price, currency) values (1, 'teh', 'Teh Tarik', 5.25, 'MYR')",
        )
        .await;

    let made = scene.shop.json(&["order", "add", "1", &digits(1), "teh×2", "kuih*3@1.20", "--note", "no sugar"]).await;
    assert_eq!(
        (&made["total"], &made["counted"], &made["note"]),
        (&json!("14.10"), &json!("14.10"), &json!("no sugar"))
    );
    for (verb, state) in [("confirm", "confirmed"), ("pay", "paid"), ("fulfil", "fulfilled")] {
        assert_eq!(scene.shop.json(&["order", verb, "1"]).await["state"], state);
    }
    let twice = scene.shop.run(&["order", "pay", "1"]).await;
    assert_eq!(twice.code, 3, "{twice:?}");
    let unknown = scene.shop.run(&["order", "add", "1", &digits(2), "roti*2"]).await;
    assert!(
        unknown.code == 2 && unknown.err.contains("no catalogue of this business has a price of `roti`"),
        "{unknown:?}"
    );
    let spaced = scene.shop.run(&["order", "add", "1", &digits(2), "roti canai*2"]).await;
    assert!(spaced.err.contains("write it, as 'roti canai*2@12.50'"), "{spaced:?}");
    for typed in ["teh x2", "tehx2", "teh X 2", "2x teh", "Shop/teh x2"] {
        let meant = scene.shop.run(&["order", "add", "1", &digits(2), typed]).await;
        let sku = if typed.starts_with("Shop") { "Shop/teh" } else { "teh" };
        assert!(meant.code == 2 && meant.err.contains(&format!("did you mean '{sku}*2'?")), "{typed}: {meant:?}");
    }
    let unknown = scene.shop.run(&["cart", "add", "1", &digits(2), "teh x2"]).await;
    assert!(unknown.code == 2 && unknown.err.contains("did you mean 'teh*2'?"), "{unknown:?}");
    for (verb, typed, sku) in [("order", "TEH*2", "teh"), ("order", "Shop/Teh*2", "teh"), ("cart", "Teh", "teh")] {
        let meant = scene.shop.run(&[verb, "add", "1", &digits(2), typed]).await;
        assert!(meant.code == 2 && meant.err.contains(&format!("did you mean `{sku}`?")), "{typed}: {meant:?}");
    }
    let nobody = scene.shop.run(&["order", "add", "1", &digits(8), "teh"]).await;
    assert_eq!(nobody.code, 1, "{nobody:?}");
    assert_eq!(scene.shop.run(&["order", "show", "99"]).await.code, 1);
    let listed = scene.shop.json_lines(&["order", "list", "--state", "fulfilled", "--phone", &digits(1)]).await;
    assert_eq!(listed.len(), 1);

    let mixed = scene.shop.ok(&["order", "add", "1", &digits(2), "sake*1@300 JPY", "kuih*2@5"]).await;
    assert!(mixed.contains("JPY 300") && mixed.contains("RM 5.00") && mixed.contains("RM 10.00"), "{mixed}");
    let whole = scene.shop.ok(&["order", "add", "1", &digits(2), "kuih*1@5"]).await;
    assert!(whole.contains("total RM 5.00; RM 5.00 of it counts in revenue"), "{whole}");

    scene.shop.execute("update order_items set price = 6 where id = 1").await;
    let audit = scene.shop.run(&["audit"]).await;
    assert!(audit.code == 4 && audit.out.contains("order 1, total: written 14.10, recounted 15.60"), "{audit:?}");
    scene.shop.invariants().await;
}

/// So many orders of so many people; in the long form ten thousand, which are always read and added up in
/// `engine/inbox/orders/tests.rs`.
const ORDERS: i64 = 200;
const PEOPLE: u32 = 60;

struct Made {
    person: u32,
    body: Value,
    /// In hundredths of a cent.
    revenue: Option<i128>,
}

/// Prices with up to four places, as numbers and as texts; every tenth order is not in the currency of revenue.
fn generated(random: &mut StdRng, n: i64, now: DateTime<Utc>) -> Made {
    let person = random.random_range(1..=PEOPLE);
    let currency = if n.rem_euclid(10) == 0 { "USD" } else { "MYR" };
    let (mut items, mut sum) = (Vec::new(), 0_i128);
    for _ in 0..random.random_range(1..4) {
        let (quantity, places) = (random.random_range(1..6_i128), random.random_range(0..=4_u32));
        let units = random.random_range(0..2_000_000_i128) / 10_i128.pow(4 - places) * 10_i128.pow(4 - places);
        sum += quantity * units;
        let text = format!("{}.{:04}", units / 10_000, units % 10_000);
        let price = if random.random() { json!(text) } else { json!(text.parse::<f64>().unwrap()) };
        let sku = format!("sku{}", random.random_range(0..50));
        items.push(json!({ "product_retailer_id": sku, "quantity": i64::try_from(quantity).unwrap(), "item_price": price, "currency": currency }));
    }
    let mut body = order(person, &format!("wamid.g{n}"), &json!(items));
    let at = now - TimeDelta::seconds(random.random_range(0..50));
    body["timestamp"] = json!(at.timestamp().to_string());
    Made { person, body, revenue: (currency == "MYR").then_some(sum) }
}

#[tokio::test]
async fn orders_out_of_order_and_doubled_count_once_and_to_the_last_digit() {
    let scene = InboxScene::sent(PEOPLE).await;
    let mut random = StdRng::seed_from_u64(13);
    let now = Utc::now();
    let orders = if long_form() { 10_000 } else { ORDERS };
    let made: Vec<_> = (0..orders).map(|n| generated(&mut random, n, now)).collect();
    let mut expected: BTreeMap<u32, Decimal> = BTreeMap::new();
    for order in &made {
        let sum = Decimal::from_i128_with_scale(order.revenue.unwrap_or_default(), 4);
        *expected.entry(order.person).or_default() +=
            sum.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    }
    let mut bodies: Vec<&Value> = made.iter().map(|order| &order.body).collect();
    bodies.extend(made.iter().step_by(7).map(|order| &order.body));
    bodies.shuffle(&mut random);

    let webhooks: Vec<Value> = bodies.chunks(50).map(|items| json!({ "messages": items })).collect();
    scene.receive_all(&webhooks).await;

    let left = "select count(*) from webhook_inbox where state <> 'applied'";
    crate::support::eventually_async("all are applied", async || scene.shop.number(left).await == 0).await;
    assert_eq!(scene.shop.number("select count(*) from orders").await, orders);
    let amounts: Vec<(String, Decimal)> =
        sqlx::query_as("select phone_number, coalesce(amount, 0) from blast_recipients order by id")
            .fetch_all(&scene.shop.database.pool)
            .await
            .unwrap();
    let ordered: HashSet<u32> = made.iter().map(|order| order.person).collect();
    for (n, (phone, amount)) in (1..).zip(amounts) {
        assert_eq!(amount, expected.get(&n).copied().unwrap_or_default(), "{phone}");
    }
    let exact = "select count(*) from orders o where o.total is distinct from
                 (select sum(quantity * price) from order_items i where i.order_id = o.id)";
    assert_eq!(scene.shop.number(exact).await, 0);
    let report = scene.shop.json(&["blast", "report", "1"]).await;
    let revenue: Decimal = expected.values().sum();
    assert_eq!(report["amount"].as_str().unwrap().parse::<Decimal>().unwrap(), revenue);
    assert_eq!(report["counts"]["closed"], ordered.len());
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

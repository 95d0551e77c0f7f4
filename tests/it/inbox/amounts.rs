//! What people's amounts are where orders, amounts by hand, cancels, undos and edits meet.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ordering::{amend, amount, messages, order};
use super::scene::InboxScene;
use crate::support::serve::senders;
use crate::support::{Setup, Shop, digits, long_form};

#[tokio::test]
async fn an_amount_that_an_operator_types_replaces_what_orders_counted_before() {
    let scene = InboxScene::sent(1).await;
    let person = digits(1);
    let (add, cancel) = (["order", "add", "1", &person], ["order", "cancel"]);
    scene.shop.ok(&[&add[..], &["a@30"]].concat()).await;
    scene.shop.ok(&["mark", "1", &person, "closed", "--amount", "45"]).await;
    scene.shop.ok(&[&add[..], &["b@5"]].concat()).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("50.00"));

    let replaced = scene.shop.json(&["order", "show", "1"]).await;
    let why = replaced["uncounted"].as_str().unwrap_or_default();
    assert!(why.starts_with("aina wrote another amount in its place, at 20"), "{replaced}");
    assert_eq!((&replaced["counted"], &replaced["total"]), (&Value::Null, &json!("30.00")));
    let shown = scene.shop.ok(&["order", "show", "1"]).await;
    assert!(shown.contains("not counted in revenue: aina wrote another amount in its place"), "{shown}");
    assert_eq!(scene.shop.json(&["order", "show", "2"]).await["counted"], "5.00");

    scene.shop.ok(&[&cancel[..], &["1"]].concat()).await;
    assert_eq!((scene.status(1).await, amount(&scene, 1).await.as_deref()), ("closed".to_owned(), Some("50.00")));
    scene.shop.ok(&[&cancel[..], &["2"]].concat()).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("45.00"));
    scene.shop.ok(&["audit"]).await;
    let undone = scene.shop.ok(&["mark", "1", &person, "undo"]).await;
    assert!(undone.contains("closed -> "), "{undone}");
    assert_eq!((scene.status(1).await == "closed", amount(&scene, 1).await), (false, None));

    // An order that a customer sent may be written over as well.
    let items = json!([{ "product_retailer_id": "a", "quantity": 1, "item_price": 5, "currency": "MYR" }]);
    scene.receive(messages(&[order(1, "wamid.o9", &items)])).await;
    scene.shop.ok(&["mark", "1", &person, "closed", "--amount", "9"]).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("9.00"));
    scene.shop.ok(&["mark", "1", &person, "undo"]).await;
    scene.shop.ok(&["order", "cancel", "3"]).await;
    assert_eq!(amount(&scene, 1).await, None);

    // Undone while its order stands, the typed amount gives place to the order's again.
    scene.shop.ok(&[&add[..], &["c@7.50"]].concat()).await;
    scene.shop.ok(&["mark", "1", &person, "closed", "--amount", "0"]).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("0.00"));
    for read in [&["blast", "recipients", "1", "--search", "status:closed"][..], &["blast", "export", "1"]] {
        assert_eq!(scene.shop.json_lines(read).await[0]["amount"], "0.00", "{read:?}");
    }
    scene.shop.ok(&["mark", "1", &person, "undo"]).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("7.50"));
    assert_eq!(scene.shop.json(&["order", "show", "4"]).await["counted"], "7.50");
    scene.shop.execute("update blast_recipients set amount = 8 where id = 1").await;
    let audit = scene.shop.run(&["audit"]).await;
    assert!(audit.code == 4 && audit.out.contains("recipient 1, amount: written 8.00, recounted 7.50"), "{audit:?}");
}

/// What closes one person, as an independent list: an order with its number, or an amount that was typed.
#[derive(Clone, Copy)]
enum Written {
    Order(i64, i64),
    Typed(i64),
}

fn worth(written: &[Written]) -> Option<Decimal> {
    let after_typed = written.iter().rposition(|one| matches!(one, Written::Typed(_))).unwrap_or_default();
    let sum = written[after_typed..].iter().map(|one| match one {
        Written::Order(_, cents) | Written::Typed(cents) => *cents,
    });
    (!written.is_empty()).then(|| Decimal::new(sum.sum(), 2))
}

#[tokio::test]
async fn any_sequence_of_orders_amounts_cancels_and_undos_counts_what_stands() {
    let scene = InboxScene::sent(1).await;
    let person = digits(1);
    let mut random = StdRng::seed_from_u64(47);
    let (mut written, mut orders): (Vec<Written>, i64) = (Vec::new(), 0);
    for step in 0..if long_form() { 400 } else { 40 } {
        let cents = random.random_range(1..50_000_i64);
        let sum = Decimal::new(cents, 2).to_string();
        match random.random_range(0..4) {
            0 => {
                orders += 1;
                scene.shop.ok(&["order", "add", "1", &person, &format!("sku@{sum}")]).await;
                written.push(Written::Order(orders, cents));
            }
            1 if worth(&written) != Some(Decimal::new(cents, 2)) => {
                scene.shop.ok(&["mark", "1", &person, "closed", "--amount", &sum]).await;
                written.push(Written::Typed(cents));
            }
            2 if !written.is_empty() => {
                scene.shop.ok(&["mark", "1", &person, "undo"]).await;
                written.pop();
            }
            _ => {
                let place = random.random_range(0..=written.len());
                let Some(Written::Order(id, _)) = written.get(place).copied() else { continue };
                scene.shop.ok(&["order", "cancel", &id.to_string()]).await;
                written.remove(place);
            }
        }
        let now: Option<Decimal> = sqlx::query_scalar("select amount from blast_recipients where id = 1")
            .fetch_one(&scene.shop.database.pool)
            .await
            .unwrap();
        assert_eq!((now, scene.status(1).await == "closed"), (worth(&written), !written.is_empty()), "step {step}");
    }
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn an_edited_order_keeps_what_it_was_and_revenue_follows() {
    let scene = InboxScene::sent(2).await;
    let items = json!([
        { "product_retailer_id": "teh", "quantity": 2, "item_price": 4.995, "currency": "MYR" },
        { "product_retailer_id": "kuih", "quantity": 1, "item_price": "0.50", "currency": "MYR" },
    ]);
    scene.receive(messages(&[order(1, "wamid.o1", &items)])).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("10.49"));

    let edited = scene.shop.json(&["order", "edit", "1", "teh×3", "-kuih", "roti@1.20"]).await;
    assert_eq!((&edited["total"], &edited["counted"]), (&json!("16.185"), &json!("16.19")));
    assert_eq!((&edited["original"]["total"], &edited["edited_by"]), (&json!("10.490"), &json!("aina")));
    assert_eq!(edited["original"]["items"][1]["sku"], "kuih");
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("16.19"));
    scene.shop.ok(&["order", "edit", "1", "teh×1"]).await;
    let shown = scene.shop.ok(&["order", "show", "1"]).await;
    assert!(shown.contains("at first: teh×2, kuih×1, RM 10.49; edited by aina"), "{shown}");
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("6.20"));
    scene.shop.ok(&["audit"]).await;

    // An amount that was typed since stays as it is, until it is taken back.
    scene.shop.execute(&amend(1, "45")).await;
    scene.shop.ok(&["order", "edit", "1", "teh×2"]).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("45.00"));
    scene.shop.ok(&["mark", "1", &digits(1), "undo"]).await;
    assert_eq!(amount(&scene, 1).await.as_deref(), Some("11.19"));
    assert_eq!(scene.shop.number("select count(*) from order_edits").await, 3);

    let missing = scene.shop.run(&["order", "edit", "1", "-nasi"]).await;
    assert!(missing.code == 2 && missing.err.contains("it has teh, roti"), "{missing:?}");
    scene.shop.ok(&["order", "cancel", "1"]).await;
    let cancelled = scene.shop.run(&["order", "edit", "1", "teh×9"]).await;
    let again = format!("order add 1 +{} 'teh*2@", digits(1));
    assert!(cancelled.code == 3 && cancelled.err.contains("cancelled, for good"), "{cancelled:?}");
    assert!(cancelled.err.contains("' blastdeck --config") && cancelled.err.contains(&again), "{cancelled:?}");
    assert_eq!(amount(&scene, 1).await, None);
    scene.shop.ok(&["audit"]).await;
    scene.shop.invariants().await;
}

#[tokio::test]
async fn a_price_with_more_digits_than_are_kept_is_refused_and_a_time_ahead_is_said() {
    let scene = InboxScene::sent(2).await;
    let price = "1.0000000000000000000000000000000005";
    let long = json!([{ "product_retailer_id": "a", "quantity": 1, "item_price": price, "currency": "MYR" }]);
    let plain = json!([{ "product_retailer_id": "a", "quantity": 1, "item_price": 5, "currency": "MYR" }]);
    let mut ahead = order(2, "wamid.o2", &plain);
    ahead["timestamp"] = json!("4102444800");

    scene.receive(messages(&[order(1, "wamid.o1", &long), ahead])).await;

    let refused = scene.shop.json(&["order", "show", "1"]).await;
    assert_eq!((&refused["counted"], &refused["uncounted"]), (&Value::Null, &json!("a has no price")));
    let dated = scene.shop.json(&["order", "show", "2"]).await;
    assert_eq!((&dated["dated_at"], &dated["counted"]), (&json!("2100-01-01T00:00:00Z"), &json!("5.00")));
    let shown = scene.shop.ok(&["order", "show", "2"]).await;
    assert!(shown.contains("which was ahead: it came"), "{shown}");
}

#[tokio::test]
async fn a_typed_amount_has_the_places_of_the_currency_that_revenue_is_counted_in() {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", format!("{}\n[ui]\ncurrency = \"JPY\"\n", senders(shop.sim.base_url())));
    let scene = InboxScene::on(shop, 1, "cloud", "").await;
    let mark = async |amount: &str| scene.shop.run(&["mark", "1", &digits(1), "closed", "--amount", amount]).await;

    let refused = mark("100.50").await;
    assert!(
        refused.code == 2 && refused.err.contains("JPY has no decimal places: write it as 100 or 101"),
        "{refused:?}"
    );
    assert_eq!(scene.status(1).await, "sent");
    let done = mark("1,500").await;
    assert!(done.code == 0 && done.out.contains("with JPY 1,500"), "{done:?}");
}

#[tokio::test]
async fn an_order_whose_close_was_undone_says_why_it_does_not_count() {
    let scene = InboxScene::sent(2).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "a@30"]).await;
    shop.ok(&["mark", "1", &digits(1), "undo"]).await;

    let undone = shop.json(&["order", "show", "1"]).await;
    assert_eq!((&undone["counted"], &undone["uncounted"]), (&Value::Null, &json!("its close was undone by aina")));
    let said = shop.ok(&["order", "show", "1"]).await;
    assert!(said.contains("not counted in revenue: its close was undone by aina"), "{said}");
    shop.ok(&["order", "add", "1", &digits(2), "a@30"]).await;
    assert_eq!(shop.json(&["order", "show", "2"]).await["uncounted"], Value::Null);
    shop.ok(&["order", "cancel", "2"]).await;
    assert_eq!(shop.json(&["order", "show", "2"]).await["uncounted"], "it is cancelled");
}

#[tokio::test]
async fn an_order_in_another_currency_is_not_said_to_count_no_longer_once_its_close_is_undone() {
    let scene = InboxScene::sent(1).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "a@1.250 KWD"]).await;

    let undone = shop.ok(&["mark", "1", &digits(1), "undo"]).await;

    assert!(undone.contains("closed -> ") && !undone.contains("order 1"), "{undone}");
}

#[tokio::test]
async fn an_amount_that_never_stood_is_not_said_to_stand_again() {
    let scene = InboxScene::sent(1).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "a@30"]).await;
    shop.ok(&["mark", "1", &digits(1), "closed", "--amount", "45"]).await;
    shop.ok(&["order", "edit", "1", "a@40"]).await;

    let undone = shop.ok(&["mark", "1", &digits(1), "undo"]).await;

    assert!(undone.contains("the amount is RM 40.00 now") && !undone.contains("again"), "{undone}");
}

#[tokio::test]
async fn a_price_makes_no_new_product_of_a_sku_in_other_capitals() {
    let shop = InboxScene::sent(1).await.shop;
    let menu = shop.write("menu.csv", "sku,name,price\nkuih,Kuih Lapis,1.20\n");
    shop.ok(&["catalog", "import", menu.to_str().unwrap()]).await;
    shop.ok(&["order", "add", "1", &digits(1), "teh×2@3"]).await;
    shop.ok(&["cart", "add", "1", &digits(1), "teh×2@3"]).await;

    for (verb, typed, sku) in [
        (["order", "edit"], "TEH×3@12.50", "teh"),
        (["order", "edit"], "Kuih×1@2", "kuih"),
        (["cart", "set"], "Teh×1@2", "teh"),
    ] {
        let meant = shop.run(&[&verb[..], &["1", typed]].concat()).await;
        assert!(meant.code == 2 && meant.err.contains(&format!("did you mean `{sku}`?")), "{typed}: {meant:?}");
    }

    let items = &shop.json(&["order", "show", "1"]).await["items"];
    assert_eq!(
        (items.as_array().map(Vec::len), &items[0]["sku"], &items[0]["price"]),
        (Some(1), &json!("teh"), &json!("3.00"))
    );
    // Another product may have a price that no catalogue knows.
    shop.ok(&["order", "edit", "1", "roti×1@2"]).await;
}

#[tokio::test]
async fn a_list_that_a_state_or_number_empties_does_not_say_that_there_is_nothing() {
    let shop = InboxScene::sent(2).await.shop;
    shop.ok(&["order", "add", "1", &digits(1), "teh×2@3"]).await;
    shop.ok(&["cart", "add", "1", &digits(1), "teh×2@3"]).await;

    for (verb, narrowed) in [("order", ["--state", "paid"]), ("cart", ["--state", "abandoned"])] {
        for narrowed in [narrowed, ["--phone", &digits(2)]] {
            let none = shop.run(&[&[verb, "list"], &narrowed[..]].concat()).await;

            let said = format!("no {verb} is like that: without --state and --phone the list has all");
            assert!(none.code == 0 && none.err.contains(&said), "{none:?}");
        }
    }
}

//! Carts: what people put together, what becomes of it, and whom a follow-up finds by it.

mod cut_lists;
mod follow_ups;
mod sold_out;
mod twice;

use serde_json::{Value, json};

use crate::inbox::scene::InboxScene;
use crate::support::digits;

/// A catalogue with tea for 2.50 and cake that is sold out.
const MENU: &str = "
    insert into catalogues (business, name, source) values ('kedai', 'menu', 'csv');
    insert into products (catalogue_id, sku, name, price, currency, inventory)
    values (1, 'teh', 'Teh Tarik', 2.50, 'MYR', 4), (1, 'kek', 'Kek', 9, 'MYR', 0)";

async fn scene(people: u32) -> InboxScene {
    let scene = InboxScene::sent(people).await;
    scene.shop.execute(MENU).await;
    scene
}

/// What the columns of an export are called, beside the names of before.
fn has_names_of_export(cart: &Value) {
    for (of_export, field) in [("blast", "blast_id"), ("recipient", "recipient_id")] {
        assert!(cart.get(of_export).is_some_and(|value| *value == cart[field]), "{of_export}: {cart}");
    }
}

#[tokio::test]
async fn a_cart_is_written_changed_and_ordered_once() {
    let scene = scene(2).await;
    let shop = &scene.shop;

    let none = shop.run(&["cart", "list"]).await;
    assert!(none.err.contains(&format!("cart add 1 +{} 'teh*2@2.50'` writes one", digits(1))), "{none:?}");
    let made = shop.json(&["cart", "add", "1", &digits(1), "teh×2", "who-knows", "--note", "no sugar"]).await;
    has_names_of_export(&made);
    assert_eq!((&made["state"], &made["total"], &made["note"]), (&json!("open"), &Value::Null, &json!("no sugar")));
    assert_eq!((&made["items"][0]["name"], &made["items"][1]["price"]), (&json!("Teh Tarik"), &Value::Null));
    let unpriced = shop.run(&["cart", "order", "1"]).await;
    assert!(
        unpriced.code == 2 && unpriced.err.contains("no catalogue of this business has a price of `who-knows`"),
        "{unpriced:?}"
    );
    assert!(unpriced.err.contains("cart set 1 'who-knows*1@12.50'`"), "{unpriced:?}");
    assert_eq!(shop.count("closed").await, 0);

    let set = shop.json(&["cart", "set", "1", "teh×3", "-who-knows", "kuih×2@0.35"]).await;
    assert_eq!((&set["total"], &set["items"].as_array().unwrap().len()), (&json!("8.20"), &2));
    let unknown = shop.run(&["cart", "set", "1", "-roti"]).await;
    assert!(unknown.code == 2 && unknown.err.contains("it has teh, kuih"), "{unknown:?}");
    let emptied = shop.run(&["cart", "set", "1", "-teh", "kuih×0"]).await;
    assert!(emptied.code == 3 && emptied.err.contains("cart abandon 1` ends it"), "{emptied:?}");

    let first = ["cart", "order", "1", "--json"];
    let (one, two) = tokio::join!(shop.run(&first), shop.run(&first));
    let (done, refused) = if one.code == 0 { (one, two) } else { (two, one) };
    assert_eq!(
        (done.code, refused.code, refused.err.contains("is order 1 already")),
        (0, 3, true),
        "{done:?} {refused:?}"
    );
    let order: Value = serde_json::from_str(&done.out).unwrap();
    let said = json!([order["total"], order["counted"], order["note"]]);
    assert_eq!(said, json!(["8.20", "8.20", "no sugar"]));
    assert_eq!(scene.status(1).await, "closed");
    let cart = shop.json(&["cart", "show", "1"]).await;
    assert_eq!((&cart["state"], &cart["order_id"]), (&json!("ordered"), &json!(1)));
    assert_eq!(shop.run(&["cart", "set", "1", "teh×9"]).await.code, 3);

    let cancelled = shop.ok(&["order", "cancel", "1"]).await;
    assert!(cancelled.contains("; cart 1 is open again"), "{cancelled}");
    let cart = shop.json(&["cart", "show", "1"]).await;
    assert_eq!(
        (&cart["state"], &cart["order_id"], scene.status(1).await.as_str()),
        (&json!("open"), &Value::Null, "sent")
    );
    assert_eq!(shop.json_lines(&["blast", "recipients", "1", "--search", "has:cart"]).await.len(), 1);
    assert_eq!(shop.json(&["cart", "order", "1"]).await["id"], 2, "it is ordered once more");

    shop.ok(&["cart", "add", "1", &digits(2), "teh"]).await;
    assert_eq!(shop.json(&["cart", "abandon", "2"]).await["state"], "abandoned");
    let ended = shop.run(&["cart", "order", "2"]).await;
    let again = format!("cart add 1 +{} 'teh*1@2.50'`", digits(2));
    assert!(ended.code == 3 && ended.err.contains(&again), "{ended:?}");
    assert_eq!(shop.json_lines(&["cart", "list"]).await.len(), 2);
    assert_eq!(shop.json_lines(&["cart", "list", "--state", "abandoned", "--phone", &digits(2)]).await.len(), 1);
    let missing = shop.run(&["cart", "show", "9"]).await;
    assert!(missing.code == 1 && missing.err.contains("cart list` lists them"), "{missing:?}");
    shop.ok(&["audit"]).await;
    shop.execute("update cart_items set quantity = 7 where cart_id = 2").await;
    let audit = shop.run(&["audit"]).await;
    assert!(audit.code == 4 && audit.out.contains("total of cart 2: written 2.50, recounted 17.50"), "{audit:?}");
    shop.invariants().await;
}

#[tokio::test]
async fn whoever_has_a_cart_and_no_order_for_a_day_is_found_for_a_follow_up() {
    let scene = scene(5).await;
    let shop = &scene.shop;
    for n in 1..=4 {
        shop.ok(&["cart", "add", "1", &digits(n), "teh"]).await;
    }
    shop.execute("update carts set created_at = now() - interval '30 hours', updated_at = now() - interval '30 hours' where id < 4")
        .await;
    shop.ok(&["cart", "abandon", "2"]).await;
    // Another order of theirs since is an order, too; a cancelled one is none.
    shop.ok(&["order", "add", "1", &digits(3), "teh"]).await;

    let found = async |filter: &str| -> Vec<String> {
        let rows = shop.json_lines(&["blast", "recipients", "1", "--search", filter]).await;
        rows.iter()
            .map(|row| row["phone_number"].as_str().unwrap_or_default().trim_start_matches('+').to_owned())
            .collect()
    };
    assert_eq!(found("has:cart older:24h").await, [digits(1)]);
    assert_eq!(found("has:cart").await, [digits(1), digits(4)]);
    assert_eq!(found("-has:cart").await, [digits(2), digits(3), digits(5)]);
    shop.ok(&["order", "cancel", "1"]).await;
    assert_eq!(found("has:cart older:24h").await, [digits(1), digits(3)]);

    let draft =
        ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--from", "blast:1 has:cart older:24h"];
    let made = shop.json(&draft).await;
    let id = made["id"].as_i64().unwrap();
    let people = format!("select count(*) from blast_recipients where blast_id = {id}");
    assert_eq!(shop.number(&people).await, 2);
    let customer = shop.json(&["customer", "show", &digits(1)]).await;
    assert_eq!((&customer["carts"], &customer["orders"], &customer["sales"]), (&json!(1), &json!(0), &json!(0)));
}

#[tokio::test]
async fn a_product_of_two_catalogues_is_named_with_its_catalogue() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    shop.execute(
        "insert into catalogues (business, name, source) values ('kedai', 'feast', 'csv');
         insert into products (catalogue_id, sku, name, price, currency) values (2, 'teh', 'Teh Feast', 7, 'MYR')",
    )
    .await;

    let refused = shop.run(&["order", "add", "1", &digits(1), "teh"]).await;
    assert!(refused.code == 2 && refused.err.contains("write `menu/teh` or `feast/teh`"), "{refused:?}");
    let order = shop.json(&["order", "add", "1", &digits(1), "feast/teh×2", "1/teh"]).await;
    assert_eq!(order["total"], "16.50");
    let items = &order["items"];
    assert_eq!(
        (&items[0]["name"], &items[1]["name"], &items[0]["sku"]),
        (&json!("Teh Feast"), &json!("Teh Tarik"), &json!("teh"))
    );
    let id = order["id"].to_string();
    let sen = |of: &Value| (of["total"].as_str().unwrap().parse::<f64>().unwrap() * 100.0).round().to_string();
    for either in ["teh×4", "teh×0"] {
        let refused = shop.run(&["order", "edit", &id, either]).await;
        assert!(refused.code == 2 && refused.err.contains("write `feast/teh` or `menu/teh`"), "{either}: {refused:?}");
    }
    for (change, total, lines) in
        [("feast/teh×5", "3750", 2), ("1/teh×0", "3500", 1), ("teh×1", "700", 1), ("menu/teh×2", "1200", 2)]
    {
        let order = shop.json(&["order", "edit", &id, change]).await;
        let items = order["items"].as_array().unwrap().len();
        assert_eq!((sen(&order).as_str(), items), (total, lines), "{change}: {order}");
    }
    let cart = shop.json(&["cart", "add", "1", &digits(2), "feast/teh", "menu/teh"]).await["id"].to_string();
    assert_eq!(sen(&shop.json(&["cart", "set", &cart, "menu/teh×4"]).await), "1700");
    assert_eq!(shop.run(&["catalog", "remove", "feast"]).await.code, 3);
    let removed = shop.ok(&["catalog", "remove", "feast", "--yes"]).await;
    assert!(removed.starts_with("catalogue 2, feast, with 1 product is removed"), "{removed}");
    let kept = shop.json(&["cart", "show", &cart]).await;
    assert_eq!((sen(&kept).as_str(), &kept["items"][0]["name"]), ("1700", &json!("Teh Feast")), "{kept}");
    assert_eq!(shop.json(&["order", "add", "1", &digits(1), "teh"]).await["items"][0]["name"], "Teh Tarik");
    assert_eq!(shop.run(&["catalog", "remove", "feast"]).await.code, 1);
    shop.ok(&["audit"]).await;
}

#[tokio::test]
async fn what_is_wrong_is_said_of_the_thing_that_was_asked_for() {
    let scene = scene(2).await;
    let shop = &scene.shop;

    for (verb, list, code) in [("catalog", "catalog list", 1), ("order", "order list", 2), ("cart", "cart list", 2)] {
        let said = shop.run(&[verb, "show", "X"]).await;
        assert!(said.code == code && said.err.contains(&format!(" {list}`")), "{said:?}");
    }
    shop.write("empty.csv", "\n");
    let said = shop.run(&["catalog", "import", "empty.csv"]).await;
    assert!(said.code == 3 && said.err.contains("a row for each product"), "{said:?}");
    let merged = shop.run(&["customer", "merge", &digits(1), "+60109999999"]).await;
    assert!(merged.code == 0 && merged.err.contains("nothing was known of +60 10-999 9999 until now"), "{merged:?}");
    let nothing = shop.json(&["customer", "show", &digits(2)]).await;
    assert_eq!(nothing["revenue"], "0.00");
}

#[tokio::test]
async fn a_catalogue_that_is_none_before_the_slash_is_named_with_those_that_there_are() {
    let scene = scene(1).await;
    let shop = &scene.shop;
    let before = scene.facts().await;

    for verb in ["order", "cart"] {
        let refused = shop.run(&[verb, "add", "1", &digits(1), "nosuch/teh"]).await;
        assert!(
            refused.code == 2 && refused.err.contains("no catalogue is called `nosuch`: there is menu"),
            "{refused:?}"
        );
    }
    let missing = shop.run(&["order", "add", "1", &digits(1), "menu/roti"]).await;
    assert!(missing.code == 2 && missing.err.contains("catalogue menu has no `roti`"), "{missing:?}");

    assert_eq!(scene.facts().await, before);
    // A SKU may have a slash in it.
    let own = shop.json(&["order", "add", "1", &digits(1), "a/b@5"]).await;
    assert_eq!(own["items"][0]["sku"], "a/b");
}

#[tokio::test]
async fn a_product_of_one_letter_is_taken_out_and_one_that_is_a_flag_after_two_dashes() {
    let scene = scene(1).await;
    let shop = &scene.shop;
    let id = shop.json(&["order", "add", "1", &digits(1), "a@1", "b@2", "h@3", "v@4", "V@5"]).await["id"].to_string();
    let skus = |order: &Value| -> String {
        order["items"].as_array().unwrap().iter().map(|item| item["sku"].as_str().unwrap()).collect()
    };

    assert_eq!(skus(&shop.json(&["order", "edit", &id, "-b"]).await), "ahvV");
    let said = shop.run(&["order", "edit", &id, "-v"]).await;
    assert!(said.code == 2 && said.err.contains("order edit 1 -- -v`"), "{said:?}");
    for flag in ["-h", "-V", "-v"] {
        let said = shop.run(&["order", "edit", &id, "a×2", flag, "--json"]).await;
        assert!(said.code == 2 && said.err.contains(&format!("-- {flag}")), "{said:?}");
    }
    shop.ok(&["order", "edit", &id, "--", "-h", "-v", "-V"]).await;
    assert_eq!(skus(&shop.json(&["order", "show", &id]).await), "a");
    for (wrong, said) in [("-A", "did you mean `a`?"), ("-roti", "it has a")] {
        let refused = shop.run(&["order", "edit", &id, "new×1@2", wrong]).await;
        assert!(refused.code == 2 && refused.err.trim_end().ends_with(said), "{refused:?}");
    }
}

#[tokio::test]
async fn what_somebody_bought_before_their_cart_does_not_leave_them_out_of_a_follow_up() {
    let scene = scene(4).await;
    let shop = &scene.shop;
    let before = "now() - interval '3 hours'";
    for n in 1..=3 {
        shop.ok(&["order", "add", "1", &digits(n), "teh"]).await;
    }
    shop.execute(&format!(
        "update blast_recipients set closed_at = {before}, sent_at = {before} - interval '1 hour' where closed_at is not null;
         update orders set ordered_at = {before}, created_at = {before}"
    ))
    .await;
    for n in 1..=4 {
        shop.ok(&["cart", "add", "1", &digits(n), "teh"]).await;
    }
    // Bought after it: by an order, and by an amount that an operator wrote.
    shop.ok(&["order", "add", "1", &digits(2), "teh"]).await;
    shop.ok(&["mark", "1", &digits(4), "closed", "--amount", "12"]).await;

    let new = ["blast", "new", "--sender", "cloud", "--template", "hello_world", "--from", "blast:1 has:cart"];
    let made = shop.json(&new).await["id"].to_string();

    let people = shop.json_lines(&["blast", "recipients", &made]).await;
    let phones: Vec<_> = people.iter().map(|person| person["phone_number"].clone()).collect();
    assert_eq!(phones, [1, 3].map(|n| json!(format!("+{}", digits(n)))));
    let segment = shop.json(&["blast", "plan", &made]).await["segment"].clone();
    assert_eq!((&segment["finds"], &segment["left_out"]), (&json!(3), &json!({ "closed": 1 })));
}

#[tokio::test]
async fn every_item_that_is_wrong_is_named_at_once() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    let wrong = ["n2*0", "x*1", "teh*2", "kuih*two", "roti@abc", "TEH"];
    let said = ["`n2*0`: `0` is not a quantity", "a price of `x`", "`two` is not a quantity", "`roti@abc`", "`TEH`"];
    for verb in [&["order", "add", "1", &digits(1)][..], &["cart", "add", "1", &digits(1)]] {
        let refused = shop.run(&[verb, &wrong].concat()).await;

        assert_eq!(refused.code, 2, "{refused:?}");
        let said = said.iter().filter(|words| verb[0] == "order" || !words.contains("price of"));
        assert!(said.clone().all(|words| refused.err.contains(words)), "{refused:?}");
    }
    shop.ok(&["order", "add", "1", &digits(1), "teh"]).await;
    shop.ok(&["cart", "add", "1", &digits(1), "teh"]).await;
    for verb in [["order", "edit", "1"], ["cart", "set", "1"]] {
        let refused = shop.run(&[&verb[..], &["teh*x", "kek*-1", "-", "teh*2"]].concat()).await;
        let named = ["`x` is not", "`-1` is not", "after the -"].iter().all(|words| refused.err.contains(words));
        assert!(refused.code == 2 && named, "{refused:?}");
        let gone = shop.run(&[&verb[..], &["-roti", "-kaya"]].concat()).await;
        assert!(gone.err.contains("no `roti`") && gone.err.contains("no `kaya`"), "{gone:?}");
    }
}

/// The items of the suggested line, as they are given to the command again.
fn suggested(said: &str) -> Vec<String> {
    let line = said.split('`').find(|text| text.contains(" add 1 ")).unwrap();
    let items = line.split(" add 1 ").nth(1).unwrap();
    items.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn an_order_written_again_has_the_currencies_that_it_had() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    shop.execute(
        "insert into catalogues (business, name, source) values ('kedai', 'abroad', 'csv'), ('kedai', 'twin', 'csv');
         insert into products (catalogue_id, sku, name, price, currency)
         values (2, 'kopi', 'Kopi', 3, 'SGD'), (2, 'roti', 'Roti', 2, 'SGD'), (3, 'roti', 'Roti', 2, 'KWD')",
    )
    .await;
    for items in [&["teh*2", "kopi*1@5 MYR"][..], &["kopi*2", "kek*1@9 SGD"], &["2/roti*1@4 MYR", "nasi*1@7"]] {
        let first = shop.json(&[&["order", "add", "1", &digits(1)][..], items].concat()).await;
        let id = first["id"].to_string();
        shop.ok(&["order", "cancel", &id]).await;
        let refused = shop.run(&["order", "pay", &id]).await;

        let again: Vec<_> = suggested(&refused.err);
        let again: Vec<_> = again.iter().map(String::as_str).collect();
        let second = shop.json(&[&["order", "add", "1", &digits(1)][..], &again].concat()).await;

        let of = |order: &Value| {
            let items = order["items"].as_array().unwrap().iter();
            let price = |item: &Value| item["price"].as_str().map(|price| price.parse::<f64>().unwrap());
            items.map(|item| (item["sku"].clone(), price(item), item["currency"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(of(&second), of(&first), "{again:?}");
    }
}

#[tokio::test]
async fn a_cart_without_an_order_for_a_day_is_a_reason_to_be_stuck() {
    let scene = scene(3).await;
    let shop = &scene.shop;
    for n in 1..=3 {
        shop.ok(&["cart", "add", "1", &digits(n), "teh"]).await;
    }
    shop.execute("update carts set created_at = now() - interval '25 hours', updated_at = now() - interval '25 hours' where id < 3")
        .await;
    shop.ok(&["order", "add", "1", &digits(2), "teh"]).await;

    let report = shop.ok(&["blast", "report", "1"]).await;

    assert_eq!(shop.json(&["blast", "report", "1"]).await["stuck_with_cart"], 1);
    let follow_up =
        "1 person has had a cart for 24 hours and no order: `blastdeck blast new --from 'blast:1 stuck:cart'`";
    assert!(report.contains(follow_up), "{report}");
    let found = shop.json_lines(&["blast", "recipients", "1", "--search", "stuck:cart"]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["phone_number"], format!("+{}", digits(1)));
}

#[tokio::test]
async fn an_edit_that_changes_nothing_is_none_and_nothing_is_written_with_its_places() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "teh*2", "kuih*1@0.35"]).await;

    for same in ["teh*2", "kuih*1@0.350"] {
        shop.ok(&["order", "edit", "1", same]).await;
    }

    assert_eq!(shop.number("select count(*) from order_edits").await, 0);
    assert_eq!(shop.number("select count(*) from order_changes").await, 1, "and nobody is told of it");
    let free = shop.json(&["order", "edit", "1", "teh*2@0", "-kuih"]).await;
    assert_eq!((&free["total"], &free["counted"]), (&json!("0.00"), &json!("0.00")));
    assert_eq!((&free["items"][0]["price"], &free["items"][0]["total"]), (&json!("0.00"), &json!("0.00")));
    let exported = &shop.json_lines(&["order", "export"]).await[0];
    assert_eq!(
        (&exported["total"], &exported["counted"], &exported["items"]),
        (&free["total"], &free["counted"], &free["items"])
    );
    assert_eq!(shop.number("select count(*) from order_edits").await, 1);
}

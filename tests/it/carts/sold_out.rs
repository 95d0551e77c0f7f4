//! What is sold out, and prices as they are typed.

use serde_json::{Value, json};

use super::scene;
use crate::support::digits;

#[tokio::test]
async fn a_typed_price_has_the_places_of_its_currency_and_what_is_sold_out_is_said() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    let add = async |item: &str| shop.run(&["order", "add", "1", &digits(1), item, "--json"]).await;

    for (item, total) in
        [("a*2@1.250 KWD", "2.500"), ("a@1500 JPY", "1500"), ("a@1500.00 JPY", "1500.00"), ("a@12.5", "12.50")]
    {
        let made = add(item).await;
        let order: Value = serde_json::from_str(&made.out).unwrap_or_else(|_| panic!("{item}: {made:?}"));
        assert_eq!(order["total"], total, "{item}");
    }
    for (item, why) in [
        ("a@12.505", "MYR has 2 decimal places"),
        ("a@10.5 JPY", "JPY has no decimal places"),
        ("a@1.2345 OMR", "OMR has 3 decimal places"),
        ("a@0.1234567890123456789012345678901", "is not a price"),
    ] {
        let refused = add(item).await;
        assert!(refused.code == 2 && refused.err.contains(why), "{item}: {refused:?}");
    }
    let six = shop.json(&["customer", "show", &digits(1)]).await;
    assert_eq!((&six["orders"], &six["sales"], &six["revenue"]), (&json!(4), &json!(1), &json!("12.50")));
    let sold_out = add("kek").await;
    assert!(sold_out.code == 0 && sold_out.err.contains("sold out by the catalogue: kek"), "{sold_out:?}");
}

#[tokio::test]
async fn what_is_sold_out_is_said_when_a_cart_is_ordered() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    shop.ok(&["cart", "add", "1", &digits(1), "teh", "kek×2"]).await;

    let ordered = shop.run(&["cart", "order", "1"]).await;

    assert!(ordered.code == 0 && ordered.err.contains("sold out by the catalogue: kek;"), "{ordered:?}");
    assert!(!ordered.err.contains("teh"), "{ordered:?}");
}

#[tokio::test]
async fn what_is_sold_out_is_said_alike_wherever_it_is_written() {
    let scene = scene(1).await;
    let shop = &scene.shop;
    let phone = digits(1);
    let order = "sold out by the catalogue: kek; the order is written all the same";
    let cart = "sold out by the catalogue: kek; the cart is written all the same";
    shop.ok(&["order", "add", "1", &phone, "teh"]).await;

    for (verb, said) in [
        (&["order", "add", "1", &phone, "kek"][..], order),
        (&["order", "edit", "1", "kek×2"], order),
        (&["order", "edit", "1", "teh×3"], order),
        (&["cart", "add", "1", &phone, "kek", "teh"], cart),
        (&["cart", "set", "1", "kek×3"], cart),
        (&["cart", "order", "1"], order),
    ] {
        let written = shop.run(verb).await;
        assert!(written.code == 0 && written.err.contains(said), "{verb:?}: {written:?}");
    }
    let without = shop.run(&["order", "edit", "1", "-kek"]).await;
    assert!(without.code == 0 && !without.err.contains("sold out"), "{without:?}");
}

//! Orders and carts that a script hands over twice.

use super::scene;
use crate::support::{Size, digits, said};

#[tokio::test]
async fn a_shop_that_hands_over_its_orders_twice_has_each_once() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    for verb in ["order", "cart"] {
        let with = |items: &'static str| {
            [verb, "add", "1", &digits(1), items, "--idempotency-key", "shop-1017"].map(str::to_owned)
        };
        let run = async |words: [String; 7]| shop.run(&words.each_ref().map(String::as_str)).await;
        let (first, second) = tokio::join!(run(with("teh*2")), run(with("teh*2")));
        let again = run(with("teh*2")).await;

        assert_eq!((first.code, second.code, again.code), (0, 0, 0), "{first:?} {second:?} {again:?}");
        assert_eq!((&first.out, &again.out), (&second.out, &first.out));
        let said = format!("{verb} 1 was written with this idempotency key before: nothing is written now");
        assert!(again.err.contains(&said), "{again:?}");
        assert_eq!(shop.number(&format!("select count(*) from {verb}s")).await, 1);
        let other = run(with("teh*3")).await;
        let used = "this idempotency key was used for another command, or for this one spelt otherwise: choose another";
        assert!(other.code == 3 && other.err.contains(used), "{other:?}");

        let empty = [verb, "add", "1", &digits(1), "teh*2", "--idempotency-key", " "].map(str::to_owned);
        assert!(shop.run(&empty.each_ref().map(String::as_str)).await.code == 2);
        shop.execute("delete from api_requests").await;
    }
}

/// Its key named somebody who was forgotten, on another machine.
#[tokio::test]
async fn an_order_that_may_be_written_already_is_not_written_by_a_machine_that_cannot_know() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    let key = format!("shop-{}-17", digits(1));
    let add = ["order", "add", "1", &digits(2), "teh*2", "--idempotency-key"];
    let with_key = |key: &'static str| [&add[..], &[key]].concat();
    shop.ok(&[&add[..], &[&key]].concat()).await;
    shop.ok(&with_key("named-nobody")).await;
    shop.ok(&["customer", "forget", &digits(1), "--yes"]).await;
    let elsewhere = async |arguments: &[&str]| {
        let mut command = shop.command(arguments);
        command.env("BLASTDECK_STATE_DIR", shop.path("another-machine"));
        said(command).await
    };

    let refused = elsewhere(&[&add[..], &[&key]].concat()).await;
    let again = elsewhere(&with_key("named-nobody")).await;

    assert!(refused.code == 3 && refused.err.contains("forget.key` from the machine"), "{refused:?}");
    assert!(again.code == 0 && again.err.contains("was written with this idempotency key before"), "{again:?}");
    let here = shop.run(&[&add[..], &[&key]].concat()).await;
    assert!(here.code == 0 && here.err.contains("was written with this idempotency key before"), "{here:?}");
    assert_eq!(shop.number("select count(*) from orders").await, 2);
}

#[tokio::test]
async fn an_order_and_a_cart_are_ended_on_a_terminal_only_by_whoever_reads_whose_they_are() {
    let scene = scene(2).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "teh*2"]).await;
    shop.ok(&["cart", "add", "1", &digits(2), "teh"]).await;

    for (verb, person, says) in [
        (["order", "cancel", "1"], 1, "RM 5.00, for good? RM 5.00 of revenue is taken back. [y/N]"),
        (["cart", "abandon", "1"], 2, "RM 2.50, for good? [y/N]"),
    ] {
        let mut terminal = shop.in_terminal(&verb, Size { columns: 250, rows: 30 });
        terminal.wait_for_text(&format!("{}, {says}", digits(person)));
        terminal.type_keys("n\r");
        assert_eq!(terminal.wait_for_exit().exit_code(), 3, "{verb:?}");
    }

    assert_eq!(shop.json(&["order", "show", "1"]).await["state"], "new");
    assert_eq!(shop.json(&["cart", "show", "1"]).await["state"], "open");
}

//! Orders and carts that a script hands over twice.

use super::scene;
use crate::support::digits;

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

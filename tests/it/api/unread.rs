//! What is committed while its answer cannot be read is said to be done: whoever tries it again would do it twice.

use reqwest::Method;
use serde_json::json;

use super::client::said;
use super::{client, served_behind_proxy};
use crate::support::proxy::{Of, Side};
use crate::support::{digits, eventually_async};

/// The statement of a cart that is written.
const CARTS: Of = "insert into carts";

#[tokio::test]
async fn a_cart_that_is_written_and_not_read_is_said_to_be_written_and_its_key_answers_so() {
    let (shop, serve, proxy) = served_behind_proxy().await;
    let api = client(&shop, &serve, "write").await;
    let draft = json!({ "message": "Hi", "recipients": [digits(1)] });
    let blast = api.post("/api/blasts", draft).await.expect(201).body["id"].clone();
    let cart = json!({ "campaign_id": blast.to_string(), "phone_number": digits(1), "items": [{ "sku": "teh" }] });
    let unread = async |key: Option<&str>| {
        proxy.halt_at_commit(CARTS, Side::After);
        let request = api.request(Method::POST, "/api/whatsapp/carts").json(&cart);
        let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
        let (answer, ()) = tokio::join!(said(request), async {
            eventually_async("its read is kept from the database", async || proxy.is_halted()).await;
            proxy.calm();
        });
        answer
    };
    let carts = async || shop.number("select count(*) from carts").await;

    let without = unread(None).await.expect(500);

    assert_eq!((without.kind(), carts().await), ("done-unread", 1), "{without:?}");
    let detail = without.body["detail"].as_str().unwrap();
    assert!(detail.starts_with("cart 1 is written; how it stands now could not be read"), "{detail}");
    assert_eq!(without.header("retry-after"), "");

    let kept = unread(Some("cart-2")).await.expect(200);
    let again = api.post_with("/api/whatsapp/carts", ("Idempotency-Key", "cart-2"), cart.clone()).await.expect(200);

    assert_eq!((&kept.body["done"], &again.body["done"]), (&json!(true), &json!(true)), "{kept:?} {again:?}");
    assert_eq!((carts().await, again.header("idempotency-replayed")), (2, "true"));
    serve.stop().await;
}

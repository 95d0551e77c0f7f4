//! Catalogues, products and orders, in the campaigns' spelling.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::said;
use super::{client, served};
use crate::inbox::blast_of;
use crate::support::digits;

#[tokio::test]
async fn a_program_writes_a_catalogue_and_an_order_and_takes_it_through_its_states() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 3)).await;
    let api = client(&shop, &serve, "write").await;
    let catalogue = json!({ "name": "menu", "business": "kedai", "products": [
        { "retailerId": "teh", "name": "Teh Tarik", "price": "2.50", "currency": "MYR", "inventory": 4 },
        { "retailerId": "shirt", "name": "Shirt", "price": 19.9, "currency": "MYR", "variants": [
            { "retailerId": "shirt-r", "name": "red" },
            { "retailerId": "shirt-b", "name": "blue", "price": "25", "availability": "out of stock" } ] } ] });

    let made = api.post("/api/whatsapp/catalogs", catalogue.clone()).await.expect(200).body;
    assert_eq!((&made["id"], &made["productCount"], &made["variantCount"]), (&json!("1"), &json!(2), &json!(2)));
    api.post("/api/whatsapp/catalogs", catalogue).await.expect(200);
    let products = api.get("/api/whatsapp/products?retailerId=shirt-b").await.expect(200).body;
    let shirt = &products["products"][0];
    assert_eq!((&shirt["retailerId"], &shirt["price"]), (&json!("shirt"), &json!("19.9")));
    assert_eq!(
        (&shirt["variants"][1]["price"], &shirt["variants"][1]["availability"]),
        (&json!("25"), &json!("out of stock"))
    );
    assert_eq!(api.get("/api/whatsapp/catalogs").await.body["catalogs"].as_array().unwrap().len(), 1);

    let order = json!({ "campaignId": "1", "phoneNumber": digits(1), "note": "no sugar", "items": [
        { "productRetailerId": "teh", "quantity": 2 }, { "productRetailerId": "shirt-r" },
        { "productRetailerId": "kuih", "quantity": "3", "price": "0.35" } ] });
    let twice = ("Idempotency-Key", "order-1");
    let made = api.post_with("/api/whatsapp/orders", twice, order.clone()).await.expect(201).body;
    let again = api.post_with("/api/whatsapp/orders", twice, order).await.expect(201).body;
    assert_eq!(made, again);
    assert_eq!(
        (&made["totalAmount"], &made["countedAmount"], &made["status"]),
        (&json!("25.95"), &json!("25.95"), &json!("new"))
    );
    let names: Vec<_> = made["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, [json!("Teh Tarik"), json!("Shirt, red"), Value::Null]);

    let edit = async |status: &str| api.patch("/api/whatsapp/orders/1", json!({ "status": status })).await;
    assert_eq!(edit("paid").await.expect(200).body["status"], "paid");
    assert_eq!(edit("confirmed").await.expect(409).kind(), "refused");
    let cancelled = edit("cancelled").await.expect(200).body;
    assert_eq!((&cancelled["status"], &cancelled["countedAmount"]), (&json!("cancelled"), &Value::Null));
    let listed =
        api.get(&format!("/api/whatsapp/orders?campaignId=1&status=cancelled&phoneNumber={}", digits(1))).await;
    assert_eq!(listed.expect(200).body["orders"].as_array().unwrap().len(), 1);
    assert_eq!(shop.count("closed").await, 0);
    shop.ok(&["audit"]).await;
    shop.invariants().await;
    serve.stop().await;
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_by_its_field() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 2)).await;
    let api = client(&shop, &serve, "write").await;
    let item = |item: Value| json!({ "campaignId": 1, "phoneNumber": digits(1), "items": [item] });

    for (body, field) in [
        (json!({}), "campaignId"),
        (json!({ "campaignId": "1" }), "phoneNumber"),
        (json!({ "campaignId": "1", "phoneNumber": digits(1) }), "items"),
        (item(json!({ "sku": "" })), "items[0].sku"),
        (item(json!({ "sku": "a", "quantity": 0 })), "items[0].quantity"),
        (item(json!({ "sku": "a", "quantity": 1.5 })), "items[0].quantity"),
        (item(json!({ "sku": "a", "price": "-1" })), "items[0].price"),
        (item(json!({ "sku": "a", "price": 1, "currency": "RM" })), "items[0].currency"),
        (item(json!({ "sku": "a" })), "items[0].price"),
        (item(json!({ "sku": "a", "wat": 1 })), "items[0].wat"),
    ] {
        let answer = api.post("/api/whatsapp/orders", body.clone()).await.expect(422);
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let unknown = json!({ "campaignId": 1, "phoneNumber": digits(7), "items": [{ "sku": "a", "price": 1 }] });
    api.post("/api/whatsapp/orders", unknown).await.expect(404);
    for (body, field) in [
        (json!({ "products": [{ "retailerId": "a", "name": "A" }] }), "name"),
        (json!({ "name": "menu", "products": [] }), "products"),
        (json!({ "name": "menu", "products": [{ "name": "A" }] }), "products[0].retailerId"),
        (json!({ "name": "menu", "business": "other", "products": [{ "retailerId": "a", "name": "A" }] }), "business"),
        (json!({ "name": "menu", "products": [{ "sku": "a", "name": "A" }, { "sku": "a", "name": "A" }] }), "products"),
    ] {
        let answer = api.post("/api/whatsapp/catalogs", body.clone()).await.expect(422);
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let reader = client(&shop, &serve, "read").await;
    said(reader.request(Method::POST, "/api/whatsapp/orders").json(&json!({}))).await.expect(403);
    assert_eq!(shop.number("select count(*) from orders").await, 0);
    serve.stop().await;
}

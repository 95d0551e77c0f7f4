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
    assert_eq!((&shirt["retailerId"], &shirt["price"]), (&json!("shirt"), &json!("19.90")));
    assert_eq!(
        (&shirt["variants"][1]["price"], &shirt["variants"][1]["availability"]),
        (&json!("25.00"), &json!("out of stock"))
    );
    let sold_out = [&shirt["soldOut"], &shirt["variants"][0]["soldOut"], &shirt["variants"][1]["soldOut"]];
    assert_eq!(sold_out, [&json!(false), &json!(false), &json!(true)]);
    assert_eq!(api.get("/api/whatsapp/catalogs").await.body["catalogs"].as_array().unwrap().len(), 1);

    let order = json!({ "campaignId": "1", "phoneNumber": digits(1), "note": "no sugar", "items": [
        { "productRetailerId": "teh", "quantity": 2 }, { "productRetailerId": "shirt-r" },
        { "productRetailerId": "kuih", "quantity": "3", "price": "0.35" } ] });
    let twice = ("Idempotency-Key", "order-1");
    let made = api.post_with("/api/whatsapp/orders", twice, order.clone()).await.expect(201).body;
    let again = api.post_with("/api/whatsapp/orders", twice, order).await.expect(201).body;
    assert_eq!(made, again);
    assert_eq!(made["customerId"], digits(1), "as the views have it");
    assert_eq!(
        (&made["totalAmount"], &made["countedAmount"], &made["status"]),
        (&json!("25.95"), &json!("25.95"), &json!("new"))
    );
    let names: Vec<_> = made["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, [json!("Teh Tarik"), json!("Shirt, red"), Value::Null]);

    let edit = async |status: &str| api.patch("/api/whatsapp/orders/1", json!({ "status": status })).await;
    assert_eq!(edit("paid").await.expect(200).body["status"], "paid");
    assert_eq!(edit("confirmed").await.expect(409).kind(), "refused");
    let items = json!({ "items": [{ "sku": "teh", "quantity": 1 }, { "sku": "shirt-r", "price": "20" }] });
    let edited = api.patch("/api/whatsapp/orders/1", items).await.expect(200).body;
    assert_eq!((&edited["countedAmount"], &edited["original"]["totalAmount"]), (&json!("22.50"), &json!("25.95")));
    assert_eq!(
        (&edited["items"][0]["name"], &edited["original"]["items"][0]["quantity"]),
        (&json!("Teh Tarik"), &json!("2"))
    );
    let both = json!({ "status": "fulfilled", "items": [] });
    assert_eq!(api.patch("/api/whatsapp/orders/1", both).await.expect(422).fields(), ["items"]);
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
    let menu =
        json!({ "name": "dollars", "products": [{ "sku": "kopi", "name": "Kopi", "price": 10, "currency": "USD" }] });
    api.post("/api/whatsapp/catalogs", menu).await.expect(200);
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
        (item(json!({ "sku": "kopi", "currency": "MYR" })), "items[0].currency"),
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
        (
            json!({ "name": "menu", "products": [{ "sku": "a", "name": "A" }, { "sku": "a", "name": "A" }] }),
            "products[1].sku",
        ),
        (
            json!({ "name": "menu", "products": [{ "sku": "a", "name": "A", "price": 1, "currency": "USD",
                "variants": [{ "sku": "b", "name": "B", "currency": "MYR" }] }] }),
            "products[0].variants[0].currency",
        ),
    ] {
        let answer = api.post("/api/whatsapp/catalogs", body.clone()).await.expect(422);
        assert_eq!(answer.fields(), [field], "{body}");
    }
    let reader = client(&shop, &serve, "read").await;
    said(reader.request(Method::POST, "/api/whatsapp/orders").json(&json!({}))).await.expect(403);
    assert_eq!(shop.number("select count(*) from orders").await, 0);
    serve.stop().await;
}

#[tokio::test]
async fn every_wrong_product_and_item_is_named_at_once_the_first_twenty_of_many() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 2)).await;
    let api = client(&shop, &serve, "write").await;
    let variants = json!([{ "sku": "a", "name": "" }, { "sku": "b", "name": "B", "price": "1.234" }]);
    let products = json!([{ "sku": "", "name": "A", "price": 1 }, { "sku": "a", "name": "A", "price": "1.999" },
        { "sku": "shirt", "name": "", "currency": "MYR", "variants": variants }]);

    let few = api.post("/api/whatsapp/catalogs", json!({ "name": "menu", "products": products })).await.expect(422);
    let many = json!({ "name": "menu", "products": vec![json!({ "sku": "", "name": "A" }); 23] });
    let many = api.post("/api/whatsapp/catalogs", many).await.expect(422);
    let items = json!([{ "sku": "a", "quantity": 0 }, { "sku": "b", "price": 1 }, { "sku": "c", "price": "x" }]);
    let order = json!({ "campaignId": 1, "phoneNumber": digits(1), "items": items });
    let order = api.post("/api/whatsapp/orders", order).await.expect(422);

    let named = ["[0].sku", "[1].price", "[2].name", "[2].variants[0].name", "[2].variants[0].sku"];
    assert_eq!(few.fields(), named.map(|field| format!("products{field}")), "{:?}", few.body);
    assert_eq!(many.fields().len(), 20);
    let said = many.body["detail"].as_str().unwrap();
    assert!(said.starts_with("products[0].sku: write") && said.ends_with("; and 3 more"), "{said}");
    assert_eq!(order.fields(), ["items[0].quantity", "items[2].price"]);
    let items = json!([{ "sku": "a" }, { "sku": "b", "price": 1 }, { "sku": "c", "price": "1.5", "currency": "JPY" }]);
    let order = json!({ "campaignId": 1, "phoneNumber": digits(1), "items": items });
    let order = api.post("/api/whatsapp/orders", order).await.expect(422);
    assert_eq!(order.fields(), ["items[0].price", "items[2].price"]);
    let said = order.body["detail"].as_str().unwrap();
    let named = "of `a`: write it as \"12.50\"; items[2].price: 1.5 for c: JPY has no decimal places";
    assert!(said.starts_with("items[0].price: no catalogue") && said.contains(named), "{said}");
    assert_eq!(shop.number("select count(*) from catalogues").await, 0);
    let kopi = json!([{ "sku": "kopi", "name": "Kopi", "price": "0.40", "currency": "MYR" }]);
    api.post("/api/whatsapp/catalogs", json!({ "name": "menu", "products": kopi })).await.expect(200);
    let items = json!([{ "sku": "nope" }, { "sku": "menu/kopi", "currency": "USD" }]);
    let order = json!({ "campaignId": 1, "phoneNumber": digits(1), "items": items });
    let order = api.post("/api/whatsapp/orders", order).await.expect(422);
    let said = order.body["detail"].as_str().unwrap();
    assert!(said.contains("; items[1].currency: `kopi`: its price is 0.40 MYR: leave the currency out"), "{said}");
    serve.stop().await;
}

#[tokio::test]
async fn an_edit_of_an_order_or_a_cart_names_every_wrong_item_with_its_index() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 2)).await;
    let api = client(&shop, &serve, "write").await;
    let bought = |n: u32| {
        let items = json!([{ "sku": "kopi", "price": "3.00", "currency": "MYR" }]);
        json!({ "campaignId": 1, "phoneNumber": digits(n), "items": items })
    };
    api.post("/api/whatsapp/orders", bought(1)).await.expect(201);
    api.post("/api/whatsapp/carts", bought(2)).await.expect(201);
    let items = json!([{ "productRetailerId": "nope", "price": "1.234" },
        { "productRetailerId": "kopi", "quantity": 1, "currency": "USD" }, { "productRetailerId": "" }]);

    for path in ["/api/whatsapp/orders/1", "/api/whatsapp/carts/1"] {
        for method in [Method::PATCH, Method::PUT] {
            let edit = said(api.request(method, path).json(&json!({ "items": items }))).await.expect(422);

            let named = ["items[0].price", "items[1].currency", "items[2].productRetailerId"];
            assert_eq!(edit.fields(), named, "{path}: {:?}", edit.body);
            let kopi = edit.body["errors"][1]["detail"].as_str().unwrap();
            assert!(kopi.contains("`kopi`: its price is 3.00 MYR"), "{kopi}");
        }
    }
    shop.ok(&["audit"]).await;
    serve.stop().await;
}

#[tokio::test]
async fn a_program_writes_a_cart_changes_it_and_orders_it_once() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 4)).await;
    let api = client(&shop, &serve, "write").await;
    let cart = |n: u32| {
        json!({ "campaign_id": "1", "phone_number": digits(n), "note": "no sugar",
                "items": [{ "sku": "teh", "quantity": 2, "price": "2.50" }, { "productRetailerId": "who-knows" }] })
    };

    let twice = ("Idempotency-Key", "cart-1");
    let made = api.post_with("/api/whatsapp/carts", twice, cart(1)).await.expect(201).body;
    assert_eq!(made, api.post_with("/api/whatsapp/carts", twice, cart(1)).await.expect(201).body);
    assert_eq!((&made["id"], &made["status"], &made["totalAmount"]), (&json!("1"), &json!("open"), &Value::Null));
    let refused = api.post("/api/whatsapp/carts/1/order", json!({})).await.expect(422);
    assert_eq!(refused.fields(), ["items[1].price"]);
    let items = json!({ "items": [{ "sku": "teh", "quantity": 3, "price": "2.50" }] });
    let changed = api.patch("/api/whatsapp/carts/1", items).await.expect(200).body;
    assert_eq!((&changed["totalAmount"], &changed["items"][0]["quantity"]), (&json!("7.50"), &json!("3")));
    assert_eq!(api.patch("/api/whatsapp/carts/1", json!({})).await.expect(422).fields(), ["items"]);
    assert_eq!(
        api.patch("/api/whatsapp/carts/1", json!({ "status": "ordered" })).await.expect(422).fields(),
        ["status"]
    );

    let key = ("Idempotency-Key", "cart-1-order");
    let order = api.post_with("/api/whatsapp/carts/1/order", key, json!({})).await.expect(201).body;
    assert_eq!(order, api.post_with("/api/whatsapp/carts/1/order", key, json!({})).await.expect(201).body);
    assert_eq!((&order["countedAmount"], &order["note"]), (&json!("7.50"), &json!("no sugar")));
    assert_eq!(api.post("/api/whatsapp/carts/1/order", json!({})).await.expect(409).kind(), "refused");
    assert_eq!(api.get("/api/whatsapp/carts/1").await.expect(200).body["orderId"], "1");

    for n in [2, 3, 4] {
        api.post("/api/whatsapp/carts", cart(n)).await.expect(201);
    }
    assert_eq!(api.post("/api/whatsapp/carts/2/abandon", json!({})).await.expect(200).body["status"], "abandoned");
    api.patch("/api/whatsapp/carts/3", json!({ "status": "abandoned" })).await.expect(200);
    let page = api.get("/api/whatsapp/carts?limit=3").await.expect(200).body;
    let next = page["nextCursor"].as_str().unwrap();
    let rest = api.get(&format!("/api/whatsapp/carts?limit=3&cursor={next}")).await.expect(200).body;
    assert_eq!((page["carts"][0]["id"].as_str(), rest["carts"][0]["id"].as_str()), (Some("4"), Some("1")));
    let all = api.get("/api/whatsapp/carts?limit=4").await.expect(200).body;
    assert_eq!((all["carts"].as_array().unwrap().len(), &all["nextCursor"]), (4, &Value::Null));
    let second = api.get("/api/whatsapp/carts?limit=3&page=2").await.expect(200).body;
    assert_eq!((&second["total"], &second["carts"][0]["id"]), (&json!(4), &json!("1")));
    let open = api.get(&format!("/api/whatsapp/carts?status=open&campaignId=1&phoneNumber={}", digits(4))).await;
    let open = open.expect(200).body;
    assert_eq!((open["carts"].as_array().unwrap().len(), &open["carts"][0]["customerId"]), (1, &json!(digits(4))));
    let customer = api.get(&format!("/api/whatsapp/customers/{}", digits(4))).await.expect(200).body;
    assert_eq!((&customer["cartCount"], &customer["orderCount"]), (&json!(1), &json!(0)));
    shop.ok(&["audit"]).await;
    serve.stop().await;
}

#[tokio::test]
async fn what_is_sold_out_is_told_to_a_program_that_writes_a_cart_or_an_order() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 1)).await;
    shop.execute(
        "insert into catalogues (business, name, source) values ('kedai', 'menu', 'csv');
         insert into products (catalogue_id, sku, name, price, currency, inventory) values (1, 'kek', 'Kek', 9, 'MYR', 0)",
    )
    .await;
    let api = client(&shop, &serve, "write").await;
    let cart = json!({ "campaignId": "1", "phoneNumber": digits(1), "items": [{ "sku": "kek" }] });
    let made = api.post("/api/whatsapp/carts", cart).await.expect(201).body;
    let items = json!({ "items": [{ "sku": "kek", "quantity": 2 }] });
    let changed = api.patch("/api/whatsapp/carts/1", items.clone()).await.expect(200).body;

    let order = api.post("/api/whatsapp/carts/1/order", json!({})).await.expect(201).body;
    let edited = api.patch("/api/whatsapp/orders/1", items).await.expect(200).body;

    for written in [made, changed, order, edited] {
        assert_eq!(written["soldOut"], json!(["kek"]), "{written}");
    }
    assert_eq!(api.get("/api/whatsapp/orders/1").await.expect(200).body["soldOut"], Value::Null);
    serve.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_named_as_the_request_spells_it_and_said_plainly() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 2)).await;
    let api = client(&shop, &serve, "write").await;
    let order = |phone: &str, item: Value| json!({ "campaignId": "1", "phoneNumber": phone, "items": [item] });

    for (body, field, said) in [
        (order(&digits(1), json!({ "productRetailerId": " " })), "items[0].productRetailerId", "write the SKU"),
        (order(&digits(1), json!({ "productRetailerId": "a\0b" })), "items[0].productRetailerId", "write the SKU"),
        (order(&digits(1), json!({ "product_retailer_id": "" })), "items[0].product_retailer_id", "write the SKU"),
        (order(&digits(1), json!({ "sku": "" })), "items[0].sku", "write the SKU"),
        (order("12", json!({ "sku": "a", "price": 1 })), "phoneNumber", ""),
        (json!({ "campaignId": 1, "phone_number": "12", "items": [{ "sku": "a", "price": 1 }] }), "phone_number", ""),
        (json!({ "campaignId": 1, "phoneNumber": digits(1), "items": ["teh"] }), "items[0]", "write an object"),
        (json!({ "campaignId": 1, "phoneNumber": digits(1), "items": "teh" }), "items", "write a list"),
        (json!({ "campaignId": 1, "phoneNumber": 5, "items": [] }), "phoneNumber", "write a text"),
    ] {
        let answer = api.post("/api/whatsapp/orders", body.clone()).await.expect(422);
        assert_eq!(answer.fields(), [field], "{body}");
        let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
        assert!(
            detail.contains(said) && !detail.contains("expected") && !detail.contains("struct"),
            "{body}: {detail}"
        );
    }
    let product = json!({ "name": "menu", "products": [{ "retailerId": "a\0", "name": "A" }] });
    let answer = api.post("/api/whatsapp/catalogs", product).await.expect(422);
    assert_eq!(answer.fields(), ["products[0].retailerId"]);
    serve.stop().await;
}

#[tokio::test]
async fn a_product_with_variants_reads_back_as_it_was_written_and_no_price_is_rounded() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let large = json!({ "retailerId": "teh-l", "name": "large", "price": "3.50", "inventory": 1 });
    let teh = json!({ "retailerId": "teh", "name": "Teh Tarik", "description": "With milk", "price": "2.50", "currency": "MYR",
                      "inventory": 4, "variants": [large, { "retailerId": "teh-s", "name": "small" }] });
    let write = async |product: &Value| {
        let menu = json!({ "name": "menu", "business": "kedai", "products": [product] });
        api.post("/api/whatsapp/catalogs", menu).await
    };

    let made = write(&teh).await.expect(200).body;

    assert_eq!((&made["source"], &made["productCount"], &made["variantCount"]), (&json!("api"), &json!(1), &json!(2)));
    let read = api.get("/api/whatsapp/products").await.expect(200).body["products"][0].clone();
    for field in ["retailerId", "name", "description", "price", "currency", "inventory"] {
        assert_eq!(read[field], teh[field], "{field}");
    }
    let prices: Vec<_> = read["variants"].as_array().unwrap().iter().map(|one| one["price"].clone()).collect();
    assert_eq!(prices, [json!("3.50"), json!("2.50")]);
    for sent in ["19.989999999999999999999", "1234567890123456.78"] {
        let menu = format!(
            r#"{{"name":"menu","business":"kedai","products":[{{"retailerId":"a","name":"A","price":{sent}}}]}}"#
        );
        let request = api.request(Method::POST, "/api/whatsapp/catalogs").header("Content-Type", "application/json");
        let refused = said(request.body(menu)).await.expect(422);
        let detail = refused.body["errors"][0]["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&format!("`{sent}`")), "{detail}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn taking_ones_own_newest_act_back_cancels_the_order_that_it_wrote() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 3)).await;
    let api = client(&shop, &serve, "write").await;
    let order = |person| {
        json!({ "campaignId": "1", "phoneNumber": digits(person), "items": [
        { "productRetailerId": "kuih", "quantity": 3, "price": "0.35", "currency": "MYR" }] })
    };
    let status = async |id: u32| api.get(&format!("/api/whatsapp/orders/{id}")).await.body["status"].clone();

    api.post("/api/whatsapp/orders", order(1)).await.expect(201);
    let undone = api.post("/api/undo", json!({})).await.expect(200).body;
    let again = api.post("/api/undo", json!({})).await.expect(409);
    assert!(again.body.to_string().contains("there is nothing of yours"), "what went with it is no act: {again:?}");
    api.post("/api/whatsapp/orders", order(2)).await.expect(201);
    shop.ok(&["order", "pay", "2"]).await;
    let later = api.post("/api/undo", json!({})).await.expect(409);

    assert!(undone["undone"].as_str().unwrap().ends_with("taken back; order 1 is cancelled"), "{undone}");
    assert_eq!((status(1).await, status(2).await), (json!("cancelled"), json!("paid")));
    assert!(later.body.to_string().contains("order 2 is paid by now"), "{later:?}");
    assert_eq!(shop.count("closed").await, 1);
    shop.ok(&["audit"]).await;
    shop.invariants().await;
    serve.stop().await;
}

#[tokio::test]
async fn what_was_done_with_a_cart_or_a_catalogue_is_the_newest_act_and_no_older_one_is_taken_back() {
    let (shop, serve) = served().await;
    shop.execute(&blast_of("cloud", 1, 3)).await;
    let api = client(&shop, &serve, "write").await;
    let items = json!([{ "productRetailerId": "kuih", "quantity": 3, "price": "0.35", "currency": "MYR" }]);
    let of = |person| json!({ "campaignId": "1", "phoneNumber": digits(person), "items": items });
    let refusal = async || {
        let refused = api.post("/api/undo", json!({})).await.expect(409);
        refused.body["detail"].as_str().unwrap().to_owned()
    };
    let (cart, catalogs) = ("/api/whatsapp/carts/1", "/api/whatsapp/catalogs");
    api.post("/api/whatsapp/orders", of(1)).await.expect(201);

    api.post("/api/whatsapp/carts", of(2)).await.expect(201);
    let written = refusal().await;
    api.patch(cart, json!({ "items": items })).await.expect(200);
    api.patch(cart, json!({ "note": "no sugar" })).await.expect(200);
    let changed = refusal().await;
    api.post(&format!("{cart}/abandon"), json!({})).await.expect(200);
    let ended = refusal().await;
    let menu = json!({ "name": "menu", "products": [{ "sku": "a", "name": "A" }] });
    api.post(catalogs, menu.clone()).await.expect(200);
    api.post(catalogs, menu).await.expect(200);
    let catalogue = refusal().await;

    assert!(written.contains("to write cart 1: `POST /api/whatsapp/carts/1/abandon` ends it"), "{written}");
    assert!(changed.contains("to change cart 1: `PATCH /api/whatsapp/carts/1` changes it again"), "{changed}");
    assert!(ended.contains("to end cart 1: that cannot be taken back"), "{ended}");
    assert!(
        catalogue.contains("to write the catalogue menu: `POST /api/whatsapp/catalogs` writes it again"),
        "{catalogue}"
    );
    let acts = "select count(*) from operator_actions where detail ? 'cart' or detail ? 'catalogue'";
    assert_eq!(shop.number(acts).await, 4, "what changed nothing is no act");
    assert_eq!(shop.count("closed").await, 1);
    serve.stop().await;
}

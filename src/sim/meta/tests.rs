//! The wire format of Meta's API: what a client gets for right and for wrong requests.

use serde_json::{Value, json};

use super::super::{
    Options,
    test_client::{BEARER, JSON, MESSAGES, RawReply, Sim, TEMPLATES, options, phone},
};

fn template(to: &str, template: &Value) -> Value {
    json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": to, "type": "template", "template": template })
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| json!({ "type": "text", "text": value })).collect()
}

fn raya(values: &[&str]) -> Value {
    json!({ "name": "raya_promo", "language": { "code": "ms" }, "components": [
        { "type": "body", "parameters": texts(values) },
        { "type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{ "type": "payload", "payload": "STOP" }] },
    ]})
}

async fn sim() -> Sim {
    Sim::start(options(7)).await
}

#[tokio::test]
async fn a_template_is_taken_and_answered_as_documented() {
    let sim = sim().await;

    let reply = sim.graph(MESSAGES, &template("+60123456789", &raya(&["Aina", "20%"]))).await;

    let answer = reply.json();
    let id = answer["messages"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("wamid.HBgL") && id.len() <= 128, "{id}");
    assert_eq!(answer["contacts"], json!([{ "input": "+60123456789", "wa_id": "60123456789" }]));
    assert_eq!(
        (&answer["messaging_product"], &answer["messages"][0]["message_status"]),
        (&json!("whatsapp"), &json!("accepted"))
    );
    assert!(reply.head.contains("x-app-usage: {"));
    let post = &sim.truth().await["posts"][0];
    assert_eq!(
        (&post["provider"], &post["phone"], &post["device"]),
        (&json!("meta"), &json!("60123456789"), &json!("106540352242922"))
    );
    assert_eq!((&post["message_id"], &post["accepted"], &post["token_ok"]), (&json!(id), &json!(true), &json!(true)));
}

#[tokio::test]
async fn the_documented_example_of_a_template_with_picture_and_buttons_is_taken() {
    let sim = sim().await;
    let tour = |image: Value| {
        json!({ "name": "tour_package_photo", "language": { "code": "en_US" }, "components": [
            { "type": "header", "parameters": [{ "type": "image", "image": image }] },
            { "type": "body", "parameters": texts(&["Bali", "45,000"]) },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": texts(&["abc"]) },
            { "type": "button", "sub_type": "quick_reply", "index": 1, "parameters": [{ "type": "payload", "payload": "STOP" }] },
        ]})
    };

    let linked = sim.graph(MESSAGES, &template("+60123456789", &tour(json!({ "link": "https://a.b/c.jpg" })))).await;
    let unknown = sim.graph(MESSAGES, &template("+60123456789", &tour(json!({ "id": "12345" })))).await;
    let id = upload(&sim, "image/jpeg", "\u{1}\u{2}").await.json()["id"].clone();
    let uploaded = sim.graph(MESSAGES, &template("+60123456789", &tour(json!({ "id": id })))).await;

    assert_eq!((linked.code, uploaded.code), (200, 200), "{} {}", linked.body, uploaded.body);
    assert_eq!((unknown.code, unknown.graph_code()), (400, 131_009));
    assert_eq!(sim.stats().await["uploads"], 1);
}

async fn upload(sim: &Sim, kind: &str, content: &str) -> RawReply {
    let body = format!(
        "--xYz\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--xYz\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: {kind}\r\n\r\n{content}\r\n--xYz--\r\n"
    );
    let form = ("content-type", "multipart/form-data; boundary=xYz");
    sim.call("POST", "/v24.0/106540352242922/media", &[BEARER, form], &body).await
}

#[tokio::test]
async fn an_upload_of_an_unknown_type_or_without_its_fields_is_refused() {
    let sim = sim().await;

    let page = upload(&sim, "text/html", "<p>").await;
    let empty = upload(&sim, "image/png", "").await;
    let bare = sim.graph("/v24.0/106540352242922/media", &json!({ "messaging_product": "whatsapp" })).await;

    assert_eq!((page.graph_code(), empty.graph_code(), bare.graph_code()), (100, 131_053, 100));
}

#[tokio::test]
async fn a_number_without_a_plus_is_taken_for_one_of_the_businesss_own_country() {
    let sim = sim().await;

    let answer = sim.graph(MESSAGES, &template("60123456789", &raya(&["Aina", "20%"]))).await.json();

    assert_eq!(answer["contacts"], json!([{ "input": "60123456789", "wa_id": "6060123456789" }]));
    assert_eq!(sim.truth().await["posts"][0]["phone"], "6060123456789");
}

#[tokio::test]
async fn each_wrong_template_has_metas_own_code() {
    let sim = sim().await;
    let named = |parameters: Value| {
        json!({ "name": "order_update", "language": { "code": "en_US" }, "components": [
            { "type": "header", "parameters": [{ "type": "text", "text": "A1", "parameter_name": "order_id" }] },
            { "type": "body", "parameters": parameters },
        ]})
    };
    let simple = |name: &str, language: &str| {
        json!({ "name": name, "language": { "code": language }, "components": [
            { "type": "body", "parameters": texts(&["a", "b"]) },
        ]})
    };
    let image_for_none = json!({ "name": "invoice_ready", "language": { "code": "en_US" }, "components": [
        { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://a.b/c.jpg" } }] },
        { "type": "body", "parameters": texts(&["a"]) },
    ]});
    let wrong = [
        (raya(&["Aina"]), 132_000),
        (raya(&["Aina", "20%", "more"]), 132_000),
        (raya(&["Aina", "20%\nnow"]), 132_018),
        (raya(&["Aina", "a    b"]), 132_018),
        (raya(&["Aina\t", "b"]), 132_018),
        (raya(&["Aina", ""]), 131_008),
        (raya(&["Aina", &"x".repeat(1_025)]), 132_005),
        (simple("no_such_template", "ms"), 132_001),
        (simple("raya_promo", "en_US"), 132_001),
        (simple("flash_sale", "en_US"), 132_015),
        (simple("old_offer", "en_US"), 132_016),
        (simple("new_offer", "en_US"), 132_001),
        (image_for_none, 132_012),
        (
            json!({ "name": "invoice_ready", "language": { "code": "en_US" }, "components": [{ "type": "body", "parameters": texts(&["a"]) }] }),
            132_012,
        ),
        (
            json!({ "name": "coupon", "language": { "code": "en_US" }, "components": [{ "type": "body", "parameters": texts(&["a"]) }] }),
            131_008,
        ),
        (named(json!([{ "type": "text", "text": "x" }, { "type": "text", "text": "y" }])), 100),
        (
            named(
                json!([{ "type": "text", "text": "x", "parameter_name": "order_id" }, { "type": "text", "text": "y", "parameter_name": "order_id" }]),
            ),
            132_000,
        ),
        (json!({ "name": "raya_promo", "language": "ms" }), 100),
        (json!({ "name": "raya_promo" }), 100),
    ];

    for (given, expected) in wrong {
        let reply = sim.graph(MESSAGES, &template("+60123456789", &given)).await;

        assert_eq!(reply.graph_code(), expected, "{given} got {}", reply.body);
        assert_eq!(reply.code, if expected == 132_001 { 404 } else { 400 });
    }
    assert_eq!(sim.stats().await["accepted"], 0);
}

/// One right request for each header and button kind.
fn right_components() -> Vec<(&'static str, Value)> {
    let picks = json!([{ "title": "Kuih", "product_items": [{ "product_retailer_id": "sku" }] }]);
    vec![
        ("hello_world", json!([])),
        (
            "order_update",
            json!([
                { "type": "header", "parameters": [{ "type": "text", "text": "A1", "parameter_name": "order_id" }] },
                { "type": "body", "parameters": [
                    { "type": "text", "text": "A1", "parameter_name": "order_id" },
                    { "type": "text", "text": "Aina", "parameter_name": "customer_name" },
                ] },
            ]),
        ),
        (
            "invoice_ready",
            json!([
                { "type": "header", "parameters": [{ "type": "document", "document": { "link": "https://a.b/c.pdf", "filename": "c.pdf" } }] },
                { "type": "body", "parameters": texts(&["a"]) },
            ]),
        ),
        (
            "product_video",
            json!([{ "type": "header", "parameters": [{ "type": "video", "video": { "link": "https://a.b/c.mp4" } }] }]),
        ),
        (
            "store_opening",
            json!([
                { "type": "header", "parameters": [{ "type": "location", "location": { "latitude": "3.1", "longitude": 101.7, "name": "Kedai", "address": "KL" } }] },
                { "type": "body", "parameters": texts(&["a"]) },
            ]),
        ),
        (
            "coupon",
            json!([
                { "type": "body", "parameters": texts(&["a"]) },
                { "type": "button", "sub_type": "copy_code", "index": "0", "parameters": [{ "type": "coupon_code", "coupon_code": "RAYA20" }] },
            ]),
        ),
        (
            "catalog_promo",
            json!([
                { "type": "body", "parameters": texts(&["a"]) },
                { "type": "button", "sub_type": "CATALOG", "index": 0, "parameters": [{ "type": "action", "action": { "thumbnail_product_retailer_id": "sku" } }] },
            ]),
        ),
        (
            "product_picks",
            json!([
                { "type": "header", "parameters": texts(&["a"]) },
                { "type": "body", "parameters": texts(&["a"]) },
                { "type": "button", "sub_type": "mpm", "index": "0", "parameters": [{ "type": "action", "action": { "sections": picks } }] },
            ]),
        ),
    ]
}

#[tokio::test]
async fn every_header_and_button_kind_has_a_template_that_takes_it() {
    let sim = sim().await;
    for (name, components) in right_components() {
        let given = json!({ "name": name, "language": { "code": "en_US" }, "components": components });
        let reply = sim.graph(MESSAGES, &template("+60123456789", &given)).await;

        assert_eq!(reply.code, 200, "{name}: {}", reply.body);
    }
}

#[tokio::test]
async fn each_wrong_envelope_is_refused_and_logged() {
    let sim = sim().await;
    let right = template("+60123456789", &raya(&["Aina", "20%"]));
    let with = |key: &str, value: Value| {
        let mut request = right.clone();
        request[key] = value;
        request
    };
    let without = |key: &str| {
        let mut request = right.clone();
        request.as_object_mut().unwrap().remove(key);
        request
    };
    let wrong = [
        (without("messaging_product"), 100),
        (without("to"), 100),
        (with("recipient_type", json!("group")), 100),
        (with("to", json!(60_123_456_789_u64)), 100),
        (with("to", json!("+0123")), 131_009),
        (with("surprise", json!(1)), 100),
        (with("biz_opaque_callback_data", json!("x".repeat(513))), 100),
        (with("type", json!("sticker")), 131_051),
        (json!([]), 100),
    ];

    for (request, expected) in &wrong {
        let reply = sim.graph(MESSAGES, request).await;
        assert_eq!((reply.code, reply.graph_code()), (400, *expected), "{request} got {}", reply.body);
    }
    let form = sim.call("POST", MESSAGES, &[BEARER, ("content-type", "text/plain")], &right.to_string()).await;
    let elsewhere = sim.graph("/v24.0/1/messages", &right).await;

    assert_eq!((form.graph_code(), elsewhere.json()["error"]["error_subcode"].clone()), (100, json!(33)));
    let truth = sim.truth().await;
    assert_eq!(truth["posts"].as_array().unwrap().len(), wrong.len() + 2);
    assert!(truth["posts"].as_array().unwrap().iter().all(|post| post["answered"] == "refused"));
}

#[tokio::test]
async fn without_the_right_token_nothing_is_answered_but_190() {
    let sim = Sim::start(Options { token: Some("secret".into()), ..options(7) }).await;
    let body = template("+60123456789", &raya(&["Aina", "20%"])).to_string();

    for headers in [&[JSON][..], &[JSON, ("authorization", "secret")], &[JSON, ("authorization", "Bearer other")]] {
        let send = sim.call("POST", MESSAGES, headers, &body).await;
        let read = sim.call("GET", TEMPLATES, headers, "").await;

        assert_eq!((send.code, send.graph_code(), read.code, read.graph_code()), (401, 190, 401, 190));
    }
    assert_eq!(sim.graph(MESSAGES, &template("+60123456789", &raya(&["Aina", "20%"]))).await.code, 200);
    assert_eq!(sim.truth().await["posts"][0]["token_ok"], false);
}

#[tokio::test]
async fn faults_have_metas_codes_and_statuses() {
    let sim = sim().await;
    let request = template("+60123456789", &raya(&["Aina", "20%"]));

    for (fault, status, expected) in [
        ("throttle", 400, 130_429),
        ("throttle-429", 429, 130_429),
        ("pair-limit", 400, 131_056),
        ("error", 500, 131_000),
        ("offline", 400, 133_010),
    ] {
        sim.post("/sim/faults", &format!(r#"["{fault}=1"]"#)).await;
        let reply = sim.graph(MESSAGES, &request).await;
        assert_eq!((reply.code, reply.graph_code()), (status, expected), "{fault}");
    }
    sim.post("/sim/faults", r#"["accept-then-hangup=1"]"#).await;
    assert!(sim.graph(MESSAGES, &request).await.is_hang_up());
    sim.post("/sim/faults", r#"["pacing-drop=1","no-message-status=1"]"#).await;
    let silent = sim.graph(MESSAGES, &request).await.json();
    sim.post("/sim/faults", r#"["pacing-drop=1"]"#).await;
    let held = sim.graph(MESSAGES, &request).await.json();

    assert_eq!(silent["messages"][0].as_object().unwrap().len(), 1);
    assert_eq!(held["messages"][0]["message_status"], "held_for_quality_assessment");
    let truth = sim.settled_truth().await;
    let last = truth["posts"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["stage"], &last["async_failed"]), (&json!("failed"), &json!(true)));
    assert_eq!(sim.stats().await["accepted"], 3);
}

#[tokio::test]
async fn marketing_goes_by_its_own_call_and_only_by_it_when_the_account_says_so() {
    let sim = sim().await;
    let edge = "/v24.0/106540352242922/marketing_messages";
    let marketing = template("+60123456789", &raya(&["Aina", "20%"]));
    let utility = template("+60123456789", &json!({ "name": "hello_world", "language": { "code": "en_US" } }));

    let (by_either, not_marketing) = (sim.graph(edge, &marketing).await, sim.graph(edge, &utility).await);
    sim.post("/sim/faults", r#"["marketing-off=1"]"#).await;
    let refused = sim.graph(MESSAGES, &marketing).await;
    let (own, other) = (sim.graph(edge, &marketing).await, sim.graph(MESSAGES, &utility).await);

    assert_eq!((by_either.code, not_marketing.graph_code()), (200, 134_100));
    assert_eq!((refused.graph_code(), own.code, other.code), (131_063, 200, 200));
}

#[tokio::test]
async fn a_person_has_the_same_fate_by_either_api_but_meta_names_the_unreachable() {
    let (one, other) = (sim().await, sim().await);
    for n in 0..300 {
        one.send(&phone(n)).await;
        other.graph(MESSAGES, &template(&format!("+{}", phone(n)), &raya(&["Aina", "20%"]))).await;
    }

    let (one, other) = (one.settled_truth().await, other.settled_truth().await);

    let mut unreachable = 0;
    for (gateway, cloud) in one["posts"].as_array().unwrap().iter().zip(other["posts"].as_array().unwrap()) {
        let expected = if gateway["stage"] == "sent" { json!("failed") } else { gateway["stage"].clone() };
        unreachable += u32::from(gateway["stage"] == "sent");
        assert_eq!((&cloud["stage"], &cloud["reply_text"]), (&expected, &gateway["reply_text"]));
    }
    assert!(unreachable > 0);
}

#[tokio::test]
async fn text_is_delivered_only_to_who_wrote_within_a_day() {
    let sim = sim().await;
    let text =
        |to: &str| json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Ya, ada" } });
    for n in 0..100 {
        sim.graph(MESSAGES, &template(&format!("+{}", phone(n)), &raya(&["Aina", "20%"]))).await;
    }
    let truth = sim.settled_truth().await;
    let posts = truth["posts"].as_array().unwrap();
    let silent = posts.iter().find(|post| post["reply_text"].is_null() && post["stage"] == "read").unwrap();

    let reply = sim.graph(MESSAGES, &text(&format!("+{}", silent["phone"].as_str().unwrap()))).await;

    assert_eq!((reply.code, reply.json()["messages"][0].as_object().unwrap().len()), (200, 1));
    let truth = sim.settled_truth().await;
    assert_eq!(truth["posts"].as_array().unwrap().last().unwrap()["stage"], "failed");
}

#[tokio::test]
async fn an_unknown_path_is_the_same_page_as_before() {
    let sim = sim().await;

    for path in ["/v1/nothing", "/sim/nothing", "/a/b/c"] {
        let reply = sim.get(path).await;
        assert_eq!((reply.code, reply.body.contains("<html>")), (404, true), "{path}");
    }
}

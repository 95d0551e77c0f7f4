//! Every header and button that a template can have, as it leaves this machine: compared literally with the messages call that
//! Meta documents. Nothing here shares a type with the sender.

use serde_json::{Value, json};

use crate::support::graph::{FakeGraph, GraphCall, MEDIA_ID};
use crate::support::serve::{NUMBER, senders};
use crate::support::{Setup, Shop};

/// A blast to one person, and the `template` that they must get.
struct Case {
    arguments: Vec<String>,
    expected: Value,
}

/// By the options of `blast new`.
fn by_options(arguments: &[&str], expected: Value) -> Case {
    Case { arguments: arguments.iter().map(|word| (*word).to_owned()).collect(), expected }
}

/// By a file, `template` in the operator's own form.
fn by_file(shop: &Shop, template: &Value, expected: Value) -> Case {
    let name = format!("{}.json", template["name"].as_str().unwrap());
    let path = shop.write(&name, template.to_string());
    by_options(&["--template-file", path.to_str().unwrap()], expected)
}

async fn shop(graph: &FakeGraph) -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.write("config.toml", senders(&graph.url));
    shop
}

/// Sends each case to Aina in Bali, under a number of its own; what was posted to her, in the order of the cases.
async fn posted(shop: &Shop, graph: &FakeGraph, cases: &[Case]) -> Vec<GraphCall> {
    for (n, case) in cases.iter().enumerate() {
        let list = shop.write("people.csv", format!("name,phone,city\nAina,+6010000000{n},Bali\n"));
        let new = ["blast", "new", "--sender", "cloud", "--json", "--recipients", list.to_str().unwrap()];
        let arguments: Vec<&str> = new.into_iter().chain(case.arguments.iter().map(String::as_str)).collect();
        let id = (n + 1).to_string();
        for verb in [&arguments[..], &["blast", "send", &id, "--yes", "--no-engine"]] {
            let done = shop.run(verb).await;
            assert_eq!(done.code, 0, "{verb:?}: {done:?}");
        }
    }
    let done = shop.run(&["engine", "--until-idle"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    let posts = graph.posts();
    let to = |n: usize| {
        let to = format!("+6010000000{n}");
        let mut found = posts.iter().filter(|post| post.path.ends_with("messages") && post.json()["to"] == to.as_str());
        let found = (found.next(), found.next());
        let (Some(post), None) = found else { panic!("one POST to {to}: {posts:?}") };
        post.clone()
    };
    (0..cases.len()).map(to).collect()
}

/// What is around the template is the same for all.
fn assert_posted(n: usize, post: &GraphCall, expected: &Value) {
    let mut body = post.json();
    let callback = body["biz_opaque_callback_data"].take();
    assert!(callback.as_str().unwrap().starts_with("blastdeck:"), "{callback}");
    assert_eq!(
        body,
        json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": format!("+6010000000{n}"),
                "type": "template", "template": expected, "biz_opaque_callback_data": null }),
    );
    assert_eq!(post.path, format!("/v24.0/{NUMBER}/messages"));
    assert!(post.head.contains("authorization: bearer ") && post.head.contains("content-type: application/json"));
}

#[tokio::test]
async fn each_kind_of_header_is_written_as_meta_documents_it() {
    let graph = FakeGraph::start().await;
    let shop = shop(&graph).await;
    let poster = shop.write("poster.png", b"\x89PNG\r\n\x1a\n rest");
    let cases = [
        by_options(
            &["--template", "by_text", "--header-text", "{name}", "--var", "1={city}", "--var", "2=45,000"],
            json!({ "name": "by_text", "language": { "code": "en_US" }, "components": [
                { "type": "header", "parameters": [{ "type": "text", "text": "Aina" }] },
                { "type": "body", "parameters": [{ "type": "text", "text": "Bali" }, { "type": "text", "text": "45,000" }] }] }),
        ),
        by_options(
            &["--template", "by_image", "--language", "ms", "--header-image", "https://shop.example/{city}.png"],
            json!({ "name": "by_image", "language": { "code": "ms" }, "components": [
                { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://shop.example/Bali.png" } }] }] }),
        ),
        by_options(
            &["--template", "by_upload", "--header-image", poster.to_str().unwrap()],
            json!({ "name": "by_upload", "language": { "code": "en_US" }, "components": [
                { "type": "header", "parameters": [{ "type": "image", "image": { "id": MEDIA_ID } }] }] }),
        ),
        by_options(
            &["--template", "by_video", "--header-video", "https://shop.example/kuih.mp4"],
            json!({ "name": "by_video", "language": { "code": "en_US" }, "components": [
                { "type": "header", "parameters": [{ "type": "video", "video": { "link": "https://shop.example/kuih.mp4" } }] }] }),
        ),
        by_file(
            &shop,
            &json!({ "name": "by_document", "language": "en_US",
                     "header": { "document": { "link": "https://shop.example/1.pdf", "filename": "Invoice {name}.pdf" } } }),
            json!({ "name": "by_document", "language": { "code": "en_US" }, "components": [
                { "type": "header", "parameters": [{ "type": "document",
                    "document": { "link": "https://shop.example/1.pdf", "filename": "Invoice Aina.pdf" } }] }] }),
        ),
        by_file(
            &shop,
            &json!({ "name": "by_location", "language": "en_US", "header": { "location": {
                "latitude": "3.139", "longitude": "101.6869", "name": "Kedai {name}", "address": "Jalan Ampang" } } }),
            json!({ "name": "by_location", "language": { "code": "en_US" }, "components": [
                { "type": "header", "parameters": [{ "type": "location", "location": {
                    "latitude": "3.139", "longitude": "101.6869", "name": "Kedai Aina", "address": "Jalan Ampang" } }] }] }),
        ),
    ];

    let posts = posted(&shop, &graph, &cases).await;

    for (n, (case, post)) in cases.iter().zip(&posts).enumerate() {
        assert_posted(n, post, &case.expected);
    }
    let uploads: Vec<_> = graph.posts().into_iter().filter(|post| post.path.ends_with("/media")).collect();
    let [upload] = &uploads[..] else { panic!("uploaded once: {uploads:?}") };
    let form = String::from_utf8_lossy(&upload.body).into_owned();
    assert_eq!(upload.path, format!("/v24.0/{NUMBER}/media"));
    assert!(upload.head.contains("content-type: multipart/form-data; boundary="), "{}", upload.head);
    for part in [
        "name=\"messaging_product\"\r\n\r\nwhatsapp\r\n",
        "name=\"type\"\r\n\r\nimage/png\r\n",
        "name=\"file\"; filename=",
    ] {
        assert!(form.contains(part), "{part:?} is not in {form:?}");
    }
    assert!(form.contains("image/png\r\n\r\n\u{fffd}PNG\r\n"), "the file as it is, with its type: {form:?}");
}

#[tokio::test]
async fn each_kind_of_button_and_named_variables_are_written_as_meta_documents_them() {
    let graph = FakeGraph::start().await;
    let shop = shop(&graph).await;
    let sections =
        json!([{ "title": "For {name}", "products": ["sku-1", "sku-2"] }, { "title": "New", "products": ["sku-3"] }]);
    let cases = [
        by_options(
            &[
                "--template",
                "pressed",
                "--header-text",
                "{name}",
                "--var",
                "1=Bali",
                "--button",
                "0:url=trip-{city}",
                "--button",
                "1:quick_reply=STOP",
            ],
            json!({ "name": "pressed", "language": { "code": "en_US" }, "components": [
                { "type": "header", "parameters": [{ "type": "text", "text": "Aina" }] },
                { "type": "body", "parameters": [{ "type": "text", "text": "Bali" }] },
                { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "trip-Bali" }] },
                { "type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{ "type": "payload", "payload": "STOP" }] }] }),
        ),
        by_file(
            &shop,
            &json!({ "name": "copied", "language": "en_US", "buttons": [{ "type": "copy_code", "code": "RAYA20" }] }),
            json!({ "name": "copied", "language": { "code": "en_US" }, "components": [
                { "type": "button", "sub_type": "COPY_CODE", "index": 0,
                  "parameters": [{ "type": "coupon_code", "coupon_code": "RAYA20" }] }] }),
        ),
        by_file(
            &shop,
            &json!({ "name": "browsed", "language": "en_US", "buttons": [{ "type": "catalog", "thumbnail": "sku-1" }] }),
            json!({ "name": "browsed", "language": { "code": "en_US" }, "components": [
                { "type": "button", "sub_type": "CATALOG", "index": 0, "parameters": [
                    { "type": "action", "action": { "thumbnail_product_retailer_id": "sku-1" } }] }] }),
        ),
        by_file(
            &shop,
            &json!({ "name": "picked", "language": "en_US", "buttons": [{ "type": "mpm", "thumbnail": "sku-1", "sections": sections }] }),
            json!({ "name": "picked", "language": { "code": "en_US" }, "components": [
                { "type": "button", "sub_type": "mpm", "index": 0, "parameters": [{ "type": "action", "action": {
                    "thumbnail_product_retailer_id": "sku-1", "sections": [
                        { "title": "For Aina", "product_items": [
                            { "product_retailer_id": "sku-1" }, { "product_retailer_id": "sku-2" }] },
                        { "title": "New", "product_items": [{ "product_retailer_id": "sku-3" }] }] } }] }] }),
        ),
        by_options(
            &["--template", "named", "--var", "customer_name={name}", "--var", "order_id=A-17"],
            json!({ "name": "named", "language": { "code": "en_US" }, "components": [
                { "type": "body", "parameters": [
                    { "type": "text", "parameter_name": "customer_name", "text": "Aina" },
                    { "type": "text", "parameter_name": "order_id", "text": "A-17" }] }] }),
        ),
    ];

    let posts = posted(&shop, &graph, &cases).await;

    for (n, (case, post)) in cases.iter().zip(&posts).enumerate() {
        assert_posted(n, post, &case.expected);
    }
}

#[tokio::test]
async fn a_text_and_the_call_for_marketing_messages_are_written_as_meta_documents_them() {
    let graph = FakeGraph::start().await;
    let shop = shop(&graph).await;
    let text = by_options(&["--message", "Hi {name}: see https://shop.example"], json!(null));
    let posts = posted(&shop, &graph, &[text]).await;
    let mut body = posts[0].json();
    assert!(body["biz_opaque_callback_data"].take().is_string());
    assert_eq!(
        body,
        json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+60100000000", "type": "text",
                "text": { "preview_url": true, "body": "Hi Aina: see https://shop.example" }, "biz_opaque_callback_data": null }),
    );
    assert_eq!(posts[0].path, format!("/v24.0/{NUMBER}/messages"));

    let graph = FakeGraph::start().await;
    let shop = self::shop(&graph).await;
    shop.write("config.toml", senders(&graph.url) + "send_call = \"marketing_messages\"\n");
    let plain = by_options(&["--template", "plain"], json!({ "name": "plain", "language": { "code": "en_US" } }));
    let posts = posted(&shop, &graph, &[plain]).await;

    let mut body = posts[0].json();
    assert!(body["biz_opaque_callback_data"].take().is_string());
    assert_eq!(
        body,
        json!({ "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+60100000000", "type": "template",
                "template": { "name": "plain", "language": { "code": "en_US" } }, "biz_opaque_callback_data": null }),
    );
    assert_eq!(posts[0].path, format!("/v24.0/{NUMBER}/marketing_messages"));
}

//! Every call: who is let in, and how what does not fit is refused.

use reqwest::Method;
use serde_json::json;

use super::client::said;
use super::{Api, client, served};

/// Every call that changes something, of an id that is not there.
const WRITES: [(&str, &str); 22] = [
    ("POST", "/api/blasts"),
    ("PATCH", "/api/blasts/9999"),
    ("PUT", "/api/blasts/9999"),
    ("DELETE", "/api/blasts/9999"),
    ("POST", "/api/blasts/9999/send"),
    ("POST", "/api/blasts/9999/resume"),
    ("POST", "/api/blasts/9999/pause"),
    ("POST", "/api/blasts/9999/cancel"),
    ("POST", "/api/blasts/9999/retry"),
    ("POST", "/api/blasts/9999/undo"),
    ("POST", "/api/blasts/9999/follow-up"),
    ("POST", "/api/blasts/9999/report"),
    ("POST", "/api/blasts/9999/recipients"),
    ("DELETE", "/api/blasts/9999/recipients"),
    ("PATCH", "/api/recipients/9999"),
    ("POST", "/api/recipients/9999/resolve"),
    ("POST", "/api/undo"),
    ("POST", "/api/whatsapp/campaigns"),
    ("PUT", "/api/whatsapp/campaigns/9999"),
    ("DELETE", "/api/whatsapp/campaigns/9999"),
    ("POST", "/api/whatsapp/campaigns/9999/send"),
    ("POST", "/api/whatsapp/campaigns/9999/recipients"),
];

/// Every call that reads.
const READS: [&str; 16] = [
    "/api/blasts/9999/events",
    "/api/blasts/9999",
    "/api/blasts/9999/plan",
    "/api/blasts/9999/recipients",
    "/api/blasts/9999/uncertain",
    "/api/blasts/9999/metrics",
    "/api/blasts/9999/funnel",
    "/api/blasts/9999/stuck-recipients",
    "/api/blasts/9999/stats",
    "/api/blasts/9999/report",
    "/api/blasts/9999/reports",
    "/api/recipients/9999",
    "/api/recipients/9999/history",
    "/api/whatsapp/campaigns/9999",
    "/api/whatsapp/campaigns/9999/stats",
    "/api/whatsapp/campaigns/9999/recipients",
];

fn method(name: &str) -> Method {
    name.parse().unwrap()
}

/// A body that each of them takes.
fn body(path: &str) -> serde_json::Value {
    match path {
        path if path.ends_with("/recipients") => json!({ "recipients": ["60100000001"] }),
        path if path.ends_with("/resolve") => json!({ "resolution": "sent" }),
        "/api/recipients/9999" => json!({ "status": "replied" }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn without_a_token_there_is_nothing_to_read_or_write() {
    let (_shop, serve) = served().await;
    let nobody = Api::new(&serve, "bd_nobody");

    for (name, path) in WRITES.into_iter().chain(READS.map(|path| ("GET", path))) {
        let refused = said(nobody.request(method(name), path).json(&body(path))).await;
        assert_eq!((refused.status, refused.kind()), (401, "unauthorized"), "{name} {path}");
        assert!(!refused.header("x-request-id").is_empty(), "{name} {path}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn a_read_token_writes_nothing() {
    let (shop, serve) = served().await;
    let reader = client(&shop, &serve, "read").await;

    for (name, path) in WRITES {
        let refused = said(reader.request(method(name), path).json(&body(path))).await;
        assert_eq!((refused.status, refused.kind()), (403, "scope"), "{name} {path}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;

    let writes = WRITES.into_iter().filter(|(_, path)| path.contains("9999"));
    for (name, path) in writes.chain(READS.map(|path| ("GET", path))) {
        for path in [path.to_owned(), path.replace("9999", "x"), path.replace("9999", "99999999999999999999")] {
            let missing = said(api.request(method(name), &path).json(&body(&path))).await;
            assert_eq!((missing.status, missing.kind()), (404, "not-found"), "{name} {path}: {missing:?}");
        }
    }
    let wrong = said(api.request(Method::PUT, "/api/blasts")).await.expect(405);
    assert_eq!(wrong.kind(), "method");
    serve.stop().await;
}

#[tokio::test]
async fn a_body_of_another_type_or_too_long_a_one_is_refused() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let draft = api.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();
    let people = format!("/api/blasts/{draft}/recipients");

    for path in ["/api/blasts", &people, &format!("/api/blasts/{draft}/send"), "/api/undo"] {
        let refused = api.upload(path, "text/plain", "message=Hi").await;
        assert_eq!((refused.status, refused.kind()), (415, "media-type"), "{path}");
    }
    let broken = api.upload("/api/blasts", "application/json", "{\"message\":").await.expect(400);
    assert_eq!(broken.kind(), "not-json");
    let long = format!("{{\"message\":\"{}\"}}", "x".repeat(26 * 1024 * 1024));
    assert_eq!(api.upload("/api/blasts", "application/json", long.clone()).await.expect(413).kind(), "too-long");
    assert_eq!(api.upload(&people, "application/json", long).await.expect(413).kind(), "too-long");
    serve.stop().await;
}

#[tokio::test]
async fn a_field_that_does_not_fit_is_named() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let draft = api.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();

    for (wrong, field) in [
        (json!({}), "message"),
        (json!({ "message": 7 }), "message"),
        (json!({ "message": "Hi {name" }), "message"),
        (json!({ "message": "Hi", "wat": 1 }), "wat"),
        (json!({ "message": "Hi", "sender": "nobody" }), "sender"),
        (json!({ "message": "Hi", "template": { "name": "x" } }), "template"),
        (json!({ "message": "Hi", "rate_limit": "fast" }), "rate_limit"),
        (json!({ "message": "Hi", "rateLimit": [] }), "rate_limit"),
        (json!({ "message": "Hi", "send_window": "9-25" }), "send_window"),
        (json!({ "message": "Hi", "timezone": "Mars" }), "timezone"),
        (json!({ "message": "Hi", "blast_tag": "" }), "blast_tag"),
        (json!({ "message": "Hi", "recipients": "60100000001" }), "recipients"),
        (json!({ "message": "Hi", "scheduled_for": "2030-01-01T09:00:00Z" }), "scheduled_for"),
    ] {
        let refused = api.post("/api/blasts", wrong.clone()).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]), "{wrong}: {refused:?}");
    }
    for (query, field) in [
        ("state=flying", "state"),
        ("date=tomorrow", "date"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("page=0", "page"),
        ("cursor=x", "cursor"),
        ("wat=1", "wat"),
    ] {
        let refused = api.get(&format!("/api/blasts?{query}")).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]), "{query}: {refused:?}");
    }
    let refused = api.get(&format!("/api/blasts/{draft}/recipients?status=flying")).await;
    assert_eq!((refused.status, refused.fields()), (422, vec!["status"]));
    assert_eq!(shop.number("select count(*) from blasts").await, 1);
    serve.stop().await;
}

//! How single fields that do not fit are refused; `matrix` tries every call.

use serde_json::json;

use super::{client, served};

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

//! The same calls in the other spelling, in the documents' own words.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::said;
use super::{Api, client, configure};
use crate::support::serve::Serve;
use crate::support::{Setup, Shop, Wire, database};

/// As the documents print it, but for numbers that are nobody's.
fn as_printed() -> Value {
    json!({
        "name": "Bali Summer Promotion 2025", "description": "Special offer for our premium Bali package",
        "templateName": "tour_package_marketing", "templateLanguage": "en_US",
        "templateVariables": { "1": "Bali", "2": "₹45,000" },
        "recipients": [{
            "phoneNumber": "+60100000001", "name": "Customer Name",
            "variables": { "1": "Bali Premium Package", "2": "₹45,000" },
        }],
        "rateLimit": 10,
    })
}

async fn served() -> (Shop, Serve) {
    let shop = Shop::open_over(Wire::Meta, database().await, Setup::default());
    configure(&shop, "");
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    (shop, serve)
}

const CAMPAIGN: [&str; 17] = [
    "id",
    "name",
    "description",
    "templateName",
    "templateLanguage",
    "templateVariables",
    "status",
    "totalRecipients",
    "sentCount",
    "deliveredCount",
    "readCount",
    "failedCount",
    "respondedCount",
    "scheduledFor",
    "rateLimit",
    "createdAt",
    "updatedAt",
];

const RECIPIENT: [&str; 20] = [
    "id",
    "campaignId",
    "phoneNumber",
    "customerId",
    "name",
    "variables",
    "status",
    "messageId",
    "messageSid",
    "sentAt",
    "deliveredAt",
    "readAt",
    "failedAt",
    "respondedAt",
    "errorCode",
    "errorMessage",
    "retryCount",
    "lastRetryAt",
    "createdAt",
    "updatedAt",
];

#[track_caller]
fn has_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "{key} is missing in {value}");
    }
}

pub(super) async fn made(api: &Api) -> (String, Value) {
    let made = api.post("/api/whatsapp/campaigns", as_printed()).await.expect(201);
    (format!("/api/whatsapp/campaigns/{}", made.body["id"].as_str().unwrap()), made.body)
}

#[tokio::test]
async fn the_printed_requests_get_the_printed_answers() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;

    let (path, campaign) = made(&api).await;
    has_keys(&campaign, &CAMPAIGN);
    assert_eq!(
        (&campaign["status"], &campaign["rateLimit"], &campaign["sender"]),
        (&json!("draft"), &json!(10.0), &json!("cloud"))
    );
    assert_eq!(campaign["templateVariables"], json!({ "1": "Bali", "2": "₹45,000" }));
    assert_eq!(campaign["sendWindow"], "09:00-21:00");
    let people = api.get(&format!("{path}/recipients")).await.expect(200);
    has_keys(&people.body["recipients"][0], &RECIPIENT);
    assert_eq!(people.body["recipients"][0]["status"], "pending");
    assert_eq!(people.body["recipients"][0]["variables"]["1"], "Bali Premium Package");
    assert_eq!(people.body["pagination"], json!({ "page": 1, "limit": 50, "total": 1, "totalPages": 1 }));
    let more = json!({ "recipients": [{ "phoneNumber": "+60100000002", "name": "Second" }] });
    assert_eq!(api.post(&format!("{path}/recipients"), more).await.expect(201).body["taken"], 1);

    let edited = said(api.request(Method::PUT, &path).json(&json!({ "description": "New", "rateLimit": 600 })));
    let edited = edited.await.expect(200);
    assert_eq!((&edited.body["description"], &edited.body["rateLimit"]), (&json!("New"), &json!(600.0)));
    let all_day = json!({ "sendWindowStart": "00:00", "sendWindowEnd": "24:00" });
    said(api.request(Method::PUT, &path).json(&all_day)).await.expect(200);
    let sent = api.post(&format!("{path}/send"), json!({})).await.expect(200);
    assert_eq!((&sent.body["status"], &sent.body["success"]), (&json!("sending"), &json!(true)));
    assert_eq!(api.post(&format!("{path}/send"), json!({})).await.status, 409);
    shop.until_idle().await;

    let stats = api.get(&format!("{path}/stats")).await.expect(200);
    has_keys(&stats.body["campaign"], &["id", "name", "status"]);
    has_keys(&stats.body["stats"], &["total", "sent", "delivered", "read", "failed"]);
    has_keys(&stats.body["metrics"], &["deliveryRate", "readRate", "responseRate", "failureRate"]);
    let count = |key: &str| stats.body["stats"][key].as_i64().unwrap();
    assert_eq!((count("total"), count("sent") + count("failed")), (2, 2), "{stats:?}");
    assert!(stats.body["metrics"]["failureRate"].as_str().unwrap().ends_with(".00%"), "{stats:?}");
    let person = api.get(&format!("{path}/recipients?status=sent,delivered,read,responded,failed")).await.expect(200);
    let person = &person.body["recipients"][0];
    assert!(
        person["messageId"].is_string() && person["messageSid"].is_string() && person["sentAt"].is_string(),
        "{person}"
    );
    shop.promises().await;
    serve.stop().await;
}

#[tokio::test]
async fn campaigns_are_listed_by_page_and_only_those_of_templates() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, _) = made(&api).await;
    api.post("/api/blasts", json!({ "message": "Hi", "sender": "sales" })).await.expect(201);

    let list = api.get("/api/whatsapp/campaigns?page=1&limit=10&status=draft").await.expect(200);

    assert_eq!(list.body["campaigns"].as_array().unwrap().len(), 1);
    has_keys(&list.body["campaigns"][0], &CAMPAIGN);
    for (status, listed) in [("sending", 0), ("failed", 0), ("completed", 0), ("draft", 1)] {
        let list = api.get(&format!("/api/whatsapp/campaigns?status={status}")).await.expect(200);
        assert_eq!(list.body["pagination"]["total"], listed, "{status}");
    }
    assert_eq!(api.get("/api/whatsapp/campaigns?status=paused").await.expect(422).fields(), ["status"]);
    assert_eq!(list.body["pagination"], json!({ "page": 1, "limit": 10, "total": 1, "totalPages": 1 }));
    assert_eq!(api.delete(&path).await.expect(200).body["result"], "deleted");
    api.get(&path).await.expect(404);
    serve.stop().await;
}

#[tokio::test]
async fn what_a_campaign_lacks_is_named_in_its_own_words() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;

    for (change, field) in [
        (json!({ "name": null }), "name"),
        (json!({ "templateName": null }), "templateName"),
        (json!({ "templateName": "no_such_template" }), "templateName"),
        (json!({ "rateLimit": "fast" }), "rateLimit"),
        (json!({ "scheduledFor": "2030-01-01T00:00:00Z" }), "scheduledFor"),
        (json!({ "sendWindowStart": 25 }), "sendWindowStart"),
        (json!({ "wat": 1 }), "wat"),
    ] {
        let mut body = as_printed();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = api.post("/api/whatsapp/campaigns", body).await;
        assert_eq!((refused.status, refused.fields()), (422, vec![field]), "{change}: {refused:?}");
    }
    // A template with a picture and a link is one that variables alone do not fill.
    let mut pictured = as_printed();
    pictured["templateName"] = json!("tour_package_photo");
    let bare = api.post("/api/whatsapp/campaigns", pictured.clone()).await.expect(422);
    assert!(bare.body["detail"].as_str().unwrap().contains("its header needs an image"), "{bare:?}");
    pictured["templateHeader"] = json!({ "image": { "link": "https://shop.example/bali.jpg" } });
    pictured["templateComponents"] = json!([{
        "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "bali" }],
    }]);
    api.post("/api/whatsapp/campaigns", pictured).await.expect(201);
    let (path, _) = made(&api).await;
    assert_eq!(api.get(&format!("{path}/recipients?status=flying")).await.expect(422).fields(), ["status"]);
    serve.stop().await;
}

#[tokio::test]
async fn what_changes_of_a_campaign_that_has_started_is_named_by_its_own_fields() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, _) = made(&api).await;
    api.post(&format!("{path}/send"), json!({})).await.expect(200);

    let refused = api.patch(&path, json!({ "name": "Bali Winter Promotion" })).await.expect(409);

    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.ends_with("only `rateLimit`, `sendWindowStart` and `sendWindowEnd` can change"), "{detail}");
    api.patch(&path, json!({ "rateLimit": 9, "sendWindowStart": 8 })).await.expect(200);
    serve.stop().await;
}

#[tokio::test]
async fn a_variable_that_an_edit_leaves_without_a_value_is_named_by_a_field_that_the_call_has() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let mut body = as_printed();
    body["recipients"] = json!(["60100000001"]);
    let made = api.post("/api/whatsapp/campaigns", body).await.expect(201);
    let id = made.body["id"].as_str().unwrap();
    let one = json!({ "1": "Java" });

    let path = format!("/api/whatsapp/campaigns/{id}");
    let campaign = api.patch(&path, json!({ "templateVariables": one })).await.expect(422);
    let template = json!({ "name": "tour_package_marketing", "language": "en_US", "variables": one });
    let blast = api.patch(&format!("/api/blasts/{id}"), json!({ "template": template })).await.expect(422);

    assert_eq!((campaign.fields(), blast.fields()), (vec!["templateVariables"], vec!["template"]), "{campaign:?}");
    assert!(campaign.body["detail"].as_str().unwrap().starts_with("templateVariables: it cannot"), "{campaign:?}");
    let unknown = api.patch(&path, json!({ "wat": 1 })).await.expect(422);
    let said = unknown.body["detail"].as_str().unwrap();
    assert!(said.contains("`templateName`, ") && said.contains("`sendWindowStart`, "), "{said}");
    assert!(!said.contains('_') && !said.contains("`sender`") && !said.contains("`recipients`"), "{said}");
    serve.stop().await;
}

#[tokio::test]
async fn people_are_added_and_taken_out_in_the_documents_words() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let mut body = as_printed();
    body["recipients"].as_array_mut().unwrap().push(json!("nobody"));

    let made = api.post("/api/whatsapp/campaigns", body).await.expect(201);

    let id = made.body["id"].clone();
    let import = json!({
        "id": id, "campaignId": id, "taken": 1, "rejected": 1,
        "reasons": [{ "reason": "not a phone number", "rows": 1, "firstRow": 2 }],
        "rejectedRows": [{ "row": 2, "field": "phoneNumber", "value": "nobody",
                           "reason": made.body["import"]["rejectedRows"][0]["reason"] }],
        "unclearOptOuts": [], "local": null,
    });
    assert_eq!(made.body["import"]["reasons"][0]["rows"], 1, "{made:?}");
    let mut answered = made.body["import"].clone();
    answered["reasons"][0]["reason"] = json!("not a phone number");
    assert_eq!(answered, import);
    let path = format!("/api/whatsapp/campaigns/{}/recipients", id.as_str().unwrap());
    let more = json!([{ "phoneNumber": "60100000002" }, { "phoneNumber": "60100000003" }]);
    let added = api.post(&path, more).await.expect(201);
    assert_eq!((&added.body["id"], &added.body["campaignId"], &added.body["success"]), (&id, &id, &json!(true)));
    assert_eq!((&added.body["taken"], &added.body["totalRecipients"]), (&json!(2), &json!(3)));
    assert!(added.keys().iter().all(|key| !key.contains('_')), "{added:?}");
    let gone = json!({ "recipients": ["60100000003"] });
    let gone = said(api.request(Method::DELETE, &path).json(&gone)).await.expect(200);
    let expected = json!({ "success": true, "id": id, "campaignId": id, "removed": 1, "totalRecipients": 2 });
    assert_eq!(gone.body, expected);
    serve.stop().await;
}

#[tokio::test]
async fn a_blast_of_a_text_is_no_campaign() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let made = api.post("/api/blasts", json!({ "message": "Hi", "sender": "sales", "recipients": ["60100000001"] }));
    let path = format!("/api/whatsapp/campaigns/{}", made.await.expect(201).body["id"]);

    for tail in ["", "/stats", "/recipients"] {
        let refused = api.get(&format!("{path}{tail}")).await.expect(404);
        assert!(refused.body["detail"].as_str().unwrap().contains("GET /api/blasts/"), "{refused:?}");
    }
    let people = json!({ "recipients": ["60100000002"] });
    api.post(&format!("{path}/send"), json!({})).await.expect(404);
    api.post(&format!("{path}/recipients"), people.clone()).await.expect(404);
    said(api.request(Method::DELETE, &format!("{path}/recipients")).json(&people)).await.expect(404);
    said(api.request(Method::PUT, &path).json(&json!({ "name": "x" }))).await.expect(404);
    api.delete(&path).await.expect(404);
    assert_eq!(shop.number("select count(*) from blast_recipients where true").await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn a_customer_is_called_the_same_in_both_lists() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let mut body = as_printed();
    body["recipients"] = json!([{ "phoneNumber": "+60100000001", "customerId": "cust-0" }, "+60100000002"]);
    body.as_object_mut()
        .unwrap()
        .extend([("sendWindowStart".to_owned(), json!(0)), ("sendWindowEnd".to_owned(), json!(24))]);
    let made = api.post("/api/whatsapp/campaigns", body).await.expect(201);
    let path = format!("/api/whatsapp/campaigns/{}", made.body["id"].as_str().unwrap());
    api.post(&format!("{path}/send"), json!({})).await.expect(200);
    shop.until_idle().await;

    let people = api.get(&format!("{path}/recipients")).await.expect(200).body["recipients"].clone();
    let messages = format!("/api/whatsapp/messages?campaignId={}", made.body["id"].as_str().unwrap());
    let messages = api.get(&messages).await.expect(200).body["messages"].clone();
    assert!(!messages.as_array().unwrap().is_empty());
    for message in messages.as_array().unwrap() {
        let person = people.as_array().unwrap().iter().find(|person| person["phoneNumber"] == message["phoneNumber"]);
        assert_eq!(message["customerId"], person.unwrap()["customerId"], "{message}");
    }
    let mut ids: Vec<_> =
        people.as_array().unwrap().iter().map(|person| person["customerId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["60100000002", "cust-0"]);
    serve.stop().await;
}

#[tokio::test]
async fn a_campaign_that_waits_says_why_and_until_when() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, made) = made(&api).await;
    assert_eq!(made["waiting"], Value::Null);
    let start = (chrono::Utc::now() + chrono::TimeDelta::days(1)).to_rfc3339();

    let edited = api.patch(&path, json!({ "scheduledFor": start })).await.expect(200);
    api.post(&format!("{path}/send"), json!({})).await.expect(200);

    let waiting = api.get(&path).await.expect(200).body["waiting"].clone();
    assert_eq!((&waiting["reason"], &waiting["until"]), (&json!("scheduled"), &edited.body["scheduledFor"]));
    assert!(waiting["text"].as_str().unwrap().starts_with("starts "), "{waiting}");
    assert!(waiting["mend"].as_str().unwrap().contains("POST /api/blasts/"), "{waiting}");
    serve.stop().await;
}

#[tokio::test]
async fn who_waits_for_the_first_try_is_pending_and_for_another_retry() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let mut body = as_printed();
    body["recipients"] = json!(["60100000001", "60100000002", "60100000003"]);
    let made = api.post("/api/whatsapp/campaigns", body).await.expect(201);
    let path = format!("/api/whatsapp/campaigns/{}/recipients", made.body["id"].as_str().unwrap());
    shop.execute("update blast_recipients set attempt = 1 where phone_number like '%3'").await;
    shop.execute("update blast_recipients set status = 'skipped', standing = 'skipped' where phone_number like '%2'")
        .await;

    for (status, expected) in [
        ("pending", vec!["pending"]),
        ("retry", vec!["retry"]),
        ("retry,failed", vec!["failed", "retry"]),
        ("pending,failed", vec!["pending", "failed"]),
        ("pending,retry", vec!["pending", "retry"]),
    ] {
        let page = api.get(&format!("{path}?status={status}")).await.expect(200);
        let words: Vec<_> = page.body["recipients"]
            .as_array()
            .unwrap()
            .iter()
            .map(|person| person["status"].as_str().unwrap())
            .collect();
        assert_eq!(words, expected, "{status}");
        assert_eq!(page.body["pagination"]["total"], expected.len(), "{status}");
    }
    let stats = api.get(&path.replace("/recipients", "/stats")).await.expect(200).body["stats"].clone();
    assert_eq!((&stats["pending"], &stats["retry"], &stats["failed"]), (&json!(1), &json!(1), &json!(1)), "{stats}");
    serve.stop().await;
}

#[tokio::test]
async fn a_repeated_call_has_the_same_bytes_again_and_the_campaigns_words_where_its_answer_was_lost() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let request = |path: &str, body: &Value| api.request(Method::POST, path).header("Idempotency-Key", path).json(body);
    let text = async |path: &str, body: &Value| request(path, body).send().await.unwrap().text().await.unwrap();
    let path = "/api/whatsapp/campaigns";
    let made = text(path, &as_printed()).await;
    let id = serde_json::from_str::<Value>(&made).unwrap()["id"].as_str().unwrap().to_owned();
    let (people, send) = (format!("{path}/{id}/recipients"), format!("{path}/{id}/send"));
    let calls = [(path, as_printed()), (&people, json!({ "recipients": ["+60100000002"] })), (&send, json!({}))];
    let mut first = Vec::new();
    for (path, body) in &calls {
        first.push(text(path, body).await);
    }

    for ((path, body), first) in calls.iter().zip(&first) {
        assert_eq!(text(path, body).await, *first, "{path}");
    }
    assert_eq!(first[0], made);
    shop.execute("update api_requests set status = null, answer = null, created_at = created_at - interval '1 minute'")
        .await;
    for (path, body) in &calls {
        let lost = said(request(path, body)).await.expect(200);
        let words = ["campaignId", "done", "id", "status", "success", "totalRecipients"];
        assert_eq!(
            (lost.keys(), &lost.body["id"], &lost.body["totalRecipients"]),
            (words.to_vec(), &json!(id), &json!(2))
        );
    }
    assert_eq!(shop.number("select count(*) from blasts").await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn a_repeated_edit_has_its_answer_again_also_where_the_campaign_is_gone() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, _) = made(&api).await;
    let edit = |key: &str| {
        let request = api.request(Method::PUT, &path).header("Idempotency-Key", key);
        request.json(&json!({ "description": "For July" }))
    };
    let first = said(edit("edit")).await.expect(200);
    api.delete(&path).await.expect(200);

    let again = said(edit("edit")).await.expect(200);
    let other = said(edit("another edit")).await.expect(404);

    assert_eq!((&again.body, again.header("idempotency-replayed")), (&first.body, "true"));
    assert!(other.body.to_string().contains("there is no campaign"), "{}", other.body);
    serve.stop().await;
}

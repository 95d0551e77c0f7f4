//! Blasts that start by themselves, over HTTP.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::said;
use super::{client, served};

fn ahead(hours: i64) -> String {
    (Utc::now() + TimeDelta::hours(hours)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_blast_is_scheduled_and_moved_and_one_whose_time_passed_is_refused() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let body = |at: &str| json!({ "message": "Hi", "recipients": ["+60123450001"], "scheduledFor": at });

    let made = api.post("/api/blasts", body(&ahead(2))).await.expect(201);
    let path = format!("/api/blasts/{}", made.body["id"]);
    assert_eq!(made.body["state"], "draft");
    let sent = api.post(&format!("{path}/send"), json!({})).await.expect(200);
    assert_eq!((&sent.body["state"], &sent.body["send_after"]), (&json!("scheduled"), &made.body["scheduled_for"]));
    let edit = |at: Value| said(api.request(Method::PUT, &path).json(&json!({ "scheduled_for": at })));
    let moved = edit(json!(ahead(3))).await.expect(200);
    assert!(moment(&moved.body["send_after"]) > Utc::now() + TimeDelta::minutes(170), "{moved:?}");
    edit(Value::Null).await.expect(409);
    assert_eq!(edit(json!("soon")).await.expect(422).fields(), ["scheduled_for"]);
    api.post(&format!("{path}/pause"), json!({})).await.expect(200);
    let cleared = edit(Value::Null).await;
    assert_eq!(cleared.status, 409, "only drafts and what is scheduled can be edited: {cleared:?}");
    for past in ["2020-01-01T09:00", "2020-01-01T09:00:00Z"] {
        assert_eq!(api.post("/api/blasts", body(past)).await.expect(422).fields(), ["scheduled_for"]);
    }
    let campaign = json!({
        "name": "x", "templateName": "tour_package_marketing", "templateLanguage": "en_US",
        "templateVariables": { "1": "Bali", "2": "₹45,000" }, "recipients": ["+60123450001"], "scheduledFor": ahead(2),
    });
    let made = api.post("/api/whatsapp/campaigns", campaign).await.expect(201);
    assert!(moment(&made.body["scheduledFor"]) > Utc::now(), "{made:?}");
}

#[tokio::test]
async fn a_time_that_comes_back_unchanged_counts_as_not_given() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let local = (Utc::now() + TimeDelta::days(2)).format("%Y-%m-%dT09:00").to_string();
    let body = json!({
        "message": "Hi", "recipients": ["+60123450001"], "scheduled_for": local, "timezone": "Asia/Kuala_Lumpur",
    });
    let made = api.post("/api/blasts", body).await.expect(201).body;
    let path = format!("/api/blasts/{}", made["id"]);
    let put_as = async |tag: &str| {
        let mut whole = api.get(&path).await.expect(200).body;
        whole["blast_tag"] = json!(tag);
        said(api.request(Method::PUT, &path).json(&whole)).await.expect(200).body
    };

    let tagged = put_as("May").await;
    assert_eq!((&tagged["blast_tag"], &tagged["scheduled_for"]), (&json!("May"), &made["scheduled_for"]));
    let both = json!({ "timezone": "UTC", "scheduled_for": made["scheduled_for"] });
    let kept = api.patch(&path, both).await.expect(200).body;
    assert_eq!((&kept["scheduled_for"], &kept["timezone"]), (&made["scheduled_for"], &json!("UTC")), "a moment stays");
    api.patch(&path, json!({ "timezone": "Asia/Kuala_Lumpur", "scheduled_for": local })).await.expect(200);
    let moved = api.patch(&path, json!({ "timezone": "UTC" })).await.expect(200).body;
    assert_eq!(moment(&moved["scheduled_for"]) - moment(&made["scheduled_for"]), TimeDelta::hours(8), "a local time");
    for past in ["scheduled_local = scheduled_local - interval '9 days'", "scheduled_local = null"] {
        shop.execute(&format!("update blasts set scheduled_for = now() - interval '7 days', {past}")).await;
        assert_eq!(put_as(past).await["blast_tag"], past);
    }
    let refused = api.patch(&path, json!({ "scheduled_for": "2020-01-01T09:00:00Z" })).await.expect(422);
    assert_eq!(refused.fields(), ["scheduled_for"]);
    serve.stop().await;
}

#[tokio::test]
async fn what_is_scheduled_is_sent_at_once_only_where_that_is_asked_for() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let body = json!({ "message": "Hi", "recipients": ["+60123450001"], "scheduledFor": ahead(20) });
    let made = api.post("/api/blasts", body).await.expect(201);
    let send = format!("/api/blasts/{}/send", made.body["id"]);
    let early = api.post(&send, json!({ "now": true })).await.expect(409);
    assert!(early.body["type"].as_str().unwrap().ends_with(":not-scheduled"), "{early:?}");
    let state = async || api.get(send.trim_end_matches("/send")).await.expect(200).body["state"].clone();

    let sends = join_all((0..4).map(|_| api.post(&send, json!({ "expect_recipients": 1 })))).await;

    let mut statuses: Vec<_> = sends.iter().map(|sent| sent.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409], "{sends:?}");
    let late = sends.iter().filter(|sent| sent.status == 409);
    assert!(late.clone().all(|sent| sent.body["type"].as_str().unwrap().ends_with(":scheduled")), "{sends:?}");
    assert_eq!(state().await, "scheduled");
    let again = api.post(&send, json!({})).await.expect(409);
    let detail = again.body["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("scheduled it: it starts by itself, and nothing was done; with `now` it is sent at once"),
        "{detail}"
    );
    assert_eq!(api.post(&send, json!({ "now": true })).await.expect(200).body["state"], "sending");
}

#[tokio::test]
async fn a_plan_says_what_the_clocks_do_to_a_start() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;

    for (at, why) in [("2027-03-28T02:30", "does not exist in Europe/Berlin"), ("2027-10-31T02:30", "comes twice in")] {
        let body = json!({ "message": "Hi", "recipients": ["+60123450001"], "scheduled_for": at, "timezone": "Europe/Berlin" });
        let made = api.post("/api/blasts", body).await.expect(201).body;
        let plan = api.get(&format!("/api/blasts/{}/plan", made["id"])).await.expect(200).body;

        assert_eq!(plan["starts_at"], made["scheduled_for"], "{plan}");
        assert!(plan["start_note"].as_str().unwrap().contains(why), "{plan}");
    }
    serve.stop().await;
}

//! Blasts that repeat, and that go by people's own clocks, over HTTP.

use serde_json::json;

use super::{client, served};

#[tokio::test]
async fn a_blast_that_repeats_is_made_sent_listed_skipped_and_ended() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let body = json!({
        "message": "Hi", "recipients": ["+60123456701"], "repeat": "every mon 09:00", "timezone": "Asia/Kuala_Lumpur", "times": 3, "atMost": 5,
    });

    let made = api.post("/api/schedules", body).await.expect(201);
    let id = made.body["id"].as_i64().unwrap();
    assert_eq!((&made.body["state"], &made.body["repeat"]), (&json!("draft"), &json!("every mon 09:00")));
    let plan = api.get(&format!("/api/blasts/{id}/plan")).await.expect(200);
    assert_eq!(
        (plan.body["repeat"]["next"].as_array().unwrap().len(), &plan.body["repeat"]["at_most"]),
        (3, &json!(5))
    );
    let sent = api.post(&format!("/api/blasts/{id}/send"), json!({})).await.expect(200);
    assert_eq!(sent.body["state"], "scheduled");
    let again = api.post(&format!("/api/blasts/{id}/send"), json!({ "now": true })).await.expect(409);
    let detail = again.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("`POST /api/schedules/{id}/skip` leaves its next time out")), "{detail}");

    let shown = api.get(&format!("/api/schedules/{id}")).await.expect(200);
    assert_eq!(
        (&shown.body["seen"], &shown.body["times"], &shown.body["occurrences"]),
        (&json!(0), &json!(3), &json!([]))
    );
    let skipped = api.post(&format!("/api/schedules/{id}/skip"), json!({})).await.expect(200);
    assert_eq!((&skipped.body["skipped"], &skipped.body["next"][0]), (&json!(1), &shown.body["next"][1]));
    assert_eq!(skipped.body["occurrences"][0]["outcome"], "skipped");
    let listed = api.get("/api/schedules").await.expect(200);
    assert_eq!(listed.body["schedules"].as_array().unwrap().len(), 1);
    api.post(&format!("/api/blasts/{id}/cancel"), json!({})).await.expect(200);
    api.post(&format!("/api/schedules/{id}/skip"), json!({})).await.expect(409);
}

#[tokio::test]
async fn what_cannot_repeat_names_its_field() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    for (more, field) in [
        (json!({}), "repeat"),
        (json!({ "repeat": "soon" }), "repeat"),
        (json!({ "repeat": "every day 09:00", "until": "soon" }), "until"),
        (json!({ "repeat": "every day 09:00", "scheduled_for": "2999-01-01T09:00" }), "scheduled_for"),
        (json!({ "repeat": "every day 09:00", "local_time": "ten" }), "local_time"),
    ] {
        let mut body = json!({ "message": "Hi", "recipients": ["+60123456701"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(api.post("/api/schedules", body).await.expect(422).fields(), [field], "{more}");
    }
    let alone = json!({ "message": "Hi", "recipients": ["+60123456701"], "times": 3 });
    assert_eq!(api.post("/api/blasts", alone).await.expect(422).fields(), ["times"]);
    let plain = api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["+60123456701"] })).await.expect(201);
    api.get(&format!("/api/schedules/{}", plain.body["id"])).await.expect(404);
}

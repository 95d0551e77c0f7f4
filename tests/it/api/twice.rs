//! What is there twice: a field of a body, of a query or of a person, and a request.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{ApiAnswer, said};
use super::{Api, campaigns, client, served};

async fn draft(api: &Api) -> String {
    format!("/api/blasts/{}", api.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"])
}

async fn post_text(api: &Api, path: &str, text: &str) -> ApiAnswer {
    api.upload(path, "application/json", text.to_owned()).await
}

#[track_caller]
fn refused_rows(answer: &Value) -> Vec<(u64, String)> {
    let rows = answer["rejected_rows"].as_array().unwrap();
    rows.iter().map(|row| (row["row"].as_u64().unwrap(), row["field"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test]
async fn whoever_has_two_numbers_is_a_row_that_is_not_taken() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = format!("{}/recipients", draft(&api).await);
    let people = [
        r#"{"phone_number":"+60150111111","phoneNumber":"+60150111112"}"#,
        r#"{"phone_number":"+60150111113","phone_number":"+60150111114"}"#,
        r#"{"phone_number":"+60150111115","phone":"0150111115"}"#,
        r#"{"phone_number":"+60150111116","customerId":"1","external_id":"2"}"#,
        r#"{"phone_number":"+60150111117","name":"A","name":"B"}"#,
    ];
    let expected = [(1, "phoneNumber"), (2, "phone_number"), (4, "customerId"), (5, "name")]
        .map(|(row, field): (u64, &str)| (row, field.to_owned()));

    let array = post_text(&api, &path, &format!("[{}]", people.join(","))).await.expect(201);
    assert_eq!((&array.body["taken"], refused_rows(&array.body)), (&json!(1), expected.to_vec()), "{array:?}");
    shop.execute("delete from blast_recipients").await;
    let lines = api.upload(&path, "application/x-ndjson", people.join("\n")).await.expect(201);
    assert_eq!((&lines.body["taken"], refused_rows(&lines.body)), (&json!(1), expected.to_vec()), "{lines:?}");
    let body = format!(r#"{{"message":"Hi","recipients":[{}]}}"#, people.join(","));
    let made = post_text(&api, "/api/blasts", &body).await.expect(201);
    assert_eq!(refused_rows(&made.body["import"]), expected);
    serve.stop().await;
}

#[tokio::test]
async fn a_field_that_is_there_twice_is_named() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = draft(&api).await;

    for (body, field) in [
        (r#"{"message":"x","message":"y"}"#, "message"),
        (r#"{"message":"x","blast_tag":"a","blastTag":"b"}"#, "blast_tag"),
    ] {
        let refused = post_text(&api, "/api/blasts", body).await.expect(422);
        assert_eq!(refused.fields(), [field], "{refused:?}");
        let edit = api.request(reqwest::Method::PATCH, &path).header("Content-Type", "application/json");
        assert_eq!(said(edit.body(body)).await.expect(422).fields(), [field]);
    }
    let follow_up = r#"{"stuck_at":"read","message":"x","message":"y"}"#;
    let refused = post_text(&api, &format!("{path}/follow-up"), follow_up).await.expect(422);
    assert_eq!(refused.fields(), ["message"], "{refused:?}");
    let refused = api.get(&format!("{path}/recipients?limit=5&limit=6")).await.expect(422);
    assert_eq!(refused.fields(), ["limit"], "{refused:?}");
    assert!(refused.body["detail"].as_str().unwrap().contains("in the query twice"), "{refused:?}");
    serve.stop().await;
}

#[tokio::test]
async fn a_body_that_is_no_object_is_asked_for_one() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;

    for body in ["[1]", "7", "\"x\"", " []"] {
        let refused = post_text(&api, "/api/blasts", body).await.expect(422);
        assert_eq!((refused.fields(), &refused.body["errors"][0]["detail"]), (vec!["body"], &json!("write an object")));
    }
    assert_eq!(post_text(&api, "/api/blasts", "[1").await.expect(400).kind(), "not-json");
    let by_place = post_text(&api, "/api/suppressions", "[\"60100000001\"]").await.expect(422);
    assert_eq!((by_place.fields(), shop.number("select count(*) from suppressions").await), (vec!["body"], 0));
    serve.stop().await;
}

#[tokio::test]
async fn a_replay_has_the_headers_of_the_first_answer() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let key = ("Idempotency-Key", "one");
    let body = json!({ "message": "Hi", "recipients": ["60100000001"] });

    let first = api.post_with("/api/blasts", key, body.clone()).await.expect(201);
    let again = api.post_with("/api/blasts", key, body).await.expect(201);

    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    for name in ["etag", "location"] {
        assert!(!first.header(name).is_empty(), "{first:?}");
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn what_is_deleted_twice_with_one_key_is_deleted_once_and_answered_as_before() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "admin").await;
    let blast = draft(&api).await;
    let stepped = json!({ "message": "Hi", "recipients": ["60100000001"] });
    let stepped = format!("/api/blasts/{}", api.post("/api/blasts", stepped).await.expect(201).body["id"]);
    api.post(&format!("{stepped}/steps"), json!({ "after": "48h", "message": "Still there?" })).await.expect(201);
    api.post("/api/tokens", json!({ "name": "till", "scope": "read" })).await.expect(201);
    let (campaign, _) = campaigns::made(&api).await;
    let delete = async |path: &str, key: &str| {
        said(api.request(Method::DELETE, path).header("Idempotency-Key", key).json(&json!({}))).await
    };

    let step = format!("{stepped}/steps/1");
    for (path, status) in [(&*blast, 204), (&*campaign, 200), (&*step, 204), ("/api/tokens/till", 204)] {
        let first = delete(path, path).await.expect(status);
        let again = delete(path, path).await.expect(status);
        assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
        assert_eq!((&again.body, again.header("content-type")), (&first.body, first.header("content-type")), "{path}");
        assert_eq!(delete(path, "another").await.expect(404).kind(), "not-found", "{path}");
    }

    // As it is where the reply to the commit was lost.
    shop.execute("update api_requests set status = null, answer = null, created_at = now() - interval '1 minute'")
        .await;
    for path in [&*blast, &*campaign] {
        let done = delete(path, path).await.expect(200);
        assert_eq!((&done.body["done"], done.header("idempotency-replayed")), (&json!(true), "true"), "{done:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn of_equal_requests_at_once_every_answer_but_one_is_marked() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;

    for round in 0..5 {
        let key = format!("round-{round}");
        let body = json!({ "message": "Hi", "recipients": ["60100000001"] });
        // A client that repeats a request repeats its id as well.
        let ask = || {
            let asked = api.request(reqwest::Method::POST, "/api/blasts").header("Idempotency-Key", &key);
            said(asked.header("X-Request-Id", "mine").json(&body))
        };
        let answers = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask());
        let answers =
            [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5].map(|answer| answer.expect(201));
        let first: Vec<_> = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).collect();
        assert_eq!(first.len(), 1, "{answers:?}");
        assert!(
            answers.iter().all(|answer| answer.body == first[0].body && answer.header("etag") == "\"0\""),
            "{answers:?}"
        );
    }
    assert_eq!(shop.number("select count(*) from blasts").await, 5);
    serve.stop().await;
}

//! Opt-outs over HTTP: added in either form, listed, lifted, and none of another sender's.

use reqwest::Method;
use serde_json::json;

use super::client::said;
use super::{client, client_with, served};

#[tokio::test]
async fn people_opt_out_as_json_and_as_csv_and_may_come_back() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = "/api/suppressions";

    let one = api.post(path, json!({ "phoneNumber": "0100000001", "reason": "asked" })).await.expect(200);
    assert_eq!((&one.body["business"], &one.body["added"]), (&json!("*"), &json!(1)));
    let some = json!({ "phone_numbers": ["60100000001", 60_100_000_002_i64, "x"], "business": "kedai" });
    let some = api.post_with(path, ("Idempotency-Key", "some"), some).await.expect(200);
    assert_eq!((&some.body["added"], &some.body["rejected_rows"][0]["row"]), (&json!(2), &json!(3)));
    let csv = "reason,Phone_Number\n\"no, thanks\",60100000002\n,0100000003\n,\n";
    let csv = api.upload(path, "text/csv", csv).await.expect(200);
    assert_eq!((&csv.body["added"], &csv.body["rejected"]), (&json!(2), &json!(1)));
    let answers = "phone,opted_out\n60100000009,no\n60100000003,yes\n";
    let answers = api.upload(path, "text/csv", answers).await.expect(200);
    assert_eq!((&answers.body["rejected"], &answers.body["rejected_rows"][0]["row"]), (&json!(1), &json!(2)));

    let first = api.get("/api/suppressions?limit=3").await.expect(200);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = api.get(&format!("/api/suppressions?limit=3&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.body["suppressions"].as_array().unwrap().len(), 2);
    let all = api.get("/api/suppressions?limit=5").await.expect(200);
    assert_eq!((all.body["suppressions"].as_array().unwrap().len(), &all.body["next_cursor"]), (5, &json!(null)));
    assert_eq!(first.body["suppressions"][0]["phone_number"], "+60100000003");
    let own = api.get("/api/suppressions?phone_number=010-000%200001").await.expect(200);
    assert_eq!(own.body["suppressions"].as_array().unwrap().len(), 2);

    let lift = async |body: serde_json::Value| said(api.request(Method::DELETE, path).json(&body)).await;
    let empty = lift(json!({ "phone_number": "60100000001", "business": null })).await.expect(422);
    assert_eq!(empty.fields(), ["business"], "no business is not every business");
    let lifted = lift(json!({ "phone_number": "60100000001" })).await.expect(200);
    assert_eq!(lifted.body["still_for"], json!(["kedai"]));
    lift(json!({ "phone_number": "60100000001" })).await.expect(404);
    assert_eq!(api.post(path, json!({})).await.expect(422).fields(), ["phone_number"]);
    assert_eq!(api.post(path, json!({ "phone_number": "x" })).await.expect(422).fields(), ["phone_number"]);
    assert_eq!(api.post(path, json!({ "phone_number": "60100000001", "business": "x" })).await.status, 422);
    let logged =
        "select count(*) from operator_actions where operator = 'write' and action in ('suppress', 'unsuppress')";
    assert_eq!(shop.number(logged).await, 6);
    serve.stop().await;
}

#[tokio::test]
async fn a_list_of_which_no_row_can_be_used_is_refused_and_names_each_row() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let path = "/api/suppressions";

    let json = api.post(path, json!({ "phone_numbers": ["x", "12"] })).await.expect(422);
    let csv = api.upload(path, "text/csv", "phone_number\nnobody\n").await.expect(422);

    assert_eq!(json.fields(), ["phone_numbers", "phone_numbers"]);
    assert_eq!((&json.body["errors"][1]["row"], &csv.body["errors"][0]["row"]), (&json!(2), &json!(2)));
    let named = csv.body["errors"][0]["detail"].as_str().unwrap();
    assert!(csv.fields() == ["phone_number"] && named.contains("`nobody`"), "{csv:?}");
    let none = "select count(*) from operator_actions where action = 'suppress'";
    assert_eq!(shop.number(none).await + shop.number("select count(*) from suppressions").await, 0);
    serve.stop().await;
}

#[tokio::test]
async fn a_csv_list_names_its_business_in_the_query_and_no_other_parameter_is_ignored() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let (path, list) = ("/api/suppressions", "phone_number\n60100000003\n");
    let csv = async |query: &str| api.upload(&format!("{path}?{query}"), "text/csv", list).await;
    let json = async |query: &str| {
        api.post(&format!("{path}?{query}"), json!({ "phone_number": "60100000003" })).await.expect(422)
    };

    assert_eq!(csv("businesses=kedai").await.expect(422).fields(), ["businesses"]);
    assert_eq!(csv("business=nobody").await.expect(422).fields(), ["business"]);
    assert_eq!(json("business=kedai").await.fields(), ["business"], "a body of JSON names it itself");
    assert_eq!(json("wat=1").await.fields(), ["wat"]);
    let column = "phone_number,Business\n60100000003,kedai\n";
    assert_eq!(api.upload(path, "text/csv", column).await.expect(422).fields(), ["business"], "not every business");
    assert_eq!(shop.number("select count(*) from suppressions").await, 0, "what is refused opts nobody out");

    assert_eq!(csv("business=kedai").await.expect(200).body["business"], "kedai");
    let listed = api.get(path).await.expect(200).body;
    assert_eq!(listed["suppressions"].as_array().unwrap().len(), 1);
    assert_eq!(listed["suppressions"][0]["business"], "kedai");
    serve.stop().await;
}

#[tokio::test]
async fn a_refused_lift_has_no_effect_and_the_same_answer_again() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let lift = async || {
        let request = api.request(Method::DELETE, "/api/suppressions").header("Idempotency-Key", "lift");
        said(request.json(&json!({ "phone_number": "60100000001" }))).await
    };

    lift().await.expect(404);
    lift().await.expect(404);

    serve.stop().await;
}

#[tokio::test]
async fn a_token_of_one_sender_sees_the_opt_outs_of_its_business_alone() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "write", "--sender", "cloud"]).await;
    shop.execute("update senders set business = 'other' where name = 'sales'").await;
    all.post("/api/suppressions", json!({ "phone_number": "60100000001", "business": "other" })).await.expect(200);

    let added = cloud.post("/api/suppressions", json!({ "phone_number": "60100000002" })).await.expect(200);

    assert_eq!(added.body["business"], "kedai");
    let other = json!({ "phone_number": "60100000003", "business": "other" });
    cloud.post("/api/suppressions", other.clone()).await.expect(404);
    said(cloud.request(Method::DELETE, "/api/suppressions").json(&other)).await.expect(404);
    let seen = cloud.get("/api/suppressions").await.expect(200);
    assert_eq!(seen.body["suppressions"].as_array().unwrap().len(), 1, "{seen:?}");
    assert_eq!(all.get("/api/suppressions").await.body["suppressions"].as_array().unwrap().len(), 2);
    serve.stop().await;
}

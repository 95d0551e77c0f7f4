//! A token of one sender, where several clients share a database: nothing of another client's is read, named or taken back by it.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::Api;
use super::{client, client_with, served};
use crate::support::{PATIENCE, digits};

#[tokio::test]
async fn an_undo_takes_back_the_acts_of_its_own_token_whatever_that_is_named() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let made =
        all.post("/api/blasts", json!({ "message": "Hi", "sender": "sales", "recipients": [digits(0), digits(1)] }));
    let path = format!("/api/blasts/{}", made.await.expect(201).body["id"]);
    let people: Vec<Value> = all.get(&path).await.body["recipients"].as_array().unwrap().clone();
    let opt_out = async |api: &Api, person: &Value| {
        let path = format!("/api/recipients/{}", person["id"]);
        api.patch(&path, json!({ "status": "opted_out" })).await.expect(200);
    };

    // One that was revoked, whose name another client's has now; and an operator's name.
    let till = client_with(&shop, &serve, &["till", "--scope", "write", "--sender", "sales"]).await;
    opt_out(&till, &people[0]).await;
    shop.ok(&["token", "revoke", "till"]).await;
    shop.ok(&["mark", "1", &digits(1), "opt-out"]).await;
    for name in ["till", "aina"] {
        let other = client_with(&shop, &serve, &[name, "--scope", "write", "--sender", "cloud"]).await;
        let refused = other.post("/api/undo", json!({})).await.expect(409);
        assert_eq!(refused.body["detail"], "there is nothing of yours to take back", "{name}");
    }
    assert_eq!(shop.number("select count(*) from suppressions").await, 2);

    // Its own act it takes back, and so does the operator.
    shop.ok(&["mark", "1", &digits(1), "undo"]).await;
    let own = client_with(&shop, &serve, &["own", "--scope", "write", "--sender", "sales"]).await;
    opt_out(&own, &people[1]).await;
    own.post("/api/undo", json!({})).await.expect(200);
    assert_eq!(shop.number("select count(*) from suppressions").await, 1);
    serve.stop().await;
}

#[tokio::test]
async fn people_are_named_by_the_blasts_of_its_sender_alone() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let new = |sender: &str, recipients: Value| json!({ "message": "Hi", "sender": sender, "recipients": recipients });
    all.post("/api/blasts", new("sales", json!([digits(0)]))).await.expect(201);
    all.post("/api/blasts", new("cloud", json!([digits(1)]))).await.expect(201);
    let list = shop.write("vip.csv", format!("phone,name\n{},Siti\n", digits(0)));
    shop.ok(&["list", "save", "vip", list.to_str().unwrap()]).await;
    shop.ok(&["customer", "tag", &digits(0), "gold"]).await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "write", "--sender", "cloud"]).await;

    let new_from = |from: &str| json!({ "message": "Hi", "from": from, "sender": "cloud" });
    for from in ["list:vip", "tag:gold", "-tag:gold blast:2", "blast:1", "blast:2,1 stuck:sent", "blast:2 list:vip"] {
        let own = json!({ "message": "Hi", "from": from });
        for (path, body) in [("/api/blasts", new_from(from)), ("/api/blasts/2/follow-up", own)] {
            let refused = cloud.post(path, body).await.expect(422);
            assert_eq!(refused.fields(), ["from"], "{from}");
            assert!(!refused.body.to_string().contains("Siti"), "{refused:?}");
        }
    }
    for q in ["tag:gold", "-list:vip"] {
        for path in ["recipients", "export"] {
            let refused = cloud.get(&format!("/api/blasts/2/{path}?q={q}")).await.expect(422);
            assert_eq!(refused.fields(), ["q"], "{q}");
        }
    }
    // Its own are named, and the operator names all.
    cloud.post("/api/blasts", new_from("blast:2")).await.expect(201);
    all.post("/api/blasts", new_from("list:vip")).await.expect(201);
    serve.stop().await;
}

#[tokio::test]
async fn it_sees_the_opt_outs_from_every_business_and_lifts_none() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "admin", "--sender", "cloud"]).await;
    all.post("/api/suppressions", json!({ "phone_number": digits(0) })).await.expect(200);

    let listed = cloud.get(&format!("/api/suppressions?phone_number={}", digits(0))).await.expect(200);
    assert_eq!(listed.body["suppressions"][0]["business"], "*");
    let lifted = cloud.request(Method::DELETE, "/api/suppressions").json(&json!({ "phone_number": digits(0) }));
    let refused = super::client::said(lifted).await.expect(404);
    let why = refused.body["detail"].as_str().unwrap();
    assert!(why.ends_with("but for `*`: a token of one sender does not lift that"), "{why}");

    // A name that another client's token has is no more than taken.
    shop.ok(&["token", "new", "till", "--scope", "read"]).await;
    let taken = cloud.post("/api/tokens", json!({ "name": "till", "scope": "read", "sender": "cloud" })).await;
    assert_eq!(taken.expect(409).body["detail"], "the name till is taken: choose another");
    serve.stop().await;
}

#[tokio::test]
async fn an_export_ends_with_its_token() {
    let (shop, serve) = served().await;
    shop.draft(0..1).await;
    shop.execute(
        "insert into blast_recipients (blast_id, phone_number, name)
         select 1, '+6019' || lpad(n::text, 8, '0'), repeat('Siti ', 10) from generate_series(1, 120000) n",
    )
    .await;
    let api = client_with(&shop, &serve, &["exp", "--scope", "read"]).await;

    let mut answer = api.request(Method::GET, "/api/blasts/1/export?format=jsonl").send().await.unwrap();
    assert!(answer.chunk().await.unwrap().is_some());
    shop.ok(&["token", "revoke", "exp"]).await;
    let since = Instant::now();
    let ended = loop {
        assert!(since.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(10)).await;
        match answer.chunk().await {
            Ok(Some(_)) => {}
            ended => break ended,
        }
    };

    assert!(ended.is_err(), "it was sent to its end");
    serve.stop().await;
}

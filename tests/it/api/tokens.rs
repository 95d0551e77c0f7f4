//! Who may use the API, and how often.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::said;
use super::{Api, client, client_with, served, served_with};
use crate::support::eventually_async;

#[tokio::test]
async fn a_token_is_shown_once_and_kept_as_a_hash() {
    let (shop, serve) = served().await;

    let api = client(&shop, &serve, "read").await;

    let own = api.get("/api/token").await.expect(200);
    let any = json!({ "name": "read", "scope": "read", "sender": null, "business": null, "expires_at": null });
    assert_eq!(own.body, any);
    let one = client_with(&shop, &serve, &["one", "--scope", "read", "--sender", "cloud"]).await;
    let one = one.get("/api/token").await.expect(200).body;
    assert_eq!((&one["sender"], &one["business"]), (&json!("cloud"), &json!("kedai")));
    let kept: (String, bool) = sqlx::query_as("select api_tokens::text, last_used_at is not null from api_tokens")
        .fetch_one(&shop.database.pool)
        .await
        .unwrap();
    assert!(!kept.0.contains(&api.token[3..]) && kept.1, "{kept:?}");
    let list = shop.run(&["token", "list"]).await;
    assert!(list.out.contains("read") && !list.out.contains(&api.token), "{list:?}");
    let log = std::fs::read_to_string(shop.path("serve.log")).unwrap();
    assert!(!log.contains(&api.token), "{log}");
    serve.stop().await;
}

#[tokio::test]
async fn nobody_passes_without_a_token_that_is_valid() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "read").await;
    let expired = client_with(&shop, &serve, &["old", "--scope", "admin", "--expires", "1s"]).await;

    let none = said(serve.client.get(format!("{}/api/blasts", serve.base_url))).await.expect(401);
    assert!(none.header("www-authenticate").starts_with("Bearer"), "{none:?}");
    assert_eq!((none.kind(), none.header("content-type")), ("unauthorized", "application/problem+json"));
    for wrong in ["", "x", &api.token[..40], &api.token.replace("bd_", "bx_"), &"bd_".repeat(20)] {
        Api::new(&serve, wrong).get("/api/blasts").await.expect(401);
    }
    eventually_async("an expired one opens nothing", async || expired.get("/api/blasts").await.status == 401).await;

    api.get("/api/blasts").await.expect(200);
    shop.ok(&["token", "revoke", "read"]).await;
    eventually_async("a revoked one opens nothing", async || api.get("/api/blasts").await.status == 401).await;
    assert_eq!(shop.run(&["token", "revoke", "read"]).await.code, 1);
    client(&shop, &serve, "read").await.get("/api/blasts").await.expect(200);
    assert_eq!(shop.run(&["token", "new", "READ", "--scope", "read"]).await.code, 3, "its name is taken again");
    serve.stop().await;
}

#[tokio::test]
async fn each_answer_has_the_requests_id_the_version_and_what_is_left() {
    let (shop, serve) = served_with("[http]\nrequests_per_minute = 3\n").await;
    let api = client(&shop, &serve, "read").await;

    let named =
        said(api.request(reqwest::Method::GET, "/api/blasts").header("X-Request-Id", "order-7")).await.expect(200);
    assert_eq!((named.header("x-request-id"), named.header("api-version")), ("order-7", "1"));
    assert_eq!(named.header("ratelimit-policy"), "\"token\";q=3;w=60");
    assert_eq!(named.header("ratelimit"), "\"token\";r=2;t=20");
    let evil = said(api.request(reqwest::Method::GET, "/api/nothing").header("X-Request-Id", "a b")).await.expect(404);
    assert_eq!(evil.header("x-request-id").len(), 32, "{evil:?}");
    let other = said(api.request(reqwest::Method::GET, "/api/blasts").header("Api-Version", "2")).await.expect(400);
    assert_eq!(other.kind(), "version");

    for _ in 0..2 {
        api.get("/api/blasts").await.expect(200);
    }
    let refused = api.get("/api/blasts").await.expect(429);
    assert_eq!(refused.kind(), "too-many-requests");
    assert!((1..=20).contains(&refused.header("retry-after").parse::<u32>().unwrap()), "{refused:?}");
    client_with(&shop, &serve, &["other", "--scope", "read"]).await.get("/api/blasts").await.expect(200);
    serve.stop().await;
}

#[tokio::test]
async fn a_token_of_one_sender_sees_and_makes_nothing_of_another() {
    let (shop, serve) = served().await;
    let all = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "write", "--sender", "cloud"]).await;
    let made = all.post("/api/blasts", json!({ "message": "Hi", "recipients": ["60100000001"] })).await.expect(201);
    let path = format!("/api/blasts/{}", made.body["id"]);
    let person = all.get(&path).await.body["recipients"][0]["id"].clone();

    for path in [path.clone(), format!("{path}/recipients"), format!("{path}/report"), format!("{path}/plan")] {
        cloud.get(&path).await.expect(404);
    }
    cloud.post(&format!("{path}/send"), json!({})).await.expect(404);
    cloud.post(&format!("{path}/recipients"), json!({ "recipients": ["60100000002"] })).await.expect(404);
    cloud.patch(&format!("/api/recipients/{person}"), json!({ "status": "replied" })).await.expect(404);
    cloud.delete(&path).await.expect(404);
    for path in [format!("/api/recipients/{person}"), format!("/api/recipients/{person}/history")] {
        let refused = cloud.get(&path).await.expect(404);
        assert_eq!(refused.body["detail"], format!("there is no recipient {person}"), "it says nothing of the blast");
    }
    assert_eq!(cloud.get("/api/blasts").await.body["blasts"], json!([]));
    assert_eq!(cloud.get("/api/recipients?q=60100000001").await.body["recipients"], json!([]));
    let refused =
        cloud.post("/api/blasts", json!({ "message": "Hi", "sender": "sales", "recipients": ["60100000001"] }));
    assert_eq!(refused.await.status, 404);

    assert_eq!(all.get("/api/blasts").await.body["blasts"].as_array().unwrap().len(), 1);
    serve.stop().await;
}

#[tokio::test]
async fn a_client_on_this_machine_needs_no_token_only_where_that_is_configured() {
    let (shop, serve) = served_with("[http]\nopen_on_loopback = true\n").await;
    let url = format!("{}/api/blasts", serve.base_url);

    let local = said(serve.client.post(&url).json(&json!({ "message": "Hi" }))).await.expect(201);

    let act = "select operator from operator_actions where action = 'create'";
    let by: String = sqlx::query_scalar(act).fetch_one(&shop.database.pool).await.unwrap();
    assert_eq!(by, "aina", "{local:?}");
    for (name, value) in [
        ("X-Forwarded-For", "192.0.2.1"),
        ("Forwarded", "for=192.0.2.1"),
        ("Host", "shop.example"),
        ("Via", "1.1 proxy"),
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Authorization", "Basic eDp5"),
    ] {
        said(serve.client.get(&url).header(name, value)).await.expect(401);
    }
    let checked = shop.run(&["doctor"]).await;
    assert!(checked.out.contains("[http] open_on_loopback is on"), "{checked:?}");
    serve.stop().await;
}

#[tokio::test]
async fn nothing_outlives_the_token_that_made_it() {
    let (shop, serve) = served().await;
    let admin = client_with(&shop, &serve, &["brief", "--scope", "admin", "--expires", "2h"]).await;
    let blast = admin.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();
    let end = admin.get("/api/tokens").await.expect(200).body["tokens"][0]["expires_at"].clone();
    assert!(end.is_string(), "{end}");

    let make = async |path: &str, body: serde_json::Value| admin.post(path, body).await.expect(201).body;
    let null = json!({ "name": "null", "scope": "read", "expires_in": null });
    admin.post("/api/tokens", null).await.expect(422);
    for asked in
        [json!({ "name": "ever", "scope": "read" }), json!({ "name": "long", "scope": "read", "expires_in": "90d" })]
    {
        let name = asked["name"].clone();
        let made = make("/api/tokens", asked).await;
        assert_eq!(made["expires_at"], end, "{name}");
        assert!(made["warning"].as_str().unwrap().contains("sooner"), "{made}");
    }
    let short = make("/api/tokens", json!({ "name": "short", "scope": "read", "expires_in": "1h" })).await;
    assert!(short["warning"].is_null() && short["expires_at"].as_str() < end.as_str(), "{short}");
    let link = make("/api/shares", json!({ "blast_id": blast })).await;
    assert_eq!((&link["expires_at"], link["warning"].is_string()), (&end, true), "{link}");

    let ends: i64 =
        shop.number("select count(distinct expires_at) from api_tokens where name in ('brief', 'ever', 'long')").await;
    assert_eq!(ends, 1);
    serve.stop().await;
}

#[tokio::test]
async fn an_admin_makes_and_ends_tokens_and_links_and_one_of_a_sender_only_its_own() {
    let (shop, serve) = served().await;
    let admin = client(&shop, &serve, "admin").await;
    let writer = client(&shop, &serve, "write").await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "admin", "--sender", "cloud"]).await;
    let blast = admin.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();

    let body = json!({ "name": "till", "scope": "read", "expires_in": "90d" });
    for path in ["/api/tokens", "/api/shares"] {
        assert_eq!(writer.get(path).await.expect(403).kind(), "scope");
        assert_eq!(writer.post(path, body.clone()).await.expect(403).kind(), "scope");
    }
    let made = admin.post("/api/tokens", body.clone()).await.expect(201);
    Api::new(&serve, made.body["token"].as_str().unwrap()).get("/api/blasts").await.expect(200);
    assert_eq!(admin.post("/api/tokens", body.clone()).await.expect(409).kind(), "refused");
    let keyed = admin.post_with("/api/tokens", ("Idempotency-Key", "k"), body.clone()).await.expect(422);
    assert_eq!(keyed.fields(), ["Idempotency-Key"]);
    for (wrong, field) in [
        (json!({ "name": "a b", "scope": "read" }), "name"),
        (json!({ "name": "x", "scope": "owner" }), "scope"),
        (json!({ "name": "x", "scope": "read", "expires_in": "soon" }), "expires_in"),
        (json!({ "name": "x", "scope": "read", "expires_in": null }), "expires_in"),
        (json!({ "name": "x", "scope": "read", "expiresIn": null }), "expiresIn"),
        (json!({ "name": "x", "scope": "read", "sender": null }), "sender"),
    ] {
        assert_eq!(admin.post("/api/tokens", wrong.clone()).await.expect(422).fields(), [field], "{wrong}");
    }
    admin.post("/api/tokens", json!({ "name": "x", "scope": "read", "sender": "nobody" })).await.expect(404);
    let listed = admin.get("/api/tokens").await.expect(200);
    assert_eq!(listed.body["tokens"].as_array().unwrap().len(), 4);
    assert!(!listed.body.to_string().contains("bd_"), "{listed:?}");

    let link = admin.post("/api/shares", json!({ "blast_id": blast, "expires_in": "2h" })).await.expect(201);
    let page = serve.get(link.body["path"].as_str().unwrap()).await;
    assert_eq!(page.0, 200);
    assert_eq!(
        admin.get(&format!("/api/shares?blast_id={blast}")).await.expect(200).body["shares"][0]["id"],
        link.body["id"]
    );
    assert_eq!(admin.post("/api/shares", json!({ "blast_id": 99 })).await.expect(404).kind(), "not-found");
    let long = admin.post("/api/shares", json!({ "blast_id": blast, "expires_in": "400d" })).await.expect(422);
    assert_eq!(long.fields(), ["expires_in"]);

    let own = format!("/api/shares/{}", link.body["id"]);
    cloud.post("/api/shares", json!({ "blast_id": blast })).await.expect(404);
    cloud.delete(&own).await.expect(404);
    cloud.delete("/api/tokens/till").await.expect(404);
    cloud.post("/api/tokens", json!({ "name": "y", "scope": "admin" })).await.expect(409);
    cloud.post("/api/tokens", json!({ "name": "y", "scope": "admin", "sender": "cloud" })).await.expect(201);
    assert_eq!(cloud.get("/api/tokens").await.body["tokens"].as_array().unwrap().len(), 2);
    assert_eq!(cloud.get("/api/shares").await.body["shares"], json!([]));

    assert_eq!(admin.delete(&own).await.status, 204);
    assert_eq!(admin.delete("/api/tokens/till").await.status, 204);
    admin.delete("/api/tokens/till").await.expect(404);
    let by = "select count(*) from operator_actions where action = 'token' and operator = 'admin'";
    assert_eq!(shop.number(by).await, 4);
    serve.stop().await;
}

/// A request whose caller is known by now, and of whose body a half is here.
async fn half_sent(api: &Api, path: &str, (kind, body): (&str, &str)) -> TcpStream {
    let mut stream = TcpStream::connect(api.base_url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        api.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Said once the body is waited for.
    let mut goes_on = vec![0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut goes_on).await.unwrap();
    assert!(goes_on.starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&goes_on));
    stream.write_all(&body.as_bytes()[..body.len() / 2]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_request_whose_token_is_revoked_while_its_body_comes_does_nothing() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let made =
        api.post("/api/blasts", json!({ "message": "Hi", "sender": "sales", "recipients": ["60100000001"] })).await;
    let path = format!("/api/blasts/{}", made.expect(201).body["id"]);
    let requests = [
        (format!("{path}/send"), ("application/json", "{\"expect_recipients\": 1}")),
        (format!("{path}/recipients"), ("application/x-ndjson", "60100000002\n60100000003\n")),
        ("/api/suppressions".to_owned(), ("text/csv", "phone\n60100000004\n")),
    ];
    let mut half = Vec::new();
    for (path, body) in &requests {
        half.push(half_sent(&api, path, *body).await);
    }

    shop.execute("update api_tokens set revoked_at = now(), revoked_by = 'aina'").await;
    eventually_async("a revoked one opens nothing", async || api.get("/api/token").await.status == 401).await;

    for (mut stream, (path, (_, body))) in half.into_iter().zip(&requests) {
        stream.write_all(&body.as_bytes()[body.len() / 2..]).await.unwrap();
        let mut answer = vec![0; "HTTP/1.1 401".len()];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 401", "{path}");
    }
    assert_eq!(shop.text("select state::text from blasts").await, "draft");
    assert_eq!(shop.number("select count(*) from blast_recipients").await, 1);
    assert_eq!(shop.number("select count(*) from suppressions").await, 0);
    serve.stop().await;
}

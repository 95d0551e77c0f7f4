//! What is wrong is named where it stands: the field, and of a list the row.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::{ApiAnswer, said};
use super::{Api, client, served};

/// Each field that a 422 names, and the row where there is one.
fn places(answer: &ApiAnswer) -> Vec<(&str, Option<u64>)> {
    let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {answer:?}"));
    errors.iter().map(|error| (error["field"].as_str().unwrap(), error["row"].as_u64())).collect()
}

#[tokio::test]
async fn a_list_that_cannot_be_used_names_its_rows() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let draft = api.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();
    let path = format!("/api/blasts/{draft}/recipients");

    let bad = api.post("/api/blasts", json!({ "message": "Hi", "recipients": ["abc", "+1"] })).await.expect(422);
    assert_eq!(places(&bad), [("recipients", Some(1)), ("recipients", Some(2))]);
    let nobody = api.post(&path, json!({ "recipients": [] })).await.expect(422);
    assert_eq!(places(&nobody), [("recipients", None)]);
    for (kind, text, expected) in [
        ("application/x-ndjson", "", ("recipients", None)),
        ("application/x-ndjson", "\"60100000001\n", ("recipients", Some(1))),
        ("text/csv", "", ("recipients", None)),
        ("text/csv", "60100000001,Aina\n60100000002,Hafiz\n", ("recipients", None)),
        ("text/csv", "phone,name\nx,Aina\n", ("recipients", Some(2))),
        ("text/csv", "phone,name\n60100000001,\"Aina\n", ("recipients", Some(2))),
    ] {
        let refused = api.upload(&path, kind, text).await;
        // A file of numbers without a header line may be read after all.
        if refused.status != 201 {
            assert_eq!((refused.status, places(&refused)), (422, vec![expected]), "{kind} {text:?}: {refused:?}");
        }
    }
    serve.stop().await;
}

#[tokio::test]
async fn every_other_422_names_its_field() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let draft = api.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();

    for path in [
        "/api/recipients?q=%00".to_owned(),
        "/api/blasts?tag=a%00b".to_owned(),
        "/api/blasts?external_id=%00".to_owned(),
        format!("/api/blasts/{draft}/recipients?q=%00"),
        "/api/suppressions?phone_number=%00".to_owned(),
    ] {
        let refused = api.get(&path).await.expect(422);
        let field = path.split_once('?').and_then(|(_, query)| query.split_once('=')).unwrap().0;
        assert_eq!(places(&refused), [(field, None)], "{path}");
    }
    let unknown = json!({ "phone_number": "60100000001", "business": "nobody" });
    let unknown = api.post("/api/suppressions", unknown).await.expect(422);
    assert_eq!(places(&unknown), [("business", None)]);
    assert_eq!(shop.number("select count(*) from suppressions").await, 0);
    let of_meta = api.post("/api/blasts", json!({ "message": "Hi", "retry_next_day": true })).await.expect(422);
    assert_eq!(places(&of_meta), [("retry_next_day", None)], "of a sender of WSAPME's");
    let key = ("Idempotency-Key", "one");
    api.post_with("/api/blasts", key, json!({ "message": "Hi" })).await.expect(201);
    let reused = api.post_with("/api/blasts", key, json!({ "message": "Ho" })).await.expect(422);
    assert_eq!(places(&reused), [("Idempotency-Key", None)]);
    for body in [json!({ "message": "a\u{0}b" }), json!({ "message": "Hi", "blast_tag": "a\u{0}" })] {
        let answer = api.post("/api/blasts", body.clone()).await;
        assert!(answer.status == 201 || !places(&answer).is_empty(), "{body}: {answer:?}");
    }
    serve.stop().await;
}

#[tokio::test]
async fn an_answer_names_calls_and_no_commands() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "admin").await;
    let body = json!({ "message": "Hi", "recipients": ["60100000001"] });
    let draft = api.post("/api/blasts", body).await.expect(201).body["id"].clone();
    let delete = |path: &'static str| said(api.request(Method::DELETE, path));
    let token = json!({ "name": "till", "scope": "read" });
    api.post("/api/tokens", token.clone()).await.expect(201);

    let answers = [
        (api.get("/api/blasts/99").await, 404, "`GET /api/blasts`"),
        (delete("/api/tokens/nobody").await, 404, "`GET /api/tokens`"),
        (delete("/api/shares/99").await, 404, "`GET /api/shares`"),
        (api.post("/api/tokens", token).await, 409, "`DELETE /api/tokens/till`"),
    ];

    for (answer, status, call) in answers {
        let detail = answer.body["detail"].as_str().unwrap().to_owned();
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(detail.contains(call) && !detail.contains("blastdeck "), "{detail}");
    }
    api.post(&format!("/api/blasts/{draft}/send"), json!({})).await.expect(200);
    let waiting: Value = api.get(&format!("/api/blasts/{draft}")).await.body["waiting"].clone();
    assert!(!waiting["mend"].to_string().contains("blastdeck blast"), "{waiting}");
    serve.stop().await;
}

#[tokio::test]
async fn whatever_is_logged_of_a_request_has_its_id_also_in_a_log_of_errors_alone() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let draft = api.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();
    shop.execute("alter table blast_reports rename to gone").await;
    let named = |method, path: &str, id: &str| api.request(method, path).header("X-Request-Id", id.to_owned());

    let failed = said(named(Method::GET, &format!("/api/blasts/{draft}/reports"), "order-7")).await.expect(500);
    assert_eq!(failed.header("x-request-id"), "order-7");
    shop.execute("alter table blast_recipients add constraint nobody check (name <> 'Nobody')").await;
    let list = named(Method::POST, &format!("/api/blasts/{draft}/recipients"), "order-8");
    let list = list.header("Content-Type", "text/csv").header("Prefer", "respond-async");
    let job = said(list.body("phone,name\n60100000001,Nobody\n")).await.expect(202);
    let job = api.get(&format!("{}?wait=20", job.header("location"))).await.expect(200);
    assert_eq!(job.body["state"], "failed");

    let log = std::fs::read_to_string(shop.path("serve.log")).unwrap();
    for id in ["order-7", "order-8"] {
        assert!(log.lines().any(|line| line.contains("ERROR") && line.contains(id)), "{id}: {log}");
    }
    serve.stop().await;
}

/// The first bytes of the answer to a body that is announced and does not come.
async fn announced(api: &Api, path: &str, length: u64) -> String {
    let mut stream = TcpStream::connect(api.base_url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n",
        api.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_at_once() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "write").await;
    let draft = api.post("/api/blasts", json!({ "message": "Hi" })).await.expect(201).body["id"].clone();

    for (path, length) in
        [("/api/blasts".to_owned(), 30_000_000), (format!("/api/blasts/{draft}/recipients"), 400_000_000)]
    {
        let answer = timeout(Duration::from_secs(3), announced(&api, &path, length)).await;
        assert_eq!(answer.as_deref(), Ok("HTTP/1.1 413"), "{path}");
    }
    serve.stop().await;
}

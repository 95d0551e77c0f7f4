//! Every call of the document with hostile addresses, queries, headers and bodies: whatever comes, the answer is one that the document
//! has, and never the server's fault.

use std::time::{Duration, Instant};

use proptest::collection::{hash_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use super::client::said;
use super::document::{Operation, document};
use super::{Api, client, served_with};
use crate::support::{figure, long_form};

/// Texts that something may stumble over.
const HOSTILE: [&str; 24] = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "7",
    "9223372036854775807",
    "9223372036854775808",
    "1e309",
    "NaN",
    "null",
    "\0",
    "\u{202e}abc",
    "'; drop table blasts; --",
    "%00",
    "..%2F..%2Fetc%2Fpasswd",
    "{{1}}",
    "{name",
    "\u{1f600}",
    "60100000001",
    "2026-02-30",
    "+262142-12-31T23:59:59Z",
    "infinity",
    "999999999999999999999999d",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => select(&HOSTILE[..]).prop_map(str::to_owned), 1 => any::<String>(), 1 => "[a-z:<>0-9 ]{0,40}"]
}

/// Any JSON, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            hash_map(text(), inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A body: that of the example with some fields otherwise, or left out; or anything.
fn body(example: Value) -> BoxedStrategy<Value> {
    let Value::Object(fields) = example else { return any_json().boxed() };
    let each: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| {
            let value = prop_oneof![
                4 => Just(Some(value)),
                2 => any_json().prop_map(Some),
                1 => text().prop_map(|text| Some(Value::from(text))),
                3 => Just(None),
            ];
            (Just(name), value)
        })
        .collect();
    let changed = each.prop_map(|fields| {
        Value::Object(fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Map<_, _>>())
    });
    prop_oneof![5 => changed, 1 => any_json()].boxed()
}

/// One request, as it is sent and as it is printed.
#[derive(Debug, Clone)]
struct Request {
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<(String, Vec<u8>)>,
}

fn requests(operation: &Operation, ids: Vec<String>) -> BoxedStrategy<Request> {
    let names =
        |place| operation.parameters(place).map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let id = prop_oneof![3 => select(ids), 1 => text()];
    let path: Vec<_> = names("path").into_iter().map(|name| (Just(name), id.clone())).collect();
    let known: Vec<_> = names("query");
    let key = if known.is_empty() { text().boxed() } else { prop_oneof![9 => select(known), 1 => text()].boxed() };
    let header = select(vec!["if-match", "idempotency-key", "prefer", "api-version", "x-request-id", "accept"]);
    let headers = vec(
        (
            header,
            prop_oneof![select(vec!["*", "\"1\"", "1", "k", "respond-async"]).prop_map(str::to_owned), "[ -~]{1,20}"],
        ),
        0..3,
    );
    let media = operation.value["requestBody"]["content"].as_object().cloned().unwrap_or_default();
    let bodies = if media.is_empty() {
        Just(None).boxed()
    } else {
        let known: Vec<String> = media.keys().cloned().collect();
        let json = body(operation.example())
            .prop_map(|body| (vec!["application/json".to_owned()], body.to_string().into_bytes()));
        let bytes = (
            vec(select(known), 1..2),
            prop_oneof![
                vec(any::<u8>(), 0..200),
                vec(text(), 0..6).prop_map(|lines| format!("phone_number,reason\n{}", lines.join("\n")).into_bytes()),
            ],
        );
        let both = prop_oneof![4 => json, 1 => bytes];
        both.prop_map(|(kind, body)| Some((kind[0].clone(), body))).boxed()
    };
    (path, vec((key, text()), 0..3), headers, bodies)
        .prop_map(|(path, query, headers, body)| Request { path, query, headers, body })
        .boxed()
}

async fn send(api: &Api, operation: &Operation, request: &Request) -> u16 {
    let mut url = reqwest::Url::parse(&api.base_url).unwrap();
    for part in operation.path.trim_start_matches('/').split('/') {
        let value = request.path.iter().find(|(name, _)| part == format!("{{{name}}}"));
        // An empty part, or one of dots, would be another address.
        let part = value.map_or(part, |(_, value)| if value.trim_matches('.').is_empty() { "x" } else { value });
        url.path_segments_mut().unwrap().pop_if_empty().push(part);
    }
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    let mut sent = api.request_url(operation.method.clone(), url);
    for (name, value) in &request.headers {
        sent = sent.header(*name, value);
    }
    if let Some((kind, body)) = &request.body {
        sent = sent.header("content-type", kind).body(body.clone());
    }
    said(sent).await.status
}

#[tokio::test]
async fn whatever_is_asked_is_answered_as_the_document_says() {
    let (shop, serve) = served_with("[http]\nrequests_per_minute = 1000000\n").await;
    let api = client(&shop, &serve, "write").await;
    let made = json!({ "message": "Hi {name|there}", "recipients": ["60100000001", "60100000002"] });
    for _ in 0..3 {
        api.post("/api/blasts", made.clone()).await.expect(201);
    }
    let mut operations = document(&serve.base_url).await.operations();
    // The pages for people read forms and cookies.
    operations.retain(|operation| operation.path.starts_with("/api/"));
    let ids = ["1", "2", "3", "sales", "cloud"].map(str::to_owned).to_vec();
    let mut runner = TestRunner::default();
    let strategies: Vec<_> = operations.iter().map(|operation| (operation, requests(operation, ids.clone()))).collect();

    let until = Instant::now() + Duration::from_secs(if long_form() { 180 } else { 5 });
    let (mut sent, mut good, mut rounds) = (0_u32, 0_u32, 0_u32);
    // A busy machine takes longer for the first two.
    while rounds < 2 || Instant::now() < until {
        rounds += 1;
        for (operation, strategy) in &strategies {
            let request = strategy.new_tree(&mut runner).unwrap().current();
            let status = send(&api, operation, &request).await;
            // Without WSAPME's or Meta's own answer a call of theirs may be a bad gateway; nothing else is the server's fault.
            assert!(status < 500 || status == 502, "{}: {status}: {request:?}", operation.name());
            sent += 1;
            good += u32::from(status < 300);
        }
    }

    figure(&format!("{sent} requests, {good} of them done"));
    assert!(sent > 100 && good > sent / 50, "{sent} {good}");
    let log = std::fs::read_to_string(shop.path("serve.log")).unwrap();
    assert!(!log.contains("panicked") && !log.contains("a request failed"), "{log}");
    shop.invariants().await;
    serve.stop().await;
}

//! Webhooks as a receiver gets them.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode, routing::any};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::super::{
    CloudAccount, Options,
    test_client::{BEARER, MESSAGES, Sim, options, phone},
};
use super::*;

/// What a receiver got, and how often it still refuses.
#[derive(Default)]
struct Inbox {
    requests: Mutex<Vec<(String, Vec<u8>)>>,
    refusals: Mutex<u32>,
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut refusals = inbox.refusals.lock().unwrap_or_else(PoisonError::into_inner);
    if *refusals > 0 {
        *refusals -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let signature = headers.get("x-hub-signature-256").map_or("", |value| value.to_str().unwrap()).to_owned();
    inbox.requests.lock().unwrap().push((signature, body.to_vec()));
    StatusCode::OK
}

impl Inbox {
    async fn start() -> (Arc<Self>, String) {
        let inbox = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let app = Router::new().route("/hook", any(receive)).with_state(Arc::clone(&inbox));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (inbox, url)
    }

    fn requests(&self) -> Vec<(String, Vec<u8>)> {
        self.requests.lock().unwrap().clone()
    }

    /// The bodies of all requests but handshakes.
    fn bodies(&self) -> Vec<Value> {
        self.requests()
            .iter()
            .filter(|(_, body)| !body.is_empty())
            .map(|(_, body)| serde_json::from_slice(body).unwrap())
            .collect()
    }

    /// All items of this list in all requests, in the order of their arrival.
    fn items(&self, list: &str) -> Vec<Value> {
        let mut items = Vec::new();
        for entry in self.bodies().iter().flat_map(|body| body["entry"].as_array().unwrap()) {
            for change in entry["changes"].as_array().unwrap() {
                items.extend(change["value"][list].as_array().cloned().unwrap_or_default());
            }
        }
        items
    }
}

fn send_body(n: usize) -> Value {
    let texts: Vec<_> = ["Aina", "20%"].iter().map(|text| json!({ "type": "text", "text": text })).collect();
    let button = |index: u32, payload: &str| json!({ "type": "button", "sub_type": "quick_reply", "index": index.to_string(), "parameters": [{ "type": "payload", "payload": payload }] });
    json!({
        "messaging_product": "whatsapp", "to": format!("+{}", phone(n)), "type": "template",
        "biz_opaque_callback_data": format!("b1:r{n}:a1"),
        "template": { "name": "raya_promo", "language": { "code": "ms" }, "components": [
            { "type": "body", "parameters": texts }, button(0, "YES"), button(1, "STOP"),
        ]},
    })
}

fn announcing(url: &str, faults: &[&str]) -> Options {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let webhooks = WebhookTargets { meta: Some(url.to_owned()), wsapme: Some(url.to_owned()) };
    Options { faults, webhooks, ..options(7) }
}

/// Sends to this many people, waits until nothing more happens, and returns the truth's POSTs.
async fn blast(sim: &Sim, people: usize) -> Vec<Value> {
    for n in 0..people {
        sim.graph(MESSAGES, &send_body(n)).await;
    }
    sim.settled_truth().await["posts"].as_array().unwrap().clone()
}

fn rank(stage: &str) -> usize {
    ["sent", "delivered", "read", "failed"].iter().position(|known| *known == stage).unwrap()
}

/// The highest status that was announced for a message.
fn highest<'a>(statuses: &'a [Value], id: &Value) -> Option<&'a str> {
    let own = statuses.iter().filter(|status| status["id"] == *id);
    own.map(|status| status["status"].as_str().unwrap()).max_by_key(|stage| rank(stage))
}

#[tokio::test]
async fn what_is_announced_is_the_truth() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &[])).await;

    let posts = blast(&sim, 300).await;

    let (statuses, messages) = (inbox.items("statuses"), inbox.items("messages"));
    for post in &posts {
        let expected = post["stage"].as_str();
        assert_eq!(highest(&statuses, &post["message_id"]), expected, "{post}");
        assert_eq!(post["announced_stage"], post["stage"]);
        let replied = post["replied_at"].is_string();
        assert_eq!(messages.iter().any(|message| message["from"] == post["phone"]), replied);
        assert_eq!(post["announced_reply"], replied);
    }
    let status = statuses.iter().find(|status| status["status"] == "delivered").unwrap();
    assert!(status["biz_opaque_callback_data"].as_str().unwrap().starts_with("b1:r"));
    assert!(status["timestamp"].as_str().unwrap().parse::<i64>().is_ok());
    assert_eq!((&status["pricing"]["category"], &status["pricing"]["billable"]), (&json!("marketing"), &json!(true)));
    assert!(status["recipient_user_id"].as_str().unwrap().starts_with("MY."));
    assert!(status["conversation"].is_null());
    let failed = statuses.iter().find(|status| status["status"] == "failed").unwrap();
    assert!(failed["errors"][0]["code"].as_u64().unwrap() > 130_000 && failed["errors"][0]["title"].is_string());
}

#[tokio::test]
async fn the_shapes_of_replies_and_preferences_are_metas() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &[])).await;

    blast(&sim, 800).await;

    let messages = inbox.items("messages");
    let of = |kind: &str| messages.iter().filter(|message| message["type"] == kind).collect::<Vec<_>>();
    assert!(of("text").iter().all(|message| message["text"]["body"].is_string() && message["context"].is_null()));
    assert!(of("button").iter().all(|message| message["button"]["payload"].is_string()));
    assert!(of("button").iter().all(|message| message["context"]["id"].as_str().unwrap().starts_with("wamid.")));
    assert!(of("interactive").iter().all(|message| message["interactive"]["list_reply"]["title"].is_string()));
    assert!(of("text").len() > 10 && of("button").len() > 10 && !of("interactive").is_empty());
    for stop in messages.iter().filter(|message| message["button"]["text"] == "STOP") {
        assert_eq!(stop["button"]["payload"], "STOP");
    }
    for preference in inbox.items("user_preferences") {
        assert_eq!((&preference["value"], preference["timestamp"].is_i64()), (&json!("stop"), true));
    }
    assert!(inbox.bodies().iter().all(|body| body["object"] == "whatsapp_business_account"));
}

#[tokio::test]
async fn the_signature_is_over_the_bytes_and_the_bytes_are_ascii() {
    let (inbox, url) = Inbox::start().await;
    let account = CloudAccount { app_secret: "my secret".into(), ..CloudAccount::default() };
    let sim = Sim::start(Options { account, ..announcing(&url, &[]) }).await;

    blast(&sim, 300).await;

    let requests = inbox.requests();
    for (signature, body) in &requests {
        assert_eq!(*signature, delivery::signature(&"my secret".into(), body));
        assert!(body.is_ascii());
    }
    assert!(requests.iter().any(|(_, body)| String::from_utf8_lossy(body).contains(r"\u")), "no name was escaped");
}

/// The value that everybody's HMAC-SHA256 gives.
#[test]
fn a_signature_is_that_of_a_known_example() {
    let signature = delivery::signature(&"key".into(), b"The quick brown fox jumps over the lazy dog");

    assert_eq!(signature, "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");
}

#[tokio::test]
async fn a_receiver_that_refuses_gets_everything_again() {
    let (inbox, url) = Inbox::start().await;
    *inbox.refusals.lock().unwrap() = 20;
    let sim = Sim::start(announcing(&url, &[])).await;

    let posts = blast(&sim, 50).await;

    let statuses = inbox.items("statuses");
    assert!(posts.iter().all(|post| highest(&statuses, &post["message_id"]) == post["stage"].as_str()));
    assert_eq!(sim.stats().await["webhooks"]["failed"], 20);
}

#[tokio::test]
async fn lost_and_repeated_and_shuffled_webhooks_announce_what_the_truth_says_they_do() {
    let (inbox, url) = Inbox::start().await;
    let faults =
        ["webhook-lost=0.2", "webhook-duplicate=0.5", "webhook-reorder=1", "webhook-repeated=0.3", "no-delivered=0.5"];
    let sim = Sim::start(announcing(&url, &faults)).await;

    let posts = blast(&sim, 200).await;

    let statuses = inbox.items("statuses");
    for post in &posts {
        assert_eq!(highest(&statuses, &post["message_id"]), post["announced_stage"].as_str(), "{post}");
    }
    assert!(posts.iter().any(|post| post["announced_stage"] != post["stage"]));
    assert!(statuses.len() > 500, "{}", statuses.len());
}

#[tokio::test]
async fn a_person_without_a_number_is_known_by_their_user_id_from_the_first_status_on() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &["no-phone=1", "webhook-v23=1"])).await;

    blast(&sim, 200).await;

    for status in inbox.items("statuses") {
        assert_eq!(status["recipient_id"].is_string(), status["status"] == "sent", "{status}");
        assert!(status["recipient_user_id"].is_string());
        assert_eq!(status["conversation"].is_object(), status["pricing"].is_object());
    }
    let messages = inbox.items("messages");
    assert!(
        !messages.is_empty()
            && messages.iter().all(|message| message["from"].is_null() && message["from_user_id"].is_string())
    );
}

#[tokio::test]
async fn an_early_webhook_comes_before_the_answer() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &["webhook-early=1", "webhook-lost=0"])).await;

    let began = Instant::now();
    sim.graph(MESSAGES, &send_body(1)).await;

    assert!(!inbox.items("statuses").is_empty() && began.elapsed().as_millis() >= 300);
}

#[tokio::test]
async fn wsapmes_webhooks_have_its_three_shapes_and_its_texts() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &[])).await;
    for n in 0..200 {
        sim.send(&phone(n)).await;
    }

    let truth = sim.settled_truth().await;

    let bodies = inbox.bodies();
    let events: Vec<_> = bodies
        .iter()
        .map(|body| {
            if body.is_array() {
                &body[0]
            } else if body["data"].is_object() {
                &body["data"]
            } else {
                body
            }
        })
        .collect();
    let count = |has: fn(&Value) -> bool| events.iter().filter(|event| has(event)).count();
    assert!(count(|event| event["message"].is_object() && event["key"]["fromMe"] == true) > 50);
    assert!(count(|event| event["messageId"].is_string() && event["status"].is_string()) > 50);
    assert!(count(|event| event["update"]["status"].is_u64()) > 50);
    let texts: Vec<_> = events.iter().filter(|event| event["from"].is_string()).collect();
    assert_eq!(texts.len() as u64, truth["people"]["replied"].as_u64().unwrap());
    assert!(texts.iter().all(|text| text["from"].as_str().unwrap().ends_with("@c.us")));
    assert!(inbox.requests().iter().all(|(signature, _)| signature.is_empty()));
}

#[tokio::test]
async fn during_an_outage_nothing_comes_and_afterwards_everything() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &["webhook-outage=1"])).await;
    for n in 0..20 {
        sim.graph(MESSAGES, &send_body(n)).await;
    }
    sim.until("attempts that failed", |stats| stats["webhooks"]["failed"].as_u64() > Some(5)).await;
    let during = inbox.requests().len();

    sim.post("/sim/faults", "[]").await;
    let posts = sim.settled_truth().await["posts"].as_array().unwrap().clone();

    let statuses = inbox.items("statuses");
    assert_eq!(during, 0);
    assert!(posts.iter().all(|post| highest(&statuses, &post["message_id"]) == post["stage"].as_str()));
}

#[tokio::test]
async fn receivers_can_be_set_while_it_runs_and_the_handshake_is_reported() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(options(7)).await;

    let early = sim.post("/sim/webhooks/handshake", "").await;
    let bad = sim.post("/sim/webhooks", r#"{"meta":"ftp://x"}"#).await;
    let set = sim.post("/sim/webhooks", &json!({ "meta": url }).to_string()).await;
    let shown = sim.get("/sim/webhooks").await.json();
    let report = sim.post("/sim/webhooks/handshake", "").await.json();
    blast(&sim, 10).await;

    assert_eq!((early.code, bad.code, set.code), (400, 400, 204));
    assert_eq!(shown, json!({ "meta": url, "wsapme": null }));
    // This receiver answers 200 without the challenge.
    assert_eq!(report, json!({ "ok": false, "status": 200, "body": "" }));
    assert!(inbox.items("statuses").len() > 10);
}

#[tokio::test]
async fn a_body_of_a_tests_own_is_posted_as_it_is_and_signed() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &[])).await;

    let answer = sim.post("/sim/webhooks/meta", "{ odd }").await.json();

    let secret = CloudAccount::default().app_secret;
    assert_eq!(answer, json!({ "status": 200 }));
    assert_eq!(inbox.requests(), [(delivery::signature(&secret, b"{ odd }"), b"{ odd }".to_vec())]);
}

#[tokio::test]
async fn a_picture_that_somebody_sent_can_be_fetched() {
    let (inbox, url) = Inbox::start().await;
    let sim = Sim::start(announcing(&url, &[])).await;
    blast(&sim, 1_500).await;
    let messages = inbox.items("messages");
    let image = &messages.iter().find(|message| message["type"] == "image").expect("a picture")["image"];

    let described = sim.graph_get(&format!("/v24.0/{}", image["id"].as_str().unwrap())).await;

    assert_eq!((&described["mime_type"], &described["id"]), (&image["mime_type"], &image["id"]));
    let path = described["url"].as_str().unwrap().strip_prefix("http://sim").unwrap().to_owned();
    let (file, without_token) = (sim.call("GET", &path, &[BEARER], "").await, sim.call("GET", &path, &[], "").await);
    assert!(file.head.contains("content-type: image/png"));
    assert_eq!((file.code, without_token.code), (200, 401));
}

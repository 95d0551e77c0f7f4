//! The wire format: what a client of the gateway receives.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::{
    Options,
    test_client::{FAST, RawReply, Sim, options, phone, send_body},
};

async fn sim() -> Sim {
    Sim::start(options(7)).await
}

/// Sends to people until a response has the wanted form.
async fn first_answer(sim: &Sim, wanted: impl Fn(&Value) -> bool) -> Value {
    for n in 0..200 {
        let answer = sim.send(&phone(n)).await.json();
        if wanted(&answer) {
            return answer;
        }
    }
    panic!("no such answer among 200");
}

/// The message ids of two hundred people, once nothing more will happen to them.
async fn settled_ids(sim: &Sim) -> Vec<(String, String)> {
    for n in 0..200 {
        sim.send(&phone(n)).await;
    }
    let truth = sim.settled_truth().await;
    let posts = truth["posts"].as_array().unwrap();
    posts
        .iter()
        .map(|post| (post["message_id"].as_str().unwrap().to_owned(), post["stage"].as_str().unwrap().to_owned()))
        .collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_send_is_answered_byte_for_byte_as_on_record() {
    let sim = sim().await;
    let answer = first_answer(&sim, |answer| answer["data"]["message"]["extendedTextMessage"].is_object()).await;
    let data = &answer["data"];
    let jid = data["key"]["remoteJid"].as_str().unwrap();
    let to = jid.strip_suffix("@s.whatsapp.net").unwrap();

    let again = sim.send(to).await;

    // A second message may have the other shape of content: only the first is compared.
    assert!(again.head.contains("content-type: application/json"));
    assert_eq!((answer["success"].clone(), answer["message"].clone()), (json!(true), json!("Sent Successfully")));
    assert_eq!(data["key"]["fromMe"], true);
    assert_eq!(data["key"]["id"].as_str().unwrap().len(), 22);
    assert_eq!(
        data["message"]["extendedTextMessage"],
        json!({"text": "Salam, kuih raya dah siap", "contextInfo": {"expiration": 0}})
    );
    let secret = data["message"]["messageContextInfo"]["messageSecret"].as_str().unwrap();
    assert!(secret.len() == 44 && secret.ends_with('='), "{secret}");
    assert!(["PENDING", "SERVER_ACK"].contains(&data["status"].as_str().unwrap()));
    let now = chrono::Utc::now().timestamp();
    assert!((now - data["messageTimestamp"].as_str().unwrap().parse::<i64>().unwrap()).abs() <= 2);
    assert_eq!(keys(data), ["key", "message", "messageTimestamp", "status"]);
}

#[tokio::test]
async fn the_fields_of_a_send_answer_come_in_the_gateways_order() {
    let sim = sim().await;

    let body = sim.send(&phone(1)).await.body;

    let place = |field: &str| body.find(&format!("\"{field}\"")).unwrap_or_else(|| panic!("{field} in {body}"));
    assert!(body.starts_with(r#"{"success":true,"message":"Sent Successfully","data":{"key":{"remoteJid":"#));
    assert!(place("fromMe") < place("id") && place("id") < place("messageTimestamp"));
    assert!(place("messageTimestamp") < place("status"));
}

#[tokio::test]
async fn some_answers_have_a_plain_conversation_and_some_are_already_acknowledged() {
    let sim = sim().await;

    let plain = first_answer(&sim, |answer| answer["data"]["message"]["conversation"].is_string()).await;
    let acknowledged = first_answer(&sim, |answer| answer["data"]["status"] == "SERVER_ACK").await;

    assert_eq!(plain["data"]["message"], json!({"conversation": "Salam, kuih raya dah siap"}));
    assert_eq!(acknowledged["success"], true);
}

#[tokio::test]
async fn a_leading_plus_and_a_device_as_a_number_are_taken() {
    let sim = sim().await;

    let answer =
        sim.post("/v1/sendMessage2", r#"{"device":5850,"to":"+60100000001","message":"x","priority":"1"}"#).await;

    assert_eq!(answer.json()["data"]["key"]["remoteJid"], "60100000001@s.whatsapp.net");
    let post = &sim.truth().await["posts"][0];
    assert_eq!((&post["phone"], &post["device"]), (&json!("60100000001"), &json!("5850")));
}

#[tokio::test]
async fn the_older_call_answers_a_flat_record() {
    let sim = sim().await;

    let answer = sim.post("/v1/sendMessage", &send_body("60100000001")).await.json();

    let data = &answer["data"];
    assert_eq!(answer["success"], true);
    assert_eq!(data["jid"], "60100000001@s.whatsapp.net");
    assert_eq!(data["id_device"], "5850");
    assert_eq!(data["messageId"].as_str().unwrap().len(), 22);
    assert_eq!(keys(data), ["id_device", "jid", "message", "messageId", "qt", "status"]);
}

#[tokio::test]
async fn an_unknown_message_is_not_available_with_its_trailing_space() {
    let sim = sim().await;

    let answer = sim.status("3EB0WM0A1B2C3D4E5F6071").await;

    assert_eq!((answer.code, answer.body.as_str()), (200, r#"{"success":false,"message":"messageInfo ","data":{}}"#));
    let other_way = sim.post("/api/messageInfo", r#"{"id_device":"5850","jid":"x","messages":{}}"#).await;
    assert_eq!(other_way.body, answer.body);
}

#[tokio::test]
async fn a_message_of_another_device_is_unknown() {
    let sim = sim().await;
    let id = sim.send(&phone(1)).await.message_id();

    let answer = sim.post("/v1/getMessageStatus", &format!(r#"{{"device":"9","messageId":"{id}"}}"#)).await;

    assert_eq!(answer.json()["success"], false);
}

#[tokio::test]
async fn a_status_is_the_message_with_its_word_and_both_timestamps_as_text() {
    let sim = sim().await;
    let ids = settled_ids(&sim).await;
    let (mut statuses, mut in_millis) = (std::collections::BTreeSet::new(), 0);

    for (id, stage) in &ids {
        let data = sim.status(id).await.json()["data"].clone();
        let status = data["status"].as_str().unwrap().to_owned();
        let expected = match stage.as_str() {
            "read" => "READ",
            "delivered" => "DELIVERY_ACK",
            "failed" => "ERROR",
            _ => "PENDING",
        };
        assert_eq!(status, expected);
        assert_eq!(data["key"]["id"], id.as_str());
        assert!(data["messageTimestamp"].as_str().unwrap().len() == 10);
        assert_eq!(data.get("messageC2STimestamp").is_some(), ["READ", "DELIVERY_ACK"].contains(&status.as_str()));
        let c2s = data["messageC2STimestamp"].as_str().unwrap_or_default();
        assert!([0, 10, 13].contains(&c2s.len()), "{c2s}");
        in_millis += usize::from(c2s.len() == 13);
        statuses.insert(status);
    }

    assert_eq!(Vec::from_iter(statuses), ["DELIVERY_ACK", "ERROR", "PENDING", "READ"]);
    assert!((50..150).contains(&in_millis), "{in_millis}");
}

#[tokio::test]
async fn a_fresh_message_has_the_word_of_its_send_and_a_server_time_only_once_the_server_has_it() {
    let sim = Sim::start(Options { speed: 0.001, ..options(7) }).await;
    let mut statuses = std::collections::BTreeSet::new();

    for n in 0..50 {
        let sent = sim.send(&phone(n)).await;
        let answered = sim.status(&sent.message_id()).await.json();
        let status = answered["data"]["status"].as_str().unwrap().to_owned();
        assert_eq!(sent.json()["data"]["status"], status.as_str());
        assert_eq!(answered["data"].get("messageC2STimestamp").is_some(), status == "SERVER_ACK");
        statuses.insert(status);
    }

    assert_eq!(Vec::from_iter(statuses), ["PENDING", "SERVER_ACK"]);
}

#[tokio::test]
async fn a_wrong_or_missing_token_is_unauthorised_and_the_token_is_not_told() {
    let sim = Sim::start(Options { token: Some("secret".into()), ..options(7) }).await;
    let send =
        async |headers: &[(&str, &str)]| sim.call("POST", "/v1/sendMessage2", headers, &send_body(&phone(1))).await;

    let answers = [send(&[("x-wsapme-token", "hunter2")]).await, send(&[]).await];
    let right = send(&[("X-WSAPME-Token", "secret")]).await;

    for answer in answers {
        assert_eq!((answer.code, answer.body.as_str()), (401, r#"{"success":false,"message":"Unauthorised Token"}"#));
    }
    assert_eq!(right.code, 200);
    let text = sim.get("/sim/truth").await.body;
    assert!(!text.contains("hunter2") && !text.contains("secret"), "{text}");
    let truth: Value = serde_json::from_str(&text).unwrap();
    let answered: Vec<_> = truth["posts"].as_array().unwrap().iter().map(|post| &post["answered"]).collect();
    assert_eq!(answered, ["unauthorised", "unauthorised", "ok"]);
    assert_eq!((&truth["posts"][0]["token_ok"], &truth["posts"][2]["token_ok"]), (&json!(false), &json!(true)));
    assert_eq!(truth["posts"][0]["accepted"], false);
}

#[tokio::test]
async fn every_call_but_server_wants_the_token() {
    let sim = Sim::start(Options { token: Some("secret".into()), ..options(7) }).await;
    let calls =
        [("GET", "/v1/devices"), ("POST", "/v1/info"), ("POST", "/v1/getMessageStatus"), ("POST", "/api/messageInfo")];

    for (method, path) in calls {
        assert_eq!(sim.call(method, path, &[("x-wsapme-token", "wrong")], "{}").await.code, 401, "{path}");
    }
    assert_eq!(sim.call("GET", "/v1/server", &[], "").await.code, 200);
}

#[tokio::test]
async fn devices_are_listed_and_told_of_one_by_one() {
    let sim = Sim::start(Options { devices: vec!["5850".to_owned(), "77".to_owned()], ..options(7) }).await;

    let list = sim.get("/v1/devices").await.json();
    let one = sim.post("/v1/info", r#"{"device":77}"#).await.json();
    let none = sim.post("/v1/info", r#"{"device":"78"}"#).await.json();

    let first = json!({"id_device": "5850", "device_name": "DEMO phone 5850", "status": "paired"});
    assert_eq!((&list["success"], &list["data"][0]), (&json!(true), &first));
    assert_eq!((&one["data"]["id_device"], &one["data"]["status"]), (&json!("77"), &json!("paired")));
    assert_eq!(none["success"], false);
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_and_written_down() {
    let sim = sim().await;
    let bodies = [
        "not json",
        r#"{"to":"60100000001","message":"x"}"#,
        r#"{"device":"5850","to":"hello","message":"x"}"#,
        r#"{"device":"5850","to":"0123456789","message":"x"}"#,
        r#"{"device":"5850","to":"60100000001","message":""}"#,
    ];

    for body in bodies {
        let answer = sim.post("/v1/sendMessage2", body).await;
        assert_eq!((answer.code, &answer.json()["success"]), (200, &json!(false)), "{body}");
    }

    let truth = sim.truth().await;
    for (post, body) in truth["posts"].as_array().unwrap().iter().zip(bodies) {
        assert_eq!((&post["answered"], &post["accepted"]), (&json!("refused"), &json!(false)));
        assert_eq!((&post["body"], &post["message_id"], &post["stage"]), (&json!(body), &Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn a_body_above_one_mebibyte_is_refused() {
    let sim = sim().await;
    let body = |length: usize| {
        let text = "x".repeat(length - send_body("60100000001").len());
        send_body("60100000001").replace("Salam", &format!("Salam{text}"))
    };

    let largest = sim.post("/v1/sendMessage2", &body(1024 * 1024)).await;
    let larger = sim.post("/v1/sendMessage2", &body(1024 * 1024 + 1)).await;

    assert_eq!((largest.code, larger.code), (200, 413));
    assert_eq!(sim.truth().await["posts"][1]["answered"], "refused");
}

async fn with_fault(fault: &str, speed: f64) -> (Sim, RawReply, Value) {
    let faults = vec![fault.parse().unwrap()];
    let sim = Sim::start(Options { speed, faults, ..options(7) }).await;
    let answer = sim.send(&phone(1)).await;
    let post = sim.truth().await["posts"][0].clone();
    (sim, answer, post)
}

#[tokio::test]
async fn throttle_is_a_429_that_says_how_long_and_takes_nothing() {
    let (_sim, answer, post) = with_fault("throttle=1", 20.0).await;

    assert_eq!((answer.code, &answer.json()["success"]), (429, &json!(false)));
    assert!(answer.head.contains("retry-after: 2\r\n"), "{}", answer.head);
    assert_eq!((&post["answered"], &post["accepted"]), (&json!("throttle"), &json!(false)));
}

#[tokio::test]
async fn error_is_a_200_without_success_and_with_a_text() {
    let (_sim, answer, post) = with_fault("error=1", FAST).await;

    assert_eq!((answer.code, &answer.json()["success"]), (200, &json!(false)));
    assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    assert_eq!((&post["answered"], &post["accepted"]), (&json!("error"), &json!(false)));
}

#[tokio::test]
async fn accept_then_hangup_takes_the_message_and_closes_without_a_byte() {
    let (sim, answer, post) = with_fault("accept-then-hangup=1", FAST).await;

    assert!(answer.is_hang_up(), "{answer:?}");
    assert_eq!((&post["answered"], &post["accepted"]), (&json!("hangup"), &json!(true)));
    assert_eq!(sim.status(post["message_id"].as_str().unwrap()).await.json()["success"], true);
}

#[tokio::test]
async fn slow_takes_the_message_and_answers_after_a_second_at_least() {
    let faults = vec!["slow=1".parse().unwrap()];
    let sim = Sim::start(Options { faults, ..options(7) }).await;
    let began = std::time::Instant::now();

    let answer = sim.send(&phone(1)).await;

    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(answer.json()["success"], true);
    let post = &sim.truth().await["posts"][0];
    assert_eq!((&post["answered"], &post["accepted"]), (&json!("slow"), &json!(true)));
}

#[tokio::test]
async fn offline_takes_nothing_and_shows_in_the_device_list() {
    let (sim, answer, post) = with_fault("offline=1", FAST).await;

    assert_eq!((answer.code, &answer.json()["success"]), (200, &json!(false)));
    assert!(answer.body.contains("offline"));
    assert_eq!((&post["answered"], &post["accepted"]), (&json!("offline"), &json!(false)));
    assert_eq!(sim.get("/v1/devices").await.json()["data"][0]["status"], "offline");
}

#[tokio::test]
async fn html_is_a_page_with_502_and_takes_nothing() {
    let (_sim, answer, post) = with_fault("html=1", FAST).await;

    assert_eq!(answer.code, 502);
    assert!(answer.head.contains("content-type: text/html") && answer.body.starts_with("<html>"));
    assert_eq!((&post["answered"], &post["accepted"]), (&json!("html"), &json!(false)));
}

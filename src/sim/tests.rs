//! The simulator as a whole, over its socket.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{
    test_client::{MESSAGES, Sim, call, options, phone, send_body},
    *,
};

/// What must not depend on the time and order of sending.
fn fates(truth: &Value) -> BTreeMap<String, Vec<Value>> {
    let mut fates: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for post in truth["posts"].as_array().unwrap() {
        let fields = ["answered", "accepted", "async_failed", "stage", "reply_text", "buys_amount"];
        let fate = fields.map(|field| post[field].clone()).into();
        fates.entry(post["phone"].as_str().unwrap().to_owned()).or_default().push(fate);
    }
    fates
}

async fn send_all(sim: &Sim, phones: impl Iterator<Item = usize>) -> Value {
    for n in phones {
        sim.send(&phone(n)).await;
    }
    sim.settled_truth().await
}

#[tokio::test]
async fn the_same_seed_gives_the_same_truth_in_another_order_of_sending() {
    let with_faults = || {
        let faults = ["html=0.1", "accept-then-hangup=0.1"].map(|fault| fault.parse().unwrap()).into();
        Options { faults, ..options(7) }
    };
    let (one, other) = (Sim::start(with_faults()).await, Sim::start(with_faults()).await);

    let first = send_all(&one, (0..300).chain(0..100)).await;
    let second = send_all(&other, (0..100).rev().chain((0..300).rev())).await;

    assert_eq!(fates(&first), fates(&second));
    assert_eq!(first["people"], second["people"]);
    assert!(fates(&first).values().flatten().any(|fate| fate[4].is_string()), "nobody replied");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_truth_through_meta_with_its_faults_in_another_order() {
    let with_faults = || {
        let faults = [
            "throttle=0.1",
            "async-131049=0.1",
            "pacing-hold=0.2",
            "pacing-drop=0.1",
            "webhook-lost=0.3",
            "no-delivered=0.5",
        ];
        Options { faults: faults.map(|fault| fault.parse().unwrap()).into(), ..options(7) }
    };
    let (one, other) = (Sim::start(with_faults()).await, Sim::start(with_faults()).await);
    let send = async |sim: &Sim, n: usize| {
        let template = json!({ "name": "hello_world", "language": { "code": "en_US" } });
        let to = format!("+{}", phone(n));
        let body = json!({ "messaging_product": "whatsapp", "to": to, "type": "template", "template": template });
        sim.graph(MESSAGES, &body).await;
    };

    for n in (0..200).chain(0..100) {
        send(&one, n).await;
    }
    for n in (0..100).rev().chain((0..200).rev()) {
        send(&other, n).await;
    }

    let announced = |truth: &Value| {
        let mut all: Vec<_> = truth["posts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|post| json!([post["phone"], post["announced_stage"], post["announced_reply"]]).to_string())
            .collect();
        all.sort();
        all
    };
    let (first, second) = (one.settled_truth().await, other.settled_truth().await);
    assert_eq!(fates(&first), fates(&second));
    assert_eq!(announced(&first), announced(&second));
}

#[tokio::test]
async fn another_seed_gives_another_truth() {
    let (one, other) = (Sim::start(options(7)).await, Sim::start(options(8)).await);

    assert_ne!(fates(&send_all(&one, 0..100).await), fates(&send_all(&other, 0..100).await));
}

#[tokio::test]
async fn a_post_is_in_the_truth_before_it_is_answered() {
    let sim = Sim::start(Options { latency: Duration::from_secs(3_600), ..options(7) }).await;
    let address = sim.address;
    let body = send_body(&phone(1));

    let caller = tokio::spawn(async move {
        call(address, "POST", "/v1/sendMessage2", &[("x-wsapme-token", "t"), ("content-type", "x/y")], &body).await
    });
    sim.until("one post in flight", |stats| stats["posts"] == 1 && stats["in_flight"] == 1).await;

    let post = sim.truth().await["posts"][0].clone();
    assert!(!caller.is_finished());
    assert_eq!((&post["accepted"], &post["body"]), (&json!(true), &json!(send_body(&phone(1)))));
    assert_eq!((&post["content_type"], &post["seq"]), (&json!("x/y"), &json!(1)));
    caller.abort();
    sim.until("none in flight once the client left", |stats| stats["in_flight"] == 0).await;
    assert_eq!(sim.truth().await["posts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_most_sends_under_way_at_once_are_remembered() {
    let sim = Sim::start(Options { latency: Duration::from_secs(3_600), ..options(7) }).await;
    let address = sim.address;

    let callers: Vec<_> = (0..5)
        .map(|n| {
            let body = send_body(&phone(n));
            tokio::spawn(
                async move { call(address, "POST", "/v1/sendMessage2", &[("x-wsapme-token", "t")], &body).await },
            )
        })
        .collect();
    sim.until("five in flight", |stats| stats["in_flight"] == 5).await;
    callers.iter().for_each(tokio::task::JoinHandle::abort);
    sim.until("none in flight", |stats| stats["in_flight"] == 0).await;

    assert_eq!(sim.stats().await["max_in_flight"], 5);
}

#[tokio::test]
async fn the_truth_can_be_had_from_a_number_on_and_over_many_pages() {
    let sim = Sim::start(options(7)).await;
    let empty = sim.truth().await;
    for n in 0..1_100 {
        sim.send(&phone(n)).await;
    }

    let all = sim.settled_truth().await;
    let later = sim.get("/sim/truth?after=1098").await.json();
    let none = sim.get("/sim/truth?after=5000").await.json();

    let numbers = |truth: &Value| -> Vec<u64> {
        truth["posts"].as_array().unwrap().iter().map(|post| post["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!((&empty["posts"], &empty["settled"], &empty["next_event_ms"]), (&json!([]), &json!(true), &Value::Null));
    assert_eq!(numbers(&all), (1..=1_100).collect::<Vec<_>>());
    assert_eq!((numbers(&later), numbers(&none)), (vec![1_099, 1_100], vec![]));
    assert_eq!((&all["seed"], &all["people"]["accepted"]), (&json!(7), &json!(1_100)));
}

#[tokio::test]
async fn before_it_is_settled_the_truth_says_when_the_next_thing_happens() {
    let sim = Sim::start(Options { speed: 1.0, ..options(7) }).await;
    for n in 0..20 {
        sim.send(&phone(n)).await;
    }

    let truth = sim.truth().await;

    assert_eq!(truth["settled"], false);
    assert!((1..40_000).contains(&truth["next_event_ms"].as_u64().unwrap()));
    let posts = truth["posts"].as_array().unwrap();
    assert!(posts.iter().all(|post| post["stage"] == "sent" && post["delivered_at"].is_null()));
    let at = posts[0]["at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z') && at.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{at}");
}

#[tokio::test]
async fn the_stages_of_the_truth_agree_with_its_times_and_its_people() {
    let sim = Sim::start(options(7)).await;

    let truth = send_all(&sim, 0..500).await;

    let posts = truth["posts"].as_array().unwrap();
    let mut count = BTreeMap::<&str, u64>::new();
    for post in posts {
        let stage = post["stage"].as_str().unwrap();
        assert_eq!(post["delivered_at"].is_string(), ["delivered", "read"].contains(&stage));
        assert_eq!(post["read_at"].is_string(), stage == "read");
        assert_eq!(post["async_failed"] == true, stage == "failed");
        assert!(post["replied_at"].is_null() || stage == "read");
        assert_eq!(post["replied_at"].is_null(), post["reply_text"].is_null());
        *count.entry(stage).or_default() += 1;
        *count.entry("replied").or_default() += u64::from(post["replied_at"].is_string());
    }
    assert_eq!(truth["people"]["read"], count["read"]);
    assert_eq!(truth["people"]["delivered"], count["read"] + count["delivered"]);
    assert_eq!(truth["people"]["failed"], count["failed"]);
    assert_eq!(truth["people"]["replied"], count["replied"]);
}

#[tokio::test]
async fn replies_are_numbered_and_agree_with_the_truth() {
    let sim = Sim::start(options(7)).await;
    let truth = send_all(&sim, 0..500).await;

    let all = sim.get("/sim/replies").await.json()["replies"].clone();
    let later = sim.get("/sim/replies?after=3").await.json()["replies"].clone();

    let all = all.as_array().unwrap();
    assert!((20..70).contains(&all.len()));
    assert_eq!(later.as_array().unwrap()[..], all[3..]);
    for (place, reply) in all.iter().enumerate() {
        let posts = truth["posts"].as_array().unwrap();
        let post = posts.iter().find(|post| post["message_id"] == reply["message_id"]).unwrap();
        assert_eq!(reply["seq"], place + 1);
        for (said, answered) in
            [("phone", "phone"), ("text", "reply_text"), ("at", "replied_at"), ("buys_amount", "buys_amount")]
        {
            assert_eq!(reply[said], post[answered]);
        }
    }
}

#[tokio::test]
async fn faults_are_set_and_taken_back_while_it_runs() {
    let sim = Sim::start(options(7)).await;

    let set = sim.post("/sim/faults", r#"["html=1"]"#).await;
    let during = sim.send(&phone(1)).await;
    let bad = sim.post("/sim/faults", r#"["rain=1"]"#).await;
    let still = sim.get("/sim/faults").await;
    sim.post("/sim/faults", "[]").await;
    let after = sim.send(&phone(1)).await;

    assert_eq!((set.json(), during.code), (json!(["html=1"]), 502));
    assert_eq!((bad.code, still.json()), (400, json!(["html=1"])));
    assert!(bad.body.contains("accept-then-hangup"));
    assert_eq!(after.code, 200);
}

#[tokio::test]
async fn a_script_says_word_for_word_what_status_calls_are_told() {
    let sim = Sim::start(options(7)).await;
    let id = sim.send(&phone(1)).await.message_id();
    let script = json!({"call": "status", "message_id": id, "answers": [
        {"body": "<html>busy</html>", "content_type": "text/html", "code": 503},
        {"body": r#"{"success":true,"status":true}"#, "times": 2},
        {"hang_up": "before"},
    ]});

    let taken = sim.post("/sim/script", &script.to_string()).await;
    let elsewhere = sim.status("another").await;
    let page = sim.status(&id).await;
    let account = [sim.status(&id).await.body, sim.status(&id).await.body];
    let nothing = sim.status(&id).await;
    let usual = sim.status(&id).await;

    assert_eq!((taken.code, elsewhere.json()["success"].clone()), (204, json!(false)));
    assert_eq!((page.code, page.body.as_str()), (503, "<html>busy</html>"));
    assert!(page.head.contains("content-type: text/html\r\n"));
    assert!(account.iter().all(|body| body == r#"{"success":true,"status":true}"#));
    assert!(nothing.is_hang_up());
    assert_eq!(usual.json()["data"]["key"]["id"], id);
}

#[tokio::test]
async fn a_script_says_what_sends_are_told_and_whether_they_are_taken() {
    let sim = Sim::start(options(7)).await;
    let script = json!([{"call": "send", "phone": phone(1), "answers": [
        {"code": 500, "body": "oops"},
        {"body": r#"{"success":true,"messageId":"MINE"}"#, "message_id": "MINE"},
        {"hang_up": "before"},
        {"hang_up": "after"},
        {"delay_ms": 30},
    ]}]);
    sim.post("/sim/script", &script.to_string()).await;

    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(sim.send(&phone(1)).await);
    }

    assert_eq!((answers[0].code, answers[0].body.as_str()), (500, "oops"));
    assert_eq!(answers[1].json()["messageId"], "MINE");
    assert!(answers[2].is_hang_up() && answers[3].is_hang_up());
    assert_eq!(answers[4].json()["success"], true);
    let truth = sim.truth().await;
    let answered: Vec<_> =
        truth["posts"].as_array().unwrap().iter().map(|post| json!([post["answered"], post["accepted"]])).collect();
    assert_eq!(
        json!(answered),
        json!([["scripted", false], ["scripted", true], ["hangup", false], ["hangup", true], ["ok", true]])
    );
    assert_eq!(sim.status("MINE").await.json()["data"]["key"]["id"], "MINE");
}

#[tokio::test]
async fn a_script_that_is_none_is_refused_with_the_reason_and_scripts_can_be_cleared() {
    let sim = Sim::start(options(7)).await;

    let bad = sim.post("/sim/script", r#"{"call":"send","answers":[{"code":7}]}"#).await;
    sim.post("/sim/script", r#"{"call":"send","answers":[{"code":500,"times":9}]}"#).await;
    let cleared = sim.call("DELETE", "/sim/script", &[], "").await;

    assert_eq!((bad.code, cleared.code), (400, 204));
    assert!(bad.body.contains("code 7"), "{}", bad.body);
    assert_eq!(sim.send(&phone(1)).await.code, 200);
}

#[tokio::test]
async fn it_refuses_to_listen_beyond_loopback_and_to_stand_still() {
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let here = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let never = CancellationToken::new();

    let open = serve(everywhere, options(1), never.clone()).await.unwrap_err();
    let still = serve(here().await, Options { speed: 0.0, ..options(1) }, never.clone()).await.unwrap_err();
    let faults = vec!["slow=0.7".parse().unwrap(), "html=0.7".parse().unwrap()];
    let too_many = serve(here().await, Options { faults, ..options(1) }, never).await.unwrap_err();

    assert!(open.to_string().contains("loopback"));
    assert!(still.to_string().contains("above 0"));
    assert!(too_many.to_string().contains("more than 1"));
}

#[tokio::test]
async fn a_stop_answers_those_who_wait_and_does_not_wait_for_those_who_never_finish() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let options = Options { latency: Duration::from_secs(3_600), ..options(7) };
    let serving = tokio::spawn(serve(listener, options, stop.clone()));
    let waiting = tokio::spawn(async move {
        call(address, "POST", "/v1/sendMessage2", &[("x-wsapme-token", "t")], &send_body(&phone(1))).await
    });
    let mut unfinished = tokio::net::TcpStream::connect(address).await.unwrap();
    unfinished.write_all(b"POST /v1/sendMessage2 HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n").await.unwrap();
    let one_waits = async { while call(address, "GET", "/sim/stats", &[], "").await.json()["in_flight"] != 1 {} };
    tokio::time::timeout(Duration::from_secs(20), one_waits).await.expect("one is in flight");

    stop.cancel();

    assert_eq!(waiting.await.unwrap().code, 200);
    tokio::time::timeout(Duration::from_secs(20), serving).await.expect("ends in time").unwrap().unwrap();
}

#[test]
fn debug_output_of_the_options_does_not_tell_the_token() {
    let options = Options { token: Some("hunter2".into()), ..Options::default() };

    assert!(!format!("{options:?}").contains("hunter2"));
}

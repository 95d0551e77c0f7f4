//! The client against a scripted server on loopback: what it sends, and what it makes of the answers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::preflight::MediaFile;
use super::*;
use crate::domain::message::Variables;
use crate::domain::template::TemplateMessage;

mod listing;

/// A server that gives one answer per request, in order, and hangs up when it has none left.
struct Answering {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Answering {
    async fn new(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, answers, Arc::clone(&requests)));
        Self { address, requests, task }
    }

    fn client(&self) -> Meta {
        Meta::new(&self.options()).unwrap()
    }

    fn options(&self) -> MetaOptions {
        options(&format!("http://{}", self.address))
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, answers: Vec<String>, requests: Arc<Mutex<Vec<String>>>) {
    let mut answers = answers.into_iter();
    while let Ok((mut stream, _)) = listener.accept().await {
        let Some(request) = read_request(&mut stream).await else { continue };
        requests.lock().unwrap().push(request);
        if let Some(answer) = answers.next() {
            let own = stream.local_addr().unwrap().to_string();
            stream.write_all(answer.replace("{address}", &own).as_bytes()).await.unwrap();
        }
    }
}

/// One request, head and body; `None` when the client has gone.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn ok(body: &serde_json::Value) -> String {
    answer("200 OK", "content-type: application/json\r\n", &body.to_string())
}

fn accepted() -> serde_json::Value {
    json!({ "messaging_product": "whatsapp", "contacts": [{ "input": "+60123456789", "wa_id": "60123456789" }],
        "messages": [{ "id": "wamid.A1", "message_status": "accepted" }] })
}

fn options(base_url: &str) -> MetaOptions {
    MetaOptions {
        base_url: base_url.to_owned(),
        api_version: "v24.0".to_owned(),
        phone_number_id: "106853218861309".to_owned(),
        waba_id: "102290129340398".to_owned(),
        token: "s3cret".into(),
        timeout: Duration::from_secs(5),
        keep_alive: KeepAlive::PerCall,
        send_edge: SendEdge::Messages,
    }
}

fn hello() -> Outgoing {
    Outgoing::text("60123456789".to_owned(), "Hi".to_owned())
}

fn template() -> Outgoing {
    let message = TemplateMessage::parse(&json!({ "name": "hello_world", "language": "en_US" })).unwrap();
    let content = MessageContent::Template(message.render(&Variables::default()).unwrap().into());
    Outgoing { content, ..hello() }
}

#[tokio::test]
async fn a_send_is_the_call_that_meta_documents() {
    let server = Answering::new(vec![ok(&accepted())]).await;

    let reply = server.client().send(&hello()).await;

    assert!(matches!(&reply.outcome, SendOutcome::Accepted { message_id, .. } if message_id.as_str() == "wamid.A1"));
    assert_eq!(reply.raw.body, accepted().to_string(), "byte for byte");
    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v24.0/106853218861309/messages HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: Bearer s3cret\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    assert!(body.starts_with(r#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"+60123456789""#));
}

#[tokio::test]
async fn marketing_goes_through_its_own_call_where_the_sender_says_so() {
    let server = Answering::new(vec![ok(&accepted()), ok(&accepted())]).await;
    let client = Meta::new(&MetaOptions { send_edge: SendEdge::MarketingMessages, ..server.options() }).unwrap();

    let _ = client.send(&template()).await;
    let _ = client.send(&hello()).await;

    let requests = server.requests();
    assert!(requests[0].starts_with("POST /v24.0/106853218861309/marketing_messages HTTP/1.1\r\n"));
    assert!(requests[1].starts_with("POST /v24.0/106853218861309/messages HTTP/1.1\r\n"), "it takes templates only");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_it_unknown() {
    let server = Answering::new(vec![]).await;

    let reply = server.client().send(&hello()).await;

    assert!(matches!(reply.outcome, SendOutcome::Unknown { .. }), "{:?}", reply.outcome);
    assert_eq!(server.requests().len(), 1, "never repeated");
}

#[tokio::test]
async fn nobody_listening_is_known_not_to_have_sent() {
    // Bound and not listening: nobody else can have the port meanwhile.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = closed.local_addr().unwrap();

    let reply = Meta::new(&options(&format!("http://{address}"))).unwrap().send(&hello()).await;

    let SendOutcome::Rejected { class, code, .. } = reply.outcome else { panic!("{:?}", reply.outcome) };
    assert_eq!((class, code.as_str()), (ErrorClass::PauseBlast, "connect"));
}

#[tokio::test]
async fn an_answer_about_somebody_else_is_unknown_and_kept() {
    let server = Answering::new(vec![ok(&accepted())]).await;

    let reply = server.client().send(&Outgoing { to: "60123456780".to_owned(), ..hello() }).await;

    let why = "Meta answers HTTP 200 about another person: the connection is closed".to_owned();
    assert_eq!(reply.outcome, SendOutcome::Unknown { why });
    assert_eq!(reply.raw.body, accepted().to_string());
}

#[tokio::test]
async fn throttling_passes_on_how_long_to_wait_and_what_is_used() {
    let headers = "retry-after: 17\r\nx-app-usage: {\"call_count\":100}\r\n";
    let error = json!({ "error": { "message": "(#4) Too many calls", "code": 4 } }).to_string();
    let server = Answering::new(vec![answer("400 Bad Request", headers, &error)]).await;
    let client = server.client();

    let reply = client.send(&hello()).await;

    let SendOutcome::Rejected { class, retry_after, .. } = reply.outcome else { panic!("{:?}", reply.outcome) };
    assert_eq!((class, retry_after), (ErrorClass::SlowSender, Some(Duration::from_secs(17))));
    assert_eq!(client.usage().app, Some(100));
}

#[tokio::test]
async fn health_that_cannot_be_read_is_unknown_and_a_refused_token_is_bad() {
    let error = |code: i64| json!({ "error": { "message": "x", "code": code } }).to_string();
    for (status, body, expected) in [
        ("500 Internal Server Error", "<html>".to_owned(), HealthVerdict::Unknown),
        ("404 Not Found", "<html>".to_owned(), HealthVerdict::Unknown),
        ("405 Method Not Allowed", String::new(), HealthVerdict::Unknown),
        ("429 Too Many Requests", "slow down".to_owned(), HealthVerdict::Unknown),
        ("500 Internal Server Error", json!({ "error": "down" }).to_string(), HealthVerdict::Unknown),
        ("500 Internal Server Error", error(2), HealthVerdict::Unknown),
        ("400 Bad Request", error(4), HealthVerdict::Unknown),
        ("401 Unauthorized", "<html>".to_owned(), HealthVerdict::TokenRefused),
        ("403 Forbidden", json!({ "error": {} }).to_string(), HealthVerdict::TokenRefused),
        ("400 Bad Request", error(100), HealthVerdict::Bad),
    ] {
        let server = Answering::new(vec![answer(status, "", &body)]).await;

        let health = server.client().health().await;

        assert_eq!(health.verdict, expected, "{status} {body}: {health:?}");
    }
}

#[tokio::test]
async fn health_names_the_number_or_says_what_to_do() {
    let number = json!({ "display_phone_number": "+60 12-345 6789", "quality_rating": "RED" });
    let refusal = json!({ "error": { "message": "Session has expired", "type": "OAuthException", "code": 190 } });
    let refusal = answer("401 Unauthorized", "", &refusal.to_string());
    let server = Answering::new(vec![ok(&number), refusal, answer("200 OK", "", "<html>")]).await;
    let client = server.client();

    let good = client.health().await;
    let refused = client.health().await;
    let unreadable = client.health().await;
    let unreachable = client.health().await;

    let detail = "+60 12-345 6789 answers, quality red".to_owned();
    assert_eq!(good, Health { verdict: HealthVerdict::Doubtful, detail });
    let detail = "Meta refuses (190): Session has expired; create a new token; that of a system user does not expire";
    assert_eq!(refused, Health { verdict: HealthVerdict::TokenRefused, detail: detail.to_owned() });
    assert_eq!(unreadable.verdict, HealthVerdict::Unknown);
    assert_eq!(unreachable.verdict, HealthVerdict::Bad);
    assert!(server.requests()[0].starts_with("GET /v24.0/106853218861309?fields=id%2Cdisplay_phone_number%2C"));
}

#[tokio::test]
async fn the_senders_own_token_is_masked_in_what_meta_says_of_it() {
    let error =
        json!({ "error": { "code": 190, "message": "Cannot parse access token s3cret", "type": "OAuthException" } });
    let refusal = answer("401 Unauthorized", "content-type: application/json\r\n", &error.to_string());
    let server = Answering::new(vec![refusal.clone(), refusal]).await;
    let client = server.client();

    let reply = client.send(&hello()).await;
    let health = client.health().await;

    let SendOutcome::Rejected { message, .. } = &reply.outcome else { panic!("{:?}", reply.outcome) };
    assert_eq!(message, "Cannot parse access token …");
    assert!(!health.detail.contains("s3cret"), "{}", health.detail);
}

#[tokio::test]
async fn the_apps_that_get_webhooks_are_named() {
    let apps = json!({ "data": [{ "whatsapp_business_api_data": { "id": "67084", "name": "Kedai", "link": "x" } }] });
    let server = Answering::new(vec![ok(&apps), ok(&json!({ "data": [] })), ok(&json!({}))]).await;
    let client = server.client();

    assert_eq!(client.subscribed_apps().await, Ok(vec!["Kedai".to_owned()]));
    assert_eq!(client.subscribed_apps().await, Ok(vec![]));
    assert!(client.subscribed_apps().await.is_err());
    assert!(server.requests()[0].starts_with("GET /v24.0/102290129340398/subscribed_apps HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_picture_is_uploaded_once_and_its_id_returned() {
    let server = Answering::new(vec![ok(&json!({ "id": "2871834006348767" })), ok(&json!({}))]).await;
    let client = server.client();
    let file = MediaFile::new(Path::new("raya.png"), b"PNG".to_vec()).unwrap();

    assert_eq!(client.upload(&file).await, Ok("2871834006348767".to_owned()));
    assert!(client.upload(&file).await.is_err());

    let requests = server.requests();
    assert!(requests[0].starts_with("POST /v24.0/106853218861309/media HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[0].contains("\r\ncontent-type: multipart/form-data; boundary=blastdeck-"), "{requests:?}");
    assert!(requests[0].contains("filename=\"raya.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n--blastdeck-"));
}

#[tokio::test]
async fn a_picture_that_somebody_sent_is_fetched_by_its_id() {
    let place = json!({ "url": "http://{address}/file?x=1", "mime_type": "image/jpeg", "file_size": "3" });
    // The address is filled in when it is known, so that the length is not.
    let place = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{place}");
    let file = answer("200 OK", "content-type: image/png\r\n", "JPG");
    let server = Answering::new(vec![place.clone(), file.clone(), place, file]).await;
    let client = server.client();

    let picture = client.media("2754859441498128", 100).await.unwrap();

    assert_eq!((picture.mime_type.as_deref(), &picture.bytes[..]), (Some("image/jpeg"), &b"JPG"[..]));
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /v24.0/2754859441498128?phone_number_id=106853218861309 "), "{requests:?}");
    assert!(requests[1].starts_with("GET /file?x=1 ") && requests[1].contains("Bearer s3cret"), "{requests:?}");
    assert_eq!(client.media("2754859441498128", 2).await, Err(GraphError::TooLarge { limit: 2 }));
    assert_eq!(server.requests().len(), 3, "too large to be fetched");
}

#[tokio::test]
async fn a_file_that_turns_out_too_large_is_given_up() {
    let place = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"url\":\"http://{address}/file\"}".to_owned();
    let server = Answering::new(vec![place, answer("200 OK", "", "much too long")]).await;

    assert_eq!(server.client().media("1", 5).await, Err(GraphError::TooLarge { limit: 5 }));
}

#[tokio::test]
async fn the_token_goes_to_metas_own_hosts_only() {
    for (address, is_metas) in [
        ("http://{address}/file", true),
        ("https://evil.example/file", false),
        ("https://facebook.com.evil.example/file", false),
        ("https://evilfbsbx.com/file", false),
        ("http://lookaside.fbsbx.com/file", false),
        ("nowhere", false),
    ] {
        let place = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", json!({ "url": address }));
        let server = Answering::new(vec![place, answer("200 OK", "", "JPG")]).await;

        let fetched = server.client().media("1", 100).await;

        assert_eq!(!matches!(fetched, Err(GraphError::Elsewhere(_))), is_metas, "{address}: {fetched:?}");
        assert_eq!(server.requests().len(), if is_metas { 2 } else { 1 }, "{address}");
    }
}

#[test]
fn options_that_would_call_something_else_are_refused() {
    let sentence = |options: &MetaOptions| Meta::new(options).unwrap_err().to_string();
    let base = || options("http://127.0.0.1:1");

    for base_url in ["", "graph.facebook.com", "ftp://x"] {
        assert!(matches!(Meta::new(&options(base_url)), Err(BuildError::Address(_))), "{base_url}");
    }
    let version = MetaOptions { api_version: "24".to_owned(), ..base() };
    assert_eq!(sentence(&version), "`24` is not a version of Meta's API: write it as v24.0");
    for id in ["", "me", "1/../2", "1?x"] {
        let number = MetaOptions { phone_number_id: id.to_owned(), ..base() };
        assert!(matches!(Meta::new(&number), Err(BuildError::MetaId(_))), "{id}");
    }
    let token = MetaOptions { token: "s3\ncret".into(), ..base() };
    assert!(!sentence(&token).contains("s3"));
}

#[test]
fn the_token_does_not_show_when_a_client_or_its_options_are_printed() {
    let options = options("http://127.0.0.1:1");
    assert!(!format!("{options:?}").contains("s3cret"));
    assert!(!format!("{:?}", Meta::new(&options).unwrap()).contains("s3cret"));
}

#[test]
fn codes_and_statuses_mean_what_the_table_and_the_funnel_say() {
    let client = Meta::new(&options("http://127.0.0.1:1")).unwrap();

    assert_eq!(client.failure_class(Some("131026")), ErrorClass::FailRecipient);
    assert_eq!(client.failure_class(Some("131042")), ErrorClass::StopSender);
    assert!(client.advice("131049").is_some() && client.advice("connect").is_some());
    assert_eq!(client.advice("999999"), None);
    for (status, stage) in [
        ("sent", Some(ProviderStage::Sent)),
        ("Delivered", Some(ProviderStage::Delivered)),
        ("read", Some(ProviderStage::Read)),
        ("played", Some(ProviderStage::Read)),
        ("failed", Some(ProviderStage::Failed)),
        ("deleted", None),
        ("accepted", None),
        ("held_for_quality_assessment", None),
        ("", None),
    ] {
        assert_eq!(client.stage_of(status), stage, "{status}");
    }
    assert!(is_held("held_for_quality_assessment") && is_held("paused") && !is_held("accepted"));
}

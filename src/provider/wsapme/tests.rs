//! The client against a scripted server on loopback: what it sends, and the outcome of each kind of failure.

use tokio::net::{TcpListener, TcpSocket};

use super::super::{BODY_MAX, HealthVerdict, StatusFinding};
use super::*;
use crate::domain::template::RenderedTemplate;

mod kept_connections;
mod scripted;

use scripted::{Scripted, ServerAct};

fn answer(status: &str, headers: &str, body: &[u8]) -> ServerAct {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    ServerAct::Answer(bytes)
}

fn good() -> ServerAct {
    answer("200 OK", "content-type: application/json\r\n", include_bytes!("bodies/send_accepted.json"))
}

impl Scripted {
    fn client(&self) -> Wsapme {
        Wsapme::new(self.options()).unwrap()
    }

    fn options(&self) -> WsapmeOptions {
        options(&format!("http://{}/", self.address))
    }
}

fn options(base_url: &str) -> WsapmeOptions {
    WsapmeOptions {
        base_url: base_url.to_owned(),
        device: "5850".to_owned(),
        token: "s3cret".into(),
        timeout: Duration::from_secs(5),
        keep_alive: KeepAlive::PerCall,
        status_call: StatusCall::MessageStatus,
    }
}

fn hello() -> Outgoing {
    Outgoing::text("60100123456".to_owned(), "Hi \"Aina\" 😀\n".to_owned())
}

fn id() -> MessageId {
    MessageId::new("3EB0WM0A1B2C3D4E5F6071").unwrap()
}

fn asked(id: &MessageId) -> StatusQuery<'_> {
    StatusQuery { id, to: "60100123456" }
}

async fn sent(act: ServerAct) -> SendReply {
    let server = Scripted::new(vec![act]).await;
    let reply = server.client().send(&hello()).await;
    assert_eq!(server.requests().len(), 1, "one POST, whatever comes of it");
    reply
}

fn is_unknown(reply: &SendReply) -> bool {
    matches!(reply.outcome, SendOutcome::Unknown { .. })
}

#[tokio::test]
async fn a_send_is_exactly_the_call_that_working_clients_make() {
    let server = Scripted::new(vec![good()]).await;

    let reply = server.client().send(&hello()).await;

    assert!(matches!(&reply.outcome, SendOutcome::Accepted { message_id, .. } if *message_id == id()));
    assert_eq!(reply.raw.http_status, Some(200));
    assert_eq!(&reply.raw.body[..], include_bytes!("bodies/send_accepted.json"), "byte for byte");
    let requests = server.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /v1/sendMessage2 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nx-wsapme-token: s3cret\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
    assert_eq!(body, "{\"device\":\"5850\",\"to\":\"60100123456\",\"message\":\"Hi \\\"Aina\\\" 😀\\n\"}");
}

#[tokio::test]
async fn a_template_is_never_sent_through_a_phone() {
    let server = Scripted::new(vec![good()]).await;
    let template = RenderedTemplate::new(serde_json::json!({ "name": "promo", "language": { "code": "en" } }));
    let message = Outgoing { content: MessageContent::Template(template.into()), ..hello() };

    let reply = server.client().send(&message).await;

    assert!(matches!(reply.outcome, SendOutcome::Rejected { class: ErrorClass::PauseBlast, .. }), "{reply:?}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_status_is_asked_for_by_device_and_id() {
    let record = include_str!("bodies/status_record.json").replace("WMAPI01D888T1634061784", id().as_str());
    let server = Scripted::new(vec![answer("200 OK", "", record.as_bytes())]).await;

    let reply = server.client().status(asked(&id())).await;

    assert!(matches!(reply.finding, StatusFinding::Known(_)), "{:?}", reply.finding);
    assert_eq!(reply.raw.body, record);
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /v1/getMessageStatus HTTP/1.1\r\n"), "{requests:?}");
    assert!(
        requests[0].ends_with("\r\n\r\n{\"device\":\"5850\",\"messageId\":\"3EB0WM0A1B2C3D4E5F6071\"}"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn the_second_way_to_ask_is_used_only_when_chosen() {
    let server = Scripted::new(vec![answer("200 OK", "", include_bytes!("bodies/status_not_available.json"))]).await;
    let client = Wsapme::new(WsapmeOptions { status_call: StatusCall::MessageInfo, ..server.options() }).unwrap();

    let reply = client.status_of(asked(&id()), include_bytes!("bodies/send_accepted.json")).await;

    assert!(client.wants_send_reply());
    assert!(matches!(reply.finding, StatusFinding::Nothing { .. }));
    assert!(server.requests()[0].starts_with("POST /api/messageInfo HTTP/1.1\r\n"));
    assert!(server.requests()[0].contains("\"messages\":{\"key\":{\"remoteJid\":"));
}

#[tokio::test]
async fn nobody_listening_is_known_not_to_have_sent() {
    // Bound and not listening: nobody else can have the port meanwhile.
    let closed = TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = closed.local_addr().unwrap();

    let reply = Wsapme::new(options(&format!("http://{address}"))).unwrap().send(&hello()).await;

    assert!(
        matches!(&reply.outcome, SendOutcome::Rejected { class: ErrorClass::PauseBlast, code, .. } if code == "connect"),
        "{:?}",
        reply.outcome
    );
    assert_eq!((reply.raw.http_status, reply.raw.body.len()), (None, 0));
}

#[tokio::test]
async fn a_server_that_takes_the_request_and_hangs_up_leaves_it_unknown() {
    let reply = sent(ServerAct::HangUp).await;

    assert!(is_unknown(&reply), "{:?}", reply.outcome);
    assert_eq!(reply.raw.http_status, None);
}

#[tokio::test]
async fn a_server_that_never_answers_leaves_it_unknown_when_time_is_up() {
    let server = Scripted::new(vec![ServerAct::Stall(Vec::new())]).await;
    let client = Wsapme::new(WsapmeOptions { timeout: Duration::from_millis(200), ..server.options() }).unwrap();

    let reply = client.send(&hello()).await;

    assert_eq!(
        reply.outcome,
        SendOutcome::Unknown { why: "no response in time, after the request was sent".to_owned() }
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_unknown_and_its_part_is_kept() {
    let part = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"success\":true,".to_vec();

    let reply = sent(ServerAct::Cut(part)).await;

    assert!(is_unknown(&reply), "{:?}", reply.outcome);
    assert_eq!(reply.raw.http_status, Some(200));
    assert_eq!(&reply.raw.body[..], b"{\"success\":true,");
}

#[tokio::test]
async fn a_body_without_end_is_cut_and_unknown() {
    let mut endless = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n".to_vec();
    endless.resize(endless.len() + BODY_MAX + 10, b' ');

    let reply = sent(ServerAct::Stall(endless)).await;

    assert!(is_unknown(&reply), "{:?}", reply.outcome);
    assert_eq!(reply.raw.body.len(), 16 * 1024, "its beginning shows what it was");
}

#[tokio::test]
async fn a_bare_gateway_error_is_unknown_and_its_page_is_kept() {
    let page = include_bytes!("bodies/gateway.html");

    let reply = sent(answer("502 Bad Gateway", "content-type: text/html\r\n", page)).await;

    assert!(is_unknown(&reply), "{:?}", reply.outcome);
    assert_eq!(&reply.raw.body[..], page);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_kept_as_they_came() {
    let body = b"{\"success\":true,\"data\":{\"key\":{\"id\":\"A1\"},\"message\":\"\xff\0\"}}";

    let reply = sent(answer("200 OK", "", body)).await;

    assert!(matches!(&reply.outcome, SendOutcome::Accepted { message_id, .. } if message_id.as_str() == "A1"));
    assert_eq!(&reply.raw.body[..], body);
}

#[tokio::test]
async fn throttling_passes_on_how_long_to_wait() {
    let reply = sent(answer("429 Too Many Requests", "retry-after: 17\r\n", b"")).await;

    let SendOutcome::Rejected { class, retry_after, .. } = reply.outcome else { panic!("{:?}", reply.outcome) };
    assert_eq!((class, retry_after), (ErrorClass::SlowSender, Some(Duration::from_secs(17))));
}

#[tokio::test]
async fn a_redirect_is_not_followed_so_that_the_token_stays_here() {
    let elsewhere = Scripted::new(vec![good()]).await;
    let location = format!("location: http://{}/v1/sendMessage2\r\n", elsewhere.address);

    for (status, stops) in [("307 Temporary Redirect", true), ("302 Found", false)] {
        let reply = sent(answer(status, &location, b"")).await;
        let is_stop = matches!(reply.outcome, SendOutcome::Rejected { class: ErrorClass::StopSender, .. });
        assert_eq!((is_stop, is_unknown(&reply)), (stops, !stops), "{status}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn health_asks_for_the_device_list_then_for_the_device_then_for_the_server() {
    let server = Scripted::new(vec![
        answer("404 Not Found", "", b"<html>"),
        answer("200 OK", "", include_bytes!("bodies/account.json")),
    ])
    .await;

    let health = server.client().health().await;

    assert_eq!((health.verdict, health.detail.as_str()), (HealthVerdict::Good, "device 5850 answers"));
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /v1/devices HTTP/1.1\r\n") && requests[0].contains("x-wsapme-token: s3cret"));
    assert!(requests[1].starts_with("POST /v1/info HTTP/1.1\r\n") && requests[1].ends_with("{\"device\":\"5850\"}"));
}

#[tokio::test]
async fn health_that_a_page_stands_for_is_unknown() {
    let page = || answer("200 OK", "content-type: text/html\r\n", b"<!doctype html><title>Sign in</title>");
    let server = Scripted::new(vec![page(), page(), page()]).await;

    let health = server.client().health().await;

    let page = "HTTP 200, an HTML page";
    let detail = format!("no readable response: {page}; {page}; {page}");
    assert_eq!((health.verdict, health.detail), (HealthVerdict::Unknown, detail));
}

#[tokio::test]
async fn health_of_a_gateway_that_is_not_there_is_bad() {
    let server = Scripted::new(vec![ServerAct::HangUp]).await;

    let health = server.client().health().await;

    assert_eq!(health.verdict, HealthVerdict::Bad);
    assert!(health.detail.starts_with("unreachable: "), "{health:?}");
}

#[tokio::test]
async fn a_failed_handshake_is_known_not_to_have_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = tokio::spawn(async move { listener.accept().await.map(drop) });
    // Machines without certificates cannot create a TLS client, and the error says so.
    let Ok(client) = Wsapme::new(options(&format!("https://{address}"))) else { return };

    let reply = client.send(&hello()).await;

    closing.abort();
    assert!(
        matches!(reply.outcome, SendOutcome::Rejected { class: ErrorClass::PauseBlast, .. }),
        "{:?}",
        reply.outcome
    );
}

#[test]
fn a_restriction_reported_later_stops_the_sender_and_any_other_failure_its_person_only() {
    let client = Wsapme::new(options("http://127.0.0.1:1")).unwrap();

    assert_eq!(client.failure_class(Some("463")), ErrorClass::StopSender);
    assert_eq!(client.failure_class(Some("400")), ErrorClass::FailRecipient);
    assert_eq!(client.failure_class(None), ErrorClass::FailRecipient);
}

#[test]
fn neither_token_nor_address_is_taken_blindly() {
    for base_url in ["", "api.wsapme.com", "ftp://x", "http://"] {
        assert!(matches!(Wsapme::new(options(base_url)), Err(BuildError::Address(_))), "{base_url}");
    }
    let bad_token = WsapmeOptions { token: "s3\ncret".into(), ..options("http://127.0.0.1:1") };
    let error = Wsapme::new(bad_token).unwrap_err().to_string();
    assert!(!error.contains("s3"), "{error}");
}

#[test]
fn the_token_does_not_show_when_a_client_or_its_options_are_printed() {
    let options = options("http://127.0.0.1:1");
    assert!(!format!("{options:?}").contains("s3cret"));
    assert!(!format!("{:?}", Wsapme::new(options).unwrap()).contains("s3cret"));
}

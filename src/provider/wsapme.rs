//! WSAPME: an HTTP gateway to a WhatsApp phone linked as a device. `docs/WSAPME.md` has the facts that this client
//! relies on, graded by evidence.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::Utc;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::http::{ExchangeError, HttpAnswer, HttpConnections};
use super::{
    Health, IsWanted, MessageContent, Outgoing, Provider, ProviderStage, SendOutcome, SendReply, StatusFinding,
    StatusQuery, StatusReply,
};
use crate::domain::ids::MessageId;
use crate::domain::retry::ErrorClass;
use crate::domain::sender::StatusCall;

mod health;
mod refusal;
mod send;
mod status;
mod status_calls;
pub mod webhook;
mod wire;

pub use super::http::{BuildError, KeepAlive};
pub use status::stage_of;
use status_calls::StatusCalls;

/// The options of a client.
#[derive(Debug)]
pub struct WsapmeOptions {
    /// `https://api.wsapme.com`, or this machine for a rehearsal.
    pub base_url: String,
    /// The linked phone's id.
    pub device: String,
    pub token: SecretString,
    /// The total timeout of one call, including connecting and reading.
    pub timeout: Duration,
    pub keep_alive: KeepAlive,
    pub status_call: StatusCall,
}

/// One sender's client of WSAPME.
#[derive(Debug)]
pub struct Wsapme {
    connections: HttpConnections,
    /// For questions whose answers may name nobody: each has a connection of its own, so that an answer that comes twice
    /// is never taken for that to the next question.
    lone_connections: HttpConnections,
    answers: AnswerNaming,
    base: Url,
    /// Parsed once: parsing it for each send would be a tenth of the work.
    send_url: Url,
    device: String,
    /// The headers of every call with a body. The token is marked as sensitive, so that it is not printed.
    headers: HeaderMap,
    status_calls: StatusCalls,
}

/// The body of a send, its keys in the order that working clients use.
#[derive(Serialize)]
struct SendBody<'a> {
    device: &'a str,
    to: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct StatusBody<'a> {
    device: &'a str,
    #[serde(rename = "messageId")]
    message_id: &'a str,
}

#[derive(Serialize)]
struct DeviceBody<'a> {
    device: &'a str,
}

impl Wsapme {
    /// Validates the options. The HTTP client is created on first use.
    pub fn new(options: WsapmeOptions) -> Result<Self, BuildError> {
        let WsapmeOptions { base_url, device, token, timeout, keep_alive, status_call } = options;
        let url = Url::parse(&base_url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| BuildError::Address(crate::domain::text::clean(&base_url).into_owned()))?;
        let mut token = HeaderValue::from_str(token.expose_secret()).map_err(|_| BuildError::Token)?;
        token.set_sensitive(true);
        let connections = HttpConnections::new(url.clone(), timeout, keep_alive);
        let lone_connections = HttpConnections::new(url.clone(), timeout, KeepAlive::PerCall);
        let headers = [
            (HeaderName::from_static("x-wsapme-token"), token),
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        Ok(Self {
            connections,
            lone_connections,
            answers: AnswerNaming::default(),
            send_url: under(&url, "/v1/sendMessage2"),
            base: url,
            device,
            headers: HeaderMap::from_iter(headers),
            status_calls: StatusCalls::new(status_call),
        })
    }

    async fn send_once(&self, message: &Outgoing, is_wanted: IsWanted<'_>) -> SendReply {
        let MessageContent::Text(text) = &message.content else {
            return SendReply { outcome: send::no_templates(), raw: super::RawResponse::default() };
        };
        let body = SendBody { device: &self.device, to: &message.to, message: text };
        let request = self.with_body(self.send_url.clone(), &body);
        match self.connections.exchange_if(request, is_wanted).await {
            Ok(mut answer) => {
                let outcome = send::classify(&answer, &message.to, Utc::now());
                let outcome = outcome.unwrap_or_else(|| SendOutcome::Unknown { why: self.mixed_up(&answer, "person") });
                let outcome = outcome.unless_followed(&mut answer, "WSAPME").await;
                SendReply { outcome, raw: answer.raw() }
            }
            Err(ExchangeError::NoClient { why }) => {
                SendReply { outcome: send::no_client(why), raw: super::RawResponse::default() }
            }
            Err(ExchangeError::NotSent { why }) => {
                SendReply { outcome: send::not_connected(why), raw: super::RawResponse::default() }
            }
            Err(ExchangeError::MayHaveSent { why, raw } | ExchangeError::Overlong { why, raw }) => {
                SendReply { outcome: SendOutcome::Unknown { why }, raw }
            }
        }
    }

    async fn ask(&self, call: StatusCall, asked: StatusQuery<'_>, request: Request) -> StatusReply {
        let is_kept = self.answers.may_share_a_connection();
        let connections = if is_kept { &self.connections } else { &self.lone_connections };
        match connections.exchange(request).await {
            Ok(answer) => {
                let finding = match status::read(&answer, asked, Utc::now()) {
                    Some(finding) if has_status(&finding) && !self.names(&answer, asked) && is_kept => {
                        StatusFinding::OfAnother { why: self.nameless(&answer) }
                    }
                    Some(finding) => finding,
                    None => StatusFinding::OfAnother { why: self.mixed_up(&answer, "message") },
                };
                self.note_reading(call, &finding, &answer);
                StatusReply { finding, raw: answer.raw() }
            }
            Err(trouble) => {
                let (why, raw) = trouble.into_parts();
                StatusReply { finding: StatusFinding::Nothing { why }, raw }
            }
        }
    }

    /// Notes whether a call brings anything that can be read.
    fn note_reading(&self, call: StatusCall, finding: &StatusFinding, answer: &HttpAnswer) {
        if has_status(finding) {
            self.status_calls.could_be_read(call);
        } else if matches!(finding, StatusFinding::Nothing { .. } | StatusFinding::OfAnother { .. })
            && !status::is_refusal(answer)
        {
            self.status_calls.could_not_be_read();
        }
    }

    /// Whether a status names what was asked about. Decides where the next question is asked.
    fn names(&self, answer: &HttpAnswer, asked: StatusQuery<'_>) -> bool {
        let names = status::names_asked(answer, asked);
        self.answers.note(names);
        names
    }

    /// A status for nobody, on a connection that others were asked about before: it may be the second answer to one of them.
    fn nameless(&self, answer: &HttpAnswer) -> String {
        self.connections.abandon(answer);
        format!("WSAPME answers HTTP {} and names no message: asked again on a new connection", answer.status)
    }

    /// The response belongs to another request: later responses on its connection would be off by one as well.
    fn mixed_up(&self, answer: &HttpAnswer, about: &str) -> String {
        self.connections.abandon(answer);
        format!("WSAPME answers HTTP {} about another {about}: the connection is closed", answer.status)
    }

    fn status_request(&self, call: StatusCall, id: &MessageId, send_reply: &[u8]) -> Request {
        match call {
            StatusCall::MessageStatus => {
                self.post("/v1/getMessageStatus", &StatusBody { device: &self.device, message_id: id.as_str() })
            }
            StatusCall::MessageInfo => {
                self.post("/api/messageInfo", &status::message_info(&self.device, id, send_reply))
            }
        }
    }

    fn get(&self, path: &str) -> Request {
        let mut request = Request::new(Method::GET, under(&self.base, path));
        self.headers.clone_into(request.headers_mut());
        request.headers_mut().remove(CONTENT_TYPE);
        request
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Request {
        self.with_body(under(&self.base, path), body)
    }

    fn with_body(&self, url: Url, body: &impl Serialize) -> Request {
        // These bodies consist of strings, which always serialise.
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        let mut request = Request::new(Method::POST, url);
        self.headers.clone_into(request.headers_mut());
        *request.body_mut() = Some(Body::from(bytes));
        request
    }

    async fn examine(&self) -> Health {
        let mut reasons = Vec::new();
        for step in health::HEALTH_CALLS {
            let request = match step {
                health::HealthCall::Devices => self.get("/v1/devices"),
                health::HealthCall::Info => self.post("/v1/info", &DeviceBody { device: &self.device }),
                health::HealthCall::Server => self.get("/v1/server"),
            };
            match self.connections.exchange(request).await.map_err(ExchangeError::into_parts) {
                Ok(HttpAnswer { status, body, .. }) => match health::read(step, status, &body, &self.device) {
                    Ok(health) => return health,
                    Err(why) => reasons.push(why),
                },
                Err((why, _)) => return health::unreachable(&why),
            }
        }
        health::unreadable(&reasons)
    }
}

fn has_status(finding: &StatusFinding) -> bool {
    matches!(finding, StatusFinding::Known(_) | StatusFinding::Unrecognised { .. })
}

/// Whether a gateway's statuses name the messages that they are about. One that ever left the name out is not relied on
/// again: nothing would tell a second answer from the next one.
#[derive(Debug, Default)]
struct AnswerNaming {
    has_named: AtomicBool,
    has_left_out: AtomicBool,
}

impl AnswerNaming {
    fn note(&self, names: bool) {
        let noted = if names { &self.has_named } else { &self.has_left_out };
        noted.store(true, Ordering::Relaxed);
    }

    fn may_share_a_connection(&self) -> bool {
        self.has_named.load(Ordering::Relaxed) && !self.has_left_out.load(Ordering::Relaxed)
    }
}

/// Appends a call's path to the base, which may have its own path.
fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

impl Provider for Wsapme {
    fn stage_of(&self, status: &str) -> Option<ProviderStage> {
        stage_of(status)
    }

    fn advice(&self, code: &str) -> Option<&'static str> {
        advice(code)
    }

    fn send_if<'a>(&'a self, message: &'a Outgoing, is_wanted: IsWanted<'a>) -> BoxFuture<'a, SendReply> {
        self.send_once(message, is_wanted).boxed()
    }

    fn status<'a>(&'a self, asked: StatusQuery<'a>) -> BoxFuture<'a, StatusReply> {
        let call = StatusCall::MessageStatus;
        self.ask(call, asked, self.status_request(call, asked.id, b"")).boxed()
    }

    fn wants_send_reply(&self) -> bool {
        self.status_calls.next() == StatusCall::MessageInfo
    }

    fn status_of<'a>(&'a self, asked: StatusQuery<'a>, send_reply: &'a [u8]) -> BoxFuture<'a, StatusReply> {
        let call = StatusCall::MessageInfo;
        self.ask(call, asked, self.status_request(call, asked.id, send_reply)).boxed()
    }

    fn failure_class(&self, code: Option<&str>) -> ErrorClass {
        failure_class(code)
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        self.examine().boxed()
    }
}

pub(super) fn advice(code: &str) -> Option<&'static str> {
    refusal::advice(code)
}

pub(super) fn refuses_token(code: &str) -> bool {
    refusal::refuses_token(code)
}

pub(super) fn is_shown_by_health(code: &str) -> bool {
    refusal::is_shown_by_health(code)
}

pub(super) fn asks_to_slow_down(code: &str) -> bool {
    refusal::asks_to_slow_down(code)
}

pub(super) fn failure_class(code: Option<&str>) -> ErrorClass {
    refusal::of_failure(code)
}

#[cfg(test)]
mod tests;

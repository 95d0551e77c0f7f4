//! Meta's Cloud API: sends, uploads, and what a client reads before it sends.
//!
//! Shares nothing with our client of the same API, so that a mistake in one is not hidden by the other.

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Query as UriQuery, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
    routing::any,
};
use serde::Serialize;
use serde_json::Value;

use self::{
    account::{Query, SimulatedHealth},
    refusal::CloudRefusal,
    request::{CloudSend, MarketingCalls, RequestContext, SendCallEdge},
};
use super::{
    connection::Cut,
    control,
    fate::{Channel, CloudEnding},
    fault::FaultKind,
    post_log::{Accepted, IncomingSend, SendKind, TokenCheck},
    response::{BAD_GATEWAY, HTML, Received, Unread, hang_up, json, literally, raw, text_of, whole},
    world::{ResponseKind, SendResponse, SharedWorld, World},
};

mod account;
mod catalogue;
mod components;
pub mod identity;
mod keys;
mod media;
pub mod picture;
mod products;
pub mod refusal;
mod request;

pub use account::display_number;

/// What a form needs beside the file in it, in bytes.
const FORM_OVERHEAD: usize = 64 * 1024;
/// The id before that of the first upload.
const BEFORE_UPLOADS: u64 = 1_908_647_269_898_586;

/// All calls: `/{version}/{node}` and `/{version}/{node}/{edge}`.
pub fn routes() -> Router<Arc<World>> {
    Router::new()
        .route(picture::ATTACHMENTS, any(attachment))
        // Taken apart where it is served: this is the path that every send takes.
        .route("/{*call}", any(graph_call))
        .layer(DefaultBodyLimit::max(media::LARGEST + FORM_OVERHEAD))
}

async fn graph_call(State(world): SharedWorld, ConnectInfo(cut): ConnectInfo<Cut>, mut request: Request) -> Response {
    let call = GraphCall {
        world: &world,
        cut: &cut,
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: std::mem::take(request.headers_mut()),
    };
    let body = Received::from_request(request, &()).await.unwrap_or_else(|never| match never {});
    let mut response = call.serve(body).await;
    response.headers_mut().extend(USAGE.map(|(name, value)| (header::HeaderName::from_static(name), value)));
    response
}

/// A file that somebody sent: the picture, whoever it was.
async fn attachment(State(world): SharedWorld, headers: HeaderMap, UriQuery(query): UriQuery<Query>) -> Response {
    if world.judge(bearer(&headers)) == TokenCheck::Wrong {
        return refused(&CloudRefusal::token());
    }
    if !query.get("mid").is_some_and(|id| picture::is_picture(id)) {
        return control::not_found().await;
    }
    raw(StatusCode::OK, HeaderValue::from_static("image/png"), picture::PNG)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text_of(headers, header::AUTHORIZATION.as_str())?.strip_prefix("Bearer ")
}

/// The headers that report how much of the quota is used.
const USAGE: [(&str, HeaderValue); 2] = [
    ("x-app-usage", HeaderValue::from_static(r#"{"call_count":1,"total_cputime":1,"total_time":1}"#)),
    (
        "x-business-use-case-usage",
        HeaderValue::from_static(
            r#"{"102290129340398":[{"type":"messages","call_count":1,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}"#,
        ),
    ),
];

/// One call, from its bytes to its response.
struct GraphCall<'a> {
    world: &'a World,
    cut: &'a Cut,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl GraphCall<'_> {
    async fn serve(&self, body: Received) -> Response {
        let mut path = self.uri.path().split('/').skip(1);
        let (version, node, edge) = (path.next().unwrap_or(""), path.next().unwrap_or(""), path.next());
        if !is_version(version) || node.is_empty() || path.next().is_some() {
            return control::not_found().await;
        }
        match (&self.method, edge) {
            (&Method::POST, Some("messages")) => self.send(node, SendCallEdge::Messages, body).await,
            (&Method::POST, Some("marketing_messages")) => self.send(node, SendCallEdge::MarketingMessages, body).await,
            _ if self.token() == TokenCheck::Wrong => refused(&CloudRefusal::token()),
            (&Method::POST, Some("media")) => answered(self.upload(node, body)),
            (&Method::GET, edge) => answered(self.read(node, edge)),
            _ => refused(&CloudRefusal::no_object(node)),
        }
    }

    fn token(&self) -> TokenCheck {
        self.world.judge(bearer(&self.headers))
    }

    fn content_type(&self) -> &str {
        text_of(&self.headers, header::CONTENT_TYPE.as_str()).unwrap_or_default()
    }

    async fn send(&self, node: &str, edge: SendCallEdge, body: Received) -> Response {
        let _in_flight = self.world.enter();
        let body = match whole(body) {
            Ok(body) => body,
            Err(Unread::TooLarge) => return refused(&CloudRefusal::parameter("The request is too large.")),
            Err(Unread::BrokenOff) => return hang_up(self.cut),
        };
        let (send, problem) = self.read_send(node, edge, &body);
        let arrival = IncomingSend {
            kind: send.kind,
            phone: &send.phone,
            device: node,
            content_type: self.content_type(),
            token: self.token(),
            body: &String::from_utf8_lossy(&body),
        };
        let verdict = self.world.receive(arrival, problem.as_ref().map(|_| "refused"));
        self.world.pause(verdict.wait).await;
        self.answer(verdict, &send, problem)
    }

    /// The send, and why it is refused, if it is.
    fn read_send(&self, node: &str, edge: SendCallEdge, body: &[u8]) -> (CloudSend, Option<CloudRefusal>) {
        let context = RequestContext {
            edge,
            country_code: &self.world.account.country_code,
            is_uploaded: &|id| self.is_uploaded(id),
            marketing: self.marketing(),
        };
        let (send, problem) = context.read(self.content_type(), body);
        if self.knows(node) { (send, problem) } else { (send, Some(CloudRefusal::no_object(node))) }
    }

    fn marketing(&self) -> MarketingCalls {
        if self.world.state().rates.rate(FaultKind::MarketingOff) > 0.0 {
            MarketingCalls::OwnOnly
        } else {
            MarketingCalls::Either
        }
    }

    fn knows(&self, phone_number_id: &str) -> bool {
        self.world.account.phone_number_ids.iter().any(|id| id == phone_number_id)
    }

    fn answer(&self, verdict: SendResponse, send: &CloudSend, problem: Option<CloudRefusal>) -> Response {
        match (verdict.kind, verdict.accepted) {
            (ResponseKind::Sent, Some(accepted)) => json(StatusCode::OK, &SendAnswer::of(&accepted, send)),
            (ResponseKind::Unauthorised, _) => refused(&CloudRefusal::token()),
            (ResponseKind::Refused(why), _) => refused(&problem.unwrap_or_else(|| CloudRefusal::parameter(why))),
            (ResponseKind::Fault(kind), _) => fault(kind),
            (ResponseKind::Literally(answer), _) => literally(answer),
            (ResponseKind::Nothing, _) => hang_up(self.cut),
            // Cannot happen; if it did, the client must not count the message as accepted.
            (ResponseKind::Sent, None) => fault(FaultKind::Error),
        }
    }

    fn read(&self, node: &str, edge: Option<&str>) -> Result<Value, CloudRefusal> {
        let account = &self.world.account;
        let query = UriQuery::<Query>::try_from_uri(&self.uri).map(|UriQuery(query)| query).unwrap_or_default();
        let is_business = node == account.waba_id;
        match edge {
            None if is_business => account::business(node, &query),
            None if self.knows(node) => account::number(node, &account.waba_id, self.health(), &query),
            None if picture::is_picture(node) => Ok(picture::described(node, self.host())),
            Some("message_templates") if is_business => account::templates(&self.here(), &query),
            Some("product_catalogs") if is_business => Ok(products::catalogues()),
            Some("products") if node == products::CATALOGUE => products::page(&self.here(), &query),
            Some("subscribed_apps") if is_business => {
                Ok(account::subscribed_apps(self.world.state().webhooks.targets().meta.is_some()))
            }
            Some(edge) if is_business || self.knows(node) => Err(CloudRefusal::parameter(format!(
                "Tried accessing nonexisting field ({edge}) on node type (WhatsAppBusinessAccount)"
            ))),
            _ => Err(CloudRefusal::no_object(node)),
        }
    }

    fn health(&self) -> SimulatedHealth {
        if self.world.state().rates.rate(FaultKind::Offline) > 0.0 {
            SimulatedHealth::Blocked
        } else {
            SimulatedHealth::Available
        }
    }

    /// The address of this call without its query.
    fn here(&self) -> String {
        format!("http://{}{}", self.host(), self.uri.path())
    }

    fn host(&self) -> &str {
        text_of(&self.headers, header::HOST.as_str()).unwrap_or("127.0.0.1")
    }

    fn upload(&self, node: &str, body: Received) -> Result<Value, CloudRefusal> {
        if !self.knows(node) {
            return Err(CloudRefusal::no_object(node));
        }
        let body = whole(body).map_err(|_| CloudRefusal::new(131_053, "the file is too large"))?;
        media::check(self.content_type(), &body)?;
        let mut state = self.world.state();
        state.uploads += 1;
        Ok(serde_json::json!({ "id": (BEFORE_UPLOADS + state.uploads).to_string() }))
    }

    fn is_uploaded(&self, id: &str) -> bool {
        let uploads = self.world.state().uploads;
        id.parse::<u64>().is_ok_and(|id| (BEFORE_UPLOADS + 1..=BEFORE_UPLOADS + uploads).contains(&id))
    }
}

/// `v24.0`.
fn is_version(version: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbers = version.strip_prefix('v').and_then(|version| version.split_once('.'));
    numbers.is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn answered(result: Result<Value, CloudRefusal>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, &body),
        Err(refusal) => refused(&refusal),
    }
}

fn refused(refusal: &CloudRefusal) -> Response {
    json(refusal.http_status(), &refusal.body())
}

fn fault(kind: FaultKind) -> Response {
    let (status, code, details) = match kind {
        FaultKind::Html => return raw(StatusCode::BAD_GATEWAY, HTML, BAD_GATEWAY),
        FaultKind::Throttle => (
            StatusCode::BAD_REQUEST,
            130_429,
            "Message failed to send because there were too many messages sent from this phone number in a short period of time",
        ),
        FaultKind::Throttle429 => return plain_throttle(),
        FaultKind::PairLimit => (
            StatusCode::BAD_REQUEST,
            131_056,
            "Too many messages sent from the sender phone number to the same recipient phone number in a short period of time.",
        ),
        FaultKind::Offline => {
            (StatusCode::BAD_REQUEST, 133_010, "The phone number is not registered on the Whatsapp Business Platform.")
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, 131_000, "Message failed to send due to an unknown error."),
    };
    json(status, &CloudRefusal::new(code, details).body())
}

/// The throttle in another form: 429, plain text for details, and fields that come only sometimes.
fn plain_throttle() -> Response {
    let error = serde_json::json!({
        "message": "(#130429) Rate limit hit",
        "type": "OAuthException",
        "code": 130_429,
        "error_data": "Cloud API message throughput has been reached.",
        "is_transient": true,
        "error_user_msg": "Please try again later.",
        "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv",
    });
    json(StatusCode::TOO_MANY_REQUESTS, &serde_json::json!({ "error": error }))
}

/// The answer to a send that was accepted.
#[derive(Debug, Serialize)]
struct SendAnswer<'a> {
    messaging_product: &'static str,
    contacts: [AnswerContact<'a>; 1],
    messages: [AnswerMessage<'a>; 1],
}

#[derive(Debug, Serialize)]
struct AnswerContact<'a> {
    input: &'a str,
    wa_id: String,
}

#[derive(Debug, Serialize)]
struct AnswerMessage<'a> {
    id: &'a str,
    /// Templates only.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_status: Option<&'static str>,
}

impl<'a> SendAnswer<'a> {
    fn of(accepted: &'a Accepted, send: &'a CloudSend) -> Self {
        let is_stated = send.kind == SendKind::CloudTemplate && !accepted.knobs.has(FaultKind::NoMessageStatus);
        Self {
            messaging_product: "whatsapp",
            contacts: [AnswerContact { input: &send.input, wa_id: wa_id(accepted) }],
            messages: [AnswerMessage { id: &accepted.id, message_status: is_stated.then(|| message_status(accepted)) }],
        }
    }
}

fn message_status(accepted: &Accepted) -> &'static str {
    match accepted.message.channel {
        Channel::Cloud(CloudEnding::Held | CloudEnding::Dropped) => "held_for_quality_assessment",
        Channel::Cloud(CloudEnding::Usual | CloudEnding::Fails(_)) | Channel::Gateway => "accepted",
    }
}

/// The category of the templates of this name.
pub fn category(template: &str) -> Option<&'static str> {
    catalogue::TEMPLATES.iter().find(|known| known.name == template).map(|known| known.category)
}

/// The number under which WhatsApp knows the person.
pub fn wa_id(accepted: &Accepted) -> String {
    let phone = accepted.message.phone.to_string();
    if accepted.knobs.has(FaultKind::WaIdRewritten) {
        return identity::other_spelling(&phone).unwrap_or(phone);
    }
    phone
}

#[cfg(test)]
mod tests;

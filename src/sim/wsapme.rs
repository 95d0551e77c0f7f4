//! WSAPME's API: its calls, its header, its quirks.
//!
//! Shares nothing with our client of the same gateway, so that a mistake in one is not hidden by the other.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use serde::Serialize;

use self::{
    request::{DeviceQuestion, SendRequest, StatusQuestion},
    wire::{Empty, Envelope, FlatMessage, LinkedPhone, MessageFacts, WebMessage},
};
use super::{
    chance::Chance,
    connection::Cut,
    fate::{Fate, WireStatus},
    fault::FaultKind,
    post_log::{Accepted, IncomingSend, LoggedPost, SendKind, TokenCheck},
    response::{HTML, Received, Unread, hang_up, json, literally, raw, text_of, whole},
    script::{Call, ScriptedAnswer},
    world::{ResponseKind, SendResponse, SharedWorld, World},
};

mod request;
mod wire;

/// The gateway's header for the token.
const TOKEN_HEADER: &str = "x-wsapme-token";
/// How long a throttled client is asked to wait, in simulated seconds.
const RETRY_AFTER: f64 = 30.0;
/// The answer for an unknown message. The trailing space is real.
const MESSAGE_INFO: &str = "messageInfo ";

/// The calls of the gateway.
pub fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/sendMessage2", post(send_message2))
        .route("/v1/sendMessage", post(send_message))
        .route("/v1/getMessageStatus", post(message_status))
        .route("/v1/devices", get(devices))
        .route("/v1/info", post(info))
        .route("/v1/server", get(server))
        .route("/api/messageInfo", post(message_info))
}

/// The two send calls, by the shape of their responses.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Nested,
    Flat,
}

async fn send_message2(
    State(world): SharedWorld,
    ConnectInfo(cut): ConnectInfo<Cut>,
    headers: HeaderMap,
    body: Received,
) -> Response {
    SendCall { world: &world, cut: &cut, shape: Shape::Nested }.serve(&headers, body).await
}

async fn send_message(
    State(world): SharedWorld,
    ConnectInfo(cut): ConnectInfo<Cut>,
    headers: HeaderMap,
    body: Received,
) -> Response {
    SendCall { world: &world, cut: &cut, shape: Shape::Flat }.serve(&headers, body).await
}

/// Handles one send, from its bytes to its response.
struct SendCall<'a> {
    world: &'a World,
    cut: &'a Cut,
    shape: Shape,
}

impl SendCall<'_> {
    async fn serve(&self, headers: &HeaderMap, body: Received) -> Response {
        let _in_flight = self.world.enter();
        let body = match whole(body) {
            Ok(body) => body,
            Err(Unread::TooLarge) => return self.too_large(headers),
            Err(Unread::BrokenOff) => return hang_up(self.cut),
        };
        let send = SendRequest::read(&body);
        let text = String::from_utf8_lossy(&body);
        let verdict = self.world.receive(self.arrival(headers, &send, &text), send.problem);
        self.world.pause(verdict.wait).await;
        self.answer(verdict, &send)
    }

    fn arrival<'a>(&self, headers: &'a HeaderMap, send: &'a SendRequest, body: &'a str) -> IncomingSend<'a> {
        IncomingSend {
            kind: SendKind::Gateway,
            phone: &send.phone,
            device: &send.device,
            content_type: text_of(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default(),
            token: self.world.judge(text_of(headers, TOKEN_HEADER)),
            body,
        }
    }

    /// Logged like any other, but without the bytes, which were not kept.
    fn too_large(&self, headers: &HeaderMap) -> Response {
        let nothing = SendRequest::default();
        self.world.receive(self.arrival(headers, &nothing, ""), Some("Payload too large"));
        payload_too_large()
    }

    fn answer(&self, verdict: SendResponse, send: &SendRequest) -> Response {
        match (verdict.kind, verdict.accepted) {
            (ResponseKind::Sent, Some(accepted)) => self.sent(&accepted, send),
            // Cannot happen; if it did, the client must not count the message as accepted.
            (ResponseKind::Sent, None) => failure(StatusCode::OK, "Failed to send message"),
            (ResponseKind::Unauthorised, _) => unauthorised(),
            (ResponseKind::Refused(why), _) => failure(StatusCode::OK, why),
            (ResponseKind::Fault(kind), _) => self.fault(kind),
            (ResponseKind::Literally(answer), _) => literally(answer),
            (ResponseKind::Nothing, _) => hang_up(self.cut),
        }
    }

    fn sent(&self, accepted: &Accepted, send: &SendRequest) -> Response {
        let population = self.world.population;
        let facts = MessageFacts {
            phone: &send.phone,
            id: &accepted.id,
            text: &send.message,
            sent: self.world.wall(accepted.at),
            status: first_status(&population.fate(accepted.message)),
            server_ack: None,
            chance: chance(population.seed, accepted),
        };
        match self.shape {
            Shape::Nested => success("Sent Successfully", WebMessage::of(facts)),
            Shape::Flat => success("Sent Successfully", flat(facts, &send.device)),
        }
    }

    fn fault(&self, kind: FaultKind) -> Response {
        match kind {
            FaultKind::Throttle | FaultKind::Throttle429 | FaultKind::PairLimit => {
                let mut response = failure(StatusCode::TOO_MANY_REQUESTS, "Too Many Attempts.");
                response.headers_mut().insert(header::RETRY_AFTER, self.retry_after());
                response
            }
            FaultKind::Offline => failure(StatusCode::OK, "Device is offline"),
            FaultKind::Html => raw(StatusCode::BAD_GATEWAY, HTML, super::response::BAD_GATEWAY),
            _ => failure(StatusCode::OK, "Failed to send message"),
        }
    }

    fn retry_after(&self) -> HeaderValue {
        let wait = self.world.sped_up(RETRY_AFTER) + Duration::from_millis(999);
        HeaderValue::from(wait.as_secs())
    }
}

/// The status in the response to a send: mostly PENDING, SERVER_ACK for those that are acknowledged at once.
fn first_status(fate: &Fate) -> WireStatus {
    match fate.status(Duration::ZERO) {
        WireStatus::ServerAck => WireStatus::ServerAck,
        WireStatus::Pending | WireStatus::DeliveryAck | WireStatus::Read | WireStatus::Error => WireStatus::Pending,
    }
}

fn flat<'a>(facts: MessageFacts<'a>, device: &'a str) -> FlatMessage<'a> {
    FlatMessage {
        message_id: facts.id,
        id_device: device,
        jid: wire::jid(facts.phone),
        message: facts.text,
        status: facts.status.as_str(),
        qt: 1,
    }
}

fn chance(seed: u64, accepted: &Accepted) -> Chance {
    Chance::of(seed, accepted.message.phone, accepted.message.nth)
}

async fn message_status(
    State(world): SharedWorld,
    ConnectInfo(cut): ConnectInfo<Cut>,
    headers: HeaderMap,
    body: Received,
) -> Response {
    world.count_status_call();
    if world.judge(text_of(&headers, TOKEN_HEADER)) == TokenCheck::Wrong {
        return unauthorised();
    }
    let Ok(body) = whole(body) else { return payload_too_large() };
    let question = StatusQuestion::read(&body);
    let script = world.state().scripts.next(Call::Status, &question.message_id);
    match script {
        Some(answer) => scripted_status(&world, &cut, answer, &question).await,
        None => status_of(&world, &question),
    }
}

async fn scripted_status(world: &World, cut: &Cut, answer: ScriptedAnswer, question: &StatusQuestion) -> Response {
    world.pause(answer.delay().unwrap_or_default()).await;
    if answer.hang_up.is_some() {
        return hang_up(cut);
    }
    if answer.is_literal() { literally(answer) } else { status_of(world, question) }
}

fn status_of(world: &World, question: &StatusQuestion) -> Response {
    let now = world.now();
    let state = world.state();
    let Some((post, accepted)) = state.post_log.find(&question.device, &question.message_id) else {
        drop(state);
        return not_available();
    };
    let (accepted, post) = (accepted.clone(), LoggedMessage::of(post));
    drop(state);

    let fate = world.population.fate(accepted.message);
    let text = SendRequest::read(post.body.as_bytes()).message;
    let message = WebMessage::of(MessageFacts {
        phone: &post.phone,
        id: &accepted.id,
        text: &text,
        sent: world.wall(accepted.at),
        status: fate.status(now.saturating_sub(accepted.at)),
        server_ack: fate
            .server_ack()
            .map(|ack| accepted.at.saturating_add(ack))
            .filter(|ack| *ack <= now)
            .map(|ack| world.wall(ack)),
        chance: chance(world.population.seed, &accepted),
    });
    success(MESSAGE_INFO, message)
}

/// What is needed of a POST after the lock is released.
struct LoggedMessage {
    phone: String,
    body: String,
}

impl LoggedMessage {
    fn of(post: &LoggedPost) -> Self {
        Self { phone: post.phone().to_owned(), body: post.body().to_owned() }
    }
}

fn not_available() -> Response {
    json(StatusCode::OK, &Envelope { success: false, message: MESSAGE_INFO, data: Some(Empty {}) })
}

async fn devices(State(world): SharedWorld, headers: HeaderMap) -> Response {
    if world.judge(text_of(&headers, TOKEN_HEADER)) == TokenCheck::Wrong {
        return unauthorised();
    }
    let status = device_status(&world);
    let all: Vec<_> = world.devices().iter().map(|id| device(id, status)).collect();
    success("devices", all)
}

async fn info(State(world): SharedWorld, headers: HeaderMap, body: Received) -> Response {
    if world.judge(text_of(&headers, TOKEN_HEADER)) == TokenCheck::Wrong {
        return unauthorised();
    }
    let about = whole(body).map(|body| DeviceQuestion::read(&body)).unwrap_or_default();
    match world.devices().iter().find(|id| **id == about.device) {
        Some(id) => success("info", device(id, device_status(&world))),
        None => failure(StatusCode::OK, "Device not found"),
    }
}

async fn server() -> Response {
    success("Server is running", Empty {})
}

/// The other status call. The real one was never seen to answer anything but "not available"; this one answers who repeats the
/// whole message, as its manual wants.
async fn message_info(
    State(world): SharedWorld,
    ConnectInfo(cut): ConnectInfo<Cut>,
    headers: HeaderMap,
    body: Received,
) -> Response {
    if world.judge(text_of(&headers, TOKEN_HEADER)) == TokenCheck::Wrong {
        return unauthorised();
    }
    let Ok(body) = whole(body) else { return payload_too_large() };
    let Some(question) = StatusQuestion::read_info(&body) else { return not_available() };
    world.count_status_call();
    let script = world.state().scripts.next(Call::Status, &question.message_id);
    match script {
        Some(answer) => scripted_status(&world, &cut, answer, &question).await,
        None => status_of(&world, &question),
    }
}

fn device<'a>(id: &'a str, status: &'static str) -> LinkedPhone<'a> {
    LinkedPhone { id_device: id, device_name: format!("DEMO phone {id}"), status }
}

fn device_status(world: &World) -> &'static str {
    if world.state().rates.rate(FaultKind::Offline) > 0.0 { "offline" } else { "paired" }
}

fn unauthorised() -> Response {
    failure(StatusCode::UNAUTHORIZED, "Unauthorised Token")
}

fn payload_too_large() -> Response {
    failure(StatusCode::PAYLOAD_TOO_LARGE, "Payload too large")
}

fn failure(code: StatusCode, message: &str) -> Response {
    json(code, &Envelope::<Empty> { success: false, message, data: None })
}

fn success<T: Serialize>(message: &str, data: T) -> Response {
    json(StatusCode::OK, &Envelope { success: true, message, data: Some(data) })
}

#[cfg(test)]
mod tests;

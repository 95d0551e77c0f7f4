//! Webhooks: the proof of who sends them, then the bytes as they came. Answered 200 once they are durable; what is in them is
//! read later.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::problem::Problem;
use super::{BODY_MAX, HttpState};
use crate::app::WebhookRefusal;

/// A body that is not here by then is given up.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// What is too long is read to its end before the answer, or the client would never see it; at most so much, and this long.
const DRAIN_MAX: usize = 4 * BODY_MAX;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for memory.
const BUDGET_PATIENCE: Duration = Duration::from_secs(5);

/// How much of bodies is held at once, in units of 64 KB: strangers cannot fill the memory.
pub(super) struct BodyBudget(Arc<Semaphore>);

const UNIT: usize = 64 * 1024;
const UNITS: usize = 8 * BODY_MAX / UNIT;

impl Default for BodyBudget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(UNITS)))
    }
}

impl BodyBudget {
    /// Room for a body of this length.
    async fn reserve(&self, length: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(length.div_ceil(UNIT).max(1)).ok()?;
        timeout(BUDGET_PATIENCE, self.0.clone().acquire_many_owned(units)).await.ok()?.ok()
    }
}

/// The query's pairs, decoded.
type Pairs = Query<Vec<(String, String)>>;

/// Meta asks once whether this address is ours: the challenge comes back as it is.
pub(super) async fn meta_handshake(State(state): State<HttpState>, Query(pairs): Pairs) -> Response {
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    match state.intake.meta_handshake(pairs) {
        Some(challenge) => ([(header::CONTENT_TYPE, "text/plain")], challenge).into_response(),
        None => Problem::new(StatusCode::FORBIDDEN, "verify-token", "no sender has this verify_token").into_response(),
    }
}

pub(super) async fn meta(State(state): State<HttpState>, request: Request) -> Result<(), Response> {
    let (parts, body) = request.into_parts();
    let (body, _held) = read(&state, &parts.headers, body).await?;
    let signature = text(&parts.headers, "x-hub-signature-256");
    let kind = text(&parts.headers, "content-type").map(str::to_owned);
    state.intake.meta(body, signature, kind).await.map_err(|refusal| refused(&refusal))
}

pub(super) async fn wsapme_by_path(
    State(state): State<HttpState>,
    Path(secret): Path<String>,
    request: Request,
) -> Result<(), Response> {
    wsapme(&state, &secret, request).await
}

pub(super) async fn wsapme_by_query(
    State(state): State<HttpState>,
    Query(pairs): Pairs,
    request: Request,
) -> Result<(), Response> {
    let secret = pairs.into_iter().find(|(key, _)| key == "secret").map(|(_, value)| value).unwrap_or_default();
    wsapme(&state, &secret, request).await
}

/// The secret is the whole proof: without it nothing of the body is kept.
async fn wsapme(state: &HttpState, secret: &str, request: Request) -> Result<(), Response> {
    let (parts, body) = request.into_parts();
    let senders = match state.intake.wsapme_senders(secret) {
        Ok(senders) => senders,
        Err(refusal) => {
            drain(body).await;
            return Err(refused(&refusal));
        }
    };
    let (body, _held) = read(state, &parts.headers, body).await?;
    let kind = text(&parts.headers, "content-type").map(str::to_owned);
    state.intake.wsapme(senders, body, kind).await.map_err(|refusal| refused(&refusal))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn refused(refusal: &WebhookRefusal) -> Response {
    let (status, kind) = match refusal {
        WebhookRefusal::Unproven(_) => (StatusCode::UNAUTHORIZED, "unproven"),
        WebhookRefusal::NotKept => (StatusCode::SERVICE_UNAVAILABLE, "not-kept"),
    };
    Problem::new(status, kind, refusal.to_string()).into_response()
}

/// The whole body, and the memory that it is counted for.
async fn read(state: &HttpState, headers: &HeaderMap, body: Body) -> Result<(Bytes, OwnedSemaphorePermit), Response> {
    let declared = text(headers, "content-length").and_then(|length| length.parse::<usize>().ok());
    if declared.is_some_and(|length| length > BODY_MAX) {
        drain(body).await;
        return Err(too_long());
    }
    let Some(held) = state.bodies.reserve(declared.unwrap_or(BODY_MAX)).await else {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many bodies at once").into_response());
    };
    match timeout(BODY_TIMEOUT, collect(body, declared.unwrap_or_default())).await {
        Ok(Collected::Whole(body)) => Ok((body, held)),
        Ok(Collected::TooLong(rest)) => {
            drain(rest).await;
            Err(too_long())
        }
        Ok(Collected::Broken) => {
            Err(Problem::new(StatusCode::BAD_REQUEST, "broken", "the body broke off").into_response())
        }
        Err(_) => {
            let seconds = BODY_TIMEOUT.as_secs();
            let detail = format!("the body was not here after {seconds} s");
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", detail).into_response())
        }
    }
}

fn too_long() -> Response {
    let detail = format!("a body has at most {BODY_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", detail).into_response()
}

enum Collected {
    Whole(Bytes),
    /// With what was not read of it.
    TooLong(Body),
    Broken,
}

async fn collect(body: Body, expected: usize) -> Collected {
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::with_capacity(expected);
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else { return Collected::Broken };
        if whole.len() + chunk.len() > BODY_MAX {
            return Collected::TooLong(Body::from_stream(stream));
        }
        whole.extend_from_slice(&chunk);
    }
    Collected::Whole(whole.freeze())
}

async fn drain(body: Body) {
    let discard = async {
        let mut stream = body.into_data_stream();
        let mut read = 0;
        while let Some(Ok(chunk)) = stream.next().await {
            read += chunk.len();
            if read > DRAIN_MAX {
                break;
            }
        }
    };
    let _ = timeout(DRAIN_TIMEOUT, discard).await;
}

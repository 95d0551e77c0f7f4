//! Webhooks: the proof of who sends them, then the bytes as they came. Answered 200 once they are durable; what is in them is
//! read later.

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::HttpState;
use super::body::{drain, read};
use super::problem::Problem;
use crate::app::{HandshakeRefusal, WebhookRefusal};

/// The query's pairs, decoded.
type Pairs = Query<Vec<(String, String)>>;

/// Meta asks once whether this address is ours: the challenge comes back as it is.
pub(super) async fn meta_handshake(State(state): State<HttpState>, Query(pairs): Pairs) -> Response {
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    match state.intake.meta_handshake(pairs) {
        Ok(challenge) => ([(header::CONTENT_TYPE, "text/plain")], challenge).into_response(),
        Err(HandshakeRefusal::UnknownToken) => {
            Problem::new(StatusCode::FORBIDDEN, "verify-token", "no sender has this verify_token").into_response()
        }
        Err(HandshakeRefusal::Lacks { field, mend }) => Problem::field(field, mend).into_response(),
    }
}

pub(super) async fn meta(State(state): State<HttpState>, request: Request) -> Result<(), Response> {
    let (parts, body) = request.into_parts();
    let signature = text(&parts.headers, "x-hub-signature-256");
    if let Err(refusal) = state.intake.check_before_body(signature) {
        drain(&state.bodies, body);
        return Err(refused(&refusal));
    }
    let body = read(&state.bodies, &parts, body).await?;
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
            drain(&state.bodies, body);
            return Err(refused(&refusal));
        }
    };
    let body = read(&state.bodies, &parts, body).await?;
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

//! Each request's id: in its answer, and in whatever is logged while it is answered.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Instrument, error_span};

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id of a client's that is taken over.
const LONGEST: usize = 64;

/// Gives the request an id, the client's own where it has a good one.
pub(super) async fn identify(request: Request, next: Next) -> Response {
    let own = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_good(id));
    let id = own.map_or_else(|| format!("{:032x}", rand::random::<u128>()), str::to_owned);
    // Of the highest level, so that also a log of warnings alone has it.
    let span = error_span!("request", id);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answered = async move {
        let response = next.run(request).await;
        let path = without_secret(&path);
        tracing::debug!(%method, path, status = response.status().as_u16(), "answered");
        response
    };
    let mut response = answered.instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// A webhook's path has its secret in it, and so has a link's.
fn without_secret(path: &str) -> &str {
    match path {
        path if path.starts_with("/api/webhook/") => "/api/webhook/…",
        path if path.starts_with("/share/") => "/share/…",
        path => path,
    }
}

fn is_good(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c))
}

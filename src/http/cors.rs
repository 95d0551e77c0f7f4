//! Pages of other sites that may call the API from a browser (the Fetch standard's CORS protocol). Nobody's by default. A token
//! is asked of them as of everybody: no cookie counts at the API.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::HttpState;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const REQUEST_HEADERS: &str =
    "authorization, content-type, idempotency-key, if-match, last-event-id, prefer, x-request-id, api-version";
const ANSWER_HEADERS: &str =
    "etag, retry-after, ratelimit, ratelimit-policy, idempotency-replayed, x-request-id, api-version, location";
/// How long a browser may cache a permission, in seconds.
const REMEMBERED: &str = "600";

/// Answers what browsers ask before a call, and says who may read the answer.
pub(super) async fn allow(State(state): State<HttpState>, request: Request, next: Next) -> Response {
    let origins = &state.app.config().http.cors_origins;
    if origins.is_empty() || !is_api(request.uri().path()) {
        return next.run(request).await;
    }
    let origin = allowed(origins, request.headers());
    let asks_before =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match (&origin, asks_before) {
        (Some(_), true) => permission(),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(ANSWER_HEADERS));
    }
    response
}

/// Webhooks come from no page.
fn is_api(path: &str) -> bool {
    path.starts_with("/api/") && !path.starts_with("/api/webhook/")
}

/// The site that asks, if its pages may.
fn allowed(origins: &[String], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    origins.iter().any(|allowed| origin == allowed.as_str()).then(|| origin.clone())
}

fn permission() -> Response {
    let headers: [(HeaderName, &str); 3] = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

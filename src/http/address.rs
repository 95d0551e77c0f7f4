//! What a request's address says is text: bytes that are not UTF-8 are refused, wherever in it they stand.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;

/// Refuses a path or a query that is not UTF-8 once its percent signs are read: it would be taken for another one.
pub(super) async fn require_text(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    for (part, text) in [("path", request.uri().path()), ("query", query)] {
        if std::str::from_utf8(&decoded(text)).is_err() {
            let detail = format!("the {part} of the address is not UTF-8: send its text as UTF-8, percent-encoded");
            return Problem::new(StatusCode::BAD_REQUEST, "not-utf-8", detail).into_response();
        }
    }
    next.run(request).await
}

/// The bytes that percent signs stand for. One that no two digits follow stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let escaped = behind.get(..2).filter(|_| first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(byte) = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    bytes
}

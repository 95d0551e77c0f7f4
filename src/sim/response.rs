//! Requests read and responses written, as both APIs need it.

use axum::{
    body::Body,
    extract::rejection::BytesRejection,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use serde::Serialize;

use super::{connection::Cut, script::ScriptedAnswer};

pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub const HTML: HeaderValue = HeaderValue::from_static("text/html");

/// A request body, or why it could not be read.
pub type Received = Result<Bytes, BytesRejection>;

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy)]
pub enum Unread {
    TooLarge,
    /// The client went away in the middle: there is no request.
    BrokenOff,
}

pub fn whole(body: Received) -> Result<Bytes, Unread> {
    body.map_err(|why| match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unread::TooLarge,
        _ => Unread::BrokenOff,
    })
}

pub fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

pub fn json<T: Serialize>(code: StatusCode, body: &T) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => raw(code, JSON, body),
        Err(_) => raw(StatusCode::INTERNAL_SERVER_ERROR, HTML, "cannot be written as JSON"),
    }
}

pub fn raw(code: StatusCode, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Responds as scripted; codes and types were checked when the script was added.
pub fn literally(answer: ScriptedAnswer) -> Response {
    let code = answer.code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or_default();
    let content_type = answer.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()).unwrap_or(JSON);
    let mut response = raw(code, content_type, answer.body.unwrap_or_default());
    if let Some(seconds) = answer.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Cuts the connection; nothing of this response is ever written.
pub fn hang_up(cut: &Cut) -> Response {
    cut.hang_up();
    Response::new(Body::empty())
}

/// The page of the proxy in front of a dead gateway (our guess).
pub const BAD_GATEWAY: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

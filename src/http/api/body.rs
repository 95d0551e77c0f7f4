//! Requests in the form that handlers want: JSON into a type, the query into a type, ids out of the path. Whatever does not fit
//! is refused by the field's name.

use std::fmt::Display;
use std::str::FromStr;

mod plainly;
mod spelling;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::super::HttpState;
use super::super::api_sentence::for_programs;
use super::super::body::read;
use super::super::problem::Problem;
use super::authentication::require_token;
use super::once::Repeatable;
use crate::app::ReceivedBody;
use crate::domain::exact_numbers::exact;
use crate::domain::ids::BlastId;
use axum::response::{IntoResponse, Response};

pub(super) use plainly::FieldNames;

/// A body of JSON, read whole. An empty body is an object without fields.
pub(super) struct JsonBody<T> {
    pub value: T,
    /// Of method, address and body: what makes two requests the same.
    pub fingerprint: [u8; 32],
    pub headers: HeaderMap,
    text: Bytes,
}

impl<T> JsonBody<T> {
    /// What is wrong with it, by its fields' names as this body spells them.
    pub fn spelled(&self, problem: Problem) -> Problem {
        match serde_json::from_slice::<Value>(&self.text) {
            Ok(body) => problem.with_names(|field| spelling::as_written(&body, field)),
            Err(_) => problem,
        }
    }
}

/// A body that says nothing, where there is one: any is taken.
pub(super) struct UnreadBody {
    /// Of method, address and body: what makes two requests the same.
    fingerprint: [u8; 32],
    pub headers: HeaderMap,
}

impl UnreadBody {
    /// The request, with the blast that it is about.
    pub const fn about(&self, blast: Option<BlastId>) -> Repeatable<'_> {
        Repeatable { headers: &self.headers, fingerprint: self.fingerprint, blast }
    }
}

impl FromRequest<HttpState> for UnreadBody {
    type Rejection = Response;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let body = read_for_caller(state, &parts, body).await?;
        Ok(Self { fingerprint: fingerprint(&parts, &Sha256::digest(&body.bytes)), headers: parts.headers })
    }
}

/// The whole body, of a caller whose token holds once it is here.
pub(super) async fn read_for_caller(state: &HttpState, parts: &Parts, body: Body) -> Result<ReceivedBody, Response> {
    let body = read(&state.bodies, parts, body).await?;
    require_token(state, parts).await.map_err(IntoResponse::into_response)?;
    Ok(body)
}

/// A body without fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EmptyBody {}

/// A field that narrows what is done, where it is there: null is what a script sends whose own value came out empty, and must not do more than it
/// asks for.
pub(super) fn never_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(source: D) -> Result<Option<T>, D::Error> {
    T::deserialize(source).map(Some)
}

/// The query's parameters.
pub(super) struct Params<T>(pub T);

/// The id in the path.
pub(super) struct PathId<T>(pub T);

/// Two of them.
pub(super) struct PathIds<T, U>(pub T, pub U);

impl<T: DeserializeOwned> FromRequest<HttpState> for JsonBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &HttpState) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let body = read_for_caller(state, &parts, body).await?;
        let fingerprint = fingerprint(&parts, &Sha256::digest(&body.bytes));
        let bytes: &[u8] = if body.bytes.is_empty() { b"{}" } else { &body.bytes };
        if !body.bytes.is_empty() && !is_json(&parts.headers) {
            return Err(unsupported("application/json").into_response());
        }
        let value = parse_object(bytes, FieldNames::at(parts.uri.path())).map_err(IntoResponse::into_response)?;
        Ok(Self { value, fingerprint, headers: parts.headers, text: body.bytes })
    }
}

/// The type of a body, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

/// 415, with what is read instead.
pub(super) fn unsupported(known: &str) -> Problem {
    let detail = format!("this takes {known}: say which it is in Content-Type");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail)
}

/// Of a request, with the hash of its body.
pub(super) fn fingerprint(parts: &Parts, body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [parts.method.as_str(), parts.uri.path(), parts.uri.query().unwrap_or_default()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update(body);
    hash.finalize().into()
}

/// Reads a body into fields.
pub(super) fn parse_object<T: DeserializeOwned>(bytes: &[u8], names: FieldNames) -> Result<T, Problem> {
    require_utf8(bytes)?;
    if is_object(bytes) { parse_text(bytes, names) } else { Err(not_an_object(bytes)) }
}

/// Of the whole of a body: a reader of JSON does not look into values that it leaves out.
fn require_utf8(bytes: &[u8]) -> Result<(), Problem> {
    std::str::from_utf8(bytes).map(drop).map_err(|error| {
        let detail = format!("the body is not UTF-8 at byte {}: send JSON as UTF-8", error.valid_up_to() + 1);
        Problem::new(StatusCode::BAD_REQUEST, "not-utf-8", detail)
    })
}

/// Every body that is read into fields is an object: a derived reader would take a list of their values as well.
fn is_object(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn not_an_object(bytes: &[u8]) -> Problem {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => Problem::field("body", "write an object"),
        Err(error) => not_json(&error),
    }
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    require_utf8(bytes)?;
    parse_text(bytes, FieldNames::SnakeCase)
}

fn parse_text<T: DeserializeOwned>(bytes: &[u8], names: FieldNames) -> Result<T, Problem> {
    let exact = exact(bytes);
    let mut json = serde_json::Deserializer::from_slice(&exact);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => misfit(&path, &inner.to_string(), names),
            _ => not_json(&inner),
        }
    })?;
    json.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "not-json", format!("the body is not JSON: {error}"))
}

/// 422 for what a deserializer says, naming the field: where it stands in the path, or in the sentence itself.
fn misfit(path: &str, why: &str, names: FieldNames) -> Problem {
    let why = why.split(" at line ").next().unwrap_or(why);
    let names_it = ["missing field", "unknown field", "duplicate field"].iter().any(|begin| why.starts_with(begin));
    let named = why.split('`').nth(1).filter(|_| names_it);
    let field = match (path, named) {
        ("." | "", Some(named)) => named.to_owned(),
        ("." | "", None) => "body".to_owned(),
        (path, Some(named)) if !path.ends_with(named) => format!("{path}.{named}"),
        (path, _) => path.to_owned(),
    };
    Problem::field(field, plainly::said(why, names))
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        params(&parts.uri).map(Self)
    }
}

/// The query of an address.
pub(in crate::http) fn params<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    refuse_nul(uri)?;
    Query::try_from_uri(uri).map(|Query(value)| value).map_err(|refused| {
        let text = refused.body_text();
        let why = text.split_once("query string: ").map_or(text.as_str(), |(_, why)| why);
        let problem = match why.split_once(": ").filter(|(field, _)| !field.contains(' ')) {
            Some((field, why)) => misfit(field, why, FieldNames::SnakeCase),
            None => misfit(".", why, FieldNames::SnakeCase),
        };
        if why.starts_with("duplicate field") {
            problem.saying("it is in the query twice: write it once")
        } else {
            problem
        }
    })
}

/// Postgres takes no NUL in a text.
fn refuse_nul(uri: &Uri) -> Result<(), Problem> {
    // What cannot be read as pairs at all is refused by whoever reads it.
    let Ok(Query(pairs)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else { return Ok(()) };
    match pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        Some((name, _)) => Err(Problem::field(name.replace('\0', "%00"), "it holds a NUL character: take %00 out")),
        None => Ok(()),
    }
}

impl<S: Send + Sync, T: FromStr + Send> FromRequestParts<S> for PathId<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| nothing_here())?;
        id.parse().map(Self).map_err(|_| nothing_here())
    }
}

impl<S: Send + Sync, T: FromStr + Send, U: FromStr + Send> FromRequestParts<S> for PathIds<T, U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ids = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = ids.map_err(|_| nothing_here())?;
        let ids = first.parse().ok().zip(second.parse().ok());
        ids.map(|(first, second)| Self(first, second)).ok_or_else(nothing_here)
    }
}

fn nothing_here() -> Problem {
    Problem::not_found("there is nothing at this address: ids are whole numbers")
}

/// Reads a text field into what it means; 422 by the field's name.
pub(super) fn read_field<T>(field: &str, text: &str) -> Result<T, Problem>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| Problem::field(field, for_programs(&error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "only read into")]
        people: Vec<u32>,
    }

    fn refused(json: &str) -> (u16, String) {
        let problem = parse::<Order>(json.as_bytes()).unwrap_err();
        let text = format!("{problem:?}");
        (problem.into_response().status().as_u16(), text)
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_called_so() {
        for (bytes, kind) in [
            (&b"{\"people\":[],\"name\":\"caf\xe9\"}"[..], "not-utf-8"),
            (b"{\"people\":[\"\xff\"]}", "not-utf-8"),
            (b"\xff\xfe{\0}\0", "not-utf-8"),
            (b"{\"people\":[", "not-json"),
        ] {
            let problem = parse_object::<Order>(bytes, FieldNames::SnakeCase).unwrap_err().body();
            assert_eq!(problem["type"], format!("urn:blastdeck:{kind}"), "{problem}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named_by_its_field() {
        for (json, field) in
            [("{}", "people"), (r#"{"people":[1,"x"]}"#, "people[1]"), (r#"{"people":[],"wat":1}"#, "wat")]
        {
            let (status, text) = refused(json);
            assert_eq!(status, 422, "{json}");
            assert!(text.contains(&format!("field: \"{field}\"")), "{json}: {text}");
        }
        assert_eq!(refused("{").0, 400);
        assert_eq!(refused(r#"{"people":[]} x"#).0, 400);
    }
}

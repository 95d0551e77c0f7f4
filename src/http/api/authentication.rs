//! Who asks: a token's holder, or a client on this machine where that is configured. Everything behind here knows its caller.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::super::HttpState;
use super::super::loopback::{is_direct, is_of_another_site};
use super::super::openapi::TakesNoQuery;
use super::super::problem::Problem;
use super::super::spelling::ApiSpelling;
use super::limit::seconds;
use crate::app::{App, AppError, Caller, RequestKey, TokenIdentity};
use crate::domain::api_token::TokenScope;
use crate::domain::ids::BlastId;
use crate::domain::text::clean;

/// The version of the API. What a version promises does not change: a field or a call may only be added.
const VERSION: &str = "1";
const VERSION_HEADER: HeaderName = HeaderName::from_static("api-version");

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct PeerAddress(pub SocketAddr);

/// The id of whoever asks from this machine without a token.
const WITHOUT_TOKEN: i64 = 0;

/// Who asks, and for whom the use cases act.
#[derive(Clone)]
pub(super) struct ApiCaller {
    pub token: TokenIdentity,
    pub spelling: ApiSpelling,
    app: App,
}

/// A caller who may read.
pub(super) struct ApiReader(pub ApiCaller);

/// A caller who may also change something.
pub(super) struct ApiWriter(pub ApiCaller);

/// A caller who may also say who else may use this server.
pub(super) struct ApiAdmin(pub ApiCaller);

impl ApiCaller {
    /// The use cases, for this caller.
    pub(super) fn app(&self) -> App {
        self.app_with(None)
    }

    /// The same for a request that has one effect however often it comes.
    pub(super) fn app_once(&self, key: String, hash: [u8; 32], blast: Option<BlastId>) -> App {
        let fingerprint = self.app.request_fingerprint(hash);
        // Not the client's own id of it: a client that repeats a request repeats that too.
        let request_id = format!("{:032x}", rand::random::<u128>());
        self.app_with(Some(RequestKey { token: self.token.id, key, fingerprint, request_id, blast }))
    }

    fn app_with(&self, request: Option<RequestKey>) -> App {
        let TokenIdentity { id, name, sender, scope, expires_at } = self.token.clone();
        let token = (id != WITHOUT_TOKEN).then_some(id);
        self.app.acting_for(Caller { name, token, sender, scope, expires_at, request })
    }
}

impl<S: Sync> FromRequestParts<S> for ApiReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<ApiCaller>().cloned().ok_or_else(unauthorized)?;
        refuse_unread_query(parts)?;
        Ok(Self(caller))
    }
}

impl<S: Sync> FromRequestParts<S> for ApiWriter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ApiReader(caller) = ApiReader::from_request_parts(parts, state).await?;
        if caller.token.scope < TokenScope::Write {
            let detail = format!("the token {} may only read: this needs one with scope write", caller.token.name);
            return Err(Problem::new(StatusCode::FORBIDDEN, "scope", detail));
        }
        Ok(Self(caller))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ApiAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let ApiReader(caller) = ApiReader::from_request_parts(parts, state).await?;
        if caller.token.scope < TokenScope::Admin {
            let (name, scope) = (&caller.token.name, caller.token.scope);
            let detail = format!("the token {name} has scope {scope}: this needs one with scope admin");
            return Err(Problem::new(StatusCode::FORBIDDEN, "scope", detail));
        }
        Ok(Self(caller))
    }
}

/// Lets a request pass whose caller is known and has not asked too often.
pub(super) async fn authenticate(State(state): State<HttpState>, mut request: Request, next: Next) -> Response {
    if let Some(refused) = other_version(request.headers()) {
        return refused.into_response();
    }
    let is_local = is_local(request.headers(), request.extensions());
    let secret = bearer(request.headers()).map(str::to_owned);
    let token = match identify(&state, secret.as_deref(), is_local).await {
        Ok(token) => token,
        Err(refused) => return refused.into_response(),
    };
    let allowance = state.api.limits.take(token.id, Instant::now());
    let mut response = if let Some(wait) = allowance.retry_after {
        too_many(wait).into_response()
    } else {
        let spelling = ApiSpelling::of(request.uri().path());
        request.extensions_mut().insert(ApiCaller { token, spelling, app: state.app.clone() });
        next.run(request).await
    };
    let headers = response.headers_mut();
    allowance.write(headers);
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses a parameter that nobody would read: whoever sends it counts on it.
fn refuse_unread_query(parts: &Parts) -> Result<(), Problem> {
    let query = parts.uri.query().filter(|query| !query.is_empty());
    let Some(query) = query.filter(|_| parts.extensions.get::<TakesNoQuery>().is_some()) else { return Ok(()) };
    let name = query.split(['=', '&']).next().unwrap_or_default();
    Err(Problem::field(clean(name), "unknown field: the query takes none here, fields go into the body"))
}

/// Refuses a request whose token ended while its body came: nothing is done with it.
pub(super) async fn require_token(state: &HttpState, parts: &Parts) -> Result<(), Problem> {
    let has_token = parts.extensions.get::<ApiCaller>().is_some_and(|caller| caller.token.id != WITHOUT_TOKEN);
    match bearer(&parts.headers).filter(|_| has_token) {
        Some(secret) => token(state, secret).await?.map(drop).ok_or_else(unauthorized),
        None => Ok(()),
    }
}

fn other_version(headers: &HeaderMap) -> Option<Problem> {
    let asked = headers.get(VERSION_HEADER)?;
    let detail =
        format!("this server speaks version {VERSION} of the API: send `api-version: {VERSION}`, or leave it out");
    (asked != VERSION).then(|| Problem::new(StatusCode::BAD_REQUEST, "version", detail))
}

fn too_many(wait: Duration) -> Problem {
    let wait = seconds(wait);
    let detail = format!("this token asks too often: try again in {wait} s, or raise [http] requests_per_minute");
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail)
        .with_header(header::RETRY_AFTER, HeaderValue::from(wait))
}

async fn identify(state: &HttpState, secret: Option<&str>, is_local: bool) -> Result<TokenIdentity, Problem> {
    match secret {
        Some(secret) => token(state, secret).await?.ok_or_else(unauthorized),
        None if state.api.open_on_loopback && is_local => Ok(local(&state.app)),
        None => Err(unauthorized()),
    }
}

/// The valid token with this secret.
pub(in crate::http) async fn token(state: &HttpState, secret: &str) -> Result<Option<TokenIdentity>, AppError> {
    state.api.tokens.identify(secret, async |secret| state.app.authenticate(secret).await).await
}

fn unauthorized() -> Problem {
    let detail =
        "send `Authorization: Bearer TOKEN` with a token that `blastdeck token new` made and that is still valid";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"blastdeck\""))
}

pub(in crate::http) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

/// Whoever asks from this machine, with the operator's own rights and name.
fn local(app: &App) -> TokenIdentity {
    TokenIdentity {
        id: WITHOUT_TOKEN,
        name: app.operator().to_owned(),
        scope: TokenScope::Admin,
        sender: None,
        expires_at: None,
    }
}

/// Whether somebody at this machine needs no token, and this is one.
pub(in crate::http) fn is_local_caller(state: &HttpState, headers: &HeaderMap, extensions: &Extensions) -> bool {
    state.api.open_on_loopback && is_local(headers, extensions)
}

/// Neither through a proxy nor from a page whose name was made to point here.
fn is_local(headers: &HeaderMap, extensions: &Extensions) -> bool {
    let peer = extensions.get::<PeerAddress>().is_some_and(|peer| peer.0.ip().to_canonical().is_loopback());
    peer && !headers.contains_key(header::AUTHORIZATION) && is_direct(headers) && !is_of_another_site(headers)
}

/// What the caller's own token is: a call to try a token with.
pub(super) async fn own_token(ApiReader(caller): ApiReader) -> Result<Json<OwnToken>, Problem> {
    let TokenIdentity { name, scope, sender, expires_at, .. } = caller.token;
    let only = match sender {
        Some(id) => caller.app.senders().await?.into_iter().find(|sender| sender.id == id),
        None => None,
    };
    let (sender, business) = only.map(|sender| (sender.name, sender.business)).unzip();
    Ok(Json(OwnToken { name, scope, sender, business, expires_at }))
}

/// The caller's token.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OwnToken {
    #[schema(example = "shop")]
    name: String,
    scope: TokenScope,
    /// The only sender that it acts for; `null`: any.
    #[schema(example = json!(null))]
    sender: Option<String>,
    /// Whose opt-outs that sender's are.
    #[schema(example = json!(null))]
    business: Option<String>,
    /// When it ends; `null`: when it is revoked.
    #[schema(example = json!(null))]
    expires_at: Option<DateTime<Utc>>,
}

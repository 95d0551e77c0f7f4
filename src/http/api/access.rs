//! Who else may use this server: tokens, and links to one blast's page. For tokens with scope admin.

use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::ApiAdmin;
use super::body::{JsonBody, Params, PathId, UnreadBody, never_null, read_field};
use super::once::{Answer, once};
use crate::app::{App, ShareRow, TokenRequest, TokenRow};
use crate::domain::api_token::{TokenName, TokenScope};
use crate::domain::ids::{BlastId, ShareId};
use crate::domain::pace::parse_span;

/// The longest that a token may last; without a time it lasts for ever.
const TOKEN_MAX: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);
/// How long a link lasts if nothing is said.
const SHARE_USUAL: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(super) fn routes() -> Routes {
    let about = "Its secret is in this answer and nowhere else, so that the call takes no `Idempotency-Key`.";
    Routes::of("Access")
        .get(
            "/api/tokens",
            tokens,
            Operation::admin("Lists tokens, without their secrets").answer::<TokenList>(200, "The newest first"),
        )
        .post(
            "/api/tokens",
            new_token,
            Operation::admin("Makes a token")
                .details(about)
                .body::<NewTokenBody>()
                .unrepeatable()
                .answer::<MadeToken>(201, "The token")
                .refuses(&[404, 409]),
        )
        .delete(
            "/api/tokens/{name}",
            revoke_token,
            Operation::admin("Ends a token").empty(204, "It has ended").repeatable(),
        )
        .get(
            "/api/shares",
            shares,
            Operation::admin("Lists links to blasts' pages, without their secrets")
                .query::<ShareParams>()
                .answer::<ShareList>(200, "The newest first")
                .refuses(&[404]),
        )
        .post(
            "/api/shares",
            new_share,
            Operation::admin("Makes a link to one blast's page")
                .details(about)
                .body::<NewShareBody>()
                .unrepeatable()
                .answer::<MadeShare>(201, "The link")
                .refuses(&[404, 409]),
        )
        .delete(
            "/api/shares/{id}",
            revoke_share,
            Operation::admin("Ends a link").empty(204, "It has ended").repeatable(),
        )
}

#[derive(Serialize, ToSchema)]
struct TokenList {
    tokens: Vec<TokenRow>,
}

#[derive(Serialize, ToSchema)]
struct MadeToken {
    #[schema(example = "shop")]
    name: String,
    scope: TokenScope,
    #[schema(example = json!(null))]
    sender: Option<String>,
    #[schema(example = json!(null))]
    expires_at: Option<DateTime<Utc>>,
    /// Shown once.
    #[schema(example = "bd_…")]
    token: String,
    /// Where it ends sooner than was asked.
    #[schema(example = json!(null))]
    warning: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct ShareList {
    shares: Vec<ShareRow>,
}

#[derive(Serialize, ToSchema)]
struct MadeShare {
    #[schema(value_type = i64, example = 3)]
    id: ShareId,
    #[schema(value_type = i64, example = 7)]
    blast_id: BlastId,
    /// Where the page is at this server. Shown once.
    #[schema(example = "/share/bl_…")]
    path: String,
    /// The whole address, where `[http] public_url` is set.
    #[schema(example = json!(null))]
    url: Option<String>,
    expires_at: DateTime<Utc>,
    /// Where it ends sooner than was asked.
    #[schema(example = json!(null))]
    warning: Option<&'static str>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTokenBody {
    #[schema(example = "shop")]
    name: String,
    /// `read`, `write` or `admin`.
    #[schema(example = "write")]
    scope: String,
    /// The only sender that it acts for. Absent: all of them; null is refused.
    #[serde(default, deserialize_with = "never_null")]
    #[schema(value_type = String, required = false, example = "sales")]
    sender: Option<String>,
    /// A time such as `90d`; without one it lasts until it is revoked. Null is refused.
    #[serde(default, alias = "expiresIn", deserialize_with = "never_null")]
    #[schema(value_type = String, required = false, example = "90d")]
    expires_in: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewShareBody {
    #[schema(value_type = i64, example = 7)]
    #[serde(alias = "blastId", alias = "blast")]
    blast_id: BlastId,
    /// A time such as `7d`, which it is without one; at most 366 days.
    #[serde(default, alias = "for", alias = "expiresIn")]
    #[schema(example = "7d")]
    expires_in: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
struct ShareParams {
    /// Only links to this blast.
    #[param(example = "7")]
    #[serde(alias = "blastId", alias = "blast")]
    blast_id: Option<String>,
}

async fn tokens(ApiAdmin(caller): ApiAdmin) -> Result<Answer, Problem> {
    Ok(Answer::ok(TokenList { tokens: caller.app().tokens().await? }))
}

/// Makes a token. Its secret is in this answer and nowhere else, so that the request cannot be repeated by a key.
async fn new_token(ApiAdmin(caller): ApiAdmin, body: JsonBody<NewTokenBody>) -> Result<Answer, Problem> {
    refuse_key(&body)?;
    let name: TokenName = read_field("name", &body.value.name)?;
    let scope: TokenScope = read_field("scope", &body.value.scope)?;
    let expires_in = body.value.expires_in.as_deref().map(|text| span("expires_in", text, TOKEN_MAX)).transpose()?;
    let expires_at = expires_in.and_then(|span| TimeDelta::from_std(span).ok()).map(|span| Utc::now() + span);
    let (said, sender) = (name.as_str().to_owned(), body.value.sender);
    let request = TokenRequest { name, scope, sender: sender.clone(), expires_at };
    let made = caller.app().create_token(request).await?;
    let (expires_at, token, warning) = (made.expires_at, made.secret, warning(made.is_cut));
    Ok(Answer::created(MadeToken { name: said, scope, sender, expires_at, token, warning }))
}

async fn revoke_token(
    ApiAdmin(caller): ApiAdmin,
    Path(name): Path<String>,
    request: UnreadBody,
) -> Result<Response, Problem> {
    once(&caller, request.about(None), async |app: App| {
        app.revoke_token(&name).await?;
        Ok(Answer::gone())
    })
    .await
}

async fn shares(ApiAdmin(caller): ApiAdmin, Params(asked): Params<ShareParams>) -> Result<Answer, Problem> {
    let blast = asked.blast_id.as_deref().map(|id| read_field("blast_id", id)).transpose()?;
    Ok(Answer::ok(ShareList { shares: caller.app().shares(blast).await? }))
}

async fn new_share(ApiAdmin(caller): ApiAdmin, body: JsonBody<NewShareBody>) -> Result<Answer, Problem> {
    refuse_key(&body)?;
    let expires_in = body.value.expires_in.as_deref();
    let expires_in = expires_in.map(|text| span("expires_in", text, App::SHARE_MAX)).transpose()?;
    let link = caller.app().create_share(body.value.blast_id, expires_in.unwrap_or(SHARE_USUAL)).await?;
    let url = caller.app().config().http.public_url.as_ref().map(|server| format!("{server}{}", link.path));
    let (id, blast_id, expires_at, warning) = (link.id, body.value.blast_id, link.expires_at, warning(link.is_cut));
    Ok(Answer::created(MadeShare { id, blast_id, path: link.path, url, expires_at, warning }))
}

async fn revoke_share(
    ApiAdmin(caller): ApiAdmin,
    PathId(id): PathId<ShareId>,
    request: UnreadBody,
) -> Result<Response, Problem> {
    once(&caller, request.about(None), async |app: App| {
        app.revoke_share(id).await?;
        Ok(Answer::gone())
    })
    .await
}

/// What is said of something that ends with the token that made it.
fn warning(is_cut: bool) -> Option<&'static str> {
    is_cut.then_some("it ends with the token that made it, which is sooner than was asked")
}

/// An answer that holds a secret is not stored, so that it cannot come again.
fn refuse_key<T>(body: &JsonBody<T>) -> Result<(), Problem> {
    let detail =
        "the answer holds a secret, which is stored nowhere: leave the key out, and revoke what you did not get";
    if body.headers.contains_key("idempotency-key") { Err(Problem::field("Idempotency-Key", detail)) } else { Ok(()) }
}

fn span(field: &str, text: &str, max: Duration) -> Result<Duration, Problem> {
    let span = parse_span(text).map_err(|error| Problem::field(field, error.to_string()))?;
    let wrong = || Problem::field(field, format!("write a time such as 7d, at most {} days", max.as_secs() / 86_400));
    if span.is_zero() || span > max { Err(wrong()) } else { Ok(span) }
}

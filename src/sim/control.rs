//! The simulator's control API, under `/sim`: reads what happened, and scripts what will.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    fault::{Fault, FaultRates},
    script::Script,
    truth,
    webhook::{HookProvider, WebhookTargets, handshake, post_literally},
    world::{SharedWorld, SimStats, World},
};

/// The routes under `/sim`. They need no token: the listener is loopback.
pub fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/sim/truth", get(truth_after))
        .route("/sim/replies", get(replies_after))
        .route("/sim/stats", get(stats))
        .route("/sim/faults", get(faults).post(set_faults))
        .route("/sim/webhooks", get(webhooks).post(set_webhooks))
        .route("/sim/webhooks/handshake", post(webhook_handshake))
        .route("/sim/webhooks/meta", post(post_to_meta_receiver))
        .route("/sim/webhooks/wsapme", post(post_to_wsapme_receiver))
        .route("/sim/script", post(add_script).delete(clear_script))
}

/// `?after=N`: only entries with a higher number.
#[derive(Debug, Default, Deserialize)]
struct AfterQuery {
    #[serde(default)]
    after: usize,
}

async fn truth_after(State(world): SharedWorld, Query(AfterQuery { after }): Query<AfterQuery>) -> Response {
    let mut response = Response::new(truth::body(world, after).await);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn replies_after(
    State(world): SharedWorld,
    Query(AfterQuery { after }): Query<AfterQuery>,
) -> Json<truth::RepliesBody> {
    Json(truth::replies(&world, after))
}

async fn stats(State(world): SharedWorld) -> Json<SimStats> {
    Json(world.stats())
}

async fn faults(State(world): SharedWorld) -> Json<Vec<String>> {
    Json(world.state().rates.in_force())
}

/// Replaces all faults in force, and returns them.
async fn set_faults(State(world): SharedWorld, body: String) -> Response {
    match faults_from(&body) {
        Ok(rates) => {
            world.state().rates = rates;
            Json(rates.in_force()).into_response()
        }
        Err(why) => refused(&why),
    }
}

fn faults_from(body: &str) -> Result<FaultRates, String> {
    let names: Vec<String> =
        serde_json::from_str(body).map_err(|error| format!("not a list like [\"slow=0.1\"]: {error}"))?;
    let faults: Result<Vec<Fault>, _> = names.iter().map(|name| name.parse()).collect();
    faults.and_then(|faults| FaultRates::new(&faults)).map_err(|error| error.to_string())
}

async fn webhooks(State(world): SharedWorld) -> Json<WebhookTargets> {
    Json(world.state().webhooks.targets().clone())
}

/// Replaces where webhooks go, from the next accepted message on: `{"meta":URL,"wsapme":URL}`.
async fn set_webhooks(State(world): SharedWorld, body: String) -> Response {
    match targets_from(&body) {
        Ok(targets) => {
            world.state().webhooks.set_targets(targets);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(why) => refused(&why),
    }
}

fn targets_from(body: &str) -> Result<WebhookTargets, String> {
    let targets: WebhookTargets =
        serde_json::from_str(body).map_err(|error| format!("not {{\"meta\":URL,\"wsapme\":URL}}: {error}"))?;
    targets.check()?;
    Ok(targets)
}

/// Makes Meta's handshake with the receiver.
async fn webhook_handshake(State(world): SharedWorld) -> Response {
    match handshake(&world).await {
        Some(report) => Json(report).into_response(),
        None => refused("there is no receiver of Meta's webhooks: set one first"),
    }
}

/// Posts the body to the receiver of Meta's webhooks as it is, signed.
async fn post_to_meta_receiver(State(world): SharedWorld, body: Bytes) -> Response {
    reported(post_literally(&world, HookProvider::Cloud, body.to_vec()).await)
}

/// Posts the body to the receiver of WSAPME's webhooks as it is.
async fn post_to_wsapme_receiver(State(world): SharedWorld, body: Bytes) -> Response {
    reported(post_literally(&world, HookProvider::Gateway, body.to_vec()).await)
}

fn reported(answer: Option<Result<u16, String>>) -> Response {
    match answer {
        Some(Ok(status)) => Json(ReceiverStatus { status }).into_response(),
        Some(Err(why)) => refused(&why),
        None => refused("there is no receiver of these webhooks: set one first"),
    }
}

/// What a receiver answered.
#[derive(Serialize)]
struct ReceiverStatus {
    status: u16,
}

/// One script, or several at once.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    More(Vec<Script>),
    One(Script),
}

async fn add_script(State(world): SharedWorld, body: String) -> Response {
    let scripts = match serde_json::from_str(&body) {
        Ok(OneOrMore::More(scripts)) => scripts,
        Ok(OneOrMore::One(script)) => vec![script],
        Err(error) => return refused(&format!("not a script: {error}")),
    };
    match world.state().scripts.add(scripts) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error.to_string()),
    }
}

async fn clear_script(State(world): SharedWorld) -> StatusCode {
    world.state().scripts.clear();
    StatusCode::NO_CONTENT
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: &'a str,
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(ErrorBody { error: why })).into_response()
}

/// For unknown paths: an HTML page, as the gateway returns.
pub async fn not_found() -> Response {
    let mut response = Response::new(Body::from("<html><body><h1>404 Not Found</h1></body></html>\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

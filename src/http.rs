//! The HTTP server of `blastdeck serve`: webhooks of providers, the API for other programs, and pages for people. It checks the shape of a request
//! and answers; what is done with it, the use cases know.

mod address;
mod api;
mod body;
mod client;
mod connection;
mod cors;
mod known;
mod live;
mod loopback;
mod metrics;
mod openapi;
mod page;
mod problem;
mod request_id;
mod spelling;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::app::{App, WebhookIntake};
use crate::domain::api_sentence;
use api::ApiState;
use body::BodyBudget;
use live::LiveHub;
use loopback::ListenerReach;
use openapi::{Operation, Routes};
use page::PageState;
use problem::Problem;

/// The longest body, in bytes. Meta's are up to 3 MB.
pub const BODY_MAX: usize = 25 * 1024 * 1024;

/// How often old requests and sessions are forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(60 * 60);

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct HttpState {
    app: App,
    intake: Arc<WebhookIntake>,
    bodies: Arc<BodyBudget>,
    reach: ListenerReach,
    api: Arc<ApiState>,
    live: Arc<LiveHub>,
    page: Arc<PageState>,
    stop: CancellationToken,
}

/// Serves until `stop`; then no connection is accepted any more, and those that are answered have some seconds to end.
pub async fn serve(listener: TcpListener, app: App, intake: WebhookIntake, stop: CancellationToken) {
    let reach = listener.local_addr().map_or(ListenerReach::Anywhere, |listen| ListenerReach::of(listen.ip()));
    let (api, bodies) = (ApiState::new(&app), Arc::new(BodyBudget::new(stop.clone())));
    let live = Arc::new(LiveHub::new(app.clone(), connection::viewers_max(), stop.clone()));
    let page = Arc::<PageState>::default();
    let state = HttpState { app, intake: Arc::new(intake), bodies, reach, api, live, page, stop: stop.clone() };
    let pruning = tokio::spawn(stop.clone().run_until_cancelled_owned(prune(state.app.clone())));
    connection::serve(listener, router(state), stop).await;
    pruning.abort();
}

/// Forgets requests that are too old to come again, and sessions that are over, now and then.
async fn prune(app: App) {
    loop {
        if let Err(error) = app.settle_jobs().await {
            tracing::debug!(%error, "what became of jobs is found out later");
        }
        if let Err(error) = app.prune_requests().await {
            tracing::debug!(%error, "old requests are forgotten later");
        }
        if let Err(error) = app.prune_sessions().await {
            tracing::debug!(%error, "old sessions are forgotten later");
        }
        sleep(PRUNE_EVERY).await;
    }
}

/// The routes that need no token.
fn open_routes() -> Routes {
    let webhook = |summary| Operation::open(summary).empty(200, "It is kept").refuses(&[400, 401, 408, 413, 500, 503]);
    Routes::of("About the server")
        .get("/livez", livez, Operation::open("Whether the process answers").text(200, "text/plain", "It does"))
        .get(
            "/readyz",
            readyz,
            Operation::open("Whether the database answers").text(200, "text/plain", "It does").refuses(&[503]),
        )
        .get(
            "/metrics",
            metrics::metrics,
            Operation::open("Numbers for Prometheus")
                .details("For programs of this machine, and for any token that is not of one sender.")
                .text(200, "text/plain", "Prometheus's text format")
                .refuses(&[401, 403, 503]),
        )
        .merge(
            Routes::of("Webhooks")
                .get(
                    "/api/webhook/meta",
                    webhook::meta_handshake,
                    Operation::open("Meta's handshake")
                        .text(200, "text/plain", "The challenge")
                        .refuses(&[400, 403, 422]),
                )
                .post("/api/webhook/meta", webhook::meta, webhook("Meta's events, by their signature"))
                .post(
                    "/api/webhook/wsapme",
                    webhook::wsapme_by_query,
                    webhook("WSAPME's events, by `?secret=`").with_parameter("secret", "The sender's `webhook_secret`"),
                )
                .post(
                    "/api/webhook/wsapme/{secret}",
                    webhook::wsapme_by_path,
                    webhook("WSAPME's events, by the secret in the path"),
                ),
        )
}

fn router(state: HttpState) -> Router {
    let authenticated = api::routes().layered(|router| api::authenticated(router, &state));
    open_routes()
        .merge(authenticated)
        .merge(page::routes())
        .with_document()
        .into_router()
        .method_not_allowed_fallback(async || {
            let detail = "this address does not take this method: the Allow header names those it takes";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail)
        })
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address"))
        .layer(from_fn(address::require_text))
        .layer(from_fn_with_state(state.clone(), cors::allow))
        .layer(from_fn(request_id::identify))
        .with_state(state)
}

/// Whether this process answers at all.
async fn livez() -> &'static str {
    "ok\n"
}

/// Whether it can do its work: the database answers.
async fn readyz(State(state): State<HttpState>) -> axum::response::Response {
    match state.app.require_ready().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-database", error.to_string()).into_response(),
    }
}

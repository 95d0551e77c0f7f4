//! The HTTP server of `blastdeck serve`: a face beside the terminal. It checks the shape of a request and answers; what is
//! done with it, the use cases know.

mod auth;
mod body;
mod connection;
mod metrics;
mod problem;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, WebhookIntake};
use auth::ListenerReach;
use body::BodyBudget;
use problem::Problem;

/// The longest body, in bytes. Meta's are up to 3 MB.
pub const BODY_MAX: usize = 25 * 1024 * 1024;

/// What the handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct HttpState {
    app: App,
    intake: Arc<WebhookIntake>,
    bodies: Arc<BodyBudget>,
    reach: ListenerReach,
}

/// Serves until `stop`; then no connection is accepted any more, and those that are answered have some seconds to end.
pub async fn serve(listener: TcpListener, app: App, intake: WebhookIntake, stop: CancellationToken) {
    let reach = listener.local_addr().map_or(ListenerReach::Anywhere, |listen| ListenerReach::of(listen.ip()));
    let bodies = Arc::new(BodyBudget::new(stop.clone()));
    let state = HttpState { app, intake: Arc::new(intake), bodies, reach };
    connection::serve(listener, router(state), stop).await;
}

fn router(state: HttpState) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics::metrics))
        .route("/api/webhook/meta", get(webhook::meta_handshake).post(webhook::meta))
        .route("/api/webhook/wsapme", post(webhook::wsapme_by_query))
        .route("/api/webhook/wsapme/{secret}", post(webhook::wsapme_by_path))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this address"))
        .with_state(state)
}

/// Whether this process answers at all.
async fn livez() -> &'static str {
    "ok\n"
}

/// Whether it can do its work: the database answers.
async fn readyz(State(state): State<HttpState>) -> axum::response::Response {
    match state.app.is_ready().await {
        Ok(()) => "ok\n".into_response(),
        Err(error) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no-database", error.to_string()).into_response(),
    }
}

//! The HTTP API for other programs: one file a resource, each over the use cases. What is common to all of them (who asks, how
//! often, in which form) stands in `gate`, `limit` and `body`.

mod adding;
mod blasts;
mod body;
mod campaigns;
mod commands;
mod create;
mod draft;
mod edit;
mod follow_up;
mod gate;
mod limit;
mod marks;
mod once;
mod page;
mod people;
mod report;
mod upload;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use super::HttpState;
use crate::app::App;
pub(super) use gate::PeerAddress;
use gate::{KnownTokens, gate};
use limit::RequestLimits;

/// What the API keeps between requests: caches, which may be lost.
pub(super) struct ApiState {
    tokens: KnownTokens,
    limits: RequestLimits,
    open_on_loopback: bool,
}

impl ApiState {
    pub(super) fn new(app: &App) -> Arc<Self> {
        let http = &app.config().http;
        Arc::new(Self {
            tokens: KnownTokens::default(),
            limits: RequestLimits::new(http.requests_per_minute),
            open_on_loopback: http.open_on_loopback,
        })
    }
}

/// The routes, behind the gate.
pub(super) fn routes(state: &HttpState) -> Router<HttpState> {
    Router::new()
        .route("/api/token", get(gate::own_token))
        .merge(blasts::routes())
        .merge(commands::routes())
        .merge(people::routes())
        .merge(marks::routes())
        .merge(report::routes())
        .merge(campaigns::routes())
        .route_layer(from_fn_with_state(state.clone(), gate))
}

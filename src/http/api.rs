//! The HTTP API for other programs: one file a resource, each over the use cases. What is common to all of them (who asks, how
//! often, in which form) stands in `authentication`, `limit` and `body`.

mod access;
mod adding;
mod authentication;
mod blast_answer;
mod blasts;
mod body;
mod campaigns;
mod commands;
mod create;
mod customers;
mod draft;
mod edit;
mod edited;
mod events;
mod export;
mod follow_up;
mod jobs;
mod limit;
mod marks;
mod messages;
mod once;
mod page;
mod people;
mod plan;
mod report;
mod schedules;
mod senders;
mod shop;
mod steps;
mod suppressions;
mod upload;
mod waiting;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use super::HttpState;
use super::known::Known;
use super::openapi::{Operation, Routes};
use crate::app::{App, TokenIdentity};
pub(super) use authentication::PeerAddress;
use authentication::{OwnToken, authenticate};
pub(super) use authentication::{bearer, is_local_caller, token};
pub(super) use body::params;
pub(super) use events::{reply_event, snapshot};
use limit::RequestLimits;

/// What the API keeps between requests: caches, which may be lost.
pub(super) struct ApiState {
    tokens: Known<TokenIdentity>,
    limits: RequestLimits,
    open_on_loopback: bool,
}

impl ApiState {
    pub(super) fn new(app: &App) -> Arc<Self> {
        let http = &app.config().http;
        Arc::new(Self {
            tokens: Known::default(),
            limits: RequestLimits::new(http.requests_per_minute),
            open_on_loopback: http.open_on_loopback,
        })
    }
}

/// The routes, which [`authenticated`] must stand around.
pub(super) fn routes() -> Routes {
    let own = Operation::read("What the caller's own token is").answer::<OwnToken>(200, "Its name and what it may do");
    Routes::of("About the server")
        .get("/api/token", authentication::own_token, own)
        .merge(blasts::routes())
        .merge(commands::routes())
        .merge(schedules::routes())
        .merge(steps::routes())
        .merge(people::routes())
        .merge(marks::routes())
        .merge(report::routes())
        .merge(export::routes())
        .merge(events::routes())
        .merge(access::routes())
        .merge(jobs::routes())
        .merge(senders::routes())
        .merge(suppressions::routes())
        .merge(campaigns::routes())
        .merge(customers::routes())
        .merge(messages::routes())
        .merge(shop::routes())
}

/// Lets a request through to these routes whose caller is known.
pub(super) fn authenticated(router: Router<HttpState>, state: &HttpState) -> Router<HttpState> {
    router.route_layer(from_fn_with_state(state.clone(), authenticate))
}

//! Bodies of requests: read whole within bounds of memory and time, so that strangers can neither fill the memory nor hold it by
//! sending slowly.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::BODY_MAX;
use super::client::Client;
use super::problem::Problem;
use crate::app::ReceivedBody;

/// A body that is not here by then is given up.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// So is one that comes more slowly than this after the first seconds, in bytes a second.
const RATE_MIN: u32 = 16 * 1024;
const RATE_FROM: Duration = Duration::from_secs(5);
/// What is too long is read to its end, or the client might never see the answer; at most so much, and this long.
const DRAIN_MAX: usize = 4 * BODY_MAX;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a body waits for memory.
const BUDGET_PATIENCE: Duration = Duration::from_secs(5);

/// How much of bodies is held at once, in units of 64 KB, counted as they arrive. The beginnings of bodies have memory of their own:
/// a short one, which most are, never waits for long ones.
pub(super) struct BodyBudget {
    beginnings: Arc<Semaphore>,
    rest: Arc<Semaphore>,
    /// Ends the reading: whatever is not here by then is sent again.
    pub(super) stop: CancellationToken,
}

const UNIT: usize = 64 * 1024;
/// Of each body, so many units are its beginning.
const BEGINNING: usize = 4;
const BEGINNINGS: usize = 64 * 1024 * 1024 / UNIT;
const REST: usize = 8 * BODY_MAX / UNIT;

/// The memory that a body is counted for; free again when it is dropped.
#[derive(Default)]
struct BodyMemory {
    beginning: Option<OwnedSemaphorePermit>,
    rest: Option<OwnedSemaphorePermit>,
}

impl BodyBudget {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { beginnings: Arc::new(Semaphore::new(BEGINNINGS)), rest: Arc::new(Semaphore::new(REST)), stop }
    }

    /// Room for a body of this length; `false`: there is none in time.
    async fn make_room(&self, held: &mut BodyMemory, length: usize) -> bool {
        let units = length.div_ceil(UNIT);
        let beginning = units.min(BEGINNING);
        let both = async {
            grow(&self.beginnings, &mut held.beginning, beginning).await?;
            grow(&self.rest, &mut held.rest, units - beginning).await
        };
        timeout(BUDGET_PATIENCE, both).await.is_ok_and(|done| done.is_some())
    }
}

async fn grow(budget: &Arc<Semaphore>, held: &mut Option<OwnedSemaphorePermit>, units: usize) -> Option<()> {
    let missing = units.saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
    if missing == 0 {
        return Some(());
    }
    let more = budget.clone().acquire_many_owned(u32::try_from(missing).ok()?).await.ok()?;
    match held {
        Some(held) => held.merge(more),
        None => *held = Some(more),
    }
    Some(())
}

/// The whole body, with the memory that it is counted for.
pub(super) async fn read(budget: &BodyBudget, parts: &Parts, body: Body) -> Result<ReceivedBody, Response> {
    if declared(parts).is_some_and(|length| length > BODY_MAX as u64) {
        drain(budget, body);
        return Err(too_long());
    }
    let problem = match collect(budget, body).await {
        Collected::Whole(body, held) => {
            if let Some(client) = parts.extensions.get::<Arc<Client>>() {
                client.has_sent();
            }
            return Ok(ReceivedBody { bytes: body, memory: Box::new(held) });
        }
        Collected::TooLong(rest) => {
            drain(budget, rest);
            return Err(too_long());
        }
        Collected::Broken => Problem::new(StatusCode::BAD_REQUEST, "broken", "the body ended early"),
        Collected::Slow => Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body comes too slowly"),
        Collected::Stopped => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "the server is shutting down: send the request again",
        ),
        Collected::NoRoom => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many bodies at once"),
    };
    Err(problem.into_response())
}

/// How long a body is by its own announcement.
pub(super) fn declared(parts: &Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_long() -> Response {
    let detail = format!("a body has at most {BODY_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", detail).into_response()
}

enum Collected {
    Whole(Bytes, BodyMemory),
    /// With what was not read of it.
    TooLong(Body),
    Broken,
    Slow,
    Stopped,
    NoRoom,
}

async fn collect(budget: &BodyBudget, body: Body) -> Collected {
    let began = Instant::now();
    let mut stream = body.into_data_stream();
    let (mut whole, mut held) = (BytesMut::new(), BodyMemory::default());
    loop {
        let arrived = u32::try_from(whole.len()).unwrap_or(u32::MAX);
        let patience = RATE_FROM + Duration::from_secs((arrived / RATE_MIN).into());
        let next = budget.stop.run_until_cancelled(stream.next());
        let chunk = match timeout_at(began + patience.min(BODY_TIMEOUT), next).await {
            Err(_) => return Collected::Slow,
            Ok(None) => return Collected::Stopped,
            Ok(Some(chunk)) => chunk,
        };
        match chunk {
            None => return Collected::Whole(whole.freeze(), held),
            Some(Err(_)) => return Collected::Broken,
            Some(Ok(chunk)) if whole.len() + chunk.len() > BODY_MAX => {
                return Collected::TooLong(Body::from_stream(stream));
            }
            Some(Ok(chunk)) => {
                if !budget.make_room(&mut held, whole.len() + chunk.len()).await {
                    return Collected::NoRoom;
                }
                whole.extend_from_slice(&chunk);
            }
        }
    }
}

/// Reads what is not wanted beside the answer, which is given at once: a client that writes to the end sees it too.
pub(super) fn drain(budget: &BodyBudget, body: Body) {
    let stop = budget.stop.clone();
    let discard = async {
        let mut stream = body.into_data_stream();
        let mut read = 0;
        while let Some(Ok(chunk)) = stream.next().await {
            read += chunk.len();
            if read > DRAIN_MAX {
                break;
            }
        }
    };
    tokio::spawn(async move { timeout(DRAIN_TIMEOUT, stop.run_until_cancelled(discard)).await });
}

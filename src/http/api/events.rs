//! A blast's events as they happen (server-sent events): its numbers whenever they change, and what people write.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use chrono::Timelike;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::super::HttpState;
use super::super::api_sentence::for_programs;
use super::super::client::Client;
use super::super::live::{Frame, Topic, ViewerAccess, ViewerKind, Watch, event, stream};
use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, bearer};
use super::body::{PathId, params};
use super::waiting::waiting;
use crate::app::view::{BlastView, ReplyRow};
use crate::domain::amount::as_kept;
use crate::domain::ids::{BlastId, ReplyId};

const LAST_EVENT_ID: &str = "last-event-id";

pub(super) fn routes() -> Routes {
    let about = "Server-sent events. `blast` has the numbers whenever they changed, at most four times a second; `reply` has what \
                 somebody wrote. A stream that goes on after the `id` of another begins with the replies since then.";
    let operation = Operation::read("A blast's numbers and replies as they happen")
        .details(about)
        .query::<EventParams>()
        .header("Last-Event-ID", "Go on after this event; 0: every reply of the blast", "0")
        .events(200, "The events, until the stream ends; then come again");
    Routes::of("Reports").get("/api/blasts/{id}/events", events, operation)
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
struct EventParams {
    /// As the header `Last-Event-ID`, for clients that can set none.
    #[param(example = "0")]
    last_event_id: Option<String>,
}

impl FromRequestParts<HttpState> for Watch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &HttpState) -> Result<Self, Problem> {
        let asked: EventParams = params(&parts.uri)?;
        let after = last_event_id(&parts.headers, asked.last_event_id)?;
        let access =
            bearer(&parts.headers).map_or(ViewerAccess::Local, |secret| ViewerAccess::Token(secret.to_owned()));
        let client = parts.extensions.get::<Arc<Client>>().cloned();
        Ok(Self { kind: ViewerKind::Program { after }, access, client })
    }
}

async fn events(
    State(state): State<HttpState>,
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    watch: Watch,
) -> Result<Response, Problem> {
    let own = caller.token.sender;
    let is_own = move |frame: &Frame| matches!(frame, Frame::Blast(frame) if own.is_none_or(|own| own == frame.sender));
    stream(&state, Topic::Blast(id), watch, is_own).await
}

/// The reply after which somebody goes on; an empty id is none.
fn last_event_id(headers: &HeaderMap, query: Option<String>) -> Result<Option<ReplyId>, Problem> {
    let header = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("?").to_owned());
    let Some(text) = header.or(query).filter(|id| !id.trim().is_empty()) else { return Ok(None) };
    let id = text.trim().parse().ok().filter(|id| *id >= 0).map(ReplyId);
    let wrong = || Problem::field("Last-Event-ID", "send an `id` of this stream, 0 for every reply, or leave it out");
    id.map(Some).ok_or_else(wrong)
}

/// A blast in numbers.
pub(in crate::http) fn snapshot(blast: &BlastView) -> Value {
    let funnel = blast.counts.funnel();
    // To the minute: a forecast moves with every reading.
    let done_at = blast.estimate.done_at.and_then(|at| at.with_second(0)?.with_nanosecond(0));
    json!({
        "blast_id": blast.id, "state": blast.state, "version": blast.version,
        "state_reason": blast.state_reason.as_deref().map(for_programs),
        "total_recipients": blast.total_recipients, "metrics": funnel, "stuck": blast.stuck(), "rates": funnel.rates(),
        "counts": blast.counts, "amount": as_kept(blast.counts.amount), "waiting": waiting(blast),
        "per_hour": blast.estimate.per_hour, "done_at": done_at,
        "launched_at": blast.launched_at, "completed_at": blast.completed_at,
    })
}

/// What somebody wrote, as an event.
pub(in crate::http) fn reply_event(row: &ReplyRow) -> Bytes {
    let data = json!({
        "id": row.id, "blast_id": row.blast, "recipient_id": row.recipient, "phone_number": row.phone, "name": row.name,
        "kind": row.kind, "text": row.body, "payload": row.payload, "at": row.at, "received_at": row.received_at,
    });
    event("reply", Some(row.id.0), &data)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::{ReplyId, last_event_id};

    #[test]
    fn an_id_of_the_stream_is_read_and_anything_else_is_refused_by_name() {
        let of = |text: &str| {
            last_event_id(&HeaderMap::from_iter([("last-event-id".parse().unwrap(), text.parse().unwrap())]), None)
        };

        assert_eq!(of("7").ok(), Some(Some(ReplyId(7))));
        assert_eq!((of("0").ok(), of(" ").ok()), (Some(Some(ReplyId(0))), Some(None)));
        for wrong in ["-1", "x", "1_2", "99999999999999999999"] {
            assert!(format!("{:?}", of(wrong)).contains("Last-Event-ID"), "{wrong}");
        }
        assert_eq!(last_event_id(&HeaderMap::new(), Some("9".to_owned())).ok(), Some(Some(ReplyId(9))));
    }
}

//! Long work that is answered before it is done: who asked for it looks at the job, or waits for it.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use utoipa::{IntoParams, ToSchema};

use super::super::HttpState;
use super::super::api_sentence::for_programs;
use super::super::openapi::{Operation, Routes, schemas};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::body::{EmptyBody, JsonBody, Params, PathId};
use super::once::{Answer, once};
use super::page;
use crate::app::{App, JobRow};
use crate::domain::ids::{BlastId, JobId};
use crate::domain::job::{JobKind, JobState};

/// The longest that an answer waits for the end of a job, in seconds.
const WAIT_MAX: u32 = 30;
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// When to look again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("2");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

pub(super) fn routes() -> Routes {
    Routes::of("Jobs")
        .post(
            "/api/blasts/{id}/check-status",
            check_status,
            Operation::write("Has the provider asked about every message of a blast now")
                .details(
                    "An engine does it, as fast as the provider may be asked; without one it waits. Meta cannot be asked: it reports by \
                     itself.",
                )
                .body::<EmptyBody>()
                .answer::<JobAnswer>(202, "The job"),
        )
        .get(
            "/api/jobs/{id}",
            one,
            Operation::read("How far a job is, and what came of it")
                .query::<JobParams>()
                .answer::<JobAnswer>(200, "The job; `Retry-After` says when to look again"),
        )
}

/// Work that goes on after its request was answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(super) struct JobAnswer {
    #[schema(value_type = i64, example = 4)]
    id: JobId,
    kind: JobKind,
    /// Of one that is `failed` or `interrupted` nothing was done, or of a status check only a part.
    state: JobState,
    #[schema(value_type = i64, example = 7)]
    blast_id: BlastId,
    /// People who are through; of a list, its rows.
    #[schema(example = 250)]
    done: i64,
    /// Null where it is not known beforehand, until it is finished.
    #[schema(example = 250)]
    total: Option<i64>,
    #[schema(schema_with = schemas::job_result)]
    result: Option<Value>,
    /// Why it failed, or what to do where it was interrupted.
    #[schema(example = json!(null))]
    error: Option<String>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<JobRow> for JobAnswer {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            state: row.state,
            blast_id: row.blast_id,
            done: row.done,
            total: row.total,
            result: row.result,
            error: row.error.as_deref().map(for_programs).or_else(|| interrupted(row.state, row.kind)),
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
        }
    }
}

/// What to do about a job that its process did not end.
fn interrupted(state: JobState, kind: JobKind) -> Option<String> {
    let why = match kind {
        JobKind::AddRecipients => {
            "the server ended, or could not use its database, before the list was added, and nobody of it was: send the list again"
        }
        JobKind::CheckStatus => "it ended before everybody was asked about: ask for another one",
    };
    (state == JobState::Interrupted).then(|| why.to_owned())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct JobParams {
    /// Answer when it is over, or after so many seconds: 0 to 30.
    #[serde(default, deserialize_with = "page::number_from_zero")]
    #[param(maximum = 30)]
    wait: Option<u32>,
}

/// 202, with where to look.
pub(super) fn accepted(job: JobRow) -> Answer {
    let location = HeaderValue::from_str(&format!("/api/jobs/{}", job.id));
    let mut answer = Answer::new(StatusCode::ACCEPTED, JobAnswer::from(job));
    answer.headers.extend(location.ok().map(|location| (header::LOCATION, location)));
    answer.headers.push((header::RETRY_AFTER, RETRY_AFTER));
    answer
}

/// The same where it was asked for.
pub(super) fn preferred(job: JobRow) -> Answer {
    let mut answer = accepted(job);
    answer.headers.push((PREFERENCE_APPLIED, HeaderValue::from_static("respond-async")));
    answer
}

/// Whether the caller wants an answer before the work is done (RFC 7240).
pub(super) fn prefers_async(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut each = preferences.flat_map(|value| value.split(','));
    each.any(|preference| {
        let name = preference.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("respond-async")
    })
}

async fn check_status(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| Ok(accepted(app.check_status(id).await?))).await
}

async fn one(
    State(state): State<HttpState>,
    ApiReader(caller): ApiReader,
    PathId(id): PathId<JobId>,
    Params(asked): Params<JobParams>,
) -> Result<Answer, Problem> {
    let wait = asked.wait.unwrap_or(0);
    if wait > WAIT_MAX {
        return Err(Problem::field("wait", format!("write 0 to {WAIT_MAX} seconds")));
    }
    let app = caller.app();
    let until = Instant::now() + Duration::from_secs(wait.into());
    let mut job = app.job(id).await?;
    while !job.state.is_over() && Instant::now() < until {
        if state.bodies.stop.run_until_cancelled(sleep(LOOK_EVERY)).await.is_none() {
            break;
        }
        job = app.job(id).await?;
    }
    let is_over = job.state.is_over();
    let mut answer = Answer::ok(JobAnswer::from(job));
    if !is_over {
        answer.headers.push((header::RETRY_AFTER, RETRY_AFTER));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_beforehand_is_wanted_where_the_header_says_so() {
        let prefers = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            prefers_async(&headers)
        };

        assert!(prefers("respond-async") && prefers("wait=5, Respond-Async") && prefers("respond-async; foo"));
        assert!(!prefers("return=minimal") && !prefers_async(&HeaderMap::new()));
    }
}

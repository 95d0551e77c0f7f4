//! Requests that may come twice: with an `Idempotency-Key` they have one effect, and one answer.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::openapi::schemas::{DoneAnswer, DoneCampaign};
use super::super::problem::{PROBLEM_JSON, Problem};
use super::super::spelling::ApiSpelling;
use super::authentication::ApiCaller;
use super::jobs;
use crate::app::{App, AppError, StoredRequest, unread_after};
use crate::domain::ids::{BlastId, JobId};

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Headers that are stored with an answer.
const KEPT: [HeaderName; 2] = [header::ETAG, header::LOCATION];
/// How long after its effect began a request may still be answered, in seconds: a busy server takes a few. Later its answer counts as lost.
const ANSWERED_WITHIN: f64 = 10.0;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Each look for an answer comes later than the one before, up to this: many that wait for one are not to be what slows it down.
const LOOK_MAX: Duration = Duration::from_millis(300);
/// The longest key.
const KEY_MAX: usize = 255;

/// A successful answer, as it is also stored.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Value,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    pub(super) fn ok(body: impl Serialize) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub(super) fn created(body: impl Serialize) -> Self {
        Self::new(StatusCode::CREATED, body)
    }

    /// What it was about is gone: there is no body.
    pub(super) fn gone() -> Self {
        Self::new(StatusCode::NO_CONTENT, json!({}))
    }

    pub(super) fn new(status: StatusCode, body: impl Serialize) -> Self {
        Self { status, body: json!(body), headers: Vec::new() }
    }

    /// The same with a blast's `ETag`, by which an edit says what it saw.
    #[must_use]
    pub(super) fn with_etag(mut self, version: i64) -> Self {
        let etag = HeaderValue::from_str(&format!("\"{version}\""));
        self.headers.extend(etag.ok().map(|etag| (header::ETAG, etag)));
        self
    }

    /// Those of its headers that come again with it.
    fn kept_headers(&self) -> Value {
        let kept = self.headers.iter().filter(|(name, _)| KEPT.contains(name));
        let fields = kept.filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))));
        Value::Object(fields.collect())
    }

    /// The same with headers that were kept of it.
    fn with_kept(mut self, headers: Option<&Value>) -> Self {
        for name in KEPT {
            let value = headers.and_then(|headers| headers[name.as_str()].as_str());
            self.headers.extend(value.and_then(|value| Some((name, HeaderValue::from_str(value).ok()?))));
        }
        self
    }

    /// The same with where what was made is found.
    #[must_use]
    pub(super) fn at(mut self, location: &str) -> Self {
        let location = HeaderValue::from_str(location);
        self.headers.extend(location.ok().map(|location| (header::LOCATION, location)));
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.status {
            StatusCode::NO_CONTENT => self.status.into_response(),
            status => (status, Json(self.body)).into_response(),
        };
        response.headers_mut().extend(self.headers);
        response
    }
}

/// What a request is, apart from who makes it.
pub(super) struct Repeatable<'a> {
    pub headers: &'a HeaderMap,
    pub fingerprint: [u8; 32],
    /// The blast that it is about.
    pub blast: Option<BlastId>,
}

/// Does the work, unless a request with the same key has done it: then the first answer comes again.
pub(super) async fn once<F>(
    caller: &ApiCaller,
    request: Repeatable<'_>,
    work: impl FnOnce(App) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Answer, Problem>>,
{
    let blast = request.blast;
    let done = first_or_again(caller, request, work).await;
    done.map_err(|problem| blast.into_iter().fold(problem, |problem, blast| problem.with_id("blasts", blast)))
}

/// How often something is tried that others come before meanwhile.
const TRIES: usize = 40;

/// The same for what changes a blast: it is tried again where another change came before it. Whoever named the version that they saw learns
/// of that instead.
pub(super) async fn once_unraced<F>(
    caller: &ApiCaller,
    request: Repeatable<'_>,
    work: impl Fn(App) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Answer, Problem>>,
{
    let tries = if request.headers.contains_key(header::IF_MATCH) { 1 } else { TRIES };
    let work = &work;
    let tried = move |app: App| async move {
        for _ in 1..tries {
            match work(app.clone()).await {
                Err(problem) if problem.is_race() => sleep(LOOK_EVERY.mul_f64(rand::random())).await,
                done => return done,
            }
        }
        work(app).await
    };
    once(caller, request, tried).await
}

async fn first_or_again<F>(
    caller: &ApiCaller,
    request: Repeatable<'_>,
    work: impl FnOnce(App) -> F,
) -> Result<Response, Problem>
where
    F: Future<Output = Result<Answer, Problem>>,
{
    let Some(key) = key(request.headers)? else { return Ok(work(caller.app()).await?.into_response()) };
    let key = caller.app().request_key(caller.token.id, key).await?;
    if let Some(earlier) = earlier(caller, &key).await?
        && let Some(again) = replay(caller, &request, &key, earlier).await?
    {
        return Ok(again);
    }
    let app = caller.app_once(key.clone(), request.fingerprint, request.blast);
    match work(app.clone()).await {
        Ok(answer) => {
            let stored = app.store_answer(answer.status.as_u16(), &answer.body, answer.kept_headers()).await;
            if stored.map_err(unread_after("it is done"))? {
                return Ok(answer.into_response());
            }
            // It had no effect of its own: that of the other one is answered.
            let Some(first) = earlier(caller, &key).await? else { return Ok(answer.into_response()) };
            let again = replay(caller, &request, &key, first).await?;
            Ok(again.unwrap_or_else(|| answer.into_response()))
        }
        Err(refused) if is_final(&refused) && app.store_refusal(refused.status().as_u16(), &refused.body()).await? => {
            Err(refused)
        }
        // A request with the same key may have been first by a moment.
        Err(refused) => again_or(caller, &request, &key, refused).await,
    }
}

/// Whether a request may come twice.
pub(super) fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key(KEY)
}

/// What is answered where a request is refused before its work, since what it is about is not there: it may have been answered while that
/// was, and has that answer again.
pub(super) async fn answered_before(
    caller: &ApiCaller,
    request: &Repeatable<'_>,
    refused: Problem,
) -> Result<Response, Problem> {
    let Some(key) = key(request.headers)? else { return Err(refused) };
    let key = caller.app().request_key(caller.token.id, key).await?;
    again_or(caller, request, &key, refused).await
}

/// What the request that had this key first is answered; where there was none, this refusal.
async fn again_or(
    caller: &ApiCaller,
    request: &Repeatable<'_>,
    key: &str,
    refused: Problem,
) -> Result<Response, Problem> {
    match again(caller, request, key).await {
        Ok(again) => again.ok_or(refused),
        Err(unanswered) => Err(more_telling(refused, unanswered)),
    }
}

/// What is said of a request that failed, and of which it could not be read whether it was done before. A failure says whether it had an effect
/// of its own, or may have had one; a refusal may come of that of an earlier one, which alone would be answered.
fn more_telling(failed: Problem, unanswered: Problem) -> Problem {
    let are_failures = [&failed, &unanswered].iter().all(|problem| problem.status().is_server_error());
    if failed.is_done() || are_failures { failed } else { unanswered }
}

/// What the request that had this key first is answered, where there was one.
async fn again(caller: &ApiCaller, request: &Repeatable<'_>, key: &str) -> Result<Option<Response>, Problem> {
    match earlier(caller, key).await? {
        Some(earlier) => replay(caller, request, key, earlier).await,
        None => Ok(None),
    }
}

/// Whether a refusal is an answer, which comes again with the same key, and no trouble of the server's.
fn is_final(problem: &Problem) -> bool {
    problem.status().is_client_error()
}

/// The request that had this key first, with its answer: one that is being answered at this moment is waited for.
async fn earlier(caller: &ApiCaller, key: &str) -> Result<Option<StoredRequest>, Problem> {
    let mut pause = LOOK_EVERY;
    loop {
        let earlier = caller.app().stored_request(caller.token.id, key).await?;
        match earlier {
            Some(earlier) if earlier.status.is_none() && earlier.age < ANSWERED_WITHIN => sleep(pause).await,
            settled => return Ok(settled),
        }
        pause = (pause * 3 / 2).min(LOOK_MAX);
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    let key =
        key.to_str().ok().map(|key| key.trim().trim_matches('"')).filter(|key| (1..=KEY_MAX).contains(&key.len()));
    let wrong = || Problem::field("Idempotency-Key", format!("write 1 to {KEY_MAX} printable characters"));
    key.map(|key| Some(key.to_owned())).ok_or_else(wrong)
}

/// The first answer again; of a job, as it is now. `None`: what the request asked for was interrupted before it had an effect, so that
/// it is taken anew.
async fn replay(
    caller: &ApiCaller,
    request: &Repeatable<'_>,
    key: &str,
    earlier: StoredRequest,
) -> Result<Option<Response>, Problem> {
    if caller.app().is_another_request(&earlier, request.fingerprint) {
        let detail = "this idempotency key was used for another request: use a new one for each";
        return Err(
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail).about("Idempotency-Key")
        );
    }
    let answer = match (earlier.status, earlier.answer) {
        (Some(202), Some(stored)) => match job(caller, key, stored).await? {
            Some(answer) => answer,
            None => return Ok(None),
        },
        (Some(status), Some(stored)) => {
            let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
            Answer::new(status.unwrap_or(StatusCode::OK), stored).with_kept(earlier.headers.as_ref())
        }
        _ => Answer::ok(lost(caller, earlier.blast).await?),
    };
    let is_refusal = answer.status.is_client_error();
    let mut response = answer.into_response();
    if is_refusal {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(Some(response))
}

/// The job that a stored answer is about, as it is now. `None`: it was interrupted, and nothing of it was done.
async fn job(caller: &ApiCaller, key: &str, stored: Value) -> Result<Option<Answer>, Problem> {
    let Some(id) = stored["id"].as_i64().map(JobId) else {
        return Ok(Some(Answer::new(StatusCode::ACCEPTED, stored)));
    };
    match caller.app().job_of_request(id, caller.token.id, key).await {
        Ok(job) => Ok(job.map(jobs::accepted)),
        Err(AppError::NotFound(_)) => Ok(Some(Answer::new(StatusCode::ACCEPTED, stored))),
        Err(error) => Err(error.into()),
    }
}

/// In place of an answer that was never stored: what was done is there, and this is what became of it.
async fn lost(caller: &ApiCaller, blast: Option<BlastId>) -> Result<Value, Problem> {
    let Some(id) = blast else { return Ok(json!(DoneAnswer::default())) };
    let blast = match caller.app().blast_without_unasked(id).await {
        Ok(blast) => Some(blast),
        // It was deleted since, or that was what was done.
        Err(AppError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(match caller.spelling {
        ApiSpelling::Blasts => json!(DoneAnswer::of(id, blast.as_ref())),
        ApiSpelling::Campaigns => json!(DoneCampaign::of(id, blast.as_ref())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::StoreError;

    fn failed(error: fn(sqlx::Error) -> StoreError) -> Problem {
        AppError::Store(error(sqlx::Error::PoolTimedOut)).into()
    }

    fn said(problem: &Problem) -> String {
        problem.body()["detail"].as_str().unwrap().to_owned()
    }

    #[test]
    fn what_may_have_been_saved_is_said_to_be_so_also_where_that_cannot_be_read_afterwards() {
        let away = || failed(StoreError::Unavailable);

        let perhaps = said(&more_telling(failed(StoreError::Unconfirmed), away()));

        assert!(
            perhaps.contains("may or may not have been saved") && perhaps.contains("same Idempotency-Key"),
            "{perhaps}"
        );
        assert!(said(&more_telling(away(), away())).ends_with("cannot be used now: try again in a moment"));
    }

    #[test]
    fn a_refusal_that_may_come_of_the_same_request_is_no_answer_while_that_cannot_be_read() {
        let refused = || Problem::conflict("refused", "it is launched already");
        let reused = || Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", "use a new one");

        assert_eq!(more_telling(refused(), failed(StoreError::Unavailable)).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(said(&more_telling(failed(StoreError::Unavailable), reused())), "use a new one");
    }
}

//! Commands on whole blasts: what a launch would do, the launch itself, and what follows it.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::HttpState;
use super::super::problem::Problem;
use super::blasts::{BlastAnswer, if_match, with_etag};
use super::body::{EmptyBody, JsonBody, PathId};
use super::gate::{ApiCaller, ApiReader, ApiWriter};
use super::once::{Answer, Repeatable, once};
use crate::app::view::BlastView;
use crate::app::{App, Launch, Plan, Sample};
use crate::domain::blast::BlastCommand;
use crate::domain::ids::BlastId;
use crate::domain::text;
use axum::response::Response;

pub(super) fn routes() -> Router<HttpState> {
    Router::new()
        .route("/api/blasts/{id}/plan", get(plan))
        .route("/api/blasts/{id}/send", post(send))
        .route("/api/blasts/{id}/resume", post(resume))
        .route("/api/blasts/{id}/pause", post(pause))
        .route("/api/blasts/{id}/cancel", post(cancel))
        .route("/api/blasts/{id}/retry", post(retry))
        .route("/api/blasts/{id}/undo", post(undo))
        .route("/api/blasts/{id}/follow-up", post(super::follow_up::follow_up))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LaunchBody {
    /// How many people it goes to, as the caller saw it: with another number nothing starts.
    #[serde(default, alias = "expectRecipients")]
    pub expect_recipients: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Only those who failed with this code.
    #[serde(default)]
    code: Option<String>,
}

impl<T> JsonBody<T> {
    pub(super) const fn about(&self, blast: BlastId) -> Repeatable<'_> {
        Repeatable { headers: &self.headers, fingerprint: self.fingerprint, blast: Some(blast) }
    }
}

async fn plan(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(plan_json(caller.app().plan(id).await?)))
}

fn plan_json(plan: Plan) -> Value {
    let sample = |sample: &Sample| json!({ "which": sample.which, "phone_number": sample.phone, "name": sample.name, "text": sample.text });
    let limit =
        plan.people_limit.map(|people| json!({ "limit": people.limit, "used": people.used, "left": people.left() }));
    let forecast = &plan.forecast;
    json!({
        "recipients": plan.people, "suppressed": plan.suppressed, "recently_messaged": plan.recently_messaged,
        "queued_elsewhere": plan.queued_elsewhere, "pace": plan.pace, "send_window": plan.window,
        "left_today": plan.left_today, "people_limit": limit, "shared_with": plan.shared_with,
        "forecast": {
            "today": forecast.today, "tomorrow": forecast.tomorrow, "later": forecast.later, "done_at": forecast.done_at,
        },
        "stopped": plan.stopped, "samples": plan.samples.iter().map(sample).collect::<Vec<_>>(),
        "obstacles": plan.obstacles, "blast": BlastAnswer::from(plan.blast),
    })
}

async fn send(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<LaunchBody>,
) -> Result<Response, Problem> {
    begin(&caller, (id, BlastCommand::Launch), &body).await
}

async fn resume(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<LaunchBody>,
) -> Result<Response, Problem> {
    begin(&caller, (id, BlastCommand::Resume), &body).await
}

async fn begin(
    caller: &ApiCaller,
    (id, command): (BlastId, BlastCommand),
    body: &JsonBody<LaunchBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| Ok(with_etag(StatusCode::OK, start(&app, id, body, command).await?));
    once(caller, body.about(id), work).await
}

/// Starts what the caller saw: its version where that was given, and so many people.
pub(super) async fn start(
    app: &App,
    id: BlastId,
    body: &JsonBody<LaunchBody>,
    command: BlastCommand,
) -> Result<BlastView, Problem> {
    let plan = app.plan(id).await?;
    if_match(&body.headers, &plan.blast)?;
    plan.in_state_for(command)?;
    if let Some(expected) = body.value.expect_recipients.filter(|expected| *expected != plan.people) {
        let now = text::people(plan.people);
        let detail = format!("it is {now} now, not {}: nothing was sent", text::number(expected));
        return Err(Problem::conflict("recipients-changed", detail));
    }
    plan.without_obstacle()?;
    let launch = Launch { blast: id, version: plan.blast.version, people: plan.people, armed_for: TimeDelta::zero() };
    Ok(match command {
        BlastCommand::Resume => app.resume(launch).await?,
        _ => app.launch(launch).await?,
    })
}

async fn pause(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        if_match(&body.headers, &app.blast(id).await?)?;
        Ok(with_etag(StatusCode::OK, app.pause(id).await?))
    };
    once(&caller, body.about(id), work).await
}

async fn cancel(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        if_match(&body.headers, &app.blast(id).await?)?;
        let left_out = app.cancel(id).await?;
        let mut answer = with_etag(StatusCode::OK, app.blast(id).await?);
        answer.body["left_out"] = json!(left_out);
        Ok(answer)
    };
    once(&caller, body.about(id), work).await
}

async fn retry(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<RetryBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        app.blast(id).await?;
        let queued = app.retry(id, body.value.code.as_deref()).await?;
        let mut answer = with_etag(StatusCode::OK, app.blast(id).await?);
        answer.body["retried"] = json!(queued);
        Ok(answer)
    };
    once(&caller, body.about(id), work).await
}

/// Takes a launch back before anything of it was sent.
async fn undo(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        app.blast(id).await?;
        let undone = app.undo_launch_of(id).await?;
        let mut answer = with_etag(StatusCode::OK, app.blast(id).await?);
        answer.body["undone"] = json!(undone.sentence);
        Ok(answer)
    };
    once(&caller, body.about(id), work).await
}

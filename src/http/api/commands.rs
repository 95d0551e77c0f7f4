//! Commands on whole blasts: what a launch would do, the launch itself, and what follows it.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiCaller, ApiWriter};
use super::blasts::{BlastAnswer, CancelledBlast, if_match, with_etag};
use super::body::{EmptyBody, JsonBody, PathId, never_null};
use super::create::MadeBlast;
use super::follow_up::{FollowUpBody, follow_up};
use super::once::{Answer, Repeatable, once_unraced};
use super::plan::{PlanAnswer, plan};
use crate::app::view::BlastView;
use crate::app::{App, AppError, Launch, StartMismatch, unread_after};
use crate::domain::blast::{BlastCommand, BlastState};
use crate::domain::ids::BlastId;
use crate::domain::text::{self, people_are};

pub(super) fn routes() -> Routes {
    let stopping = |summary| Operation::write(summary).body::<EmptyBody>();
    let starting = |summary| {
        Operation::write(summary)
            .details(
                "With `expect_recipients` or `If-Match` it starts only what the caller saw. A stop of its sender stays: `waiting` says so.",
            )
            .body::<LaunchBody>()
            .answer::<BlastAnswer>(200, "The blast, which is being sent; or waits, as `waiting` says")
            .with_etag()
            .if_match()
    };
    Routes::of("Sending")
        .get(
            "/api/blasts/{id}/plan",
            plan,
            Operation::read("What sending it would do")
                .answer::<PlanAnswer>(200, "How many people, how fast, and what forbids it"),
        )
        .post("/api/blasts/{id}/send", send, starting("Starts a draft"))
        .post("/api/blasts/{id}/resume", resume, starting("Goes on with a paused one"))
        .post(
            "/api/blasts/{id}/pause",
            pause,
            stopping("Pauses it").answer::<BlastAnswer>(200, "The blast, paused").with_etag().if_match(),
        )
        .post(
            "/api/blasts/{id}/cancel",
            cancel,
            stopping("Ends it for good").answer::<CancelledBlast>(200, "The blast, cancelled").with_etag().if_match(),
        )
        .post(
            "/api/blasts/{id}/retry",
            retry,
            Operation::write("Queues again who failed and may be tried again")
                .body::<RetryBody>()
                .answer::<RetriedBlast>(200, "The blast, and how many are tried again")
                .with_etag()
                .if_match(),
        )
        .post(
            "/api/blasts/{id}/undo",
            undo,
            stopping("Takes a start back before anything of it was sent")
                .answer::<UndoneBlast>(200, "The blast as it was")
                .with_etag()
                .if_match(),
        )
        .post(
            "/api/blasts/{id}/follow-up",
            follow_up,
            Operation::write("Makes a draft to those who got no further")
                .details("Takes the other fields of a new blast as well.")
                .body::<FollowUpBody>()
                .answer::<MadeBlast>(201, "The draft")
                .with_etag(),
        )
}

/// A blast, and how many of its people are tried again.
#[derive(Debug, Serialize, ToSchema)]
struct RetriedBlast {
    #[serde(flatten)]
    blast: BlastAnswer,
    #[schema(example = 3)]
    retried: i64,
}

/// A blast, and what was taken back.
#[derive(Debug, Serialize, ToSchema)]
struct UndoneBlast {
    #[serde(flatten)]
    blast: BlastAnswer,
    #[schema(example = "blast 7: launch taken back")]
    undone: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LaunchBody {
    /// How many people it goes to, as the caller saw it: with another number nothing starts. Null is refused.
    #[serde(default, alias = "expectRecipients", deserialize_with = "never_null")]
    #[schema(value_type = i64, required = false, example = 250)]
    pub expect_recipients: Option<i64>,
    /// Sends what would start by itself at its time now; without it that is refused, so that a request which is repeated sends nothing early.
    #[serde(default)]
    #[schema(example = false)]
    pub now: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Only those who failed with this code. Null is refused.
    #[serde(default, deserialize_with = "never_null")]
    #[schema(value_type = String, required = false, example = "131026")]
    code: Option<String>,
}

impl<T> JsonBody<T> {
    pub(super) const fn about(&self, blast: BlastId) -> Repeatable<'_> {
        Repeatable { headers: &self.headers, fingerprint: self.fingerprint, blast: Some(blast) }
    }
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
    once_unraced(caller, body.about(id), work).await
}

/// Starts what the caller saw: its version where that was given, and so many people. Whoever names none of them starts it also while people
/// opt out.
pub(super) async fn start(
    app: &App,
    id: BlastId,
    body: &JsonBody<LaunchBody>,
    command: BlastCommand,
) -> Result<BlastView, Problem> {
    for _ in 1..TRIES {
        match try_to_start(app, id, body, command).await? {
            Err(AppError::PeopleChanged(_)) if body.value.expect_recipients.is_none() => {}
            // Somebody scheduled it in the same instant: the next try says so.
            Err(AppError::Refused(_)) if is_scheduled(app, id).await? && !body.value.now => {}
            started => return Ok(started?),
        }
    }
    Ok(try_to_start(app, id, body, command).await??)
}

async fn is_scheduled(app: &App, id: BlastId) -> Result<bool, Problem> {
    Ok(app.blast_without_unasked(id).await?.state == BlastState::Scheduled)
}

/// How often a start is tried whose people change meanwhile.
const TRIES: usize = 10;

async fn try_to_start(
    app: &App,
    id: BlastId,
    body: &JsonBody<LaunchBody>,
    command: BlastCommand,
) -> Result<Result<BlastView, AppError>, Problem> {
    let plan = app.plan(id).await?;
    if_match(app, &body.headers, &plan.blast)?;
    if let Some(why) = app.why_not_resumed_alone(&plan.blast).filter(|_| command == BlastCommand::Resume) {
        return Ok(Err(AppError::Refused(why)));
    }
    plan.in_state_for(command)?;
    match plan.start_mismatch(body.value.now) {
        Some(StartMismatch::Early) => {
            let by = plan.blast.scheduled_by().map_or_else(String::new, |by| format!("{by} scheduled it: "));
            let detail = format!("{by}it starts by itself, and nothing was done; with `now` it is sent at once");
            return Err(Problem::conflict("scheduled", detail));
        }
        Some(StartMismatch::Later) => {
            let detail = "it has a time, and nothing was done: without `now` it is scheduled; `scheduled_for` null takes the time away";
            return Err(Problem::conflict("not-scheduled", detail));
        }
        None => {}
    }
    if let Some(expected) = body.value.expect_recipients.filter(|expected| *expected != plan.people) {
        let now = text::people(plan.people);
        let detail = format!("it is {now} now, not {}: nothing was sent", text::number(expected));
        return Err(Problem::conflict("recipients-changed", detail));
    }
    plan.without_obstacle()?;
    let launch = Launch { blast: id, version: plan.blast.version, people: plan.people, armed_for: TimeDelta::zero() };
    Ok(match (body.value.expect_recipients, command) {
        (None, command) => app.start_unconfirmed(launch, command).await,
        (Some(_), BlastCommand::Resume) => app.resume(launch).await,
        (Some(_), _) => app.launch(launch).await,
    })
}

async fn pause(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        let app = if_match(&app, &body.headers, &app.blast_without_unasked(id).await?)?;
        Ok(with_etag(StatusCode::OK, app.pause(id).await?))
    };
    once_unraced(&caller, body.about(id), work).await
}

async fn cancel(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        let app = if_match(&app, &body.headers, &app.blast_without_unasked(id).await?)?;
        let left_out = app.cancel(id).await?;
        let blast = app.blast_without_unasked(id).await.map_err(unread_after("it is cancelled"))?;
        let version = blast.version;
        Ok(Answer::ok(CancelledBlast { blast: blast.into(), left_out }).with_etag(version))
    };
    once_unraced(&caller, body.about(id), work).await
}

async fn retry(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<RetryBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        let app = if_match(&app, &body.headers, &app.blast_without_unasked(id).await?)?;
        let retried = app.retry(id, body.value.code.as_deref()).await?;
        let blast = app
            .blast_without_unasked(id)
            .await
            .map_err(unread_after(format!("{} queued again", people_are(retried))))?;
        let version = blast.version;
        Ok(Answer::ok(RetriedBlast { blast: blast.into(), retried }).with_etag(version))
    };
    once_unraced(&caller, body.about(id), work).await
}

/// Takes a launch back before anything of it was sent.
async fn undo(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        let app = if_match(&app, &body.headers, &app.blast_without_unasked(id).await?)?;
        let undone = app.undo_launch_of(id).await?.sentence;
        let blast = app.blast_without_unasked(id).await.map_err(unread_after("its start is taken back"))?;
        let version = blast.version;
        Ok(Answer::ok(UndoneBlast { blast: blast.into(), undone }).with_etag(version))
    };
    once_unraced(&caller, body.about(id), work).await
}

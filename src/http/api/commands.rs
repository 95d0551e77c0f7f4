//! Commands on whole blasts: what a launch would do, the launch itself, and what follows it.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::calls::for_programs;
use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiCaller, ApiReader, ApiWriter};
use super::blasts::{BlastAnswer, CancelledBlast, if_match, with_etag};
use super::body::{EmptyBody, JsonBody, PathId};
use super::create::MadeBlast;
use super::follow_up::{FollowUpBody, follow_up};
use super::once::{Answer, Repeatable, once};
use crate::app::view::BlastView;
use crate::app::{App, ConcurrentBlast, Launch, Plan, Sample, SegmentCount};
use crate::domain::blast::BlastCommand;
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Forecast, ForecastShare};
use crate::domain::text;

pub(super) fn routes() -> Routes {
    let stopping = |summary| Operation::write(summary).body::<EmptyBody>();
    let starting = |summary| {
        Operation::write(summary)
            .details("With `expect_recipients` or `If-Match` it starts only what the caller saw.")
            .body::<LaunchBody>()
            .answer::<BlastAnswer>(200, "The blast, which is being sent")
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
    /// How many people it goes to, as the caller saw it: with another number nothing starts.
    #[serde(default, alias = "expectRecipients")]
    #[schema(example = 250)]
    pub expect_recipients: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RetryBody {
    /// Only those who failed with this code.
    #[serde(default)]
    #[schema(example = "131026")]
    code: Option<String>,
}

impl<T> JsonBody<T> {
    pub(super) const fn about(&self, blast: BlastId) -> Repeatable<'_> {
        Repeatable { headers: &self.headers, fingerprint: self.fingerprint, blast: Some(blast) }
    }
}

async fn plan(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    Ok(Answer::ok(PlanAnswer::from(caller.app().plan(id).await?)))
}

/// What a start would do.
#[derive(Debug, Serialize, ToSchema)]
struct PlanAnswer {
    /// How many get a message: send it as `expect_recipients`.
    #[schema(example = 250)]
    recipients: i64,
    /// Left out because they opted out.
    #[schema(example = 2)]
    suppressed: i64,
    /// Had a message from this sender's business in the last 7 days.
    /// Whom its filter finds now, and leaves out.
    segment: Option<SegmentAnswer>,
    #[schema(example = 0)]
    recently_messaged: i64,
    #[schema(example = 0)]
    queued_elsewhere: i64,
    #[schema(example = "rate 20/min")]
    pace: String,
    #[schema(example = json!(null))]
    send_window: Option<String>,
    #[schema(example = json!(null))]
    left_today: Option<i64>,
    people_limit: Option<PeopleLimitAnswer>,
    shared_with: Vec<ConcurrentBlast>,
    forecast: ForecastAnswer,
    #[schema(example = json!(null))]
    stopped: Option<String>,
    samples: Vec<SampleAnswer>,
    /// Why it cannot be started now; empty when it can.
    #[schema(example = json!([]))]
    obstacles: Vec<String>,
    blast: BlastAnswer,
}

/// Whom the filter of a draft finds, before whoever is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segment)]
struct SegmentAnswer {
    #[schema(example = "blast:7 stuck:read")]
    from: String,
    #[schema(example = 41)]
    finds: i64,
    left_out: Vec<ExclusionAnswer>,
}

/// How many are left out for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exclusion)]
struct ExclusionAnswer {
    /// `opted_out`, `closed`, `followed` or `frequency_cap`.
    #[schema(example = "opted_out")]
    reason: &'static str,
    #[schema(example = 3)]
    people: i64,
}

impl From<SegmentCount> for SegmentAnswer {
    fn from(SegmentCount { from, finds, left_out }: SegmentCount) -> Self {
        let answer = |(reason, people): (Exclusion, i64)| ExclusionAnswer { reason: reason.key(), people };
        Self { from, finds, left_out: left_out.into_iter().map(answer).collect() }
    }
}

/// Meta's limit of people within 24 hours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PeopleLimit)]
struct PeopleLimitAnswer {
    #[schema(example = 1000)]
    limit: u32,
    #[schema(example = 120)]
    used: u32,
    #[schema(example = 880)]
    left: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Forecast)]
struct ForecastAnswer {
    today: Option<ForecastShare>,
    tomorrow: Option<ForecastShare>,
    later: Option<ForecastShare>,
    done_at: Option<DateTime<Utc>>,
}

/// The text for one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sample)]
struct SampleAnswer {
    #[schema(example = "first")]
    which: &'static str,
    #[schema(example = "+60123456789")]
    phone_number: String,
    #[schema(example = "Aina")]
    name: Option<String>,
    #[schema(example = "Hi Aina")]
    text: String,
}

impl From<Plan> for PlanAnswer {
    fn from(plan: Plan) -> Self {
        let sample = |sample: Sample| SampleAnswer {
            which: sample.which,
            phone_number: sample.phone,
            name: sample.name,
            text: sample.text,
        };
        let people_limit = plan.people_limit.map(|people| PeopleLimitAnswer {
            limit: people.limit,
            used: people.used,
            left: people.left(),
        });
        let Forecast { today, tomorrow, later, done_at } = plan.forecast;
        Self {
            recipients: plan.people,
            suppressed: plan.suppressed,
            segment: plan.segment.map(SegmentAnswer::from),
            recently_messaged: plan.recently_messaged,
            queued_elsewhere: plan.queued_elsewhere,
            pace: plan.pace,
            send_window: plan.window,
            left_today: plan.left_today,
            people_limit,
            shared_with: plan.shared_with,
            forecast: ForecastAnswer { today, tomorrow, later, done_at },
            stopped: plan.stopped.as_deref().map(for_programs),
            samples: plan.samples.into_iter().map(sample).collect(),
            obstacles: plan.obstacles.iter().map(|obstacle| for_programs(obstacle)).collect(),
            blast: plan.blast.into(),
        }
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
    once(caller, body.about(id), work).await
}

/// Starts what the caller saw: its version where that was given, and so many people.
pub(super) async fn start(
    app: &App,
    id: BlastId,
    body: &JsonBody<LaunchBody>,
    command: BlastCommand,
) -> Result<BlastView, Problem> {
    let before = app.plan(id).await?;
    if_match(&body.headers, &before.blast)?;
    let plan = if app.renew_audience(id).await? { app.plan(id).await? } else { before };
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
        if_match(&body.headers, &app.blast_without_unasked(id).await?)?;
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
        if_match(&body.headers, &app.blast_without_unasked(id).await?)?;
        let left_out = app.cancel(id).await?;
        let blast = app.blast_without_unasked(id).await?;
        let version = blast.version;
        Ok(Answer::ok(CancelledBlast { blast: blast.into(), left_out }).with_etag(version))
    };
    once(&caller, body.about(id), work).await
}

async fn retry(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<RetryBody>,
) -> Result<Response, Problem> {
    let work = async |app: App| {
        if_match(&body.headers, &app.blast_without_unasked(id).await?)?;
        let retried = app.retry(id, body.value.code.as_deref()).await?;
        let blast = app.blast_without_unasked(id).await?;
        let version = blast.version;
        Ok(Answer::ok(RetriedBlast { blast: blast.into(), retried }).with_etag(version))
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
        if_match(&body.headers, &app.blast_without_unasked(id).await?)?;
        let undone = app.undo_launch_of(id).await?.sentence;
        let blast = app.blast_without_unasked(id).await?;
        let version = blast.version;
        Ok(Answer::ok(UndoneBlast { blast: blast.into(), undone }).with_etag(version))
    };
    once(&caller, body.about(id), work).await
}

//! Blasts that repeat. What holds for every blast (pause, resume, cancel) is under `/api/blasts/{id}`.

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::blasts::BlastAnswer;
use super::body::{EmptyBody, JsonBody, PathId};
use super::create::{CreateBody, MadeBlast, make_where};
use super::once::{Answer, once};
use crate::app::{App, AppError, OccurrenceRow, ScheduleView, unread_after};
use crate::domain::ids::BlastId;

pub(super) fn routes() -> Routes {
    let details = "Pause and resume it under `/api/blasts/{id}`; `cancel` there ends it. The blasts that it made are not touched.";
    Routes::of("Schedules")
        .get(
            "/api/schedules",
            list,
            Operation::read("Blasts that repeat, the newest first").answer::<ScheduleList>(200, "All of them"),
        )
        .post(
            "/api/schedules",
            make,
            Operation::write("Makes a blast that repeats")
                .details("As `POST /api/blasts` with `repeat`. Nothing occurs until it is sent.")
                .body::<CreateBody>()
                .example(json!({
                    "message": "Hi {name|there}", "recipients": ["60123456789"], "repeat": "every mon 09:00",
                    "timezone": "Asia/Kuala_Lumpur", "times": 8,
                }))
                .answer::<MadeBlast>(201, "The draft, and what became of its list")
                .refuses(&[404]),
        )
        .get(
            "/api/schedules/{id}",
            show,
            Operation::read("One of them, with its newest times")
                .details(details)
                .answer::<ScheduleDetails>(200, "It, its next times, and what became of the earlier ones"),
        )
        .post(
            "/api/schedules/{id}/skip",
            skip,
            Operation::write("Leaves its next time out")
                .body::<EmptyBody>()
                .answer::<ScheduleDetails>(200, "It, with the time after that")
                .refuses(&[412]),
        )
}

/// A blast that repeats.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
struct ScheduleAnswer {
    #[schema(example = "every mon 09:00")]
    repeat: Option<String>,
    #[schema(example = "Asia/Kuala_Lumpur")]
    timezone: String,
    /// None of its times is from then on.
    #[schema(example = json!(null))]
    until: Option<DateTime<Utc>>,
    /// How many times it has in all.
    #[schema(example = json!(null))]
    times: Option<i32>,
    /// How many of them have come.
    #[schema(example = 3)]
    seen: i32,
    #[schema(example = 250)]
    at_most: Option<i32>,
    /// Its next times, at most five.
    next: Vec<DateTime<Utc>>,
    #[schema(example = 2)]
    made: i64,
    /// Via while no engine ran.
    #[schema(example = 1)]
    missed: i64,
    #[schema(example = 0)]
    skipped: i64,
    #[schema(example = json!(null))]
    last_missed: Option<DateTime<Utc>>,
    /// What the clocks do to its times within about a year.
    #[schema(example = json!([]))]
    clock_notes: Vec<String>,
    blast: BlastAnswer,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScheduleList {
    schedules: Vec<ScheduleAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ScheduleDetails {
    #[serde(flatten)]
    schedule: ScheduleAnswer,
    /// The newest times that have come, at most 100.
    occurrences: Vec<OccurrenceRow>,
}

impl From<ScheduleView> for ScheduleAnswer {
    fn from(view: ScheduleView) -> Self {
        Self {
            repeat: view.repeat.rule,
            timezone: view.zone.name().to_owned(),
            until: view.repeat.until,
            times: view.repeat.times,
            seen: view.repeat.seen,
            at_most: view.repeat.at_most,
            next: view.next,
            made: view.made,
            missed: view.missed,
            skipped: view.skipped,
            last_missed: view.last_missed,
            clock_notes: view.clock_notes,
            blast: view.blast.into(),
        }
    }
}

async fn list(ApiReader(caller): ApiReader) -> Result<Answer, Problem> {
    let schedules = caller.app().schedules().await?;
    Ok(Answer::ok(ScheduleList { schedules: schedules.into_iter().map(ScheduleAnswer::from).collect() }))
}

async fn make(ApiWriter(caller): ApiWriter, body: JsonBody<CreateBody>) -> Result<Response, Problem> {
    make_where(&caller, body, wants_repeat).await
}

fn wants_repeat(body: &CreateBody) -> Result<(), Problem> {
    let missing = || Problem::field("repeat", "missing: write a rule such as every mon 09:00");
    body.repeats().then_some(()).ok_or_else(missing)
}

async fn details(app: &App, id: BlastId) -> Result<Answer, AppError> {
    let (schedule, occurrences) = app.schedule(id).await?;
    Ok(Answer::ok(ScheduleDetails { schedule: schedule.into(), occurrences }))
}

async fn show(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    Ok(details(&caller.app(), id).await?)
}

async fn skip(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        app.skip_occurrence(id).await?;
        Ok(details(&app, id).await.map_err(unread_after("its next time is left out"))?)
    })
    .await
}

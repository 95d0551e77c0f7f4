//! A blast in numbers: its funnel, where people are stuck, why some failed, and what happened when.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
use super::body::{EmptyBody, JsonBody, Params, PathId};
use super::once::{Answer, once};
use super::page;
use super::people::{PersonAnswer, query};
use crate::app::report::{ErrorLine, Heading, Report};
use crate::app::view::{Anchor, BlastView, ReplyCounts, TimelineRow};
use crate::app::{App, SavedReport, SavedReportQuery};
use crate::domain::filter::Filter;
use crate::domain::funnel::{Counts, Funnel, Rates, Stuck};
use crate::domain::ids::{BlastId, ReportId};
use crate::domain::status::Status;

/// How many people of each stage, and how many failures, are listed.
const STUCK: u32 = 50;
const FAILURES: u32 = 10;

pub(super) fn routes() -> Routes {
    let funnel = || Operation::read("Its funnel").answer::<Funnel>(200, "How many got at least as far as each stage");
    Routes::of("Reports")
        .get("/api/blasts/{id}/metrics", metrics, funnel())
        .get("/api/blasts/{id}/funnel", metrics, funnel())
        .get(
            "/api/blasts/{id}/stuck-recipients",
            stuck,
            Operation::read("Where people are stuck, with the first of them")
                .details("The whole list is `recipients?q=stuck:read`.")
                .query::<StuckParams>()
                .answer::<StuckAnswer>(200, "Each stage"),
        )
        .get(
            "/api/blasts/{id}/stats",
            stats,
            Operation::read("Rates, errors with advice, hours, and some who failed")
                .answer::<StatsAnswer>(200, "The numbers"),
        )
        .get(
            "/api/blasts/{id}/report",
            report,
            Operation::read("The report, and who is stuck")
                .query::<StuckParams>()
                .answer::<ReportAnswer>(200, "As `blast report --json` prints it"),
        )
        .post(
            "/api/blasts/{id}/report",
            save,
            Operation::write("Keeps the numbers of this moment")
                .body::<EmptyBody>()
                .answer::<SavedReport>(201, "What was kept"),
        )
        .get(
            "/api/blasts/{id}/reports",
            saved,
            Operation::read("What was kept, the newest first")
                .query::<SavedParams>()
                .answer::<SavedReports>(200, "A page"),
        )
}

/// The report with people.
#[derive(Debug, Serialize, ToSchema)]
struct ReportAnswer {
    #[serde(flatten)]
    report: Report,
    stuck_recipients: Vec<StuckStage>,
}

/// Where people are stuck.
#[derive(Debug, Serialize, ToSchema)]
struct StuckAnswer {
    stuck: Stuck,
    stages: Vec<StuckStage>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StuckStage {
    status: Status,
    #[schema(example = 100)]
    count: i64,
    /// Of sent.
    #[schema(example = 40.0)]
    percentage: f64,
    /// The first of them.
    recipients: Vec<PersonAnswer>,
    /// Where `recipients?q=stuck:STATUS&cursor=` goes on; null where these are all.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct StatsAnswer {
    blast: Heading,
    funnel: Funnel,
    stuck: Stuck,
    counts: Counts,
    rates: Rates,
    errors: Vec<ErrorLine>,
    #[schema(example = "3000.00")]
    amount: String,
    /// Sales that no amount was given for.
    #[schema(example = 0)]
    sales_without_amount: i64,
    #[schema(example = "MYR")]
    currency: String,
    replies: ReplyCounts,
    /// What happened in each hour, as it came: also to people who failed since, and without stages that were passed over. `funnel`
    /// counts where people stand now.
    timeline: Vec<TimelineRow>,
    sample_failures: Vec<PersonAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SavedReports {
    reports: Vec<SavedReport>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct StuckParams {
    /// How many people of each stage, 1 to 1,000, usually 50.
    #[serde(default, deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
}

/// The funnel alone.
async fn metrics(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    Ok(Answer::ok(app.funnel(id).await?))
}

async fn report(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(asked): Params<StuckParams>,
) -> Result<Answer, Problem> {
    let app = caller.app();
    let blast = app.blast(id).await?;
    let report = app.report(id).await?;
    let stuck_recipients = stages(&app, &blast, page::limit(asked.limit.or(Some(STUCK)))?).await?;
    Ok(Answer::ok(ReportAnswer { report, stuck_recipients }))
}

/// Keeps the numbers of this moment.
async fn save(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let (_, saved) = app.save_report(id).await?;
        Ok(Answer::created(saved))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SavedParams {
    /// 1 to 1,000 a page, usually 50.
    #[serde(default, deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// What was kept, newest first.
async fn saved(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(asked): Params<SavedParams>,
) -> Result<Answer, Problem> {
    let app = caller.app();
    app.require_blast(id).await?;
    let limit = page::limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let before = cursor.map(page::read_cursor).transpose()?.map(|[id]| ReportId(id));
    let query = SavedReportQuery { blast: id, before, limit: page::one_more(limit) };
    let mut reports = app.saved_reports(query).await?;
    let next_cursor = page::cut(&mut reports, limit, |last| [last.id.0]);
    Ok(Answer::ok(SavedReports { reports, limit, next_cursor }))
}

/// Where people are stuck, with the first of them; the whole list is `recipients?q=stuck:STAGE`.
async fn stuck(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(asked): Params<StuckParams>,
) -> Result<Answer, Problem> {
    let app = caller.app();
    let blast = app.blast(id).await?;
    let limit = page::limit(asked.limit.or(Some(STUCK)))?;
    let stages = stages(&app, &blast, limit).await?;
    Ok(Answer::ok(StuckAnswer { stuck: blast.stuck(), stages }))
}

async fn stages(app: &App, blast: &BlastView, limit: u32) -> Result<Vec<StuckStage>, Problem> {
    let stuck = blast.stuck();
    let sent = blast.counts.funnel().sent;
    let mut stages = Vec::new();
    for (stage, count) in [
        (Status::Sent, stuck.sent),
        (Status::Delivered, stuck.delivered),
        (Status::Read, stuck.read),
        (Status::Replied, stuck.replied),
    ] {
        let mut people = Vec::new();
        if count > 0 {
            let one_more = page::one_more(limit);
            people = app.recipients(&query(blast.id, Filter::stuck(stage), Anchor::Start, one_more)).await?;
        }
        let next_cursor = page::cut(&mut people, limit, |last| [last.id.0]);
        let recipients = PersonAnswer::all(people);
        let percentage = percentage(count, sent);
        stages.push(StuckStage { status: stage, count, percentage, recipients, next_cursor });
    }
    Ok(stages)
}

/// Of a hundred, with two places.
#[expect(clippy::cast_precision_loss, reason = "a share for people; counts stay far below 2^52")]
fn percentage(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 * 10_000.0 / whole as f64).round() / 100.0 }
}

async fn stats(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let report = app.report(id).await?;
    let Report { blast, funnel, stuck, counts, rates, errors, amount, sales_without_amount, currency, replies, .. } =
        report;
    let (timeline, sample_failures) = (app.timeline(id).await?, failures(&app, id).await?);
    let answer = StatsAnswer {
        blast,
        funnel,
        stuck,
        counts,
        rates,
        errors,
        amount,
        sales_without_amount,
        currency,
        replies,
        timeline,
        sample_failures,
    };
    Ok(Answer::ok(answer))
}

/// The first of those who failed.
async fn failures(app: &App, id: BlastId) -> Result<Vec<PersonAnswer>, Problem> {
    let failed = app.recipients(&query(id, Filter::status(Status::Failed), Anchor::Start, FAILURES)).await?;
    Ok(PersonAnswer::all(failed))
}

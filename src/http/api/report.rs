//! A blast in numbers: its funnel, where people are stuck, why some failed, and what happened when.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::HttpState;
use super::super::problem::Problem;
use super::body::{EmptyBody, JsonBody, Params, PathId};
use super::gate::{ApiReader, ApiWriter};
use super::once::{Answer, once};
use super::page;
use super::people::{PersonAnswer, query};
use crate::app::view::{Anchor, BlastView};
use crate::app::{App, SavedReportQuery};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, ReportId};
use crate::domain::status::Status;

/// How many people of each stage, and how many failures, are listed.
const STUCK: u32 = 50;
const FAILURES: u32 = 10;

pub(super) fn routes() -> Router<HttpState> {
    Router::new()
        .route("/api/blasts/{id}/metrics", get(metrics))
        .route("/api/blasts/{id}/funnel", get(metrics))
        .route("/api/blasts/{id}/stuck-recipients", get(stuck))
        .route("/api/blasts/{id}/stats", get(stats))
        .route("/api/blasts/{id}/report", get(report).post(save))
        .route("/api/blasts/{id}/reports", get(saved))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StuckParams {
    #[serde(default, deserialize_with = "page::number")]
    limit: Option<u32>,
}

/// The funnel alone.
async fn metrics(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    Ok(Answer::ok(json!(app.blast(id).await?.counts.funnel())))
}

async fn report(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(asked): Params<StuckParams>,
) -> Result<Answer, Problem> {
    let app = caller.app();
    let blast = app.blast(id).await?;
    let mut body = json!(app.report(id).await?);
    body["stuck_recipients"] = stages(&app, &blast, page::limit(asked.limit.or(Some(STUCK)))?).await?;
    Ok(Answer::ok(body))
}

/// Keeps the numbers of this moment.
async fn save(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    body: JsonBody<EmptyBody>,
) -> Result<Response, Problem> {
    once(&caller, body.about(id), async |app: App| {
        let (_, saved) = app.save_report(id).await?;
        Ok(Answer { status: StatusCode::CREATED, body: json!(saved), headers: Vec::new() })
    })
    .await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedParams {
    #[serde(default, deserialize_with = "page::number")]
    limit: Option<u32>,
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
    app.blast(id).await?;
    let limit = page::limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let before = cursor.map(page::read_cursor).transpose()?.map(|[id]| ReportId(id));
    let reports = app.saved_reports(SavedReportQuery { blast: id, before, limit }).await?;
    let last = reports.last().filter(|_| reports.len() == limit as usize);
    let next_cursor = last.map(|last| page::write_cursor(&[last.id.0]));
    Ok(Answer::ok(json!({ "reports": reports, "limit": limit, "next_cursor": next_cursor })))
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
    Ok(Answer::ok(json!({ "stuck": blast.stuck(), "stages": stages })))
}

async fn stages(app: &App, blast: &BlastView, limit: u32) -> Result<Value, Problem> {
    let stuck = blast.stuck();
    let sent = blast.counts.funnel().sent;
    let mut stages = Vec::new();
    for (stage, count) in [
        (Status::Sent, stuck.sent),
        (Status::Delivered, stuck.delivered),
        (Status::Read, stuck.read),
        (Status::Replied, stuck.replied),
    ] {
        let people = match count {
            0 => Vec::new(),
            _ => app.recipients(&query(blast.id, Filter::stuck(stage), Anchor::Start, limit)).await?,
        };
        let people: Vec<PersonAnswer> = people.into_iter().map(PersonAnswer::from).collect();
        stages.push(json!({
            "status": stage, "count": count, "percentage": percentage(count, sent), "recipients": people,
        }));
    }
    Ok(json!(stages))
}

/// Of a hundred, with two places.
#[expect(clippy::cast_precision_loss, reason = "a share for people; counts stay far below 2^52")]
fn percentage(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 * 10_000.0 / whole as f64).round() / 100.0 }
}

async fn stats(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let report = json!(app.report(id).await?);
    let failed = failures(&app, id).await?;
    Ok(Answer::ok(json!({
        "blast": report["blast"], "funnel": report["funnel"], "stuck": report["stuck"], "counts": report["counts"],
        "rates": report["rates"], "errors": report["errors"], "amount": report["amount"], "replies": report["replies"],
        "timeline": app.timeline(id).await?, "sample_failures": failed,
    })))
}

/// The first of those who failed.
pub(super) async fn failures(app: &App, id: BlastId) -> Result<Vec<PersonAnswer>, Problem> {
    let failed = app.recipients(&query(id, Filter::status(Status::Failed), Anchor::Start, FAILURES)).await?;
    Ok(failed.into_iter().map(PersonAnswer::from).collect())
}

//! Blasts: the list, one of them, and what of a draft can be changed or removed.

use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::{ApiReader, ApiWriter};
pub(super) use super::blast_answer::BlastAnswer;
use super::body::{Params, PathId, UnreadBody};
use super::create::{CreateBody, MadeBlast, create};
use super::edit::{BlastEditBody, edit};
use super::once::{Answer, once};
use super::page::{self, NumberedPage};
use super::people::{PersonAnswer, first_people};
use crate::app::App;
use crate::app::view::{BlastFilter, BlastPosition, BlastView};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::zone;

pub(super) fn routes() -> Routes {
    let editing = || {
        Operation::write("Edits a draft, what is scheduled, or the pace and hours of what has started: what is absent stays, null takes away what it can be without")
            .details("What else an answer has may come back with it, as it is: counts and times are not looked at.")
            .body::<BlastEditBody>()
            .answer::<BlastAnswer>(200, "The draft as it is now")
            .with_etag()
            .if_match()
    };
    Routes::of("Blasts")
        .get(
            "/api/blasts",
            list,
            Operation::read("Lists blasts, the newest first")
                .query::<BlastListParams>()
                .answer::<BlastListBody>(200, "A page; with `page`, also its number and the `total`"),
        )
        .post(
            "/api/blasts",
            create,
            Operation::write("Makes a draft; sends nothing")
                .details("Without `sender` a message is sent by the default sender of WSAPME's, and a template by Meta's. Without `recipients` the draft is empty.")
                .body::<CreateBody>()
                .answer::<MadeBlast>(201, "The draft; `import` says how many people were taken, and why others were not")
                .with_etag()
                .refuses(&[404]),
        )
        .get(
            "/api/blasts/{id}",
            one,
            Operation::read("One blast with the first 50 of its people").answer::<OneBlast>(200, "The blast").with_etag(),
        )
        .put("/api/blasts/{id}", edit, editing())
        .patch("/api/blasts/{id}", edit, editing())
        .delete(
            "/api/blasts/{id}",
            delete,
            Operation::write("Removes a draft or a finished blast; cancels one that is being sent")
                .answer::<CancelledAnswer>(200, "It was being sent: it is cancelled")
                .empty(204, "It is gone")
                .repeatable()
                .if_match()
                .refuses(&[409]),
        )
}

/// A blast, with one more field that only this call has.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CancelledBlast {
    #[serde(flatten)]
    pub blast: BlastAnswer,
    /// How many people it was not sent to.
    #[schema(example = 12)]
    pub left_out: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct CancelledAnswer {
    #[schema(value_type = i64, example = 7)]
    id: BlastId,
    state: BlastState,
    /// How many people it was not sent to.
    #[schema(example = 12)]
    left_out: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneBlast {
    #[serde(flatten)]
    blast: BlastAnswer,
    recipients: Vec<PersonAnswer>,
    #[schema(example = json!(null))]
    recipients_next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct BlastListBody {
    blasts: Vec<BlastAnswer>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
    #[serde(flatten)]
    numbered: NumberedPage,
}

/// A blast with its `ETag`, by which an edit says what it saw.
pub(super) fn with_etag(status: StatusCode, blast: BlastView) -> Answer {
    let version = blast.version;
    Answer::new(status, BlastAnswer::from(blast)).with_etag(version)
}

/// Refuses with 412 where the caller saw another version. Returns the use cases, for the version that they saw.
pub(super) fn if_match(app: &App, headers: &HeaderMap, blast: &BlastView) -> Result<App, Problem> {
    let Some(wanted) = headers.get(header::IF_MATCH) else { return Ok(app.clone()) };
    let now = format!("\"{}\"", blast.version);
    let tags = || wanted.to_str().unwrap_or_default().split(',').map(str::trim);
    if tags().any(|tag| tag == "*") {
        return Ok(app.clone());
    }
    if tags().any(|tag| tag == now) {
        return Ok(app.at_version(blast.id, blast.version));
    }
    let who = blast.started_by().or_else(|| blast.scheduled_by().map(|by| format!("{by} scheduled it meanwhile")));
    let who = who.map(|who| format!(" ({who})")).unwrap_or_default();
    let detail = format!("somebody changed this blast since you read it{who}: read it again");
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed", detail))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BlastListParams {
    /// Only this day's, as `2026-11-21`.
    date: Option<String>,
    #[serde(alias = "dateFrom")]
    date_from: Option<String>,
    #[serde(alias = "dateTo")]
    date_to: Option<String>,
    #[serde(alias = "blast_tag", alias = "blastTag")]
    tag: Option<String>,
    #[serde(alias = "follow_up_stage", alias = "followUpStage")]
    stage: Option<String>,
    /// `draft`, `scheduled`, `sending`, `paused`, `completed`, `cancelled` or `failed`.
    #[serde(alias = "status")]
    state: Option<String>,
    /// A sender's name.
    sender: Option<String>,
    /// What the program that made it calls it.
    #[serde(alias = "externalId")]
    external_id: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// A page's number, from 1, in place of a cursor.
    #[serde(deserialize_with = "page::number")]
    page: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A page of blasts, the newest first.
pub(super) struct BlastListPage {
    pub blasts: Vec<BlastView>,
    pub limit: u32,
    pub next_cursor: Option<String>,
    /// The page's number and how many blasts there are in all, where pages are numbered.
    pub numbered: Option<(u32, i64)>,
}

async fn list(
    ApiReader(caller): ApiReader,
    Params(asked): Params<BlastListParams>,
) -> Result<Json<BlastListBody>, Problem> {
    let page = read_page(&caller.app(), &asked, BlastFilter::default()).await?;
    let blasts: Vec<BlastAnswer> = page.blasts.into_iter().map(BlastAnswer::from).collect();
    let numbered = page.numbered.into();
    Ok(Json(BlastListBody { blasts, limit: page.limit, next_cursor: page.next_cursor, numbered }))
}

/// The page that was asked for, of those that a filter lets through.
pub(super) async fn read_page(
    app: &App,
    asked: &BlastListParams,
    filter: BlastFilter,
) -> Result<BlastListPage, Problem> {
    let limit = page::limit(asked.limit)?;
    let offset = page::offset(asked.page, asked.cursor.as_deref(), limit)?;
    let filter = BlastFilter {
        offset: offset.unwrap_or(0),
        limit: Some(page::one_more(limit)),
        without_unasked: true,
        ..asked.filter(app, &filter)?
    };
    let mut blasts = app.blasts(&filter).await?;
    let next_cursor = page::cut(&mut blasts, limit, |last| [last.blast_date.timestamp_micros(), last.id.0]);
    let numbered = match (offset, asked.page) {
        (Some(_), Some(page)) => Some((page, app.count_blasts(&filter).await?)),
        _ => None,
    };
    Ok(BlastListPage { blasts, limit, next_cursor, numbered })
}

impl BlastListParams {
    /// Neither a page nor a cursor was asked for.
    pub(super) const fn is_from_the_start(&self) -> bool {
        self.page.is_none() && self.cursor.is_none()
    }

    pub(super) const fn begin_with_page_one(&mut self) {
        self.page = Some(1);
    }

    /// The state alone, for a spelling that has words of its own for it.
    pub(super) const fn take_state(&mut self) -> Option<String> {
        self.state.take()
    }

    fn filter(&self, app: &App, filter: &BlastFilter) -> Result<BlastFilter, Problem> {
        let day = |field: &str, text: Option<&String>| {
            text.map(|text| zone::parse_day(text).map_err(|why| Problem::field(field, why))).transpose()
        };
        let date = day("date", self.date.as_ref())?;
        let (from, to) = (day("date_from", self.date_from.as_ref())?, day("date_to", self.date_to.as_ref())?);
        check_days(date, from, to)?;
        let zone = app.config().ui.timezone;
        let state = match self.state.as_deref() {
            None | Some("") => None,
            Some(word) => Some(BlastState::from_word(word).ok_or_else(|| unknown_state(word))?),
        };
        let sender = match &self.sender {
            None => None,
            Some(name) => Some(app.sender_id(name).ok_or_else(|| Problem::field("sender", app.no_sender(name)))?),
        };
        let after = match self.cursor.as_deref() {
            None | Some("") => None,
            Some(cursor) => Some(position(cursor)?),
        };
        Ok(BlastFilter {
            tag: self.tag.clone(),
            follow_up_stage: self.stage.clone(),
            state,
            from: date.or(from).and_then(|day| zone::begins(day, zone)),
            to: date.or(to).and_then(|day| day.succ_opt()).and_then(|day| zone::begins(day, zone)),
            sender,
            external_id: self.external_id.clone(),
            after,
            ..filter.clone()
        })
    }
}

/// Refuses days that no blast is of.
fn check_days(date: Option<NaiveDate>, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<(), Problem> {
    let alone = "date is one whole day: give either that or date_from and date_to";
    match (date, from, to) {
        (Some(_), Some(_), _) => Err(Problem::field("date_from", alone)),
        (Some(_), None, Some(_)) => Err(Problem::field("date_to", alone)),
        (None, Some(from), Some(to)) if to < from => {
            Err(Problem::field("date_to", format!("it is before date_from, which is {from}")))
        }
        _ => Ok(()),
    }
}

fn unknown_state(word: &str) -> Problem {
    let known = BlastState::ALL.map(BlastState::word).join(", ");
    Problem::field("state", format!("`{word}` is not a state: write one of {known}"))
}

fn position(cursor: &str) -> Result<BlastPosition, Problem> {
    let [micros, id] = page::read_cursor(cursor)?;
    let wrong = || Problem::field("cursor", "take `next_cursor` of the page before");
    let blast_date = DateTime::from_timestamp_micros(micros).filter(|at| at.timestamp().abs() < 253_402_300_800);
    Ok(BlastPosition { blast_date: blast_date.ok_or_else(wrong)?, id: BlastId(id) })
}

/// One blast, with the first of its people.
async fn one(ApiReader(caller): ApiReader, PathId(id): PathId<BlastId>) -> Result<Answer, Problem> {
    let app = caller.app();
    let blast = app.blast_without_unasked(id).await?;
    let version = blast.version;
    Ok(Answer::ok(one_blast(&app, blast).await?).with_etag(version))
}

/// A blast with the first of its people.
pub(super) async fn one_blast(app: &App, blast: BlastView) -> Result<OneBlast, Problem> {
    let people = first_people(app, blast.id).await?;
    let recipients = PersonAnswer::all(people.rows);
    Ok(OneBlast { blast: blast.into(), recipients, recipients_next_cursor: people.next_cursor })
}

/// Removes a draft or a finished blast; one that is being sent is cancelled.
async fn delete(
    ApiWriter(caller): ApiWriter,
    PathId(id): PathId<BlastId>,
    request: UnreadBody,
) -> Result<Response, Problem> {
    once(&caller, request.about(Some(id)), async |app: App| {
        let blast = app.blast_without_unasked(id).await?;
        let app = if_match(&app, &request.headers, &blast)?;
        if matches!(blast.state, BlastState::Sending | BlastState::Paused | BlastState::Scheduled) {
            let left_out = app.cancel(id).await?;
            return Ok(Answer::ok(CancelledAnswer { id, state: BlastState::Cancelled, left_out }));
        }
        app.delete(id).await?;
        Ok(Answer::gone())
    })
    .await
}

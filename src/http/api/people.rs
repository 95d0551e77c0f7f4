//! A blast's people: their list, and who is added to a draft or taken out of it.

use axum::Json;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::adding::{AddedPeople, RemovedPeople, add, add_operation, remove, remove_operation};
use super::authentication::ApiReader;
use super::body::{Params, PathId};
use super::customers::customer_id;
use super::export;
use super::page::{self, NumberedPage};
use crate::app::view::{Anchor, Order, RecipientQuery, RecipientRow, RowPosition, Total};
use crate::app::{App, AppError};
use crate::domain::amount::as_kept;
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;

/// How many people stand in the answer about a blast itself.
const FIRST: u32 = 50;

pub(super) fn routes() -> Routes {
    let page = |summary| {
        Operation::read(summary)
            .query::<PeopleParams>()
            .answer::<RecipientListBody>(200, "A page; with `page`, also its number and the `total`")
    };
    Routes::of("People of a blast")
        .get("/api/blasts/{id}/recipients", list, page("Its people, in the list's order"))
        .post("/api/blasts/{id}/recipients", add, add_operation::<AddedPeople>())
        .delete("/api/blasts/{id}/recipients", remove, remove_operation::<RemovedPeople>())
        .get("/api/blasts/{id}/uncertain", uncertain, page("People whose message may or may not have been sent"))
}

/// A person as they are answered everywhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recipient)]
pub(super) struct PersonAnswer {
    #[schema(value_type = i64, example = 1001)]
    id: RecipientId,
    #[schema(value_type = i64, example = 7)]
    blast_id: BlastId,
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    #[schema(example = "Aina")]
    name: Option<String>,
    /// What the program that gave them calls them.
    #[schema(example = "customer-17")]
    external_id: Option<String>,
    /// The id of `/api/whatsapp/customers`; none for whoever was forgotten.
    #[schema(example = "60123456789")]
    customer_id: Option<String>,
    status: Status,
    #[schema(example = "wamid.HBgLNjAxMjM0NTY3ODk")]
    message_id: Option<String>,
    sent_at: Option<DateTime<Utc>>,
    delivered_at: Option<DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
    replied_at: Option<DateTime<Utc>>,
    closed_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    opted_out_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    #[schema(example = "120.50")]
    amount: Option<String>,
    #[schema(example = json!(null))]
    note: Option<String>,
    #[schema(example = json!(null))]
    error_code: Option<String>,
    #[schema(example = json!(null))]
    error_message: Option<String>,
    /// Why they were left out.
    #[schema(example = json!(null))]
    reason: Option<String>,
    #[schema(example = 1)]
    attempts: i32,
}

impl PersonAnswer {
    /// One of them, as the database has them now.
    pub(super) async fn of(app: &App, id: RecipientId) -> Result<Self, AppError> {
        Ok(app.recipient_row(id).await?.into())
    }

    pub(super) fn all(rows: Vec<RecipientRow>) -> Vec<Self> {
        rows.into_iter().map(Self::from).collect()
    }
}

impl From<RecipientRow> for PersonAnswer {
    fn from(row: RecipientRow) -> Self {
        Self {
            id: row.id,
            blast_id: row.blast_id,
            customer_id: customer_id(&row.phone),
            phone_number: row.phone,
            name: row.name,
            external_id: row.external_id,
            status: row.status,
            message_id: row.message_id,
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            read_at: row.read_at,
            replied_at: row.replied_at,
            closed_at: row.closed_at,
            failed_at: row.failed_at,
            opted_out_at: row.opted_out_at,
            updated_at: row.changed_at,
            amount: row.amount.map(as_kept),
            note: row.note,
            error_code: row.error_code,
            error_message: row.error_message,
            reason: row.reason,
            attempts: row.attempt,
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PeopleParams {
    /// One status, or several with commas between them.
    pub status: Option<String>,
    /// In the filter language of the dashboard, such as `stuck:read older:48h`.
    q: Option<String>,
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

impl PeopleParams {
    /// Neither a page nor a cursor was asked for.
    pub(super) const fn is_from_the_start(&self) -> bool {
        self.page.is_none() && self.cursor.is_none()
    }

    pub(super) const fn begin_with_page_one(&mut self) {
        self.page = Some(1);
    }
}

/// A page of people, in the list's order.
pub(super) struct RecipientListPage {
    pub rows: Vec<RecipientRow>,
    pub limit: u32,
    pub next_cursor: Option<String>,
    /// The page's number and how many people match, where pages are numbered.
    pub numbered: Option<(u32, i64)>,
}

async fn list(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(asked): Params<PeopleParams>,
) -> Result<Json<RecipientListBody>, Problem> {
    let app = caller.app();
    app.require_blast(id).await?;
    let among = asked.status.as_deref().map(statuses).transpose()?.map(|statuses| Filter::one_of(&statuses));
    let page = read_page(&app, id, &asked, among).await?;
    Ok(Json(page.into()))
}

async fn uncertain(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    Params(asked): Params<PeopleParams>,
) -> Result<Json<RecipientListBody>, Problem> {
    let app = caller.app();
    app.require_blast(id).await?;
    let page = read_page(&app, id, &asked, Some(Filter::status(Status::Uncertain))).await?;
    Ok(Json(page.into()))
}

/// A page of people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecipientList)]
struct RecipientListBody {
    recipients: Vec<PersonAnswer>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
    #[serde(flatten)]
    numbered: NumberedPage,
}

impl From<RecipientListPage> for RecipientListBody {
    fn from(page: RecipientListPage) -> Self {
        let recipients = PersonAnswer::all(page.rows);
        Self { recipients, limit: page.limit, next_cursor: page.next_cursor, numbered: page.numbered.into() }
    }
}

/// Statuses as a program names them: ours, the screen's, and the provider's words that say how far a sent message is.
pub(super) fn statuses(words: &str) -> Result<Vec<Status>, Problem> {
    let one = |word: &str| match word.trim().to_ascii_uppercase().as_str() {
        "PENDING" | "SERVER_ACK" => Ok(Status::Sent),
        _ => Status::from_word(word).ok_or_else(|| {
            let known = Status::ALL.map(Status::word).join(", ");
            Problem::field("status", format!("`{word}` is not a status: write one of {known}"))
        }),
    };
    words.split(',').map(one).collect()
}

/// The page that was asked for, of these people.
pub(super) async fn read_page(
    app: &App,
    blast: BlastId,
    asked: &PeopleParams,
    among: Option<Filter>,
) -> Result<RecipientListPage, Problem> {
    let limit = page::limit(asked.limit)?;
    let offset = page::offset(asked.page, asked.cursor.as_deref(), limit)?;
    let mut filter = app.ending_first(blast, export::filter(app, asked.q.as_deref())?).await?;
    filter.terms.extend(among.into_iter().flat_map(|among| among.terms));
    let anchor = match (asked.cursor.as_deref(), offset) {
        (Some(cursor), _) if !cursor.is_empty() => after(read_cursor(cursor)?),
        (_, Some(before)) if before > 0 => match skip(app, blast, &filter, before).await? {
            Some(last) => Anchor::After(last),
            None => Anchor::End,
        },
        _ => Anchor::Start,
    };
    // The rows before an end that was not reached are no page.
    let mut rows = match anchor {
        Anchor::End => Vec::new(),
        anchor => app.recipients(&query(blast, filter.clone(), anchor, page::one_more(limit))).await?,
    };
    let next_cursor = page::cut(&mut rows, limit, |last| [last.id.0]);
    let numbered = match (offset, asked.page) {
        (Some(_), Some(page)) => Some((page, Total::number(app.count(blast, &filter, None).await?))),
        _ => None,
    };
    Ok(RecipientListPage { rows, limit, next_cursor, numbered })
}

/// The first people of a blast.
pub(super) async fn first_people(app: &App, blast: BlastId) -> Result<RecipientListPage, Problem> {
    let asked = PeopleParams { limit: Some(FIRST), ..PeopleParams::default() };
    read_page(app, blast, &asked, None).await
}

pub(super) fn query(blast: BlastId, filter: Filter, anchor: Anchor, limit: u32) -> RecipientQuery {
    RecipientQuery { blast, filter, order: Order::Row, as_of: None, anchor, limit }
}

fn read_cursor(cursor: &str) -> Result<RecipientId, Problem> {
    let [id] = page::read_cursor(cursor)?;
    Ok(RecipientId(id))
}

/// In the list's order a place is its id alone.
pub(super) fn after(id: RecipientId) -> Anchor {
    Anchor::After(RowPosition { changed_at: DateTime::UNIX_EPOCH, id, amount: None })
}

/// The last of the rows before a numbered page; `None`: there are not so many. Walks them: cursors are for long lists.
async fn skip(app: &App, blast: BlastId, filter: &Filter, before: u32) -> Result<Option<RowPosition>, Problem> {
    let (mut anchor, mut left, mut last) = (Anchor::Start, before, None);
    while left > 0 {
        let rows = app.recipients(&query(blast, filter.clone(), anchor, left.min(1_000))).await?;
        let Some(row) = rows.last() else { return Ok(None) };
        last = Some(row.place());
        anchor = Anchor::After(row.place());
        left = left.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
    }
    Ok(last)
}

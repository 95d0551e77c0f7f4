//! People who are not to be messaged: the list, who is added to it, and who may be messaged again.

use axum::extract::{Request, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::super::HttpState;
use super::super::body::{drain, read};
use super::super::openapi::{Operation, Routes};
use super::super::problem::{FieldError, Problem};
use super::authentication::{ApiReader, ApiWriter};
use super::body::{JsonBody, Params, fingerprint, media_type, parse_object, unsupported};
use super::customers::number;
use super::once::{Answer, Repeatable, once};
use super::page;
use crate::app::{App, OptOut, OptOutTime, SuppressionId, SuppressionQuery, SuppressionRow, unread_after};
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;
use crate::domain::text::{clean, count_of};

/// The most people that one request may contain.
const PEOPLE_MAX: usize = 10_000;
/// The longest reason, in characters.
const REASON_MAX: usize = 500;

pub(super) fn routes() -> Routes {
    Routes::of("Opt-outs")
        .get(
            "/api/suppressions",
            list,
            Operation::read("People who are not to be messaged, the newest first")
                .query::<SuppressionListParams>()
                .answer::<SuppressionList>(200, "A page"),
        )
        .post(
            "/api/suppressions",
            add,
            Operation::write("Adds people who are not to be messaged, effective now, also in running blasts")
                .details("Up to 10,000 at once, in one transaction. Rows that cannot be read are left out and named.")
                .body::<SuppressBody>()
                .body_as(
                    "text/csv",
                    "With a header line: `phone_number`, and perhaps `reason`",
                    "phone_number,reason\n60123456789,asked\n",
                )
                .answer::<AddedSuppressions>(200, "How many are new")
                .refuses(&[404]),
        )
        .delete(
            "/api/suppressions",
            remove,
            Operation::write("Allows a number again: in future blasts, and in those not over that it was taken out of")
                .body::<LiftSuppressionBody>()
                .answer::<RemovedSuppression>(200, "What holds for the number still")
                .refuses(&[404]),
        )
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct SuppressionListParams {
    /// Only this number's, in any spelling.
    #[serde(default, alias = "phoneNumber", alias = "phone")]
    phone_number: Option<String>,
    /// 1 to 1,000 a page, usually 50.
    #[serde(default, deserialize_with = "page::number")]
    #[param(minimum = 1, maximum = 1_000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct SuppressionList {
    suppressions: Vec<SuppressionAnswer>,
    #[schema(example = 50)]
    limit: u32,
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suppression)]
struct SuppressionAnswer {
    /// `*`: it holds for every business.
    #[schema(example = "kedai")]
    business: String,
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    #[schema(example = "asked")]
    reason: Option<String>,
    /// `operator`, `person` or `provider`.
    #[schema(example = "operator")]
    source: String,
    #[schema(example = "shop")]
    created_by: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<SuppressionRow> for SuppressionAnswer {
    fn from(row: SuppressionRow) -> Self {
        let SuppressionRow { business, phone_number, reason, source, created_by, created_at } = row;
        Self { business, phone_number, reason, source, created_by, created_at }
    }
}

async fn list(ApiReader(caller): ApiReader, Params(asked): Params<SuppressionListParams>) -> Result<Answer, Problem> {
    let app = caller.app();
    let limit = page::limit(asked.limit)?;
    let cursor = asked.cursor.as_deref().filter(|cursor| !cursor.is_empty());
    let before = cursor.map(page::read_cursor).transpose()?.map(|[id]| SuppressionId(id));
    let phone = asked.phone_number.as_deref().map(|text| number(&app, "phone_number", text)).transpose()?;
    let rows = app.suppressions_page(SuppressionQuery { before, phone, limit }).await?;
    let last = rows.last().filter(|_| rows.len() == limit as usize);
    let next_cursor = last.map(|(id, _)| page::write_cursor(&[id.0]));
    let suppressions = rows.into_iter().map(|(_, row)| row.into()).collect();
    Ok(Answer::ok(SuppressionList { suppressions, limit, next_cursor }))
}

/// One number, or several.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AddSuppressions)]
struct SuppressBody {
    #[serde(alias = "phoneNumber", alias = "phone")]
    #[schema(example = "60123456789")]
    phone_number: Option<String>,
    #[serde(alias = "phoneNumbers")]
    #[schema(value_type = Vec<String>, max_items = 10000, example = json!([]))]
    phone_numbers: Vec<Value>,
    /// Absent: every business, or that of the token's only sender.
    #[schema(example = "kedai")]
    business: Option<String>,
    #[schema(example = "asked", max_length = 500)]
    reason: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AddedSuppressions {
    #[schema(example = "kedai")]
    business: String,
    /// Were not suppressed before.
    #[schema(example = 1)]
    added: u64,
    #[schema(example = 0)]
    already: u64,
    #[schema(example = 0)]
    rejected: u64,
    /// The first of those that could not be read.
    rejected_rows: Vec<RejectedNumber>,
    /// What the operator must mend, or this machine sends nothing.
    #[schema(example = json!(null))]
    warning: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RejectedNumber {
    /// From 1.
    #[schema(example = 3)]
    row: usize,
    #[schema(example = "n/a")]
    value: String,
    #[schema(example = "not a phone number")]
    reason: String,
}

/// What a list came to.
#[derive(Default)]
struct Numbers {
    good: Vec<OptOut>,
    rejected: u64,
    examples: Vec<RejectedNumber>,
    /// Where they stand in the request.
    field: &'static str,
}

/// So many rejected rows are named, and so much of each value.
const EXAMPLES_MAX: usize = 100;
const VALUE_MAX: usize = 200;

impl Numbers {
    fn of(field: &'static str) -> Self {
        Self { field, ..Self::default() }
    }

    /// A list of which nothing can be used does nothing.
    fn refuse_nobody(&self) -> Result<(), Problem> {
        if !self.good.is_empty() {
            return Ok(());
        }
        if self.rejected == 0 {
            let detail = "missing: write a number, or several as phone_numbers";
            return Err(Problem::field("phone_number", detail));
        }
        let wrong = self.examples.iter().map(|number| {
            let detail = format!("`{}`: {}", number.value, number.reason);
            FieldError { row: Some(number.row as u64), ..FieldError::new(self.field, detail) }
        });
        let detail = format!("none of {} can be used: nothing was done", count_of(self.rejected, "row", "rows"));
        Err(Problem::fields(wrong.collect()).with_detail(detail))
    }

    fn push(&mut self, app: &App, (row, text): (usize, &str), reason: Option<String>) {
        match Phone::parse(text, app.own_region()) {
            Ok(phone) => self.good.push(OptOut { phone, reason }),
            Err(error) => {
                self.rejected += 1;
                if self.examples.len() < EXAMPLES_MAX {
                    let value = clean(text).chars().take(VALUE_MAX).collect();
                    self.examples.push(RejectedNumber { row, value, reason: error.to_string() });
                }
            }
        }
    }
}

async fn add(
    State(state): State<HttpState>,
    ApiWriter(caller): ApiWriter,
    request: Request,
) -> Result<Response, Response> {
    let (parts, body) = request.into_parts();
    let is_csv = match media_type(&parts.headers).as_str() {
        "application/json" => false,
        "text/csv" | "application/csv" => true,
        _ => {
            drain(&state.bodies, body);
            return Err(unsupported("application/json or text/csv").into());
        }
    };
    let body = read(&state.bodies, &parts, body).await?;
    let fingerprint = fingerprint(&parts, &Sha256::digest(&body.bytes));
    let app = caller.app();
    let (numbers, business) = if is_csv { (from_csv(&app, &body.bytes)?, None) } else { from_json(&app, &body.bytes)? };
    numbers.refuse_nobody()?;
    let request = Repeatable { headers: &parts.headers, fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        let Numbers { good, rejected, examples, .. } = numbers;
        let when = if is_csv { OptOutTime::Earlier } else { OptOutTime::Now };
        let done = app.suppress_all(business.as_deref(), good, when).await?;
        Ok(Answer::ok(AddedSuppressions {
            business: done.business,
            added: done.added,
            already: done.already,
            rejected,
            rejected_rows: examples,
            warning: done.unremembered,
        }))
    })
    .await
    .map_err(Response::from)
}

fn from_json(app: &App, bytes: &[u8]) -> Result<(Numbers, Option<String>), Problem> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    let SuppressBody { phone_number, phone_numbers, business, reason } = parse_object(bytes)?;
    let reason = reason.as_deref().map(read_reason).transpose()?;
    let mut numbers = Numbers::of("phone_numbers");
    if let Some(text) = phone_number {
        let phone = number(app, "phone_number", &text)?;
        numbers.good.push(OptOut { phone, reason: reason.clone() });
    }
    refuse_more_than_fit(phone_numbers.len(), "phone_numbers")?;
    for (at, value) in phone_numbers.iter().enumerate() {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        numbers.push(app, (at + 1, &text), reason.clone());
    }
    Ok((numbers, business))
}

fn read_reason(text: &str) -> Result<String, Problem> {
    let text = clean(text).trim().to_owned();
    let fits = text.chars().count() <= REASON_MAX;
    fits.then_some(text).ok_or_else(|| Problem::field("reason", format!("write at most {REASON_MAX} characters")))
}

fn refuse_more_than_fit(rows: usize, field: &str) -> Result<(), Problem> {
    let detail = format!("at most {PEOPLE_MAX} at once: send them in parts");
    if rows > PEOPLE_MAX { Err(Problem::field(field, detail)) } else { Ok(()) }
}

/// A list with a header line, which names the columns of the numbers and of the reasons.
fn from_csv(app: &App, bytes: &[u8]) -> Result<Numbers, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rows = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let unreadable = |error: &csv::Error| Problem::field("body", format!("it cannot be read as CSV: {error}"));
    let header = rows.byte_headers().map_err(|error| unreadable(&error))?.clone();
    let column = |names: &[&str]| {
        header.iter().position(|cell| names.iter().any(|name| cell.eq_ignore_ascii_case(name.as_bytes())))
    };
    let phones = column(&["phone_number", "phoneNumber", "phone", "number"]);
    let phones =
        phones.ok_or_else(|| Problem::field("phone_number", "missing: the first line names no such column"))?;
    let reasons = column(&["reason"]);
    let mut numbers = Numbers::of("phone_number");
    for (at, row) in rows.byte_records().enumerate() {
        refuse_more_than_fit(at + 1, "body")?;
        let row = row.map_err(|error| unreadable(&error))?;
        let cell = |column: usize| crate::app::text_of_cell(row.get(column).unwrap_or_default()).into_owned();
        let reason = reasons.map(cell).filter(|reason| !reason.is_empty());
        let reason = reason.as_deref().map(read_reason).transpose()?;
        numbers.push(app, (at + 2, &cell(phones)), reason);
    }
    Ok(numbers)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RemoveSuppression)]
struct LiftSuppressionBody {
    #[serde(alias = "phoneNumber", alias = "phone")]
    #[schema(example = "60123456789")]
    phone_number: String,
    /// Absent: the opt-out from every business, or from that of the token's only sender.
    #[serde(default)]
    #[schema(example = "kedai")]
    business: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RemovedSuppression {
    #[schema(value_type = String, example = "+60123456789")]
    phone_number: Phone,
    #[schema(example = "kedai")]
    business: String,
    #[schema(example = true)]
    removed: bool,
    /// The businesses that it is suppressed for still.
    #[schema(example = json!([]))]
    still_for: Vec<String>,
    /// The blasts that are not over in which they are queued again.
    #[schema(value_type = Vec<i64>, example = json!([7]))]
    queued_in: Vec<BlastId>,
    /// The blasts that are not over in which they are left out still: the number of people was confirmed without them, or something else
    /// suppresses them.
    #[schema(value_type = Vec<i64>, example = json!([]))]
    left_out_of: Vec<BlastId>,
    /// The blasts that are over without them: a new blast reaches them.
    #[schema(value_type = Vec<i64>, example = json!([]))]
    over: Vec<BlastId>,
}

async fn remove(ApiWriter(caller): ApiWriter, body: JsonBody<LiftSuppressionBody>) -> Result<Response, Problem> {
    let phone = number(&caller.app(), "phone_number", &body.value.phone_number)?;
    let request = Repeatable { headers: &body.headers, fingerprint: body.fingerprint, blast: None };
    once(&caller, request, async |app: App| {
        let business = app.own_business(body.value.business.as_deref()).await?;
        let Some(back) = app.unsuppress(&business, &phone).await? else {
            let others = app.suppressed_for(&phone).await?.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>();
            let but = match others.join(", ") {
                none if none.is_empty() => none,
                every if app.only_sender().is_some() => {
                    format!(", but for {every}: a token of one sender does not lift that")
                }
                others => format!(", but for {others}: name it as `business`"),
            };
            return Err(Problem::not_found(format!("{phone} is not suppressed for `{business}`{but}")));
        };
        let still_for = app.suppressed_for(&phone).await;
        Ok(Answer::ok(RemovedSuppression {
            still_for: still_for
                .map_err(unread_after(format!("{phone} is not suppressed for `{business}` any more")))?,
            phone_number: phone.clone(),
            business,
            removed: true,
            queued_in: back.queued().collect(),
            left_out_of: back.left_out().collect(),
            over: back.over().collect(),
        }))
    })
    .await
}

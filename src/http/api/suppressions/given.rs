//! Whom a request adds: numbers as JSON or as CSV, the business that they opt out of, and what is wrong with those that cannot be used.

use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::super::problem::{FieldError, Problem};
use super::super::body::{FieldNames, media_type, params, parse_object, unsupported};
use super::super::customers::number;
use crate::app::{App, OptOut, OptOutAnswers, OptOutTime, Reason};
use crate::domain::list_columns::names_business;
use crate::domain::phone::Phone;
use crate::domain::text::{clean, count_of};

/// The most people that one request may contain.
const PEOPLE_MAX: usize = 10_000;
/// The longest reason, in characters.
const REASON_MAX: usize = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AddSuppressionsParams {
    /// Of a list as `text/csv`; JSON names it in the body. Absent: every business, or that of the token's only sender.
    #[serde(default)]
    business: Option<String>,
}

/// One number, or several.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = AddSuppressions)]
pub(super) struct SuppressBody {
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
pub(super) struct RejectedNumber {
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
pub(super) struct Numbers {
    pub(super) good: Vec<OptOut>,
    pub(super) rejected: u64,
    pub(super) examples: Vec<RejectedNumber>,
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
    pub(super) fn refuse_nobody(&self) -> Result<(), Problem> {
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
            Err(error) => self.reject((row, text), error.to_string()),
        }
    }

    fn reject(&mut self, (row, text): (usize, &str), reason: String) {
        self.rejected += 1;
        if self.examples.len() < EXAMPLES_MAX {
            let value = clean(text).chars().take(VALUE_MAX).collect();
            self.examples.push(RejectedNumber { row, value, reason });
        }
    }
}

/// Which form people come in.
pub(super) enum SuppressForm {
    Json,
    /// With the business that the query names.
    Csv(Option<String>),
}

/// The form that the headers of a request say, once nothing in its query is left unread.
pub(super) fn suppress_form(parts: &Parts) -> Result<SuppressForm, Problem> {
    let AddSuppressionsParams { business } = params(&parts.uri)?;
    match media_type(&parts.headers).as_str() {
        "text/csv" | "application/csv" => Ok(SuppressForm::Csv(business)),
        "application/json" if business.is_some() => {
            Err(Problem::field("business", "write it in the body: in the query it is that of a list as text/csv"))
        }
        "application/json" => Ok(SuppressForm::Json),
        _ => Err(unsupported("application/json or text/csv")),
    }
}

/// One number, or a list of them, with their business: they opt out now.
pub(super) fn from_json(app: &App, bytes: &[u8]) -> Result<(Numbers, Option<String>, OptOutTime), Problem> {
    let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    let SuppressBody { phone_number, phone_numbers, business, reason } = parse_object(bytes, FieldNames::SnakeCase)?;
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
    Ok((numbers, business, OptOutTime::Now))
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
pub(super) fn from_csv(app: &App, bytes: &[u8]) -> Result<Numbers, Problem> {
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
    // It would hold for every business, whatever its rows say.
    if header.iter().any(|cell| names_business(&String::from_utf8_lossy(cell))) {
        return Err(Problem::field(
            "business",
            "a column does not name it: write `?business=` in the query, and leave the column out",
        ));
    }
    let (reasons, answers) = (column(&["reason"]), OptOutAnswers::of_header(header.iter()));
    let mut numbers = Numbers::of("phone_number");
    for (at, row) in rows.byte_records().enumerate() {
        refuse_more_than_fit(at + 1, "body")?;
        let row = row.map_err(|error| unreadable(&error))?;
        let cell = |column: usize| crate::app::text_of_cell(row.get(column).unwrap_or_default()).into_owned();
        let reason = reasons.map(cell).filter(|reason| !reason.is_empty());
        let reason = reason.as_deref().map(read_reason).transpose()?;
        if answers.denies(row.iter()) {
            numbers.reject((at + 2, &cell(phones)), Reason::NotOptedOut.to_string());
            continue;
        }
        numbers.push(app, (at + 2, &cell(phones)), reason);
    }
    Ok(numbers)
}

//! What is done to a person, as a request says it.

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::super::openapi::schemas;
use super::super::super::problem::Problem;
use crate::app::view::RecipientRow;
use crate::domain::amount;
use crate::domain::recipient::Mark;
use crate::domain::status::Status;

/// What is said of a person. `undo` takes the newest mark back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MarkBody {
    /// `replied`, `closed`, `opted_out`, or `undo` alone.
    #[serde(default)]
    #[schema(example = "closed")]
    status: Option<String>,
    /// Of a sale: a text, or a number.
    #[serde(default)]
    #[schema(schema_with = schemas::amount)]
    amount: Option<Value>,
    #[serde(default)]
    #[schema(example = "paid")]
    note: Option<String>,
}

/// What is done to a person: marks one after the other, or the newest one undone.
pub(super) enum PersonAct {
    Marks(Vec<Mark>),
    Undo,
}

impl PersonAct {
    /// Without a mark or a note that says what is known already, where the other is news: that is written all the same.
    pub(super) fn without_known(self, row: &RecipientRow) -> Self {
        let is_known = |mark: &Mark| match mark {
            Mark::Replied => row.status == Status::Replied,
            Mark::Closed(amount) => row.status == Status::Closed && (amount.is_none() || *amount == row.amount),
            Mark::OptOut => row.status == Status::OptedOut,
            Mark::Note(note) => row.note.as_deref() == Some(note),
            _ => false,
        };
        match self {
            Self::Marks(mut marks) if !marks.iter().all(is_known) => {
                marks.retain(|mark| !is_known(mark));
                Self::Marks(marks)
            }
            other => other,
        }
    }
}

impl MarkBody {
    pub(super) fn read(&self, currency: &str) -> Result<PersonAct, Problem> {
        let amount = self.amount.as_ref().map(|amount| read_amount(amount, currency)).transpose()?;
        let mut marks = match self.status.as_deref() {
            None => Vec::new(),
            Some("replied" | "responded" | "REPLIED") => vec![Mark::Replied],
            Some("closed" | "CLOSED") => vec![Mark::Closed(amount)],
            Some("opted_out" | "opt_out" | "opt-out") => vec![Mark::OptOut],
            Some("undo") if self.note.is_none() && amount.is_none() => return Ok(PersonAct::Undo),
            Some(other) => {
                let detail = format!("`{other}` is not a mark: send replied, closed or opted_out, or undo on its own");
                return Err(Problem::field("status", detail));
            }
        };
        if amount.is_some() && self.status.as_deref().is_none_or(|status| !status.eq_ignore_ascii_case("closed")) {
            return Err(Problem::field("amount", "an amount belongs to status closed"));
        }
        marks.extend(self.note.clone().map(Mark::Note));
        if marks.is_empty() {
            return Err(Problem::field("status", "missing: write replied, closed, opted_out or undo, or a note"));
        }
        Ok(PersonAct::Marks(marks))
    }
}

fn read_amount(value: &Value, currency: &str) -> Result<Decimal, Problem> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Problem::field("amount", "write it as \"120.50\"")),
    };
    amount::parse(&text, currency).map_err(|error| Problem::field("amount", error.to_string()))
}

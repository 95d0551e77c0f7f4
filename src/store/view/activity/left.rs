//! What undone acts left their people at.

use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::Row;

use crate::domain::status::Status;

/// How somebody stood once an act on them was taken back, whatever became of them since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftByUndo {
    pub status: Status,
    /// Of somebody who was closed still, what they bought, where that is known.
    pub amount: Option<Decimal>,
}

/// Of the act of a row; `None` also of one that was logged before this was.
pub(super) fn left(row: &sqlx::postgres::PgRow) -> Result<Option<LeftByUndo>, sqlx::Error> {
    let left: Option<Value> = row.try_get("left_by_undo")?;
    let text = |key: &str| left.as_ref()?.get(key)?.as_str();
    let amount = text("amount").and_then(|amount| amount.parse().ok());
    Ok(text("status").and_then(Status::from_word).map(|status| LeftByUndo { status, amount }))
}

//! Orders that a mark takes the place of.

use sqlx::PgConnection;

use crate::app::AppError;
use crate::domain::ids::OrderId;
use crate::domain::recipient::Mark;
use crate::store::person::PersonRow;
use crate::store::{action, order};

/// The orders that count for somebody, as far as a mark may replace them. Every trip to a far database is waited for.
pub(super) async fn counting_before(
    tx: &mut PgConnection,
    person: &PersonRow,
    mark: &Mark,
) -> Result<Vec<OrderId>, AppError> {
    if !matches!(mark, Mark::Closed(_)) || person.recipient.closed_at.is_none() {
        return Ok(Vec::new());
    }
    Ok(order::counting(tx, person.id).await?)
}

/// Whether an amount is typed where the newest sale is an order's: nobody else's word is lost by it.
pub(super) async fn replaces_order(tx: &mut PgConnection, person: &PersonRow, mark: &Mark) -> Result<bool, AppError> {
    if !matches!(mark, Mark::Closed(Some(_))) {
        return Ok(false);
    }
    let newest = action::newest_close(tx, person.id).await?;
    Ok(newest.is_some_and(|newest| newest.detail.get("order").is_some()))
}

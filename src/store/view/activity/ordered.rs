//! The orders that acts are about.

use std::fmt;

use rust_decimal::Decimal;
use sqlx::Row;

use crate::domain::amount::in_currency;
use crate::domain::ids::OrderId;
use crate::domain::order::OrderState;

/// An order that something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityOrder {
    pub id: OrderId,
    /// What it came to then, behind the act. `None` where it could not be added up.
    pub total: Option<Decimal>,
    pub currency: Option<String>,
    /// The state that it was taken to; `None` where something else happened to it.
    pub state: Option<OrderState>,
}

impl fmt::Display for ActivityOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total.map(|total| in_currency(total, self.currency.as_deref().unwrap_or_default()));
        write!(f, "order {}{}", self.id, total.map_or_else(String::new, |total| format!(", {total}")))
    }
}

/// The order of an act.
pub(super) fn order(row: &sqlx::postgres::PgRow) -> Result<Option<ActivityOrder>, sqlx::Error> {
    let id: Option<OrderId> = row.try_get("order_id")?;
    let (total, currency) = (row.try_get("total")?, row.try_get("currency")?);
    let state: Option<String> = row.try_get("order_state")?;
    let state = state.as_deref().and_then(OrderState::from_word);
    Ok(id.map(|id| ActivityOrder { id, total, currency, state }))
}

//! Orders that go with the act that they closed somebody by.

use serde_json::Value;
use sqlx::PgConnection;

use super::Undo;
use super::sentences::command_line;
use crate::app::{App, AppError};
use crate::domain::ids::{ActionId, OrderId, RecipientId};
use crate::domain::order::OrderState;
use crate::domain::recipient::Undone;
use crate::store::action::LoggedAction;
use crate::store::{cart, order};

/// `; order 4 is cancelled`, or that it no longer counts where the act that it closed somebody by is taken back.
pub(super) async fn in_words(
    tx: &mut PgConnection,
    undos: &[Undo],
    cancelled: Option<OrderId>,
) -> Result<String, AppError> {
    if let Some(id) = cancelled {
        return Ok(format!("; order {id} is cancelled"));
    }
    let closes = undos.iter().filter(|undo| matches!(undo.undone, Undone::Closed(_)));
    let (people, acts): (Vec<RecipientId>, Vec<ActionId>) = closes.map(|undo| (undo.person.id, undo.act.id)).unzip();
    let orders = if acts.is_empty() { Vec::new() } else { order::of_acts(tx, &people, &acts).await? };
    Ok(match orders[..] {
        [] => String::new(),
        [one] => format!("; order {one} no longer counts"),
        ref several => format!("; {} orders count no more", several.len()),
    })
}

/// What does the same on the command line: first to the people, then to the order.
pub(super) fn command_lines(undos: &[Undo], cancelled: Option<OrderId>) -> Vec<String> {
    let of_order = cancelled.map(|order| format!("blastdeck order cancel {order} --yes"));
    undos.iter().map(|undo| command_line(&undo.person)).chain(of_order).collect()
}

impl App {
    /// Cancels the order that an operator's own newest act closed somebody by. One that went on meanwhile is not cancelled by a key that asks nothing.
    pub(super) async fn cancel_order_of(
        &self,
        tx: &mut PgConnection,
        act: &LoggedAction,
    ) -> Result<Option<OrderId>, AppError> {
        let Some(id) = act.detail.get("order").and_then(Value::as_i64).map(OrderId) else { return Ok(None) };
        let Some(held) = order::lock(tx, id).await? else { return Ok(None) };
        match held.state {
            OrderState::New => {
                order::set_state(tx, id, OrderState::Cancelled, self.operator()).await?;
                cart::reopen(tx, id, self.operator()).await?;
                Ok(Some(id))
            }
            // Whoever cancelled it took its act back, which is noticed below.
            OrderState::Cancelled => Ok(None),
            state => Err(AppError::Refused(format!(
                "order {id} is {state} by now: `blastdeck order cancel {id}`, or ⟨X⟩ on their page, cancels it"
            ))),
        }
    }
}

//! Editing the items of an order: what it was before is kept, and revenue follows.

use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgConnection;

use super::WrittenOrder;
use super::items::ItemsEdit;
use super::pricing::Unpriced;
use crate::app::{App, AppError, unread_after};
use crate::domain::amount::BELOW;
use crate::domain::ids::{ActionId, BlastId, OrderId, RecipientId};
use crate::domain::order::{OrderState, OrderTotal, OrderedItem, Uncounted};
use crate::domain::recipient::{Evidence, Undone};
use crate::store::action;
use crate::store::evidence::record_locked;
use crate::store::order::edit::{self, NewContent};
use crate::store::order::items::{self, HeldItem, ItemsOf};
use crate::store::order::{self, LockedOrder};

impl App {
    /// Writes other items into an order that is not cancelled. What it counts in revenue becomes what it comes to now, unless it was
    /// taken back or an operator typed an amount after it.
    pub async fn edit_order(&self, id: OrderId, change: &ItemsEdit) -> Result<WrittenOrder, AppError> {
        let order = self.order(id).await?;
        let (mut tx, held) = self.begin_about_order(&order).await?;
        if held.state == OrderState::Cancelled {
            return Err(AppError::Refused(self.cancelled(&mut tx, &order).await?));
        }
        let now = items::of(&mut tx, ItemsOf::Order(id)).await?;
        let wanted = change.applied_to(&now, ItemsOf::Order(id))?;
        let priced = self.priced(&mut tx, held.sender_id, &wanted, Unpriced::Refused).await?;
        // Changes leave items in it that nobody could read.
        let unreadable = if matches!(change, ItemsEdit::Whole(_)) { 0 } else { held.unreadable };
        if unreadable == held.unreadable && are_same(&now, &priced.items) {
            tx.rollback().await?;
            return Ok(WrittenOrder { order, sold_out: priced.sold_out });
        }
        let blast = self.write_content(&mut tx, (id, &held), (&priced.items, unreadable)).await?;
        let total = OrderTotal::of(&priced.items).ok().map(|total| total.sum.to_string());
        self.log_order_act(&mut tx, &order, json!({ "order": id, "total": total })).await?;
        tx.commit().await?;
        if let Some(blast) = blast {
            self.notify(blast).await;
        }
        let order = self.order(id).await.map_err(unread_after(format!("order {id} is changed")))?;
        Ok(WrittenOrder { order, sold_out: priced.sold_out })
    }

    /// The blast of whom it changed.
    async fn write_content(
        &self,
        tx: &mut PgConnection,
        (id, held): (OrderId, &LockedOrder),
        (items, unreadable): (&[OrderedItem], i32),
    ) -> Result<Option<BlastId>, AppError> {
        let total = if unreadable > 0 { Err(Uncounted::Unreadable) } else { OrderTotal::of(items) };
        let revenue = total.clone().and_then(|total| total.revenue(&self.config().ui.currency));
        let content = NewContent {
            items,
            sender: held.sender_id,
            total: total.as_ref().ok(),
            unreadable,
            // Without an act it never counted: the reason for that stays.
            uncounted: held.action_id.map(|_| revenue.as_ref().err().map(ToString::to_string)),
            by: self.operator(),
        };
        edit::write(&mut *tx, id, &content).await?;
        match (held.action_id, held.recipient_id) {
            (Some(action), Some(recipient)) => {
                let counted = revenue.ok();
                self.count_anew(tx, (id, action, recipient), counted).await
            }
            _ => Ok(None),
        }
    }

    /// Counts an order with another amount, where its act stands.
    async fn count_anew(
        &self,
        tx: &mut PgConnection,
        (id, action, recipient): (OrderId, ActionId, RecipientId),
        counted: Option<Decimal>,
    ) -> Result<Option<BlastId>, AppError> {
        let probe = Evidence::Undo(Undone::Closed(None));
        let person = self.hold_all(tx, &[(recipient, probe)]).await?.pop();
        order::count(&mut *tx, id, action, counted).await?;
        let Some(person) = person else { return Ok(None) };
        if !action::stands(&mut *tx, action).await? {
            return Ok(None);
        }
        let sale = action::sales_without(&mut *tx, &[recipient], &[]).await?.remove(&recipient);
        if sale.and_then(|sale| sale.amount).is_some_and(|amount| amount >= Decimal::from(BELOW)) {
            return Err(AppError::Refused("their amount would be too large to be counted: nothing changed".to_owned()));
        }
        let entry = self.manual(&person, Evidence::Undo(Undone::Closed(sale)));
        record_locked(&mut *tx, &[entry], std::slice::from_ref(&person), &self.engine().settings.retry).await?;
        Ok(Some(person.blast_id))
    }
}

/// Whether an order or cart has these items already: an edit that changes nothing is none.
pub(in crate::app) fn are_same(now: &[HeldItem], items: &[OrderedItem]) -> bool {
    let is_same = |(held, item): (&HeldItem, &OrderedItem)| {
        let row = &held.row;
        let kept = item.kept.as_ref().map(|kept| (kept.product_id, kept.variant_id));
        let number = |text: &str| text.parse::<Decimal>().ok();
        row.sku == item.sku
            && number(&row.quantity) == Some(item.quantity)
            && row.price.as_deref().and_then(number) == item.price
            && row.currency == item.currency
            && kept == Some((row.product_id, row.variant_id))
    };
    now.len() == items.len() && now.iter().zip(items).all(is_same)
}

//! What people order by message: kept with its items, and counted with the person whose message it answers.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::domain::act::{Act, Actor};
use crate::domain::amount::in_currency;
use crate::domain::order::{OrderTotal, OrderedItem, Uncounted};
use crate::domain::recipient::{Evidence, Mark, StampedEvidence};
use crate::provider::meta::webhook::InboundOrder;
use crate::store::StoreError;
use crate::store::action::{self, NewAction, Operator};
use crate::store::evidence::{EntryOutcome, EvidenceEntry};
use crate::store::order::{self, NewOrder};
use crate::store::reply::NewReply;

/// So many items are named where an order is one line.
const NAMED_ITEMS: usize = 3;

/// An order as it was read, with what it comes to.
pub(super) struct OrderNews {
    catalogue: Option<String>,
    note: Option<String>,
    items: Vec<OrderedItem>,
    unreadable: usize,
    raw: Value,
    total: Result<OrderTotal, Uncounted>,
    /// By its message's own time, however far ahead.
    dated: Option<DateTime<Utc>>,
}

impl From<InboundOrder> for OrderNews {
    fn from(order: InboundOrder) -> Self {
        let item = |item: crate::provider::meta::webhook::OrderItem| OrderedItem {
            sku: item.product_retailer_id,
            catalogue: None,
            kept: None,
            quantity: item.quantity,
            price: item.price,
            currency: item.currency,
        };
        let items: Vec<_> = order.items.into_iter().map(item).collect();
        let total = if order.unreadable > 0 { Err(Uncounted::Unreadable) } else { OrderTotal::of(&items) };
        let note = order.text.filter(|text| !text.trim().is_empty());
        Self {
            catalogue: order.catalog_id,
            note,
            items,
            unreadable: order.unreadable,
            raw: order.raw,
            total,
            dated: order.dated,
        }
    }
}

impl OrderNews {
    /// For people: `(order) 2 × teh-tarik, RM 5.00: no sugar`.
    pub(super) fn words(&self) -> String {
        let mut parts: Vec<String> = self
            .items
            .iter()
            .take(NAMED_ITEMS)
            .map(|item| format!("{} × {}", item.quantity.normalize(), item.sku))
            .collect();
        if let more @ 1.. = self.items.len().saturating_sub(NAMED_ITEMS) {
            parts.push(format!("{more} more"));
        }
        parts.extend(self.total.as_ref().ok().map(|total| in_currency(total.sum, &total.currency)));
        let note = self.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        format!("(order) {}{note}", parts.join(", "))
    }

    /// Whether somebody bought by it. An order of nothing, or of what nobody can have, waits for an operator.
    pub(super) const fn is_purchase(&self) -> bool {
        !matches!(self.total, Err(Uncounted::Empty | Uncounted::Impossible(_)))
    }

    /// How much of it counts in revenue.
    fn revenue(&self, currency: &str) -> Result<Decimal, Uncounted> {
        self.total.as_ref().map_err(Clone::clone)?.revenue(currency)
    }

    /// The evidence beside the reply: that its person bought.
    pub(super) fn entry(&self, reply: &EvidenceEntry, currency: &str) -> EvidenceEntry {
        let evidence = Evidence::Manual(Mark::Ordered(self.revenue(currency).ok()));
        let stamped = StampedEvidence { evidence, ..reply.stamped };
        EvidenceEntry {
            metadata: Some(json!({ "order": true })),
            ..EvidenceEntry::new(reply.blast, reply.recipient, stamped, reply.source)
        }
    }
}

/// Keeps an order. `settled`: what became of its person; `None` where it answers nobody's message.
pub(super) async fn keep(
    tx: &mut PgConnection,
    (news, reply, currency): (&OrderNews, &NewReply<'_>, &str),
    settled: Option<&EntryOutcome>,
) -> Result<(), StoreError> {
    let revenue = news.revenue(currency);
    let uncounted = match (settled, &revenue) {
        (Some(EntryOutcome::Changed { .. } | EntryOutcome::Nothing), Ok(_)) => None,
        (Some(EntryOutcome::Changed { .. } | EntryOutcome::Nothing), Err(why)) => Some(why.to_string()),
        (Some(EntryOutcome::Refused(why)), _) => Some(why.clone()),
        (Some(EntryOutcome::Gone | EntryOutcome::Locked), _) => Some(Uncounted::PersonGone.to_string()),
        (None, _) => Some("it answers no blast that is known".to_owned()),
    };
    let id = order::insert(&mut *tx, &new_order(news, reply, uncounted)).await?;
    let is_closed = news.is_purchase() && matches!(settled, Some(EntryOutcome::Changed { .. } | EntryOutcome::Nothing));
    if let Some(message) = reply.answers.filter(|_| is_closed) {
        let amount = revenue.ok();
        let act = NewAction {
            operator: Operator::named(Actor::ENGINE),
            action: Act::Closed,
            blast: Some(message.blast_id),
            recipient: Some(message.recipient_id),
            phone: reply.phone,
            detail: json!({ "amount": amount.map(|amount| amount.to_string()), "order": id }),
        };
        let action = action::log(&mut *tx, act).await?;
        order::count(tx, id, action, amount).await?;
    }
    Ok(())
}

fn new_order<'a>(news: &'a OrderNews, reply: &'a NewReply<'_>, uncounted: Option<String>) -> NewOrder<'a> {
    NewOrder {
        sender: reply.sender,
        answers: reply.answers,
        phone: reply.phone,
        user_id: reply.user_id,
        name: reply.name,
        catalogue: news.catalogue.as_deref(),
        note: news.note.as_deref(),
        message_id: Some(reply.message_id),
        items: &news.items,
        unreadable: news.unreadable,
        raw: Some(&news.raw),
        total: news.total.as_ref().ok(),
        uncounted,
        at: reply.at,
        dated: news.dated.filter(|dated| *dated > reply.at),
        by: None,
    }
}

#[cfg(test)]
mod tests;

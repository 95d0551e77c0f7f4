//! Orders: listed, written by operators, and taken through their states. A cancelled one takes its own amount back.

use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgConnection;

use super::marks::outcome;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::ids::{ActionId, BlastId, OrderId, RecipientId};
use crate::domain::order::{OrderState, OrderTotal, OrderedItem};
use crate::domain::recipient::{Evidence, Mark, Undone};
use crate::domain::text::clean;
use crate::store::action::{self, NewAction};
use crate::store::catalogue;
use crate::store::evidence::record_locked;
use crate::store::order::{self, LockedOrder, NewOrder, OrderQuery, OrderRow, audit::OrderDifference};
use crate::store::person::PersonRow;
use crate::store::reply::AnsweredMessage;

/// The most items of an order.
const ITEMS_MAX: usize = 500;
/// The longest text of an order, in characters.
const TEXT_MAX: usize = 1_000;

/// An order as an operator or a program writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderDraft {
    pub blast: BlastId,
    /// In any spelling.
    pub phone: String,
    pub items: Vec<NewOrderItem>,
    pub note: Option<String>,
}

/// An item of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrderItem {
    pub sku: String,
    pub quantity: Decimal,
    /// Of one; `None`: as the catalogue has it.
    pub price: Option<Decimal>,
    /// `None`: the catalogue's, else that of revenue.
    pub currency: Option<String>,
}

impl App {
    /// Orders, newest first.
    pub async fn orders(&self, query: &OrderQuery) -> Result<Vec<OrderRow>, AppError> {
        let own = OrderQuery { sender: self.only_sender().or(query.sender), ..query.clone() };
        Ok(order::list(self.pool(), &own).await?)
    }

    pub async fn order(&self, id: OrderId) -> Result<OrderRow, AppError> {
        let row = order::get(self.pool(), id).await?.ok_or_else(|| no_order(id))?;
        if self.only_sender().is_some_and(|own| own != row.sender_id) { Err(no_order(id)) } else { Ok(row) }
    }

    /// What does not add up in the orders of one blast, or in all.
    pub async fn audit_orders(&self, blast: Option<BlastId>) -> Result<Vec<OrderDifference>, AppError> {
        Ok(order::audit::differences(self.pool(), blast).await?)
    }

    /// Writes an order of somebody in a blast, which closes them. Refused where nothing can have reached them.
    pub async fn add_order(&self, draft: &OrderDraft) -> Result<OrderRow, AppError> {
        let note = draft.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        if draft.items.is_empty() || draft.items.len() > ITEMS_MAX {
            return Err(AppError::invalid("items", format!("write 1 to {ITEMS_MAX} items")));
        }
        if note.is_some_and(|note| note.chars().count() > TEXT_MAX) {
            return Err(AppError::invalid("note", format!("write at most {TEXT_MAX} characters")));
        }
        let sender = self.require_blast(draft.blast).await?;
        let recipient = self.recipient_by_phone(draft.blast, &draft.phone).await?.id;
        let mut tx = self.begin().await?;
        let items = self.priced(&mut tx, draft).await?;
        let total = OrderTotal::of(&items);
        let revenue = total.clone().and_then(|total| total.revenue(&self.config().ui.currency));
        let mark = Mark::Ordered(revenue.clone().ok());
        let person = self.hold(&mut tx, recipient, &mark).await?;
        let new = NewOrder {
            sender,
            answers: Some(message_of(&person)),
            phone: Some(person.phone_number.as_str()),
            user_id: None,
            name: person.name.as_deref(),
            catalogue: None,
            note,
            message_id: None,
            items: &items,
            unreadable: 0,
            raw: None,
            total: total.as_ref().ok(),
            uncounted: revenue.as_ref().err().map(ToString::to_string),
            at: person.read_at,
            by: Some(self.operator()),
        };
        let id = order::insert(&mut tx, &new).await?;
        self.record_order(&mut tx, &person, &mark, (id, revenue.ok())).await?;
        tx.commit().await?;
        self.notify(person.blast_id).await?;
        self.order(id).await
    }

    /// Marks the person and logs the act that counts the order. Who is closed already without an amount of the order's stays
    /// as they are.
    async fn record_order(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        mark: &Mark,
        (id, counted): (OrderId, Option<Decimal>),
    ) -> Result<(), AppError> {
        let entry = self.manual(person, Evidence::Manual(mark.clone()));
        let people = std::slice::from_ref(person);
        let settled = record_locked(&mut *tx, &[entry], people, &self.engine().settings.retry).await?;
        if settled.first() == Some(&crate::store::evidence::EntryOutcome::Nothing) {
            return Ok(());
        }
        outcome(settled.first(), person)?;
        let action = action::log(&mut *tx, self.new_action(person, mark)).await?;
        Ok(order::count(tx, id, action, counted).await?)
    }

    /// The items with the catalogue's prices where none is given.
    async fn priced(&self, tx: &mut PgConnection, draft: &OrderDraft) -> Result<Vec<OrderedItem>, AppError> {
        let skus: Vec<&str> = draft.items.iter().map(|item| item.sku.as_str()).collect();
        let known = catalogue::prices(tx, draft.blast, &skus).await?;
        let mut priced = Vec::with_capacity(draft.items.len());
        for (n, item) in draft.items.iter().enumerate() {
            let at = |field: &str| format!("items[{n}].{field}");
            let sku = item.sku.trim();
            if sku.is_empty() || sku.chars().count() > 100 || clean(sku) != sku {
                return Err(AppError::invalid(&at("sku"), "write the SKU of a product, at most 100 characters"));
            }
            if item.quantity <= Decimal::ZERO {
                return Err(AppError::invalid(
                    &at("quantity"),
                    format!("{} of {sku}: write more than 0", item.quantity),
                ));
            }
            let listed = known.iter().find(|listed| listed.sku == sku);
            let price = item.price.or_else(|| listed.and_then(|listed| listed.price)).ok_or_else(|| {
                let why = format!("no catalogue has a price of `{sku}`: write it, as {sku}*{}@12.50", item.quantity);
                AppError::invalid(&at("price"), why)
            })?;
            if price < Decimal::ZERO {
                return Err(AppError::invalid(&at("price"), format!("{price} for {sku}: a price cannot be negative")));
            }
            let own = || listed.and_then(|listed| listed.currency.clone());
            let currency = item.currency.clone().or_else(own).unwrap_or_else(|| self.config().ui.currency.clone());
            let (sku, quantity) = (sku.to_owned(), item.quantity);
            priced.push(OrderedItem { sku, quantity, price: Some(price), currency: Some(currency) });
        }
        Ok(priced)
    }

    /// Takes an order to another state. A cancelled one takes its own amount back, and its person is open again if it closed
    /// them and nothing else did since.
    pub async fn move_order(&self, id: OrderId, next: OrderState) -> Result<OrderRow, AppError> {
        self.order(id).await?;
        let mut tx = self.begin().await?;
        let held = order::lock(&mut tx, id).await?.ok_or_else(|| no_order(id))?;
        if !held.state.may_become(next) {
            return Err(AppError::Refused(refusal(id, held.state, next)));
        }
        let blast = match next {
            OrderState::Cancelled => self.take_back(&mut tx, id, &held).await?,
            _ => None,
        };
        order::set_state(&mut tx, id, next, self.operator()).await?;
        tx.commit().await?;
        if let Some(blast) = blast {
            self.notify(blast).await?;
        }
        self.order(id).await
    }

    /// Takes an order's amount back, if it still counts; the blast of whom that changed.
    async fn take_back(
        &self,
        tx: &mut PgConnection,
        id: OrderId,
        held: &LockedOrder,
    ) -> Result<Option<BlastId>, AppError> {
        let (Some(recipient), Some(action)) = (held.recipient_id, held.action_id) else { return Ok(None) };
        let probe = Evidence::Undo(Undone::Ordered { amount: held.counted, reopens: true });
        let Some(person) = self.hold_all(tx, &[(recipient, probe)]).await?.pop() else { return Ok(None) };
        let Some(closes) = order::closes(&mut *tx, action).await? else { return Ok(None) };
        let other = order::other_act(&mut *tx, recipient, id).await?;
        let undone = Undone::Ordered { amount: held.counted, reopens: closes && other.is_none() };
        let entry = self.manual(&person, Evidence::Undo(undone));
        record_locked(&mut *tx, &[entry], std::slice::from_ref(&person), &self.engine().settings.retry).await?;
        if let Some(other) = other.filter(|_| closes) {
            order::pass_on_close(&mut *tx, other).await?;
        }
        if let Some(amount) = held.counted {
            order::forget_in_later_acts(&mut *tx, (recipient, action), amount).await?;
        }
        self.log_cancel(tx, &person, (id, action)).await?;
        Ok(Some(person.blast_id))
    }

    async fn log_cancel(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        (id, action): (OrderId, ActionId),
    ) -> Result<(), AppError> {
        action::mark_undone(&mut *tx, &[action], self.operator()).await?;
        let act = NewAction {
            operator: self.operator(),
            action: Act::Undo,
            blast: Some(person.blast_id),
            recipient: Some(person.id),
            phone: Some(person.phone_number.as_str()),
            detail: json!({ "of": action, "action": Act::Closed.word(), "order": id }),
        };
        action::log(tx, act).await?;
        Ok(())
    }
}

fn message_of(person: &PersonRow) -> AnsweredMessage {
    let (blast_id, recipient_id): (BlastId, RecipientId) = (person.blast_id, person.id);
    AnsweredMessage { blast_id, recipient_id, attempt: person.recipient.attempt }
}

fn no_order(id: OrderId) -> AppError {
    AppError::NotFound(format!("there is no order {id}: `blastdeck order list` lists them"))
}

fn refusal(id: OrderId, now: OrderState, next: OrderState) -> String {
    match (now, next) {
        (OrderState::Cancelled, _) => {
            format!("order {id} is cancelled, for good: write a new one with `blastdeck order add`")
        }
        (now, next) if now == next => format!("order {id} is {now} already: nothing changed"),
        _ => format!("order {id} is {now} already: it does not become {next} again"),
    }
}

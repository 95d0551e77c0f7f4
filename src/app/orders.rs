//! Orders: listed, written by operators, and taken through their states. A cancelled one takes its own amount back.

pub(super) mod editing;
pub(super) mod items;
pub(super) mod pricing;
pub(super) mod reentry;
pub(super) mod typed;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use self::pricing::{Priced, SoldOut, Unpriced};
use self::reentry::ReentryCommand;
use super::error::unread_after;
use super::forget::FORGOTTEN_MEANWHILE;
use super::marks::{SAME_ACT, outcome};
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::forgotten::is_forgotten;
use crate::domain::ids::{ActionId, BlastId, CartId, OrderId, RecipientId, SenderId};
use crate::domain::order::{KeptProduct, OrderState, OrderTotal};
use crate::domain::recipient::{Evidence, Mark, Undone};
use crate::store::DbTransaction;
use crate::store::action::{self, NewAction};
use crate::store::cart;
use crate::store::evidence::{EntryOutcome, record_locked};
use crate::store::order::{self, LockedOrder, NewOrder, OrderQuery, OrderRow, audit::OrderDifference};
use crate::store::person::PersonRow;
use crate::store::reply::AnsweredMessage;

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
    /// What an order or cart says of it already.
    pub kept: Option<KeptProduct>,
    /// Why it cannot be used as it was given: it is refused together with the others that are wrong.
    pub unreadable: Option<ItemFault>,
}

/// What is wrong with an item before its price is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFault {
    /// Which field of it, as programs spell it; `None`: it as a whole.
    pub field: Option<&'static str>,
    pub why: String,
}

/// An order that was written.
#[derive(Debug, Clone)]
pub struct WrittenOrder {
    pub order: OrderRow,
    pub sold_out: SoldOut,
}

/// An order in another state.
#[derive(Debug, Clone, PartialEq)]
pub struct SteppedOrder {
    pub order: OrderRow,
    /// Of one that was cancelled: `; still left out of …`, where follow-ups go on without its person.
    pub left_out: String,
    /// The cart that a cancelled order was written from.
    pub reopened: Option<CartId>,
}

impl SteppedOrder {
    /// What else became of a cancel: `; cart 5 is open again; still left out of …`.
    pub fn also(&self) -> String {
        let cart = self.reopened.map(|cart| format!("; cart {cart} is open again")).unwrap_or_default();
        format!("{cart}{}", self.left_out)
    }
}

/// What becomes of a close without an amount that an order follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FreshClose {
    Stays,
    Replaced,
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

    /// What does not add up in the orders and carts of one blast, or in all.
    pub async fn audit_orders(&self, blast: Option<BlastId>) -> Result<Vec<OrderDifference>, AppError> {
        let mut differences = order::audit::differences(self.pool(), blast).await?;
        differences.extend(cart::audit::differences(self.pool(), blast).await?);
        Ok(differences)
    }

    /// Writes an order of somebody in a blast, which closes them. Refused where nothing can have reached them.
    pub async fn add_order(&self, draft: &OrderDraft) -> Result<WrittenOrder, AppError> {
        self.add_order_beside(draft, FreshClose::Stays).await
    }

    /// The same of somebody whom this operator closed a moment ago without an amount: the order takes the place of that close, and once
    /// it is cancelled they are open again.
    pub async fn add_order_in_place_of_close(&self, draft: &OrderDraft) -> Result<WrittenOrder, AppError> {
        self.add_order_beside(draft, FreshClose::Replaced).await
    }

    async fn add_order_beside(&self, draft: &OrderDraft, close: FreshClose) -> Result<WrittenOrder, AppError> {
        note(draft.note.as_deref())?;
        let sender = self.require_blast(draft.blast).await?;
        let recipient = self.recipient_by_phone(draft.blast, &draft.phone).await?.id;
        let mut tx = self.begin_about_people(&[recipient]).await?;
        let (id, sold_out) = self.write_order(&mut tx, (sender, recipient, Unpriced::Refused), draft).await?;
        if close == FreshClose::Replaced {
            action::replace_fresh_close(&mut tx, recipient, self.operator(), SAME_ACT).await?;
        }
        self.keep_written(&mut tx, id.0).await?;
        tx.commit().await?;
        self.notify(draft.blast).await;
        let order = self.order(id).await.map_err(unread_after(format!("order {id} is written")))?;
        Ok(WrittenOrder { order, sold_out })
    }

    /// The same in a transaction of the caller's; also the SKUs that the catalogue calls sold out.
    pub(super) async fn write_order(
        &self,
        tx: &mut PgConnection,
        (sender, recipient, unpriced): (SenderId, RecipientId, Unpriced),
        draft: &OrderDraft,
    ) -> Result<(OrderId, SoldOut), AppError> {
        let note = note(draft.note.as_deref())?;
        let Priced { items, sold_out } = self.priced(tx, sender, &draft.items, unpriced).await?;
        let total = OrderTotal::of(&items);
        let revenue = total.clone().and_then(|total| total.revenue(&self.config().ui.currency));
        let mark = Mark::Ordered(revenue.clone().ok());
        let person = self.hold(tx, recipient, &mark).await?;
        if is_forgotten(person.phone_number.as_str()) {
            return Err(AppError::Refused(FORGOTTEN_MEANWHILE.to_owned()));
        }
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
            dated: None,
            by: Some(self.operator()),
        };
        let id = order::insert(tx, &new).await?;
        self.record_order(tx, &person, &mark, (id, revenue.ok())).await?;
        Ok((id, sold_out))
    }

    /// Marks the person and logs the act that counts the order, also of somebody who is closed already and stays as they are.
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
        if settled.first() != Some(&EntryOutcome::Nothing) {
            outcome(settled.first(), person)?;
        }
        let action = action::log(&mut *tx, self.new_action(person, mark)).await?;
        Ok(order::count(tx, id, action, counted).await?)
    }

    /// Takes an order to another state. A cancelled one takes its own amount back, unless an operator wrote another in its
    /// place, and its person is open again if nothing else closed them.
    pub async fn step_order(&self, id: OrderId, next: OrderState) -> Result<SteppedOrder, AppError> {
        let order = self.order(id).await?;
        let (mut tx, held) = self.begin_about_order(&order).await?;
        if !held.state.may_become(next) {
            return Err(AppError::Refused(self.refusal(&mut tx, &order, (held.state, next)).await?));
        }
        let person = match next {
            OrderState::Cancelled => self.take_back(&mut tx, id, &held).await?,
            _ => None,
        };
        // Where the cancel took an amount back, that is logged.
        if person.is_none() {
            self.log_order_act(&mut tx, &order, json!({ "order": id, "state": next })).await?;
        }
        let of_answer: Vec<_> = person.iter().collect();
        let left_out = self.left_out_in_words(&mut tx, &of_answer).await?;
        order::set_state(&mut tx, id, next, self.operator()).await?;
        let reopened = match next {
            OrderState::Cancelled => cart::reopen(&mut tx, id, self.operator()).await?,
            _ => None,
        };
        tx.commit().await?;
        if let Some(person) = person {
            self.notify(person.blast_id).await;
        }
        let order = self.order(id).await.map_err(unread_after(format!("order {id} is {next}")))?;
        Ok(SteppedOrder { order, left_out, reopened })
    }

    /// Begins a transaction that writes about whoever ordered, with the order under lock: they are not forgotten until it ends.
    async fn begin_about_order(&self, order: &OrderRow) -> Result<(DbTransaction, LockedOrder), AppError> {
        let number = order.phone_number.as_deref().filter(|number| !is_forgotten(number));
        let mut tx = self.begin_about(number.as_slice()).await?;
        let held = order::lock(&mut tx, order.id).await?.ok_or_else(|| no_order(order.id))?;
        if number.is_some() && held.phone_number.as_deref().is_some_and(is_forgotten) {
            return Err(AppError::Refused(FORGOTTEN_MEANWHILE.to_owned()));
        }
        Ok((tx, held))
    }

    /// What to do in place of changing an order that is cancelled.
    async fn cancelled(&self, tx: &mut PgConnection, order: &OrderRow) -> Result<String, AppError> {
        let phone = order.phone_number.as_deref();
        let again = ReentryCommand {
            verb: "order",
            sender: order.sender_id,
            blast: order.blast_id,
            phone,
            items: &order.items,
        };
        let again = self.written_again(tx, again).await?;
        Ok(format!("order {} is cancelled, for good: write a new one with {again}", order.id))
    }

    async fn refusal(
        &self,
        tx: &mut PgConnection,
        order: &OrderRow,
        (now, next): (OrderState, OrderState),
    ) -> Result<String, AppError> {
        let id = order.id;
        Ok(match now {
            _ if now == next => format!("order {id} is {now} already: nothing changed"),
            OrderState::Cancelled => self.cancelled(tx, order).await?,
            _ => format!("order {id} is {now} already: it does not become {next} again"),
        })
    }

    /// A step or an edit is an act of its own: no older one is taken back in its place.
    async fn log_order_act(&self, tx: &mut PgConnection, order: &OrderRow, detail: Value) -> Result<(), AppError> {
        let act = NewAction {
            operator: self.acting_operator(),
            action: Act::Edit,
            blast: order.blast_id,
            recipient: order.recipient_id,
            phone: order.phone_number.as_deref(),
            detail,
        };
        action::log(tx, act).await?;
        Ok(())
    }

    /// Takes an order's amount back, if it still counts; whom that changed.
    async fn take_back(
        &self,
        tx: &mut PgConnection,
        id: OrderId,
        held: &LockedOrder,
    ) -> Result<Option<PersonRow>, AppError> {
        let (Some(recipient), Some(action)) = (held.recipient_id, held.action_id) else { return Ok(None) };
        let probe = Evidence::Undo(Undone::Closed(None));
        let Some(person) = self.hold_all(tx, &[(recipient, probe)]).await?.pop() else { return Ok(None) };
        if !action::stands(&mut *tx, action).await? {
            return Ok(None);
        }
        let left = action::sales_without(&mut *tx, &[recipient], &[action]).await?.remove(&recipient);
        let entry = self.manual(&person, Evidence::Undo(Undone::Closed(left)));
        record_locked(&mut *tx, &[entry], std::slice::from_ref(&person), &self.engine().settings.retry).await?;
        self.log_cancel(tx, &person, (id, action)).await?;
        Ok(Some(person))
    }

    async fn log_cancel(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        (id, action): (OrderId, ActionId),
    ) -> Result<(), AppError> {
        action::mark_undone(&mut *tx, &[action], self.operator()).await?;
        let act = NewAction {
            operator: self.acting_operator(),
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

/// What was said with an order or cart.
pub(super) fn note(text: Option<&str>) -> Result<Option<&str>, AppError> {
    let note = text.map(str::trim).filter(|note| !note.is_empty());
    match note {
        Some(note) if note.chars().count() > TEXT_MAX => {
            Err(AppError::invalid("note", format!("write at most {TEXT_MAX} characters")))
        }
        Some(note) if note.contains('\0') => {
            Err(AppError::invalid("note", "it has a NUL character, which the database cannot take"))
        }
        note => Ok(note),
    }
}

fn message_of(person: &PersonRow) -> AnsweredMessage {
    let (blast_id, recipient_id): (BlastId, RecipientId) = (person.blast_id, person.id);
    AnsweredMessage { blast_id, recipient_id, attempt: person.recipient.attempt }
}

fn no_order(id: OrderId) -> AppError {
    AppError::NotFound(format!("there is no order {id}: `blastdeck order list` lists them"))
}

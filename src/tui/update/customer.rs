//! The page of a customer: opening it, the steps of orders and carts, and the items that are typed for them.

mod command_lines;
mod refused;

pub use self::refused::refused;

use self::command_lines::command_line;
use super::{overlays, prompts, tagging, written as writes};
use crate::app::{CartRow, CustomerSheet, ItemsEdit, OrderDraft, OrderRow, SoldOut, SteppedOrder};
use crate::app::{all_typed, item_words, typed_change, typed_item};
use crate::domain::cart::CartState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::order::OrderState;
use crate::domain::phone::Phone;
use crate::domain::text::clean;
use crate::tui::availability;
use crate::tui::effect::{Effect, EffectError, ReadRequest, ShopAct, ShopOutcome, ShopWrite, WriteRequest};
use crate::tui::format::{brief, in_currency};
use crate::tui::key::Key;
use crate::tui::model::{
    AmountPrompt, CloseBefore, ConfirmBy, CustomerOverlay, ItemsPrompt, ItemsTarget, Model, NoUndo, Notice, Overlay,
    PricedSale, Prompt, SaleKey, SaleLine,
};
use crate::tui::widget::{EditOutcome, TextField};

/// `enter` on a person in full: the answer about an uncertain message, else the customer.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    if is_asked(model) {
        overlays::resolve(model)
    } else if overlays::answered_first(model) {
        Vec::new()
    } else {
        open(model)
    }
}

/// What that does, for the footer.
pub fn entered(model: &Model) -> &'static str {
    if is_asked(model) { "answer" } else { "customer" }
}

/// The same for `i`, where `enter` does something else.
pub fn shown_by_key(model: &Model) -> &'static str {
    let is_twice = matches!(model.overlays.last(), Some(Overlay::Details(_))) && !is_asked(model);
    if is_twice { "" } else { "customer" }
}

/// What `enter` makes of what is at the cursor.
pub fn step_word(model: &Model) -> &'static str {
    if is_cart(model) { "order it" } else { "next step" }
}

pub fn end_word(model: &Model) -> &'static str {
    if is_cart(model) { "abandon" } else { "cancel" }
}

fn is_cart(model: &Model) -> bool {
    page(model).and_then(CustomerOverlay::at_cursor).is_some_and(|sale| matches!(sale, SaleLine::Cart(_)))
}

fn is_asked(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Details(details)) if details.is_uncertain())
}

/// The customer behind the person that a key is about, who in Activity may be in no blast.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some((person, phone, name)) = known(model) else { return Vec::new() };
    let who = name.unwrap_or_else(|| phone.to_string());
    let page =
        CustomerOverlay { person, phone: phone.clone(), who, loaded: None, failure: None, chosen: None, peek: 0 };
    overlays::open(model, Overlay::Customer(page));
    vec![Effect::Read(ReadRequest::Customer(phone))]
}

type KnownCustomer = (Option<(RecipientId, BlastId)>, Phone, Option<String>);

fn known(model: &Model) -> Option<KnownCustomer> {
    if let Some(row) = model.person() {
        return Some((Some((row.id, row.blast_id)), row.phone.clone(), row.name.clone()));
    }
    let line = model.stranger()?;
    Some((None, line.phone.clone()?, line.name.clone()))
}

pub fn loaded(model: &mut Model, phone: &Phone, sheet: CustomerSheet) {
    if let Some(Overlay::Customer(page)) = model.overlays.last_mut()
        && page.phone == *phone
    {
        (page.loaded, page.failure) = (Some(Box::new(sheet)), None);
        page.chosen = page.at_cursor().map(SaleLine::key);
    }
}

/// It could not be read: the page says why in place of waiting.
pub fn unread(model: &mut Model, phone: &Phone, failure: &EffectError) {
    if let Some(Overlay::Customer(page)) = model.overlays.last_mut()
        && page.phone == *phone
    {
        page.failure = Some(failure.sentence(&model.options.keys));
    }
}

fn page(model: &Model) -> Option<&CustomerOverlay> {
    match model.overlays.last() {
        Some(Overlay::Customer(page)) => Some(page),
        _ => None,
    }
}

fn chosen(model: &Model) -> Result<SaleLine<'_>, String> {
    let page = page(model).ok_or("still reading")?;
    if page.loaded.is_none() {
        return Err(page.failure.clone().unwrap_or_else(|| "still reading".to_owned()));
    }
    let nothing = || "they have no order and no cart".to_owned();
    page.at_cursor().ok_or_else(nothing)
}

pub fn cannot_step(model: &Model) -> Option<String> {
    match chosen(model) {
        Err(why) => Some(why),
        Ok(SaleLine::Order(order)) if after(order.state).is_none() => {
            Some(format!("order {} is {}: there is no further step", order.id, order.state))
        }
        Ok(SaleLine::Cart(cart)) if cart.state != CartState::Open => {
            Some(format!("cart {} is {}", cart.id, cart.state))
        }
        Ok(_) => availability::read_only(model),
    }
}

pub fn cannot_end(model: &Model) -> Option<String> {
    match chosen(model) {
        Err(why) => Some(why),
        Ok(SaleLine::Order(order)) if !order.state.may_become(OrderState::Cancelled) => {
            Some(format!("order {} is {} already", order.id, order.state))
        }
        Ok(SaleLine::Cart(cart)) if cart.state != CartState::Open => {
            Some(format!("cart {} is {} already", cart.id, cart.state))
        }
        Ok(_) => availability::read_only(model),
    }
}

pub fn cannot_change(model: &Model) -> Option<String> {
    match chosen(model) {
        Ok(SaleLine::Order(order)) if order.state == OrderState::Cancelled => {
            Some(format!("order {} is cancelled, for good: ⟨an-order-what-they-bought⟩ writes a new one", order.id))
        }
        Ok(SaleLine::Cart(cart)) if cart.state != CartState::Open => {
            Some(format!("cart {} is {}: ⟨a-cart-what-they-mean-to-buy⟩ writes a new one", cart.id, cart.state))
        }
        Ok(_) => availability::read_only(model),
        Err(why) => Some(why),
    }
}

/// The next step of an order.
const fn after(state: OrderState) -> Option<OrderState> {
    match state {
        OrderState::New => Some(OrderState::Confirmed),
        OrderState::Confirmed => Some(OrderState::Paid),
        OrderState::Paid => Some(OrderState::Fulfilled),
        OrderState::Fulfilled | OrderState::Cancelled => None,
    }
}

/// Asks first: no key takes it back.
pub fn next_step(model: &mut Model) -> Vec<Effect> {
    let asked = match chosen(model) {
        Ok(SaleLine::Order(order)) => after(order.state).map(|next| {
            let question = format!("{}: {} -> {next}?", order_words(order), order.state);
            (question, ShopAct::MoveOrder(order.id, next))
        }),
        Ok(SaleLine::Cart(cart)) => {
            let question = format!("make an order of cart {}?{}", cart.id, unpriced_words(model, cart));
            Some((question, ShopAct::OrderCart(cart.id)))
        }
        Err(_) => None,
    };
    ask(model, asked)
}

/// What an item of a cart that has no price means for an order of it: a catalogue may have one by now.
fn unpriced_words(model: &Model, cart: &CartRow) -> String {
    let Some(item) = cart.items.iter().find(|item| item.price.is_none()) else { return String::new() };
    let key = model.options.keys.of("change-its-items");
    format!(" {} has no price in it: unless a catalogue has one by now, {key} gives it one first.", clean(&item.sku))
}

pub fn end(model: &mut Model) -> Vec<Effect> {
    let asked = match chosen(model) {
        Ok(SaleLine::Order(order)) => {
            let total = match order.counted.filter(|counted| !counted.is_zero()) {
                Some(counted) => format!("{} is taken off their total.", in_currency(counted, &model.options.currency)),
                None => "It does not count in their total, which stays.".to_owned(),
            };
            let question = format!("cancel {}, for good? {total}", order_words(order));
            Some((question, ShopAct::MoveOrder(order.id, OrderState::Cancelled)))
        }
        Ok(SaleLine::Cart(cart)) => {
            Some((format!("abandon cart {}, for good?", cart.id), ShopAct::AbandonCart(cart.id)))
        }
        Err(_) => None,
    };
    ask(model, asked)
}

fn ask(model: &mut Model, asked: Option<(String, ShopAct)>) -> Vec<Effect> {
    let Some((page, (question, act))) = page(model).zip(asked) else { return Vec::new() };
    let (person, phone, who) = (page.person.map(|(id, _)| id), page.phone.clone(), page.who.clone());
    let write = ShopWrite { person, phone, who, act, typed: None };
    prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::Shop(Box::new(write))])
}

/// `order 3, RM 12.40`.
fn order_words(order: &OrderRow) -> String {
    let total = order.total.zip(order.currency.as_ref()).map(|(total, currency)| in_currency(total, currency));
    format!("order {}{}", order.id, total.map(|total| format!(", {total}")).unwrap_or_default())
}

pub fn new_order(model: &mut Model) -> Vec<Effect> {
    let of = page(model).and_then(|page| page.person);
    type_items(model, of.map(|(_, blast)| ItemsTarget::NewOrder { blast, close: CloseBefore::None }))
}

/// Orders and carts belong to a message of a blast.
pub fn cannot_add(model: &Model) -> Option<String> {
    let why = match page(model) {
        Some(page) if page.is_forgotten() => Some("they were forgotten: nothing new is written for them"),
        Some(page) if page.person.is_none() => {
            Some("they are in no blast: orders and carts are written for somebody in one")
        }
        _ => None,
    };
    why.map(str::to_owned).or_else(|| availability::read_only(model))
}

pub fn new_cart(model: &mut Model) -> Vec<Effect> {
    let of = page(model).and_then(|page| page.person);
    type_items(model, of.map(|(_, blast)| ItemsTarget::NewCart { blast }))
}

pub fn change_items(model: &mut Model) -> Vec<Effect> {
    let of = chosen(model).ok().map(|sale| ItemsTarget::Changes(sale.key()));
    type_items(model, of)
}

/// Why nothing is written about whom the page shows.
pub(super) fn not_known(model: &Model) -> Option<String> {
    match page(model) {
        Some(page) if page.is_forgotten() => Some("they were forgotten: nothing new is written about them".to_owned()),
        Some(page) if page.loaded.is_none() => Some(page.failure.clone().unwrap_or_else(|| "still reading".to_owned())),
        _ => None,
    }
}

pub(super) fn type_items(model: &mut Model, of: Option<ItemsTarget>) -> Vec<Effect> {
    let Some((page, of)) = page(model).zip(of) else { return Vec::new() };
    let (person, phone, who) = (page.person.map(|(id, _)| id), page.phone.clone(), brief(&page.who));
    let field = TextField::default();
    model.notice = None;
    model.prompt = Some(Prompt::Items(ItemsPrompt { person, phone, who, of, field, trouble: None }));
    Vec::new()
}

/// `tab` in the field of an amount: what they bought, in place of what it came to.
pub fn items_of_sale(model: &mut Model, amount: AmountPrompt) {
    let close = if amount.sale == PricedSale::New { CloseBefore::ByKey } else { CloseBefore::None };
    let row = model.person().filter(|row| row.id == amount.person);
    let Some((blast, phone)) = row.map(|row| (row.blast_id, row.phone.clone())) else {
        model.prompt = Some(Prompt::Amount(amount));
        return;
    };
    let of = ItemsTarget::NewOrder { blast, close };
    let AmountPrompt { person, who, .. } = amount;
    let (person, field) = (Some(person), TextField::default());
    model.prompt = Some(Prompt::Items(ItemsPrompt { person, phone, who, of, field, trouble: None }));
}

pub fn items_key(model: &mut Model, mut items: ItemsPrompt, key: Key) -> Vec<Effect> {
    match key {
        Key::Esc => return Vec::new(),
        Key::Enter => match act(&items) {
            Ok(act) => {
                let (phone, who) = (items.phone.clone(), items.who.clone());
                let write = ShopWrite { person: items.person, phone, who, act, typed: Some(items) };
                return vec![Effect::Write(WriteRequest::Shop(Box::new(write)))];
            }
            Err(why) => items.trouble = Some(why),
        },
        key => match items.field.key(key) {
            EditOutcome::Changed => items.trouble = None,
            EditOutcome::NotMine => model.refuse("enter writes it, esc leaves it"),
            EditOutcome::Same => {}
        },
    }
    model.prompt = Some(Prompt::Items(items));
    Vec::new()
}

/// What the typed items say to do.
fn act(items: &ItemsPrompt) -> Result<ShopAct, String> {
    let text = items.field.text();
    let words = || item_words(&text);
    let draft = |blast| {
        let drafted = all_typed(&words()?, typed_item)?;
        Ok(OrderDraft { blast, phone: items.phone.as_str().to_owned(), items: drafted, note: None })
    };
    match &items.of {
        ItemsTarget::NewOrder { blast, close: CloseBefore::None } => draft(*blast).map(ShopAct::Order),
        ItemsTarget::NewOrder { blast, close: CloseBefore::ByKey } => draft(*blast).map(ShopAct::OrderOfClose),
        ItemsTarget::NewCart { blast } => draft(*blast).map(ShopAct::Cart),
        ItemsTarget::Changes(key) => {
            let changes = all_typed(&words()?, typed_change)?;
            let edit = ItemsEdit::Changes(changes);
            Ok(match key {
                SaleKey::Order(id) => ShopAct::EditOrder(*id, edit),
                SaleKey::Cart(id) => ShopAct::EditCart(*id, edit),
            })
        }
        ItemsTarget::Tags => tagging::typed_tags(&items.phone, &text),
        ItemsTarget::Note => tagging::typed_note(&items.phone, &text),
    }
}

/// What of these acts is not taken back by a key.
const fn no_undo(act: &ShopAct) -> Option<&'static str> {
    Some(match act {
        ShopAct::Cart(_) => "a new cart",
        ShopAct::EditOrder(..) => "a change of an order",
        ShopAct::EditCart(..) => "a change of a cart",
        ShopAct::MoveOrder(..) => "a step of an order",
        ShopAct::AbandonCart(_) => "the end of a cart",
        // The last two are acts that the key names, and says of them that they cannot be taken back.
        ShopAct::Order(_)
        | ShopAct::OrderOfClose(_)
        | ShopAct::OrderCart(_)
        | ShopAct::Tag { .. }
        | ShopAct::Note { .. } => return None,
    })
}

/// It is written: says so, and reads again what shows it.
pub fn written(model: &mut Model, request: &WriteRequest, outcome: &ShopOutcome) -> Vec<Effect> {
    let WriteRequest::Shop(write) = request else { return Vec::new() };
    let who = brief(&write.who);
    let said = |sold_out: &SoldOut| sold_out.in_words().map_or_else(String::new, |words| format!("; {words}"));
    let (sentence, key) = match outcome {
        ShopOutcome::Order(order, sold_out) => {
            let is_edited = matches!(write.act, ShopAct::EditOrder(..));
            let became = if is_edited { "from now on".to_owned() } else { format!("is {}", order.state) };
            let sentence = format!("{who}: {} {became}, by you{}", order_words(order), said(sold_out));
            (sentence, Some(SaleKey::Order(order.id)))
        }
        ShopOutcome::Stepped(stepped) => {
            let SteppedOrder { order, .. } = &**stepped;
            let sentence = format!("{who}: {} is {}, by you{}", order_words(order), order.state, stepped.also());
            (sentence, Some(SaleKey::Order(order.id)))
        }
        ShopOutcome::Cart(cart, sold_out) => {
            let sentence = format!("{who}: cart {} is {}, by you{}", cart.id, cart.state, said(sold_out));
            (sentence, Some(SaleKey::Cart(cart.id)))
        }
        ShopOutcome::Tagged(row) => (tagging::tagged(&who, row), None),
        ShopOutcome::Noted => (format!("a note about {who} is kept"), None),
    };
    model.no_undo = no_undo(&write.act).map(|what| NoUndo { what, is_said: false });
    writes::log(model, &sentence, &command_line(write));
    let notice = Notice::done(sentence);
    let is_mark = matches!(write.act, ShopAct::Order(_) | ShopAct::OrderOfClose(_) | ShopAct::OrderCart(_));
    model.say(if is_mark { notice.hint(model.undoes()) } else { notice });
    if let Some(person) = write.person {
        model.recipients.keep(person);
        model.marked(person);
    }
    let mut effects = writes::after_mark(model, write.person.as_slice());
    // Names are shortened where something is typed for them.
    if let Some(Overlay::Customer(page)) = model.overlays.last_mut()
        && page.phone == write.phone
    {
        page.chosen = key.or(page.chosen);
        effects.push(Effect::Read(ReadRequest::Customer(page.phone.clone())));
    }
    effects
}

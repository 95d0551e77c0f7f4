//! `order`: what people ordered, written by hand where no message brings it, and how far it is.

mod export;
mod show;

use std::convert::Infallible;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::blast::new::short_text;
use super::blast::people::limit;
use super::confirm::confirm_on_terminal;
use super::context::{Context, Intent};
use super::listed::{ListEnd, one_more};
use super::once::{KeyedWrite, once};
use super::output::{json as print_json, line, talk, text};
use super::table::{TextAlign, render};
use crate::app::view::{Anchor, BlastFilter, Order, RecipientQuery};
use crate::app::{
    ItemChange, ItemsEdit, NewOrderItem, OrderDraft, OrderQuery, OrderRow, SoldOut, SteppedOrder, WrittenOrder,
    change_as_typed, item_as_typed, items_in_brief,
};
use crate::domain::amount::in_currency;
use crate::domain::filter::Filter;
use crate::domain::forgotten::is_forgotten;
use crate::domain::ids::{BlastId, OrderId};
use crate::domain::order::OrderState;
use crate::domain::phone::Phone;

use show::{document, show, total_of, who, whose};
pub(super) use show::{show_items, total};

#[derive(Debug, Subcommand)]
pub(super) enum OrderVerb {
    /// List orders, newest first.
    List {
        /// Only those of this blast.
        #[arg(long)]
        blast: Option<BlastId>,
        /// Only those in this state: new, confirmed, paid, fulfilled, cancelled.
        #[arg(long, value_parser = state)]
        state: Option<OrderState>,
        /// Only those of this number, in any spelling.
        #[arg(long)]
        phone: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
    /// Export orders, or their items, as CSV, JSON lines or an Excel workbook, the newest first.
    Export(export::OrderExportArgs),
    /// Show one order with its items.
    Show {
        /// The order's id, as in `order list`.
        order: OrderId,
    },
    /// Write an order of somebody in a blast, which closes them with its amount.
    Add {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
        /// The number, in any spelling.
        phone: String,
        /// What they order, as SKU, SKU×2, SKU*2 or SKU*2@12.50. The price is the catalogue's where none is given.
        #[arg(required = true, value_name = "ITEM")]
        items: Vec<TypedItem>,
        /// What they said with it.
        #[arg(long, allow_hyphen_values = true)]
        note: Option<String>,
        /// A name of your own for this order, such as shop-1017. Run again with it within two days, the command writes no second one.
        #[arg(long, value_name = "KEY", value_parser = short_text)]
        idempotency_key: Option<String>,
    },
    /// Change the items of an order that is not cancelled. The original order is kept, and revenue follows.
    Edit {
        /// The order's id, as in `order list`.
        order: OrderId,
        /// SKU×3 sets how many there are, and SKU×3@12.50 the price as well; -SKU (or SKU×0) takes it out. After -- no SKU is taken for
        /// a flag: -- -h.
        #[arg(required = true, value_name = "ITEM")]
        items: Vec<ChangedItem>,
    },
    /// Confirm a new order.
    Confirm {
        /// The order's id, as in `order list`.
        order: OrderId,
    },
    /// Note that an order is paid.
    Pay {
        /// The order's id, as in `order list`.
        order: OrderId,
    },
    /// Mark an order as fulfilled: it is handed over.
    Fulfil {
        /// The order's id, as in `order list`.
        order: OrderId,
    },
    /// Cancel an order: its amount is taken back, and whoever it closed is open again unless they bought something else.
    Cancel {
        /// The order's id, as in `order list`.
        order: OrderId,
        /// Do not ask on a terminal; elsewhere nothing is asked.
        #[arg(long)]
        yes: bool,
    },
}

/// `SKU`, `SKU×2`, `SKU*2@12.50`. What cannot be read is refused with the other items that are wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypedItem(pub(super) NewOrderItem);

impl FromStr for TypedItem {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(item_as_typed(text)))
    }
}

/// A change of one item: `SKU×3`, `-SKU` or `SKU×0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChangedItem(pub(super) ItemChange);

impl FromStr for ChangedItem {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(change_as_typed(text)))
    }
}

pub(super) fn state(text: &str) -> Result<OrderState, String> {
    OrderState::from_word(text).ok_or_else(|| "write new, confirmed, paid, fulfilled or cancelled".to_owned())
}

impl OrderVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List { blast, state, phone, limit } => list(global, (blast, state, phone), limit).await?,
            Self::Export(arguments) => arguments.run(global).await?,
            Self::Show { order } => {
                let context = Context::open(global, Intent::Reads).await?;
                show(&context, &context.app.order(order).await?)?;
            }
            Self::Add { blast, phone, items, note, idempotency_key } => {
                let items = items.into_iter().map(|TypedItem(item)| item).collect();
                add(global, &OrderDraft { blast, phone, items, note }, idempotency_key).await?;
            }
            Self::Edit { order, items } => edit(global, order, items).await?,
            Self::Confirm { order } => step(global, order, OrderState::Confirmed).await?,
            Self::Pay { order } => step(global, order, OrderState::Paid).await?,
            Self::Fulfil { order } => step(global, order, OrderState::Fulfilled).await?,
            Self::Cancel { order, yes } => cancel(global, order, yes).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A number in any spelling.
pub(super) fn parse_phone(context: &Context, text: &str) -> Result<Phone> {
    let wrong = |error| super::exit::UsageError(format!("`{text}`: {error}"));
    Ok(Phone::parse(text, context.app.own_region()).map_err(wrong)?)
}

type OrderFilter = (Option<BlastId>, Option<OrderState>, Option<String>);

async fn list(global: &Global, (blast, state, phone): OrderFilter, limit: u32) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    if let Some(blast) = blast {
        context.app.require_blast(blast).await?;
    }
    let phone = phone.map(|text| parse_phone(&context, &text)).transpose()?;
    let is_narrowed = state.is_some() || phone.is_some();
    let query = OrderQuery { blast, state, phone, ..OrderQuery::default() };
    let mut orders = read(&context, query, one_more(limit)).await?;
    let end = ListEnd::cut(&mut orders, limit);
    if let Some(waiting) = context.app.nameless_orders().await? {
        talk(&format!("{waiting}: `blastdeck inbox list` shows it"));
    }
    if context.is_json {
        orders.iter().try_for_each(|order| print_json(&document(order)))?;
        end.say();
        return Ok(());
    }
    if orders.is_empty() && is_narrowed {
        talk("no order is like that: without --state and --phone the list has all");
        return Ok(());
    }
    if orders.is_empty() {
        let by_hand = writes_one(&context, "order", blast).await?;
        talk(&format!("no orders: they come by themselves through Meta's webhooks; {by_hand}"));
        return Ok(());
    }
    let header = [
        ("id", TextAlign::Right),
        ("state", TextAlign::Left),
        ("who", TextAlign::Left),
        ("phone", TextAlign::Left),
        ("blast", TextAlign::Left),
        ("items", TextAlign::Left),
        ("total", TextAlign::Right),
        ("ordered", TextAlign::Left),
    ];
    let cells: Vec<_> = orders.iter().map(|order| cells(&context, order)).collect();
    text(&render(&header, &cells))?;
    end.say();
    Ok(())
}

/// The most that are read at once.
const PAGE: u32 = 1_000;

/// So many orders at most, a page at a time.
async fn read(context: &Context, mut query: OrderQuery, most: u32) -> Result<Vec<OrderRow>> {
    let (mut orders, mut left) = (Vec::new(), most);
    while left > 0 {
        query.limit = left.min(PAGE);
        let page = context.app.orders(&query).await?;
        let read = u32::try_from(page.len()).unwrap_or(u32::MAX);
        query.before = page.last().map(|order| order.id);
        orders.extend(page);
        left = if read < query.limit { 0 } else { left - read };
    }
    Ok(orders)
}

/// The command line that writes an order or a cart: for the first person of this blast, or of the newest.
pub(super) async fn writes_one(context: &Context, verb: &str, blast: Option<BlastId>) -> Result<String> {
    let newest = BlastFilter { without_answers: true, limit: Some(1), ..BlastFilter::default() };
    let blast = match blast {
        Some(blast) => Some(blast),
        None => context.app.blasts(&newest).await?.first().map(|newest| newest.id),
    };
    let Some(blast) = blast else { return Ok(format!("a blast's people have {verb}s, and there is no blast")) };
    let query = RecipientQuery {
        blast,
        filter: Filter::default(),
        order: Order::Row,
        as_of: None,
        anchor: Anchor::Start,
        limit: 100,
    };
    let people = context.app.recipients(&query).await?;
    let known = people.iter().find(|person| !is_forgotten(person.phone.as_str()));
    let Some(person) = known else { return Ok(format!("nobody in blast {blast} could have one")) };
    let phone = person.phone.as_str();
    Ok(format!(
        "`blastdeck {verb} add {blast} {phone} 'teh*2@2.50'` writes one, with the blast, number and items that you mean"
    ))
}

fn cells(context: &Context, order: &OrderRow) -> Vec<String> {
    vec![
        order.id.to_string(),
        order.state.to_string(),
        who(order),
        order.phone_number.clone().unwrap_or_else(|| "-".to_owned()),
        order.blast_tag.clone().unwrap_or_else(|| "-".to_owned()),
        items_in_brief(&order.items),
        total_of(order),
        context.when(Some(order.ordered_at)),
    ]
}

async fn add(global: &Global, draft: &OrderDraft, key: Option<String>) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    match once(&context, (key, draft), "order", async |app| app.add_order(draft).await).await? {
        KeyedWrite::New(written) => show_written(&context, &written),
        KeyedWrite::Earlier(id) => show(&context, &context.app.order(OrderId(id)).await?),
    }
}

/// An order that was just written; on standard error what the catalogue calls sold out.
pub(super) fn show_written(context: &Context, written: &WrittenOrder) -> Result<()> {
    context.done(format!("order {} is written, and only this could not be printed", written.order.id));
    say_sold_out(&written.sold_out, "order");
    show(context, &written.order)
}

/// On standard error; `what`: the order or cart that it is in.
pub(super) fn say_sold_out(sold_out: &SoldOut, what: &str) {
    if let Some(words) = sold_out.in_words() {
        talk(&format!("{words}; the {what} is written all the same"));
    }
}

async fn edit(global: &Global, id: OrderId, items: Vec<ChangedItem>) -> Result<()> {
    let changes = items.into_iter().map(|ChangedItem(change)| change).collect();
    let context = Context::open(global, Intent::Writes).await?;
    show_written(&context, &context.app.edit_order(id, &ItemsEdit::Changes(changes)).await?)
}

/// What stands behind a semicolon, as a sentence of its own.
fn said_alone(behind: &str) -> Option<&str> {
    Some(behind.trim_start_matches("; ")).filter(|said| !said.is_empty())
}

async fn cancel(global: &Global, id: OrderId, yes: bool) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let order = context.app.order(id).await?;
    if order.state != OrderState::Cancelled {
        let counted = order.counted.map(|sum| in_currency(sum, &context.app.config().ui.currency));
        let counted = counted.map_or_else(String::new, |sum| format!(" {sum} of revenue is taken back."));
        let question = format!("Cancel order {id} of {}, {}, for good?{counted}", whose(&order), total_of(&order));
        confirm_on_terminal(&question, yes)?;
    }
    stepped(&context, id, OrderState::Cancelled).await
}

async fn step(global: &Global, id: OrderId, next: OrderState) -> Result<()> {
    stepped(&Context::open(global, Intent::Writes).await?, id, next).await
}

async fn stepped(context: &Context, id: OrderId, next: OrderState) -> Result<()> {
    let stepped = context.app.step_order(id, next).await?;
    let also = context.pasteable(&stepped.also());
    let SteppedOrder { order, left_out, reopened } = stepped;
    if context.is_json {
        let mut value = document(&order);
        value["left_out"] = json!(said_alone(&context.pasteable(&left_out)));
        value["reopened_cart"] = json!(reopened);
        return print_json(&value);
    }
    line(&format!("order {id}: {}, {}, {}{also}", order.state, who(&order), total_of(&order)))
}

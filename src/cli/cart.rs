//! `cart`: what somebody puts together before they order it, and what becomes of it.

mod export;

use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;
use serde_json::{Value, json};

use super::Global;
use super::blast::new::short_text;
use super::blast::people::limit;
use super::confirm::confirm_on_terminal;
use super::context::{Context, Intent};
use super::exit::UsageError;
use super::listed::{ListEnd, one_more};
use super::once::{KeyedWrite, once};
use super::order::{ChangedItem, TypedItem, parse_phone, say_sold_out, show_items, show_written, total, writes_one};
use super::output::{json as print_json, line, talk, text};
use super::table::{TextAlign, render};
use crate::app::{CartEdit, CartQuery, CartRow, ItemsEdit, OrderDraft, WrittenCart, items_in_brief};
use crate::domain::amount::as_text;
use crate::domain::cart::CartState;
use crate::domain::ids::{BlastId, CartId};

#[derive(Debug, Subcommand)]
pub(super) enum CartVerb {
    /// List carts, newest first.
    List {
        /// Only those of this blast.
        #[arg(long)]
        blast: Option<BlastId>,
        /// Only those in this state: open, ordered, abandoned.
        #[arg(long, value_parser = state)]
        state: Option<CartState>,
        /// Only those of this number, in any spelling.
        #[arg(long)]
        phone: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
    /// Export carts, or their items, as CSV, JSON lines or an Excel workbook, the newest first.
    Export(export::CartExportArgs),
    /// Show one cart with its items.
    Show {
        /// The cart's id, as in `cart list`.
        cart: CartId,
    },
    /// Write a cart of somebody in a blast.
    Add {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
        /// The number, in any spelling.
        phone: String,
        /// What is in it, as SKU, SKU×2, SKU*2 or SKU*2@12.50. The price is the catalogue's where none is given.
        #[arg(required = true, value_name = "ITEM")]
        items: Vec<TypedItem>,
        /// What they said with it.
        #[arg(long, allow_hyphen_values = true)]
        note: Option<String>,
        /// A name of your own for this cart, such as shop-1017. Run again with it within two days, the command writes no second one.
        #[arg(long, value_name = "KEY", value_parser = short_text)]
        idempotency_key: Option<String>,
    },
    /// Change an open cart.
    Set {
        /// The cart's id, as in `cart list`.
        cart: CartId,
        /// SKU×3 sets how many there are, and SKU×3@12.50 the price as well; -SKU (or SKU×0) takes it out. After -- no SKU is taken for
        /// a flag: -- -h.
        #[arg(value_name = "ITEM")]
        items: Vec<ChangedItem>,
        /// What they said with it; an empty one takes it away.
        #[arg(long, allow_hyphen_values = true)]
        note: Option<String>,
    },
    /// Write an order from a cart, which closes its person with the amount.
    Order {
        /// The cart's id, as in `cart list`.
        cart: CartId,
    },
    /// End a cart that is not going to be ordered.
    Abandon {
        /// The cart's id, as in `cart list`.
        cart: CartId,
        /// Do not ask on a terminal; elsewhere nothing is asked.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn state(text: &str) -> Result<CartState, String> {
    CartState::from_word(text).ok_or_else(|| "write open, ordered or abandoned".to_owned())
}

impl CartVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List { blast, state, phone, limit } => list(global, (blast, state, phone), limit).await?,
            Self::Export(arguments) => arguments.run(global).await?,
            Self::Show { cart } => {
                let context = Context::open(global, Intent::Reads).await?;
                show(&context, &context.app.cart(cart).await?)?;
            }
            Self::Add { blast, phone, items, note, idempotency_key } => {
                let items = items.into_iter().map(|TypedItem(item)| item).collect();
                add(global, &OrderDraft { blast, phone, items, note }, idempotency_key).await?;
            }
            Self::Set { cart, items, note } => set(global, cart, items, note).await?,
            Self::Order { cart } => {
                let context = Context::open(global, Intent::Writes).await?;
                show_written(&context, &context.app.order_cart(cart).await?)?;
            }
            Self::Abandon { cart, yes } => abandon(global, cart, yes).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn set(global: &Global, id: CartId, items: Vec<ChangedItem>, note: Option<String>) -> Result<()> {
    if items.is_empty() && note.is_none() {
        return Err(UsageError("name what changes: teh×3, -kuih or --note TEXT".to_owned()).into());
    }
    let changes: Vec<_> = items.into_iter().map(|ChangedItem(change)| change).collect();
    let items = (!changes.is_empty()).then_some(ItemsEdit::Changes(changes));
    let context = Context::open(global, Intent::Writes).await?;
    show_cart(&context, &context.app.edit_cart(id, &CartEdit { items, note }).await?)
}

async fn abandon(global: &Global, id: CartId, yes: bool) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let cart = context.app.cart(id).await?;
    if cart.state == CartState::Open {
        let (name, phone) = (who(&cart), &cart.phone_number);
        let whose = if name == phone { phone.clone() } else { format!("{name}, {phone}") };
        let total = total(cart.total, cart.currency.as_deref());
        confirm_on_terminal(&format!("End cart {id} of {whose}, {total}, for good?"), yes)?;
    }
    show(&context, &context.app.abandon_cart(id).await?)
}

/// A cart that was just written; on standard error what the catalogue calls sold out.
fn show_cart(context: &Context, written: &WrittenCart) -> Result<()> {
    context.done(format!("cart {} is written, and only this could not be printed", written.cart.id));
    say_sold_out(&written.sold_out, "cart");
    show(context, &written.cart)
}

async fn add(global: &Global, draft: &OrderDraft, key: Option<String>) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    match once(&context, (key, draft), "cart", async |app| app.add_cart(draft).await).await? {
        KeyedWrite::New(written) => show_cart(&context, &written),
        KeyedWrite::Earlier(id) => show(&context, &context.app.cart(CartId(id)).await?),
    }
}

type CartFilter = (Option<BlastId>, Option<CartState>, Option<String>);

async fn list(global: &Global, (blast, state, phone): CartFilter, limit: u32) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    if let Some(blast) = blast {
        context.app.require_blast(blast).await?;
    }
    let phone = phone.map(|text| parse_phone(&context, &text)).transpose()?;
    let is_narrowed = state.is_some() || phone.is_some();
    let query = CartQuery { blast, state, phone, ..CartQuery::default() };
    let mut carts = read(&context, query, one_more(limit)).await?;
    let end = ListEnd::cut(&mut carts, limit);
    if context.is_json {
        carts.iter().try_for_each(|cart| print_json(&document(cart)))?;
        end.say();
        return Ok(());
    }
    if carts.is_empty() && is_narrowed {
        talk("no cart is like that: without --state and --phone the list has all");
        return Ok(());
    }
    if carts.is_empty() {
        talk(&format!("no carts: {}", writes_one(&context, "cart", blast).await?));
        return Ok(());
    }
    let header = [
        ("id", TextAlign::Right),
        ("state", TextAlign::Left),
        ("who", TextAlign::Left),
        ("blast", TextAlign::Left),
        ("items", TextAlign::Left),
        ("total", TextAlign::Right),
        ("changed", TextAlign::Left),
    ];
    let cells: Vec<_> = carts.iter().map(|cart| cells(&context, cart)).collect();
    text(&render(&header, &cells))?;
    end.say();
    Ok(())
}

/// The most that are read at once.
const PAGE: u32 = 1_000;

/// So many carts at most, a page at a time.
async fn read(context: &Context, mut query: CartQuery, most: u32) -> Result<Vec<CartRow>> {
    let (mut carts, mut left) = (Vec::new(), most);
    while left > 0 {
        query.limit = left.min(PAGE);
        let page = context.app.carts(&query).await?;
        let read = u32::try_from(page.len()).unwrap_or(u32::MAX);
        query.before = page.last().map(|cart| cart.id);
        carts.extend(page);
        left = if read < query.limit { 0 } else { left - read };
    }
    Ok(carts)
}

fn cells(context: &Context, cart: &CartRow) -> Vec<String> {
    vec![
        cart.id.to_string(),
        cart.state.to_string(),
        who(cart).to_owned(),
        cart.blast_tag.clone().unwrap_or_else(|| "-".to_owned()),
        items_in_brief(&cart.items),
        total(cart.total, cart.currency.as_deref()),
        context.when(Some(cart.updated_at)),
    ]
}

fn who(cart: &CartRow) -> &str {
    cart.name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&cart.phone_number)
}

fn show(context: &Context, cart: &CartRow) -> Result<()> {
    if context.is_json {
        return print_json(&document(cart));
    }
    let blast = cart.blast_tag.as_ref().map(|tag| format!(", {tag} (blast {})", cart.blast_id)).unwrap_or_default();
    line(&format!("cart {}: {}, {}{blast}", cart.id, cart.state, who(cart)))?;
    show_items(&cart.items)?;
    let order = cart.order_id.map(|order| format!("; order {order}")).unwrap_or_default();
    line(&format!("total {}{order}", total(cart.total, cart.currency.as_deref())))?;
    cart.note.as_ref().map_or(Ok(()), |note| line(&format!("note: {note}")))
}

/// A cart as JSON: money as text, exact. What its export calls otherwise has that name as well.
fn document(cart: &CartRow) -> Value {
    json!({
        "id": cart.id, "state": cart.state, "sender": cart.sender, "blast": cart.blast_id, "blast_id": cart.blast_id, "blast_tag": cart.blast_tag,
        "recipient": cart.recipient_id, "recipient_id": cart.recipient_id, "phone_number": cart.phone_number, "name": cart.name, "note": cart.note,
        "total": cart.total.map(|total| as_text(total, cart.currency.as_deref())), "currency": cart.currency, "order_id": cart.order_id,
        "created_by": cart.created_by, "state_by": cart.state_by, "created_at": cart.created_at,
        "updated_at": cart.updated_at, "items": cart.items.0,
    })
}

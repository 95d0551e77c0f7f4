//! An order as it is shown: by itself, and as JSON.

use color_eyre::Result;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::app::{OrderItemRow, OrderRow, items_in_words};
use crate::cli::context::Context;
use crate::cli::output::{json as print_json, line, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::amount::{as_kept, as_text, in_currency};

pub(super) fn who(order: &OrderRow) -> String {
    let known = [&order.name, &order.phone_number, &order.user_id].into_iter().flatten().find(|text| !text.is_empty());
    known.cloned().unwrap_or_else(|| "somebody".to_owned())
}

/// The same with their number, where that is not all that is known of them.
pub(super) fn whose(order: &OrderRow) -> String {
    let who = who(order);
    match order.phone_number.as_ref().filter(|phone| **phone != who) {
        Some(phone) => format!("{who}, {phone}"),
        None => who,
    }
}

/// What items come to; `-` where they cannot be added up.
pub(in crate::cli) fn total(total: Option<Decimal>, currency: Option<&str>) -> String {
    match (total, currency) {
        (Some(total), Some(currency)) => in_currency(total, currency),
        _ => "-".to_owned(),
    }
}

/// Items as a table.
pub(in crate::cli) fn show_items(items: &[OrderItemRow]) -> Result<()> {
    let header = [
        ("sku", TextAlign::Left),
        ("product", TextAlign::Left),
        ("quantity", TextAlign::Right),
        ("price", TextAlign::Right),
        ("total", TextAlign::Right),
    ];
    let cells = items.iter().map(|item| {
        let money = |text: &Option<String>| {
            total(text.as_deref().and_then(|text| text.parse().ok()), item.currency.as_deref().or(Some("")))
        };
        let name = item.name.clone().unwrap_or_else(|| "-".to_owned());
        vec![item.sku.clone(), name, item.quantity.clone(), money(&item.price), money(&item.total)]
    });
    text(&render(&header, &cells.collect::<Vec<_>>()))
}

pub(super) fn show(context: &Context, order: &OrderRow) -> Result<()> {
    if context.is_json {
        return print_json(&document(order));
    }
    let blast = match (&order.blast_tag, order.blast_id) {
        (Some(tag), Some(id)) => format!(", {tag} (blast {id})"),
        _ => String::new(),
    };
    line(&format!("order {}: {}, {}{blast}", order.id, order.state, whose(order)))?;
    show_items(&order.items)?;
    line(&format!("total {}; {}", total_of(order), counted(context, order)))?;
    if order.dated_at.is_some() {
        let (dated, came) = (context.when(order.dated_at), context.when(Some(order.ordered_at)));
        line(&format!("the message dates it {dated}, which was ahead: it came {came}"))?;
    }
    show_original(context, order)?;
    order.note.as_ref().map_or(Ok(()), |note| line(&format!("note: {note}")))
}

/// What an order was before it was edited.
fn show_original(context: &Context, order: &OrderRow) -> Result<()> {
    let (Some(original), Some(by)) = (&order.original, &order.edited_by) else { return Ok(()) };
    let items = items_in_words(&original.items);
    let was = original.total.as_ref().and_then(|total| total.parse().ok()).zip(original.currency.as_ref());
    let was = was.map_or_else(String::new, |(total, currency)| format!(", {}", in_currency(total, currency)));
    line(&format!("at first: {items}{was}; edited by {by}, {}", context.when(order.edited_at)))
}

pub(super) fn total_of(order: &OrderRow) -> String {
    total(order.total, order.currency.as_deref())
}

fn counted(context: &Context, order: &OrderRow) -> String {
    if let (Some(by), at @ Some(_)) = (&order.replaced_by, order.replaced_at) {
        return format!("not counted in revenue: {by} wrote another amount in its place, {}", context.when(at));
    }
    match (&order.counted, order.not_counted()) {
        (Some(counted), _) => {
            format!("{} of it counts in revenue", in_currency(*counted, &context.app.config().ui.currency))
        }
        (None, why) => format!("not counted in revenue: {}", why.unwrap_or_default()),
    }
}

/// An order as JSON: money as text, exact. What its export calls otherwise has that name as well.
pub(super) fn document(order: &OrderRow) -> Value {
    json!({
        "id": order.id, "state": order.state, "source": order.source, "sender": order.sender, "blast": order.blast_id, "blast_id": order.blast_id,
        "blast_tag": order.blast_tag, "recipient": order.recipient_id, "recipient_id": order.recipient_id, "phone_number": order.phone_number,
        "user_id": order.user_id, "name": order.name, "catalogue": order.catalogue, "note": order.note,
        "message_id": order.message_id, "total": order.total.map(|total| as_text(total, order.currency.as_deref())), "currency": order.currency,
        "counted": order.counted.map(as_kept), "not_counted": order.not_counted(), "uncounted": order.not_counted(),
        "unreadable_items": order.unreadable, "ordered_at": order.ordered_at, "dated_at": order.dated_at, "created_at": order.created_at,
        "updated_at": order.updated_at, "state_by": order.state_by, "items": order.items.0,
        "original": order.original.as_ref().map(|original| &original.0), "edited_by": order.edited_by,
        "edited_at": order.edited_at,
    })
}

//! One customer over all blasts: who they are, what they ordered, what waits in their carts, what they had.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{OverlayContent, clock, wrapped};
use crate::app::view::StandingOptOut;
use crate::app::{Consent, CustomerBlast, CustomerNote, CustomerRow, CustomerSheet, items_in_words};
use crate::domain::blast::BlastState;
use crate::domain::forgotten;
use crate::domain::order::OrderState;
use crate::domain::text::count_of;
use crate::tui::action::KeyScope;
use crate::tui::format::{TimeFormat, in_currency, told_apart};
use crate::tui::model::{CustomerOverlay, Model, SaleLine};
use crate::tui::theme::TextRole;
use crate::tui::widget::{TextLine, width as columns};

/// Said above what is left of somebody who was forgotten.
const FORGOTTEN: &str = "They asked to be forgotten: their number, name and texts are gone. What they were sent and bought is counted as before, \
                         and their orders can be moved on.";

pub fn content(model: &Model, page: &CustomerOverlay, width: u16) -> OverlayContent {
    let left = match forgotten::in_words(page.phone.as_str()) {
        Some(stand_in) => vec!["Customer".to_owned(), stand_in],
        None => vec!["Customer".to_owned(), page.who.clone(), page.phone.to_string()],
    };
    let title = super::title(left, None);
    let Some(sheet) = &page.loaded else {
        let lines = unread(page, width);
        return OverlayContent { title, lines, focus: None };
    };
    let clock = clock(model);
    let columns = super::column_of(width);
    let column = columns.unwrap_or(width);
    let mut lines = known(sheet, (clock, &model.options.currency), column);
    let said = sheet.details.notes.len() + sheet.details.consents.len();
    lines.extend(older((model, page), (sheet.totals.notes + sheet.totals.consents, said), "customer show", column));
    if page.is_forgotten() {
        lines.splice(
            0..0,
            wrapped(FORGOTTEN, column.saturating_sub(4)).into_iter().map(|line| TextLine::plain(format!("  {line}"))),
        );
    }
    let chosen = page.at_cursor().map(SaleLine::key);
    let mut focus = None;
    let (orders, carts) = (sheet.orders.len(), sheet.carts.len());
    for (at, sale) in page.sales().into_iter().enumerate() {
        match sale {
            SaleLine::Order(_) if at == 0 => lines.push(heading("Orders", (sheet.totals.orders, orders))),
            SaleLine::Cart(_) if at == orders => {
                lines.extend(older((model, page), (sheet.totals.orders, orders), "order list --phone", column));
                lines.push(heading("Carts", (sheet.totals.carts, carts)));
            }
            _ => {}
        }
        let is_chosen = chosen == Some(sale.key());
        if is_chosen {
            focus = Some(lines.len());
        }
        lines.extend(sale_lines(sale, is_chosen, clock, column));
    }
    if carts == 0 {
        lines.extend(older((model, page), (sheet.totals.orders, orders), "order list --phone", column));
    }
    lines.extend(older((model, page), (sheet.totals.carts, carts), "cart list --phone", column));
    if orders + carts == 0 {
        lines.push(TextLine::rule("Orders"));
        lines.push(TextLine::dim(no_sale(model, page)));
    }
    let blasts = [blasts(model, (page, sheet), clock, column), forgetting(model, page, column)].concat();
    if columns.is_some() {
        lines = TextLine::in_columns(lines, blasts);
    } else {
        lines.extend(blasts);
    }
    OverlayContent { title, lines, focus }
}

/// What no key does, and somebody may ask for.
fn forgetting(model: &Model, page: &CustomerOverlay, width: u16) -> Vec<TextLine> {
    if page.is_forgotten() {
        return Vec::new();
    }
    let text = format!(
        "`blastdeck customer forget {}` forgets them for good: name, number and what they wrote",
        page.phone.as_str()
    );
    let lines = wrapped(&model.options.pasteable(&text), width.saturating_sub(4)).into_iter();
    std::iter::once(TextLine::default()).chain(lines.map(|line| TextLine::dim(format!("  {line}")))).collect()
}

/// Said of a customer without orders and carts, to whom both may be written.
fn no_sale(model: &Model, page: &CustomerOverlay) -> String {
    if page.person.is_none() || page.is_forgotten() {
        return "  no order and no cart".to_owned();
    }
    let said = "  no order and no cart: ⟨c⟩ writes an order, ⟨n⟩ a cart";
    model.options.keys.in_sentence(said, &[KeyScope::Customer])
}

/// While it is read, or where it could not be.
fn unread(page: &CustomerOverlay, width: u16) -> Vec<TextLine> {
    let lines = match &page.failure {
        Some(why) => wrapped(why, width.saturating_sub(4)),
        None => vec!["reading ...".to_owned()],
    };
    lines.into_iter().map(|line| TextLine::dim(format!("  {line}"))).collect()
}

/// With how many there are, of which some may be listed.
fn heading(title: &str, (total, listed): (i64, usize)) -> TextLine {
    let many = usize::try_from(total).unwrap_or_default().max(listed);
    TextLine::rule(title).and(many.to_string(), TextRole::Plain)
}

/// `and 23 older: blastdeck customer show +60123456789 --limit 123`, where not all are listed.
fn older(
    (model, page): (&Model, &CustomerOverlay),
    (total, listed): (i64, usize),
    verb: &str,
    width: u16,
) -> Vec<TextLine> {
    let hidden = usize::try_from(total).unwrap_or_default().saturating_sub(listed);
    if hidden == 0 {
        return Vec::new();
    }
    let command = if page.is_forgotten() {
        String::new()
    } else {
        let line = format!("blastdeck {verb} {} --limit {total}", page.phone.as_str());
        format!(": {}", model.options.call(&line))
    };
    let words = wrapped(&format!("and {hidden} older{command}"), width.saturating_sub(4));
    words.into_iter().map(|line| TextLine::dim(format!("  {line}"))).collect()
}

/// Who they are and what is said of them.
fn known(sheet: &CustomerSheet, (clock, currency): (TimeFormat, &str), width: u16) -> Vec<TextLine> {
    let customer = &sheet.details.customer;
    let counts = whole_parts(&counts(customer, currency), width.saturating_sub(4));
    let mut lines: Vec<_> = counts.iter().map(|line| TextLine::plain(format!("  {}", line.trim_end()))).collect();
    let seen = customer.first_seen.zip(customer.last_seen);
    let seen = seen.map(|(first, last)| format!("first seen {}, last {}", clock.date(first), clock.long(last)));
    let many = |label: &str, values: &[String]| (values.len() > 1).then(|| format!("{label}: {}", values.join(", ")));
    let any = |label: &str, values: &[String]| (!values.is_empty()).then(|| format!("{label}: {}", values.join(", ")));
    let said = [
        seen,
        many("names", &customer.names),
        many("numbers", &customer.numbers),
        any("tags", &customer.tags),
        opted_out(sheet, clock),
    ];
    let by = |note: &CustomerNote| format!("{}, {}", note.written_by, clock.long(note.written_at));
    let notes = sheet.details.notes.iter().map(|note| format!("note: {} ({})", note.note, by(note)));
    let consents = sheet.details.consents.iter().map(Consent::in_words);
    for text in said.into_iter().flatten().chain(notes).chain(consents) {
        lines
            .extend(wrapped(&text, width.saturating_sub(4)).into_iter().map(|line| TextLine::dim(format!("  {line}"))));
    }
    lines
}

/// `opted out: of kedai since 12:30, of toko since 3 Oct`.
fn opted_out(sheet: &CustomerSheet, clock: TimeFormat) -> Option<String> {
    let each = |opt_out: &StandingOptOut| format!("{} since {}", opt_out.scope(), clock.long(opt_out.since));
    let each: Vec<String> = sheet.opt_outs.iter().map(each).collect();
    (!each.is_empty()).then(|| format!("opted out: {}", each.join(", ")))
}

fn counts(customer: &CustomerRow, currency: &str) -> [String; 6] {
    let sales = count_of(customer.sales, "sale", "sales");
    [
        format!("{} sent", customer.sent),
        format!("{} received", customer.received),
        format!("{} read", customer.read),
        format!("{} replied", customer.replied),
        count_of(customer.replies, "message from them", "messages from them"),
        format!("{sales} for {}", in_currency(customer.revenue, currency)),
    ]
}

/// Lines of parts between commas, none of which is broken over two lines where it fits into one.
fn whole_parts(parts: &[String], room: u16) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (nth, part) in parts.iter().enumerate() {
        let part = if nth + 1 < parts.len() { format!("{part},") } else { part.clone() };
        match lines.last_mut().filter(|line| columns(line) + 1 + columns(&part) <= room) {
            Some(line) => *line = format!("{line} {part}"),
            None => lines.extend(wrapped(&part, room)),
        }
    }
    lines
}

/// `> order 3  paid       13:57  RM 12.40`, and below it the items and the blast.
fn sale_lines(sale: SaleLine<'_>, is_chosen: bool, clock: TimeFormat, width: u16) -> Vec<TextLine> {
    let (label, state, at, total, items, tag) = match sale {
        SaleLine::Order(order) => (
            format!("order {}", order.id),
            order.state.word(),
            order.ordered_at,
            money(order.total, order.currency.as_deref()),
            items_in_words(&order.items),
            order.blast_tag.as_deref(),
        ),
        SaleLine::Cart(cart) => (
            format!("cart {}", cart.id),
            cart.state.word(),
            cart.updated_at,
            money(cart.total, cart.currency.as_deref()),
            items_in_words(&cart.items),
            cart.blast_tag.as_deref(),
        ),
    };
    let (cursor, role) = if is_chosen { ("> ", TextRole::Strong) } else { ("  ", TextRole::Plain) };
    let head = TextLine::of(cursor, TextRole::Accent)
        .and(format!("{label:<11}"), role)
        .and(format!("{state:<11}"), TextRole::Accent)
        .and(format!("{:<8}", clock.short(at)), TextRole::Dim)
        .and(total, role);
    let text = tag.map_or_else(|| items.clone(), |tag| format!("{items}; {tag}"));
    let below = [Some(text), not_counted(sale, clock)].into_iter().flatten();
    let below = below.flat_map(|text| wrapped(&text, width.saturating_sub(5)));
    let below = below.map(|line| TextLine::dim(format!("    {line}")));
    std::iter::once(head).chain(below).collect()
}

/// Why what they bought does not have it; of a cancelled order its state says so.
fn not_counted(sale: SaleLine<'_>, clock: TimeFormat) -> Option<String> {
    let SaleLine::Order(order) = sale else { return None };
    let why = order.not_counted().filter(|_| order.state != OrderState::Cancelled)?;
    let replaced = order.replaced_by.as_ref().zip(order.replaced_at);
    let replaced = replaced.map(|(by, at)| format!("{by} wrote another amount in its place, {}", clock.long(at)));
    Some(format!("not counted in revenue: {}", replaced.unwrap_or(why)))
}

fn money(total: Option<Decimal>, currency: Option<&str>) -> String {
    total.zip(currency).map_or_else(|| "no total".to_owned(), |(total, currency)| in_currency(total, currency))
}

fn blasts(
    model: &Model,
    (page, sheet): (&CustomerOverlay, &CustomerSheet),
    clock: TimeFormat,
    width: u16,
) -> Vec<TextLine> {
    let named = |blast: &CustomerBlast| (blast.blast_id, format!("{}, {}", blast.tag, blast.follow_up_stage));
    let all_names: Vec<_> = sheet.details.blasts.iter().map(named).collect();
    let names: BTreeMap<_, _> = all_names.iter().map(|(id, _)| *id).zip(told_apart(&all_names)).collect();
    let has_several = sheet.details.customer.numbers.len() > 1;
    let line = |blast: &CustomerBlast| {
        let name = names.get(&blast.blast_id).map(String::as_str).unwrap_or_default();
        let times = [blast.closed_at, blast.replied_at, blast.read_at, blast.received_at, blast.sent_at];
        let at = times.into_iter().flatten().next().map(|at| clock.date(at)).unwrap_or_default();
        let amount = blast.amount.map(|sum| format!("  {}", in_currency(sum, &model.options.currency)));
        // Who has several numbers may be in a blast by each of them.
        let to = if has_several { format!(", to {}", blast.phone_number) } else { String::new() };
        TextLine::dim(format!("  {at:<8}"))
            .and(format!("{:<10}", blast.status.label()), TextRole::Stage(blast.status))
            .and(format!("{name}{to}{}", amount.unwrap_or_default()), TextRole::Plain)
    };
    let (drafts, sent): (Vec<_>, Vec<_>) =
        sheet.details.blasts.iter().partition(|blast| blast.state == BlastState::Draft);
    let all = (sheet.totals.blasts, sent.len());
    let drafts = usize::try_from(sheet.totals.drafts).unwrap_or_default().max(drafts.len());
    let drafts = (drafts > 0).then(|| {
        let them = count_of(drafts, "draft", "drafts");
        TextLine::dim(format!("  {them}, not sent"))
    });
    let older = older((model, page), all, "customer show", width);
    std::iter::once(heading("Blasts", all)).chain(sent.into_iter().map(line)).chain(older).chain(drafts).collect()
}

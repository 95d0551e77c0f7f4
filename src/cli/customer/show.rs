//! `customer show`: one person over all blasts.

use color_eyre::Result;

use super::{read, tags_in_words};
use crate::app::{CustomerBlast, CustomerDetails};
use crate::cli::context::Context;
use crate::cli::listed::{ListEnd, one_more};
use crate::cli::output::{json, line, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::amount;
use crate::domain::blast::BlastState;
use crate::domain::text::count_of;

pub(super) async fn run(context: &Context, phone: &str, limit: u32) -> Result<()> {
    let phone = read(context, phone)?;
    let mut details = context.app.customer_with(&phone, one_more(limit)).await?;
    let ends = [
        ("consents", ListEnd::cut(&mut details.consents, limit)),
        ("notes", ListEnd::cut(&mut details.notes, limit)),
        ("blasts", ListEnd::cut(&mut details.blasts, limit)),
    ];
    if context.is_json {
        json(&details)?;
    } else {
        print(context, &details)?;
    }
    for (what, end) in ends {
        end.say_of(what);
    }
    Ok(())
}

fn print(context: &Context, details: &CustomerDetails) -> Result<()> {
    head(context, details)?;
    for consent in &details.consents {
        line(&consent.in_words())?;
    }
    for note in &details.notes {
        let when = context.when(Some(note.written_at));
        line(&format!("note {}: {} ({}, {when})", note.id, note.note, note.written_by))?;
    }
    blasts(context, &details.blasts)
}

fn head(context: &Context, details: &CustomerDetails) -> Result<()> {
    let customer = &details.customer;
    line(&format!("customer {}", customer.id))?;
    line(&format!("numbers: {}", customer.numbers.join(", ")))?;
    if !customer.names.is_empty() {
        line(&format!("names: {}", customer.names.join(", ")))?;
    }
    if !customer.tags.is_empty() || !customer.opted_out.is_empty() {
        line(&tags_in_words(customer))?;
    }
    let (first, last) = (context.when(customer.first_seen), context.when(customer.last_seen));
    line(&format!("first seen {first}, last seen {last}"))?;
    line(&format!(
        "{} sent, {} received, {} read, {} replied, {}, {}, {}, {} for {}",
        customer.sent,
        customer.received,
        customer.read,
        customer.replied,
        count_of(customer.replies, "message from them", "messages from them"),
        count_of(customer.carts, "cart that waits", "carts that wait"),
        count_of(customer.orders, "order", "orders"),
        count_of(customer.sales, "sale", "sales"),
        amount::in_currency(customer.revenue, &context.app.config().ui.currency),
    ))
}

const HEADER: [(&str, TextAlign); 8] = [
    ("blast", TextAlign::Right),
    ("tag", TextAlign::Left),
    ("number", TextAlign::Left),
    ("status", TextAlign::Left),
    ("sent", TextAlign::Left),
    ("read", TextAlign::Left),
    ("replied", TextAlign::Left),
    ("amount", TextAlign::Right),
];

fn blasts(context: &Context, blasts: &[CustomerBlast]) -> Result<()> {
    if blasts.is_empty() {
        return Ok(());
    }
    let cells = blasts.iter().map(|blast| {
        vec![
            blast.blast_id.to_string(),
            blast.tag.clone(),
            blast.phone_number.clone(),
            if blast.state == BlastState::Draft { BlastState::Draft.to_string() } else { blast.status.to_string() },
            context.when(blast.sent_at),
            context.when(blast.read_at),
            context.when(blast.replied_at),
            blast.amount.map(amount::money).unwrap_or_default(),
        ]
    });
    text(&render(&HEADER, &cells.collect::<Vec<_>>()))
}

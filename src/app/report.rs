//! The report of a blast, rendered as JSON, a table, CSV or Markdown. Pure: knows no database and no terminal.

mod html;
mod words;

use std::fmt::Write as _;

use chrono::Utc;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::BlastView;
use crate::domain::amount;
use crate::domain::blast::BlastState;
use crate::domain::funnel::{Counts, Funnel, Rates, Stuck, percent_words};
use crate::domain::ids::BlastId;
use crate::domain::pricing::MessageCharges;
use crate::domain::status::Status;
use crate::domain::text::{clean, count_of, csv_safe, number};
use crate::store::view::ErrorRow;
use crate::store::view::replies::ReplyCounts;
pub use html::{ReportPictures, html};
pub use words::{later, unasked_words};

/// A blast in numbers. Its JSON is what `blast report --json` prints: programs rely on its keys.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Report {
    pub blast: Heading,
    pub funnel: Funnel,
    pub stuck: Stuck,
    /// At *sent* and not polled yet, so not known to be stuck. A lower bound from 50,000 on.
    #[schema(example = 0)]
    pub unasked: i64,
    pub counts: Counts,
    /// The total of all sales, with two decimals.
    #[schema(example = "3000.00")]
    pub amount: String,
    /// Sales that no amount was given for: they are in none.
    #[schema(example = 0)]
    pub sales_without_amount: i64,
    /// What the amount is in.
    #[schema(example = "MYR")]
    pub currency: String,
    /// Shares of sent, from 0 to 1.
    pub rates: Rates,
    /// Why people failed, most frequent first.
    pub errors: Vec<ErrorLine>,
    /// How many opted out after a message was accepted or tried: they stay in their stage.
    #[schema(example = 1)]
    pub opted_out_later: i64,
    /// What people wrote back.
    pub replies: ReplyCounts,
    /// What delivered messages are charged as, and what they cost by the rate card.
    pub charges: MessageCharges,
    /// Of those at *sent*, whom Meta holds back.
    #[schema(example = 0)]
    pub held_by_meta: i64,
    /// Who has had a cart for 24 hours and ordered nothing since: the filter `stuck:cart` finds them.
    #[schema(example = 2)]
    pub stuck_with_cart: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ReportHeading)]
pub struct Heading {
    #[schema(value_type = i64, example = 7)]
    pub id: BlastId,
    #[schema(example = "Campaign 2025-01-18")]
    pub tag: String,
    pub state: BlastState,
    /// Whether it goes on only once somebody does something: the words for people read *asks you*.
    #[schema(example = false)]
    pub asks_you: bool,
    /// Its state in words for people.
    #[serde(skip)]
    pub shown_state: &'static str,
    #[schema(example = "sales")]
    pub sender: String,
    #[schema(example = "Initial")]
    pub follow_up_stage: String,
    #[schema(example = 250)]
    pub total_recipients: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorLine {
    #[schema(example = "131026")]
    pub code: String,
    #[schema(example = 3)]
    pub count: i64,
    /// The provider's sentence.
    #[schema(example = "Message undeliverable")]
    pub title: String,
    /// What to do about it; empty when unknown.
    #[schema(example = "The person may have no WhatsApp.")]
    pub advice: String,
}

impl ErrorLine {
    /// With what to do about its code.
    pub fn new(error: &ErrorRow, advice: &impl Fn(&str) -> Option<String>) -> Self {
        Self {
            code: error.code.clone(),
            count: error.count,
            title: error.title.clone(),
            advice: advice(&error.code).unwrap_or_default(),
        }
    }
}

impl Report {
    /// Builds the report of a blast. `advice` returns what to do about an error code.
    pub fn new(blast: &BlastView, errors: &[ErrorRow], advice: impl Fn(&str) -> Option<String>) -> Self {
        let funnel = blast.counts.funnel();
        Self {
            blast: Heading {
                id: blast.id,
                tag: blast.tag.clone(),
                state: blast.state,
                asks_you: blast.asks_for_person(),
                shown_state: blast.shown_state(Utc::now()),
                sender: blast.sender.clone(),
                follow_up_stage: blast.follow_up_stage.clone(),
                total_recipients: blast.total_recipients,
            },
            funnel,
            stuck: blast.stuck(),
            unasked: blast.unasked.number(),
            counts: blast.counts,
            amount: money(&blast.counts),
            sales_without_amount: 0,
            currency: String::new(),
            rates: funnel.rates(),
            errors: errors.iter().map(|error| ErrorLine::new(error, &advice)).collect(),
            opted_out_later: blast.opted_out_later,
            replies: ReplyCounts::default(),
            charges: MessageCharges::default(),
            held_by_meta: blast.counts.held_by_meta,
            stuck_with_cart: 0,
        }
    }

    /// The same with how many have had a cart for so long and ordered nothing.
    #[must_use]
    pub fn with_carts(self, stuck_with_cart: i64) -> Self {
        Self { stuck_with_cart, ..self }
    }

    /// The same with how many sales have no amount.
    #[must_use]
    pub fn with_unpriced(self, sales_without_amount: i64) -> Self {
        Self { sales_without_amount, ..self }
    }

    /// The same with what was written back, and what it cost.
    #[must_use]
    pub fn with(self, replies: ReplyCounts, charges: MessageCharges) -> Self {
        Self { replies, charges, ..self }
    }

    /// The same with its amount in this currency.
    #[must_use]
    pub fn in_currency(self, currency: &str) -> Self {
        Self { currency: currency.to_owned(), ..self }
    }

    /// The amount as people read it: `MYR 3,135.00 from 1 of 4 sales; 3 have no amount`.
    fn money(&self) -> String {
        let money = format!("{} {}", self.currency, amount::money(self.counts.amount));
        format!("{}{}", money.trim_start(), self.unpriced().unwrap_or_default())
    }

    /// What an amount leaves out: ` from 1 of 4 sales; 3 have no amount`.
    fn unpriced(&self) -> Option<String> {
        let (sales, without) = (self.counts.closed, self.sales_without_amount);
        let have = if without == 1 { "has" } else { "have" };
        let of = format!("{} of {}", number(sales - without), count_of(sales, "sale", "sales"));
        (without > 0).then(|| format!(" from {of}; {} {have} no amount", number(without)))
    }

    /// The funnel's stages from the top: label, count, share of sent, and who is stuck there.
    fn stages(&self) -> [Stage; 5] {
        let Self { funnel, stuck, rates, .. } = self;
        let all = if funnel.sent == 0 { 0.0 } else { 1.0 };
        let stage = |label, count, share, stuck| Stage { label, count, share, stuck, sent: funnel.sent };
        [
            stage("Sent", funnel.sent, all, Some(stuck.sent)),
            stage("Received", funnel.received, rates.received, Some(stuck.delivered)),
            stage("Read", funnel.read, rates.read, Some(stuck.read)),
            stage("Replied", funnel.replied, rates.replied, Some(stuck.replied)),
            stage("Closed", funnel.closed, rates.closed, None),
        ]
    }

    /// The counts of statuses outside the funnel.
    fn others(&self) -> impl Iterator<Item = (Status, i64)> {
        Status::ALL.into_iter().filter(|status| !status.is_in_funnel()).map(|status| (status, self.counts.get(status)))
    }
}

/// One line of the funnel.
struct Stage {
    label: &'static str,
    count: i64,
    share: f64,
    sent: i64,
    /// `None` for the last stage, where nobody is stuck.
    stuck: Option<i64>,
}

impl Stage {
    fn percent(&self) -> String {
        percent_words(self.count, self.sent)
    }

    fn stuck(&self) -> String {
        self.stuck.map_or_else(|| "-".to_owned(), number)
    }
}

/// Renders aligned text without colour, for a terminal or a mail.
pub fn table(report: &Report) -> String {
    let mut text = format!("{}\n\n", title(report));
    line(&mut text, format_args!("{:<10} {:>11} {:>8} {:>11}", "stage", "count", "of sent", "stuck here"));
    for stage in report.stages() {
        let (count, percent, stuck) = (number(stage.count), stage.percent(), stage.stuck());
        line(&mut text, format_args!("{:<10} {count:>11} {percent:>8} {stuck:>11}", stage.label));
    }
    let later = later(report.opted_out_later);
    let other = |(status, people)| match status {
        Status::OptedOut => format!("{status} {}{later}", number(people)),
        _ => format!("{status} {}", number(people)),
    };
    let others: Vec<_> = report.others().map(other).collect();
    line(&mut text, format_args!("\n{}", others.join("  ")));
    for sentence in held(report).into_iter().chain(unasked(report)) {
        line(&mut text, format_args!("{sentence}"));
    }
    line(&mut text, format_args!("people {}  money {}", number(report.blast.total_recipients), report.money()));
    for words in also(report) {
        line(&mut text, format_args!("{words}"));
    }
    if !report.errors.is_empty() {
        line(&mut text, format_args!("\n{:<12} {:>9}  why", "error", "people"));
    }
    for error in &report.errors {
        let count = number(error.count);
        line(&mut text, format_args!("{:<12} {count:>9}  {}", clean(&error.code), explained(error)));
    }
    text
}

/// Renders a page of Markdown.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n\n", cell(&title(report)));
    text.push_str("| stage | count | of sent | stuck here |\n|---|---:|---:|---:|\n");
    for stage in report.stages() {
        let (count, percent, stuck) = (number(stage.count), stage.percent(), stage.stuck());
        line(&mut text, format_args!("| {} | {count} | {percent} | {stuck} |", stage.label));
    }
    text.push_str("\n| otherwise | people |\n|---|---:|\n");
    for (status, people) in report.others() {
        line(&mut text, format_args!("| {status} | {} |", number(people)));
    }
    if report.opted_out_later > 0 {
        let later = number(report.opted_out_later);
        line(&mut text, format_args!("| opted out later, counted in their stage | {later} |"));
    }
    for sentence in held(report).into_iter().chain(unasked(report)) {
        line(&mut text, format_args!("\n{sentence}."));
    }
    line(&mut text, format_args!("\nPeople: {}. Money: {}.", number(report.blast.total_recipients), report.money()));
    for words in also(report) {
        line(&mut text, format_args!("\n{}.", cell(&words)));
    }
    if !report.errors.is_empty() {
        text.push_str("\n| error | people | why |\n|---|---:|---|\n");
    }
    for error in &report.errors {
        let count = number(error.count);
        line(&mut text, format_args!("| {} | {count} | {} |", cell(&error.code), cell(&explained(error))));
    }
    text
}

/// Renders CSV for a spreadsheet, safe to open: blast, section, item, count, share of sent, words.
pub fn csv(report: &Report) -> String {
    let mut out = csv::Writer::from_writer(Vec::new());
    let id = report.blast.id.to_string();
    let mut push = |cells: [&str; 5]| {
        let row = [&*id, &report.blast.tag].into_iter().chain(cells);
        // Writing to memory does not fail.
        _ = out.write_record(row.map(|cell| csv_safe(&clean(cell)).into_owned()));
    };
    push(["blast", "state", "", "", report.blast.state.word()]);
    push(["blast", "sender", "", "", &report.blast.sender]);
    push(["blast", "follow_up_stage", "", "", &report.blast.follow_up_stage]);
    push(["blast", "total_recipients", &report.blast.total_recipients.to_string(), "", ""]);
    push(["blast", "amount", &report.amount, "", ""]);
    push(["blast", "sales_without_amount", &report.sales_without_amount.to_string(), "", ""]);
    for stage in report.stages() {
        push(["funnel", &stage.label.to_lowercase(), &stage.count.to_string(), &stage.share.to_string(), ""]);
    }
    let Stuck { sent, delivered, read, replied } = report.stuck;
    for (at, people) in [("sent", sent), ("delivered", delivered), ("read", read), ("replied", replied)] {
        push(["stuck", at, &people.to_string(), "", ""]);
    }
    if report.stuck_with_cart > 0 {
        push(["stuck", "cart", &report.stuck_with_cart.to_string(), "", ""]);
    }
    push(["unasked", "sent", &report.unasked.to_string(), "", ""]);
    for status in Status::ALL {
        push(["counts", status.word(), &report.counts.get(status).to_string(), "", ""]);
    }
    push(["held", "by_meta", &report.held_by_meta.to_string(), "", ""]);
    push(["opted out", "later", &report.opted_out_later.to_string(), "", ""]);
    let ReplyCounts { replies, texts, writers } = report.replies;
    for (item, count) in [("all", replies), ("texts", texts), ("writers", writers)] {
        push(["replies", item, &count.to_string(), "", ""]);
    }
    for (category, messages) in &report.charges.categories {
        push(["charged", category, &messages.to_string(), "", ""]);
    }
    push(["charged", "free", &report.charges.free.to_string(), "", ""]);
    for (currency, sum) in &report.charges.money {
        push(["cost", currency, &sum.normalize().to_string(), "", ""]);
    }
    for error in &report.errors {
        push(["errors", &error.code, &error.count.to_string(), "", &explained(error)]);
    }
    let rows = String::from_utf8(out.into_inner().unwrap_or_default()).unwrap_or_default();
    format!("blast_id,blast_tag,section,item,count,share,words\n{rows}")
}

/// Whom Meta has accepted and not sent yet.
fn held(report: &Report) -> Option<String> {
    let held = report.held_by_meta;
    (held > 0).then(|| format!("{} at sent are held by Meta", number(held)))
}

/// How many are at *sent* and not known to be stuck there.
fn unasked(report: &Report) -> Option<String> {
    (report.unasked > 0).then(|| unasked_words(report.unasked))
}

/// What was written back, and what the messages are charged as, where there is any of it.
fn also(report: &Report) -> Vec<String> {
    let replies = (report.replies.replies > 0).then(|| report.replies.to_string());
    let charges = (!report.charges.is_empty()).then(|| format!("charged {}", report.charges));
    replies.into_iter().chain(charges).chain(carts(report)).collect()
}

/// Who put a cart together a day ago and ordered nothing, and how they get a message.
fn carts(report: &Report) -> Option<String> {
    let (id, waiting) = (report.blast.id, report.stuck_with_cart);
    let who = count_of(
        waiting,
        "person has had a cart for 24 hours and no order",
        "people have had a cart for 24 hours and no order",
    );
    (waiting > 0)
        .then(|| format!("{who}: `blastdeck blast new --from 'blast:{id} stuck:cart'` makes a follow-up to them"))
}

fn title(report: &Report) -> String {
    let Heading { id, tag, shown_state, sender, follow_up_stage, .. } = &report.blast;
    clean(&format!("{tag}, {follow_up_stage} (blast {id}, {shown_state}, by {sender})")).into_owned()
}

fn explained(error: &ErrorLine) -> String {
    // Some of Meta's titles are sentences with a full stop.
    let words = [error.title.trim_end_matches('.'), error.advice.as_str()];
    let said: Vec<_> = words.into_iter().filter(|words| !words.is_empty()).collect();
    clean(&said.join(": ")).into_owned()
}

/// Escapes text for Markdown.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in clean(text).chars() {
        if "\\`*_{}[]<>#|!".contains(c) {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

/// The total amount of closed people, with two decimals.
fn money(counts: &Counts) -> String {
    amount::as_kept(counts.amount)
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    _ = writeln!(text, "{words}");
}

#[cfg(test)]
mod tests;

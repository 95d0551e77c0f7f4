//! `customer`: one person over all blasts, and their right to be forgotten.

mod export;
mod forget;
mod show;
mod tagging;

use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::blast::people::limit;
use super::context::{Context, Intent};
use super::exit::UsageError;
use super::listed::{ListEnd, one_more};
use super::output::{json, line, talk, text};
use super::table::{TextAlign, render};
use crate::app::{CustomerQuery, CustomerRow};
use crate::domain::amount;
use crate::domain::customer_tag::bare_tag;
use crate::domain::phone::Phone;
use crate::domain::text::{clean, count_of};

#[derive(Debug, Subcommand)]
pub(super) enum CustomerVerb {
    /// Show all that is known of one person, over all blasts.
    Show {
        /// One of their numbers, in any spelling.
        phone: String,
        /// At most this many blasts, notes and consents.
        #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
    /// Find people by digits of a number or a part of a name.
    Find {
        /// Digits, or a part of the name.
        what: String,
        /// At most this many.
        #[arg(long, default_value_t = 50, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
    /// List customers, in the order of their numbers.
    List {
        /// Only those with this tag.
        #[arg(long)]
        tag: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 1000, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
    /// Make one customer of two, for whoever has another number now. Opt-outs stay with their numbers.
    Merge {
        /// The number that they had.
        from: String,
        /// The number that they are known by from now on.
        into: String,
    },
    /// Make a number that was merged a customer of its own again.
    Unmerge {
        /// The number.
        phone: String,
    },
    /// Tag a customer: an audience by `--from 'tag:vip'`.
    Tag(tagging::TagArgs),
    /// Take tags away from a customer.
    Untag {
        /// One of their numbers, in any spelling.
        phone: String,
        /// Which.
        #[arg(required = true)]
        tags: Vec<String>,
    },
    /// List all tags, with how many customers have each.
    Tags,
    /// Write a note about a customer, or take one away.
    Note {
        /// One of their numbers, in any spelling.
        phone: String,
        /// The note.
        #[arg(required_unless_present = "remove", conflicts_with = "remove", allow_hyphen_values = true)]
        note: Option<String>,
        /// Take the note with this number away, as `customer show` has it.
        #[arg(long, value_name = "NUMBER")]
        remove: Option<i64>,
    },
    /// Export customers with what is counted of each, as CSV, JSON lines or an Excel workbook.
    Export(export::CustomerExportArgs),
    /// Delete a person on their request: number, name and texts, everywhere in the database and on this machine. Counts and revenue
    /// stay as they are, and no later list brings them back.
    Forget {
        /// One of their numbers, in any spelling.
        phone: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Show where this machine keeps the key of people who were forgotten, and whether it has the right one.
    Key,
}

impl CustomerVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let context = Context::open(global, self.intent()).await?;
        match self {
            Self::Show { phone, limit } => show::run(&context, &phone, limit).await?,
            Self::Find { what, limit } => find(&context, what, limit).await?,
            Self::List { tag, limit } => list(&context, tag, limit).await?,
            Self::Merge { from, into } => merge(&context, &from, &into).await?,
            Self::Unmerge { phone } => unmerge(&context, &phone).await?,
            Self::Tag(tagging::TagArgs { many: Some(many), .. }) => many.run(&context).await?,
            Self::Tag(tagging::TagArgs { phone, tags, .. }) => {
                tag(&context, &phone.unwrap_or_default(), &tags, &[]).await?;
            }
            Self::Untag { phone, tags } => tag(&context, &phone, &[], &tags).await?,
            Self::Tags => tags(&context).await?,
            Self::Note { phone, note, remove } => write_note(&context, &phone, (note, remove)).await?,
            Self::Export(arguments) => arguments.run(&context).await?,
            Self::Forget { phone, yes } => forget::run(&context, &phone, yes).await?,
            Self::Key => forget::key(&context).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    const fn intent(&self) -> Intent {
        match self {
            Self::Merge { .. }
            | Self::Unmerge { .. }
            | Self::Tag(_)
            | Self::Untag { .. }
            | Self::Note { .. }
            | Self::Forget { .. } => Intent::Writes,
            _ => Intent::Reads,
        }
    }
}

/// A number in any spelling.
fn read(context: &Context, phone: &str) -> Result<Phone> {
    let parsed = Phone::parse(phone, context.app.own_region());
    parsed.map_err(|error| UsageError(format!("`{}`: {error}", clean(phone))).into())
}

async fn find(context: &Context, what: String, limit: u32) -> Result<()> {
    let query = CustomerQuery { search: Some(what), limit: i64::from(one_more(limit)), ..CustomerQuery::default() };
    let mut rows = context.app.customers(&query).await?.rows;
    let end = ListEnd::cut(&mut rows, limit);
    print(context, &rows)?;
    end.say();
    Ok(())
}

/// How many customers are read at once.
const PAGE: u32 = 500;

async fn list(context: &Context, tag: Option<String>, limit: u32) -> Result<()> {
    let (is_whole, most) = (tag.is_none(), i64::from(one_more(limit)));
    let mut query = CustomerQuery { tag, limit: most.min(i64::from(PAGE)), ..CustomerQuery::default() };
    let mut rows = Vec::new();
    loop {
        let page = context.app.customers(&query).await?;
        rows.extend(page.rows);
        let left = most - i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if page.next.is_none() || left <= 0 {
            break;
        }
        query = CustomerQuery { after: page.next, limit: left.min(i64::from(PAGE)), ..query };
    }
    let end = ListEnd::cut(&mut rows, limit);
    print(context, &rows)?;
    end.say();
    if is_whole {
        say_forgotten(context).await?;
    }
    Ok(())
}

/// What is counted of people who were forgotten, and is in no customer's row.
async fn say_forgotten(context: &Context) -> Result<()> {
    if let Some(forgotten) = context.app.forgotten_customers().await? {
        talk(&forgotten.in_words());
    }
    Ok(())
}

const HEADER: [(&str, TextAlign); 10] = [
    ("phone", TextAlign::Left),
    ("name", TextAlign::Left),
    ("sent", TextAlign::Right),
    ("received", TextAlign::Right),
    ("read", TextAlign::Right),
    ("replied", TextAlign::Right),
    ("messages", TextAlign::Right),
    ("revenue", TextAlign::Right),
    ("last seen", TextAlign::Left),
    ("tags", TextAlign::Left),
];

fn print(context: &Context, rows: &[CustomerRow]) -> Result<()> {
    if context.is_json {
        return rows.iter().try_for_each(json);
    }
    if rows.is_empty() {
        talk("no customer");
        return Ok(());
    }
    let cells = rows.iter().map(|row| {
        vec![
            numbers_in_words(row),
            row.names.first().cloned().unwrap_or_default(),
            row.sent.to_string(),
            row.received.to_string(),
            row.read.to_string(),
            row.replied.to_string(),
            row.replies.to_string(),
            amount::money(row.revenue),
            context.when(row.last_seen),
            tags_in_words(row),
        ]
    });
    text(&render(&HEADER, &cells.collect::<Vec<_>>()))
}

/// `+60 12-345 6789, and 1 more`.
fn numbers_in_words(row: &CustomerRow) -> String {
    let first = row.numbers.first().cloned().unwrap_or_default();
    let more = row.numbers.len().saturating_sub(1);
    if more == 0 { first } else { format!("{first}, and {more} more") }
}

fn tags_in_words(row: &CustomerRow) -> String {
    let opted_out = (!row.opted_out.is_empty()).then(|| "opted out".to_owned());
    row.tags.iter().map(|tag| format!("#{tag}")).chain(opted_out).collect::<Vec<_>>().join(" ")
}

async fn merge(context: &Context, from: &str, into: &str) -> Result<()> {
    let (from, into) = (read(context, from)?, read(context, into)?);
    let merged = context.app.merge_customers(&from, &into).await?;
    if context.is_json {
        let apart: Vec<_> = merged.opted_out_apart.iter().map(|apart| &apart.business).collect();
        return json(&json!({ "customer": merged.customer, "opted_out_apart": apart,
                             "is_unknown": merged.is_unknown }));
    }
    talk(&format!(
        "{from} and {into} are one customer now, with {}; `blastdeck customer unmerge {}` takes that back",
        count_of(merged.customer.numbers.len(), "number", "numbers"),
        merged.merged
    ));
    if merged.is_unknown {
        talk(&format!("nothing was known of {into} until now"));
    }
    for apart in &merged.opted_out_apart {
        let adds = format!("{} adds the other", apart.adding_line());
        let stay = "only one of them is opted out, and opt-outs stay with their numbers";
        talk(&context.pasteable(&format!("{stay}: {adds}")));
    }
    Ok(())
}

async fn unmerge(context: &Context, phone: &str) -> Result<()> {
    let phone = read(context, phone)?;
    let customer = context.app.unmerge_customer(&phone).await?;
    if context.is_json {
        return json(&customer);
    }
    let further = match customer.numbers.len().saturating_sub(1) {
        0 => String::new(),
        further => format!(", with {} merged into it", count_of(further, "number that was", "numbers that were")),
    };
    talk(&format!("{phone} is a customer of its own again{further}"));
    Ok(())
}

async fn tag(context: &Context, phone: &str, add: &[String], remove: &[String]) -> Result<()> {
    let phone = read(context, phone)?;
    let had = if remove.is_empty() { Vec::new() } else { context.app.customer(&phone).await?.customer.tags };
    let customer = context.app.tag_customer(&phone, add, remove).await?;
    if context.is_json {
        return json(&customer);
    }
    if !remove.is_empty() && had == customer.tags {
        let none = remove.iter().map(|tag| format!("#{}", bare_tag(tag))).collect::<Vec<_>>().join(" ");
        talk(&format!("{phone} had no {none}: nothing changed"));
    }
    let tags = customer.tags.iter().map(|tag| format!("#{tag}")).collect::<Vec<_>>().join(" ");
    talk(&if tags.is_empty() { format!("{phone} has no tag") } else { format!("{phone} has {tags}") });
    Ok(())
}

async fn tags(context: &Context) -> Result<()> {
    for (tag, customers) in context.app.tags().await? {
        if context.is_json {
            json(&json!({ "tag": tag, "customers": customers }))?;
        } else {
            line(&format!("{tag}: {}", count_of(customers, "customer", "customers")))?;
        }
    }
    Ok(())
}

async fn write_note(context: &Context, phone: &str, (note, remove): (Option<String>, Option<i64>)) -> Result<()> {
    let phone = read(context, phone)?;
    if let Some(id) = remove {
        context.app.remove_customer_note(&phone, id).await?;
        if context.is_json {
            return json(&json!({ "id": id, "removed": true }));
        }
        talk("the note is gone");
        return Ok(());
    }
    let written = context.app.note_customer(&phone, &note.unwrap_or_default()).await?;
    if context.is_json {
        return json(&written);
    }
    talk("noted");
    Ok(())
}

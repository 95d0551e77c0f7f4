//! `blast recipients`: lists the people of a blast page by page, so that a million stream as a hundred do.

use std::collections::HashMap;

use chrono::Utc;
use color_eyre::Result;
use serde_json::Value;

use crate::app::view::{Anchor, Order, RecipientQuery, RecipientRow};
use crate::app::{ExportCell, RECIPIENTS, recipient};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::UsageError;
use crate::cli::output::{json, text};
use crate::cli::table::{TextAlign, TextTable};
use crate::domain::amount::money;
use crate::domain::filter::{self, Filter, FilterError};
use crate::domain::ids::BlastId;
use crate::domain::status::Status;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RecipientsArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// Only people in this status: queued, sending, uncertain, sent, received, read, replied, closed, failed,
    /// opted_out, skipped.
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// The dashboard's filter language: stuck:read, phone:6012, name:ali, code:131026, has:reply, -status:failed …
    #[arg(long, allow_hyphen_values = true)]
    search: Option<String>,
    /// At most this many.
    #[arg(long, value_parser = limit, allow_hyphen_values = true)]
    limit: Option<u32>,
}

/// How many rows to list at most, for each verb that has a limit.
pub(in crate::cli) fn limit(text: &str) -> Result<u32, String> {
    let limit = text.trim().parse().ok().filter(|limit| *limit > 0);
    limit.ok_or_else(|| "write a whole number, 1 or more".to_owned())
}

pub(super) fn status(text: &str) -> Result<Status, String> {
    filter::status(text).map_err(|error| match error {
        FilterError::ProviderWord(_) => format!("{error} with --search"),
        _ => error.to_string(),
    })
}

/// How many people to list.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Listing {
    limit: u32,
}

impl Listing {
    pub(in crate::cli) const ALL: Self = Self { limit: u32::MAX };
}

/// Rows per page.
const WINDOW: u32 = 500;

impl RecipientsArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let filter = search(&context, self.search.as_deref(), self.status)?;
        context.app.blast(self.blast).await?;
        list(&context, self.blast, &filter, Listing { limit: self.limit.unwrap_or(u32::MAX) }).await
    }
}

/// The filter of `--search` and `--status` together.
pub(in crate::cli) fn search(context: &Context, text: Option<&str>, status: Option<Status>) -> Result<Filter> {
    let text = text.unwrap_or_default();
    let mut filter = Filter::parse(text, Utc::now(), context.zone).map_err(|error| UsageError(error.to_string()))?;
    if let Some(status) = status {
        filter.terms.extend(Filter::status(status).terms);
    }
    Ok(filter)
}

/// Prints the people who match: a table, or one JSON object per line.
pub(in crate::cli) async fn list(context: &Context, blast: BlastId, filter: &Filter, listing: Listing) -> Result<()> {
    let (mut anchor, mut left) = (Anchor::Start, listing.limit);
    let header = header();
    let mut table = TextTable::new(&header);
    let mut has_head = false;
    while left > 0 {
        let query = RecipientQuery {
            blast,
            filter: filter.clone(),
            order: Order::Row,
            as_of: None,
            anchor,
            limit: left.min(WINDOW),
        };
        let window = context.app.recipients(&query).await?;
        let Some(last) = window.last() else { break };
        anchor = Anchor::After(last.place());
        left = left.saturating_sub(u32::try_from(window.len()).unwrap_or(u32::MAX));
        if context.is_json {
            let people: Vec<_> = window.iter().map(|row| row.id).collect();
            let own: HashMap<_, _> = context.app.external_ids(&people).await?.into_iter().collect();
            window.iter().try_for_each(|row| json(&as_json(row, own.get(&row.id))))?;
        } else {
            let rows: Vec<_> = window.iter().map(|row| cells(context, row)).collect();
            let head = if std::mem::replace(&mut has_head, true) { String::new() } else { table.head(&rows) };
            text(&(head + &table.rows(&rows)))?;
        }
    }
    if context.is_json || has_head { Ok(()) } else { text(&table.head(&[])) }
}

/// As an export has it.
fn as_json(row: &RecipientRow, external_id: Option<&String>) -> Value {
    let names = RECIPIENTS.columns.iter().map(|name| (*name).to_owned());
    Value::Object(names.zip(recipient(row, external_id).iter().map(ExportCell::to_json)).collect())
}

fn cells(context: &Context, row: &RecipientRow) -> Vec<String> {
    let opted_out = (row.opted_out_at.is_some() || row.opt_out.is_some()) && row.status != Status::OptedOut;
    let opted_out = opted_out.then(|| "opted out".to_owned());
    let why = row.reason.clone().or_else(|| row.error_message.clone()).or_else(|| row.note.clone());
    let why: Vec<String> = opted_out.into_iter().chain(why).collect();
    vec![
        row.phone.to_string(),
        row.name.clone().unwrap_or_default(),
        row.status.to_string(),
        context.when(row.sent_at),
        context.when(row.delivered_at),
        context.when(row.read_at),
        context.when(row.replied_at),
        context.when(row.closed_at),
        row.amount.map_or_else(String::new, money),
        why.join("; "),
    ]
}

fn header() -> [(&'static str, TextAlign); 10] {
    use TextAlign::{Left, Right};
    [
        ("phone", Left),
        ("name", Left),
        ("status", Left),
        ("sent", Left),
        ("received", Left),
        ("read", Left),
        ("replied", Left),
        ("closed", Left),
        ("amount", Right),
        ("why, note", Left),
    ]
}

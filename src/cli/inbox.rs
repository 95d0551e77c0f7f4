//! `inbox`: webhooks as they came, and applying them again.

use std::process::ExitCode;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::blast::people::limit;
use super::context::{Context, Intent};
use super::listed::{ListEnd, one_more};
use super::output::{json, talk, text};
use super::table::{TextAlign, render};
use crate::app::{AppError, InboxEntry, InboxSummary, ReplaySelection};
use crate::domain::pace::{parse_span, show_span};
use crate::domain::text::count_of;

#[derive(Debug, Subcommand)]
pub(super) enum InboxVerb {
    /// List webhooks, newest first, and how many are not applied yet.
    List {
        /// Only those in which something could not be applied.
        #[arg(long)]
        failed: bool,
        /// At most this many.
        #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
    /// Apply webhooks again; what was applied already changes nothing.
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct ReplayArgs {
    /// The webhook with this id.
    id: Option<i64>,
    /// What could not be applied, of all webhooks.
    #[arg(long)]
    failed: bool,
    /// Everything received since: a span such as 2h or 1d, or a time such as 2026-12-01T09:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<DateTime<Utc>>,
}

/// A span back from now, or a time.
pub(super) fn since(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text.trim()) {
        return Ok(at.to_utc());
    }
    let span = parse_span(text).ok().and_then(|span| TimeDelta::from_std(span).ok());
    let at = span.and_then(|span| Utc::now().checked_sub_signed(span));
    at.ok_or_else(|| "write a span such as 2h or 1d, or a time such as 2026-12-01T09:00:00Z".to_owned())
}

impl ReplayArgs {
    fn selection(&self) -> ReplaySelection {
        match (self.id, self.since) {
            (Some(id), _) => ReplaySelection::One(id),
            (None, Some(at)) => ReplaySelection::Since(at),
            (None, None) => ReplaySelection::Failed,
        }
    }
}

impl InboxVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List { failed, limit } => list(global, failed, limit).await?,
            Self::Replay(arguments) => replay(global, arguments.selection()).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn list(global: &Global, failed: bool, limit: u32) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let mut rows = context.app.inbox(failed, one_more(limit)).await?;
    let (end, summary) = (ListEnd::cut(&mut rows, limit), context.app.inbox_summary().await?);
    if context.is_json {
        rows.iter().try_for_each(json)?;
        end.say();
        return Ok(());
    }
    let header = [
        ("id", TextAlign::Right),
        ("received", TextAlign::Left),
        ("from", TextAlign::Left),
        ("state", TextAlign::Left),
        ("items", TextAlign::Right),
        ("waiting", TextAlign::Right),
        ("failed", TextAlign::Right),
        ("tries", TextAlign::Right),
        ("why", TextAlign::Left),
    ];
    text(&render(&header, &rows.iter().map(|row| cells(&context, row)).collect::<Vec<_>>()))?;
    end.say();
    talk(&in_words(&summary));
    Ok(())
}

fn cells(context: &Context, row: &InboxEntry) -> Vec<String> {
    vec![
        row.id.to_string(),
        context.when(Some(row.received_at)),
        row.provider.clone(),
        row.state.clone(),
        row.items.map_or_else(|| "-".to_owned(), |items| items.to_string()),
        row.open.to_string(),
        row.failed.to_string(),
        row.tries.to_string(),
        row.reason.clone().unwrap_or_default(),
    ]
}

/// What is not applied, and how old it is.
fn in_words(summary: &InboxSummary) -> String {
    let InboxSummary { new, parked, failed, oldest, .. } = *summary;
    if new + parked + failed == 0 {
        return "everything is applied".to_owned();
    }
    let age = oldest.and_then(|at| (Utc::now() - at).to_std().ok());
    let age =
        age.map(|age| format!("; the oldest has waited {}", show_span(std::time::Duration::from_secs(age.as_secs()))));
    format!("{new} new, {parked} waiting, {failed} failed{}", age.unwrap_or_default())
}

async fn replay(global: &Global, selection: ReplaySelection) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let webhooks = context.app.replay_inbox(selection).await?;
    if let (ReplaySelection::One(id), 0) = (selection, webhooks) {
        return Err(AppError::NotFound(format!("there is no webhook {id}: `blastdeck inbox list` shows them")).into());
    }
    if context.is_json {
        return json(&json!({ "replayed": webhooks }));
    }
    let webhooks = i64::try_from(webhooks).unwrap_or(i64::MAX);
    let webhooks = count_of(webhooks, "webhook is", "webhooks are");
    talk(&format!("{webhooks} applied again, by the engine that runs or the next one to be started"));
    Ok(())
}

//! `replies`: what people wrote, the last to arrive first.

mod export;
mod follow;
mod save;

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use color_eyre::Result;
use serde_json::{Value, json};

use super::Global;
use super::blast::people::limit;
use super::context::{Context, Intent};
use super::inbox::since;
use super::listed::ListEnd;
use super::output::{json, talk, text};
use super::table::{TextAlign, TextTable};
use crate::app::view::{ReplyQuery, ReplyRow};
use crate::domain::ids::{BlastId, ReplyId};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct RepliesVerb {
    #[command(flatten)]
    listing: RepliesListing,
    #[command(subcommand)]
    act: Option<RepliesAct>,
}

#[derive(Debug, Subcommand)]
enum RepliesAct {
    /// Export what people wrote as CSV, JSON lines or an Excel workbook.
    Export(export::RepliesExportArgs),
    /// Write the picture or document of a reply into a file.
    Save {
        /// The number in the first column of `replies`.
        #[arg(value_parser = reply_id)]
        id: ReplyId,
        /// The file to write; it must not exist.
        file: PathBuf,
    },
}

fn reply_id(text: &str) -> Result<ReplyId, String> {
    text.trim()
        .parse()
        .map(ReplyId)
        .map_err(|_| "write the number in the first column of `blastdeck replies`".to_owned())
}

#[derive(Debug, clap::Args)]
struct RepliesListing {
    /// Only replies to this blast.
    blast: Option<BlastId>,
    /// Only those received since: a span such as 2h or 1d, or a time such as 2026-12-01T09:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<DateTime<Utc>>,
    /// At most this many.
    #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
    limit: u32,
    /// Print what comes from now on, oldest first, until interrupted.
    #[arg(long, conflicts_with_all = ["since", "limit"])]
    follow: bool,
    /// Also write the pictures and documents among them into this directory.
    #[arg(long, value_name = "DIR", conflicts_with = "follow")]
    save: Option<PathBuf>,
}

/// Rows per page.
const PAGE: u32 = 500;

const HEADER: [(&str, TextAlign); 7] = [
    ("id", TextAlign::Right),
    ("when", TextAlign::Left),
    ("phone", TextAlign::Left),
    ("name", TextAlign::Left),
    ("blast", TextAlign::Right),
    ("kind", TextAlign::Left),
    ("text", TextAlign::Left),
];

impl RepliesVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let context = Context::open(global, Intent::Reads).await?;
        match self.act {
            Some(RepliesAct::Export(arguments)) => arguments.run(&context).await?,
            Some(RepliesAct::Save { id, file }) => save::one(&context, id, &file).await?,
            None => self.listing.run(&context).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl RepliesListing {
    async fn run(&self, context: &Context) -> Result<()> {
        if let Some(blast) = self.blast {
            context.app.blast(blast).await?;
        }
        if self.follow { follow::run(context, self.blast).await } else { self.list(context).await }
    }

    async fn list(&self, context: &Context) -> Result<()> {
        let mut table = TextTable::new(&HEADER);
        let (mut before, mut left) = (None, self.limit);
        let mut saving = self.save.as_deref().map(save::Saving::new);
        while left > 0 {
            let query = ReplyQuery { blast: self.blast, since: self.since, before, limit: left.min(PAGE) };
            let page = context.app.replies(&query).await?;
            if context.is_json {
                page.iter().try_for_each(|row| json(&as_json(context, row)))?;
            } else {
                let rows: Vec<_> = page.iter().map(|row| cells(context, row)).collect();
                let head = if before.is_none() { table.head(&rows) } else { String::new() };
                text(&(head + &table.rows(&rows)))?;
            }
            if let Some(saving) = &mut saving {
                saving.all(context, &page).await?;
            }
            left = left.saturating_sub(u32::try_from(page.len()).unwrap_or(u32::MAX));
            match page.last() {
                Some(last) => before = Some(last.place()),
                None => break,
            }
        }
        if let Some(saving) = saving {
            talk(&saving.in_words());
        }
        let behind = ReplyQuery { blast: self.blast, since: self.since, before, limit: 1 };
        let has_more = left == 0 && !context.app.replies(&behind).await?.is_empty();
        ListEnd::at(self.limit, has_more).say();
        Ok(())
    }
}

fn as_json(context: &Context, row: &ReplyRow) -> Value {
    let file = row.file.file_state.as_ref().map(|state| {
        json!({
            "state": state, "digest": row.file.file_digest, "type": row.file.file_type, "bytes": row.file.file_bytes,
            "host": row.file.file_host, "reason": row.file.file_reason,
        })
    });
    json!({
        "id": row.id, "at": row.at, "received_at": row.received_at, "sender": row.sender, "blast": row.blast,
        "blast_id": row.blast, "recipient": row.recipient, "recipient_id": row.recipient, "phone_number": row.phone, "user_id": row.user_id, "name": row.name, "kind": row.kind,
        "text": row.body, "payload": row.payload, "message_id": row.message_id, "is_opt_out": context.app.is_stop(row),
        "file": file,
    })
}

fn cells(context: &Context, row: &ReplyRow) -> Vec<String> {
    vec![
        row.id.to_string(),
        context.when(Some(row.at)),
        row.phone.as_ref().map(ToString::to_string).or_else(|| row.user_id.clone()).unwrap_or_default(),
        row.name.clone().unwrap_or_default(),
        row.blast.map_or_else(String::new, |blast| blast.to_string()),
        kind(context, row),
        row.body.clone(),
    ]
}

/// What it is, in a word or two.
fn kind(context: &Context, row: &ReplyRow) -> String {
    let stop = match (context.app.is_stop(row), context.app.asks_to_stop(row)) {
        (true, _) => ", opts out",
        (false, true) => ", asks to stop: whose number is it?",
        (false, false) => "",
    };
    let file = match row.file.file_state.as_deref() {
        Some("stored") => ", saved",
        Some("lost") => ", not saved",
        _ => "",
    };
    format!("{}{stop}{file}", row.kind)
}

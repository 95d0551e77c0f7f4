//! `blast export`: a blast's people, their replies or their history as CSV or JSON lines. A page at a time: a million people
//! take no more memory than a hundred.

pub(in crate::cli) mod destination;
mod progress;
pub(in crate::cli) mod record;

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use color_eyre::Result;

use super::people::{search, status};
use crate::app::App;
use crate::app::view::{ReplyPosition, ReplyRow};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::RefusedError;
use crate::cli::output::talk;
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId, ReplyId};
use crate::domain::status::Status;
use crate::shutdown::{SecondInterrupt, Shutdown};
use destination::Destination;
use progress::Progress;
use record::{RecordEncoder, RecordTable};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// What to export: its people, what they wrote, or every change of their status.
    #[arg(long, value_enum, default_value_t = ExportKind::Recipients)]
    what: ExportKind,
    /// CSV that a spreadsheet opens without running anything in it, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    format: ExportFormat,
    /// The file to write; it must not exist. Standard output by default.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only people in this status.
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// Only people found by the dashboard's filter language: stuck:read, older:48h, phone:6012, -status:failed …
    #[arg(long, allow_hyphen_values = true)]
    search: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportKind {
    Recipients,
    Replies,
    History,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    Csv,
    Json,
}

impl ExportArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let filter = search(&context, self.search.as_deref(), self.status)?;
        let people = context.app.blast(self.blast).await?.total_recipients;
        let format = if context.is_json { ExportFormat::Json } else { self.format };
        let table = self.what.table();
        let mut export = Export {
            app: &context.app,
            blast: self.blast,
            filter,
            encoder: RecordEncoder::new(format, table),
            to: Destination::open(self.output.as_deref())?,
            progress: Progress::new(people),
            stop: Shutdown::new(),
        };
        if self.output.is_some() {
            // Without a file there is nothing to clean up, and an interrupt may end the process where it stands.
            export.stop.on_signals(SecondInterrupt::Exit)?;
        }
        let written = export.run(self.what).await?;
        export.to.finish()?;
        talk(&table.written(written, self.output.as_deref()));
        Ok(())
    }
}

impl ExportKind {
    const fn table(self) -> &'static RecordTable {
        match self {
            Self::Recipients => &record::RECIPIENTS,
            Self::Replies => &record::REPLIES,
            Self::History => &record::HISTORY,
        }
    }
}

/// An export under way.
struct Export<'a> {
    app: &'a App,
    blast: BlastId,
    filter: Filter,
    encoder: RecordEncoder,
    to: Destination,
    progress: Progress,
    /// Requested by an interrupt.
    stop: Shutdown,
}

impl Export<'_> {
    /// How many records were written.
    async fn run(&mut self, what: ExportKind) -> Result<u64> {
        let head = self.encoder.head()?;
        self.to.write(&head)?;
        match what {
            ExportKind::Recipients | ExportKind::History => self.by_person(what).await?,
            ExportKind::Replies => self.by_arrival().await?,
        }
        self.progress.finish();
        Ok(self.encoder.records())
    }

    async fn by_person(&mut self, what: ExportKind) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.app.people_page(self.blast, &self.filter, after).await?;
            let Some(last) = page.last else { return Ok(()) };
            if what == ExportKind::Recipients {
                let records: Vec<_> = page.rows.iter().map(record::recipient).collect();
                self.put(&records)?;
            } else {
                let people: Vec<RecipientId> = page.rows.iter().map(|row| row.id).collect();
                let changes = self.app.changes_of(&people).await?;
                let records: Vec<_> = changes.iter().map(record::change).collect();
                self.put(&records)?;
            }
            after = Some(last);
            self.progress.advance(page.looked_at);
        }
    }

    async fn by_arrival(&mut self) -> Result<()> {
        let mut place = ReplyPosition { received_at: DateTime::<Utc>::UNIX_EPOCH, id: ReplyId(0) };
        loop {
            let page = self.app.replies_after(self.blast, place, REPLIES).await?;
            let Some(last) = page.last() else { return Ok(()) };
            place = last.place();
            let records: Vec<_> =
                self.wanted(&page).await?.into_iter().map(|row| record::reply(self.app, row)).collect();
            self.put(&records)?;
        }
    }

    /// The replies of people who match. Whoever is not in the blast's list matches no filter.
    async fn wanted<'p>(&self, page: &'p [ReplyRow]) -> Result<Vec<&'p ReplyRow>> {
        if self.filter.is_everybody() {
            return Ok(page.iter().collect());
        }
        let people: Vec<RecipientId> = page.iter().filter_map(|row| row.recipient).collect();
        let matching: Vec<RecipientId> =
            self.app.matching(&people, &self.filter).await?.into_iter().map(|row| row.id).collect();
        let is_wanted = |row: &&ReplyRow| row.recipient.is_some_and(|person| matching.binary_search(&person).is_ok());
        Ok(page.iter().filter(is_wanted).collect())
    }

    fn put(&mut self, records: &[record::Record]) -> Result<()> {
        if self.stop.is_cancelled() {
            self.progress.finish();
            return Err(RefusedError("cancelled: nothing was kept".to_owned()).into());
        }
        let bytes = self.encoder.encode(records)?;
        self.to.write(&bytes)
    }
}

/// Replies per page.
const REPLIES: u32 = 1_000;

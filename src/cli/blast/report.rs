//! `blast report`: the funnel, and where people are stuck.

use std::time::Duration;

use clap::ValueEnum;
use color_eyre::Result;

use crate::cli::Global;
use crate::cli::context::{Context, Touch};
use crate::cli::output::{json, text};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::engine::report::{self, Report};

/// How often a watched report is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReportVerb {
    blast: BlastId,
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Print it again whenever it changes, until the blast is over.
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
    Markdown,
}

impl ReportVerb {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Touch::Reads).await?;
        let format = if global.json { Format::Json } else { self.format };
        let mut report = context.app.report(self.blast).await?;
        print(&report, format)?;
        while self.watch
            && matches!(report.blast.state, BlastState::Sending | BlastState::Paused | BlastState::Scheduled)
        {
            tokio::time::sleep(LOOK_EVERY).await;
            let next = context.app.report(self.blast).await?;
            if next != report {
                print(&next, format)?;
                report = next;
            }
        }
        Ok(())
    }
}

fn print(report: &Report, format: Format) -> Result<()> {
    match format {
        Format::Json => json(report),
        Format::Table => text(&report::table(report)),
        Format::Csv => text(&report::csv(report)),
        Format::Markdown => text(&report::markdown(report)),
    }
}

//! `blast report`: prints the funnel, and where people are stuck.

use std::time::Duration;

use clap::ValueEnum;
use color_eyre::Result;

use crate::app::report::{self, Report};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::output::{json, text};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;

/// How often `--watch` polls the report.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReportArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    format: ReportFormat,
    /// Print the report again whenever it changes, until the blast is over.
    #[arg(long)]
    watch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    Table,
    Json,
    Csv,
    Markdown,
}

impl ReportArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let format = if global.json { ReportFormat::Json } else { self.format };
        let mut report = context.app.report(self.blast).await?;
        print(&report, format)?;
        while self.watch
            && matches!(report.blast.state, BlastState::Sending | BlastState::Paused | BlastState::Scheduled)
        {
            tokio::time::sleep(POLL_INTERVAL).await;
            let next = context.app.report(self.blast).await?;
            if next != report {
                print(&next, format)?;
                report = next;
            }
        }
        Ok(())
    }
}

fn print(report: &Report, format: ReportFormat) -> Result<()> {
    match format {
        ReportFormat::Json => json(report),
        ReportFormat::Table => text(&report::table(report)),
        ReportFormat::Csv => text(&report::csv(report)),
        ReportFormat::Markdown => text(&report::markdown(report)),
    }
}

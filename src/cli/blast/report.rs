//! `blast report`: prints the funnel, and where people are stuck; keeps it, and lists what was kept.

use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use color_eyre::Result;

use crate::app::report::{self, Report};
use crate::app::{SavedReport, SavedReportQuery};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::UsageError;
use crate::cli::export::both_formats;
use crate::cli::output::{json, refuse_gone_reader, talk, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::ids::BlastId;
use crate::domain::text::number;

/// How often `--watch` polls the report.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How many reports are read at once.
const PAGE: u32 = 500;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ReportArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The output format; a table by default.
    #[arg(long, value_enum)]
    format: Option<ReportFormat>,
    /// Print the report again whenever it changes, until the blast is over. `blast wait` also ends where somebody has to do something.
    #[arg(long)]
    watch: bool,
    /// Keep these numbers as well. With --json, print the record, with the report in it.
    #[arg(long, conflicts_with = "watch")]
    save: bool,
    /// List the reports that were kept, newest first.
    #[arg(long, conflicts_with_all = ["watch", "save", "format"])]
    saved: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    Table,
    Json,
    Csv,
    Markdown,
    /// One page with pictures, to hand on: it loads nothing.
    Html,
}

impl ReportArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let format = self.format(global)?;
        let intent = if self.save { Intent::Writes } else { Intent::Reads };
        let context = Context::open(global, intent).await?;
        if self.save {
            return save(&context, self.blast, format).await;
        }
        if self.saved {
            return list(&context, self.blast).await;
        }
        let mut report = context.app.report(self.blast).await?;
        print(&context, &report, format).await?;
        while self.watch && !report.blast.state.is_over() {
            tokio::time::sleep(POLL_INTERVAL).await;
            refuse_gone_reader()?;
            let next = context.app.report(self.blast).await?;
            if next != report {
                print(&context, &next, format).await?;
                report = next;
            }
        }
        Ok(())
    }

    fn format(&self, global: &Global) -> Result<ReportFormat> {
        match (global.json, self.format) {
            (true, None | Some(ReportFormat::Json)) => Ok(ReportFormat::Json),
            (true, Some(other)) => {
                let word = other.to_possible_value();
                Err(UsageError(both_formats(word.as_ref().map_or("", PossibleValue::get_name))).into())
            }
            (false, format) => Ok(format.unwrap_or(ReportFormat::Table)),
        }
    }
}

async fn save(context: &Context, blast: BlastId, format: ReportFormat) -> Result<()> {
    let (report, saved) = context.app.save_report(blast).await?;
    if format == ReportFormat::Json {
        return json(&saved);
    }
    print(context, &report, format).await?;
    let kept = format!("kept as report {}: `blastdeck blast report {blast} --saved` lists what was kept", saved.id);
    talk(&kept);
    Ok(())
}

async fn list(context: &Context, blast: BlastId) -> Result<()> {
    let mut query = SavedReportQuery { blast, before: None, limit: PAGE };
    loop {
        let page = context.app.saved_reports(query).await?;
        if context.is_json {
            page.iter().try_for_each(json)?;
        } else if query.before.is_none() || !page.is_empty() {
            text(&table(context, &page))?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => query.before = Some(last.id),
            _ => return Ok(()),
        }
    }
}

fn table(context: &Context, page: &[SavedReport]) -> String {
    use TextAlign::{Left, Right};
    let header = [
        ("id", Right),
        ("kept", Left),
        ("by", Left),
        ("sent", Right),
        ("received", Right),
        ("read", Right),
        ("replied", Right),
        ("closed", Right),
    ];
    let row = |saved: &SavedReport| {
        let funnel = saved.funnel;
        let stages = [funnel.sent, funnel.received, funnel.read, funnel.replied, funnel.closed];
        let head = [saved.id.to_string(), context.when(Some(saved.saved_at)), saved.saved_by.clone()];
        head.into_iter().chain(stages.map(number)).collect()
    };
    let rows: Vec<Vec<String>> = page.iter().map(row).collect();
    render(&header, &rows)
}

async fn print(context: &Context, report: &Report, format: ReportFormat) -> Result<()> {
    match format {
        ReportFormat::Json => json(report),
        ReportFormat::Table => text(&report::table(report)),
        ReportFormat::Csv => text(&report::csv(report)),
        ReportFormat::Html => {
            let pictures = context.app.report_pictures(report.blast.id).await?;
            text(&report::html(report, &pictures))
        }
        ReportFormat::Markdown => text(&report::markdown(report)),
    }
}

//! `blast export`: the people of blasts, their replies or their history, as CSV, JSON lines or a workbook.

use clap::ValueEnum;
use color_eyre::Result;

use super::people::{search, status};
use crate::app::view::BlastFilter;
use crate::app::{Export, PeopleExport};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::export::{ExportOutput, blasts_of};
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct BlastExportArgs {
    /// The blasts' ids, as in `blast list`. Of several, each row names its own.
    #[arg(value_name = "BLAST", required_unless_present = "all")]
    blasts: Vec<BlastId>,
    /// Every blast.
    #[arg(long, conflicts_with = "blasts")]
    all: bool,
    /// What to export: people, what they wrote, or every change of their status.
    #[arg(long, value_enum, default_value_t = BlastExportKind::Recipients)]
    what: BlastExportKind,
    #[command(flatten)]
    output: ExportOutput,
    /// Only people in this status.
    #[arg(long, value_parser = status)]
    status: Option<Status>,
    /// Only people found by the dashboard's filter language: stuck:read, older:48h, phone:6012, -status:failed …
    #[arg(long, allow_hyphen_values = true)]
    search: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BlastExportKind {
    Recipients,
    Replies,
    History,
}

impl BlastExportArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let filter = search(&context, self.search.as_deref(), self.status)?;
        let mut blasts = blasts_of(&context, &self.blasts).await?;
        if self.all {
            blasts = context.app.blasts(&BlastFilter { without_unasked: true, ..BlastFilter::default() }).await?;
            blasts.sort_by_key(|blast| blast.id);
        }
        let people = blasts.iter().map(|blast| blast.total_recipients).sum();
        let zone = context.app.export_zone(&blasts);
        let export = self.export(blasts.iter().map(|blast| blast.id).collect(), filter);
        // How many replies there are nobody counted.
        let whole = (self.what != BlastExportKind::Replies).then_some(people);
        self.output.write(&context, export, zone, whole).await
    }

    fn export(&self, blasts: Vec<BlastId>, filter: Filter) -> Export {
        let all = self.all;
        match self.what {
            BlastExportKind::Recipients => Export::People { blasts, all, filter, what: PeopleExport::Recipients },
            BlastExportKind::History => Export::People { blasts, all, filter, what: PeopleExport::History },
            BlastExportKind::Replies => Export::Replies { blasts: Some(blasts), all, since: None, filter },
        }
    }
}

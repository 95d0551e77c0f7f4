//! `order export`: orders of one blast or of all, a row each or a row for each item.

use clap::ValueEnum;
use color_eyre::Result;

use super::super::blast::people::search;
use super::super::export::{ExportOutput, blasts_of};
use super::super::order::parse_phone;
use super::state;
use crate::app::{Export, OrderExport, OrderQuery};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::domain::ids::BlastId;
use crate::domain::order::OrderState;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// What is a row: a whole order, with its items in one cell, or an item.
    #[arg(long, value_enum, default_value_t = ExportKind::Orders)]
    what: ExportKind,
    #[command(flatten)]
    output: ExportOutput,
    /// Only those of this blast.
    #[arg(long)]
    blast: Option<BlastId>,
    /// Only those in this state: new, confirmed, paid, fulfilled, cancelled.
    #[arg(long, value_parser = state)]
    state: Option<OrderState>,
    /// Only those of this number, in any spelling.
    #[arg(long)]
    phone: Option<String>,
    /// Only those of people found by the dashboard's filter language: older:48h, name:ali, tag:vip …
    #[arg(long, allow_hyphen_values = true)]
    search: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportKind {
    Orders,
    Items,
}

impl ExportArgs {
    pub(in crate::cli) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let filter = search(&context, self.search.as_deref(), None)?;
        let phone = self.phone.map(|text| parse_phone(&context, &text)).transpose()?;
        let blasts = blasts_of(&context, self.blast.as_slice()).await?;
        let zone = context.app.export_zone(&blasts);
        let query = OrderQuery { blast: self.blast, state: self.state, phone, ..OrderQuery::default() };
        let what = match self.what {
            ExportKind::Orders => OrderExport::Orders,
            ExportKind::Items => OrderExport::Items,
        };
        self.output.write(&context, Export::Orders { query, filter, what }, zone, None).await
    }
}

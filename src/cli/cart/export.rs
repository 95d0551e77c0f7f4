//! `cart export`: carts of one blast or of all, a row each or a row for each item.

use clap::ValueEnum;
use color_eyre::Result;

use super::super::blast::people::search;
use super::super::export::{ExportOutput, blasts_of};
use super::super::order::parse_phone;
use super::state;
use crate::app::{CartExport, CartQuery, Export};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::domain::cart::CartState;
use crate::domain::ids::BlastId;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// What is a row: a whole cart, with its items in one cell, or an item.
    #[arg(long, value_enum, default_value_t = ExportKind::Carts)]
    what: ExportKind,
    #[command(flatten)]
    output: ExportOutput,
    /// Only those of this blast.
    #[arg(long)]
    blast: Option<BlastId>,
    /// Only those in this state: open, ordered, abandoned.
    #[arg(long, value_parser = state)]
    state: Option<CartState>,
    /// Only those of this number, in any spelling.
    #[arg(long)]
    phone: Option<String>,
    /// Only those of people found by the dashboard's filter language: older:48h, name:ali, tag:vip …
    #[arg(long, allow_hyphen_values = true)]
    search: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExportKind {
    Carts,
    Items,
}

impl ExportArgs {
    pub(in crate::cli) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let filter = search(&context, self.search.as_deref(), None)?;
        let phone = self.phone.map(|text| parse_phone(&context, &text)).transpose()?;
        let blasts = blasts_of(&context, self.blast.as_slice()).await?;
        let zone = context.app.export_zone(&blasts);
        let query = CartQuery { blast: self.blast, state: self.state, phone, ..CartQuery::default() };
        let what = match self.what {
            ExportKind::Carts => CartExport::Carts,
            ExportKind::Items => CartExport::Items,
        };
        self.output.write(&context, Export::Carts { query, filter, what }, zone, None).await
    }
}

//! What the exports of orders and of carts have in common: which of them, and where they go.

use chrono_tz::Tz;
use color_eyre::Result;

use super::super::blast::people::search;
use super::super::order::parse_phone;
use super::{ExportOutput, blasts_of};
use crate::app::Export;
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShopExportArgs {
    #[command(flatten)]
    output: ExportOutput,
    /// Only those of this blast.
    #[arg(long)]
    blast: Option<BlastId>,
    /// Only those of this number, in any spelling.
    #[arg(long)]
    phone: Option<String>,
    /// Only those of people found by the dashboard's filter language: older:48h, name:ali, tag:vip …
    #[arg(long, allow_hyphen_values = true)]
    search: Option<String>,
}

/// Which orders or carts were asked for.
pub(in crate::cli) struct ShopExportQuery {
    pub blast: Option<BlastId>,
    pub phone: Option<Phone>,
    pub filter: Filter,
}

impl ShopExportArgs {
    /// Writes what `export` makes of the query.
    pub(in crate::cli) async fn write(
        self,
        global: &Global,
        export: impl FnOnce(ShopExportQuery) -> Export,
    ) -> Result<()> {
        let context = Context::open(global, Intent::Reads).await?;
        let filter = search(&context, self.search.as_deref(), None)?;
        let phone = self.phone.map(|text| parse_phone(&context, &text)).transpose()?;
        let blasts = blasts_of(&context, self.blast.as_slice()).await?;
        let zone: Tz = context.app.export_zone(&blasts);
        let export = export(ShopExportQuery { blast: self.blast, phone, filter });
        self.output.write(&context, export, zone, None).await
    }
}

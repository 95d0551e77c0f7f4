//! `replies export`: what people wrote, to some blasts or to none.

use chrono::{DateTime, Utc};
use color_eyre::Result;

use super::since;
use crate::app::Export;
use crate::cli::blast::people::search;
use crate::cli::context::Context;
use crate::cli::export::{ExportOutput, blasts_of};
use crate::domain::ids::BlastId;

#[derive(Debug, clap::Args)]
pub(super) struct RepliesExportArgs {
    /// Only replies to these blasts, in the order in which they arrived. Without any, every reply, the last to arrive first.
    #[arg(value_name = "BLAST")]
    blasts: Vec<BlastId>,
    #[command(flatten)]
    output: ExportOutput,
    /// Only those received since: a span such as 2h or 1d, or a time such as 2026-12-01T09:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "blasts")]
    since: Option<DateTime<Utc>>,
    /// Only those of people found by the dashboard's filter language: older:48h, name:ali, tag:vip …
    #[arg(long, allow_hyphen_values = true)]
    search: Option<String>,
}

impl RepliesExportArgs {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let filter = search(context, self.search.as_deref(), None)?;
        let blasts = blasts_of(context, &self.blasts).await?;
        let zone = context.app.export_zone(&blasts);
        let ids: Vec<_> = blasts.iter().map(|blast| blast.id).collect();
        let blasts = Some(ids).filter(|ids| !ids.is_empty());
        let export = Export::Replies { blasts, all: false, since: self.since, filter };
        self.output.write(context, export, zone, None).await
    }
}

//! `customer export`: customers with what is counted of each, read and written a page at a time.

use color_eyre::Result;

use super::say_forgotten;
use crate::app::{CustomerQuery, Export};
use crate::cli::context::Context;
use crate::cli::export::ExportOutput;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CustomerExportArgs {
    #[command(flatten)]
    output: ExportOutput,
    /// Only those with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only those with these digits in a number, or this in a name.
    #[arg(long)]
    search: Option<String>,
}

impl CustomerExportArgs {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let query = CustomerQuery { search: self.search, tag: self.tag, ..CustomerQuery::default() };
        let is_whole = query.search.is_none() && query.tag.is_none();
        self.output.write(context, Export::Customers { query }, context.zone, None).await?;
        if is_whole { say_forgotten(context).await } else { Ok(()) }
    }
}

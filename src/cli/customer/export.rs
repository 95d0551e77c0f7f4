//! `customer export`: customers with what is counted of each, read and written a page at a time.

use color_eyre::Result;

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
        self.output.write(context, Export::Customers { query }, context.zone, None).await
    }
}

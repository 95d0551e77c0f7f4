//! `customer export`: customers with what is counted of each, read and written a page at a time.

use std::path::PathBuf;

use color_eyre::Result;

use crate::app::CustomerQuery;
use crate::cli::blast::export::ExportFormat;
use crate::cli::blast::export::destination::Destination;
use crate::cli::blast::export::record::{self, RecordEncoder};
use crate::cli::context::Context;
use crate::cli::output::talk;

/// How many customers are read at once.
const PAGE: i64 = 500;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExportArgs {
    /// CSV, or one JSON object a line.
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    format: ExportFormat,
    /// The file to write; it must not exist. Standard output by default.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only those with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only those with these digits in a number, or this in a name.
    #[arg(long)]
    search: Option<String>,
}

impl ExportArgs {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let format = if context.is_json { ExportFormat::Json } else { self.format };
        let mut encoder = RecordEncoder::new(format, &record::CUSTOMERS);
        let mut to = Destination::open(self.output.as_deref())?;
        to.write(&encoder.head()?)?;
        let mut query = CustomerQuery { search: self.search, tag: self.tag, after: None, limit: PAGE };
        loop {
            let page = context.app.customers(&query).await?;
            let records: Vec<_> = page.rows.iter().map(record::customer).collect();
            to.write(&encoder.encode(&records)?)?;
            if page.next.is_none() {
                break;
            }
            query.after = page.next;
        }
        to.finish()?;
        talk(&record::CUSTOMERS.written(encoder.records(), self.output.as_deref()));
        Ok(())
    }
}

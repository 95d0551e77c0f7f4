//! `order export`: orders of one blast or of all, a row each or a row for each item.

use clap::ValueEnum;
use color_eyre::Result;

use super::super::export::ShopExportArgs;
use super::state;
use crate::app::{Export, OrderExport, OrderQuery};
use crate::cli::Global;
use crate::domain::order::OrderState;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct OrderExportArgs {
    /// What is a row: a whole order, with its items in one cell, or an item.
    #[arg(long, value_enum, default_value_t = OrderRows::Orders)]
    what: OrderRows,
    /// Only those in this state: new, confirmed, paid, fulfilled, cancelled.
    #[arg(long, value_parser = state)]
    state: Option<OrderState>,
    #[command(flatten)]
    of: ShopExportArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OrderRows {
    Orders,
    Items,
}

impl OrderExportArgs {
    pub(in crate::cli) async fn run(self, global: &Global) -> Result<()> {
        let what = match self.what {
            OrderRows::Orders => OrderExport::Orders,
            OrderRows::Items => OrderExport::Items,
        };
        let state = self.state;
        let export = self.of.write(global, |of| {
            let query = OrderQuery { blast: of.blast, phone: of.phone, state, ..OrderQuery::default() };
            Export::Orders { query, filter: of.filter, what }
        });
        export.await
    }
}

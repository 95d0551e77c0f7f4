//! `cart export`: carts of one blast or of all, a row each or a row for each item.

use clap::ValueEnum;
use color_eyre::Result;

use super::super::export::ShopExportArgs;
use super::state;
use crate::app::{CartExport, CartQuery, Export};
use crate::cli::Global;
use crate::domain::cart::CartState;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CartExportArgs {
    /// What is a row: a whole cart, with its items in one cell, or an item.
    #[arg(long, value_enum, default_value_t = CartRows::Carts)]
    what: CartRows,
    /// Only those in this state: open, ordered, abandoned.
    #[arg(long, value_parser = state)]
    state: Option<CartState>,
    #[command(flatten)]
    of: ShopExportArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CartRows {
    Carts,
    Items,
}

impl CartExportArgs {
    pub(in crate::cli) async fn run(self, global: &Global) -> Result<()> {
        let what = match self.what {
            CartRows::Carts => CartExport::Carts,
            CartRows::Items => CartExport::Items,
        };
        let state = self.state;
        let export = self.of.write(global, |of| {
            let query = CartQuery { blast: of.blast, phone: of.phone, state, ..CartQuery::default() };
            Export::Carts { query, filter: of.filter, what }
        });
        export.await
    }
}

//! Exports: what there is to export, read page by page with flat memory, and spelled in one of three formats.

mod cell;
mod encoder;
mod file;
mod pages;
mod shop_table;
mod table;
mod workbook;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::view::{BlastView, PersonChange, RecipientRow};
use super::{App, AppError, CartQuery, CustomerQuery, OrderQuery};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::message::Variables;
use crate::store::view::export;
pub use cell::ExportCell;
pub use encoder::{ExportEncoder, ExportFormat};
pub use file::PeopleFile;
pub use pages::{ExportPage, ExportPages};
pub use table::{ExportTable, RECIPIENTS, recipient};

/// What to export. Of people, those whom the filter finds.
#[derive(Debug, Clone)]
pub enum Export {
    /// One blast after the other; of several, each row names its own.
    People {
        blasts: Vec<BlastId>,
        /// Every blast, also where there is only one: its rows name it all the same.
        all: bool,
        filter: Filter,
        what: PeopleExport,
    },
    /// In the order in which they came; without blasts all that there are, the newest first.
    Replies {
        blasts: Option<Vec<BlastId>>,
        /// As above.
        all: bool,
        /// Received since then; only where no blasts are named.
        since: Option<DateTime<Utc>>,
        filter: Filter,
    },
    /// The newest first.
    Orders {
        query: OrderQuery,
        filter: Filter,
        what: OrderExport,
    },
    Carts {
        query: CartQuery,
        filter: Filter,
        what: CartExport,
    },
    Customers {
        query: CustomerQuery,
    },
    /// The people of a list that is kept, in its order.
    SavedList {
        list: i64,
    },
}

/// What of people is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeopleExport {
    Recipients,
    /// Every change of their status.
    History,
}

/// What is a row: an order, or an item of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderExport {
    Orders,
    Items,
}

/// What is a row: a cart, or an item of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CartExport {
    Carts,
    Items,
}

/// How many people are looked at for one page.
const PAGE: usize = 1_000;

/// Some of a blast's people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeoplePage {
    /// Those who match, in the list's order: none, perhaps, although more follow.
    pub rows: Vec<RecipientRow>,
    /// How many were looked at.
    pub looked_at: usize,
    /// The last of them: the next page follows this person. `None`: nobody is left.
    pub last: Option<RecipientId>,
}

impl App {
    /// By which clocks a workbook shows the times of these blasts: theirs, if they have the same, else the operator's.
    pub fn export_zone(&self, blasts: &[BlastView]) -> Tz {
        let own = |blast: &BlastView| {
            let sender = self.config().sender(&blast.sender).map(|sender| sender.timezone);
            blast.limits.zone.as_ref().and_then(|zone| zone.as_ref().ok()).copied().or(sender)
        };
        let mut zones = blasts.iter().map(own);
        let first = zones.next().flatten();
        first.filter(|first| zones.all(|zone| zone == Some(*first))).unwrap_or(self.config().ui.timezone)
    }

    /// The next of a blast's people, behind `after`. Nobody comes twice, and whoever is there from the first page to the last
    /// is not missed; each is as they are when their page is read.
    pub async fn people_page(
        &self,
        blast: BlastId,
        filter: &Filter,
        after: Option<RecipientId>,
    ) -> Result<PeoplePage, AppError> {
        let ids =
            export::ids_after(self.pool(), blast, &filter.statuses(), after, PAGE.try_into().unwrap_or(1_000)).await?;
        let rows = export::matching(self.pool(), &ids, filter).await?;
        Ok(PeoplePage { rows, looked_at: ids.len(), last: ids.last().copied() })
    }

    /// Those of these people who match, in the list's order.
    pub async fn matching(&self, people: &[RecipientId], filter: &Filter) -> Result<Vec<RecipientRow>, AppError> {
        Ok(export::matching(self.pool(), people, filter).await?)
    }

    /// The columns of the list that a blast's people came with, besides those of numbers and names.
    async fn list_columns(&self, blast: BlastId) -> Result<Vec<String>, AppError> {
        Ok(export::list_columns(self.pool(), blast).await?)
    }

    /// What their list says of these people.
    async fn list_values(&self, people: &[RecipientId]) -> Result<Vec<(RecipientId, Variables)>, AppError> {
        Ok(export::list_values(self.pool(), people).await?)
    }

    /// What happened to these people, person by person, oldest first.
    pub async fn changes_of(&self, people: &[RecipientId]) -> Result<Vec<PersonChange>, AppError> {
        Ok(export::changes(self.pool(), people).await?)
    }
}

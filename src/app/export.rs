//! Reads a blast's people page by page for an export: with flat memory, however many they are.

use super::App;
use super::AppError;
use super::view::{PersonChange, RecipientRow};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::store::view::export;

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

    /// What happened to these people, person by person, oldest first.
    pub async fn changes_of(&self, people: &[RecipientId]) -> Result<Vec<PersonChange>, AppError> {
        Ok(export::changes(self.pool(), people).await?)
    }
}

//! People whom somebody looks for, in a blast or in every one.

use super::view::{Anchor, ElsewhereRow, Order, RecipientQuery};
use super::{App, AppError};
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::store::view;

impl App {
    /// Who matches in every blast, newest blast first, those of `here` after all others.
    pub async fn find(
        &self,
        sought: &Filter,
        here: Option<BlastId>,
        limit: u32,
    ) -> Result<Vec<ElsewhereRow>, AppError> {
        Ok(view::recipients::find(self.pool(), sought, (self.only_sender(), here), limit).await?)
    }

    /// The people whom a filter means: a few digits are the end of a number where one of the blast ends so, and else digits
    /// anywhere in it.
    pub async fn ending_first(&self, blast: BlastId, sought: Filter) -> Result<Filter, AppError> {
        let Some((_, ending)) = sought.by_ending() else { return Ok(sought) };
        let first = RecipientQuery {
            blast,
            filter: ending.clone(),
            order: Order::Row,
            as_of: None,
            anchor: Anchor::Start,
            limit: 1,
        };
        Ok(if self.recipients(&first).await?.is_empty() { sought } else { ending })
    }

    /// Who matches in every blast, a few digits at the end of their number where somebody's ends so; those of `here` after all others.
    pub async fn find_ending_first(
        &self,
        sought: &Filter,
        here: Option<BlastId>,
        limit: u32,
    ) -> Result<Vec<ElsewhereRow>, AppError> {
        if let Some((_, ending)) = sought.by_ending() {
            let found = self.find(&ending, here, limit).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        self.find(sought, here, limit).await
    }
}

//! Meta's limit of the people whom a business writes to within a day, as a forecast needs it.

use std::sync::Arc;
use std::time::Instant;

use super::{App, AppError};
use crate::domain::pace::{PEOPLE_DAY, PeopleUse};
use crate::engine::ConfiguredSender;
use crate::store::business::{self, PeopleLimit};
use crate::store::view::BlastRow;
use crate::store::view::blasts;

impl App {
    /// The limit of a blast's business, and who counts against it; `None` where there is none, or where the blast answers somebody and
    /// does not count.
    pub(super) async fn people_use(
        &self,
        sender: &ConfiguredSender,
        blast: &BlastRow,
    ) -> Result<Option<PeopleUse>, AppError> {
        if sender.meta.is_none() {
            return Ok(None);
        }
        let limit = business::limit(self.pool(), sender.id).await?.and_then(PeopleLimit::people);
        let Some(limit) = limit else { return Ok(None) };
        if blasts::is_answer(self.pool(), blast.id).await? {
            return Ok(None);
        }
        let since = self.engine().clock.now() - PEOPLE_DAY;
        let counted = business::people_counted(self.pool(), sender.id, blast.id, since).await?;
        Ok(Some(PeopleUse { limit, counted }))
    }

    /// The same as it was a short while ago: for what is read again and again.
    pub(super) async fn recent_people_use(
        &self,
        sender: &ConfiguredSender,
        blast: &BlastRow,
    ) -> Result<Arc<Option<PeopleUse>>, AppError> {
        if sender.meta.is_none() || blast.counts.queued == 0 {
            return Ok(Arc::default());
        }
        if let Some(known) = sender.people_readings.recent(blast.id) {
            return Ok(known);
        }
        let began = Instant::now();
        let people_use = Arc::new(self.people_use(sender, blast).await?);
        sender.people_readings.keep(blast.id, began, people_use.clone());
        Ok(people_use)
    }
}

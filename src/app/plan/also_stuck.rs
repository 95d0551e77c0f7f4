//! Who came to be stuck where the people of a follow-up were, after it was made.

use chrono::TimeDelta;

use crate::app::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::rejected_rows::RejectedRows;
use crate::domain::status::Status;
use crate::domain::text::{count_of, span_words};
use crate::store::view::BlastRow;
use crate::store::view::follow_up::{self, Followed, StuckQuery};

/// People who are stuck at the stage by now that a follow-up was made for: it keeps its own, and another one would reach them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlsoStuck {
    pub blast: BlastId,
    pub stage: Status,
    /// For how long at least.
    pub older_than: TimeDelta,
    pub people: i64,
}

impl AlsoStuck {
    /// `4 more people are stuck at read in blast 7 by now, ...`, with the blast by this name.
    pub fn in_words(&self, blast: &str) -> String {
        let Self { people, stage, older_than, .. } = *self;
        let long =
            if older_than > TimeDelta::zero() { format!(" for {}", span_words(older_than)) } else { String::new() };
        let more = count_of(people, "more person is", "more people are");
        format!(
            "{more} stuck at {stage} in {blast}{long} by now, and not in this draft: another follow-up may reach them"
        )
    }
}

impl App {
    /// Of a draft whose people were chosen by their stage; `None` where nobody else is there.
    pub(super) async fn also_stuck(
        &self,
        (row, list): (&BlastRow, Option<&RejectedRows>),
        business: &str,
    ) -> Result<Option<AlsoStuck>, AppError> {
        if !matches!(row.state, BlastState::Draft | BlastState::Scheduled) {
            return Ok(None);
        }
        let Some(Followed { blast, stage, seconds }) = follow_up::followed(self.pool(), row.id).await? else {
            return Ok(None);
        };
        let stuck = StuckQuery { blast, stage, business };
        let older_than = TimeDelta::seconds(seconds);
        let counts = follow_up::counts(self.pool(), stuck, self.engine().clock.now(), &[older_than]).await?;
        let is_old = |past: i32| past > 0 || older_than <= TimeDelta::zero();
        let people = counts.iter().filter(|count| is_old(count.past) && count.left_out.0.is_none());
        // For whom the message could not be made when it was made, it cannot be made in another one.
        let not_made = list.map_or(0, |list| i64::try_from(list.total).unwrap_or(i64::MAX));
        let people = people.map(|count| count.people).sum::<i64>() - not_made;
        Ok((people > 0).then_some(AlsoStuck { blast, stage, older_than, people }))
    }
}

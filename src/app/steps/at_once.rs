//! To whom a step sends as soon as it may, by itself: what somebody is asked about before they let it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, AppError};
use crate::domain::status::Status;
use crate::domain::step::StepSince;
use crate::store::step::{self, StepColumns, StepKey, StepRow};
use crate::store::view::{self, BlastRow};

/// How many people a step sends to by itself as soon as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SendsAtOnce {
    pub due: i64,
    /// Of these nobody has asked the provider yet; they are due unless it says that they are further.
    pub unasked: i64,
    /// Not before this, as its last draft was made less than a day before; `None`: as soon as an engine looks.
    pub from: Option<DateTime<Utc>>,
}

impl SendsAtOnce {
    /// All of them, at most.
    pub const fn people(self) -> i64 {
        self.due + self.unasked
    }
}

impl App {
    /// To how many people a step sends as soon as it may; nobody where it asks before, or where more are due than it may send to.
    pub async fn sends_at_once(&self, key: StepKey) -> Result<SendsAtOnce, AppError> {
        let (row, step) = (self.blast_row(key.blast).await?, self.step_row(key).await?);
        self.at_once_of(&row, &step, None).await
    }

    /// The same of a step that was read, or of one that nobody has written yet.
    pub(super) async fn at_once_of(
        &self,
        row: &BlastRow,
        step: &StepRow,
        unwritten: Option<StepColumns>,
    ) -> Result<SendsAtOnce, AppError> {
        let Some(most) = step.at_most.map(i64::from) else { return Ok(SendsAtOnce::default()) };
        let now = self.engine().clock.now();
        let due = self.due_people(row, step, (now, unwritten)).await?.people.len();
        let due = i64::try_from(due).unwrap_or(i64::MAX);
        if due > most {
            return Ok(SendsAtOnce::default());
        }
        let unasked = match step.since {
            StepSince::Stage(Status::Sent) => {
                let sent_before = now - TimeDelta::seconds(step.after_seconds);
                view::unasked_before(self.pool(), step.blast, sent_before).await?
            }
            _ => 0,
        };
        let from = step.next_draft_from().filter(|from| *from > now);
        Ok(SendsAtOnce { due, unasked: unasked.min(most - due), from })
    }

    pub(super) async fn step_row(&self, key: StepKey) -> Result<StepRow, AppError> {
        let steps = step::of_blast(self.pool(), key.blast).await?;
        steps.into_iter().find(|step| step.number == key.number).ok_or_else(|| super::no_step(key))
    }
}

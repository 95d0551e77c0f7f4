//! A step as it is kept.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::step::{BETWEEN_DRAFTS, StepSince};

/// Which step of which blast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepKey {
    pub blast: BlastId,
    pub number: i32,
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StepRow {
    pub blast: BlastId,
    pub number: i32,
    pub after_seconds: i64,
    /// Null in the database: a cart.
    #[sqlx(try_from = "Option<Status>")]
    pub since: StepSince,
    pub until: Option<Status>,
    pub stage: String,
    pub message: String,
    pub template: Option<Value>,
    pub first_people: Option<i32>,
    /// A draft to so many is sent by itself; `None`: each waits for a yes.
    pub at_most: Option<i32>,
    pub paused_at: Option<DateTime<Utc>>,
    pub last_made_at: Option<DateTime<Utc>>,
    pub next_look_at: Option<DateTime<Utc>>,
    /// When it was added, changed or resumed last.
    pub due_from: DateTime<Utc>,
    /// Its words, or a value that they send, lost the number of somebody who was forgotten, and nobody let it send by itself since.
    pub lost_number: bool,
}

impl StepRow {
    pub const fn key(&self) -> StepKey {
        StepKey { blast: self.blast, number: self.number }
    }

    /// Whether its next draft is sent without a yes.
    pub const fn sends_by_itself(&self) -> bool {
        self.at_most.is_some() && self.paused_at.is_none()
    }

    /// Before this nobody is due: it was added, changed or resumed then, or made its last draft a day before.
    pub fn earliest_due(&self) -> DateTime<Utc> {
        self.next_draft_from().map_or(self.due_from, |from| self.due_from.max(from))
    }

    /// Since when it was to be looked who is due; `None`: since it was added.
    pub fn look_due_at(&self) -> Option<DateTime<Utc>> {
        self.next_look_at.max(self.next_draft_from())
    }

    /// It makes its next draft no sooner than this; `None`: it made none yet.
    pub fn next_draft_from(&self) -> Option<DateTime<Utc>> {
        self.last_made_at.map(|made| made + BETWEEN_DRAFTS)
    }
}

//! Acts of this window that the database has not confirmed: what was typed is no mark before that.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::tui::effect::WriteRequest;

/// An act that takes longer is said to be unconfirmed: a far database answers within this time.
const SOON: TimeDelta = TimeDelta::seconds(2);

/// The acts that were begun and have not ended, oldest first. Those that may take minutes say so themselves.
#[derive(Debug, Clone, Default)]
pub struct Unwritten(Vec<(WriteRequest, DateTime<Utc>)>);

impl Unwritten {
    pub fn begin(&mut self, request: &WriteRequest, now: DateTime<Utc>) {
        if !request.takes_long() {
            self.0.push((request.clone(), now));
        }
    }

    pub fn end(&mut self, request: &WriteRequest) {
        if let Some(place) = self.0.iter().position(|(begun, _)| begun == request) {
            self.0.remove(place);
        }
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When the oldest of them is said to be unconfirmed.
    pub fn overdue_at(&self) -> Option<DateTime<Utc>> {
        self.0.first().map(|(_, begun)| *begun + SOON)
    }

    /// How many there are, and since when: nothing as long as all of them are new.
    pub fn overdue(&self, now: DateTime<Utc>) -> Option<(usize, DateTime<Utc>)> {
        let (_, begun) = self.0.first()?;
        (*begun + SOON <= now).then_some((self.0.len(), *begun))
    }

    /// Whether somebody's sale is among them.
    pub fn closes(&self, person: RecipientId) -> bool {
        let is_theirs = |request: &WriteRequest| matches!(request, WriteRequest::Mark { person: of, mark: Mark::Closed(_) } if *of == person);
        self.0.iter().any(|(request, _)| is_theirs(request))
    }
}

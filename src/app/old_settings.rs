//! What a process still knows of limits once its configuration has changed: what the engine reports that sends by the new one.

use chrono::{DateTime, Utc};

use super::{App, reason};
use crate::domain::waiting::Waiting;
use crate::engine::EngineChange;
use crate::store::view::{BlastRow, SenderRow};

impl App {
    /// Whether the configuration has changed since this process read it: somebody else sends by other limits, and nothing is promised by
    /// these.
    pub(super) fn has_old_settings(&self) -> bool {
        *self.retirement().borrow() == Some(EngineChange::Settings)
    }

    /// What a launch that counts down waits for, where the engine of its sender reports that the daily cap is used up.
    pub(super) fn behind_reported_cap(
        &self,
        waiting: Option<Waiting>,
        row: &BlastRow,
        (sender, now): (Option<&SenderRow>, DateTime<Utc>),
    ) -> Option<Waiting> {
        let is_armed = row.send_after.is_some_and(|until| until > now);
        let Some(used_up) = sender.filter(|_| is_armed).and_then(|sender| reported_cap(sender, now)) else {
            return waiting;
        };
        let own = reason::own_hours(row, self.known_zone_by(row.sender_id, &row.limits));
        waiting.map(|waiting| reason::behind_cap(waiting, own, used_up))
    }

    /// The daily cap of a sender that posted to so many today, where its engine reports that it is used up. `None` also where this process has
    /// the limits that are in force.
    pub(super) fn other_cap(&self, sender: &SenderRow, (today, now): (i64, DateTime<Utc>)) -> Option<i64> {
        let reported = Some(sender).filter(|_| self.has_old_settings()).and_then(|sender| reported_cap(sender, now));
        reported.map(|(cap, _)| cap).filter(|cap| today >= *cap)
    }
}

/// The daily cap that is used up and the next day's begin, as the engine reports that holds the sender.
fn reported_cap(sender: &SenderRow, now: DateTime<Utc>) -> Option<(i64, DateTime<Utc>)> {
    sender.lease.as_ref().and_then(|_| sender.waiting.used_up_cap(now))
}

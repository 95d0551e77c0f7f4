//! What the operator of this window did to people, and what they may not have seen of what others did.

use chrono::TimeDelta;

use super::Model;
use crate::app::view::RecipientRow;
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;

/// What changed in this time before a key, the operator may not have seen: on a slow line the screen is behind.
const UNSEEN: TimeDelta = TimeDelta::seconds(10);

impl Model {
    /// Whether a row is worth a glance: it changed since the last key, and not by the operator.
    pub fn is_new(&self, row: &RecipientRow) -> bool {
        row.changed_at > self.last_key && !self.mine.contains(&row.id) && row.status != Status::Queued
    }

    /// The operator of this window marked somebody.
    pub fn marked(&mut self, person: RecipientId) {
        self.mine.insert(person);
        self.known.insert(person);
    }

    /// Whether somebody else closed them just now: the screen that a key was pressed at may not have shown it.
    pub fn is_just_closed_elsewhere(&self, row: &RecipientRow) -> bool {
        let is_just_now = self.now - row.changed_at < UNSEEN;
        row.status == Status::Closed && is_just_now && !self.known.contains(&row.id)
    }
}

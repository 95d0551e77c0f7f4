//! Hours that hold by the clock of each person's own zone.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::next_action::BlastQueue;
use crate::domain::home_zone::home_zone;
use crate::domain::pace::Window;
use crate::store::claim::Claimed;

impl BlastQueue {
    /// Until when it is too early or too late for somebody by their own clock.
    pub(super) fn closed_for(&self, person: &Claimed, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let window = self.people_window?;
        let column =
            person.variables.as_ref().and_then(|values| values.get("timezone").or_else(|| values.get("time_zone")));
        let zone = home_zone(&person.phone_number, column.and_then(Value::as_str)).ok()?;
        Some(Window { zone, ..window }.next_open(now)).filter(|opens| *opens > now)
    }
}

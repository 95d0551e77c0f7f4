//! What follows from the state of a blast for the screen: by whose clocks it goes, and whether messages go out.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Model;
use crate::app::view::BlastView;

impl Model {
    /// By whose clocks a blast goes: its own zone, else its sender's.
    pub fn zone_of(&self, blast: &BlastView) -> Option<Tz> {
        let own = blast.limits.zone.as_ref().and_then(|zone| zone.as_ref().ok()).copied();
        own.or_else(|| self.senders.iter().find(|sender| sender.id == blast.sender_id)?.usage.zone)
    }
}

/// Whether messages go out, one after the other by its pace.
pub fn is_going_out(blast: &BlastView, now: DateTime<Utc>) -> bool {
    blast.shown_state(now) == "sending"
}

/// When the seconds that are left until a moment are one fewer.
pub(super) fn next_second(now: DateTime<Utc>, until: DateTime<Utc>) -> DateTime<Utc> {
    until - TimeDelta::seconds(((until - now).num_milliseconds() - 1).max(0) / 1_000)
}

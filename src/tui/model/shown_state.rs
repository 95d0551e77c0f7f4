//! The state of a blast as the dashboard calls it: what sends nothing for long does not read as being sent.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Model;
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;

/// A launch that can still be taken back starts; a blast that is held up waits.
pub fn shown_state(blast: &BlastView, now: DateTime<Utc>) -> &'static str {
    match blast {
        _ if armed_until(blast, now).is_some() => "starts",
        _ if blast.is_held_up() => "waits",
        _ => blast.state_words(),
    }
}

impl Model {
    /// By whose clocks a blast goes: its own zone, else its sender's.
    pub fn zone_of(&self, blast: &BlastView) -> Option<Tz> {
        let own = blast.limits.zone.as_ref().and_then(|zone| zone.as_ref().ok()).copied();
        own.or_else(|| self.senders.iter().find(|sender| sender.id == blast.sender_id)?.usage.zone)
    }
}

/// Whether messages go out, one after the other by its pace.
pub fn is_going_out(blast: &BlastView, now: DateTime<Utc>) -> bool {
    shown_state(blast, now) == "sending"
}

/// When the seconds that are left until a moment are one fewer.
pub(super) fn next_second(now: DateTime<Utc>, until: DateTime<Utc>) -> DateTime<Utc> {
    until - TimeDelta::seconds(((until - now).num_milliseconds() - 1).max(0) / 1_000)
}

/// Until when an armed launch can be undone. A start at a set time is none: nothing begins within seconds.
pub fn armed_until(blast: &BlastView, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    blast.send_after.filter(|until| blast.state == BlastState::Sending && *until > now)
}

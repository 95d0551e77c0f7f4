//! Who else is here: this window says so once a minute, and asks who else is then, and when something changed.

use chrono::TimeDelta;

use super::activity;
use crate::tui::effect::{Effect, ReadRequest};
use crate::tui::model::Model;

/// How often this window says that it is open.
const RENEW_EVERY: TimeDelta = TimeDelta::minutes(1);
/// While changes come in all the time, others are asked for no more often than this.
const ASK_AT_MOST_EVERY: TimeDelta = TimeDelta::seconds(5);

/// This window is open.
pub fn renew() -> Vec<Effect> {
    vec![Effect::RenewPresence, Effect::Read(ReadRequest::Others)]
}

/// Says once a minute that this window is still open, and its operator there.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    if model.now - model.presence.renewed_at < RENEW_EVERY {
        return Vec::new();
    }
    model.presence.renewed_at = model.now;
    model.presence.asked_at = model.now;
    // Whoever has a window open is not away, also where it is killed the moment after.
    renew().into_iter().chain([Effect::TouchLastSeen]).collect()
}

/// Something changed in the database: what happened, and perhaps who is here.
pub fn news(model: &mut Model) -> Vec<Effect> {
    let mut effects = activity::news(model);
    if model.now - model.presence.asked_at >= ASK_AT_MOST_EVERY {
        model.presence.asked_at = model.now;
        effects.push(Effect::Read(ReadRequest::Others));
    }
    effects
}

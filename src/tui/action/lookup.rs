//! In which scopes a key is looked up.

use super::KeyScope;
use crate::tui::model::{Model, Overlay, Pane};

/// Where keys are looked up, the nearest scope first.
pub fn scopes(model: &Model) -> &'static [KeyScope] {
    scopes_of(model.overlays.last(), model.focus)
}

/// The same on a page, or in a pane where there is none.
pub fn scopes_of(page: Option<&Overlay>, focus: Pane) -> &'static [KeyScope] {
    match page {
        Some(Overlay::Details(_)) => &[KeyScope::Details, KeyScope::Moving, KeyScope::Everywhere],
        Some(Overlay::Customer(_)) => &[KeyScope::Customer, KeyScope::Moving, KeyScope::Everywhere],
        Some(Overlay::FollowUp(_) | Overlay::FollowFound(_)) => {
            &[KeyScope::FollowUp, KeyScope::Moving, KeyScope::Everywhere]
        }
        Some(Overlay::Form) => &[KeyScope::Form, KeyScope::Moving, KeyScope::Everywhere],
        Some(Overlay::Plan(_)) => &[KeyScope::Plan, KeyScope::Moving, KeyScope::Everywhere],
        Some(Overlay::Answer(_)) => &[KeyScope::Answer, KeyScope::Everywhere],
        Some(Overlay::StepMessage(_)) => &[KeyScope::StepMessage, KeyScope::Everywhere],
        Some(Overlay::Needs(_)) => &[KeyScope::Needs, KeyScope::Moving, KeyScope::Everywhere],
        Some(
            Overlay::Commands(_)
            | Overlay::Elsewhere(_)
            | Overlay::Uncertain(_)
            | Overlay::Welcome(_)
            | Overlay::NewSender,
        ) => &[KeyScope::List, KeyScope::Moving, KeyScope::Everywhere],
        Some(Overlay::Help(_) | Overlay::Log(_)) => &[KeyScope::Moving, KeyScope::Everywhere],
        None => pane_scopes(focus),
    }
}

/// The same for a pane, whatever covers it.
pub const fn pane_scopes(focus: Pane) -> &'static [KeyScope] {
    match focus {
        Pane::Blasts => &[KeyScope::Blasts, KeyScope::Moving, KeyScope::Everywhere],
        Pane::Funnel => &[KeyScope::Funnel, KeyScope::Moving, KeyScope::Everywhere],
        Pane::Recipients => &[KeyScope::Recipients, KeyScope::Moving, KeyScope::Everywhere],
        Pane::Activity => &[KeyScope::Activity, KeyScope::Moving, KeyScope::Everywhere],
    }
}

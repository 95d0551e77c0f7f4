//! From a key to its action, by the table of actions.

use super::action::{ACTIONS, KeyScope, UiAction};
use super::key::Key;
use super::model::{Model, Overlay, Pane};

/// Where keys are looked up, the nearest scope first.
pub fn scopes(model: &Model) -> &'static [KeyScope] {
    match model.overlays.last() {
        Some(Overlay::Details(_)) => &[KeyScope::Details, KeyScope::Moving, KeyScope::Everywhere],
        Some(Overlay::Plan(_)) => &[KeyScope::Plan, KeyScope::Moving, KeyScope::Everywhere],
        Some(Overlay::Commands(_) | Overlay::Elsewhere(_) | Overlay::Needs(_)) => {
            &[KeyScope::List, KeyScope::Moving, KeyScope::Everywhere]
        }
        Some(Overlay::Help(_) | Overlay::Log(_)) => &[KeyScope::Moving, KeyScope::Everywhere],
        None => pane_scopes(model.focus),
    }
}

/// The same for a pane, whatever covers it.
pub const fn pane_scopes(focus: Pane) -> &'static [KeyScope] {
    match focus {
        Pane::Blasts => &[KeyScope::Blasts, KeyScope::Moving, KeyScope::Everywhere],
        Pane::Funnel => &[KeyScope::Funnel, KeyScope::Moving, KeyScope::Everywhere],
        Pane::Recipients => &[KeyScope::Recipients, KeyScope::Moving, KeyScope::Everywhere],
    }
}

/// The action of a key in the nearest of these scopes.
pub fn lookup(key: Key, scopes: &[KeyScope]) -> Option<&'static UiAction> {
    scopes
        .iter()
        .find_map(|scope| ACTIONS.iter().find(|action| action.scopes.contains(scope) && action.keys.contains(&key)))
}

/// Why a key does nothing here: where it would do something, if anywhere.
pub fn why_nothing(key: Key) -> String {
    match ACTIONS.iter().find(|action| action.keys.contains(&key)) {
        Some(action) => {
            let place: Vec<String> = action.scopes.iter().map(ToString::to_string).collect();
            format!("{key} ({}) works in {}", action.title, place.join(" and "))
        }
        None => format!("{key} does nothing: ? shows every key"),
    }
}

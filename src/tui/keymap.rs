//! From a key to what it means here, by the table of actions.

use super::action::{ACTIONS, Action, Scope};
use super::key::Key;
use super::model::{Model, Page, Pane};

/// Where keys are looked up, the nearest place first.
pub fn scopes(model: &Model) -> &'static [Scope] {
    match model.pages.last() {
        Some(Page::Details(_)) => &[Scope::Details, Scope::Moving, Scope::Everywhere],
        Some(Page::Plan(_)) => &[Scope::Plan, Scope::Moving, Scope::Everywhere],
        Some(Page::Commands(_) | Page::Elsewhere(_) | Page::Needs(_)) => {
            &[Scope::List, Scope::Moving, Scope::Everywhere]
        }
        Some(Page::Help(_) | Page::Log(_)) => &[Scope::Moving, Scope::Everywhere],
        None => desk_scopes(model.focus),
    }
}

/// The same for the desk below the pages.
pub const fn desk_scopes(focus: Pane) -> &'static [Scope] {
    match focus {
        Pane::Blasts => &[Scope::Blasts, Scope::Moving, Scope::Everywhere],
        Pane::Funnel => &[Scope::Funnel, Scope::Moving, Scope::Everywhere],
        Pane::People => &[Scope::People, Scope::Moving, Scope::Everywhere],
    }
}

/// What a key means in the nearest of these scopes.
pub fn lookup(key: Key, scopes: &[Scope]) -> Option<&'static Action> {
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

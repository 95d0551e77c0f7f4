//! Keys while a form is open and none of its lines is typed on: they reach the form alone, never the dashboard behind it.

use super::key_outcome::KeyOutcome;
use super::{overlays, welcome};
use crate::tui::action::{self, UiAction};
use crate::tui::key::Key;
use crate::tui::model::{CursorMove, Model, Overlay};

/// Said of a key that a form has no use for.
const NOT_HERE: &str = "enter edits this line; esc leaves";

/// A key on a line of a form that is not typed on.
pub(super) fn key(model: &mut Model, key: Key) -> KeyOutcome {
    match key {
        Key::Tab => overlays::moved(model, CursorMove::Rows(1)),
        Key::BackTab => overlays::moved(model, CursorMove::Rows(-1)),
        Key::Char(_) if welcome::takes_text(model) => {
            welcome::begin(model);
            return welcome::key(model, key);
        }
        key if model.options.keys.lookup(key, action::scopes(model)).is_some_and(UiAction::is_of_forms) => {
            return KeyOutcome::UNUSED;
        }
        _ => {
            let is_list = matches!(model.overlays.last(), Some(Overlay::Welcome(_)));
            model.refuse(if is_list { "enter chooses this line; esc leaves" } else { NOT_HERE });
        }
    }
    KeyOutcome::DONE
}

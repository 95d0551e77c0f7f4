//! Keys while a form is open and none of its lines is typed on: they reach the form alone, never the dashboard behind it.

use super::key_outcome::KeyOutcome;
use super::{form, overlays, welcome};
use crate::tui::action::{self, UiAction};
use crate::tui::key::Key;
use crate::tui::model::{CursorMove, Model, Overlay};

/// Said of a key that a form has no use for.
const NOT_HERE: &str = "enter edits this line; esc leaves";

/// A key on a line of a form that is not typed on.
pub(super) fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let is_step = matches!(key, Key::Char(_)) && action_of(model, key).is_some_and(UiAction::moves_the_cursor);
    // Whoever walks by letters goes on walking by them: on an empty line they would begin its text.
    if std::mem::take(&mut model.walks_by_letters) && is_step {
        model.walks_by_letters = true;
        return KeyOutcome::UNUSED;
    }
    if is_help(model, key) {
        return KeyOutcome::UNUSED;
    }
    match key {
        Key::Tab => overlays::moved(model, CursorMove::Rows(1)),
        Key::BackTab => overlays::moved(model, CursorMove::Rows(-1)),
        Key::Char(_) if welcome::is_unwritten(model) || !is_needed(model, key) && welcome::takes_text(model) => {
            if welcome::keeps_token(model) {
                return KeyOutcome::DONE;
            }
            welcome::begin(model);
            return welcome::key(model, key);
        }
        Key::Char(_) if form::is_unwritten(model) || !is_needed(model, key) && form::takes_text(model) => {
            return begin_with(model, key);
        }
        key if action_of(model, key).is_some() => {
            model.walks_by_letters = is_step;
            return KeyOutcome::UNUSED;
        }
        _ => {
            let is_list = matches!(model.overlays.last(), Some(Overlay::Welcome(_)));
            let is_new_blast = key.to_string() == model.options.keys.of("a-new-blast");
            model.refuse(match (is_list, is_new_blast && model.senders.is_empty()) {
                (true, true) => "a new blast needs a sender first: enter chooses this line",
                (true, false) => "enter chooses this line; esc leaves",
                (false, _) => NOT_HERE,
            });
        }
    }
    KeyOutcome::DONE
}

/// Whether a key shows all keys, as the form says of it: a text that begins with it is typed behind enter.
fn is_help(model: &Model, key: Key) -> bool {
    let action = model.options.keys.lookup(key, action::scopes(model));
    model.overlays.last() == Some(&Overlay::Form) && action.is_some_and(|action| action.id() == "all-keys")
}

/// The action of a form that a key stands for.
fn action_of(model: &Model, key: Key) -> Option<&'static UiAction> {
    model.options.keys.lookup(key, action::scopes(model)).filter(|action| action.is_of_forms())
}

/// Whether a key does something here: where it does nothing, a line of text is typed on with it.
fn is_needed(model: &Model, key: Key) -> bool {
    action_of(model, key).is_some_and(|action| (action.why_not)(model).is_none())
}

/// Opens the line at the cursor and types the key on it.
fn begin_with(model: &mut Model, key: Key) -> KeyOutcome {
    let mut effects = form::begin(model);
    if form::is_typing(model)
        && let KeyOutcome::Handled(typed) = form::key(model, key)
    {
        effects.extend(typed);
    }
    KeyOutcome::Handled(effects)
}

//! What is sought in the help: `/` types it, enter keeps the lines, esc shows all of them.

use super::key_outcome::KeyOutcome;
use crate::tui::action;
use crate::tui::key::Key;
use crate::tui::model::{HelpOverlay, Model, Overlay};
use crate::tui::widget::{EditOutcome, TextField};

const FIND: &str = "find-a-person";

/// A key while the help is open.
pub fn key(model: &mut Model, key: Key) -> KeyOutcome {
    let finds = model.options.keys.lookup(key, action::scopes(model)).is_some_and(|action| action.id() == FIND);
    let Some(help) = shown(model) else { return KeyOutcome::UNUSED };
    if help.is_typing {
        return typed(help, key);
    }
    if finds {
        help.is_typing = true;
        return KeyOutcome::DONE;
    }
    if key == Key::Esc && !help.filter.is_empty() {
        (help.filter, help.scroll) = (TextField::default(), 0);
        return KeyOutcome::DONE;
    }
    KeyOutcome::UNUSED
}

fn typed(help: &mut HelpOverlay, key: Key) -> KeyOutcome {
    match key {
        Key::Esc => *help = HelpOverlay::default(),
        Key::Enter => help.is_typing = false,
        key if help.filter.key(key) == EditOutcome::NotMine => return KeyOutcome::UNUSED,
        _ => help.scroll = 0,
    }
    KeyOutcome::DONE
}

/// A paste while it is typed.
pub fn pasted(model: &mut Model, line: &str) {
    if let Some(help) = shown(model) {
        (help.is_typing, help.scroll) = (true, 0);
        help.filter.insert(line);
    }
}

fn shown(model: &mut Model) -> Option<&mut HelpOverlay> {
    match model.overlays.last_mut() {
        Some(Overlay::Help(help)) => Some(help),
        _ => None,
    }
}

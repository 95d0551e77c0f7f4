//! Keys where what they would answer is not drawn: they act on nothing until the window is larger.

use super::key_outcome::KeyOutcome;
use crate::tui::key::Key;
use crate::tui::model::Model;

/// Refuses a key whose question or field nobody can see; what leaves works.
pub(super) fn key(model: &mut Model, key: Key) -> Option<KeyOutcome> {
    let leaves = key == Key::Esc || (key == Key::Char('q') && model.prompt.is_none());
    let why = model.not_drawn().filter(|_| !leaves)?;
    model.refuse(why);
    Some(KeyOutcome::DONE)
}

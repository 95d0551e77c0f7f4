//! Keys where what they would answer is not drawn: they act on nothing until the window is larger.

use super::key_outcome::KeyOutcome;
use crate::tui::key::Key;
use crate::tui::model::{Model, Notice, Overlay};

/// Refuses a key whose question or field nobody can see; what leaves works.
pub(super) fn key(model: &mut Model, key: Key) -> Option<KeyOutcome> {
    let is_text = matches!(
        model.overlays.last(),
        Some(Overlay::Form | Overlay::NewSender | Overlay::Answer(_) | Overlay::StepMessage(_))
    );
    let leaves = key == Key::Esc || (key == Key::Char('q') && model.prompt.is_none() && !is_text);
    let why = model.not_drawn().filter(|_| !leaves)?;
    model.say(Notice::too_small(why));
    Some(KeyOutcome::DONE)
}

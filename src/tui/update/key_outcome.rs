//! What a prompt or an overlay answers when a key is offered to it.

use crate::tui::effect::Effect;

/// Whether a key ends where it was offered.
#[derive(Debug, PartialEq)]
pub enum KeyOutcome {
    Handled(Vec<Effect>),
    /// The keymap decides about the key, after these effects.
    PassOn(Vec<Effect>),
}

impl KeyOutcome {
    /// Handled, and nothing more to do.
    pub const DONE: Self = Self::Handled(Vec::new());
    /// Not for the one it was offered to.
    pub const UNUSED: Self = Self::PassOn(Vec::new());
}

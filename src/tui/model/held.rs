//! What waits for a list, and what of it is not used.

use crate::tui::key::Key;

/// The most keys that wait for a list.
pub const HELD_MAX: usize = 512;

/// What was typed or pasted for a list that is not here yet, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldInput {
    Key(Key),
    Paste(String),
}

/// Keys that are not used, since what they were typed for never came. Whatever is typed in one go with them is not used either: it
/// would act on somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DroppedKeys {
    /// Empty where a question says it.
    pub why: String,
    pub keys: usize,
}

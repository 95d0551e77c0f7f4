//! Words of blasts and steps that name somebody who is to be forgotten: whether they can be rewritten.

use crate::domain::stored::stored_by_word;

/// What is to become of words that name somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordsFate {
    /// Nothing is sent with them any more.
    Over,
    /// Nothing is sent with them until somebody launches or resumes it.
    Draft,
    /// They go out by themselves, and can be changed.
    Editable,
    /// They go out once somebody resumes them, and can be changed in a draft.
    Paused,
    /// They go out, and stay as they are.
    Fixed,
    /// Nobody else gets them, but messages with them are in flight: what comes of these is written with their text.
    Landing,
}

stored_by_word!(WordsFate);

impl WordsFate {
    pub const ALL: [Self; 6] = [Self::Over, Self::Draft, Self::Editable, Self::Paused, Self::Fixed, Self::Landing];

    /// The word in SQL.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Draft => "draft",
            Self::Editable => "editable",
            Self::Paused => "paused",
            Self::Fixed => "fixed",
            Self::Landing => "landing",
        }
    }

    /// Whether messages would go out with other words than those that somebody launched.
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::Editable | Self::Paused | Self::Fixed)
    }
}

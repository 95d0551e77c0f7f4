//! Carts: what somebody puts together before they order it, or leaves.

use std::fmt;

use super::stored::stored_by_word;

/// What became of a cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CartState {
    Open,
    /// An order was written from it.
    Ordered,
    Abandoned,
}

stored_by_word!(CartState);

impl CartState {
    pub const ALL: [Self; 3] = [Self::Open, Self::Ordered, Self::Abandoned];

    /// The word in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ordered => "ordered",
            Self::Abandoned => "abandoned",
        }
    }

    /// Reads a state, also as other systems spell it.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        match word.as_str() {
            "active" => Some(Self::Open),
            "converted" | "completed" => Some(Self::Ordered),
            _ => Self::ALL.into_iter().find(|state| state.word() == word),
        }
    }
}

impl fmt::Display for CartState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

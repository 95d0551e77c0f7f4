//! Ids: database keys and the providers' message ids.

use std::fmt;

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not an id: write the number in the first column of `blastdeck {list}`")]
pub struct IdError {
    word: String,
    /// The command that lists what has such ids.
    list: &'static str,
}

/// Declares a database key as a type of its own, so that one is never passed for another.
macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        key!($(#[$doc])* $name, "blast list");
    };
    ($(#[$doc:meta])* $name:ident, $list:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let word = || super::text::clean(text).chars().take(40).collect();
                text.trim().parse().map(Self).map_err(|_| IdError { word: word(), list: $list })
            }
        }
    };
}

key!(
    /// A blast: one message or template to many people.
    BlastId
);
key!(
    /// One person in one blast.
    RecipientId
);
key!(
    /// A number or device that sends.
    SenderId,
    "sender list"
);
key!(
    /// What somebody wrote, once.
    ReplyId
);
key!(
    /// What somebody ordered, once.
    OrderId,
    "order list"
);
key!(
    /// What somebody put together to order it.
    CartId,
    "cart list"
);
key!(
    /// Products that are sold together.
    CatalogueId,
    "catalog list"
);
key!(
    /// Something that is sold, perhaps in variants.
    ProductId,
    "catalog show"
);
key!(
    /// A report that was kept.
    ReportId
);
key!(
    /// A link to one blast's page.
    ShareId,
    "share list"
);
key!(
    /// Long work that a program asked for.
    JobId
);
key!(
    /// One opt-out, as listed.
    SuppressionId
);
key!(
    /// One act of an operator, as logged in `operator_actions`.
    ActionId
);

/// A provider's id for an accepted message: opaque, case-sensitive text, unique per sender (`docs/WSAPME.md`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct MessageId(String);

/// The longest id we store, in bytes; anything longer counts as unreadable.
pub const MESSAGE_ID_MAX: usize = 256;

impl MessageId {
    /// Takes an id as the provider wrote it. `None` when it is empty, longer than [`MESSAGE_ID_MAX`] or not printable.
    pub fn new(text: &str) -> Option<Self> {
        let readable = !text.is_empty() && text.len() <= MESSAGE_ID_MAX && !text.chars().any(char::is_control);
        readable.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

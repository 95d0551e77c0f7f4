//! Evidence about a person.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::domain::ids::MessageId;
use crate::domain::retry::ErrorClass;
use crate::domain::sale::Sale;

/// A piece of evidence, with the attempt it is about and the time at which it happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedEvidence {
    pub attempt: i32,
    pub at: DateTime<Utc>,
    pub evidence: Evidence,
}

/// Why a queued person waits whom the sender messaged a short while ago, perhaps in another blast.
pub const TOO_RECENTLY: &str = "had a message from this sender too recently";

/// Why a queued person waits for whom it was too early or too late by their own clock.
pub const OUT_OF_HOURS: &str = "it was outside the hours by their own clock";

/// Until when a released person is not claimed again, and why: [`TOO_RECENTLY`] or [`OUT_OF_HOURS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBefore {
    pub at: DateTime<Utc>,
    pub why: &'static str,
}

/// What was learned about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// The provider has the message.
    Accepted {
        message_id: Option<MessageId>,
        provider_status: Option<String>,
        message_timestamp: Option<DateTime<Utc>>,
    },
    /// Known not to have been accepted.
    Rejected { class: ErrorClass, code: String, message: String },
    /// Nobody can know whether it was accepted.
    Unknown { why: String },
    /// Claimed, and released before any POST: perhaps for later.
    Released { not_before: Option<NotBefore> },
    /// A status reported by the provider.
    Provider { stage: ProviderStage, word: String, c2s_at: Option<DateTime<Utc>>, error: Option<ProviderError> },
    /// The person wrote back. Only a reply that quotes our message proves that it arrived.
    Reply { quoted: Quoted },
    /// The person asked not to be messaged.
    OptOut,
    /// An operator's mark.
    Manual(Mark),
    /// An operator undoes a mark.
    Undo(Undone),
}

/// What is known of an attempt once its POST is over, or is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    Accepted,
    Rejected,
    Unknown,
    Released,
}

impl AttemptOutcome {
    /// The word in SQL and on the screen.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
            Self::Released => "released",
        }
    }
}

/// The word is not an outcome.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an outcome of an attempt")]
pub struct UnknownOutcome(String);

impl TryFrom<String> for AttemptOutcome {
    type Error = UnknownOutcome;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        let all = [Self::Accepted, Self::Rejected, Self::Unknown, Self::Released];
        all.into_iter().find(|outcome| outcome.word() == word).ok_or(UnknownOutcome(word))
    }
}

/// A stage that the provider reported after accepting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderStage {
    Failed,
    Sent,
    Delivered,
    Read,
}

/// Why a message failed after it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    pub code: String,
    pub message: String,
    /// Nothing is sent again because of it; an opt-out is one.
    pub class: ErrorClass,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoted {
    Yes,
    No,
}

/// An operator's mark on a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    Replied,
    /// With the amount of the sale, if there is one.
    Closed(Option<Decimal>),
    /// They ordered for so much, beside what they bought before.
    Ordered(Option<Decimal>),
    OptOut,
    /// Empty text removes the note.
    Note(String),
    /// The answer for an uncertain person: did the message go out?
    Resolve(Resolution),
    /// Send again to a person who failed; only if they are known never to have received the message.
    Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// It is there: counts as sent.
    Sent,
    /// Not there: may be sent once more.
    Resend,
    /// Not there, and left out.
    Drop,
}

/// Which mark is undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    Replied,
    /// An act that closed them or changed their amount; what is left of the sale without it. `None`: they are open again.
    Closed(Option<Sale>),
    OptOut,
    /// The note as it was before.
    Note(Option<String>),
    Resolve(Resolution),
}

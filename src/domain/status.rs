//! The statuses a recipient can have, and how provider evidence ranks among them.

use std::fmt;

use super::stored::stored_by_word;

/// Where a person stands. The order is the screen's; rank for evidence is [`Status::evidence_rank`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Will be sent when due.
    Queued,
    /// An attempt is in flight.
    Sending,
    /// The attempt's outcome is unknown.
    Uncertain,
    /// The provider accepted it.
    Sent,
    /// Reached the person's device.
    Delivered,
    /// Opened.
    Read,
    /// Wrote back.
    Replied,
    /// Sale done.
    Closed,
    /// Will not be delivered.
    Failed,
    /// Asked not to be messaged before anything was accepted.
    OptedOut,
    /// Left out on purpose.
    Skipped,
}

stored_by_word!(Status);

impl Status {
    /// Every status, in the screen's order.
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Sending,
        Self::Uncertain,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Replied,
        Self::Closed,
        Self::Failed,
        Self::OptedOut,
        Self::Skipped,
    ];

    /// Whether a message may have reached them, which they can answer.
    pub const fn may_be_reached(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending | Self::Uncertain | Self::Skipped | Self::OptedOut)
    }

    /// The word in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Uncertain => "uncertain",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Replied => "replied",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::OptedOut => "opted_out",
            Self::Skipped => "skipped",
        }
    }

    /// The word on the screen: `received` for delivered, `opted out` in two words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Delivered => "received",
            Self::OptedOut => "opted out",
            other => other.word(),
        }
    }

    /// Reads any spelling that means one status: our own words, the screen's, and those of earlier systems.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase().replace([' ', '-'], "_");
        let synonym = match word.as_str() {
            "received" | "delivery_ack" => Self::Delivered,
            "read_ack" | "played" => Self::Read,
            "responded" => Self::Replied,
            "retry" => Self::Queued,
            "error" => Self::Failed,
            _ => return Self::ALL.into_iter().find(|status| status.word() == word),
        };
        Some(synonym)
    }

    /// The message is known to have been accepted and the person counts in *Sent* of the funnel.
    pub const fn is_in_funnel(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Read | Self::Replied | Self::Closed)
    }

    /// A blast with anybody here is not done.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Queued | Self::Sending | Self::Uncertain)
    }

    /// How provider evidence ranks: the highest seen wins, whatever the order. `None` for statuses that come from
    /// elsewhere and that any acceptance lifts. A failure outranks only *sent*: it cannot undo a delivery.
    pub(super) const fn evidence_rank(self) -> Option<u8> {
        match self {
            Self::Sent => Some(1),
            Self::Failed => Some(2),
            Self::Delivered => Some(3),
            Self::Read => Some(4),
            _ => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn every_word_and_label_is_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::from_word(status.word()), Some(status));
            assert_eq!(Status::from_word(status.label()), Some(status));
        }
    }

    #[test]
    fn the_provider_words_that_mean_two_things_are_not_synonyms() {
        assert_eq!(Status::from_word("PENDING"), None);
        assert_eq!(Status::from_word("SERVER_ACK"), None);
        assert_eq!(Status::from_word("DELIVERY_ACK"), Some(Status::Delivered));
    }
}

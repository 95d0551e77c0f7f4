//! Jobs: long work that a program asks for.

use serde::Serialize;
use utoipa::ToSchema;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Asks the provider what became of each message of a blast.
    CheckStatus,
    /// Adds a list of people to a draft.
    AddRecipients,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has begun.
    Queued,
    Running,
    Finished,
    /// It was refused, or could not be done: nothing changed.
    Failed,
    /// The process that did it ended, or could not use the database: nothing changed, and it may be asked for again.
    Interrupted,
}

impl JobKind {
    /// The word in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::CheckStatus => "check_status",
            Self::AddRecipients => "add_recipients",
        }
    }
}

impl From<String> for JobKind {
    fn from(word: String) -> Self {
        if word == Self::CheckStatus.word() { Self::CheckStatus } else { Self::AddRecipients }
    }
}

impl From<String> for JobState {
    fn from(word: String) -> Self {
        let known = [Self::Queued, Self::Running, Self::Finished, Self::Failed];
        known.into_iter().find(|state| state.word() == word).unwrap_or(Self::Interrupted)
    }
}

impl JobState {
    /// The word in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Interrupted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_back() {
        for kind in [JobKind::CheckStatus, JobKind::AddRecipients] {
            assert_eq!(JobKind::from(kind.word().to_owned()), kind);
        }
        for state in [JobState::Queued, JobState::Running, JobState::Finished, JobState::Failed, JobState::Interrupted]
        {
            assert_eq!(JobState::from(state.word().to_owned()), state);
        }
    }
}

//! What operators do, and who changed a blast, as the log and the rows spell it.

use std::fmt;

use serde::Serialize;

/// An operator's act as logged. Newer versions may log acts that this one does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Replied,
    Closed,
    OptOut,
    Note,
    Resolve,
    Launch,
    Resume,
    Pause,
    Cancel,
    Delete,
    Retry,
    Undo,
    Suppress,
    Unsuppress,
    MoveSender,
    /// An error stopped a sender: logged as an edit of it.
    StopSender,
    /// Somebody let a sender go on, or another token did: logged likewise.
    ResumeSender,
    Repair,
    /// Text to somebody who had written.
    Answer,
    /// A draft was made by a program.
    Create,
    Edit,
    /// People were added to a draft.
    Add,
    /// People were taken out of a draft.
    Remove,
    /// A token of the HTTP API was made or revoked.
    Token,
    /// A person was forgotten on request.
    Forget,
    /// What operators say of a customer: tags, notes, merges.
    Customer,
    Unknown(String),
}

impl Act {
    const KNOWN: [Self; 24] = [
        Self::Replied,
        Self::Closed,
        Self::OptOut,
        Self::Note,
        Self::Resolve,
        Self::Launch,
        Self::Resume,
        Self::Pause,
        Self::Cancel,
        Self::Delete,
        Self::Retry,
        Self::Undo,
        Self::Suppress,
        Self::Unsuppress,
        Self::MoveSender,
        Self::Repair,
        Self::Answer,
        Self::Create,
        Self::Edit,
        Self::Add,
        Self::Remove,
        Self::Token,
        Self::Forget,
        Self::Customer,
    ];

    /// Every act that this version logs.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::KNOWN.into_iter()
    }

    /// The word in the log.
    pub fn word(&self) -> &str {
        match self {
            Self::Replied => "replied",
            Self::Closed => "closed",
            Self::OptOut => "opt-out",
            Self::Note => "note",
            Self::Resolve => "resolve",
            Self::Launch => "launch",
            Self::Resume => "resume",
            Self::Pause => "pause",
            Self::Cancel => "cancel",
            Self::Delete => "delete",
            Self::Retry => "retry",
            Self::Undo => "undo",
            Self::Suppress => "suppress",
            Self::Unsuppress => "unsuppress",
            Self::MoveSender => "move-sender",
            Self::StopSender => "stop-sender",
            Self::ResumeSender => "resume-sender",
            Self::Repair => "repair",
            Self::Answer => "answer",
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Token => "token",
            Self::Forget => "forget",
            Self::Customer => "customer",
            Self::Unknown(word) => word,
        }
    }
}

impl From<String> for Act {
    fn from(word: String) -> Self {
        Self::known()
            .chain([Self::StopSender, Self::ResumeSender])
            .find(|act| act.word() == word)
            .unwrap_or(Self::Unknown(word))
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Who changed a blast's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub enum Actor {
    Engine,
    /// An operator by name. The configuration refuses the name `engine`.
    Operator(String),
}

impl Actor {
    /// The engine's name in rows and history.
    pub const ENGINE: &'static str = "engine";

    pub fn name(&self) -> &str {
        match self {
            Self::Engine => Self::ENGINE,
            Self::Operator(name) => name,
        }
    }
}

impl From<String> for Actor {
    fn from(name: String) -> Self {
        if name == Self::ENGINE { Self::Engine } else { Self::Operator(name) }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> Self {
        actor.name().to_owned()
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Act;

    #[test]
    fn every_act_is_read_back_from_its_word() {
        for act in Act::KNOWN {
            assert_eq!(Act::from(act.word().to_owned()), act);
        }
        assert_eq!(Act::from("dance".to_owned()).word(), "dance");
    }
}

//! What kind of process an engine runs in: for operators, who see who sends.

use std::fmt;

/// The process that an engine runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineRole {
    /// A dashboard that is open.
    Dashboard,
    /// Took over from a window that was closed.
    Standby,
    /// `blastdeck serve`.
    Serve,
    /// `blastdeck engine`, and whatever else sends.
    Engine,
}

impl EngineRole {
    const ALL: [Self; 4] = [Self::Dashboard, Self::Standby, Self::Serve, Self::Engine];

    /// The word in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::Standby => "standby",
            Self::Serve => "serve",
            Self::Engine => "engine",
        }
    }

    /// `None` for a word of another version.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// As after "sent by": `a dashboard`, `serve`.
impl fmt::Display for EngineRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Dashboard => "a dashboard",
            Self::Standby => "the standby",
            Self::Serve => "serve",
            Self::Engine => "an engine",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::EngineRole;

    #[test]
    fn a_role_is_read_back_from_its_word() {
        for role in EngineRole::ALL {
            assert_eq!(EngineRole::from_word(role.word()), Some(role));
        }
        assert_eq!(EngineRole::from_word("oracle"), None);
    }
}

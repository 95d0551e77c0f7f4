//! A sender as its row has it.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::domain::engine_role::EngineRole;
use crate::domain::ids::SenderId;
use crate::domain::sender::StopCode;
use crate::domain::waiting::WaitingReport;

/// A sender and who sends for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderRow {
    pub id: SenderId,
    pub name: String,
    pub provider: String,
    pub business: String,
    pub rehearsal: bool,
    /// Set by an error that needs a person: code and reason.
    pub stopped: Option<SenderStop>,
    /// The first message that was accepted and had no webhook since, where that was five minutes ago or more.
    pub unheard_since: Option<DateTime<Utc>>,
    /// How many times its provider asked it to slow down.
    pub slowed: u32,
    /// The end of the pause that its provider asked for.
    pub held_until: Option<DateTime<Utc>>,
    /// The most that its provider takes, in messages a second, where that is known.
    pub throughput: Option<u32>,
    /// How people receive its messages, as Meta said last: green, yellow or red.
    pub quality: Option<String>,
    /// The engine that holds it now, by the database's clock.
    pub lease: Option<LeaseRow>,
    /// What that engine says it waits for, as a whole and for each blast; without one, whose token was refused.
    pub waiting: WaitingReport,
    /// The other name under which an engine sends from its phone now.
    pub phone_held_as: Option<String>,
    /// How many people are queued in answers, which no list of blasts has.
    pub queued_answers: i64,
    /// The database refuses writes to whoever read this: it is a replica, or was set to be read only.
    pub is_unwritable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderStop {
    pub at: DateTime<Utc>,
    pub code: StopCode,
    pub reason: String,
    /// It is for a token that the provider refused, and which it was is noted: another one lifts it by itself. Whoever took back what let the
    /// sender go on has it stand until somebody lifts it.
    pub waits_for_token: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    pub holder: String,
    pub host: String,
    /// `None`: an engine of another version.
    pub role: Option<EngineRole>,
    pub expires_at: DateTime<Utc>,
}

/// `serve on kedai1`.
impl fmt::Display for LeaseRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.role.unwrap_or(EngineRole::Engine), self.host)
    }
}

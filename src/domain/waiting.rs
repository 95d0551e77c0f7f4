//! Why a blast is not sending as fast as it can, and until when: one list of reasons, the same words everywhere.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A reason to wait. Times are UTC; faces print them in their own zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Waiting {
    /// Launched a moment ago; can still be taken back.
    Armed { until: DateTime<Utc> },
    /// No engine holds the sender: nobody is sending.
    NoEngine,
    /// The random pause between two messages; `next` when it is worth telling.
    Gap { gap: String, next: DateTime<Utc> },
    /// The rate limit binds.
    Rate { rate: String },
    /// The day's limit is reached.
    DailyCap { cap: i64, until: DateTime<Utc> },
    /// Outside the hours for sending.
    Window { window: String, until: DateTime<Utc> },
    /// The provider asked for a pause.
    Throttled { until: DateTime<Utc> },
    /// Everybody left is to be tried later.
    Backoff { people: i64, until: DateTime<Utc> },
    /// The sender is stopped until a person mends something.
    SenderStopped { why: String },
    /// All sent but some whose outcome nobody knows.
    Uncertain { people: i64 },
    /// The database's clock and this machine's are too far apart.
    Clock { seconds: i64 },
    /// The database answers, but takes nothing.
    Database { trouble: Trouble },
}

/// Why a database that answers takes nothing. Once it is mended, work goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    DiskFull,
    NoMemory,
    NoConnections,
    ReadOnly,
    /// A statement was ended for its length.
    TooSlow,
    /// Somebody else's transaction holds what is needed.
    Locked,
}

impl Trouble {
    pub const fn words(self) -> &'static str {
        match self {
            Self::DiskFull => "the database's disk is full",
            Self::NoMemory => "the database has no memory left",
            Self::NoConnections => "the database takes no more connections",
            Self::ReadOnly => "the database takes no changes",
            Self::TooSlow => "the database takes too long",
            Self::Locked => "somebody holds a lock in the database",
        }
    }

    pub const fn mend(self) -> &'static str {
        match self {
            Self::DiskFull => "make room there",
            Self::NoMemory => "give it some",
            Self::NoConnections => "end some, or raise max_connections",
            Self::ReadOnly => "make it writable",
            Self::TooSlow => "pg_stat_activity tells what keeps it busy",
            Self::Locked => "pg_stat_activity tells who: end that",
        }
    }
}

impl Waiting {
    /// When the wait ends by itself, if it does.
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Armed { until }
            | Self::DailyCap { until, .. }
            | Self::Window { until, .. }
            | Self::Throttled { until }
            | Self::Backoff { until, .. }
            | Self::Gap { next: until, .. } => Some(*until),
            _ => None,
        }
    }

    /// What a person can do about it, where they can.
    pub const fn mend(&self) -> Option<&'static str> {
        match self {
            Self::NoEngine => Some("run `blastdeck engine`, or open the dashboard"),
            Self::SenderStopped { .. } => Some("mend it, then `blastdeck sender check`, or S on the blast"),
            Self::Uncertain { .. } => Some("say whether each went: `blastdeck uncertain list`"),
            Self::Clock { .. } => Some("set this machine's clock"),
            Self::Database { trouble } => Some(trouble.mend()),
            _ => None,
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Armed { .. } => write!(f, "starts in a moment, u stops it"),
            Self::NoEngine => write!(f, "nobody is sending: no engine runs"),
            Self::Gap { gap, .. } => write!(f, "gap {gap}"),
            Self::Rate { rate } => write!(f, "sender rate {rate}"),
            Self::DailyCap { cap, .. } => write!(f, "daily cap {cap} reached"),
            Self::Window { window, .. } => write!(f, "sends {window} only"),
            Self::Throttled { .. } => write!(f, "the provider asked to slow down"),
            Self::Backoff { people, .. } => write!(f, "{people} to be tried again"),
            Self::SenderStopped { why } => write!(f, "sender stopped: {why}"),
            Self::Uncertain { people } => write!(f, "waiting for {people} unknown"),
            Self::Clock { seconds } => write!(f, "clocks differ by {seconds} s"),
            Self::Database { trouble } => f.write_str(trouble.words()),
        }
    }
}

//! Why a blast is not sending as fast as it can, and until when: one list of reasons, worded the same in every face.

mod cap;
mod edited;
mod reasons;
mod window;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use super::ids::BlastId;
use super::sender::{StopCode, stop_mend};
use super::text::{number, shell_word};
use window::WindowWords;
pub use window::{HoursWords, hours_of_plan, hours_with_city};

/// A reason to wait. Times are UTC; faces print them in their own zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Waiting {
    /// Launched a moment ago; the launch can still be undone.
    Armed { until: DateTime<Utc> },
    /// Starts by itself at its time.
    Scheduled { until: DateTime<Utc> },
    /// The time of a blast that repeats came, and no blast could be made of it.
    NotMade { why: String },
    /// No engine holds the sender: nobody is sending.
    NoEngine,
    /// No engine holds the sender: the one that would has a token that the provider refused. Which it is, as an operator finds it.
    TokenRefused {
        process: String,
        /// It was another token than the one that this configuration has: to replace that one helps nobody.
        #[serde(skip)]
        is_elsewhere: bool,
    },
    /// No engine holds the sender: one sends from its phone under another name, which that sender has in another configuration.
    PhoneInUse { sender: String },
    /// The engine that holds the sender has not renewed its lease in time; another one may take over at `until`. `None`: a wrong clock
    /// granted the lease, and whoever watches it takes over once it has stood still for its own length.
    Silent { host: String, until: Option<DateTime<Utc>> },
    /// The random pause between two messages; `next` where it is worth showing.
    Gap {
        gap: String,
        next: Option<DateTime<Utc>>,
        /// How many times the provider's "slow down" doubled it.
        #[serde(default)]
        slowed: u32,
    },
    /// A rate limit binds; `next` where it is worth showing.
    Rate {
        rate: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<DateTime<Utc>>,
        #[serde(default)]
        whose: LimitOwner,
        /// How many times the provider's "slow down" halved it.
        #[serde(default)]
        slowed: u32,
    },
    /// The first people were all sent to; it pauses once their answers are here.
    FirstPeople { people: u32 },
    /// As many POSTs as allowed are in flight.
    Answers { at_once: usize },
    /// The database answers slowly.
    SlowDatabase,
    /// The day's limit is reached.
    DailyCap {
        cap: i64,
        until: DateTime<Utc>,
        /// The blast's own hours, where these are what it waits for once the next day has begun.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hours: Option<String>,
    },
    /// As many people as Meta allows the business were written to within 24 hours, by all of its numbers.
    PeopleLimit { people: i64, until: DateTime<Utc> },
    /// Outside the hours for sending.
    Window { window: String, until: DateTime<Utc> },
    /// The provider asked for a pause.
    Throttled { until: DateTime<Utc> },
    /// The provider does not take this blast's messages yet; it is tried again by itself.
    Provider { why: String, until: DateTime<Utc> },
    /// Everybody left is retried later.
    Backoff { people: i64, until: DateTime<Utc> },
    /// Everybody left is due later, the next person because this sender messaged the same number a short while ago.
    PairGap { people: i64, until: DateTime<Utc> },
    /// Everybody left is due later, the next person at a time of their own clock, which nobody was tried before. `None`: by the hours
    /// of the blast, which hold by their clocks.
    OwnTime {
        people: i64,
        #[serde(serialize_with = "window::clock_time")]
        time: Option<NaiveTime>,
        until: DateTime<Utc>,
    },
    /// The sender is stopped until a person mends something.
    SenderStopped {
        why: String,
        #[serde(default)]
        sender: String,
        #[serde(default)]
        code: StopCode,
        /// Another token than the refused one lifts the stop by itself.
        #[serde(skip)]
        waits_for_token: bool,
    },
    /// Only people whose outcome nobody knows are left.
    Uncertain { people: i64 },
    /// The database's clock and this machine's are too far apart.
    Clock { seconds: i64 },
    /// The database answers, but accepts no writes.
    Database { trouble: DatabaseTrouble },
    /// Nobody of this blast can be claimed: one of its rows holds an invalid value. Other blasts go on.
    Unreadable { why: String },
}

/// Why a database that answers accepts no writes. Once that is mended, work goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseTrouble {
    DiskFull,
    NoMemory,
    NoConnections,
    ReadOnly,
    /// A statement timed out.
    TooSlow,
    /// Another transaction holds a lock that is needed.
    Locked,
}

impl DatabaseTrouble {
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
            Self::NoMemory => "give it more memory",
            Self::NoConnections => "end some connections, or raise max_connections",
            Self::ReadOnly => "make it writable",
            Self::TooSlow => "pg_stat_activity shows what keeps it busy",
            Self::Locked => "pg_stat_activity shows who: end that session",
        }
    }
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitOwner {
    #[default]
    Sender,
    /// The blast's own, narrower one.
    Blast,
}

/// What a sender's engine waits for: as a whole, and for each of its blasts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WaitingReport {
    pub sender: Option<Waiting>,
    pub blasts: BTreeMap<BlastId, Waiting>,
    /// How many milliseconds each renewal extends the engine's lease by. An engine with less than half of it left is silent.
    pub lease_ms: Option<i64>,
    /// The fingerprint of the token that was refused, where that is what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl WaitingReport {
    /// Whether nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.sender.is_none() && self.blasts.is_empty()
    }
}

impl Waiting {
    /// Whether it is the provider or the database that is slow: it goes slower than limits allow, and nobody knows when it is through.
    pub const fn is_below_limits(&self) -> bool {
        matches!(self, Self::Answers { .. } | Self::SlowDatabase)
    }

    /// When the wait ends by itself, if that is known.
    pub const fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Armed { until }
            | Self::Scheduled { until }
            | Self::DailyCap { until, .. }
            | Self::PeopleLimit { until, .. }
            | Self::Window { until, .. }
            | Self::Throttled { until }
            | Self::Provider { until, .. }
            | Self::Backoff { until, .. }
            | Self::PairGap { until, .. }
            | Self::OwnTime { until, .. } => Some(*until),
            Self::Gap { next: until, .. } | Self::Rate { next: until, .. } | Self::Silent { until, .. } => *until,
            _ => None,
        }
    }

    /// Whether it ends only when somebody does something: until then no end can be forecast.
    pub const fn is_open_ended(&self) -> bool {
        matches!(
            self,
            Self::NotMade { .. }
                | Self::NoEngine
                | Self::TokenRefused { .. }
                | Self::PhoneInUse { .. }
                | Self::SenderStopped { .. }
                | Self::Uncertain { .. }
                | Self::Clock { .. }
                | Self::Database { .. }
                | Self::Unreadable { .. }
        )
    }

    /// Whether nothing goes out for longer than a blast's own pace takes between two messages.
    pub const fn outlasts_pace(&self) -> bool {
        matches!(
            self,
            Self::Silent { .. }
                | Self::DailyCap { .. }
                | Self::PeopleLimit { .. }
                | Self::Window { .. }
                | Self::Throttled { .. }
                | Self::Provider { .. }
                | Self::Backoff { .. }
                | Self::PairGap { .. }
                | Self::OwnTime { .. }
        )
    }

    /// The same wait with another end; one without an end stays as it is. `hours`: those of the blast, where it has to wait for these as well.
    #[must_use]
    pub fn ending(self, at: DateTime<Utc>, hours: Option<String>) -> Self {
        match self {
            Self::Gap { gap, next: Some(_), slowed } => Self::Gap { gap, next: Some(at), slowed },
            Self::Rate { rate, next: Some(_), whose, slowed } => Self::Rate { rate, next: Some(at), whose, slowed },
            Self::DailyCap { cap, .. } => Self::DailyCap { cap, until: at, hours },
            Self::Window { window, .. } => Self::Window { window, until: at },
            Self::PeopleLimit { people, .. } => Self::PeopleLimit { people, until: at },
            Self::Throttled { .. } => Self::Throttled { until: at },
            Self::Provider { why, .. } => Self::Provider { why, until: at },
            other => other,
        }
    }

    /// What is left of it at `now`: a gap or a rate still binds once its moment has come; every other wait is over then.
    pub fn at(self, now: DateTime<Utc>) -> Option<Self> {
        let left = |next: Option<DateTime<Utc>>| next.filter(|next| *next > now);
        match self {
            Self::Gap { gap, next, slowed } => Some(Self::Gap { gap, next: left(next), slowed }),
            Self::Rate { rate, next, whose, slowed } => Some(Self::Rate { rate, next: left(next), whose, slowed }),
            other => Some(other).filter(|waiting| waiting.until().is_none_or(|until| until > now)),
        }
    }

    /// The sentence for whoever reads times with their offset; `clock` formats one as the face does.
    pub fn sentence(&self, clock: impl Fn(DateTime<Utc>) -> String) -> String {
        let end = |word: &str| self.until().map_or_else(String::new, |until| format!(", {word} {}", clock(until)));
        match self {
            Self::Armed { until } | Self::Scheduled { until } => format!("starts {}", clock(*until)),
            Self::NotMade { .. }
            | Self::NoEngine
            | Self::TokenRefused { .. }
            | Self::SenderStopped { .. }
            | Self::Unreadable { .. } => self.to_string(),
            Self::Database { trouble } => format!("{self}: {}", trouble.mend()),
            Self::Silent { until: None, .. } => format!("{self}, taken over in a moment"),
            Self::Silent { .. } => format!("{self}{}", end("taken over after")),
            Self::Uncertain { .. } => format!("waits for you: {self}"),
            Self::Gap { .. } | Self::Rate { .. } | Self::PairGap { .. } | Self::OwnTime { .. } => {
                format!("waits for: {self}{}", end("next"))
            }
            Self::Backoff { .. } => format!("waits for: {self}{}", end("next try")),
            _ => format!("waits for: {self}{}", end("until")),
        }
    }

    /// What a person can do about it, if anything, for a blast and its sender. Command lines can be pasted as they are.
    pub fn mend(&self, blast: BlastId, sender: &str) -> Option<String> {
        match self {
            Self::Armed { .. } => Some(format!("`blastdeck blast pause {blast}` stops it, or u in the dashboard")),
            Self::Scheduled { .. } => Some(format!("`blastdeck blast pause {blast}` stops it")),
            Self::Window { .. } => Some(window::without_hours(blast, None)),
            Self::DailyCap { .. } => Some(format!("`daily_cap` of sender {sender} in the configuration sets it")),
            Self::NotMade { .. } => {
                Some("an engine tries it again every few seconds, and makes it once that is put right".to_owned())
            }
            Self::NoEngine => Some("run `blastdeck engine`, or open the dashboard".to_owned()),
            Self::TokenRefused { .. } => Some(
                "`blastdeck engine` in a shell that has the right token sends with it; the other goes on once it is started \
                 again with that token"
                    .to_owned(),
            ),
            Self::PhoneInUse { sender: other } => Some(format!(
                "it goes on once nothing is left to send as {other}; give the phone one name in both configurations"
            )),
            Self::SenderStopped { code: StopCode::Config, .. } => Some(stop_mend(&StopCode::Config, sender)),
            Self::SenderStopped { code, .. } => Some(format!("{}, or S on the blast", stop_mend(code, sender))),
            Self::Throttled { .. } => Some(format!(
                "`blastdeck sender confirm {}` ends the pause, if you know that it may end",
                shell_word(sender)
            )),
            Self::Uncertain { .. } => {
                Some(format!("say whether each message went out: `blastdeck uncertain list {blast}`"))
            }
            Self::Clock { .. } => Some("set this machine's clock".to_owned()),
            Self::Database { trouble } => Some(trouble.mend().to_owned()),
            Self::Unreadable { .. } => {
                Some("fix that row in the database; the blast then goes on by itself".to_owned())
            }
            _ => None,
        }
    }
}

/// What a person can do about a blast that no engine sends and whose sender this configuration has not: an engine of it does not help.
pub fn mend_elsewhere(sender: &str) -> String {
    format!("run an engine with a configuration that has the sender {sender}: this one does not")
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Armed { .. } => write!(f, "starts in a moment"),
            Self::Scheduled { .. } => write!(f, "its time"),
            Self::NotMade { why } => write!(f, "its time came, and no blast was made of it: {why}"),
            Self::NoEngine => write!(f, "nobody is sending: no engine runs"),
            Self::TokenRefused { process, .. } => {
                write!(f, "nobody is sending: the provider refused the token of {process}")
            }
            Self::PhoneInUse { sender } => write!(f, "its phone, which an engine sends from as sender {sender}"),
            Self::Silent { host, .. } => write!(f, "no sign of life from the engine at {host}"),
            Self::Gap { gap, slowed: 0, .. } => write!(f, "gap {gap}"),
            Self::Gap { gap, slowed: 1, .. } => write!(f, "gap {gap}, made twice as long by the provider"),
            Self::Gap { gap, slowed, .. } => {
                write!(f, "gap {gap}, made {} times as long by the provider", 1_u32 << (*slowed).min(20))
            }
            Self::Rate { rate, whose, slowed: 0, .. } => write!(f, "{whose} rate {rate}"),
            Self::Rate { rate, whose, slowed, .. } => {
                write!(f, "{whose} rate {rate}, slowed to 1/{} by the provider", 1_u32 << (*slowed).min(20))
            }
            Self::FirstPeople { people } => {
                write!(f, "the last of its first {}, then for you", number(i64::from(*people)))
            }
            Self::Answers { at_once: 1 } => write!(f, "the provider's answers, one message at a time"),
            Self::Answers { at_once } => write!(f, "the provider's answers, {at_once} messages at once"),
            Self::SlowDatabase => write!(f, "the database, which answers slowly"),
            Self::DailyCap { cap, hours: None, .. } => write!(f, "the daily cap, {} a day", number(*cap)),
            Self::DailyCap { cap, hours: Some(hours), .. } => {
                write!(f, "the daily cap, {} a day, and then its hours, {}", number(*cap), WindowWords::of(hours))
            }
            Self::PeopleLimit { people, .. } => {
                write!(f, "Meta's limit, {} people of this business in 24 hours", number(*people))
            }
            Self::Window { window, .. } => write!(f, "its hours, {}", WindowWords::of(window)),
            Self::Provider { why, .. } => write!(f, "the provider: {why}"),
            Self::Throttled { .. } => write!(f, "the provider, which asked to slow down"),
            Self::Backoff { people, .. } => write!(f, "{} to be retried", number(*people)),
            Self::PairGap { people, .. } => {
                write!(f, "pair gap, {} left and the next was messaged too recently", number(*people))
            }
            Self::OwnTime { people, time, .. } => {
                let what = time.map_or_else(|| "hours".to_owned(), |time| time.format("%H:%M").to_string());
                write!(f, "everyone's own {what}, {} left", number(*people))
            }
            Self::SenderStopped { why, .. } => write!(f, "sender stopped: {why}"),
            Self::Uncertain { people } => write!(f, "{} uncertain", number(*people)),
            Self::Clock { seconds } => write!(f, "clocks to agree (they differ by {seconds} s)"),
            Self::Database { trouble } => f.write_str(trouble.words()),
            Self::Unreadable { why } => write!(f, "this blast sends nothing: {why}"),
        }
    }
}

impl fmt::Display for LimitOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sender => "sender",
            Self::Blast => "blast",
        })
    }
}

#[cfg(test)]
mod tests;

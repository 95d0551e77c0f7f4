//! The tables that are not arrays: database, engine, polling, http, opt-out and ui.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use chrono_tz::Tz;

use super::directory::{DirectoryPath, absolute, resolved};
use super::environment::Environment;
use super::reader::TableReader;
use crate::domain::database_url::DatabaseUrl;
use crate::domain::opt_out::STOP_WORDS;
use crate::domain::pace::{PaceError, Speed, parse_span, show_span};
use crate::domain::pricing::{RateCard, RateError};
use crate::domain::text::clean;
use crate::domain::zone::{self, ZoneError};

/// `[database]`.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `None` for a private local Postgres under `data_dir`.
    pub url: Option<DatabaseUrl>,
    pub data_dir: PathBuf,
    /// What this machine remembers of the databases that it sent from. Never within `data_dir`: restoring a copy of
    /// that must not restore the memory too.
    pub state_dir: PathBuf,
}

/// `[engine]`.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// How many equal failures in a row pause a blast.
    pub failures_in_a_row: u32,
    /// How long a sender's lease is valid without renewal, before `speed` applies.
    pub lease: Duration,
    /// Retries of what is known not to have been accepted.
    pub retry_tries: u32,
    /// The first retry's delay; each later one is twice as long, up to the longest.
    pub retry_backoff: Duration,
    pub retry_backoff_max: Duration,
    /// A blast that could not send for this long needs a confirmation to continue.
    pub too_late: Duration,
    /// History older than this is dropped, a month at a time.
    pub keep_history: KeepHistory,
    /// How fast time runs, for the simulator only.
    pub speed: Speed,
}

/// `[polling]`.
#[derive(Debug, Clone)]
pub struct PollingConfig {
    /// How often the status of a recent message is polled.
    pub interval: Duration,
    /// The most status calls per sender and second; `None`: as many as its young messages need, from 2 to 100.
    pub per_second: Option<f64>,
    /// How long after its acceptance a message is polled.
    pub give_up_after: Duration,
}

/// How long the history of people's changes is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepHistory {
    Forever,
    /// At least this many months, 1 to 1,200: whole months older than that are dropped.
    Months(u32),
}

/// `[http]`.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// Where `blastdeck serve` listens. Any other address than a loopback one is there on purpose.
    pub listen: SocketAddr,
    /// Whether a client on this machine needs no token: its peer and its `Host` are loopback ones, and no proxy forwarded it.
    pub open_on_loopback: bool,
    /// How many requests a minute each token may make, 1 to 1,000,000.
    pub requests_per_minute: u32,
    /// Webhooks are kept this many days as they came, 2 to 3,650.
    pub keep_inbox_days: u32,
}

/// `[opt_out]`.
#[derive(Debug, Clone)]
pub struct OptOutConfig {
    /// A reply that consists of one of these, in any case, is an opt-out.
    pub keywords: Vec<String>,
}

/// `[pricing]`.
#[derive(Debug, Clone)]
pub struct PricingConfig {
    /// What Meta charges for a delivered message; empty: only categories are counted.
    pub card: RateCard,
}

/// `[ui]`.
#[derive(Debug, Clone)]
pub struct UiConfig {
    /// The shop's name, for the header.
    pub name: Option<String>,
    /// Three letters of ISO 4217, for amounts.
    pub currency: String,
    /// The time zone for displayed times.
    pub timezone: Tz,
    pub ascii: AsciiSetting,
    pub theme: ThemeSetting,
}

/// Whether lines and bars are drawn in plain ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AsciiSetting {
    /// Draws ASCII where the locale is not UTF-8.
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThemeSetting {
    #[default]
    Auto,
    Dark,
    Light,
    /// No colour, as with `NO_COLOR`.
    Mono,
}

impl DatabaseConfig {
    pub(super) fn read(mut reader: TableReader<'_>, environment: &Environment) -> Self {
        let url = reader.optional("url", "a private local Postgres");
        let data_dir = reader.or_default("data_dir", DirectoryPath(environment.data_dir())).0;
        let state_dir = reader.or_default("state_dir", DirectoryPath(environment.state_dir())).0;
        let [data_dir, state_dir] = [data_dir, state_dir].map(|dir| absolute(dir, environment));
        if let Some(why) = refusal_of_state_dir(&state_dir, &data_dir) {
            reader.problem("state_dir", why);
        }
        Self { url, data_dir, state_dir }
    }
}

/// The sentence where what this machine remembers would be brought back together with the database: both directories are
/// compared as they really are, whatever links lead there.
fn refusal_of_state_dir(state_dir: &Path, data_dir: &Path) -> Option<String> {
    let real = resolved(state_dir);
    // The private database's own directory may be a link to another disk.
    let restored = [data_dir.to_owned(), data_dir.join("postgres")];
    let within = restored.iter().find(|dir| real.starts_with(resolved(dir)))?;
    Some(format!(
        "{} must not lie within data_dir, {}, or restoring a copy of that restores it too: choose another directory",
        shown(state_dir, &real),
        shown(within, &resolved(within)),
    ))
}

/// A directory, and where it really is if that is another place.
fn shown(written: &Path, real: &Path) -> String {
    let written = written.display();
    if written.to_string() == real.display().to_string() {
        format!("`{written}`")
    } else {
        format!("`{written}` (which is `{}`)", real.display())
    }
}

impl EngineConfig {
    pub(super) fn read(mut reader: TableReader<'_>) -> Self {
        let engine = Self {
            failures_in_a_row: reader.within("failures_in_a_row", 5, 1..=1_000),
            lease: Duration::from_secs(reader.within("lease_seconds", 15, 5..=300).into()),
            retry_tries: reader.within("retry_tries", 4, 0..=20),
            retry_backoff: reader.or_default("retry_backoff", Span::seconds(30)).0,
            retry_backoff_max: reader.or_default("retry_backoff_max", Span::seconds(15 * 60)).0,
            too_late: reader.or_default("too_late", Span::seconds(6 * 60 * 60)).0,
            keep_history: reader.or_default("keep_history", KeepHistory::Months(24)),
            speed: reader.or_default("speed", Speed::REAL),
        };
        if engine.retry_backoff > engine.retry_backoff_max {
            reader.problem("retry_backoff_max", "it is shorter than retry_backoff: write the longest delay");
        }
        engine
    }
}

impl PollingConfig {
    pub(super) fn read(mut reader: TableReader<'_>) -> Self {
        let polling = Self {
            interval: reader.or_default("interval", Span::seconds(10)).0,
            per_second: reader
                .optional::<PerSecond>("per_second", "as many as its young messages need, from 2 to 100")
                .map(|questions| questions.0),
            give_up_after: reader.or_default("give_up_after", Span::seconds(3 * 24 * 60 * 60)).0,
        };
        if polling.interval < Duration::from_secs(1) {
            reader.problem("interval", "shorter than a second: write 1s or more");
        }
        polling
    }
}

impl HttpConfig {
    pub(super) fn read(mut reader: TableReader<'_>) -> Self {
        Self {
            listen: reader.or_default("listen", ListenAddress(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))).0,
            open_on_loopback: reader.or_default("open_on_loopback", false),
            requests_per_minute: reader.within("requests_per_minute", 6_000, 1..=1_000_000),
            keep_inbox_days: reader.within("keep_inbox_days", 30, 2..=3_650),
        }
    }
}

impl OptOutConfig {
    pub(super) fn read(mut reader: TableReader<'_>) -> Self {
        Self { keywords: reader.list("keywords", &STOP_WORDS) }
    }
}

impl PricingConfig {
    pub(super) fn read(mut reader: TableReader<'_>) -> Self {
        let mut rates = Vec::new();
        for line in reader.list("rates", &[]) {
            match line.parse() {
                Ok(rate) => rates.push(rate),
                Err(error @ RateError(_)) => reader.problem("rates", error.to_string()),
            }
        }
        Self { card: RateCard::new(rates) }
    }
}

impl UiConfig {
    pub(super) fn read(mut reader: TableReader<'_>, environment: &Environment) -> Self {
        Self {
            name: reader.optional::<DisplayName>("name", "none").map(|name| name.0),
            currency: reader.or_default("currency", Currency("MYR".to_owned())).0,
            timezone: reader.or_default("timezone", TimeZoneName(environment.zone())).0,
            ascii: reader.or_default("ascii", AsciiSetting::Auto),
            theme: reader.or_default("theme", ThemeSetting::Auto),
        }
    }
}

/// An IP address and a port.
struct ListenAddress(SocketAddr);

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A duration of at least a millisecond.
pub(super) struct Span(pub Duration);

impl Span {
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = parse_span(text)?;
        if span < Duration::from_millis(1) { Err(PaceError::Span(text.to_owned())) } else { Ok(Self(span)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_span(self.0))
    }
}

impl FromStr for KeepHistory {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("forever") {
            return Ok(Self::Forever);
        }
        let wrong = "write whole months or years, such as 24 months, or forever";
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(wrong)?;
        let number: u32 = text[..split].parse().map_err(|_| wrong)?;
        let each = match text[split..].trim().to_ascii_lowercase().as_str() {
            "month" | "months" => 1,
            "year" | "years" => 12,
            _ => return Err(wrong),
        };
        let months = number.checked_mul(each).filter(|months| (1..=1_200).contains(months));
        months.map(Self::Months).ok_or("write 1 month to 1200 months, or forever")
    }
}

impl fmt::Display for KeepHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str("forever"),
            Self::Months(1) => f.write_str("1 month"),
            Self::Months(months) => write!(f, "{months} months"),
        }
    }
}

/// A time zone by its name in the tz database.
pub(super) struct TimeZoneName(pub Tz);

impl FromStr for TimeZoneName {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        zone::parse(text).map(Self)
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// One line of text without control characters.
pub(super) struct DisplayName(pub String);

impl FromStr for DisplayName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = clean(text).trim().to_owned();
        if text.is_empty() || text.chars().count() > 60 { Err("write 1 to 60 characters") } else { Ok(Self(text)) }
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Questions a second.
struct PerSecond(f64);

impl FromStr for PerSecond {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let questions = text.parse().ok().filter(|questions| *questions > 0.0 && *questions <= 1_000.0);
        questions.map(Self).ok_or("write a number above 0, at most 1000")
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

struct Currency(String);

impl FromStr for Currency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        if letters { Ok(Self(text.to_ascii_uppercase())) } else { Err("write three letters, such as MYR") }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Implements `FromStr` and `Display` for a setting with a fixed set of values.
macro_rules! words {
    ($name:ident, $mend:literal, $($word:literal => $value:ident),+) => {
        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$value),)+
                    _ => Err($mend),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$value => $word),+ })
            }
        }
    };
}

words!(AsciiSetting, "write auto, true or false", "auto" => Auto, "true" => Always, "false" => Never);
words!(ThemeSetting, "write auto, dark, light or mono", "auto" => Auto, "dark" => Dark, "light" => Light, "mono" => Mono);

//! The tables that are not arrays: database, engine, polling, http, opt-out and ui.

mod values;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use super::directory::{DirectoryPath, absolute, resolved};
use super::environment::Environment;
use super::reader::TableReader;
use crate::domain::database_url::DatabaseUrl;
use crate::domain::opt_out::{STOP_WORDS, StopWords};
use crate::domain::pace::Speed;
use crate::domain::pricing::{RateCard, RateError};
use crate::domain::text::clean;
use values::{Currency, ListenAddress, PerSecond, WebOrigin};
pub(super) use values::{DisplayName, Span, TimeZoneName};

/// `[database]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// `None` for a private local Postgres under `data_dir`.
    pub url: Option<DatabaseUrl>,
    pub data_dir: PathBuf,
    /// What this machine remembers of the databases that it sent from. Never within `data_dir`: restoring a copy of
    /// that must not restore the memory too.
    pub state_dir: PathBuf,
}

impl DatabaseConfig {
    /// Where it is, for people: its address without a password, or the directory of the private one.
    pub fn place(&self) -> String {
        match &self.url {
            Some(url) => url.to_string(),
            None => format!("private, in {}", self.data_dir.display()),
        }
    }

    /// The directory of the private database; `None` where it is elsewhere.
    pub fn private_dir(&self) -> Option<PathBuf> {
        self.url.is_none().then(|| self.data_dir.clone())
    }
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
    /// Where others reach it, for links that are handed out: scheme, host and port. `None`: at `listen`.
    pub public_url: Option<String>,
    /// Whether a client on this machine needs no token: its peer and its `Host` are loopback ones, and no proxy forwarded it.
    pub open_on_loopback: bool,
    /// How many requests a minute each token may make, 1 to 1,000,000.
    pub requests_per_minute: u32,
    /// The sites whose pages may call the API from a browser, as browsers spell them: `https://shop.example`.
    pub cors_origins: Vec<String>,
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
    /// The operator's own number, as typed, for trying a blast on oneself.
    pub test_to: Option<String>,
    /// `[ui.keys]`: keys of the dashboard in place of its own.
    pub keys: Vec<KeySetting>,
}

/// An entry of `[ui.keys]`, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetting {
    /// The action's name.
    pub action: String,
    /// The names of its keys; empty: none.
    pub keys: Vec<String>,
    /// Its line in the file, from 1.
    pub line: usize,
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
            public_url: reader.optional("public_url", "at listen").map(|origin: WebOrigin| origin.0),
            open_on_loopback: reader.or_default("open_on_loopback", false),
            requests_per_minute: reader.within("requests_per_minute", 6_000, 1..=1_000_000),
            cors_origins: cors_origins(&mut reader),
            keep_inbox_days: reader.within("keep_inbox_days", 30, 2..=3_650),
        }
    }
}

fn cors_origins(reader: &mut TableReader<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for text in reader.list("cors_origins", &[]) {
        match text.parse() {
            Ok(WebOrigin(origin)) => origins.push(origin),
            Err(why) => reader.problem("cors_origins", format!("`{}`: {why}", clean(&text))),
        }
    }
    origins
}

impl OptOutConfig {
    pub(super) fn read(mut reader: TableReader<'_>) -> Self {
        let keywords = reader.list("keywords", &STOP_WORDS);
        if StopWords::new(keywords.iter().map(String::as_str)).words().is_empty() {
            reader.problem(
                "keywords",
                "nobody could opt out by a reply: name at least one word, or leave this out for STOP and its kin",
            );
        }
        Self { keywords }
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
    pub(super) fn read(mut reader: TableReader<'_>, environment: &Environment, keys: Vec<KeySetting>) -> Self {
        Self {
            keys,
            name: reader.optional::<DisplayName>("name", "none").map(|name| name.0),
            currency: reader.or_default("currency", Currency("MYR".to_owned())).0,
            timezone: reader.or_default("timezone", TimeZoneName(environment.zone())).0,
            ascii: reader.or_default("ascii", AsciiSetting::Auto),
            theme: reader.or_default("theme", ThemeSetting::Auto),
            test_to: reader.optional::<DisplayName>("test_to", "none").map(|number| number.0),
        }
    }
}

//! Configuration: defaults, overridden by the file, the environment and flags, in this order. Loading reports all
//! problems at once, each with its location, its key and the fix. Knows no database and no provider; tokens are read
//! only when they are needed.
//!
//! `assets/config.example.toml` documents every key.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod adding;
mod base_url;
mod business;
mod directory;
mod document;
mod environment;
mod error;
mod hook;
mod keys;
mod log;
mod reader;
mod sender;
mod settings;
mod token;

pub use adding::{NewSender, PreparedConfig, TypedToken, own_path};
pub use base_url::BaseUrl;
pub use business::BusinessConfig;
pub use environment::{Environment, zone_named};
pub use error::{ConfigError, ConfigProblem, ProblemLocation};
pub use hook::{HookConfig, HookUrl};
pub use log::{SettingOrigin, ValueSource};
pub use sender::SenderConfig;
pub use settings::{
    AsciiSetting, DatabaseConfig, EngineConfig, HttpConfig, KeepHistory, KeySetting, OptOutConfig, PollingConfig,
    PricingConfig, ThemeSetting, UiConfig,
};
pub use token::TokenSource;

use document::Document;
use log::ConfigLog;
use reader::TableReader;

use crate::domain::act::Actor;
pub use crate::domain::database_url::DatabaseUrl;
use crate::domain::pace::Speed;
use crate::domain::sender::ProviderKind;

/// The largest configuration file, in bytes: thousands of senders.
const FILE_MAX: u64 = 1024 * 1024;

/// The validated configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub database: DatabaseConfig,
    pub senders: Vec<SenderConfig>,
    pub engine: EngineConfig,
    pub polling: PollingConfig,
    pub http: HttpConfig,
    pub hooks: Vec<HookConfig>,
    pub businesses: Vec<BusinessConfig>,
    pub opt_out: OptOutConfig,
    pub pricing: PricingConfig,
    pub ui: UiConfig,
    /// The operator's name, as logged with every act: `BLASTDECK_OPERATOR`, else `login@host`.
    pub operator: String,
    path: Option<PathBuf>,
    origins: Vec<SettingOrigin>,
}

/// The command-line flags that override everything else.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--database-url`.
    pub database_url: Option<String>,
}

impl Config {
    /// Loads from `--config`, else `BLASTDECK_CONFIG`, else the user's `blastdeck/config.toml`, else
    /// `/etc/blastdeck/config.toml`; with none of them, defaults and no sender.
    pub fn load(flags: &Flags) -> Result<Self, ConfigError> {
        Self::load_in(flags, &Environment::of_process())
    }

    /// The same, in the given environment.
    pub fn load_in(flags: &Flags, environment: &Environment) -> Result<Self, ConfigError> {
        let named = flags.config.clone().or_else(|| environment.get("BLASTDECK_CONFIG").map(PathBuf::from));
        let path = match named {
            Some(path) => Some(path),
            None => environment.config_paths().into_iter().find(|path| is_there(path)),
        };
        let text = path.as_deref().map_or_else(|| Ok(String::new()), read_file)?;
        Self::build(&text, path, environment, flags)
    }

    /// The operator in this environment, also where the configuration cannot be read. `None`: by a name that no operator may have.
    pub fn operator_in(environment: &Environment) -> Option<String> {
        Some(environment.operator()).filter(|operator| operator != Actor::ENGINE)
    }

    /// Parses the text of a file, without environment or flags.
    pub fn from_toml_str(text: &str) -> Result<Self, ConfigError> {
        Self::build(text, None, &Environment::default(), &Flags::default())
    }

    fn build(text: &str, path: Option<PathBuf>, environment: &Environment, flags: &Flags) -> Result<Self, ConfigError> {
        let mut log = ConfigLog::new(path.clone());
        let Some(mut document) = Document::parse(text, &mut log) else { return Err(log.into_error()) };
        environment.overlay(&mut document, &mut log);
        document.flag("database", "url", "--database-url", flags.database_url.as_deref());

        let bindings = std::mem::take(&mut document.bindings);
        let ui = UiConfig::read(TableReader::new("ui", document.take("ui"), &mut log), environment, bindings);
        let listed = document.arrays.get("senders").map_or(0, Vec::len);
        let senders = read_senders(&mut document, &ui, &mut log);
        // What is wrong with a sender is reported as that, and not again wherever it is named.
        let known = (senders.len() == listed).then_some(&senders[..]);
        let hooks = hook::read_all(&mut document, known, &mut log);
        let businesses = business::read_all(&mut document, known, &mut log);
        let config = Self {
            database: DatabaseConfig::read(
                TableReader::new("database", document.take("database"), &mut log),
                environment,
            ),
            engine: EngineConfig::read(TableReader::new("engine", document.take("engine"), &mut log)),
            polling: PollingConfig::read(TableReader::new("polling", document.take("polling"), &mut log)),
            http: HttpConfig::read(TableReader::new("http", document.take("http"), &mut log)),
            opt_out: OptOutConfig::read(TableReader::new("opt_out", document.take("opt_out"), &mut log)),
            pricing: PricingConfig::read(TableReader::new("pricing", document.take("pricing"), &mut log)),
            ui,
            senders,
            hooks,
            businesses,
            operator: environment.operator(),
            path,
            origins: Vec::new(),
        };
        config.refuse_hurried_senders(&mut log);
        config.refuse_engines_name(&mut log);
        config.refuse_two_defaults(&mut log);
        config.finish(log)
    }

    /// The log of acts distinguishes the engine from operators by this name.
    fn refuse_engines_name(&self, log: &mut ConfigLog) {
        if self.operator == Actor::ENGINE {
            let variable = ValueSource::Variable("BLASTDECK_OPERATOR".to_owned());
            log.problem(&variable, "", "`engine` is reserved for the engine itself: choose another name");
        }
    }

    /// A blast that names no sender must mean one.
    fn refuse_two_defaults(&self, log: &mut ConfigLog) {
        for (at, sender) in self.senders.iter().enumerate().filter(|(_, sender)| sender.is_default) {
            let is_like = |other: &&SenderConfig| other.is_default && other.provider == sender.provider;
            if let Some(first) = self.senders[..at].iter().find(is_like) {
                let text =
                    format!("{} is the default of provider {} already: leave it to one", first.name, sender.provider);
                let path = format!("senders.{}", sender.name);
                TableReader::new(path, BTreeMap::new(), log).problem("default", text);
            }
        }
    }

    /// Time may run faster only where nobody is really messaged: a higher speed shrinks the gaps that protect a number.
    fn refuse_hurried_senders(&self, log: &mut ConfigLog) {
        let real = self.senders.iter().find(|sender| !sender.is_rehearsal());
        if let Some(sender) = real.filter(|_| self.engine.speed != Speed::REAL) {
            let text = format!("sender {} is real, and only a rehearsal can run faster: write 1", sender.name);
            TableReader::new("engine", BTreeMap::new(), log).problem("speed", text);
        }
    }

    fn finish(self, log: ConfigLog) -> Result<Self, ConfigError> {
        if !log.problems.is_empty() {
            return Err(log.into_error());
        }
        let mut origins = log.origins;
        origins.sort_by_key(|origin| keys::position(&origin.key));
        Ok(Self { origins, ..self })
    }

    /// The configuration file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Every value in force and its source, in the order of the example file, without secrets.
    pub fn origins(&self) -> &[SettingOrigin] {
        &self.origins
    }

    /// Who sends what names no sender: the default of this provider, or the only one.
    pub fn default_sender(&self, provider: ProviderKind) -> Option<&SenderConfig> {
        let mut of_provider = self.senders.iter().filter(|sender| sender.provider == provider);
        let first = of_provider.next();
        match self.senders.iter().find(|sender| sender.provider == provider && sender.is_default) {
            Some(default) => Some(default),
            None => first.filter(|_| of_provider.next().is_none()),
        }
    }

    /// A hook by its name.
    pub fn hook(&self, name: &str) -> Option<&HookConfig> {
        self.hooks.iter().find(|hook| hook.name.as_str() == name.trim())
    }

    /// A sender by its name, in any case.
    pub fn sender(&self, name: &str) -> Option<&SenderConfig> {
        self.senders.iter().find(|sender| sender.name.eq_ignore_ascii_case(name.trim()))
    }

    /// Within what time nobody gets a second message of a business by a filter; `None`: no cap.
    pub fn frequency_cap(&self, business: &str) -> Option<Duration> {
        self.businesses.iter().find(|known| known.name == business)?.frequency_cap
    }
}

fn read_senders(document: &mut Document, ui: &UiConfig, log: &mut ConfigLog) -> Vec<SenderConfig> {
    let mut senders: Vec<SenderConfig> = Vec::new();
    let mut names: HashMap<String, String> = HashMap::new();
    for (at, values) in document.take_array("senders").into_iter().enumerate() {
        let line = values.get("name").map_or(ValueSource::Default, |found| found.source.clone());
        let Some(sender) = SenderConfig::read(values, at + 1, ui.timezone, log) else { continue };
        let folded = keys::fold(&sender.name);
        if let Some(other) = names.get(&folded) {
            let text = format!("too similar to the sender `{other}`: give each a distinct name");
            log.problem(&line, &format!("senders.{}.name", sender.name), text);
        } else if let Some(other) = senders.iter().find(|other| other.is_phone_of(&sender)) {
            let text = format!(
                "the same phone as the sender `{}`: one phone is one sender, with one cap and one pace",
                other.name
            );
            let key = if sender.meta.is_some() { "phone_number_id" } else { "device" };
            log.problem(&line, &format!("senders.{}.{key}", sender.name), text);
        }
        names.entry(folded).or_insert_with(|| sender.name.clone());
        senders.push(sender);
    }
    senders
}

/// Whether there is a file, also one that cannot be read: without it another database would be used, silently. A directory further up that may
/// not be entered is another user's home.
fn is_there(path: &Path) -> bool {
    let in_its_dir = |error: &io::Error| {
        let dir = path.parent().filter(|dir| dir.symlink_metadata().is_ok());
        dir.is_some_and(|dir| error.kind() == io::ErrorKind::PermissionDenied || leads_nowhere(dir))
    };
    path.symlink_metadata().map_or_else(|error| in_its_dir(&error), |_| true)
}

/// Whether a path is a link to what is not there, as to a disk that is not mounted.
fn leads_nowhere(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_symlink()) && !path.exists()
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    let wrong = |text: String| ConfigError::of(ProblemLocation::File { path: path.to_owned(), line: 0 }, "", text);
    let absent = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound if path.ancestors().any(leads_nowhere) => {
            "a link on its path leads nowhere: mount what it leads to, or correct it".to_owned()
        }
        io::ErrorKind::NotFound => {
            "no such file: correct the path in --config or BLASTDECK_CONFIG, or create it empty: \
                                    the dashboard then asks for a sender"
                .to_owned()
        }
        _ => format!("cannot be read: {error}"),
    };
    // Before it is opened: that alone waits for whoever writes into a pipe.
    let about = fs::metadata(path).map_err(|error| wrong(absent(error)))?;
    if let Some(what) = not_a_file(path, about.file_type(), "configuration") {
        return Err(wrong(what));
    }
    let file = File::open(path).map_err(|error| wrong(absent(error)))?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(wrong(format!("longer than {FILE_MAX} bytes: not a configuration file")));
    }
    String::from_utf8(bytes).map_err(|_| wrong("not UTF-8: save it as UTF-8".to_owned()))
}

/// Why what is found there is not read as a configuration, or a token; `None` if it is.
///
/// A pipe may wait for ever, and gives what is in it once, while a standby and a reload read both again. One that a
/// shell opened for this process, as for `--config <(…)`, is read all the same: it ends when the command in it does, and verbs that
/// run once need no more. `/dev/null` is a file without anything in it.
fn not_a_file(path: &Path, kind: fs::FileType, what: &str) -> Option<String> {
    let instead = format!("write the {what} to a file, and name that");
    if kind.is_dir() {
        Some("a directory: name the file in it".to_owned())
    } else if kind.is_fifo() && !is_open_already(path) {
        Some(format!("a pipe, which can be read only once: {instead}"))
    } else if kind.is_socket() || kind.is_block_device() || kind.is_char_device() && path != Path::new("/dev/null") {
        Some(format!("a device or a socket: {instead}"))
    } else {
        None
    }
}

/// Whether a path names a file that this process was given open, as a shell does for `<(…)`.
fn is_open_already(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd", "/dev/stdin"].iter().any(|place| path.starts_with(place))
}

#[cfg(test)]
mod tests;

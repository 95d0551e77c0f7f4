//! What a verb works with: the configuration, the database (started if it is the private one) and the app.

use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use color_eyre::Result;
use color_eyre::eyre::eyre;
use tokio_util::sync::CancellationToken;

use super::exit::RefusedError;
use super::output::CommandChanges;
use super::zone::zone_doubt;
use super::{Global, output, postgres};
use crate::app::Engines;
use crate::app::view::BlastView;
use crate::app::{Access, App, ProcessKind, Setup};
use crate::config::{Config, DatabaseUrl, Environment, Flags};
use crate::domain::blast::BlastState;
use crate::domain::text::{self, clean, shell_quoted};
use crate::domain::zone::words::start_words;
use crate::private_postgres::PrivatePostgres;

/// An open app, and what the command line needs beside it.
pub(super) struct Context {
    pub app: App,
    pub zone: Tz,
    pub is_json: bool,
    /// The command line of this program for the same database and configuration.
    program: String,
    changes: CommandChanges,
}

/// Whether a verb changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Reads,
    Writes,
}

/// Loads the configuration as the flags say.
pub(super) fn load(global: &Global) -> Result<Config> {
    Ok(Config::load(&global.flags())?)
}

impl Global {
    /// The values that override the configuration.
    pub(super) fn flags(&self) -> Flags {
        Flags { config: self.config.clone(), database_url: self.database_url.clone() }
    }
}

impl Context {
    /// Opens for a verb that runs once and ends.
    pub async fn open(global: &Global, touch: Intent) -> Result<Self> {
        if touch == Intent::Writes && global.read_only {
            return Err(RefusedError("this would change something, and --read-only was given".to_owned()).into());
        }
        if touch == Intent::Writes {
            global.changes.begin();
        }
        let config = load(global)?;
        if let Some(why) = zone_doubt(&config).filter(|_| !global.json) {
            output::talk(&clean(&why));
        }
        Self::open_with(global, config, ProcessKind::Command, CancellationToken::new()).await
    }

    /// Opens with a configuration that is already loaded.
    pub async fn open_with(
        global: &Global,
        config: Config,
        process: ProcessKind,
        stop: CancellationToken,
    ) -> Result<Self> {
        let url = postgres::url(global, &config).await?;
        let zone = config.ui.timezone;
        let access = if global.read_only { Access::ReadOnly } else { Access::ReadWrite };
        let program = program(global);
        let opening = App::open(Setup { config, url, program: program.clone(), access, process, stop });
        let app = output::unless_quick("waiting for the database; an empty one is set up", opening).await?;
        let changes = global.changes.clone();
        Ok(Self { app, zone, is_json: global.json, program, changes })
    }

    /// Keeps what was changed, where the output that follows is all that names it.
    pub fn done(&self, what: String) {
        self.changes.done(what);
    }

    /// Completes the command lines in a sentence, each in backticks, so that they can be pasted into a shell.
    pub fn pasteable(&self, sentence: &str) -> String {
        text::pasteable(sentence, &self.program)
    }

    /// When something starts that goes by the clocks of a zone: by these, and by the reader's where they show another time.
    pub fn start(&self, at: DateTime<Utc>, zone: Tz) -> String {
        start_words(at, (zone, self.zone), Utc::now())
    }

    /// Formats a time: `%H:%M` for today, with the date otherwise.
    pub fn when(&self, at: Option<DateTime<Utc>>) -> String {
        let Some(at) = at.map(|at| at.with_timezone(&self.zone)) else { return "-".to_owned() };
        let today = Utc::now().with_timezone(&self.zone).date_naive();
        if at.date_naive() == today { at.format("%H:%M").to_string() } else { at.format("%-d %b %Y %H:%M").to_string() }
    }

    /// `at 09:00`, with seconds when it is within ten minutes; `on 22 Nov 2026 at 09:00` on another day.
    pub fn on_the_clock(&self, at: DateTime<Utc>) -> String {
        let local = at.with_timezone(&self.zone);
        let is_today = local.date_naive() == Utc::now().with_timezone(&self.zone).date_naive();
        if is_today { format!("at {}", self.moment(at)) } else { local.format("on %-d %b %Y at %H:%M").to_string() }
    }

    /// Like [`Self::when`], with seconds when it is within ten minutes.
    pub fn moment(&self, at: DateTime<Utc>) -> String {
        let is_near = (at - Utc::now()).abs() < TimeDelta::minutes(10);
        if is_near { at.with_timezone(&self.zone).format("%H:%M:%S").to_string() } else { self.when(Some(at)) }
    }
}

/// How this program is called where nothing else is said.
pub(super) const PROGRAM: &str = "blastdeck";

/// The variables that name the database, the strongest first, those that name the directory of the private one, and those of this machine's
/// memory.
const ADDRESSES: [&str; 2] = ["DATABASE_URL", "BLASTDECK_DATABASE_URL"];
const DATA_DIRS: [&str; 2] = ["BLASTDECK_DATA_DIR", "BLASTDECK_DATABASE_DATA_DIR"];
const STATE_DIRS: [&str; 2] = ["BLASTDECK_STATE_DIR", "BLASTDECK_DATABASE_STATE_DIR"];

/// The command line of this program with what selects the same database, configuration and memory, whether flags chose them or the
/// environment. A password is never shown: the line then takes the address from its variable, and fails without it.
pub(super) fn program(global: &Global) -> String {
    program_of((global.config.as_deref(), global.database_url.as_deref()), &Environment::of_process())
}

fn program_of((config, url): (Option<&Path>, Option<&str>), environment: &Environment) -> String {
    let first_of =
        |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, environment.get(name)?.to_owned())));
    let config = config.map(Path::to_owned).or_else(|| environment.get("BLASTDECK_CONFIG").map(PathBuf::from));
    let address = url.map(|url| (ADDRESSES[0], url.to_owned())).or_else(|| first_of(ADDRESSES));
    let mut line = PROGRAM.to_owned();
    if let Some(path) = config {
        let path = std::path::absolute(&path).unwrap_or(path);
        line.extend([" --config ", &shell_path(&path)]);
    }
    if let Some((variable, url)) = &address {
        let shown = if has_secret(url) { format!("\"${variable}\"") } else { shell_quoted(url) };
        line.extend([" --database-url ", &shown]);
    }
    // No flag names a directory. Beside an address that of the private database chooses none.
    let data = first_of(DATA_DIRS).filter(|_| address.is_none());
    for (variable, dir) in first_of(STATE_DIRS).into_iter().chain(data) {
        let dir = environment.directory(PathBuf::from(dir));
        line = format!("{variable}={} {line}", shell_path(&dir));
    }
    line
}

/// An absolute path as a shell reads it.
fn shell_path(path: &Path) -> String {
    shell_quoted(&path.to_string_lossy())
}

/// Whether an address may contain a password, before its `@` or among its parameters.
fn has_secret(url: &str) -> bool {
    url.parse::<DatabaseUrl>().map_or(true, |url| url.has_secret())
}

/// Starts a standby unless one runs, and waits until an engine holds the blast's sender. Fails with what is missing.
pub(super) async fn hand_over(app: &App, blast: &BlastView) -> Result<()> {
    let Err(missing) = app.hand_over(blast.id, Engines::Others).await? else { return Ok(()) };
    let is_scheduled = blast.state == BlastState::Scheduled;
    let done =
        if is_scheduled { "is scheduled, but no engine runs for it" } else { "was started, but no engine sends it" };
    Err(eyre!("{} (blast {}) {done}: {missing}", blast.clean_name(), blast.id))
}

/// The private Postgres, if no other database is configured.
pub(super) fn private_postgres(config: &Config) -> Result<Option<PrivatePostgres>> {
    if config.database.url.is_some() {
        return Ok(None);
    }
    Ok(Some(PrivatePostgres::new(Some(config.database.data_dir.clone()))?))
}

/// The log directory of the dashboard and the standby.
pub(super) fn log_dir(config: &Config) -> PathBuf {
    config.database.data_dir.join("log")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{has_secret, program_of};
    use crate::config::{Config, Environment, Flags};
    use crate::domain::text::shell_quoted;

    #[test]
    fn an_address_with_a_password_is_known_as_such() {
        assert!(has_secret("postgres://aina:s3cret@host/shop"));
        assert!(has_secret("postgres://host/shop?password=s3cret"));
        assert!(has_secret("no address with s3cret"));
        assert!(!has_secret("postgres://aina@host:5432/shop"));
        assert!(!has_secret("postgres://aina@[::1]:5432/shop"));
        assert!(!has_secret("postgres://blastdeck@localhost/blastdeck?host=%2Ftmp%2Fx&sslmode=disable"));
    }

    #[test]
    fn a_command_line_names_what_flags_or_the_environment_chose_and_no_password() {
        let (none, data) = ((None, None), ("BLASTDECK_DATA_DIR", "/srv/rehearsal"));
        let environment = Environment::with([
            ("BLASTDECK_CONFIG", "/etc/rehearsal.toml"),
            ("DATABASE_URL", "postgres://aina@host/shop"),
            data,
        ]);

        assert_eq!(program_of(none, &Environment::with([])), "blastdeck");
        let chosen = "blastdeck --config '/etc/rehearsal.toml' --database-url 'postgres://aina@host/shop'";
        assert_eq!(program_of(none, &environment), chosen);
        let flags = (Some(Path::new("/srv/a.toml")), Some("postgres://host/b"));
        let by_flags = "blastdeck --config '/srv/a.toml' --database-url 'postgres://host/b'";
        assert_eq!(program_of(flags, &environment), by_flags);
        assert_eq!(program_of(none, &Environment::with([data])), "BLASTDECK_DATA_DIR='/srv/rehearsal' blastdeck");
        for variable in ["DATABASE_URL", "BLASTDECK_DATABASE_URL"] {
            let secret = program_of(none, &Environment::with([(variable, "postgres://aina:s3cret@host/shop")]));
            assert_eq!(secret, format!("blastdeck --database-url \"${variable}\""));
        }
    }

    #[test]
    fn a_command_line_names_the_memory_of_this_machine_beside_an_address_as_well() {
        let (data, state) = (("BLASTDECK_DATA_DIR", "/srv/x/data"), ("BLASTDECK_STATE_DIR", "/srv/x/state"));
        let of = |environment| program_of((None, None), &environment);

        let private = "BLASTDECK_DATA_DIR='/srv/x/data' BLASTDECK_STATE_DIR='/srv/x/state' blastdeck";
        assert_eq!(of(Environment::with([data, state])), private);
        let address = ("DATABASE_URL", "postgres://aina@host/shop");
        let elsewhere = "BLASTDECK_STATE_DIR='/srv/x/state' blastdeck --database-url 'postgres://aina@host/shop'";
        assert_eq!(of(Environment::with([address, data, state])), elsewhere);
        let other = ("BLASTDECK_DATABASE_STATE_DIR", "/srv/y");
        assert_eq!(of(Environment::with([other])), "BLASTDECK_DATABASE_STATE_DIR='/srv/y' blastdeck");
    }

    #[test]
    fn the_directories_of_a_command_line_are_those_of_the_configuration() {
        let set = [("BLASTDECK_DATA_DIR", "~/rehearsal"), ("BLASTDECK_STATE_DIR", "memory")];
        let environment = Environment::with(set).at_home("/home/aina".into());

        let line = program_of((None, None), &environment);

        let file = tempfile::NamedTempFile::new().unwrap();
        let flags = Flags { config: Some(file.path().to_owned()), database_url: None };
        let database = Config::load_in(&flags, &environment).unwrap().database;
        assert_eq!(database.data_dir, Path::new("/home/aina/rehearsal"));
        let (data, state) = (database.data_dir.display(), database.state_dir.display());
        assert_eq!(line, format!("BLASTDECK_DATA_DIR='{data}' BLASTDECK_STATE_DIR='{state}' blastdeck"));
    }

    #[test]
    fn a_quoted_word_is_one_word_of_a_shell() {
        assert_eq!(shell_quoted("/it's here"), r"'/it'\''s here'");
    }
}

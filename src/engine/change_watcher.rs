//! What an engine stands on while it works: its program, its configuration file, its database, its directory. It follows
//! them: a process that could be started better now is started anew, and one that has nothing left to stand on ends.

mod trial;

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, sleep, timeout};

use self::trial::{ProgramTrials, takes_settings};
use super::configured_sender::{is_another_phone, registration};
use super::context::EngineContext;
use super::fingerprint::{Fingerprint, program, stamp};
use super::notifier::DatabaseState;
use super::standby::StandbyLock;
use crate::config::{Config, ConfigError, SenderConfig};
use crate::domain::text::shell_word;
use crate::private_postgres::PrivatePostgres;
use crate::store::sender::RegistrationOutcome;
use crate::store::{self, SchemaState};

pub(super) const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The same of a window's engine at rest: each of its steps looks, too.
pub(super) const LOOK_AT_REST_EVERY: Duration = Duration::from_secs(10);
/// The database is asked less often than the files, unless it was in trouble before.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// A database that is being dropped and made again, by a restore, is not gone yet.
const ABSENT_PATIENCE: Duration = Duration::from_secs(10);
/// A network, or a server, that is away for longer is not waited for.
const UNREACHABLE_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// Why an engine does not go on as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineChange {
    /// The configuration file, or a token in a file, says something else.
    Settings,
    /// Another program is in the place of this one.
    Program,
    /// A newer blastdeck has migrated the database.
    Newer { found: i64, known: i64 },
    /// Its directory is gone, or its lock is another standby's; how, as a sentence.
    Gone(String),
    /// There is no database to write to any more; how, as a sentence.
    NoDatabase(String),
}

/// Watches over one engine.
pub struct ChangeWatcher {
    engine: EngineContext,
    config: Arc<Config>,
    fingerprint: Fingerprint,
    /// A standby's; let go when the watcher is dropped.
    lock: Option<StandbyLock>,
    /// The private Postgres, where that is the database.
    local: Option<PrivatePostgres>,
    listens: bool,
    reload: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
    /// The files that settings are read from, as they were when they were read last.
    files: SettingsFiles,
    /// Why the settings in the files are not followed, as it was last logged.
    not_followed: Option<String>,
    /// The program in place of this one, as it was at the last look.
    program: Option<u64>,
    trials: ProgramTrials,
    program_checked_at: Instant,
    asked_at: Instant,
    absent_since: Option<Instant>,
    unreachable_since: Option<Instant>,
}

/// What a watcher watches.
pub struct WatchedSetup {
    pub engine: EngineContext,
    pub config: Arc<Config>,
    pub fingerprint: Fingerprint,
    pub lock: Option<StandbyLock>,
    pub local: Option<PrivatePostgres>,
    /// Looked at when the configuration was read: the database may have been waited for since.
    pub files: SettingsFiles,
    /// Whether this process listens at the configuration's address.
    pub listens: bool,
    /// Reads the configuration again, as the process did when it started.
    pub reload: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
}

/// The configuration file and the tokens' files, as they were at a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFiles(Vec<Option<u64>>);

impl SettingsFiles {
    /// As they are now.
    pub fn of(config: &Config) -> Self {
        let tokens = config.senders.iter().filter_map(|sender| sender.token.file());
        Self(config.path().into_iter().chain(tokens).map(|path| stamp(path).ok()).collect())
    }
}

impl ChangeWatcher {
    pub fn new(watched: WatchedSetup) -> Self {
        let WatchedSetup { engine, config, fingerprint, lock, local, files, listens, reload } = watched;
        Self {
            engine,
            config,
            fingerprint,
            lock,
            local,
            listens,
            reload,
            files,
            not_followed: None,
            program: None,
            trials: ProgramTrials::default(),
            program_checked_at: Instant::now(),
            asked_at: Instant::now(),
            absent_since: None,
            unreachable_since: None,
        }
    }

    /// Whether the process could be started better now: with other settings, or another program. For a process that cannot
    /// restart by itself. Cheap while no file changes.
    pub async fn is_outdated(&mut self) -> Option<EngineChange> {
        let is_stopped = self.is_stopped_on_purpose();
        if let Some(change) = self.are_settings_new(is_stopped).await {
            return Some(change);
        }
        if self.program_checked_at.elapsed() < LOOK_EVERY {
            return None;
        }
        self.program_checked_at = Instant::now();
        (!is_stopped && self.is_program_ready().await).then_some(EngineChange::Program)
    }

    /// Waits until the engine should not go on as it is.
    pub async fn until_changed(&mut self) -> EngineChange {
        loop {
            sleep(LOOK_EVERY).await;
            if let Some(change) = self.what_is_gone() {
                return change;
            }
            if let Some(change) = self.what_is_new().await {
                return change;
            }
            if let Some(change) = self.database().await {
                return change;
            }
        }
    }

    fn what_is_gone(&self) -> Option<EngineChange> {
        if let Some(local) = self.local.as_ref().filter(|local| !local.has_data()) {
            return Some(EngineChange::NoDatabase(format!(
                "there is no database in {} any more",
                local.data_dir().display()
            )));
        }
        let lock = self.lock.as_ref().filter(|lock| !lock.is_in_place())?;
        Some(EngineChange::Gone(format!("{} was removed, or is another standby's now", lock.path().display())))
    }

    /// A program or settings that could take over now. While the private database is stopped on purpose nothing is started
    /// anew that would start it.
    async fn what_is_new(&mut self) -> Option<EngineChange> {
        let is_stopped = self.is_stopped_on_purpose();
        if !is_stopped && self.is_program_ready().await {
            return Some(EngineChange::Program);
        }
        self.are_settings_new(is_stopped).await
    }

    fn is_stopped_on_purpose(&self) -> bool {
        self.local.as_ref().is_some_and(PrivatePostgres::is_stopped_on_purpose)
    }

    /// Settings that cannot be followed now are tried again at each look: what they lack may come from elsewhere.
    async fn are_settings_new(&mut self, is_stopped: bool) -> Option<EngineChange> {
        let files = SettingsFiles::of(&self.config);
        if files == self.files && self.not_followed.is_none() {
            return None;
        }
        self.files = files;
        let (change, not_followed) = match self.new_settings(is_stopped).await {
            Ok(config) => (config.map(|_| EngineChange::Settings), None),
            Err(why) => (None, Some(why)),
        };
        if let Some(why) = not_followed.as_ref().filter(|why| Some(*why) != self.not_followed.as_ref()) {
            tracing::warn!(
                "the configuration has changed and is not followed: the engine continues with the previous one"
            );
            why.lines().for_each(|why| tracing::warn!(why, "this keeps it from being followed"));
        }
        self.not_followed = not_followed;
        change
    }

    /// It may be half written: it has to be the same at two looks, to run, and to have settings with which it can send. Else nobody would.
    async fn is_program_ready(&mut self) -> bool {
        if !self.fingerprint.is_program_replaced() {
            self.program = None;
            self.trials.forget();
            return false;
        }
        let Ok(path) = program() else { return false };
        let now = stamp(&path).ok();
        let Some(settled) = now.filter(|_| now == self.program) else {
            self.program = now;
            return false;
        };
        let (reload, config) = (&self.reload, self.config.path());
        let trial = async {
            // What this one cannot read at all is for that one to judge.
            if (reload)().is_ok_and(|config| usable_senders(&config).is_empty()) {
                return Err("the configuration has no sender whose token can be read".to_owned());
            }
            takes_settings(&path, config).await
        };
        self.trials.is_ready((settled, SettingsFiles::of(&self.config)), trial).await
    }

    /// Only what can be used is followed: not a file that is half written, or that names nobody to send for. `None` where
    /// nothing changed.
    async fn new_settings(&self, is_stopped: bool) -> Result<Option<Config>, String> {
        let config = (self.reload)().map_err(|error| error.to_string())?;
        if self.fingerprint.with(&config) == self.fingerprint {
            return Ok(None);
        }
        let usable = usable_senders(&config);
        if usable.is_empty() {
            return Err("it has no sender whose token can be read".to_owned());
        }
        if is_stopped && config.database.url.is_none() {
            return Err("the private database was stopped on purpose".to_owned());
        }
        self.refuse_address(&config).await?;
        let is_same_database = (&config.database.url, &config.database.data_dir)
            == (&self.config.database.url, &self.config.database.data_dir);
        if is_same_database && let Some(why) = self.are_all_elsewhere(&usable).await? {
            return Err(why);
        }
        if is_same_database && let Some(why) = self.is_one_missing(&config).await? {
            return Err(why);
        }
        Ok(Some(config))
    }

    /// Refuses another address to listen at where that cannot be done: the process would end, and with it what receives webhooks.
    async fn refuse_address(&self, config: &Config) -> Result<(), String> {
        let listen = config.http.listen;
        if !self.listens || listen == self.config.http.listen {
            return Ok(());
        }
        match TcpListener::bind(listen).await {
            // The port may be in use by this process.
            Err(error) if error.kind() != ErrorKind::AddrInUse || listen.port() != self.config.http.listen.port() => {
                Err(format!("it cannot listen on {listen}: {error}"))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Why the senders of a configuration are too few: one that this engine sends for is none of them, and a blast of it would wait for
    /// an engine that never comes.
    async fn is_one_missing(&self, config: &Config) -> Result<Option<String>, String> {
        let is_kept = |name: &str| config.senders.iter().any(|sender| sender.name == name);
        let gone = self.config.senders.iter().map(|sender| sender.name.as_str()).filter(|name| !is_kept(name));
        let gone: Vec<&str> = gone.collect();
        if gone.is_empty() {
            return Ok(None);
        }
        let looked_up = timeout(ASK_EVERY, store::sender::unfinished(&self.engine.pool, &gone)).await;
        let unfinished = looked_up
            .map_err(|_| "the database does not answer".to_owned())
            .and_then(|found| found.map_err(|error| error.to_string()))?;
        Ok(unfinished.map(|(sender, blast)| {
            let name = shell_word(&sender);
            format!("sender {name} is none of its [[senders]], and blast {blast} of {name} is not over: put it back, or pause or cancel the blast")
        }))
    }

    /// Why none of these senders may be used: in the database each is another phone.
    async fn are_all_elsewhere(&self, senders: &[&SenderConfig]) -> Result<Option<String>, String> {
        let registrations: Vec<_> =
            senders.iter().map(|sender| registration(sender, &self.engine.stop_words)).collect();
        let looked_up = timeout(ASK_EVERY, store::sender::look_up(&self.engine.pool, &registrations)).await;
        let known = looked_up
            .map_err(|_| "the database does not answer".to_owned())
            .and_then(|known| known.map_err(|error| error.to_string()))?;
        let reasons = senders.iter().map(|sender| match known.get(&sender.name) {
            Some(RegistrationOutcome::Elsewhere { device, .. }) => Some(is_another_phone(sender, device)),
            Some(RegistrationOutcome::Ours(_)) | None => None,
        });
        Ok(reasons.collect::<Option<Vec<String>>>().map(|reasons| reasons.join("; ")))
    }

    async fn database(&mut self) -> Option<EngineChange> {
        let is_up = *self.engine.notifier.database().borrow() == DatabaseState::Up;
        let is_well = is_up && self.absent_since.is_none() && self.unreachable_since.is_none();
        if is_well && self.asked_at.elapsed() < ASK_EVERY {
            return None;
        }
        self.asked_at = Instant::now();
        let schema = timeout(ASK_EVERY, store::schema(&self.engine.pool)).await;
        let (absent, unreachable) = match schema {
            Ok(Ok(SchemaState::Newer { found, known })) => {
                return Some(self.fingerprint.in_a_newer_schema(found, known));
            }
            Ok(Ok(SchemaState::Known)) => (None, None),
            Ok(Ok(SchemaState::Absent)) => (self.absent_since.or(Some(self.asked_at)), None),
            Ok(Err(_)) | Err(_) => (None, self.unreachable_since.or(Some(self.asked_at))),
        };
        (self.absent_since, self.unreachable_since) = (absent, unreachable);
        self.given_up()
    }

    /// Only a standby gives up: a service runs until it is stopped.
    fn given_up(&self) -> Option<EngineChange> {
        self.lock.as_ref()?;
        let is_over = |since: Option<Instant>, patience| since.is_some_and(|since| since.elapsed() >= patience);
        if is_over(self.absent_since, ABSENT_PATIENCE) {
            return Some(EngineChange::NoDatabase("its database is gone".to_owned()));
        }
        let why = "its database could not be reached for a day".to_owned();
        is_over(self.unreachable_since, UNREACHABLE_PATIENCE).then_some(EngineChange::NoDatabase(why))
    }
}

/// What an engine that ended by itself has met, if that was not the end of its work: a claim notices a newer schema before a
/// watcher does.
pub async fn what_ended(engine: &EngineContext, fingerprint: &Fingerprint) -> Option<EngineChange> {
    match timeout(ASK_EVERY, store::schema(&engine.pool)).await {
        Ok(Ok(SchemaState::Newer { found, known })) => Some(fingerprint.in_a_newer_schema(found, known)),
        _ => None,
    }
}

impl Fingerprint {
    /// An upgrade that migrates may have put its program in the place of this one.
    fn in_a_newer_schema(&self, found: i64, known: i64) -> EngineChange {
        if self.is_program_replaced() { EngineChange::Program } else { EngineChange::Newer { found, known } }
    }
}

/// Those whose token can be read.
fn usable_senders(config: &Config) -> Vec<&SenderConfig> {
    config.senders.iter().filter(|sender| sender.token.read(&sender.name).is_ok()).collect()
}

//! What an engine stands on while it works: its program, its configuration file, its database, its directory. It follows
//! them: a process that could be started better now is started anew, and one that has nothing left to stand on ends.

use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

use super::context::EngineContext;
use super::fingerprint::{Fingerprint, program, stamp};
use super::notifier::DatabaseState;
use super::standby::StandbyLock;
use crate::config::{Config, ConfigError};
use crate::private_postgres::PrivatePostgres;
use crate::store::{self, SchemaState};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The database is asked less often than the files, unless it was in trouble before.
const ASK_EVERY: Duration = Duration::from_secs(10);
/// A database that is being dropped and made again, by a restore, is not gone yet.
const ABSENT_PATIENCE: Duration = Duration::from_secs(10);
/// A network, or a server, that is away for longer is not waited for.
const UNREACHABLE_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);
/// A program that takes longer to tell its version is not ready to take over.
const PROGRAM_PATIENCE: Duration = Duration::from_secs(10);

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
pub struct Follower {
    engine: EngineContext,
    config: Arc<Config>,
    fingerprint: Fingerprint,
    /// A standby's; let go when the follower is dropped.
    lock: Option<StandbyLock>,
    /// The private Postgres, where that is the database.
    local: Option<PrivatePostgres>,
    reload: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
    /// The files that settings are read from, as they were when they were read last.
    files: Vec<Option<u64>>,
    /// The program in place of this one, as it was at the last look.
    program: Option<u64>,
    asked_at: Instant,
    absent_since: Option<Instant>,
    unreachable_since: Option<Instant>,
}

/// What a follower watches.
pub struct Following {
    pub engine: EngineContext,
    pub config: Arc<Config>,
    pub fingerprint: Fingerprint,
    pub lock: Option<StandbyLock>,
    pub local: Option<PrivatePostgres>,
    /// Reads the configuration again, as the process did when it started.
    pub reload: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
}

impl Follower {
    pub fn new(following: Following) -> Self {
        let Following { engine, config, fingerprint, lock, local, reload } = following;
        let files = files_of(&config);
        Self {
            engine,
            config,
            fingerprint,
            lock,
            local,
            reload,
            files,
            program: None,
            asked_at: Instant::now(),
            absent_since: None,
            unreachable_since: None,
        }
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
        let is_stopped = self.local.as_ref().is_some_and(PrivatePostgres::is_stopped_on_purpose);
        if !is_stopped && self.is_program_ready().await {
            return Some(EngineChange::Program);
        }
        let files = files_of(&self.config);
        if files == self.files {
            return None;
        }
        let config = self.new_settings();
        if is_stopped && config.as_ref().is_some_and(|config| config.database.url.is_none()) {
            return None;
        }
        self.files = files;
        config.map(|_| EngineChange::Settings)
    }

    /// It may be half written: it has to be the same at two looks, and to run.
    async fn is_program_ready(&mut self) -> bool {
        if !self.fingerprint.is_program_replaced() {
            self.program = None;
            return false;
        }
        let Ok(path) = program() else { return false };
        let now = stamp(&path).ok();
        let is_settled = now.is_some() && now == self.program;
        self.program = now;
        is_settled && runs(&path).await
    }

    /// Only what can be used is followed: a file that is half written, or names nobody to send for, is passed over.
    fn new_settings(&self) -> Option<Config> {
        let config = (self.reload)()
            .inspect_err(|error| tracing::warn!(%error, "the configuration cannot be used now: it is not followed"))
            .ok()?;
        if !config.senders.iter().any(|sender| sender.token.read(&sender.name).is_ok()) {
            tracing::warn!("the configuration has no sender that can be used now: it is not followed");
            return None;
        }
        (self.fingerprint.with(&config) != self.fingerprint).then_some(config)
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

    /// Only a standby gives up: a service is there for as long as it is told to be.
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
/// follower does.
pub async fn what_ended(engine: &EngineContext, fingerprint: Fingerprint) -> Option<EngineChange> {
    match timeout(ASK_EVERY, store::schema(&engine.pool)).await {
        Ok(Ok(SchemaState::Newer { found, known })) => Some(fingerprint.in_a_newer_schema(found, known)),
        _ => None,
    }
}

impl Fingerprint {
    /// An upgrade that migrates may have put its program in the place of this one.
    fn in_a_newer_schema(self, found: i64, known: i64) -> EngineChange {
        if self.is_program_replaced() { EngineChange::Program } else { EngineChange::Newer { found, known } }
    }
}

/// The configuration file and the tokens' files.
fn files_of(config: &Config) -> Vec<Option<u64>> {
    let tokens = config.senders.iter().filter_map(|sender| sender.token.file());
    config.path().into_iter().chain(tokens).map(|path| stamp(path).ok()).collect()
}

async fn runs(program: &std::path::Path) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).kill_on_drop(true);
    matches!(timeout(PROGRAM_PATIENCE, command.status()).await, Ok(Ok(status)) if status.success())
}

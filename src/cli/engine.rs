//! `engine`: sends and polls without a terminal. It watches its program, its configuration file and its database: when
//! they change it restarts in the same process, and when its database is gone it exits.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::eyre;
use tokio::time::Instant;

use super::Global;
use super::context::{Context, load, private_postgres};
use super::exit::RefusedError;
use super::output::talk;
use crate::app::{AppError, ProcessKind, StoreError};
use crate::config::Config;
use crate::domain::engine_role::EngineRole;
use crate::engine::{
    self, ChangeWatcher, EngineChange, EngineEnd, Fingerprint, RunOptions, SettingsFiles, StandbyLock, Until,
    WatchedSetup, lock_path,
};
use crate::private_postgres::PrivatePostgresError;
use crate::shutdown::{SecondInterrupt, Shutdown};

/// How long a standby or a server waits for its database before it exits.
const OPEN_PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, clap::Args)]
pub(super) struct EngineVerb {
    /// Exit when nothing is sending, due, or recent enough to poll, and no cancel or delete is unfinished.
    #[arg(long)]
    until_idle: bool,
    /// Started by another blastdeck to take over its leases: at most one per database and configuration file.
    #[arg(long, hide = true)]
    standby: bool,
    #[arg(skip)]
    server: ServerAround,
}

/// The `serve` that an engine runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ServerAround {
    #[default]
    Absent,
    /// It listens where its command line says, whatever is configured.
    AtFlag,
    /// It listens where the configuration says.
    AtSetting,
}

impl EngineVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        if global.read_only {
            return Err(RefusedError("an engine sends, and --read-only was given".to_owned()).into());
        }
        if self.standby {
            // Detaches from the terminal, so that its hang-up does not reach us. Fails harmlessly for a session leader.
            let _ = rustix::process::setsid();
        }
        let shutdown = Shutdown::new();
        shutdown.on_signals(SecondInterrupt::Exit)?;
        loop {
            if let Some(code) = after(self.serve(global, &shutdown).await?)? {
                return Ok(code);
            }
        }
    }

    /// One within `serve`, that runs until it is stopped.
    pub(super) const fn of_server(server: ServerAround) -> Self {
        Self { until_idle: false, standby: false, server }
    }

    fn outlasts_outages(&self) -> bool {
        self.standby || self.server != ServerAround::Absent
    }

    const fn role(&self) -> EngineRole {
        match self {
            Self { server: ServerAround::AtFlag | ServerAround::AtSetting, .. } => EngineRole::Serve,
            Self { standby: true, .. } => EngineRole::Standby,
            _ => EngineRole::Engine,
        }
    }

    /// Sends until shutdown, until idle, or until something changes; returns the change.
    pub(super) async fn serve(&self, global: &Global, shutdown: &Shutdown) -> Result<Option<EngineChange>> {
        let (context, files) = match self.open(global, shutdown).await? {
            EngineOpening::Open(opened) => *opened,
            EngineOpening::Stopped => return Ok(None),
            EngineOpening::Outdated => return Ok(Some(EngineChange::Settings)),
        };
        let app = &context.app;
        let fingerprint = Fingerprint::of_this_process(app.config())?;
        let lock = match self.lock(app.config(), app.database_url(), &fingerprint).await? {
            ServeLock::Held(lock) => lock,
            ServeLock::AnotherServes => return Ok(None),
        };
        check_senders(&context)?;
        let local = private_postgres(app.config())?;
        let reload = global.clone();
        let watched = WatchedSetup {
            engine: app.engine().clone(),
            config: app.shared_config(),
            fingerprint: fingerprint.clone(),
            lock,
            local: local.clone(),
            files,
            listens: self.server == ServerAround::AtSetting,
            reload: Box::new(move || Config::load(&reload.flags())),
        };
        let stop = shutdown.child();
        let watching = tokio::spawn(follow(watched, stop.clone()));
        let until = if self.until_idle { Until::Idle } else { Until::Stopped };
        let options = RunOptions { role: self.role(), until, standby: None, local, watcher: None };
        let repeating = app.spawn_schedules(stop.token());
        let mut working = tokio::spawn(engine::run(app.engine().clone(), options, stop.token()));
        let ended = tokio::select! {
            ended = &mut working => Some(ended?),
            () = stop.cancelled() => None,
        };
        stop.cancel();
        let _ = repeating.await;
        let change = match watching.await? {
            None if !shutdown.is_cancelled() => engine::what_ended(app.engine(), &fingerprint).await,
            change => change,
        };
        if matches!(change, Some(EngineChange::NoDatabase(_))) {
            // Nothing can be recorded any more.
            return Ok(change);
        }
        let ended = match ended {
            Some(ended) => ended,
            None => working.await?,
        };
        app.close().await;
        known_end(change, ended)
    }

    async fn lock(&self, config: &Config, url: &str, fingerprint: &Fingerprint) -> Result<ServeLock> {
        if !self.standby {
            return Ok(ServeLock::Held(None));
        }
        let lock = StandbyLock::take(&lock_path(config, url), fingerprint).await?;
        Ok(lock.map_or(ServeLock::AnotherServes, |lock| ServeLock::Held(Some(lock))))
    }

    /// Opens the app, with the files that its settings are from. A standby retries while the database is unreachable, since it is there to
    /// continue when others cannot; a server, since it has said already that it listens.
    async fn open(&self, global: &Global, shutdown: &Shutdown) -> Result<EngineOpening> {
        let mut settings = SettingsAtHand::of(load(global)?);
        let began = Instant::now();
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            match self.open_once(global, &settings.config, shutdown).await {
                Err(error) if self.outlasts_outages() && is_transient(&error) && began.elapsed() < OPEN_PATIENCE => {
                    tracing::warn!(error = format!("{error:#}"), "the engine waits for the database");
                }
                other => return Ok(EngineOpening::Open(Box::new((other?, settings.files)))),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(StoreError::backoff(failures)) => failures += 1,
            }
            if self.renew(&mut settings, || load(global)) {
                return Ok(EngineOpening::Outdated);
            }
        }
        Ok(EngineOpening::Stopped)
    }

    /// A standby goes by its settings as they are at each try. A server listens by those that it began with, and restarts as a whole: at once
    /// where they name another database, which may be the one that answers; else once it is open. Whether it has to.
    fn renew(&self, settings: &mut SettingsAtHand, load: impl FnOnce() -> Result<Config>) -> bool {
        let tried = settings.config.database.clone();
        if self.standby {
            settings.renew(load);
            return false;
        }
        let now = settings.changed(load);
        self.server != ServerAround::Absent && now.is_some_and(|now| now.database != tried)
    }

    /// A standby neither creates a database nor starts one that was stopped on purpose.
    async fn open_once(&self, global: &Global, config: &Config, shutdown: &Shutdown) -> Result<Context> {
        if self.standby
            && let Some(local) = private_postgres(config)?
        {
            local.revive().await?;
        }
        Context::open_with(global, config.clone(), ProcessKind::LongLived, shutdown.token()).await
    }
}

/// What came of opening an engine's database.
enum EngineOpening {
    Open(Box<(Context, SettingsFiles)>),
    /// It was asked to stop meanwhile.
    Stopped,
    /// The server around it is to start anew, by other settings.
    Outdated,
}

/// The settings of an engine that waits for its database, with their files as they were when they were read.
struct SettingsAtHand {
    config: Config,
    files: SettingsFiles,
    /// Why the files are not followed as they are now, as it was logged.
    not_followed: Option<String>,
}

impl SettingsAtHand {
    fn of(config: Config) -> Self {
        Self { files: SettingsFiles::of(&config), config, not_followed: None }
    }

    /// Reads changed files again.
    fn renew(&mut self, load: impl FnOnce() -> Result<Config>) {
        if let Some(config) = self.changed(load) {
            *self = Self::of(config);
        }
    }

    /// The settings as they are in files that have changed. What cannot be read is tried again each time, also by the engine once it is open:
    /// where only its rights were wrong, it does not change once they are not.
    fn changed(&mut self, load: impl FnOnce() -> Result<Config>) -> Option<Config> {
        if SettingsFiles::of(&self.config) == self.files {
            return None;
        }
        let error = match load() {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let why = format!("{error:#}");
        if self.not_followed.as_ref() != Some(&why) {
            tracing::warn!(error = why, "the configuration has changed and is not followed");
        }
        self.not_followed = Some(why);
        None
    }
}

/// What to do when an engine has ended: exit, fail, or start this program again. Returns `None` where that failed, so that the
/// engine continues with the current program.
pub(super) fn after(change: Option<EngineChange>) -> Result<Option<ExitCode>> {
    match change {
        None => return Ok(Some(ExitCode::SUCCESS)),
        Some(EngineChange::Newer { found, known }) => return Err(StoreError::Newer { found, known }.into()),
        Some(EngineChange::Gone(why) | EngineChange::NoDatabase(why)) => return Err(eyre!("the engine ends: {why}")),
        Some(EngineChange::Settings) => talk("the configuration has changed: the engine restarts"),
        Some(EngineChange::Program) => talk("the program has changed: the engine restarts"),
    }
    // `restart` returns only when it failed; this program then continues with the current configuration.
    tracing::warn!(error = %restart(), "cannot restart the program");
    Ok(None)
}

/// The change that ended an engine. One that was stopped, and ended without its database, or before that took all that it had, has failed.
fn known_end(change: Option<EngineChange>, ended: EngineEnd) -> Result<Option<EngineChange>> {
    match (change, ended.failure()) {
        (None, Some(why)) => Err(eyre!(why)),
        (change, _) => Ok(change),
    }
}

/// Whether this engine may serve.
enum ServeLock {
    /// `None` for an engine that is no standby: it needs no lock.
    Held(Option<StandbyLock>),
    AnotherServes,
}

fn check_senders(context: &Context) -> Result<()> {
    for sender in context.app.unusable_senders() {
        talk(&format!("sender {} cannot be used: {}", sender.name, sender.why));
    }
    if context.app.has_no_sender() {
        let mend = "add one under [[senders]], or fix what is reported above";
        return Err(RefusedError(format!("no usable sender: {mend}")).into());
    }
    Ok(())
}

/// Stops the engine when something changes. The standby's lock is released as soon as the engine is asked to stop: its
/// successor need not wait for the last responses.
async fn follow(watched: WatchedSetup, stop: Shutdown) -> Option<EngineChange> {
    let mut watcher = ChangeWatcher::new(watched);
    tokio::select! {
        () = stop.cancelled() => None,
        change = watcher.until_changed() => {
            stop.cancel();
            Some(change)
        }
    }
}

/// Replaces this process with the program that is now in its place, with the same arguments. Returns only on error.
fn restart() -> std::io::Error {
    match engine::program() {
        Ok(program) => Command::new(program).args(std::env::args_os().skip(1)).exec(),
        Err(error) => error,
    }
}

fn is_transient(error: &color_eyre::Report) -> bool {
    if let Some(error) = error.downcast_ref::<PrivatePostgresError>() {
        return !matches!(error, PrivatePostgresError::NoData { .. } | PrivatePostgresError::NotInstalled);
    }
    matches!(error.downcast_ref::<AppError>(), Some(AppError::Store(error)) if error.is_transient())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Flags;

    /// A configuration with so many senders.
    fn written(path: &Path, senders: usize) {
        let sender = |n| {
            format!(
                "[[senders]]\nname = \"s{n}\"\nprovider = \"wsapme\"\ndevice = \"585{n}\"\ntoken = {{ env = \"WSAPME_TOKEN\" }}\n"
            )
        };
        std::fs::write(path, (0..senders).map(sender).collect::<String>()).unwrap();
    }

    fn read(path: &Path) -> Result<Config> {
        Ok(Config::load(&Flags { config: Some(path.to_owned()), database_url: None })?)
    }

    #[test]
    fn settings_that_could_not_be_read_are_read_again_though_their_file_has_not_changed_since() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        written(&path, 1);
        let mut settings = SettingsAtHand::of(read(&path).unwrap());
        let before = settings.files.clone();
        settings.renew(|| panic!("nothing has changed"));

        written(&path, 2);
        settings.renew(|| Err(eyre!("permission denied")));
        assert_eq!((settings.config.senders.len(), &settings.files), (1, &before), "the engine tries it too");
        settings.renew(|| read(&path));
        assert_eq!(settings.config.senders.len(), 2);
        assert_ne!(settings.files, before);
    }

    #[test]
    fn an_engine_that_was_stopped_without_its_database_has_failed_and_one_that_restarts_has_not() {
        assert!(known_end(None, EngineEnd::Silent).is_err() && known_end(None, EngineEnd::Unwritten).is_err());
        assert!(matches!(known_end(None, EngineEnd::Orderly), Ok(None)));
        assert!(matches!(known_end(Some(EngineChange::Settings), EngineEnd::Silent), Ok(Some(EngineChange::Settings))));
    }

    #[test]
    fn a_server_that_waits_goes_by_one_configuration_until_it_restarts_and_does_so_for_another_database() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        written(&path, 1);
        let mut settings = SettingsAtHand::of(read(&path).unwrap());
        let before = settings.files.clone();
        let server = EngineVerb::of_server(ServerAround::AtSetting);
        written(&path, 2);

        assert!(!server.renew(&mut settings, || read(&path)));
        let at_hand = (settings.config.senders.len(), &settings.files);
        assert_eq!(at_hand, (1, &before), "once it is open it sees the change");
        let senders = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("[database]\nurl = \"postgres://other/shop\"\n{senders}")).unwrap();
        assert!(server.renew(&mut settings, || read(&path)), "the other one may answer");

        let standby = EngineVerb { standby: true, ..EngineVerb::of_server(ServerAround::Absent) };
        assert!(!standby.renew(&mut settings, || read(&path)));
        assert_eq!(settings.config.senders.len(), 2);
    }
}

//! Opens an app: migrates the database, registers the senders and builds their providers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{App, AppError, AppInner, Connections};
use crate::config::Config;
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::SenderId;
use crate::domain::opt_out::StopWords;
use crate::domain::text;
use crate::domain::waiting::DatabaseTrouble;
use crate::engine::{
    ConfiguredSender, DatabaseClock, EngineContext, EngineSettings, Fence, Identity, MediaDir, Notifier,
    PendingAcquisitions, ReadPermits, Retirement, Suspension, has_known_blasts, is_another_phone, note_blasts,
    registration,
};
use crate::store::sender::{self, RegistrationOutcome, SenderRegistration};
use crate::store::{self, EmptyDatabase, Endpoint, StoreError};

/// How long and how often to retry a server that accepts no more connections.
const CROWD_PATIENCE: Duration = Duration::from_secs(5);
const CROWD_PAUSE: Duration = Duration::from_millis(200);

/// What an app is opened with.
pub struct Setup {
    pub config: Config,
    /// The database's address, wherever it came from.
    pub url: String,
    /// How this program is called for the same database, configuration and memory, as a shell reads it.
    pub program: String,
    pub access: Access,
    pub process: ProcessKind,
    pub stop: CancellationToken,
}

/// Whether this process may change anything. Postgres enforces it for a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// What the process is that opens an app: how many connections it has, and whether it listens for notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessKind {
    /// Does one thing, one statement after the other, and ends.
    Command,
    /// Answers requests side by side.
    Server,
    /// Listens, and may hold leases: a dashboard, an engine.
    LongLived,
}

/// A configured sender that cannot be used, and why: its token is missing, or it is another phone in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableSender {
    pub sender: SenderId,
    pub name: String,
    pub why: String,
}

impl App {
    /// Connects, migrates, registers the senders. Starts no sending.
    pub async fn open(setup: Setup) -> Result<Self, AppError> {
        let stop_words = StopWords::new(setup.config.opt_out.keywords.iter().map(String::as_str));
        // Both on the heap: they are large, and over soon.
        let Prepared { endpoint, connection, database, senders, unusable } =
            Box::pin(prepare(&setup, &stop_words)).await?;
        let Pools { usual: pool, beside: beside_pool, sending: sending_pool, listening: listening_pool } =
            Box::pin(pools(&endpoint, connection, setup.process)).await?;
        let notifier = match setup.process {
            ProcessKind::LongLived => Notifier::start(&pool, endpoint.has_sessions(), &setup.stop),
            ProcessKind::Command | ProcessKind::Server => Notifier::deaf(),
        };
        if setup.process == ProcessKind::LongLived {
            for (pool, kept) in [(&sending_pool, 1), (&beside_pool, 0)] {
                tokio::spawn(setup.stop.clone().run_until_cancelled_owned(store::trim(pool.clone(), kept)));
            }
        }
        let host = text::host();
        let state = &setup.config.database.state_dir;
        let (run, settings) = (setup.config.database.data_dir.join("run"), EngineSettings::of(&setup.config));
        let engine = EngineContext {
            identity: Arc::new(identity(&state.join(&database), setup.process, &host)),
            host: host.into(),
            program: setup.program.into(),
            role: EngineRole::Engine,
            installation: database.as_str().into(),
            stop_words: Arc::new(stop_words),
            currency: setup.config.ui.currency.as_str().into(),
            media: MediaDir::within(&setup.config.database.data_dir),
            senders: senders.into(),
            hooks: setup.config.hooks.clone().into(),
            clock: Arc::new(DatabaseClock::default()),
            fence: Arc::new(Fence::new(state, &database, run, settings.retry)),
            settings,
            notifier,
            pending_acquisitions: PendingAcquisitions::default(),
            suspension: Suspension::default(),
            retirement: Retirement::default(),
            read_permits: ReadPermits::default(),
            pool,
            sending_pool,
        };
        let inner = AppInner {
            operator: setup.config.operator.clone(),
            sender_index: engine.senders.iter().enumerate().map(|(at, sender)| (sender.id, at)).collect(),
            unusable,
            engine,
            beside_pool,
            listening_pool,
            has_sessions: endpoint.has_sessions(),
            stop: setup.stop,
            config: Arc::new(setup.config),
            url: setup.url,
            access: setup.access,
            unseen_here: Mutex::new(None),
        };
        Ok(Self { inner: Arc::new(inner), connections: Connections::Usual, caller: None, seen: None })
    }
}

/// A database that can be worked with.
struct Prepared {
    endpoint: Endpoint,
    /// The one that everything was asked over, unless others wait for its end.
    connection: Option<PgConnection>,
    /// Its id.
    database: String,
    senders: Vec<ConfiguredSender>,
    unusable: Vec<UnusableSender>,
}

/// All that is asked before the app is open, over one connection.
async fn prepare(setup: &Setup, stop_words: &StopWords) -> Result<Prepared, AppError> {
    let store::Reached { endpoint, mut connection, holds_lock, .. } = reach(setup).await?;
    let (senders, unusable) = senders(&mut connection, &setup.config, stop_words, setup.access).await?;
    if setup.access == Access::ReadWrite {
        // Also after months of disuse: without this month's partition nothing can be written.
        store::months::make(&mut connection).await?;
        register_hooks(&mut connection, &setup.config).await?;
    }
    let key = store::fence::database_key(&mut connection).await?;
    if key.has_blasts && setup.access == Access::ReadWrite {
        note_blasts(&setup.config.database.state_dir.join(&key.id));
    }
    let connection = if holds_lock {
        connection.close().await?;
        None
    } else {
        Some(connection)
    };
    Ok(Prepared { endpoint, connection, database: key.id, senders, unusable })
}

/// A hook begins with what happens after the first start with it.
async fn register_hooks(connection: &mut PgConnection, config: &Config) -> Result<(), StoreError> {
    for hook in &config.hooks {
        store::hook::register(&mut *connection, hook.name.as_str(), |source| hook.events.reads(source)).await?;
    }
    Ok(())
}

/// An app's connections.
struct Pools {
    usual: PgPool,
    beside: PgPool,
    sending: PgPool,
    listening: PgPool,
}

/// The usual one begins with the connection that is open. Beside it they connect when they are first used.
async fn pools(
    endpoint: &Endpoint,
    connection: Option<PgConnection>,
    process: ProcessKind,
) -> Result<Pools, StoreError> {
    let connections = match process {
        ProcessKind::Command => store::COMMAND_CONNECTIONS,
        ProcessKind::Server => store::SERVER_CONNECTIONS,
        ProcessKind::LongLived => store::IDLE_CONNECTIONS,
    };
    let usual = match connection {
        Some(connection) => store::open_with(endpoint, connections, connection).await?,
        None => store::open(endpoint, connections)?,
    };
    let sending = store::open(endpoint, store::SENDING_CONNECTIONS)?;
    Ok(Pools {
        usual,
        beside: store::open(endpoint, store::BESIDE_CONNECTIONS)?,
        sending,
        listening: store::open(endpoint, 1)?,
    })
}

/// Finds the database, and migrates its schema unless nothing may change. A server that accepts no more connections may do so a moment later:
/// after a change, all windows read at once.
async fn reach(setup: &Setup) -> Result<store::Reached, StoreError> {
    let deadline = Instant::now() + CROWD_PATIENCE;
    let empty = usual_for_empty(&setup.config);
    loop {
        let reached = match setup.access {
            Access::ReadWrite => store::migrate(&setup.url, empty).await,
            Access::ReadOnly => store::check(&setup.url).await,
        };
        match reached {
            Err(error) if error.trouble() == Some(DatabaseTrouble::NoConnections) && Instant::now() < deadline => {
                sleep(CROWD_PAUSE).await;
            }
            other => return other,
        }
    }
}

/// A machine that knows a database with blasts takes an empty one for that, before a dump is restored into it.
fn usual_for_empty(config: &Config) -> EmptyDatabase {
    if has_known_blasts(&config.database.state_dir) { EmptyDatabase::Refuse } else { EmptyDatabase::Fill }
}

/// Migrates a schema alone, and says how many migrations ran. `empty`: other than an app that is opened would do with an empty database.
pub async fn migrate(url: &str, config: &Config, empty: Option<EmptyDatabase>) -> Result<usize, AppError> {
    let reached = store::migrate(url, empty.unwrap_or_else(|| usual_for_empty(config))).await?;
    Ok(reached.migrated)
}

/// Only a long-lived process holds leases. One directory per database: the same name in two databases would mean nothing.
fn identity(directory: &Path, process: ProcessKind, host: &str) -> Identity {
    match process {
        ProcessKind::LongLived => Identity::take(directory, host),
        ProcessKind::Command | ProcessKind::Server => Identity::once(host),
    }
}

/// The configured senders: those that can be used, and those that cannot, with the reason.
async fn senders(
    connection: &mut PgConnection,
    config: &Config,
    stop_words: &StopWords,
    access: Access,
) -> Result<(Vec<ConfiguredSender>, Vec<UnusableSender>), AppError> {
    let configured: Vec<SenderRegistration> =
        config.senders.iter().map(|sender| registration(sender, stop_words)).collect();
    // A reader registers none.
    let mut said = match access {
        Access::ReadWrite => sender::register(connection, &configured).await?,
        Access::ReadOnly => sender::look_up(connection, &configured).await?,
    };
    let (mut usable, mut unusable) = (Vec::new(), Vec::new());
    for sender in &config.senders {
        let (id, built) = match said.remove(&sender.name) {
            Some(RegistrationOutcome::Ours(id)) => (id, ConfiguredSender::build(sender, id, config)),
            Some(RegistrationOutcome::Elsewhere { id, device }) => (id, Err(is_another_phone(sender, &device))),
            None => continue,
        };
        match built {
            Ok(sender) => usable.push(sender),
            Err(why) => unusable.push(UnusableSender { sender: id, name: sender.name.clone(), why }),
        }
    }
    Ok((usable, unusable))
}

//! Opening: the database brought up to date, senders registered, their ways to WhatsApp built.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{App, AppError, Connections, Inner};
use crate::config::{self, Config};
use crate::domain::ids::SenderId;
use crate::domain::sender::SenderDevice;
use crate::domain::waiting::DatabaseTrouble;
use crate::engine::{
    ConfiguredSender, DatabaseClock, EngineContext, EngineSettings, Fence, Identity, Notifier, Suspension, Turns,
};
use crate::store::sender::{self, RegistrationOutcome, SenderRegistration};
use crate::store::{self, Endpoint, StoreError};

/// How long a server that takes no more connections is asked again, and how often.
const CROWD_PATIENCE: Duration = Duration::from_secs(5);
const CROWD_PAUSE: Duration = Duration::from_millis(200);

/// What an app is made of.
pub struct Setup {
    pub config: Config,
    /// The database's address, wherever it came from.
    pub url: String,
    pub access: Access,
    pub listening: Listening,
    pub stop: CancellationToken,
}

/// Whether this process may change anything. Postgres itself holds a reader to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

/// Whether news is listened for: by what lives on, not by a verb that looks once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    Yes,
    No,
}

/// A configured sender that cannot be used, and why: a token that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub sender: SenderId,
    pub name: String,
    pub why: String,
}

impl App {
    /// Connects, migrates, registers the senders. Starts no sending.
    pub async fn open(setup: Setup) -> Result<Self, AppError> {
        let Pools { endpoint, usual: pool, beside: beside_pool, sending: sending_pool } = connect(&setup).await?;
        let (senders, broken) = senders(&pool, &setup.config, setup.access).await?;
        let notifier = match setup.listening {
            Listening::Yes => Notifier::start(&pool, endpoint.has_sessions(), &setup.stop),
            Listening::No => Notifier::deaf(),
        };
        if setup.listening == Listening::Yes {
            for (pool, kept) in [(&sending_pool, 1), (&beside_pool, 0)] {
                tokio::spawn(setup.stop.clone().run_until_cancelled_owned(store::trim(pool.clone(), kept)));
            }
        }
        let host = host();
        let state = &setup.config.database.state_dir;
        let database = store::fence::database_id(&pool).await?;
        let engine = EngineContext {
            identity: Arc::new(identity(&state.join(&database), setup.listening, &host)),
            host: host.into(),
            senders: senders.into(),
            settings: EngineSettings::of(&setup.config),
            clock: Arc::new(DatabaseClock::default()),
            fence: Arc::new(Fence::new(state, &database, setup.config.database.data_dir.join("run"))),
            notifier,
            suspension: Suspension::default(),
            turns: Turns::default(),
            pool,
            sending_pool,
        };
        let inner = Inner {
            operator: setup.config.operator.clone(),
            sender_index: engine.senders.iter().enumerate().map(|(at, sender)| (sender.id, at)).collect(),
            broken,
            engine,
            beside_pool,
            stop: setup.stop,
            config: Arc::new(setup.config),
            url: setup.url,
            access: setup.access,
        };
        Ok(Self { inner: Arc::new(inner), connections: Connections::Usual })
    }
}

/// An app's connections.
struct Pools {
    endpoint: Endpoint,
    usual: PgPool,
    beside: PgPool,
    sending: PgPool,
}

/// Finds the database, and brings its schema up to date unless nothing may change.
async fn connect(setup: &Setup) -> Result<Pools, AppError> {
    let connections = match setup.listening {
        Listening::Yes => store::IDLE_CONNECTIONS,
        Listening::No => store::CONNECTIONS,
    };
    let endpoint = reach(setup).await?;
    let open = |connections| match setup.access {
        Access::ReadWrite => Ok(store::open(&endpoint, connections)),
        Access::ReadOnly => store::open_read_only(&endpoint, connections),
    };
    let (usual, beside, sending) = (open(connections)?, open(1)?, open(store::SENDING_CONNECTIONS)?);
    if setup.access == Access::ReadWrite {
        // Also after months of rest: without this month's partition nothing can be written.
        store::months::make(&usual).await?;
    }
    Ok(Pools { endpoint, usual, beside, sending })
}

/// A server that takes no more connections now may in a moment: when something happens, all windows look at once.
async fn reach(setup: &Setup) -> Result<Endpoint, StoreError> {
    let deadline = Instant::now() + CROWD_PATIENCE;
    loop {
        let reached = match setup.access {
            Access::ReadWrite => store::migrate(&setup.url).await.map(|(endpoint, _)| endpoint),
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

/// Only what lives on can hold leases. One directory a database: the same name in two would mean nothing.
fn identity(directory: &Path, listening: Listening, host: &str) -> Identity {
    match listening {
        Listening::Yes => Identity::take(directory, host),
        Listening::No => Identity::once(host),
    }
}

/// The configured senders: those that can be used, and those that cannot, with the reason.
async fn senders(
    pool: &PgPool,
    config: &Config,
    access: Access,
) -> Result<(Vec<ConfiguredSender>, Vec<Broken>), AppError> {
    let configured: Vec<SenderRegistration> = config.senders.iter().map(registered).collect();
    // A reader registers none.
    let mut said = match access {
        Access::ReadWrite => sender::register(pool, &configured).await?,
        Access::ReadOnly => sender::look_up(pool, &configured).await?,
    };
    let (mut usable, mut broken) = (Vec::new(), Vec::new());
    for sender in &config.senders {
        let (id, built) = match said.remove(&sender.name) {
            Some(RegistrationOutcome::Ours(id)) => (id, ConfiguredSender::build(sender, id, config)),
            Some(RegistrationOutcome::Elsewhere { id, device }) => (id, Err(elsewhere(sender, &device))),
            None => continue,
        };
        match built {
            Ok(sender) => usable.push(sender),
            Err(why) => broken.push(Broken { sender: id, name: sender.name.clone(), why }),
        }
    }
    Ok((usable, broken))
}

/// A sender as the database is to know it.
pub(super) fn registered(sender: &config::SenderConfig) -> SenderRegistration {
    SenderRegistration {
        name: sender.name.clone(),
        business: sender.business().to_owned(),
        rehearsal: sender.is_rehearsal(),
        device: sender.identity(),
    }
}

/// The same name, another phone: two configurations on one database, or one that was edited.
fn elsewhere(sender: &config::SenderConfig, device: &SenderDevice) -> String {
    let (name, ours) = (&sender.name, sender.identity());
    format!(
        "in this database sender {name} is {device}, in this configuration {ours}: \
         to send from this one from now on, run `blastdeck sender move {name}`"
    )
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

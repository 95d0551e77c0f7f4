//! Opening: the database brought up to date, senders registered, their ways to WhatsApp built.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{App, Inner};
use crate::config::Config;
use crate::domain::ids::SenderId;
use crate::engine::clock::DatabaseClock;
use crate::engine::desk::Desk;
use crate::engine::error::EngineError;
use crate::engine::news::News;
use crate::store;
use crate::store::sender::{Registered, register};

/// What an app is made of.
pub struct Setup {
    pub config: Config,
    /// The database's address, wherever it came from.
    pub url: String,
    pub stop: CancellationToken,
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
    pub async fn open(setup: Setup) -> Result<Self, EngineError> {
        store::migrate(&setup.url).await?;
        let pool = store::open(&setup.url, store::CONNECTIONS)?;
        let mut desks = Vec::new();
        let mut broken = Vec::new();
        for sender in &setup.config.senders {
            let registered = Registered {
                name: &sender.name,
                provider: &sender.provider.to_string(),
                business: sender.business(),
                rehearsal: sender.is_rehearsal(),
            };
            let id = register(&pool, registered).await?;
            match Desk::build(sender, id, &setup.config) {
                Ok(desk) => desks.push(desk),
                Err(why) => broken.push(Broken { sender: id, name: sender.name.clone(), why }),
            }
        }
        let news = News::start(&pool, store::has_sessions(&setup.url), &setup.stop);
        let host = host();
        let inner = Inner {
            operator: setup.config.operator.clone(),
            holder: format!("{host}/{}/{:08x}", std::process::id(), rand::random::<u32>()),
            host,
            desks,
            broken,
            clock: Arc::new(DatabaseClock::default()),
            news,
            resting: watch::Sender::new(false),
            rested: watch::Sender::new(0),
            stop: setup.stop,
            config: Arc::new(setup.config),
            url: setup.url,
            pool,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

//! The long-lived parts, and every use case that a face may ask for. Faces hold one `App` and nothing below it.

mod bench;
mod commands;
mod create;
mod error;
mod handover;
mod health;
mod last_act;
mod marks;
mod moving;
mod open;
mod plan;
mod prospect;
mod reads;
mod reason;
mod replies;
pub mod report;
mod retry;
mod several;
mod suppressions;
mod undo;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::domain::ids::SenderId;
use crate::engine::{ConfiguredSender, EngineContext};

pub use crate::engine::DatabaseState;

pub use commands::Launch;
pub use create::NewDraft;
pub use error::AppError;
pub use handover::Engines;
pub use health::SenderCheck;
pub use marks::Marked;
pub use moving::SenderMoved;
pub use open::{Access, Broken, Listening, Setup};
pub use plan::{Plan, Sample};
pub use replies::{Heard, Incoming};
pub use several::MarkedSeveral;
pub use suppressions::EVERY_BUSINESS;
pub use undo::TakenBack;

/// What faces show of a status call about a sender.
pub use crate::provider::{Health, HealthVerdict};
pub use crate::store::bench::{drop_schema, make_schema};
pub use crate::store::count::CountDifference;
pub use crate::store::fence::Confirmed;
pub use crate::store::plan::ConcurrentBlast;
pub use crate::store::suppression::SuppressionRow;
/// What faces read, as the store tells it.
pub use crate::store::view;
pub use crate::store::{StoreError, migrate};

/// The long-lived parts. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
    connections: Connections,
}

/// Which connections an app's use cases run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connections {
    /// The one that is always open.
    Usual,
    /// One more, opened for a question that cannot wait for those before it.
    Beside,
    /// Those that sending uses.
    Sending,
}

struct Inner {
    engine: EngineContext,
    /// Connects when a question cannot wait.
    beside_pool: PgPool,
    url: String,
    config: Arc<Config>,
    operator: String,
    /// Where each sender stands in the engine's list.
    sender_index: HashMap<SenderId, usize>,
    broken: Vec<Broken>,
    access: Access,
    stop: CancellationToken,
}

impl App {
    /// A turn at the database, held until dropped. `None`: it took longer than `patience`.
    pub async fn turn(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        self.inner.engine.turns.take(patience).await
    }

    /// The same app on one more connection, for a question that somebody waits for: opened when needed, and closed when it has
    /// been idle for a while.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { inner: self.inner.clone(), connections: Connections::Beside }
    }

    /// The same app on the connections that sending uses, for an operator's acts: they wait for nothing that is looked at.
    #[must_use]
    pub fn acting(&self) -> Self {
        Self { inner: self.inner.clone(), connections: Connections::Sending }
    }

    /// Gives up the leases and sends nothing until [`Self::resume_engine`]: before the process is suspended. Returns when the engine
    /// has given them up, or at once when none runs here.
    pub async fn suspend_engine(&self) {
        self.inner.engine.suspension.suspend().await;
    }

    /// Sends again after [`Self::suspend_engine`].
    pub fn resume_engine(&self) {
        self.inner.engine.suspension.resume();
    }

    /// Grows whenever something may have changed in the database, also after a reconnect. A hint: look again.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.inner.engine.notifier.hints()
    }

    /// Whether the database answers.
    pub fn database(&self) -> watch::Receiver<DatabaseState> {
        self.inner.engine.notifier.database()
    }

    /// Who acts: from `BLASTDECK_OPERATOR`, else login and host.
    pub fn operator(&self) -> &str {
        &self.inner.operator
    }

    /// This process's holder name in leases, to tell "sending here" from "elsewhere".
    pub fn holder(&self) -> &str {
        self.inner.engine.identity.name()
    }

    pub fn shared_config(&self) -> Arc<Config> {
        self.inner.config.clone()
    }

    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The database's address, for another process of ours.
    pub fn database_url(&self) -> &str {
        &self.inner.url
    }

    /// Senders of the configuration that cannot be used, each with the reason.
    pub fn broken(&self) -> &[Broken] {
        &self.inner.broken
    }

    /// A usable sender's key by its name.
    pub fn sender_id(&self, name: &str) -> Option<SenderId> {
        self.inner.engine.senders.iter().find(|sender| sender.name == name).map(|sender| sender.id)
    }

    /// Nobody can be sent for with this configuration.
    pub fn has_no_sender(&self) -> bool {
        self.inner.engine.senders.is_empty()
    }

    pub fn is_read_only(&self) -> bool {
        self.inner.access == Access::ReadOnly
    }

    /// Ends every task of this app and closes its connections.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        self.inner.engine.pool.close().await;
        self.inner.beside_pool.close().await;
        self.inner.engine.sending_pool.close().await;
    }

    /// What an engine of this process works with.
    pub fn engine(&self) -> &EngineContext {
        &self.inner.engine
    }

    fn pool(&self) -> &PgPool {
        match self.connections {
            Connections::Usual => &self.inner.engine.pool,
            Connections::Beside => &self.inner.beside_pool,
            Connections::Sending => &self.inner.engine.sending_pool,
        }
    }

    fn sender(&self, id: SenderId) -> Option<&ConfiguredSender> {
        self.inner.engine.senders.get(*self.inner.sender_index.get(&id)?)
    }
}

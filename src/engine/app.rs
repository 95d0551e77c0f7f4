//! The long-lived parts, and every use case that a face may ask for. Faces hold one `App` and nothing below it.

mod commands;
mod create;
mod health;
mod last_act;
mod marks;
mod moving;
mod open;
mod plan;
mod reads;
mod replies;
mod retry;
mod several;
mod suppressions;
mod undo;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::clock::DatabaseClock;
use super::desk::Desk;
use super::fence::Fence;
use super::identity::Identity;
use super::lease::LeaseTerms;
use super::news::{DatabaseState, News};
use super::poller::PollingTerms;
use super::run::Until;
use crate::config::{Config, KeepHistory};
use crate::domain::ids::SenderId;
use crate::domain::retry::RetryRules;

pub use commands::Launch;
pub use create::NewDraft;
pub use health::SenderCheck;
pub use marks::Marked;
pub use moving::SenderMoved;
pub use open::{Access, Broken, Listening, Setup};
pub use plan::{Plan, Sample};
pub use replies::{Heard, Incoming};
pub use several::MarkedSeveral;
pub use undo::TakenBack;

/// The long-lived parts. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
    lane: Lane,
}

/// Which connections an app's use cases run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// The one that is always there.
    Usual,
    /// One more, opened for a question that cannot wait for those before it.
    ConcurrentBlast,
    /// Those that sending uses.
    Sending,
}

struct Inner {
    pool: PgPool,
    /// Connects when a question cannot wait.
    beside_pool: PgPool,
    /// Connects when something is sent.
    sending_pool: PgPool,
    url: String,
    config: Arc<Config>,
    operator: String,
    identity: Identity,
    host: String,
    desks: Arc<[Desk]>,
    /// Where each sender stands in `desks`.
    desk_of: HashMap<SenderId, usize>,
    broken: Vec<Broken>,
    clock: Arc<DatabaseClock>,
    fence: Fence,
    news: News,
    turns: Arc<Semaphore>,
    resting: watch::Sender<bool>,
    rested: watch::Sender<u64>,
    access: Access,
    stop: CancellationToken,
}

impl App {
    /// A turn at the database, held until dropped. With one after the other a process that only looks makes do with one
    /// connection beside the one that listens, also when everybody looks at once. `None`: it took too long.
    pub async fn turn(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        timeout(patience, self.inner.turns.clone().acquire_owned()).await.ok()?.ok()
    }

    /// The same app on one more connection, for a question that somebody waits for: opened when needed, and closed when it has
    /// been idle for a while.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { inner: self.inner.clone(), lane: Lane::ConcurrentBlast }
    }

    /// The same app on the connections that sending uses, for an operator's acts: they wait for nothing that is looked at.
    #[must_use]
    pub fn acting(&self) -> Self {
        Self { inner: self.inner.clone(), lane: Lane::Sending }
    }

    /// Gives the leases up and sends nothing until [`Self::wake`]: before the process is suspended. Returns when the
    /// engine has let go, or at once when none runs here.
    pub async fn rest(&self) {
        let mut rested = self.inner.rested.subscribe();
        if self.inner.resting.receiver_count() == 0 {
            return;
        }
        self.inner.resting.send_replace(true);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(5), rested.changed()).await;
    }

    /// Sends again after [`Self::rest`].
    pub fn wake(&self) {
        self.inner.resting.send_replace(false);
    }

    /// Grows whenever something may have changed in the database, also after a reconnect. A hint: look again.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.inner.news.hints()
    }

    /// Whether the database answers.
    pub fn database(&self) -> watch::Receiver<DatabaseState> {
        self.inner.news.database()
    }

    /// Who acts: from `BLASTDECK_OPERATOR`, else login and host.
    pub fn operator(&self) -> &str {
        &self.inner.operator
    }

    /// This process's holder name in leases, to tell "sending here" from "elsewhere".
    pub fn holder(&self) -> &str {
        self.inner.identity.name()
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
        self.inner.desks.iter().find(|desk| desk.name == name).map(|desk| desk.id)
    }

    /// Nobody can be sent for with this configuration.
    pub fn has_no_sender(&self) -> bool {
        self.inner.desks.is_empty()
    }

    pub fn is_read_only(&self) -> bool {
        self.inner.access == Access::ReadOnly
    }

    /// Ends every task of this app and closes its connections.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        self.inner.pool.close().await;
        self.inner.beside_pool.close().await;
        self.inner.sending_pool.close().await;
    }

    pub(super) fn pool(&self) -> &PgPool {
        match self.lane {
            Lane::Usual => &self.inner.pool,
            Lane::ConcurrentBlast => &self.inner.beside_pool,
            Lane::Sending => &self.inner.sending_pool,
        }
    }

    /// For claims, renewals and evidence: they wait for nothing that is looked at.
    pub(super) fn sending_pool(&self) -> &PgPool {
        &self.inner.sending_pool
    }

    pub(super) fn host(&self) -> &str {
        &self.inner.host
    }

    pub(super) fn news_parts(&self) -> &News {
        &self.inner.news
    }

    pub(super) fn clock(&self) -> &Arc<DatabaseClock> {
        &self.inner.clock
    }

    pub(super) fn fence(&self) -> &Fence {
        &self.inner.fence
    }

    /// A blast that nobody could send for this long asks before it goes on.
    pub(super) fn too_late(&self) -> TimeDelta {
        TimeDelta::from_std(self.inner.config.engine.too_late).unwrap_or(TimeDelta::MAX)
    }

    pub(super) fn keep_history(&self) -> KeepHistory {
        self.inner.config.engine.keep_history
    }

    pub(super) fn desks(&self) -> Arc<[Desk]> {
        self.inner.desks.clone()
    }

    pub(super) fn desk(&self, id: SenderId) -> Option<&Desk> {
        self.inner.desks.get(*self.inner.desk_of.get(&id)?)
    }

    pub(super) fn resting(&self) -> watch::Receiver<bool> {
        self.inner.resting.subscribe()
    }

    pub(super) fn rested(&self) {
        self.inner.rested.send_modify(|n| *n = n.wrapping_add(1));
    }

    pub(super) fn lease_terms(&self) -> LeaseTerms {
        LeaseTerms { valid: self.inner.config.engine.lease }
    }

    pub(super) fn failures_in_a_row(&self) -> i32 {
        i32::try_from(self.inner.config.engine.failures_in_a_row).unwrap_or(i32::MAX)
    }

    pub(super) fn rules(&self) -> RetryRules {
        let engine = &self.inner.config.engine;
        let span = |span| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let rules = RetryRules {
            max_tries: i32::try_from(engine.retry_tries).unwrap_or(i32::MAX),
            base: span(engine.retry_backoff),
            cap: span(engine.retry_backoff_max),
            ..RetryRules::default()
        };
        rules.scaled(engine.speed.factor())
    }

    /// Messages older than this are not asked about any more.
    fn give_up_polling_after(&self) -> TimeDelta {
        TimeDelta::from_std(self.inner.config.polling.give_up_after).unwrap_or(TimeDelta::MAX)
    }

    pub(super) fn polling(&self) -> PollingTerms {
        let interval = TimeDelta::from_std(self.inner.config.polling.interval).unwrap_or(TimeDelta::MAX);
        PollingTerms { interval, give_up: self.give_up_polling_after() }
    }

    /// How old a message may be for an engine to stay for it. One that ends by itself follows a message for a day at
    /// most; whoever looks later asks about the rest.
    pub(super) fn follow_for(&self, until: Until) -> TimeDelta {
        let speed = self.inner.config.engine.speed;
        let days = match until {
            Until::Stopped => self.give_up_polling_after(),
            Until::Idle => self.give_up_polling_after().min(TimeDelta::days(1)),
        };
        let shrunk = days.to_std().map(|days| speed.shrink(days)).unwrap_or_default();
        TimeDelta::from_std(shrunk).unwrap_or(TimeDelta::MAX)
    }
}

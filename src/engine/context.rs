//! What the engine of a process works with: connections, senders, settings and the process's own clock. The app makes it from
//! the configuration; the engine knows neither the app nor a face.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::change_watcher::EngineChange;
use super::clock::DatabaseClock;
use super::configured_sender::ConfiguredSender;
use super::fence::Fence;
use super::identity::Identity;
use super::lease::LeaseTerms;
use super::media::MediaDir;
use super::notifier::Notifier;
use super::pending_acquisitions::PendingAcquisitions;
use super::polling::PollingTerms;
use super::run_options::Until;
use crate::config::{Config, HookConfig, KeepHistory};
use crate::domain::engine_role::EngineRole;
use crate::domain::opt_out::StopWords;
use crate::domain::pace::Speed;
use crate::domain::retry::RetryRules;
use crate::domain::text::clean;

/// What a process's engine works with. Cheap to clone.
#[derive(Clone)]
pub struct EngineContext {
    /// For queries that can wait.
    pub pool: PgPool,
    /// For claims, renewals and evidence, which never wait behind a reader.
    pub sending_pool: PgPool,
    pub senders: Arc<[ConfiguredSender]>,
    pub settings: EngineSettings,
    pub clock: Arc<DatabaseClock>,
    pub fence: Arc<Fence>,
    pub notifier: Notifier,
    /// Who holds this process's leases.
    pub identity: Arc<Identity>,
    /// This machine's name.
    pub host: Arc<str>,
    /// How this program is called on this machine for the same database, configuration and memory.
    pub program: Arc<str>,
    /// What kind of process this is, once its engine runs.
    pub role: EngineRole,
    /// The database's own id.
    pub installation: Arc<str>,
    pub stop_words: Arc<StopWords>,
    /// The currency that revenue is counted in.
    pub currency: Arc<str>,
    /// Other systems that are notified of what happens.
    pub hooks: Arc<[HookConfig]>,
    /// Where files that people sent are kept.
    pub media: MediaDir,
    /// Whether an engine runs in this process, and what it is about to see to.
    pub pending_acquisitions: PendingAcquisitions,
    pub suspension: Suspension,
    pub retirement: Retirement,
    pub read_permits: ReadPermits,
}

impl EngineContext {
    /// This process, as an operator finds it: `serve on kedai1, process 4242`.
    pub fn process(&self) -> String {
        format!("{} {}", self.role, self.place())
    }

    /// The same whatever its role.
    pub fn place(&self) -> String {
        format!("on {}, process {}", clean(&self.host), std::process::id())
    }
}

/// The engine's part of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct EngineSettings {
    pub lease: LeaseTerms,
    pub polling: PollingTerms,
    pub retry: RetryRules,
    /// Equal failures in a row that pause a blast.
    pub failures_in_a_row: i32,
    /// A blast that nothing could send for this long pauses before it goes on.
    pub too_late: TimeDelta,
    pub keep_history: KeepHistory,
    pub keep_inbox_days: u32,
    pub speed: Speed,
}

impl EngineSettings {
    pub fn of(config: &Config) -> Self {
        let (engine, polling) = (&config.engine, &config.polling);
        let span = |span| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let retry = RetryRules {
            max_tries: i32::try_from(engine.retry_tries).unwrap_or(i32::MAX),
            base: span(engine.retry_backoff),
            cap: span(engine.retry_backoff_max),
            ..RetryRules::default()
        };
        Self {
            lease: LeaseTerms { valid: engine.lease },
            polling: PollingTerms { interval: span(polling.interval), give_up: span(polling.give_up_after) },
            retry: retry.scaled(engine.speed.factor()),
            failures_in_a_row: i32::try_from(engine.failures_in_a_row).unwrap_or(i32::MAX),
            too_late: span(engine.too_late),
            keep_history: engine.keep_history,
            keep_inbox_days: config.http.keep_inbox_days,
            speed: engine.speed,
        }
    }

    /// A span where time runs as fast as configured.
    pub fn shrink(&self, span: Duration) -> Duration {
        self.speed.shrink(span)
    }

    /// How old a message may be for an engine to keep running for it. An engine that ends by itself follows a message for a
    /// day at most; a later engine asks about the rest.
    pub fn follow_for(&self, until: Until) -> TimeDelta {
        let days = match until {
            Until::Stopped => self.polling.give_up,
            Until::Idle => self.polling.give_up.min(TimeDelta::days(1)),
        };
        let shrunk = days.to_std().map(|days| self.speed.shrink(days)).unwrap_or_default();
        TimeDelta::from_std(shrunk).unwrap_or(TimeDelta::MAX)
    }
}

/// Permits to read the database, one at a time: a process that only reads needs one connection beside the one that listens,
/// even when several of its tasks want to read at once.
#[derive(Clone)]
pub struct ReadPermits(Arc<Semaphore>);

impl Default for ReadPermits {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl ReadPermits {
    /// A permit, held until dropped. `None`: none became free within `patience`.
    pub async fn acquire(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        timeout(patience, self.0.clone().acquire_owned()).await.ok()?.ok()
    }
}

/// Whether the engine of this process has stopped sending for good, and why: its program or its settings are not the
/// current ones any more.
#[derive(Clone)]
pub struct Retirement(Arc<watch::Sender<Option<EngineChange>>>);

impl Default for Retirement {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Retirement {
    pub fn watch(&self) -> watch::Receiver<Option<EngineChange>> {
        self.0.subscribe()
    }

    pub(super) fn retire(&self, change: EngineChange) {
        self.0.send_replace(Some(change));
    }

    pub(super) fn is_retired(&self) -> bool {
        self.0.borrow().is_some()
    }
}

/// Whether the engine of this process is to release its leases for a while, before the process is suspended.
#[derive(Clone, Default)]
pub struct Suspension {
    wanted: Arc<watch::Sender<bool>>,
    done: Arc<watch::Sender<u64>>,
}

impl Suspension {
    /// The leases of an engine that does not answer expire by themselves.
    const PATIENCE: Duration = Duration::from_secs(5);

    /// Makes the engine release its leases; returns when it has, or at once when none runs here.
    pub async fn suspend(&self) {
        let mut done = self.done.subscribe();
        if self.wanted.receiver_count() == 0 {
            return;
        }
        self.wanted.send_replace(true);
        let _ = timeout(Self::PATIENCE, done.changed()).await;
    }

    pub fn resume(&self) {
        self.wanted.send_replace(false);
    }

    pub(super) fn wanted(&self) -> watch::Receiver<bool> {
        self.wanted.subscribe()
    }

    pub(super) fn suspended(&self) {
        self.done.send_modify(|n| *n = n.wrapping_add(1));
    }
}

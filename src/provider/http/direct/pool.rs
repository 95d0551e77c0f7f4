//! Connections while nobody uses them, and those of answers that are still read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::connection::Connection;

/// Idle for longer, a connection is closed instead of used: whoever is between us and the provider may have forgotten it.
pub(super) const IDLE_FOR_AT_MOST: Duration = Duration::from_secs(90);

/// Whatever was closed sooner was not closed for being idle.
const IDLE_FOR_AT_LEAST: Duration = Duration::from_millis(250);
/// How much of the time for which a connection had been idle when it was found closed the others may be idle for.
const SAFE_SHARE: f64 = 0.75;

/// How long a connection is listened to after a refusal, for a second answer: three times as long as the slowest of late took, within these.
const SILENT_FOR_AT_LEAST: Duration = Duration::from_millis(250);
const SILENT_FOR_AT_MOST: Duration = Duration::from_secs(5);
/// What is left of the slowest after each answer.
const SLOWEST_FADES: f64 = 255.0 / 256.0;

/// The connections to one origin that are open.
#[derive(Debug)]
pub(super) struct Pool {
    at_rest: usize,
    idle: Mutex<Idle>,
}

/// Connections that nobody uses, the one that was used last at the end.
#[derive(Debug)]
struct Idle {
    /// How long one may be idle and still be used. Some gateways close what is idle after seconds: a request that crosses with that leaves
    /// its outcome unknown.
    longest: Duration,
    /// How often all connections were given up.
    generation: u64,
    connections: Vec<(Connection, Instant)>,
    /// How long the slowest answer of late took: an answer that nobody asked for takes no time, and would shorten an average.
    slowest: Duration,
    /// Something was said once that nobody had asked for: nothing is kept any more, for good.
    is_given_up: bool,
    /// Closes those that nobody uses any more.
    sweeper: Option<JoinHandle<()>>,
}

impl Pool {
    /// Keeps at most so many while nobody uses them.
    pub fn new(at_rest: usize) -> Arc<Self> {
        let idle = Idle {
            longest: IDLE_FOR_AT_MOST,
            generation: 0,
            connections: Vec::new(),
            slowest: Duration::ZERO,
            is_given_up: false,
            sweeper: None,
        };
        Arc::new(Self { at_rest, idle: Mutex::new(idle) })
    }

    /// Closes what is idle, and what is in use when it is done, unless that was done since that generation.
    pub fn abandon(&self, generation: u64) {
        let mut idle = self.idle();
        if idle.generation == generation {
            idle.generation += 1;
            idle.connections.clear();
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that was used last, with how long it has been idle, and the generation of whatever is opened now.
    pub fn take(&self) -> (Option<(Connection, Duration)>, u64) {
        let mut idle = self.idle();
        let last = idle.connections.pop().map(|(connection, since)| (connection, since.elapsed()));
        (last.filter(|(_, idle_for)| *idle_for < idle.longest), idle.generation)
    }

    /// One that had been idle for so long was closed by the provider, before a request or while that was on its way: others are used only
    /// well before that.
    pub fn note_closed_after(&self, idle_for: Duration) {
        if idle_for >= IDLE_FOR_AT_LEAST {
            let mut idle = self.idle();
            idle.longest = idle.longest.min(idle_for.mul_f64(SAFE_SHARE).max(IDLE_FOR_AT_LEAST));
        }
    }

    fn put_back(self: &Arc<Self>, connection: Connection, generation: u64) {
        let mut idle = self.idle();
        if idle.is_given_up
            || connection.is_over()
            || idle.generation != generation
            || idle.connections.len() >= self.at_rest
        {
            return;
        }
        idle.connections.push((connection, Instant::now()));
        if idle.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            idle.sweeper = Some(tokio::spawn(sweep(Arc::downgrade(self))));
        }
    }

    pub fn note_answered_in(&self, took: Duration) {
        let mut idle = self.idle();
        idle.slowest = took.max(idle.slowest.mul_f64(SLOWEST_FADES));
    }

    /// Keeps no connection any more: whoever speaks unasked once may do it while a request is on its way, which would take that for its
    /// answer.
    pub fn give_up(&self) {
        let mut idle = self.idle();
        idle.connections.clear();
        if !std::mem::replace(&mut idle.is_given_up, true) {
            tracing::warn!(
                "the provider answered what nobody had asked: each call has a connection of its own from now on"
            );
        }
    }
}

/// A connection of which one exchange makes use.
#[derive(Debug)]
pub(super) struct TakenConnection {
    pub connection: Connection,
    /// How long nobody used it since the exchange before; `None`: it is new. After an exchange its provider may have more to say about that.
    pub idle_for: Option<Duration>,
    pub generation: u64,
}

/// The connection of a complete answer, which others may use once this is dropped.
#[derive(Debug)]
pub(in crate::provider) struct UsedConnection {
    /// `None` once it was given back.
    taken: Option<TakenConnection>,
    pool: Arc<Pool>,
}

impl UsedConnection {
    pub(super) const fn new(taken: TakenConnection, pool: Arc<Pool>) -> Self {
        Self { taken: Some(taken), pool }
    }

    /// Whether nothing follows the answer. On a connection that was used before it is waited for as long as an answer may take: the first
    /// may be one that nobody asked for.
    pub async fn stays_silent(&mut self) -> bool {
        let Some(TakenConnection { connection, idle_for, .. }) = self.taken.as_mut() else { return true };
        if idle_for.is_some() {
            let patience = (self.pool.idle().slowest * 3).clamp(SILENT_FOR_AT_LEAST, SILENT_FOR_AT_MOST);
            _ = timeout(patience, connection.until_over()).await;
        }
        let has_said_more = connection.has_said_more();
        if has_said_more {
            self.pool.give_up();
        }
        !has_said_more
    }
}

impl Drop for UsedConnection {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            self.pool.put_back(taken.connection, taken.generation);
        }
    }
}

/// Closes connections that were idle for too long, as long as there are any.
async fn sweep(pool: Weak<Pool>) {
    loop {
        sleep(IDLE_FOR_AT_MOST).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut idle = pool.idle();
        idle.connections.retain(|(_, since)| since.elapsed() < IDLE_FOR_AT_MOST);
        if idle.connections.is_empty() {
            idle.sweeper = None;
            return;
        }
    }
}

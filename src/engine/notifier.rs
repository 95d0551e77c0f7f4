//! What changed, heard from other processes and told to them: LISTEN where there are sessions, looking again anyway.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::sync::Mutex;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::waiting::DatabaseTrouble;
use crate::store::{self, StoreError, notify};

/// Whether the database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseState {
    Up,
    /// It has not answered since this time.
    Down {
        since: DateTime<Utc>,
    },
}

/// The process's own copy of what it heard. Watches grow; their numbers mean nothing else.
#[derive(Clone)]
pub struct Notifier {
    inner: Arc<Channels>,
}

struct Channels {
    hints: watch::Sender<u64>,
    orders: watch::Sender<u64>,
    database: watch::Sender<DatabaseState>,
    changed: mpsc::UnboundedSender<BlastId>,
    /// What keeps this process's senders from writing anything: the database may not take the reason either.
    troubles: Mutex<HashMap<SenderId, DatabaseTrouble>>,
}

/// Without LISTEN, or when it is silent, everybody looks again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(3);
/// Hints to other processes are gathered this long.
const HINT_EVERY: Duration = Duration::from_millis(250);

impl Notifier {
    /// Hears nothing, and tells only what it is told to: for a verb that looks once.
    pub fn deaf() -> Self {
        Self::new().0
    }

    fn new() -> (Self, mpsc::UnboundedReceiver<BlastId>) {
        let (changed, gathered) = mpsc::unbounded_channel();
        let inner = Channels {
            hints: watch::Sender::new(0),
            orders: watch::Sender::new(0),
            database: watch::Sender::new(DatabaseState::Up),
            changed,
            troubles: Mutex::default(),
        };
        (Self { inner: Arc::new(inner) }, gathered)
    }

    /// Begins to listen. Tasks end with `stop`.
    pub fn start(pool: &PgPool, has_sessions: bool, stop: &CancellationToken) -> Self {
        let (news, gathered) = Self::new();
        if has_sessions {
            tokio::spawn(stop.clone().run_until_cancelled_owned(news.clone().listen(pool.clone())));
        } else {
            tokio::spawn(stop.clone().run_until_cancelled_owned(news.clone().look(pool.clone())));
        }
        tokio::spawn(stop.clone().run_until_cancelled_owned(news.clone().tell(pool.clone(), gathered)));
        news
    }

    pub fn hints(&self) -> watch::Receiver<u64> {
        self.inner.hints.subscribe()
    }

    pub fn orders(&self) -> watch::Receiver<u64> {
        self.inner.orders.subscribe()
    }

    pub fn database(&self) -> watch::Receiver<DatabaseState> {
        self.inner.database.subscribe()
    }

    /// Where the ledger says which blasts changed.
    pub fn changed(&self) -> mpsc::UnboundedSender<BlastId> {
        self.inner.changed.clone()
    }

    /// Notes what keeps a sender of this process from writing.
    pub fn hold(&self, sender: SenderId, trouble: Option<DatabaseTrouble>) {
        let mut troubles = self.inner.troubles.lock();
        match trouble {
            Some(trouble) => troubles.insert(sender, trouble),
            None => troubles.remove(&sender),
        };
    }

    /// What keeps a sender of this process from writing.
    pub fn trouble(&self, sender: SenderId) -> Option<DatabaseTrouble> {
        self.inner.troubles.lock().get(&sender).copied()
    }

    /// Something was ordered in this process: heard here at once, and told to the others.
    pub async fn order(&self, pool: &PgPool, blast: Option<BlastId>) -> Result<(), StoreError> {
        bump(&self.inner.orders);
        bump(&self.inner.hints);
        notify::order(pool, blast).await
    }

    fn down(&self, error: &StoreError) {
        let changed = self.inner.database.send_if_modified(|state| {
            let was_up = *state == DatabaseState::Up;
            if was_up {
                *state = DatabaseState::Down { since: Utc::now() };
            }
            was_up
        });
        if changed {
            tracing::warn!(%error, "the database does not answer");
        }
    }

    /// The database answers (again): everybody looks, since news may have been missed.
    fn up(&self) {
        let was_down = self.inner.database.send_if_modified(|state| {
            let was_down = *state != DatabaseState::Up;
            *state = DatabaseState::Up;
            was_down
        });
        if was_down {
            tracing::info!("the database answers again");
        }
        bump(&self.inner.orders);
        bump(&self.inner.hints);
    }

    async fn listen(self, pool: PgPool) {
        let mut failures = 0;
        loop {
            match self.listen_once(&pool).await {
                Ok(()) => failures = 0,
                Err(_) if pool.is_closed() => return,
                Err(error) => {
                    self.down(&error);
                    sleep(StoreError::backoff(failures)).await;
                    failures += 1;
                }
            }
        }
    }

    /// Listens until the connection breaks.
    async fn listen_once(&self, pool: &PgPool) -> Result<(), StoreError> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all([notify::HINTS, notify::ORDERS]).await?;
        self.up();
        loop {
            match listener.try_recv().await? {
                Some(notification) if notification.channel() == notify::ORDERS => {
                    bump(&self.inner.orders);
                    bump(&self.inner.hints);
                }
                Some(_) => bump(&self.inner.hints),
                None => return Ok(()),
            }
        }
    }

    /// Behind a pooler nothing is told: look every second.
    async fn look(self, pool: PgPool) {
        loop {
            match timeout(LOOK_AGAIN, store::now(&pool)).await {
                Ok(Ok(_)) => self.up(),
                Ok(Err(error)) => self.down(&error),
                Err(_) => self.down(&StoreError::from(sqlx::Error::PoolTimedOut)),
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Tells other processes which blasts changed, at most four times a second.
    async fn tell(self, pool: PgPool, mut changed: mpsc::UnboundedReceiver<BlastId>) {
        while let Some(first) = changed.recv().await {
            bump(&self.inner.hints);
            sleep(HINT_EVERY).await;
            let mut blasts = BTreeSet::from([first.0]);
            while let Ok(blast) = changed.try_recv() {
                blasts.insert(blast.0);
            }
            for blast in blasts {
                // A hint that is lost costs nothing: everybody looks again by themselves.
                let _ = notify::hint(&pool, Some(BlastId(blast))).await;
            }
        }
    }
}

fn bump(version: &watch::Sender<u64>) {
    version.send_modify(|n| *n = n.wrapping_add(1));
}

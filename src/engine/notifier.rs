//! Publishes what changed to other processes and receives it from them: by LISTEN and NOTIFY where there are sessions, by
//! polling behind a pooler.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::mutex::Mutex;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::waiting::DatabaseTrouble;
use crate::store::{self, StoreError, notify};

/// How long a connection that broke may take to be made again until the database counts as down.
const RECONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// Whether the database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseState {
    Up,
    /// It has not answered since this time.
    Down {
        since: DateTime<Utc>,
    },
}

/// Hands notifications to the tasks of this process. The numbers in its watches only grow; they mean nothing else.
#[derive(Clone)]
pub struct Notifier {
    inner: Arc<Channels>,
}

struct Channels {
    /// What other processes order arrives as a notification.
    has_sessions: bool,
    hints: watch::Sender<u64>,
    orders: watch::Sender<u64>,
    inbox: watch::Sender<u64>,
    database: watch::Sender<DatabaseState>,
    changed: mpsc::UnboundedSender<Option<BlastId>>,
    /// What keeps this process's senders from writing anything: the database may not take the reason either.
    troubles: Mutex<HashMap<SenderId, DatabaseTrouble>>,
}

const REST_NOTIFIED: Duration = Duration::from_secs(60);
const REST_UNNOTIFIED: Duration = Duration::from_secs(30);
/// How long the database may take to answer a poll.
const POLL_TIMEOUT: Duration = Duration::from_secs(3);
/// How long hints are gathered before they are sent to other processes.
const HINT_EVERY: Duration = Duration::from_millis(250);

impl Notifier {
    /// Receives nothing, and publishes only explicit orders: for a verb that reads once.
    pub fn deaf() -> Self {
        Self::new(false).0
    }

    fn new(has_sessions: bool) -> (Self, mpsc::UnboundedReceiver<Option<BlastId>>) {
        let (changed, gathered) = mpsc::unbounded_channel();
        let inner = Channels {
            has_sessions,
            hints: watch::Sender::new(0),
            orders: watch::Sender::new(0),
            inbox: watch::Sender::new(0),
            database: watch::Sender::new(DatabaseState::Up),
            changed,
            troubles: Mutex::default(),
        };
        (Self { inner: Arc::new(inner) }, gathered)
    }

    /// Begins to listen. Tasks end with `stop`.
    pub fn start(pool: &PgPool, has_sessions: bool, stop: &CancellationToken) -> Self {
        let (news, gathered) = Self::new(has_sessions);
        if has_sessions {
            tokio::spawn(stop.clone().run_until_cancelled_owned(news.clone().listen(pool.clone())));
        } else {
            tokio::spawn(stop.clone().run_until_cancelled_owned(news.clone().poll(pool.clone())));
        }
        tokio::spawn(stop.clone().run_until_cancelled_owned(news.clone().publish(pool.clone(), gathered)));
        news
    }

    /// How long a task may rest that only orders wake: less where those of other processes do not arrive by themselves.
    pub fn longest_rest(&self) -> Duration {
        if self.inner.has_sessions { REST_NOTIFIED } else { REST_UNNOTIFIED }
    }

    /// How long it may take until a task that rests acts on an order of another process.
    pub fn order_delay(&self) -> Duration {
        if self.inner.has_sessions { Duration::ZERO } else { REST_UNNOTIFIED + POLL_TIMEOUT }
    }

    pub fn hints(&self) -> watch::Receiver<u64> {
        self.inner.hints.subscribe()
    }

    pub fn orders(&self) -> watch::Receiver<u64> {
        self.inner.orders.subscribe()
    }

    /// Grows when a webhook was received, and whenever one may have been.
    pub fn inbox(&self) -> watch::Receiver<u64> {
        self.inner.inbox.subscribe()
    }

    /// This process received a webhook. Where there are sessions, the database notifies it with everybody else.
    pub fn received(&self) {
        if !self.inner.has_sessions {
            bump(&self.inner.inbox);
        }
    }

    pub fn database(&self) -> watch::Receiver<DatabaseState> {
        self.inner.database.subscribe()
    }

    /// Receives each blast that changed; `None`: what a sender waits for did.
    pub fn changed(&self) -> mpsc::UnboundedSender<Option<BlastId>> {
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

    /// Something was ordered in this process: wakes its own tasks at once, and notifies the others.
    pub async fn order(&self, pool: &PgPool, blast: Option<BlastId>) -> Result<(), StoreError> {
        self.wake_all();
        notify::order(pool, blast).await
    }

    /// The same where the others were notified by the transaction that logged the act ([`action::log`](crate::store::action::log)).
    pub fn wake_all(&self) {
        bump(&self.inner.orders);
        bump(&self.inner.hints);
    }

    /// Wakes the tasks of this process that wait for orders.
    pub fn wake(&self) {
        bump(&self.inner.orders);
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

    /// The database answers (again). Everybody reads, since notifications may have been missed.
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
        bump(&self.inner.inbox);
    }

    async fn listen(self, pool: PgPool) {
        let (mut failures, mut has_listened) = (0, false);
        loop {
            match self.listen_once(&pool, &mut has_listened).await {
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
    async fn listen_once(&self, pool: &PgPool, has_listened: &mut bool) -> Result<(), StoreError> {
        let connect = PgListener::connect_with(pool);
        tokio::pin!(connect);
        // A server that has died is not there to refuse: the pool would try for its ten seconds before anybody heard of it.
        let mut listener = if let Ok(connected) = timeout(RECONNECT_PATIENCE, &mut connect).await {
            connected?
        } else {
            if *has_listened {
                self.down(&StoreError::from(sqlx::Error::PoolTimedOut));
            }
            connect.await?
        };
        *has_listened = true;
        // It would try for those ten seconds by itself, and say nothing meanwhile.
        listener.eager_reconnect(false);
        listener.listen_all([notify::HINTS, notify::ORDERS, notify::INBOX]).await?;
        self.up();
        loop {
            match listener.try_recv().await? {
                Some(notification) if notification.channel() == notify::ORDERS => {
                    bump(&self.inner.orders);
                    bump(&self.inner.hints);
                }
                Some(notification) if notification.channel() == notify::INBOX => bump(&self.inner.inbox),
                Some(_) => bump(&self.inner.hints),
                None => return Ok(()),
            }
        }
    }

    /// Behind a pooler no notification arrives: poll every second.
    async fn poll(self, pool: PgPool) {
        loop {
            match timeout(POLL_TIMEOUT, store::now(&pool)).await {
                Ok(Ok(_)) => self.up(),
                Ok(Err(error)) => self.down(&error),
                Err(_) => self.down(&StoreError::from(sqlx::Error::PoolTimedOut)),
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Notifies other processes of the blasts that changed, at most four times a second.
    async fn publish(self, pool: PgPool, mut changed: mpsc::UnboundedReceiver<Option<BlastId>>) {
        while let Some(first) = changed.recv().await {
            bump(&self.inner.hints);
            sleep(HINT_EVERY).await;
            let mut blasts = BTreeSet::from([first.map(|blast| blast.0)]);
            while let Ok(blast) = changed.try_recv() {
                blasts.insert(blast.map(|blast| blast.0));
            }
            for blast in blasts {
                // A lost hint costs nothing: everybody polls as well.
                let _ = notify::hint(&pool, blast.map(BlastId)).await;
            }
        }
    }
}

fn bump(version: &watch::Sender<u64>) {
    version.send_modify(|n| *n = n.wrapping_add(1));
}

//! Webhooks as they arrive: whose they are is proven, then their bytes are kept. What is in them the engine reads later.

mod secrets;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{App, AppError};
use crate::domain::ids::SenderId;
use crate::domain::text::count_of;
use crate::engine::{Notifier, record_opt_outs};
use crate::provider::meta::webhook::{Handshake, require_signature, verify_signature};
use crate::provider::wsapme::webhook::is_secret;
use crate::store::inbox::repeated::{apply_anew, may_stop};
use crate::store::inbox::{self, InboxEntry, InboxSummary, Nameless, NewWebhook, ReplaySelection};
use crate::store::{self, StoreError, months};
use secrets::{FollowedSecrets, WebhookSecrets};

pub(super) use secrets::refused_webhooks;

/// `1 order and 2 messages wait: the writer's number is not known yet`.
pub fn nameless(waiting: Nameless) -> String {
    let Nameless { orders, stops, messages } = waiting;
    let kinds = [
        (orders, count_of(orders, "order", "orders")),
        (stops, count_of(stops, "stop", "stops")),
        (messages, count_of(messages, "message", "messages")),
    ];
    let kinds: Vec<_> = kinds.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
    let verb = if waiting.total() == 1 { "waits" } else { "wait" };
    format!("{} {verb}: the writer's number is not known yet", kinds.join(" and "))
}

/// How long the database may take to keep a webhook.
const KEEP_PATIENCE: Duration = Duration::from_secs(10);
const READY_PATIENCE: Duration = Duration::from_secs(2);
/// Requests that wait to be kept, and how many, and how many bytes, are kept in one transaction.
const QUEUE_MAX: usize = 1_024;
const KEPT_AT_ONCE: usize = 256;
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;
/// Unproven requests are logged no more often than this, with their number.
const LOG_EVERY: Duration = Duration::from_secs(60);
const NO_APP_SECRET: &str = "no sender has an app_secret: webhooks of Meta's are not accepted";

/// Why a webhook is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefusal {
    /// Nothing of it is stored.
    #[error("{0}")]
    Unproven(String),
    /// The provider sends it again.
    #[error("the database did not keep it: send it again")]
    NotKept,
}

/// Why a handshake is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeRefusal {
    UnknownToken,
    /// Somebody who knows the token asks without this, or with another value of it.
    Lacks {
        field: &'static str,
        mend: &'static str,
    },
}

/// Takes webhooks in. One task writes them, in batches: a commit costs the same however much is in it.
pub struct WebhookIntake {
    secrets: watch::Receiver<Arc<WebhookSecrets>>,
    queue: mpsc::Sender<PendingWebhook>,
    unproven: UnprovenCount,
}

/// A body, and what counts its bytes until they are dropped.
pub struct ReceivedBody {
    pub bytes: Bytes,
    pub memory: Box<dyn Send>,
}

/// A webhook, and who waits to hear whether it is durable.
struct PendingWebhook {
    webhook: NewWebhook,
    done: oneshot::Sender<bool>,
    /// Of its body.
    memory: Box<dyn Send>,
}

impl App {
    /// Begins to take webhooks in, also those of senders that cannot be used here. A secret that cannot be read is logged: its
    /// sender's webhooks are refused. Those in files are followed for as long as the intake lives.
    pub fn webhook_intake(&self) -> WebhookIntake {
        let (queue, pending) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(keep(self.pool().clone(), self.engine().notifier.clone(), pending));
        let (followed, secrets) = FollowedSecrets::read(self.shared_config(), |name| self.registered_id(name));
        tokio::spawn(followed.follow());
        WebhookIntake { secrets, queue, unproven: UnprovenCount::default() }
    }

    /// Records opt-outs as they are received, until the stop: for a process that runs no engine, which applies them with the rest.
    pub async fn record_opt_outs(&self, stop: CancellationToken) {
        record_opt_outs(self.engine().clone(), stop).await;
    }

    /// Fails where the database does not answer.
    pub async fn require_ready(&self) -> Result<(), AppError> {
        let silent = StoreError::Silent { seconds: READY_PATIENCE.as_secs() };
        timeout(READY_PATIENCE, store::now(self.pool())).await.map_err(|_| silent)??;
        Ok(())
    }

    /// Webhooks as they came, the newest first.
    pub async fn inbox(&self, only_failed: bool, limit: u32) -> Result<Vec<InboxEntry>, AppError> {
        Ok(inbox::list(self.pool(), only_failed, limit.into()).await?)
    }

    pub async fn inbox_summary(&self) -> Result<InboxSummary, AppError> {
        Ok(inbox::summary(self.pool()).await?)
    }

    /// How many orders wait for the number of whoever wrote, in words; `None`: none does.
    pub async fn nameless_orders(&self) -> Result<Option<String>, AppError> {
        let orders = self.inbox_summary().await?.nameless.orders;
        Ok((orders > 0).then(|| nameless(Nameless { orders, ..Nameless::default() })))
    }

    /// Has webhooks applied again by the next engine; what was applied already changes nothing. Returns how many.
    pub async fn replay_inbox(&self, selection: ReplaySelection) -> Result<u64, AppError> {
        Ok(inbox::replay(self.pool(), selection).await?)
    }
}

impl WebhookIntake {
    /// Whether no webhook can be accepted, because nothing proves where one comes from.
    pub fn is_closed(&self) -> bool {
        let secrets = self.secrets();
        secrets.app_secrets.is_empty() && secrets.paths.is_empty()
    }

    fn secrets(&self) -> Arc<WebhookSecrets> {
        self.secrets.borrow().clone()
    }

    /// The challenge of a handshake, where some sender has its token.
    pub fn meta_handshake<'a>(
        &self,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<String, HandshakeRefusal> {
        let handshake = Handshake::of_query(query);
        if !self.secrets().verify_tokens.iter().any(|token| handshake.knows(token)) {
            return Err(HandshakeRefusal::UnknownToken);
        }
        let lacks = |(field, mend)| HandshakeRefusal::Lacks { field, mend };
        handshake.answer().map(str::to_owned).map_err(lacks)
    }

    /// Refuses what cannot be Meta's by what is there before the body is read: it must have a signature, and somebody to compare it with.
    pub fn check_before_body(&self, signature: Option<&str>) -> Result<(), WebhookRefusal> {
        if self.secrets().app_secrets.is_empty() {
            return Err(self.unproven.count(NO_APP_SECRET.to_owned()));
        }
        require_signature(signature).map_err(|error| self.unproven.count(error.to_string()))
    }

    /// Keeps a webhook of Meta's, if the app secret of some sender signed these bytes, with whom that speaks for.
    pub async fn meta(
        &self,
        body: ReceivedBody,
        signature: Option<&str>,
        content_type: Option<String>,
    ) -> Result<(), WebhookRefusal> {
        let mut why = NO_APP_SECRET.to_owned();
        for (secret, senders) in &self.secrets().app_secrets {
            match verify_signature(secret, &body.bytes, signature) {
                Ok(()) => return self.keep("meta", senders.clone(), content_type, body).await,
                Err(error) => why = error.to_string(),
            }
        }
        Err(self.unproven.count(why))
    }

    /// The senders whose secret this is.
    pub fn wsapme_senders(&self, secret: &str) -> Result<Vec<SenderId>, WebhookRefusal> {
        let secrets = self.secrets();
        let known = secrets.paths.iter().filter(|(_, known)| is_secret(known, secret));
        let senders: Vec<SenderId> = known.map(|(id, _)| *id).collect();
        if senders.is_empty() {
            return Err(self.unproven.count("no sender has this webhook_secret".to_owned()));
        }
        Ok(senders)
    }

    /// Keeps a webhook of WSAPME's for these senders.
    pub async fn wsapme(
        &self,
        senders: Vec<SenderId>,
        body: ReceivedBody,
        content_type: Option<String>,
    ) -> Result<(), WebhookRefusal> {
        self.keep("wsapme", Some(senders), content_type, body).await
    }

    /// Returns once it is durable.
    async fn keep(
        &self,
        provider: &'static str,
        senders: Option<Vec<SenderId>>,
        content_type: Option<String>,
        body: ReceivedBody,
    ) -> Result<(), WebhookRefusal> {
        let (done, kept) = oneshot::channel();
        let webhook = NewWebhook { provider, senders, content_type, body: body.bytes };
        let keeping = async {
            self.queue.send(PendingWebhook { webhook, done, memory: body.memory }).await.ok()?;
            kept.await.ok()
        };
        match timeout(KEEP_PATIENCE, keeping).await {
            Ok(Some(true)) => Ok(()),
            _ => Err(WebhookRefusal::NotKept),
        }
    }
}

/// Writes what has come together, until the intake is dropped.
async fn keep(pool: PgPool, notifier: Notifier, mut pending: mpsc::Receiver<PendingWebhook>) {
    while let Some(first) = pending.recv().await {
        let mut batch = KeptBatch::default();
        batch.add(first);
        while batch.has_room()
            && let Ok(next) = pending.try_recv()
        {
            batch.add(next);
        }
        if batch.write(&pool, &notifier).await {
            notifier.received();
        }
    }
}

/// Webhooks that are kept in one transaction. Their bodies count until it is over.
#[derive(Default)]
struct KeptBatch {
    webhooks: Vec<NewWebhook>,
    waiting: Vec<oneshot::Sender<bool>>,
    memory: Vec<Box<dyn Send>>,
    bytes: usize,
}

impl KeptBatch {
    fn has_room(&self) -> bool {
        self.webhooks.len() < KEPT_AT_ONCE && self.bytes < BYTES_AT_ONCE
    }

    /// Unless nobody waits for it any more: whoever sent it has given up, and sends it again.
    fn add(&mut self, pending: PendingWebhook) {
        if pending.done.is_closed() {
            return;
        }
        self.bytes += pending.webhook.body.len();
        self.webhooks.push(pending.webhook);
        self.waiting.push(pending.done);
        self.memory.push(pending.memory);
    }

    /// Whether any were kept.
    async fn write(self, pool: &PgPool, notifier: &Notifier) -> bool {
        if self.webhooks.is_empty() {
            return false;
        }
        let kept = insert(pool, &self.webhooks).await;
        if let Err(error) = &kept {
            tracing::warn!(%error, webhooks = self.webhooks.len(), "webhooks could not be kept: they are sent again");
        }
        let is_any_repeated = kept.as_ref().is_ok_and(|added| *added < self.webhooks.len() as u64);
        let Self { webhooks, waiting, memory, .. } = self;
        let mut repeated = RepeatedWebhooks { memory, ..RepeatedWebhooks::default() };
        for (webhook, done) in webhooks.into_iter().zip(waiting) {
            if is_any_repeated && may_stop(&webhook) {
                repeated.webhooks.push(webhook);
                repeated.waiting.push(done);
            } else {
                let _ = done.send(kept.is_ok());
            }
        }
        if !repeated.webhooks.is_empty() {
            tokio::spawn(repeated.apply_anew(pool.clone(), notifier.clone()));
        }
        kept.is_ok()
    }
}

/// Webhooks some of which were kept before. Who waits for a lock on one holds up no other.
#[derive(Default)]
struct RepeatedWebhooks {
    webhooks: Vec<NewWebhook>,
    waiting: Vec<oneshot::Sender<bool>>,
    memory: Vec<Box<dyn Send>>,
}

impl RepeatedWebhooks {
    async fn apply_anew(self, pool: PgPool, notifier: Notifier) {
        let applied = apply_anew(&pool, &self.webhooks).await;
        if let Err(error) = &applied {
            tracing::warn!(%error, webhooks = self.webhooks.len(), "webhooks that came again are to come once more");
        }
        for done in self.waiting {
            let _ = done.send(applied.is_ok());
        }
        notifier.received();
        drop(self.memory);
    }
}

/// How many were new. Where nobody has run for a week, today's partition is missing.
async fn insert(pool: &PgPool, webhooks: &[NewWebhook]) -> Result<u64, StoreError> {
    match inbox::insert(pool, webhooks).await {
        Err(StoreError::Data(_)) => {
            months::make(pool).await?;
            inbox::insert(pool, webhooks).await
        }
        other => other,
    }
}

/// Counts unproven requests, and logs them now and then.
#[derive(Default)]
struct UnprovenCount {
    total: AtomicU64,
    logged_at: Mutex<Option<Instant>>,
}

impl UnprovenCount {
    fn count(&self, why: String) -> WebhookRefusal {
        let total = self.total.fetch_add(1, Ordering::Relaxed) + 1;
        let mut logged_at = self.logged_at.lock().unwrap_or_else(PoisonError::into_inner);
        if logged_at.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            *logged_at = Some(Instant::now());
            tracing::warn!(why, total, "webhooks without proof of who sends them are refused");
        }
        WebhookRefusal::Unproven(why)
    }
}

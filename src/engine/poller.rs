//! Asking what became of accepted messages: one question a message, within a budget that all ages share in turn.
//! Nothing is written when nothing changed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sender::Parts;
use crate::domain::ids::RecipientId;
use crate::domain::polling::{Band, bands};
use crate::domain::recipient::{Evidence, ProviderError, ProviderStage, Stamped};
use crate::domain::retry::ErrorClass;
use crate::domain::status::Status;
use crate::provider::{Asked, Finding, StatusNews};
use crate::store::ledger::{Entry, Source};
use crate::store::poll::{self, Pending};
use crate::store::{StoreError, sender};

/// Questions under way at once.
const SIDE_BY_SIDE: usize = 8;
/// People read at a time.
const PAGE: i64 = 200;

/// How polling is configured, in real time.
#[derive(Debug, Clone, Copy)]
pub struct PollingTerms {
    /// How often a young message is asked about.
    pub interval: TimeDelta,
    /// Older messages are not asked about any more.
    pub give_up: TimeDelta,
}

/// Polls for one sender.
pub struct Poller {
    parts: Arc<Parts>,
    budget: Budget,
    side_by_side: Arc<Semaphore>,
    terms: PollingTerms,
    stop: CancellationToken,
}

/// One question every so often. Waiting for the lock is first come first served, so that ages take turns.
struct Budget {
    next: Mutex<Instant>,
    every: Duration,
}

impl Budget {
    async fn take(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        *next = Instant::now() + self.every;
    }
}

impl Poller {
    pub fn new(parts: Arc<Parts>, polling: PollingTerms, stop: CancellationToken) -> Arc<Self> {
        let per_second = (parts.desk.polls_per_second * parts.desk.limits.speed.factor()).clamp(0.01, 500.0);
        let budget = Budget { next: Mutex::new(Instant::now()), every: Duration::from_secs_f64(1.0 / per_second) };
        Arc::new(Self { parts, budget, side_by_side: Arc::new(Semaphore::new(SIDE_BY_SIDE)), terms: polling, stop })
    }

    /// Polls until stopped.
    pub async fn run(self: Arc<Self>) {
        let walks = TaskTracker::new();
        for band in bands(self.terms.interval, self.terms.give_up, self.parts.desk.limits.speed) {
            walks.spawn(self.stop.clone().run_until_cancelled_owned(self.clone().walk(band)));
        }
        walks.close();
        walks.wait().await;
    }

    /// Walks through one age again and again.
    async fn walk(self: Arc<Self>, band: Band) {
        loop {
            let began = Instant::now();
            if let Err(error) = self.pass(band).await {
                tracing::debug!(%error, "polling waits for the database");
            }
            let rest = band.every.to_std().unwrap_or_default().max(Duration::from_millis(100));
            sleep_until(began + rest).await;
        }
    }

    /// Asks about everybody of this age once.
    async fn pass(self: &Arc<Self>, band: Band) -> Result<(), StoreError> {
        let now = self.parts.clock.now();
        let (oldest, newest) = (earlier(now, band.to), earlier(now, band.from));
        for blast in poll::blasts(&self.parts.pool, self.parts.desk.id, oldest).await? {
            let mut after = (oldest, RecipientId(0));
            loop {
                let page = poll::Band { blast, after, until: newest, limit: PAGE };
                let people = poll::pending(&self.parts.pool, page).await?;
                let Some(last) = people.last() else { break };
                after = (last.sent_at, last.id);
                self.ask_all(people).await?;
            }
        }
        Ok(())
    }

    async fn ask_all(self: &Arc<Self>, people: Vec<Pending>) -> Result<(), StoreError> {
        self.hold_while_stopped().await?;
        for person in people {
            self.budget.take().await;
            let Ok(turn) = self.side_by_side.clone().acquire_owned().await else { return Ok(()) };
            let poller = self.clone();
            tokio::spawn(async move {
                poller.ask(&person).await;
                drop(turn);
            });
        }
        Ok(())
    }

    /// A sender that needs a person is not asked either; its token may be wrong.
    async fn hold_while_stopped(&self) -> Result<(), StoreError> {
        while sender::stopped(&self.parts.pool, self.parts.desk.id).await?.is_some() {
            sleep(Duration::from_secs(2)).await;
        }
        Ok(())
    }

    async fn ask(&self, person: &Pending) {
        // A question has no consequence until it is answered: at a stop it is simply dropped. An answer never is.
        let asked = Asked { id: &person.message_id, to: person.phone_number.digits() };
        let asking = self.parts.desk.provider.status(asked);
        let Some(reply) = self.stop.run_until_cancelled(asking).await else { return };
        match reply.finding {
            Finding::Known(news) => {
                self.heed(&news).await;
                self.bring(person, news);
            }
            Finding::Unrecognised { word } => tracing::debug!(word, "an unknown status word changes nothing"),
            Finding::Nothing { why } => tracing::debug!(why, "nothing learned this time"),
            Finding::Refused { code, message } => self.refused(&code, &message).await,
        }
    }

    /// Some failures after acceptance speak of the sender, not of the person: a restricted number must stop.
    async fn heed(&self, news: &StatusNews) {
        let class = self.parts.desk.provider.failure_class(news.error_code.as_deref());
        if news.stage == ProviderStage::Failed && class == ErrorClass::StopSender {
            let code = news.error_code.clone().unwrap_or_default();
            self.refused(&code, "the provider restricts this sender: it reported a failure after accepting").await;
        }
    }

    async fn refused(&self, code: &str, message: &str) {
        match sender::stop(&self.parts.pool, self.parts.desk.id, code, message).await {
            Ok(true) => {
                tracing::warn!(sender = %self.parts.desk.name, code, message, "stopped until somebody mends it");
                let _ = self.parts.news.order(&self.parts.pool, None).await;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the sender could not be stopped yet"),
        }
    }

    fn bring(&self, person: &Pending, news: StatusNews) {
        if !tells_more(person, &news) {
            return;
        }
        let word = news.word.clone();
        let error = (news.stage == ProviderStage::Failed).then(|| ProviderError {
            code: news.error_code.clone().unwrap_or_else(|| "error".to_owned()),
            message: "the provider reported a failure after accepting it".to_owned(),
        });
        let evidence = Evidence::Provider { stage: news.stage, word: news.word, c2s_at: news.c2s_at, error };
        let stamped =
            Stamped { attempt: person.attempt, at: news.at.unwrap_or_else(|| self.parts.clock.now()), evidence };
        let entry = Entry::new(person.blast, person.id, stamped, Source::Poll);
        self.parts.ledger.file(Entry { metadata: Some(json!({ "word": word })), ..entry }, None);
    }
}

fn earlier(now: DateTime<Utc>, age: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// Whether an answer says anything that the row does not: a higher stage, another word for it, a first C2S time.
fn tells_more(person: &Pending, news: &StatusNews) -> bool {
    let raises = match (news.stage, person.status) {
        (ProviderStage::Read, status) => status < Status::Read,
        (ProviderStage::Delivered | ProviderStage::Failed, status) => status < Status::Delivered,
        (ProviderStage::Sent, _) => false,
    };
    let new_word = news.stage == ProviderStage::Sent
        && person.status == Status::Sent
        && person.word.as_deref() != Some(news.word.as_str());
    raises || new_word || (news.c2s_at.is_some() && !person.has_c2s)
}

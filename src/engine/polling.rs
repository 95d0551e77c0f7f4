//! Asks what became of accepted messages: one question per message, within a budget that all ages share in turn, and all
//! blasts of an age. An answer that changes nothing about a person is not written.

mod budget;
mod checks;

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::late_failures::{self, FAILED_LATER, LateNews};
use super::sending::{SenderContext, stop_sender};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::polling::{PollBand, asked_ranges, poll_bands};
use crate::domain::recipient::{Evidence, ProviderError, ProviderStage, StampedEvidence};
use crate::domain::retry::ErrorClass;
use crate::domain::status::Status;
use crate::provider::{RawResponse, StatusFinding, StatusQuery, StatusReply, StatusReport, advised};
use crate::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource};
use crate::store::poll::{self, PollTarget};
use crate::store::{self, StoreError};
use budget::Budget;

/// Questions in flight at once.
const SIDE_BY_SIDE: usize = 8;
/// People read at a time, for each blast of each age.
const PAGE: i64 = 50;
/// How often a sender that may not be asked is checked again.
const HELD_CHECK_EVERY: Duration = Duration::from_secs(2);
/// So much of a status answer is kept, in bytes: many times the longest that was seen.
const ANSWER_MAX: usize = 16 * 1024;

/// Whether a question was answered, whatever the answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StatusPollOutcome {
    Answered,
    Unanswered,
}

impl StatusPollOutcome {
    /// "Nothing known" is an answer; a gateway in trouble gave none.
    fn of_nothing(http_status: Option<u16>) -> Self {
        if http_status.is_some_and(|code| code < 500) { Self::Answered } else { Self::Unanswered }
    }
}

/// How polling is configured, in real time.
#[derive(Debug, Clone, Copy)]
pub struct PollingTerms {
    /// How often a young message is asked about.
    pub interval: TimeDelta,
    /// Older messages are not asked about any more.
    pub give_up: TimeDelta,
}

/// Polls for one sender. Each age of messages takes its turn, and within an age each blast does: however many a blast has to
/// ask about, the others' turns come.
pub struct Poller {
    context: Arc<SenderContext>,
    budget: Budget,
    side_by_side: Arc<Semaphore>,
    /// Pages are read one after the other: the database has more urgent work.
    reading: Semaphore,
    terms: PollingTerms,
    stop: CancellationToken,
}

/// An age, with the turns that its blasts take.
struct Age {
    band: PollBand,
    turns: tokio::sync::Mutex<()>,
}

impl Poller {
    pub fn new(context: Arc<SenderContext>, polling: PollingTerms, stop: CancellationToken) -> Arc<Self> {
        let speed = context.sender.limits.speed;
        let per_second = (context.sender.polls_per_second * speed.factor()).clamp(0.01, 500.0);
        Arc::new(Self {
            context,
            budget: Budget::new(per_second, speed),
            side_by_side: Arc::new(Semaphore::new(SIDE_BY_SIDE)),
            reading: Semaphore::new(1),
            terms: polling,
            stop,
        })
    }

    /// Polls until stopped.
    pub async fn run(self: Arc<Self>) {
        let ages = TaskTracker::new();
        for band in poll_bands(self.terms.interval, self.terms.give_up, self.context.sender.limits.speed) {
            let age = Arc::new(Age { band, turns: tokio::sync::Mutex::default() });
            ages.spawn(self.stop.clone().run_until_cancelled_owned(self.clone().follow(age)));
        }
        ages.spawn(self.stop.clone().run_until_cancelled_owned(self.clone().follow_checks()));
        ages.close();
        ages.wait().await;
    }

    /// Walks through each blast of one age again and again. A blast that takes long holds up no other, and is not begun again
    /// before it is through.
    async fn follow(self: Arc<Self>, age: Arc<Age>) {
        let mut walks: JoinSet<BlastId> = JoinSet::new();
        let mut walking = HashSet::new();
        loop {
            let began = Instant::now();
            while let Some(ended) = walks.try_join_next() {
                if let Ok(blast) = ended {
                    walking.remove(&blast);
                }
            }
            match self.blasts(age.band).await {
                Ok(blasts) => {
                    for blast in blasts.into_iter().filter(|blast| walking.insert(*blast)) {
                        walks.spawn(self.clone().walk(age.clone(), blast));
                    }
                }
                Err(error) => tracing::debug!(%error, "polling waits for the database"),
            }
            let rest = age.band.every.to_std().unwrap_or_default().max(Duration::from_millis(100));
            sleep_until(began + rest).await;
        }
    }

    async fn blasts(&self, band: PollBand) -> Result<Vec<BlastId>, StoreError> {
        poll::blasts(&self.context.pool, self.context.sender.id, earlier(self.context.clock.now(), band.to)).await
    }

    /// Asks about everybody of a blast and an age once.
    async fn walk(self: Arc<Self>, age: Arc<Age>, blast: BlastId) -> BlastId {
        if let Err(error) = self.pass(&age, blast).await {
            tracing::debug!(%error, blast = blast.0, "its statuses are asked for later");
        }
        blast
    }

    async fn pass(self: &Arc<Self>, age: &Age, blast: BlastId) -> Result<(), StoreError> {
        let now = self.context.clock.now();
        let (oldest, newest) = (earlier(now, age.band.to), earlier(now, age.band.from));
        let (mut after, mut begin) = ((oldest, RecipientId(0)), Bound::Included(oldest));
        loop {
            self.hold_while_stopped().await?;
            let people = self.page(poll::PollQuery { blast, after, until: newest, limit: PAGE }).await?;
            let Some(last) = people.last() else {
                // Behind a full page there was nobody: everybody at its end was asked about.
                let rest = asked_ranges(begin, Bound::Included(after.0), &[]);
                let is_begun = after.1 != RecipientId(0);
                return if is_begun { poll::record_asked(&self.context.pool, blast, &rest).await } else { Ok(()) };
            };
            let is_full = people.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            let end = if is_full { Bound::Excluded(last.since) } else { Bound::Included(last.since) };
            after = (last.since, last.id);
            let unanswered = self.ask_all(&age.turns, people).await;
            poll::record_asked(&self.context.pool, blast, &asked_ranges(begin, end, &unanswered)).await?;
            let is_missed = unanswered.contains(&after.0);
            begin = if is_missed { Bound::Excluded(after.0) } else { Bound::Included(after.0) };
        }
    }

    async fn page(&self, page: poll::PollQuery) -> Result<Vec<PollTarget>, StoreError> {
        let _turn = self.reading.acquire().await;
        poll::pending(&self.context.pool, page).await
    }

    /// Asks about each; returns the times of those whose questions got no answer.
    async fn ask_all(self: &Arc<Self>, turns: &tokio::sync::Mutex<()>, people: Vec<PollTarget>) -> Vec<DateTime<Utc>> {
        let (mut questions, mut unanswered) = (Vec::with_capacity(people.len()), Vec::new());
        for person in people {
            let turn = turns.lock().await;
            self.budget.take().await;
            drop(turn);
            let Ok(in_flight) = self.side_by_side.clone().acquire_owned().await else {
                unanswered.push(person.since);
                continue;
            };
            let poller = self.clone();
            let since = person.since;
            // A task of its own: a walk that is stopped drops no answer that has come.
            let question = tokio::spawn(async move {
                let answered = poller.ask(&person).await;
                drop(in_flight);
                answered
            });
            questions.push((since, question));
        }
        for (since, question) in questions {
            if !question.await.is_ok_and(|answered| answered == StatusPollOutcome::Answered) {
                unanswered.push(since);
            }
        }
        unanswered
    }

    /// A sender that needs a person is not asked either; its token may be wrong. Nor is one whose provider asked for a pause.
    async fn hold_while_stopped(&self) -> Result<(), StoreError> {
        while !poll::may_poll(&self.context.pool, self.context.sender.id).await? {
            sleep(HELD_CHECK_EVERY).await;
        }
        Ok(())
    }

    async fn ask(self: &Arc<Self>, person: &PollTarget) -> StatusPollOutcome {
        // A question has no consequence until it is answered: at a stop it is simply dropped. An answer never is.
        let Some(reply) = self.stop.run_until_cancelled(self.question(person)).await else {
            return StatusPollOutcome::Unanswered;
        };
        match reply.finding {
            StatusFinding::Known(news) => {
                self.act_on(&news, person.sent_at).await;
                self.record(person, news, &reply.raw);
                StatusPollOutcome::Answered
            }
            StatusFinding::Unrecognised { status } => {
                tracing::debug!(status, "an unknown status changes no stage");
                self.note_word(person, &status).await;
                StatusPollOutcome::Answered
            }
            StatusFinding::Nothing { why } => {
                tracing::debug!(why, "nothing learned this time");
                StatusPollOutcome::of_nothing(reply.raw.http_status)
            }
            StatusFinding::OfAnother { why } => {
                tracing::debug!(why, "nobody has said anything of this message");
                StatusPollOutcome::Unanswered
            }
            StatusFinding::Throttled { retry_after } => {
                tracing::debug!(?retry_after, "asked to ask less");
                self.budget.slow(retry_after);
                StatusPollOutcome::Unanswered
            }
            StatusFinding::Refused { code, message } => {
                self.refused(&code, &message, None).await;
                StatusPollOutcome::Unanswered
            }
        }
    }

    /// Keeps a word that nobody knows for whoever looks at the person.
    async fn note_word(&self, person: &PollTarget, word: &str) {
        if person.word.as_deref() == Some(word) {
            return;
        }
        if let Err(error) = poll::note_word(&self.context.pool, (person.id, person.attempt), word).await {
            tracing::debug!(%error, "the word is not kept");
        }
    }

    /// Asks about one message, in the way that the provider is to be asked: some calls need the whole answer to the send.
    async fn question(&self, person: &PollTarget) -> StatusReply {
        let provider = &self.context.sender.provider;
        let asked = StatusQuery { id: &person.message_id, to: person.phone_number.digits() };
        if !provider.wants_send_reply() {
            return provider.status(asked).await;
        }
        match poll::send_reply(&self.context.pool, person.id, person.attempt).await {
            Ok(reply) => provider.status_of(asked, &reply.unwrap_or_default()).await,
            Err(error) => {
                let finding = StatusFinding::Nothing { why: format!("the answer to its send cannot be read: {error}") };
                StatusReply { finding, raw: RawResponse::default() }
            }
        }
    }

    /// Some failures after acceptance speak of the sender, not of the person: a restricted number must stop. One whose stop somebody has
    /// lifted since the message was sent goes on.
    async fn act_on(&self, news: &StatusReport, sent_at: DateTime<Utc>) {
        let class = self.context.sender.provider.failure_class(news.error_code.as_deref());
        if news.stage == ProviderStage::Failed && class == ErrorClass::StopSender {
            let code = news.error_code.clone().unwrap_or_default();
            let why = "the provider restricts this sender: it reported a failure after accepting";
            self.refused(&code, why, Some(sent_at)).await;
        }
    }

    async fn refused(&self, code: &str, message: &str, sent_at: Option<DateTime<Utc>>) {
        let message = &*advised(self.context.sender.kind(), code, message);
        self.context.heed_token(code);
        if let Err(error) = stop_sender(&self.context, code, message, sent_at).await {
            tracing::warn!(%error, "the sender could not be stopped yet");
        }
    }

    /// An answer that changes something is kept as it came, beside the change, and counts for its blast as a webhook does.
    fn record(self: &Arc<Self>, person: &PollTarget, news: StatusReport, raw: &RawResponse) {
        if !says_more(person, &news) {
            return;
        }
        let word = news.status.clone();
        let error = (news.stage == ProviderStage::Failed).then(|| ProviderError {
            code: news.error_code.clone().unwrap_or_else(|| "error".to_owned()),
            message: FAILED_LATER.to_owned(),
            class: self.context.sender.provider.failure_class(news.error_code.as_deref()),
        });
        let evidence = Evidence::Provider { stage: news.stage, word: news.status, c2s_at: news.c2s_at, error };
        let stamped = StampedEvidence {
            attempt: person.attempt,
            at: news.at.unwrap_or_else(|| self.context.clock.now()),
            evidence,
        };
        let entry = EvidenceEntry::new(person.blast, person.id, stamped, EvidenceSource::Poll);
        let metadata =
            json!({ "word": word, "answer": String::from_utf8_lossy(&raw.body[..raw.body.len().min(ANSWER_MAX)]) });
        let news = LateNews::of(&entry);
        let written = self.context.recorder.record_for(EvidenceEntry { metadata: Some(metadata), ..entry });
        if let Some(news) = news {
            // The recorder goes on until nobody has a handle to it: a stop does not end this before its time.
            tokio::spawn(self.clone().count(news, written));
        }
    }

    /// Counts news that has changed its person. A database that is away is waited for while the sender is ours.
    async fn count(self: Arc<Self>, news: LateNews, written: oneshot::Receiver<EntryOutcome>) {
        if !matches!(written.await, Ok(EntryOutcome::Changed { .. })) {
            return;
        }
        let (news, mut failures) = ([news], 0);
        while let Err(error) = self.count_once(&news).await {
            if !error.is_transient() || !self.context.lease.is_fresh() {
                tracing::warn!(%error, "a failure after acceptance, or what ends a row of them, is not counted");
                return;
            }
            sleep(StoreError::backoff(failures)).await;
            failures += 1;
        }
    }

    async fn count_once(&self, news: &[LateNews]) -> Result<(), StoreError> {
        let pool = &self.context.pool;
        let mut tx = store::begin(pool).await?;
        let has_paused = late_failures::count(&mut tx, self.context.failures_in_a_row, news).await?;
        tx.commit().await?;
        if has_paused { self.context.notifier.order(pool, None).await } else { Ok(()) }
    }
}

fn earlier(now: DateTime<Utc>, age: TimeDelta) -> DateTime<Utc> {
    now.checked_sub_signed(age).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// Whether an answer says anything that the row does not: a higher stage, another word for it, a first C2S time.
fn says_more(person: &PollTarget, news: &StatusReport) -> bool {
    let raises = match (news.stage, person.status) {
        (ProviderStage::Read, status) => status < Status::Read,
        (ProviderStage::Delivered | ProviderStage::Failed, status) => status < Status::Delivered,
        (ProviderStage::Sent, _) => false,
    };
    let new_word = news.stage == ProviderStage::Sent
        && person.status == Status::Sent
        && person.word.as_deref() != Some(news.status.as_str());
    raises || new_word || (news.c2s_at.is_some() && !person.has_c2s)
}

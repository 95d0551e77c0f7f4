//! What an outcome means beyond its person: the sender stops or slows, the blast pauses, somebody is never messaged
//! again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::SenderContext;
use super::throttle::ProviderThrottle;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::pace::Pacer;
use crate::domain::phone::Phone;
use crate::domain::retry::ErrorClass;
use crate::domain::sender::StopCode;
use crate::engine::sync::Mutex;
use crate::provider::SendOutcome;
use crate::store::suppression::{self, NewSuppression, SuppressionScope};
use crate::store::{StoreError, blast, sender};
use chrono::TimeDelta;

/// Watches the outcomes of one sender.
pub(super) struct FailurePolicy {
    context: Arc<SenderContext>,
    pacer: Arc<Mutex<Pacer>>,
    throttle: Arc<ProviderThrottle>,
    streaks: Mutex<HashMap<BlastId, Streak>>,
    /// Held while a row is read.
    reading: tokio::sync::Mutex<()>,
}

/// An opt-out is tried to be written this often.
const SUPPRESS_TRIES: u32 = 40;

/// An answer may accept a message and report its failure in one breath.
pub(super) const FAILED_AT_ONCE: &str = "the provider took the message and reported a failure at once";

/// What a provider refused, and when it may be asked again.
struct Refusal<'a> {
    class: ErrorClass,
    code: &'a str,
    message: &'a str,
    wish: Option<TimeDelta>,
}

/// Equal failures in a row.
#[derive(Clone, Default)]
struct Streak {
    code: String,
    length: i32,
}

impl FailurePolicy {
    pub(super) fn new(context: Arc<SenderContext>, pacer: Arc<Mutex<Pacer>>, throttle: Arc<ProviderThrottle>) -> Self {
        Self { context, pacer, throttle, streaks: Mutex::default(), reading: tokio::sync::Mutex::default() }
    }

    /// Whether the last outcome is known to have been a good one, so that another changes nothing.
    pub(super) fn is_untroubled(&self, blast: BlastId) -> bool {
        self.streaks.lock().get(&blast).is_some_and(|streak| streak.length == 0)
    }

    /// A message was accepted: a row of failures ends.
    pub(super) async fn went_well(&self, blast: BlastId) {
        tell(blast, self.streak(blast, None).await);
    }

    /// Takes note of an outcome. What cannot be written now is told in the log: the next equal outcome tries again.
    pub(super) async fn of(&self, blast: BlastId, outcome: &SendOutcome, phone: &Phone) {
        let done = match outcome {
            SendOutcome::Accepted { .. } if self.context.sender.has_failed(outcome) => {
                self.streak(blast, Some(("error", FAILED_AT_ONCE))).await
            }
            SendOutcome::Accepted { .. } => self.streak(blast, None).await,
            SendOutcome::Unknown { why } => self.streak(blast, Some(("no answer", why))).await,
            SendOutcome::Rejected { class, code, message, retry_after } => {
                self.not_accepted();
                let wish = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok());
                self.refusal(blast, Refusal { class: *class, code, message, wish }, phone).await
            }
        };
        tell(blast, done);
    }

    /// Whether the provider asked for a pause that is not over.
    pub(super) fn is_held(&self) -> bool {
        let now = self.context.clock.now();
        self.pacer.lock().is_held(now)
    }

    /// For a POST that was held up after its pace had let it go: how long until it may, or `None`: now.
    pub(super) fn pass_again(&self) -> Option<Duration> {
        let now = self.context.clock.now();
        self.pacer.lock().pass_again(now)?.to_std().ok()
    }

    /// Somebody whom the pacer counts did not get a message.
    pub(super) fn not_accepted(&self) {
        self.pacer.lock().not_accepted();
    }

    async fn refusal(&self, blast: BlastId, refusal: Refusal<'_>, phone: &Phone) -> Result<(), StoreError> {
        let Refusal { class, code, message, wish } = refusal;
        match class {
            ErrorClass::StopSender => self.stop_sender(code, message).await,
            ErrorClass::PauseBlast => pause(&self.context, blast, message).await,
            ErrorClass::SlowSender => {
                self.throttle.slow(wish).await?;
                self.streak(blast, Some((code, message))).await
            }
            ErrorClass::OptOut => self.suppress(phone).await,
            ErrorClass::Retry | ErrorClass::FailRecipient => self.streak(blast, Some((code, message))).await,
            ErrorClass::NotNow => Ok(()),
        }
    }

    async fn stop_sender(&self, code: &str, message: &str) -> Result<(), StoreError> {
        if sender::stop(&self.context.pool, self.context.sender.id, &StopCode::Provider(code.to_owned()), message)
            .await?
        {
            tracing::warn!(sender = %self.context.sender.name, code, message, "the sender is stopped until somebody mends it");
            self.context.notifier.order(&self.context.pool, None).await?;
        }
        Ok(())
    }

    /// Tried again until the database takes it, for some minutes: no later outcome would tell of it again.
    async fn suppress(&self, phone: &Phone) -> Result<(), StoreError> {
        let mut failures = 0;
        loop {
            match self.suppress_once(phone).await {
                Err(error) if error.is_transient() && failures < SUPPRESS_TRIES => {
                    tokio::time::sleep(StoreError::backoff(failures)).await;
                    failures += 1;
                }
                other => return other,
            }
        }
    }

    async fn suppress_once(&self, phone: &Phone) -> Result<(), StoreError> {
        let mut tx = self.context.pool.begin().await?;
        let business = suppression::business(&mut tx, SuppressionScope::Sender(self.context.sender.id)).await?;
        let suppress = NewSuppression {
            business: &business,
            phone: phone.as_str(),
            reason: Some("the provider says that they opted out"),
            source: "provider",
            by: Actor::ENGINE,
        };
        suppression::add(&mut tx, suppress).await?;
        Ok(tx.commit().await?)
    }

    /// Counts equal failures in a row; a success ends the row.
    async fn streak(&self, id: BlastId, failure: Option<(&str, &str)>) -> Result<(), StoreError> {
        self.remember(id).await?;
        let (streak, is_news) = self.count(id, failure.map(|(code, _)| code));
        if is_news {
            let row = (streak.length > 0).then_some((streak.code.as_str(), streak.length));
            blast::set_streak(&self.context.pool, id, row).await?;
        }
        match failure {
            Some((_, why)) if streak.length >= self.context.failures_in_a_row => {
                pause(&self.context, id, &equal_failures(streak.length, why)).await?;
                self.count(id, None);
                blast::set_streak(&self.context.pool, id, None).await
            }
            _ => Ok(()),
        }
    }

    /// The row after this outcome, and whether it differs from before.
    fn count(&self, id: BlastId, failure: Option<&str>) -> (Streak, bool) {
        let mut streaks = self.streaks.lock();
        let before = streaks.entry(id).or_default();
        let after = match failure {
            None => Streak::default(),
            Some(code) if code == before.code => Streak { length: before.length + 1, ..before.clone() },
            Some(code) => Streak { code: code.to_owned(), length: 1 },
        };
        let is_news = (after.length, &after.code) != (before.length, &before.code);
        *before = after.clone();
        (after, is_news)
    }

    /// Reads once what an earlier process counted.
    async fn remember(&self, id: BlastId) -> Result<(), StoreError> {
        // The first of a thousand answers asks; the others wait for what it hears.
        let _reading = self.reading.lock().await;
        if self.streaks.lock().contains_key(&id) {
            return Ok(());
        }
        let stored = blast::streak(&self.context.pool, id).await?;
        let streak = stored.map_or_else(Streak::default, |(code, length)| Streak { code, length });
        self.streaks.lock().entry(id).or_insert(streak);
        Ok(())
    }
}

/// Pauses a blast that is sending. Whoever changed it in the same moment is looked at again: a pause is not lost.
pub(in crate::engine) async fn pause(context: &SenderContext, id: BlastId, why: &str) -> Result<(), StoreError> {
    let mut connection = context.pool.acquire().await?;
    let change = blast::StateChange { state: BlastState::Paused, reason: Some(why), by: Actor::ENGINE };
    loop {
        let head = blast::head(&mut connection, id).await?;
        let Some(head) = head.filter(|head| head.state == BlastState::Sending) else { return Ok(()) };
        if blast::change(&mut connection, id, head.version, change).await? {
            break;
        }
    }
    drop(connection);
    tracing::warn!(blast = id.0, why, "paused");
    context.notifier.order(&context.pool, Some(id)).await
}

/// Why a row of failures pauses a blast.
pub(in crate::engine) fn equal_failures(length: i32, why: &str) -> String {
    format!("{length} equal failures in a row: {why}")
}

fn tell(blast: BlastId, done: Result<(), StoreError>) {
    if let Err(error) = done {
        tracing::warn!(%error, blast = blast.0, "an outcome's consequence could not be written yet");
    }
}

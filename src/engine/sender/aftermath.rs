//! What an outcome means beyond its person: the sender stops or slows, the blast pauses, somebody is never messaged
//! again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use tokio::sync::Mutex as AsyncMutex;

use super::Parts;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::pace::Pacer;
use crate::domain::retry::ErrorClass;
use crate::provider::Outcome;
use crate::store::claim::Claimed;
use crate::store::suppression::{self, Suppress};
use crate::store::{StoreError, blast, sender};

/// Without a wish of the provider's, a throttled sender holds this long.
const HOLD: TimeDelta = TimeDelta::seconds(10);

/// Watches the outcomes of one sender.
pub(super) struct Aftermath {
    parts: Arc<Parts>,
    pacer: Arc<Mutex<Pacer>>,
    streaks: AsyncMutex<HashMap<BlastId, Streak>>,
}

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

impl Aftermath {
    pub(super) fn new(parts: Arc<Parts>, pacer: Arc<Mutex<Pacer>>) -> Self {
        Self { parts, pacer, streaks: AsyncMutex::default() }
    }

    /// Takes note of an outcome. What cannot be written now is told in the log: the next equal outcome tries again.
    pub(super) async fn of(&self, blast: BlastId, outcome: &Outcome, person: &Claimed) {
        let done = match outcome {
            Outcome::Accepted { .. } => self.streak(blast, None).await,
            Outcome::Unknown { why } => self.streak(blast, Some(("no answer", why))).await,
            Outcome::Rejected { class, code, message, retry_after } => {
                self.not_accepted();
                let wish = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok());
                self.refusal(blast, Refusal { class: *class, code, message, wish }, person).await
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, blast = blast.0, "an outcome's consequence could not be written yet");
        }
    }

    fn not_accepted(&self) {
        if let Ok(mut pacer) = self.pacer.lock() {
            pacer.not_accepted();
        }
    }

    async fn refusal(&self, blast: BlastId, refusal: Refusal<'_>, person: &Claimed) -> Result<(), StoreError> {
        let Refusal { class, code, message, wish } = refusal;
        match class {
            ErrorClass::StopSender => self.stop_sender(code, message).await,
            ErrorClass::PauseBlast => self.pause(blast, message).await,
            ErrorClass::SlowSender => {
                self.hold(wish);
                self.streak(blast, Some((code, message))).await
            }
            ErrorClass::OptOut => self.suppress(person).await,
            ErrorClass::Retry | ErrorClass::FailRecipient => self.streak(blast, Some((code, message))).await,
            ErrorClass::NotNow => Ok(()),
        }
    }

    async fn stop_sender(&self, code: &str, message: &str) -> Result<(), StoreError> {
        if sender::stop(&self.parts.pool, self.parts.desk.id, code, message).await? {
            tracing::warn!(sender = %self.parts.desk.name, code, message, "the sender is stopped until somebody mends it");
            self.parts.news.order(&self.parts.pool, None).await?;
        }
        Ok(())
    }

    async fn pause(&self, id: BlastId, why: &str) -> Result<(), StoreError> {
        let mut tx = self.parts.pool.begin().await?;
        let Some(head) = blast::head(&mut tx, id).await? else { return Ok(()) };
        if head.state != BlastState::Sending {
            return Ok(());
        }
        let change = blast::Change { state: BlastState::Paused, reason: Some(why), by: "engine" };
        blast::change(&mut tx, id, head.version, change).await?;
        tx.commit().await?;
        tracing::warn!(blast = id.0, why, "paused");
        self.parts.news.order(&self.parts.pool, Some(id)).await
    }

    fn hold(&self, wish: Option<TimeDelta>) {
        let speed = self.parts.desk.limits.speed;
        let default = HOLD.to_std().ok().and_then(|hold| TimeDelta::from_std(speed.shrink(hold)).ok());
        let until = self.parts.clock.now() + wish.or(default).unwrap_or(HOLD);
        if let Ok(mut pacer) = self.pacer.lock() {
            pacer.hold(until);
        }
    }

    async fn suppress(&self, person: &Claimed) -> Result<(), StoreError> {
        let mut connection = self.parts.pool.acquire().await?;
        let suppress = Suppress {
            business: &self.parts.desk.business,
            phone: &person.phone_number,
            reason: Some("the provider says that they opted out"),
            source: "provider",
            by: "engine",
        };
        suppression::add(&mut connection, suppress).await?;
        Ok(())
    }

    /// Counts equal failures in a row; a success ends the row. The lock keeps the order of outcomes.
    async fn streak(&self, id: BlastId, failure: Option<(&str, &str)>) -> Result<(), StoreError> {
        let mut streaks = self.streaks.lock().await;
        let before = match streaks.get(&id) {
            Some(streak) => streak.clone(),
            None => self.remembered(id).await?,
        };
        let after = match failure {
            None => Streak::default(),
            Some((code, _)) if code == before.code => Streak { length: before.length + 1, ..before.clone() },
            Some((code, _)) => Streak { code: code.to_owned(), length: 1 },
        };
        streaks.insert(id, after.clone());
        if after.length == before.length && after.code == before.code {
            return Ok(());
        }
        let row = (after.length > 0).then_some((after.code.as_str(), after.length));
        blast::set_streak(&self.parts.pool, id, row).await?;
        if let Some((_, why)) = failure
            && after.length >= self.parts.failures_in_a_row
        {
            streaks.insert(id, Streak::default());
            blast::set_streak(&self.parts.pool, id, None).await?;
            self.pause(id, &format!("{} equal failures in a row: {why}", after.length)).await?;
        }
        Ok(())
    }

    async fn remembered(&self, id: BlastId) -> Result<Streak, StoreError> {
        let stored = blast::streak(&self.parts.pool, id).await?;
        Ok(stored.map_or_else(Streak::default, |(code, length)| Streak { code, length }))
    }
}

//! What is known of a sender's health while its plan is made, of a provider that says nothing of its templates.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::timeout;

use super::{App, AppError};
use crate::domain::ids::BlastId;
use crate::domain::text::span_words;
use crate::engine::ConfiguredSender;
use crate::provider::{Health, HealthVerdict};
use crate::store::view::senders;

/// A gateway that does not answer holds a plan up no longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Clocks that are nearer than this are right: a reading over a network is not more exact.
const CLOCK_EXACT: TimeDelta = TimeDelta::seconds(2);

/// Said of a number of Meta's whose webhooks are not accepted.
const UNHEARD: &str = "no app_secret on this machine: unless another one takes its webhooks, who received, read, replied or wrote \
                       STOP stays unknown (docs/META.md, Webhooks)";

/// A sender's health, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownHealth {
    pub sender: String,
    /// What its provider said, and when; `None`: it was not asked, or did not answer in time.
    pub check: Option<HealthCheck>,
    /// When the last message was accepted.
    pub last_sent: Option<DateTime<Utc>>,
    /// How far the database's clock is ahead of this machine's; `None` where that could not be read.
    pub skew: Option<TimeDelta>,
}

/// What a provider said of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// `device 5850 paired, named Kedai`.
    pub detail: String,
    pub is_good: bool,
    pub at: DateTime<Utc>,
}

impl KnownHealth {
    /// What speaks against sending now, though its provider may take messages all the same; `None` where nothing does.
    pub fn doubt(&self) -> Option<String> {
        let check = self.check.as_ref().filter(|check| !check.is_good)?;
        Some(format!("Sender {}: {}. Send all the same?", self.sender, check.detail))
    }

    /// `clock is right`.
    pub fn clock_words(&self) -> String {
        match self.skew {
            None => "clock not checked".to_owned(),
            Some(skew) if skew.abs() < CLOCK_EXACT => "clock is right".to_owned(),
            Some(skew) => skew_words(skew),
        }
    }
}

/// What is said of a database's clock that is so far ahead of this machine's: `this machine's clock is 3 min behind the database's`.
pub fn skew_words(skew: TimeDelta) -> String {
    let side = match skew.num_seconds() {
        0 => return "this machine's clock agrees with the database's".to_owned(),
        1.. => "behind",
        _ => "ahead of",
    };
    format!("this machine's clock is {} {side} the database's", span_words(skew.abs()))
}

impl App {
    /// Of a sender at Meta whose webhooks nothing here accepts: what that means.
    pub(super) fn unheard(&self, sender: &str) -> Option<String> {
        let meta = self.config().sender(sender)?.meta.as_ref()?;
        meta.app_secret.is_none().then(|| UNHEARD.to_owned())
    }

    /// Of a sender whose provider has no templates to say something of; one that is not configured here is not asked.
    pub(super) async fn sender_health(&self, id: BlastId) -> Result<Option<KnownHealth>, AppError> {
        let blast = self.blast_row(id).await?;
        let configured = self.sender(blast.sender_id).filter(|_| !blast.state.is_over());
        let Some(configured) = configured.filter(|sender| sender.meta.is_none()) else { return Ok(None) };
        let (check, last_sent, skew) = tokio::join!(
            self.check_now(configured),
            senders::last_accepted(self.pool(), blast.sender_id),
            self.clock_skew()
        );
        Ok(Some(KnownHealth { sender: blast.sender, check, last_sent: last_sent?, skew: skew.ok() }))
    }

    async fn check_now(&self, sender: &ConfiguredSender) -> Option<HealthCheck> {
        let Health { verdict, detail } = timeout(PATIENCE, sender.provider.health()).await.ok()?;
        Some(HealthCheck { detail, is_good: verdict == HealthVerdict::Good, at: self.engine().clock.now() })
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{KnownHealth, skew_words};

    #[test]
    fn a_clock_that_is_off_is_said_to_be_and_by_how_much() {
        let says = |skew| KnownHealth { sender: String::new(), check: None, last_sent: None, skew }.clock_words();

        assert_eq!(says(Some(TimeDelta::milliseconds(-400))), "clock is right");
        assert_eq!(says(Some(TimeDelta::seconds(42))), "this machine's clock is 42 s behind the database's");
        assert_eq!(says(Some(TimeDelta::seconds(-42))), "this machine's clock is 42 s ahead of the database's");
        assert_eq!(skew_words(TimeDelta::milliseconds(-400)), "this machine's clock agrees with the database's");
        assert_eq!(says(None), "clock not checked");
    }
}

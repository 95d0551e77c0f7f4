//! A sender whose stop was lifted goes on: reported only once an engine holds it whose token its provider takes.

use tokio::time::{Instant, sleep, timeout};

use super::super::view::{BlastView, token_mend};
use super::super::{App, AppError};
use super::{Engines, Handover, PATIENCE, POLL_EVERY};
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::waiting::Waiting;
use crate::provider::{Health, HealthVerdict};
use crate::store::sender;
use crate::store::view::senders::{self, LeaseHolder};

/// This process's own token for a sender.
struct TestedToken {
    fingerprint: String,
    /// What its provider says of it.
    health: Health,
}

impl TestedToken {
    fn is_refused(&self) -> bool {
        self.health.verdict == HealthVerdict::TokenRefused
    }
}

impl App {
    /// Asked before the stop of a blast's sender is lifted on somebody's word.
    ///
    /// # Errors
    /// The stop is for the token that this process has, and its provider still refuses it.
    pub(in crate::app) async fn refuse_bad_token(&self, blast: BlastId) -> Result<(), AppError> {
        let refused = sender::refused_tokens(self.pool()).await?;
        if refused.is_empty() {
            return Ok(());
        }
        let id = self.blast_row(blast).await?.sender_id;
        let Some(refused) = refused.into_iter().find(|refused| refused.sender == id && refused.is_stopped) else {
            return Ok(());
        };
        let Some(own) = self.sender(id).filter(|own| own.token.fingerprint() == refused.token) else { return Ok(()) };
        let Some(config) = self.config().sender(&own.name).filter(|config| !own.has_newer_token(config)) else {
            return Ok(());
        };
        if self.own_token(id).await.is_some_and(|own| own.is_refused()) {
            let (name, mend) = (&own.name, token_mend(&config.token));
            return Err(AppError::Refused(format!("the provider still refuses the token of sender {name}: {mend}")));
        }
        Ok(())
    }

    /// Waits, as long as [`App::hand_over`] does, until a live engine in another process holds the blast's sender and its token
    /// works, or nothing is left to send. A token works if it is this process's own and its provider does not refuse that, or if
    /// a message was accepted with it. Returns what is missing, as a sentence. Starts a standby if `may_start`.
    pub async fn until_resumed(&self, blast: &BlastView, may_start: bool) -> Result<Result<(), String>, AppError> {
        let began = Instant::now();
        let first = self.lease_holders(&[blast]).await?;
        let mut watch = match self.handover(Engines::Others, first) {
            Ok(watch) => watch,
            Err(missing) => return Ok(Err(missing)),
        };
        let own = self.own_token(blast.sender_id).await;
        let is_refused = own.as_ref().is_some_and(TestedToken::is_refused);
        loop {
            // A standby of another shell, whose token may be the right one, is not replaced by one whose token is not.
            if may_start && (!is_refused || !watch.standby.is_running().unwrap_or(true)) {
                watch.ensure();
            }
            let held = senders::lease_holder(self.pool(), blast.sender_id).await?;
            if self.is_resumed(blast, &watch, held.as_ref(), own.as_ref()).await? {
                return Ok(Ok(()));
            }
            if began.elapsed() >= self.patience(held.is_some()) {
                return Ok(Err(self.missing_to_resume(blast, &watch, held.as_ref(), own.as_ref()).await?));
            }
            sleep(POLL_EVERY).await;
        }
    }

    async fn own_token(&self, sender: SenderId) -> Option<TestedToken> {
        let sender = self.sender(sender)?;
        let health = timeout(PATIENCE / 2, sender.provider.health()).await.unwrap_or_else(|_| Health {
            verdict: HealthVerdict::Bad,
            detail: "its provider does not answer".to_owned(),
        });
        Some(TestedToken { fingerprint: sender.token.fingerprint().to_owned(), health })
    }

    async fn is_resumed(
        &self,
        blast: &BlastView,
        watch: &Handover,
        held: Option<&LeaseHolder>,
        own: Option<&TestedToken>,
    ) -> Result<bool, AppError> {
        if self.has_nothing_to_send(blast).await? {
            return Ok(true);
        }
        let Some(held) = held.filter(|held| watch.is_convinced_by(blast.sender_id, Some(held), self.holder())) else {
            return Ok(false);
        };
        let is_ours = |own: &TestedToken| held.token.as_ref() == Some(&own.fingerprint);
        let is_good = own.is_some_and(|own| is_ours(own) && !own.is_refused());
        let works = is_good || senders::has_accepted(self.pool(), blast.sender_id, held.epoch).await?;
        Ok(works && !senders::is_stopped(self.pool(), blast.sender_id).await?)
    }

    async fn missing_to_resume(
        &self,
        blast: &BlastView,
        watch: &Handover,
        held: Option<&LeaseHolder>,
        own: Option<&TestedToken>,
    ) -> Result<String, AppError> {
        let row = self.senders().await?.into_iter().find(|row| row.id == blast.sender_id);
        if row.as_ref().is_some_and(|row| row.stopped.is_some()) {
            return self.missing(blast, watch).await;
        }
        let bad = own.filter(|own| own.health.verdict.is_bad()).map(|own| &own.health.detail);
        let bad = bad.map_or_else(String::new, |detail| format!("; of this shell's token its provider says: {detail}"));
        if let Some(held) = held {
            let role = held.engine.as_deref().and_then(EngineRole::from_word).unwrap_or(EngineRole::Engine);
            let place = format!("{role} on {}", held.host.as_deref().unwrap_or_default());
            return Ok(format!("{place} holds it, and whether its token works shows with its next message{bad}"));
        }
        match row.and_then(|row| row.waiting) {
            Some(Waiting::TokenRefused { process, .. }) => {
                Ok(format!("the provider refused the token of {process}{bad}"))
            }
            _ => Ok(format!("{}{bad}", self.missing(blast, watch).await?)),
        }
    }
}

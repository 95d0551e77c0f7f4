//! A sender goes on by somebody's word: what that comes to, and that it is still for the people who were shown.

use sqlx::PgConnection;

use super::super::launching::Counted;
use super::super::{App, AppError};
use crate::domain::ids::SenderId;
use crate::domain::sender::StopCode;
use crate::engine::{FenceRefusal, ForgottenCheck, SenderKey, ask_to_confirm_again};
use crate::provider::asks_to_slow_down;
use crate::store::fence::{self, Confirmed, Server};
use crate::store::{DbTransaction, lease, reply, sender};

/// What confirming a sender would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmProspect {
    /// Queued in blasts that were launched: they get their message once it is confirmed.
    pub queued: i64,
    /// The same as the database has it until then: a confirmation is refused once these are more.
    pub queued_before: i64,
    /// Whom this machine posted to before, which the database has forgotten: they become uncertain.
    pub uncertain: i64,
}

impl App {
    /// Resumes a sender on an operator's word, whatever stopped it and however long its provider asked it to wait. Returns what
    /// is known of the people whom this machine posted to before the database went back in time. Where somebody confirmed a number of
    /// people, it is refused once more of them are queued.
    pub async fn confirm_sender(
        &self,
        name: &str,
        forgotten: ForgottenCheck,
        shown: Option<i64>,
    ) -> Result<Confirmed, AppError> {
        let key = self.confirmable(name).await?;
        let id = key.id;
        // Before the transaction, which a question that its server refuses would end.
        let server = fence::server(self.pool()).await?;
        let mut tx = self.begin().await?;
        // The lease before the sender, as engines lock them.
        lease::lock(&mut tx, id).await?;
        let lifted = self.lift(&mut tx, name, id).await?;
        if let Some(shown) = shown {
            // Before this machine's memory is changed, which no rollback takes back.
            let (queued, _) = sender::queued_and_in_flight(&mut tx, id).await?;
            Counted::AtMost.check(queued, shown)?;
        }
        let confirmed = if lifted == Some(StopCode::Restored) {
            let confirmed = self.confirm_restored(&mut tx, (key, forgotten, &server)).await?;
            // Whoever takes over from the dump's engine says so of whom that had in flight.
            let (_, in_flight) = sender::queued_and_in_flight(&mut tx, id).await?;
            reply::decide_all(&mut tx, id).await?;
            Confirmed { uncertain: confirmed.uncertain + in_flight, ..confirmed }
        } else {
            Confirmed::default()
        };
        tx.commit().await?;
        let _ = self.engine().notifier.order(self.pool(), None).await;
        Ok(confirmed)
    }

    /// What that would come to. Changes nothing.
    ///
    /// # Errors
    /// Why it would be refused.
    pub async fn confirm_prospect(&self, name: &str) -> Result<ConfirmProspect, AppError> {
        let key = self.confirmable(name).await?;
        let id = key.id;
        let server = fence::server(self.pool()).await?;
        let mut tx = self.begin().await?;
        lease::lock(&mut tx, id).await?;
        let mut uncertain = 0;
        let is_restored = self.lift(&mut tx, name, id).await? == Some(StopCode::Restored);
        let (queued_before, _) = sender::queued_and_in_flight(&mut tx, id).await?;
        if is_restored {
            uncertain = self.engine().fence.doubt(&server, &mut tx, key).await.map_err(unconfirmable)?.uncertain;
        }
        let (queued, in_flight) = sender::queued_and_in_flight(&mut tx, id).await?;
        tx.rollback().await?;
        // Nobody knows what came of a dump's people in flight: whoever takes over from their engine says so.
        let uncertain = if is_restored { uncertain + in_flight } else { uncertain };
        Ok(ConfirmProspect { queued, queued_before, uncertain })
    }

    /// A sender of this name, of which nothing is to be confirmed that nobody has read.
    async fn confirmable<'a>(&'a self, name: &str) -> Result<SenderKey<'a>, AppError> {
        let no_sender = || AppError::NotFound(self.no_sender(name));
        let sender = self.config().sender(name).ok_or_else(no_sender)?;
        let id = sender::id(self.pool(), &sender.name).await?.ok_or_else(no_sender)?;
        if let Some(damage) = ask_to_confirm_again(self.engine(), id, &sender.name).await? {
            let again = "nothing was confirmed: if everybody queued may get it, then confirm again on this machine";
            return Err(AppError::Refused(format!("{damage}; {again}")));
        }
        Ok(SenderKey { id, name: &sender.name })
    }

    /// Lifts a sender's stop and the wait that its provider asked for. Refused where there is neither.
    async fn lift(&self, tx: &mut DbTransaction, name: &str, id: SenderId) -> Result<Option<StopCode>, AppError> {
        let sender = self.config().sender(name).ok_or_else(|| AppError::NotFound(self.no_sender(name)))?;
        let mut codes = sender::waiting_codes(tx, id).await?;
        // Whoever waits for a reason of their own goes on waiting: their code says how long.
        codes.retain(|code| asks_to_slow_down(sender.provider, code));
        let was_held = sender::lift_hold(tx, id, &codes).await?;
        let stopped = sender::unstop(tx, id, self.operator()).await?;
        if stopped.is_none() && !was_held {
            let name = &sender.name;
            return Err(AppError::Refused(format!(
                "sender {name} is not stopped, nor held by its provider; after a restore an engine has to take it first, and takes \
                 none whose blasts are paused: start one, resume a blast, then confirm once it asks"
            )));
        }
        Ok(stopped)
    }

    /// On an operator's word that a restored database may send.
    async fn confirm_restored(
        &self,
        tx: &mut PgConnection,
        (sender, forgotten, server): (SenderKey<'_>, ForgottenCheck, &Server),
    ) -> Result<Confirmed, AppError> {
        self.engine().fence.confirm(server, tx, (sender, forgotten)).await.map_err(unconfirmable)
    }
}

fn unconfirmable(why: FenceRefusal) -> AppError {
    match why {
        FenceRefusal::Store(error) => error.into(),
        why @ FenceRefusal::Unrecognized(_) => AppError::Refused(format!(
            "{why}; where that is lost for good, `blastdeck sender confirm` with --without-key goes on, and they may get messages"
        )),
        FenceRefusal::Memory(why) if why.is_for_want_of_room() => {
            AppError::Refused(format!("{why}: make room on that disk, then confirm again"))
        }
        why => AppError::Refused(format!("{why}: make it writable, then confirm again")),
    }
}

//! A sender that an error stopped is let go on, and stopped again while nothing has been sent since.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::commands::{name, unstop};
use super::error::unread_after;
use super::launching::{Counted, Launch};
use super::undo::UndoOutcome;
use super::view::BlastView;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::sender::StopCode;
use crate::store::action::{self, LoggedAction};
use crate::store::blast::{self, BlastHead, DueStart};
use crate::store::{DbTransaction, sender};

/// What stopped a sender that was let go on, as it is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiftedStop {
    code: StopCode,
    why: String,
    /// What was scheduled, and was started with the others since its time had come.
    #[serde(default)]
    started: Vec<DueStart>,
}

impl LiftedStop {
    /// Of an act that let a stopped sender go on.
    pub fn of(act: &LoggedAction) -> Option<Self> {
        serde_json::from_value(act.detail.get("stop")?.clone()).ok()
    }
}

impl App {
    /// How many people are queued in all that was launched of a sender, or whose time has come: they get their message once its stop
    /// is lifted.
    pub async fn queued_for(&self, sender: SenderId) -> Result<i64, AppError> {
        let mut connection = self.pool().acquire().await?;
        let (queued, _) = sender::queued_and_in_flight(&mut connection, sender).await?;
        Ok(queued)
    }

    /// Why a sender is stopped, if it is, also where this configuration has it not.
    pub async fn stop_of(&self, sender: SenderId) -> Result<Option<String>, AppError> {
        Ok(sender::stopped(self.pool(), sender).await?)
    }

    /// Resumes the stopped sender of a blast that was not paused itself: whoever resumes confirms that the error is fixed. All that
    /// was launched of it goes on once `armed_for` of the launch has passed, whose number is that of all of them.
    pub(super) async fn resume_sender(
        &self,
        mut tx: DbTransaction,
        head: &BlastHead,
        Launch { people, armed_for, .. }: Launch,
    ) -> Result<BlastView, AppError> {
        let stop = sender::stop_of(&mut tx, head.sender_id).await?;
        if !unstop(&mut tx, head, self.operator()).await? {
            return Err(AppError::Refused(self.why_not_resumed(&mut tx, head.id).await?));
        }
        let (queued, _) = sender::queued_and_in_flight(&mut tx, head.sender_id).await?;
        Counted::AtMost.check(queued, people)?;
        let mut started = Vec::new();
        if !armed_for.is_zero() {
            started = blast::start_due(&mut tx, head.sender_id, self.engine().settings.too_late).await?;
            // One act lets all of them go on, which an undo of any of them takes back.
            blast::arm_all(&mut tx, head.sender_id, self.operator(), armed_for).await?;
        }
        let lifted = stop.map(|(code, why)| LiftedStop { code, why, started });
        self.log_blast_act(&mut tx, Act::Resume, head, json!({ "stop": lifted })).await?;
        tx.commit().await?;
        self.notify(head.id).await;
        let done = format!("the sender of {} may go on", name(head));
        self.blast(head.id).await.map_err(unread_after(done))
    }

    /// Stops a sender again that was let go on: nothing has been sent since, of none of the blasts that went on with it. `blast` waits still.
    pub(super) async fn stop_again(
        &self,
        mut tx: DbTransaction,
        (act, blast): (&LoggedAction, BlastId),
        stop: LiftedStop,
    ) -> Result<UndoOutcome, AppError> {
        // With the first of them the lease is locked: none of the others begins meanwhile.
        for one in blast::armed_by(&mut tx, blast, act.at).await? {
            self.require_not_begun(&mut tx, one).await?;
        }
        let head = self.require_not_begun(&mut tx, blast).await?;
        sender::stop_by(&mut *tx, head.sender_id, (&stop.code, &stop.why), self.operator()).await?;
        for started in &stop.started {
            blast::set_due_back(&mut tx, started, &head).await?;
        }
        blast::disarm_all(&mut tx, &head).await?;
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        tx.commit().await?;
        self.notify(blast).await;
        let done = format!("the sender of {} is stopped again, and nothing was sent", name(&head));
        let name = self.blast(blast).await.map_err(unread_after(done))?.sender;
        Ok(UndoOutcome {
            recipients: Vec::new(),
            sentence: format!("sender {name} is stopped again: nothing was sent"),
            still_suppressed: Vec::new(),
            command_lines: vec![format!("blastdeck blast undo {blast}")],
        })
    }
}

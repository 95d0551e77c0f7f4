//! A sender that an error stopped is let go on, and stopped again while nothing has been sent since.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

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
use crate::store::blast::{self, BlastHead, DueStart, FormerStart};
use crate::store::view::senders;
use crate::store::{DbTransaction, lease, sender};

/// What stopped a sender that was let go on, as it is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LiftedStop {
    code: StopCode,
    why: String,
    /// Since when it was stopped; `None` in what was logged before this was.
    #[serde(default)]
    since: Option<DateTime<Utc>>,
    /// What was scheduled, and was started with the others since its time had come.
    #[serde(default)]
    started: Vec<DueStart>,
    /// How all that goes on waited before.
    #[serde(default)]
    armed: Vec<FormerStart>,
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
        let since = sender::stopped_at(&mut tx, head.sender_id).await?;
        if !unstop(&mut tx, head, self.operator()).await? {
            return Err(AppError::Refused(self.why_not_resumed(&mut tx, head.id).await?));
        }
        let (queued, _) = sender::queued_and_in_flight(&mut tx, head.sender_id).await?;
        Counted::AtMost.check(queued, people)?;
        let (mut started, mut armed) = (Vec::new(), Vec::new());
        if !armed_for.is_zero() {
            started = blast::start_due(&mut tx, head.sender_id, self.engine().settings.too_late).await?;
            // One act lets all of them go on, which an undo of any of them takes back.
            armed = blast::arm_all(&mut tx, head.sender_id, self.operator(), armed_for).await?;
        }
        let lifted = stop.map(|(code, why)| LiftedStop { code, why, since, started, armed });
        self.log_blast_act(&mut tx, Act::Resume, head, json!({ "stop": lifted })).await?;
        tx.commit().await?;
        self.notify(head.id).await;
        let done = format!("the sender of {} may go on", name(head));
        self.blast(head.id).await.map_err(unread_after(done))
    }

    /// Stops a sender again that was let go on: nothing of it has been sent since. All that went on with it waits as before, as `blast` does.
    pub(super) async fn stop_again(
        &self,
        mut tx: DbTransaction,
        (act, blast): (&LoggedAction, BlastId),
        stop: LiftedStop,
    ) -> Result<UndoOutcome, AppError> {
        let head = self.require_nothing_sent_since(&mut tx, act, blast).await?;
        sender::stop_again(&mut tx, head.sender_id, (&stop.code, &stop.why), (stop.since, self.operator())).await?;
        for started in &stop.started {
            blast::set_due_back(&mut tx, started, (act.at, self.operator())).await?;
        }
        blast::disarm_all(&mut tx, (head.sender_id, act.at), &stop.armed).await?;
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

    /// The stop would be the sender's, so nothing of it may have been sent since, by whatever was started: nobody is claimed from here on
    /// until the transaction ends, and then the stop stands. The blast that was seen, where one was, else `blast`.
    async fn require_nothing_sent_since(
        &self,
        tx: &mut PgConnection,
        act: &LoggedAction,
        blast: BlastId,
    ) -> Result<BlastHead, AppError> {
        let sender = self.head(tx, blast).await?.sender_id;
        lease::lock(tx, sender).await?;
        if let Some(by) = action::undone_by(tx, act.id).await? {
            return Err(AppError::Refused(format!("{by} took that back already: nothing more was taken back")));
        }
        if senders::is_stopped(&mut *tx, sender).await? {
            let name = self.blast_row_in(&mut *tx, blast).await?.sender;
            return Err(AppError::Refused(format!("sender {name} is stopped already: nothing was taken back")));
        }
        if let Some(by) = action::let_go_on_since(tx, act).await? {
            let sender = self.blast_row_in(&mut *tx, blast).await?.sender;
            let why = format!("{by} let sender {sender} go on since: nothing was taken back");
            return Err(AppError::Refused(why));
        }
        if let Some(begun) = blast::begun_since(tx, (sender, act.at), None).await? {
            let name = match blast::head(tx, begun).await? {
                Some(head) => blast::distinct_name(tx, &head).await?,
                None => format!("blast {begun}"),
            };
            let sender = self.blast_row_in(&mut *tx, blast).await?.sender;
            // Without the keys and commands of the one that has begun: whoever reads them may have asked about another.
            return Err(AppError::Refused(format!(
                "{name} has started: sender {sender} is not stopped again; each of its blasts can be paused"
            )));
        }
        self.locked_as_seen(tx, self.seen.map_or(blast, |(seen, _)| seen)).await
    }
}

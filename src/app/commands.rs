//! Commands on whole blasts: pause, cancel, delete. Each is one compare-and-set, and every engine is notified at once.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::App;
use super::AppError;
use super::error::{broken_off, unread_after};
use super::launching::{AS_PAUSED, Counted, waited_before};
use super::reason;
use super::undo::{early_start, has_armed, put_back_draft};
use super::view::BlastView;
use crate::domain::act::{Act, Actor};
use crate::domain::blast::{BlastCommand, BlastState, blast_name, transition};
use crate::domain::ids::{ActionId, BlastId};
use crate::domain::sender::StopCode;
use crate::domain::text::{number, people_are};
use crate::store::action::{self, NewAction};
use crate::store::blast::{self, BlastHead, StateChange};
use crate::store::clearing::{self, Clearing, ClearingKind};
use crate::store::pause::{self, PauseRecord};
use crate::store::view::{BlastRow, senders};
use crate::store::{self, DbTransaction, StoreError};
use crate::store::{answered, lease, plan, sender};

/// A claim may begin as soon as the time is over: within the last half second it may be too late.
const CLAIMED_WITHIN: TimeDelta = TimeDelta::milliseconds(500);

impl App {
    /// Pauses at once: no POST starts once the engine is notified; until then, at most one more message may go out.
    pub async fn pause(&self, id: BlastId) -> Result<BlastView, AppError> {
        let mut tx = self.begin().await?;
        let head = self.change_in(&mut tx, id, BlastCommand::Pause, None).await?;
        self.put_back_pause(&mut tx, &head, PausedBy::Operator).await?;
        self.put_back_hours(&mut tx, &head).await?;
        let soon = store::moment(&mut *tx).await? + CLAIMED_WITHIN;
        if head.send_after.is_some_and(|after| after > soon) && early_start(&mut tx, &head).await?.is_some() {
            blast::keep_its_time(&mut tx, id).await?;
        }
        if head.state == BlastState::Sending && !plan::has_people_left(&mut tx, id).await? {
            return Err(AppError::Refused(format!("{}: nobody is left to send to", name(&head))));
        }
        self.log_blast_act(&mut tx, Act::Pause, &head, json!({})).await?;
        tx.commit().await?;
        self.notify(id).await;
        self.blast(id).await.map_err(unread_after(format!("{} is paused", name(&head))))
    }

    /// Stops for good, at once; people who are still queued are left out. Returns how many. If this is interrupted, an engine
    /// or the same command finishes it.
    pub async fn cancel(&self, id: BlastId) -> Result<i64, AppError> {
        self.cancel_counted(id, None).await
    }

    /// The same for whoever was shown how many are queued, in a blast of which nobody is sent to meanwhile: refused
    /// ([`AppError::QueuedChanged`]) where these are not as many any more.
    pub async fn cancel_as_shown(&self, id: BlastId, queued: i64) -> Result<i64, AppError> {
        self.cancel_counted(id, Some((Counted::Exactly, queued))).await
    }

    /// The same while it may be sent, so that fewer are queued each moment: refused where these are more.
    pub async fn cancel_at_most(&self, id: BlastId, queued: i64) -> Result<i64, AppError> {
        self.cancel_counted(id, Some((Counted::AtMost, queued))).await
    }

    async fn cancel_counted(&self, id: BlastId, shown: Option<(Counted, i64)>) -> Result<i64, AppError> {
        if !self.is_cancelling(id).await? {
            self.mark_cancelled(id, shown).await?;
        }
        let clearing = Clearing { blast: id, kind: ClearingKind::LeaveOut };
        let done = "it is cancelled, and nobody else in it gets a message";
        let left_out = clearing.finish(self.pool()).await.map_err(broken_off(done))?;
        self.notify(id).await;
        Ok(left_out)
    }

    /// Whether a blast was cancelled while people in it are still queued.
    pub async fn is_cancelling(&self, id: BlastId) -> Result<bool, AppError> {
        Ok(clearing::unfinished_of(self.pool(), id).await?.is_some_and(|left| left.kind == ClearingKind::LeaveOut))
    }

    /// Drafts whose people are found in this blast: deleted, it would leave them empty.
    pub async fn drafts_that_follow(&self, id: BlastId) -> Result<Vec<BlastId>, AppError> {
        Ok(answered::drafts_that_follow(self.pool(), id).await?)
    }

    /// Removes a draft or a finished blast, with the answers to its people: it is invisible at once, then its people go. If this is interrupted, an engine or
    /// the same command finishes it.
    pub async fn delete(&self, id: BlastId) -> Result<(), AppError> {
        if !self.is_deleting(id).await? {
            self.mark_deleted(id).await?;
        }
        self.remove_deleted(id).await.map_err(broken_off("it is deleted"))
    }

    async fn remove_deleted(&self, id: BlastId) -> Result<(), StoreError> {
        for blast in clearing::deleted_answers(self.pool(), id).await?.into_iter().chain([id]) {
            Clearing { blast, kind: ClearingKind::Remove }.finish(self.pool()).await?;
        }
        Ok(())
    }

    /// Whether a blast was deleted while rows of its people are left.
    pub async fn is_deleting(&self, id: BlastId) -> Result<bool, AppError> {
        Ok(clearing::unfinished_of(self.pool(), id).await?.is_some_and(|left| left.kind == ClearingKind::Remove))
    }

    async fn mark_deleted(&self, id: BlastId) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        // Whoever makes a follow-up of it holds the row, too: none that is not seen yet is made beside this.
        let head = self.locked_as_seen(&mut tx, id).await?;
        transition(head.state, BlastCommand::Delete).map_err(|refused| AppError::Refused(refused.to_string()))?;
        if let Some(follow_up) = answered::follow_up_under_way(&mut tx, id).await? {
            let is_visible = !self.visible_blasts(&mut tx, BTreeSet::from([follow_up])).await?.is_empty();
            let (which, mend) = if is_visible {
                (format!("blast {follow_up}"), "cancel or delete that one first, or wait for its end")
            } else {
                ("a blast of another sender".to_owned(), "wait for its end")
            };
            return Err(AppError::Refused(format!(
                "{which} follows it and is not over: without this one nobody could tell who of its people replied meanwhile; {mend}"
            )));
        }
        require_unraced(clearing::mark_deleted(&mut tx, id, head.version).await?)?;
        self.log_blast_act(
            &mut tx,
            Act::Delete,
            &head,
            json!({ "tag": head.blast_tag, "stage": head.follow_up_stage, "state": head.state.word() }),
        )
        .await?;
        tx.commit().await?;
        self.notify(id).await;
        Ok(())
    }

    /// Undoes an armed launch, or a start at a set time, of a time `since`: a blast that was never begun becomes a draft again; any other,
    /// and one that was resumed, is paused. Refused once its time has come, and where something of it was sent since, though a later act
    /// has it wait now: of what that act armed, this one has begun.
    pub(super) async fn disarm(
        &self,
        tx: &mut DbTransaction,
        (id, since): (BlastId, DateTime<Utc>),
    ) -> Result<(BlastHead, BlastState), AppError> {
        let head = self.require_not_begun(tx, id).await?;
        if blast::begun_since(tx, (head.sender_id, since), Some(id)).await?.is_some() {
            return Err(self.begun(tx, &head).await?);
        }
        let was_resumed = action::newest_launch(tx, id).await?.is_some_and(|act| act.action == Act::Resume);
        let begun = was_resumed || blast::was_begun(tx, id).await?;
        let command = if begun { BlastCommand::Pause } else { BlastCommand::Disarm };
        let head = self.change_in(tx, id, command, None).await?;
        if begun {
            self.put_back_pause(tx, &head, PausedBy::Earlier).await?;
            return Ok((head, BlastState::Paused));
        }
        put_back_draft(tx, head.id, self.operator()).await?;
        Ok((head, BlastState::Draft))
    }

    /// A blast that starts later, and cannot begin before this transaction ends. Refused once its time has come.
    pub(super) async fn require_not_begun(&self, tx: &mut PgConnection, id: BlastId) -> Result<BlastHead, AppError> {
        let before = self.head(tx, id).await?;
        // The lease before the row, as claims have it.
        self.refuse_begun(tx, &before).await?;
        let head = self.locked_as_seen(tx, id).await?;
        // Whoever had the row until now may have given it another pace, or paused it.
        if head.version != before.version {
            self.refuse_begun(tx, &head).await?;
        }
        Ok(head)
    }

    async fn refuse_begun(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<(), AppError> {
        if !self.has_begun(tx, head).await? && head.state.is_under_way() {
            return Ok(());
        }
        Err(self.begun(tx, head).await?)
    }

    /// That it is too late to take the start of a blast back, and what stops it.
    async fn begun(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<AppError, AppError> {
        let why = match head.state {
            BlastState::Sending if plan::has_people_left(tx, head.id).await? => {
                "has started: ⟨p⟩ pauses it, then ⟨X⟩ cancels the rest".to_owned()
            }
            BlastState::Sending => "has started, and nobody in it is left to send to".to_owned(),
            _ => format!("is {} now", head.state_in_words()),
        };
        let name = blast::distinct_name(tx, head).await?;
        Ok(AppError::Refused(format!("{name} {why}")))
    }

    /// Whether it is too late to stop a blast that was launched: true until this transaction ends, for which claims wait.
    pub(super) async fn has_begun(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<bool, AppError> {
        lease::lock(tx, head.sender_id).await?;
        let too_late = store::moment(&mut *tx).await? + CLAIMED_WITHIN;
        let is_over = head.send_after.is_none_or(|after| after <= too_late);
        // While its engine could not reach the database, nothing began when the time was over; nor did what is scheduled still.
        Ok(is_over
            && head.state != BlastState::Scheduled
            && match head.armed_at {
                Some(_) => blast::has_begun_since_armed(tx, head.id).await?,
                None => !self.waits_unbegun(tx, head).await?,
            })
    }

    /// Whether a blast that was started without time to take that back waits for its hours, its sender, the next day of that one's cap or the
    /// times of its people, or has just come to its own time, and nobody of it was sent to yet, or since it was resumed: any other begins at once.
    async fn waits_unbegun(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<bool, AppError> {
        let row = self.blast_row_in(&mut *tx, head.id).await?;
        if head.is_test() || was_begun_since_start(tx, head, &row).await? {
            return Ok(false);
        }
        // Its time may have come while its engine did not reach the database, which then gives whoever scheduled it time to take that back.
        let is_by_its_time = head.scheduled_for.is_some() && head.scheduled_for == head.send_after;
        if is_by_its_time || senders::is_stopped(&mut *tx, head.sender_id).await? {
            return Ok(true);
        }
        let now = store::moment(&mut *tx).await?;
        // Of hours and times by everybody's own clock somebody's may have come.
        let is_nobody_due = reason::next_due(&row).and_then(|waiting| waiting.until()).is_some_and(|due| due > now);
        let is_closed = reason::is_closed_at(&row, self.known_zone_by(row.sender_id, &row.limits), now);
        Ok(is_nobody_due || is_closed || self.is_cap_used_up(tx, head.sender_id).await?)
    }

    /// The same app for a command on this version of a blast. Pausing, cancelling, deleting, retrying, undoing and sending one message of
    /// it to oneself are refused ([`AppError::Changed`]) where somebody changed it since.
    #[must_use]
    pub fn at_version(&self, blast: BlastId, version: i64) -> Self {
        Self { seen: Some((blast, version)), ..self.clone() }
    }

    /// Of a blast that cannot change before the transaction ends, or is changed only where it has this version still.
    fn require_seen(&self, head: &BlastHead) -> Result<(), AppError> {
        self.require_seen_version(head.id, head.version)
    }

    /// Of a version of a blast that was just read.
    pub(super) fn require_seen_version(&self, id: BlastId, read: i64) -> Result<(), AppError> {
        require_unraced(self.seen.is_none_or(|(blast, version)| blast != id || version == read))
    }

    /// A blast that nobody else changes until the transaction ends. Refused where it has another version than was seen.
    pub(super) async fn locked_as_seen(&self, tx: &mut PgConnection, id: BlastId) -> Result<BlastHead, AppError> {
        let head = blast::locked_head(tx, id).await?.ok_or_else(|| no_blast(id))?;
        self.refuse_other_sender(id, head.sender_id)?;
        self.require_seen(&head)?;
        Ok(head)
    }

    async fn mark_cancelled(&self, id: BlastId, shown: Option<(Counted, i64)>) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let head = self.change_in(&mut tx, id, BlastCommand::Cancel, Some("cancelled")).await?;
        if let Some((counted, shown)) = shown {
            // Counted under the blast's lock: whoever queues people again waits for it.
            let queued = self.blast_row_in(&mut *tx, id).await?.counts.queued;
            if !counted.allows(queued, shown) {
                let sentence = format!("{} queued now, not {}", people_are(queued), number(shown));
                return Err(AppError::QueuedChanged(sentence));
            }
        }
        self.log_blast_act(&mut tx, Act::Cancel, &head, json!({})).await?;
        tx.commit().await?;
        self.notify(id).await;
        Ok(())
    }

    pub(super) async fn change_in(
        &self,
        tx: &mut PgConnection,
        id: BlastId,
        command: BlastCommand,
        reason: Option<&str>,
    ) -> Result<BlastHead, AppError> {
        let head = self.locked_as_seen(tx, id).await?;
        let state = transition(head.state, command).map_err(|refused| AppError::Refused(refused.to_string()))?;
        let change = StateChange { state, reason, by: self.operator() };
        require_unraced(blast::change(tx, id, head.version, change).await?)?;
        Ok(head)
    }

    /// A blast that was resumed, and is paused again before anything was sent, is paused for the reason that it was paused for: by an operator
    /// while it counts down, and whenever the resume is taken back, also while it waits for its hours or the next day. Once something was
    /// sent since, whatever has it wait now, that pause is history.
    async fn put_back_pause(&self, tx: &mut PgConnection, head: &BlastHead, by: PausedBy) -> Result<(), AppError> {
        let now = store::moment(&mut *tx).await?;
        let counts_down = head.send_after.is_some_and(|after| after > now);
        if by == PausedBy::Operator && !counts_down {
            return Ok(());
        }
        let newest = action::newest_launch(tx, head.id).await?;
        let Some(resumed) = newest.filter(|act| act.action == Act::Resume) else { return Ok(()) };
        let since = (head.sender_id, resumed.at);
        let is_unbegun = counts_down && has_armed(&resumed, head);
        if !is_unbegun && blast::begun_since(tx, since, Some(head.id)).await?.is_some() {
            return Ok(());
        }
        if let Some(mut paused) = waited_before(&resumed, AS_PAUSED) {
            let PauseRecord { state_by, .. } = &mut paused;
            if by == PausedBy::Operator && state_by.as_deref().is_some_and(|by| by != Actor::ENGINE) {
                *state_by = Some(self.operator().to_owned());
            }
            pause::put_back(tx, head.id, &paused).await?;
        }
        Ok(())
    }

    /// What people call a blast, as lists do: with its number where another one is called the same.
    pub async fn distinct_name(&self, id: BlastId) -> Result<String, AppError> {
        let mut connection = self.pool().acquire().await?;
        let head = self.head(&mut connection, id).await?;
        Ok(blast::distinct_name(&mut connection, &head).await?)
    }

    pub(super) async fn head(&self, tx: &mut PgConnection, id: BlastId) -> Result<BlastHead, AppError> {
        let head = blast::head(tx, id).await?.ok_or_else(|| no_blast(id))?;
        self.refuse_other_sender(id, head.sender_id)?;
        Ok(head)
    }

    pub(super) async fn log_blast_act(
        &self,
        tx: &mut PgConnection,
        act: Act,
        head: &BlastHead,
        detail: serde_json::Value,
    ) -> Result<ActionId, AppError> {
        let action = NewAction {
            operator: self.acting_operator(),
            action: act,
            blast: Some(head.id),
            recipient: None,
            phone: None,
            detail,
        };
        Ok(action::log(tx, action).await?)
    }

    /// Notifies everybody at once. The change is durable already: after a failure here others see it at their next poll.
    pub(super) async fn notify(&self, id: BlastId) {
        if let Err(error) = self.engine().notifier.order(self.pool(), Some(id)).await {
            tracing::debug!(%error, "others will see it at their next poll");
        }
    }
}

/// Whether anything of a blast was tried, or since its resume: what was sent before that is not taken back with it. The times of what repeats
/// are blasts of their own.
async fn was_begun_since_start(tx: &mut PgConnection, head: &BlastHead, row: &BlastRow) -> Result<bool, AppError> {
    let newest = action::newest_launch(&mut *tx, head.id).await?;
    match newest.filter(|act| act.action == Act::Resume && row.origin.repeat.rule.is_none()) {
        Some(resumed) => Ok(blast::begun_since(tx, (head.sender_id, resumed.at), Some(head.id)).await?.is_some()),
        None => Ok(blast::was_begun(tx, head.id).await?),
    }
}

pub(super) fn name(head: &BlastHead) -> String {
    blast_name(&head.blast_tag, &head.follow_up_stage)
}

/// There is no such blast.
pub(super) fn no_blast(id: BlastId) -> AppError {
    AppError::NotFound(format!("there is no blast {id}: see `blastdeck blast list`"))
}

/// Refused where a compare-and-set changed nothing: somebody was first.
pub(super) fn require_unraced(done: bool) -> Result<(), AppError> {
    if done { Ok(()) } else { Err(AppError::Changed) }
}

/// Resumes a stopped sender on an operator's word that the error is fixed. Refused where its database was found to have gone back
/// in time a moment ago: that is confirmed for itself.
pub(super) async fn unstop(tx: &mut PgConnection, head: &BlastHead, by: &str) -> Result<bool, AppError> {
    match sender::unstop(tx, head.sender_id, by).await? {
        Some(StopCode::Restored) => Err(AppError::Refused(format!(
            "{} was not resumed: its sender needs a confirmation first: `blastdeck sender list`",
            name(head)
        ))),
        code => Ok(code.is_some()),
    }
}

/// Who is named where a blast is paused again before its resume took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PausedBy {
    /// Whoever paused it now; what paused by itself goes on asking.
    Operator,
    /// Whoever paused it before: the resume was taken back.
    Earlier,
}

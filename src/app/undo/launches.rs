//! Takes back launches and resumes of which nothing was sent yet.

use chrono::TimeDelta;
use sqlx::PgConnection;

use super::{UndoOutcome, questions};
use crate::app::commands::require_unraced;
use crate::app::last_act;
use crate::app::launching::{AS_DRAFT, waited_before, was_early};
use crate::app::opened_hours::OpenedHours;
use crate::app::resumed_sender::LiftedStop;
use crate::app::{App, AppError, Launch};
use crate::domain::act::Act;
use crate::domain::blast::{BlastCommand, BlastState, is_paused_before_start};
use crate::domain::ids::BlastId;
use crate::domain::zone::words::start_words;
use crate::store::action::{self, LoggedAction};
use crate::store::blast::{self, BlastHead};
use crate::store::view::senders;
use crate::store::{self, DbTransaction, answered, local_time, pause};

impl App {
    pub(super) async fn undo_launch(&self, mut tx: DbTransaction, act: &LoggedAction) -> Result<UndoOutcome, AppError> {
        let blast = act.blast_id.ok_or_else(|| AppError::NotFound("that blast is gone".to_owned()))?;
        if let Some((stop, armed)) = lifted_stop(&mut tx, act).await? {
            return self.stop_again(tx, (act, armed), stop).await;
        }
        let head = blast::head(&mut tx, blast).await?;
        let is_too_late = match head.as_ref().filter(|_| OpenedHours::of(act).is_some()) {
            Some(head) => self.has_begun(&mut tx, head).await?,
            None => false,
        };
        let Some(head) = head.filter(|head| head.state.is_under_way() && !is_too_late) else {
            return Err(last_act::refusal(&mut tx, act).await?);
        };
        if let Some(hours) = OpenedHours::of(act) {
            if has_armed(act, &head) {
                return self.close_hours(tx, (act, blast), hours).await;
            }
            // Something later has it wait: of this act there is nothing to take back.
            self.newest_is_meant(&mut tx, act, &head).await?;
            return Err(last_act::refusal(&mut tx, act).await?);
        }
        match early_start(&mut tx, &head).await? {
            Some(early) => self.undo_early_start(tx, &early, blast).await,
            None => self.undo_start(tx, act, &head).await,
        }
    }

    /// Who took back the newest launch or resume of a blast, where that was somebody else.
    pub async fn taken_back_by(&self, blast: BlastId) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let by = action::newest_taken_back_by(&mut tx, blast).await?;
        Ok(by.filter(|by| by != self.operator()))
    }

    /// Whether such an act can be taken back still. Nothing of a sender that it let go on may have been sent since, and that may not be stopped.
    pub(super) async fn can_be_taken_back(
        &self,
        tx: &mut PgConnection,
        act: &LoggedAction,
        head: &BlastHead,
    ) -> Result<bool, AppError> {
        if act.action == Act::Edit && OpenedHours::of(act).is_none() {
            return questions::is_armed(tx, head).await;
        }
        if lifted_stop(tx, act).await?.is_some() {
            let is_stopped = senders::is_stopped(&mut *tx, head.sender_id).await?;
            return Ok(!is_stopped && blast::begun_since(tx, (head.sender_id, act.at), None).await?.is_none());
        }
        let stands = OpenedHours::of(act).is_none() || has_armed(act, head);
        Ok(stands && head.state.is_under_way() && !self.has_begun(tx, head).await?)
    }

    /// The same, also of what was paused before its time: it is a draft again, which can be edited.
    pub(super) async fn undo_launch_or_pause(
        &self,
        mut tx: DbTransaction,
        act: &LoggedAction,
    ) -> Result<UndoOutcome, AppError> {
        let blast = act.blast_id.ok_or_else(|| AppError::NotFound("that blast is gone".to_owned()))?;
        if let Some((stop, armed)) = lifted_stop(&mut tx, act).await? {
            return self.stop_again(tx, (act, armed), stop).await;
        }
        let head = self.head(&mut tx, blast).await?;
        let is_by_hours = OpenedHours::of(act).is_some();
        if head.state.is_under_way() && (!is_by_hours || !self.has_begun(&mut tx, &head).await?) {
            // Whatever else has it wait by now, the start of the blast is meant.
            let waits_by_other = is_by_hours && !has_armed(act, &head);
            return if waits_by_other {
                self.undo_start(tx, act, &head).await
            } else {
                self.undo_launch(tx, act).await
            };
        }
        let waited = is_paused_before_start(head.state, head.launched_at, head.scheduled_for);
        if !waited || blast::was_begun(&mut tx, head.id).await? {
            return Err(self.nothing_taken_back(&mut tx, &head).await?);
        }
        self.change_in(&mut tx, head.id, BlastCommand::Disarm, None).await?;
        put_back_draft(&mut tx, head.id, self.operator()).await?;
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        let name = blast::distinct_name(&mut tx, &head).await?;
        tx.commit().await?;
        self.notify(head.id).await;
        Ok(outcome(head.id, format!("{name} is a draft again: nothing was sent")))
    }

    /// Why a blast's start stands. Of the blast alone: the act may be somebody else's, and not their last.
    async fn nothing_taken_back(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<AppError, AppError> {
        if head.state == BlastState::Sending {
            self.require_not_begun(tx, head.id).await?;
        }
        let name = blast::distinct_name(tx, head).await?;
        let way = if head.state == BlastState::Paused { "; ⟨S⟩ resumes it" } else { "" };
        let state = head.state_in_words();
        Ok(AppError::Refused(format!("{name} is {state} now: nothing was taken back{way}")))
    }

    async fn undo_start(
        &self,
        mut tx: DbTransaction,
        act: &LoggedAction,
        head: &BlastHead,
    ) -> Result<UndoOutcome, AppError> {
        self.newest_is_meant(&mut tx, act, head).await?;
        let is_test = head.is_test();
        let (head, state) = match self.disarm(&mut tx, (head.id, act.at)).await {
            Err(AppError::Refused(_)) if is_test && act.operator == self.operator() => {
                return Err(last_act::refusal(&mut tx, act).await?);
            }
            disarmed => disarmed?,
        };
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        let name = blast::distinct_name(&mut tx, &head).await?;
        let nothing = if blast::was_begun(&mut tx, head.id).await? { "nothing more" } else { "nothing" };
        tx.commit().await?;
        self.notify(head.id).await;
        Ok(outcome(
            head.id,
            match state {
                BlastState::Draft => format!("{name} is a draft again: nothing was sent"),
                _ if head.state == BlastState::Scheduled => {
                    format!("{name} is paused: nothing starts by itself until it is resumed")
                }
                _ => format!("{name} is paused again: {nothing} was sent"),
            },
        ))
    }

    /// Refuses where somebody launched it since: that is not this act's to take back. So is whatever else has it wait now, of new hours that
    /// it waited by before: they stay open.
    async fn newest_is_meant(
        &self,
        tx: &mut PgConnection,
        act: &LoggedAction,
        head: &BlastHead,
    ) -> Result<(), AppError> {
        let newest = match OpenedHours::of(act) {
            Some(_) => action::newest_start(tx, head.id).await?,
            None => action::newest_launch(tx, head.id).await?,
        };
        let Some(newer) = newest.filter(|newer| newer.id > act.id) else { return Ok(()) };
        let name = blast::distinct_name(tx, head).await?;
        if LiftedStop::of(&newer).is_some() {
            let by = newer.operator;
            return Err(AppError::Refused(format!(
                "{by} let the sender of {name} go on since: nothing was taken back"
            )));
        }
        let did = if head.state == BlastState::Scheduled { "scheduled" } else { "launched" };
        Err(AppError::Refused(format!("{} {did} {name} since: nothing was taken back", newer.operator)))
    }

    /// What was sent before its time starts by itself again, as whoever scheduled it had it: in one transaction, since nobody would
    /// miss a start that was lost half-way. A draft where its time has passed meanwhile.
    async fn undo_early_start(
        &self,
        mut tx: DbTransaction,
        early: &LoggedAction,
        blast: BlastId,
    ) -> Result<UndoOutcome, AppError> {
        let head = self.require_not_begun(&mut tx, blast).await?;
        // Somebody took it back, and was first.
        require_unraced(head.state == BlastState::Sending)?;
        let now = store::moment(&mut *tx).await?;
        let row = self.blast_row_in(&mut *tx, blast).await?;
        let zones = (self.zone_of(&row), self.config().ui.timezone);
        let dues = self.dues_at_its_time(&mut tx, row, now).await?;
        let scheduled = action::launch_before(&mut tx, blast, early.id).await?;
        let by = scheduled.map_or_else(|| self.operator().to_owned(), |scheduled| scheduled.operator);
        let is_again = blast::schedule_again(&mut tx, blast, head.version, &by).await?;
        let name = blast::distinct_name(&mut tx, &head).await?;
        let sentence = if let Some(at) = head.scheduled_for.filter(|_| is_again) {
            local_time::set_due(&mut tx, blast, &dues).await?;
            format!("{name} is scheduled again and starts {}: nothing was sent", start_words(at, zones, now))
        } else {
            self.disarm(&mut tx, (blast, early.at)).await?;
            format!("{name} is a draft again: nothing was sent, and the time that it was to start at has passed")
        };
        action::mark_undone(&mut tx, &[early.id], self.operator()).await?;
        tx.commit().await?;
        self.notify(blast).await;
        Ok(outcome(blast, sentence))
    }
}

fn outcome(blast: BlastId, sentence: String) -> UndoOutcome {
    UndoOutcome {
        recipients: Vec::new(),
        sentence,
        still_suppressed: Vec::new(),
        command_lines: vec![format!("blastdeck blast undo {blast}")],
    }
}

/// A draft is again as it was before its launch, which `by` takes back: one that made itself waits for a yes, and whom the launch left out is
/// looked at anew by its plan and the next launch.
pub(in crate::app) async fn put_back_draft(tx: &mut PgConnection, id: BlastId, by: &str) -> Result<(), AppError> {
    let launched = action::newest_launch_of_draft(tx, id, AS_DRAFT).await?;
    if let Some(waited) = launched.and_then(|launched| waited_before(&launched, AS_DRAFT)) {
        pause::put_back(tx, id, &waited).await?;
    }
    Ok(answered::queue_again(tx, id, by).await?)
}

/// The launch that a blast waits for to be sent before its time, also where something later has it wait, as its sender that goes on, as
/// long as nothing of it was tried. Whoever scheduled it takes this back first.
pub(in crate::app) async fn early_start(
    tx: &mut PgConnection,
    head: &BlastHead,
) -> Result<Option<LoggedAction>, AppError> {
    if head.state != BlastState::Sending {
        return Ok(None);
    }
    let Some(early) = action::newest_launch(tx, head.id).await?.filter(was_early) else { return Ok(None) };
    let stands = has_armed(&early, head) || !blast::was_begun(tx, head.id).await?;
    Ok(Some(early).filter(|_| stands))
}

/// What stopped the sender that an act let go on, and a blast that goes on by it: one that waits because of it, not the one of the act where
/// that was paused since. Where none waits because of it, since it gave no time to take it back or something armed them anew, the one of the
/// act, while that is under way: the act is none by which the blast itself started, and takes back the start of none.
async fn lifted_stop(tx: &mut PgConnection, act: &LoggedAction) -> Result<Option<(LiftedStop, BlastId)>, AppError> {
    let Some((stop, blast)) = LiftedStop::of(act).zip(act.blast_id) else { return Ok(None) };
    if let Some(armed) = blast::armed_by(tx, blast, act.at).await?.first() {
        return Ok(Some((stop, *armed)));
    }
    let head = blast::head(tx, blast).await?.filter(|head| head.state.is_under_way());
    Ok(head.map(|head| (stop, head.id)))
}

/// What is taken back in the place of an act that let a sender go on which is stopped again: nothing is sent by that any more. It is what its
/// blast goes by then, where the same operator started it.
pub(super) async fn start_behind_stop(
    tx: &mut PgConnection,
    act: &LoggedAction,
) -> Result<Option<LoggedAction>, AppError> {
    let Some(id) = act.blast_id.filter(|_| LiftedStop::of(act).is_some()) else { return Ok(None) };
    let Some(head) = blast::head(tx, id).await? else { return Ok(None) };
    if !senders::is_stopped(&mut *tx, head.sender_id).await? {
        return Ok(None);
    }
    Ok(action::newest_start(tx, id).await?.filter(|start| start.operator == act.operator))
}

/// Whether a blast waits because of this act.
pub(in crate::app) fn has_armed(act: &LoggedAction, head: &BlastHead) -> bool {
    let armed_at = head.armed_at.or_else(|| Some(head.send_after? - Launch::ARMED_FOR));
    armed_at.is_some_and(|armed_at| armed_at <= act.at + TimeDelta::seconds(1))
}

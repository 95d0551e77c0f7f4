//! Takes back launches and resumes of which nothing was sent yet.

use chrono::TimeDelta;

use super::{UndoOutcome, questions};
use crate::app::last_act;
use crate::app::launching::sent_early_to;
use crate::app::opened_hours::OpenedHours;
use crate::app::resumed_sender::LiftedStop;
use crate::app::{App, AppError, Launch};
use crate::domain::blast::{BlastState, TEST_STAGE};
use crate::store::DbTransaction;
use crate::store::action::{self, LoggedAction};
use crate::store::blast::{self, BlastHead};

impl App {
    pub(super) async fn undo_launch(&self, mut tx: DbTransaction, act: &LoggedAction) -> Result<UndoOutcome, AppError> {
        let blast = act.blast_id.ok_or_else(|| AppError::NotFound("that blast is gone".to_owned()))?;
        let head = blast::head(&mut tx, blast).await?;
        let is_too_late = match head.as_ref().filter(|_| OpenedHours::of(act).is_some()) {
            Some(head) => !questions::is_armed(&mut tx, head).await?,
            None => false,
        };
        // Otherwise something later has it wait: of this act there is nothing to take back.
        let act_armed = head.as_ref().is_some_and(|head| has_armed(act, head));
        let is_test = head.as_ref().is_some_and(|head| head.follow_up_stage == TEST_STAGE);
        if is_too_late || !head.is_some_and(|head| head.state.is_under_way()) {
            return Err(last_act::refusal(&mut tx, act).await?);
        }
        if let Some(stop) = LiftedStop::of(act).filter(|_| act_armed) {
            return self.stop_again(tx, (act, blast), stop).await;
        }
        if let Some(hours) = OpenedHours::of(act).filter(|_| act_armed) {
            return self.close_hours(tx, (act, blast), hours).await;
        }
        let (head, state) = match self.disarm(&mut tx, blast).await {
            Err(AppError::Refused(_)) if is_test => return Err(last_act::refusal(&mut tx, act).await?),
            disarmed => disarmed?,
        };
        action::mark_undone(&mut tx, &[act.id], self.operator()).await?;
        let name = blast::distinct_name(&mut tx, &head).await?;
        tx.commit().await?;
        self.notify(blast).await?;
        let sentence = match state {
            BlastState::Draft => self.schedule_again(act, &head, &name).await,
            _ if head.state == BlastState::Scheduled => format!("{name} is paused: nothing was sent"),
            _ => format!("{name} is paused again: nothing more was sent"),
        };
        Ok(UndoOutcome {
            recipients: Vec::new(),
            sentence,
            still_suppressed: Vec::new(),
            command_lines: vec![format!("blastdeck blast pause {blast}")],
        })
    }

    /// What was sent before its time starts by itself again, once that is taken back; a draft where something is in its way.
    async fn schedule_again(&self, act: &LoggedAction, head: &BlastHead, name: &str) -> String {
        let is_draft = format!("{name} is a draft again: nothing was sent");
        let Some(people) = sent_early_to(act) else { return is_draft };
        let launch = Launch { blast: head.id, version: head.version + 1, people, armed_for: TimeDelta::zero() };
        match self.schedule_draft(launch).await {
            Ok(_) => format!("{name} is scheduled again: nothing was sent"),
            Err(error) => format!("{is_draft}, and it is not scheduled again: {error}"),
        }
    }
}

/// Whether a blast waits because of this act.
pub(in crate::app) fn has_armed(act: &LoggedAction, head: &BlastHead) -> bool {
    let armed_at = head.armed_at.or_else(|| Some(head.send_after? - Launch::ARMED_FOR));
    armed_at.is_some_and(|armed_at| armed_at <= act.at + TimeDelta::seconds(1))
}

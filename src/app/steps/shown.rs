//! A step that nobody has written yet: to how many people it would send at once is asked first, and whoever says no, or nothing, leaves
//! nothing behind.

use chrono::{DateTime, Utc};

use super::at_once::SendsAtOnce;
use super::done::what_was_done;
use super::editing::StepInEdit;
use super::lost::lost_words;
use super::{NewStep, StepEdit, StepView, refuse_beside};
use crate::app::launching::Counted;
use crate::app::{App, AppError};
use crate::domain::ids::BlastId;
use crate::store::step::{self, StepChange, StepColumns, StepKey, StepRow};

/// A step as it would be, as somebody is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepShown {
    /// The number that it has, or gets.
    pub key: StepKey,
    /// Nobody where it is paused, or stays as it is.
    pub at_once: SendsAtOnce,
    /// Of a step that is there already.
    seen: Option<StepSeen>,
}

/// By what it is known whether somebody changed, paused or resumed a step meanwhile, or it lost a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepSeen {
    due_from: DateTime<Utc>,
    paused_at: Option<DateTime<Utc>>,
    /// That of somebody who was forgotten.
    lost_number: bool,
}

impl StepView {
    /// By what it is known whether it is as it is here.
    pub const fn seen(&self) -> StepSeen {
        StepSeen { lost_number: self.lost_number, ..StepSeen::of(&self.step) }
    }
}

impl StepSeen {
    const fn of(step: &StepRow) -> Self {
        Self { due_from: step.due_from, paused_at: step.paused_at, lost_number: step.lost_number }
    }

    /// Refuses a step that is another one by now.
    fn refuse_changed(self, now: &StepRow) -> Result<(), AppError> {
        let what = match (self.paused_at == now.paused_at, now.paused_at) {
            (false, Some(_)) => "paused",
            (false, None) => "resumed",
            (true, _) if self.due_from != now.due_from => "changed",
            (true, _) => return Ok(()),
        };
        let (number, blast) = (now.number, now.blast);
        let why = format!("somebody {what} step {number} of blast {blast} meanwhile: nothing was changed");
        Err(AppError::Refused(why))
    }

    /// Refuses to resume a step that is another one by now, or would send by itself and lost a number since.
    fn refuse_resume(self, now: &StepRow) -> Result<(), AppError> {
        self.refuse_changed(now)?;
        let sends_lost = now.paused_at.is_some() && now.at_most.is_some() && now.lost_number;
        if sends_lost && !self.lost_number { Err(AppError::Refused(lost_words(now.key()))) } else { Ok(()) }
    }
}

impl App {
    /// The number that a step would get, and to how many people it would send at once. Writes nothing, and refuses what
    /// [`App::add_step`] refuses.
    pub async fn new_step_shown(&self, blast: BlastId, new: &NewStep) -> Result<StepShown, AppError> {
        let row = self.blast_row(blast).await?;
        let to = self.step_to_add(&row, new.clone()).await?;
        refuse_beside(&step::of_blast(self.pool(), blast).await?, &to)?;
        let key = StepKey { blast, number: step::next_number(self.pool(), blast).await? };
        let would_be = self.would_be(key, &to);
        Ok(StepShown { key, at_once: self.at_once_of(&row, &would_be, Some(to)).await?, seen: None })
    }

    /// Adds a step as it was shown. Returns its number.
    ///
    /// # Errors
    /// [`AppError::PeopleChanged`] where it would send to more people by now; [`AppError::Refused`] where somebody added another one
    /// meanwhile.
    pub async fn add_step_as_shown(&self, new: NewStep, shown: StepShown) -> Result<i32, AppError> {
        let StepKey { blast, number } = shown.key;
        if shown.at_once.people() > 0 {
            shown.check(self.new_step_shown(blast, &new).await?)?;
        }
        self.write_new_step(blast, new, Some(number)).await
    }

    /// To how many people a step would send at once after a change. Writes nothing, and refuses what [`App::set_step`] refuses.
    pub async fn edited_step_shown(&self, key: StepKey, edit: &StepEdit) -> Result<StepShown, AppError> {
        let StepInEdit { tx, now, to, .. } = self.begin_edit(key, edit.clone(), |_| Ok(())).await?;
        tx.rollback().await?;
        let goes_on = edit.change.map_or(now.paused_at.is_none(), |change| change == StepChange::Resume);
        let at_once = if goes_on && what_was_done(&now, &to, edit.change).is_some() {
            let row = self.blast_row(key.blast).await?;
            let would_be = StepRow { last_made_at: now.last_made_at, ..self.would_be(key, &to) };
            self.at_once_of(&row, &would_be, Some(to)).await?
        } else {
            SendsAtOnce::default()
        };
        Ok(StepShown { key, at_once, seen: Some(StepSeen::of(&now)) })
    }

    /// Changes a step as it was shown.
    ///
    /// # Errors
    /// [`AppError::PeopleChanged`] where it would send to more people by now; [`AppError::Refused`] where somebody changed, paused or
    /// resumed it meanwhile.
    pub async fn set_step_as_shown(&self, edit: StepEdit, shown: StepShown) -> Result<(), AppError> {
        if shown.at_once.people() > 0 {
            shown.check(self.edited_step_shown(shown.key, &edit).await?)?;
        }
        let refuse = |now: &StepRow| shown.seen.map_or(Ok(()), |seen| seen.refuse_changed(now));
        self.edit_step(shown.key, edit, refuse).await
    }

    /// Pauses, resumes or removes a step that somebody saw so. `false`: it was so already, which is no act.
    ///
    /// # Errors
    /// [`AppError::Refused`] where it is resumed, and somebody changed, paused or resumed it since it was seen; or it sends by itself, and
    /// lost a number of somebody who was forgotten since.
    pub async fn change_step_seen(&self, key: StepKey, to: StepChange, seen: StepSeen) -> Result<bool, AppError> {
        let is_resumed = to == StepChange::Resume;
        let refuse = |now: &StepRow| if is_resumed { seen.refuse_resume(now) } else { Ok(()) };
        self.change_step_unless(key, to, refuse).await
    }

    /// To how many people a step would send at once if it were resumed. Writes nothing.
    pub async fn resumed_step_shown(&self, paused: &StepView) -> Result<StepShown, AppError> {
        let key = paused.step.key();
        Ok(StepShown { key, at_once: self.sends_at_once(key).await?, seen: Some(paused.seen()) })
    }

    /// Resumes a step as it was shown. `false`: it was not paused.
    ///
    /// # Errors
    /// [`AppError::PeopleChanged`] where it would send to more people by now; [`AppError::Refused`] as of [`App::change_step_seen`].
    pub async fn resume_step_as_shown(&self, shown: StepShown) -> Result<bool, AppError> {
        let refuse = |now: &StepRow| shown.seen.map_or(Ok(()), |seen| seen.refuse_resume(now));
        if shown.at_once.people() > 0 {
            let at_once = self.sends_at_once(shown.key).await?;
            // Whoever changed it meanwhile is why there are others.
            let now = self.step_row(shown.key).await?;
            refuse(&now)?;
            shown.check(StepShown { at_once, ..shown })?;
        }
        self.change_step_unless(shown.key, StepChange::Resume, refuse).await
    }

    fn would_be(&self, key: StepKey, to: &StepColumns) -> StepRow {
        StepRow {
            blast: key.blast,
            number: key.number,
            after_seconds: to.after.num_seconds(),
            since: to.since,
            until: to.until,
            stage: to.stage.clone().unwrap_or_default(),
            message: to.message.clone(),
            template: to.template.clone(),
            first_people: to.first,
            at_most: to.at_most,
            paused_at: None,
            last_made_at: None,
            next_look_at: None,
            due_from: self.engine().clock.now(),
            lost_number: false,
        }
    }
}

impl StepShown {
    /// Refuses more people than were shown.
    fn check(self, now: Self) -> Result<(), AppError> {
        Counted::AtMost.check(now.at_once.people(), self.at_once.people())
    }
}

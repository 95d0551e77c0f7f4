//! A step that is changed before it is known to how many people it would send at once: it is paused until somebody has said yes to that.

use chrono::{DateTime, Utc};

use super::done::what_was_done;
use super::editing::StepInEdit;
use super::same::is_as_before;
use super::{StepEdit, no_step};
use crate::app::{App, AppError};
use crate::store::step::{self, StepChange, StepKey};

/// A pause that goes with a change, and ends with a yes. Any other pause since stays.
#[derive(Debug, Clone, Copy)]
#[must_use = "the step stays paused until it is released"]
pub struct StepHold {
    key: StepKey,
    paused_at: Option<DateTime<Utc>>,
    /// What the yes does, as its act says it; `None`: what was done is logged with the change.
    yes: Option<&'static str>,
}

impl App {
    /// Changes a step, and pauses it until [`App::release_step`]. `None`: there is nothing to release, since the step stays as it is, or
    /// somebody had paused it before, and the change does not resume it, so that it stays paused.
    pub async fn set_step_on_hold(&self, key: StepKey, edit: StepEdit) -> Result<Option<StepHold>, AppError> {
        let change = edit.change;
        let StepInEdit { mut tx, head, now, to } = self.begin_edit(key, edit, |_| Ok(())).await?;
        let Some(done) = what_was_done(&now, &to, change) else { return Ok(None) };
        // A resume alone is done by the yes.
        let is_edited = !is_as_before(&now, &to);
        if is_edited {
            step::set(&mut tx, key, to).await?;
            self.log_step(&mut tx, &head, (key.number, done)).await?;
        }
        let paused_at = step::change(&mut tx, key, StepChange::Pause).await?;
        tx.commit().await?;
        self.notify(key.blast).await;
        let is_ours = change == Some(StepChange::Resume) || now.paused_at.is_none();
        Ok(is_ours.then_some(StepHold { key, paused_at, yes: (!is_edited).then_some(done) }))
    }

    /// The pause that a step was added with.
    pub async fn hold_of_new_step(&self, key: StepKey) -> Result<StepHold, AppError> {
        Ok(StepHold { key, paused_at: self.step_row(key).await?.paused_at, yes: None })
    }

    /// Lets a step go on.
    ///
    /// # Errors
    /// [`AppError::Refused`] where somebody paused or resumed it meanwhile.
    pub async fn release_step(&self, hold: StepHold) -> Result<(), AppError> {
        let key = hold.key;
        let (mut tx, head) = self.begin_step(key.blast).await?;
        let now = step::lock(&mut tx, key).await?.ok_or_else(|| no_step(key))?;
        if now.paused_at != hold.paused_at {
            let state = if now.paused_at.is_some() { "paused" } else { "resumed" };
            let why = format!("somebody {state} step {} of blast {} meanwhile: it stays so", key.number, key.blast);
            return Err(AppError::Refused(why));
        }
        step::change(&mut tx, key, StepChange::Resume).await?;
        if let Some(done) = hold.yes {
            self.log_step(&mut tx, &head, (key.number, done)).await?;
        }
        tx.commit().await?;
        self.notify(key.blast).await;
        Ok(())
    }
}

//! Edits of a step: what it makes from now on.

use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::done::what_was_done;
use super::lost::lost_words;
use super::same::{is_as_before, refuse_same, says_the_same};
use super::{StepEdit, columns, invalid_rule, no_step};
use crate::app::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::step::StepRule;
use crate::store::DbTransaction;
use crate::store::blast::BlastHead;
use crate::store::step::{self, StepChange, StepColumns, StepKey, StepRow};

impl App {
    /// Changes a step: what it makes from now on.
    pub async fn set_step(&self, key: StepKey, edit: StepEdit) -> Result<(), AppError> {
        self.edit_step(key, edit, |_| Ok(())).await
    }

    /// Gives a step another text in place of the one that was seen.
    ///
    /// # Errors
    /// Where it says something else by now, or sends by itself and is not paused.
    pub async fn set_step_message(&self, key: StepKey, seen: &str, message: &str) -> Result<(), AppError> {
        let text = BlastContent::parse(message, None).map_err(|error| AppError::Refused(error.to_string()))?;
        let edit = StepEdit { content: Some(text), ..StepEdit::default() };
        self.edit_step(key, edit, |now| refuse_text(now, seen)).await
    }

    pub(super) async fn edit_step(
        &self,
        key: StepKey,
        edit: StepEdit,
        refuse: impl FnOnce(&StepRow) -> Result<(), AppError>,
    ) -> Result<(), AppError> {
        let (change, is_known) = (edit.change, edit.content.is_some() || edit.sends_lost);
        let StepInEdit { mut tx, head, now, to } = self.begin_edit(key, edit, refuse).await?;
        let done = what_was_done(&now, &to, change);
        // A pause of what is paused has a time of its own: whoever paused it before does not end it.
        if done.is_none() && change != Some(StepChange::Pause) {
            return Ok(());
        }
        let begins_lost = now.lost_number && begins_to_send((&head, &now), &to, change);
        if begins_lost && !is_known {
            return Err(AppError::Refused(lost_words(key)));
        }
        if !is_as_before(&now, &to) {
            step::set(&mut tx, key, to).await?;
        }
        if let Some(change) = change {
            step::change(&mut tx, key, change).await?;
        }
        if begins_lost {
            step::send_as_it_is(&mut tx, key).await?;
        }
        if let Some(done) = done {
            self.log_step(&mut tx, &head, (key.number, done)).await?;
        }
        tx.commit().await?;
        self.notify(key.blast).await;
        Ok(())
    }

    /// A step under lock, and what it is once it is edited.
    pub(super) async fn begin_edit(
        &self,
        key: StepKey,
        edit: StepEdit,
        refuse: impl FnOnce(&StepRow) -> Result<(), AppError>,
    ) -> Result<StepInEdit, AppError> {
        let row = self.blast_row(key.blast).await?;
        if let Some(content) = &edit.content {
            self.refuse_step_content(&row, content).await?;
        }
        let (mut tx, head) = self.begin_step(key.blast).await?;
        let now = step::lock(&mut tx, key).await?.ok_or_else(|| no_step(key))?;
        refuse(&now)?;
        let to = changed(&now, edit)?;
        if !says_the_same(&now, &to) {
            let mut others = step::of_blast(&mut *tx, key.blast).await?;
            others.retain(|other| other.number != key.number);
            refuse_same(&others, &to)?;
        }
        Ok(StepInEdit { tx, head, now, to })
    }
}

/// A step under lock that is edited.
pub(super) struct StepInEdit {
    pub tx: DbTransaction,
    pub head: BlastHead,
    pub now: StepRow,
    pub to: StepColumns,
}

/// Whether a step sends by itself once it is edited, and did not before, as none of a draft does.
fn begins_to_send((head, now): (&BlastHead, &StepRow), to: &StepColumns, change: Option<StepChange>) -> bool {
    let goes_on = change.map_or(now.paused_at.is_none(), |change| change == StepChange::Resume);
    goes_on && to.at_most.is_some() && (head.state == BlastState::Draft || !now.sends_by_itself())
}

/// Why a step is not given another text in place of the one that was seen.
fn refuse_text(now: &StepRow, seen: &str) -> Result<(), AppError> {
    let (number, blast) = (now.number, now.blast);
    if now.template.is_some() || now.message != seen {
        let why = format!("step {number} of blast {blast} says something else by now: nothing was changed");
        return Err(AppError::Refused(why));
    }
    if now.sends_by_itself() {
        let why = format!("step {number} of blast {blast} sends by itself: pause it before its message is changed");
        return Err(AppError::Refused(why));
    }
    Ok(())
}

/// A step as it is after an edit. Where it counts from another stage and nothing is said of the other, that is the next one again.
fn changed(now: &StepRow, edit: StepEdit) -> Result<StepColumns, AppError> {
    let until = edit.until.or_else(|| now.until.filter(|_| edit.since.is_none()));
    let after = edit.after.unwrap_or_else(|| TimeDelta::seconds(now.after_seconds));
    let rule = StepRule::new(after, edit.since.unwrap_or(now.since), until).map_err(invalid_rule)?;
    let number = |people: Option<i32>| people.and_then(|people| NonZeroU32::new(u32::try_from(people).ok()?));
    let people = |change: FieldChange<NonZeroU32>, kept| if change.is_keep() { number(kept) } else { change.value() };
    let numbers = (people(edit.first, now.first_people), people(edit.at_most, now.at_most));
    let kept = || BlastContent::parse(&now.message, now.template.as_ref());
    let content = edit.content.map_or_else(kept, Ok);
    let content = content.map_err(|error| AppError::Refused(format!("its message cannot be used: {error}")))?;
    Ok(columns(rule, edit.stage, &content, numbers))
}

//! Steps of one blast that would send the same to the same people at the same time.

use crate::app::AppError;
use crate::store::step::{StepColumns, StepRow};

/// Whether a step sends the same words to the same people at the same time.
pub(super) fn says_the_same(step: &StepRow, new: &StepColumns) -> bool {
    (step.after_seconds, step.since) == (new.after.num_seconds(), new.since)
        && (&step.message, &step.template) == (&new.message, &new.template)
}

/// Whether a step is as it is to be: nothing of it changes.
pub(super) fn is_as_before(step: &StepRow, to: &StepColumns) -> bool {
    // Without a stage it keeps its own.
    let keeps_stage = to.stage.as_ref().is_none_or(|stage| *stage == step.stage);
    let is_same_to_people = (step.until, step.first_people, step.at_most) == (to.until, to.first, to.at_most);
    says_the_same(step, to) && keeps_stage && is_same_to_people
}

/// Refuses a step beside one that sends the same.
pub(super) fn refuse_same(steps: &[StepRow], new: &StepColumns) -> Result<(), AppError> {
    let Some(same) = steps.iter().find(|step| says_the_same(step, new)) else { return Ok(()) };
    let why = format!("step {} sends the same message after the same wait: everybody would get it twice", same.number);
    Err(AppError::Refused(why))
}

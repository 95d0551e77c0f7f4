//! Steps of one blast that would send the same to the same people at the same time.

use crate::app::AppError;
use crate::store::step::{StepColumns, StepRow};

/// Whether a step sends the same words to the same people at the same time.
pub(super) fn says_the_same(step: &StepRow, new: &StepColumns) -> bool {
    (step.after_seconds, step.since) == (new.after.num_seconds(), new.since)
        && (&step.message, &step.template) == (&new.message, &new.template)
}

/// Refuses a step beside one that sends the same.
pub(super) fn refuse_same(steps: &[StepRow], new: &StepColumns) -> Result<(), AppError> {
    let Some(same) = steps.iter().find(|step| says_the_same(step, new)) else { return Ok(()) };
    let why = format!("step {} sends the same message after the same wait: everybody would get it twice", same.number);
    Err(AppError::Refused(why))
}

//! Why a draft of a step waits for somebody.

use chrono::TimeDelta;

use crate::domain::{text, too_many};
use crate::store::step::StepRow;

/// Why a draft of a step waits, where the step sends none by itself.
pub(super) fn waits_words(step: &StepRow) -> String {
    format!("step {} of blast {} made it: it waits for your yes", step.number, step.blast)
}

/// Why a draft of a step waits that was due so long ago, while no engine ran.
pub(super) fn late_words(step: &StepRow, late: TimeDelta) -> String {
    format!("step {} of blast {} came {} late: it waits for your yes", step.number, step.blast, text::span_words(late))
}

/// Why a draft of a step waits that was made so long ago, by an engine that ended before it sent it.
pub(super) fn left_behind_words(made_ago: TimeDelta) -> String {
    format!("it was not sent for {} after it was made: it waits for your yes", text::span_words(made_ago))
}

/// Why a draft of a step waits that was made by what the step was before.
pub(super) fn changed_words(step: &StepRow) -> String {
    format!("step {} of blast {} was changed after this draft was made: it waits for your yes", step.number, step.blast)
}

/// Why a draft of a step waits that is larger than was confirmed.
pub(super) fn too_many_words(at_most: i32) -> String {
    too_many::too_many_words(at_most, "send it to send it all the same")
}

//! When a blast starts by itself, as its plan says it.

use chrono::Utc;

use crate::app::{Plan, PlannedStart, waits_with_more};
use crate::cli::context::Context;
use crate::domain::blast::BlastState;

/// When it starts by itself, and on what that depends: on an operator, or on its sender, also once its time has come.
pub(super) fn start_words(context: &Context, plan: &Plan, start: &PlannedStart) -> String {
    let (at, now) = (context.start(start.at, start.zone), Utc::now());
    let note = start.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
    let is_due = plan.blast.state == BlastState::Scheduled && plan.blast.goes_by(now);
    match &plan.stopped {
        Some(_) if is_due && plan.blast.asks_first(now) => {
            format!("not before it has asked, once its sender is resumed; its time came {at}{note}")
        }
        Some(_) if is_due => format!("once its sender is resumed; its time came {at}{note}"),
        _ => format!("{at}, by itself{}{}{note}", start_conditions(plan), more_than_confirmed(plan)),
    }
}

/// `, once it is sent, but not while its sender is stopped`: a pause is one condition enough.
fn start_conditions(plan: &Plan) -> String {
    let is_paused = plan.blast.state == BlastState::Paused;
    let stop = plan.stopped.as_ref().filter(|_| !is_paused).map(|_| Plan::NOT_BEHIND_STOP);
    plan.start_condition().into_iter().chain(stop).flat_map(|condition| [", ", condition]).collect()
}

/// That a time which goes to more people than were confirmed waits for an operator, where nothing else keeps it from starting by itself.
fn more_than_confirmed(plan: &Plan) -> String {
    let starts = plan.stopped.is_none() && plan.blast.state != BlastState::Paused;
    let repeat = plan.repeat.as_ref().filter(|_| starts);
    waits_with_more(plan.people, repeat.and_then(|repeat| repeat.at_most))
}

//! What was done to a step, as its act in the log says it.

use super::same::is_as_before;
use crate::store::step::{StepChange, StepColumns, StepRow};

/// What was done by pausing, resuming or removing a step.
pub(super) const fn done_word(change: StepChange) -> &'static str {
    match change {
        StepChange::Pause => "paused",
        StepChange::Resume => "resumed",
        StepChange::Remove => "removed",
    }
}

/// What an edit does to a step: one act, whatever comes of it. `None`: the step stays as it is.
pub(super) fn what_was_done(now: &StepRow, to: &StepColumns, change: Option<StepChange>) -> Option<&'static str> {
    if !is_as_before(now, to) {
        return Some("changed");
    }
    let is_paused = now.paused_at.is_some();
    let is_so_already = |change: &StepChange| match change {
        StepChange::Pause => is_paused,
        StepChange::Resume => !is_paused,
        StepChange::Remove => false,
    };
    change.filter(|change| !is_so_already(change)).map(done_word)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::domain::ids::BlastId;
    use crate::domain::status::Status;
    use crate::domain::step::StepSince;

    fn step(paused_at: Option<DateTime<Utc>>) -> StepRow {
        StepRow {
            blast: BlastId(7),
            number: 1,
            after_seconds: 7_200,
            since: StepSince::Stage(Status::Sent),
            until: Some(Status::Delivered),
            stage: "Follow-up 1".to_owned(),
            message: "Hi".to_owned(),
            template: None,
            first_people: None,
            at_most: Some(5),
            paused_at,
            last_made_at: None,
            next_look_at: None,
            due_from: DateTime::UNIX_EPOCH,
        }
    }

    fn as_it_is() -> StepColumns {
        StepColumns {
            after: TimeDelta::hours(2),
            since: StepSince::Stage(Status::Sent),
            until: Some(Status::Delivered),
            stage: None,
            message: "Hi".to_owned(),
            template: None,
            first: None,
            at_most: Some(5),
        }
    }

    #[test]
    fn an_edit_is_named_for_what_it_does_and_nothing_is_no_act() {
        let (runs, paused) = (step(None), step(Some(DateTime::UNIX_EPOCH)));
        let (pause, resume) = (Some(StepChange::Pause), Some(StepChange::Resume));
        let same = as_it_is();

        assert_eq!(what_was_done(&runs, &same, None), None);
        assert_eq!(what_was_done(&runs, &same, pause), Some("paused"));
        assert_eq!(what_was_done(&runs, &same, resume), None);
        assert_eq!(what_was_done(&paused, &same, pause), None);
        assert_eq!(what_was_done(&paused, &same, resume), Some("resumed"));
        let same_stage = StepColumns { stage: Some("Follow-up 1".to_owned()), ..as_it_is() };
        assert_eq!(what_was_done(&paused, &same_stage, None), None);
        for to in [
            StepColumns { after: TimeDelta::hours(3), ..as_it_is() },
            StepColumns { until: Some(Status::Read), ..as_it_is() },
            StepColumns { stage: Some("Reminder".to_owned()), ..as_it_is() },
            StepColumns { message: "Hi!".to_owned(), ..as_it_is() },
            StepColumns { first: Some(2), ..as_it_is() },
            StepColumns { at_most: None, ..as_it_is() },
        ] {
            assert_eq!(what_was_done(&runs, &to, pause), Some("changed"), "{to:?}");
        }
    }
}

//! What was done to a step, as its act in the log says it.

use super::same::is_as_before;
use crate::store::step::{StepChange, StepColumns, StepRow};

/// What pausing, resuming or removing a step does to it. `None`: it is so already.
pub(super) const fn done_by(now: &StepRow, change: StepChange) -> Option<&'static str> {
    match (change, now.paused_at.is_some()) {
        (StepChange::Pause, false) => Some("paused"),
        (StepChange::Resume, true) => Some("resumed"),
        (StepChange::Remove, _) => Some("removed"),
        (StepChange::Pause, true) | (StepChange::Resume, false) => None,
    }
}

/// What an edit does to a step: one act, whatever comes of it. `None`: the step stays as it is.
pub(super) fn what_was_done(now: &StepRow, to: &StepColumns, change: Option<StepChange>) -> Option<&'static str> {
    if !is_as_before(now, to) {
        return Some("changed");
    }
    change.and_then(|change| done_by(now, change))
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
            lost_number: false,
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
        assert_eq!(done_by(&paused, StepChange::Remove), Some("removed"));
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

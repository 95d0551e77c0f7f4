//! A copy of a blast: what it has of it, and what it has not.

use super::form::opened;
use super::support::{DRAFT, TestDashboard, WIDE, at, blast};
use crate::app::view::BlastView;
use crate::app::{CopiedPeople, DraftAt};
use crate::domain::blast::{BlastOrigin, BlastState};
use crate::domain::ids::BlastId;
use crate::tui::effect::{Completion, DraftOutcome, DraftWrite, WriteOutcome, WriteRequest};

fn copied(original: BlastView) -> String {
    copied_without_hours(original, None)
}

fn copied_without_hours(original: BlastView, dropped_hours: Option<&str>) -> String {
    let people = if original.state == BlastState::Cancelled { CopiedPeople::LeftOut } else { CopiedPeople::All };
    let mut dashboard = TestDashboard::new(WIDE);
    let request = WriteRequest::Draft(DraftWrite::Duplicate(original.id));
    dashboard.answer(Completion::Blasts(Ok(vec![original])));
    dashboard.keys("1d");
    let copy = DraftOutcome::Duplicated {
        copy: DraftAt::new(DRAFT, 1),
        people,
        dropped_hours: dropped_hours.map(str::to_owned),
    };
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Draft(copy)) }).answer(opened());
    dashboard.said().to_owned()
}

#[test]
fn a_copy_says_whose_it_is_and_what_is_not_in_it() {
    let original = || blast(5, "Raya promo", BlastState::Completed, (11, 20));
    assert_eq!(copied(original()), "a copy of Raya promo, with the people who are in it");
    let cancelled = blast(6, "Raya promo", BlastState::Cancelled, (11, 20));
    assert_eq!(copied(cancelled), "a copy of Raya promo, with only those whom its cancelling left out");

    let origin = BlastOrigin { has_steps: true, ..BlastOrigin::default() };
    let said = copied(BlastView { origin, ..original() });
    assert_eq!(said, "a copy of Raya promo, with the people who are in it and its steps");

    let segment = Some("blast:4 stuck:read".to_owned());
    let original = BlastView {
        id: BlastId(5),
        scheduled_for: Some(at(17, 0)),
        origin: BlastOrigin { segment, ..BlastOrigin::default() },
        ..original()
    };
    assert_eq!(
        copied(original),
        "a copy of Raya promo, with the people who are in it, but not when it starts and the filter that found its people"
    );
}

#[test]
fn a_copy_of_what_was_sent_at_any_hour_says_which_hours_it_had() {
    let original = blast(5, "Raya promo", BlastState::Completed, (11, 20));

    let said = copied_without_hours(original, Some("09:00-21:00"));

    assert!(said.ends_with("; it sends at any hour now: 09:00-21:00 was dropped from the original"), "{said}");
}

//! The page of a follow-up while it is open: whom it counts follows what happens, and the time.

use super::follow_ups::{asked, preview};
use super::support::{RAYA, TestDashboard, WIDE, draft, people};
use crate::app::view::BlastView;
use crate::app::{FollowUpPreview, FoundFollowUp, FoundPreview, SegmentCount};
use crate::domain::follow_up::PROPOSED_AGE;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest, WriteOutcome};
use crate::tui::key::Key;
use crate::tui::model::Overlay;
use crate::tui::msg::Msg;

const AGAIN: Effect = Effect::Read(ReadRequest::FollowUpAgain { blast: RAYA, stuck_at: Status::Read });

/// Two more were there for long enough meanwhile.
fn later() -> FollowUpPreview {
    let mut later = preview();
    later.ages.iter_mut().take(PROPOSED_AGE + 1).for_each(|age| age.add(None, 2));
    later
}

#[test]
fn people_get_old_enough_without_a_change_of_their_blast() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview()))).effects.clear();

    dashboard.dispatch(Msg::Refresh);
    assert!(dashboard.taken().contains(&AGAIN));
    dashboard.answer(Completion::FollowUp(Ok(later())));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Follow-up 1 is a draft to 37 people"), "{screen}");
}

#[test]
fn whom_a_follow_up_reaches_is_not_counted_twice_at_once_nor_while_it_is_made() {
    let mut dashboard = asked();
    dashboard.effects.clear();

    dashboard.dispatch(Msg::Refresh);
    assert!(!dashboard.taken().contains(&AGAIN), "it is being counted for the first time");
    dashboard.answer(Completion::FollowUp(Ok(preview()))).key(Key::Enter).effects.clear();
    dashboard.dispatch(Msg::Refresh);

    assert!(!dashboard.taken().contains(&AGAIN));
}

#[test]
fn a_count_that_fails_once_leaves_the_page_open() {
    let mut dashboard = asked();
    dashboard.answer(Completion::FollowUp(Ok(preview())));

    dashboard.answer(Completion::FollowUp(Err(EffectError::Unavailable)));

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::FollowUp(_))));
    assert!(dashboard.line(0).contains("STALE"), "{}", dashboard.line(0));
}

#[test]
fn a_draft_says_whom_it_has_and_that_these_are_others_than_the_page_counted() {
    for (people, expected) in [
        (37, "a draft to 37 people, up from 35 when they were counted; nothing is sent"),
        (34, "a draft to 34 people, down from 35 when they were counted; nothing is sent"),
        (35, "a draft to 35 people; nothing is sent"),
    ] {
        let mut dashboard = asked();
        dashboard.answer(Completion::FollowUp(Ok(preview()))).key(Key::Enter);
        let request = dashboard.acts().swap_remove(0);
        let blast = Box::new(BlastView { follows: Some(RAYA), ..draft() });

        dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Drafted { blast, people }) });

        assert!(dashboard.said().ends_with(expected), "{}", dashboard.said());
    }
}

#[test]
fn whoever_is_found_is_counted_again_as_well() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/has:cart\n").list(people()).keys("f");
    let found = |finds| FoundPreview {
        blast: RAYA,
        count: SegmentCount { from: "has:cart".to_owned(), finds, left_out: Vec::new() },
        last_mark: None,
        stage_name: "Follow-up 1".to_owned(),
    };
    dashboard.answer(Completion::FoundFollowUp(Ok(found(4)))).effects.clear();

    dashboard.dispatch(Msg::Refresh);

    let from = FoundFollowUp { blast: RAYA, from: "has:cart".to_owned() };
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::FoundFollowUpAgain(from))));
    dashboard.answer(Completion::FoundFollowUp(Ok(found(6)))).key(Key::Enter);
    let request = dashboard.acts().swap_remove(0);
    let outcome = Ok(WriteOutcome::Drafted { blast: Box::new(draft()), people: 7 });
    dashboard.answer(Completion::Written { request, outcome });
    assert!(dashboard.said().contains("7 people, up from 6"), "{}", dashboard.said());
}

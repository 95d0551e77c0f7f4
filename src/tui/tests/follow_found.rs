//! `f` on people who were found: a follow-up to exactly them.

use super::follow_ups::{follow_up, step as step_view};
use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, people};
use crate::app::view::{BlastView, Total};
use crate::app::{FoundFollowUp, FoundPreview, SegmentCount, StepAlike};
use crate::domain::filter::segment::Exclusion;
use crate::domain::step::StepSince;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, Pane};

fn from(filter: &str) -> FoundFollowUp {
    FoundFollowUp { blast: RAYA, from: filter.to_owned() }
}

fn preview(left_out: Vec<(Exclusion, i64)>) -> FoundPreview {
    FoundPreview {
        blast: RAYA,
        count: SegmentCount { from: "has:cart".to_owned(), finds: 4, left_out },
        last_mark: Some((at(13, 2), "ben".to_owned())),
        stage_name: "Follow-up 1".to_owned(),
    }
}

/// Whoever has a cart is found, and `f` was pressed there.
fn asked(size: Size) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.keys("/has:cart\n").list(people()).keys("f");
    dashboard
}

#[test]
fn f_on_people_who_were_found_counts_exactly_them() {
    let mut dashboard = asked(WIDE);

    let read = dashboard.taken().pop();
    assert_eq!(read, Some(Effect::Read(ReadRequest::FoundFollowUp(from("has:cart")))));
    let left_out = vec![(Exclusion::OptedOut, 1), (Exclusion::FrequencyCap, 0)];
    dashboard.answer(Completion::FoundFollowUp(Ok(preview(left_out))));

    let screen = dashboard.screen().join("\n");
    for words in [
        "Follow up ══ Raya promo, Initial ══ found",
        "  has:cart",
        "4 found          3 get it",
        "1 opted out",
        "Follow-up 1 is a draft to 3 people, from sales",
        "The last mark here was 13:02 by ben.",
    ] {
        assert!(screen.contains(words), "{words} is not in\n{screen}");
    }
    assert!(!screen.contains("frequency cap"), "{screen}");
}

#[test]
fn a_list_that_is_older_than_who_is_found_now_is_said() {
    for (listed, is_said) in [(4, false), (3, true)] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys("/has:cart\n").list(people());
        let ticket = dashboard.model.recipients.ticket;
        dashboard.answer(Completion::Count { ticket, total: Ok(Total::Exactly(listed)) });
        dashboard.keys("f").answer(Completion::FoundFollowUp(Ok(preview(Vec::new()))));

        let screen = dashboard.screen().join("\n");

        let words = "the list has 3, as it was read: the draft goes to those who are found now";
        assert_eq!(screen.contains(words), is_said, "{screen}");
    }
}

#[test]
fn an_age_is_kept_as_the_moment_that_the_list_was_read_by() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/has:cart older:24h\n").list(people()).keys("f");

    let read = format!("{:?}", dashboard.taken().pop());
    assert!(read.contains("has:cart older:20") && !read.contains("older:24h"), "{read}");
}

#[test]
fn the_draft_of_people_who_were_found_is_made_once_and_shown_under_its_blast() {
    let mut dashboard = asked(WIDE);
    dashboard.keys("\n");
    assert_eq!(dashboard.said(), "still counting them");
    dashboard.answer(Completion::FoundFollowUp(Ok(preview(Vec::new())))).taken();

    dashboard.keys("\n\n");

    let request = WriteRequest::FollowFound(from("has:cart"));
    assert_eq!(dashboard.acts(), std::slice::from_ref(&request));
    assert_eq!(dashboard.said(), "it is being made");
    let made: BlastView = follow_up(9, RAYA, "Follow-up 1");
    let outcome = Ok(WriteOutcome::Drafted { blast: Box::new(made), people: 4 });
    dashboard.answer(Completion::Written { request, outcome });
    assert!(dashboard.model.overlays.is_empty() && dashboard.model.focus == Pane::Blasts);
    assert_eq!(dashboard.said(), "Raya promo, Follow-up 1: a draft to 4 people; nothing is sent");
    let line = &dashboard.model.log.back().unwrap().command_line;
    assert_eq!(line, "blastdeck blast follow-up 7 --from 'has:cart'");
}

#[test]
fn a_draft_to_people_who_were_found_that_is_refused_may_be_tried_again() {
    let mut dashboard = asked(WIDE);
    dashboard.answer(Completion::FoundFollowUp(Ok(preview(Vec::new())))).key(Key::Enter);
    let request = dashboard.acts().swap_remove(0);

    let outcome = Err(EffectError::Other("the filter finds nobody".to_owned()));
    dashboard.answer(Completion::Written { request, outcome });

    assert_eq!(dashboard.said(), "the filter finds nobody");
    dashboard.key(Key::Enter);
    assert_eq!(dashboard.acts().len(), 1);
}

#[test]
fn whoever_has_had_a_cart_for_a_day_gets_a_step_of_the_blast() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/has:cart older:36h\n").list(people()).keys("f");
    dashboard.answer(Completion::FoundFollowUp(Ok(preview(Vec::new())))).taken();
    let page = dashboard.model.overlays.last().cloned();
    if let Some(Overlay::FollowFound(page)) = page {
        let count = SegmentCount { from: page.from.from.clone(), finds: 4, left_out: Vec::new() };
        dashboard.answer(Completion::FoundFollowUp(Ok(FoundPreview { count, ..preview(Vec::new()) })));
    }
    let screen = dashboard.screen().join(" ");
    assert!(screen.contains("Later, by itself") && screen.contains("had a cart for 36h and"), "{screen}");

    dashboard.keys("aa");

    let step = StepAlike { blast: RAYA, since: StepSince::Cart, after: chrono::TimeDelta::hours(36) };
    assert_eq!(dashboard.acts(), [WriteRequest::AddStep(step)]);
    let mut added = step_view(None);
    (added.step.since, added.step.until, added.when) =
        (StepSince::Cart, None, "1d 12h after a cart, no order".to_owned());
    let outcome = Ok(WriteOutcome::StepAdded(Box::new(added)));
    dashboard.answer(Completion::Written { request: WriteRequest::AddStep(step), outcome });
    assert!(dashboard.model.overlays.is_empty());
    assert!(dashboard.said().contains("step 1, 1d 12h after a cart, no order"), "{}", dashboard.said());
    let line = &dashboard.model.log.back().unwrap().command_line;
    assert!(line.contains("--since cart --message"), "{line}");
}

#[test]
fn a_step_of_people_who_were_found_by_something_else_says_who_a_step_is_for() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/has:cart siti\n").list(people()).keys("fa");

    assert!(dashboard.acts().is_empty());
    assert!(dashboard.said().contains("or for carts: /has:cart older:24h finds those"), "{}", dashboard.said());
}

#[test]
fn nothing_is_made_where_all_who_were_found_are_left_out_or_nobody_was() {
    let mut dashboard = asked(WIDE);
    dashboard.answer(Completion::FoundFollowUp(Ok(preview(vec![(Exclusion::Closed, 4)])))).taken();
    dashboard.keys("\n");
    assert_eq!((dashboard.acts(), dashboard.said()), (Vec::new(), "nobody would get it"));

    let mut nobody = TestDashboard::new(WIDE);
    nobody.keys("/has:cart\n").list(Vec::new()).keys("f");
    assert_eq!(nobody.said(), "the list is empty");
    assert!(nobody.model.overlays.is_empty());
}

#[test]
fn the_page_of_people_who_were_found_can_be_read_and_scrolled_at_every_size() {
    for (width, height) in [(200, 50), (120, 29), (80, 24), (60, 20), (40, 10), (30, 8), (1, 1)] {
        let mut dashboard = asked(STACKED);
        dashboard.answer(Completion::FoundFollowUp(Ok(preview(vec![(Exclusion::OptedOut, 1)]))));

        dashboard.dispatch(crate::tui::msg::Msg::Resized(Size { width, height })).keys("jjk");

        let screen = dashboard.screen().join("\n");
        assert!(width < 60 || screen.contains("3 get it"), "{width}x{height}: {screen}");
        assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::FollowFound(_))));
    }
}

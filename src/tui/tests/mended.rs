//! Where operators were stuck: what is said then, and what the small screens keep.

use super::follow_ups::preview;
use super::plans::plan_of;
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, WIDE, at, blast, details_of, draft, person, raya, senders};
use crate::app::view::{BlastView, ElsewhereRow, RecipientDetails};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::follow_up::{AgeCount, LeftOut, ages};
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{NeedsLine, Overlay};
use crate::tui::{ExitReason, Size};

const SMALL: Size = Size { width: 40, height: 12 };

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// A blast that an operator paused, with forty people still queued.
fn paused(by: &str) -> BlastView {
    BlastView {
        counts: Counts { queued: 40, read: 60, ..Counts::default() },
        state_by: Some(Actor::Operator(by.to_owned())),
        ..blast(5, "Hari Sukan", BlastState::Paused, (11, 15))
    }
}

fn with_blasts(size: Size, rows: Vec<BlastView>) -> TestDashboard {
    let mut dashboard = TestDashboard::empty(size);
    dashboard.answer(Completion::Blasts(Ok(rows))).answer(Completion::Senders(Ok(senders())));
    dashboard.taken();
    dashboard
}

#[test]
fn leaving_says_what_stays_paused_part_way_and_the_second_key_leaves() {
    let mut dashboard = with_blasts(STACKED, vec![paused("aina")]);

    dashboard.keys("q");
    assert_eq!(
        dashboard.said(),
        "Hari Sukan stays paused with 40 still to send. q again to leave, S to resume it first"
    );
    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));
    dashboard.keys("q");
    assert_eq!(dashboard.taken(), [Effect::Exit(ExitReason::Quit)]);

    let other = BlastView { id: BlastId(6), tag: "Launch".to_owned(), ..paused("ben") };
    let mut two = with_blasts(STACKED, vec![paused("aina"), other]);
    two.keys("q");
    assert_eq!(two.said(), "2 blasts stay paused with 80 still to send. q again to leave");
}

#[test]
fn leaving_says_also_of_what_paused_by_itself_part_way_that_it_stays_so() {
    let by_itself = BlastView { state_by: Some(Actor::Engine), ..paused("aina") };
    let mut dashboard = with_blasts(STACKED, vec![by_itself]);

    dashboard.keys("q");

    assert_eq!(
        dashboard.said(),
        "Hari Sukan stays paused with 40 still to send. q again to leave, S to resume it first"
    );
    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));
}

#[test]
fn leaving_asks_nothing_of_what_is_paused_before_it_began_or_is_over() {
    let unbegun = BlastView { counts: Counts { queued: 40, ..Counts::default() }, ..paused("aina") };
    for row in [unbegun, BlastView { state: BlastState::Completed, ..paused("aina") }] {
        let mut dashboard = with_blasts(STACKED, vec![row]);

        dashboard.keys("q");

        assert!(dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));
    }
}

#[test]
fn what_a_person_paused_is_named_below_what_needs_somebody() {
    let mut dashboard = with_blasts(STACKED, vec![paused("aina")]);

    dashboard.keys("!");

    let screen = text(&dashboard);
    assert!(screen.contains("Nothing needs you."), "{screen}");
    assert!(screen.contains("Hari Sukan: paused by you, 40 still queued"), "{screen}");
    assert!(screen.contains("What was paused") && screen.contains("S resumes it, X cancels it"), "{screen}");
    assert_eq!(dashboard.model.needs(), 0);
    let mut by_ben = with_blasts(STACKED, vec![paused("ben")]);
    assert!(text(by_ben.keys("!")).contains("Hari Sukan: paused by ben"));
    assert!(text(by_ben.key(Key::Esc)).contains("paused by ben: S resumes it"), "{:#?}", by_ben.screen());
    let mut doubtful = raya();
    doubtful.counts.uncertain = 2;
    let unbegun = BlastView { counts: Counts { queued: 40, ..Counts::default() }, ..paused("ben") };
    let mut both = with_blasts(STACKED, vec![doubtful, unbegun]);
    let screen = text(both.keys("!"));
    assert!(screen.contains("2 uncertain") && screen.contains("Hari Sukan: paused by ben"), "{screen}");
}

#[test]
fn nobody_is_asked_about_where_all_who_are_marked_are_uncertain() {
    let uncertain = |id| person(id, "Aishah", Status::Uncertain, at(13, 54));
    let mut dashboard = TestDashboard::with(STACKED, vec![uncertain(1), uncertain(2), uncertain(3)]);
    dashboard.keys("3  r");

    assert!(dashboard.said().ends_with("press enter, and answer that for all of them first"), "{}", dashboard.said());
    assert!(!matches!(dashboard.model.prompt, Some(crate::tui::model::Prompt::Confirm(_))));
    assert!(!dashboard.line(23).contains("replied"), "{}", dashboard.line(23));

    let mixed = vec![uncertain(1), person(2, "Kavitha", Status::Read, at(13, 50)), uncertain(3)];
    let mut some = TestDashboard::with(STACKED, mixed);
    some.keys("3  r");
    assert!(matches!(some.model.prompt, Some(crate::tui::model::Prompt::Confirm(_))));
}

#[test]
fn a_faster_pace_of_a_started_blast_says_that_the_senders_holds_while_it_is_typed_and_after() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1e").key(Key::Tab).keys("1-2");

    let screen = text(&dashboard);
    assert!(screen.contains("sales sends at most 90/h (gap 20-60 s): that stays the limit"), "{screen}");
    dashboard.keys("\n");
    let [WriteRequest::EditPace { blast, edit, version, people }] = &dashboard.acts()[..] else {
        panic!("it is written")
    };
    let request = WriteRequest::EditPace { blast: *blast, edit: edit.clone(), version: *version, people: *people };
    let limits = edit.limits_after(&raya().limits);
    let row = Box::new(BlastView { limits, ..raya() });
    let outcome = Ok(crate::tui::effect::WriteOutcome::Blast(row));
    dashboard.answer(Completion::Written { request, outcome });
    assert!(dashboard.said().ends_with("; sales sends at most 90/h (gap 20-60 s): that stays the limit"));
}

fn plan_at(size: Size) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1S").answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });
    dashboard.taken();
    dashboard
}

#[test]
fn a_plan_that_was_scrolled_shows_its_question_before_it_sends() {
    for size in [SMALL, STACKED, Size { width: 50, height: 18 }] {
        let mut dashboard = plan_at(size);
        dashboard.key(Key::PageUp).keys("2");
        let screen = text(&dashboard);
        assert!(screen.contains("people: 2") && screen.contains("289"), "{size:?}: {screen}");

        dashboard.keys("89").key(Key::PageUp).keys("\n");
        if !text(&dashboard).contains("read this first") {
            // All of it has room: nothing was scrolled.
            assert_eq!(size, STACKED);
            continue;
        }
        assert!(dashboard.acts().is_empty(), "{size:?}");
        assert!(text(&dashboard).contains("people: 289"), "{:#?}", dashboard.screen());
        dashboard.keys("\n");
        assert!(matches!(dashboard.acts()[..], [WriteRequest::Launch(_)]), "{size:?}");
    }
}

#[test]
fn the_page_of_somebody_uncertain_opens_with_its_question_and_choices_in_sight() {
    for size in [SMALL, Size { width: 50, height: 18 }, STACKED, WIDE] {
        let mut dashboard = TestDashboard::new(size);
        dashboard.keys("3jjjj\n");
        let row = person(5, "Aishah", Status::Uncertain, at(13, 54));
        dashboard.answer(Completion::Person(Box::new(Ok(details_of(row)))));

        let screen = text(&dashboard);
        for words in ["uncertain since", "Was it sent?", "> leave it open", "it is there", "not there, leave out"] {
            assert!(screen.contains(words), "{words} at {size:?}: {:#?}", dashboard.screen());
        }
        let wide = screen.contains("counts as sent, ") && screen.contains("counts as skipped");
        assert!(wide || screen.contains("is sent") && screen.contains("is skipped"), "{:#?}", dashboard.screen());
    }
}

#[test]
fn whoever_searches_at_a_question_has_said_no_and_types_no_keys_of_panes() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3b");
    assert!(matches!(dashboard.model.prompt, Some(crate::tui::model::Prompt::Confirm(_))));

    dashboard.keys("/6713");

    assert!(matches!(&dashboard.model.prompt, Some(crate::tui::model::Prompt::Find(_))), "{:#?}", dashboard.screen());
    assert!(dashboard.acts().is_empty() && text(&dashboard).contains("6713"), "{:#?}", dashboard.screen());
}

#[test]
fn a_question_does_not_hold_up_a_pause() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3b");
    assert!(matches!(dashboard.model.prompt, Some(crate::tui::model::Prompt::Confirm(_))));

    dashboard.keys("p");

    assert!(dashboard.model.prompt.is_none(), "{:#?}", dashboard.screen());
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)]);
}

#[test]
fn the_help_of_a_narrow_window_has_keys_beside_what_they_do() {
    let mut dashboard = TestDashboard::new(SMALL);
    dashboard.keys("?");
    let empty = dashboard.screen()[2..10].iter().filter(|line| line.starts_with("          ")).count();
    assert_eq!(empty, 0, "{:#?}", dashboard.screen());
}

#[test]
fn the_help_shows_the_lines_with_what_is_typed_until_esc() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("?/opt");
    let screen = text(&dashboard);
    assert!(screen.contains("/opt_") && screen.contains("so many opted out"), "{screen}");
    assert!(!screen.contains("PgUp ctrl-u"), "{screen}");

    dashboard.keys("\n").key(Key::Down);
    assert!(text(&dashboard).contains("/opt") && dashboard.model.prompt.is_none());
    dashboard.key(Key::Esc);
    assert!(text(&dashboard).contains("Everywhere") && !text(&dashboard).contains("/opt"), "{:#?}", dashboard.screen());
    dashboard.key(Key::Esc);
    assert!(dashboard.model.overlays.is_empty());
    dashboard.keys("?/zzzz");
    assert!(text(&dashboard).contains("no line has that"), "{:#?}", dashboard.screen());
}

#[test]
fn blasts_of_one_name_are_told_apart() {
    let twin = BlastView { id: BlastId(41), ..raya() };
    let mut dashboard = with_blasts(WIDE, vec![raya(), twin.clone()]);
    let list = dashboard.keys("1").screen().join("\n");
    assert!(list.contains("Raya promo #7") && list.contains("Raya promo #41"), "{list}");
    assert!(list.contains("Raya promo, Initial #7"), "the funnel's title: {list}");
    let cancels = dashboard.keys("X").screen().join("\n");
    assert!(cancels.contains("cancel Raya promo #7? It pauses first"), "{cancels}");
    dashboard.key(Key::Esc);
    let mut doubtful = raya();
    doubtful.counts.uncertain = 2;
    dashboard.answer(Completion::Blasts(Ok(vec![doubtful, twin.clone()])));
    let needs = dashboard.keys("!").screen().join("\n");
    assert!(needs.contains("Raya promo #7: 2 uncertain"), "{needs}");
    dashboard.key(Key::Esc);

    let elsewhere = |id| ElsewhereRow {
        person: crate::app::view::RecipientRow {
            blast_id: BlastId(id),
            sent_at: Some(at(9, 0)),
            ..person(90, "Aishah", Status::Read, at(9, 5))
        },
        tag: "Deepavali".to_owned(),
        follow_up_stage: "Initial".to_owned(),
        is_same_message: false,
    };
    let row =
        crate::app::view::RecipientRow { sent_at: Some(at(12, 0)), ..person(1, "Aishah", Status::Read, at(12, 5)) };
    let details = RecipientDetails { elsewhere: vec![elsewhere(21), elsewhere(22)], ..details_of(row) };
    let mut page = TestDashboard::new(WIDE);
    page.keys("3\n").answer(Completion::Person(Box::new(Ok(details))));
    let screen = text(&page);
    assert!(screen.contains("Deepavali, Initial #21") && screen.contains("Deepavali, Initial #22"), "{screen}");
}

/// Everybody who is stuck is in the follow-up already.
fn all_followed() -> crate::app::FollowUpPreview {
    let mut all = AgeCount::default();
    all.add(Some(LeftOut::Followed), 12);
    let mut counts = vec![AgeCount::default(); ages().len()];
    counts[0] = all;
    crate::app::FollowUpPreview { ages: counts, ..preview() }
}

#[test]
fn a_follow_up_of_people_who_all_had_one_says_so_at_once() {
    let first = super::follow_ups::follow_up(30, RAYA, "Follow-up 1");
    let mut dashboard = with_blasts(STACKED, vec![raya(), first]);
    dashboard.keys("2jjf").answer(Completion::FollowUp(Ok(all_followed())));

    let screen = text(&dashboard);
    assert!(screen.contains("> everybody"), "{screen}");
    assert!(screen.contains("All 12 are in Follow-up 1 already"), "{screen}");
}

#[test]
fn a_follow_up_says_at_every_size_that_nothing_is_sent() {
    for (width, height) in [(120, 29), (80, 24), (50, 18), (40, 12)] {
        let mut dashboard = TestDashboard::new(Size { width, height });
        dashboard.keys("2jjf").answer(Completion::FollowUp(Ok(preview())));

        for _ in 0..3 {
            assert!(text(&dashboard).contains("nothing is sent from here"), "{width}: {:#?}", dashboard.screen());
            dashboard.key(Key::PageDown);
        }
    }
}

#[test]
fn a_follow_up_of_those_at_sent_says_who_is_not_counted_and_why() {
    let row = BlastView { unasked: crate::app::view::Total::Exactly(1), ..raya() };
    let mut dashboard = with_blasts(Size { width: 80, height: 40 }, vec![row]);
    dashboard.keys("2f");
    let sent = crate::app::FollowUpPreview { stuck_at: Status::Sent, ..preview() };
    dashboard.answer(Completion::FollowUp(Ok(sent)));

    let screen = text(&dashboard);
    assert!(screen.contains("1 other at sent is left out: it is not known whether they have the message"), "{screen}");
    assert!(screen.contains("gave no id to ask by"), "{screen}");
}

#[test]
fn why_nobody_is_tried_again_names_the_blast_and_what_would_have_to_be() {
    for (state, says) in [
        (BlastState::Cancelled, "Hari Sukan was cancelled: nobody in it is tried again; d makes a draft like it"),
        (BlastState::Draft, "nothing of Hari Sukan has been sent yet: nobody can have failed"),
        (BlastState::Completed, "nobody failed in Hari Sukan"),
    ] {
        let mut dashboard = with_blasts(STACKED, vec![BlastView { state, ..paused("aina") }]);

        dashboard.keys("1T");

        assert_eq!(dashboard.said(), says);
    }
}

#[test]
fn an_empty_answer_to_a_number_is_said_plainly() {
    let mut dashboard = with_blasts(STACKED, vec![paused("aina")]);
    dashboard.keys("1X\n");
    let screen = text(&dashboard);
    assert!(screen.contains("no number was typed: cancel Hari Sukan for good? 40 still queued; type 40"), "{screen}");
}

#[test]
fn the_list_of_what_needs_somebody_keeps_its_lines() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("!");
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Needs(Some(NeedsLine::Need(_))))));
    assert!(!text(&dashboard).contains("What was paused"));
}

#[test]
fn a_wait_for_a_gap_names_the_gap_that_binds_whichever_the_engine_waited_for_last() {
    let limits = crate::domain::pace::LimitColumns {
        gap: Some(Ok("1s..3s".parse().unwrap())),
        ..crate::domain::pace::LimitColumns::default()
    };
    for gap in ["1s..3s", "20s..1m"] {
        let waiting = Some(crate::domain::waiting::Waiting::Gap { gap: gap.to_owned(), next: None, slowed: 0 });
        let row = BlastView { waiting, limits: limits.clone(), ..raya() };
        let dashboard = with_blasts(WIDE, vec![row]);

        assert!(text(&dashboard).contains("waits for: gap 20-60 s"), "{gap}: {:#?}", dashboard.screen());
    }
    let waiting = Some(crate::domain::waiting::Waiting::Gap { gap: "20s..1m".to_owned(), next: None, slowed: 1 });
    let dashboard = with_blasts(Size { width: 200, height: 50 }, vec![BlastView { waiting, ..raya() }]);
    assert!(text(&dashboard).contains("gap 20-60 s, made twice as long"), "{:#?}", dashboard.screen());
}

#[test]
fn the_draft_of_a_step_says_in_its_plan_when_it_goes() {
    let origin = crate::domain::blast::BlastOrigin { step: Some(1), ..crate::domain::blast::BlastOrigin::default() };
    let made = BlastView { origin, follows: Some(RAYA), state_by: Some(Actor::Engine), ..draft() };
    for (state_by, says) in [
        (made.state_by.clone(), "it goes once you type the number, and not before"),
        (None, "the step sends it by itself, unless you send it first"),
    ] {
        let row = BlastView { state_by, ..made.clone() };
        let mut dashboard = with_blasts(Size { width: 120, height: 50 }, vec![raya(), row.clone()]);
        dashboard.model.blasts.select(DRAFT);
        dashboard.keys("1S").answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(row, 289))) });

        let screen = text(&dashboard);
        assert!(screen.contains(&format!("step 1 of Raya promo made this draft: {says}.")), "{screen}");
    }
}

//! The smallest screens: what arms, asks or goes on beyond the screen says so, and with which key.

use chrono::TimeDelta;

use super::follow_ups::preview;
use super::plans::plan_of;
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, at, blasts, details_of, draft, person, raya};
use super::views::progress;
use crate::app::view::{ActivityHead, BlastView, Total};
use crate::app::{Nameless, Plan};
use crate::domain::blast::{BlastState, FirstPeople};
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::unseen::Unseen;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::msg::Msg;

const SMALL: Size = Size { width: 40, height: 12 };
const TINY: Size = Size { width: 30, height: 8 };
const LEAST: Size = Size { width: 10, height: 3 };

/// All of the screen, its lines one after the other.
fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// The draft is launched, to start in ten seconds.
fn arm(dashboard: &mut TestDashboard) {
    let until = dashboard.now + TimeDelta::seconds(10);
    let armed = BlastView { state: BlastState::Sending, version: 4, send_after: Some(until), ..draft() };
    let rows = blasts().into_iter().filter(|blast| blast.id != DRAFT).chain([armed]).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
}

#[test]
fn an_armed_launch_says_what_stops_it_and_is_stopped_at_every_size() {
    for size in [STACKED, SMALL, TINY, Size { width: 30, height: 4 }, Size { width: 20, height: 5 }] {
        let mut dashboard = TestDashboard::new(size);
        arm(&mut dashboard);

        assert!(text(&dashboard).contains("u stops it"), "{size:?}: {:#?}", dashboard.screen());
        dashboard.taken();
        dashboard.keys("u");
        assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(DRAFT)], "{size:?}");
    }
}

#[test]
fn a_pause_says_that_it_is_resumed_in_a_larger_window_where_this_one_is_too_small_for_that() {
    let paused = BlastView { state: BlastState::Paused, ..raya() };
    for (size, resumes) in [(STACKED, "S resumes it"), (TINY, "S resumes it in a larger window")] {
        let mut dashboard = TestDashboard::new(size);
        let outcome = Ok(WriteOutcome::Blast(Box::new(paused.clone())));

        dashboard.answer(Completion::Written { request: WriteRequest::Pause(RAYA), outcome });

        assert_eq!(dashboard.said(), format!("Raya promo is paused; {resumes}"));
        assert!(text(&dashboard).contains(resumes), "{:#?}", dashboard.screen());
        dashboard.keys("p");
        assert_eq!(dashboard.said(), format!("Raya promo is paused already: {resumes}"));
    }
}

#[test]
fn an_armed_launch_does_not_read_as_being_sent_on_the_smallest_screen() {
    let mut dashboard = TestDashboard::new(TINY);
    arm(&mut dashboard);
    dashboard.model.blasts.select(DRAFT);

    assert_eq!(dashboard.line(0), "REAL !2 0/289 starts");
}

#[test]
fn a_blast_that_is_done_does_not_read_as_if_more_were_to_be_sent_on_the_smallest_screen() {
    let mut dashboard = TestDashboard::new(TINY);
    let counts = Counts { closed: 53, failed: 3, ..Counts::default() };
    let done = BlastView { state: BlastState::Completed, total_recipients: 56, counts, ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![done])));

    assert!(text(&dashboard).contains("53/56 sent, done"), "{:#?}", dashboard.screen());
}

#[test]
fn what_asked_for_a_larger_window_goes_with_it() {
    for keys in ["3r", "1Xq", "1Xy"] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys(&keys[..keys.len() - 1]);
        dashboard.dispatch(Msg::Resized(Size { width: 12, height: 3 })).keys(&keys[keys.len() - 1..]);
        let asked = dashboard.said().to_owned();
        assert!(asked.contains("make the window larger") || asked.contains("too small"), "{keys}: {asked}");

        dashboard.dispatch(Msg::Resized(Size { width: 12, height: 2 }));
        assert_eq!(dashboard.said(), asked, "it is as small as before");
        dashboard.dispatch(Msg::Resized(STACKED));

        assert_eq!(dashboard.said(), "", "{keys}");
    }
}

#[test]
fn without_a_launch_nothing_is_taken_back_where_nobody_can_be_shown() {
    let mut dashboard = TestDashboard::new(TINY);

    dashboard.keys("u");

    assert!(dashboard.acts().is_empty());
}

#[test]
fn a_question_is_whole_with_its_keys_at_every_size_that_answers_it() {
    for size in [STACKED, SMALL, TINY] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("1X");
        dashboard.dispatch(Msg::Resized(size));

        let screen = text(&dashboard);
        assert!(screen.contains("cancel Raya promo? It pauses first; then you type the number."), "{size:?}: {screen}");
        assert!(screen.contains("any other key is no") || screen.contains("only y is yes"), "{size:?}: {screen}");
        dashboard.keys("y");
        assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)], "{size:?}");
    }
}

#[test]
fn a_question_that_does_not_fit_is_answered_by_no_key() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1X");
    dashboard.dispatch(Msg::Resized(Size { width: 20, height: 3 }));

    dashboard.keys("y");

    assert!(dashboard.acts().is_empty() && dashboard.model.prompt.is_some());
    assert!(text(&dashboard).ends_with("make the window larger to answer"), "{:#?}", dashboard.screen());
}

#[test]
fn who_was_not_asked_about_yet_is_said_where_there_is_little_room() {
    for (size, words) in [(STACKED, "12 not checked"), (SMALL, "unasked 12")] {
        let mut dashboard = TestDashboard::new(size);
        let row = BlastView { unasked: Total::Exactly(12), ..raya() };
        dashboard.answer(Completion::Blasts(Ok(vec![row])));

        assert!(text(&dashboard).contains(words), "{:#?}", dashboard.screen());
    }
}

#[test]
fn a_blast_that_stops_after_its_first_says_how_many_are_to_come() {
    let mut dashboard = TestDashboard::new(STACKED);
    let row = BlastView { first: FirstPeople::of(Some(25), Some(3)), ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![row])));

    let screen = text(&dashboard);
    assert!(screen.contains("3 more, then you") && !screen.contains("done"), "{screen}");
}

#[test]
fn a_page_that_goes_on_says_so_and_scrolls() {
    let mut plan = TestDashboard::new(SMALL);
    plan.model.blasts.select(DRAFT);
    plan.keys("1S").answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });
    let mut follow_up = TestDashboard::new(SMALL);
    follow_up.keys("2jjf").answer(Completion::FollowUp(Ok(preview())));

    for (mut dashboard, first) in [(plan, Key::PageUp), (follow_up, Key::PageDown)] {
        let before = dashboard.screen();
        assert!(before[1].contains(": PgUp PgDn"), "{before:#?}");

        dashboard.key(first);
        let scrolled = dashboard.screen();
        assert_ne!(before[2..10], scrolled[2..10]);
        for _ in 0..9 {
            dashboard.key(first);
        }
        let back = if first == Key::PageUp { Key::PageDown } else { Key::PageUp };
        for _ in 0..9 {
            dashboard.key(back);
        }
        dashboard.key(first).key(back);
        assert_eq!(dashboard.screen(), before, "nothing that was pressed at the end has to be taken back");
    }
}

#[test]
fn two_blasts_are_compared_on_a_small_screen() {
    let mut dashboard = TestDashboard::new(SMALL);
    dashboard.keys("1 ").keys(" v");
    let marked: Vec<_> = dashboard.model.blasts.marked().to_vec();
    assert_eq!(marked.len(), 2);

    assert!(text(&dashboard).contains("reading"), "{:#?}", dashboard.screen());
    assert!(!text(&dashboard).contains("are needed"));
    dashboard.answer(Completion::Progress(Ok(marked.iter().map(|id| (*id, progress())).collect())));

    let screen = text(&dashboard);
    assert!(screen.contains("Raya") && screen.contains("Deepavali") && screen.contains("98.9%"), "{screen}");
}

#[test]
fn compared_namesakes_say_at_80_columns_what_is_compared() {
    let mut dashboard = TestDashboard::new(STACKED);
    let sent = BlastView { id: BlastId(41), ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![raya(), sent])));
    dashboard.keys("1 ").keys(" v");
    let marked: Vec<_> = dashboard.model.blasts.marked().to_vec();
    dashboard.answer(Completion::Progress(Ok(marked.iter().map(|id| (*id, progress())).collect())));

    let screen = text(&dashboard);

    for words in ["#7", "#41", "Closed", "at 1h 31min"] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
}

#[test]
fn what_happened_is_read_once_the_window_is_large_enough_to_show_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    let head = ActivityHead {
        unseen: Unseen::since(dashboard.now),
        newest: Some(dashboard.now),
        unread: Total::Exactly(1),
        replies: 1,
        strangers: 0,
        stranger: None,
        notices: 0,
        nameless: Nameless::default(),
        failed_webhooks: 0,
        failed_answers: 0,
    };
    dashboard.answer(Completion::ActivityHead(Ok(head))).taken();

    dashboard.dispatch(Msg::Resized(Size { width: 200, height: 50 }));

    let effects = dashboard.taken();
    let reads = effects.iter().filter(|effect| matches!(effect, Effect::Read(ReadRequest::Activity { .. })));
    assert_eq!(reads.count(), 1, "{effects:?}");
}

#[test]
fn a_mistyped_command_of_another_pane_is_found_with_where_it_works() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("1:folow");

    let screen = text(&dashboard);
    assert!(screen.contains("not in this pane") && screen.contains("follow up those who are stuck here"), "{screen}");
    dashboard.keys("\n");
    assert!(dashboard.said().contains("works in Funnel"), "{}", dashboard.said());
}

#[test]
fn a_name_is_whole_where_the_screen_has_room_for_it() {
    let mut dashboard = TestDashboard::new(Size { width: 200, height: 50 });
    let name = "Hari Raya Aidilfitri 2026: kek tempahan";
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { tag: name.to_owned(), ..raya() }])));

    assert!(dashboard.line(3).contains(name), "{}", dashboard.line(3));
}

#[test]
fn a_key_whose_page_or_pane_is_not_drawn_asks_for_a_larger_window() {
    for (key, words) in [("?", "to read"), (":", "to type"), ("3", "to see this pane"), ("4", "to see this pane")] {
        let mut dashboard = TestDashboard::new(TINY);

        dashboard.keys(key);

        let screen = text(&dashboard);
        assert!(screen.ends_with(&format!("make the window larger {words}")), "{key}: {screen}");
    }
}

#[test]
fn statuses_are_shortened_plainly_where_there_is_no_room_for_them() {
    let mut dashboard = TestDashboard::new(Size { width: 120, height: 29 });
    let counts = Counts {
        queued: 123_000_000,
        sending: 123_000_000,
        uncertain: 123_000_000,
        failed: 123_000_000,
        ..Counts::default()
    };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { counts, ..raya() }])));

    let screen = text(&dashboard);
    assert!(!screen.contains("doubt") && !screen.contains("queue "), "{screen}");
    assert!(screen.contains("queued 123M") && screen.contains("uncert. 123M"), "{screen}");
}

#[test]
fn the_keys_explain_what_stands_before_a_row() {
    let mut dashboard = TestDashboard::new(Size { width: 120, height: 60 });

    dashboard.keys("?");

    let screen = text(&dashboard);
    assert!(screen.contains("N before a row"), "{screen}");
}

#[test]
fn what_is_said_and_has_no_room_is_seen_to_go_on() {
    let mut dashboard = TestDashboard::new(Size { width: 12, height: 4 });
    dashboard.keys("S");
    assert!(dashboard.said().ends_with("nothing done"), "{}", dashboard.said());
    let said = text(&dashboard);
    assert!(said.ends_with('~') || said.ends_with("nothing done"), "{:#?}", dashboard.screen());

    let mut dashboard = TestDashboard::new(Size { width: 20, height: 5 });
    dashboard
        .model
        .refuse("your last act was to pause Raya: that cannot be taken back; U on a person takes back their last mark");
    assert!(dashboard.line(4).ends_with('~'), "{:#?}", dashboard.screen());

    // All of it is there: nothing is marked as cut.
    dashboard.model.refuse("nothing of yours to take back");
    assert!(text(&dashboard).ends_with("to take back"), "{:#?}", dashboard.screen());
}

#[test]
fn whose_messages_these_are_is_said_at_every_size() {
    for (kind, word) in [(crate::tui::DashboardKind::Real, "REAL"), (crate::tui::DashboardKind::Demo, "DEMO")] {
        for (width, height) in [(39, 20), (30, 8), (20, 5), (10, 3), (10, 1), (6, 2)] {
            let mut dashboard = TestDashboard::new(Size { width, height });
            dashboard.model.options.kind = kind;

            assert!(dashboard.line(0).starts_with(word), "{width}x{height}: {:#?}", dashboard.screen());
        }
    }
}

#[test]
fn nothing_that_keeps_people_safe_is_cut_on_the_smallest_screens() {
    for keys in ["S", "3r", "?", ":", "1X"] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.dispatch(Msg::Resized(LEAST));
        dashboard.keys(keys);

        let screen = dashboard.screen();
        // Above it stands how far the blast is.
        assert!(screen.last().is_some_and(|said| !said.is_empty() && !said.contains('~')), "{keys}: {screen:#?}");
    }
    let mut dashboard = TestDashboard::new(LEAST);
    arm(&mut dashboard);
    let screen = text(&dashboard);
    assert!(screen.contains("u or p stops it") || screen.contains("u stops it"), "{:#?}", dashboard.screen());
}

#[test]
fn that_a_plan_goes_out_now_is_seen_before_the_number_is_typed_at_every_size() {
    for (width, height) in [(80, 24), (50, 18), (40, 12), (40, 24)] {
        let mut dashboard = TestDashboard::new(Size { width, height });
        dashboard.model.blasts.select(DRAFT);
        dashboard.keys("1S");
        let plan = Plan { window: None, ..plan_of(draft(), 289) };
        dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) }).keys("2");

        let screen = text(&dashboard);
        assert!(screen.contains("goes out now, 14:02") && screen.contains("people: 2"), "{:#?}", dashboard.screen());
    }
}

#[test]
fn a_form_says_that_nothing_is_sent_from_it_at_every_size() {
    for (width, height) in [(120, 40), (80, 24), (60, 20), (50, 18), (40, 12)] {
        let mut dashboard = TestDashboard::new(Size { width, height });
        dashboard.keys("1n");

        assert!(dashboard.line(1).contains("nothing is sent from here"), "{:#?}", dashboard.screen());
    }
}

#[test]
fn the_question_about_an_uncertain_message_keeps_its_keys_on_a_small_screen() {
    let mut dashboard = TestDashboard::new(SMALL);
    dashboard.keys("3jjjj\n");
    let row = person(5, "Aishah", Status::Uncertain, at(13, 54));
    dashboard.answer(Completion::Person(Box::new(Ok(details_of(row)))));

    let footer = dashboard.line(11);
    assert!(footer.contains("enter answer") && footer.contains("esc back"), "{footer}");
}

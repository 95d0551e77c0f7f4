//! A follow-up is called by its stage as well, wherever a blast is named.

use chrono::TimeDelta;

use super::activity;
use super::support::{STACKED, TestDashboard, WIDE, at, blast, blasts, raya};
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::Completion;
use crate::tui::model::{NeedsLine, Overlay};

const CHASE: BlastId = BlastId(9);

fn chase(state: BlastState) -> BlastView {
    BlastView {
        follow_up_stage: "Follow-up 1".to_owned(),
        counts: Counts { queued: 20, ..Counts::default() },
        ..blast(CHASE.0, "Raya promo", state, (11, 20))
    }
}

fn with(row: BlastView) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Ok(std::iter::once(row).chain(blasts()).collect())));
    dashboard.model.blasts.select(CHASE);
    dashboard
}

#[test]
fn an_armed_follow_up_is_announced_with_its_stage() {
    let until = raya().blast_date + TimeDelta::days(1);
    let dashboard = with(BlastView { send_after: Some(until), ..chase(BlastState::Sending) });

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Raya promo, Follow-up 1 starts 21 Nov"), "{screen}");
}

#[test]
fn blasts_of_one_name_are_told_apart_among_what_needs_a_person() {
    let paused = BlastView { state_by: Some(Actor::Engine), ..chase(BlastState::Paused) };
    let waits = BlastView { id: BlastId(10), waiting: Some(Waiting::NoEngine), ..chase(BlastState::Sending) };
    for (row, said) in [
        (paused, "Raya promo, Follow-up 1 paused by itself"),
        (BlastView { id: CHASE, ..waits }, "Raya promo, Follow-up 1: nobody is sending"),
    ] {
        let mut dashboard = with(row);
        dashboard.keys("!");
        assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Needs(_))));

        let screen = dashboard.screen().join("\n");
        assert!(screen.contains(said), "{screen}");
    }
}

#[test]
fn the_activity_tells_blasts_of_one_name_apart() {
    let mut dashboard = TestDashboard::new(Size { width: 160, height: 50 });
    let twin = BlastView { id: BlastId(41), ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![raya(), twin]))).keys("4");
    activity::answer(&mut dashboard, activity::page());

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("Raya promo #7"), "{screen}");
}

#[test]
fn refusals_and_questions_name_the_stage() {
    let mut dashboard = with(chase(BlastState::Completed));
    dashboard.keys("1p");
    assert_eq!(dashboard.said(), "Raya promo, Follow-up 1 is done: nothing to pause; Raya promo is being sent");

    let mut dashboard = with(chase(BlastState::Draft));
    dashboard.keys("1X");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Raya promo, Follow-up 1"), "{screen}");
}

#[test]
fn a_long_name_is_cut_and_its_stage_is_whole() {
    let row = BlastView { tag: "Hari Raya Aidilfitri 2026: kek tempahan".to_owned(), ..chase(BlastState::Draft) };
    let mut dashboard = with(row);
    dashboard.model.size = STACKED;

    dashboard.keys("1X");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("~, Follow-up 1"), "{screen}");
}

#[test]
fn a_long_name_gives_way_to_the_state_in_the_title_of_the_funnel() {
    for size in [STACKED, WIDE] {
        let mut dashboard = TestDashboard::new(size);
        let long = BlastView { tag: "Raya ".repeat(14), ..blasts().swap_remove(0) };
        dashboard.answer(Completion::Blasts(Ok(vec![long])));

        let title = dashboard.screen().into_iter().find(|line| line.contains("2 Funnel")).unwrap();
        assert!(title.contains("sending"), "{title}");
    }
}

#[test]
fn rows_whose_names_are_cut_to_the_same_are_told_apart_by_their_ids() {
    let mut dashboard = TestDashboard::new(WIDE);
    let orphan = |id, stage: &str| BlastView {
        follow_up_stage: stage.to_owned(),
        follows: None,
        ..blast(id, "Raya Aidilfitri", BlastState::Completed, (11, 20))
    };
    dashboard.answer(Completion::Blasts(Ok(vec![orphan(17, "Follow-up 1"), orphan(20, "Follow-up 2")])));

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("~ #17") && screen.contains("~ #20"), "{screen}");
}

#[test]
fn two_of_one_name_and_day_by_ones_own_clock_have_their_numbers() {
    let sent = |id, at| BlastView { blast_date: at, ..blast(id, "Promo", BlastState::Completed, (11, 20)) };
    let mut dashboard = TestDashboard::new(WIDE);

    // By the clock of UTC the first is of the day before.
    dashboard.answer(Completion::Blasts(Ok(vec![sent(31, at(7, 30)), sent(32, at(9, 0))])));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Promo #31") && screen.contains("Promo #32"), "{screen}");
}

#[test]
fn a_blast_that_is_paused_keeps_its_line_and_the_cursor() {
    let scheduled = |id, name| BlastView {
        scheduled_for: Some(at(16, 0)),
        counts: Counts { queued: 40, ..Counts::default() },
        ..blast(id, name, BlastState::Scheduled, (11, 20))
    };
    let paused = BlastView {
        state: BlastState::Paused,
        state_by: Some(Actor::Operator("aina".to_owned())),
        ..scheduled(13, "Tonight")
    };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Ok(vec![scheduled(13, "Tonight"), scheduled(12, "Later")]))).keys("!");

    dashboard.answer(Completion::Blasts(Ok(vec![paused, scheduled(12, "Later")])));

    let screen = dashboard.screen().join("\n");
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(BlastId(13))), "{screen}");
    assert!(screen.contains("> Tonight: paused by") && screen.contains("40 still queued"), "{screen}");
    assert!(dashboard.line(28).contains("S resume"), "{screen}");
}

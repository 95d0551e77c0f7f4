//! The line that the cursor is on, while its blast goes from one wait to the next.

use super::*;
use crate::domain::ids::BlastId;

/// Nothing of it needs anybody.
fn calm() -> BlastView {
    let mut calm = raya();
    calm.counts.uncertain = 0;
    calm
}

/// Paused by somebody, and listed below.
fn below(id: i64, tag: &str) -> BlastView {
    BlastView {
        id: BlastId(id),
        tag: tag.to_owned(),
        state: BlastState::Paused,
        state_by: Some(Actor::Operator("aina".to_owned())),
        waiting: None,
        ..calm()
    }
}

#[test]
fn what_starts_behind_a_daily_cap_that_is_used_up_keeps_its_line_before_its_engine_says_so() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut used_up = senders();
    used_up[0].usage.today = 500;
    let until = dashboard.now + TimeDelta::seconds(10);
    let starts = |waiting| BlastView { send_after: Some(until), waiting, version: 4, ..calm() };
    let rows = |waiting| Completion::Blasts(Ok(vec![starts(waiting), below(77, "Tour Dec")]));
    dashboard.answer(Completion::Senders(Ok(used_up))).answer(rows(Some(Waiting::Armed { until }))).keys("!");
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(RAYA)));

    dashboard.now = until;
    dashboard.dispatch(Msg::Deadline);
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(RAYA)), "its time has come");
    dashboard.answer(rows(None));

    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(RAYA)));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("> Raya promo waits for the daily cap, 500 a day, until 21 Nov 00:00"), "{screen}");
    assert!(screen.contains("daily_cap of sender sales sets it"), "{screen}");

    dashboard.now += TimeDelta::seconds(6);
    dashboard.answer(rows(Some(Waiting::Gap { gap: "20-60s".to_owned(), next: None, slowed: 0 })));
    assert!(!dashboard.model.needs_lines().contains(&NeedsLine::Blast(RAYA)), "it sends all the same");
}

/// As where an early start is taken back, until its engine says that its hours are closed.
#[test]
fn a_blast_that_is_listed_again_a_moment_later_has_the_cursor_back_unless_its_operator_turned_to_another_line() {
    let hours = || Some(Waiting::Window { window: "20:00-22:00 daily".to_owned(), until: at(20, 0) });
    let rows = |waiting| {
        let raya = BlastView { waiting, ..calm() };
        Completion::Blasts(Ok(vec![raya, below(77, "Tour Dec"), below(78, "Zulu")]))
    };
    let cases = [("", 1, true), ("", 6, false), ("j", 1, false), ("jk", 1, false), ("X", 1, false), ("S", 1, false)];
    for (keys, seconds, is_back) in cases {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.answer(rows(hours())).keys("!");
        assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(RAYA)));
        dashboard.answer(rows(None));
        assert_eq!(dashboard.model.needs_lines().len(), 2, "it is in no part of the list");

        dashboard.keys(keys);
        dashboard.now += TimeDelta::seconds(seconds);
        dashboard.answer(rows(hours()));

        let Some(Overlay::Needs(chosen)) = dashboard.model.overlays.first() else { panic!("{keys}") };
        assert_eq!(*chosen == Some(NeedsLine::Blast(RAYA)), is_back, "{keys:?} {seconds}");
    }
}

/// The one that it went on to from there is listed again before it.
#[test]
fn of_two_lines_that_are_gone_for_a_moment_the_first_has_the_cursor_back() {
    let hours = || Some(Waiting::Window { window: "20:00-22:00 daily".to_owned(), until: at(20, 0) });
    let rows = |first, second| {
        let second = BlastView { id: BlastId(77), tag: "Tour Dec".to_owned(), waiting: second, ..calm() };
        Completion::Blasts(Ok(vec![BlastView { waiting: first, ..calm() }, second, below(78, "Zulu")]))
    };
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(rows(hours(), hours())).keys("!");
    for (first, second, expected) in [
        (None, hours(), BlastId(77)),
        (None, None, BlastId(78)),
        (None, hours(), BlastId(78)),
        (hours(), hours(), RAYA),
    ] {
        dashboard.answer(rows(first, second));

        assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(expected)));
    }
}

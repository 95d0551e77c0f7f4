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

//! A blast and its follow-ups: how they are listed, and who came back.

use super::follow_ups::follow_up;
use super::support::{RAYA, TestDashboard, WIDE, blasts, raya};
use crate::app::view::{BlastView, FollowUpResponses};
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::tui::effect::{Completion, Effect, ReadRequest};
use rust_decimal::Decimal;

#[test]
fn follow_ups_are_indented_under_their_blast_the_first_one_first() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut rows = blasts();
    rows.insert(0, follow_up(12, BlastId(11), "Follow-up 2"));
    rows.insert(0, follow_up(11, RAYA, "Follow-up 1"));

    dashboard.answer(Completion::Blasts(Ok(rows)));

    let screen = dashboard.screen();
    let names: Vec<&str> = screen[3..7].iter().map(|line| line[..14].trim_end()).collect();
    assert_eq!(names, ["- Raya promo", "   Follow-up 1", "    Follow-up", "  Deepavali"]);
}

#[test]
fn rows_that_follow_each_other_in_a_ring_are_all_listed() {
    let mut dashboard = TestDashboard::new(WIDE);
    let rows =
        vec![follow_up(21, BlastId(22), "One"), follow_up(22, BlastId(21), "Two"), follow_up(23, BlastId(23), "Self")];

    dashboard.answer(Completion::Blasts(Ok(rows)));

    assert_eq!(dashboard.model.blasts.rows().len(), 3);
    dashboard.screen();
}

#[test]
fn the_funnel_says_who_came_back_after_the_follow_up_and_asks_only_when_that_changed() {
    let mut dashboard = TestDashboard::new(WIDE);
    let rows = |replied: i64| {
        let follow = follow_up(11, RAYA, "Follow-up 1");
        vec![raya(), BlastView { counts: Counts { replied, ..follow.counts }, ..follow }]
    };
    let asks =
        |dashboard: &mut TestDashboard| dashboard.taken().contains(&Effect::Read(ReadRequest::FollowUpResponses(RAYA)));

    dashboard.answer(Completion::Blasts(Ok(rows(9))));
    assert!(asks(&mut dashboard));
    dashboard.answer(Completion::Blasts(Ok(rows(9))));
    assert!(!asks(&mut dashboard));
    let came_back = FollowUpResponses { replied: 12, closed: 3, amount: Decimal::from(310) };
    dashboard.answer(Completion::FollowUpResponses { blast: RAYA, came_back: Ok(came_back) });

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("after its follow-up: 12 more replied, 3 more bought, RM 310.00"), "{screen}");
    dashboard.answer(Completion::Blasts(Ok(rows(10))));
    assert!(asks(&mut dashboard));
    // Whoever is marked in the first blast did not come back by the follow-up, and another amount is another sum.
    let mut changed = rows(10);
    for change in [
        |rows: &mut Vec<BlastView>| rows[0].counts.replied += 1,
        |rows: &mut Vec<BlastView>| rows[1].counts.amount += Decimal::ONE,
    ] {
        change(&mut changed);
        dashboard.answer(Completion::Blasts(Ok(changed.clone())));
        assert!(asks(&mut dashboard));
    }
}

#[test]
fn a_follow_up_that_is_a_draft_has_not_been_sent_and_is_not_said_to_have_brought_nobody() {
    let mut dashboard = TestDashboard::new(WIDE);
    let unsent =
        |id| BlastView { state: BlastState::Draft, counts: Counts::default(), ..follow_up(id, RAYA, "Follow-up 1") };
    let says = |dashboard: &mut TestDashboard, follow_ups: Vec<BlastView>| {
        let mut rows = blasts();
        rows.extend(follow_ups);
        dashboard.answer(Completion::Blasts(Ok(rows)));
        dashboard.answer(Completion::FollowUpResponses { blast: RAYA, came_back: Ok(FollowUpResponses::default()) });
        dashboard.screen().join("\n")
    };

    let screen = says(&mut dashboard, vec![unsent(20)]);
    assert!(screen.contains("its follow-up has not been sent"), "{screen}");
    let screen = says(&mut dashboard, vec![unsent(20), unsent(21)]);
    assert!(screen.contains("none of its 2 follow-ups has been sent"), "{screen}");
    let screen = says(&mut dashboard, vec![unsent(20), follow_up(21, RAYA, "Follow-up 2")]);
    assert!(screen.contains("its follow-up has brought no new reply yet"), "{screen}");
    let screen = says(&mut dashboard, vec![follow_up(20, RAYA, "Follow-up 1"), follow_up(21, RAYA, "Follow-up 2")]);
    assert!(screen.contains("2 follow-ups have brought no new reply yet"), "{screen}");
}

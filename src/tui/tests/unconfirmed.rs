//! Acts that the database has not confirmed: what was typed is not said to be written, nor to be lost.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::support::{STACKED, TestDashboard, noon};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::tui::ExitReason;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest, WriteRequest};
use crate::tui::key::Key;
use crate::tui::msg::Msg;

fn replied(person: i64) -> WriteRequest {
    WriteRequest::Mark { person: RecipientId(person), mark: Mark::Replied }
}

fn closed(person: i64, amount: i64) -> WriteRequest {
    WriteRequest::Mark { person: RecipientId(person), mark: Mark::Closed(Some(Decimal::from(amount))) }
}

#[test]
fn an_act_whose_answer_was_lost_is_said_to_be_unknown_and_is_read_again() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3r").effects.clear();

    dashboard.answer(Completion::Written { request: replied(1), outcome: Err(EffectError::Unconfirmed) });

    assert!(dashboard.said().starts_with("the database did not confirm that: it may be done or not"));
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Rows(vec![RecipientId(1)]))));
}

#[test]
fn an_amount_that_a_silent_database_did_not_take_is_said_with_it() {
    for (failure, words) in [
        (EffectError::Unavailable, "the database does not answer: nothing was changed; you typed RM 120.00"),
        (EffectError::Unconfirmed, "look before you do it again; you typed RM 120.00"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("3c120\n");

        dashboard.answer(Completion::Written { request: closed(1, 120), outcome: Err(failure) });

        assert!(dashboard.said().ends_with(words), "{}", dashboard.said());
    }
}

#[test]
fn acts_that_are_not_confirmed_soon_stand_in_the_first_line_and_are_asked_about_before_leaving() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3rjr");
    assert!(dashboard.line(0).contains("live, news"), "{}", dashboard.line(0));
    let overdue = dashboard.model.deadline().expect("a time at which they are overdue");

    dashboard.now = overdue;
    dashboard.dispatch(Msg::Deadline);

    assert!(dashboard.line(0).contains("2 ACTS NOT CONFIRMED"), "{}", dashboard.line(0));
    dashboard.effects.clear();
    dashboard.keys("q");
    assert_eq!(
        dashboard.said(),
        "2 acts of yours are not confirmed by the database, and may be lost. q again to leave"
    );
    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));

    dashboard.key(Key::Char('q'));
    assert!(dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));
}

#[test]
fn a_sale_that_is_not_confirmed_soon_is_not_said_to_be_closed() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c");
    assert!(dashboard.line(22).starts_with(" Siti Aminah closed. RM "), "{}", dashboard.line(22));

    dashboard.now = noon() + TimeDelta::minutes(5);
    dashboard.dispatch(Msg::Deadline);

    assert!(
        dashboard.line(22).starts_with(" Siti Aminah: the sale is not confirmed yet. RM "),
        "{}",
        dashboard.line(22)
    );
    let request = WriteRequest::Mark { person: RecipientId(1), mark: Mark::Closed(None) };
    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Unavailable) });
    assert!(!dashboard.line(0).contains("NOT CONFIRMED"), "{}", dashboard.line(0));
}

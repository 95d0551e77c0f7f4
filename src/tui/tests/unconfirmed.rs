//! Acts that the database has not confirmed: what was typed is not said to be written, nor to be lost.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::support::{STACKED, TestDashboard, WIDE, noon, people, raya};
use crate::app::view::{Anchor, BlastView};
use crate::app::{AppError, StoreError, unread_after};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::tui::ExitReason;
use crate::tui::effect::{Completion, Effect, EffectError, ListPart, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::PageRequest;
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

    let said =
        "Siti Aminah: reply may have been written: the database did not confirm it, so check before you repeat it";
    assert_eq!(dashboard.said(), said);
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Rows(vec![RecipientId(1)]))));
}

#[test]
fn an_act_that_is_done_and_could_not_be_read_is_said_to_be_done() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1").effects.clear();
    let broken = AppError::Store(StoreError::Unavailable(sqlx::Error::PoolTimedOut));
    let failure = EffectError::from(unread_after("it is paused")(broken));

    dashboard.answer(Completion::Written { request: WriteRequest::Pause(raya().id), outcome: Err(failure) });

    let said = "Raya promo: paused; how it stands now could not be read, so look before you repeat it";
    assert_eq!(dashboard.said(), said);
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Blasts)));
}

#[test]
fn an_amount_that_a_silent_database_did_not_take_is_said_with_it() {
    for (failure, words) in [
        (EffectError::Unavailable, "Siti Aminah: sale not written, the database did not answer; you typed RM 120.00"),
        (EffectError::Unconfirmed, "so check before you repeat it; you typed RM 120.00"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("3c120\n");

        dashboard.answer(Completion::Written { request: closed(1, 120), outcome: Err(failure) });

        assert!(dashboard.said().ends_with(words), "{}", dashboard.said());
    }
}

#[test]
fn a_note_that_was_not_taken_is_said_with_it() {
    for (failure, words) in [
        (EffectError::Unavailable, "Siti Aminah: note not written, the database did not answer; you typed red, Fri"),
        (EffectError::Unconfirmed, "so check before you repeat it; you typed red, Fri"),
        (EffectError::Other("Siti Aminah is gone".to_owned()), "Siti Aminah is gone; you typed red, Fri"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("3");
        let note = WriteRequest::Mark { person: RecipientId(1), mark: Mark::Note("red, Fri".to_owned()) };

        dashboard.answer(Completion::Written { request: note, outcome: Err(failure) });

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
fn a_cancel_that_takes_long_is_said_and_asked_about_before_leaving() {
    let mut dashboard = TestDashboard::new(STACKED);
    let paused = BlastView { state: BlastState::Paused, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![paused]))).keys("1X140\n");
    let request = dashboard.acts().pop().unwrap();
    assert_eq!(dashboard.said(), "cancelling Raya promo");
    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Refresh).taken();
    assert!(!dashboard.line(0).contains("NOT CONFIRMED"), "it may take minutes: {}", dashboard.line(0));

    let cancelled = BlastView { state: BlastState::Cancelled, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![cancelled]))).keys("q");

    let says = "1 act of yours is still being done, and you would not hear how it ended. q again to leave";
    assert_eq!(dashboard.said(), says);
    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Cancelled(140)) });
    assert!(dashboard.model.unwritten.is_empty());
}

#[test]
fn a_cancel_that_the_database_may_not_have_yet_is_said_to_be_lost_perhaps_by_whoever_leaves() {
    let [paused, cancelled] = [BlastState::Paused, BlastState::Cancelled].map(|state| BlastView { state, ..raya() });
    let down = crate::app::DatabaseState::Down { since: noon() };
    for (listed, database) in [(paused.clone(), crate::app::DatabaseState::Up), (cancelled, down)] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.answer(Completion::Blasts(Ok(vec![paused.clone()]))).keys("1X140\n");
        dashboard.now += TimeDelta::seconds(10);
        dashboard.answer(Completion::Blasts(Ok(vec![listed])));
        dashboard.dispatch(Msg::Database(database));

        dashboard.keys("q");

        let says = "1 act of yours is not confirmed by the database, and may be lost. q again to leave";
        assert_eq!(dashboard.said(), says);
    }
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

/// Siti was found and marked; then the list of everybody and a key for it wait for a database that is silent.
fn marked_before_silence() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3/siti");
    dashboard.list(people()[..1].to_vec()).keys("\nr").key(Key::Esc).keys("j");
    dashboard
}

fn no_list(dashboard: &mut TestDashboard) {
    let asked = PageRequest { anchor: Anchor::Start, limit: 60 };
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::List {
        ticket,
        part: ListPart::Reload,
        asked,
        rows: Err(EffectError::Unavailable),
        newest: None,
    });
}

#[test]
fn an_act_that_a_silent_database_did_not_take_is_said_with_its_person_and_no_lesser_line_takes_its_place() {
    let mut dashboard = marked_before_silence();
    dashboard.now += TimeDelta::seconds(10);

    dashboard.answer(Completion::Written { request: replied(1), outcome: Err(EffectError::Unavailable) });

    let lost = "Siti Aminah: reply not written, the database did not answer";
    assert!(dashboard.line(0).contains("STALE"), "{}", dashboard.line(0));
    no_list(&mut dashboard);
    assert_eq!(
        dashboard.said(),
        format!("{lost}; the list did not come: the key typed meanwhile was not used"),
        "and nothing is lost of what came after it"
    );
    dashboard.answer(Completion::Blasts(Err(EffectError::Unavailable)));
    dashboard.now += TimeDelta::seconds(3);
    dashboard.dispatch(Msg::Refresh);
    assert!(dashboard.said().starts_with(lost), "{}", dashboard.said());

    dashboard.keys("%");

    assert!(!dashboard.said().contains(lost), "a key was pressed since: {}", dashboard.said());
}

#[test]
fn every_act_that_was_lost_is_said_while_none_of_them_has_been_seen() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3rjc\n");
    let sale = WriteRequest::Mark { person: RecipientId(3), mark: Mark::Closed(None) };
    for request in [replied(1), sale] {
        dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Unavailable) });
    }

    let [siti, kavitha] = ["Siti Aminah: reply", "Kavitha: sale"].map(|what| format!("{what} not written"));
    let why = ", the database did not answer";
    assert_eq!(dashboard.said(), format!("{siti}{why}; {kavitha}{why}"));
}

#[test]
fn an_act_that_waits_for_a_database_that_does_not_answer_stands_in_the_first_line() {
    let mut dashboard = marked_before_silence();
    dashboard.dispatch(Msg::Database(crate::app::DatabaseState::Down { since: noon() }));

    let line = dashboard.line(0);
    assert!(line.contains("1 ACT NOT CONFIRMED, STALE since"), "{line}");
}

//! Amounts and numbers of people: what is typed is kept or told, never dropped, and no digit is a key of the desk.

use rust_decimal::Decimal;

use super::support::{Bench, RAYA, STACKED, marked, raya};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::engine::view::BlastRow;
use crate::tui::effect::{Act, Answer, Failure};
use crate::tui::key::Key;
use crate::tui::model::Pane;

fn closed(person: i64, cents: Option<i64>) -> Act {
    let amount = cents.map(|cents| Decimal::new(cents, 2));
    Act::Mark { person: RecipientId(person), mark: Mark::Closed(amount) }
}

#[test]
fn a_key_that_is_no_part_of_the_amount_keeps_it_and_acts() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3c50.00jr");

    let replied = Act::Mark { person: RecipientId(2), mark: Mark::Replied };
    assert_eq!(bench.acts(), [closed(1, None), closed(1, Some(5_000)), replied]);
}

#[test]
fn an_amount_is_typed_with_commas_as_it_is_written() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3c1,200.50\n");

    assert_eq!(bench.acts(), [closed(1, None), closed(1, Some(120_050))]);
    assert!(bench.model.prompt.is_none());
}

#[test]
fn esc_keeps_the_close_without_an_amount() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3c120").key(Key::Esc).keys("j");

    assert_eq!(bench.acts(), [closed(1, None)]);
    assert_eq!(bench.cursor(), Some(2));
}

#[test]
fn what_is_no_amount_stays_in_the_field_until_it_is_mended() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3c12,50");

    for key in ["\n", "j", "1.2.3\n"] {
        bench.keys(key);
        assert_eq!(bench.acts().iter().filter(|act| **act != closed(1, None)).count(), 0, "{key}");
        assert_eq!(bench.cursor(), Some(1), "the key waits too");
        assert!(bench.line(22).contains("write it as 120, 120.50 or 1,200.50"), "{}", bench.line(22));
    }
    for _ in 0.."12,501.2.3".len() {
        bench.key(Key::Backspace);
    }
    bench.keys("12\n");

    assert_eq!(bench.acts(), [closed(1, Some(1_200))]);
}

#[test]
fn ctrl_c_leaves_the_field_with_the_amount() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3c50.00").key(Key::Ctrl('c'));

    assert_eq!(bench.acts(), [closed(1, None), closed(1, Some(5_000))]);
    assert!(bench.model.prompt.is_none());
}

#[test]
fn digits_for_a_close_that_was_refused_are_no_keys_of_the_desk() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3c1");
    let why = Failure::Other("nothing was sent to them yet".to_owned());
    bench.answer(Answer::Acted { act: closed(1, None), outcome: Err(why) });

    bench.keys("20.50\n");

    assert_eq!(bench.model.focus, Pane::People);
    assert_eq!(bench.acts(), [closed(1, None)]);
    assert_eq!(bench.said(), "nothing was sent to them yet");
    bench.keys("1");
    assert_eq!(bench.model.focus, Pane::Blasts, "after enter digits are keys again");
}

#[test]
fn digits_after_a_close_of_nobody_are_no_keys_of_the_desk() {
    let mut bench = Bench::with(STACKED, Vec::new());
    bench.keys("3");

    bench.keys("c120\n");

    assert_eq!(bench.model.focus, Pane::People);
    assert!(bench.acts().is_empty());
    assert_eq!(bench.said(), "nobody is listed");
}

#[test]
fn an_amount_typed_for_several_is_said_to_be_for_one_and_is_no_key() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3  c");
    assert!(bench.line(22).starts_with(" 2 people bought, without amounts?"), "{}", bench.line(22));

    bench.keys("120\n");

    assert!(bench.acts().is_empty());
    assert_eq!(bench.model.focus, Pane::People);
    assert_eq!(bench.said(), "an amount is for one person: nothing done");
}

#[test]
fn a_number_of_people_may_be_typed_with_commas_and_takes_any_digit() {
    let mut bench = Bench::new(STACKED);
    let mut many = BlastRow { state: BlastState::Paused, ..raya() };
    many.counts.queued = 12_345;
    bench.answer(Answer::Blasts(Ok(vec![many]))).keys("1");

    bench.keys("X").keys(&"9".repeat(20)).keys("\n");
    assert!(bench.acts().is_empty());
    assert_eq!(bench.model.focus, Pane::Blasts);
    bench.keys("X1.234\n");
    assert!(bench.acts().is_empty());
    bench.keys("X12,345\n");

    assert_eq!(bench.acts(), [Act::Cancel(RAYA)]);
}

#[test]
fn c_on_somebody_closed_edits_the_amount_and_nothing_else() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3jc");
    assert!(bench.acts().is_empty(), "they are closed already");
    assert!(bench.line(22).starts_with(" Tan Mei Ling closed, RM 120.00. Now RM _"), "{}", bench.line(22));

    bench.key(Key::Esc).keys("c").keys("\n");
    assert!(bench.acts().is_empty(), "nothing was typed");
    bench.keys("c130\n");
    let amend = |amount| Act::Amend {
        person: RecipientId(2),
        seen: Some(Decimal::new(12_000, 2)),
        amount: Decimal::from(amount),
    };
    assert_eq!(bench.acts(), [amend(130)]);
    bench.keys("c140j");

    assert_eq!(bench.acts(), [amend(140)]);
    assert_eq!(bench.cursor(), Some(3));
}

#[test]
fn an_amended_amount_is_told_with_the_one_before() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3jc130\n");
    let Answer::Acted { outcome, .. } = marked(2, "Tan Mei Ling", Status::Closed, Status::Closed) else {
        unreachable!("an answer to an act")
    };

    let act = bench.acts().swap_remove(0);
    bench.answer(Answer::Acted { act, outcome });

    assert_eq!(bench.said(), "Tan Mei Ling: RM 130.00 instead of RM 120.00, by you");
}

//! Amounts and numbers of people: what is typed is kept or refused aloud, never dropped, and no digit reaches the keymap.

use rust_decimal::Decimal;

use super::support::{RAYA, STACKED, TestDashboard, at, marked, people, person, raya};
use crate::app::Marked;
use crate::app::view::{BlastView, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::ids::{OrderId, RecipientId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, EffectError, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Pane;
use crate::tui::msg::Msg;

fn closed(person: i64, cents: Option<i64>) -> WriteRequest {
    let amount = cents.map(|cents| Decimal::new(cents, 2));
    WriteRequest::Mark { person: RecipientId(person), mark: Mark::Closed(amount) }
}

#[test]
fn a_key_that_moves_keeps_the_amount_and_acts() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c50.00").key(Key::Down).keys("r");

    let replied = WriteRequest::Mark { person: RecipientId(2), mark: Mark::Replied };
    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(5_000)), replied]);
}

#[test]
fn a_letter_keeps_the_amount_and_acts_and_no_later_digit_belongs_to_it() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c50.00jjc30.00\n");

    let acts = dashboard.acts();
    assert_eq!(acts, [closed(1, None), closed(1, Some(5_000)), closed(3, None), closed(3, Some(3_000))]);
}

#[test]
fn the_currency_may_be_typed_before_an_amount() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3cRM120.00\n");

    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(12_000))]);
}

#[test]
fn a_space_in_the_amount_never_acts() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c 120\n");
    dashboard.keys("jjcRM 30.00 \n");
    assert_eq!(
        dashboard.acts(),
        [closed(1, None), closed(1, Some(12_000)), closed(3, None), closed(3, Some(3_000))],
        "before and after it, a space is nothing"
    );
    assert_eq!((dashboard.model.focus, dashboard.model.recipients.marked.len()), (Pane::Recipients, 0));

    dashboard.keys("jc1 20\n");
    assert_eq!(dashboard.acts().len(), 1, "two numbers are no amount");
    assert!(dashboard.line(22).contains("RM 1 20_"), "{}", dashboard.line(22));
}

#[test]
fn ctrl_u_empties_the_field_and_does_not_leave_it() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c").key(Key::Ctrl('u')).keys("99").key(Key::Ctrl('u')).keys("120\n");

    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(12_000))]);
}

#[test]
fn a_pasted_amount_is_taken_with_its_currency_and_nothing_else_is() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c");

    dashboard.dispatch(Msg::Paste("twelve".to_owned()));
    let said = dashboard.screen().join("\n");
    assert!(said.contains("`twelve` is not an amount: write it as"), "{said}");
    dashboard.dispatch(Msg::Paste("RM 1,200.50\n".to_owned()));
    dashboard.keys("\n");

    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(120_050))]);
}

#[test]
fn an_amount_is_typed_with_commas_as_it_is_written() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c1,200.50\n");

    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(120_050))]);
    assert!(dashboard.model.prompt.is_none());
}

#[test]
fn esc_keeps_the_close_without_an_amount() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c120").key(Key::Esc).keys("j");

    assert_eq!(dashboard.acts(), [closed(1, None)]);
    assert_eq!(dashboard.cursor(), Some(2));
}

#[test]
fn what_is_no_amount_stays_in_the_field_until_it_is_mended() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c12,5");

    for key in ["\n", "j", "1.2.3\n"] {
        dashboard.keys(key);
        assert_eq!(dashboard.acts().iter().filter(|act| **act != closed(1, None)).count(), 0, "{key}");
        assert_eq!(dashboard.cursor(), Some(1), "the key waits too");
        assert!(dashboard.line(22).contains("write it as 120, 120.50 or 1,200.50"), "{}", dashboard.line(22));
    }
    for _ in 0.."12,5".len() {
        dashboard.key(Key::Backspace);
    }
    dashboard.keys("12\n");

    assert_eq!(dashboard.acts(), [closed(1, Some(1_200))]);
}

#[test]
fn an_amount_that_was_refused_is_edited_where_it_stands() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c49,9\n");
    assert!(dashboard.line(22).contains("49,9_"), "{}", dashboard.line(22));

    dashboard.key(Key::End).keys("0\n");

    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(4_990))]);
}

#[test]
fn digits_typed_for_a_search_never_end_in_an_amount_that_was_refused() {
    let mut dashboard = TestDashboard::new(STACKED);

    for search in ["/35\n", "\n35\n"] {
        dashboard.keys("3c120,5").keys(search);

        assert_eq!(dashboard.acts().iter().filter(|act| **act != closed(1, None)).count(), 0, "{search}");
        assert!(dashboard.line(22).contains("RM 120,5_"), "{}", dashboard.line(22));
        assert!(dashboard.line(23).contains("backspace corrects it"), "{}", dashboard.line(23));
        dashboard.key(Key::Esc);
    }
    dashboard.keys("c120,5/3").key(Key::Backspace).key(Key::Backspace).keys(".50/");
    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(12_050))], "what is an amount goes on");
    assert!(dashboard.line(22).starts_with(" find "), "{}", dashboard.line(22));
}

#[test]
fn ctrl_c_leaves_the_field_with_the_amount() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c50.00").key(Key::Ctrl('c'));

    assert_eq!(dashboard.acts(), [closed(1, None), closed(1, Some(5_000))]);
    assert!(dashboard.model.prompt.is_none());
}

#[test]
fn digits_for_a_close_that_was_refused_are_no_keys_of_the_keymap() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c1");
    let why = EffectError::Other("nothing was sent to them yet".to_owned());
    dashboard.answer(Completion::Written { request: closed(1, None), outcome: Err(why) });

    dashboard.keys("20.50\n");

    assert_eq!(dashboard.model.focus, Pane::Recipients);
    assert_eq!(dashboard.acts(), [closed(1, None)]);
    assert_eq!(
        dashboard.said(),
        "nothing was sent to them yet; you typed RM 120.50",
        "what was typed before counts too"
    );
    dashboard.keys("1");
    assert_eq!(dashboard.model.focus, Pane::Blasts, "after enter digits are keys again");
}

#[test]
fn what_was_said_of_somebody_goes_when_their_row_changes() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c75");
    let why = EffectError::Other("Siti Aminah is closed already: nothing changed".to_owned());
    dashboard.answer(Completion::Written { request: closed(1, None), outcome: Err(why) }).keys("\n");
    let said = "Siti Aminah is closed already: nothing changed; you typed RM 75.00";

    let known = person(1, "Siti Aminah", Status::Closed, at(14, 1));
    dashboard.answer(Completion::Rows(Ok(vec![known])));
    assert_eq!(dashboard.said(), said, "that is what it says");

    dashboard.answer(Completion::Rows(Ok(vec![person(2, "Tan Mei Ling", Status::Read, at(14, 4))])));
    assert_eq!(dashboard.said(), said, "somebody else");
    dashboard.answer(Completion::Rows(Ok(vec![person(1, "Siti Aminah", Status::Read, at(14, 5))])));
    assert_eq!(dashboard.said(), "");
}

#[test]
fn letters_for_a_close_that_was_refused_are_no_keys_until_enter() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3cR");
    let why = EffectError::Other("Ben closed her first, 120.00; yours is not written".to_owned());
    dashboard.answer(Completion::Written { request: closed(1, None), outcome: Err(why) });

    dashboard.keys("M 120rbp");

    assert_eq!(dashboard.acts(), [closed(1, None)]);
    assert!(dashboard.line(22).contains("enter continues"), "{}", dashboard.line(22));
    dashboard.keys("\nr");
    let replied = WriteRequest::Mark { person: RecipientId(1), mark: Mark::Replied };
    assert_eq!(dashboard.acts(), [replied], "after enter letters are keys again");
}

#[test]
fn digits_after_a_close_of_nobody_are_no_keys_of_the_keymap() {
    let mut dashboard = TestDashboard::with(STACKED, Vec::new());
    dashboard.keys("3");

    dashboard.keys("c120\n");

    assert_eq!(dashboard.model.focus, Pane::Recipients);
    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "the list is empty");
}

#[test]
fn an_amount_typed_for_several_is_said_to_be_for_one_and_is_no_key() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  c");
    assert!(
        dashboard.line(22).starts_with(" Siti Aminah and Tan Mei Ling bought, without amounts?"),
        "{}",
        dashboard.line(22)
    );

    dashboard.keys("120\n");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.model.focus, Pane::Recipients);
    assert_eq!(dashboard.said(), "an amount is for one person: nothing done");
}

#[test]
fn a_number_of_people_may_be_typed_with_commas_and_takes_any_digit() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut many = BlastView { state: BlastState::Paused, ..raya() };
    many.counts.queued = 12_345;
    dashboard.answer(Completion::Blasts(Ok(vec![many]))).keys("1");

    dashboard.keys("X").keys(&"9".repeat(20)).keys("\n");
    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.model.focus, Pane::Blasts);
    dashboard.keys("1.234\n");
    assert!(dashboard.acts().is_empty());
    dashboard.keys("12,345\n");

    assert_eq!(dashboard.acts(), [WriteRequest::Cancel { blast: RAYA, version: 3, people: 12_345 }]);
}

#[test]
fn c_on_somebody_closed_edits_the_amount_and_nothing_else() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jc");
    assert!(dashboard.acts().is_empty(), "they are closed already");
    assert!(dashboard.line(22).starts_with(" Tan Mei Ling closed, RM 120.00. Now RM _"), "{}", dashboard.line(22));

    dashboard.key(Key::Esc).keys("c").keys("\n");
    assert!(dashboard.acts().is_empty(), "nothing was typed");
    dashboard.keys("c130\n");
    let amend =
        |seen, amount| WriteRequest::Amend { person: RecipientId(2), seen: Some(seen), amount: Decimal::from(amount) };
    assert_eq!(dashboard.acts(), [amend(Decimal::new(12_000, 2), 130)]);
    dashboard.keys("c140").key(Key::Down);

    assert_eq!(dashboard.acts(), [amend(Decimal::from(130), 140)], "the one before is on its way");
    assert_eq!(dashboard.cursor(), Some(3));
}

/// Their window was behind: it is a close that was typed, not another amount of somebody else's sale.
#[test]
fn a_close_typed_over_a_sale_that_just_came_is_not_written_and_says_so() {
    let mut dashboard = TestDashboard::new(STACKED);
    let row = RecipientRow { changed_at: dashboard.model.now, ..people().swap_remove(1) };
    dashboard.answer(Completion::Rows(Ok(vec![row])));

    dashboard.keys("3jc9");
    assert_eq!(dashboard.acts(), [closed(2, None)], "the database knows whose the sale is");
    let why = EffectError::Other("Ben closed Tan Mei Ling first, RM 120.00; yours is not written".to_owned());
    dashboard.answer(Completion::Written { request: closed(2, None), outcome: Err(why) });
    dashboard.keys("0\n");

    assert!(dashboard.acts().is_empty());
    let said = "Ben closed Tan Mei Ling first, RM 120.00; yours is not written; c again changes the amount; you typed RM 90.00";
    assert_eq!(dashboard.model.notice.as_ref().map(|notice| notice.text.as_str()), Some(said));

    dashboard.keys("c90\n");
    assert!(matches!(dashboard.acts()[..], [WriteRequest::Amend { .. }]), "whoever has read it may change it");
}

#[test]
fn an_amended_amount_is_shown_with_the_one_before() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jc130\n");
    let Completion::Written { outcome, .. } = marked(2, "Tan Mei Ling", Status::Closed, Status::Closed) else {
        unreachable!("an answer to an act")
    };

    let request = dashboard.acts().swap_remove(0);
    dashboard.answer(Completion::Written { request, outcome });

    assert_eq!(dashboard.said(), "Tan Mei Ling: RM 120.00 replaced by RM 130.00, by you");
}

#[test]
fn an_amount_that_another_window_wrote_first_is_named_where_it_is_replaced() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c120\n");
    let Completion::Written { outcome: Ok(WriteOutcome::Marked(done)), .. } =
        marked(1, "Siti Aminah", Status::Closed, Status::Closed)
    else {
        unreachable!("an answer to an act")
    };
    let done = Marked { amount_before: Some(Decimal::new(5_000, 2)), amount_by: Some("ben@shop".to_owned()), ..*done };

    let request = dashboard.acts().pop().unwrap();
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Marked(Box::new(done))) });

    assert_eq!(dashboard.said(), "Siti Aminah: RM 50.00 of ben@shop's replaced by RM 120.00, by you");
}

#[test]
fn an_amount_in_the_place_of_orders_says_that_they_no_longer_count() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jc130\n");
    let Completion::Written { outcome: Ok(WriteOutcome::Marked(done)), .. } =
        marked(2, "Tan Mei Ling", Status::Closed, Status::Closed)
    else {
        unreachable!("an answer to an act")
    };
    let done = Marked { replaced: vec![OrderId(8), OrderId(9)], ..*done };

    let request = dashboard.acts().swap_remove(0);
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Marked(Box::new(done))) });

    assert_eq!(dashboard.said(), "Tan Mei Ling: RM 120.00 replaced by RM 130.00, by you; orders 8, 9 no longer count");
}

#[test]
fn amounts_are_whole_in_the_list_and_the_note_gives_way() {
    for width in [80, 100, 110, 160] {
        let mut row = person(1, "Siti Aminah binti Abdullah", Status::Closed, at(13, 57));
        (row.amount, row.note) = (Some(Decimal::new(125_539_800, 2)), Some("a note that takes the rest".to_owned()));
        let screen =
            TestDashboard::with(crate::tui::Size { width, height: 24 }, vec![row]).keys("3").screen().join("\n");
        assert!(screen.contains("1,255,398.00"), "{width}: {screen}");
    }
}

#[test]
fn the_k_of_35k_is_no_key_and_is_refused_with_its_digits() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3jc35k\n");

    assert!(dashboard.acts().is_empty(), "not RM 35.00");
    assert_eq!(dashboard.cursor(), Some(2));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("write it as") && screen.contains("35k_"), "{screen}");
    dashboard.key(Key::Ctrl('u')).keys("35000\n");
    let acts = format!("{:?}", dashboard.acts());
    assert!(acts.contains("RecipientId(2)") && acts.contains("amount: 35000"), "{acts}");
}

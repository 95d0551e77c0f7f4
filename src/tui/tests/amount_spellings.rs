//! Whatever somebody types for an amount: it is read, or it stays in the field with the way to write it.

use rust_decimal::Decimal;

use super::support::{STACKED, TestDashboard};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::tui::effect::{Completion, EffectError, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Pane, Prompt};
use crate::tui::msg::Msg;

fn closed(amount: Option<&str>) -> WriteRequest {
    let amount = amount.map(|amount| amount.parse::<Decimal>().unwrap());
    WriteRequest::Mark { person: RecipientId(1), mark: Mark::Closed(amount) }
}

/// The prompt with what it says, which takes two lines where one is too short.
fn asked(dashboard: &TestDashboard) -> String {
    [21, 22].map(|row| dashboard.line(row).trim().to_owned()).join(" ")
}

#[test]
fn the_amount_of_a_close_stays_open_where_another_mark_of_theirs_is_refused() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3rc12").taken();
    let replied = WriteRequest::Mark { person: RecipientId(1), mark: Mark::Replied };
    let why = EffectError::Other("Siti Aminah has replied already: nothing changed".to_owned());

    dashboard.answer(Completion::Written { request: replied, outcome: Err(why) }).taken();
    dashboard.keys("0\n");

    assert_eq!(dashboard.acts(), [closed(Some("120"))]);
}

#[test]
fn an_amount_is_read_in_every_spelling_that_has_one_meaning() {
    for (typed, amount) in [
        ("120", "120"),
        ("RM 120", "120"),
        ("rm120", "120"),
        ("MYR 120.50", "120.50"),
        ("120 RM", "120"),
        ("120.50", "120.50"),
        ("1,200", "1200"),
        ("49,90", "49.90"),
        ("0", "0"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);

        dashboard.keys("3c").keys(typed).keys("\n");

        assert_eq!(dashboard.acts(), [closed(None), closed(Some(amount))], "{typed}");
        assert!(dashboard.model.prompt.is_none(), "{typed}");
    }
}

#[test]
fn what_is_not_taken_stays_in_the_field_with_the_way_to_write_it_and_none_of_it_acts() {
    for (typed, why) in [
        ("1.200,50", "write it as 1,200.50"),
        ("-50", "an amount is 0 or more"),
        ("99999999999", "too large: write an amount below 10,000,000,000"),
        ("SGD 120", "amounts are in RM: write the number alone"),
        ("120 usd", "amounts are in RM: write the number alone"),
        ("$5", "amounts are in RM: write the number alone"),
        ("2*60", "write it as 120, 120.50 or 1,200.50"),
        ("1.999", "MYR has 2 decimal places: write it as 1.99 or 2.00"),
        ("120 enter", "write it as 120, 120.50 or 1,200.50"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);

        dashboard.keys("3c").keys(typed).keys("\n");

        assert_eq!(dashboard.acts(), [closed(None)], "{typed}");
        let said = asked(&dashboard);
        assert!(said.contains(&format!("{typed}_")) && said.contains(why), "{typed}: {said}");
        assert_eq!((dashboard.model.focus, dashboard.cursor()), (Pane::Recipients, Some(1)), "{typed}");
        dashboard.key(Key::Ctrl('u')).keys("7\n");
        assert_eq!(dashboard.acts(), [closed(Some("7"))], "{typed}");
    }
}

#[test]
fn a_currency_that_is_typed_is_shown_once() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3cRM 12");

    assert!(dashboard.line(22).starts_with(" Siti Aminah closed. RM 12_"), "{}", dashboard.line(22));
}

#[test]
fn enter_without_an_amount_says_that_the_earlier_one_stays() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3jc\n");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "Tan Mei Ling: RM 120.00 stays");
}

#[test]
fn a_pasted_amount_goes_where_one_is_typed_and_another_currency_or_a_list_is_refused() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c");
    for (pasted, why) in [("USD 120", "`USD 120`: amounts are in RM"), ("120\n130\n", "2 lines were pasted")] {
        dashboard.dispatch(Msg::Paste(pasted.to_owned()));
        assert!(asked(&dashboard).contains(why), "{}", asked(&dashboard));
    }

    dashboard.keys("1").dispatch(Msg::Paste("50.00\n".to_owned()));
    assert!(dashboard.line(22).contains("RM 150.00_"), "what was typed is not replaced: {}", dashboard.line(22));
    dashboard.keys("\n");

    assert_eq!(dashboard.acts(), [closed(None), closed(Some("150.00"))]);
}

#[test]
fn an_amount_that_the_database_did_not_take_is_said_with_the_reason() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jc130\n");
    let request = dashboard.acts().remove(0);

    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Unavailable) });

    let said = "Tan Mei Ling: amount not written, the database did not answer; you typed RM 130.00";
    assert_eq!(dashboard.said(), said);
}

#[test]
fn a_key_that_does_nothing_below_stays_in_sight_and_what_is_typed_after_it_is_not_lost() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3c12x");
    assert_eq!(dashboard.acts(), [closed(None)]);
    let said = asked(&dashboard);
    assert!(said.contains("RM 12x_") && said.contains("x is not part of an amount"), "{said}");
    dashboard.keys("5\n");
    assert!(dashboard.acts().is_empty(), "neither RM 12.00 nor RM 125.00");
    assert!(asked(&dashboard).contains("RM 12x_"), "{}", asked(&dashboard));
    dashboard.key(Key::Backspace).keys(".50\n");

    assert_eq!(dashboard.acts(), [closed(Some("12.50"))]);
}

#[test]
fn a_key_that_does_nothing_below_leaves_no_digit_to_the_keymap() {
    for key in [Key::Char('x'), Key::Char(';'), Key::Ctrl('g')] {
        let mut dashboard = TestDashboard::new(STACKED);

        dashboard.keys("3c").key(key).keys("12");

        assert_eq!(dashboard.acts(), [closed(None)], "{key}");
        assert!(matches!(dashboard.model.prompt, Some(Prompt::Amount(_))), "{key}");
        assert_eq!(dashboard.model.focus, Pane::Recipients, "{key}");
    }
}

#[test]
fn an_o_for_a_nought_and_an_l_for_a_one_are_no_keys_and_are_refused_with_the_digits() {
    for typed in ["12o", "2l5", "5oo"] {
        let mut dashboard = TestDashboard::new(STACKED);

        dashboard.keys(&format!("3jc{typed}\n"));

        assert!(dashboard.acts().is_empty(), "{typed}: not a smaller sale");
        let screen = dashboard.screen().join("\n");
        assert!(screen.contains(&format!("{typed}_")), "{screen}");
    }
}

#[test]
fn a_digit_that_shows_a_pane_elsewhere_is_of_the_amount_and_the_keys_say_so() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3c");
    assert!(dashboard.line(23).ends_with("tab items  any key but an amount's acts"), "{}", dashboard.line(23));

    dashboard.keys("12").keys("3");
    let keys = " enter keeps it  esc no amount  any key but an amount's keeps it, then acts";
    assert_eq!(dashboard.line(23), keys);
    dashboard.keys("j");

    assert_eq!(dashboard.acts(), [closed(None), closed(Some("123"))]);
    assert_eq!((dashboard.model.focus, dashboard.cursor()), (Pane::Recipients, Some(2)));
}

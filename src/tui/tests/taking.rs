//! A list that is being taken into a draft: how far it is, and that `esc` stops it.

use super::form::{saved, taken};
use super::support::{TestDashboard, WIDE};
use crate::tui::effect::{Completion, DraftAnswer, DraftWrite, Effect, EffectError, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, Overlay};

/// A form whose list is being read; the write that takes it.
fn taking() -> (TestDashboard, WriteRequest) {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n↓↓↓\nraya.csv\n").answer(saved(9, 1));
    let take = dashboard.acts().pop().unwrap();
    dashboard.answer(Completion::Draft(DraftAnswer::RowsRead(48_000)));
    (dashboard, take)
}

#[test]
fn a_long_list_says_how_many_rows_were_read_so_far_and_how_it_is_stopped() {
    let (dashboard, _) = taking();

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("is being read, 48,000 rows so far; esc stops it"), "{screen}");
}

#[test]
fn a_list_that_is_taken_while_a_line_is_typed_on_is_not_said_to_be_stopped_by_esc() {
    let (mut dashboard, _) = taking();
    dashboard.model.form.as_mut().unwrap().line = FormLine::Message;

    let screen = dashboard.keys("\n").screen().join("\n");

    assert!(screen.contains("48,000 rows so far") && !screen.contains("esc stops it"), "{screen}");
}

#[test]
fn esc_stops_the_list_once_and_the_form_says_that_nothing_of_it_is_kept() {
    let (mut dashboard, take) = taking();

    dashboard.key(Key::Esc);
    assert_eq!(dashboard.taken(), [Effect::StopList]);
    assert!(dashboard.screen().join("\n").contains("is being stopped"), "{:#?}", dashboard.screen());
    let stopped = EffectError::Other("stopped: nothing of the list is kept".to_owned());
    dashboard.answer(Completion::Written { request: take, outcome: Err(stopped) });

    let form = dashboard.model.form.as_ref().unwrap();
    assert!(form.list.is_none() && form.edit.is_none() && !form.is_taking, "it is not offered again");
    assert!(
        dashboard.screen().join("\n").contains("stopped: nothing of the list is kept"),
        "{:#?}",
        dashboard.screen()
    );
    assert!(matches!(dashboard.model.overlays[..], [Overlay::Form]));
    dashboard.key(Key::Esc);
    assert!(dashboard.model.overlays.is_empty(), "the next one leaves the form");
}

#[test]
fn esc_leaves_a_form_whose_list_is_read_again_for_another_message() {
    let (mut dashboard, _) = taking();
    dashboard.answer(taken(9, 2, None)).answer(saved(9, 3)).keys("\nSalam").key(Key::Esc).answer(saved(9, 4));
    let again = dashboard.acts().pop().unwrap();
    assert!(matches!(again, WriteRequest::Draft(DraftWrite::TakeList { .. })), "{again:?}");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("is being read") && !screen.contains("esc stops it"), "{screen}");

    dashboard.key(Key::Esc);

    assert!(dashboard.model.overlays.is_empty() && !dashboard.taken().contains(&Effect::StopList));
    assert!(dashboard.said().contains("is being saved; it says here when it is"), "{}", dashboard.said());
    dashboard.answer(taken(9, 5, None));
    assert!(dashboard.said().contains("is kept"), "{}", dashboard.said());
}

//! A list that is being taken into a draft: how far it is, and that `esc` stops it.

use super::form::saved;
use super::support::{TestDashboard, WIDE};
use crate::tui::effect::{Completion, DraftAnswer, Effect, EffectError, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Overlay;

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

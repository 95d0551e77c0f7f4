//! Who was typed for and may be somebody else is asked about, however the list that was found is read again.

use super::support::{STACKED, TestDashboard, blasts, crowd, people};
use crate::tui::effect::{Completion, EffectError, ListPart};
use crate::tui::model::{PageRequest, Prompt};
use crate::tui::msg::Msg;

/// Nobody's number ends so: those who have the digits elsewhere are listed, and the list is read once more.
fn asked_after(again: impl FnOnce(&mut TestDashboard)) -> (usize, String) {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/6789\n").list(Vec::new()).list(vec![people()[0].clone()]).dispatch(Msg::Drawn);
    again(&mut dashboard);
    dashboard.list(vec![people()[0].clone()]).dispatch(Msg::Drawn).keys("r");
    (dashboard.acts().len(), format!("{:?}", dashboard.model.prompt))
}

#[test]
fn a_doubtful_find_asks_also_once_it_is_sorted_gone_through_or_read_again() {
    for keys in ["g", "G", "o", "O"] {
        let (acts, asked) = asked_after(|dashboard| _ = dashboard.keys(keys));
        assert!(acts == 0 && asked.contains("no number ends in 6789: Siti Aminah"), "{keys}: {asked}");
    }

    let (acts, asked) = asked_after(|dashboard| {
        dashboard.keys("g");
        let (ticket, part) = (dashboard.model.recipients.ticket, ListPart::Reload);
        let asked = PageRequest { anchor: crate::app::view::Anchor::Start, limit: 60 };
        let rows = Err(EffectError::Unavailable);
        dashboard.answer(Completion::List { ticket, part, asked, rows, newest: None });
        dashboard.answer(Completion::Blasts(Ok(blasts())));
    });

    assert!(acts == 0 && asked.contains("no number ends in 6789: Siti Aminah"), "{asked}");
}

#[test]
fn the_first_of_several_who_were_found_is_nobodys_choice_after_a_sort_either() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/05\n").list(crowd(1, 3)).keys("o").list(crowd(1, 3)).dispatch(Msg::Drawn).keys("r");
    assert!(dashboard.acts().is_empty());
    let asked = |dashboard: &TestDashboard| format!("{:?}", dashboard.model.prompt);
    assert!(asked(&dashboard).contains("numbers end in 05: Person 1"), "{}", asked(&dashboard));

    let mut chosen = TestDashboard::new(STACKED);
    chosen.keys("/05\n").list(crowd(1, 3)).dispatch(Msg::Drawn).keys("jr");
    assert_eq!(chosen.acts().len(), 1, "whoever was gone to is meant");

    let mut other = TestDashboard::new(STACKED);
    other.keys("/6789\n").list(Vec::new()).list(crowd(1, 3)).keys("]").list(crowd(1, 3)).dispatch(Msg::Drawn).keys("r");
    assert!(!matches!(other.model.prompt, Some(Prompt::Confirm(_))), "another list is no find: {}", asked(&other));
}

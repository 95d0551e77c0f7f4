//! On whom the cursor of the recipients is drawn while another pane has the focus.

use super::support::{STACKED, TestDashboard, at, people, person};
use crate::app::view::RecipientRow;
use crate::domain::status::Status;
use crate::tui::msg::Msg;

/// The line of whoever the cursor is drawn on.
fn pointed(dashboard: &TestDashboard) -> Option<String> {
    dashboard.screen().into_iter().find(|line| line.starts_with("> +60") || line.starts_with("- +60"))
}

fn with_edi() -> Vec<RecipientRow> {
    let edi = person(9, "Edi", Status::Read, at(14, 1));
    std::iter::once(edi).chain(people()).collect()
}

#[test]
fn a_cursor_that_would_pass_to_the_newest_change_is_on_nobody_until_the_list_has_the_focus() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("2");
    assert_eq!(pointed(&dashboard), None);

    dashboard.dispatch(Msg::Refresh).list(with_edi());
    assert_eq!(pointed(&dashboard), None);

    dashboard.keys("3");
    assert!(pointed(&dashboard).is_some_and(|line| line.contains("Edi")), "{:#?}", dashboard.screen());
}

#[test]
fn somebody_who_was_chosen_keeps_the_cursor_whatever_comes_above_them() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3j2").dispatch(Msg::Refresh).list(with_edi());
    assert!(pointed(&dashboard).is_some_and(|line| line.contains("Tan Mei Ling")), "{:#?}", dashboard.screen());

    dashboard.keys("3");
    assert_eq!(dashboard.cursor(), Some(2));
}

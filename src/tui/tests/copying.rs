//! `y` and `Y`: a person's number and chat link go to the terminal's clipboard, and nothing that others wrote.

use super::support::{STACKED, TestDashboard, buffer, details_of, people, person};
use crate::domain::status::Status;
use crate::tui::DashboardKind;
use crate::tui::effect::{Completion, Effect};
use crate::tui::frame::FrameDiff;

fn copied(text: &str) -> [Effect; 1] {
    [Effect::Copy(text.to_owned())]
}

#[test]
fn y_copies_the_number_of_the_person_at_the_cursor_and_says_so() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3jy");

    assert_eq!(dashboard.taken(), copied("+60100120002"));
    assert_eq!(dashboard.said(), "copied to the terminal's clipboard: +60100120002 (Tan Mei Ling)");
}

#[test]
fn capital_y_copies_the_link_to_the_chat_also_from_the_details() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(0)))))).taken();

    dashboard.keys("Y");

    assert_eq!(dashboard.taken(), copied("https://wa.me/60100120001"));
    assert_eq!(dashboard.said(), "copied to the terminal's clipboard: https://wa.me/60100120001 (Siti Aminah)");
}

#[test]
fn whoever_was_forgotten_has_no_number_to_copy_and_none_that_a_command_names() {
    let mut row = people().swap_remove(0);
    (row.phone, row.name) = (serde_json::from_value(serde_json::json!("forgotten-4")).unwrap(), None);
    let mut dashboard = TestDashboard::with(STACKED, vec![row.clone()]);

    for key in ["3y", "Y"] {
        dashboard.keys(key);
        assert_eq!(dashboard.said(), "they were forgotten: there is no number to copy");
    }
    assert!(!dashboard.taken().iter().any(|effect| matches!(effect, Effect::Copy(_))));

    dashboard.keys("\n").answer(Completion::Person(Box::new(Ok(details_of(row)))));
    dashboard.keys("G");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("forgotten-4") && !screen.contains("as a command"), "{screen}");
}

#[test]
fn a_read_only_dashboard_copies_too() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.model.options.kind = DashboardKind::ReadOnly;

    dashboard.keys("y");

    assert_eq!(dashboard.taken(), copied("+60100120001"));
}

#[test]
fn where_nobody_is_chosen_nothing_is_copied_and_it_says_why() {
    let mut dashboard = TestDashboard::with(STACKED, Vec::new());
    dashboard.keys("y");
    assert_eq!(dashboard.said(), "the list is empty");

    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("?y");
    assert_eq!(dashboard.said(), "nobody is chosen here");

    assert!(dashboard.taken().is_empty());
}

#[test]
fn a_hostile_name_reaches_neither_the_escape_sequence_nor_the_terminal() {
    let hostile = person(7, "\u{1b}]52;c;ZXZpbA==\u{7}Eve\u{9d}", Status::Read, super::support::noon());
    let mut dashboard = TestDashboard::with(STACKED, vec![hostile]);
    let mut frames = FrameDiff::default();
    frames.advance(&buffer(&dashboard.model));
    dashboard.keys("3Y");

    for effect in dashboard.taken() {
        let Effect::Copy(text) = effect else { continue };
        frames.copy(text);
    }
    let bytes = String::from_utf8(frames.advance(&buffer(&dashboard.model))).unwrap();

    // base64 of https://wa.me/60100120007
    let copy = "\u{1b}]52;c;aHR0cHM6Ly93YS5tZS82MDEwMDEyMDAwNw==\u{1b}\\";
    let frame = bytes.strip_prefix(copy).unwrap();
    assert!(!frame.contains("\u{1b}]") && !frame.contains(['\u{7}', '\u{9d}']), "{frame:?}");
    assert!(frame.contains("clipboard:"), "{frame:?}");
}

//! Several people whose numbers end alike, of whom none is marked unasked; and people who are called the same.

use super::support::{STACKED, TestDashboard, at, crowd, person};
use crate::domain::status::Status;
use crate::tui::model::Pane;
use crate::tui::msg::Msg;

#[test]
fn the_first_act_on_one_of_several_whose_numbers_end_alike_names_them_and_asks() {
    for (keys, expected) in [("jr", 1), ("r", 0), ("ry", 1), ("ryc", 2), ("rn", 0), ("c12", 0), ("U", 0), ("b", 0)] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("/001\n").list(crowd(10, 4)).dispatch(Msg::Drawn);

        dashboard.keys(keys);

        assert_eq!(dashboard.acts().len(), expected, "{keys}: {}", dashboard.line(22));
        assert_eq!(dashboard.model.focus, Pane::Recipients, "{keys}");
    }
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/001\n").list(crowd(10, 4)).dispatch(Msg::Drawn).keys("r");
    assert!(
        dashboard.line(22).contains("numbers end in 001: Person 10, +60 10-012 0010 replied?"),
        "{}",
        dashboard.line(22)
    );
}

#[test]
fn a_question_about_people_who_are_called_the_same_tells_them_apart_by_their_numbers() {
    let siti = |id: i64, minute: u32| person(id, "Siti Aminah", Status::Read, at(13, minute));
    let question = |ids: [i64; 2]| {
        let people = vec![siti(ids[0], 54), siti(ids[1], 53)];
        let mut dashboard = TestDashboard::with(STACKED, people);
        dashboard.keys("3  r");
        assert!(dashboard.acts().is_empty());
        dashboard.model.question().unwrap().to_owned()
    };

    let short = question([1, 2]);
    assert!(short.starts_with("Siti Aminah (ends in 0001) and Siti Aminah (ends in 0002) replied?"), "{short}");
    // These end alike: the first number has a digit more.
    let whole = question([1, 10_001]);
    assert!(!whole.contains("ends in") && whole.matches("Siti Aminah (+60").count() == 2, "{whole}");
}

//! Several people whose numbers end alike: none of them is marked unasked.

use super::support::{STACKED, TestDashboard, crowd};
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

//! What is typed behind a mark that was refused, or a question: nothing acts that was meant for something else, and nothing goes unsaid.

use chrono::TimeDelta;

use super::support::{STACKED, TestDashboard, crowd, people};
use crate::tui::model::Prompt;

#[test]
fn that_nobody_was_marked_stays_in_sight_behind_the_next_search() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/001\nr").list(crowd(10, 4));
    dashboard.keys("/0002\n").list(vec![people().swap_remove(0)]);

    assert!(
        dashboard.said().starts_with("the list for 001 is new: look first, nobody was marked"),
        "{}",
        dashboard.said()
    );
    dashboard.now += TimeDelta::seconds(2);
    dashboard.keys("rk");
    assert!(!dashboard.said().contains("001"), "{}", dashboard.said());
}

#[test]
fn keys_behind_a_mark_that_is_refused_are_counted() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/001\nr/6713\nr").list(crowd(10, 4));

    assert!(dashboard.acts().is_empty());
    assert_eq!(
        dashboard.said(),
        "the list for 001 is new: look first, nobody was marked; the 7 keys typed meanwhile were not used"
    );
    dashboard.keys("jj");
    assert!(dashboard.said().ends_with("the 9 keys typed meanwhile were not used"), "{}", dashboard.said());
    assert_eq!(dashboard.said().matches("001").count(), 1, "{}", dashboard.said());
}

#[test]
fn whoever_opens_any_field_at_a_question_types_into_it() {
    for (focus_and_question, opens) in [("1X", "/Promo"), ("1X", ":pause"), ("3b", ":undo")] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys(focus_and_question);
        assert!(matches!(dashboard.model.prompt, Some(Prompt::Confirm(_))), "{focus_and_question}");

        dashboard.keys(opens);

        let is_field =
            matches!(&dashboard.model.prompt, Some(Prompt::BlastFilter(_))) || !dashboard.model.overlays.is_empty();
        assert!(is_field && dashboard.screen().join("\n").contains(&opens[1..]), "{opens}: {:#?}", dashboard.screen());
        assert!(dashboard.acts().is_empty(), "{opens}");
    }
}

//! Keys that a page has no use for do not leave it.

use super::customers;
use super::follow_ups;
use super::support::{STACKED, TestDashboard, details_of, people};
use crate::tui::effect::Completion;
use crate::tui::key::Key;
use crate::tui::model::Pane;

#[test]
fn keys_that_go_to_the_next_pane_do_not_leave_a_page() {
    let details = || {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("3\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(0))))));
        dashboard
    };
    let pages: [(&str, &dyn Fn() -> TestDashboard); 3] = [
        ("this person's page", &details),
        ("this customer's page", &|| customers::opened(STACKED)),
        ("the follow-up", &follow_ups::asked),
    ];
    for (page, open) in pages {
        for key in [Key::Char('h'), Key::Char('l'), Key::Left, Key::Right, Key::Tab, Key::BackTab] {
            let mut dashboard = open();
            let (overlays, focus) = (dashboard.model.overlays.len(), dashboard.model.focus);

            dashboard.key(key);

            assert_eq!((dashboard.model.overlays.len(), dashboard.model.focus), (overlays, focus), "{page}: {key}");
            assert_eq!(dashboard.said(), format!("this is {page}: esc leaves it, 1 to 4 show a pane"), "{key}");
        }
        let mut dashboard = open();
        dashboard.keys("1");
        assert!(dashboard.model.overlays.is_empty() && dashboard.model.focus == Pane::Blasts, "{page}");
    }
}

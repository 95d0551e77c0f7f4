//! The question whether to leave: whatever else is done ends it, and acts.

use super::support::{RAYA, STACKED, TestDashboard};
use crate::tui::ExitReason;
use crate::tui::effect::{Completion, Effect};
use crate::tui::key::Key;
use crate::tui::model::Leaving;
use crate::tui::msg::Msg;

#[test]
fn a_key_after_the_question_whether_to_leave_ends_it_and_acts_as_it_would_have() {
    let keys = crate::tui::action::ACTIONS.iter().flat_map(|action| action.keys).copied();
    for key in keys.filter(|key| !matches!(key, Key::Char('q') | Key::Ctrl('c'))) {
        for pane in ["1", "2", "3"] {
            let (mut asked, mut unasked) = (TestDashboard::new(STACKED), TestDashboard::new(STACKED));
            asked.keys(pane).keys("q").answer(Completion::HandOver { blast: RAYA, result: Ok(Ok(())) });
            unasked.keys(pane);
            asked.effects.clear();
            unasked.effects.clear();

            asked.key(key);
            unasked.key(key);

            assert_eq!(asked.model.leaving, Leaving::No, "{key} in {pane}");
            assert_eq!(asked.taken(), unasked.taken(), "{key} in {pane}");
            assert_eq!(asked.screen(), unasked.screen(), "{key} in {pane}");
        }
    }
}

#[test]
fn a_paste_after_the_question_whether_to_leave_ends_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("q").dispatch(Msg::Paste("6789".to_owned())).effects.clear();

    dashboard.key(Key::Ctrl('c'));

    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)), "it leaves the field");
}

#[test]
fn the_question_whether_to_leave_names_the_key_that_pauses_where_it_pauses_that_blast() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1j").list(Vec::new()).keys("q");

    dashboard.answer(Completion::HandOver { blast: RAYA, result: Ok(Ok(())) });

    assert!(dashboard.said().ends_with("q again to leave"), "p pauses the selected blast: {}", dashboard.said());
}

#[test]
fn q_after_ctrl_c_names_the_blast_that_is_being_sent_and_ctrl_c_twice_leaves() {
    let open = || {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("?").key(Key::Ctrl('c')).effects.clear();
        dashboard
    };
    let mut asks = open();
    assert_eq!(asks.said(), "ctrl-c again leaves");
    asks.keys("q");
    assert!(!asks.taken().contains(&Effect::Exit(ExitReason::Quit)));
    asks.answer(Completion::HandOver { blast: RAYA, result: Ok(Ok(())) });
    assert!(asks.said().starts_with("Raya promo continues without this window"), "{}", asks.said());
    asks.keys("q");
    assert_eq!(asks.taken(), [Effect::Exit(ExitReason::Quit)]);

    let mut leaves = open();
    leaves.key(Key::Ctrl('c'));
    assert_eq!(leaves.taken(), [Effect::Exit(ExitReason::Quit)]);
}

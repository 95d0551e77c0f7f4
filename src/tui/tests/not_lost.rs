//! What is typed behind a mark that was refused, or a question: nothing acts that was meant for something else, and nothing goes unsaid.

use chrono::TimeDelta;

use super::support::{DRAFT, STACKED, TestDashboard, blasts, crowd, noon, people, person};
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, ReadRequest};
use crate::tui::model::{Pane, Prompt};

#[test]
fn that_nobody_was_marked_stays_in_sight_behind_the_next_search() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/001\nr").list(crowd(10, 4));
    dashboard.keys("/0002\n").list(vec![people().swap_remove(0)]);

    assert!(
        dashboard.said().starts_with("nobody was marked: the list for 001 has just changed, look at it first"),
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
        "nobody was marked: the list for 001 has just changed, look at it first; the 7 keys typed meanwhile were not used"
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

#[test]
fn a_search_soon_after_one_that_found_nobody_is_not_dropped_with_its_keys() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/zaid\nrj").list(Vec::new());
    assert!(dashboard.said().ends_with("the key typed meanwhile was not used"), "{}", dashboard.said());
    dashboard.now += TimeDelta::milliseconds(500);

    dashboard.keys("/0002\n").list(vec![people().swap_remove(0)]);
    dashboard.dispatch(crate::tui::msg::Msg::Drawn).taken();
    dashboard.keys("r");

    assert_eq!(dashboard.acts().len(), 1, "{}", dashboard.said());
    assert!(dashboard.said().starts_with("nobody is found by zaid"), "it was not seen yet: {}", dashboard.said());
}

#[test]
fn what_was_seen_goes_with_the_next_search() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/zaid\nr").list(Vec::new());
    dashboard.now += TimeDelta::seconds(3);

    dashboard.keys("/0002\n").list(vec![people().swap_remove(0)]);

    assert!(!dashboard.said().contains("zaid"), "{}", dashboard.said());
}

#[test]
fn a_plan_that_does_not_come_is_asked_for_again() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1jjjjjS");
    let is_plan = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::Plan(..)));
    assert!(dashboard.taken().iter().any(is_plan));

    for seconds in [0, 10, 10] {
        dashboard.now += TimeDelta::seconds(seconds);
        dashboard.answer(Completion::Blasts(Ok(blasts())));
    }

    assert_eq!(dashboard.taken().iter().filter(|effect| is_plan(effect)).count(), 1);
}

#[test]
fn the_amount_typed_behind_a_sale_of_nobody_switches_no_pane() {
    let mut typed_first = TestDashboard::new(STACKED);
    typed_first.keys("/zaid\nc").list(Vec::new());
    let mut typed_then = TestDashboard::new(STACKED);
    typed_then.keys("/zaid\n").list(Vec::new()).keys("c");
    let mut among_the_blasts = TestDashboard::new(STACKED);
    among_the_blasts.keys("1c");
    for mut dashboard in [typed_first, typed_then, among_the_blasts] {
        let focus = dashboard.model.focus;

        for key in "120".chars() {
            dashboard.now += TimeDelta::milliseconds(1_100);
            dashboard.keys(&key.to_string());
        }

        assert_eq!(dashboard.model.focus, focus, "{}", dashboard.said());
        dashboard.keys("\n3");
        assert_eq!((dashboard.acts(), dashboard.model.focus), (Vec::new(), Pane::Recipients));
    }
}

#[test]
fn a_sale_of_somebody_in_a_draft_is_refused_before_an_amount_is_typed() {
    let mut row = person(1, "Siti Aminah", Status::Queued, noon());
    row.blast_id = DRAFT;
    let mut dashboard = TestDashboard::with(STACKED, vec![row]);

    dashboard.keys("3c120\n");

    assert_eq!((dashboard.acts(), dashboard.said()), (Vec::new(), "Siti Aminah: nothing was sent to them yet"));
}

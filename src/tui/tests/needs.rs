//! What needs a person: counted for those who are needed, and one key away.

use super::support::{STACKED, TestDashboard, blasts, raya};
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::effect::Completion;
use crate::tui::model::{ListScope, Pane};

#[test]
fn what_needs_a_person_is_one_key_away_in_whichever_blast_it_is() {
    let mut dashboard = TestDashboard::new(STACKED);
    let asks = BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), ..blasts().swap_remove(2) };
    let mut doubtful = blasts().swap_remove(3);
    doubtful.counts.uncertain = 2;
    let (asks_id, doubtful_id) = (asks.id, doubtful.id);
    dashboard.answer(Completion::Blasts(Ok(vec![raya(), doubtful, asks])));

    dashboard.keys("!j\n");
    assert_eq!(dashboard.model.blast().unwrap().id, doubtful_id);
    assert_eq!(
        (dashboard.model.focus, &dashboard.model.recipients.scope),
        (Pane::Recipients, &ListScope::Only(Status::Uncertain))
    );
    dashboard.list(Vec::new()).keys("!jj\n");
    assert_eq!((dashboard.model.blast().unwrap().id, dashboard.model.focus), (asks_id, Pane::Blasts));
    assert!(dashboard.model.overlays.is_empty());
}

#[test]
fn what_was_settled_meanwhile_is_not_gone_to() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("!");
    let mut settled = raya();
    settled.counts.uncertain = 0;

    dashboard.answer(Completion::Blasts(Ok(vec![settled]))).keys("\n");

    assert_eq!(dashboard.said(), "that does not need you any more");
}

#[test]
fn an_operator_whose_name_begins_like_the_engines_is_not_the_engine() {
    let mut dashboard = TestDashboard::new(STACKED);
    let paused =
        |by: &str| BlastView { state: BlastState::Paused, state_by: Some(Actor::from(by.to_owned())), ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![paused("engineer")])));
    assert!(dashboard.line(0).ends_with("! 1 needs you"), "{}", dashboard.line(0));
    dashboard.answer(Completion::Blasts(Ok(vec![paused("engine")])));
    assert!(dashboard.line(0).ends_with("! 2 need you"), "{}", dashboard.line(0));
}

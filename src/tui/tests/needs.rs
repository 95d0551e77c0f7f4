//! What needs a person: counted for those who are needed, and one key away.

use super::support::{Bench, STACKED, blasts, raya};
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::engine::view::BlastRow;
use crate::tui::effect::Answer;
use crate::tui::model::{Label, Pane};

#[test]
fn what_needs_a_person_is_one_key_away_in_whichever_blast_it_is() {
    let mut bench = Bench::new(STACKED);
    let asks = BlastRow { state: BlastState::Paused, state_by: Some("engine".to_owned()), ..blasts().swap_remove(2) };
    let mut doubtful = blasts().swap_remove(3);
    doubtful.counts.uncertain = 2;
    let (asks_id, doubtful_id) = (asks.id, doubtful.id);
    bench.answer(Answer::Blasts(Ok(vec![raya(), doubtful, asks])));

    bench.keys("!j\n");
    assert_eq!(bench.model.blast().unwrap().id, doubtful_id);
    assert_eq!((bench.model.focus, &bench.model.people.label), (Pane::People, &Label::Only(Status::Uncertain)));
    bench.list(Vec::new()).keys("!jj\n");
    assert_eq!((bench.model.blast().unwrap().id, bench.model.focus), (asks_id, Pane::Blasts));
    assert!(bench.model.pages.is_empty());
}

#[test]
fn what_was_settled_meanwhile_is_not_gone_to() {
    let mut bench = Bench::new(STACKED);
    bench.keys("!");
    let mut settled = raya();
    settled.counts.uncertain = 0;

    bench.answer(Answer::Blasts(Ok(vec![settled]))).keys("\n");

    assert_eq!(bench.said(), "that does not need you any more");
}

#[test]
fn an_operator_whose_name_begins_like_the_engines_is_not_the_engine() {
    let mut bench = Bench::new(STACKED);
    let paused = |by: &str| BlastRow { state: BlastState::Paused, state_by: Some(by.to_owned()), ..raya() };

    bench.answer(Answer::Blasts(Ok(vec![paused("engineer")])));
    assert!(bench.line(0).ends_with("! 1 needs you"), "{}", bench.line(0));
    bench.answer(Answer::Blasts(Ok(vec![paused("engine")])));
    assert!(bench.line(0).ends_with("! 2 need you"), "{}", bench.line(0));
}

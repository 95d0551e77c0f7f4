//! `X`: nothing more leaves while somebody thinks about it, and only the right answer cancels or deletes.

use super::support::{Bench, DRAFT, RAYA, STACKED, blasts};
use crate::domain::blast::BlastState;
use crate::engine::view::BlastRow;
use crate::tui::effect::{Act, Answer, Failure, Outcome};
use crate::tui::key::Key;
use crate::tui::model::Pane;

#[test]
fn what_is_being_sent_is_cancelled_by_typing_how_many_are_queued() {
    let mut bench = Bench::new(STACKED);
    bench.keys("1X14");
    assert_eq!(bench.acts(), [Act::Pause(RAYA)], "it is paused before it asks");
    assert!(bench.line(22).starts_with(" Raya promo is being paused; then it asks. 14_"), "{}", bench.line(22));
    bench.keys("\n");
    bench.answer(paused_with(139));
    assert!(bench.line(22).starts_with(" cancel Raya promo for good? Type 139, as many are still queued: 14_"));
    bench.keys("\n");
    assert!(bench.acts().is_empty());
    assert_eq!(bench.said(), "14 is not 139: Raya promo stays paused; S goes on with it");

    bench.keys("X139\n");

    assert_eq!(bench.acts(), [Act::Cancel(RAYA)], "a paused blast is asked about at once");
}

/// The answer to a pause, with so many still queued.
fn paused_with(queued: i64) -> Answer {
    let mut row = BlastRow { state: BlastState::Paused, state_by: Some("ben".to_owned()), ..blasts().swap_remove(0) };
    row.counts.queued = queued;
    Answer::Acted { act: Act::Pause(RAYA), outcome: Ok(Outcome::Blast(Box::new(row))) }
}

#[test]
fn a_cancel_whose_pause_is_refused_asks_nothing_and_takes_its_digits() {
    let mut bench = Bench::new(STACKED);
    bench.keys("1X");
    let why = Failure::Other("the blast is completed: it is over".to_owned());
    bench.answer(Answer::Acted { act: Act::Pause(RAYA), outcome: Err(why) }).taken();

    bench.keys("140\n");

    assert!(bench.acts().is_empty());
    assert_eq!(bench.model.focus, Pane::Blasts);
    assert_eq!(bench.said(), "the blast is completed: it is over");
}

#[test]
fn a_cancel_that_is_left_while_it_pauses_is_none() {
    let mut bench = Bench::new(STACKED);

    bench.keys("1X").key(Key::Esc).answer(paused_with(140));

    assert!(bench.model.prompt.is_none());
    assert_eq!(bench.acts(), [Act::Pause(RAYA)]);
    assert_eq!(bench.said(), "Raya promo is paused; S goes on with it");
}

#[test]
fn a_draft_is_deleted_after_y() {
    let mut bench = Bench::new(STACKED);
    bench.keys("1").key(Key::End).keys("X");
    assert!(bench.line(22).starts_with(" delete the draft Raya last call and its 289 people?"));

    bench.keys("y");

    assert_eq!(bench.acts(), [Act::Delete(DRAFT)]);
}

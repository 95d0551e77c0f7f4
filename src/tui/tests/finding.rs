//! Finding people: the table follows what is typed, late answers are dropped, keys wait for whom they are meant.

use super::support::{Bench, RAYA, STACKED, at, crowd, people};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;
use crate::engine::view::{Anchor, RecipientRow};
use crate::tui::effect::{Answer, Effect, Failure, Part};
use crate::tui::key::Key;
use crate::tui::msg::Msg;

#[test]
fn keys_typed_after_a_find_wait_for_its_answer_and_hit_whom_it_found() {
    let mut bench = Bench::new(STACKED);

    bench.keys("/0005\nr");
    assert!(bench.acts().is_empty());
    assert!(bench.line(22).contains("a key waits"), "{}", bench.line(22));
    bench.list(vec![people()[4].clone()]);

    let acts = bench.acts();
    assert_eq!(acts.len(), 1);
    assert!(format!("{acts:?}").contains("RecipientId(5)"));
}

#[test]
fn a_pause_never_waits_for_a_list() {
    let mut bench = Bench::new(STACKED);

    bench.keys("/0005\nrp");

    assert_eq!(bench.acts(), [crate::tui::effect::Act::Pause(RAYA)]);
}

#[test]
fn a_find_that_finds_several_marks_nobody_before_they_are_shown() {
    let mut bench = Bench::new(STACKED);

    bench.keys("/001\nr");
    bench.list(crowd(10, 4));

    assert!(bench.acts().is_empty());
    assert_eq!(bench.said(), "the list is new: look first, nobody was marked");
    bench.tell(Msg::Drawn).keys("r");
    assert_eq!(bench.acts().len(), 1);
}

#[test]
fn a_find_that_finds_nobody_marks_nobody() {
    let mut bench = Bench::new(STACKED);

    bench.keys("/9999\nr");
    bench.list(Vec::new());

    assert!(bench.acts().is_empty());
    assert_eq!(bench.said(), "nobody is listed");
}

#[test]
fn an_answer_to_an_older_text_is_dropped() {
    let mut bench = Bench::new(STACKED);
    bench.keys("/67");
    let old = bench.model.people.ticket;
    bench.keys("89");

    bench.list_as_asked(old, crowd(10, 3));

    assert_eq!(bench.model.people.visible(10).count(), 5, "the old list is still shown");
    assert!(bench.model.people.awaiting.is_some());
}

#[test]
fn when_the_find_fails_the_keys_that_waited_are_not_used() {
    let mut bench = Bench::new(STACKED);
    bench.keys("/6789\nr");
    let ticket = bench.model.people.ticket;
    let asked = crate::tui::model::Asked { anchor: Anchor::Start, limit: 60 };

    bench.answer(Answer::List { ticket, part: Part::Fresh, asked, rows: Err(Failure::Unavailable) });

    assert!(bench.acts().is_empty());
    assert!(bench.said().contains("not used"));
}

#[test]
fn esc_leaves_a_find_for_the_list_and_the_person_of_before() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3jj/67");
    bench.list(crowd(10, 3)).key(Key::Esc);

    bench.list(people());

    assert_eq!(bench.cursor(), Some(3));
    assert!(bench.line(10).contains("everyone 287"));
}

#[test]
fn words_that_are_not_understood_say_so_and_ask_nothing() {
    let mut bench = Bench::new(STACKED);

    bench.keys("/stauts:read");

    assert!(bench.line(22).contains("status"), "{}", bench.line(22));
}

#[test]
fn a_paste_outside_a_field_opens_find_and_does_nothing_else() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3");

    bench.tell(Msg::Paste("+60 10-012 0005\nrrSX".to_owned()));

    assert!(bench.acts().is_empty());
    assert!(bench.line(22).starts_with(" find +60 10-012 0005_"), "{}", bench.line(22));
}

#[test]
fn other_blasts_are_asked_for_whom_the_words_mean() {
    let mut bench = Bench::new(STACKED);

    bench.keys("/status:read");

    let asked = bench.taken().into_iter().rev().find_map(|effect| match effect {
        Effect::Elsewhere { here, filter, .. } => Some((here, filter)),
        _ => None,
    });
    assert_eq!(asked, Some((Some(RAYA), Filter::status(Status::Read))));
}

#[test]
fn people_found_in_other_blasts_are_a_page_and_enter_goes_there() {
    let mut bench = Bench::new(STACKED);
    bench.keys("/0005");
    let ticket = bench.model.people.ticket;
    let there = crate::engine::view::ElsewhereRow {
        blast_id: BlastId(4),
        recipient_id: RecipientId(77),
        tag: "Hari Sukan".to_owned(),
        phone: people()[4].phone.clone(),
        name: Some("Aishah".to_owned()),
        status: Status::Read,
        changed_at: at(9, 0),
        amount: None,
    };
    bench.list(vec![people()[4].clone()]).answer(Answer::Elsewhere { ticket, rows: Ok(vec![there]) });
    assert!(bench.line(22).contains("tab: 1 in other blasts"), "{}", bench.line(22));

    bench.key(Key::Tab);
    assert!(bench.line(2).contains("Aishah") && bench.line(2).ends_with("Hari Sukan"), "{}", bench.line(2));
    bench.key(Key::Enter);
    bench.list(vec![RecipientRow { id: RecipientId(77), blast_id: BlastId(4), ..people()[4].clone() }]);

    assert_eq!((bench.model.blast().unwrap().id, bench.cursor()), (BlastId(4), Some(77)));
}

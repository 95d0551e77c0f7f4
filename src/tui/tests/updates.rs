//! Keys and answers: what they change, and what they ask for.

use chrono::TimeDelta;

use super::support::{Bench, RAYA, STACKED, WIDE, at, blasts, crowd, exactly, person, since_of};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;
use crate::engine::DatabaseState;
use crate::engine::view::{Anchor, BlastRow, Order};
use crate::tui::effect::{Answer, Counted, Effect, Failure, Part};
use crate::tui::key::Key;
use crate::tui::model::{Page, Pane};
use crate::tui::msg::Msg;
use crate::tui::{Ended, Size};

fn lists(effects: &[Effect]) -> Vec<(Part, Filter)> {
    let list = |effect: &Effect| match effect {
        Effect::List { part, query, .. } => Some((*part, query.filter.clone())),
        _ => None,
    };
    effects.iter().filter_map(list).collect()
}

#[test]
fn the_first_blasts_bring_the_first_people() {
    let mut bench = Bench::empty(WIDE);

    bench.answer(Answer::Blasts(Ok(blasts())));

    let Some(Effect::List { query, .. }) = bench.taken().into_iter().next() else { panic!("no list was asked for") };
    assert_eq!((query.blast, query.anchor, query.order), (RAYA, Anchor::Start, Order::NewestChange));
}

#[test]
fn an_unfocused_table_follows_the_news_and_a_focused_one_only_its_cells() {
    let mut bench = Bench::new(STACKED);
    bench.tell(Msg::Look);
    assert_eq!(lists(&bench.taken()).len(), 1);

    bench.keys("3").taken();
    bench.tell(Msg::Look);

    let effects = bench.taken();
    assert!(lists(&effects).is_empty());
    assert!(effects.contains(&Effect::Cells((1..=5).map(RecipientId).collect())));
    let counted =
        |effect: &Effect| matches!(effect, Effect::Count { changed_after: Some(after), .. } if *after == at(13, 58));
    assert!(effects.iter().any(counted));
}

#[test]
fn a_live_list_that_comes_after_the_focus_changes_nothing() {
    let mut bench = Bench::new(STACKED);
    bench.tell(Msg::Look).keys("3j");

    let ticket = bench.model.people.ticket;
    bench.list_as_asked(ticket, vec![person(9, "Somebody else", Status::Read, at(14, 1))]);

    assert_eq!(bench.cursor(), Some(2));
    assert_eq!(bench.model.people.visible(10).count(), 5);
}

#[test]
fn news_is_counted_in_the_title_and_g_shows_it() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3").tell(Msg::Look);
    let ticket = bench.model.people.ticket;

    bench.answer(Answer::Count { ticket, counted: Counted::Changed, total: Ok(exactly(3)) });
    assert!(bench.line(10).ends_with(" 3 newer above: g ══"), "{}", bench.line(10));

    bench.taken();
    bench.keys("g");
    let Effect::List { query, .. } = &bench.taken()[0] else { panic!("no list was asked for") };
    assert_eq!(query.as_of, None);
}

#[test]
fn the_cursor_is_a_person_and_not_a_row() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3jj");
    assert_eq!(bench.cursor(), Some(3));

    bench.tell(Msg::Look).answer(Answer::Cells(Ok(vec![person(3, "Kavitha", Status::Read, at(14, 1))])));

    assert_eq!(bench.cursor(), Some(3));
    assert!(bench.line(14).contains("Kavitha") && bench.line(14).contains("read"));
}

#[test]
fn enter_on_a_stage_shows_who_is_stuck_there() {
    let mut bench = Bench::new(STACKED);

    bench.keys("jj\n");

    assert_eq!(lists(&bench.taken()), [(Part::Fresh, Filter::stuck(Status::Read))]);
    bench.list(crowd(10, 3));
    assert_eq!(bench.model.focus, Pane::People);
    assert!(bench.line(10).starts_with("══ 3 Recipients ══ stuck at read 67 ══"), "{}", bench.line(10));
}

#[test]
fn a_list_that_was_not_seen_yet_is_not_marked_in() {
    let mut bench = Bench::new(STACKED);
    bench.keys("jj\n");
    bench.list(crowd(10, 3)).keys("r");

    assert!(bench.acts().is_empty());
    assert!(bench.said().contains("look first"));
    bench.tell(Msg::Drawn).keys("r");
    assert_eq!(bench.acts().len(), 1);
}

#[test]
fn another_blast_brings_its_people_and_late_answers_of_the_first_are_dropped() {
    let mut bench = Bench::new(WIDE);
    let old = bench.model.people.ticket;

    bench.keys("1j");
    let Some(Effect::List { query, .. }) = bench.taken().into_iter().next() else { panic!("no list was asked for") };
    assert_eq!(query.blast, BlastId(6));

    bench.list_as_asked(old, crowd(10, 3)).list(Vec::new());
    assert!(bench.model.people.is_empty());
}

#[test]
fn the_cursor_of_the_blasts_stays_on_its_blast_when_a_newer_one_comes() {
    let mut bench = Bench::new(WIDE);
    bench.keys("1j");
    let mut rows = blasts();
    rows.insert(0, BlastRow { id: BlastId(20), ..rows[0].clone() });

    bench.answer(Answer::Blasts(Ok(rows)));

    assert_eq!(bench.model.blast().unwrap().tag, "Deepavali");
}

#[test]
fn a_blast_that_is_gone_leaves_the_cursor_to_its_neighbour() {
    let mut bench = Bench::new(WIDE);
    bench.keys("1j").taken();

    bench.answer(Answer::Blasts(Ok(blasts().into_iter().filter(|blast| blast.id != BlastId(6)).collect())));

    assert_eq!(bench.model.blast().unwrap().tag, "Follow-up 1");
    assert_eq!(lists(&bench.taken()).len(), 1);
}

#[test]
fn scrolling_asks_for_the_next_page_before_the_window_ends() {
    let mut bench = Bench::with(STACKED, crowd(1, 60));
    bench.keys("3").taken();
    for _ in 0..5 {
        bench.key(Key::PageDown);
    }

    let pages = lists(&bench.taken());

    assert_eq!(pages, [(Part::After, Filter::default())]);
}

#[test]
fn a_large_blast_is_read_in_its_own_order() {
    let mut bench = Bench::empty(STACKED);
    let large = BlastRow { total_recipients: 1_000_000, ..blasts()[0].clone() };

    bench.answer(Answer::Blasts(Ok(vec![large])));

    let Some(Effect::List { query, .. }) = bench.taken().into_iter().next() else { panic!("no list was asked for") };
    assert_eq!(query.order, Order::Row);
}

#[test]
fn an_unreachable_database_is_told_with_its_time_and_the_old_numbers_stay() {
    let mut bench = Bench::new(STACKED);

    bench.answer(Answer::Blasts(Err(Failure::Unavailable)));
    assert_eq!(bench.model.database, DatabaseState::Down { since: bench.now });
    assert!(bench.line(0).contains("STALE since 14:02"));
    assert!(bench.line(3).contains("142"));

    bench.answer(Answer::Blasts(Ok(blasts())));
    assert!(bench.line(0).contains("live, news 14:02"));
}

#[test]
fn what_happened_since_the_last_key_is_asked_after_a_minute_and_ends_with_a_key() {
    let mut bench = Bench::new(WIDE);
    let from = bench.now;
    bench.keys("j").taken();
    bench.now += TimeDelta::minutes(22);
    bench.tell(Msg::Look);
    assert!(bench.taken().contains(&Effect::ChangesSince { blast: RAYA, from }));

    bench.answer(Answer::ChangesSince { blast: RAYA, since: Ok(since_of(from)) });
    assert!(
        bench.line(10).contains("since your last key, 14:02: 33 sent, 29 received, 12 read, 1 failed"),
        "{}",
        bench.line(10)
    );

    bench.keys("k");
    assert!(!bench.line(10).contains("since your last key"));
}

#[test]
fn coming_back_is_one_line() {
    let mut bench = Bench::new(STACKED);

    bench.answer(Answer::Away(Ok(Some(since_of(at(12, 31))))));

    assert_eq!(bench.line(22), " away 12:31-14:02: 33 sent, 29 received, 12 read, 1 failed");
}

#[test]
fn somebody_who_changed_since_the_last_key_is_news_until_the_next() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3j");
    bench.now += TimeDelta::minutes(3);
    bench.answer(Answer::Cells(Ok(vec![person(1, "Siti Aminah", Status::Replied, at(14, 4))])));
    assert!(bench.line(12).starts_with("N +60"), "{}", bench.line(12));

    bench.keys("j");

    assert!(bench.line(12).starts_with("  +60"));
}

#[test]
fn a_key_that_does_nothing_says_where_it_would() {
    let mut bench = Bench::new(STACKED);

    bench.keys("S");
    assert_eq!(bench.said(), "S (send it, or go on with it) works in Blasts");
    bench.keys("x");
    assert_eq!(bench.said(), "x does nothing: ? shows every key");
}

#[test]
fn q_tells_what_goes_on_without_this_window_once_that_is_known_and_then_leaves() {
    let mut bench = Bench::new(STACKED);

    bench.keys("q");
    assert_eq!(bench.taken(), [Effect::GoesOn(RAYA)]);
    assert_eq!(bench.said(), "looking who goes on without this window. q again to leave");
    bench.answer(Answer::GoesOn { blast: RAYA, told: Ok(Ok(())) });
    assert_eq!(
        bench.said(),
        "Raya promo goes on without this window (done about 15:36). q again to leave, p to pause it first"
    );
    bench.keys("q");

    assert_eq!(bench.taken(), [Effect::End(Ended::Quit)]);
}

#[test]
fn q_tells_what_is_missing_where_nobody_would_go_on() {
    let mut bench = Bench::new(STACKED);

    bench.keys("q");
    bench.answer(Answer::GoesOn { blast: RAYA, told: Ok(Err("no standby can be started".to_owned())) });

    assert_eq!(
        bench.said(),
        "Raya promo would not go on without this window: no standby can be started. q again to leave"
    );
}

#[test]
fn another_key_between_means_that_nobody_is_leaving() {
    let mut bench = Bench::new(STACKED);

    bench.keys("qjq");

    assert!(!bench.taken().contains(&Effect::End(Ended::Quit)));
}

#[test]
fn with_nothing_in_flight_q_leaves_at_once() {
    let mut bench = Bench::empty(STACKED);
    bench.answer(Answer::Blasts(Ok(vec![blasts().swap_remove(1)]))).taken();

    bench.keys("q");

    assert_eq!(bench.taken(), [Effect::End(Ended::Quit)]);
}

#[test]
fn ctrl_c_leaves_a_field_and_twice_leaves_altogether() {
    let mut bench = Bench::new(STACKED);
    bench.keys("/67").taken();

    bench.key(Key::Ctrl('c'));
    assert!(bench.model.prompt.is_none());
    assert!(!bench.taken().contains(&Effect::End(Ended::Quit)));

    bench.key(Key::Ctrl('c'));
    assert!(bench.taken().contains(&Effect::End(Ended::Quit)));
}

#[test]
fn suspending_gives_the_leases_up_first() {
    let mut bench = Bench::new(STACKED);

    bench.key(Key::Ctrl('z'));
    assert_eq!(bench.taken(), [Effect::Rest]);
    bench.answer(Answer::Rested);
    assert_eq!(bench.taken(), [Effect::Suspend]);
    bench.tell(Msg::Continued);
    assert_eq!(bench.taken(), [Effect::Repaint, Effect::Wake]);
}

#[test]
fn details_are_of_the_person_under_the_cursor_and_step_to_the_next() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3j\n");
    assert_eq!(bench.taken(), [Effect::Person(RecipientId(2))]);
    bench.keys("]");

    assert_eq!(bench.taken(), [Effect::Person(RecipientId(3))]);
    assert!(matches!(bench.model.pages.last(), Some(Page::Details(details)) if details.person == RecipientId(3)));
}

#[test]
fn in_a_window_too_small_to_show_people_nobody_is_marked() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3").tell(Msg::Resized(Size { width: 30, height: 8 }));

    bench.keys("rcbX");

    assert!(bench.acts().is_empty());
}

#[test]
fn commands_run_by_name() {
    let mut bench = Bench::new(STACKED);

    bench.keys(":log\n");

    assert!(matches!(bench.model.pages.last(), Some(Page::Log(_))));
}

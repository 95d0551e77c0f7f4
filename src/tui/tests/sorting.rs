//! `o` and `O`: the orders of blasts and people, and their other ends.

use super::follow_ups::follow_up;
use super::support::{RAYA, TestDashboard, WIDE, blasts, crowd, raya};
use crate::app::view::{Anchor, BlastView, Order, RecipientQuery, Total};
use crate::tui::effect::{Completion, Effect, ListPart, ReadRequest};
use crate::tui::model::PageRequest;

fn names(dashboard: &TestDashboard) -> Vec<String> {
    dashboard.model.blasts.rows().iter().map(|row| row.tag.clone()).collect()
}

fn asked(dashboard: &mut TestDashboard) -> RecipientQuery {
    let lists = dashboard.taken().into_iter().filter_map(|effect| match effect {
        Effect::Read(ReadRequest::List { query, .. }) => Some(query),
        _ => None,
    });
    lists.last().unwrap()
}

#[test]
fn blasts_are_sorted_and_reversed_with_the_cursor_on_the_same_blast() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1o");
    assert_eq!(names(&dashboard)[..3], ["Deepavali", "Follow-up 1", "Hari Sukan"]);
    assert_eq!(dashboard.model.blast().unwrap().id, RAYA);
    assert!(dashboard.line(1).starts_with("══ 1 Blasts ══ by name ══"), "{}", dashboard.line(1));
    dashboard.keys("O");
    assert_eq!(names(&dashboard)[0], "Raya promo");
    dashboard.keys("oo");
    assert_eq!(names(&dashboard)[..2], ["Deepavali", "Hari Sukan"], "most money first");
}

#[test]
fn follow_ups_stay_under_their_blast_in_every_order() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut rows = blasts();
    rows.push(follow_up(11, RAYA, "Follow-up 1"));
    dashboard.answer(Completion::Blasts(Ok(rows))).keys("1");

    for _ in 0..5 {
        dashboard.keys("o");
        let at = |id: i64| dashboard.model.blasts.rows().iter().position(|row| row.id.0 == id).unwrap();
        assert_eq!(at(11), at(RAYA.0) + 1, "{:?}", names(&dashboard));
    }
}

#[test]
fn people_are_read_in_the_chosen_order_from_its_beginning() {
    let mut dashboard = TestDashboard::with(WIDE, crowd(1, 60));
    dashboard.keys("3o");
    let query = asked(&mut dashboard);
    assert_eq!((query.order, query.anchor, query.as_of), (Order::Name, Anchor::Start, None));
    dashboard.list(crowd(1, 60)).dispatch(crate::tui::msg::Msg::Drawn);
    assert!(dashboard.line(11).contains("══ by name ══"), "{}", dashboard.line(11));

    dashboard.keys("oo").list(crowd(1, 60));

    assert_eq!(asked(&mut dashboard).order, Order::Row, "the second key waited for the first list");
}

#[test]
fn a_reversed_list_is_read_from_the_other_end_and_shown_the_other_way_round() {
    let mut dashboard = TestDashboard::with(WIDE, crowd(1, 60));
    dashboard.keys("3O");
    let query = asked(&mut dashboard);
    assert_eq!((query.order, query.anchor), (Order::NewestChange, Anchor::End));

    let asked = PageRequest { anchor: query.anchor, limit: query.limit };
    let ticket = dashboard.model.recipients.ticket;
    let rows = crowd(1, i64::from(query.limit));
    let last = rows.last().unwrap().clone();
    dashboard.answer(Completion::List { ticket, part: ListPart::Reload, asked, rows: Ok(rows), newest: None });

    assert_eq!(dashboard.cursor(), Some(last.id.0));
    assert!(dashboard.line(11).contains("oldest change first"));
    assert!(dashboard.line(13).contains(&last.name.unwrap()), "{}", dashboard.line(13));
    dashboard.dispatch(crate::tui::msg::Msg::Drawn).keys("G");
    let query = self::asked(&mut dashboard);
    assert_eq!(query.anchor, Anchor::Start, "the end of the reversed list");
}

#[test]
fn a_list_that_is_too_long_to_sort_has_the_orders_of_its_indexes() {
    let mut dashboard = TestDashboard::with(WIDE, crowd(1, 60));
    let large = BlastView { total_recipients: 1_000_000, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![large]))).keys("3o").list(crowd(1, 60));
    assert_eq!(asked(&mut dashboard).order, Order::Row);
    dashboard.keys("o").list(crowd(1, 60));
    assert_eq!(asked(&mut dashboard).order, Order::NewestChange);

    dashboard.keys("/name:ali\n").list(crowd(1, 60)).keys("o");

    assert_eq!(
        dashboard.said(),
        "of more than 10,000 people, those found are in the order of the list; O reverses them"
    );
}

#[test]
fn a_few_who_are_found_in_a_long_blast_are_listed_as_wanted() {
    let mut dashboard = TestDashboard::with(WIDE, crowd(1, 60));
    let large = BlastView { total_recipients: 150_000, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![large]))).keys("3/name:person");
    assert_eq!(asked(&mut dashboard).order, Order::Row, "nobody knows yet how many are found");
    let mut found = crowd(1, 15);
    found.reverse();

    dashboard.list(found);

    assert_eq!(dashboard.cursor(), Some(1));
    assert!(dashboard.line(11).contains("newest change first"), "{}", dashboard.line(11));
}

#[test]
fn a_find_of_a_long_blast_that_is_counted_can_be_sorted() {
    let mut dashboard = TestDashboard::with(WIDE, crowd(1, 60));
    let large = BlastView { total_recipients: 150_000, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![large]))).keys("3/name:person\n").list(crowd(1, 60));
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::Count { ticket, total: Ok(Total::Exactly(200)) }).taken();

    dashboard.keys("o");

    assert_eq!(asked(&mut dashboard).order, Order::NewestChange);
}

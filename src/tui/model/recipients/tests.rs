//! The window over the list, moved and filled in every way.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::{CursorMove, CursorTarget, ListScope, PageRequest, RecipientTable, Shown, WantedPage};
use crate::app::view::{Anchor, RecipientRow, Total};
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::tui::tests::support::{at, crowd, person};

const HEIGHT: usize = 5;
const LIMIT: u32 = 15;

fn asked() -> PageRequest {
    PageRequest { anchor: Anchor::Start, limit: LIMIT }
}

fn loaded(rows: Vec<RecipientRow>) -> RecipientTable {
    let mut people = RecipientTable { target: CursorTarget::First, ..RecipientTable::default() };
    people.reload(rows, asked(), HEIGHT);
    people
}

fn ids(people: &RecipientTable) -> Vec<i64> {
    people.visible(HEIGHT).map(|person| person.row.id.0).collect()
}

/// The database: a list of a thousand people, read by keyset as the window asks.
fn serve(people: &mut RecipientTable, all: &[RecipientRow]) {
    let mut rounds = 0;
    while let Some(wanted) = people.wanted(HEIGHT) {
        people.fetching = Some(wanted);
        match wanted {
            WantedPage::After(place) => {
                let from = all.partition_point(|row| row.changed_at >= place.changed_at);
                let to = (from + LIMIT as usize).min(all.len());
                people.take_after(all[from..to].to_vec(), LIMIT, HEIGHT);
            }
            WantedPage::Before(place) => {
                let to = all.partition_point(|row| row.changed_at > place.changed_at);
                let from = to.saturating_sub(LIMIT as usize);
                people.take_before(all[from..to].to_vec(), LIMIT, HEIGHT);
            }
        }
        rounds += 1;
        assert!(rounds < 10, "it never has enough");
    }
}

#[test]
fn the_cursor_stays_on_its_person_when_a_fresh_list_has_them_elsewhere() {
    let mut people = loaded(crowd(1, 10));
    people.step(CursorMove::Rows(3), HEIGHT);

    people.reload([crowd(20, 2), crowd(1, 10)].concat(), asked(), HEIGHT);

    assert_eq!(people.cursor(), Some(RecipientId(4)));
}

#[test]
fn a_list_of_several_must_be_seen_first_and_a_single_person_needs_no_look() {
    assert_eq!(loaded(crowd(1, 2)).shown, Shown::NotYet);
    assert_eq!(loaded(crowd(1, 1)).shown, Shown::Yes);
}

#[test]
fn cells_change_in_place_and_rows_do_not_move() {
    let mut people = loaded(crowd(1, 10));
    let before = ids(&people);

    people.refresh(vec![person(3, "Person 3", Status::Replied, at(14, 1))]);

    assert_eq!(ids(&people), before);
    assert_eq!(people.get(RecipientId(3)).unwrap().row.status, Status::Replied);
}

#[test]
fn news_counts_those_who_are_not_shown_and_not_those_who_changed_in_place() {
    let mut people = loaded(crowd(1, 10));
    people.scope = ListScope::Stuck(Status::Read);
    people.freeze();
    people.refresh(vec![
        person(3, "Person 3", Status::Replied, at(14, 1)),
        person(4, "Person 4", Status::Read, at(14, 1)),
    ]);

    people.changed_since = Some(Total::Exactly(3));

    assert_eq!(people.newer(), Some(Total::Exactly(2)));
    assert_eq!(people.left(), 1);
}

#[test]
fn those_above_the_middle_of_a_list_where_it_is_read_are_no_news() {
    let all = crowd(1, 100);
    let mut people = RecipientTable { target: CursorTarget::Keep, ..RecipientTable::default() };
    people.newest = all.first().map(|row| row.changed_at);
    let from = PageRequest { anchor: Anchor::From(all[98].place()), limit: LIMIT };
    people.reload(all[98..].to_vec(), from, HEIGHT);

    people.freeze();

    assert_eq!(people.as_of, Some(all[0].changed_at), "pages before it have everybody who changed until then");
    serve(&mut people, &all);
    assert_eq!(people.visible(HEIGHT).count(), HEIGHT, "those before the last two fill the screen");
}

#[test]
fn somebody_marked_is_still_in_their_place_after_scrolling_away_and_back() {
    let all = crowd(1, 100);
    let mut people = loaded(all[..15].to_vec());
    serve(&mut people, &all);
    people.scope = ListScope::Stuck(Status::Read);
    people.step(CursorMove::Rows(2), HEIGHT);
    people.keep(RecipientId(3));
    people.refresh(vec![RecipientRow { changed_at: at(14, 1), status: Status::Replied, ..all[2].clone() }]);
    // From now on the filter leaves them out.
    let without: Vec<RecipientRow> = all.iter().filter(|row| row.id.0 != 3).cloned().collect();

    for _ in 0..8 {
        people.step(CursorMove::Pages(1), HEIGHT);
        serve(&mut people, &without);
    }
    assert!(people.get(RecipientId(3)).is_none(), "still loaded: nothing is tested");
    assert_eq!(people.left(), 1, "also of those who are not loaded any more");
    for _ in 0..9 {
        people.step(CursorMove::Pages(-1), HEIGHT);
        serve(&mut people, &without);
    }

    assert_eq!(ids(&people), [1, 2, 3, 4, 5]);
    assert_eq!(people.get(RecipientId(3)).unwrap().row.status, Status::Replied);
}

#[test]
fn a_frozen_list_remembers_the_newest_change_it_shows() {
    let mut people = loaded(crowd(1, 10));

    people.freeze();

    assert_eq!(people.as_of, Some(at(13, 59) - TimeDelta::minutes(1)));
}

#[test]
fn the_place_in_the_whole_list_is_known_however_far_it_was_scrolled() {
    let all = crowd(1, 1_000);
    let mut people = loaded(all[..15].to_vec());
    for _ in 0..50 {
        serve(&mut people, &all);
        people.step(CursorMove::Pages(1), HEIGHT);
    }

    assert_eq!(people.position(), people.cursor().map(|id| id.0));
    assert!(people.position().unwrap() > 200);
}

proptest! {
    #[test]
    fn any_scrolling_shows_neighbours_and_keeps_little(moves in proptest::collection::vec(any_move(), 1..60)) {
        let all = crowd(1, 300);
        let mut people = loaded(all[..15].to_vec());
        for movement in moves {
            serve(&mut people, &all);
            people.step(movement, HEIGHT);
            serve(&mut people, &all);

            let shown = ids(&people);
            let cursor = people.cursor().unwrap().0;
            prop_assert!(shown.windows(2).all(|pair| pair[1] == pair[0] + 1), "{shown:?}");
            prop_assert!(shown.contains(&cursor), "{cursor} is not in {shown:?}");
            prop_assert!(people.rows.len() <= 8 * HEIGHT);
            let unique: BTreeSet<_> = people.rows.iter().map(|person| person.row.id).collect();
            prop_assert_eq!(unique.len(), people.rows.len());
        }
    }
}

fn any_move() -> impl Strategy<Value = CursorMove> {
    proptest::prop_oneof![(-12_isize..12).prop_map(CursorMove::Rows), (-3_isize..4).prop_map(CursorMove::Pages)]
}

#[test]
fn the_same_list_that_is_read_again_stays_where_it_was_scrolled_to() {
    let mut people = loaded(crowd(1, 10));
    people.step(CursorMove::Rows(2), 1);
    let before = people.top;

    people.reload(crowd(1, 10), asked(), HEIGHT);

    assert_eq!((before, people.top), (2, 2), "whoever leaves such an answer out draws the same");
}

//! The window over a long list: pages join in the database's order, and one that was asked for always comes.

use super::support::{STACKED, TestDashboard, at, crowd, marked};
use crate::app::view::{Anchor, Order, RecipientRow, Total};
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::PageRequest;

/// So many people who all changed in the same moment, as after one statement for all of them.
fn tied(from: i64, count: i64) -> Vec<RecipientRow> {
    crowd(from, count).into_iter().map(|row| RecipientRow { changed_at: at(13, 0), ..row }).collect()
}

/// The database answers whatever page is asked for, as its statements sort: newest first, ties by id.
fn serve(dashboard: &mut TestDashboard, all: &[RecipientRow]) {
    for effect in dashboard.taken() {
        let Effect::Read(ReadRequest::List { ticket, part, query }) = effect else { continue };
        assert_eq!(query.order, Order::NewestChange);
        let limit = query.limit as usize;
        let key = |row: &RecipientRow| (std::cmp::Reverse(row.changed_at), row.id);
        let rows = match query.anchor {
            Anchor::After(place) => {
                let edge = (std::cmp::Reverse(place.changed_at), place.id);
                all.iter().filter(|row| key(row) > edge).take(limit).cloned().collect()
            }
            Anchor::Before(place) => {
                let edge = (std::cmp::Reverse(place.changed_at), place.id);
                let before: Vec<RecipientRow> = all.iter().filter(|row| key(row) < edge).cloned().collect();
                before[before.len().saturating_sub(limit)..].to_vec()
            }
            Anchor::From(place) => {
                let edge = (std::cmp::Reverse(place.changed_at), place.id);
                all.iter().filter(|row| key(row) >= edge).take(limit).cloned().collect()
            }
            Anchor::Start => all.iter().take(limit).cloned().collect(),
            Anchor::End | Anchor::UpTo(_) => continue,
        };
        let asked = PageRequest { anchor: query.anchor, limit: query.limit };
        dashboard.answer(Completion::List { ticket, part, asked, rows: Ok(rows), newest: None });
    }
}

#[test]
fn somebody_marked_among_people_of_one_moment_is_in_their_place_again_after_scrolling_far_and_back() {
    let mut dashboard = TestDashboard::with(STACKED, tied(1, 60));
    dashboard.keys("3jjjjjr").answer(marked(6, "Person 6", Status::Read, Status::Replied));
    let others: Vec<RecipientRow> = tied(1, 300).into_iter().filter(|row| row.id != RecipientId(6)).collect();

    for (key, times) in [(Key::PageDown, 12), (Key::PageUp, 14)] {
        for _ in 0..times {
            dashboard.key(key);
            serve(&mut dashboard, &others);
        }
    }

    let ids: Vec<i64> = dashboard.model.recipients.visible(8).map(|person| person.row.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn escape_from_somebody_who_was_found_far_down_the_list_stays_on_them() {
    let all = tied(1, 300);
    let mut dashboard = TestDashboard::with(STACKED, all[..60].to_vec());
    dashboard.keys("3/+60100120250\n").list(vec![all[249].clone()]);
    dashboard.effects.clear();

    dashboard.key(Key::Esc);
    serve(&mut dashboard, &all);

    assert_eq!(dashboard.cursor(), Some(250));
    serve(&mut dashboard, &all);
    let ids: Vec<i64> = dashboard.model.recipients.visible(3).map(|person| person.row.id.0).collect();
    assert!(ids.contains(&250), "{ids:?}");
}

#[test]
fn whoever_left_the_place_that_a_list_is_read_from_leaves_the_cursor_to_nobody() {
    let all = tied(1, 300);
    let mut dashboard = TestDashboard::with(STACKED, all[..60].to_vec());
    dashboard.keys("3/+60100120250\n").list(vec![all[249].clone()]);
    dashboard.effects.clear();
    let others: Vec<RecipientRow> = all.into_iter().filter(|row| row.id != RecipientId(250)).collect();

    dashboard.key(Key::Esc);
    serve(&mut dashboard, &others);

    assert_eq!(dashboard.cursor(), None);
}

#[test]
fn what_changed_since_is_not_said_to_be_all_that_stands_above_a_list_that_is_seen_from_its_middle() {
    let all = tied(1, 300);
    let mut dashboard = TestDashboard::with(STACKED, all[..60].to_vec());
    dashboard.keys("3/+60100120250\n").list(vec![all[249].clone()]);
    dashboard.effects.clear();
    dashboard.key(Key::Esc);
    serve(&mut dashboard, &all);
    serve(&mut dashboard, &all);

    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::CountChanged { ticket, total: Ok(Total::Exactly(1)) });

    assert!(dashboard.line(10).ends_with(" 1 changed since: g ══"), "{}", dashboard.line(10));
}

//! What of the activity counts as seen: what was on the screen, and nothing else.

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::{answer, head, opened, row, wrote};
use super::support::{STACKED, TestDashboard, WIDE, at, people};
use crate::app::view::Total;
use crate::app::view::{ActivityHead, ActivityPage, ActivityRow};
use crate::domain::unseen::SeenSpan;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest};
use crate::tui::key::Key;
use crate::tui::msg::Msg;
use crate::tui::update::is_known;

/// What a look at the screen is recorded as.
pub fn seen(dashboard: &mut TestDashboard) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let effects = dashboard.dispatch(Msg::Drawn).taken();
    let spans = effects.into_iter().filter_map(|effect| match effect {
        Effect::SeeActivity(spans) => Some(spans),
        _ => None,
    });
    spans.flatten().map(|span| (span.from, span.to)).collect()
}

/// The pane at the newest of sixty replies, a minute each, which all are new.
fn sixty_new(size: Size) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.answer(Completion::ActivityHead(Ok(head(60, at(12, 0))))).keys("4");
    let rows = (0..60).map(|n| row(n, None, wrote(n, "Hello", None))).collect();
    answer(&mut dashboard, ActivityPage { rows, people: Vec::new() });
    dashboard
}

/// After what was recorded: a head with the same gaps as the database would have.
fn recorded(dashboard: &mut TestDashboard, spans: &[(DateTime<Utc>, DateTime<Utc>)], unread: i64) {
    let mut left = dashboard.model.activity.head.clone().unwrap();
    for (from, to) in spans {
        left.unseen.show(SeenSpan { from: *from, to: *to });
    }
    left.unread = Total::Exactly(unread);
    dashboard.answer(Completion::ActivitySeen(Ok(left)));
}

#[test]
fn what_is_below_the_fold_stays_unread_until_it_was_on_the_screen() {
    let mut dashboard = sixty_new(STACKED);
    let height = i64::try_from(dashboard.model.activity_rows()).unwrap();
    let minute = |n: i64| at(14, 1) - TimeDelta::minutes(n);

    let first = seen(&mut dashboard);
    assert_eq!(first, [(minute(height - 1), minute(0))]);
    assert_eq!(seen(&mut dashboard), [], "one record at a time");
    recorded(&mut dashboard, &first, 60 - height);
    assert_eq!(seen(&mut dashboard), [], "nothing else was shown");
    assert!(dashboard.line(10).contains(&format!(" {} new ", 60 - height)), "{}", dashboard.line(10));

    dashboard.key(Key::PageDown);
    assert_eq!(seen(&mut dashboard), [(minute(height), minute(0))], "nothing was passed over in between");
}

#[test]
fn what_comes_while_the_pane_is_open_is_unread_until_g_lets_it_in() {
    let mut dashboard = sixty_new(STACKED);
    let first = seen(&mut dashboard);
    recorded(&mut dashboard, &first, 40);

    let newer = ActivityHead {
        newest: Some(at(14, 5)),
        unread: Total::Exactly(42),
        ..dashboard.model.activity.head.clone().unwrap()
    };
    dashboard.answer(Completion::ActivityHead(Ok(newer)));

    assert_eq!(seen(&mut dashboard), []);
    assert!(dashboard.line(10).contains(" 42 new ══ newer: g "), "{}", dashboard.line(10));
}

#[test]
fn nothing_behind_a_page_or_in_a_pane_where_nobody_works_counts_as_seen() {
    let mut dashboard = sixty_new(STACKED);
    dashboard.keys("?");
    assert_eq!(seen(&mut dashboard), []);

    let mut dashboard = sixty_new(Size { width: 200, height: 50 });
    dashboard.keys("2");
    assert_eq!(seen(&mut dashboard), []);
}

#[test]
fn events_of_one_moment_count_as_seen_once_all_of_them_were_shown() {
    let mut dashboard = sixty_new(STACKED);
    let height = dashboard.model.activity_rows();
    let mut rows: Vec<ActivityRow> = (0..60).map(|n| row(n, None, wrote(n, "Hello", None))).collect();
    rows.iter_mut().skip(height - 1).take(3).for_each(|row| row.place.at = at(13, 30));
    rows.truncate(height + 2);
    answer(&mut dashboard, ActivityPage { rows, people: Vec::new() });

    let first = seen(&mut dashboard);
    assert!(first[0].0 > at(13, 30), "two of three are below the fold: {first:?}");
    recorded(&mut dashboard, &first, 3);
    dashboard.key(Key::PageDown).key(Key::PageDown);

    let spans = seen(&mut dashboard);
    assert_eq!(spans.len(), 1);
    assert!(spans[0].0 <= at(13, 30), "{spans:?}");
}

#[test]
fn a_star_counts_what_was_never_shown_as_seen_too() {
    let mut dashboard = sixty_new(STACKED);
    let first = seen(&mut dashboard);
    recorded(&mut dashboard, &first, 40);

    let effects = dashboard.keys("*").taken();

    assert!(effects.contains(&Effect::SeeActivity(vec![SeenSpan::up_to(at(14, 1))])), "{effects:?}");
    let mut left = head(0, at(14, 1));
    left.newest = Some(at(14, 1));
    dashboard.answer(Completion::ActivitySeen(Ok(left))).keys("*");
    assert_eq!(dashboard.said(), "none of it is new");
}

#[test]
fn what_could_not_be_recorded_counts_as_new_and_is_recorded_with_the_next_news() {
    let mut dashboard = sixty_new(STACKED);
    let first = seen(&mut dashboard);
    dashboard.answer(Completion::ActivitySeen(Err(EffectError::Other("no".to_owned()))));
    assert_eq!(seen(&mut dashboard), [], "not at every look");

    let again = Completion::ActivityHead(Ok(head(60, at(12, 0))));
    assert!(!is_known(&dashboard.model, &again), "it says nothing new, and is a sign that something can be written");
    dashboard.answer(again);

    assert_eq!(seen(&mut dashboard), first);
}

#[test]
fn a_refusal_that_was_read_ends_with_the_next_key_and_one_that_was_not_stays() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.model.refuse("kedai is a phone: answer there");

    dashboard.keys("j");
    assert_eq!(dashboard.said(), "kedai is a phone: answer there", "a key that was on its way");

    dashboard.now += TimeDelta::seconds(6);
    dashboard.keys("k");
    assert_eq!(dashboard.said(), "");
}

#[test]
fn the_table_that_the_activity_covered_is_read_again_when_it_is_back() {
    let mut dashboard = opened(STACKED);
    dashboard.taken();

    dashboard.keys("3");

    let is_list =
        |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::List { query, .. }) if query.as_of.is_none());
    assert!(dashboard.taken().iter().any(is_list), "it was not read meanwhile");

    let mut dashboard = opened(WIDE);
    dashboard.list(people());
    dashboard.keys("3j").keys("4").taken();
    dashboard.keys("3");
    let effects = dashboard.taken();
    assert!(!effects.iter().any(is_list), "whoever was chosen stays in their place: {effects:?}");
}

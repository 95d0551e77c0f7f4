//! Keys and answers: what they change, and what they ask for.

use chrono::TimeDelta;

use super::since::since_of;
use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, blasts, crowd, person};
use crate::app::DatabaseState;
use crate::app::view::Total;
use crate::app::view::{Anchor, BlastView, Order};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, EffectError, ListPart, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, Pane};
use crate::tui::msg::Msg;
use crate::tui::{ExitReason, Size};

pub fn lists(effects: &[Effect]) -> Vec<(ListPart, Filter)> {
    let list = |effect: &Effect| match effect {
        Effect::Read(ReadRequest::List { part, query, .. }) => Some((*part, query.filter.clone())),
        _ => None,
    };
    effects.iter().filter_map(list).collect()
}

#[test]
fn the_first_blasts_bring_the_first_people() {
    let mut dashboard = TestDashboard::empty(WIDE);

    dashboard.answer(Completion::Blasts(Ok(blasts())));

    let Some(Effect::Read(ReadRequest::List { query, .. })) = dashboard.taken().into_iter().next() else {
        panic!("no list was asked for")
    };
    assert_eq!((query.blast, query.anchor, query.order), (RAYA, Anchor::Start, Order::NewestChange));
}

#[test]
fn an_unfocused_table_follows_the_news_and_a_focused_one_only_its_cells() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.dispatch(Msg::Refresh);
    assert_eq!(lists(&dashboard.taken()).len(), 1);

    dashboard.keys("3").taken();
    dashboard.dispatch(Msg::Refresh);

    let effects = dashboard.taken();
    assert!(lists(&effects).is_empty());
    assert!(effects.contains(&Effect::Read(ReadRequest::Rows((1..=5).map(RecipientId).collect()))));
    let counted = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::CountChanged { after, .. }) if *after == at(13, 58));
    assert!(effects.iter().any(counted));
}

#[test]
fn whoever_watches_sees_the_news_at_the_top_for_as_long_as_nobody_was_chosen() {
    let mut dashboard = TestDashboard::new(STACKED);

    for n in 0..40 {
        dashboard.dispatch(Msg::Refresh).list(crowd(100 - n, 30));
    }

    assert_eq!(dashboard.cursor(), Some(61));
    assert!(dashboard.line(12).contains("Person 61"), "{}", dashboard.line(12));
}

#[test]
fn somebody_who_was_chosen_stays_chosen_and_what_is_newer_is_counted() {
    let mut dashboard = TestDashboard::with(STACKED, crowd(100, 30));
    dashboard.keys("3jj1");

    for n in 1..40 {
        dashboard.taken();
        dashboard.dispatch(Msg::Refresh);
        if lists(&dashboard.taken()).is_empty() {
            break;
        }
        dashboard.list(crowd(100 - n, 30 + n));
    }
    dashboard.dispatch(Msg::Refresh);

    assert_eq!(dashboard.cursor(), Some(102));
    let effects = dashboard.taken();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::CountChanged { .. }))));
}

#[test]
fn a_live_list_that_comes_after_the_focus_changes_nothing() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.dispatch(Msg::Refresh).keys("3j");

    let ticket = dashboard.model.recipients.ticket;
    dashboard.list_as_asked(ticket, vec![person(9, "Somebody else", Status::Read, at(14, 1))]);

    assert_eq!(dashboard.cursor(), Some(2));
    assert_eq!(dashboard.model.recipients.visible(10).count(), 5);
}

#[test]
fn news_is_counted_in_the_title_and_g_shows_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3").dispatch(Msg::Refresh);
    let ticket = dashboard.model.recipients.ticket;

    dashboard.answer(Completion::CountChanged { ticket, total: Ok(Total::Exactly(3)) });
    assert!(dashboard.line(10).ends_with(" 3 newer above: g ══"), "{}", dashboard.line(10));

    dashboard.taken();
    dashboard.keys("g");
    let Effect::Read(ReadRequest::List { query, .. }) = &dashboard.taken()[0] else { panic!("no list was asked for") };
    assert_eq!(query.as_of, None);
}

#[test]
fn the_cursor_is_a_person_and_not_a_row() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jj");
    assert_eq!(dashboard.cursor(), Some(3));

    dashboard.dispatch(Msg::Refresh).answer(Completion::Rows(Ok(vec![person(3, "Kavitha", Status::Read, at(14, 1))])));

    assert_eq!(dashboard.cursor(), Some(3));
    assert!(dashboard.line(14).contains("Kavitha") && dashboard.line(14).contains("read"));
}

#[test]
fn enter_on_a_stage_shows_who_is_stuck_there() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("jj\n");

    assert_eq!(lists(&dashboard.taken()), [(ListPart::Reload, Filter::stuck(Status::Read))]);
    dashboard.list(crowd(10, 3));
    assert_eq!(dashboard.model.focus, Pane::Recipients);
    assert!(dashboard.line(10).starts_with("══ 3 Recipients ══ stuck at read 67 ══"), "{}", dashboard.line(10));
}

#[test]
fn a_list_that_was_not_seen_yet_is_not_marked_in() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("jj\n");
    dashboard.list(crowd(10, 3)).keys("r");

    assert!(dashboard.acts().is_empty());
    assert!(dashboard.said().contains("look at it first"));
    dashboard.dispatch(Msg::Drawn).keys("r");
    assert_eq!(dashboard.acts().len(), 1);
}

#[test]
fn another_blast_brings_its_people_and_late_answers_of_the_first_are_dropped() {
    let mut dashboard = TestDashboard::new(WIDE);
    let old = dashboard.model.recipients.ticket;

    dashboard.keys("1j");
    let Some(Effect::Read(ReadRequest::List { query, .. })) = dashboard.taken().into_iter().next() else {
        panic!("no list was asked for")
    };
    assert_eq!(query.blast, BlastId(6));

    dashboard.list_as_asked(old, crowd(10, 3)).list(Vec::new());
    assert!(dashboard.model.recipients.is_empty());
}

#[test]
fn the_cursor_of_the_blasts_stays_on_its_blast_when_a_newer_one_comes() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1j");
    let mut rows = blasts();
    rows.insert(0, BlastView { id: BlastId(20), ..rows[0].clone() });

    dashboard.answer(Completion::Blasts(Ok(rows)));

    assert_eq!(dashboard.model.blast().unwrap().tag, "Deepavali");
}

#[test]
fn a_blast_that_is_gone_leaves_the_cursor_to_its_neighbour() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1j").taken();

    dashboard.answer(Completion::Blasts(Ok(blasts().into_iter().filter(|blast| blast.id != BlastId(6)).collect())));

    assert_eq!(dashboard.model.blast().unwrap().tag, "Follow-up 1");
    assert_eq!(lists(&dashboard.taken()).len(), 1);
}

#[test]
fn scrolling_asks_for_the_next_page_before_the_window_ends() {
    let mut dashboard = TestDashboard::with(STACKED, crowd(1, 60));
    dashboard.keys("3").taken();
    for _ in 0..5 {
        dashboard.key(Key::PageDown);
    }

    let pages = lists(&dashboard.taken());

    assert_eq!(pages, [(ListPart::NextPage, Filter::default())]);
}

#[test]
fn a_large_blast_is_read_by_its_newest_change_too() {
    let mut dashboard = TestDashboard::empty(STACKED);
    let large = BlastView { total_recipients: 1_000_000, ..blasts()[0].clone() };

    dashboard.answer(Completion::Blasts(Ok(vec![large])));

    let Some(Effect::Read(ReadRequest::List { query, .. })) = dashboard.taken().into_iter().next() else {
        panic!("no list was asked for")
    };
    assert_eq!(query.order, Order::NewestChange);
}

#[test]
fn an_unreachable_database_is_told_with_its_time_and_the_old_numbers_stay() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.answer(Completion::Blasts(Err(EffectError::Unavailable)));
    assert_eq!(dashboard.model.database, DatabaseState::Down { since: dashboard.now });
    assert!(dashboard.line(0).contains("STALE since 14:02"));
    assert!(dashboard.line(3).contains("142"));

    dashboard.answer(Completion::Blasts(Ok(blasts())));
    assert!(dashboard.line(0).contains("live, news 14:02"));
}

#[test]
fn coming_back_is_one_line() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.answer(Completion::Away(Ok(Some(since_of(at(12, 31))))));

    assert_eq!(dashboard.line(22), " away 12:31-14:02, people: 33 sent, 29 received, 12 read, 1 failed");
}

#[test]
fn whoever_has_a_window_open_is_noted_once_a_minute_so_that_a_kill_takes_no_longer_from_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut notes = |seconds| {
        dashboard.now += TimeDelta::seconds(seconds);
        dashboard.dispatch(Msg::Refresh).taken().contains(&Effect::TouchLastSeen)
    };

    assert!(!notes(20));
    assert!(notes(45));
    assert!(!notes(20));
    assert!(notes(45));
}

#[test]
fn whoever_opens_the_window_again_at_once_was_not_away() {
    let mut dashboard = TestDashboard::new(STACKED);
    let a_moment_ago = dashboard.now - TimeDelta::seconds(90);

    dashboard.answer(Completion::Away(Ok(Some(since_of(a_moment_ago)))));

    assert_eq!(dashboard.said(), "");
}

#[test]
fn somebody_who_changed_since_the_last_key_is_news_until_the_next() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3j");
    dashboard.now += TimeDelta::minutes(3);
    dashboard.answer(Completion::Rows(Ok(vec![person(1, "Siti Aminah", Status::Replied, at(14, 4))])));
    assert!(dashboard.line(12).starts_with("N +60"), "{}", dashboard.line(12));

    dashboard.keys("j");

    assert!(dashboard.line(12).starts_with("  +60"));
}

#[test]
fn a_key_that_does_nothing_says_where_it_would() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("X");
    assert!(dashboard.said().starts_with("X works in Blasts (cancel it, or delete a draft), "), "{}", dashboard.said());
    dashboard.keys("x");
    assert_eq!(dashboard.said(), "x does nothing: ? shows every key");
}

#[test]
fn q_tells_what_goes_on_without_this_window_once_that_is_known_and_then_leaves() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("q");
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::HandOver(vec![RAYA]))]);
    assert_eq!(
        dashboard.said(),
        "checking what continues without this window; Follow-up 1 stays paused with 20 still to send. q again to leave"
    );
    dashboard.answer(Completion::HandOver { blasts: vec![RAYA], missing: Ok(Vec::new()) });
    assert_eq!(
        dashboard.said(),
        "Raya promo continues without this window (done about 15:36); Follow-up 1 stays paused with 20 still to send. \
         q again to leave, p to pause Raya promo first"
    );
    dashboard.keys("q");

    assert_eq!(dashboard.taken(), [Effect::Exit(ExitReason::Quit)]);
}

#[test]
fn q_tells_what_is_missing_where_nobody_would_go_on() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("q");
    let missing = Ok(vec![(RAYA, "no standby can be started".to_owned())]);
    dashboard.answer(Completion::HandOver { blasts: vec![RAYA], missing });

    assert_eq!(
        dashboard.said(),
        "Raya promo would not continue without this window: no standby can be started; Follow-up 1 stays paused with 20 still \
         to send. q again to leave"
    );
}

#[test]
fn another_key_between_means_that_nobody_is_leaving() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("qjq");

    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));
}

#[test]
fn with_nothing_in_flight_q_leaves_at_once() {
    let mut dashboard = TestDashboard::empty(STACKED);
    dashboard.answer(Completion::Blasts(Ok(vec![blasts().swap_remove(1)]))).taken();

    dashboard.keys("q");

    assert_eq!(dashboard.taken(), [Effect::Exit(ExitReason::Quit)]);
}

#[test]
fn ctrl_c_leaves_a_field_and_twice_leaves_altogether() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/67").taken();

    dashboard.key(Key::Ctrl('c'));
    assert!(dashboard.model.prompt.is_none());
    assert!(!dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));

    dashboard.key(Key::Ctrl('c'));
    assert!(dashboard.taken().contains(&Effect::Exit(ExitReason::Quit)));
}

#[test]
fn suspending_gives_the_leases_up_first() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.key(Key::Ctrl('z'));
    assert_eq!(dashboard.taken(), [Effect::ReleaseLeases]);
    dashboard.answer(Completion::LeasesReleased);
    assert_eq!(dashboard.taken(), [Effect::Suspend(None)]);
    dashboard.dispatch(Msg::Continued);
    assert_eq!(dashboard.taken(), [Effect::Repaint, Effect::ReacquireLeases]);
}

#[test]
fn details_are_of_the_person_under_the_cursor_and_step_to_the_next() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3j\n");
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Person(RecipientId(2)))]);
    dashboard.keys("]");

    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Person(RecipientId(3)))]);
    assert!(
        matches!(dashboard.model.overlays.last(), Some(Overlay::Details(details)) if details.person == RecipientId(3))
    );
}

#[test]
fn in_a_window_too_small_to_show_people_nobody_is_marked() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3").dispatch(Msg::Resized(Size { width: 30, height: 8 }));

    dashboard.keys("rcbX");

    assert!(dashboard.acts().is_empty());
}

#[test]
fn commands_run_by_name() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys(":log\n");

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Log(_))));
}

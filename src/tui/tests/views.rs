//! The views of the funnel, and large screens: what is read for them and when, what they say, and that all of it fits.

use chrono::TimeDelta;

use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, blasts, crowd, details_of, drawn, people, raya};
use crate::app::report::ErrorLine;
use crate::app::view::{BlastView, ElsewhereRow, RecipientRow};
use crate::domain::funnel::Counts;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::progress::{BlastProgress, SampledPerson, StageTimes};
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{FunnelView, ListScope, Pane};
use crate::tui::msg::Msg;
use crate::tui::{Charset, Size};

const LARGE: Size = Size { width: 200, height: 50 };

/// A hundred people, sent to one a minute from 12:31 on; half of them read it within an hour, a tenth replied.
pub fn progress() -> BlastProgress {
    let person = |n: i64| {
        let sent = at(12, 31) + TimeDelta::minutes(n);
        let status = match n % 10 {
            0 => Status::Replied,
            1..=4 => Status::Read,
            _ => Status::Delivered,
        };
        let then = |minutes: i64, until: Status| (status >= until).then(|| sent + TimeDelta::minutes(minutes));
        SampledPerson {
            weight: 1.0,
            times: StageTimes {
                id: RecipientId(n),
                status,
                sent_at: Some(sent),
                delivered_at: then(1, Status::Delivered),
                read_at: then(10 + n % 50, Status::Read),
                replied_at: then(60, Status::Replied),
                closed_at: None,
                changed_at: sent + TimeDelta::minutes(60),
            },
        }
    };
    let people: Vec<SampledPerson> = (0..100).map(person).collect();
    BlastProgress::of(&people, chrono_tz::Asia::Kuala_Lumpur)
}

fn errors() -> Vec<ErrorLine> {
    let line = |code: &str, count: i64, advice: &str| ErrorLine {
        code: code.to_owned(),
        count,
        title: "Message undeliverable\u{1b}[2J\u{202e}".to_owned(),
        advice: advice.to_owned(),
    };
    vec![line("131026", 2, "The person may have no WhatsApp."), line("unknown", 1, "")]
}

/// What the dashboard asked for is answered, until it asks for nothing more.
fn answered(dashboard: &mut TestDashboard) {
    for effect in dashboard.taken() {
        match effect {
            Effect::Read(ReadRequest::Progress(blasts)) => {
                let read = blasts.into_iter().map(|blast| (blast, progress())).collect();
                dashboard.answer(Completion::Progress(Ok(read)));
            }
            Effect::Read(ReadRequest::Errors(blast)) => {
                dashboard.answer(Completion::Errors { blast, errors: Ok(errors()) });
            }
            Effect::Read(ReadRequest::Person(_)) => {
                let row = dashboard.model.recipients.at_cursor().unwrap().row.clone();
                dashboard.answer(Completion::Person(Box::new(Ok(details_of(row)))));
            }
            _ => {}
        }
    }
}

fn progress_reads(dashboard: &mut TestDashboard) -> usize {
    let is_progress = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::Progress(_)));
    dashboard.taken().iter().filter(|effect| is_progress(effect)).count()
}

fn contains(dashboard: &TestDashboard, words: &[&str]) {
    let screen = dashboard.screen().join("\n");
    for words in words {
        assert!(screen.contains(words), "{words} is not in\n{screen}");
    }
}

#[test]
fn v_goes_through_the_views_and_escape_returns_to_the_bars() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2");

    let views = [FunnelView::Timeline, FunnelView::Speed, FunnelView::Errors, FunnelView::Compare, FunnelView::Months];
    for view in views.into_iter().chain([FunnelView::Bars]) {
        dashboard.keys("v");
        assert_eq!(dashboard.model.shown_view(), view);
    }
    dashboard.keys("vv").key(Key::Esc);

    assert_eq!(dashboard.model.shown_view(), FunnelView::Bars);
}

#[test]
fn a_view_is_read_when_it_is_shown_and_again_only_when_the_counts_changed() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.dispatch(Msg::Refresh).answer(Completion::Blasts(Ok(blasts())));
    assert_eq!(progress_reads(&mut dashboard), 0, "the bars need none");

    dashboard.keys("2v");
    answered(&mut dashboard);
    dashboard.dispatch(Msg::Refresh).answer(Completion::Blasts(Ok(blasts()))).keys("v");
    assert_eq!(progress_reads(&mut dashboard), 0, "nothing changed");
    let mut rows = blasts();
    rows[0].counts = Counts { read: 68, delivered: 47, ..rows[0].counts };
    dashboard.answer(Completion::Blasts(Ok(rows)));
    assert_eq!(progress_reads(&mut dashboard), 1);

    dashboard.answer(Completion::Progress(Err(EffectError::Unavailable)));
    dashboard.keys("1").dispatch(Msg::Refresh);
    contains(&dashboard, &["STALE"]);
}

#[test]
fn the_timeline_has_counts_at_its_side_and_times_below() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2vz");
    answered(&mut dashboard);

    contains(
        &dashboard,
        &["timeline", "from the top: Sent  Received  Read  Replied  Closed", " 287 │", "   0 │", "12:30", "14:00", "⠉"],
    );
}

#[test]
fn speed_says_how_long_half_and_nine_of_ten_took_and_which_hours_were_good() {
    let mut dashboard = TestDashboard::new(Size { width: 120, height: 40 });
    dashboard.keys("2vv");
    answered(&mut dashboard);
    dashboard.keys("z");

    contains(&dashboard, &["half within", "Received           1 min", "best hours", "13:00-14:00"]);
}

#[test]
fn until_when_replies_are_timed_is_said_whole_beside_the_blasts() {
    // As wide as the funnel is at 120 columns, where the timeline stands below the bars, and is read from the beginning.
    let mut dashboard = TestDashboard::new(Size { width: 73, height: 40 });
    dashboard.keys("2v").answer(Completion::Progress(Ok([(RAYA, progress())].into_iter().collect())));

    contains(&dashboard, &["replied and closed: until a webhook's reply, or somebody's mark"]);
}

#[test]
fn an_error_opens_the_people_who_failed_with_its_code() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2vvv");
    answered(&mut dashboard);
    contains(&dashboard, &["> 131026                2  Message undeliverable[2J: The person may", "have no WhatsApp."]);

    dashboard.keys("\n");

    let text = "code:131026".to_owned();
    assert!(matches!(&dashboard.model.recipients.scope, ListScope::Found { text: found, .. } if *found == text));
    assert_eq!(dashboard.model.recipients.scope.filter().to_string(), "status:failed code:\"131026\"");
    dashboard.list(people());
    dashboard.keys("2j\n");
    assert_eq!(dashboard.model.recipients.scope, ListScope::Only(Status::Failed), "those without a code");
}

#[test]
fn marked_blasts_stand_side_by_side_at_the_same_age() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1 ").list(people()).keys(" ");
    assert!(dashboard.line(3).starts_with("* Raya promo") && dashboard.line(4).starts_with("* Deepavali"));
    dashboard.keys("v");
    answered(&mut dashboard);

    contains(
        &dashboard,
        &[
            "compare",
            "Raya promo",
            "Deepavali",
            "Sent                                  92                          92",
            "after its first message",
        ],
    );
    assert_eq!(dashboard.model.focus, Pane::Funnel);
}

#[test]
fn a_fifth_blast_is_not_marked_and_says_why() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1");
    for _ in 0..5 {
        dashboard.keys(" ").list(people());
    }

    assert!(dashboard.said().starts_with("4 are marked, as many as fit"), "{}", dashboard.said());
    dashboard.key(Key::Esc);
    assert!(dashboard.model.blasts.marked().is_empty());
}

#[test]
fn keys_about_a_stage_work_only_where_its_cursor_is_seen() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2jjv\n");
    assert_eq!(dashboard.said(), "nobody is chosen here: v or esc goes back to the stages");
    dashboard.keys("f");
    assert_eq!(dashboard.said(), "no stage is chosen here: v or esc goes back to them");
    assert!(dashboard.model.overlays.is_empty() && dashboard.model.focus == Pane::Funnel);

    dashboard.dispatch(Msg::Resized(LARGE)).keys("f");
    assert_eq!(dashboard.model.overlays.len(), 1, "where the bars stand above the view, it is");
}

/// Somebody whose name, note and history are as bad as can be.
fn hostile() -> RecipientRow {
    RecipientRow {
        name: Some("\u{202e}Aina\u{1b}[2J\t陈小明".repeat(200)),
        note: Some("note\r\n\u{9b}31m".repeat(100)),
        delivered_at: None,
        ..people().swap_remove(0)
    }
}

/// A large screen with everything read.
fn large(size: Size) -> TestDashboard {
    let mut rows = crowd(10, 40);
    for row in &mut rows {
        row.sent_at = Some(at(12, 31));
        row.read_at = Some(row.changed_at);
    }
    rows.insert(0, people().swap_remove(0));
    let mut dashboard = TestDashboard::empty(size);
    dashboard.answer(Completion::Blasts(Ok(blasts())));
    dashboard.answer(Completion::Senders(Ok(super::support::senders())));
    dashboard.list(rows);
    dashboard.dispatch(Msg::Drawn);
    answered(&mut dashboard);
    dashboard
}

#[test]
fn a_large_screen_has_the_person_beside_the_table_and_the_timeline_under_the_bars() {
    for size in [LARGE, Size { width: 160, height: 50 }, Size { width: 160, height: 40 }] {
        let dashboard = large(size);

        contains(&dashboard, &["Siti Aminah ══ +60 10-012 0001".replace('═', "─").as_str(), "Message as sent"]);
        contains(&dashboard, &["── timeline ──", "12:30", "of all", "90/h"]);
        insta::assert_snapshot!(format!("large_{}x{}", size.width, size.height), dashboard.screen().join("\n"));
    }
}

#[test]
fn repeated_times_are_dim_and_a_stage_that_was_passed_untold_is_a_point() {
    let mut dashboard = large(LARGE);
    let row = |screen: &[String], name: &str| screen.iter().find(|line| line.contains(name)).unwrap().clone();

    assert!(row(&dashboard.screen(), "Person 11").contains("12:31  ·"), "{}", row(&dashboard.screen(), "Person 11"));
    dashboard.model.options.charset = Charset::Ascii;
    let foreign: String = dashboard.screen().concat().chars().filter(|c| !c.is_ascii()).collect();
    assert_eq!(foreign, "");
}

#[test]
fn the_person_beside_the_table_is_read_once_for_each_state_of_their_row() {
    let mut dashboard = large(LARGE);
    let reads = |dashboard: &mut TestDashboard| {
        let is_person = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::Person(_)));
        dashboard.taken().iter().filter(|effect| is_person(effect)).count()
    };
    dashboard.dispatch(Msg::Drawn).dispatch(Msg::Drawn);
    assert_eq!(reads(&mut dashboard), 0);

    dashboard.keys("3j");
    assert_eq!(reads(&mut dashboard), 1);
    dashboard.answer(Completion::Person(Box::new(Err(EffectError::Other("gone".to_owned())))));
    dashboard.dispatch(Msg::Drawn);
    assert_eq!(reads(&mut dashboard), 0, "a read that failed is not repeated at once");
    dashboard.dispatch(Msg::Resized(WIDE)).keys("j");
    assert_eq!(reads(&mut dashboard), 0, "nobody sees it there");
}

#[test]
fn every_view_is_drawn_at_every_size_with_hostile_data() {
    let mut dashboard = large(LARGE);
    let bad = "\u{202e}\u{1b}]0;x\u{7}陈".repeat(60);
    let rows: Vec<BlastView> =
        blasts().into_iter().map(|row| BlastView { tag: bad.clone(), follow_up_stage: bad.clone(), ..row }).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
    let elsewhere = ElsewhereRow {
        person: RecipientRow { blast_id: BlastId(3), name: None, status: Status::Closed, ..hostile() },
        tag: bad.clone(),
        follow_up_stage: bad.clone(),
        is_same_message: true,
    };
    dashboard.answer(Completion::Rows(Ok(vec![hostile()])));
    let details = crate::app::view::RecipientDetails {
        elsewhere: vec![elsewhere; 9],
        message_text: Some(bad.repeat(50)),
        ..details_of(hostile())
    };
    dashboard.answer(Completion::Person(Box::new(Ok(details))));

    dashboard.keys("2");
    for _ in 0..6 {
        dashboard.keys("v");
        answered(&mut dashboard);
        // Each width with every other height.
        let widths = [1, 20, 40, 60, 79, 80, 109, 110, 120, 159, 160, 161, 200];
        for (width, heights) in widths.into_iter().zip([[1, 10, 24, 39, 50], [8, 18, 29, 40, 60]].into_iter().cycle()) {
            for height in heights {
                dashboard.dispatch(Msg::Resized(Size { width, height }));
                let screen = dashboard.screen();
                assert_eq!(screen.len(), usize::from(height));
                assert!(screen.concat().chars().all(|c| !c.is_control() && c != '\u{202e}'), "{width}x{height}");
            }
        }
    }
}

#[test]
fn a_tick_of_the_funnel_costs_at_most_150_bytes_on_a_large_screen_too() {
    let mut dashboard = large(LARGE);
    let mut frames = crate::tui::frame::FrameDiff::default();
    let first = frames.advance(&super::support::buffer(&dashboard.model));
    assert!(first.len() <= 12_000, "the first paint costs {}", first.len());
    let mut rows = blasts();
    rows[0].counts = Counts { queued: 139, delivered: 49, ..rows[0].counts };

    dashboard.answer(Completion::Blasts(Ok(rows)));
    answered(&mut dashboard);

    let bytes = frames.advance(&super::support::buffer(&dashboard.model));
    assert!(bytes.len() <= 150, "{} bytes: {}", bytes.len(), String::from_utf8_lossy(&bytes));
    dashboard.now += TimeDelta::seconds(59);
    dashboard.dispatch(Msg::Refresh);
    assert_eq!(frames.advance(&super::support::buffer(&dashboard.model)), b"", "idle");
}

#[test]
fn a_large_screen_is_mostly_what_a_small_one_does_not_show() {
    let filled = |dashboard: &TestDashboard| {
        let cells =
            drawn(&dashboard.model).iter().flat_map(|line| line.chars().collect::<Vec<_>>()).collect::<Vec<_>>();
        cells.iter().filter(|c| **c != ' ').count()
    };

    let (large, wide) = (filled(&large(LARGE)), filled(&large(WIDE)));

    assert!(large > wide * 2, "{large} cells against {wide}");
}

#[test]
fn zoom_shows_the_funnel_with_a_view_below_its_bars() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2z");
    answered(&mut dashboard);

    contains(&dashboard, &["Received         136", "── timeline ──", "since your last key"][..2]);
    assert!(dashboard.model.shows_stages());
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("2z");
    answered(&mut dashboard);
    assert_eq!(dashboard.screen().len(), 24);
    assert_eq!(raya().id, RAYA);
}

#[test]
fn compare_with_fewer_than_two_marked_says_what_to_do_and_moves_nothing() {
    let mut dashboard = TestDashboard::new(WIDE);

    for keys in ["1v", " v"] {
        dashboard.keys(keys);
        assert_eq!(dashboard.said(), "mark two blasts with space first, to compare them");
        assert_eq!((dashboard.model.focus, dashboard.model.shown_view()), (Pane::Blasts, FunnelView::Bars));
    }
    dashboard.keys(" v");
    assert_eq!((dashboard.model.focus, dashboard.model.shown_view()), (Pane::Funnel, FunnelView::Compare));
}

#[test]
fn errors_for_which_there_is_no_room_are_counted_and_a_cut_advice_says_so() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("2vvv");
    let many =
        (0..20).map(|n| ErrorLine { code: format!("13{n}"), advice: "What to do. ".repeat(40), ..errors().remove(0) });
    dashboard.answer(Completion::Errors { blast: RAYA, errors: Ok(many.collect()) });

    let screen = dashboard.screen();

    let shown = screen.iter().filter(|line| line.contains("Message undeliverable")).count();
    assert!(screen.iter().any(|line| line.ends_with("more") && line.contains("~ ")), "{screen:#?}");
    assert!(shown > 0 && screen.iter().any(|line| line.starts_with("    ") && line.ends_with('~')), "{screen:#?}");
}

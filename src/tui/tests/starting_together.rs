//! A sender that goes on after a stop starts all that waited for it by one act: one launch of several blasts.

use chrono::TimeDelta;

use super::armed::{armed, launched, read};
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, blasts, marked, raya};
use crate::app::Launch;
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::sender::StopCode;
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::msg::Msg;

/// A blast that was paused, beside the launched one.
const OTHER: BlastId = BlastId(5);

/// One act started both.
fn both(dashboard: &TestDashboard) -> [BlastView; 2] {
    let armed_at = Some(dashboard.now);
    let row = BlastView { armed_at, ..armed(dashboard) };
    let other = blasts().into_iter().find(|blast| blast.id == OTHER).unwrap();
    let other = BlastView { state: BlastState::Sending, version: 4, send_after: row.send_after, armed_at, ..other };
    [row, other]
}

fn show(dashboard: &mut TestDashboard, rows: [BlastView; 2]) {
    let others = blasts().into_iter().filter(|blast| ![DRAFT, OTHER].contains(&blast.id));
    let rows = others.chain(rows).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
}

#[test]
fn blasts_that_start_at_one_moment_are_named_together_and_the_key_that_stops_them_all() {
    let mut dashboard = launched();

    let rows = both(&dashboard);
    show(&mut dashboard, rows);

    let said = [dashboard.line(21), dashboard.line(22)].concat();
    assert!(
        said.contains("Raya last call and Follow-up 1 start at 14:02:10: u stops them, p pauses Raya last call"),
        "{said}"
    );
    dashboard.taken();
    dashboard.keys("u");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(DRAFT)]);
}

#[test]
fn once_they_have_started_the_line_names_them_all() {
    let mut dashboard = launched();
    let rows = both(&dashboard);
    show(&mut dashboard, rows);

    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);

    assert_eq!(dashboard.said(), "Raya last call and Follow-up 1 have started: p pauses Raya last call");
}

#[test]
fn pausing_one_of_them_says_what_starts_all_the_same() {
    let mut dashboard = launched();
    let [row, other] = both(&dashboard);
    show(&mut dashboard, [row.clone(), other]);
    dashboard.taken();

    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(DRAFT)]);
    // It keeps the time at which it was to start.
    let paused = BlastView { state: BlastState::Paused, version: 5, ..row };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Pause(DRAFT),
        outcome: Ok(WriteOutcome::Blast(Box::new(paused))),
    });

    assert_eq!(dashboard.said(), "Raya last call is paused; S resumes it; Follow-up 1 starts at 14:02:10");
}

/// They may be stopped, or have started, while the line about the paused one stands.
#[test]
fn a_line_about_a_paused_blast_says_of_the_others_what_is_so_by_now() {
    for is_stopped in [true, false] {
        let mut dashboard = launched();
        let [row, other] = both(&dashboard);
        show(&mut dashboard, [row.clone(), other.clone()]);
        let paused = BlastView { state: BlastState::Paused, version: 5, ..row };
        dashboard.answer(Completion::Written {
            request: WriteRequest::Pause(DRAFT),
            outcome: Ok(WriteOutcome::Blast(Box::new(paused.clone()))),
        });
        show(&mut dashboard, [paused.clone(), other.clone()]);
        assert_eq!(dashboard.said(), "Raya last call is paused; S resumes it; Follow-up 1 starts at 14:02:10");

        if is_stopped {
            show(&mut dashboard, [paused, BlastView { state: BlastState::Paused, version: 5, ..other }]);
        } else {
            dashboard.now += TimeDelta::seconds(10);
            dashboard.dispatch(Msg::Deadline);
        }

        assert_eq!(dashboard.said(), "Raya last call is paused; S resumes it", "{is_stopped}");
    }
}

/// The first of them is paused by another operator.
fn one_paused_by_minah() -> TestDashboard {
    let mut dashboard = launched();
    let [row, other] = both(&dashboard);
    show(&mut dashboard, [row.clone(), other.clone()]);
    let by = Some(Actor::Operator("minah@shop".to_owned()));
    let paused = BlastView { state: BlastState::Paused, version: 5, state_by: by, ..row };

    show(&mut dashboard, [paused, other]);
    dashboard
}

/// Whoever started them sees it, and stops the others by the same key.
#[test]
fn a_pause_of_one_by_somebody_else_leaves_the_others_announced() {
    let mut dashboard = one_paused_by_minah();

    let said = [dashboard.line(20), dashboard.line(21), dashboard.line(22)].join(" ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected =
        "Raya last call was paused by minah@shop; Follow-up 1 starts at 14:02:10: u or p stops it (10 s left)";
    assert!(said.contains(expected), "{said}");
    assert_eq!(dashboard.model.log.back().unwrap().sentence, "Raya last call starts at 14:02:10");
    dashboard.taken();
    dashboard.keys("u");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(OTHER)]);
}

#[test]
fn once_the_others_have_started_the_line_names_them_without_the_paused_one() {
    let mut dashboard = one_paused_by_minah();

    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);

    assert_eq!(dashboard.said(), "Follow-up 1 has started");
}

#[test]
fn what_starts_all_the_same_is_said_also_where_the_paused_one_has_its_later_time_back() {
    let mut dashboard = launched();
    let [row, other] = both(&dashboard);
    show(&mut dashboard, [row.clone(), other]);
    dashboard.taken();

    dashboard.keys("p");
    let paused = BlastView { state: BlastState::Paused, version: 5, armed_at: None, launched_at: None, ..row };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Pause(DRAFT),
        outcome: Ok(WriteOutcome::Blast(Box::new(paused))),
    });

    assert_eq!(dashboard.said(), "Raya last call is paused; S resumes it; Follow-up 1 starts at 14:02:10");
}

/// The list is read at every change: it may come before the answer to the act.
#[test]
fn what_starts_all_the_same_is_said_also_where_the_list_had_the_pause_first() {
    let mut dashboard = launched();
    let [row, other] = both(&dashboard);
    show(&mut dashboard, [row.clone(), other.clone()]);
    let paused = BlastView { state: BlastState::Paused, version: 5, ..row };

    show(&mut dashboard, [paused.clone(), other]);
    dashboard.answer(Completion::Written {
        request: WriteRequest::Pause(DRAFT),
        outcome: Ok(WriteOutcome::Blast(Box::new(paused))),
    });

    assert_eq!(dashboard.said(), "Raya last call is paused; S resumes it; Follow-up 1 starts at 14:02:10");
}

#[test]
fn the_first_line_counts_them_where_another_line_stands_in_the_place_of_theirs() {
    let large = Size { width: 200, height: 50 };
    for (size, says) in [(STACKED, "  2 start 14:02:10"), (large, "  2 start 14:02:10: Raya last call and Follow-up 1")]
    {
        let mut dashboard = launched();
        let rows = both(&dashboard);
        show(&mut dashboard, rows);
        dashboard.model.now += TimeDelta::seconds(1);

        dashboard.answer(marked(1, "Siti", Status::Read, Status::Replied));
        dashboard.dispatch(Msg::Resized(size));

        assert!(dashboard.line(0).contains(says), "{}", dashboard.line(0));
    }
}

/// The others are read a moment later.
#[test]
fn the_log_has_all_that_starts_with_a_resumed_sender() {
    let mut dashboard = TestDashboard::new(STACKED);
    let code = StopCode::Provider("device".to_owned());
    let why = "Device is offline".to_owned();
    let waiting = Some(Waiting::SenderStopped { code, why, sender: "sales".to_owned(), waits_for_token: false });
    let other = blasts().into_iter().find(|blast| blast.id == OTHER).unwrap();
    let rows =
        [BlastView { waiting: waiting.clone(), ..raya() }, BlastView { state: BlastState::Sending, waiting, ..other }];
    dashboard.answer(Completion::Blasts(Ok(rows.to_vec())));
    let now = dashboard.now;
    let starts = |row: &BlastView, seconds| {
        let (version, send_after) = (row.version + seconds, Some(now + TimeDelta::seconds(seconds)));
        BlastView { version, send_after, armed_at: Some(now), waiting: None, ..row.clone() }
    };

    let launch = Launch { blast: RAYA, version: rows[0].version, people: 160, armed_for: Launch::ARMED_FOR };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Resume(launch),
        outcome: Ok(WriteOutcome::Blast(Box::new(starts(&rows[0], 10)))),
    });

    let logged = |dashboard: &TestDashboard| {
        let line = dashboard.model.log.back().unwrap();
        (line.sentence.clone(), line.command_line.clone())
    };
    let (sentence, command_line) = logged(&dashboard);
    assert_eq!(sentence, "Raya promo and Follow-up 1 start at 14:02:10");
    assert_eq!(command_line, "blastdeck blast resume 7");
    dashboard.answer(Completion::Blasts(Ok(rows.iter().map(|row| starts(row, 11)).collect())));
    assert_eq!(logged(&dashboard).0, "Raya promo and Follow-up 1 start at 14:02:11", "as the line says it");
}

#[test]
fn a_paused_blast_that_is_resumed_starts_alone() {
    let mut dashboard = TestDashboard::new(STACKED);
    let paused = blasts().into_iter().find(|blast| blast.id == OTHER).unwrap();
    let send_after = Some(dashboard.now + TimeDelta::seconds(10));
    let row = BlastView { state: BlastState::Sending, version: paused.version + 1, send_after, ..paused };
    let launch = Launch { blast: OTHER, version: row.version - 1, people: 20, armed_for: Launch::ARMED_FOR };

    dashboard.answer(Completion::Written {
        request: WriteRequest::Resume(launch),
        outcome: Ok(WriteOutcome::Blast(Box::new(row))),
    });

    assert_eq!(dashboard.said(), "Follow-up 1 starts at 14:02:10");
}

#[test]
fn of_another_operators_p_is_named_with_what_it_pauses() {
    let mut dashboard = launched();
    let by = Some(Actor::Operator("minah@shop".to_owned()));
    let rows = both(&dashboard).map(|row| BlastView { state_by: by.clone(), version: 5, ..row });

    show(&mut dashboard, rows);

    let said = [dashboard.line(20), dashboard.line(21), dashboard.line(22)].join(" ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("start at 14:02:10, by minah@shop: p pauses Raya last call, u asks first ("), "{said}");
}

/// Launched one by one, each is stopped by itself, also where an engine that could not reach the database gave all of them the same ten
/// seconds anew.
#[test]
fn blasts_that_start_at_one_moment_by_several_acts_are_no_one_launch() {
    let mut dashboard = launched();
    let [row, other] = both(&dashboard);
    let later = other.armed_at.map(|at| at + TimeDelta::seconds(3));

    show(&mut dashboard, [row.clone(), BlastView { armed_at: later, ..other }]);

    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:10: u or p stops it (10 s left)");
    read(&mut dashboard, row);
    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:10: u or p stops it (10 s left)");
}

#[test]
fn a_launch_that_is_paused_from_another_blast_is_resumed_once_it_is_chosen() {
    let mut dashboard = launched();
    let row = armed(&dashboard);
    read(&mut dashboard, row.clone());
    dashboard.model.blasts.select(RAYA);

    let paused = BlastView { state: BlastState::Paused, version: 5, ..row };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Pause(DRAFT),
        outcome: Ok(WriteOutcome::Blast(Box::new(paused))),
    });

    assert_eq!(dashboard.said(), "Raya last call is paused; S on it resumes it");
}

/// A resume that is taken back leaves whoever had paused it before: they did nothing now.
#[test]
fn a_blast_whose_resume_was_taken_back_is_not_said_to_be_paused_by_whoever_had_paused_it() {
    let by = |name: &str| Some(Actor::Operator(name.to_owned()));
    for (now_by, says) in [
        (by("catherine"), "Follow-up 1 is paused again"),
        (Some(Actor::Engine), "Follow-up 1 is paused"),
        (by("minah@shop"), "Follow-up 1 was paused by minah@shop"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);
        let paused = blasts().into_iter().find(|blast| blast.id == OTHER).unwrap();
        let paused = BlastView { state: BlastState::Paused, state_by: by("catherine"), ..paused };
        read_other(&mut dashboard, paused.clone());
        let send_after = Some(dashboard.now + TimeDelta::seconds(10));
        let version = paused.version + 1;
        let state_by = Some(Actor::Operator(dashboard.model.options.operator.clone()));
        let row = BlastView { state: BlastState::Sending, version, send_after, state_by, ..paused.clone() };
        let launch = Launch { blast: OTHER, version: paused.version, people: 20, armed_for: Launch::ARMED_FOR };
        dashboard.answer(Completion::Written {
            request: WriteRequest::Resume(launch),
            outcome: Ok(WriteOutcome::Blast(Box::new(row))),
        });
        assert_eq!(dashboard.said(), "Follow-up 1 starts at 14:02:10");

        read_other(&mut dashboard, BlastView { version: version + 1, send_after, state_by: now_by, ..paused });

        assert_eq!(dashboard.said(), says);
    }
}

#[test]
fn whoever_takes_a_resume_back_is_named_to_whoever_resumed() {
    let mut dashboard = TestDashboard::new(STACKED);
    let paused = blasts().into_iter().find(|blast| blast.id == OTHER).unwrap();
    let state_by = Some(Actor::Operator("catherine".to_owned()));
    let paused = BlastView { state: BlastState::Paused, state_by, ..paused };
    read_other(&mut dashboard, paused.clone());
    let (version, send_after) = (paused.version + 1, Some(dashboard.now + TimeDelta::seconds(10)));
    let row = BlastView { state: BlastState::Sending, version, send_after, ..paused.clone() };
    let launch = Launch { blast: OTHER, version: paused.version, people: 20, armed_for: Launch::ARMED_FOR };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Resume(launch),
        outcome: Ok(WriteOutcome::Blast(Box::new(row))),
    });
    let again = BlastView { version: version + 1, ..paused };

    read_other(&mut dashboard, again.clone());
    let asks = Effect::Read(ReadRequest::TakenBackBy(OTHER));
    assert!(dashboard.taken().contains(&asks));
    read_other(&mut dashboard, again);
    assert!(!dashboard.taken().contains(&asks), "once");
    dashboard.answer(Completion::TakenBackBy { blast: OTHER, by: Ok(Some("ben".to_owned())) });

    assert_eq!(dashboard.said(), "ben took it back: Follow-up 1 is paused again");
}

#[test]
fn whoever_takes_an_early_start_back_is_named_to_whoever_sent_it_early() {
    let mut dashboard = launched();
    let scheduled = BlastView { state: BlastState::Scheduled, version: 5, ..armed(&dashboard) };

    read(&mut dashboard, scheduled);
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::TakenBackBy(DRAFT))));
    dashboard.answer(Completion::TakenBackBy { blast: DRAFT, by: Ok(Some("ben".to_owned())) });

    assert_eq!(dashboard.said(), "ben took it back: Raya last call is scheduled again: nothing was sent");
}

/// The list is read again, and the paused blast stands so.
fn read_other(dashboard: &mut TestDashboard, row: BlastView) {
    let others = blasts().into_iter().filter(|blast| blast.id != OTHER);
    let rows = others.chain([row]).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
}

//! What is launched while its sender is stopped starts once that is resumed: nothing of it counts down.

use chrono::TimeDelta;

use super::armed::{armed, launched, read};
use super::support::{DRAFT, TestDashboard, WIDE};
use crate::app::Launch;
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::sender::StopCode;
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::{Completion, WriteOutcome, WriteRequest};
use crate::tui::msg::Msg;

const SAYS: &str = "Raya last call starts once its sender is resumed; until then u stops it";

fn stopped(row: BlastView) -> BlastView {
    let (code, why) = (StopCode::Provider("device".to_owned()), "Device is offline".to_owned());
    BlastView {
        waiting: Some(Waiting::SenderStopped { code, why, sender: "sales".to_owned(), waits_for_token: false }),
        ..row
    }
}

/// The draft as its launch behind the stop left it.
fn behind_stop(dashboard: &TestDashboard) -> BlastView {
    let own = Some(Actor::Operator(dashboard.model.options.operator.clone()));
    BlastView { state_by: own, ..stopped(armed(dashboard)) }
}

/// It was launched, or resumed, as this request has it.
fn written(size: Size, request: impl FnOnce(Launch) -> WriteRequest) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.keys("1").model.blasts.select(DRAFT);
    let row = behind_stop(&dashboard);
    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: Launch::ARMED_FOR };
    let outcome = Ok(WriteOutcome::Blast(Box::new(row.clone())));
    dashboard.answer(Completion::Written { request: request(launch), outcome });
    read(&mut dashboard, row);
    dashboard.taken();
    dashboard
}

#[test]
fn a_launch_behind_a_stop_counts_nothing_down_and_is_taken_back_also_after_ten_seconds() {
    let mut dashboard = written(WIDE, WriteRequest::Launch);

    for seconds in [0, 11] {
        dashboard.now += TimeDelta::seconds(seconds);
        dashboard.dispatch(Msg::Deadline);

        assert_eq!((dashboard.said(), dashboard.model.deadline()), (SAYS, None));
        let screen = dashboard.screen();
        let listed = |line: &String| line.contains("Raya last call") && line.contains(" waits  ");
        assert!(screen.iter().any(listed), "{screen:#?}");
        let screen = screen.join("\n");
        assert!(screen.contains("waits for its sender: u stops it") && !screen.contains("starts 14:02"), "{screen}");
    }
    dashboard.taken();
    dashboard.keys("u");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(DRAFT)]);
}

/// Nothing waited for the sender before it, and nobody took anything back.
#[test]
fn a_launch_behind_a_stop_that_somebody_changes_meanwhile_starts_once_its_sender_is_resumed_as_before() {
    let mut dashboard = written(WIDE, WriteRequest::Launch);
    let edited = BlastView { version: 5, ..behind_stop(&dashboard) };

    read(&mut dashboard, edited.clone());
    assert_eq!(dashboard.said(), SAYS);
    read(&mut dashboard, BlastView { version: 6, tag: "Raya".to_owned(), ..edited });

    assert_eq!(dashboard.said(), SAYS.replace("Raya last call", "Raya"));
    dashboard.taken();
    dashboard.keys("u");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(DRAFT)]);
}

#[test]
fn where_there_is_room_the_title_says_when_it_starts() {
    let dashboard = written(Size { width: 160, height: 40 }, WriteRequest::Launch);

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("starts once its sender is resumed: u stops it"), "{screen}");
}

#[test]
fn what_was_launched_behind_a_stop_stands_with_what_waits_for_its_sender() {
    let mut dashboard = written(WIDE, WriteRequest::Launch);

    let screen = dashboard.keys("!").screen().join("\n");

    let places = [
        "What waits for its sender",
        "Raya last call: it was launched, and its sender is stopped",
        "once sender sales is resumed, it starts; p pauses it",
    ];
    let places = places.map(|words| screen.find(words).unwrap_or_else(|| panic!("{words}: {screen}")));
    assert!(places.is_sorted(), "{screen}");
}

#[test]
fn a_blast_that_is_resumed_behind_a_stop_is_not_said_to_be_sent_again() {
    let dashboard = written(WIDE, WriteRequest::Resume);

    assert_eq!(dashboard.said(), SAYS);
}

#[test]
fn a_launch_whose_sender_stops_before_it_begins_counts_down_no_more_until_that_is_resumed() {
    let mut dashboard = launched();
    let row = armed(&dashboard);
    read(&mut dashboard, row.clone());

    read(&mut dashboard, stopped(row.clone()));
    assert_eq!((dashboard.said(), dashboard.model.deadline()), (SAYS, None));
    read(&mut dashboard, row.clone());
    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:10: u or p stops it (10 s left)");

    read(&mut dashboard, stopped(row.clone()));
    let later = row.send_after.map(|at| at + TimeDelta::seconds(30));
    read(&mut dashboard, BlastView { version: 5, send_after: later, ..row });
    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:40: u or p stops it (40 s left)");
}

#[test]
fn what_began_and_was_stopped_asks_for_somebody_as_before() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut begun = behind_stop(&dashboard);
    (begun.counts.queued, begun.counts.sent) = (288, 1);
    dashboard.keys("1").model.blasts.select(DRAFT);
    read(&mut dashboard, begun);

    let screen = dashboard.keys("!").screen().join("\n");

    assert!(!screen.contains("What waits for its sender"), "{screen}");
}

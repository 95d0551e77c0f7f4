//! A sender that goes on after a stop starts all that waited for it at one moment: one launch of several blasts.

use chrono::TimeDelta;

use super::armed::{armed, launched, read};
use super::support::{DRAFT, STACKED, TestDashboard, blasts, marked};
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, WriteOutcome, WriteRequest};
use crate::tui::msg::Msg;

/// A blast that was paused, beside the launched one.
const OTHER: BlastId = BlastId(5);

/// The launch started both, at the same moment.
fn both(dashboard: &TestDashboard) -> [BlastView; 2] {
    let row = armed(dashboard);
    let other = blasts().into_iter().find(|blast| blast.id == OTHER).unwrap();
    let other = BlastView { state: BlastState::Sending, version: 4, send_after: row.send_after, ..other };
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
fn pausing_one_of_them_says_what_starts_all_the_same() {
    let mut dashboard = launched();
    let rows = both(&dashboard);
    show(&mut dashboard, rows);
    dashboard.taken();

    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(DRAFT)]);
    let paused = BlastView { state: BlastState::Paused, version: 5, send_after: None, ..armed(&dashboard) };
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

/// Launched one by one, each is stopped by itself.
#[test]
fn blasts_of_different_moments_are_no_one_launch() {
    let mut dashboard = launched();
    let [row, other] = both(&dashboard);
    let later = other.send_after.map(|at| at + TimeDelta::milliseconds(1));

    show(&mut dashboard, [row.clone(), BlastView { send_after: later, ..other }]);

    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:10: u or p stops it (10 s left)");
    read(&mut dashboard, row);
    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:10: u or p stops it (10 s left)");
}

//! The speed of a blast among the blasts, where there is room for it.

use chrono::TimeDelta;

use super::support::{TestDashboard, noon, raya};
use crate::app::view::{BlastView, Estimate};
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::Completion;

/// The speed that is shown after so many messages at so many seconds from the launch.
fn speeds(per_hour: Option<i64>, sent: &[(i64, i64)]) -> Vec<String> {
    let mut dashboard = TestDashboard::empty(Size { width: 160, height: 50 });
    let mut speed = |(second, messages): &(i64, i64)| {
        dashboard.now = noon() + TimeDelta::seconds(*second);
        let mut row = BlastView {
            send_after: Some(noon()),
            launched_at: Some(noon() - TimeDelta::seconds(10)),
            estimate: Estimate { per_hour, ..Estimate::default() },
            ..raya()
        };
        row.counts = crate::domain::funnel::Counts { sent: *messages, queued: 287 - messages, ..Default::default() };
        dashboard.answer(Completion::Blasts(Ok(vec![row])));
        let line = dashboard.screen().into_iter().find(|line| line.starts_with("- Raya promo"));
        let line = line.unwrap_or_default();
        line.split(' ').find(|word| word.ends_with("/h")).unwrap_or("-").to_owned()
    };
    sent.iter().map(&mut speed).collect()
}

#[test]
fn no_rate_is_shown_above_the_one_that_binds_and_none_before_it_is_measured() {
    let slow = speeds(Some(90), &[(1, 1), (4, 1), (25, 1), (44, 2), (61, 2), (84, 3), (200, 5), (320, 6)]);

    assert_eq!(slow[..4], ["-", "-", "-", "-"]);
    assert_eq!(slow[4..], ["90/h", "90/h", "82/h", "45/h"]);
}

#[test]
fn a_fast_blast_shows_its_speed_after_some_seconds() {
    let fast = speeds(Some(3_600), &[(1, 1), (4, 3), (30, 29), (70, 40)]);

    assert_eq!(fast, ["-", "2,700/h", "3,480/h", "2,018/h"]);
}

#[test]
fn no_rate_of_limits_is_said_of_a_sender_whose_database_or_provider_is_slower() {
    let said = |waiting| {
        let mut dashboard = TestDashboard::new(Size { width: 200, height: 50 });
        dashboard.answer(Completion::Blasts(Ok(vec![BlastView { waiting, ..raya() }])));
        dashboard.line(0)
    };

    assert!(said(None).contains("/h"), "{}", said(None));
    for waiting in [Waiting::SlowDatabase, Waiting::Answers { at_once: 64 }] {
        let line = said(Some(waiting));
        assert!(!line.contains("/h"), "{line}");
    }
}

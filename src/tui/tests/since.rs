//! The line of what happened since the last key.

use chrono::{DateTime, TimeDelta, Utc};

use super::support::{RAYA, TestDashboard, WIDE, raya};
use crate::app::view::{BlastView, ChangesSince};
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, ReadRequest};
use crate::tui::msg::Msg;

pub fn since_of(from: DateTime<Utc>) -> ChangesSince {
    ChangesSince {
        from: Some(from),
        reached: vec![(Status::Sent, 33), (Status::Delivered, 29), (Status::Read, 12), (Status::Failed, 1)],
    }
}

#[test]
fn what_happened_since_the_last_key_is_asked_after_a_minute_and_ends_with_a_key() {
    let mut dashboard = TestDashboard::new(WIDE);
    let from = dashboard.now;
    dashboard.keys("j").taken();
    dashboard.now += TimeDelta::minutes(22);
    dashboard.dispatch(Msg::Refresh);
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::ChangesSince { blast: RAYA, from })));

    dashboard.answer(Completion::ChangesSince { blast: RAYA, since: Ok(since_of(from)) });
    assert!(
        dashboard.line(10).contains("since your last key, 14:02: 33 sent, 29 received, 12 read, 1 failed"),
        "{}",
        dashboard.line(10)
    );

    dashboard.keys("k");
    assert!(!dashboard.line(10).contains("since your last key"));
}

#[test]
fn what_happened_since_the_last_key_is_followed_until_nobody_is_left_to_send_to_and_after() {
    let mut dashboard = TestDashboard::new(WIDE);
    let from = dashboard.now;
    let asks = Effect::Read(ReadRequest::ChangesSince { blast: RAYA, from });
    dashboard.keys("j").now += TimeDelta::minutes(22);
    dashboard.answer(Completion::ChangesSince { blast: RAYA, since: Ok(since_of(from)) });
    let done = BlastView { state: BlastState::Completed, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![done]))).taken();

    dashboard.dispatch(Msg::Refresh);

    assert!(dashboard.line(10).contains("since your last key"), "{}", dashboard.line(10));
    assert!(dashboard.taken().contains(&asks));
    // Of a blast that was done before, it is nothing that is waited for.
    dashboard.keys("k").now += TimeDelta::minutes(22);
    dashboard.dispatch(Msg::Refresh);
    assert!(!dashboard.taken().iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::ChangesSince { .. }))));
}

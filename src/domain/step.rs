//! Steps: follow-ups of a blast that make themselves. Which people a step is for, and when.

use std::fmt;

use chrono::TimeDelta;
use thiserror::Error;

use super::ids::BlastId;
use super::pace::show_span;
use super::status::Status;

/// The stages that a step counts from and up to, in the funnel's order.
const STAGES: [Status; 5] = [Status::Sent, Status::Delivered, Status::Read, Status::Replied, Status::Closed];

/// A shorter time than this after a message is no follow-up.
const AFTER_MIN: TimeDelta = TimeDelta::minutes(1);
/// Longer than this is a typing error.
const AFTER_MAX: TimeDelta = TimeDelta::days(366);

/// How long passes between two looks for who is due: a part of what they wait anyway.
const LOOKS: i32 = 100;
const LOOK_AT_MOST: TimeDelta = TimeDelta::minutes(1);
const LOOK_AT_LEAST: TimeDelta = TimeDelta::minutes(30);

/// After a draft was made, the next one of the same step is made no sooner.
pub const BETWEEN_DRAFTS: TimeDelta = TimeDelta::days(1);

/// Whoever reached a stage so long ago and another one not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRule {
    after: TimeDelta,
    since: Status,
    until: Status,
}

/// Why there is no such step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StepError {
    #[error("write a time from 1m to 366d, such as 48h")]
    After,
    #[error("`{}` is no stage that a step counts from: write sent, received, read or replied", .0.label())]
    Since(Status),
    #[error("nobody is followed up until they are {}: write {}, the stage that they have not reached", .until.label(), later(*.since))]
    Until { since: Status, until: Status },
}

impl StepError {
    /// What of a rule it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Since(_) => "since",
            Self::Until { .. } => "until",
        }
    }
}

/// The stages behind one, as they are typed.
fn later(since: Status) -> String {
    let words: Vec<_> = STAGES.into_iter().filter(|stage| *stage > since).map(Status::label).collect();
    words.join(" or ")
}

impl StepRule {
    /// `until` is the stage after `since` where none is given.
    pub fn new(after: TimeDelta, since: Status, until: Option<Status>) -> Result<Self, StepError> {
        if !(AFTER_MIN..=AFTER_MAX).contains(&after) {
            return Err(StepError::After);
        }
        let next = STAGES.into_iter().find(|stage| *stage > since);
        let (true, Some(next)) = (STAGES.contains(&since), next) else { return Err(StepError::Since(since)) };
        let until = until.unwrap_or(next);
        let follows = until > since && STAGES.contains(&until);
        if follows { Ok(Self { after, since, until }) } else { Err(StepError::Until { since, until }) }
    }

    pub const fn after(self) -> TimeDelta {
        self.after
    }

    pub const fn since(self) -> Status {
        self.since
    }

    pub const fn until(self) -> Status {
        self.until
    }

    /// The furthest stage at which somebody is still followed up.
    pub fn stuck_at(self) -> Status {
        STAGES.into_iter().rfind(|stage| *stage < self.until).unwrap_or(self.since)
    }

    /// Where people are who are followed up.
    pub fn stages(self) -> Vec<Status> {
        STAGES.into_iter().filter(|stage| (self.since..self.until).contains(stage)).collect()
    }

    /// Whom it is for, as a filter over its blast is written.
    pub fn segment(self, blast: BlastId) -> String {
        let stages: Vec<_> = self.stages().into_iter().map(Status::label).collect();
        format!("blast:{blast} stuck:{} {}<{}", stages.join(","), self.since.label(), self.span())
    }

    /// How long it is not looked again for who is due.
    pub fn between_looks(self) -> TimeDelta {
        (self.after / LOOKS).clamp(LOOK_AT_MOST, LOOK_AT_LEAST)
    }

    fn span(self) -> String {
        show_span(self.after.to_std().unwrap_or_default())
    }
}

/// `2d after sent, not read`.
impl fmt::Display for StepRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {}, not {}", self.span(), self.since.label(), self.until.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::segment::SegmentReader;

    fn rule(hours: i64, since: Status, until: Option<Status>) -> Result<StepRule, StepError> {
        StepRule::new(TimeDelta::hours(hours), since, until)
    }

    #[test]
    fn a_step_is_for_whoever_is_between_its_stages_for_so_long() {
        let unread = rule(48, Status::Sent, Some(Status::Read)).unwrap();

        assert_eq!(unread.to_string(), "2d after sent, not read");
        assert_eq!(unread.segment(BlastId(7)), "blast:7 stuck:sent,received sent<2d");
        assert_eq!((unread.stuck_at(), unread.stages()), (Status::Delivered, vec![Status::Sent, Status::Delivered]));
        let silent = rule(72, Status::Read, None).unwrap();
        assert_eq!(silent.segment(BlastId(7)), "blast:7 stuck:read read<3d");
        assert_eq!((silent.until(), silent.stuck_at()), (Status::Replied, Status::Read));
    }

    #[test]
    fn every_rule_is_a_filter_that_can_be_read() {
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        for since in STAGES {
            for until in STAGES.into_iter().filter(|until| *until > since) {
                let text = rule(36, since, Some(until)).unwrap().segment(BlastId(7));
                let read = SegmentReader { now, zone: chrono_tz::Tz::UTC, blast: None }.read(&text);
                assert!(read.is_ok(), "{text}: {read:?}");
            }
        }
    }

    #[test]
    fn what_is_no_step_says_what_to_write() {
        let said = |rule: Result<StepRule, StepError>| rule.unwrap_err().to_string();

        assert!(
            said(rule(0, Status::Sent, None)).contains("48h")
                && said(rule(24 * 400, Status::Sent, None)).contains("48h")
        );
        assert!(said(rule(1, Status::Closed, None)).contains("`closed` is no stage"));
        assert!(said(rule(1, Status::Queued, None)).contains("`queued` is no stage"));
        assert!(said(rule(1, Status::Read, Some(Status::Sent))).contains("write replied or closed"));
        assert!(said(rule(1, Status::Read, Some(Status::Failed))).contains("write replied or closed"));
    }

    #[test]
    fn it_is_looked_every_minute_to_every_half_hour() {
        let every = |hours| rule(hours, Status::Sent, None).unwrap().between_looks();

        assert_eq!((every(1), every(48)), (TimeDelta::minutes(1), TimeDelta::seconds(1728)));
        assert_eq!(every(24 * 30), TimeDelta::minutes(30));
    }
}

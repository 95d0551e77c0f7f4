//! Steps: follow-ups of a blast that make themselves. Which people a step is for, and when.

use std::fmt;

use chrono::TimeDelta;
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::filter;
use super::ids::BlastId;
use super::pace::show_span;
use super::session::SESSION;
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

/// The word for a cart in place of a stage.
const CART: &str = "cart";

/// What a step counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepSince {
    Stage(Status),
    /// A cart as it is now, and no order since.
    Cart,
}

impl StepSince {
    /// As it is typed; which stages can stand here is the step's own rule.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        if word.eq_ignore_ascii_case(CART) {
            return Some(Self::Cart);
        }
        filter::status(word).ok().filter(|stage| stage.is_in_funnel()).map(Self::Stage)
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Stage(stage) => stage.label(),
            Self::Cart => CART,
        }
    }

    pub const fn stage(self) -> Option<Status> {
        match self {
            Self::Stage(stage) => Some(stage),
            Self::Cart => None,
        }
    }
}

/// As the store has it.
impl From<Option<Status>> for StepSince {
    fn from(stage: Option<Status>) -> Self {
        stage.map_or(Self::Cart, Self::Stage)
    }
}

/// As programs have it.
impl Serialize for StepSince {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Stage(stage) => stage.serialize(serializer),
            Self::Cart => serializer.serialize_str(CART),
        }
    }
}

/// Whom a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepRule {
    after: TimeDelta,
    whose: Whose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Whoever reached a stage so long ago and another one not yet.
    Stage { since: Status, until: Status },
    /// Whoever has had a cart for so long and ordered nothing since.
    Cart,
}

/// Why there is no such step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StepError {
    #[error("write a time from 1m to 366d, such as 48h")]
    After,
    #[error("a step cannot count from `{}`: write sent, received, read, replied or cart", .0.label())]
    Since(Status),
    #[error("a step after a cart always waits for an order: it takes no other stage to wait for")]
    UntilCart,
    #[error("`{}` does not come after the stage that the step counts from: write {}", .until.label(), later(*.since))]
    Until { since: Status, until: Status },
}

impl StepError {
    /// What of a rule it is about.
    pub const fn field(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Since(_) => "since",
            Self::Until { .. } | Self::UntilCart => "until",
        }
    }
}

/// The stages behind one, as they are typed.
fn later(since: Status) -> String {
    let words: Vec<_> = STAGES.into_iter().filter(|stage| *stage > since).map(Status::label).collect();
    match words.as_slice() {
        [earlier @ .., last] if !earlier.is_empty() => format!("{} or {last}", earlier.join(", ")),
        words => words.concat(),
    }
}

impl StepRule {
    /// `until` is the stage after `since` where none is given; beside a cart there is none.
    pub fn new(after: TimeDelta, since: StepSince, until: Option<Status>) -> Result<Self, StepError> {
        if !(AFTER_MIN..=AFTER_MAX).contains(&after) {
            return Err(StepError::After);
        }
        let since = match (since, until) {
            (StepSince::Stage(since), _) => since,
            (StepSince::Cart, None) => return Ok(Self { after, whose: Whose::Cart }),
            (StepSince::Cart, Some(_)) => return Err(StepError::UntilCart),
        };
        let next = STAGES.into_iter().find(|stage| *stage > since);
        let (true, Some(next)) = (STAGES.contains(&since), next) else { return Err(StepError::Since(since)) };
        let until = until.unwrap_or(next);
        let follows = until > since && STAGES.contains(&until);
        if !follows {
            return Err(StepError::Until { since, until });
        }
        Ok(Self { after, whose: Whose::Stage { since, until } })
    }

    pub const fn after(self) -> TimeDelta {
        self.after
    }

    pub const fn since(self) -> StepSince {
        match self.whose {
            Whose::Stage { since, .. } => StepSince::Stage(since),
            Whose::Cart => StepSince::Cart,
        }
    }

    /// The stage up to which its people are followed up; with a cart they are until they order.
    pub const fn until(self) -> Option<Status> {
        match self.whose {
            Whose::Stage { until, .. } => Some(until),
            Whose::Cart => None,
        }
    }

    /// The furthest stage at which somebody is still followed up; a cart may be anybody's.
    pub fn stuck_at(self) -> Option<Status> {
        let until = self.until()?;
        STAGES.into_iter().rfind(|stage| *stage < until)
    }

    /// Whom it is for, as a filter over its blast is written.
    pub fn segment(self, blast: BlastId) -> String {
        let span = self.span();
        match self.whose {
            Whose::Stage { since, until } => {
                let stages = STAGES.into_iter().filter(|stage| (since..until).contains(stage));
                let stages: Vec<_> = stages.map(Status::label).collect();
                format!("blast:{blast} stuck:{} {}<{span}", stages.join(","), since.label())
            }
            Whose::Cart => format!("blast:{blast} {}", filter::waiting_carts(self.after)),
        }
    }

    /// Whether nearly everybody whom it is for may have written nothing for longer than text may be sent to them after it: of its people only
    /// whoever replied, or put a cart together, is known to have written at all.
    pub fn outlasts_session(self) -> bool {
        let is_after_word = matches!(self.since(), StepSince::Cart | StepSince::Stage(Status::Replied));
        !is_after_word || self.after >= SESSION
    }

    /// How long it is not looked again for who is due.
    pub fn between_looks(self) -> TimeDelta {
        (self.after / LOOKS).clamp(LOOK_AT_MOST, LOOK_AT_LEAST)
    }

    fn span(self) -> String {
        show_span(self.after.to_std().unwrap_or_default())
    }
}

/// `2d after sent, not read`; `1d after a cart, no order`.
impl fmt::Display for StepRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whose {
            Whose::Stage { since, until } => {
                write!(f, "{} after {}, not {}", self.span(), since.label(), until.label())
            }
            Whose::Cart => write!(f, "{} after a cart, no order", self.span()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::segment::SegmentReader;

    fn rule(hours: i64, since: Status, until: Option<Status>) -> Result<StepRule, StepError> {
        StepRule::new(TimeDelta::hours(hours), StepSince::Stage(since), until)
    }

    #[test]
    fn a_step_is_for_whoever_is_between_its_stages_for_so_long() {
        let unread = rule(48, Status::Sent, Some(Status::Read)).unwrap();

        assert_eq!(unread.to_string(), "2d after sent, not read");
        assert_eq!(unread.segment(BlastId(7)), "blast:7 stuck:sent,received sent<2d");
        assert_eq!(unread.stuck_at(), Some(Status::Delivered));
        let silent = rule(72, Status::Read, None).unwrap();
        assert_eq!(silent.segment(BlastId(7)), "blast:7 stuck:read read<3d");
        assert_eq!((silent.until(), silent.stuck_at()), (Some(Status::Replied), Some(Status::Read)));
    }

    #[test]
    fn a_step_after_a_cart_is_for_whoever_ordered_nothing_since() {
        let waiting = StepRule::new(TimeDelta::hours(24), StepSince::Cart, None).unwrap();

        assert_eq!(waiting.to_string(), "1d after a cart, no order");
        assert_eq!(waiting.segment(BlastId(7)), "blast:7 has:cart older:1d");
        assert_eq!((waiting.since(), waiting.until(), waiting.stuck_at()), (StepSince::Cart, None, None));
        let said = StepRule::new(TimeDelta::hours(24), StepSince::Cart, Some(Status::Closed)).unwrap_err();
        assert!(said.field() == "until" && said.to_string().contains("waits for an order"), "{said}");
        assert_eq!(StepRule::new(TimeDelta::zero(), StepSince::Cart, None), Err(StepError::After));
    }

    #[test]
    fn what_a_step_counts_from_is_read_as_it_is_typed() {
        assert_eq!(StepSince::parse("Cart"), Some(StepSince::Cart));
        assert_eq!(StepSince::parse("received"), Some(StepSince::Stage(Status::Delivered)));
        assert_eq!((StepSince::parse("carts"), StepSince::parse("queued")), (None, None));
        let spelled = [StepSince::Cart, StepSince::Stage(Status::Delivered)];
        assert_eq!(serde_json::to_string(&spelled).unwrap(), r#"["cart","delivered"]"#);
    }

    #[test]
    fn every_rule_is_a_filter_that_can_be_read() {
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        for since in [None, Some(Status::Sent), Some(Status::Delivered), Some(Status::Read), Some(Status::Replied)] {
            let untils = STAGES.into_iter().filter(|until| since.is_some_and(|since| *until > since)).map(Some);
            for until in untils.chain([None]) {
                let text = StepRule::new(TimeDelta::hours(36), since.into(), until).unwrap().segment(BlastId(7));
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
        assert!(said(rule(1, Status::Closed, None)).contains("cannot count from `closed`"));
        assert!(said(rule(1, Status::Queued, None)).contains("cannot count from `queued`"));
        assert!(said(rule(1, Status::Read, Some(Status::Sent))).contains("write replied or closed"));
        assert!(said(rule(1, Status::Sent, Some(Status::Sent))).ends_with("write received, read, replied or closed"));
        assert!(said(rule(1, Status::Replied, Some(Status::Sent))).ends_with("write closed"));
        assert!(said(rule(1, Status::Read, Some(Status::Failed))).contains("write replied or closed"));
    }

    #[test]
    fn text_may_reach_those_whom_a_step_waits_for_less_than_a_day_after_they_wrote() {
        let outlasts = |hours, since| StepRule::new(TimeDelta::hours(hours), since, None).unwrap().outlasts_session();

        for since in [StepSince::Cart, StepSince::Stage(Status::Replied)] {
            assert_eq!((outlasts(23, since), outlasts(24, since)), (false, true), "{since:?}");
        }
        for since in [Status::Sent, Status::Delivered, Status::Read] {
            assert!(outlasts(1, StepSince::Stage(since)), "{since:?}");
        }
    }

    #[test]
    fn it_is_looked_every_minute_to_every_half_hour() {
        let every = |hours| rule(hours, Status::Sent, None).unwrap().between_looks();

        assert_eq!((every(1), every(48)), (TimeDelta::minutes(1), TimeDelta::seconds(1728)));
        assert_eq!(every(24 * 30), TimeDelta::minutes(30));
    }
}

//! How a pattern repeats: its times, up to its end, without those that somebody left out.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::domain::blast::RepeatColumns;
use crate::domain::recurrence::{Recurrence, RuleOccurrence};

/// The end of a pattern is looked for among so many times: more than a year has hours.
const LOOKED_AT: usize = 10_000;

/// How a pattern repeats, with the rule read.
#[derive(Debug, Clone)]
pub(in crate::app) struct Pattern {
    pub(super) rule: Recurrence,
    repeat: RepeatColumns,
    pub(super) zone: Tz,
    /// Times ahead that somebody left out.
    skipped: Vec<DateTime<Utc>>,
}

impl Pattern {
    /// `None` where it does not repeat, or by no rule that can be read.
    pub(in crate::app) fn new(repeat: RepeatColumns, zone: Tz) -> Option<Self> {
        let rule = repeat.rule.as_ref()?.parse().ok()?;
        Some(Self::of(rule, repeat, zone))
    }

    /// The same, where the rule was read.
    pub(super) const fn of(rule: Recurrence, repeat: RepeatColumns, zone: Tz) -> Self {
        Self { rule, repeat, zone, skipped: Vec::new() }
    }

    /// The same without these times.
    pub(super) fn without(self, skipped: Vec<DateTime<Utc>>) -> Self {
        Self { skipped, ..self }
    }

    /// Its first time after a moment that is still within its end; `passed` of its times have come by then.
    pub(super) fn next(&self, after: DateTime<Utc>, passed: i32) -> Option<RuleOccurrence> {
        let is_over = self.repeat.times.is_some_and(|times| passed >= times);
        let mut next = self.rule.next(after, self.zone).filter(|_| !is_over);
        while let Some(skipped) = next.filter(|time| self.skipped.contains(&time.at)) {
            next = self.rule.next(skipped.at, self.zone);
        }
        next.filter(|next| self.repeat.until.is_none_or(|until| next.at < until))
    }

    /// No time of it comes after this moment; `passed` have come after `after`. `None`: it does not end.
    pub(super) fn last(&self, after: DateTime<Utc>, passed: i32) -> Option<DateTime<Utc>> {
        let until = self.repeat.until.map(|until| until - TimeDelta::seconds(1));
        let left = self.repeat.times.and_then(|times| usize::try_from(times - passed).ok());
        let times = left.and_then(|left| self.clone().times(after, passed).take(left.min(LOOKED_AT)).last());
        // More than that come within no year that is looked at.
        let times = times.filter(|_| left.is_some_and(|left| left <= LOOKED_AT));
        until.into_iter().chain(times).min()
    }

    /// Its times after a moment, up to its end; `passed` have come by then.
    pub(in crate::app) fn times(self, after: DateTime<Utc>, passed: i32) -> impl Iterator<Item = DateTime<Utc>> {
        let first = self.next(after, passed).map(|next| (next.at, passed + 1));
        let times = std::iter::successors(first, move |(at, passed)| Some((self.next(*at, *passed)?.at, passed + 1)));
        times.map(|(at, _)| at)
    }
}

//! How a blast is to repeat, and how its row keeps that.

use std::num::NonZeroU32;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::Pattern;
use crate::app::create::RepeatOrder;
use crate::domain::blast::RepeatColumns;
use crate::domain::start_at::StartAt;
use crate::domain::text::count_of;

impl RepeatOrder {
    /// As a blast's row keeps it.
    pub(in crate::app) fn columns(&self, zone: Tz) -> RepeatColumns {
        let count = |number: NonZeroU32| i32::try_from(number.get()).unwrap_or(i32::MAX);
        let midnight = |day: NaiveDate| {
            let local = day.checked_add_days(Days::new(1))?.and_time(NaiveTime::MIN);
            Some(StartAt::Local(local).resolve(zone)?.at)
        };
        RepeatColumns {
            rule: Some(self.rule.to_string()),
            until: self.until.and_then(midnight),
            times: self.times.map(count),
            seen: 0,
            at_most: self.at_most.map(count),
        }
    }

    /// The same, read from a blast's row; `None` where it does not repeat, or by no rule that can be read.
    pub(in crate::app) fn of(repeat: &RepeatColumns, zone: Tz) -> Option<Self> {
        let count = |number: Option<i32>| NonZeroU32::new(u32::try_from(number?).ok()?);
        let last_day = |end: DateTime<Utc>| (end - TimeDelta::seconds(1)).with_timezone(&zone).date_naive();
        Some(Self {
            rule: repeat.rule.as_ref()?.parse().ok()?,
            until: repeat.until.map(last_day),
            times: count(repeat.times),
            at_most: count(repeat.at_most),
        })
    }

    /// Its times after a moment, up to its end.
    pub fn times_after(&self, zone: Tz, now: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> {
        self.times_from(zone, now, 0)
    }

    /// The same where so many of them have come by then.
    pub fn times_from(&self, zone: Tz, after: DateTime<Utc>, passed: i32) -> impl Iterator<Item = DateTime<Utc>> {
        let pattern = Pattern::of(self.rule.clone(), self.columns(zone), zone);
        pattern.times(after, passed)
    }

    /// Where it ends by itself: `after 2026-12-31, or after 10 times`.
    pub fn ends(&self) -> Option<String> {
        let until = self.until.map(|day| format!("after {day}"));
        let times = self.times.map(|times| format!("after {}", count_of(times.get(), "time", "times")));
        let words: Vec<_> = until.into_iter().chain(times).collect();
        (!words.is_empty()).then(|| words.join(", or "))
    }

    /// Its first time after a moment. Refused in words where there is none.
    pub fn first_after(&self, zone: Tz, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
        self.times_after(zone, now).next().ok_or_else(|| format!("`{}` does not come before its last day", self.rule))
    }
}

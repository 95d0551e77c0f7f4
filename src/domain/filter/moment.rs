//! Reads a time as people type it: `14:00`, `2026-11-20`, both, or a full timestamp with its zone.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Where and when the text was typed.
#[derive(Debug, Clone, Copy)]
pub(super) struct MomentParser {
    pub now: DateTime<Utc>,
    pub zone: Tz,
}

impl MomentParser {
    /// `None` if the text is not a time. Years have four digits.
    pub(super) fn read(self, text: &str) -> Option<DateTime<Utc>> {
        if text.len() > 40 || text.starts_with(['+', '-']) {
            return None;
        }
        if let Ok(full) = DateTime::parse_from_rfc3339(text) {
            return Some(full.with_timezone(&Utc));
        }
        let (day, time) = self.parts(text)?;
        self.in_zone(day.and_time(time))
    }

    fn parts(self, text: &str) -> Option<(NaiveDate, NaiveTime)> {
        let t = text.as_bytes().get(10) == Some(&b'T');
        let parts = if t { text.split_once('T') } else { text.split_once(' ') };
        if let Some((day, time)) = parts {
            return Some((self.day(day)?, clock(time)?));
        }
        if let Some(time) = clock(text) {
            return Some((self.day("today")?, time));
        }
        Some((self.day(text)?, NaiveTime::MIN))
    }

    fn day(self, text: &str) -> Option<NaiveDate> {
        let today = self.now.with_timezone(&self.zone).date_naive();
        match text.to_ascii_lowercase().as_str() {
            "today" => Some(today),
            "yesterday" => today.checked_sub_days(Days::new(1)),
            day if day.len() == 10 => NaiveDate::parse_from_str(day, "%Y-%m-%d").ok(),
            _ => None,
        }
    }

    /// An hour that a clock change skips is read as the hour after it; one that comes twice, as the first.
    fn in_zone(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let hour_later = || local.checked_add_signed(TimeDelta::hours(1));
        let exact = self.zone.from_local_datetime(&local).earliest();
        let moment = match exact {
            Some(moment) => moment,
            None => self.zone.from_local_datetime(&hour_later()?).earliest()?,
        };
        Some(moment.with_timezone(&Utc))
    }
}

fn clock(text: &str) -> Option<NaiveTime> {
    NaiveTime::parse_from_str(text, "%H:%M").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M:%S")).ok()
}

//! Hours and days of sending, in local time, daylight saving included.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use super::{Opening, Pace, PaceError, PaceReason};

/// From when to when, in minutes of the day. Hours that end before they begin run past midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// 0 to 1,439.
    from: u16,
    /// 1 to 1,440.
    to: u16,
}

const MINUTES_OF_DAY: u16 = 1_440;

impl Hours {
    pub const ALL_DAY: Self = Self { from: 0, to: MINUTES_OF_DAY };

    fn crosses_midnight(self) -> bool {
        self.to < self.from
    }
}

impl FromStr for Hours {
    type Err = PaceError;

    /// Reads `09:00-21:00`, `22:00-02:00`, `00:00-24:00`, `9am-6:30pm`, `9-18`. Of `9-6` nobody knows which six is meant.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PaceError::Hours(PaceError::quote(text));
        let (from, to) = text.split_once(['-', '–']).ok_or_else(wrong)?;
        let is_bare = [from, to].iter().any(|hour| !hour.contains([':', 'm', 'M']));
        let (from, to) = (minute_of_day(from).ok_or_else(wrong)?, minute_of_day(to).ok_or_else(wrong)?);
        if from == to {
            return Err(PaceError::EmptyHours(PaceError::quote(text)));
        }
        if from == MINUTES_OF_DAY || is_bare && to <= from {
            return Err(wrong());
        }
        Ok(Self { from, to: if to == 0 { MINUTES_OF_DAY } else { to } })
    }
}

/// Whether a text is a time of day, `00:00` to `24:00`, `9` or `9am`.
pub fn is_time_of_day(text: &str) -> bool {
    minute_of_day(text).is_some()
}

/// A time as people type it: `09:00`, `9am`, `9:30pm`. A number alone is none.
pub fn time_of_day(text: &str) -> Option<NaiveTime> {
    let minutes = minute_of_day(text).filter(|_| text.contains([':', 'm', 'M']))?;
    NaiveTime::from_hms_opt(u32::from(minutes) / 60, u32::from(minutes) % 60, 0)
}

fn minute_of_day(text: &str) -> Option<u16> {
    let text = text.trim();
    let half = [("am", 0), ("pm", 12)].into_iter().find_map(|(half, hours)| {
        let (at, last) = text.split_at_checked(text.len().checked_sub(half.len())?)?;
        last.eq_ignore_ascii_case(half).then_some((at.trim_end(), hours))
    });
    match half {
        None => minute_of_clock(text.split_once(':').unwrap_or((text, "00"))),
        Some((at, hours)) => {
            let minutes = minute_of_clock(at.split_once(':').unwrap_or((at, "00")))?;
            (60..13 * 60).contains(&minutes).then_some(minutes % (12 * 60) + hours * 60)
        }
    }
}

fn minute_of_clock((hour, minute): (&str, &str)) -> Option<u16> {
    let in_digits = |part: &str| part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !in_digits(hour) || minute.len() != 2 || !in_digits(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_OF_DAY).then_some(total)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// Days of the week on which a window opens; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekdays(u8);

const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Mon, "mon"),
    (Weekday::Tue, "tue"),
    (Weekday::Wed, "wed"),
    (Weekday::Thu, "thu"),
    (Weekday::Fri, "fri"),
    (Weekday::Sat, "sat"),
    (Weekday::Sun, "sun"),
];

impl Weekdays {
    pub const DAILY: Self = Self(0b111_1111);

    pub fn has(self, day: Weekday) -> bool {
        self.0 & bit(day.num_days_from_monday()) != 0
    }
}

const fn bit(day: u32) -> u8 {
    1 << (day % 7)
}

impl FromStr for Weekdays {
    type Err = PaceError;

    /// Reads `daily`, or days and ranges by their first three letters: `mon-fri`, `sat-mon`, `mon,wed,sat`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PaceError::Weekdays(PaceError::quote(text));
        if matches!(text.trim().to_ascii_lowercase().as_str(), "daily" | "all" | "every day") {
            return Ok(Self::DAILY);
        }
        let mut days = 0;
        for part in text.split(',') {
            let (first, last) = part.split_once(['-', '–']).unwrap_or((part, part));
            let (first, last) = (day_number(first).ok_or_else(wrong)?, day_number(last).ok_or_else(wrong)?);
            let length = (last + 7 - first) % 7;
            days |= (first..=first + length).map(bit).fold(0, |days, day| days | day);
        }
        Ok(Self(days))
    }
}

fn day_number(text: &str) -> Option<u32> {
    text.trim().parse::<Weekday>().ok().map(|day| day.num_days_from_monday())
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::DAILY {
            return f.write_str("daily");
        }
        let names: Vec<_> = DAYS.iter().filter(|(day, _)| self.has(*day)).map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

/// When a blast may send. One that runs past midnight belongs to the day on which it opens.
///
/// Where a clock change skips its opening, it opens at the change; where an hour comes twice, the first one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub hours: Hours,
    pub days: Weekdays,
    pub zone: Tz,
}

impl Window {
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.openings(now).take_while(|(opens, _)| *opens <= now).any(|(_, closes)| now < closes)
    }

    /// When it is next open: now, if it is open. Searches five weeks ahead, which only a window within the hour that a clock
    /// change skips can exhaust; it then returns five weeks from now.
    pub fn next_open(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        self.next_opening(now).map_or(now + TimeDelta::weeks(5), |(opens, _)| opens.max(now))
    }

    /// From when to when it is open, now or next; `None` where [`Self::next_open`] finds nothing either.
    pub(super) fn next_opening(self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.openings(now).find(|(_, closes)| *closes > now)
    }

    /// The window as a limit on sending.
    pub fn pace(&self, now: DateTime<Utc>) -> Pace {
        let until = self.next_open(now);
        if until <= now {
            return Pace::Go;
        }
        Pace::Wait { until, reason: PaceReason::Closed(Opening::new(until, now, self.zone)) }
    }

    /// The times it is open, in order, from yesterday's on; empty ones left out.
    fn openings(&self, now: DateTime<Utc>) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>)> {
        let window = *self;
        let yesterday = now.with_timezone(&window.zone).date_naive().pred_opt();
        yesterday
            .into_iter()
            .flat_map(|day| day.iter_days().take(37))
            .filter(move |day| window.days.has(day.weekday()))
            .map(move |day| window.on(day))
            .filter(|(opens, closes)| opens < closes)
    }

    fn on(self, day: NaiveDate) -> (DateTime<Utc>, DateTime<Utc>) {
        let last_day = if self.hours.crosses_midnight() { after(day) } else { day };
        (instant(day, self.hours.from, self.zone), instant(last_day, self.hours.to, self.zone))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hours, days, zone } = self;
        write!(f, "{hours} {days} ({zone})")
    }
}

/// When the day that `now` falls in began in a zone: midnight, or the first moment after it where a clock change skips
/// midnight.
pub fn day_start(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    instant(now.with_timezone(&zone).date_naive(), 0, zone)
}

/// When the day after it begins.
pub fn next_day_start(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    instant(after(now.with_timezone(&zone).date_naive()), 0, zone)
}

fn after(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// The moment at which a wall clock first shows so many minutes of a day, or would have but for a change.
fn instant(day: NaiveDate, minutes: u16, zone: Tz) -> DateTime<Utc> {
    let naive = day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes.into());
    // A change skips an hour or less nearly everywhere; Samoa once skipped a day.
    let shown = (0..=2 * i64::from(MINUTES_OF_DAY)).find_map(|skipped| {
        match zone.from_local_datetime(&(naive + TimeDelta::minutes(skipped))) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
            LocalResult::None => None,
        }
    });
    shown.unwrap_or_else(|| naive.and_utc())
}

#[cfg(test)]
mod tests;

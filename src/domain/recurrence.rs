//! When a blast that repeats occurs: `every mon 09:00`, or five fields of cron, by the clocks of a zone. A local time that the clocks
//! skip occurs at the first moment after it, one that comes twice occurs the first time: as a start at a time does
//! ([`StartAt::resolve`]). The days of a month are those of cron: one without a 31st has no occurrence on it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use thiserror::Error;

use super::pace::{Weekdays, time_of_day};
use super::start_at::{ClockChange, StartAt};
use super::text::clean;

/// A rule that says when something occurs.
#[derive(Debug, Clone)]
pub struct Recurrence {
    text: String,
    cron: Cron,
}

/// The text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecurrenceError {
    #[error(
        "`{0}` is not a rule for repeating: write every day 09:00, every mon,thu 09:00, every month 1 09:00 (or last), every hour, or five fields of \
         cron such as 0 9 * * 1"
    )]
    Unreadable(String),
    #[error("at which time? Write every {0} 09:00")]
    Timeless(String),
    #[error("`{0}` never comes")]
    Never(String),
    #[error("`{0}` comes too often: leave at least a quarter of an hour between two times")]
    TooOften(String),
}

/// One time of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleOccurrence {
    pub at: DateTime<Utc>,
    /// What the rule says, by the zone's clocks.
    pub local: NaiveDateTime,
    pub clock_change: Option<ClockChange>,
}

/// The shortest time between two occurrences.
const SHORTEST: TimeDelta = TimeDelta::minutes(15);

const CRON_FIELDS: usize = 5;

/// How many occurrences are looked at for whether they are too close.
const LOOKED_AT: usize = 100;

/// No clocks differ from themselves by more: a day that a zone leaves out, and an hour.
const SHIFT_MAX: TimeDelta = TimeDelta::hours(25);

/// How far ahead changes of the clocks are noted.
const NOTED_DAYS: i64 = 370;

/// No clock goes forward or back by more.
const CLOCK_SHIFT_MAX: TimeDelta = TimeDelta::hours(3);

impl FromStr for Recurrence {
    type Err = RecurrenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let written = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let lower = written.to_lowercase();
        let quoted: String = clean(&lower).chars().take(60).collect();
        let unreadable = || RecurrenceError::Unreadable(quoted.clone());
        let (typed, pattern) = match in_words(&lower) {
            Some(rest) => {
                (format!("every {rest}"), every(&rest).ok_or_else(|| timeless(&rest).unwrap_or_else(unreadable))?)
            }
            // Cron's own letters, such as L, are kept as they were written.
            None => (written, lower),
        };
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&pattern).map_err(|_| unreadable())?;
        let rule = Self { text: typed, cron };
        let times: Vec<_> = rule.locals(NaiveDateTime::default()).take(LOOKED_AT).collect();
        if times.is_empty() {
            return Err(RecurrenceError::Never(quoted));
        }
        let is_close = times.windows(2).any(|pair| pair[1] - pair[0] < SHORTEST);
        if is_close { Err(RecurrenceError::TooOften(quoted)) } else { Ok(rule) }
    }
}

/// What follows `every`, which may be left out before a day: `mon, thu at 9:00` is `mon,thu 9:00`. `None`: it is cron's.
fn in_words(lower: &str) -> Option<String> {
    let (rest, is_every) = lower.strip_prefix("every ").map_or((lower, false), |rest| (rest, true));
    let rest = rest.replace(" and ", ",").replace(" & ", ",").replace(", ", ",").replace(" ,", ",");
    let mut words: Vec<_> = rest.split(' ').filter(|word| !matches!(*word, "at" | "on")).collect();
    if let Some(first) = words.first_mut() {
        *first = match *first {
            "daily" | "all" => "day",
            "weekday" | "weekdays" => "mon-fri",
            "weekend" | "weekends" => "sat,sun",
            other => other,
        };
    }
    let begins = words.first().copied().unwrap_or_default();
    let is_day = begins == "day" || begins.parse::<Weekdays>().is_ok();
    (is_every || is_day && words.len() < CRON_FIELDS).then(|| words.join(" "))
}

/// What names days and no time.
fn timeless(rest: &str) -> Option<RecurrenceError> {
    let is_day = rest == "day" || rest.parse::<Weekdays>().is_ok();
    is_day.then(|| RecurrenceError::Timeless(clean(rest).chars().take(60).collect()))
}

/// What follows `every`, as cron's five fields.
fn every(rest: &str) -> Option<String> {
    let words: Vec<_> = rest.split(' ').collect();
    match words.as_slice() {
        ["hour"] => Some("0 * * * *".to_owned()),
        ["day", time] => clock(time).map(|clock| format!("{clock} * * *")),
        ["month", "last", time] => clock(time).map(|clock| format!("{clock} L * *")),
        ["month", day, time] => {
            let day: u32 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
            clock(time).map(|clock| format!("{clock} {day} * *"))
        }
        [days, time] => {
            let days: Weekdays = days.parse().ok()?;
            let days = if days == Weekdays::DAILY { "*".to_owned() } else { days.to_string() };
            clock(time).map(|clock| format!("{clock} * * {days}"))
        }
        _ => None,
    }
}

/// Minute and hour.
fn clock(time: &str) -> Option<String> {
    // Rules that are stored may have a minute of one digit.
    let time = time_of_day(time).or_else(|| NaiveTime::parse_from_str(time, "%H:%M").ok())?;
    Some(format!("{} {}", time.minute(), time.hour()))
}

impl Recurrence {
    /// Its local times after one, in order; zones aside.
    fn locals(&self, after: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> {
        let next = |last: &NaiveDateTime| self.cron.find_next_occurrence(last, false).ok();
        std::iter::successors(next(&after), next)
    }

    /// The first occurrence after a moment.
    pub fn next(&self, after: DateTime<Utc>, zone: Tz) -> Option<RuleOccurrence> {
        let before = after.with_timezone(&zone).naive_local().checked_sub_signed(SHIFT_MAX)?;
        let occurrences = self.locals(before).filter_map(|local| {
            let time = StartAt::Local(local).resolve(zone)?;
            Some(RuleOccurrence { at: time.at, local, clock_change: time.clock_change })
        });
        occurrences.into_iter().find(|occurrence| occurrence.at > after)
    }

    /// What the clocks do to its occurrences of about the next year, a sentence each. `last`: the last one of all, where it ends.
    pub fn clock_notes(&self, after: DateTime<Utc>, last: Option<DateTime<Utc>>, zone: Tz) -> Vec<String> {
        let offset = |at: &DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        let days = (0..NOTED_DAYS).map(|day| after + TimeDelta::days(day));
        let changes = days.filter(|day| offset(day) != offset(&(*day + TimeDelta::days(1))));
        changes.flat_map(|day| self.notes_within(day, (day - CLOCK_SHIFT_MAX).max(after), last, zone)).collect()
    }

    /// Of the day of a change, from `since` on: a time that comes twice comes first before the change, which may be before that day.
    fn notes_within(
        &self,
        day: DateTime<Utc>,
        since: DateTime<Utc>,
        last: Option<DateTime<Utc>>,
        zone: Tz,
    ) -> Vec<String> {
        let first = self.next(since, zone);
        let of_day = std::iter::successors(first, |last| self.next(last.at, zone));
        let end = last.map_or(day + TimeDelta::days(1), |last| last.min(day + TimeDelta::days(1)));
        let of_day: Vec<_> = of_day.take_while(|occurrence| occurrence.at <= end).collect();
        let is_twice = |occurrence: &&RuleOccurrence| occurrence.clock_change == Some(ClockChange::Twice);
        let twice: Vec<_> = of_day.iter().filter(is_twice).map(|occurrence| occurrence.local).collect();
        let twice = (!twice.is_empty()).then(|| ClockChange::Twice.sentence_of(&twice, zone));
        let skipped = of_day.iter().filter_map(|occurrence| {
            let change = occurrence.clock_change.filter(|change| *change != ClockChange::Twice)?;
            Some(change.sentence_of(&self.skipped_with(occurrence, zone), zone))
        });
        skipped.chain(twice).collect()
    }

    /// The local times that the clocks skip and that occur as one.
    fn skipped_with(&self, occurrence: &RuleOccurrence, zone: Tz) -> Vec<NaiveDateTime> {
        let is_same = |local: &NaiveDateTime| {
            let time = StartAt::Local(*local).resolve(zone);
            time.is_some_and(|time| time.at == occurrence.at && time.clock_change.is_some())
        };
        let others = self.locals(occurrence.local).take_while(is_same);
        std::iter::once(occurrence.local).chain(others).collect()
    }
}

impl PartialEq for Recurrence {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Recurrence {}

impl fmt::Display for Recurrence {
    /// As it was typed, in small letters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;

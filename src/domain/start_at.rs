//! When a blast is to start by itself: a local time in its zone, or a moment.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, MappedLocalTime, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use super::pace::time_of_day;
use super::text::clean;

/// A time to start at, as somebody typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// By the clocks of a zone that is known later.
    Local(NaiveDateTime),
    /// With an offset from UTC.
    Moment(DateTime<Utc>),
}

/// The text is no time to start at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a time: write day and time such as 2026-12-01T09:00, which is the blast's local time, or with an offset such \
     as 2026-12-01T09:00+08:00"
)]
pub struct StartAtError(String);

/// A time to start at, as a person types it: also one of the day on which it is read, or of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypedStart {
    At(StartAt),
    /// `today 21:20`, `tomorrow 09:00`.
    OnDay {
        ahead: Days,
        time: NaiveTime,
    },
    /// `21:20`: the next such time.
    Next(NaiveTime),
}

/// The text is no time to start at, for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a time: write 21:20, tomorrow 09:00, or day and time such as 2026-12-01T09:00, which is the blast's local time, or \
     with an offset such as 2026-12-01T09:00+08:00"
)]
pub struct TypedStartError(String);

/// How the clocks of its zone treat a local time that is not simply one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// The clocks skip it: the blast starts at this local time, the first one after.
    Skipped { starts: NaiveDateTime },
    /// The clocks show it twice: the blast starts at the first.
    Twice,
}

/// The moment, and what is to be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartTime {
    pub at: DateTime<Utc>,
    pub clock_change: Option<ClockChange>,
}

/// The forms of a local time.
const FORMS: [&str; 4] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"];

/// No change of clocks has ever skipped more.
const GAP_MAX: TimeDelta = TimeDelta::hours(25);

impl FromStr for StartAt {
    type Err = StartAtError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let local = FORMS.into_iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        let read = match local {
            Some(local) => Some(Self::Local(local)),
            None => moment(text).map(Self::Moment),
        };
        read.filter(|start| (1970..=9_999).contains(&start.year())).ok_or_else(|| StartAtError(quoted(text)))
    }
}

fn quoted(text: &str) -> String {
    clean(text).chars().take(40).collect()
}

impl FromStr for TypedStart {
    type Err = TypedStartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(time) = time_of_day(text) {
            return Ok(Self::Next(time));
        }
        let (day, rest) = text.split_once(' ').unwrap_or((text, ""));
        let ahead = match day.to_ascii_lowercase().as_str() {
            "today" => Some(Days::new(0)),
            "tomorrow" => Some(Days::new(1)),
            _ => None,
        };
        if let Some((ahead, time)) = ahead.zip(time_of_day(rest)) {
            return Ok(Self::OnDay { ahead, time });
        }
        text.parse().map(Self::At).map_err(|_| TypedStartError(quoted(text)))
    }
}

impl TypedStart {
    /// What it means by the clocks of a zone.
    pub fn read_at(self, zone: Tz, now: DateTime<Utc>) -> StartAt {
        let today = now.with_timezone(&zone).date_naive();
        let on = |ahead, time| StartAt::Local(today.checked_add_days(ahead).unwrap_or(today).and_time(time));
        match self {
            Self::At(start) => start,
            Self::OnDay { ahead, time } => on(ahead, time),
            Self::Next(time) => {
                let local = today.and_time(time);
                let is_to_come = StartAt::Local(local).resolve(zone).is_some_and(|start| start.at > now);
                match zone.from_local_datetime(&local) {
                    _ if is_to_come => StartAt::Local(local),
                    // The clocks show it once more: as a local time it would stand for the first.
                    MappedLocalTime::Ambiguous(_, again) if again > now => StartAt::Moment(again.to_utc()),
                    _ => on(Days::new(1), time),
                }
            }
        }
    }
}

/// RFC 3339, also without seconds.
fn moment(text: &str) -> Option<DateTime<Utc>> {
    let with_seconds = || DateTime::parse_from_rfc3339(text).ok();
    let without = || DateTime::parse_from_str(&text.replace(['Z', 'z'], "+00:00"), "%Y-%m-%dT%H:%M%:z").ok();
    with_seconds().or_else(without).map(|at| at.to_utc())
}

impl StartAt {
    fn year(&self) -> i32 {
        match self {
            Self::Local(local) => local.year(),
            Self::Moment(at) => at.year(),
        }
    }

    /// The local time as it is kept beside the moment; `None` for a moment.
    pub fn local(&self) -> Option<NaiveDateTime> {
        match self {
            Self::Local(local) => Some(*local),
            Self::Moment(_) => None,
        }
    }

    /// The moment, by the clocks of a zone. `None` where the zone has none near it, which no real zone does.
    pub fn resolve(self, zone: Tz) -> Option<StartTime> {
        let local = match self {
            Self::Moment(at) => return Some(StartTime { at, clock_change: None }),
            Self::Local(local) => local,
        };
        match zone.from_local_datetime(&local) {
            MappedLocalTime::Single(at) => Some(StartTime { at: at.to_utc(), clock_change: None }),
            MappedLocalTime::Ambiguous(first, _) => {
                Some(StartTime { at: first.to_utc(), clock_change: Some(ClockChange::Twice) })
            }
            MappedLocalTime::None => after_gap(local, zone),
        }
    }
}

/// The first minute after the one that is skipped.
fn after_gap(local: NaiveDateTime, zone: Tz) -> Option<StartTime> {
    let minutes = (1..=GAP_MAX.num_minutes()).map(|minutes| local + TimeDelta::minutes(minutes));
    minutes.into_iter().find_map(|minute| {
        let at = zone.from_local_datetime(&minute).earliest()?;
        Some(StartTime { at: at.to_utc(), clock_change: Some(ClockChange::Skipped { starts: minute }) })
    })
}

impl fmt::Display for StartAt {
    /// In a form that is read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(local) => write!(f, "{}", local.format("%Y-%m-%dT%H:%M:%S")),
            Self::Moment(at) => write!(f, "{}", at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        }
    }
}

impl ClockChange {
    /// What is said of a start at `local` in a zone.
    pub fn sentence(self, local: NaiveDateTime, zone: Tz) -> String {
        self.sentence_of(&[local], zone)
    }

    /// The same of several times of one day, which start as one where they are skipped.
    pub fn sentence_of(self, locals: &[NaiveDateTime], zone: Tz) -> String {
        let (times, day) = (times_in_words(locals), locals.first().map(|local| local.format("%-d %b %Y").to_string()));
        let (day, is_one) = (day.unwrap_or_default(), locals.len() == 1);
        match self {
            Self::Skipped { starts } => {
                let starts = starts.format("%H:%M");
                let (does, what) = match locals.len() {
                    1 => ("does", format!("it starts {starts}")),
                    many => ("do", format!("these {many} times become one, which starts {starts}")),
                };
                format!("{times} {does} not exist in {zone} on {day}, when the clocks go forward: {what}")
            }
            Self::Twice => {
                let (comes, what) = if is_one { ("comes", "it starts") } else { ("come", "each starts") };
                format!("{times} {comes} twice in {zone} on {day}, when the clocks go back: {what} the first time")
            }
        }
    }
}

/// How many times of a day are named.
const NAMED_MAX: usize = 5;

/// `02:00, 02:15 and 02:30`, or `02:00, 02:15, 02:30, 02:45, 03:00 and 12 more`.
fn times_in_words(locals: &[NaiveDateTime]) -> String {
    let mut words: Vec<_> = locals.iter().take(NAMED_MAX).map(|local| local.format("%H:%M").to_string()).collect();
    let more = locals.len().saturating_sub(NAMED_MAX);
    words.extend((more > 0).then(|| format!("{more} more")));
    match words.split_last() {
        Some((last, others @ [_, ..])) => format!("{} and {last}", others.join(", ")),
        _ => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Asia, Europe, Pacific};

    use super::{ClockChange, StartAt, TypedStart};

    fn starts(text: &str, zone: chrono_tz::Tz) -> (String, Option<String>) {
        let start: StartAt = text.parse().unwrap();
        let time = start.resolve(zone).unwrap();
        let said = time.clock_change.map(|change: ClockChange| change.sentence(start.local().unwrap(), zone));
        (time.at.to_rfc3339(), said)
    }

    #[test]
    fn a_local_time_is_one_of_its_zone_and_an_offset_needs_none() {
        let utc = |text| starts(text, Asia::Kuala_Lumpur).0;

        assert_eq!(utc("2026-12-01T09:00"), "2026-12-01T01:00:00+00:00");
        assert_eq!(utc("2026-12-01 09:00:30"), "2026-12-01T01:00:30+00:00");
        assert_eq!(utc("2026-12-01T09:00Z"), "2026-12-01T09:00:00+00:00");
        assert_eq!(utc("2026-12-01T09:00:00+02:00"), "2026-12-01T07:00:00+00:00");
        assert_eq!(utc("2026-12-01T09:00+02:00"), "2026-12-01T07:00:00+00:00");
    }

    #[test]
    fn a_time_that_the_clocks_skip_starts_right_after_and_one_that_comes_twice_starts_the_first_time() {
        let (at, said) = starts("2027-03-28T02:30", Europe::Berlin);
        assert_eq!(at, "2027-03-28T01:00:00+00:00");
        assert_eq!(
            said.unwrap(),
            "02:30 does not exist in Europe/Berlin on 28 Mar 2027, when the clocks go forward: it starts 03:00"
        );
        let (at, said) = starts("2026-11-01T01:30", America::New_York);
        assert_eq!(at, "2026-11-01T05:30:00+00:00");
        assert_eq!(
            said.unwrap(),
            "01:30 comes twice in America/New_York on 1 Nov 2026, when the clocks go back: it starts the first time"
        );
        // The day that Samoa left out.
        assert_eq!(starts("2011-12-30T12:00", Pacific::Apia).0, "2011-12-30T10:00:00+00:00");
    }

    #[test]
    fn what_is_no_time_says_how_one_is_written() {
        for text in
            ["", "tomorrow", "2026-13-01T09:00", "2026-12-01", "09:00", "infinity", "99999-01-01T09:00", "\u{1b}[2J"]
        {
            let said = text.parse::<StartAt>().unwrap_err().to_string();
            assert!(said.contains("such as 2026-12-01T09:00") && !said.contains('\u{1b}'), "{said}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_show_once_more_today_is_that_second_time_once_the_first_is_past() {
        // In London the clocks go from 02:00 back to 01:00 at 01:00 UTC on 25 October 2026.
        let at = |now: &str| {
            let now = now.parse().unwrap();
            let start = "01:30".parse::<TypedStart>().unwrap().read_at(Europe::London, now);
            start.resolve(Europe::London).unwrap().at.to_rfc3339()
        };

        assert_eq!(at("2026-10-25T00:10:00Z"), "2026-10-25T00:30:00+00:00", "in the first pass, before it");
        assert_eq!(at("2026-10-25T00:40:00Z"), "2026-10-25T01:30:00+00:00", "in the first pass, after it");
        assert_eq!(at("2026-10-25T01:10:00Z"), "2026-10-25T01:30:00+00:00", "in the second pass, before it");
        assert_eq!(at("2026-10-25T01:40:00Z"), "2026-10-26T01:30:00+00:00", "after both");
    }

    #[test]
    fn a_time_of_today_of_tomorrow_or_the_next_such_one_is_by_the_clocks_of_the_zone() {
        // 19:31 on 24 November in Kuala Lumpur.
        let now = "2026-11-24T11:31:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<TypedStart>().unwrap().read_at(Asia::Kuala_Lumpur, now).to_string();

        assert_eq!(at("tomorrow 10:00"), "2026-11-25T10:00:00");
        assert_eq!(at(" Today 20:15"), "2026-11-24T20:15:00");
        assert_eq!(at("21:20"), "2026-11-24T21:20:00");
        assert_eq!(at("19:31"), "2026-11-25T19:31:00");
        assert_eq!(at("2026-12-01 09:00"), "2026-12-01T09:00:00");
        for text in ["tomorrow", "tomorrow 25:00", "today at noon", "yesterday 10:00"] {
            let said = text.parse::<TypedStart>().unwrap_err().to_string();
            assert!(said.contains("write 21:20, tomorrow 09:00, or"), "{said}");
        }
    }

    #[test]
    fn what_is_printed_is_read_again() {
        for text in ["2026-12-01T09:00:00", "2026-12-01T09:00:00Z"] {
            assert_eq!(text.parse::<StartAt>().unwrap().to_string(), text);
        }
    }
}

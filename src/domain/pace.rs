//! Pacing: when a sender may send next, and why not now. Pure arithmetic: every time is passed in, and nothing here reads a
//! clock or waits. Waits elsewhere must be interruptible.

use std::fmt;

use chrono::{DateTime, FixedOffset, Offset, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use super::text::number;
use super::zone::words::{by_both_clocks, city, has_same_time};

mod blast_limits;
mod forecast;
mod gap;
mod pacer;
mod people_use;
mod people_window;
mod rate;
mod recipient_cooldown;
mod spacing;
mod span;
pub mod throttle;
mod turns;
mod window;

pub use blast_limits::{BlastLimits, LimitColumn, LimitColumns, UnreadableLimit, dropped_hours};
pub use forecast::{Backlog, BindingLimit, DueLater, Forecast, ForecastShare, binding, per_hour, unheeded};
pub use gap::{DailyCap, Gap, PairGap};
pub use pacer::{Limits, Pacer, PastAttempts};
pub use people_use::{CountedPeople, PeopleUse};
pub use people_window::{PEOPLE_DAY, PeopleWindow};
pub use rate::{Per, Rate, Speed};
pub use recipient_cooldown::RecipientCooldown;
pub use span::{parse_span, show_span};
pub use turns::{ConcurrentBacklog, DueForecast, DueShare, ForecastBegins};
pub use window::{Hours, Weekdays, Window, day_start, is_time_of_day, next_day_start, time_of_day};

/// Whether to send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    Go,
    /// Not before `until`. A wait may end early (pause, cancel, another limit lifted): ask again then.
    Wait {
        until: DateTime<Utc>,
        reason: PaceReason,
    },
}

/// Why a sender waits. Printed for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaceReason {
    /// The sender's rate is used up.
    Rate(Rate),
    /// The random pause between two messages.
    Gap(Gap),
    /// The daily cap is reached; sending continues at the start of the sender's next day.
    DailyCap { cap: DailyCap, resumes: DateTime<FixedOffset> },
    /// Outside the hours or days of sending.
    Closed(Opening),
    /// The provider asked for a pause.
    Throttled,
    /// As many people as the provider allows were written to within a day.
    People { limit: u32 },
}

/// What is left of a sender's daily cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapLeft {
    pub messages: i64,
    /// When its day ends, by the clocks of this zone.
    pub until: DateTime<Utc>,
    pub zone: Tz,
}

impl CapLeft {
    /// `6 left of the daily cap until 24 Nov 00:00 in Kuala Lumpur (23 Nov 16:00 here)`, for somebody in a zone whose face shows a time so.
    pub fn sentence_in(&self, zone: Tz, here: &str) -> String {
        let until = by_both_clocks(self.until, (Some(self.zone), zone), here);
        format!("{} left of the daily cap until {until}", number(self.messages))
    }

    /// By whose days a plan counts, for somebody whose own begin at another time.
    pub fn days_in(&self, zone: Tz) -> Option<String> {
        let is_elsewhere = !has_same_time(self.zone, zone, self.until);
        is_elsewhere.then(|| format!("days are counted in {} time, as for the daily cap", city(self.zone)))
    }
}

/// When a window opens, in local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    at: DateTime<FixedOffset>,
    /// Named only when it is not today.
    day: Option<Weekday>,
}

impl Opening {
    fn new(opens: DateTime<Utc>, now: DateTime<Utc>, zone: Tz) -> Self {
        let at = on_the_wall(opens, zone);
        let is_today = at.date_naive() == now.with_timezone(&zone).date_naive();
        Self { at, day: (!is_today).then(|| chrono::Datelike::weekday(&at)) }
    }
}

/// A time with the zone's offset at that time, so that it prints as local time.
fn on_the_wall(at: DateTime<Utc>, zone: Tz) -> DateTime<FixedOffset> {
    at.with_timezone(&zone.offset_from_utc_datetime(&at.naive_utc()).fix())
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(day) = self.day {
            write!(f, "{day} ")?;
        }
        clock(self.at, f)
    }
}

/// `09:00 +08`; the offset's minutes only where it has some.
fn clock(at: DateTime<FixedOffset>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let whole_hours = at.offset().local_minus_utc() % 3600 == 0;
    write!(f, "{}", at.format(if whole_hours { "%H:%M %:::z" } else { "%H:%M %:z" }))
}

impl fmt::Display for PaceReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "sender rate {rate}"),
            Self::Gap(gap) => write!(f, "pause of {gap} between messages"),
            Self::DailyCap { cap, resumes } => {
                write!(f, "daily cap {cap} reached, goes on ")?;
                clock(*resumes, f)
            }
            Self::Closed(opening) => write!(f, "opens {opening}"),
            Self::Throttled => f.write_str("the provider asked to slow down"),
            Self::People { limit } => write!(f, "limit of {limit} people a day reached"),
        }
    }
}

/// Why a limit in the configuration or on the command line is refused. Each names the text and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaceError {
    #[error("`{0}` is not a valid rate: write 20/min, 80/s, 90/h, 500/day or unlimited")]
    Rate(String),
    #[error("`{0}` is not a valid rate: it cannot be negative; write 20/min, 80/s, 90/h, 500/day or unlimited")]
    NegativeRate(String),
    #[error("`{0}` would never send: write at least 1/h, or pause the blast")]
    ZeroRate(String),
    #[error("`{0}` is faster than any sender: at most 10000/s, or unlimited")]
    HugeRate(String),
    #[error("`{0}` is not a length of time: write a number with ms, s, m, h or d, as in 30s")]
    Span(String),
    #[error("`{0}` is longer than 366 days, the longest time there is: write at most 366d")]
    LongSpan(String),
    #[error("`{0}` is not a valid gap: write the shortest and the longest pause, as in 20s..60s, or none")]
    Gap(String),
    #[error("`{0}` ends before it begins: write the shorter pause first, as in 20s..60s")]
    BackwardGap(String),
    #[error("`{0}` is longer than a day, the longest gap there is")]
    LongGap(String),
    #[error("`{0}` is not a valid pair gap: write one length of time, as in 10m, at most a day")]
    PairGap(String),
    #[error("`{0}` is not a valid daily cap: write how many messages a day, at least 1, or none for no cap")]
    DailyCap(String),
    #[error("`{0}` is not a valid speed: write a number above 0 and at most 1000000; 1 is real time")]
    Speed(String),
    #[error("`{0}` is not a range of hours: write start and end, as in 09:00-21:00")]
    Hours(String),
    #[error("`{0}` begins when it ends: write 00:00-24:00 for the whole day")]
    EmptyHours(String),
    #[error("`{0}` is not a list of weekdays: write mon-fri, or mon,wed,sat, or daily")]
    Weekdays(String),
}

impl PaceError {
    /// Untrusted text for an error message: cleaned and cut short.
    fn quote(text: &str) -> String {
        super::text::clean(text.trim()).chars().take(40).collect()
    }
}

#[cfg(test)]
mod tests;

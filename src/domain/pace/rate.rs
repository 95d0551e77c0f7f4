//! Rates, and the speed at which a rehearsal's time runs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;

use super::PaceError;
use super::span::unit_millis;

/// At most this many messages in any period, wherever it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rate {
    #[default]
    Unlimited,
    Limited {
        /// At least 1.
        count: u32,
        per: Per,
    },
}

/// The period of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    Second,
    Minute,
    Hour,
    Day,
}

/// The fastest valid rate, per second: more than one machine can post.
const PER_SECOND_MAX: u64 = 10_000;

impl Per {
    const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    fn named(unit: &str) -> Option<Self> {
        Some(match unit_millis(unit)? {
            1_000 => Self::Second,
            60_000 => Self::Minute,
            3_600_000 => Self::Hour,
            86_400_000 => Self::Day,
            _ => return None,
        })
    }
}

impl Rate {
    /// The number of messages and the period, shortened by `speed`. `None` when there is no limit.
    pub(super) fn quota(self, speed: Speed) -> Option<(u32, TimeDelta)> {
        let Self::Limited { count, per } = self else { return None };
        let period = speed.shrink(Duration::from_secs(per.seconds().into()));
        Some((count, TimeDelta::from_std(period).ok()?))
    }

    /// Messages per second on average; `None` when there is no limit.
    pub fn per_second(self) -> Option<f64> {
        match self {
            Self::Unlimited => None,
            Self::Limited { count, per } => Some(f64::from(count) / f64::from(per.seconds())),
        }
    }
}

impl FromStr for Rate {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PaceError::Rate(PaceError::quote(text));
        if text.trim().eq_ignore_ascii_case("unlimited") {
            return Ok(Self::Unlimited);
        }
        let (count, unit) = text.split_once('/').or_else(|| text.split_once(" per ")).ok_or_else(wrong)?;
        let (count, per) = (count.trim(), Per::named(unit.trim()).ok_or_else(wrong)?);
        if count.strip_prefix('-').is_some_and(|rest| rest.trim().parse::<f64>().is_ok()) {
            return Err(PaceError::NegativeRate(PaceError::quote(text)));
        }
        let count: u64 = count.parse().map_err(|_| wrong())?;
        if count == 0 {
            return Err(PaceError::ZeroRate(PaceError::quote(text)));
        }
        let huge = || PaceError::HugeRate(PaceError::quote(text));
        if count > PER_SECOND_MAX * u64::from(per.seconds()) {
            return Err(huge());
        }
        Ok(Self::Limited { count: u32::try_from(count).map_err(|_| huge())?, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Limited { count, per } = self else { return f.write_str("unlimited") };
        let unit = match per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
            Per::Day => "day",
        };
        write!(f, "{count}/{unit}")
    }
}

/// How many times as fast as real time a rehearsal runs: above 0, at most a million. 1 is real time.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Speed(f64);

impl Speed {
    pub const REAL: Self = Self(1.0);

    /// `None` unless it is a number above 0 and at most a million.
    pub fn new(factor: f64) -> Option<Self> {
        (factor > 0.0 && factor <= 1_000_000.0).then_some(Self(factor))
    }

    pub fn factor(self) -> f64 {
        self.0
    }

    /// Halved this many times.
    #[must_use]
    pub fn halved(self, times: u32) -> Self {
        Self(self.0 / f64::from(1_u32 << times.min(20)))
    }

    /// A configured length of time (gap, poll interval, retry delay) in real time. Never less than a nanosecond
    /// unless it was zero; at speed 1 exactly what it was.
    pub fn shrink(self, span: Duration) -> Duration {
        if self == Self::REAL || span.is_zero() {
            return span;
        }
        let seconds = (span.as_secs_f64() / self.0).min(1e9);
        Duration::try_from_secs_f64(seconds).unwrap_or(span).max(Duration::from_nanos(1))
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self::REAL
    }
}

impl FromStr for Speed {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let factor = text.trim().parse().ok().and_then(Self::new);
        factor.ok_or_else(|| PaceError::Speed(PaceError::quote(text)))
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

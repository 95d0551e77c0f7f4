//! The random pause between two messages, and the most messages in a day.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use super::span::{parse_span, show_span};
use super::{PaceError, Speed};

/// A pause drawn anew after each message, between two lengths, both included; at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    low: Duration,
    high: Duration,
}

const GAP_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Up to this length a pause is shown in seconds.
const SECONDS_UP_TO: Duration = Duration::from_secs(120);

impl Gap {
    /// `None` when low is above high, or high is longer than a day.
    pub fn new(low: Duration, high: Duration) -> Option<Self> {
        (low <= high && high <= GAP_MAX).then_some(Self { low, high })
    }

    pub fn low(self) -> Duration {
        self.low
    }

    pub fn high(self) -> Duration {
        self.high
    }

    /// As people write it: `20-60 s`, `30 s`, `1.5-2 s`; lengths of several minutes with a unit each, `5m-10m`.
    pub fn words(self) -> String {
        let seconds = |span: Duration| {
            let text = format!("{:.1}", span.as_secs_f64());
            text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
        };
        let is_tenths = [self.low, self.high].iter().all(|span| span.subsec_millis() % 100 == 0);
        let (low, high, unit) = if self.high <= SECONDS_UP_TO && is_tenths {
            (seconds(self.low), seconds(self.high), " s")
        } else {
            (show_span(self.low), show_span(self.high), "")
        };
        if self.low == self.high { format!("{low}{unit}") } else { format!("{low}-{high}{unit}") }
    }

    /// The pause that a random number from 0 up to 1 stands for, at a speed. Anything outside is taken as its nearest.
    pub fn draw(self, random: f64, speed: Speed) -> Duration {
        let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 1.0 };
        speed.shrink(self.low + self.high.saturating_sub(self.low).mul_f64(random))
    }
}

impl FromStr for Gap {
    type Err = PaceError;

    /// Reads `20s..60s`, `20..60s`, `20-60` (seconds, where no unit is given) or, for a pause that never varies, `30s`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PaceError::Gap(PaceError::quote(text));
        let range = text.split_once("..").or_else(|| text.split_once('-'));
        let (low, high) = range.unwrap_or((text, text));
        let unit = high.trim().trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        // A single number may be meant as a rate.
        let unit = if unit.is_empty() && range.is_some() { "s" } else { unit };
        let longest =
            parse_span(high).or_else(|_| parse_span(&format!("{}{unit}", high.trim()))).map_err(|_| wrong())?;
        let shortest =
            parse_span(low).or_else(|_| parse_span(&format!("{}{unit}", low.trim()))).map_err(|_| wrong())?;
        if shortest > longest {
            return Err(PaceError::BackwardGap(PaceError::quote(text)));
        }
        Self::new(shortest, longest).ok_or_else(|| PaceError::LongGap(PaceError::quote(text)))
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_span(self.low))?;
        if self.low == self.high { Ok(()) } else { write!(f, "..{}", show_span(self.high)) }
    }
}

/// The shortest time between two messages to the same number; at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairGap(Duration);

impl PairGap {
    pub fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for PairGap {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = parse_span(text).ok().filter(|span| *span <= GAP_MAX);
        span.map(Self).ok_or_else(|| PaceError::PairGap(PaceError::quote(text)))
    }
}

impl fmt::Display for PairGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_span(self.0))
    }
}

/// The most messages of a sender in one day of its own time zone; at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DailyCap(NonZeroU32);

impl DailyCap {
    /// `None` for zero, which would never send.
    pub fn new(messages: u32) -> Option<Self> {
        NonZeroU32::new(messages).map(Self)
    }

    pub fn get(self) -> u32 {
        self.0.get()
    }
}

impl FromStr for DailyCap {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let messages = text.trim().parse().ok().and_then(Self::new);
        messages.ok_or_else(|| PaceError::DailyCap(PaceError::quote(text)))
    }
}

impl fmt::Display for DailyCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

//! Limits as spacings: how far apart messages go by a rate, and on average by gaps.

use chrono::{DateTime, TimeDelta, Utc};

use super::forecast::Backlog;
use super::pacer::Gcra;
use super::{Gap, Limits};

/// One limit as an even spacing: a rate, or the mean of the gaps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spacing {
    pub(super) interval: TimeDelta,
    /// How early a message may go, to catch up.
    pub(super) slack: TimeDelta,
    /// When the next message is due if all are on time.
    pub(super) due: Option<DateTime<Utc>>,
}

impl Spacing {
    /// One message after each interval.
    pub(super) const fn every(interval: TimeDelta) -> Self {
        Self { interval, slack: TimeDelta::zero(), due: None }
    }

    pub(super) fn allowed(&self) -> Option<DateTime<Utc>> {
        self.due.map(|due| due - self.slack)
    }

    /// When the first message of a stretch is due, if one goes at its beginning.
    fn base(&self, first: DateTime<Utc>) -> DateTime<Utc> {
        self.due.map_or(first, |due| due.max(first))
    }

    /// How many messages go from `first` on and before `ends`: at least one.
    pub(super) fn fits(&self, first: DateTime<Utc>, ends: DateTime<Utc>) -> u64 {
        let span = ends - (self.base(first) - self.slack) - TimeDelta::nanoseconds(1);
        let intervals = nanos(span) / nanos(self.interval).max(1);
        u64::try_from(intervals.max(0) + 1).unwrap_or(u64::MAX)
    }

    /// When the n-th of them goes, counted from 1.
    pub(super) fn nth(&self, first: DateTime<Utc>, n: u64) -> DateTime<Utc> {
        self.after(first, n.saturating_sub(1)) - self.slack
    }

    pub(super) fn send(&mut self, first: DateTime<Utc>, people: u64) {
        self.due = Some(self.after(first, people));
    }

    fn after(&self, first: DateTime<Utc>, people: u64) -> DateTime<Utc> {
        let span = i64::try_from(nanos(self.interval) * i128::from(people)).unwrap_or(i64::MAX);
        self.base(first).checked_add_signed(TimeDelta::nanoseconds(span)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Wide enough for centuries.
pub(super) fn nanos(span: TimeDelta) -> i128 {
    i128::from(span.num_seconds()) * 1_000_000_000 + i128::from(span.subsec_nanos())
}

/// What spaces the messages of a blast; empty where neither it nor its sender has a pace.
pub(super) fn spacings(backlog: &Backlog<'_>) -> Vec<Spacing> {
    let (sender, blast) = (&backlog.sender, &backlog.blast);
    let even_spacings = even_spacings(sender, blast);
    let spaced = even_spacings.iter().map(|even| Spacing { interval: even.interval, slack: even.slack, due: None });
    let mut spacings: Vec<_> = spaced.collect();
    if let Some(mean) = mean_pause(sender, blast, &even_spacings) {
        spacings.push(Spacing::every(seconds(mean)));
    }
    spacings
}

/// A pause in seconds as a length of time.
pub(super) fn seconds(pause: f64) -> TimeDelta {
    #[expect(clippy::cast_possible_truncation, reason = "a pause is at most a day, or a million slowed down")]
    TimeDelta::nanoseconds((pause * 1e9).round() as i64)
}

/// The even spacing of both rates.
pub(super) fn even_spacings(sender: &Limits, blast: &Limits) -> Vec<Gcra> {
    let quotas = [sender, blast].into_iter().filter_map(|limits| limits.rate.quota(limits.speed));
    quotas.map(|(count, period)| Gcra::new(count, period)).collect()
}

/// The mean pause that the gaps of a sender and its blast cause together, in seconds; `None` without a gap. A rate beside
/// them lengthens the shorter pauses, less its slack, within which a late message catches up.
pub(super) fn mean_pause(sender: &Limits, blast: &Limits, rates: &[Gcra]) -> Option<f64> {
    let gaps: Vec<GapBounds> =
        [sender, blast].into_iter().filter_map(|limits| Some(ends(limits, limits.gap?))).collect();
    if gaps.is_empty() {
        return None;
    }
    let least = rates.iter().map(|even| (even.interval - even.slack).as_seconds_f64()).fold(0.0, f64::max);
    Some(mean_of_longest(&gaps, least)).filter(|mean| *mean > 0.0)
}

/// A gap's shortest and longest pause, in seconds of real time.
#[derive(Debug, Clone, Copy)]
pub(super) struct GapBounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

pub(super) fn ends(limits: &Limits, gap: Gap) -> GapBounds {
    let seconds = |span| limits.speed.shrink(span).as_secs_f64();
    GapBounds { low: seconds(gap.low()), high: seconds(gap.high()) }
}

impl GapBounds {
    pub(super) fn mean(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }

    /// The pause that a number from 0 up to 1 stands for.
    pub(super) fn at(self, random: f64) -> f64 {
        (self.high - self.low).mul_add(random, self.low)
    }

    /// The probability of a pause no longer than `pause`.
    fn share_below(self, pause: f64) -> f64 {
        if pause >= self.high { 1.0 } else { ((pause - self.low) / (self.high - self.low)).clamp(0.0, 1.0) }
    }
}

/// The mean of the longest of several pauses, each uniform between its bounds and none counted as shorter than `least`:
/// the largest lower bound plus the integral, from there on, of the probability that any pause is longer. With at most two
/// pauses that probability is piecewise a parabola, which Simpson's rule integrates exactly.
fn mean_of_longest(gaps: &[GapBounds], least: f64) -> f64 {
    let low = gaps.iter().map(|gap| gap.low).fold(least, f64::max);
    let longer = |pause: f64| 1.0 - gaps.iter().map(|gap| gap.share_below(pause)).product::<f64>();
    let mut bounds: Vec<f64> = gaps.iter().map(|gap| gap.high.max(low)).chain([low]).collect();
    bounds.sort_unstable_by(f64::total_cmp);
    let piece = |ends: &[f64]| {
        let (from, to) = (ends[0], ends[1]);
        (to - from) / 6.0 * (longer(from) + 4.0 * longer(f64::midpoint(from, to)) + longer(to))
    };
    low + bounds.windows(2).map(piece).sum::<f64>()
}

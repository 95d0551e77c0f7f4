//! The pace of a sender, or of one blast, as a walk follows it.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::Limits;
use super::super::spacing::{GapBounds, Spacing, ends, even_spacings, mean_pause, seconds};

/// A rate and a gap. Gaps are drawn evenly spread, which is chance without luck: the same forecast has the same ones.
pub(super) struct TurnPace {
    rate: Option<Spacing>,
    gap: Option<GapBounds>,
    /// The end of the gap after the last message.
    gap_ends: Option<DateTime<Utc>>,
    /// The pause between its messages on average, where gaps make one: for those that are walked over together.
    mean: Option<Spacing>,
    draws: EvenDraws,
}

impl TurnPace {
    /// Of the sender itself.
    pub(super) fn of_sender(sender: &Limits) -> Self {
        Self::new(
            sender,
            mean_pause(sender, &Limits::none(sender.zone), &[]),
            EvenDraws { first: 0.0, step: 0.414_213_562_37 },
        )
    }

    /// Of one of its blasts, the places of which are counted from 0.
    pub(super) fn of_blast(blast: &Limits, sender: &Limits, place: u64) -> Self {
        let has_pace = blast.gap.is_some() || blast.rate.quota(blast.speed).is_some();
        // At least one gap of the sender lies between two of its messages.
        let mean = mean_pause(sender, blast, &even_spacings(sender, blast)).filter(|_| has_pace);
        #[expect(clippy::cast_precision_loss, reason = "any number will do")]
        let first = (place as f64 * 0.754_877_666_25).fract();
        Self::new(blast, mean, EvenDraws { first, step: 0.618_033_988_75 })
    }

    fn new(limits: &Limits, mean: Option<f64>, draws: EvenDraws) -> Self {
        let rate = even_spacings(&Limits::none(limits.zone), limits).pop();
        Self {
            rate: rate.map(|even| Spacing { interval: even.interval, slack: even.slack, due: None }),
            gap: limits.gap.map(|gap| ends(limits, gap)),
            gap_ends: None,
            mean: mean.map(|mean| Spacing::every(seconds(mean))),
            draws,
        }
    }

    /// Whether it determines when messages go.
    pub(super) fn is_paced(&self) -> bool {
        self.rate.is_some() || self.mean.is_some()
    }

    /// When it lets the next message go; `None` before the first.
    pub(super) fn allowed(&self) -> Option<DateTime<Utc>> {
        self.rate.as_ref().and_then(Spacing::allowed).max(self.gap_ends)
    }

    /// How far apart its messages are on average; zero without a pace.
    pub(super) fn interval(&self) -> TimeDelta {
        self.spacings().map(|spacing| spacing.interval).fold(TimeDelta::zero(), TimeDelta::max)
    }

    /// How many messages go from `first` on and before `ends`: at least one.
    pub(super) fn fits(&self, first: DateTime<Utc>, ends: DateTime<Utc>) -> u64 {
        self.spacings().map(|spacing| spacing.fits(first, ends)).min().unwrap_or(u64::MAX)
    }

    /// When the n-th of them goes, counted from 1.
    pub(super) fn nth(&self, first: DateTime<Utc>, n: u64) -> DateTime<Utc> {
        self.spacings().map(|spacing| spacing.nth(first, n)).fold(first, DateTime::max)
    }

    /// So many messages went, the first of them then.
    pub(super) fn send(&mut self, first: DateTime<Utc>, messages: u64) {
        if let Some(rate) = &mut self.rate {
            rate.send(first, messages);
        }
        let drawn = self.gap.map(|gap| Spacing::every(seconds(gap.at(self.draws.next()))));
        let pause = if messages == 1 { drawn } else { self.mean };
        self.gap_ends = pause.map(|pause| pause.nth(first, messages.saturating_add(1)));
    }

    fn spacings(&self) -> impl Iterator<Item = &Spacing> {
        self.rate.iter().chain(&self.mean)
    }
}

/// Numbers from 0 up to 1 that are evenly spread, however many of them are drawn.
struct EvenDraws {
    first: f64,
    /// Those of a sender and of its blasts differ in it, so that long gaps of one do not always meet long ones of the other.
    step: f64,
}

impl EvenDraws {
    fn next(&mut self) -> f64 {
        let drawn = self.first;
        self.first = (drawn + self.step).fract();
        drawn
    }
}

//! How fast blasts are really sent, from what was read of them one time after another.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::is_going_out;
use crate::app::view::BlastView;
use crate::domain::ids::BlastId;

/// The stretch over which is measured, and the least of it.
const STRETCH: TimeDelta = TimeDelta::seconds(60);
const LEAST: TimeDelta = TimeDelta::seconds(3);
/// Of a slow pace so many intervals are measured, for so long at most; before so many have passed, a rate would be made up of few
/// messages.
const INTERVALS: i32 = 4;
const LONGEST: TimeDelta = TimeDelta::minutes(10);
const INTERVALS_LEAST: i32 = 2;

/// Of each blast that is being sent, how many had been sent to at some times of the last stretch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpeedMeter {
    readings: BTreeMap<BlastId, VecDeque<(DateTime<Utc>, i64)>>,
}

impl SpeedMeter {
    /// The blasts were read. What does not go out is measured anew once it does.
    pub fn read(&mut self, blasts: &[BlastView], now: DateTime<Utc>) {
        self.readings.retain(|id, _| blasts.iter().any(|blast| blast.id == *id && is_going_out(blast, now)));
        for blast in blasts.iter().filter(|blast| is_going_out(blast, now)) {
            let readings = self.readings.entry(blast.id).or_default();
            let sent = blast.counts.funnel().sent;
            // Of a launch that was watched from its first message on, the start is known.
            if let (Some(from), true) = (blast.send_after, readings.is_empty())
                && now - from <= STRETCH
                && blast.launched_at.is_some_and(|launched| from >= launched && from - launched <= STRETCH)
            {
                readings.push_back((from, 0));
            }
            readings.push_back((now, sent));
            let stretch = (interval(blast) * INTERVALS).clamp(STRETCH, LONGEST);
            while readings.get(1).is_some_and(|(at, _)| now - *at >= stretch) {
                readings.pop_front();
            }
        }
    }

    /// Messages an hour over the last stretch, never more than its limits allow; `None` before enough is known.
    pub fn per_hour(&self, blast: &BlastView) -> Option<i64> {
        let readings = self.readings.get(&blast.id)?;
        let ((from, before), (to, after)) = (readings.front()?, readings.back()?);
        let took = *to - *from;
        let least = (interval(blast) * INTERVALS_LEAST).clamp(LEAST, STRETCH);
        let measured =
            (took >= least).then(|| (after - before).max(0).saturating_mul(3_600_000) / took.num_milliseconds())?;
        // The first of a launch goes at once, which a short stretch counts as if there were as many as that in each like it.
        Some(binding(blast).map_or(measured, |binding| measured.min(binding)))
    }
}

/// The rate that binds, in messages an hour.
fn binding(blast: &BlastView) -> Option<i64> {
    blast.estimate.per_hour.filter(|rate| *rate > 0)
}

/// From one message to the next at that rate; nothing where none is known.
fn interval(blast: &BlastView) -> TimeDelta {
    binding(blast).map_or(TimeDelta::zero(), |rate| TimeDelta::milliseconds(3_600_000 / rate))
}

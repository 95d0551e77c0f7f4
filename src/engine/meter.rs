//! What the engine of this process counts for monitoring: what came of its attempts, and how long each was under way. The recorder
//! adds up a batch and adds it here once, after the batch is durable: sending waits for nothing of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::mutex::Mutex;
use crate::domain::recipient::AttemptOutcome;

/// The upper bounds of the histogram's buckets, in seconds; the last bucket has none.
pub const LATENCY_BOUNDS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
const BUCKETS: usize = LATENCY_BOUNDS.len() + 1;

const OUTCOMES: [AttemptOutcome; 4] =
    [AttemptOutcome::Accepted, AttemptOutcome::Rejected, AttemptOutcome::Unknown, AttemptOutcome::Released];

/// The counters of this process. They begin at 0 with it.
pub static ENGINE_METER: EngineMeter = EngineMeter::new();

/// Counters that only grow.
pub struct EngineMeter {
    outcomes: [AtomicU64; OUTCOMES.len()],
    buckets: [AtomicU64; BUCKETS],
    micros: AtomicU64,
    pools: Mutex<Vec<(&'static str, sqlx::PgPool)>>,
}

/// What one batch adds.
#[derive(Default)]
pub struct BatchTally {
    outcomes: [u64; OUTCOMES.len()],
    buckets: [u64; BUCKETS],
    micros: u64,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct MeterReading {
    pub outcomes: Vec<(AttemptOutcome, u64)>,
    /// From the claim to the commit of what came of it: how many took at most so many seconds, each bound with those below it.
    /// `None`: all of them.
    pub latency: Vec<(Option<f64>, u64)>,
    pub latency_sum: Duration,
}

/// The connections of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolReading {
    pub pool: &'static str,
    pub open: u32,
    pub idle: u32,
}

impl PoolReading {
    pub fn of(name: &'static str, pool: &sqlx::PgPool) -> Self {
        let open = pool.size();
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX).min(open);
        Self { pool: name, open, idle }
    }
}

impl BatchTally {
    /// Counts what came of one attempt. A released one was never under way.
    pub(super) fn add(&mut self, outcome: AttemptOutcome, since_claim: Option<Duration>) {
        self.outcomes[place(outcome)] += 1;
        let Some(took) = since_claim.filter(|_| outcome != AttemptOutcome::Released) else { return };
        let seconds = took.as_secs_f64();
        let bucket = LATENCY_BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS - 1);
        self.buckets[bucket] += 1;
        self.micros = self.micros.saturating_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

const fn place(outcome: AttemptOutcome) -> usize {
    match outcome {
        AttemptOutcome::Accepted => 0,
        AttemptOutcome::Rejected => 1,
        AttemptOutcome::Unknown => 2,
        AttemptOutcome::Released => 3,
    }
}

impl EngineMeter {
    const fn new() -> Self {
        Self {
            outcomes: [const { AtomicU64::new(0) }; OUTCOMES.len()],
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
            micros: AtomicU64::new(0),
            pools: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn add(&self, batch: &BatchTally) {
        let counters = self.outcomes.iter().zip(&batch.outcomes).chain(self.buckets.iter().zip(&batch.buckets));
        for (counter, added) in counters.chain([(&self.micros, &batch.micros)]).filter(|(_, added)| **added > 0) {
            counter.fetch_add(*added, Ordering::Relaxed);
        }
    }

    /// From now on these are the connections of this process's engine.
    pub(super) fn watch_pools(&self, pools: Vec<(&'static str, sqlx::PgPool)>) {
        *self.pools.lock() = pools;
    }

    /// The connections of the engine of this process; none where it runs elsewhere.
    pub fn pools(&self) -> Vec<PoolReading> {
        self.pools.lock().iter().map(|(name, pool)| PoolReading::of(name, pool)).collect()
    }

    pub fn read(&self) -> MeterReading {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut below = 0;
        let bounds = LATENCY_BOUNDS.into_iter().map(Some).chain([None]);
        let latency = bounds.zip(&self.buckets).map(|(bound, bucket)| {
            below += load(bucket);
            (bound, below)
        });
        MeterReading {
            latency: latency.collect(),
            latency_sum: Duration::from_micros(load(&self.micros)),
            outcomes: OUTCOMES.into_iter().zip(self.outcomes.iter().map(load)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_holds_those_below_it_and_a_release_was_never_under_way() {
        let meter = EngineMeter::new();
        let mut batch = BatchTally::default();
        for millis in [3, 5, 6, 80_000] {
            batch.add(AttemptOutcome::Accepted, Some(Duration::from_millis(millis)));
        }
        batch.add(AttemptOutcome::Released, Some(Duration::from_millis(1)));
        batch.add(AttemptOutcome::Unknown, None);

        meter.add(&batch);
        meter.add(&BatchTally::default());

        let reading = meter.read();
        assert_eq!(reading.outcomes.iter().map(|(_, n)| *n).collect::<Vec<_>>(), [4, 0, 1, 1]);
        assert_eq!(reading.latency[..3], [(Some(0.005), 2), (Some(0.01), 3), (Some(0.025), 3)]);
        assert_eq!(reading.latency[12..], [(Some(60.0), 3), (None, 4)]);
        assert_eq!(reading.latency_sum, Duration::from_millis(80_014));
    }
}

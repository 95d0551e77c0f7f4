//! The throttle: a provider that says "slow down" halves the rate at once; it climbs back one step a quiet minute. Outlives
//! a process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::SenderContext;
use crate::domain::pace::Pacer;
use crate::engine::sync::Mutex;
use crate::store::{StoreError, sender};

/// Without a wish of the provider's, a throttled sender holds this long.
const HOLD: Duration = Duration::from_secs(10);
/// No pause is longer, also one that an older version wrote down.
const HOLD_MAX: TimeDelta = TimeDelta::hours(1);
/// Those under way together say it together: that is one "slow down".
const ONE_WORD: Duration = Duration::from_secs(2);
/// One step back after this long without another word.
const CLIMB_AFTER: Duration = Duration::from_secs(60);
/// A sixty-fourth of the rate is slow enough.
const STEPS_MAX: u32 = 6;

/// How far a sender is slowed, with its pacer.
pub(super) struct ProviderThrottle {
    context: Arc<SenderContext>,
    pacer: Arc<Mutex<Pacer>>,
    state: Mutex<State>,
    /// When an operator last ended a pause, as far as this process knows.
    lifted_at: Mutex<Option<DateTime<Utc>>>,
}

#[derive(Clone, Copy)]
struct State {
    steps: u32,
    changed: Option<Instant>,
}

impl ProviderThrottle {
    /// As the last process left it.
    pub(super) async fn new(context: Arc<SenderContext>, pacer: Arc<Mutex<Pacer>>) -> Result<Self, StoreError> {
        let (steps, held_until) = sender::slowed(&context.pool, context.sender.id).await?;
        let steps = u32::try_from(steps).unwrap_or(0).min(STEPS_MAX);
        let lifted_at = sender::hold_lifted_at(&context.pool, context.sender.id).await?;
        let longest = context.lease.lease.granted_at + HOLD_MAX;
        let state = Mutex::new(State { steps, changed: Some(Instant::now()) });
        let throttle = Self { context, pacer, state, lifted_at: Mutex::new(lifted_at) };
        throttle.limit(steps, held_until.map(|until| until.min(longest)));
        Ok(throttle)
    }

    /// The provider said "slow down", and perhaps until when to wait.
    pub(super) async fn slow(&self, wish: Option<TimeDelta>) -> Result<(), StoreError> {
        let until = self.context.clock.now() + wish.unwrap_or_else(|| self.real(HOLD));
        let steps = self.step(|state| {
            let is_news = state.changed.is_none_or(|at| at.elapsed() >= self.shrunk(ONE_WORD)) || state.steps == 0;
            is_news.then(|| (state.steps + 1).min(STEPS_MAX))
        });
        self.limit(steps.unwrap_or_else(|| self.steps()), Some(until));
        match steps {
            Some(steps) => {
                tracing::warn!(sender = %self.context.sender.name, steps, "the provider asks to slow down");
                sender::set_slowed(&self.context.pool, self.context.sender.id, steps.cast_signed(), Some(until)).await
            }
            None => Ok(()),
        }
    }

    /// An operator may have ended the pause that the provider asked for.
    pub(super) async fn lift(&self) -> Result<(), StoreError> {
        let newest = sender::hold_lifted_at(&self.context.pool, self.context.sender.id).await?;
        let mut known = self.lifted_at.lock();
        if newest > *known {
            *known = newest;
            self.pacer.lock().release();
        }
        Ok(())
    }

    /// After a quiet minute, one step back.
    pub(super) async fn climb(&self) -> Result<(), StoreError> {
        let steps = self.step(|state| {
            let is_quiet = state.changed.is_none_or(|at| at.elapsed() >= self.shrunk(CLIMB_AFTER));
            (state.steps > 0 && is_quiet).then(|| state.steps - 1)
        });
        let Some(steps) = steps else { return Ok(()) };
        self.limit(steps, None);
        sender::set_slowed(&self.context.pool, self.context.sender.id, steps.cast_signed(), None).await
    }

    /// How many times the rate is halved now.
    pub(super) fn steps(&self) -> u32 {
        self.state.lock().steps
    }

    /// Changes the steps if there is a reason to; tells what they are then.
    fn step(&self, change: impl FnOnce(&State) -> Option<u32>) -> Option<u32> {
        let mut state = self.state.lock();
        let steps = change(&state)?;
        *state = State { steps, changed: Some(Instant::now()) };
        Some(steps)
    }

    fn limit(&self, steps: u32, held_until: Option<DateTime<Utc>>) {
        let mut pacer = self.pacer.lock();
        pacer.limit(self.context.sender.limits.slowed(steps));
        if let Some(until) = held_until {
            pacer.hold(until);
        }
    }

    /// A rehearsal's time runs faster.
    fn shrunk(&self, span: Duration) -> Duration {
        self.context.sender.limits.speed.shrink(span)
    }

    fn real(&self, span: Duration) -> TimeDelta {
        TimeDelta::from_std(self.shrunk(span)).unwrap_or(TimeDelta::MAX)
    }
}

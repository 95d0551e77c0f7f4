//! How many questions a sender's provider is asked: so many a second, fewer after it asked for less, and none in a pause.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::domain::pace::Speed;
use crate::domain::pace::throttle::{HOLD, HOLD_MAX, RECOVER_AFTER, SAME_REQUEST, STEPS_MAX};
use crate::engine::mutex::Mutex;

/// One question every so often. Waiting for the lock is first come first served, so that whoever waits takes turns.
pub(super) struct Budget {
    next: tokio::sync::Mutex<Instant>,
    every: Duration,
    speed: Speed,
    throttle: Mutex<BudgetThrottle>,
}

/// What the provider asked for.
#[derive(Clone, Copy)]
struct BudgetThrottle {
    /// How many times the budget is halved.
    steps: u32,
    changed: Instant,
    held_until: Instant,
}

impl Budget {
    /// So many questions a second.
    pub fn new(per_second: f64, speed: Speed) -> Self {
        let now = Instant::now();
        Self {
            next: tokio::sync::Mutex::new(now),
            every: Duration::from_secs_f64(1.0 / per_second),
            speed,
            throttle: Mutex::new(BudgetThrottle { steps: 0, changed: now, held_until: now }),
        }
    }

    /// Waits until the next question may be asked.
    pub async fn take(&self) {
        let mut next = self.next.lock().await;
        loop {
            let throttle = self.recover();
            let due = (*next).max(throttle.held_until);
            if due <= Instant::now() {
                *next = Instant::now() + self.every * (1 << throttle.steps);
                return;
            }
            // A refusal of a question in flight may arrive meanwhile.
            sleep_until(due).await;
        }
    }

    /// The provider asked for fewer questions, perhaps for none for a while.
    pub fn slow(&self, pause: Option<Duration>) {
        let now = Instant::now();
        let pause = pause.unwrap_or_else(|| self.speed.shrink(HOLD)).min(HOLD_MAX);
        let mut throttle = self.throttle.lock();
        throttle.held_until = throttle.held_until.max(now + pause);
        if throttle.steps == 0 || now >= throttle.changed + self.speed.shrink(SAME_REQUEST) {
            throttle.steps = (throttle.steps + 1).min(STEPS_MAX);
            throttle.changed = now;
        }
    }

    /// Gives back half of what was taken away after each quiet minute. Returns how far it is throttled now.
    fn recover(&self) -> BudgetThrottle {
        let now = Instant::now();
        let mut throttle = self.throttle.lock();
        let quiet_since = throttle.changed.max(throttle.held_until);
        if throttle.steps > 0 && now >= quiet_since + self.speed.shrink(RECOVER_AFTER) {
            throttle.steps -= 1;
            throttle.changed = now;
        }
        *throttle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn took(budget: &Budget, questions: u32) -> Duration {
        let began = Instant::now();
        for _ in 0..questions {
            budget.take().await;
        }
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_pauses_the_asking_and_halves_it_until_it_has_been_quiet() {
        let budget = Budget::new(10.0, Speed::REAL);
        assert_eq!(took(&budget, 11).await.as_millis(), 1_000);

        budget.slow(Some(Duration::from_secs(7)));
        // Those in flight with it are refused as well.
        budget.slow(Some(Duration::from_secs(7)));

        assert_eq!(took(&budget, 1).await.as_secs(), 7);
        assert_eq!(took(&budget, 10).await.as_millis(), 2_000, "half as many");
        tokio::time::sleep(RECOVER_AFTER).await;
        took(&budget, 1).await;
        assert_eq!(took(&budget, 10).await.as_millis(), 1_000, "all of it again");
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_is_longer_than_an_hour() {
        let budget = Budget::new(10.0, Speed::REAL);

        budget.slow(Some(Duration::from_secs(1_000_000)));

        assert_eq!(took(&budget, 1).await, HOLD_MAX);
    }
}

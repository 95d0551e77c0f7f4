//! A mutex without poisoning, for the limits on sending.

use std::sync::{MutexGuard, PoisonError};

/// After a panic in another holder the next one finds the state as that left it: a pace that was kept is kept, and nobody
/// passes for want of an answer. There is no failure to ignore, so no limit can fail open by ignoring one.
#[derive(Debug, Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{TimeZone, Utc};

    use super::Mutex;
    use crate::domain::pace::{DailyCap, Limits, Pace, Pacer, PastAttempts, Rate, Speed};

    /// A task that panicked while it held the pacer must not open the daily cap.
    #[test]
    fn a_cap_that_is_reached_stays_so_after_a_panic() {
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 6, 0, 0).unwrap();
        let daily_cap = DailyCap::new(1);
        let limits = Limits { rate: Rate::Unlimited, gap: None, daily_cap, zone: chrono_tz::UTC, speed: Speed::REAL };
        let pacer = Arc::new(Mutex::new(Pacer::new(limits, &PastAttempts::default(), now)));
        pacer.lock().posted(now);

        let held = pacer.clone();
        let panicked = std::thread::spawn(move || {
            let _held = held.lock();
            panic!("while it is held");
        });
        assert!(panicked.join().is_err());

        assert!(matches!(pacer.lock().next(now, 0.5), Pace::Wait { .. }));
    }
}

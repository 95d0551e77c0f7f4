//! Sessions that were begun while the database took no changes: they stay read-only for good, also once it takes some again.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A session is replaced at most this often, while the database takes no changes.
const YOUNGEST: Duration = Duration::from_secs(1);

/// When a write was refused as read-only last, in milliseconds since [`began`]; 0: never.
static REFUSED_AT: AtomicU64 = AtomicU64::new(0);

fn began() -> Instant {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    *BEGAN.get_or_init(Instant::now)
}

fn millis() -> u64 {
    u64::try_from(began().elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A write was refused as read-only: the sessions that are open now may all be of that time.
pub fn note_refusal() {
    REFUSED_AT.store(millis().max(1), Ordering::Relaxed);
}

/// Whether a session of this age was begun before the last refusal, so that another one may be able to write.
pub fn is_outdated(age: Duration) -> bool {
    is_of_before(age, millis(), REFUSED_AT.load(Ordering::Relaxed))
}

fn is_of_before(age: Duration, now: u64, refused_at: u64) -> bool {
    let begun_at = now.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
    refused_at > 0 && age > YOUNGEST && begun_at <= refused_at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sessions_of_before_the_refusal_are_replaced_and_not_at_once() {
        let age = Duration::from_millis;

        assert!(!is_of_before(age(5_000), 10_000, 0), "nothing was refused");
        assert!(is_of_before(age(5_000), 10_000, 6_000));
        assert!(!is_of_before(age(3_000), 10_000, 6_000), "it was begun since");
        assert!(!is_of_before(age(900), 10_000, 9_999), "it is replaced in a moment");
    }
}

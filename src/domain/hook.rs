//! Webhooks for other systems: which events they carry, how each call is signed, and when a failed one is tried again.
//!
//! The signatures are those of Standard Webhooks (<https://www.standardwebhooks.com>): `webhook-id`, `webhook-timestamp` and the body,
//! joined by dots, under HMAC-SHA256.

mod event;
mod signature;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

pub use event::{EventKind, EventSelection, EventSource};
pub use signature::{HookSecret, SecretError, spell_secret};

/// A hook's name: 1 to 64 letters, digits, `-`, `_` or `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HookName(String);

impl HookName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HookName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if !(1..=64).contains(&text.len()) || !text.chars().all(fits) {
            return Err("write 1 to 64 letters, digits, - _ or .");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for HookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How long a call is retried before it is given up.
pub const RETRIED_FOR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// Pauses after the first failures of a call, in seconds; the last one holds for all later ones.
const PAUSES: [u64; 9] = [5, 30, 2 * 60, 10 * 60, 30 * 60, 3_600, 2 * 3_600, 4 * 3_600, 8 * 3_600];

/// How long a call pauses after it failed for the `tries`-th time. `jitter` is from 0 to 1: up to a tenth longer, so that hooks that
/// failed together do not come back together.
pub fn retry_pause(tries: u32, jitter: f64) -> Duration {
    let at = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX).min(PAUSES.len() - 1);
    Duration::from_secs(PAUSES[at]).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0)
}

/// Calls of a hook in a row that were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FailedCalls {
    pub failures: u32,
    /// The last of them, each of which found the receiver down: one that refuses calls is up.
    down: u32,
}

impl FailedCalls {
    /// After another one.
    #[must_use]
    pub const fn and(self, is_down: bool) -> Self {
        let down = if is_down { self.down.saturating_add(1) } else { 0 };
        Self { failures: self.failures.saturating_add(1), down }
    }

    /// As the hook's row counts them by now: after a replay none, since somebody has seen to the receiver.
    #[must_use]
    pub fn as_counted(self, failures: u32) -> Self {
        if failures == 0 { Self::default() } else { Self { failures, ..self } }
    }

    /// How long the whole hook pauses: a receiver that is down is not asked about each call apart.
    pub fn pause(self, jitter: f64) -> Duration {
        match self.down {
            0 => Duration::ZERO,
            down => retry_pause(down, jitter).min(Duration::from_secs(5 * 60)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_sixteen_of_them_last_three_days() {
        let pauses: Vec<_> = (1..=17).map(|tries| retry_pause(tries, 0.0)).collect();

        assert!(pauses.is_sorted(), "{pauses:?}");
        assert_eq!((pauses[0], pauses[16]), (Duration::from_secs(5), Duration::from_secs(8 * 3_600)));
        let sixteen: Duration = pauses[..16].iter().sum();
        assert!(sixteen < RETRIED_FOR && RETRIED_FOR < sixteen + pauses[16], "{sixteen:?}");
        assert_eq!(retry_pause(1, 1.0), Duration::from_millis(5_500));
    }

    #[test]
    fn after_a_replay_a_hook_pauses_as_after_the_first_failure() {
        let down = (0..15).fold(FailedCalls::default(), |failed, _| failed.and(true));

        assert_eq!(down.as_counted(15).and(true).pause(0.0), Duration::from_secs(5 * 60));
        assert_eq!(down.as_counted(0).and(true).pause(0.0), Duration::from_secs(5));
    }

    #[test]
    fn a_hook_pauses_by_how_often_its_receiver_was_down_and_not_by_what_it_refused() {
        let after = |calls: &[bool]| calls.iter().fold(FailedCalls::default(), |failed, is_down| failed.and(*is_down));
        let refused = after(&[false; 10]);

        assert_eq!((refused.failures, refused.pause(0.0)), (10, Duration::ZERO));
        assert_eq!((refused.and(true).failures, refused.and(true).pause(0.0)), (11, Duration::from_secs(5)));
        assert_eq!(after(&[true; 40]).pause(0.0), Duration::from_secs(300));
        assert_eq!(after(&[true, true, false, true]).pause(0.0), Duration::from_secs(5));
    }

    #[test]
    fn a_name_is_one_word() {
        assert_eq!("till-2".parse::<HookName>().map(|name| name.to_string()), Ok("till-2".to_owned()));
        for wrong in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(wrong.parse::<HookName>().is_err(), "{wrong}");
        }
    }
}

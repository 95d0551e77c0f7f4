//! How refusals are handled: the classes that every provider's errors are sorted into, and when to retry.

use chrono::TimeDelta;

/// The class of an error. Each provider has one table from its codes to these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Retry a few times, with backoff.
    Retry,
    /// Cut the rate, then retry.
    SlowSender,
    /// The message or template is refused: the blast pauses.
    PauseBlast,
    /// The account, token or device: the sender stops until a person fixes it.
    StopSender,
    /// This person cannot be reached.
    FailRecipient,
    /// The person asked not to be messaged.
    OptOut,
    /// Not before a day or more has passed, and only when an operator asks for it: the person fails for now.
    NotNow,
}

/// Codes of Meta's after which a message is known not to have arrived although it had an id: the person may get it another
/// day, when an operator asks for it.
pub const LATE_RETRY_CODES: [&str; 2] = ["131049", "130472"];

/// When refusals are retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryRules {
    /// How often a refusal of class *retry* or *slow sender* is retried.
    pub max_tries: i32,
    /// The longest first wait; it doubles with each try.
    pub base: TimeDelta,
    /// The longest wait of all.
    pub cap: TimeDelta,
    /// How old a *not now* must be before an operator may retry it.
    pub not_now_after: TimeDelta,
    /// How old an uncertain attempt must be before an operator may send again: no answer can come after that.
    pub resend_after: TimeDelta,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            max_tries: 3,
            base: TimeDelta::seconds(30),
            cap: TimeDelta::minutes(30),
            not_now_after: TimeDelta::hours(24),
            resend_after: TimeDelta::minutes(5),
        }
    }
}

impl RetryRules {
    /// The wait before the next try: backoff with full jitter (`jitter` from 0 to 1), never under a tenth of its span.
    pub fn delay(&self, tries: i32, jitter: f64) -> TimeDelta {
        let doublings = u32::try_from(tries).unwrap_or(0).min(20);
        let span = (self.base * 2_i32.pow(doublings)).min(self.cap);
        let share = jitter.clamp(0.1, 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "milliseconds of at most hours"
        )]
        let milliseconds = (span.num_milliseconds() as f64 * share) as i64;
        TimeDelta::milliseconds(milliseconds)
    }

    /// Waits shrunk for rehearsals against a simulator whose time runs `speed` times as fast.
    #[must_use]
    pub fn scaled(self, speed: f64) -> Self {
        let shrink = |span: TimeDelta| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_precision_loss,
                reason = "milliseconds of at most days"
            )]
            let milliseconds = (span.num_milliseconds() as f64 / speed) as i64;
            TimeDelta::milliseconds(milliseconds)
        };
        Self {
            max_tries: self.max_tries,
            base: shrink(self.base),
            cap: shrink(self.cap),
            not_now_after: shrink(self.not_now_after),
            resend_after: shrink(self.resend_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::RetryRules;

    #[test]
    fn waits_double_up_to_the_cap() {
        let rules = RetryRules::default();

        assert_eq!(rules.delay(0, 1.0), TimeDelta::seconds(30));
        assert_eq!(rules.delay(1, 1.0), TimeDelta::seconds(60));
        assert_eq!(rules.delay(60, 1.0), TimeDelta::minutes(30));
        assert_eq!(rules.delay(1, 0.0), TimeDelta::seconds(6));
    }
}

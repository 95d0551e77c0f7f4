//! How refusals are handled: the classes that every provider's errors are sorted into, and when to retry.

use std::time::Duration;

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

/// What a code says of trying again, beside its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodeRetry {
    /// By the rules of its class, while the message has no id; never once it has one.
    #[default]
    ByClass,
    /// As by its class, but so often in all at most.
    UpTo { tries: i32 },
    /// As by its class, after this to the power of the tries, in seconds.
    Growing { base: u32 },
    /// At most so often in all, no sooner than this after the last time; also when it comes after the message had an id.
    Automatic { tries: i32, after: Duration },
    /// When an operator asks for it, no sooner than this after the last time. Of class *not now* also when the blast or its sender
    /// is set to try the next day.
    OnRequest { after: Duration },
    /// Not even when an operator asks for it.
    Never,
}

/// A provider's rule for one of its codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CodeRule {
    pub retry: CodeRetry,
    /// The shortest wait before anything else is tried, where the provider names no other.
    pub wait: Option<Duration>,
}

/// How often a *not now* is tried in all where it is tried by itself.
pub const NEXT_DAY_TRIES: i32 = 3;

/// Codes after which a message is known not to have arrived although it had an id, and what an operator may do. All are Meta's:
/// a test compares them with its table.
const KNOWN_UNSENT: [(&str, OperatorRetry); 4] = [
    ("131026", OperatorRetry::WhereNeverTaken),
    ("130472", OperatorRetry::NextDay),
    ("131049", OperatorRetry::NextDay),
    ("132015", OperatorRetry::Now),
];

/// The code with which Meta refuses a message to whoever wants no more of them: a test compares it with its table.
pub const OPT_OUT_CODE: &str = "131050";

/// Codes that come again whenever the message is sent again.
pub const FINAL_CODES: [&str; 3] = ["100", "131047", "131050"];

/// Whether an operator may send again to people who failed with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorRetry {
    /// Only where the provider never took the message.
    WhereNeverTaken,
    /// Also where it had taken it, at once.
    Now,
    /// Also where it had taken it, a day after the failure.
    NextDay,
    Never,
}

impl OperatorRetry {
    /// By the code that somebody failed with.
    pub fn of(code: &str) -> Self {
        if FINAL_CODES.contains(&code) {
            return Self::Never;
        }
        KNOWN_UNSENT.iter().find(|(known, _)| *known == code).map_or(Self::WhereNeverTaken, |(_, retry)| *retry)
    }

    /// The codes for which this is the rule; those of [`Self::WhereNeverTaken`] are all others.
    pub fn codes(self) -> Vec<&'static str> {
        KNOWN_UNSENT.iter().filter(|(_, retry)| *retry == self).map(|(code, _)| *code).collect()
    }
}

/// Whether a failure with this code means that the message did not arrive, though the provider had taken it.
pub fn is_known_unsent(code: &str) -> bool {
    KNOWN_UNSENT.iter().any(|(known, _)| *known == code)
}

/// Somebody is sent to again by themselves, after a failure that ends others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutomaticRetry {
    /// How often in all.
    pub tries: i32,
    /// How long after the failure.
    pub after: TimeDelta,
}

/// When refusals are retried.
#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// How many times as fast as real time it runs; the spans above are shrunk by it already.
    pub speed: f64,
}

impl Default for RetryRules {
    fn default() -> Self {
        Self {
            max_tries: 3,
            base: TimeDelta::seconds(30),
            cap: TimeDelta::minutes(30),
            not_now_after: TimeDelta::hours(24),
            resend_after: TimeDelta::minutes(5),
            speed: 1.0,
        }
    }
}

/// No pair of numbers waits longer, however often it was refused.
const LONGEST_GROWN: TimeDelta = TimeDelta::hours(1);

impl RetryRules {
    /// How often a refusal with this rule is retried at most.
    pub fn retries_of(&self, retry: CodeRetry) -> i32 {
        match retry {
            CodeRetry::UpTo { tries } => tries.saturating_sub(1).min(self.max_tries),
            _ => self.max_tries,
        }
    }

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

    /// The wait before the next try of a code, which may have a rule of its own.
    pub fn delay_of(&self, retry: CodeRetry, tries: i32, jitter: f64) -> TimeDelta {
        match retry {
            CodeRetry::Growing { base } => {
                let power = u32::try_from(tries).unwrap_or(0).saturating_add(1);
                self.shrunk(TimeDelta::seconds(i64::from(base.saturating_pow(power))).min(LONGEST_GROWN))
            }
            _ => self.delay(tries, jitter),
        }
    }

    /// Whether a code is tried again by itself where its class would end it, and when. `next_day`: the blast tries *not now* again.
    /// Up to a tenth longer than the rule says, so that those who failed together do not come back together.
    pub fn automatic(&self, retry: CodeRetry, next_day: bool, jitter: f64) -> Option<AutomaticRetry> {
        let (tries, after) = match retry {
            CodeRetry::Automatic { tries, after } => (tries, after),
            CodeRetry::OnRequest { after } if next_day && !after.is_zero() => (NEXT_DAY_TRIES, after),
            _ => return None,
        };
        let after = after.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0);
        Some(AutomaticRetry { tries, after: self.shrunk(TimeDelta::from_std(after).ok()?) })
    }

    /// A span of the real world as it is in a rehearsal.
    pub fn shrunk(&self, span: TimeDelta) -> TimeDelta {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "milliseconds of at most days"
        )]
        let milliseconds = (span.num_milliseconds() as f64 / self.speed) as i64;
        TimeDelta::milliseconds(milliseconds)
    }

    /// Waits shrunk for rehearsals against a simulator whose time runs `speed` times as fast.
    #[must_use]
    pub fn scaled(self, speed: f64) -> Self {
        let rules = Self { speed, ..self };
        let shrink = |span| rules.shrunk(span);
        Self {
            max_tries: self.max_tries,
            base: shrink(self.base),
            cap: shrink(self.cap),
            not_now_after: shrink(self.not_now_after),
            resend_after: shrink(self.resend_after),
            speed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;

    use super::{AutomaticRetry, CodeRetry, NEXT_DAY_TRIES, OperatorRetry, RetryRules, is_known_unsent};

    #[test]
    fn a_code_may_allow_fewer_retries_and_never_more() {
        let rules = RetryRules::default();

        assert_eq!(rules.retries_of(CodeRetry::ByClass), 3);
        assert_eq!(rules.retries_of(CodeRetry::UpTo { tries: 3 }), 2, "three tries in all");
        assert_eq!(rules.retries_of(CodeRetry::UpTo { tries: 9 }), 3);
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let rules = RetryRules::default();

        assert_eq!(rules.delay(0, 1.0), TimeDelta::seconds(30));
        assert_eq!(rules.delay(1, 1.0), TimeDelta::seconds(60));
        assert_eq!(rules.delay(60, 1.0), TimeDelta::minutes(30));
        assert_eq!(rules.delay(1, 0.0), TimeDelta::seconds(6));
    }

    #[test]
    fn a_pair_of_numbers_waits_four_seconds_then_sixteen_and_never_longer_than_an_hour() {
        let rules = RetryRules::default();
        let wait = |tries| rules.delay_of(CodeRetry::Growing { base: 4 }, tries, 0.3).num_seconds();

        assert_eq!([wait(0), wait(1), wait(2), wait(3)], [4, 16, 64, 256]);
        assert_eq!([wait(9), wait(i32::MAX), wait(-1)], [3_600, 3_600, 4]);
        let fast = rules.scaled(4.0).delay_of(CodeRetry::Growing { base: 4 }, 0, 0.3);
        assert_eq!(fast, TimeDelta::seconds(1));
    }

    #[test]
    fn only_what_says_so_is_tried_again_by_itself() {
        let rules = RetryRules::default();
        let (hours, day) = (Duration::from_secs(4 * 3_600), Duration::from_secs(24 * 3_600));
        let again = |retry, next_day| rules.automatic(retry, next_day, 0.0);

        let four_hours = AutomaticRetry { tries: 3, after: TimeDelta::hours(4) };
        assert_eq!(again(CodeRetry::Automatic { tries: 3, after: hours }, false), Some(four_hours));
        let next_day = AutomaticRetry { tries: NEXT_DAY_TRIES, after: TimeDelta::hours(24) };
        assert_eq!(again(CodeRetry::OnRequest { after: day }, true), Some(next_day));
        for retry in [CodeRetry::OnRequest { after: Duration::ZERO }, CodeRetry::Never, CodeRetry::ByClass] {
            assert_eq!(again(retry, true), None, "{retry:?}");
        }
        assert_eq!(again(CodeRetry::OnRequest { after: day }, false), None);
    }

    #[test]
    fn an_operator_may_retry_what_is_known_not_to_have_arrived() {
        assert_eq!(OperatorRetry::of("132015"), OperatorRetry::Now);
        assert_eq!(OperatorRetry::of("131049"), OperatorRetry::NextDay);
        assert_eq!(OperatorRetry::of("131026"), OperatorRetry::WhereNeverTaken);
        assert_eq!(OperatorRetry::of("463"), OperatorRetry::WhereNeverTaken);
        assert_eq!(OperatorRetry::of("100"), OperatorRetry::Never);
        assert_eq!(OperatorRetry::NextDay.codes(), ["130472", "131049"]);
        assert!(is_known_unsent("131026") && !is_known_unsent("131051"));
    }
}

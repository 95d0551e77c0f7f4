//! The hours in which a person who wrote may be answered with text, by Meta's rule.

use chrono::{DateTime, TimeDelta, Utc};

/// How long text may be sent after a person's last word.
pub const SESSION: TimeDelta = TimeDelta::hours(24);

/// Whether text may be sent to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionWindow {
    /// They have not written to this number.
    Never,
    Open {
        until: DateTime<Utc>,
    },
    /// It was open until then.
    Over {
        until: DateTime<Utc>,
    },
}

impl SessionWindow {
    /// The window after somebody's last word, as it is now.
    pub fn after(last_word: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        match last_word.map(|at| at + SESSION) {
            None => Self::Never,
            Some(until) if until > now => Self::Open { until },
            Some(until) => Self::Over { until },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_may_be_sent_for_a_day_after_the_last_word_and_not_at_its_end() {
        let at: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
        let until = at + SESSION;

        assert_eq!(SessionWindow::after(None, at), SessionWindow::Never);
        assert_eq!(SessionWindow::after(Some(at), until - TimeDelta::seconds(1)), SessionWindow::Open { until });
        assert_eq!(SessionWindow::after(Some(at), until), SessionWindow::Over { until });
    }
}

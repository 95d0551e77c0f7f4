//! The hours in which a person who wrote may be answered with text, by Meta's rule.

use chrono::{DateTime, TimeDelta, Utc};

use super::text::is_invisible;

/// How long text may be sent after a person's last word.
pub const SESSION: TimeDelta = TimeDelta::hours(24);

/// A reply that quotes nothing answers a message of this age at most.
pub const REPLY_WINDOW: TimeDelta = TimeDelta::days(30);

/// So far the clocks of providers may differ from ours.
const CLOCKS: TimeDelta = TimeDelta::minutes(2);

/// When a message was sent that a reply which quotes nothing may answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnsweredWithin {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// When it was claimed at the latest, by the database's clock.
    pub claimed_by: DateTime<Utc>,
}

impl AnsweredWithin {
    /// Of a reply of this moment.
    pub fn of(at: DateTime<Utc>) -> Self {
        let from = at.checked_sub_signed(REPLY_WINDOW).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let until = at.checked_add_signed(CLOCKS).unwrap_or(at);
        Self { from, until, claimed_by: until }
    }

    /// Of one that was here at this moment, by the database's clock: nothing that was claimed later is what it answers, however late it is
    /// looked at.
    #[must_use]
    pub fn here_at(self, received: DateTime<Utc>) -> Self {
        Self { claimed_by: self.claimed_by.min(received), ..self }
    }
}

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

/// Whether two texts read the same: spaces of any kind and what shows nothing make no difference.
pub fn is_same_text(one: &str, other: &str) -> bool {
    shown(one).eq(shown(other))
}

/// The words, as they show. A no-break space is one, too.
fn shown(text: &str) -> impl Iterator<Item = String> {
    let words = text.split_whitespace().map(|word| word.chars().filter(|&c| !is_invisible(c)).collect::<String>());
    words.filter(|word| !word.is_empty())
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

    #[test]
    fn a_text_with_other_spaces_reads_the_same_and_one_with_other_words_does_not() {
        for same in ["RM 20", " RM 20 ", "RM\u{a0}20", "RM  20\n", "RM 20\u{200b}", "\u{feff}RM 20"] {
            assert!(is_same_text("RM 20", same), "{same:?}");
        }
        for other in ["RM 200", "RM20", "rm 20", "RM 20 each", ""] {
            assert!(!is_same_text("RM 20", other), "{other:?}");
        }
    }
}

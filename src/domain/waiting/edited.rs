//! Reasons that are a blast's own limits: an edit may end them before its engine has read it.

use std::fmt;

use chrono_tz::Tz;

use super::{LimitOwner, Waiting};
use crate::domain::pace::{LimitColumns, UnreadableLimit, Window};

impl Waiting {
    /// Whether it is a limit of the blast's own that the blast has no more: it was reported before the edit.
    pub fn is_ended_by(&self, before: &LimitColumns, after: &LimitColumns) -> bool {
        self.is_limit_of(before) && !self.is_limit_of(after)
    }

    fn is_limit_of(&self, blast: &LimitColumns) -> bool {
        match self {
            Self::Window { window, .. } | Self::DailyCap { hours: Some(window), .. } => has_window(blast, window),
            Self::Rate { rate, whose: LimitOwner::Blast, .. } => is_limit(blast.rate.as_ref(), rate),
            Self::Gap { gap, .. } => is_limit(blast.gap.as_ref(), gap),
            _ => false,
        }
    }
}

/// Whether a blast has these hours, as they are written with their zone: no edit changes that once it has started.
fn has_window(limits: &LimitColumns, written: &str) -> bool {
    let is_written = |Window { hours, days, .. }| written.starts_with(&format!("{hours} {days} ("));
    limits.own_window(Tz::UTC).is_some_and(is_written)
}

fn is_limit<T: fmt::Display>(limit: Option<&Result<T, UnreadableLimit>>, written: &str) -> bool {
    limit.and_then(|limit| limit.as_ref().ok()).is_some_and(|limit| limit.to_string() == written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(window: Option<&str>, rate: Option<&str>, gap: Option<&str>) -> LimitColumns {
        LimitColumns {
            hours: window.map(|text| Ok(text.parse().unwrap())),
            rate: rate.map(|text| Ok(text.parse().unwrap())),
            gap: gap.map(|text| Ok(text.parse().unwrap())),
            ..LimitColumns::default()
        }
    }

    #[test]
    fn an_edit_ends_the_limits_that_it_takes_away_or_changes_and_no_others() {
        let before = limits(Some("23:00-23:30"), Some("20/min"), Some("20s..60s"));
        let zone = chrono_tz::Asia::Kuala_Lumpur;
        let (hours, until) = (before.own_window(zone).unwrap().to_string(), "2026-06-15T15:00:00Z".parse().unwrap());
        let rate = |whose| Waiting::Rate { rate: "20/min".to_owned(), next: None, whose, slowed: 0 };
        let gap = before.gap.as_ref().unwrap().as_ref().unwrap().to_string();
        let own = [
            Waiting::Window { window: hours.clone(), until },
            rate(LimitOwner::Blast),
            Waiting::Gap { gap, next: None, slowed: 0 },
            Waiting::DailyCap { cap: 500, until, hours: Some(hours) },
        ];
        let others = [
            Waiting::Window { window: "09:00 +08".to_owned(), until },
            rate(LimitOwner::Sender),
            Waiting::DailyCap { cap: 500, until, hours: None },
            Waiting::Throttled { until },
        ];

        for after in [limits(None, None, None), limits(Some("22:00-22:30"), Some("30/min"), Some("5s..9s"))] {
            assert!(own.iter().all(|waiting| waiting.is_ended_by(&before, &after)), "{after:?}");
            assert!(!others.iter().any(|waiting| waiting.is_ended_by(&before, &after)), "{after:?}");
        }
        assert!(!own.iter().any(|waiting| waiting.is_ended_by(&before, &before)));
        let slower = limits(Some("23:00-23:30"), Some("10/min"), Some("20s..60s"));
        assert!(!own[0].is_ended_by(&before, &slower) && own[1].is_ended_by(&before, &slower));
    }
}

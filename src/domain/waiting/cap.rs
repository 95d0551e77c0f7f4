//! The daily cap in what an engine reports.

use chrono::{DateTime, Utc};

use super::{Waiting, WaitingReport};

impl WaitingReport {
    /// The daily cap of the sender and when its next day begins, where that is what all that is left to send waits for.
    pub fn used_up_cap(&self, now: DateTime<Utc>) -> Option<(i64, DateTime<Utc>)> {
        match self.sender.as_ref()? {
            Waiting::DailyCap { cap, until, hours: None } if *until > now => Some((*cap, *until)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Waiting, WaitingReport};

    #[test]
    fn a_report_names_the_cap_that_binds_until_its_day_is_over() {
        let (now, next_day) = ("2026-11-30T22:46:00Z".parse().unwrap(), "2026-12-01T16:00:00Z".parse().unwrap());
        let reports = |waiting: Waiting| WaitingReport { sender: Some(waiting), ..WaitingReport::default() };
        let cap =
            |hours: Option<&str>| Waiting::DailyCap { cap: 120, until: next_day, hours: hours.map(str::to_owned) };

        assert_eq!(reports(cap(None)).used_up_cap(now), Some((120, next_day)));
        assert_eq!(reports(cap(None)).used_up_cap(next_day), None);
        // That is the end of a blast's hours, and not that of the day.
        assert_eq!(reports(cap(Some("08:00-09:00 daily"))).used_up_cap(now), None);
        assert_eq!(reports(Waiting::SlowDatabase).used_up_cap(now), None);
        assert_eq!(WaitingReport::default().used_up_cap(now), None);
    }
}

//! Hours for sending as a reason to wait: by whose clocks they are, and when they begin by the reader's.

use std::fmt;

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::Serializer;

use super::Waiting;
use crate::domain::ids::BlastId;
use crate::domain::zone::words::{by_both_clocks, city, has_same_time, there_and_here, time_there};

/// A time of everybody's own clock in JSON, as that of the blast is: `10:00`.
#[expect(clippy::ref_option, reason = "serde hands the field over like this")]
pub(super) fn clock_time<S: Serializer>(time: &Option<NaiveTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&time.format("%H:%M")),
        None => serializer.serialize_none(),
    }
}

/// What opens a blast's closed hours, and when it sends without them: at any hour, or at everybody's own time where it has one.
pub(super) fn without_hours(blast: BlastId, own_time: Option<NaiveTime>) -> String {
    let when =
        own_time.map_or_else(|| "any hour".to_owned(), |time| format!("everyone's own {}", time.format("%H:%M")));
    format!(
        "`blastdeck blast edit {blast} --clear window,weekdays` has it send at {when}; without `--yes` it asks for the number of \
         people first"
    )
}

impl Waiting {
    /// What a person can do about it, if anything, for a blast that may have everybody's own time, and its sender.
    pub fn mend_with(&self, (blast, own_time): (BlastId, Option<NaiveTime>), sender: &str) -> Option<String> {
        match self {
            Self::Window { .. } => Some(without_hours(blast, own_time)),
            _ => self.mend(blast, sender),
        }
    }

    /// The sentence for somebody who reads times in a zone; `clock` formats one as the face does. Hours by other clocks than the
    /// reader's say whose they are, and when they begin by both.
    pub fn sentence_in(&self, zone: Tz, clock: impl Fn(DateTime<Utc>) -> String) -> String {
        match self {
            Self::Window { window, until } => {
                let (HoursWords { hours, .. }, here) = (HoursWords::of(window, *until, zone), clock(*until));
                let begins = zone_elsewhere(window, *until, zone).map(|there| {
                    let (there, here) = there_and_here(*until, (there, zone), &here);
                    format!("{there} there ({here} here)")
                });
                format!("waits for: its hours, {hours}, until {}", begins.unwrap_or(here))
            }
            // Whose clock shows their own time then is not known; where the reader's shows another one, it is said to be theirs.
            Self::OwnTime { time, until, .. } if *time != Some(until.with_timezone(&zone).time()) => {
                let sentence = self.sentence(clock);
                // A face that says it by both clocks has said so already.
                if sentence.ends_with(" here)") { sentence } else { format!("{sentence} here") }
            }
            _ => self.sentence(clock),
        }
    }

    /// The same of a blast that goes by the clocks `there`: the day of a cap is that of these, as hours are. Where the reader's show another
    /// time, its end is said by both.
    pub fn sentence_by(&self, (there, zone): (Option<Tz>, Tz), clock: impl Fn(DateTime<Utc>) -> String) -> String {
        self.sentence_in(zone, |at| match self {
            Self::DailyCap { .. } => by_both_clocks(at, (there, zone), &clock(at)),
            _ => clock(at),
        })
    }

    /// The same within a line, where hours by other clocks take more, and those behind a daily cap.
    pub fn brief_in(&self, zone: Tz, clock: impl Fn(DateTime<Utc>) -> String) -> String {
        if let Self::DailyCap { until, hours: Some(_), .. } = self {
            return format!("waits for the daily cap and its hours, until {}", clock(*until));
        }
        let Self::Window { window, until } = self else { return self.sentence_in(zone, clock) };
        let here = clock(*until);
        match zone_elsewhere(window, *until, zone) {
            Some(there) => {
                format!("waits for its hours: {}", by_both_clocks(*until, (Some(there), zone), &here))
            }
            None => format!("waits for its hours, until {here}"),
        }
    }

    /// The end of the hours alone, by the reader's clock, or of a daily cap with hours behind it; nothing of other waits.
    pub fn shortest_in(&self, zone: Tz, clock: impl Fn(DateTime<Utc>) -> String) -> Option<String> {
        if let Self::DailyCap { until, hours: Some(_), .. } = self {
            return Some(format!("waits until {}", clock(*until)));
        }
        let Self::Window { window, until } = self else { return None };
        let whose = if zone_elsewhere(window, *until, zone).is_some() { " here" } else { "" };
        Some(format!("waits until {}{whose}", clock(*until)))
    }
}

/// Hours for somebody who reads times in a zone.
pub struct HoursWords {
    /// `09:00-21:00 daily`, by other clocks than the reader's with `in Kuala Lumpur`.
    pub hours: String,
    /// When they begin by those clocks, where the reader's show another time.
    pub begins_there: Option<String>,
}

impl HoursWords {
    /// Of a window as it is written, which opens at a moment.
    pub fn of(window: &str, opens: DateTime<Utc>, zone: Tz) -> Self {
        let words = WindowWords::of(window);
        match zone_elsewhere(window, opens, zone) {
            Some(there) => Self { hours: words.to_string(), begins_there: Some(time_there(opens, there, zone)) },
            None => Self { hours: words.hours.to_owned(), begins_there: None },
        }
    }
}

/// Hours for a plan: by other clocks than the reader's with the time there.
pub fn hours_of_plan(window: &str, now: DateTime<Utc>, zone: Tz) -> String {
    let HoursWords { hours, begins_there: there } = HoursWords::of(window, now, zone);
    there.map_or(hours.clone(), |there| format!("{hours}, where it is {there} now"))
}

/// The same with the zone's city, whatever the reader's clocks show: on a server that runs by UTC they agree with hours that are by it, too.
pub fn hours_with_city(window: &str, now: DateTime<Utc>, zone: Tz) -> String {
    let hours = WindowWords::of(window).to_string();
    let there = HoursWords::of(window, now, zone).begins_there;
    there.map_or(hours.clone(), |there| format!("{hours}, where it is {there} now"))
}

/// The zone of a window, where its clocks show another time than the reader's.
fn zone_elsewhere(window: &str, at: DateTime<Utc>, zone: Tz) -> Option<Tz> {
    WindowWords::of(window).zone.filter(|there| !has_same_time(*there, zone, at))
}

/// A window as it is written, `09:00-21:00 daily (Asia/Kuala_Lumpur)`, in its parts.
pub(super) struct WindowWords<'a> {
    hours: &'a str,
    zone: Option<Tz>,
}

impl<'a> WindowWords<'a> {
    pub(super) fn of(window: &'a str) -> Self {
        let (hours, zone) = window.split_once(" (").unwrap_or((window, ""));
        Self { hours, zone: zone.trim_end_matches(')').parse().ok() }
    }
}

impl fmt::Display for WindowWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.zone {
            Some(zone) => write!(f, "{} in {}", self.hours, city(zone)),
            None => f.write_str(self.hours),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;
    use chrono_tz::Asia::{Kuala_Lumpur, Singapore};
    use chrono_tz::Tz;

    use super::{Waiting, hours_with_city};

    #[test]
    fn the_hours_of_a_plan_have_their_city_also_where_the_readers_clocks_are_the_same() {
        let now = "2026-11-30T22:28:00Z".parse().unwrap();
        let hours = |window: &str, zone: Tz| hours_with_city(window, now, zone);

        assert_eq!(hours("09:00-21:00 daily (Etc/UTC)", Tz::UTC), "09:00-21:00 daily in UTC");
        let there = "09:00-21:00 daily (Asia/Kuala_Lumpur)";
        assert_eq!(hours(there, Singapore), "09:00-21:00 daily in Kuala Lumpur");
        assert_eq!(hours(there, Tz::UTC), "09:00-21:00 daily in Kuala Lumpur, where it is 1 Dec 06:28 now");
        let own = "09:00-21:00 daily, by the clock of each person's own zone";
        assert_eq!(hours(own, Tz::UTC), own);
    }

    #[test]
    fn hours_by_other_clocks_than_the_readers_say_whose_they_are_and_when_they_begin_by_both() {
        let until = "2026-11-23T01:00:00Z".parse().unwrap();
        let hours = Waiting::Window { window: "09:00-21:00 daily (Asia/Kuala_Lumpur)".to_owned(), until };
        let says = |zone: Tz| hours.sentence_in(zone, |at| at.with_timezone(&zone).format("%-d %b %H:%M").to_string());

        assert_eq!(
            says(Tz::UTC),
            "waits for: its hours, 09:00-21:00 daily in Kuala Lumpur, until 23 Nov 09:00 there (01:00 here)"
        );
        assert_eq!(
            says(Tz::America__New_York),
            "waits for: its hours, 09:00-21:00 daily in Kuala Lumpur, until 23 Nov 09:00 there (22 Nov 20:00 here)"
        );
        for same in [Kuala_Lumpur, Singapore] {
            assert_eq!(says(same), "waits for: its hours, 09:00-21:00 daily, until 23 Nov 09:00");
        }
        let brief = hours.brief_in(Tz::UTC, |at| at.format("%-d %b %H:%M").to_string());
        assert_eq!(brief, "waits for its hours: 23 Nov 09:00 in Kuala Lumpur (01:00 here)");
    }

    #[test]
    fn a_daily_cap_with_hours_behind_it_says_its_end_within_a_line() {
        let until = "2026-12-01T18:00:00Z".parse().unwrap();
        let hours = Some("02:00-03:30 daily (Asia/Kuala_Lumpur)".to_owned());
        let wait = Waiting::DailyCap { cap: 600, until, hours };
        let clock =
            |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&Kuala_Lumpur).format("%-d %b %H:%M").to_string();

        assert_eq!(wait.brief_in(Kuala_Lumpur, clock), "waits for the daily cap and its hours, until 2 Dec 02:00");
        assert_eq!(wait.shortest_in(Kuala_Lumpur, clock).as_deref(), Some("waits until 2 Dec 02:00"));
    }

    #[test]
    fn the_end_of_a_daily_cap_is_said_by_both_clocks_where_the_readers_show_another_time() {
        let says = |until: &str, hours: Option<&str>, zone: Tz| {
            let until = until.parse().unwrap();
            let wait = Waiting::DailyCap { cap: 120, until, hours: hours.map(str::to_owned) };
            wait.sentence_by((Some(Kuala_Lumpur), zone), |at| {
                at.with_timezone(&zone).format("%-d %b %H:%M").to_string()
            })
        };
        let (midnight, morning) = ("2026-12-01T16:00:00Z", "2026-12-02T00:00:00Z");
        let hours = Some("08:00-09:00 daily (Asia/Kuala_Lumpur)");

        assert_eq!(
            says(midnight, None, Tz::UTC),
            "waits for: the daily cap, 120 a day, until 2 Dec 00:00 in Kuala Lumpur (1 Dec 16:00 here)"
        );
        assert_eq!(
            says(morning, hours, Tz::UTC),
            "waits for: the daily cap, 120 a day, and then its hours, 08:00-09:00 daily in Kuala Lumpur, until 2 Dec 08:00 \
             in Kuala Lumpur (00:00 here)"
        );
        assert_eq!(says(midnight, None, Singapore), "waits for: the daily cap, 120 a day, until 2 Dec 00:00");
    }

    #[test]
    fn everyones_own_time_says_when_the_next_ones_comes_by_whose_clock() {
        let until = "2026-11-23T02:00:00Z".parse().unwrap();
        let says = |time: Option<NaiveTime>, zone: Tz| {
            let own = Waiting::OwnTime { people: 15, time, until };
            own.sentence_in(zone, |at| at.with_timezone(&zone).format("%H:%M").to_string())
        };
        let ten = NaiveTime::from_hms_opt(10, 0, 0);

        assert_eq!(says(ten, Tz::UTC), "waits for: everyone's own 10:00, 15 left, next 02:00 here");
        assert_eq!(says(None, Tz::UTC), "waits for: everyone's own hours, 15 left, next 02:00 here");
        assert_eq!(says(ten, Singapore), "waits for: everyone's own 10:00, 15 left, next 10:00");

        let own = Waiting::OwnTime { people: 15, time: ten, until };
        let both = own.sentence_in(Tz::UTC, |_| "10:00 in Kuala Lumpur (02:00 here)".to_owned());
        assert_eq!(both, "waits for: everyone's own 10:00, 15 left, next 10:00 in Kuala Lumpur (02:00 here)");
    }
}

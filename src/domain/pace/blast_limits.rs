//! A blast's own limits: what its row says, and how that combines with its sender's limits.

use std::fmt;

use chrono_tz::Tz;

use super::{Gap, Hours, Limits, Rate, Weekdays, Window};
use crate::domain::zone;

/// One limit of a blast's row: `None` where the blast has none of its own.
pub type LimitColumn<T> = Option<Result<T, UnreadableLimit>>;

/// A limit whose text cannot be read, because somebody edited the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its `{column}` cannot be read: {why}")]
pub struct UnreadableLimit {
    pub column: &'static str,
    pub why: String,
}

/// The limits in a blast's row. While one of them cannot be read, nobody of the blast is sent to: without the limit that was
/// meant it would send too early or too fast.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitColumns {
    pub rate: LimitColumn<Rate>,
    pub gap: LimitColumn<Gap>,
    pub hours: LimitColumn<Hours>,
    pub weekdays: LimitColumn<Weekdays>,
    /// Of hours and weekdays; the sender's where the blast has none.
    pub zone: LimitColumn<Tz>,
}

/// A blast's own limits, which narrow its sender's.
#[derive(Debug, Clone)]
pub struct BlastLimits {
    pub limits: Limits,
    pub window: Option<Window>,
}

/// In [`LimitColumns::words`] of a blast without hours or weekdays of its own.
const ANY_HOUR: &str = "any hour";

/// The hours and weekdays that a logged change of limits dropped: `09:00-21:00 mon-fri` of
/// `any hour, 1s..2s; before: 09:00-21:00 mon-fri, 1s..2s`. `None` where it dropped none.
pub fn dropped_hours(change: &str) -> Option<&str> {
    let (after, before) = change.split_once("; before: ")?;
    let (after, _) = after.rsplit_once(", ")?;
    let (before, _) = before.rsplit_once(", ")?;
    (after == ANY_HOUR && before != ANY_HOUR).then_some(before)
}

impl LimitColumns {
    /// The zone of its own hours.
    pub fn own_zone(&self) -> Option<Tz> {
        self.zone.as_ref().and_then(|zone| zone.as_ref().ok()).copied()
    }

    /// Its own hours, by its own zone or else by this one; `None` where it has none, or they cannot be read.
    pub fn own_window(&self, zone: Tz) -> Option<Window> {
        self.under(&Limits::none(zone)).ok()?.window
    }

    /// Its hours and days, then its gap and rate: `09:00-21:00 mon-fri, 1s..2s`, `any hour, no pace of its own`.
    pub fn words(&self) -> String {
        fn text<T: fmt::Display>(limit: Option<&Result<T, UnreadableLimit>>) -> Option<String> {
            limit.and_then(|limit| limit.as_ref().ok()).map(ToString::to_string)
        }
        let or = |words: Vec<String>, none: &str| if words.is_empty() { none.to_owned() } else { words.join(" ") };
        let hours = text(self.hours.as_ref()).into_iter().chain(text(self.weekdays.as_ref())).collect();
        let pace = text(self.gap.as_ref()).into_iter().chain(text(self.rate.as_ref())).collect();
        format!("{}, {}", or(hours, ANY_HOUR), or(pace, "no pace of its own"))
    }

    /// Reads each column's text, by its name in the table `blasts`.
    pub fn read<'a, E>(text: impl Fn(&'static str) -> Result<Option<&'a str>, E>) -> Result<Self, E> {
        Ok(Self {
            rate: read("rate", text("rate")?, str::parse),
            gap: read("gap", text("gap")?, str::parse),
            hours: read("send_window", text("send_window")?, str::parse),
            weekdays: read("weekdays", text("weekdays")?, str::parse),
            zone: read("timezone", text("timezone")?, zone::parse),
        })
    }

    /// All of them, in the sender's zone and at its speed. Fails with the first that cannot be read.
    pub fn under(&self, sender: &Limits) -> Result<BlastLimits, UnreadableLimit> {
        let (hours, days) = (readable(self.hours.as_ref())?, readable(self.weekdays.as_ref())?);
        let zone = readable(self.zone.as_ref())?.unwrap_or(sender.zone);
        let window = (hours.is_some() || days.is_some()).then(|| Window {
            hours: hours.unwrap_or(Hours::ALL_DAY),
            days: days.unwrap_or(Weekdays::DAILY),
            zone,
        });
        let (rate, gap) = (readable(self.rate.as_ref())?.unwrap_or(Rate::Unlimited), readable(self.gap.as_ref())?);
        let limits = Limits { rate, gap, daily_cap: None, zone, speed: sender.speed };
        Ok(BlastLimits { limits, window })
    }

    /// The first one that cannot be read.
    pub fn unreadable(&self) -> Option<UnreadableLimit> {
        self.under(&Limits::none(Tz::UTC)).err()
    }
}

fn read<T, E: fmt::Display>(
    column: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> LimitColumn<T> {
    text.map(|text| parse(text).map_err(|error| UnreadableLimit { column, why: error.to_string() }))
}

fn readable<T: Copy>(column: Option<&Result<T, UnreadableLimit>>) -> Result<Option<T>, UnreadableLimit> {
    column.cloned().transpose()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{LimitColumns, Limits, Rate, dropped_hours};

    fn columns(of: fn(&str) -> Option<&'static str>) -> LimitColumns {
        LimitColumns::read(|column| Ok::<_, Infallible>(of(column))).unwrap()
    }

    #[test]
    fn a_blast_is_limited_by_its_own_columns_in_its_senders_zone() {
        let own = columns(|column| match column {
            "gap" => Some("20s..60s"),
            "send_window" => Some("09:00-21:00"),
            _ => None,
        });

        let limits = own.under(&Limits::none(chrono_tz::Asia::Tokyo)).unwrap();

        assert_eq!((limits.limits.rate, limits.limits.gap.unwrap().to_string()), (Rate::Unlimited, "20s..1m".into()));
        assert_eq!(limits.window.unwrap().to_string(), "09:00-21:00 daily (Asia/Tokyo)");
        assert_eq!(own.unreadable(), None);
    }

    #[test]
    fn hours_that_a_change_dropped_are_read_from_what_was_logged_of_it() {
        let dropped = "any hour, no pace of its own; before: 09:00-21:00 mon,wed, 20s..60s 80/h";
        assert_eq!(dropped_hours(dropped), Some("09:00-21:00 mon,wed"));
        assert_eq!(dropped_hours("any hour, 1s..2s; before: any hour, no pace of its own"), None);
        assert_eq!(dropped_hours("10:00-12:00, 1s..2s; before: 09:00-21:00, 1s..2s"), None);
        assert_eq!(dropped_hours(""), None);
    }

    #[test]
    fn a_limit_that_cannot_be_read_leaves_no_limits_to_send_by() {
        for (column, text) in
            [("rate", "soon"), ("gap", "10 to 20"), ("send_window", "22-25"), ("weekdays", "x"), ("timezone", "Mars")]
        {
            let own = LimitColumns::read(|name| Ok::<_, Infallible>(Some(text).filter(|_| name == column))).unwrap();

            let error = own.under(&Limits::none(chrono_tz::Asia::Tokyo)).unwrap_err();

            assert_eq!(error.column, column);
            let words = error.to_string();
            assert!(words.starts_with(&format!("its `{column}` cannot be read: `{text}`")), "{words}");
        }
    }
}

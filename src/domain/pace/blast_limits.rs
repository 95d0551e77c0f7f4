//! A blast's own limits: what its row says, and what that comes to beside its sender's limits.

use std::fmt;

use chrono_tz::Tz;

use super::{Gap, Hours, Limits, Rate, Weekdays, Window};
use crate::domain::zone;

/// One limit of a blast's row: `None` where the blast has none of its own.
pub type LimitColumn<T> = Option<Result<T, UnreadableLimit>>;

/// A limit whose text cannot be read, because somebody edited the row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{column}: {why}")]
pub struct UnreadableLimit {
    pub column: &'static str,
    pub why: String,
}

/// The limits in a blast's row. Each is read on its own: one that cannot be read limits nothing and holds nothing up.
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

impl LimitColumns {
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

    /// What can be read of them, in the sender's zone and at its speed.
    pub fn beside(&self, sender: &Limits) -> BlastLimits {
        let zone = readable(self.zone.as_ref()).unwrap_or(sender.zone);
        let (hours, days) = (readable(self.hours.as_ref()), readable(self.weekdays.as_ref()));
        let window = (hours.is_some() || days.is_some()).then(|| Window {
            hours: hours.unwrap_or(Hours::ALL_DAY),
            days: days.unwrap_or(Weekdays::DAILY),
            zone,
        });
        let rate = readable(self.rate.as_ref()).unwrap_or(Rate::Unlimited);
        let limits = Limits { rate, gap: readable(self.gap.as_ref()), daily_cap: None, zone, speed: sender.speed };
        BlastLimits { limits, window }
    }

    /// Those that cannot be read.
    pub fn unreadable(&self) -> impl Iterator<Item = &UnreadableLimit> {
        let errors = [
            error(self.rate.as_ref()),
            error(self.gap.as_ref()),
            error(self.hours.as_ref()),
            error(self.weekdays.as_ref()),
            error(self.zone.as_ref()),
        ];
        errors.into_iter().flatten()
    }
}

fn read<T, E: fmt::Display>(
    column: &'static str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
) -> LimitColumn<T> {
    text.map(|text| parse(text).map_err(|error| UnreadableLimit { column, why: error.to_string() }))
}

fn readable<T: Copy>(column: Option<&Result<T, UnreadableLimit>>) -> Option<T> {
    column?.as_ref().ok().copied()
}

fn error<T>(column: Option<&Result<T, UnreadableLimit>>) -> Option<&UnreadableLimit> {
    column?.as_ref().err()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{LimitColumns, Limits};

    #[test]
    fn a_limit_that_cannot_be_read_leaves_the_others_in_force() {
        let columns = LimitColumns::read(|column| {
            Ok::<_, Infallible>(match column {
                "rate" => Some("soon"),
                "gap" => Some("20s..60s"),
                "send_window" => Some("09:00-21:00"),
                "timezone" => Some("Mars/Olympus"),
                _ => None,
            })
        })
        .unwrap();

        let own = columns.beside(&Limits::none(chrono_tz::Asia::Tokyo));

        let bad: Vec<_> = columns.unreadable().map(|bad| bad.column).collect();
        assert_eq!(bad, ["rate", "timezone"]);
        assert_eq!(
            (own.limits.rate.to_string(), own.limits.gap.unwrap().to_string()),
            ("unlimited".into(), "20s..1m".into())
        );
        assert_eq!(own.window.unwrap().to_string(), "09:00-21:00 daily (Asia/Tokyo)");
    }
}

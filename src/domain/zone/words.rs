//! Time zones in words: for people who read a time by one clock while it is meant by another.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

/// What people call a zone: `Kuala Lumpur` for `Asia/Kuala_Lumpur`.
pub fn city(zone: Tz) -> String {
    let name = zone.name();
    name.rsplit_once('/').map_or(name, |(_, city)| city).replace('_', " ")
}

/// Whether the clocks of two zones show the same at a moment.
pub fn has_same_time(one: Tz, other: Tz, at: DateTime<Utc>) -> bool {
    at.with_timezone(&one).naive_local() == at.with_timezone(&other).naive_local()
}

/// A moment by the clocks of a zone, for somebody in another one: `09:00`, with its day where that is another one here.
pub fn time_there(at: DateTime<Utc>, there: Tz, here: Tz) -> String {
    let local = at.with_timezone(&there);
    let is_same_day = local.date_naive() == at.with_timezone(&here).date_naive();
    local.format(if is_same_day { "%H:%M" } else { "%-d %b %H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::{city, time_there};

    #[test]
    fn a_zone_is_called_by_its_city_and_a_time_there_has_its_day_where_that_differs() {
        assert_eq!(city(Tz::America__Argentina__Buenos_Aires), "Buenos Aires");
        assert_eq!(city(Tz::UTC), "UTC");
        let at = "2026-11-22T20:00:00Z".parse().unwrap();
        assert_eq!(time_there(at, Tz::Asia__Kuala_Lumpur, Tz::UTC), "23 Nov 04:00");
        assert_eq!(time_there(at, Tz::Europe__Berlin, Tz::UTC), "21:00");
    }
}

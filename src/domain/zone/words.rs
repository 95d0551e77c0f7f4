//! Time zones in words: for people who read a time by one clock while it is meant by another.

use chrono::{DateTime, Datelike, Utc};
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

/// A moment for somebody in one zone that is meant by the clocks of another: `09:00 in Kuala Lumpur (01:00 here)`, and `09:00` where
/// both show the same. `here` is what it is by the reader's, as the face shows it; a day in it stands before the first time.
pub fn by_both_clocks(at: DateTime<Utc>, (there, here_zone): (Option<Tz>, Tz), here: &str) -> String {
    match there.filter(|there| !has_same_time(*there, here_zone, at)) {
        None => here.to_owned(),
        Some(there) => {
            let (first, here) = there_and_here(at, (there, here_zone), here);
            format!("{first} in {} ({here} here)", city(there))
        }
    }
}

/// The two times of that: `21 Nov 09:00` and `01:00`. Where they are on different days, each has its own.
pub fn there_and_here(at: DateTime<Utc>, (there, here_zone): (Tz, Tz), here: &str) -> (String, String) {
    let (local, own) = (at.with_timezone(&there), at.with_timezone(&here_zone));
    match (here.rsplit_once(' '), local.date_naive() == own.date_naive()) {
        (Some((day, time)), true) => (format!("{day} {}", local.format("%H:%M")), time.to_owned()),
        // Today has no day here: behind the day of the other clocks, the time alone would be read as one of that day.
        (None, false) => (time_there(at, there, here_zone), format!("{} {here}", own.format("%-d %b"))),
        _ => (time_there(at, there, here_zone), here.to_owned()),
    }
}

/// A moment by the reader's clocks, and by those that it is meant by: `01:00 here (09:00 in Kuala Lumpur)`. For a line that goes on by the
/// reader's.
pub fn by_own_clocks_first(at: DateTime<Utc>, zones: (Option<Tz>, Tz), here: &str) -> String {
    time_elsewhere(at, zones).map_or_else(|| here.to_owned(), |there| format!("{here} here ({there})"))
}

/// The first half of it, `09:00 in Kuala Lumpur`; `None` where both clocks show the same.
pub fn time_elsewhere(at: DateTime<Utc>, (there, here): (Option<Tz>, Tz)) -> Option<String> {
    let there = there.filter(|there| !has_same_time(*there, here, at))?;
    Some(format!("{} in {}", time_there(at, there, here), city(there)))
}

/// A moment by the clocks of a zone with its weekday, `Tue 1 Dec 09:00`; with the year where that is another one now.
pub fn day_and_time(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> String {
    let local = at.with_timezone(&zone);
    let is_this_year = local.year() == now.with_timezone(&zone).year();
    local.format(if is_this_year { "%a %-d %b %H:%M" } else { "%a %-d %b %Y %H:%M" }).to_string()
}

/// When something starts that goes by the clocks of one zone, for somebody in another one: `Tue 1 Dec 09:00 Asia/Kuala_Lumpur
/// (01:00 UTC)`, without the second where both clocks show the same.
pub fn start_words(at: DateTime<Utc>, (there, here): (Tz, Tz), now: DateTime<Utc>) -> String {
    let start = format!("{} {there}", day_and_time(at, there, now));
    if has_same_time(there, here, at) { start } else { format!("{start} ({} {here})", time_there(at, here, there)) }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::{by_both_clocks, by_own_clocks_first, city, start_words, time_there};

    #[test]
    fn a_start_has_its_weekday_and_its_zone_and_the_readers_time_where_that_differs() {
        let at = "2026-12-01T01:00:00Z".parse().unwrap();
        let says = |there, here| start_words(at, (there, here), "2026-11-23T00:00:00Z".parse().unwrap());

        let own = "Tue 1 Dec 09:00 Asia/Kuala_Lumpur";
        assert_eq!(says(Tz::Asia__Kuala_Lumpur, Tz::Asia__Kuala_Lumpur), own);
        assert_eq!(says(Tz::Asia__Kuala_Lumpur, Tz::Asia__Singapore), own);
        assert_eq!(says(Tz::Asia__Kuala_Lumpur, Tz::UTC), format!("{own} (01:00 UTC)"));
        let west = "Mon 30 Nov 20:00 America/New_York (1 Dec 01:00 UTC)";
        assert_eq!(says(Tz::America__New_York, Tz::UTC), west);
        let next_year = start_words(at, (Tz::UTC, Tz::UTC), "2025-11-23T00:00:00Z".parse().unwrap());
        assert_eq!(next_year, "Tue 1 Dec 2026 01:00 UTC");
    }

    #[test]
    fn a_moment_that_is_meant_by_other_clocks_than_the_readers_is_told_by_both() {
        let at = "2026-12-01T01:00:00Z".parse().unwrap();
        let says = |there| by_both_clocks(at, (there, Tz::UTC), "1 Dec 01:00");

        assert_eq!(says(Some(Tz::Asia__Kuala_Lumpur)), "1 Dec 09:00 in Kuala Lumpur (01:00 here)");
        assert_eq!(says(Some(Tz::America__New_York)), "30 Nov 20:00 in New York (1 Dec 01:00 here)");
        assert_eq!([says(Some(Tz::Africa__Abidjan)), says(None)], ["1 Dec 01:00", "1 Dec 01:00"]);
        let today = by_both_clocks(at, (Some(Tz::Asia__Kuala_Lumpur), Tz::UTC), "01:00");
        assert_eq!(today, "09:00 in Kuala Lumpur (01:00 here)");
        let midnight = "2026-11-30T16:00:00Z".parse().unwrap();
        let tonight = by_both_clocks(midnight, (Some(Tz::Asia__Kuala_Lumpur), Tz::UTC), "16:00");
        assert_eq!(tonight, "1 Dec 00:00 in Kuala Lumpur (30 Nov 16:00 here)");
        let own_first = |there| by_own_clocks_first(at, (there, Tz::UTC), "1 Dec 01:00");
        assert_eq!(own_first(Some(Tz::Asia__Kuala_Lumpur)), "1 Dec 01:00 here (09:00 in Kuala Lumpur)");
        assert_eq!(own_first(None), "1 Dec 01:00");
    }

    #[test]
    fn a_zone_is_called_by_its_city_and_a_time_there_has_its_day_where_that_differs() {
        assert_eq!(city(Tz::America__Argentina__Buenos_Aires), "Buenos Aires");
        assert_eq!(city(Tz::UTC), "UTC");
        let at = "2026-11-22T20:00:00Z".parse().unwrap();
        assert_eq!(time_there(at, Tz::Asia__Kuala_Lumpur, Tz::UTC), "23 Nov 04:00");
        assert_eq!(time_there(at, Tz::Europe__Berlin, Tz::UTC), "21:00");
    }
}

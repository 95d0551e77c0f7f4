//! Time zones and days as people type them.

pub mod words;

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use thiserror::Error;

use super::text::{clean, nearest};

/// The text is not a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a time zone: {}", match nearest {
    Some(zone) => format!("did you mean {zone}?"),
    None => "write one such as Asia/Kuala_Lumpur".to_owned(),
})]
pub struct ZoneError {
    text: String,
    nearest: Option<&'static str>,
}

/// Reads a zone by its name in the tz database, such as `Asia/Kuala_Lumpur`, in any case.
pub fn parse(text: &str) -> Result<Tz, ZoneError> {
    let text = text.trim();
    let known = TZ_VARIANTS.into_iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
    known.ok_or_else(|| ZoneError { text: clean(text).chars().take(40).collect(), nearest: meant(text) })
}

/// Reads a day, such as `2026-12-01`.
pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    let day = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok().filter(|day| (1..=9_999).contains(&day.year()));
    day.ok_or_else(|| format!("`{}` is not a valid date: write year, month and day, such as 2026-12-01", clean(text)))
}

/// The first moment of a day in a time zone, also where midnight is skipped.
pub fn begins(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    zone.from_local_datetime(&midnight).earliest().map(|at| at.to_utc())
}

/// The zone that was meant: a city without its continent, or a slip of the fingers.
fn meant(text: &str) -> Option<&'static str> {
    let text = text.replace(' ', "_");
    let city = text.rsplit('/').next().unwrap_or(&text);
    // `Etc/GMT+8` is eight hours *behind*: whoever writes GMT+8 means the opposite.
    let names = || TZ_VARIANTS.iter().map(|zone| zone.name()).filter(|name| !name.starts_with("Etc/"));
    let same_city = names().find(|name| name.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(city)));
    // Of short texts (`GMT+8`, `Mars`) every zone with few letters is near, and none was meant.
    same_city.or_else(|| nearest(&text, names()).filter(|_| text.len() > 5))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn a_zone_that_is_none_names_the_one_that_was_meant() {
        let said = |text: &str| parse(text).unwrap_err().to_string();

        assert_eq!(said("Kuala Lumpur"), "`Kuala Lumpur` is not a time zone: did you mean Asia/Kuala_Lumpur?");
        assert_eq!(said("Asia/Kuala_Lumpr"), "`Asia/Kuala_Lumpr` is not a time zone: did you mean Asia/Kuala_Lumpur?");
        for text in ["Mars", "GMT+8", "+08:00", "", "Asia\u{1b}[2J"] {
            let said = said(text);
            assert!(said.ends_with("write one such as Asia/Kuala_Lumpur") && !said.contains('\u{1b}'), "{said}");
        }
        assert_eq!(parse("asia/kuala_lumpur").unwrap(), chrono_tz::Asia::Kuala_Lumpur);
    }
}

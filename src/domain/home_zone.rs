//! The zone that somebody lives in: what their row says, else their country's, where all of it has one time.

use chrono_tz::Tz;
use thiserror::Error;

use super::phone::{Phone, region_of};
use super::zone;

mod countries;

use countries::COUNTRIES;

/// Why nobody knows which zone somebody lives in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum HomeZoneError {
    #[error("`{0}` is not a time zone")]
    NotAZone(String),
    /// By its code.
    #[error("{0} has several")]
    Several(String),
    #[error("the number is of no country")]
    NoCountry,
}

/// The zone of somebody with this number, and this in the column `timezone`.
pub fn home_zone(phone: &Phone, column: Option<&str>) -> Result<Tz, HomeZoneError> {
    if let Some(text) = column.map(str::trim).filter(|text| !text.is_empty()) {
        let shown = || HomeZoneError::NotAZone(super::text::clean(text).chars().take(40).collect());
        return zone::parse(text).map_err(|_| shown());
    }
    let country = region_of(phone.as_str()).ok_or(HomeZoneError::NoCountry)?.to_string();
    country_zone(&country).ok_or(HomeZoneError::Several(country))
}

/// The zone of a country, by its code, where all of it has one time.
pub fn country_zone(country: &str) -> Option<Tz> {
    let known = COUNTRIES.iter().find(|(code, _)| *code == country);
    known.and_then(|(_, zone)| zone.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: &str, column: Option<&str>) -> Result<String, String> {
        let phone = Phone::parse(number, "MY".parse().unwrap()).unwrap();
        home_zone(&phone, column).map(|zone| zone.name().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_column_counts_and_else_a_country_that_has_one_time() {
        assert_eq!(of("+60123456789", None).unwrap(), "Asia/Kuala_Lumpur");
        assert_eq!(of("+6591234567", Some(" ")).unwrap(), "Asia/Singapore");
        assert_eq!(of("+4915112345678", None).unwrap(), "Europe/Berlin");
        assert_eq!(of("+60123456789", Some("europe/london")).unwrap(), "Europe/London");
        assert_eq!(of("+12125550123", Some("America/New_York")).unwrap(), "America/New_York");
    }

    #[test]
    fn a_country_with_several_and_a_word_that_is_no_zone_are_not_guessed() {
        assert_eq!(of("+12125550123", None).unwrap_err(), "US has several");
        assert_eq!(of("+6281234567890", None).unwrap_err(), "ID has several");
        assert_eq!(of("+60123456789", Some("KL")).unwrap_err(), "`KL` is not a time zone");
    }

    #[test]
    fn every_zone_of_the_table_is_known_and_the_codes_are_in_order() {
        for (code, zone) in COUNTRIES {
            assert!(zone.parse::<Tz>().is_ok(), "{code}: {zone}");
        }
        assert!(COUNTRIES.is_sorted_by_key(|(code, _)| *code));
    }
}

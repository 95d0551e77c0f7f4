//! Zones that nobody may have meant: what `TZ` says, where that is no zone, and a sender's that its region does not have.

use std::ffi::{OsStr, OsString};

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::{Config, SenderConfig, ValueSource, zone_named};
use crate::domain::home_zone::country_zone;
use crate::domain::zone::words::has_same_time;

/// Why times are not in the zone that this shell is set to; `None` where they are, or where the configuration says which zone it is.
pub(super) fn zone_doubt(config: &Config) -> Option<String> {
    doubt_of(config, std::env::var_os("TZ"))
}

/// One such as `MYT-8` says how far the clock is from UTC, and not where it is.
fn doubt_of(config: &Config, tz: Option<OsString>) -> Option<String> {
    // The machine's own, also where its file does not say which that is.
    let tz = tz.filter(|tz| !matches!(tz.to_str(), Some("" | ":" | "/etc/localtime" | ":/etc/localtime")))?;
    let is_unread = tz.to_str().and_then(zone_named).is_none();
    let of_default = |key: &str, source: &ValueSource| key == "ui.timezone" && *source == ValueSource::Default;
    let zone = config.origins().iter().find(|origin| of_default(&origin.key, &origin.source)).filter(|_| is_unread)?;
    let tz = OsStr::to_string_lossy(&tz);
    Some(format!(
        "TZ={tz} is no name of a time zone: times are in {}; set timezone under [ui], such as \"Asia/Kuala_Lumpur\"",
        zone.value
    ))
}

/// The senders whose hours and days are by clocks that their region does not have, where nobody chose those for them, each with why.
pub(super) fn sender_zone_doubts(config: &Config, now: DateTime<Utc>) -> Vec<(&str, String)> {
    let doubt = |sender: &SenderConfig| zone_doubt_of_sender(config, sender, now);
    config.senders.iter().filter_map(|sender| Some((sender.name.as_str(), doubt(sender)?))).collect()
}

/// Nothing is known of a region with several zones.
fn zone_doubt_of_sender(config: &Config, sender: &SenderConfig, now: DateTime<Utc>) -> Option<String> {
    let key = format!("senders.{}.timezone", sender.name);
    let is_chosen = config.origins().iter().any(|origin| origin.key == key && origin.source != ValueSource::Default);
    let there = country_zone(&sender.region.to_string()).filter(|_| !is_chosen)?;
    // Some zones differ in one half of the year alone.
    let is_same = [now, now + TimeDelta::days(182)].into_iter().all(|at| has_same_time(sender.timezone, there, at));
    (!is_same).then(|| {
        format!(
            "hours, days and times of its blasts are by {}, and its region {} has {there}: set timezone = \"{there}\" under its \
             [[senders]], or the zone that is meant",
            sender.timezone, sender.region
        )
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    use super::{doubt_of, sender_zone_doubts};
    use crate::config::Config;

    fn sender(further: &str) -> String {
        let keys = "name = \"sales\"\nprovider = \"wsapme\"\ndevice = \"5850\"\ntoken = { env = \"TOK\" }\n";
        format!("[[senders]]\n{keys}{further}")
    }

    #[test]
    fn a_sender_by_clocks_that_its_region_does_not_have_is_doubted_where_nobody_chose_them() {
        let now = "2026-11-30T22:28:00Z".parse().unwrap();
        let doubts = |text: &str| {
            let config = Config::from_toml_str(text).unwrap();
            sender_zone_doubts(&config, now).into_iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>()
        };

        let doubted = doubts(&sender(""));
        assert_eq!(doubted.len(), 1, "{doubted:?}");
        let why = "sales: hours, days and times of its blasts are by UTC, and its region MY has Asia/Kuala_Lumpur: \
                   set timezone = \"Asia/Kuala_Lumpur\"";
        assert!(doubted[0].starts_with(why), "{doubted:?}");
        assert_eq!(doubts(&sender("region = \"GB\"\n")).len(), 1, "in summer they differ");
        for chosen in ["timezone = \"UTC\"\n", "timezone = \"Asia/Singapore\"\n", "region = \"US\"\n"] {
            assert_eq!(doubts(&sender(chosen)), Vec::<String>::new(), "{chosen}");
        }
        let screen = format!("[ui]\ntimezone = \"Asia/Singapore\"\n{}", sender(""));
        assert_eq!(doubts(&screen), Vec::<String>::new());
    }

    #[test]
    fn a_zone_that_is_none_is_doubted_however_it_is_written() {
        let config = Config::from_toml_str("").unwrap();
        let doubt = |tz: &[u8]| doubt_of(&config, Some(OsString::from_vec(tz.to_vec())));

        for tz in ["Nowhere/Land", ":Nowhere/Land", "UTC8", "/etc/nothing"] {
            assert!(doubt(tz.as_bytes()).unwrap().contains("is no name of a time zone: times are in "), "{tz}");
        }
        assert!(doubt(b"\xff").is_some());
        for tz in ["", ":", "Asia/Tokyo", ":Asia/Tokyo", ":/usr/share/zoneinfo/Asia/Tokyo", ":/etc/localtime"] {
            assert_eq!(doubt(tz.as_bytes()), None, "{tz}");
        }
        let chosen = Config::from_toml_str("[ui]\ntimezone = \"Asia/Tokyo\"\n").unwrap();
        assert_eq!(doubt_of(&chosen, Some("Nowhere/Land".into())), None);
    }
}

//! What `TZ` says, where that is no zone.

use std::ffi::{OsStr, OsString};

use crate::config::{Config, ValueSource, zone_named};

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

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    use super::doubt_of;
    use crate::config::Config;

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

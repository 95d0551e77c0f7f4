//! How single values are written: an address, a span, a zone, a currency, words.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use chrono_tz::Tz;
use reqwest::Url;

use super::{AsciiSetting, KeepHistory, ThemeSetting};
use crate::domain::pace::{PaceError, parse_span, show_span};
use crate::domain::text::clean;
use crate::domain::zone::{self, ZoneError};

/// An IP address and a port.
pub(super) struct ListenAddress(pub SocketAddr);

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| "write an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080")
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A site as browsers name it: scheme, host, and a port that is not the scheme's usual one.
#[derive(Debug)]
pub(super) struct WebOrigin(pub String);

impl FromStr for WebOrigin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write a scheme and a host, without a path, such as https://shop.example";
        let url = Url::parse(text.trim()).map_err(|_| wrong)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_open = url.username().is_empty() && url.password().is_none();
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if is_bare && is_open && is_web { Ok(Self(url.origin().ascii_serialization())) } else { Err(wrong) }
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A duration of at least a millisecond.
pub(in crate::config) struct Span(pub Duration);

impl Span {
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl FromStr for Span {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let span = parse_span(text)?;
        if span < Duration::from_millis(1) { Err(PaceError::Span(text.to_owned())) } else { Ok(Self(span)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show_span(self.0))
    }
}

impl FromStr for KeepHistory {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("forever") {
            return Ok(Self::Forever);
        }
        let wrong = "write whole months or years, such as 24 months, or forever";
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or(wrong)?;
        let number: u32 = text[..split].parse().map_err(|_| wrong)?;
        let each = match text[split..].trim().to_ascii_lowercase().as_str() {
            "month" | "months" => 1,
            "year" | "years" => 12,
            _ => return Err(wrong),
        };
        let months = number.checked_mul(each).filter(|months| (1..=1_200).contains(months));
        months.map(Self::Months).ok_or("write 1 month to 1200 months, or forever")
    }
}

impl fmt::Display for KeepHistory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str("forever"),
            Self::Months(1) => f.write_str("1 month"),
            Self::Months(months) => write!(f, "{months} months"),
        }
    }
}

/// A time zone by its name in the tz database.
pub(in crate::config) struct TimeZoneName(pub Tz);

impl FromStr for TimeZoneName {
    type Err = ZoneError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        zone::parse(text).map(Self)
    }
}

impl fmt::Display for TimeZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// One line of text without control characters.
pub(in crate::config) struct DisplayName(pub String);

impl FromStr for DisplayName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = clean(text).trim().to_owned();
        if text.is_empty() || text.chars().count() > 60 { Err("write 1 to 60 characters") } else { Ok(Self(text)) }
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Questions a second.
pub(super) struct PerSecond(pub f64);

impl FromStr for PerSecond {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let questions = text.parse().ok().filter(|questions| *questions > 0.0 && *questions <= 1_000.0);
        questions.map(Self).ok_or("write a number above 0, at most 1000")
    }
}

impl fmt::Display for PerSecond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Three letters, such as MYR.
pub(super) struct Currency(pub String);

impl FromStr for Currency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
        if letters { Ok(Self(text.to_ascii_uppercase())) } else { Err("write three letters, such as MYR") }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Implements `FromStr` and `Display` for a setting with a fixed set of values.
macro_rules! words {
    ($name:ident, $mend:literal, $($word:literal => $value:ident),+) => {
        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.to_ascii_lowercase().as_str() {
                    $($word => Ok(Self::$value),)+
                    _ => Err($mend),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$value => $word),+ })
            }
        }
    };
}

words!(AsciiSetting, "write auto, true or false", "auto" => Auto, "true" => Always, "false" => Never);
words!(ThemeSetting, "write auto, dark, light or mono", "auto" => Auto, "dark" => Dark, "light" => Light, "mono" => Mono);

#[cfg(test)]
mod tests {
    use super::WebOrigin;

    #[test]
    fn a_site_is_a_scheme_and_a_host() {
        let read = |text: &str| text.parse::<WebOrigin>().ok().map(|origin| origin.0);

        assert_eq!(read("https://Shop.example/").as_deref(), Some("https://shop.example"));
        assert_eq!(read("http://127.0.0.1:3000").as_deref(), Some("http://127.0.0.1:3000"));
        assert_eq!(read("https://shop.example:443").as_deref(), Some("https://shop.example"));
        for wrong in ["*", "null", "shop.example", "https://shop.example/app", "https://a@shop.example", "ftp://x", ""]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}

//! `[[senders]]`: a number or device that sends, and its limits.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono_tz::Tz;

use super::base_url::BaseUrl;
use super::document::{RawValue, TableValues};
use super::log::ConfigLog;
use super::reader::TableReader;
use super::settings::{DisplayName, Span, TimeZoneName};
use super::token::TokenSource;
use crate::domain::pace::{DailyCap, Gap, Limits, PairGap, Rate, Speed};
use crate::domain::phone::Region;
use crate::domain::sender::{LOOPBACK, ProviderKind, SenderDevice, StatusCall};

/// One sender, validated. Its token is read when it starts.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// Unique, even when folded for an environment variable.
    pub name: String,
    pub provider: ProviderKind,
    /// The linked phone's id at the gateway.
    pub device: String,
    /// The region of numbers without a country code.
    pub region: Region,
    pub token: TokenSource,
    pub base_url: BaseUrl,
    pub status_call: StatusCall,
    pub rate: Rate,
    pub gap: Option<Gap>,
    /// The minimum time between two messages to the same number, across blasts.
    pub pair_gap: Option<PairGap>,
    pub daily_cap: Option<DailyCap>,
    /// POSTs in flight at once.
    pub in_flight: u32,
    /// The time zone whose midnight begins the day of the cap.
    pub timezone: Tz,
    /// The total timeout of one call.
    pub timeout: Duration,
    business: Option<String>,
}

impl SenderConfig {
    /// The business that shares opt-outs; the sender's own name when it has none.
    pub fn business(&self) -> &str {
        self.business.as_deref().unwrap_or(&self.name)
    }

    /// The phone that this sender posts from.
    pub fn identity(&self) -> SenderDevice {
        let address = if self.is_rehearsal() { LOOPBACK.to_owned() } else { self.base_url.authority() };
        SenderDevice { provider: self.provider.to_string(), address, id: self.device.clone() }
    }

    /// Whether it posts to this machine only, so that nobody is really messaged.
    pub fn is_rehearsal(&self) -> bool {
        self.base_url.is_loopback()
    }

    /// The limits that the pacer enforces.
    pub fn limits(&self, speed: Speed) -> Limits {
        let (rate, gap, daily_cap, zone) = (self.rate, self.gap, self.daily_cap, self.timezone);
        Limits { rate, gap, daily_cap, zone, speed }
    }

    /// Reads one sender, or logs why it is invalid. `zone` is the default time zone.
    pub(super) fn read(values: TableValues, position: usize, zone: Tz, log: &mut ConfigLog) -> Option<Self> {
        let path = match values.get("name").map(|found| &found.raw) {
            Some(RawValue::Text(name)) => format!("senders.{name}"),
            _ => format!("senders[{position}]"),
        };
        let mut reader = TableReader::new(path, values, log);
        // Reads every key before giving up, so that all problems are reported at once.
        let name = reader.required::<SenderName>("name", "name = \"sales\"");
        let provider = reader.required("provider", "provider = \"wsapme\"");
        let device = reader.required::<DeviceId>("device", "device = \"5850\", the linked phone's id");
        let region = reader.or_default("region", Region::MALAYSIA);
        let business = reader.optional::<DisplayName>("business", "the sender alone").map(|name| name.0);
        let token = reader.token("token");
        let base_url = reader.or_default("base_url", BaseUrl::wsapme());
        let status_call = reader.or_default("status_call", StatusCall::default());
        // A configured rate sets the pace; without one the default gap applies, so that no sender is unlimited by
        // omission.
        let unpaced = !reader.has("rate");
        let rate = reader.or_default("rate", Rate::Unlimited);
        let default_gap = Gap::new(Duration::from_secs(20), Duration::from_secs(60)).filter(|_| unpaced);
        let gap = reader.unless_off("gap", default_gap);
        let pair_gap = reader.unless_off("pair_gap", None);
        let daily_cap = reader.unless_off("daily_cap", DailyCap::new(500));
        let in_flight = reader.within("in_flight", 1, 1..=4_096);
        let timezone = reader.or_default("timezone", TimeZoneName(zone)).0;
        let timeout = reader.or_default("timeout", Span::seconds(30)).0;
        let (name, provider, device, token) = (name?.0, provider?, device?.0, token?);
        Some(Self {
            name,
            provider,
            device,
            region,
            token,
            base_url,
            status_call,
            rate,
            gap,
            pair_gap,
            daily_cap,
            in_flight,
            timezone,
            timeout,
            business,
        })
    }
}

/// A name that can also be part of a variable's name.
struct SenderName(String);

impl FromStr for SenderName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let good = !text.is_empty() && text.len() <= 40 && text.chars().all(fits);
        if good { Ok(Self(text.to_owned())) } else { Err("write 1 to 40 letters, digits, - _ or .") }
    }
}

impl fmt::Display for SenderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct DeviceId(String);

impl FromStr for DeviceId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(Self(text.to_owned())) } else { Err("write the device's id, such as \"5850\"") }
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

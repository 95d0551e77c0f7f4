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
use crate::domain::pace::{DailyCap, Gap, Limits, PairGap, Per, Rate, Speed};
use crate::domain::phone::Region;
use crate::domain::sender::{LOOPBACK, ProviderKind, SendEdge, SenderDevice, StatusCall, is_api_version};

/// One sender, validated. Its token is read when it starts.
#[derive(Debug, Clone)]
pub struct SenderConfig {
    /// Unique, even when folded for an environment variable.
    pub name: String,
    pub provider: ProviderKind,
    /// The linked phone's id at the gateway; Meta's `phone_number_id`.
    pub device: String,
    /// What only a sender of provider meta has.
    pub meta: Option<MetaConfig>,
    /// The secret in the path of WSAPME's webhooks.
    pub webhook_secret: Option<TokenSource>,
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
    /// Whether a blast that names no sender is sent by it, among those of its provider.
    pub is_default: bool,
    business: Option<String>,
}

/// The keys of a sender of provider meta.
#[derive(Debug, Clone)]
pub struct MetaConfig {
    pub phone_number_id: String,
    /// The WhatsApp business account, which owns templates and webhook subscriptions.
    pub waba_id: String,
    /// Signs webhooks; without it none is accepted.
    pub app_secret: Option<TokenSource>,
    /// Answers the webhooks' handshake.
    pub verify_token: Option<TokenSource>,
    /// Such as `v24.0`.
    pub api_version: String,
    pub send_edge: SendEdge,
    /// Whether people whom Meta did not give a message for now (131049, 130472) are tried again by themselves after a day.
    pub retry_next_day: bool,
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

    /// Whether both post from the same phone. Simulators on two ports have a phone each.
    pub(super) fn is_phone_of(&self, other: &Self) -> bool {
        (self.provider, &self.device) == (other.provider, &other.device)
            && self.base_url.authority() == other.base_url.authority()
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
        let kind = ProviderKeys::read(provider, &mut reader);
        let region = reader.or_default("region", Region::MALAYSIA);
        let business = reader.optional::<DisplayName>("business", "the sender alone").map(|name| name.0);
        let is_meta = provider == Some(ProviderKind::Meta);
        let token = reader.secret("token", if is_meta { "META_TOKEN" } else { "WSAPME_TOKEN" });
        let base_url = reader.or_default("base_url", if is_meta { BaseUrl::meta() } else { BaseUrl::wsapme() });
        // A configured rate sets the pace; without one the default gap applies (for Meta, the rate of a number), so that no
        // sender is unlimited by omission.
        let unpaced = !reader.has("rate") && !is_meta;
        let rate = reader.or_default("rate", if is_meta { META_RATE } else { Rate::Unlimited });
        let default_gap = Gap::new(Duration::from_secs(20), Duration::from_secs(60)).filter(|_| unpaced);
        let gap = reader.unless_off("gap", default_gap);
        let pair_gap = reader.unless_off("pair_gap", None);
        let daily_cap = reader.unless_off("daily_cap", DailyCap::new(500).filter(|_| !is_meta));
        let in_flight = reader.within("in_flight", if is_meta { 64 } else { 1 }, 1..=4_096);
        let timezone = reader.or_default("timezone", TimeZoneName(zone)).0;
        let timeout = reader.or_default("timeout", Span::seconds(30)).0;
        let is_default = reader.or_default("default", false);
        let (name, provider, kind, token) = (name?.0, provider?, kind?, token?);
        Some(Self {
            name,
            provider,
            device: kind.device,
            meta: kind.meta,
            webhook_secret: kind.webhook_secret,
            region,
            token,
            base_url,
            status_call: kind.status_call,
            rate,
            gap,
            pair_gap,
            daily_cap,
            in_flight,
            timezone,
            timeout,
            is_default,
            business,
        })
    }
}

/// Of Meta, one number's own limit.
const META_RATE: Rate = Rate::Limited { count: 80, per: Per::Second };

/// What the provider decides: which phone it is, and how it is called.
struct ProviderKeys {
    device: String,
    meta: Option<MetaConfig>,
    webhook_secret: Option<TokenSource>,
    status_call: StatusCall,
}

impl ProviderKeys {
    /// `None`: a problem was logged. Of an unknown provider nothing more is said.
    fn read(provider: Option<ProviderKind>, reader: &mut TableReader<'_>) -> Option<Self> {
        match provider? {
            ProviderKind::Wsapme => Self::wsapme(reader),
            ProviderKind::Meta => Self::meta(reader),
        }
    }

    fn wsapme(reader: &mut TableReader<'_>) -> Option<Self> {
        for key in
            ["phone_number_id", "waba_id", "app_secret", "verify_token", "api_version", "send_call", "retry_next_day"]
        {
            reader.refuse(key, "only a sender with provider = \"meta\" has it: remove it");
        }
        let device = reader.required::<DeviceId>("device", "device = \"5850\", the linked phone's id");
        let status_call = reader.or_default("status_call", StatusCall::default());
        let webhook_secret = reader.optional_secret("webhook_secret", "WSAPME_WEBHOOK_SECRET");
        Some(Self { device: device?.0, meta: None, webhook_secret, status_call })
    }

    fn meta(reader: &mut TableReader<'_>) -> Option<Self> {
        for key in ["device", "status_call", "webhook_secret"] {
            reader.refuse(key, "only a sender with provider = \"wsapme\" has it: remove it");
        }
        let number = reader
            .required::<MetaId>("phone_number_id", "phone_number_id = \"106853218861309\", from Meta's API setup page");
        let waba = reader.required::<MetaId>("waba_id", "waba_id = \"102290129340398\", the WhatsApp business account");
        let app_secret = reader.optional_secret("app_secret", "META_APP_SECRET");
        let verify_token = reader.optional_secret("verify_token", "META_VERIFY_TOKEN");
        let api_version = reader.or_default("api_version", ApiVersion("v24.0".to_owned())).0;
        let send_edge = reader.or_default("send_call", SendEdge::default());
        let retry_next_day = reader.or_default("retry_next_day", false);
        let (phone_number_id, waba_id) = (number?.0, waba?.0);
        let device = phone_number_id.clone();
        let meta =
            MetaConfig { phone_number_id, waba_id, app_secret, verify_token, api_version, send_edge, retry_next_day };
        Some(Self { device, meta: Some(meta), webhook_secret: None, status_call: StatusCall::default() })
    }
}

/// An id of Meta's: digits.
pub(super) struct MetaId(String);

impl FromStr for MetaId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let good = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if good { Ok(Self(text.to_owned())) } else { Err("write the id as Meta shows it, such as \"106853218861309\"") }
    }
}

impl fmt::Display for MetaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct ApiVersion(String);

impl FromStr for ApiVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_api_version(text) { Ok(Self(text.to_owned())) } else { Err("write a version such as \"v24.0\"") }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that can also be part of a variable's name.
pub(super) struct SenderName(String);

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

pub(super) struct DeviceId(String);

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

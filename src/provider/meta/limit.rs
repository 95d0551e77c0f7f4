//! How many people a business may write to first within 24 hours.

use std::fmt;

use serde_json::Value;

use super::super::lenient::integer;
use crate::domain::text::number;

/// Unique people in a moving day, over all numbers of a business portfolio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagingLimit {
    People(u32),
    Unlimited,
}

impl MessagingLimit {
    /// `TIER_250`, `TIER_2K`, `TIER_UNLIMITED`, or a number, -1 being unlimited. `None` for what says nothing, such as
    /// `TIER_NOT_SET`.
    pub fn read(value: &Value) -> Option<Self> {
        if let Some(number) = integer(value) {
            return match number {
                -1 => Some(Self::Unlimited),
                number => u32::try_from(number).ok().filter(|people| *people > 0).map(Self::People),
            };
        }
        let text = value.as_str()?.trim().to_ascii_uppercase();
        let tier = text.strip_prefix("TIER_").unwrap_or(&text);
        if tier == "UNLIMITED" {
            return Some(Self::Unlimited);
        }
        let (digits, factor) = match tier.strip_suffix('K') {
            Some(thousands) => (thousands, 1_000),
            None => (tier, 1),
        };
        digits.parse::<u32>().ok()?.checked_mul(factor).filter(|people| *people > 0).map(Self::People)
    }
}

impl fmt::Display for MessagingLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(people) => f.write_str(&number((*people).into())),
            Self::Unlimited => f.write_str("any number"),
        }
    }
}

/// Messages a second that a level of throughput allows; `None` for a word that says nothing.
pub fn throughput(level: &str) -> Option<u32> {
    match level.trim().to_ascii_uppercase().as_str() {
        "STANDARD" => Some(80),
        "HIGH" => Some(HIGH_THROUGHPUT),
        _ => None,
    }
}

/// After an upgrade, which Meta makes by itself.
pub const HIGH_THROUGHPUT: u32 = 1_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_comes_as_a_tier_or_as_a_number() {
        for (value, limit) in [
            (json!("TIER_250"), Some(MessagingLimit::People(250))),
            (json!("TIER_2K"), Some(MessagingLimit::People(2_000))),
            (json!("tier_100k"), Some(MessagingLimit::People(100_000))),
            (json!("TIER_UNLIMITED"), Some(MessagingLimit::Unlimited)),
            (json!(10_000), Some(MessagingLimit::People(10_000))),
            (json!("2000"), Some(MessagingLimit::People(2_000))),
            (json!(-1), Some(MessagingLimit::Unlimited)),
            (json!("TIER_NOT_SET"), None),
            (json!("TIER_9999999K"), None),
            (json!(0), None),
            (json!(null), None),
            (json!({}), None),
        ] {
            assert_eq!(MessagingLimit::read(&value), limit, "{value}");
        }
    }
}

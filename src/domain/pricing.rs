//! What delivered messages cost, by a rate card that the operator gives: Meta's webhooks name categories, never amounts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use thiserror::Error;

use super::amount::money;
use super::forgotten::is_forgotten;
use super::phone::{Region, region_of};
use super::text::{clean, number};

/// One line of a rate card: `marketing MY 0.0860 USD from 2026-01-01`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRate {
    /// As webhooks name it, in lower case: `marketing`, `utility`, `authentication`, `service` and others.
    category: String,
    /// `None`: every country without a line of its own.
    region: Option<Region>,
    price: Decimal,
    /// Three letters of ISO 4217.
    currency: String,
    /// Messages delivered from this day on, in UTC.
    from: NaiveDate,
}

/// The categories that Meta is known to charge by. Others load as well: it has made new ones before.
const CATEGORIES: [&str; 7] = [
    "marketing",
    "marketing_lite",
    "utility",
    "authentication",
    "authentication_international",
    "service",
    "referral_conversion",
];

/// The text is not a line of a rate card.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not a rate: write category, country or *, price, currency and first day, as in `marketing MY 0.0860 USD from 2026-01-01`"
)]
pub struct RateError(pub String);

impl FromStr for MessageRate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || RateError(clean(text).chars().take(80).collect());
        let words: Vec<&str> = text.split_whitespace().filter(|word| *word != "from").collect();
        let [category, country, price, currency, from] = words[..] else { return Err(wrong()) };
        let region = match country {
            "*" => None,
            country => Some(country.parse().map_err(|_| wrong())?),
        };
        let is_plain = price.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let price: Decimal = price.parse().map_err(|_| wrong())?;
        let is_price = is_plain && price < Decimal::from(1_000_000);
        let is_currency = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !is_price || !is_currency {
            return Err(wrong());
        }
        Ok(Self {
            category: category.to_ascii_lowercase(),
            region,
            price,
            currency: currency.to_ascii_uppercase(),
            from: from.parse().map_err(|_| wrong())?,
        })
    }
}

impl fmt::Display for MessageRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let country = self.region.map_or_else(|| "*".to_owned(), |region| region.to_string());
        write!(f, "{} {country} {} {} from {}", self.category, self.price, self.currency, self.from)
    }
}

/// All rates that the operator knows. Empty: nothing is known of money.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RateCard(Vec<MessageRate>);

impl RateCard {
    pub const fn new(rates: Vec<MessageRate>) -> Self {
        Self(rates)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said of a line whose category Meta is not known to charge by, as of one that is misspelt.
    pub fn doubt(&self) -> Option<String> {
        let is_known = |category: &str| CATEGORIES.contains(&&*category.replace('-', "_"));
        let rate = self.0.iter().find(|rate| !is_known(&rate.category))?;
        Some(format!(
            "the rate `{}` is of a category that Meta is not known to charge by, and counts for nothing unless it is: {} are known",
            clean(&rate.to_string()),
            CATEGORIES.join(", ")
        ))
    }

    /// The rate in force on a day: that of the country, else that of all; of several the newest.
    fn rate(&self, category: &str, region: Option<Region>, on: NaiveDate) -> Option<&MessageRate> {
        let of = |wanted: Option<Region>| {
            let fits = |rate: &&MessageRate| {
                rate.category.eq_ignore_ascii_case(category) && rate.region == wanted && rate.from <= on
            };
            self.0.iter().filter(fits).max_by_key(|rate| rate.from)
        };
        region.and_then(|region| of(Some(region))).or_else(|| of(None))
    }

    /// Adds up delivered messages.
    pub fn charges(&self, messages: &[DeliveredMessages]) -> MessageCharges {
        let mut charges = MessageCharges::default();
        for group in messages {
            if !group.is_billable {
                charges.free += group.messages;
                continue;
            }
            let category = group.category.as_deref().unwrap_or("unknown").to_ascii_lowercase();
            let region = group.country.or_else(|| group.phone.as_deref().and_then(region_of));
            if let Some(rate) = self.rate(&category, region, group.day) {
                let sum = charges.money.entry(rate.currency.clone()).or_default();
                *sum = sum.saturating_add(rate.price.saturating_mul(Decimal::from(group.messages)));
            } else {
                charges.without_rate += group.messages;
                charges.forgotten += if group.is_of_nowhere() { group.messages } else { 0 };
            }
            *charges.categories.entry(category).or_default() += group.messages;
        }
        charges.has_card = !self.is_empty();
        charges
    }
}

/// Delivered messages that are charged alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredMessages {
    pub category: Option<String>,
    pub is_billable: bool,
    /// When they were delivered, in UTC.
    pub day: NaiveDate,
    /// The number of one of them, for its country; not needed without a rate card.
    pub phone: Option<String>,
    /// That of people who were forgotten, where it was kept.
    pub country: Option<Region>,
    pub messages: i64,
}

impl DeliveredMessages {
    /// Whether they went to people who were forgotten without their country.
    fn is_of_nowhere(&self) -> bool {
        self.country.is_none() && self.phone.as_deref().is_some_and(is_forgotten)
    }
}

/// What delivered messages cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
pub struct MessageCharges {
    /// Charged messages by category.
    #[schema(example = json!({ "marketing": 250 }))]
    pub categories: BTreeMap<String, i64>,
    /// Messages that are not charged.
    pub free: i64,
    /// By currency.
    #[serde(serialize_with = "exact")]
    #[schema(value_type = BTreeMap<String, String>, example = json!({ "USD": "21.50" }))]
    pub money: BTreeMap<String, Decimal>,
    /// Charged messages that the rate card has no line for.
    pub without_rate: i64,
    /// Those of them whose country is not known any more.
    #[serde(skip)]
    forgotten: i64,
    #[serde(skip)]
    has_card: bool,
}

/// Amounts as text: a float would round them.
fn exact<S: serde::Serializer>(money: &BTreeMap<String, Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(money.iter().map(|(currency, amount)| (currency, amount.normalize().to_string())))
}

impl MessageCharges {
    /// Whether nothing is known to be delivered and charged, or free.
    pub fn is_empty(&self) -> bool {
        self.categories.is_empty() && self.free == 0
    }
}

/// `88 marketing, 3 free`, with a card `USD 7.57 for 88 marketing, 3 free`.
impl fmt::Display for MessageCharges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: Vec<String> = self
            .categories
            .iter()
            .map(|(category, messages)| format!("{} {}", number(*messages), clean(category)))
            .collect();
        if self.free > 0 {
            counts.push(format!("{} free", number(self.free)));
        }
        let counts = counts.join(", ");
        if self.money.is_empty() {
            f.write_str(&counts)?;
        } else {
            let sums = self.money.iter().map(|(currency, sum)| format!("{currency} {}", money(sum.round_dp(2))));
            write!(f, "{} for {counts}", sums.collect::<Vec<_>>().join(" + "))?;
        }
        let without_line = self.without_rate - self.forgotten;
        if self.has_card && without_line > 0 {
            write!(f, "; the rate card has no line for {} of them", number(without_line))?;
        }
        if self.has_card && self.forgotten > 0 {
            let forgotten = number(self.forgotten);
            write!(f, "; {forgotten} of them went to people who were forgotten: their country is not known any more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(lines: &[&str]) -> RateCard {
        RateCard::new(lines.iter().map(|line| line.parse().unwrap()).collect())
    }

    fn delivered(category: &str, day: &str, phone: &str, messages: i64) -> DeliveredMessages {
        DeliveredMessages {
            category: Some(category.to_owned()),
            is_billable: true,
            day: day.parse().unwrap(),
            phone: Some(phone.to_owned()),
            country: None,
            messages,
        }
    }

    #[test]
    fn the_newest_rate_of_the_country_counts_and_that_of_all_where_it_has_none() {
        let card = card(&[
            "marketing MY 0.0860 USD from 2026-01-01",
            "marketing MY 0.1 USD from 2026-07-01",
            "Marketing * 0.05 usd 2026-01-01",
            "utility * 0.01 EUR from 2026-01-01",
        ]);

        let charges = card.charges(&[
            delivered("marketing", "2026-06-30", "+60123456789", 10),
            delivered("MARKETING", "2026-07-01", "+60123456789", 10),
            delivered("marketing", "2026-07-01", "+4915112345678", 3),
            delivered("utility", "2026-07-01", "+60123456789", 2),
            delivered("marketing", "2025-12-31", "+60123456789", 4),
            DeliveredMessages { is_billable: false, ..delivered("service", "2026-07-01", "+60123456789", 5) },
        ]);

        assert_eq!(charges.money["USD"].to_string(), "2.0100");
        assert_eq!(charges.money["EUR"].to_string(), "0.02");
        assert_eq!((charges.free, charges.without_rate), (5, 4));
        assert_eq!(
            charges.to_string(),
            "EUR 0.02 + USD 2.01 for 27 marketing, 2 utility, 5 free; the rate card has no line for 4 of them"
        );
        assert_eq!(
            serde_json::to_value(&charges).unwrap(),
            serde_json::json!({ "categories": { "marketing": 27, "utility": 2 }, "free": 5, "without_rate": 4,
                                "money": { "EUR": "0.02", "USD": "2.01" } })
        );
    }

    #[test]
    fn whoever_was_forgotten_is_charged_by_the_country_that_was_kept_and_without_one_the_card_is_not_blamed() {
        let card = card(&["marketing MY 0.0860 USD from 2026-01-01"]);
        let forgotten = |n, country| DeliveredMessages {
            country,
            ..delivered("marketing", "2026-07-01", &format!("forgotten-{n}"), 1)
        };
        let abroad = delivered("marketing", "2026-07-01", "+4915112345678", 3);

        let charges = card.charges(&[forgotten(1, Some(Region::MALAYSIA)), forgotten(2, None), abroad]);

        assert_eq!((charges.money["USD"].to_string().as_str(), charges.without_rate), ("0.0860", 4));
        assert_eq!(
            charges.to_string(),
            "USD 0.09 for 5 marketing; the rate card has no line for 3 of them; \
             1 of them went to people who were forgotten: their country is not known any more"
        );
    }

    #[test]
    fn without_a_card_only_categories_are_known() {
        let free = DeliveredMessages { is_billable: false, ..delivered("service", "2026-07-01", "", 3) };

        let charges = RateCard::default().charges(&[delivered("marketing", "2026-07-01", "+60123456789", 88), free]);

        assert_eq!(charges.to_string(), "88 marketing, 3 free");
        assert!(charges.money.is_empty());
    }

    #[test]
    fn a_category_that_meta_is_not_known_to_charge_by_is_doubted() {
        let misspelt = card(&["marketing MY 0.0860 USD from 2026-01-01", "marketting * 0.05 USD from 2026-01-01"]);
        let known =
            card(&["Marketing MY 0.0860 USD from 2026-01-01", "authentication-international * 0.1 USD 2026-01-01"]);

        assert!(misspelt.doubt().unwrap().contains("`marketting * 0.05 USD from 2026-01-01`"));
        assert_eq!((known.doubt(), RateCard::default().doubt()), (None, None));
    }

    #[test]
    fn a_line_that_could_be_misread_is_refused() {
        for wrong in [
            "",
            "marketing MY 0,0860 USD from 2026-01-01",
            "marketing Malaysia 0.08 USD from 2026-01-01",
            "marketing MY -0.08 USD from 2026-01-01",
            "marketing MY 0.08 RM from 2026-01-01",
            "marketing MY 0.08 USD from 1.1.2026",
            "marketing MY 0.08 USD",
            "marketing MY 1e3 USD from 2026-01-01",
        ] {
            assert!(wrong.parse::<MessageRate>().is_err(), "{wrong}");
        }
        let line = "marketing MY 0.0860 USD from 2026-01-01";
        assert_eq!(line.parse::<MessageRate>().unwrap().to_string(), line);
    }
}

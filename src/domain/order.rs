//! What people order: items with prices as they were sent, what they come to, and the states of an order.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use rust_decimal::{Decimal, RoundingStrategy};

use super::amount::BELOW;
use super::ids::CatalogueId;
use super::stored::stored_by_word;

/// How far an order is. It goes forward only; any may be cancelled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    New,
    Confirmed,
    Paid,
    Fulfilled,
    Cancelled,
}

stored_by_word!(OrderState);

impl OrderState {
    pub const ALL: [Self; 5] = [Self::New, Self::Confirmed, Self::Paid, Self::Fulfilled, Self::Cancelled];

    /// The word in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a state, also as other systems spell it.
    pub fn from_word(word: &str) -> Option<Self> {
        let word = word.trim().to_ascii_lowercase();
        match word.as_str() {
            "pending" => Some(Self::New),
            "completed" | "delivered" => Some(Self::Fulfilled),
            "canceled" => Some(Self::Cancelled),
            _ => Self::ALL.into_iter().find(|state| state.word() == word),
        }
    }

    /// Whether an order in this state may go to another. Steps may be left out: cash is paid when the goods are handed over.
    pub fn may_become(self, next: Self) -> bool {
        self < next && self != Self::Cancelled
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// An item as it was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedItem {
    /// Meta's retailer id of the product or variant.
    pub sku: String,
    /// The catalogue that it is of, where one is named.
    pub catalogue: Option<CatalogueId>,
    /// What an earlier order or cart says of its product, which stays.
    pub kept: Option<KeptProduct>,
    pub quantity: Decimal,
    /// Of one, in the currency's whole units.
    pub price: Option<Decimal>,
    pub currency: Option<String>,
}

/// A product as it was when it was ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptProduct {
    pub name: Option<String>,
    pub product_id: Option<i64>,
    pub variant_id: Option<i64>,
    pub price: Option<Decimal>,
}

/// What an order comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTotal {
    pub sum: Decimal,
    pub currency: String,
}

/// Why an order cannot be added up, or is not counted in revenue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Uncounted {
    #[error("it has no items")]
    Empty,
    #[error("some of its items cannot be read")]
    Unreadable,
    #[error("{0} has no price")]
    Unpriced(String),
    #[error("{0} has no currency")]
    WithoutCurrency(String),
    #[error("its prices are in {0} and {1}")]
    MixedCurrencies(String, String),
    #[error("{0} has a quantity or price that nobody can have")]
    Impossible(String),
    #[error("its total is too large to be counted")]
    TooLarge,
    #[error("it is in {0}, and revenue is counted in {1}")]
    ForeignCurrency(String, String),
    #[error("{0} wrote another amount in its place, at {moment}", moment = .1.to_rfc3339_opts(SecondsFormat::Secs, true))]
    Replaced(String, DateTime<Utc>),
    #[error("it is cancelled")]
    Cancelled,
    #[error("its close was undone{}", .0.as_ref().map_or_else(String::new, |by| format!(" by {by}")))]
    Undone(Option<String>),
    #[error("its person is gone")]
    PersonGone,
}

impl OrderTotal {
    /// The sum of quantity times price, exact.
    ///
    /// # Errors
    /// Where that is not one certain amount in one currency.
    pub fn of(items: &[OrderedItem]) -> Result<Self, Uncounted> {
        let mut total: Option<Self> = None;
        for item in items {
            let (price, currency) = priced(item)?;
            let line = product(item.quantity, price).ok_or(Uncounted::TooLarge)?;
            total = Some(match total {
                None => Self { sum: line, currency },
                Some(Self { currency: first, .. }) if first != currency => {
                    return Err(Uncounted::MixedCurrencies(first, currency));
                }
                Some(Self { sum, currency }) => {
                    Self { sum: exact_sum(sum, line).ok_or(Uncounted::TooLarge)?, currency }
                }
            });
        }
        total.ok_or(Uncounted::Empty)
    }

    /// How much of it counts as revenue in this currency: people's amounts have two places, so that it is rounded once, half up.
    ///
    /// # Errors
    /// In another currency, or where it is more than a person's amount can be.
    pub fn revenue(&self, currency: &str) -> Result<Decimal, Uncounted> {
        if !self.currency.eq_ignore_ascii_case(currency) {
            return Err(Uncounted::ForeignCurrency(self.currency.clone(), currency.to_owned()));
        }
        let rounded = self.sum.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
        if rounded < Decimal::from(BELOW) { Ok(rounded) } else { Err(Uncounted::TooLarge) }
    }
}

fn priced(item: &OrderedItem) -> Result<(Decimal, String), Uncounted> {
    let price = item.price.ok_or_else(|| Uncounted::Unpriced(item.sku.clone()))?;
    let currency = item.currency.as_deref().map(str::trim).filter(|currency| !currency.is_empty());
    let currency = currency.ok_or_else(|| Uncounted::WithoutCurrency(item.sku.clone()))?;
    if item.quantity <= Decimal::ZERO || price < Decimal::ZERO {
        return Err(Uncounted::Impossible(item.sku.clone()));
    }
    Ok((price, currency.to_ascii_uppercase()))
}

/// With the places that the price has, or more. `None` where a digit would be lost.
fn product(quantity: Decimal, price: Decimal) -> Option<Decimal> {
    let places = price.scale();
    let (quantity, price) = (quantity.normalize(), price.normalize());
    let exact = quantity.checked_mul(price)?;
    let is_exact = exact.is_zero() || exact.scale() == quantity.scale() + price.scale();
    is_exact.then(|| with_places(exact.normalize(), places))
}

/// With at least so many places.
fn with_places(mut amount: Decimal, places: u32) -> Decimal {
    if amount.scale() < places {
        amount.rescale(places);
    }
    amount
}

/// `None` where a digit would be lost.
fn exact_sum(left: Decimal, right: Decimal) -> Option<Decimal> {
    let sum = left.checked_add(right)?;
    (sum.checked_sub(left)? == right).then_some(sum)
}

#[cfg(test)]
mod tests;

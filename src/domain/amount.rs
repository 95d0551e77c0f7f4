//! Amounts of money as people type them.

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serializer;

use super::text::{clean, grouped, number};

/// Amounts stay below this, in the currency's whole units: what the counters can add up.
pub(crate) const BELOW: i64 = 10_000_000_000;

/// An amount as people read it, with its currency and the places of that, or all that it has where those are more: `RM 1,240.00`,
/// `JPY 300`.
pub fn in_currency(amount: Decimal, currency: &str) -> String {
    format!("{} {}", symbol(currency), with_places(amount, shown_places(amount, currency))).trim_start().to_owned()
}

/// With how many decimals an amount is shown: those of its currency, and further ones that are not 0.
pub fn shown_places(amount: Decimal, currency: &str) -> u32 {
    amount.normalize().scale().max(places(currency))
}

/// With two decimals and a comma between thousands: `1,240.00`.
pub fn money(amount: Decimal) -> String {
    with_places(amount, 2)
}

fn with_places(amount: Decimal, places: u32) -> String {
    let text = format!("{:.*}", places as usize, amount.abs());
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
    match text.split_once('.') {
        Some((whole, cents)) => format!("{sign}{}.{cents}", grouped(whole)),
        None => format!("{sign}{}", grouped(&text)),
    }
}

/// With how many decimals a program reads an amount: all that it was sent with, and those of its currency at least.
pub fn text_places(amount: Decimal, currency: Option<&str>) -> u32 {
    amount.scale().max(currency.map_or(0, places))
}

/// A price or a sum as a program reads it, in JSON and in files: exact, and with the places of its currency at least, `12.50` or `0.00`.
/// Without a currency it has the places that it was sent with.
pub fn as_text(amount: Decimal, currency: Option<&str>) -> String {
    format!("{amount:.*}", text_places(amount, currency) as usize)
}

/// The same of one that is kept as a text; what is not a number stays as it is.
pub fn text_as_text(text: String, currency: Option<&str>) -> String {
    let amount = Decimal::from_str_exact(&text);
    amount.map_or(text, |amount| as_text(amount, currency))
}

/// An amount of a person's, or a sum of such, as a program reads it, whatever was typed: with the decimals that it is kept with, `1240.00`.
pub fn as_kept(amount: Decimal) -> String {
    format!("{:.*}", KEPT_PLACES as usize, amount.round_dp(KEPT_PLACES))
}

/// The same of one that is kept as a text; what is not a number stays as it is.
pub fn text_as_kept(text: String) -> String {
    let amount = Decimal::from_str_exact(&text);
    amount.map_or(text, as_kept)
}

/// An amount in JSON: with two decimals, as `1240.00`.
pub fn in_json<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&as_kept(*amount))
}

/// The same of one that may be missing.
pub fn in_json_if_any<S: Serializer>(amount: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => in_json(amount, serializer),
        None => serializer.serialize_none(),
    }
}

/// The currency as people write it before an amount.
pub fn symbol(currency: &str) -> &str {
    match currency {
        "MYR" => "RM",
        "IDR" => "Rp",
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "SGD" => "S$",
        other => other,
    }
}

/// The currency of which a text begins with the symbol, and what follows that. `$` is of too many.
pub fn by_symbol(text: &str) -> Option<(&'static str, &str)> {
    ["MYR", "IDR", "EUR", "GBP", "SGD"].into_iter().find_map(|code| {
        let (sign, rest) = text.split_at_checked(symbol(code).len())?;
        sign.eq_ignore_ascii_case(symbol(code)).then_some((code, rest))
    })
}

/// Currencies that are counted in thousandths, and those without smaller units (ISO 4217).
const THREE_PLACES: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const NO_PLACES: [&str; 16] =
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"];

/// Further currencies that people use, with hundredths (ISO 4217).
const TWO_PLACES: [&str; 134] = [
    "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND",
    "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHF", "CNY", "COP", "CRC", "CUP", "CVE", "CZK",
    "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GTQ", "GYD",
    "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD", "KZT", "LAK",
    "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK", "MXN",
    "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON",
    "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP",
    "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "UYU", "UZS", "VED", "VES", "WST",
    "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG",
];

/// Whether these are the three letters of a currency, in any case.
pub fn is_currency(code: &str) -> bool {
    let known = THREE_PLACES.iter().chain(&NO_PLACES).chain(&TWO_PLACES);
    known.into_iter().any(|known| known.eq_ignore_ascii_case(code))
}

/// How many decimal places a currency has.
pub fn places(currency: &str) -> u32 {
    let is = |known: &&str| known.eq_ignore_ascii_case(currency);
    match (THREE_PLACES.iter().any(is), NO_PLACES.iter().any(is)) {
        (true, _) => 3,
        (_, true) => 0,
        _ => 2,
    }
}

/// Whether a currency that comes without a price is that of the price which stands already: an amount is never called another currency.
///
/// # Errors
/// Says which currency that price has.
pub fn check_currency(given: Option<&str>, (price, own): (Decimal, &str)) -> Result<(), String> {
    match given {
        Some(given) if !given.eq_ignore_ascii_case(own) => {
            let shown = with_places(price, shown_places(price, own));
            Err(format!("its price is {shown} {own}: leave the currency out, or give a price in {given} as well"))
        }
        _ => Ok(()),
    }
}

/// An amount has more decimal places than its currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{currency} has {} decimal places: write it as {below} or {above}", match places(currency) {
    0 => "no".to_owned(),
    places => places.to_string(),
})]
pub struct PlacesError {
    currency: String,
    /// The nearest amounts that the currency has.
    below: Decimal,
    above: Decimal,
}

/// Refuses an amount with more decimal places than its currency has; zeros at its end aside.
///
/// # Errors
/// How it is written in that currency.
pub fn check_places(amount: Decimal, currency: &str) -> Result<(), PlacesError> {
    let places = places(currency);
    if amount.normalize().scale() <= places {
        return Ok(());
    }
    let nearest = |way| amount.round_dp_with_strategy(places, way);
    let (below, above) = (nearest(RoundingStrategy::ToNegativeInfinity), nearest(RoundingStrategy::ToPositiveInfinity));
    Err(PlacesError { currency: currency.to_ascii_uppercase(), below, above })
}

/// What was typed is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("`{0}` is not an amount: {1}")]
    Unreadable(String, Cow<'static, str>),
    #[error("`{0}`: {hint}", hint = self.hint())]
    OtherCurrency(String, String),
    #[error("`{0}`: {1}")]
    Places(String, PlacesError),
    #[error("`{0}`: write it with at most {places} decimal places", places = KEPT_PLACES)]
    TooFine(String),
    #[error("`{0}` is too large: write an amount below {below}", below = number(BELOW))]
    TooLarge(String),
}

impl AmountError {
    /// How to mend it, for where what was typed is in sight.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable(_, how) => how.to_string(),
            Self::OtherCurrency(_, own) => format!("amounts are in {own}: write the number alone"),
            Self::Places(_, error) => error.to_string(),
            Self::TooFine(_) => format!("write it with at most {KEPT_PLACES} decimal places"),
            Self::TooLarge(_) => format!("too large: write an amount below {}", number(BELOW)),
        }
    }
}

/// People's amounts are kept with so many decimal places.
pub const KEPT_PLACES: u32 = 2;

/// How the amount of a sale is written in a currency.
pub fn write_as(currency: &str) -> &'static str {
    if places(currency) == 0 { "write it as 120 or 1,200" } else { "write it as 120, 120.50 or 1,200.50" }
}

/// Reads an amount of 0 or more in a currency: digits, perhaps with a comma before every three of them, perhaps with a point and as
/// many places as the currency has, at most two. A single comma before the last two digits is a point too: `49,90`. Anything else is refused
/// rather than guessed: `12,5` may be 12.50 or the beginning of 12,500.
pub fn parse(text: &str, currency: &str) -> Result<Decimal, AmountError> {
    let text = text.trim();
    let refused = || AmountError::Unreadable(clean(text).into_owned(), mend(text, currency));
    let (whole, places) = text.split_once('.').or_else(|| at_comma(text, currency)).unwrap_or((text, ""));
    let whole = without_commas(whole).filter(|whole| is_digits(whole)).ok_or_else(refused)?;
    if whole.is_empty() && places.is_empty() || !is_digits(places) {
        return Err(refused());
    }
    let too_large = || AmountError::TooLarge(shortened(text));
    let digits = format!("0{whole}.{places}");
    let amount: Decimal = digits.trim_end_matches('.').parse().map_err(|_| too_large())?;
    if amount >= Decimal::from(BELOW) {
        return Err(too_large());
    }
    check_places(amount, currency).map_err(|error| AmountError::Places(shortened(text), error))?;
    if places.len() > KEPT_PLACES as usize { Err(AmountError::TooFine(shortened(text))) } else { Ok(amount) }
}

/// The same where its currency may stand before or behind it: `RM 120`, `120 MYR`. An amount of another currency is refused.
pub fn parse_with_currency(text: &str, currency: &str) -> Result<Decimal, AmountError> {
    let is_name = |c: char| c.is_alphabetic() || CURRENCY_SIGNS.contains(c);
    let text = text.trim();
    let rest = text.trim_start_matches(is_name);
    let number = rest.trim_end_matches(is_name);
    let names = [&text[..text.len() - rest.len()], &rest[number.len()..]];
    let is_own = |name: &&str| name.eq_ignore_ascii_case(currency) || name.eq_ignore_ascii_case(symbol(currency));
    let is_other = |name: &&str| !is_own(name) && (is_currency(name) || name.contains(|c| CURRENCY_SIGNS.contains(c)));
    if names.iter().any(is_other) {
        return Err(AmountError::OtherCurrency(shortened(text), symbol(currency).to_owned()));
    }
    let has_currency_alone = names.iter().all(|name| name.is_empty() || is_own(name));
    parse(if has_currency_alone { number } else { text }, currency)
}

/// Signs of currencies.
const CURRENCY_SIGNS: &str = "$€£¥₹₱฿₫₩";

/// How something that is not an amount is written: as it seems to be meant, else by examples.
fn mend(text: &str, currency: &str) -> Cow<'static, str> {
    if text.starts_with(['-', '\u{2212}']) {
        return "an amount is 0 or more".into();
    }
    match with_commas(text).filter(|mended| mended != text && parse(mended, currency).is_ok()) {
        Some(mended) => format!("write it as {mended}").into(),
        None => write_as(currency).into(),
    }
}

/// An amount whose thousands are set apart by points, blanks or apostrophes, as this program writes it: `1.200,50` as `1,200.50`.
fn with_commas(text: &str) -> Option<String> {
    let (whole, cents) = match text.rsplit_once(',') {
        Some((whole, cents)) if whole.contains('.') => (whole.replace('.', ","), format!(".{cents}")),
        Some(_) => return None,
        None => match text.rsplit_once('.') {
            Some((whole, cents)) => (whole.to_owned(), format!(".{cents}")),
            None => (text.to_owned(), String::new()),
        },
    };
    let whole = whole.replace([' ', '\u{a0}', '\'', '\u{2019}'], ",");
    without_commas(&whole).map(|_| whole + &cents)
}

/// Where a comma stands for the point: before exactly two last digits, as the only sign, in a currency with smaller units.
fn at_comma<'a>(text: &'a str, currency: &str) -> Option<(&'a str, &'a str)> {
    let (whole, cents) = text.split_once(',')?;
    let is_amount = !whole.is_empty() && is_digits(whole) && cents.len() == 2 && is_digits(cents);
    (is_amount && places(currency) >= 2).then_some((whole, cents))
}

/// What was typed, as far as it is worth repeating.
fn shortened(text: &str) -> String {
    clean(text).chars().take(40).collect()
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// `None` where a comma does not stand before exactly three digits.
pub(super) fn without_commas(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let rest: Vec<&str> = groups.collect();
    let is_grouped = (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    (rest.is_empty() || is_grouped).then(|| std::iter::once(first).chain(rest).collect())
}

#[cfg(test)]
mod tests;

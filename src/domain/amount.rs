//! Amounts of money as people type them.

use rust_decimal::Decimal;
use serde::Serializer;

use super::text::{clean, grouped};

/// Amounts stay below this, in the currency's whole units: what the counters can add up.
pub(crate) const BELOW: i64 = 10_000_000_000;

/// With two decimals and a comma between thousands: `1,240.00`.
pub fn money(amount: Decimal) -> String {
    let text = format!("{:.2}", amount.abs());
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
    match text.split_once('.') {
        Some((whole, cents)) => format!("{sign}{}.{cents}", grouped(whole)),
        None => format!("{sign}{}", grouped(&text)),
    }
}

/// An amount in JSON: with two decimals, as `1240.00`.
pub fn in_json<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format!("{amount:.2}"))
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

/// Currencies that are counted in thousandths, and those without smaller units (ISO 4217).
const THREE_PLACES: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
const NO_PLACES: [&str; 16] =
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"];

/// How many decimal places a currency has.
pub fn places(currency: &str) -> u32 {
    let is = |known: &&str| known.eq_ignore_ascii_case(currency);
    match (THREE_PLACES.iter().any(is), NO_PLACES.iter().any(is)) {
        (true, _) => 3,
        (_, true) => 0,
        _ => 2,
    }
}

/// What was typed is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount: write it as 120, 120.50 or 1,200.50")]
pub struct AmountError(pub String);

/// Reads an amount of 0 or more: digits, perhaps with a comma before every three of them, perhaps with a point and at
/// most two places. Anything else is refused rather than guessed: `12,50` may be 12.50 or 1,250.
pub fn parse(text: &str) -> Result<Decimal, AmountError> {
    let text = text.trim();
    let refused = || AmountError(clean(text).into_owned());
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let whole = without_commas(whole).filter(|whole| is_digits(whole)).ok_or_else(refused)?;
    if whole.is_empty() && places.is_empty() || places.len() > 2 || !is_digits(places) {
        return Err(refused());
    }
    let digits = format!("0{whole}.{places}");
    let amount: Decimal = digits.trim_end_matches('.').parse().map_err(|_| refused())?;
    if amount < Decimal::from(BELOW) { Ok(amount) } else { Err(refused()) }
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
mod tests {
    use super::parse;

    #[test]
    fn an_amount_is_read_as_people_write_it() {
        for (text, amount) in [
            ("50", "50"),
            ("120.50", "120.50"),
            ("1,200.50", "1200.50"),
            ("1,234,567", "1234567"),
            ("1200.5", "1200.5"),
            ("120.", "120"),
            (".50", "0.50"),
            ("0", "0"),
            (" 7 ", "7"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), amount, "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_amounts_or_none_is_refused() {
        let wrong = [
            "",
            ".",
            ",",
            "12,50",
            "1,2000",
            "1,,200",
            ",200",
            "1.234",
            "1.2.3",
            "-1",
            "1e5",
            "12a",
            "10000000000",
            "۵",
        ];
        for text in wrong.into_iter().chain(["9".repeat(300).as_str()]) {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

//! What a catalogue has: items that can be ordered, alone or as variants of one product.

use rust_decimal::Decimal;

use super::amount::{is_currency, places};
use super::text::clean;

/// Something that can be ordered, as a file or Meta lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogueItem {
    /// Meta's retailer id.
    pub sku: String,
    /// Meta's id.
    pub external_id: Option<String>,
    /// Of the product that it is a variant of: Meta's item group.
    pub group: Option<String>,
    pub name: String,
    /// What distinguishes it from the other variants, such as `red, XL`.
    pub variant: Option<String>,
    pub description: Option<String>,
    /// In the currency's whole units.
    pub price: Option<Decimal>,
    /// Three letters, such as `MYR`.
    pub currency: Option<String>,
    /// In Meta's words: `in stock`, `out of stock`, `preorder` and so on.
    pub availability: Option<String>,
    pub inventory: Option<i64>,
    pub image_url: Option<String>,
    pub url: Option<String>,
    /// It describes a product whose variants are items of their own, and cannot be ordered itself. Without one, the first of the variants
    /// describes the product.
    pub gathers_variants: bool,
}

/// What is taken where nothing is said.
pub const IN_STOCK: &str = "in stock";

/// Whether nobody can buy it now.
pub fn is_sold_out(availability: &str, inventory: Option<i64>) -> bool {
    let is_gone = ["out of stock", "discontinued"].iter().any(|word| availability.eq_ignore_ascii_case(word));
    is_gone || inventory == Some(0)
}

/// The words for availability that Meta knows.
const AVAILABILITIES: [&str; 5] = [IN_STOCK, "out of stock", "preorder", "available for order", "discontinued"];

/// Reads availability in Meta's words, with underscores or blanks.
pub fn availability(text: &str) -> Option<&'static str> {
    let word = text.trim().to_ascii_lowercase().replace('_', " ");
    AVAILABILITIES.into_iter().find(|known| *known == word)
}

/// Reads a currency as somebody else's list has it: any three letters.
pub fn three_letters(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}

/// Reads a currency as people write it: the three letters of one that there is.
///
/// # Errors
/// A sentence that says how to write it.
pub fn currency(text: &str) -> Result<String, String> {
    let known = three_letters(text).filter(|code| is_currency(code));
    known.ok_or_else(|| format!("`{}` is not a currency: write its three letters, as MYR", clean(text.trim())))
}

/// Reads a price as a file has it: `19.90`, `1,240.00`, `19,90`, `19.90 MYR` or `RM 19.90`, with the currency where it names one.
///
/// # Errors
/// A sentence that says how to write it.
pub fn price(text: &str) -> Result<(Decimal, Option<String>), String> {
    if text.trim().is_empty() {
        return Err("the price is missing: write it as 19.90 or 19.90 MYR".to_owned());
    }
    let refused = || format!("`{}` is not a price: write it as 19.90 or 19.90 MYR", clean(text));
    if let Some((currency, number)) = super::amount::by_symbol(text.trim()) {
        let (price, None) = price(number)? else { return Err(refused()) };
        return Ok((price, Some(currency.to_owned())));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let (number, currency_word) = match words[..] {
        [number] => (number, None),
        [number, word] if three_letters(word).is_some() => (number, Some(currency(word)?)),
        [word, number] if three_letters(word).is_some() => (number, Some(currency(word)?)),
        _ => return Err(refused()),
    };
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    // Before two last digits a single comma is the point.
    let by_comma =
        || number.split_once(',').filter(|(whole, cents)| cents.len() == 2 && is_plain(whole) && is_plain(cents));
    let (whole, places) = number.split_once('.').or_else(by_comma).unwrap_or((number, ""));
    let whole = super::amount::without_commas(whole).filter(|whole| is_plain(whole)).ok_or_else(refused)?;
    if whole.is_empty() && places.is_empty() || !is_plain(places) || whole.len() > 12 || places.len() > 6 {
        return Err(refused());
    }
    let digits = format!("0{whole}.{places}");
    let price = digits.trim_end_matches('.').parse().map_err(|_| refused())?;
    Ok((price, currency_word))
}

/// Reads a price as Meta shows it to people, `RM1,240.00`, `1.240,00 €`, `Rp15.000`: the last point or comma divides unless three
/// digits follow it that the currency does not have.
pub fn shown_price(text: &str, currency: &str) -> Option<Decimal> {
    let number: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',')).collect();
    let number = number.trim_matches(['.', ',']);
    let (whole, cents) = match number.rfind(['.', ',']) {
        Some(at) if number.len() - at - 1 != 3 || places(currency) == 3 => (&number[..at], &number[at + 1..]),
        _ => (number, ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    format!("0{whole}.{cents}").trim_end_matches('.').parse().ok().filter(|_| !number.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_as_files_write_it() {
        for (text, amount, money) in [
            ("19.90", "19.90", None),
            ("1,240", "1240", None),
            ("9.99 usd", "9.99", Some("USD")),
            ("MYR 0.125", "0.125", Some("MYR")),
            ("RM 45,00", "45.00", Some("MYR")),
            ("rm1,240.50", "1240.50", Some("MYR")),
            ("1200,50", "1200.50", None),
            ("€ 3", "3", Some("EUR")),
        ] {
            let (price, currency) = price(text).unwrap();
            assert_eq!((price.to_string().as_str(), currency.as_deref()), (amount, money), "{text}");
        }
        for wrong in [
            "",
            "free",
            "-1",
            "1,2",
            "1.2.3",
            "1 2 3",
            "1e5",
            "9.99 dollars",
            "NaN",
            "RM",
            "RM RM 1",
            "RM 1 USD",
            "1,240,50",
            ",50,",
        ] {
            assert!(price(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_price_is_read_as_meta_shows_it() {
        for (text, currency, amount) in [
            ("RM1,240.00", "MYR", "1240.00"),
            ("$9.99", "USD", "9.99"),
            ("1.240,50 €", "EUR", "1240.50"),
            ("Rp15.000", "IDR", "15000"),
            ("KWD 1.250", "KWD", "1.250"),
            ("¥1,500", "JPY", "1500"),
            ("30", "USD", "30"),
        ] {
            assert_eq!(shown_price(text, currency).map(|price| price.to_string()).as_deref(), Some(amount), "{text}");
        }
        assert_eq!(shown_price("free", "USD"), None);
    }
}

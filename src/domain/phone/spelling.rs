//! How people write numbers: scripts, punctuation, prefixes, ids and spreadsheet damage, folded away before the
//! metadata is asked. Knows no country.

use super::PhoneError;
use super::dates::is_day;
use super::digits::decimal_digit;
use crate::domain::text::is_invisible;

/// The longest text that is read, in bytes: a number with all its decoration is far shorter.
const TEXT_MAX: usize = 200;

/// So many digits before a point are no group of a phone number's.
const MEASURE_MIN: usize = 7;

/// Digits `0`–`9`, and what the text said about their country code.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::domain) struct Spelling {
    pub digits: String,
    pub reach: DialPrefix,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::domain) enum DialPrefix {
    /// A plus, or an id that always carries its country code.
    International,
    /// Opens with `00`, which most of the world dials for abroad.
    DoubleZero,
    Unstated,
}

/// Reads one number out of a text, or says why there is none.
pub(in crate::domain) fn read(text: &str) -> Result<Spelling, PhoneError> {
    if text.len() > TEXT_MAX {
        return Err(PhoneError::TooLong);
    }
    let folded = fold(text);
    let bare = folded.trim_matches(|c: char| c.is_whitespace() || "\"'`=,;|".contains(c));
    refuse_spreadsheet_damage(bare)?;
    refuse_measure(bare)?;
    if is_day(bare) {
        return Err(PhoneError::Date);
    }
    if let Some(digits) = whatsapp_id(bare)? {
        return Ok(Spelling { digits, reach: DialPrefix::International });
    }
    let (bare, linked) = without_scheme(bare);
    let spelling = gather(without_decimals(bare))?;
    let is_international = linked && !spelling.digits.starts_with('0');
    Ok(if is_international { Spelling { reach: DialPrefix::International, ..spelling } } else { spelling })
}

/// One way to write each digit, sign and space; invisible characters gone.
pub(super) fn fold(text: &str) -> String {
    text.chars().filter(|&c| c.is_whitespace() || !is_invisible(c)).map(fold_char).collect()
}

fn fold_char(c: char) -> char {
    if let Some(digit) = decimal_digit(c) {
        return char::from_digit(digit, 10).unwrap_or(c);
    }
    let code = u32::from(c);
    match c {
        // The full-width copy of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(code - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2043}' | '\u{30fc}' | '\u{ff70}' => '-',
        '\u{2024}' | '\u{b7}' | '\u{2022}' => '.',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2018}' | '\u{2019}' => '\'',
        c if c.is_whitespace() && c != '\n' => ' ',
        c => c,
    }
}

/// `6.01E+10`, `#####`, `#REF!`: the digits are lost.
fn refuse_spreadsheet_damage(text: &str) -> Result<(), PhoneError> {
    if text.starts_with('#') && !text.contains(|c: char| c.is_ascii_digit()) {
        return Err(PhoneError::SpreadsheetError);
    }
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Ok(()) };
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let number = mantissa.trim_start_matches(['+', '-']).replacen([',', '.'], "", 1);
    if all_digits(&number) && all_digits(power) { Err(PhoneError::Scientific) } else { Ok(()) }
}

/// `60100123456.5`, `-60100123456`: a number that measures something. Zeros behind the point are repaired later, and points as people
/// group digits with them stay: several, or one that a plus, a 0 or a short group before it shows to be no decimal point.
fn refuse_measure(text: &str) -> Result<(), PhoneError> {
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let is_number = |text: &str| {
        text.split_once(['.', ','])
            .map_or(all_digits(text), |(whole, fraction)| all_digits(whole) && all_digits(fraction))
    };
    if text.strip_prefix('-').is_some_and(is_number) {
        return Err(PhoneError::Negative);
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    let Some((whole, fraction)) = digits.split_once(['.', ',']).filter(|_| is_number(digits)) else { return Ok(()) };
    let is_bare = !text.starts_with(['+', '0']) && digits.contains('.');
    let is_fraction = whole == "0" || whole.len() >= MEASURE_MIN && (is_bare || fraction.len() <= 2);
    let is_whole = matches!(fraction, "0" | "00");
    if is_fraction && !is_whole { Err(PhoneError::Fraction) } else { Ok(()) }
}

/// The digits of `60…@s.whatsapp.net`, `60…:12@s.whatsapp.net` (the `:12` names a linked device) or `60…@c.us`.
fn whatsapp_id(text: &str) -> Result<Option<String>, PhoneError> {
    let Some((user, server)) = text.split_once('@') else { return Ok(None) };
    match server.trim().to_ascii_lowercase().as_str() {
        "s.whatsapp.net" | "c.us" | "hosted" => {}
        "lid" | "hosted.lid" => return Err(PhoneError::PrivacyId),
        "g.us" | "broadcast" | "newsletter" => return Err(PhoneError::NotAPerson),
        _ => return Err(PhoneError::NotDigits('@')),
    }
    let user = without_prefix(user.trim(), "whatsapp:").unwrap_or(user.trim());
    let digits = user.split_once(':').map_or(user, |(digits, _device)| digits);
    gather(digits).map(|spelling| Some(spelling.digits))
}

/// Drops `tel:`, `whatsapp:`, `sms:` or a `wa.me` link. The second value: the form carries the country code.
fn without_scheme(text: &str) -> (&str, bool) {
    for link in ["https://wa.me/", "http://wa.me/", "wa.me/"] {
        if let Some(rest) = without_prefix(text, link) {
            return (rest.split(['?', '/']).next().unwrap_or(rest), true);
        }
    }
    if let Some(rest) = without_prefix(text, "whatsapp:") {
        return (rest, true);
    }
    let scheme = ["tel:", "sms:", "callto:"].into_iter().find_map(|scheme| without_prefix(text, scheme));
    (scheme.unwrap_or(text).trim_start_matches("//"), false)
}

fn without_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// Repairs `60100123456.0`: a whole number that a spreadsheet took for a measure. The only point, zeros after it.
fn without_decimals(text: &str) -> &str {
    let Some((whole, fraction)) = text.split_once(['.', ',']) else { return text };
    let is_measure = whole.len() >= MEASURE_MIN
        && whole.trim_start_matches('+').bytes().all(|b| b.is_ascii_digit())
        && matches!(fraction, "0" | "00");
    if is_measure { whole } else { text }
}

fn gather(text: &str) -> Result<Spelling, PhoneError> {
    let mut digits = String::new();
    let mut reach = DialPrefix::Unstated;
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => reach = DialPrefix::International,
            ' ' | '-' | '.' | '(' | ')' => {}
            // `030/123456` sets the area apart; after a whole number a slash begins another.
            '/' if digits.len() <= 6 => {}
            '+' | '/' | ',' | ';' | '|' | '&' | '\n' if !digits.is_empty() => return Err(PhoneError::Several),
            _ if !text.contains(|c: char| c.is_ascii_digit()) => return Err(PhoneError::NoDigits),
            c => return Err(PhoneError::NotDigits(c)),
        }
    }
    if digits.is_empty() {
        return Err(PhoneError::Empty);
    }
    if reach == DialPrefix::Unstated && digits.starts_with("00") {
        reach = DialPrefix::DoubleZero;
    }
    Ok(Spelling { digits, reach })
}

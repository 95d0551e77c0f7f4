//! Phone numbers: any spelling that people paste becomes one (E.164), so that one person is one row.
//! Lengths and prefixes come from libphonenumber's metadata; knows nothing of files or providers.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, ValidationError,
};
use thiserror::Error;

mod dates;
pub(super) mod digits;
mod key;
pub(super) mod spelling;
mod united_states;

pub use dates::{
    begins_with_day, begins_with_day_of_a_year, is_date_or_years, is_day_of_a_year, is_exported_day, is_negation,
    names_month,
};
pub use key::{PersonKey, other_spelling};
use spelling::{DialPrefix, Spelling};
pub use united_states::is_united_states;

/// The most digits that E.164 allows, country code included.
pub const DIGITS_MAX: usize = 15;

/// A number in E.164: `+` and at most 15 digits. What comes from the database is kept as written: see [`Phone::is_e164`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Phone(String);

/// Why a text is not a phone number we can write to. Each says what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum PhoneError {
    #[error("empty: a phone number is needed")]
    Empty,
    /// Words in place of a number.
    #[error("not a phone number")]
    NoDigits,
    #[error("not a phone number: `{0}` does not belong in one")]
    NotDigits(char),
    #[error("more than one number: keep one a row")]
    Several,
    #[error("lost by the spreadsheet: format the column as text and export again")]
    Scientific,
    #[error("an error value of the spreadsheet: widen or fix the column and export again")]
    SpreadsheetError,
    #[error("a fraction, not a phone number: is this the right column, and what does the sheet show in it?")]
    Fraction,
    #[error("a negative number, not a phone number: is this the right column?")]
    Negative,
    #[error("a date, not a phone number: format the column as text, or name the right one `phone`")]
    Date,
    #[error("too short: perhaps its area or country code is missing")]
    TooShort,
    #[error("too long: extra digits, two numbers in one, or another country's")]
    TooLong,
    #[error("wrong number of digits for its country")]
    WrongLength,
    #[error("no country has this calling code: start with + and the country code")]
    NoSuchCountry,
    #[error("a WhatsApp privacy id (@lid), which has no phone number in it")]
    PrivacyId,
    #[error("a WhatsApp group or channel, not a person")]
    NotAPerson,
}

impl Phone {
    /// Reads a number as people write it. One without a country code belongs to `region`; digits that only make sense
    /// with their country code (`60123456789` in Malaysia) are international without their plus.
    ///
    /// *Possible* numbers are accepted: the metadata of allocated ranges lags behind the networks.
    pub fn parse(text: &str, region: Region) -> Result<Self, PhoneError> {
        let spelling = spelling::read(text)?;
        let (mut possible, mut wrong) = (None, None);
        for written in candidates(&spelling, region) {
            match reading(&written, region) {
                // Of a list most are: reading a number is half of what an import costs here.
                Ok(number) if number.is_valid() => return Ok(Self(as_typed(&written, &number))),
                Ok(number) => possible = possible.or(Some((written, number))),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        let (written, number) = possible.ok_or_else(|| wrong.unwrap_or(PhoneError::Empty))?;
        Ok(Self(as_typed(&written, &number)))
    }

    /// As the database has it: see [`Phone::is_e164`].
    pub const fn from_database(text: String) -> Self {
        Self(text)
    }

    /// The number with its plus, `+60100123456`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is written as E.164 has it. Whoever edits the database by hand may write anything.
    pub fn is_e164(&self) -> bool {
        let digits = self.0.strip_prefix('+').unwrap_or_default().as_bytes();
        (3..=DIGITS_MAX).contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit)
    }

    /// The digits alone, country code first, as the providers want them.
    pub fn digits(&self) -> &str {
        self.0.strip_prefix('+').unwrap_or(&self.0)
    }

    /// The country code with its plus, where this text is a spelling of the number that has none.
    pub fn code_that_is_missing_in(&self, written: &str) -> Option<String> {
        let digits: String =
            written.chars().filter_map(digits::decimal_digit).filter_map(|d| char::from_digit(d, 10)).collect();
        let national = Some(digits.trim_start_matches('0')).filter(|national| !national.is_empty())?;
        let code = self.digits().strip_suffix(national).filter(|code| !code.is_empty())?;
        Some(format!("+{code}"))
    }

    /// Whether the number lies in a range that is known to be allocated. For guessing which column holds phones, never
    /// for refusing one.
    pub fn is_valid_pattern(&self) -> bool {
        PhoneNumber::parse(without_mexicos_1(&self.0), None).is_ok_and(|number| number.is_valid())
    }
}

impl Phone {
    /// Whether it seems to have a digit too many or too few: as it is it lies in no range that is known to be allocated, and with one
    /// digit fewer or more it would. Never for refusing one: the metadata lags behind the networks.
    pub fn has_unusual_length(&self) -> bool {
        let is_known = |text: &str| PhoneNumber::parse(text, None).is_ok_and(|number| number.is_valid());
        let shorter = || self.0.get(..self.0.len().saturating_sub(1)).is_some_and(is_known);
        let longer = || (0..=9).any(|digit| is_known(&format!("{}{digit}", self.0)));
        !self.is_valid_pattern() && (shorter() || longer())
    }
}

/// Prints the number as WhatsApp does: international, grouped the way its country groups (`+60 12-345 6789`).
impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = without_mexicos_1(&self.0);
        let Ok(number) = PhoneNumber::parse(&known, None) else { return f.pad(&super::text::clean(&self.0)) };
        let grouped = number.format_as(PhoneNumberFormat::International);
        if known == self.0 { f.pad(&grouped) } else { f.pad(&grouped.replacen("+52 ", "+52 1 ", 1)) }
    }
}

/// The ways to read a spelling, the likeliest first.
fn candidates(spelling: &Spelling, region: Region) -> Vec<String> {
    let digits = &spelling.digits;
    let international = |digits: &str| format!("+{digits}");
    match spelling.reach {
        DialPrefix::International => vec![international(digits)],
        DialPrefix::DoubleZero => vec![international(&digits[2..]), digits.clone()],
        DialPrefix::Unstated if digits.starts_with('0') => vec![digits.clone()],
        // Its own code without a plus is likelier than a national number that lost its zero and opens with the same
        // digits (Indonesia's 0628 area against its 0811 mobiles).
        DialPrefix::Unstated if region.opens(digits) => vec![international(digits), digits.clone()],
        DialPrefix::Unstated => vec![digits.clone(), international(digits)],
    }
}

/// Mexican mobiles had a 1 behind the country code until 2019, and WhatsApp knows older accounts by it. The metadata
/// knows no such number any more.
fn without_mexicos_1(number: &str) -> Cow<'_, str> {
    let other = number.strip_prefix("+521").and_then(|_| other_spelling(&number[1..])).filter(|_| number.len() == 14);
    other.map_or(Cow::Borrowed(number), |digits| Cow::Owned(format!("+{digits}")))
}

/// In E.164; in the spelling that was written, where a person has two: WhatsApp may know them by that one only.
fn as_typed(written: &str, number: &PhoneNumber) -> String {
    let e164 = number.format_as(PhoneNumberFormat::E164).into_owned();
    let is_spelling = |other: String| e164.strip_prefix('+') == Some(&other);
    let other = written.strip_prefix('+').and_then(other_spelling);
    if other.is_some_and(is_spelling) { written.to_owned() } else { e164 }
}

/// One reading of a number, if its length is possible in its country and within E.164.
fn reading(written: &str, region: Region) -> Result<PhoneNumber, PhoneError> {
    let number = PhoneNumber::parse(without_mexicos_1(written), Some(region.0)).map_err(|error| match error {
        ParseError::InvalidCountryCode => PhoneError::NoSuchCountry,
        // Only digits and a plus are passed in: what is not a number then is a run of one or two digits.
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn | ParseError::NotANumber(_) => PhoneError::TooShort,
        ParseError::TooLongNsn => PhoneError::TooLong,
    })?;
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) => {}
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => return Err(PhoneError::TooShort),
        Err(ValidationError::TooLong) => return Err(PhoneError::TooLong),
        Err(ValidationError::InvalidLength) => return Err(PhoneError::WrongLength),
        Err(ValidationError::InvalidCountryCode) => return Err(PhoneError::NoSuchCountry),
    }
    if has_trunk_zero(&number) {
        return Err(PhoneError::TooShort);
    }
    if number.format_as(PhoneNumberFormat::E164).len() > DIGITS_MAX + 1 {
        return Err(PhoneError::TooLong);
    }
    Ok(number)
}

/// Whether its first zero is the one that is dialled within its country alone. The library leaves that in place where the number
/// would be too short without it.
fn has_trunk_zero(number: &PhoneNumber) -> bool {
    if !number.italian_leading_zero() || number.is_valid() {
        return false;
    }
    let of_code = PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code);
    let Some(region) = number.get_region_code().or(of_code) else { return false };
    let Ok(example) = PHONE_NUMBER_UTIL.get_example_number(region) else { return false };
    let dialled = format!("0{}", example.get_national_significant_number());
    PhoneNumber::parse(&dialled, Some(region)).is_ok_and(|read| read == example)
}

/// The country whose numbers are written without a country code: two letters of ISO 3166, such as `MY`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(rlibphonenumber::Region);

/// The text names no country that has phone numbers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a two-letter country code: write one, such as MY")]
pub struct RegionError(String);

impl Region {
    pub const MALAYSIA: Self = Self(rlibphonenumber::Region::MY);

    /// Whether the digits open with this region's own country code.
    fn opens(self, digits: &str) -> bool {
        let code = PHONE_NUMBER_UTIL.get_country_code_for_region(self.0);
        code.is_some_and(|code| digits.starts_with(&code.to_string()))
    }
}

/// The country of a number in E.164, with its plus: by its range where that is allocated, else the one that its calling code
/// belongs to first.
pub fn region_of(number: &str) -> Option<Region> {
    let number = PhoneNumber::parse(number, None).ok()?;
    number.get_region_code().or_else(|| PHONE_NUMBER_UTIL.get_region_for_country_code(number.country_code)).map(Region)
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || RegionError(super::text::clean(text).chars().take(20).collect());
        let region = rlibphonenumber::Region::from_code(text.trim()).map_err(|_| wrong())?;
        let known = PHONE_NUMBER_UTIL.get_country_code_for_region(region).is_some();
        if known { Ok(Self(region)) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Region {
    type Error = RegionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.to_string()
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_region_str().as_str())
    }
}

#[cfg(test)]
mod tests;

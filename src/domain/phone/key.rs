//! The key of a person: one for both spellings of a number that three countries write in two ways. Numbers are compared by
//! it; messages go to the number as it was typed.
//!
//! | country | the two spellings | the key | since |
//! |---|---|---|---|
//! | Brazil, +55 | area code, `9`, and a mobile's eight digits, the first of them 6 to 9; or without the `9` | without | ANATEL's ninth digit, 2012 to 2016: WhatsApp knows accounts of most areas without it |
//! | Argentina, +54 | `9` and ten digits; or the ten digits | without | the `9` distinguishes mobiles for callers from abroad; area code and subscriber are unique without it |
//! | Mexico, +52 | `1` and ten digits; or the ten digits | without | the `1` was dropped in 2019; accounts made before keep it |
//!
//! Meta documents that its `wa_id` differs from the number in just these countries. In Brazil eight digits that open with 2 to
//! 5 are a landline: somebody else than the mobile with a `9` in front of them. The database's function `person_key`
//! (`migrations/0008_person_key.sql`) has the same rule; a test compares the two.

use super::Phone;

/// Stands for a person, whichever way their number is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonKey(u64);

impl PersonKey {
    /// Of a number's digits, country code first. `None` for what is no number, or longer than 18 digits.
    pub fn of_digits(digits: &str) -> Option<Self> {
        const DIGITS_THAT_FIT: usize = 18;
        if digits.is_empty() || digits.len() > DIGITS_THAT_FIT || !is_digits(digits) {
            return None;
        }
        let (head, tail) = without_mobile_prefix(digits);
        let append = |number: u64, digit: u8| number * 10 + u64::from(digit - b'0');
        Some(Self(head.bytes().chain(tail.bytes()).fold(0, append)))
    }

    /// Its digits as a number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The number with its plus.
impl std::fmt::Display for PersonKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl Phone {
    /// The key of whoever has this number; `None` for what a database holds that is no number.
    pub fn key(&self) -> Option<PersonKey> {
        PersonKey::of_digits(self.digits())
    }
}

/// A number's digits, country code first, spelled the other way; `None` where there is only one.
pub fn other_spelling(digits: &str) -> Option<String> {
    if !is_digits(digits) {
        return None;
    }
    let (head, tail) = without_mobile_prefix(digits);
    if !head.is_empty() {
        return Some(format!("{head}{tail}"));
    }
    let with = |prefix: char, at: usize| Some(format!("{}{prefix}{}", &digits[..at], &digits[at..]));
    match (digits.as_bytes(), digits.len()) {
        ([b'5', b'5', b'1'..=b'9', b'1'..=b'9', b'6'..=b'9', ..], 12) => with('9', 4),
        ([b'5', b'4', ..], 12) => with('9', 2),
        ([b'5', b'2', ..], 12) => with('1', 2),
        _ => None,
    }
}

/// What is before and after the digit that the other spelling leaves out; nothing before when there is no such digit.
fn without_mobile_prefix(digits: &str) -> (&str, &str) {
    match (digits.as_bytes(), digits.len()) {
        ([b'5', b'5', b'1'..=b'9', b'1'..=b'9', b'9', b'6'..=b'9', ..], 13) => (&digits[..4], &digits[5..]),
        ([b'5', b'4', b'9', ..] | [b'5', b'2', b'1', ..], 13) => (&digits[..2], &digits[3..]),
        _ => ("", digits),
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(digits: &str) -> String {
        PersonKey::of_digits(digits).unwrap().to_string()
    }

    #[test]
    fn both_spellings_of_a_person_have_one_key() {
        let pairs = [
            ("5511987654321", "551187654321"),
            ("5548961234567", "554861234567"),
            ("5491123456789", "541123456789"),
            ("5492944123456", "542944123456"),
            ("5215512345678", "525512345678"),
        ];
        for (long, short) in pairs {
            assert_eq!(key(long), format!("+{short}"), "{long}");
            assert_eq!(key(short), format!("+{short}"));
            assert_eq!(other_spelling(long).as_deref(), Some(short));
            assert_eq!(other_spelling(short).as_deref(), Some(long));
        }
    }

    #[test]
    fn whoever_has_one_spelling_is_their_own_key() {
        let numbers = [
            "60123456789",
            // A Brazilian landline, and the mobile of somebody else with a 9 in front of the same digits.
            "551132345678",
            "5511932345678",
            // Too short or too long for the second spelling, no area, or another country.
            "55119876543",
            "55119876543210",
            "5501987654321",
            "54911234567",
            "52155123456",
            "5315512345678",
            "12015550123",
        ];
        for digits in numbers {
            assert_eq!(key(digits), format!("+{digits}"));
            assert_eq!(other_spelling(digits), None, "{digits}");
        }
    }

    #[test]
    fn what_is_no_number_has_no_key() {
        for text in ["", "odd", "+6010", "60 10", "1234567890123456789", "٥٥"] {
            assert_eq!(PersonKey::of_digits(text), None, "{text}");
        }
    }

    /// Digits among which the countries with two spellings are frequent.
    fn digits() -> impl Strategy<Value = String> {
        ("(55|549?|521?|60|1|)", "[0-9]{4,12}").prop_map(|(country, rest)| format!("{country}{rest}"))
    }

    proptest! {
        #[test]
        fn the_other_spelling_leads_back_and_has_the_same_key(digits in digits()) {
            if let Some(other) = other_spelling(&digits) {
                prop_assert_ne!(&other, &digits);
                prop_assert_eq!(PersonKey::of_digits(&other), PersonKey::of_digits(&digits));
                prop_assert_eq!(other_spelling(&other), Some(digits));
            }
        }

        #[test]
        fn a_key_is_shared_by_two_spellings_at_most(one in digits(), two in digits()) {
            let is_same = PersonKey::of_digits(&one) == PersonKey::of_digits(&two);
            let plain = |digits: &str| digits.trim_start_matches('0').to_owned();
            let is_spelling = plain(&one) == plain(&two) || other_spelling(&one).as_deref() == Some(&two);
            prop_assert_eq!(is_same, is_spelling);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = (PersonKey::of_digits(&text), other_spelling(&text));
        }
    }
}

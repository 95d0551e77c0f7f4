//! What others wrote (tags, stages, reasons) may hold a phone number or a message's id, which no page shows.

use chrono::NaiveDate;

use crate::domain::text::clean;

/// So many digits in a row may be a phone number. A date has eight.
const DIGITS: usize = 9;

/// The text on one line, with an ellipsis for whatever may be a phone number: nine digits or more, alone or with single spaces,
/// dashes, dots or brackets between them. So is every id of a message of Meta's.
pub(super) fn masked(text: &str) -> String {
    let text = clean(text);
    let chars: Vec<char> = text.chars().collect();
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(&c) = chars.get(at) {
        let (length, digits) = match chars.get(at..) {
            Some(rest) if is_date(rest) => (DATE, 0),
            Some(rest) if rest.starts_with(&MESSAGE_ID) => (word(rest), DIGITS),
            Some(rest) if c.is_numeric() => run(rest),
            _ => (1, 0),
        };
        if digits < DIGITS {
            shown.extend(&chars[at..at + length]);
        } else {
            if shown.ends_with('+') {
                shown.pop();
            }
            shown.push('…');
        }
        at += length;
    }
    shown
}

/// How Meta's ids of messages begin.
const MESSAGE_ID: [char; 6] = ['w', 'a', 'm', 'i', 'd', '.'];

/// The length of the word that begins here.
fn word(chars: &[char]) -> usize {
    chars.iter().position(|c| c.is_whitespace()).unwrap_or(chars.len())
}

/// `2026-11-20`, and no further digit.
const DATE: usize = 10;

/// Whether a day stands here, which is no part of a number.
fn is_date(chars: &[char]) -> bool {
    let Some(day) = chars.get(..DATE) else { return false };
    let text: String = day.iter().collect();
    let is_whole = chars.get(DATE).is_none_or(|next| !next.is_numeric());
    is_whole && (text.starts_with("19") || text.starts_with("20")) && text.parse::<NaiveDate>().is_ok()
}

/// From a digit on: the length of the run up to its last digit, and how many digits it has.
fn run(chars: &[char]) -> (usize, usize) {
    let (mut length, mut digits, mut between) = (0, 0, 0);
    for (at, c) in chars.iter().enumerate() {
        if c.is_numeric() {
            (length, digits, between) = (at + 1, digits + 1, 0);
        } else if " -.()/\u{a0}\u{2011}\u{2013}".contains(*c) && between < 2 {
            between += 1;
        } else {
            break;
        }
    }
    (length, digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::masked;

    #[test]
    fn whatever_may_be_a_phone_number_is_not_shown_and_dates_are() {
        for (text, shown) in [
            ("Campaign 2025-01-18", "Campaign 2025-01-18"),
            ("Answer to +60 10-005 6789!", "Answer to …!"),
            ("60123456789", "…"),
            ("a 012-345 6789, 12", "a …, 12"),
            ("call (010) 005-6789 now", "call (… now"),
            ("٠١٢٣٤٥٦٧٨٩", "…"),
            ("code 131026: not on WhatsApp", "code 131026: not on WhatsApp"),
            ("at 2026-11-20 14:02", "at 2026-11-20 14:02"),
            ("wamid.HBgLNjAxMjM= failed", "… failed"),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_number_is_left_however_it_is_written(number in "\\+?[0-9]([ .-]?[0-9]){8,14}", before in "[a-z ]{0,9}") {
            let shown = masked(&format!("{before}{number}"));
            prop_assert!(shown.chars().filter(char::is_ascii_digit).count() < 9, "{shown}");
        }
    }
}

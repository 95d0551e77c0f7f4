//! What others wrote (tags, stages, reasons) may hold a phone number or a message's id, which no page shows.

use chrono::{NaiveDate, NaiveTime};

use crate::domain::text::clean;

/// So many digits with little between them may be a phone number.
const DIGITS: usize = 8;
/// So many characters between two digits leave them one number. Spaces in a row count once, as a browser shows them.
const BETWEEN: usize = 3;

/// The text on one line, with an ellipsis for whatever may be a phone number: eight digits or more with up to three characters
/// between two of them that are neither letters nor digits. Plain dates, times, years and amounts stay. Every id of a message of
/// Meta's goes.
pub(super) fn masked(text: &str) -> String {
    let text = clean(text);
    let chars: Vec<char> = text.chars().collect();
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    while let Some(rest) = chars.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, is_shown) = if rest.starts_with(&MESSAGE_ID) {
            (word(rest), false)
        } else if rest[0].is_numeric() {
            let (length, digits) = run(rest);
            (length, digits < DIGITS || is_readable(&rest[..length], &shown))
        } else {
            (1, true)
        };
        if is_shown {
            shown.extend(&rest[..length]);
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

/// From a digit on: the length of the run up to its last digit, and how many digits it has.
fn run(chars: &[char]) -> (usize, usize) {
    let (mut length, mut digits, mut between, mut was_space) = (0, 0, 0, false);
    for (at, c) in chars.iter().enumerate() {
        if c.is_numeric() {
            (length, digits, between) = (at + 1, digits + 1, 0);
        } else if c.is_alphabetic() {
            break;
        } else if !(was_space && c.is_whitespace()) {
            between += 1;
        }
        if between > BETWEEN {
            break;
        }
        was_space = c.is_whitespace();
    }
    (length, digits)
}

/// Whether a run is certainly no phone number, after what is shown before it: an amount with its currency, or dates, times and
/// years, of which an ISO date may have one short number beside it (`Campaign 3 2025-01-18`).
fn is_readable(run: &[char], before: &str) -> bool {
    let run: String = run.iter().collect();
    let has_plus = before.chars().rev().take_while(|c| !c.is_alphanumeric()).chain(run.chars()).any(|c| c == '+');
    if has_plus {
        return false;
    }
    if CURRENCIES.iter().any(|currency| before.trim_end().ends_with(currency)) && is_amount(&run) {
        return true;
    }
    let words = run.split(|c: char| c.is_whitespace() || matches!(c, '–' | '—'));
    let words = words.map(|word| word.trim_matches(|c: char| !c.is_numeric())).filter(|word| !word.is_empty());
    let (certain, others): (Vec<_>, Vec<_>) =
        words.partition(|word| is_date(word) || word.split('-').all(is_time) || word.split(['-', '/']).all(is_year));
    match others.as_slice() {
        [] => true,
        [other] => other.len() <= 2 && certain.iter().any(|word| is_iso_date(word)),
        _ => false,
    }
}

/// What stands before an amount.
const CURRENCIES: [&str; 5] = ["RM", "MYR", "SGD", "USD", "$"];

/// `125,250.00`.
fn is_amount(text: &str) -> bool {
    let Some((whole, cents)) = text.split_once('.') else { return false };
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let is_digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    !first.starts_with('0')
        && is_digits(first, 1..=3)
        && groups.all(|group| is_digits(group, 3..=3))
        && is_digits(cents, 2..=2)
}

/// `2025`.
fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20")) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `14:02`, or with seconds and at most their millionths.
fn is_time(text: &str) -> bool {
    let is_read = |format| NaiveTime::parse_from_str(text, format).is_ok();
    text.len() <= "14:02:33.123456".len() && (is_read("%H:%M") || is_read("%H:%M:%S%.f"))
}

/// `2025-01-18`.
fn is_iso_date(text: &str) -> bool {
    text.len() == "2025-01-18".len() && text.get(..4).is_some_and(is_year) && text.parse::<NaiveDate>().is_ok()
}

/// An ISO date, also with slashes, or day, month and year.
fn is_date(text: &str) -> bool {
    let is_day_first = |between: char| {
        let parts: Vec<_> = text.split(between).collect();
        let [day, month, year] = parts.as_slice() else { return false };
        let (Ok(day), Ok(month), Ok(years)) = (day.parse(), month.parse(), year.parse()) else { return false };
        text.len() <= "18/01/2025".len() && is_year(year) && NaiveDate::from_ymd_opt(years, month, day).is_some()
    };
    is_iso_date(&text.replace('/', "-")) || ['/', '-', '.'].into_iter().any(is_day_first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assume, proptest};

    use super::masked;

    #[test]
    fn whatever_may_be_a_phone_number_is_not_shown_and_dates_are() {
        for (text, shown) in [
            ("Campaign 2025-01-18", "Campaign 2025-01-18"),
            ("Answer to +60 10-005 6789!", "Answer to …!"),
            ("60123456789", "…"),
            ("a 012-345 6789, twelve", "a …, twelve"),
            ("call (010) 005-6789 now", "call (… now"),
            ("٠١٢٣٤٥٦٧٨٩", "…"),
            ("code 131026: not on WhatsApp", "code 131026: not on WhatsApp"),
            ("at 2026-11-20 14:02", "at 2026-11-20 14:02"),
            ("wamid.HBgLNjAxMjM= failed", "… failed"),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }

    #[test]
    fn a_phone_number_is_masked_in_whatever_spelling() {
        for text in [
            "+60 12 - 345 6789",
            "012 - 345 - 6789",
            "+60,12,345,6789",
            "9123 4567",
            "91234567",
            "012·345·6789",
            "012\u{2010}345\u{2010}6789",
            "+60 12\u{2014}345\u{2014}6789",
            "012:345:6789",
            "012\u{2009}345\u{2009}6789",
            "+60 12_345_6789",
            "012   -   345   -   6789",
            "+60 2025-01-18",
            "2025-01-18 012",
            "01:23:45:67:89",
            "60,123,456.78",
            "20250118",
        ] {
            assert_eq!(masked(text), "…", "{text}");
            assert_eq!(masked(&format!("For {text}, again")), "For …, again", "{text}");
        }
    }

    #[test]
    fn dates_times_years_and_amounts_stay_readable() {
        for text in [
            "2025-01-18",
            "Campaign 2025-01-18",
            "Campaign 3 (2025-01-18)",
            "18/1/2025 and 18-01-2025",
            "18.01.2025",
            "2025-01-18 - 2025-01-20",
            "on 20 Nov 2026 14:02",
            "2026-11-20T14:02:33.123456Z",
            "12:30 - 14:30",
            "2025 2026",
            "2025/2026",
            "RM 1,250.00",
            "RM 1,250,000.00",
            "MYR 125,250.00",
            "1,240 of 12,400 people",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_number_is_left_however_it_is_written(
            number in "\\+?[1-9]([^\\p{L}\\p{N}\\p{M}\\p{So}]{0,3}[0-9]){7,14}",
            before in "[a-z ]{0,9}",
        ) {
            // A valid date or time may come out by chance; some characters became letters in a later Unicode.
            prop_assume!(!number.contains(['-', '/', '.', ':', ' ']));
            prop_assume!(number.chars().all(|c| c.is_ascii_digit() || !c.is_alphanumeric()));
            let shown = masked(&format!("{before}{number}"));
            prop_assert!(!shown.contains(|c: char| c.is_ascii_digit()), "{shown}");
        }

        #[test]
        fn no_number_with_a_plus_is_left(number in "\\+[1-9]([-/ .:,_()\u{2009}\u{2010}\u{2014}·]{0,3}[0-9]){7,14}") {
            prop_assert!(!masked(&number).contains(|c: char| c.is_ascii_digit()), "{}", masked(&number));
        }
    }
}

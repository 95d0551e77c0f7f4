//! Texts that begin with a day: a program writes a time with its offset behind it, and people a ticket or a reason.

use super::super::spelling::fold;
use super::{DateForm, DatePart, are_dates, is_day_of_parts, is_in_digits, parts, with_months_in_digits, without_time};

const WHOLE_DAYS: &[DateForm] = &[(3, is_day_of_parts), (1, is_day_in_digits)];

/// How many days each month has at most.
const DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Words before a day that say that something is not so on it, or no longer: somebody did not opt out, or is back.
const NEGATIONS: &[&str] = &[
    "no",
    "not",
    "never",
    "false",
    "n",
    "tidak",
    "tak",
    "bukan",
    "belum",
    "nein",
    "nicht",
    "non",
    "não",
    "nunca",
    "jamais",
    "falsch",
    "faux",
    "falso",
    "salah",
    "subscribe",
    "subscribed",
    "resubscribe",
    "resubscribed",
    "optin",
    "optedin",
    "active",
    "aktif",
    "berlangganan",
];

/// Whether a text begins with a day, perhaps behind the name of a weekday or another word, whatever comes after it. Not behind a negation.
pub fn begins_with_day(text: &str) -> bool {
    // `OCT` and `AUGUST` have the letter in them that a time begins with.
    let text = with_months_in_digits(&fold(text));
    let is_word_first = text.split_whitespace().next().is_some_and(may_stand_before_day);
    // *31 de diciembre de 2025*
    let words = text.split_whitespace().filter(|word| *word != "de");
    let words: Vec<&str> = words.map(without_time).take(4).collect();
    let is_day = |words: &[&str]| parts(&words.join(" ")).is_some_and(|parts| are_dates(&parts, WHOLE_DAYS));
    (0..=usize::from(is_word_first)).any(|from| (1..=3).any(|count| words.get(from..from + count).is_some_and(is_day)))
}

/// Whether a text begins with a day of whichever year, perhaps behind a word, whatever comes after it: `3/11`, *since 3 Nov*, `Nov 3rd - phone`.
pub fn begins_with_day_of_a_year(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_word_first =
        words.first().is_some_and(|word| may_stand_before_day(word) && !super::names_month(&word.to_lowercase()));
    let is_day = |words: &[&str]| is_day_of_a_year(&words.join(" "));
    (0..=usize::from(is_word_first)).any(|from| (1..=2).any(|count| words.get(from..from + count).is_some_and(is_day)))
}

/// Whether it is a day of whichever year, and nothing else: `3/11`, `3 Nov`, `Nov 3rd`.
pub fn is_day_of_a_year(text: &str) -> bool {
    let text = with_months_in_digits(&fold(text));
    // *24/7*, and 1.5.
    let is_other =
        text.trim() == "24/7" || text.contains('.') && !text.contains(['/', '-']) && !text.trim().ends_with('.');
    // Two numbers beside each other are anything.
    let has_sign = text.trim().contains(['/', '-', '.']);
    let digits: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || "/-.,".contains(c)).filter(|part| !part.is_empty()).collect();
    let numbers: Option<Vec<u32>> = digits.iter().map(|part| part.parse().ok().filter(|_| part.len() <= 2)).collect();
    let days_of = |month: u32| DAYS.get(usize::try_from(month).ok()?.checked_sub(1)?).copied();
    let is_one = |day: u32, month: u32| days_of(month).is_some_and(|days| (1..=days).contains(&day));
    has_sign && !is_other && matches!(numbers.as_deref(), Some([a, b]) if is_one(*a, *b) || is_one(*b, *a))
}

/// Whether a word says of a day behind it that something is not so on it, or no longer.
pub fn is_negation(word: &str) -> bool {
    NEGATIONS.contains(&word.to_lowercase().as_str())
}

/// `Wed,`, *since*.
fn may_stand_before_day(word: &str) -> bool {
    let word = word.trim_end_matches(',');
    word.chars().all(char::is_alphabetic) && !is_negation(word)
}

/// `20251231`, and no month in six digits.
fn is_day_in_digits(parts: &[DatePart]) -> bool {
    parts.first().is_some_and(|part| part.digits == 8) && is_in_digits(parts)
}

#[cfg(test)]
mod tests {
    use super::{begins_with_day, begins_with_day_of_a_year, is_day_of_a_year};

    #[test]
    fn a_text_begins_with_a_day_without_its_year_whatever_is_behind_it() {
        for text in ["since 3 Nov", "asked 3/11", "Mon 3 Nov", "3 Nov - phone", "3/11 by WhatsApp", "3 Nov 10:00"] {
            assert!(begins_with_day_of_a_year(text), "{text}");
        }
        for text in ["no 3/11", "never 3 Nov", "resubscribed 3 Nov", "31/2", "VIP", "the last 3 Nov", ""] {
            assert!(!begins_with_day_of_a_year(text), "{text}");
        }
    }

    #[test]
    fn a_day_without_its_year_has_a_sign_or_the_name_of_its_month() {
        for text in ["3/11", "3 Nov", "Nov 3rd", "31-12", "3.11.", "12 disember"] {
            assert!(is_day_of_a_year(text), "{text}");
        }
        for text in ["", "3", "3 11", "Nov", "31/13", "0/1", "3/11/2025", "+3/11x", "3 Novo", "012/34", "24/7", "1.5"] {
            assert!(!is_day_of_a_year(text), "{text}");
        }
    }

    #[test]
    fn a_text_begins_with_a_day_whatever_is_behind_it() {
        for text in [
            "2025-12-31",
            "2025-12-31 09:15:00 +0800",
            "2025-12-31 09:15:00.1 +0800 +08",
            "2025-12-31 09:15:00 -0500",
            "2025-12-31T09:15:00+08:00",
            "2025-12-31 13.45.10",
            "2025-12-31 0915",
            "31/12/2025 #4711",
            "31/12/2025 via 012-345 6789",
            "31.12.25 (ticket 4711)",
            "31 Dec 2025 09:15 +0800",
            "31. Dezember 2025 per Telefon 4711",
            "Wed Dec 31 2025 09:15:00 GMT+0800",
            "Wed, 31 Dec 2025 09:15:00 +0800",
            "since 31/12/2025",
            "31st December 2025 #4711",
            "31 de diciembre de 2025 (4711)",
            "2025年12月31日 4711",
        ] {
            assert!(begins_with_day(text), "{text}");
        }
        for text in
            ["", "no", "0", "ticket 4711", "012-345 6789 31/12/2025", "2025", "12", "31/02/2025", "maybe in May"]
        {
            assert!(!begins_with_day(text), "{text}");
        }
    }

    #[test]
    fn a_month_in_capitals_and_a_day_in_digits_alone_are_days_whatever_is_behind_them() {
        for text in [
            "31-OCT-2025 09:15:00 +0800",
            "31-OCT-25 09.15.00.000000 AM +08:00",
            "31 OCT 2025 #4711",
            "OCT 31, 2025 #4711",
            "SAT, 31 OCT 2025 09:15:00 +0800",
            "SAT OCT 31 2025 09:15:00 GMT+0800",
            "31 OKT 2025 #4711",
            "31 OKTOBER 2025 #4711",
            "1 AUGUST 2025 (ticket 4711)",
            "1-SEPT-2025 #4711",
            "1 MARET 2025 #4711",
            "1 AGUSTUS 2025 #4711",
            "20251231 09:15:00 +0800",
            "20251231T091500+0800",
            "31122025 #4711",
            "since 20251231 #4711",
        ] {
            assert!(begins_with_day(text), "{text}");
        }
        for text in ["202512 #4711", "2025 #4711", "20251331 #4711", "12345678 #4711", "0123456701 #4711"] {
            assert!(!begins_with_day(text), "{text}");
        }
    }

    #[test]
    fn a_day_behind_a_word_that_says_that_it_was_not_so_is_none() {
        for text in [
            "No 31/12/2025",
            "No (31/12/2025)",
            "no, 31/12/2025",
            "NOT 31/12/2025",
            "false 2025-12-31 09:15",
            "never 31/12/2025",
            "0 31/12/2025",
            "tidak 31/12/2025",
            "resubscribed 2025-12-31",
            "SUBSCRIBED 31-OCT-2025",
            "optin 20251231 #4711",
        ] {
            assert!(!begins_with_day(text), "{text}");
        }
        for text in ["yes 31/12/2025", "removed 31/12/2025", "STOP 31/12/2025", "sejak 31/12/2025"] {
            assert!(begins_with_day(text), "{text}");
        }
    }
}

//! Days, months and years, which may look like numbers: a spreadsheet makes them of a column that it takes for dates, and columns are called so.
//! The one place that says what is a date. Knows no country.

mod beginning;
mod exported;

use chrono::NaiveDate;

use super::spelling::fold;

pub use beginning::{begins_with_day, begins_with_day_of_a_year, is_day_of_a_year, is_negation};
pub use exported::is_exported_day;

/// The months as spreadsheets abbreviate and people write them, in English, Malay, Indonesian, German, Spanish, French and Portuguese. Not *out*
/// and *set*, which are other words more often.
const MONTHS: [&[&str]; 12] = [
    &["jan", "january", "januari", "januar", "ene", "enero", "janv", "janvier", "janeiro"],
    &["feb", "february", "februari", "februar", "febrero", "fev", "fevr", "févr", "février", "fevrier", "fevereiro"],
    &["mar", "march", "mac", "maret", "märz", "maerz", "mär", "marzo", "mars", "março", "marco"],
    &["apr", "april", "abr", "abril", "avr", "avril"],
    &["may", "mei", "mai", "mayo", "maio"],
    &["jun", "june", "juni", "junio", "juin", "junho"],
    &["jul", "july", "julai", "juli", "julio", "juil", "juillet", "julho"],
    &["aug", "august", "ogos", "agu", "agustus", "ago", "agosto", "août", "aout"],
    &["sep", "sept", "september", "septiembre", "setiembre", "septembre", "setembro"],
    &["oct", "october", "okt", "oktober", "octubre", "octobre", "outubro"],
    &["nov", "november", "noviembre", "novembre", "novembro"],
    &[
        "dec",
        "december",
        "dis",
        "disember",
        "des",
        "desember",
        "dez",
        "dezember",
        "dic",
        "diciembre",
        "déc",
        "décembre",
        "decembre",
        "dezembro",
    ],
];

/// Whether a word is the name of a month.
pub fn names_month(word: &str) -> bool {
    MONTHS.iter().any(|names| names.contains(&word))
}

/// What sets the parts of a day apart. Groups of a number are set apart so as well, but none of them as day, month and year are.
const DAY_SIGNS: &str = "/.-|";

/// What may stand between dates and their parts. A plus makes a number of what comes after it.
const SIGNS: &str = "/.-|,;&_~\\'\"`()[]=";

/// From one day to another there are six.
const PARTS_MAX: usize = 12;

/// How many parts make a date, and whether these do.
type DateForm = (usize, fn(&[DatePart]) -> bool);

const SIGNED_DAYS: &[DateForm] = &[(3, is_signed_day), (4, are_signed_days_of_a_month)];

const DATES: &[DateForm] = &[
    (3, is_day_of_parts),
    (4, are_days_of_a_month),
    (5, are_days_of_a_year),
    (2, is_month),
    (2, is_season),
    (1, is_year),
    (1, is_in_digits),
];

/// Digits in a row, and the sign before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct DatePart {
    value: u32,
    digits: usize,
    sign: Option<char>,
}

/// Whether it is a day, a month, a year, or several of them, in any common spelling, perhaps with a time or words behind it. Some are also
/// how numbers are written: `20251231`, `2025-2026`.
pub fn is_date_or_years(text: &str) -> bool {
    parts(&fold(text)).is_some_and(|parts| are_dates(&parts, DATES))
}

/// Whether a folded text is a day, or are two, as no number is written: with a year of four digits, and signs between its parts.
pub(super) fn is_day(folded: &str) -> bool {
    // Digits alone are none: a list has many.
    let has_signs = folded.contains(|c: char| DAY_SIGNS.contains(c) || c.is_alphabetic());
    has_signs && parts(folded).is_some_and(|parts| are_dates(&parts, SIGNED_DAYS))
}

/// The numbers that a text begins with, if there is nothing but them, times, and words behind them.
fn parts(text: &str) -> Option<Vec<DatePart>> {
    let first = text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).count();
    // Most numbers go no further: a list has many.
    if !matches!(first, 1 | 2 | 4 | 6 | 8) {
        return None;
    }
    let text = with_months_in_digits(text);
    let mut dates = String::new();
    for (place, word) in text.split_whitespace().map(without_time).enumerate() {
        if !stands_beside(word) {
            dates.push(' ');
            dates.push_str(word);
        } else if place == 0 {
            return None;
        }
    }
    numbers(&dates)
}

/// `31-Dec-2025` as `31--12--2025`, `31st` as `31`, `2025年12月31日` as `2025-12-31`.
fn with_months_in_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphabetic) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|c: char| !c.is_alphabetic()).unwrap_or(word.len()));
        out.push_str(before);
        match word.to_lowercase().as_str() {
            "st" | "nd" | "rd" | "th" if before.ends_with(|c: char| c.is_ascii_digit()) => {}
            "年" | "月" => out.push('-'),
            "日" | "号" => out.push(' '),
            name => {
                let month = MONTHS.iter().position(|names| names.contains(&name));
                let month = month.map(|month| format!("-{}-", month + 1));
                out.push_str(month.as_deref().unwrap_or(word));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `2025-12-31T09:15:00Z` is a day, and `2025-W51` is of a year.
fn without_time(word: &str) -> &str {
    word.find(['T', 'W']).filter(|at| *at > 0).map_or(word, |at| &word[..at])
}

/// A word, a time, or the `(1)` of a copy.
fn stands_beside(word: &str) -> bool {
    let is_short = |text: &str| matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
    let is_copy = || word.strip_prefix('(').and_then(|word| word.strip_suffix(')')).is_some_and(is_short);
    let is_time = || word.split_once('.').is_some_and(|(hour, minute)| is_short(hour) && is_short(minute));
    word.contains(|c: char| c.is_alphabetic() || c == ':') || is_copy() || is_time()
}

/// Nothing where more stands between them than signs.
fn numbers(text: &str) -> Option<Vec<DatePart>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (gap, from) = rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()));
        if parts.len() > PARTS_MAX || gap.contains(|c: char| c != ' ' && !SIGNS.contains(c)) {
            return None;
        }
        if from.is_empty() {
            return (!parts.is_empty()).then_some(parts);
        }
        let (digits, after) = from.split_at(from.find(|c: char| !c.is_ascii_digit()).unwrap_or(from.len()));
        let value = Some(digits).filter(|digits| digits.len() <= 8)?.parse().ok()?;
        parts.push(DatePart { value, digits: digits.len(), sign: gap.chars().find(|c| *c != ' ') });
        rest = after;
    }
}

fn are_dates(parts: &[DatePart], forms: &[DateForm]) -> bool {
    let begin_so = |(length, is_form): &DateForm| {
        let Some((date, rest)) = parts.split_at_checked(*length) else { return false };
        is_form(date) && are_dates(rest, forms)
    };
    parts.is_empty() || forms.iter().any(begin_so)
}

fn is_signed_day(parts: &[DatePart]) -> bool {
    let has_year = parts.iter().any(|part| is_year(&[*part]));
    has_year && has_same_signs(parts) && is_day_of_parts(parts)
}

/// Between them: what stands before the first does not count.
fn has_same_signs(parts: &[DatePart]) -> bool {
    let mut signs = parts.iter().skip(1).map(|part| part.sign.filter(|sign| DAY_SIGNS.contains(*sign)));
    let first = signs.next().flatten();
    first.is_some() && signs.all(|sign| sign == first)
}

/// A year of two digits only where signs set it apart.
fn is_day_of_parts(parts: &[DatePart]) -> bool {
    let [first, second, third] = *parts else { return false };
    let is_short = [first, second, third].iter().all(|part| part.digits <= 2) && has_same_signs(parts);
    let of_this_century = |part: DatePart| DatePart { value: 2000 + part.value, digits: 4, ..part };
    let is_of = |year: DatePart, month, day| {
        is_day_of(year, month, day) || is_short && year.digits == 2 && is_day_of(of_this_century(year), month, day)
    };
    is_of(first, second, third) || is_of(third, second, first) || is_of(third, first, second)
}

fn is_day_of(year: DatePart, month: DatePart, day: DatePart) -> bool {
    let date = i32::try_from(year.value).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month.value, day.value));
    is_year(&[year]) && month.digits <= 2 && day.digits <= 2 && date.is_some()
}

/// `1-31/12/2025`.
fn are_days_of_a_month(parts: &[DatePart]) -> bool {
    let [from, to, month, year] = *parts else { return false };
    is_day_of(year, month, from) && is_day_of(year, month, to)
}

/// The same, where the day, the month and the year are set apart as no number is.
fn are_signed_days_of_a_month(parts: &[DatePart]) -> bool {
    let [_, last @ ..] = parts else { return false };
    let is_apart = last.iter().skip(1).all(|part| part.sign == Some('/'));
    is_apart && are_days_of_a_month(parts)
}

/// `29/11-2/12/2025`.
fn are_days_of_a_year(parts: &[DatePart]) -> bool {
    let [from, from_month, to, to_month, year] = *parts else { return false };
    is_day_of(year, from_month, from) && is_day_of(year, to_month, to)
}

/// `12/2025`, `2025-12`.
fn is_month(parts: &[DatePart]) -> bool {
    let [first, second] = *parts else { return false };
    let is_of = |month: DatePart, year| month.digits <= 2 && (1..=12).contains(&month.value) && is_year(&[year]);
    is_of(first, second) || is_of(second, first)
}

/// `2025/26`.
fn is_season(parts: &[DatePart]) -> bool {
    let [from, to] = *parts else { return false };
    is_year(&[from]) && to.digits == 2
}

fn is_year(parts: &[DatePart]) -> bool {
    let [year] = *parts else { return false };
    year.digits == 4 && (1900..2100).contains(&year.value)
}

/// `20251231`, `31122025`, `202512`, `122025`.
fn is_in_digits(parts: &[DatePart]) -> bool {
    let [DatePart { value, digits, .. }] = *parts else { return false };
    let part = |value, digits| DatePart { value, digits, sign: None };
    match digits {
        8 => {
            let year_first = [part(value / 10_000, 4), part(value / 100 % 100, 2), part(value % 100, 2)];
            let year_last = [part(value / 1_000_000, 2), part(value / 10_000 % 100, 2), part(value % 10_000, 4)];
            is_day_of_parts(&year_first) || is_day_of_parts(&year_last)
        }
        6 => {
            let year_first = [part(value / 100, 4), part(value % 100, 2)];
            let year_last = [part(value / 10_000, 2), part(value % 10_000, 4)];
            is_month(&year_first) || is_month(&year_last)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::phone::{Phone, PhoneError};

    #[test]
    fn days_months_years_and_spans_of_them_are_dates_in_any_spelling() {
        for text in [
            "31/12/2025",
            "31 / 12 / 2025",
            "12/31/2025",
            "31.12.2025",
            "31-12-2025",
            "31\u{2013}12\u{2013}2025",
            "31|12|2025",
            "'31/12/2025",
            "\u{ff13}\u{ff11}/12/2025",
            "2025/12/31",
            "2025-12-31T09:15:00Z",
            "31/12/2025 09:15",
            "31/12/2025 9.15",
            "31/12/2025 (1)",
            "2026/1/5 Isnin",
            "31-Dec-2025",
            "1 Jan 2026",
            "31 Disember 2025",
            "31. Dezember 2025",
            "1. März 2026",
            "31st December 2025",
            "Dec 1st, 2025",
            "2nd of March 2026",
            "31 de diciembre de 2025",
            "1 de março de 2026",
            "31 août 2025",
            "2025年12月31日",
            "31-12-25",
            "1/1/26",
            "31 12 2025",
            "31122025",
            "20251231",
            "12312025",
            "12/2025",
            "12-2025",
            "2025-12",
            "122025",
            "202512",
            "Dec 2025",
            "2025",
            "2025/26",
            "2025\u{2013}2026",
            "2025 / 2026",
            "2024/2025/2026",
            "2025-W51",
            "31/12/2025-02/01/2026",
            "31/12/2025 - 2/1/2026",
            "1-31/12/2025",
            "29/11-2/12/2025",
            "11/2025-12/2025",
        ] {
            assert!(is_date_or_years(text), "{text}");
        }
    }

    #[test]
    fn numbers_words_and_days_that_no_calendar_has_are_no_dates() {
        for text in [
            "",
            "0123456701",
            "60123456701",
            "+60 12-345 6701",
            "+20251231",
            "012-345 6701",
            "012-2025 2026",
            "60 12 2025 2026",
            "01 22 20 19 20",
            "31/02/2025",
            "2025-02-31",
            "2026-13-01",
            "31/12/1850",
            "31/12/2025 0123456701",
            "0123456701 31/12/2025",
            "6O123456701",
            "31/12",
            "12",
            "Mac",
            "KL 2025",
            "iPhone 15",
            "#2025",
        ] {
            assert!(!is_date_or_years(text), "{text}");
        }
    }

    #[test]
    fn a_day_with_signs_in_it_is_nobodys_number() {
        let read = |text, region: &str| Phone::parse(text, region.parse().unwrap());
        let dates = [
            "31/12/2025",
            "31 / 12 / 2025",
            "31.12.2025",
            "31-12-2025",
            "31|12|2025",
            "31/12/2025-02/01/2026",
            "1-31/12/2025",
        ];
        for text in dates {
            assert_eq!(read(text, "MY"), Err(PhoneError::Date), "{text}");
        }
        for (text, region, number) in [
            ("2025-2026", "HK", "+85220252026"),
            ("20 12 20 25", "DK", "+4520122025"),
            ("20122025", "DK", "+4520122025"),
            ("03-2025 2026", "MY", "+60320252026"),
        ] {
            assert_eq!(read(text, region).as_ref().map(Phone::as_str), Ok(number), "{text}");
        }
    }
}

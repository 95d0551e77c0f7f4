//! Days and quarters as programs write them, where nothing else is expected: as numbers they are no dates anywhere else.

use std::ops::RangeInclusive;

use super::super::spelling::fold;

/// What a spreadsheet counts as the days of 2000 to 2040.
const SERIALS: RangeInclusive<u64> = 36_526..=51_501;

/// The seconds of the same years since 1970.
const SECONDS: RangeInclusive<u64> = 946_684_800..=2_240_611_199;

const MILLISECONDS: u64 = 1_000;

/// Whether a text is a day as a spreadsheet or a program counts it, from 2000 to 2040, or a quarter of a year: `46022`, `46022.39`,
/// `1735689600`, `1735689600000`, `Q4/2025`.
pub fn is_exported_day(text: &str) -> bool {
    let folded = fold(text);
    let text = folded.trim().trim_start_matches('\'');
    is_counted_day(text) || is_quarter(&text.to_lowercase())
}

fn is_counted_day(text: &str) -> bool {
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // A number of a phone may begin with a zero.
    if !are_digits(whole) || !are_digits(part) || whole.starts_with('0') {
        return false;
    }
    let is_of = |value: u64| SERIALS.contains(&value) || SECONDS.contains(&value);
    whole
        .parse()
        .is_ok_and(|value: u64| is_of(value) || value > *SECONDS.end() && SECONDS.contains(&(value / MILLISECONDS)))
}

/// `q4/2025`, `2025-q4`.
fn is_quarter(text: &str) -> bool {
    let parts: Vec<&str> = text.split([' ', '/', '-', '.', '_']).filter(|part| !part.is_empty()).collect();
    let is_year = |part: &str| part.len() == 4 && part.parse::<u32>().is_ok_and(|year| (1900..2100).contains(&year));
    let is_of = |quarter: &str, year: &str| matches!(quarter, "q1" | "q2" | "q3" | "q4") && is_year(year);
    matches!(parts[..], [one, other] if is_of(one, other) || is_of(other, one))
}

#[cfg(test)]
mod tests {
    use super::is_exported_day;

    #[test]
    fn days_that_programs_count_and_quarters_are_days_and_other_numbers_are_none() {
        for text in [
            "46022",
            "46022.3958",
            "46022,5",
            " '46022",
            "1735689600",
            "1735689600.25",
            "1735689600000",
            "Q4/2025",
            "q4 2025",
            "2025-Q4",
        ] {
            assert!(is_exported_day(text), "{text}");
        }
        for text in [
            "",
            "0",
            "1",
            "12",
            "4711",
            "99999",
            "0123456701",
            "60123456701",
            "17356896000",
            "Q5/2025",
            "Q4",
            "46022 km",
        ] {
            assert!(!is_exported_day(text), "{text}");
        }
    }
}

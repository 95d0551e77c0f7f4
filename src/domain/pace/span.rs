//! Lengths of time as people write them: `500ms`, `20s`, `1.5m`, `2h`, `1d`.

use std::time::Duration;

use super::PaceError;

/// The units, the longest first; milliseconds each.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// The longest valid length: a century is a typing error.
const MILLIS_MAX: f64 = 366.0 * 86_400_000.0;

/// Reads a length of time of at most 366 days. Long forms of the units (`min`, `sec`, `hours`) are accepted too.
pub fn parse_span(text: &str) -> Result<Duration, PaceError> {
    let wrong = || PaceError::Span(PaceError::quote(text));
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let millis_each = unit_millis(unit.trim()).ok_or_else(wrong)?;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    #[expect(clippy::cast_precision_loss, reason = "the units are far below 2^53")]
    let millis = number * millis_each as f64;
    if millis > MILLIS_MAX {
        return Err(PaceError::LongSpan(PaceError::quote(text)));
    }
    // Whole microseconds: finer than any timer, and free of a float's tail.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a year")]
    let micros = (millis * 1000.0).round() as u64;
    Ok(Duration::from_micros(micros))
}

/// Milliseconds of a unit by any of its names.
pub(super) fn unit_millis(unit: &str) -> Option<u64> {
    let short = match unit.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "millis" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    };
    UNITS.iter().find(|(name, _)| *name == short).map(|(_, millis)| *millis)
}

/// Writes a length of time in the longest unit that leaves no fraction: `90s`, `2h`, `0s`. Parts of a millisecond are
/// left out.
pub fn show_span(span: Duration) -> String {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let unit = UNITS.iter().find(|(_, each)| millis != 0 && millis.is_multiple_of(*each)).unwrap_or(&UNITS[3]);
    format!("{}{}", millis / unit.1, unit.0)
}

//! Lenient parsing of what a provider writes: odd bytes, numbers in three formats, times in seconds or milliseconds.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::domain::text::clean;

mod mend;

/// The longest text of a provider that is passed on for people, in characters.
const TEXT_MAX: usize = 500;

/// The longest name of a template that Meta allows, in characters.
const NAME_MAX: usize = 512;

/// Parses a body as JSON, whatever its content type. Tolerates invalid UTF-8 (which becomes `�`), a byte order mark,
/// raw control characters (a NUL, a line break within a string), half a surrogate pair, numbers that are too large and
/// values that stand too deep: each costs itself alone, never what stands beside it.
pub(super) fn json(body: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(body).ok().or_else(|| mended(body));
    value.filter(|value: &Value| value.is_object() || value.is_array())
}

/// The same, with each number that a float would change as the text that it was written as.
pub(super) fn exact_json(body: &[u8]) -> Option<Value> {
    if !mend::has_long_number(body) {
        return json(body);
    }
    rewritten(body, mend::exact).filter(|value| value.is_object() || value.is_array())
}

fn mended(body: &[u8]) -> Option<Value> {
    rewritten(body, mend::mended)
}

fn rewritten(body: &[u8], rewrite: fn(&str) -> String) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    serde_json::from_str(&rewrite(text)).ok()
}

/// Whether a body is a page for people, which something in between may have written.
pub(super) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// Describes a body without readable JSON.
pub(super) fn describe(body: &[u8]) -> &'static str {
    match body.trim_ascii_start() {
        [] => "an empty body",
        _ if is_page(body) => "an HTML page",
        _ if json(body).is_some() => "JSON that says neither yes nor no",
        _ => "a body that is not JSON",
    }
}

/// A text of a provider, cleaned and shortened for storage and display.
pub(super) fn short(text: &str) -> String {
    clean(text).trim().chars().take(TEXT_MAX).collect()
}

/// The name of a template, which is looked for by the whole of it.
pub(super) fn template_name(text: &str) -> String {
    clean(text).trim().chars().take(NAME_MAX).collect()
}

/// The value at a path of keys and list positions, `/data/key/id` or `/data/0/messageId`. Unlike a JSON pointer it
/// unescapes and copies nothing.
pub(super) fn at<'a>(value: &'a Value, place: &str) -> Option<&'a Value> {
    let step = |value: &'a Value, key: &str| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    };
    place.split('/').skip(1).try_fold(value, step)
}

/// An integer: as such, with a fraction of zeros (`131026.0`), either as text, or as the two halves
/// `{"low":n,"high":m}` of a 64-bit one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(&number.to_string())),
        Value::String(text) => whole(text.trim()),
        Value::Object(halves) => {
            let high = i32::try_from(halves.get("high").map_or(Some(0), Value::as_i64)?).ok()?;
            // The low half may be signed or unsigned.
            let low = halves.get("low")?.as_i64()?.rem_euclid(1 << 32);
            Some((i64::from(high) << 32) | low)
        }
        _ => None,
    }
}

/// `7`, `7.0`.
fn whole(text: &str) -> Option<i64> {
    let is_zeros = |fraction: &str| !fraction.is_empty() && fraction.bytes().all(|byte| byte == b'0');
    let digits = text.split_once('.').map_or(Some(text), |(digits, fraction)| is_zeros(fraction).then_some(digits));
    digits?.parse().ok()
}

/// `true`, also as text.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// A time in seconds or milliseconds. `None` for anything before WhatsApp existed (2009) or later than tomorrow.
pub(super) fn timestamp(value: &Value, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    const YEAR_2009: i64 = 1_230_768_000;
    let number = integer(value)?;
    // Taken as seconds, milliseconds since 2009 are 39,000 years ahead: the two never overlap.
    let time = if number < YEAR_2009 * 1_000 {
        DateTime::from_timestamp(number, 0)?
    } else {
        DateTime::from_timestamp_millis(number)?
    };
    let earliest = DateTime::from_timestamp(YEAR_2009, 0)?;
    (time >= earliest && time <= now + TimeDelta::days(1)).then_some(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-06-15T04:00:00Z".parse().unwrap()
    }

    #[test]
    fn numbers_come_in_three_spellings() {
        for value in
            [json!(1_768_716_040), json!("1768716040"), json!({"low": 1_768_716_040, "high": 0, "unsigned": true})]
        {
            assert_eq!(integer(&value), Some(1_768_716_040), "{value}");
        }
        assert_eq!(integer(&json!({"low": -1, "high": 0})), Some(0xffff_ffff));
        assert_eq!(integer(&json!({"low": 1, "high": 1})), Some(0x1_0000_0001));
        for value in [json!(131_026.0), json!("131026.0"), json!("131026.00")] {
            assert_eq!(integer(&value), Some(131_026), "{value}");
        }
        let odd = [json!(true), json!(null), json!(1.5), json!("1.5"), json!({"high": 0}), json!([1])];
        for value in odd.into_iter().chain([json!(1e300), json!("1e300"), json!("NaN"), json!("12.")]) {
            assert_eq!(integer(&value), None, "{value}");
        }
    }

    #[test]
    fn times_come_in_seconds_or_milliseconds_and_only_sane_ones_count() {
        let expected = DateTime::from_timestamp(1_768_716_040, 0);
        assert_eq!(timestamp(&json!("1768716040"), now()), expected);
        assert_eq!(timestamp(&json!(1_768_716_040_000_i64), now()), expected);
        for value in [
            json!(0),
            json!(-5),
            json!(1_230_767_999),
            json!("1893456000"),
            json!(i64::MAX),
            json!("soon"),
            json!({"low": 0, "high": i32::MAX}),
        ] {
            assert_eq!(timestamp(&value, now()), None, "{value}");
        }
    }

    #[test]
    fn a_bare_word_or_number_is_no_answer() {
        for body in ["true", "\"OK\"", "3", "null", "", "<html>", "OK"] {
            assert_eq!(json(body.as_bytes()), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (json(&body), describe(&body));
        }

        #[test]
        fn no_number_makes_it_panic(number in any::<i64>(), low in any::<i64>(), high in any::<i64>()) {
            let _ = timestamp(&json!(number), now());
            let _ = timestamp(&json!({"low": low, "high": high}), now());
        }
    }
}

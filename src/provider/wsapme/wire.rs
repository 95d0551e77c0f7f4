//! Lenient parsing of what the gateway writes: odd bytes, numbers in three formats, records under `data` or not.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::domain::ids::MessageId;
use crate::domain::phone::{DIGITS_MAX, PersonKey};
use crate::domain::text::clean;

/// The longest text of the gateway that is passed on for people, in characters.
const TEXT_MAX: usize = 500;

/// The fewest digits of a number with its country code.
const DIGITS_MIN: usize = 7;

/// Parses a body as JSON, whatever its content type. Tolerates invalid UTF-8 (which becomes `�`), a byte order mark,
/// and raw control characters (a NUL, a line break within a string).
pub(super) fn json(body: &[u8]) -> Option<Value> {
    let value = serde_json::from_slice(body).ok().or_else(|| mended(body));
    value.filter(|value: &Value| value.is_object() || value.is_array())
}

fn mended(body: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(body);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text: Cow<'_, str> = if text.bytes().any(|byte| byte < 0x20) {
        Cow::Owned(text.chars().map(|c| if u32::from(c) < 0x20 { ' ' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    };
    serde_json::from_str(&text).ok()
}

/// Describes a body without readable JSON.
pub(super) fn describe(body: &[u8]) -> &'static str {
    let start = body.trim_ascii_start();
    let opens_with = |tag: &[u8]| start.len() >= tag.len() && start[..tag.len()].eq_ignore_ascii_case(tag);
    match start {
        [] => "an empty answer",
        _ if opens_with(b"<!doctype") || opens_with(b"<html") || opens_with(b"<") => "an HTML page",
        _ if json(body).is_some() => "JSON that says neither yes nor no",
        _ => "an answer that is not JSON",
    }
}

/// The `success` field of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Success {
    Yes,
    No,
    /// Missing, or neither `true` nor `false`.
    Unsaid,
}

pub(super) fn success(value: &Value) -> Success {
    match value.get("success") {
        Some(Value::Bool(true)) => Success::Yes,
        Some(Value::Bool(false)) => Success::No,
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Success::No,
        _ => Success::Unsaid,
    }
}

/// The gateway's sentence: `message`, else `error` or `msg`, as text. Clean and of bounded length.
pub(super) fn sentence(value: &Value) -> String {
    let places = ["/message", "/error/message", "/error", "/msg", "/data/message"];
    let text = places.iter().find_map(|place| value.pointer(place)?.as_str()).unwrap_or_default();
    short(text)
}

/// A text of the gateway, cleaned and shortened for storage and display.
pub(super) fn short(text: &str) -> String {
    clean(text).trim().chars().take(TEXT_MAX).collect()
}

/// The value at a path of keys and list positions, `/data/key/id` or `/data/0/messageId`. Unlike a JSON pointer it
/// unescapes and copies nothing.
fn at<'a>(value: &'a Value, place: &str) -> Option<&'a Value> {
    let step = |value: &'a Value, key: &str| match value {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        other => other.get(key),
    };
    place.split('/').skip(1).try_fold(value, step)
}

/// The message id at the first of these paths that has one.
pub(super) fn message_id(value: &Value, places: &[&str]) -> Option<MessageId> {
    places.iter().find_map(|place| match at(value, place)? {
        Value::String(id) => MessageId::new(id),
        Value::Number(id) => MessageId::new(&id.to_string()),
        _ => None,
    })
}

/// Whether a record names a chat with somebody other than the person with these digits. A missing name, or a privacy id
/// without a number (`…@lid`), contradicts nothing.
pub(super) fn names_another(value: &Value, to: &str) -> bool {
    const PLACES: [&str; 6] =
        ["/data/key/remoteJid", "/key/remoteJid", "/data/0/key/remoteJid", "/data/jid", "/jid", "/data/0/jid"];
    PLACES.iter().filter_map(|place| at(value, place)).any(|jid| match jid {
        Value::String(jid) => is_another(jid.trim(), to),
        Value::Number(number) => is_another(&number.to_string(), to),
        _ => false,
    })
}

/// `60…@s.whatsapp.net`, `60…@c.us`, `60…:12@s.whatsapp.net` (a linked device of theirs), or the bare digits.
fn is_another(jid: &str, to: &str) -> bool {
    let (user, server) = jid.split_once('@').unwrap_or((jid, ""));
    match server.to_ascii_lowercase().as_str() {
        "lid" | "hosted.lid" => return false,
        // A group chat, while this was sent to one person.
        "g.us" | "broadcast" | "newsletter" => return true,
        _ => {}
    }
    let user = user.split_once(':').map_or(user, |(digits, _device)| digits);
    let digits = user.strip_prefix('+').unwrap_or(user);
    // What is not a number names nobody.
    let named = PersonKey::of_digits(digits).filter(|_| (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()));
    named.is_some() && named != PersonKey::of_digits(to)
}

/// An integer: as such, as text, or as the two halves `{"low":n,"high":m}` of a 64-bit one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Object(halves) => {
            let high = i32::try_from(halves.get("high").map_or(Some(0), Value::as_i64)?).ok()?;
            // The low half may be signed or unsigned.
            let low = halves.get("low")?.as_i64()?.rem_euclid(1 << 32);
            Some((i64::from(high) << 32) | low)
        }
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
        for value in [json!(true), json!(null), json!(1.5), json!("1.5"), json!({"high": 0}), json!([1])] {
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
    fn a_record_that_names_somebody_else_is_told_from_one_that_names_nobody() {
        let is_other = |jid: Value, to: &str| {
            let places = [json!({ "data": { "key": { "remoteJid": jid } } }), json!({ "jid": jid })];
            let [one, two] = places.map(|record| names_another(&record, to));
            assert_eq!(one, two, "{jid}");
            one
        };
        for jid in [
            json!("60100123456@s.whatsapp.net"),
            json!("60100123456:12@s.whatsapp.net"),
            json!(" 60100123456@C.US"),
            json!("60100123456"),
            json!(60_100_123_456_u64),
            json!("123456789012345@lid"),
            json!("x"),
            json!(0),
            json!("1234567890123456"),
            json!(""),
            json!("@"),
            json!(null),
            json!(true),
        ] {
            assert!(!is_other(jid.clone(), "60100123456"), "{jid}");
        }
        for jid in [
            json!("60100123457@s.whatsapp.net"),
            json!("60100123457"),
            json!(60_100_123_457_u64),
            json!("120363012345678901@g.us"),
            json!("status@broadcast"),
        ] {
            assert!(is_other(jid.clone(), "60100123456"), "{jid}");
        }
        assert!(!is_other(json!("554887654321@s.whatsapp.net"), "5548987654321"), "one person, spelled otherwise");
        assert!(is_other(json!("554832345678@s.whatsapp.net"), "5548932345678"), "a landline is somebody else");
        assert!(!names_another(&json!({ "success": true, "data": { "status": true } }), "60100123456"));
    }

    #[test]
    fn odd_bytes_do_not_spoil_a_body() {
        let body = b"\xef\xbb\xbf{\"success\":true,\"message\":\"a\0b\nc\xffd\\u0000\"}";

        let value = json(body).unwrap();

        assert_eq!(value["message"], "a b c\u{fffd}d\0");
        assert_eq!(sentence(&value), "a b c\u{fffd}d");
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
            let _ = is_another(&String::from_utf8_lossy(&body), "60100123456");
        }

        #[test]
        fn no_number_makes_it_panic(number in any::<i64>(), low in any::<i64>(), high in any::<i64>()) {
            let _ = timestamp(&json!(number), now());
            let _ = timestamp(&json!({"low": low, "high": high}), now());
        }
    }
}

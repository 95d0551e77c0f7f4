//! Lenient parsing of what the gateway writes: odd bytes, numbers in three formats, records under `data` or not.

use serde_json::Value;

pub(super) use super::super::lenient::{at, describe, integer, is_page, json, short, timestamp};

use crate::domain::ids::MessageId;
use crate::domain::phone::{DIGITS_MAX, PersonKey};

/// The fewest digits of a number with its country code.
const DIGITS_MIN: usize = 7;

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
    let to = PersonKey::of_digits(to);
    chats(value)
        .any(|chat| matches!(chat, Chat::Group) || matches!(chat, Chat::Person(key) if Some(&key) != to.as_ref()))
}

/// Whether a record names the chat with the person with these digits.
pub(super) fn names(value: &Value, to: &str) -> bool {
    let to = PersonKey::of_digits(to);
    chats(value).any(|chat| matches!(chat, Chat::Person(key) if Some(&key) == to.as_ref()))
}

/// Whose chat a record is about.
enum Chat {
    Person(PersonKey),
    /// More people than the one whom a message was sent to.
    Group,
    /// A privacy id, or no number at all.
    Nameless,
}

/// The chats that a record names.
fn chats(value: &Value) -> impl Iterator<Item = Chat> {
    const PLACES: [&str; 6] =
        ["/data/key/remoteJid", "/key/remoteJid", "/data/0/key/remoteJid", "/data/jid", "/jid", "/data/0/jid"];
    PLACES.iter().filter_map(|place| match at(value, place)? {
        Value::String(jid) => Some(chat(jid.trim())),
        Value::Number(number) => Some(chat(&number.to_string())),
        _ => None,
    })
}

/// `60…@s.whatsapp.net`, `60…@c.us`, `60…:12@s.whatsapp.net` (a linked device of theirs), or the bare digits.
fn chat(jid: &str) -> Chat {
    let (user, server) = jid.split_once('@').unwrap_or((jid, ""));
    match server.to_ascii_lowercase().as_str() {
        "lid" | "hosted.lid" => return Chat::Nameless,
        "g.us" | "broadcast" | "newsletter" => return Chat::Group,
        _ => {}
    }
    let user = user.split_once(':').map_or(user, |(digits, _device)| digits);
    let digits = user.strip_prefix('+').unwrap_or(user);
    let named = PersonKey::of_digits(digits).filter(|_| (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()));
    named.map_or(Chat::Nameless, Chat::Person)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

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
            let is_number = jid.to_string().contains("60100123456");
            assert_eq!(names(&json!({ "jid": jid }), "60100123456"), is_number, "{jid}");
        }
        for jid in [
            json!("60100123457@s.whatsapp.net"),
            json!("60100123457"),
            json!(60_100_123_457_u64),
            json!("120363012345678901@g.us"),
            json!("status@broadcast"),
        ] {
            assert!(is_other(jid.clone(), "60100123456"), "{jid}");
            assert!(!names(&json!({ "jid": jid }), "60100123456"), "{jid}");
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

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = chat(&String::from_utf8_lossy(&body));
        }
    }
}

//! Lenient access to the fields of an item.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::super::lenient::{self, at, short, timestamp};
use crate::domain::ids::MessageId;

/// A text or number as text, as it is; `None` when it is empty.
pub(super) fn text(value: &Value, place: &str) -> Option<String> {
    match at(value, place)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
    .filter(|text| !text.trim().is_empty())
}

/// A word or sentence of Meta's, cleaned and shortened.
pub(super) fn word(value: &Value, place: &str) -> Option<String> {
    match at(value, place)? {
        Value::String(text) => Some(short(text)).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn message_id(value: &Value, place: &str) -> Option<MessageId> {
    MessageId::new(&text(value, place)?)
}

pub(super) fn time(value: &Value, place: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    timestamp(at(value, place)?, now)
}

/// `true`, `"true"`.
pub(super) fn flag(value: &Value, place: &str) -> Option<bool> {
    lenient::flag(at(value, place)?)
}

/// The items of a list, or one that stands alone.
pub(super) fn list_or_one<'a>(value: &'a Value, place: &str) -> &'a [Value] {
    match at(value, place) {
        Some(one @ Value::Object(_)) => std::slice::from_ref(one),
        _ => list(value, place),
    }
}

/// The items of a list; none where there is no list.
pub(super) fn list<'a>(value: &'a Value, place: &str) -> &'a [Value] {
    at(value, place).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

//! What a program says of a person in two ways, not as a text, or not at all readably.

use serde_json::Value;

use super::{EXTERNAL_KEYS, GivenList, NAME, PHONE_KEYS, Refusal, WrittenPerson, filled, first_of, is_column, text_of};
use crate::domain::content::ContentRenderError;
use crate::domain::message::{RenderError, Variables};
use crate::domain::phone::{Phone, Region};
use crate::domain::text;
use crate::import::person::Reason;

/// The longest id, in characters.
pub(super) const EXTERNAL_ID_MAX: usize = 255;

/// All that stands where a number belongs, whichever of it is meant: also what stands there a second time, or in a list.
pub(super) fn all_phones(written: &WrittenPerson, region: Region) -> Vec<Phone> {
    let mut left: Vec<&Value> = match &written.value {
        Value::Object(fields) => PHONE_KEYS.iter().filter_map(|key| fields.get(*key)).collect(),
        plain => vec![plain],
    };
    let overwritten = written.overwritten.iter().filter(|(name, _)| PHONE_KEYS.contains(&name.as_str()));
    left.extend(overwritten.map(|(_, value)| value));
    let mut numbers = Vec::new();
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => left.extend(fields.values()),
            plain => numbers.extend(text_of(plain).and_then(|number| Phone::parse(&number, region).ok())),
        }
    }
    numbers
}

impl GivenList {
    /// Of whoever was forgotten nothing else that is wrong is said: it would be kept.
    pub(super) fn unless_forgotten(&self, written: &WrittenPerson, refusal: Refusal) -> Refusal {
        let phones = all_phones(written, self.region);
        let forgotten = phones.iter().find_map(|phone| self.seen.refuse_forgotten(phone).err());
        forgotten.map_or(refusal, |reason| ("phone_number".to_owned(), String::new(), reason))
    }
}

/// Refuses a value that says under one of its names something else than under another.
pub(super) fn refuse_other(
    value: &Value,
    names: &[&'static str],
    meant: impl Fn(String) -> String,
) -> Result<(), Refusal> {
    let given: Vec<_> = names.iter().filter_map(|name| Some((*name, filled(value.get(*name)?)?))).collect();
    let Some((_, first)) = given.first() else { return Ok(()) };
    let first = meant(first.clone());
    match given.iter().find(|(_, other)| meant(other.clone()) != first) {
        Some((name, other)) => Err(((*name).to_owned(), other.clone(), Reason::TwoNames)),
        None => Ok(()),
    }
}

/// Refuses what would be dropped without a word: a value that is no text, and one of two for the same column.
pub(super) fn refuse_unclear(value: &Value) -> Result<(), Refusal> {
    let Value::Object(fields) = value else { return Ok(()) };
    let own = match fields.get("variables") {
        None | Some(Value::Null) => None,
        Some(Value::Object(own)) => Some(own),
        Some(other) => return Err(("variables".to_owned(), other.to_string(), Reason::NotAnObject)),
    };
    let own = || own.into_iter().flatten();
    let named = fields.iter().filter(|(key, _)| *key == NAME || EXTERNAL_KEYS.contains(&key.as_str()));
    if let Some((field, other)) = own().chain(named).find(|(_, value)| value.is_array() || value.is_object()) {
        return Err((field.clone(), other.to_string(), Reason::NotPlain));
    }
    let mut variables = Variables::default();
    for (field, value) in own().chain(fields.iter().filter(|(key, _)| is_column(key))) {
        let (Some(text), before) = (text_of(value), variables.get(field).map(str::to_owned)) else { continue };
        variables.set(field, &text);
        if before.is_some_and(|before| variables.get(field).is_some_and(|now| now != before)) {
            return Err((field.clone(), text, Reason::TwoNames));
        }
    }
    Ok(())
}

/// The refusal of a list or an object that stands where the message wants a text, and so renders nothing.
pub(super) fn nested_value(error: &ContentRenderError, value: &Value) -> Option<Refusal> {
    let ContentRenderError::Message(RenderError::Missing { name }) = error else { return None };
    let (field, other) = value.as_object()?.iter().find(|(field, value)| {
        field.to_lowercase() == name.to_lowercase() && (value.is_array() || value.is_object())
    })?;
    Some((field.clone(), other.to_string(), Reason::NotPlain))
}

/// What a program calls somebody. Cut, or without some of its characters, it could be what it calls somebody else.
pub(super) fn external_id(value: &Value) -> Result<Option<String>, Refusal> {
    let Some(id) = first_of(value, &EXTERNAL_KEYS).and_then(filled) else { return Ok(None) };
    let refused = |reason| Err(("external_id".to_owned(), id.clone(), reason));
    match () {
        () if id.chars().count() > EXTERNAL_ID_MAX => refused(Reason::LongId),
        () if text::clean(&id) != id => refused(Reason::UnclearId),
        () => Ok(Some(id)),
    }
}

/// Whose line it is cannot be read: where anybody was forgotten, it may be theirs, and nothing of it is kept.
pub(super) fn unreadable(line: &[u8], is_shown: bool) -> Refusal {
    let reason = if std::str::from_utf8(line).is_ok() { Reason::NotJson } else { Reason::NotUtf8 };
    let shown = if is_shown { String::from_utf8_lossy(line).into_owned() } else { String::new() };
    ("line".to_owned(), shown, reason)
}

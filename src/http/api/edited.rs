//! Bodies of edits: what a call answered may come back whole, also with what of it cannot be changed.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::problem::{FieldError, Problem};

/// The change of something whose answer has more fields than can be changed.
pub(super) trait Editable {
    /// Those that may come back only as they are: another value would be a change that is not made.
    const FIXED: &'static [&'static str];
    /// Of these, those that other fields change, and which.
    const WRITTEN_AS: &'static [(&'static str, &'static str)] = &[];
    /// Those that the body has for something new, and an edit takes only as they are: they are not named to whoever writes an unknown one.
    const OF_NEW: &'static [&'static str] = &[];
    /// Those that change by themselves, such as counts and times: they are not looked at.
    const COMPUTED: &'static [&'static str];
}

/// A change, and what else came back of the answer.
#[derive(Debug)]
pub(super) struct Edited<T> {
    pub change: T,
    fixed: Map<String, Value>,
}

impl<T: Editable> Edited<T> {
    /// Whether this field came back.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fixed.contains_key(name)
    }

    /// Refuses whatever came back otherwise than it is answered now.
    pub(super) fn refuse_fixed(&self, now: &impl Serialize) -> Result<(), Problem> {
        let now = json!(now);
        let others = self.fixed.iter().filter(|(name, value)| now.get(name) != Some(*value));
        let said = |name: &String| match T::WRITTEN_AS.iter().find(|(fixed, _)| fixed == name) {
            Some((_, fields)) => format!("it is changed by {fields}: leave it out, or send it unchanged"),
            None => "read-only: leave it out, or send it unchanged".to_owned(),
        };
        let errors: Vec<_> = others.map(|(name, _)| FieldError::new(name, said(name))).collect();
        if errors.is_empty() { Ok(()) } else { Err(Problem::fields(errors)) }
    }
}

impl<'de, T: Editable + Deserialize<'de>> Deserialize<'de> for Edited<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_map(EditedVisitor(PhantomData))
    }
}

struct EditedVisitor<T>(PhantomData<T>);

impl<'de, T: Editable + Deserialize<'de>> Visitor<'de> for EditedVisitor<T> {
    type Value = Edited<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Edited<T>, A::Error> {
        let mut fixed = Map::new();
        let rest = Changeable { fields, fixed: &mut fixed, of: PhantomData::<T> };
        let change = T::deserialize(MapAccessDeserializer::new(rest))?;
        Ok(Edited { change, fixed })
    }
}

/// The fields that can be changed; the others are put aside.
struct Changeable<'a, A, T> {
    fields: A,
    fixed: &'a mut Map<String, Value>,
    of: PhantomData<T>,
}

impl<'de, A: MapAccess<'de>, T: Editable> MapAccess<'de> for Changeable<'_, A, T> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(name) = self.fields.next_key::<String>()? {
            if T::COMPUTED.contains(&name.as_str()) {
                self.fields.next_value::<IgnoredAny>()?;
            } else if T::FIXED.contains(&name.as_str()) {
                let value = self.fields.next_value()?;
                self.fixed.insert(name, value);
            } else {
                return seed.deserialize(name.into_deserializer()).map(Some).map_err(of_an_edit::<T, _>);
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}

/// What is wrong with a field's name, without those that only something new takes.
fn of_an_edit<T: Editable, E: Error>(error: E) -> E {
    if T::OF_NEW.is_empty() {
        return error;
    }
    E::custom(T::OF_NEW.iter().fold(error.to_string(), |said, name| said.replace(&format!("`{name}`, "), "")))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::super::body::parse;
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Name {
        name: Option<String>,
    }

    impl Editable for Name {
        const FIXED: &'static [&'static str] = &["id"];
        const COMPUTED: &'static [&'static str] = &["count"];
    }

    #[test]
    fn what_cannot_be_changed_may_come_back_as_it_is() {
        let edited: Edited<Name> = parse(br#"{"id":7,"name":"x","count":{"of":[1]}}"#).unwrap();
        assert_eq!(edited.change.name.as_deref(), Some("x"));
        assert!(edited.has("id") && !edited.has("count"));
        assert!(edited.refuse_fixed(&json!({ "id": 7, "count": 9 })).is_ok());

        let refused = edited.refuse_fixed(&json!({ "id": 8 })).unwrap_err();

        assert!(format!("{refused:?}").contains("field: \"id\""), "{refused:?}");
        assert_eq!(refused.into_response().status(), 422);
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sent {
        #[serde(rename = "sender")]
        _sender: Option<String>,
        #[serde(rename = "name")]
        _name: Option<String>,
        #[serde(rename = "note")]
        _note: Option<String>,
    }

    impl Editable for Sent {
        const FIXED: &'static [&'static str] = &[];
        const OF_NEW: &'static [&'static str] = &["sender"];
        const COMPUTED: &'static [&'static str] = &[];
    }

    #[test]
    fn an_unknown_field_of_an_edit_is_answered_with_what_an_edit_takes() {
        let refused = parse::<Edited<Sent>>(br#"{"wat":1}"#).unwrap_err();

        assert_eq!(refused.body()["detail"], "wat: unknown field: this takes `name`, `note`");
        assert!(parse::<Edited<Sent>>(br#"{"sender":"sales"}"#).is_ok(), "it may come back");
    }

    #[test]
    fn what_does_not_fit_is_named_as_in_any_body() {
        for (body, field) in
            [(r#"{"wat":1}"#, "wat"), (r#"{"name":7}"#, "name"), (r#"{"name":"a","name":"b"}"#, "name")]
        {
            let refused = parse::<Edited<Name>>(body.as_bytes()).unwrap_err();
            assert!(format!("{refused:?}").contains(&format!("field: \"{field}\"")), "{body}: {refused:?}");
        }
    }
}

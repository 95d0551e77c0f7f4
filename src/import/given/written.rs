//! JSON as a program wrote it: a field that is there twice is noticed, where a plain value would keep the last one.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::PHONE_KEYS;
use crate::import::columns::OptOutColumn;

/// A person as a program wrote them.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenPerson {
    pub(super) value: Value,
    /// A field that is there twice, with different values.
    pub(super) twice: Option<String>,
    /// What stood where a number belongs, or who wants no messages, before something else stood there.
    pub(super) overwritten: Vec<(String, Value)>,
    /// It is of people whom the database has already.
    pub(super) is_ours: bool,
}

impl From<Value> for WrittenPerson {
    fn from(value: Value) -> Self {
        Self { value, twice: None, overwritten: Vec::new(), is_ours: true }
    }
}

impl<'de> serde::Deserialize<'de> for WrittenPerson {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let mut doubles = Doubles::default();
        let value = AnyValue { doubles: &mut doubles }.deserialize(source)?;
        let Doubles { twice, overwritten } = doubles;
        Ok(Self { value, twice, overwritten, is_ours: false })
    }
}

/// The first field that is there twice, and the numbers and opt-outs that a plain value would lose by it.
#[derive(Default)]
struct Doubles {
    twice: Option<String>,
    overwritten: Vec<(String, Value)>,
}

/// Reads any value, and notes what is there twice.
struct AnyValue<'a> {
    doubles: &'a mut Doubles,
}

impl AnyValue<'_> {
    const fn again(&mut self) -> AnyValue<'_> {
        AnyValue { doubles: self.doubles }
    }
}

impl<'de> DeserializeSeed<'de> for AnyValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self.again())? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(self.again())?;
            if let Some(before) = values.get(&name).filter(|before| **before != value) {
                self.doubles.twice.get_or_insert_with(|| name.clone());
                if PHONE_KEYS.contains(&name.as_str()) || OptOutColumn::of_field(&name).is_some() {
                    self.doubles.overwritten.push((name.clone(), before.clone()));
                }
            }
            values.insert(name, value);
        }
        Ok(values.into())
    }
}

#[cfg(test)]
mod tests {
    use super::WrittenPerson;

    fn twice(json: &str) -> Option<String> {
        serde_json::from_str::<WrittenPerson>(json).unwrap().twice
    }

    #[test]
    fn a_field_that_is_there_twice_is_noticed_wherever_it_is() {
        assert_eq!(twice(r#"{"phone":"1","phone":"2"}"#).as_deref(), Some("phone"));
        assert_eq!(twice(r#"{"phone":"1","variables":{"city":"a","city":"b"}}"#).as_deref(), Some("city"));
        assert_eq!(twice(r#"[1, -2, 0.5, null, true, {"a":1,"a":2}]"#).as_deref(), Some("a"));
        assert_eq!(twice(r#"{"phone":"1","phone":"1","variables":{"phone":"2"}}"#), None);
    }

    #[test]
    fn it_is_the_value_that_it_would_be_anyhow() {
        let json = r#"{"a":[1,-2,0.5,null,true,"x"],"b":{"c":18446744073709551615}}"#;

        let written: WrittenPerson = serde_json::from_str(json).unwrap();

        assert_eq!(written.value, serde_json::from_str::<serde_json::Value>(json).unwrap());
    }
}

//! Fields of a request, read as strictly as the Graph API reads them.

use serde_json::{Map, Value};

use super::refusal::CloudRefusal;

/// Refuses an object with a key that Meta does not know.
pub fn known_keys(of: &str, object: &Map<String, Value>, known: &[&str]) -> Result<(), CloudRefusal> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(CloudRefusal::parameter(format!("Unexpected key \"{key}\" on param \"{of}\"."))),
    }
}

/// A field that must be text and not empty. `name` may show where it stands: `components[type]`.
pub fn text_field<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, CloudRefusal> {
    let key = name.split_once('[').map_or(name, |(_, key)| key.trim_end_matches(']'));
    match object.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        None | Some(Value::Null | Value::String(_)) => {
            Err(CloudRefusal::parameter(format!("The parameter {name} is required.")))
        }
        Some(_) => Err(CloudRefusal::parameter(format!("Param {name} must be a string."))),
    }
}

/// A field that must be an object.
pub fn object_field<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Map<String, Value>, CloudRefusal> {
    match object.get(name) {
        Some(Value::Object(inner)) => Ok(inner),
        None | Some(Value::Null) => Err(CloudRefusal::parameter(format!("The parameter {name} is required."))),
        Some(_) => Err(CloudRefusal::parameter(format!("Param {name} must be a JSON object."))),
    }
}

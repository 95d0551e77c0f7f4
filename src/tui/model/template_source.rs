//! What stands in the JSON of a template that may be half-written: in the short form that the form writes, or in Meta's own, as it
//! is stored once it was read.

use serde_json::{Map, Value};

/// The language: a word, or an object with a code.
pub fn language(template: &Value) -> &str {
    let language = template.get("language");
    language.and_then(|code| code.as_str().or_else(|| code.get("code")?.as_str())).unwrap_or_default()
}

/// The parameters of one of Meta's components.
fn parameters<'a>(template: &'a Value, kind: &str) -> Option<&'a Vec<Value>> {
    let is_kind = |component: &&Value| {
        component.get("type").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case(kind))
    };
    template.get("components")?.as_array()?.iter().find(is_kind)?.get("parameters")?.as_array()
}

/// The values of the body in Meta's form, each under its name or its number from 1.
pub fn body_values(template: &Value) -> Vec<(String, String)> {
    let word = |parameter: &Value, key: &str| parameter.get(key).and_then(Value::as_str).map(str::to_owned);
    let value = |(n, parameter): (usize, &Value)| {
        let name = word(parameter, "parameter_name").unwrap_or_else(|| (n + 1).to_string());
        (name, word(parameter, "text").unwrap_or_default())
    };
    parameters(template, "body").into_iter().flatten().enumerate().map(value).collect()
}

/// The header in either form: an object whose key is the kind of its medium.
pub fn header(template: &Value) -> Option<&Map<String, Value>> {
    let short = template.get("header").and_then(Value::as_object);
    short.or_else(|| parameters(template, "header")?.first()?.as_object())
}

/// Puts a medium into the header, in place of the one there was in either form.
pub fn put_header(template: &mut Value, kind: &str, medium: &Value) {
    let is_header = |component: &Value| {
        component.get("type").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("header"))
    };
    if let Some(components) = template.get_mut("components").and_then(Value::as_array_mut) {
        components.retain(|component| !is_header(component));
    }
    template["header"] = serde_json::json!({ kind: medium });
}

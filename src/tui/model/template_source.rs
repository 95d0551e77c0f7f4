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
    let is_nothing = medium.as_str().is_some_and(str::is_empty);
    template["header"] = if is_nothing { Value::Null } else { serde_json::json!({ kind: medium }) };
}

/// The value of a button that is one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ButtonText {
    /// Its place among the template's buttons, from 0.
    pub index: usize,
    /// `url` or `copy_code`.
    pub kind: &'static str,
    pub text: String,
}

/// The buttons' texts in either form.
pub fn buttons(template: &Value) -> Vec<ButtonText> {
    let list = |key: &str| template.get(key).and_then(Value::as_array).into_iter().flatten();
    let components = list("components").filter(|component| is_button(component)).map(|component| (0, component));
    components.chain(list("buttons").enumerate()).filter_map(|(at, button)| button_text(at, button)).collect()
}

/// Puts a button's text in place of what it had in either form; an empty one leaves it without a value.
pub fn put_button(template: &mut Value, button: &ButtonText) {
    if let Some(components) = template.get_mut("components").and_then(Value::as_array_mut) {
        components.retain(|component| !is_button(component) || button_index(0, component) != button.index);
    }
    let short = template.get("buttons").and_then(Value::as_array).into_iter().flatten().enumerate();
    let others = short.map(|(at, other)| (button_index(at, other), other)).filter(|(index, _)| *index != button.index);
    // Without its index, a button would move when one before it goes.
    let mut buttons: Vec<Value> = others.map(|(index, other)| with_index(other, index)).collect();
    if !button.text.is_empty() {
        let key = if button.kind == "copy_code" { "coupon_code" } else { "text" };
        buttons.push(serde_json::json!({ "type": button.kind, "index": button.index, key: button.text }));
    }
    template["buttons"] = if buttons.is_empty() { Value::Null } else { Value::Array(buttons) };
}

fn with_index(button: &Value, index: usize) -> Value {
    let mut button = button.clone();
    if let Some(fields) = button.as_object_mut() {
        fields.insert("index".to_owned(), index.into());
    }
    button
}

fn is_button(component: &Value) -> bool {
    component.get("type").and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("button"))
}

/// A number or a text; else its place in the list.
fn button_index(at: usize, button: &Value) -> usize {
    let index = button.get("index");
    let number = index.and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
    number.or_else(|| index?.as_str()?.trim().parse().ok()).unwrap_or(at)
}

fn button_text(at: usize, button: &Value) -> Option<ButtonText> {
    let word = button.get("sub_type").or_else(|| button.get("type"))?.as_str()?;
    let (kind, keys): (_, &[&str]) = match word.to_ascii_lowercase().as_str() {
        "url" => ("url", &["text", "suffix"]),
        "copy_code" => ("copy_code", &["coupon_code", "code", "text"]),
        _ => return None,
    };
    let values = button.get("parameters").and_then(|list| list.get(0)).unwrap_or(button);
    let text = keys.iter().find_map(|key| values.get(key)?.as_str()).unwrap_or_default().to_owned();
    Some(ButtonText { index: button_index(at, button), kind, text })
}

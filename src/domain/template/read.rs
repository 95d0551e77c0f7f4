//! Reads a template message: the short form of operators and Meta's own, mixed as they come.

use std::fmt;

use serde_json::{Map, Value};

use super::{
    ParameterValue, RawParameter, TemplateComponent, TemplateError, TemplateFault, TemplateHeader, TemplateMessage,
    TemplateParameter, ValueError, normal_language,
};

mod button;
mod header;

/// The longest name that Meta allows, in characters.
const NAME_MAX: usize = 512;

const NAME: [&str; 3] = ["name", "templateName", "template_name"];
const LANGUAGE: [&str; 3] = ["language", "templateLanguage", "template_language"];
const VARIABLES: [&str; 3] = ["variables", "templateVariables", "template_variables"];
/// `namespace` is from an older version of Meta's.
const OTHERS: [&str; 4] = ["header", "buttons", "components", "namespace"];

pub(super) fn message(json: &Value) -> Result<TemplateMessage, TemplateError> {
    let json = json.get("template").filter(|inner| inner.is_object()).unwrap_or(json);
    let fields = object("template", json)?;
    let known = |key: &str| [&NAME[..], &LANGUAGE, &VARIABLES, &OTHERS].iter().any(|keys| keys.contains(&key));
    if let Some(key) = fields.keys().find(|key| !known(key)) {
        return Err(fault("template", TemplateFault::UnknownKey(key.clone())));
    }
    let mut components = match fields.get("components").filter(|value| !value.is_null()) {
        Some(list) => array("components", list)?.iter().map(component).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    if let Some(short) = fields.get("header").filter(|value| !value.is_null()) {
        // First, as in Meta's examples.
        components.insert(0, TemplateComponent::Header(header::short(short)?));
    }
    if let Some(given) = first(fields, &VARIABLES) {
        set_body(&mut components, given)?;
    }
    if let Some(short) = fields.get("buttons").filter(|value| !value.is_null()) {
        components.extend(button::short(array("buttons", short)?)?);
    }
    check_once(&components)?;
    let (name, language) = (name(first(fields, &NAME))?, language(first(fields, &LANGUAGE))?);
    Ok(TemplateMessage { name, language, components, header_text: None })
}

fn first<'a>(fields: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| fields.get(*key)).filter(|value| !value.is_null())
}

fn name(value: Option<&Value>) -> Result<String, TemplateError> {
    let name = value.and_then(Value::as_str).map(str::trim).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| fault("template", TemplateFault::Missing("name")))?;
    let is_valid = name.chars().count() <= NAME_MAX && !name.contains(|c: char| c.is_control() || c.is_whitespace());
    let expected = TemplateFault::Expected("a name as Meta lists it, such as tour_package_marketing");
    if is_valid { Ok(name.to_owned()) } else { Err(fault("name", expected)) }
}

/// `"en_US"` or `{"code":"en_US"}`.
fn language(value: Option<&Value>) -> Result<String, TemplateError> {
    let code = value.and_then(|value| value.as_str().or_else(|| value.get("code")?.as_str())).map(str::trim);
    let code =
        code.filter(|code| !code.is_empty()).ok_or_else(|| fault("template", TemplateFault::Missing("language")))?;
    let is_code = code.len() <= 16 && code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let expected = TemplateFault::Expected("a language as Meta writes it, such as en_US or ms");
    if is_code { Ok(normal_language(code)) } else { Err(fault("language", expected)) }
}

/// One of Meta's components. Their types come in any case; a type that is not known is kept as it is.
fn component(json: &Value) -> Result<TemplateComponent, TemplateError> {
    let fields = object("components", json)?;
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    let known = ["type", "parameters", "sub_type", "index"];
    let unknown = || fields.keys().find(|key| !known.contains(&key.as_str())).cloned();
    match kind.as_str() {
        "footer" | "buttons" => return Err(fault(&kind, TemplateFault::Definition)),
        "header" | "body" if fields.contains_key("text") || fields.contains_key("format") => {
            return Err(fault(&kind, TemplateFault::Definition));
        }
        "header" | "body" | "button" => {
            if let Some(key) = unknown() {
                return Err(fault(&kind, TemplateFault::UnknownKey(key)));
            }
        }
        _ => {}
    }
    Ok(match kind.as_str() {
        "header" => TemplateComponent::Header(header::component(parameters(fields, "header")?)?),
        "body" => TemplateComponent::Body(body(parameters(fields, "body")?)?),
        "button" => match button::component(fields)? {
            Some(button) => TemplateComponent::Button(button),
            None => raw(json)?,
        },
        "" => return Err(fault("components", TemplateFault::Missing("type"))),
        _ => raw(json)?,
    })
}

fn raw(json: &Value) -> Result<TemplateComponent, TemplateError> {
    let raw = RawParameter::parse(json).map_err(|error| fault("components", error.into()))?;
    Ok(TemplateComponent::Other(raw))
}

fn parameters<'a>(fields: &'a Map<String, Value>, place: &str) -> Result<&'a [Value], TemplateError> {
    fields.get("parameters").map_or(Ok(&[]), |list| array(place, list))
}

fn body(parameters: &[Value]) -> Result<Vec<TemplateParameter>, TemplateError> {
    let texts = (1..).zip(parameters).map(|(number, json)| text_parameter(("body", number), json));
    let texts: Vec<_> = texts.collect::<Result<_, _>>()?;
    let is_mixed = texts.iter().any(is_named) && texts.iter().any(|text| !is_named(text));
    if is_mixed { Err(fault("body", TemplateFault::MixedNames)) } else { Ok(texts) }
}

fn is_named(text: &TemplateParameter) -> bool {
    text.name().is_some()
}

/// One of Meta's text parameters, or another type as it is.
fn text_parameter((of, number): (&str, usize), json: &Value) -> Result<TemplateParameter, TemplateError> {
    let place = format!("{of} {{{{{number}}}}}");
    let fields = object(&place, json)?;
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or("text");
    let known = ["type", "text", "parameter_name"];
    if !kind.eq_ignore_ascii_case("text") || fields.keys().any(|key| !known.contains(&key.as_str())) {
        let raw = RawParameter::parse(json).map_err(|error| fault(&place, error.into()))?;
        return Ok(TemplateParameter::Other(raw));
    }
    let name = fields.get("parameter_name").and_then(Value::as_str).map(str::to_owned);
    let place = name.as_ref().map_or(place, |name| format!("{of} {{{{{name}}}}}"));
    Ok(TemplateParameter::Text { value: value(place, fields.get("text"))?, name })
}

/// The blast's variables, by number or name or as a list, in place of the body's own of the same key.
fn set_body(components: &mut Vec<TemplateComponent>, given: &Value) -> Result<(), TemplateError> {
    let mut pairs: Vec<(String, &Value)> = match given {
        Value::Array(list) => (1..).zip(list).map(|(number, value): (usize, _)| (number.to_string(), value)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.trim().to_owned(), value)).collect(),
        _ => return Err(fault("variables", TemplateFault::Expected("an object of names or numbers and their values"))),
    };
    if pairs.is_empty() {
        return Ok(());
    }
    // 10 comes after 9.
    pairs.sort_by_key(|(key, _)| key.parse::<usize>().unwrap_or(usize::MAX));
    let (at, mut texts) = take_body(components);
    for (key, given) in pairs {
        set(&mut texts, &key, value(format!("body {{{{{key}}}}}"), Some(given))?)?;
    }
    components.insert(at, TemplateComponent::Body(texts));
    Ok(())
}

/// The name of the header's one variable, and its column where it has no value yet.
pub(super) fn fill_header(components: &mut Vec<TemplateComponent>, keys: &[String]) -> Result<(), TemplateError> {
    let [key] = keys else { return Ok(()) };
    if key.parse::<usize>().is_ok() {
        return Ok(());
    }
    let header = components.iter_mut().find_map(|part| match part {
        TemplateComponent::Header(header) => Some(header),
        _ => None,
    });
    match header {
        Some(header) => header::set_name(header, key),
        None => components.insert(0, TemplateComponent::Header(header::of_column(key)?)),
    }
    Ok(())
}

/// The columns of the variables that have no value yet.
pub(super) fn fill_body(components: &mut Vec<TemplateComponent>, keys: &[String]) -> Result<(), TemplateError> {
    if keys.is_empty() {
        return Ok(());
    }
    let (at, mut texts) = take_body(components);
    for key in keys {
        if position(&texts, key).is_none_or(|at| at == texts.len()) {
            let own =
                ParameterValue::of_column(key).map_err(|error| fault(format!("body {{{{{key}}}}}"), error.into()))?;
            set(&mut texts, key, own)?;
        }
    }
    components.insert(at, TemplateComponent::Body(texts));
    Ok(())
}

/// Takes the body's values out, with their place; none, at the place after the header, where there is no body.
fn take_body(components: &mut Vec<TemplateComponent>) -> (usize, Vec<TemplateParameter>) {
    let is_body = |part: &TemplateComponent| matches!(part, TemplateComponent::Body(_));
    if let Some(at) = components.iter().position(is_body)
        && let TemplateComponent::Body(texts) = components.remove(at)
    {
        return (at, texts);
    }
    (components.iter().take_while(|part| matches!(part, TemplateComponent::Header(_))).count(), Vec::new())
}

/// Where a variable stands among the body's; the end for one that is yet to be added, nothing for a number beyond that.
fn position(texts: &[TemplateParameter], key: &str) -> Option<usize> {
    if let Ok(number) = key.parse::<usize>() {
        return number.checked_sub(1).filter(|at| *at <= texts.len());
    }
    Some(texts.iter().position(|text| text.name() == Some(key)).unwrap_or(texts.len()))
}

fn set(texts: &mut Vec<TemplateParameter>, key: &str, value: ParameterValue) -> Result<(), TemplateError> {
    let name = key.parse::<usize>().is_err().then(|| key.to_owned());
    if texts.iter().any(|text| is_named(text) != name.is_some()) {
        return Err(fault("body", TemplateFault::MixedNames));
    }
    let at = position(texts, key).ok_or_else(|| fault("body", TemplateFault::Gap(texts.len() + 1)))?;
    let parameter = TemplateParameter::Text { name, value };
    match texts.get_mut(at) {
        Some(known) => *known = parameter,
        None => texts.push(parameter),
    }
    Ok(())
}

/// A template has one header and one body, and each button once.
fn check_once(components: &[TemplateComponent]) -> Result<(), TemplateError> {
    let key = |part: &TemplateComponent| match part {
        TemplateComponent::Header(_) => Some("header".to_owned()),
        TemplateComponent::Body(_) => Some("body".to_owned()),
        TemplateComponent::Button(button) => Some(format!("button {}", button.index)),
        TemplateComponent::Other(_) => None,
    };
    let keys: Vec<_> = components.iter().filter_map(key).collect();
    match keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)) {
        Some((_, key)) => Err(fault(key, TemplateFault::Twice)),
        None => Ok(()),
    }
}

fn fault(place: impl fmt::Display, fault: TemplateFault) -> TemplateError {
    TemplateError { place: place.to_string(), fault }
}

fn object<'a>(place: &str, json: &'a Value) -> Result<&'a Map<String, Value>, TemplateError> {
    json.as_object().ok_or_else(|| fault(place, TemplateFault::Expected("an object")))
}

fn array<'a>(place: &str, json: &'a Value) -> Result<&'a [Value], TemplateError> {
    json.as_array().map(Vec::as_slice).ok_or_else(|| fault(place, TemplateFault::Expected("a list")))
}

/// A value: text, or a number as text.
fn value(place: impl fmt::Display, json: Option<&Value>) -> Result<ParameterValue, TemplateError> {
    let parsed = match json {
        None | Some(Value::Null) => Err(TemplateFault::Value(ValueError::Empty)),
        Some(Value::String(text)) => ParameterValue::parse(text).map_err(TemplateFault::from),
        Some(Value::Number(number)) => ParameterValue::parse(&number.to_string()).map_err(TemplateFault::from),
        Some(_) => Err(TemplateFault::Expected("text")),
    };
    parsed.map_err(|why| fault(place, why))
}

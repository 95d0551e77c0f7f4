//! Reads a template's header.

use serde_json::{Map, Value, json};

use super::{TemplateError, TemplateFault, TemplateHeader, TemplateParameter, array, fault, object, value};
use crate::domain::template::{HeaderLocation, HeaderMedia, MediaSource, ParameterValue};
use crate::domain::text::clean;

/// `"Sale"`, `{"image":"https://…"}`, `{"document":{"link":"…","filename":"…"}}`, `{"location":{…}}`, or Meta's
/// parameter, `{"type":"image","image":{…}}`.
pub(super) fn short(json: &Value) -> Result<TemplateHeader, TemplateError> {
    if json.is_string() {
        return Ok(TemplateHeader::Text(vec![TemplateParameter::Text {
            name: None,
            value: value("header", Some(json))?,
        }]));
    }
    let fields = object("header", json)?;
    if fields.contains_key("parameters") {
        return component(array("header", &json["parameters"])?);
    }
    if fields.contains_key("type") {
        return component(std::slice::from_ref(json));
    }
    match fields.iter().next().filter(|_| fields.len() == 1) {
        Some((kind, content)) => component(&[json!({ "type": kind, kind: content })]),
        None => Err(fault("header", TemplateFault::Expected("one of text, image, video, document or location"))),
    }
}

/// Names the value of a text header that has none yet.
pub(super) fn set_name(header: &mut TemplateHeader, key: &str) {
    if let TemplateHeader::Text(texts) = header
        && let [TemplateParameter::Text { name: name @ None, .. }] = texts.as_mut_slice()
    {
        *name = Some(key.to_owned());
    }
}

/// A text header whose value is the column of its name.
pub(super) fn of_column(key: &str) -> Result<TemplateHeader, TemplateError> {
    let value = ParameterValue::of_column(key).map_err(|error| fault(format!("header {{{{{key}}}}}"), error.into()))?;
    Ok(TemplateHeader::Text(vec![TemplateParameter::Text { name: Some(key.to_owned()), value }]))
}

/// Meta's parameters of a header.
pub(super) fn component(parameters: &[Value]) -> Result<TemplateHeader, TemplateError> {
    let Some(one) = parameters.first() else { return Err(fault("header", TemplateFault::Missing("its parameter"))) };
    let fields = object("header", one)?;
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or("text").to_ascii_lowercase();
    let content = fields.get(&kind);
    match (HeaderMedia::of_word(&kind), kind.as_str()) {
        (Some(kind), _) => media(kind, fields, content),
        (None, "location") => location(content),
        (None, _) => {
            let texts = (1..).zip(parameters).map(|(number, json)| super::text_parameter(("header", number), json));
            Ok(TemplateHeader::Text(texts.collect::<Result<_, _>>()?))
        }
    }
}

/// The address or id stands in an object of the kind's name, beside the type, or is the kind's value itself.
fn media(
    kind: HeaderMedia,
    beside: &Map<String, Value>,
    content: Option<&Value>,
) -> Result<TemplateHeader, TemplateError> {
    let place = format!("header {}", kind.as_str());
    let fields = match content {
        Some(Value::Object(fields)) => fields,
        Some(text @ Value::String(_)) => {
            let source = link(kind, &place, text)?;
            return Ok(TemplateHeader::Media { kind, source, filename: None });
        }
        _ => beside,
    };
    let known = ["type", "link", "id", "filename"];
    if let Some(key) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(fault(&place, TemplateFault::UnknownKey(key.clone())));
    }
    let source = match (fields.get("link"), fields.get("id")) {
        (Some(written), None) => link(kind, &place, written)?,
        (None, Some(id)) => MediaSource::Id(value(&place, Some(id))?),
        _ => return Err(fault(&place, TemplateFault::Expected("either a link or an id"))),
    };
    let filename = fields.get("filename").map(|name| value(format!("{place} filename"), Some(name))).transpose()?;
    Ok(TemplateHeader::Media { kind, source, filename })
}

/// An address, or columns that give one.
fn link(kind: HeaderMedia, place: &str, written: &Value) -> Result<MediaSource, TemplateError> {
    let link = value(place, Some(written))?;
    if link.is_no_address() {
        let (kind, value) = (kind.as_str(), clean(link.source()).into_owned());
        return Err(fault(place, TemplateFault::NoFile { kind, value }));
    }
    Ok(MediaSource::Link(link))
}

/// Degrees, where they are everybody's.
fn degrees(what: &'static str, value: ParameterValue, bound: u8) -> Result<ParameterValue, TemplateError> {
    let is_within = |text: String| text.trim().parse::<f64>().is_ok_and(|degrees| degrees.abs() <= f64::from(bound));
    if value.everybodys().is_none_or(is_within) {
        return Ok(value);
    }
    let written = clean(value.source()).into_owned();
    Err(fault(format!("header {what}"), TemplateFault::OutOfBounds { what, value: written, bound }))
}

fn location(content: Option<&Value>) -> Result<TemplateHeader, TemplateError> {
    let content = content.ok_or_else(|| fault("header location", TemplateFault::Missing("location")))?;
    let fields = object("header location", content)?;
    let field = |key: &str| value(format!("header {key}"), fields.get(key));
    let optional = |key: &str| fields.get(key).filter(|json| !json.is_null()).map(|_| field(key)).transpose();
    Ok(TemplateHeader::Location(HeaderLocation {
        latitude: degrees("latitude", field("latitude")?, 90)?,
        longitude: degrees("longitude", field("longitude")?, 180)?,
        name: optional("name")?,
        address: optional("address")?,
    }))
}

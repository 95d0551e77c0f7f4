//! Writes Meta's `template` object, as it is stored and as it is sent: one writer, so that the two never differ.

use std::fmt;

use serde_json::{Value, json};

use super::length::{PAYLOAD_MAX, within};
use super::prepared::{Blank, BlankKind};
use super::{
    ButtonAction, HeaderLocation, IndexSpelling, MediaSource, ParameterValue, ProductSection, RawParameter,
    TemplateButton, TemplateComponent, TemplateError, TemplateHeader, TemplateMessage, TemplateParameter, ValueError,
    refuse_layout,
};
use crate::domain::message::{Variables, fold_name};

/// Where a value stands, for errors.
#[derive(Clone, Copy)]
enum ParameterPlace<'a> {
    Header(&'static str),
    /// `header` or `body`, and the variable's name or its number from 1.
    Variable(&'static str, Option<&'a str>, usize),
    Button(u8),
    Other,
}

impl fmt::Display for ParameterPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(field) => write!(f, "header {field}"),
            Self::Variable(component, Some(name), _) => write!(f, "{component} {{{{{name}}}}}"),
            Self::Variable(component, None, number) => write!(f, "{component} {{{{{number}}}}}"),
            Self::Button(index) => write!(f, "button {index}"),
            Self::Other => f.write_str("components"),
        }
    }
}

/// Turns a value into its text.
trait ValueWriter {
    fn text(&mut self, value: &ParameterValue) -> Result<String, ValueError>;

    /// A variable that a person may have a value of their own for, by its name or number.
    fn variable(&mut self, _key: &str, value: &ParameterValue) -> Result<String, ValueError> {
        self.text(value)
    }

    /// The address of a file.
    fn address(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        self.text(value)
    }

    /// What a quick reply returns.
    fn payload(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        self.text(value)
    }

    fn raw(&mut self, raw: &RawParameter) -> Result<Value, ValueError>;
}

/// The values as they were written.
struct SourceValues;

impl ValueWriter for SourceValues {
    fn text(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        Ok(value.source().to_owned())
    }

    fn raw(&mut self, raw: &RawParameter) -> Result<Value, ValueError> {
        Ok(raw.source().clone())
    }
}

/// The values for one person.
struct PersonValues<'a>(&'a Variables);

impl ValueWriter for PersonValues<'_> {
    fn text(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        value.render(self.0)
    }

    fn variable(&mut self, key: &str, value: &ParameterValue) -> Result<String, ValueError> {
        match self.0.get(key) {
            Some(own) if !value.columns().contains(&key) => {
                refuse_layout(own)?;
                Ok(own.to_owned())
            }
            _ => value.render(self.0),
        }
    }

    fn address(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        value.render_address(self.0)
    }

    fn payload(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        within(value.render(self.0)?, PAYLOAD_MAX)
    }

    fn raw(&mut self, raw: &RawParameter) -> Result<Value, ValueError> {
        raw.render(self.0)
    }
}

/// Collects the columns that the values name.
#[derive(Default)]
struct ColumnNames(Vec<String>);

impl ValueWriter for ColumnNames {
    fn text(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        for column in value.columns() {
            if !self.0.iter().any(|known| known == column) {
                self.0.push(column.to_owned());
            }
        }
        Ok(String::new())
    }

    fn raw(&mut self, raw: &RawParameter) -> Result<Value, ValueError> {
        // A text of its own for each: only those with braces are of interest.
        let mut texts = vec![raw.source()];
        while let Some(value) = texts.pop() {
            match value {
                Value::String(text) if text.contains('{') => drop(self.text(&ParameterValue::parse(text)?)?),
                Value::Array(items) => texts.extend(items),
                Value::Object(fields) => texts.extend(fields.values()),
                _ => {}
            }
        }
        Ok(Value::Null)
    }
}

/// Collects the columns whose values go out: also those of a person that come before the blast's.
#[derive(Default)]
struct SentColumns(ColumnNames);

impl ValueWriter for SentColumns {
    fn text(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        self.0.text(value)
    }

    fn variable(&mut self, key: &str, value: &ParameterValue) -> Result<String, ValueError> {
        self.0.0.push(fold_name(key));
        self.0.text(value)
    }

    fn raw(&mut self, raw: &RawParameter) -> Result<Value, ValueError> {
        self.0.raw(raw)
    }
}

/// Marks where values go, and remembers which.
pub(super) struct GapWriter {
    mark: String,
    gaps: Vec<Blank>,
}

impl GapWriter {
    const START: char = '\u{e000}';
    /// Ends a mark, behind the gap's number.
    pub const END: char = '\u{e001}';

    /// With a mark that the template itself does not contain.
    pub fn new(source: &str) -> Self {
        let mut mark = String::from(Self::START);
        while source.contains(&mark) {
            mark.push(Self::START);
        }
        Self { mark, gaps: Vec::new() }
    }

    pub fn mark(&self) -> &str {
        &self.mark
    }

    pub fn gap(&self, number: usize) -> Option<&Blank> {
        self.gaps.get(number)
    }

    pub fn into_gaps(self) -> Vec<Blank> {
        self.gaps
    }

    fn add(&mut self, gap: Blank) -> String {
        self.gaps.push(gap);
        format!("{}{}{}", self.mark, self.gaps.len() - 1, Self::END)
    }
}

impl ValueWriter for GapWriter {
    fn text(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        Ok(self.add(Blank { own: None, value: value.clone(), kind: BlankKind::Text }))
    }

    fn address(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        Ok(self.add(Blank { own: None, value: value.clone(), kind: BlankKind::Address }))
    }

    fn payload(&mut self, value: &ParameterValue) -> Result<String, ValueError> {
        Ok(self.add(Blank { own: None, value: value.clone(), kind: BlankKind::Payload }))
    }

    fn variable(&mut self, key: &str, value: &ParameterValue) -> Result<String, ValueError> {
        let own = (!value.columns().contains(&key)).then(|| key.to_owned());
        Ok(self.add(Blank { own, value: value.clone(), kind: BlankKind::Text }))
    }

    fn raw(&mut self, raw: &RawParameter) -> Result<Value, ValueError> {
        let mut columns = ColumnNames::default();
        columns.raw(raw)?;
        if columns.0.is_empty() { raw.render(&Variables::default()) } else { Err(ValueError::Empty) }
    }
}

/// The template with marks where values go; `None` where columns stand within JSON that is kept as it is.
pub(super) fn with_gaps(message: &TemplateMessage, gaps: &mut GapWriter) -> Option<Value> {
    template(message, gaps).ok()
}

pub(super) fn source(message: &TemplateMessage) -> Value {
    // Nothing is rendered, so that nothing is refused.
    template(message, &mut SourceValues).unwrap_or_default()
}

pub(super) fn rendered(message: &TemplateMessage, variables: &Variables) -> Result<Value, TemplateError> {
    template(message, &mut PersonValues(variables))
}

pub(super) fn columns(message: &TemplateMessage) -> Vec<String> {
    let mut columns = ColumnNames::default();
    // All of it was parsed when the message was read.
    drop(template(message, &mut columns));
    columns.0
}

/// Also where it cannot be seen: a template that is written only in part may send any.
pub(super) fn sends(message: &TemplateMessage, column: &str) -> bool {
    let mut columns = SentColumns::default();
    template(message, &mut columns).is_err() || columns.0.0.iter().any(|sent| sent == column)
}

fn template(message: &TemplateMessage, values: &mut impl ValueWriter) -> Result<Value, TemplateError> {
    let mut template = json!({ "name": message.name, "language": { "code": message.language } });
    if !message.components.is_empty() {
        let components = message.components.iter().map(|part| component(part, values));
        template["components"] = Value::Array(components.collect::<Result<_, _>>()?);
    }
    Ok(template)
}

fn component(part: &TemplateComponent, values: &mut impl ValueWriter) -> Result<Value, TemplateError> {
    Ok(match part {
        TemplateComponent::Header(TemplateHeader::Text(texts)) => {
            json!({ "type": "header", "parameters": parameters("header", texts, values)? })
        }
        TemplateComponent::Header(header) => json!({ "type": "header", "parameters": [medium(header, values)?] }),
        TemplateComponent::Body(texts) => {
            json!({ "type": "body", "parameters": parameters("body", texts, values)? })
        }
        TemplateComponent::Button(button) => button_json(button, values)?,
        TemplateComponent::Other(raw) => at(ParameterPlace::Other, values.raw(raw))?,
    })
}

fn at<T>(place: ParameterPlace<'_>, result: Result<T, ValueError>) -> Result<T, TemplateError> {
    result.map_err(|error| TemplateError { place: place.to_string(), fault: error.into() })
}

fn parameters(
    of: &'static str,
    texts: &[TemplateParameter],
    values: &mut impl ValueWriter,
) -> Result<Vec<Value>, TemplateError> {
    (1..).zip(texts).map(|(number, text)| parameter((of, number), text, values)).collect()
}

fn parameter(
    (of, number): (&'static str, usize),
    text: &TemplateParameter,
    values: &mut impl ValueWriter,
) -> Result<Value, TemplateError> {
    let (name, value) = match text {
        TemplateParameter::Other(raw) => return at(ParameterPlace::Variable(of, None, number), values.raw(raw)),
        TemplateParameter::Text { name, value } => (name.as_deref(), value),
    };
    let text = match name {
        Some(name) => values.variable(name, value),
        None if of == "body" => values.variable(&number.to_string(), value),
        // A header's {{1}} is another one than the body's.
        None => values.text(value),
    };
    let text = at(ParameterPlace::Variable(of, name, number), text)?;
    let mut parameter = json!({ "type": "text", "text": text });
    if let Some(name) = name {
        parameter["parameter_name"] = name.into();
    }
    Ok(parameter)
}

fn medium(header: &TemplateHeader, values: &mut impl ValueWriter) -> Result<Value, TemplateError> {
    match header {
        TemplateHeader::Media { kind, source, filename } => {
            let (key, value) = match source {
                MediaSource::Link(link) => ("link", values.address(link)),
                MediaSource::Id(id) => ("id", values.text(id)),
            };
            let kind = kind.as_str();
            let mut media = json!({ key: at(ParameterPlace::Header(kind), value)? });
            optional(&mut media, "filename", filename.as_ref(), values)?;
            Ok(json!({ "type": kind, kind: media }))
        }
        TemplateHeader::Location(place) => location(place, values),
        TemplateHeader::Text(_) => Ok(Value::Null),
    }
}

fn location(place: &HeaderLocation, values: &mut impl ValueWriter) -> Result<Value, TemplateError> {
    let mut location = json!({});
    optional(&mut location, "latitude", Some(&place.latitude), values)?;
    optional(&mut location, "longitude", Some(&place.longitude), values)?;
    optional(&mut location, "name", place.name.as_ref(), values)?;
    optional(&mut location, "address", place.address.as_ref(), values)?;
    Ok(json!({ "type": "location", "location": location }))
}

fn optional(
    object: &mut Value,
    key: &'static str,
    value: Option<&ParameterValue>,
    values: &mut impl ValueWriter,
) -> Result<(), TemplateError> {
    if let Some(value) = value {
        object[key] = at(ParameterPlace::Header(key), values.text(value))?.into();
    }
    Ok(())
}

fn button_json(button: &TemplateButton, values: &mut impl ValueWriter) -> Result<Value, TemplateError> {
    let place = ParameterPlace::Button(button.index);
    if let ButtonAction::QuickReply { payload } = &button.action {
        let payload = at(place, values.payload(payload))?;
        return Ok(button_with(button, Some(json!({ "type": "payload", "payload": payload }))));
    }
    let mut text = |value: &ParameterValue| at(place, values.text(value));
    let parameter = match &button.action {
        ButtonAction::QuickReply { .. } | ButtonAction::Catalog { thumbnail: None } => None,
        ButtonAction::Url { suffix } => Some(json!({ "type": "text", "text": text(suffix)? })),
        ButtonAction::CopyCode { code } => Some(json!({ "type": "coupon_code", "coupon_code": text(code)? })),
        ButtonAction::Catalog { thumbnail: Some(product) } => {
            let action = json!({ "thumbnail_product_retailer_id": text(product)? });
            Some(json!({ "type": "action", "action": action }))
        }
        ButtonAction::Products { thumbnail, sections } => Some(products(thumbnail.as_ref(), sections, &mut text)?),
    };
    Ok(button_with(button, parameter))
}

fn button_with(button: &TemplateButton, parameter: Option<Value>) -> Value {
    let index = match button.spelling.index {
        IndexSpelling::Text => Value::from(button.index.to_string()),
        IndexSpelling::Number => Value::from(button.index),
    };
    let mut component = json!({ "type": "button", "sub_type": button.spelling.kind, "index": index });
    if let Some(parameter) = parameter {
        component["parameters"] = Value::Array(vec![parameter]);
    }
    component
}

fn products(
    thumbnail: Option<&ParameterValue>,
    sections: &[ProductSection],
    text: &mut impl FnMut(&ParameterValue) -> Result<String, TemplateError>,
) -> Result<Value, TemplateError> {
    let mut action = json!({});
    if let Some(product) = thumbnail {
        action["thumbnail_product_retailer_id"] = text(product)?.into();
    }
    let mut written = Vec::with_capacity(sections.len());
    for section in sections {
        let items = section.products.iter().map(|item| Ok(json!({ "product_retailer_id": text(item)? })));
        let items = items.collect::<Result<Vec<_>, TemplateError>>()?;
        written.push(json!({ "title": text(&section.title)?, "product_items": items }));
    }
    action["sections"] = written.into();
    Ok(json!({ "type": "action", "action": action }))
}

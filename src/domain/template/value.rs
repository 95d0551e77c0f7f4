//! One value of a template: text with columns in it, and what Meta refuses in one.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::domain::message::{Message, MessageError, RenderError, Variables};

/// Spaces in a row that Meta refuses.
const SPACES: &str = "    ";

/// A value with columns in it, written `{column}` as in texts or `{{column}}` as in Meta's templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterValue {
    source: String,
    message: Message,
}

/// Why a value is refused, for everybody or for one person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ValueError {
    #[error(transparent)]
    Unreadable(#[from] MessageError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("a value is missing")]
    Empty,
    #[error("a line break, which Meta refuses in a template's value: write it in one line")]
    LineBreak,
    #[error("a tab, which Meta refuses in a template's value: write a space")]
    Tab,
    #[error("four spaces in a row, which Meta refuses in a template's value: write one")]
    Spaces,
    #[error("not an address that Meta can fetch a file from: write it in full, as https://shop.example/picture.jpg")]
    NotAnAddress,
    #[error("{length} characters, and Meta takes at most {limit}: shorten it")]
    TooLong { length: usize, limit: usize },
}

impl ParameterValue {
    /// Parses a value; what Meta refuses is refused here already.
    pub fn parse(source: &str) -> Result<Self, ValueError> {
        if source.trim().is_empty() {
            return Err(ValueError::Empty);
        }
        refuse_layout(source)?;
        let text = if is_json(source) { json_braces(source) } else { single_braces(source) };
        Ok(Self { source: source.to_owned(), message: Message::parse(&text)? })
    }

    /// A value that is a column's own.
    pub fn of_column(column: &str) -> Result<Self, ValueError> {
        Self::parse(&format!("{{{{{column}}}}}"))
    }

    /// The value as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The columns in it.
    pub fn columns(&self) -> Vec<&str> {
        self.message.variables()
    }

    /// The value for one person.
    pub fn render(&self, variables: &Variables) -> Result<String, ValueError> {
        let text = self.message.render(variables)?;
        refuse_layout(&text)?;
        Ok(text)
    }

    /// Whether it is an address for everybody that Meta cannot fetch a file from. One with columns is looked at row by row.
    pub(super) fn is_no_address(&self) -> bool {
        self.everybodys().is_some_and(|text| !is_address(&text))
    }

    /// The value, where it has no columns: it is the same for everybody.
    pub(super) fn everybodys(&self) -> Option<String> {
        if self.columns().is_empty() { self.message.render(&Variables::default()).ok() } else { None }
    }

    /// The address of a file for one person. One without columns is everybody's, and was looked at when it was written.
    pub fn render_address(&self, variables: &Variables) -> Result<String, ValueError> {
        let address = self.render(variables)?;
        if self.columns().is_empty() || is_address(&address) { Ok(address) } else { Err(ValueError::NotAnAddress) }
    }
}

/// Whether Meta can fetch a file from it.
fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
    ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web))
        && is_host
        && !text.contains(char::is_whitespace)
}

/// Refuses what makes Meta answer 132018 or 100: line breaks, tabs, four spaces in a row.
pub fn refuse_layout(text: &str) -> Result<(), ValueError> {
    if text.contains(['\n', '\r']) {
        return Err(ValueError::LineBreak);
    }
    if text.contains('\t') {
        return Err(ValueError::Tab);
    }
    if text.contains(SPACES) { Err(ValueError::Spaces) } else { Ok(()) }
}

/// `{{column}}` as `{column}`, the way texts write it. Braces that enclose no name are left as they are.
fn single_braces(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{{") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        let name = after.find(['{', '}']).filter(|&end| end > 0 && after[end..].starts_with("}}"));
        out.push_str(before);
        if let Some(end) = name {
            out.push_str(&rest[at + 1..at + 3 + end]);
            rest = &after[end + 2..];
        } else {
            out.push_str("{{");
            rest = after;
        }
    }
    out + rest
}

/// Whether a value is an object of JSON, as payloads of buttons may be.
fn is_json(source: &str) -> bool {
    source.trim_start().starts_with('{') && serde_json::from_str::<Map<String, Value>>(source).is_ok()
}

/// JSON with its own braces doubled, so that only those that enclose a column's name are a column.
fn json_braces(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 8);
    let mut rest = source;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        out.push_str(before);
        let inside = rest[at..].starts_with('{').then(|| after.split_once('}')).flatten();
        if let Some((name, behind)) = inside.filter(|(name, _)| !name.is_empty() && !name.contains(['"', '{', ':'])) {
            out.extend(["{", name, "}"]);
            rest = behind;
        } else {
            out.push_str(if rest[at..].starts_with('{') { "{{" } else { "}}" });
            rest = after;
        }
    }
    out + rest
}

/// JSON that Meta defines and this version does not: kept as it is, with the columns in its texts put in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawParameter(Value);

impl RawParameter {
    /// Checks every text in it.
    pub fn parse(value: &Value) -> Result<Self, ValueError> {
        refuse_texts(value)?;
        with_texts(value, &mut |text| {
            ParameterValue::parse(text)?;
            Ok(text.to_owned())
        })?;
        Ok(Self(value.clone()))
    }

    /// As it was written.
    pub const fn source(&self) -> &Value {
        &self.0
    }

    /// For one person.
    pub fn render(&self, variables: &Variables) -> Result<Value, ValueError> {
        with_texts(&self.0, &mut |text| ParameterValue::parse(text)?.render(variables))
    }
}

/// Refuses in texts that people read what Meta refuses in every value.
fn refuse_texts(value: &Value) -> Result<(), ValueError> {
    /// Keys of texts that people read.
    const READ: [&str; 2] = ["text", "fallback_value"];
    /// What a flow gets is no text.
    const DATA: &str = "flow_action_data";
    match value {
        Value::Array(items) => items.iter().try_for_each(refuse_texts),
        Value::Object(fields) => fields.iter().try_for_each(|(key, field)| match field {
            Value::String(text) if READ.contains(&key.as_str()) && text.trim().is_empty() => Err(ValueError::Empty),
            Value::String(text) if READ.contains(&key.as_str()) => refuse_layout(text),
            _ if key == DATA => Ok(()),
            other => refuse_texts(other),
        }),
        _ => Ok(()),
    }
}

/// A copy with every text that has a brace in it replaced.
fn with_texts(
    value: &Value,
    replace: &mut impl FnMut(&str) -> Result<String, ValueError>,
) -> Result<Value, ValueError> {
    Ok(match value {
        Value::String(text) if text.contains(['{', '}']) => Value::String(replace(text)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| with_texts(item, replace)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, field)| Ok((key.clone(), with_texts(field, replace)?)));
            Value::Object(fields.collect::<Result<_, ValueError>>()?)
        }
        other => other.clone(),
    })
}

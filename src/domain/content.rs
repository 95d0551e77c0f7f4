//! What a blast says: a text, or a template that the provider approved beforehand. Rendered once per person.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::message::{Message, MessageError, RenderError, Variables, fold_name};
use super::template::{PreparedTemplate, TemplateError, TemplateFault, TemplateJson, TemplateMessage, ValueError};

/// The content of a blast, with columns in it. Frozen from launch on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlastContent {
    Text(Message),
    /// Boxed: most blasts are texts.
    Template(Box<TemplateMessage>),
}

/// The same, prepared for many people.
#[derive(Debug)]
pub enum PreparedContent {
    Text(Message),
    Template(Box<PreparedTemplate>),
}

impl PreparedContent {
    pub fn new(content: BlastContent) -> Self {
        match content {
            BlastContent::Text(message) => Self::Text(message),
            BlastContent::Template(template) => Self::Template(Box::new(PreparedTemplate::new(*template))),
        }
    }

    /// As [`BlastContent::render`].
    pub fn render(&self, variables: &Variables) -> Result<MessageContent, ContentRenderError> {
        Ok(match self {
            Self::Text(message) => MessageContent::Text(message.render(variables)?),
            Self::Template(template) => MessageContent::Template(template.render(variables)?),
        })
    }
}

/// What one person receives.
#[derive(Debug, Clone)]
pub enum MessageContent {
    Text(String),
    Template(TemplateJson),
}

/// Why stored content cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentError {
    #[error(transparent)]
    Message(#[from] MessageError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Why the content cannot be made for one person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentRenderError {
    #[error(transparent)]
    Message(#[from] RenderError),
    #[error(transparent)]
    Template(#[from] TemplateError),
}

impl BlastContent {
    /// Reads content as it is stored: `template` counts where there is one.
    pub fn parse(message: &str, template: Option<&Value>) -> Result<Self, ContentError> {
        Ok(match template {
            Some(template) => Self::Template(Box::new(TemplateMessage::parse(template)?)),
            None => Self::Text(Message::parse(message)?),
        })
    }

    /// The columns that a list must have, once each, folded as [`Variables`] folds them.
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Text(message) => message.variables().into_iter().map(str::to_owned).collect(),
            Self::Template(template) => template.columns(),
        }
    }

    /// Whether a person's value of this column, in any spelling, goes out to them: the content names it, or it takes the place of a value
    /// that a template has for everybody.
    pub fn sends(&self, column: &str) -> bool {
        let column = fold_name(column);
        match self {
            Self::Text(message) => message.variables().contains(&column.as_str()),
            Self::Template(template) => template.sends(&column),
        }
    }

    /// The content for one person.
    pub fn render(&self, variables: &Variables) -> Result<MessageContent, ContentRenderError> {
        Ok(match self {
            Self::Text(message) => MessageContent::Text(message.render(variables)?),
            Self::Template(template) => MessageContent::Template(template.render(variables)?.into()),
        })
    }

    /// The text, or what a template comes to in words: for storing beside the template, and for screens.
    pub fn text(&self) -> String {
        match self {
            Self::Text(message) => message.template().to_owned(),
            Self::Template(template) => template.to_string(),
        }
    }

    /// The template, in Meta's form, for storing.
    pub fn template(&self) -> Option<Value> {
        match self {
            Self::Text(_) => None,
            Self::Template(template) => Some(template.source()),
        }
    }
}

impl MessageContent {
    /// What was sent, for people and for the record: the text, or the template's JSON.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Template(template) => template.into_text(),
        }
    }
}

impl ContentRenderError {
    /// The column whose value is missing, where that is the reason.
    pub fn missing_column(&self) -> Option<&str> {
        let (Self::Message(error)
        | Self::Template(TemplateError { fault: TemplateFault::Value(ValueError::Render(error)), .. })) = self
        else {
            return None;
        };
        let RenderError::Missing { name } = error else { return None };
        Some(name)
    }

    /// Whether a template's value has a line break, a tab or too many spaces in a row.
    pub const fn is_layout(&self) -> bool {
        matches!(
            self,
            Self::Template(TemplateError {
                fault: TemplateFault::Value(ValueError::LineBreak | ValueError::Tab | ValueError::Spaces),
                ..
            })
        )
    }
}

/// `template tour_package_marketing (en_US)`.
impl fmt::Display for TemplateMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "template {} ({})", self.name(), self.language())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_template_counts_before_the_text_beside_it() {
        let stored = json!({"name": "tour", "language": "en_US", "variables": {"1": "{city}"}});
        let content = BlastContent::parse("template tour (en_US)", Some(&stored)).unwrap();

        assert_eq!(content.text(), "template tour (en_US)");
        assert_eq!(content.columns(), ["city"]);
        assert_eq!(BlastContent::parse(&content.text(), content.template().as_ref()).unwrap(), content);
    }

    #[test]
    fn a_missing_value_names_its_column_in_either_kind() {
        let text = BlastContent::parse("Hi {name}", None).unwrap();
        let stored = json!({"name": "tour", "language": "en_US", "variables": {"1": "{city}"}});
        let template = BlastContent::parse("", Some(&stored)).unwrap();

        assert_eq!(text.render(&Variables::default()).unwrap_err().missing_column(), Some("name"));
        assert_eq!(template.render(&Variables::default()).unwrap_err().missing_column(), Some("city"));
    }

    #[test]
    fn a_value_goes_out_by_its_column_in_any_spelling_and_in_place_of_a_templates_own() {
        let text = BlastContent::parse("Hi {Alt  Phone}, {TÉLÉ|none}, {{agent}}", None).unwrap();
        assert!(text.sends("alt phone") && text.sends("Alt Phone") && text.sends("télé"));
        assert!(!text.sends("agent") && !text.sends("alt"), "braces that are doubled, and another name");

        let stored = json!({"name": "tour", "language": "en_US", "variables": {"1": "{name}", "2": "{city}"}});
        let numbered = BlastContent::parse("", Some(&stored)).unwrap();
        assert!(["name", "city", "1", "2"].iter().all(|column| numbered.sends(column)));
        assert!(!numbered.sends("3") && !numbered.sends("other"));
        let stored = json!({"name": "tour", "language": "en_US", "variables": {"Agent": "Ana"}});
        assert!(BlastContent::parse("", Some(&stored)).unwrap().sends("agent"));
    }
}

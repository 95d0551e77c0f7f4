//! Whether a blast's message fits the template that Meta has, before anybody is written to.

use serde_json::Value;
use thiserror::Error;

use super::super::super::lenient::{integer, short};
use super::template::{ButtonKind, FURTHER, FetchedTemplate, HeaderFormat};
use crate::domain::template::{
    ButtonAction, RawParameter, TemplateButton, TemplateComponent, TemplateHeader, TemplateMessage, TemplateParameter,
};
use crate::domain::text::nearest;

/// Why a template cannot be sent, as a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateMismatch {
    #[error("the account has no template `{name}`{}", meant(.nearest.as_ref()))]
    Missing { name: String, nearest: Option<String> },
    #[error("template `{name}` does not exist in {language}, but in {}", .available.join(", "))]
    OtherLanguage { name: String, language: String, available: Vec<String> },
    #[error("template `{name}` is {}: {}", in_words(.status), .mend)]
    NotApproved { name: String, status: String, mend: &'static str },
    #[error("template `{name}` does not fit: {}", sentences(.faults))]
    Variables { name: String, faults: Vec<VariableMismatch> },
}

/// What does not fit between message and template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VariableMismatch {
    #[error("{place} {{{{{variable}}}}} has no value")]
    NoValue { place: &'static str, variable: String },
    #[error("{place} has no variable {{{{{variable}}}}}")]
    NoSuchVariable { place: &'static str, variable: String },
    #[error("{place} {{{{{variable}}}}} takes no {kind}")]
    OtherType { place: &'static str, variable: String, kind: String },
    #[error("its {kind} is missing: write its component into --template-file")]
    ComponentNeeded { kind: String },
    #[error("it has no {kind}")]
    NoSuchComponent { kind: String },
    #[error("its header needs {needed}")]
    HeaderNeeded { needed: &'static str },
    #[error("its header takes no value")]
    HeaderWithoutValue,
    #[error("button {index} needs {needed}")]
    ButtonNeeded { index: usize, needed: &'static str },
    #[error("button {index} is {kind}")]
    OtherButton { index: usize, kind: &'static str },
    #[error("it has no button {index}")]
    NoSuchButton { index: usize },
}

fn sentences(faults: &[VariableMismatch]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn meant(nearest: Option<&String>) -> String {
    nearest.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default()
}

/// `PENDING_DELETION` as `pending deletion`.
fn in_words(status: &str) -> String {
    status.to_lowercase().replace('_', " ")
}

/// Why a template in this status cannot be sent, as the mend; `None` where it can, or where the word is not known.
fn unsendable(status: &str) -> Option<&'static str> {
    Some(match status {
        "PENDING" | "IN_APPEAL" => "wait until Meta has approved it",
        "PAUSED" => "people marked it as spam; Meta lifts the pause by itself",
        "REJECTED" => "read Meta's reason in WhatsApp Manager and edit it",
        "DISABLED" | "PENDING_DELETION" | "DELETED" | "ARCHIVED" | "LIMIT_EXCEEDED" => "use another template",
        _ => return None,
    })
}

/// The template that a message is sent by.
pub fn check<'a>(
    message: &TemplateMessage,
    templates: &'a [FetchedTemplate],
) -> Result<&'a FetchedTemplate, TemplateMismatch> {
    let template = find(message, templates)?;
    template.mismatch(message).map_or(Ok(template), Err)
}

impl FetchedTemplate {
    /// Why a message of this name and language cannot be sent by it.
    pub fn mismatch(&self, message: &TemplateMessage) -> Option<TemplateMismatch> {
        let name = self.name.clone();
        if let Some(mend) = unsendable(&self.status) {
            return Some(TemplateMismatch::NotApproved { name, status: self.status.clone(), mend });
        }
        let mut faults = header_faults(message, self);
        faults.extend(body_faults(message, self));
        faults.extend(button_faults(message, self));
        faults.extend(further_faults(message, self));
        (!faults.is_empty()).then_some(TemplateMismatch::Variables { name, faults })
    }
}

fn find<'a>(
    message: &TemplateMessage,
    templates: &'a [FetchedTemplate],
) -> Result<&'a FetchedTemplate, TemplateMismatch> {
    let name = message.name().to_owned();
    let named: Vec<_> = templates.iter().filter(|template| template.name == name).collect();
    if named.is_empty() {
        let nearest = nearest(&name, templates.iter().map(|template| template.name.as_str())).map(str::to_owned);
        return Err(TemplateMismatch::Missing { name, nearest });
    }
    let found = named.iter().find(|template| template.language == message.language());
    found.copied().ok_or_else(|| TemplateMismatch::OtherLanguage {
        name,
        language: message.language().to_owned(),
        available: named.iter().map(|template| template.language.clone()).collect(),
    })
}

fn header_faults(message: &TemplateMessage, template: &FetchedTemplate) -> Vec<VariableMismatch> {
    let given = message.components().iter().find_map(|part| match part {
        TemplateComponent::Header(header) => Some(header),
        _ => None,
    });
    match (&template.header, given) {
        (Some(HeaderFormat::Text { variables }), None) => texts("header", variables, &[]),
        (Some(HeaderFormat::Text { variables }), Some(TemplateHeader::Text(given))) => {
            texts("header", variables, given)
        }
        (Some(HeaderFormat::Media(kind)), Some(TemplateHeader::Media { kind: given, .. })) if kind == given => {
            Vec::new()
        }
        (Some(HeaderFormat::Location), Some(TemplateHeader::Location(_)))
        | (Some(HeaderFormat::Other(_)), _)
        | (None, None) => Vec::new(),
        (None, Some(_)) => vec![VariableMismatch::HeaderWithoutValue],
        (Some(HeaderFormat::Text { variables }), Some(_)) if variables.is_empty() => {
            vec![VariableMismatch::HeaderWithoutValue]
        }
        (Some(needed), _) => vec![VariableMismatch::HeaderNeeded { needed: needed_header(needed) }],
    }
}

const fn needed_header(format: &HeaderFormat) -> &'static str {
    match format {
        HeaderFormat::Text { .. } => "a text",
        HeaderFormat::Media(kind) => kind.words(),
        HeaderFormat::Location => "a location",
        HeaderFormat::Other(_) => "a value",
    }
}

fn body_faults(message: &TemplateMessage, template: &FetchedTemplate) -> Vec<VariableMismatch> {
    let given = message.components().iter().find_map(|part| match part {
        TemplateComponent::Body(given) => Some(given.as_slice()),
        _ => None,
    });
    texts("body", &template.variables, given.unwrap_or_default())
}

/// Compares by name where there are names, else by number.
fn texts(place: &'static str, wanted: &[String], given: &[TemplateParameter]) -> Vec<VariableMismatch> {
    let key = |(number, parameter): (usize, &TemplateParameter)| {
        parameter.name().map_or_else(|| number.to_string(), str::to_owned)
    };
    let keys: Vec<String> = (1..).zip(given).map(key).collect();
    let foreign = keys.iter().zip(given).filter_map(|(variable, parameter)| {
        let kind = short(parameter.foreign_type()?);
        Some(VariableMismatch::OtherType { place, variable: variable.clone(), kind })
    });
    let missing = wanted.iter().filter(|variable| !keys.contains(variable));
    let missing = missing.map(|variable| VariableMismatch::NoValue { place, variable: variable.clone() });
    let unknown = keys.iter().filter(|key| !wanted.contains(key));
    let unknown = unknown.map(|key| VariableMismatch::NoSuchVariable { place, variable: key.clone() });
    missing.chain(unknown).chain(foreign).collect()
}

fn button_faults(message: &TemplateMessage, template: &FetchedTemplate) -> Vec<VariableMismatch> {
    let given: Vec<SentButton<'_>> = message.components().iter().filter_map(SentButton::of).collect();
    let missing = template.buttons.iter().enumerate().filter_map(|(index, kind)| {
        let is_given = given.iter().any(|button| button.index == index);
        kind.needs().filter(|_| !is_given).map(|needed| VariableMismatch::ButtonNeeded { index, needed })
    });
    let wrong = given.iter().filter_map(|button| wrong_button(button, &template.buttons));
    missing.chain(wrong).collect()
}

/// A button of a message.
struct SentButton<'a> {
    index: usize,
    /// `None` for one that is sent as it was written.
    action: Option<&'a ButtonAction>,
}

impl<'a> SentButton<'a> {
    fn of(part: &'a TemplateComponent) -> Option<Self> {
        match part {
            TemplateComponent::Button(TemplateButton { index, action, .. }) => {
                Some(Self { index: usize::from(*index), action: Some(action) })
            }
            TemplateComponent::Other(raw) if kind_of(raw) == "button" => {
                let index = raw.source().get("index").and_then(integer).unwrap_or_default();
                Some(Self { index: usize::try_from(index).ok()?, action: None })
            }
            _ => None,
        }
    }
}

/// The type of a component that is sent as it was written.
fn kind_of(raw: &RawParameter) -> String {
    raw.source().get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase()
}

/// Components that only a file can hold.
fn further_faults(message: &TemplateMessage, template: &FetchedTemplate) -> Vec<VariableMismatch> {
    let given = message.components().iter().filter_map(|part| match part {
        TemplateComponent::Other(raw) => Some(kind_of(raw)).filter(|kind| FURTHER.contains(&kind.as_str())),
        _ => None,
    });
    let given: Vec<String> = given.collect();
    let missing = template.further.iter().filter(|kind| !given.contains(kind));
    let missing = missing.map(|kind| VariableMismatch::ComponentNeeded { kind: kind.clone() });
    let unknown = given.iter().filter(|kind| !template.further.contains(kind));
    missing.chain(unknown.map(|kind| VariableMismatch::NoSuchComponent { kind: kind.clone() })).collect()
}

impl ButtonKind {
    /// What cannot be left out.
    pub const fn needs(&self) -> Option<&'static str> {
        match self {
            Self::Url { has_variable: true } => Some("the end of its address"),
            Self::CopyCode => Some("a code"),
            Self::Products => Some("its products"),
            Self::Flow => Some("its flow"),
            Self::OneTimePassword => Some("the code"),
            Self::QuickReply | Self::Url { has_variable: false } | Self::Catalog | Self::Other(_) => None,
        }
    }

    /// The type of the component that has what it needs, where that is one text.
    pub const fn text_type(&self) -> Option<&'static str> {
        match self {
            Self::Url { has_variable: true } | Self::OneTimePassword => Some("url"),
            Self::CopyCode => Some("copy_code"),
            _ => None,
        }
    }
}

fn wrong_button(given: &SentButton<'_>, buttons: &[ButtonKind]) -> Option<VariableMismatch> {
    let index = given.index;
    let Some(kind) = buttons.get(index) else { return Some(VariableMismatch::NoSuchButton { index }) };
    let other = |kind| Some(VariableMismatch::OtherButton { index, kind });
    match (kind, given.action?) {
        (ButtonKind::QuickReply, ButtonAction::QuickReply { .. })
        | (ButtonKind::Url { has_variable: true }, ButtonAction::Url { .. })
        | (ButtonKind::CopyCode, ButtonAction::CopyCode { .. })
        | (ButtonKind::Catalog, ButtonAction::Catalog { .. })
        | (ButtonKind::Products, ButtonAction::Products { .. })
        | (ButtonKind::OneTimePassword, ButtonAction::Url { .. })
        | (ButtonKind::Other(_), _) => None,
        (ButtonKind::QuickReply, _) => other("a quick reply"),
        (ButtonKind::Url { has_variable: true }, _) => other("an address"),
        (ButtonKind::Url { has_variable: false }, _) => other("an address without a variable"),
        (ButtonKind::CopyCode, _) => other("a code to copy"),
        (ButtonKind::Catalog, _) => other("a catalog"),
        (ButtonKind::Products, _) => other("a list of products"),
        (ButtonKind::Flow, _) => other("a flow"),
        (ButtonKind::OneTimePassword, _) => other("a code to copy or fill in, which is written as a url"),
    }
}

#[cfg(test)]
mod tests;

//! Whether a blast's message fits the template that Meta has, before anybody is written to.

use thiserror::Error;

use super::template::{ButtonKind, FetchedTemplate, HeaderFormat};
use crate::domain::template::{
    ButtonAction, TemplateButton, TemplateComponent, TemplateHeader, TemplateMessage, TemplateParameter,
};
use crate::domain::text::nearest;

/// Why a template cannot be sent, as a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateMismatch {
    #[error("the account has no template `{name}`{}", meant(.nearest.as_ref()))]
    Missing { name: String, nearest: Option<String> },
    #[error("template `{name}` does not exist in {language}, but in {}", .available.join(", "))]
    OtherLanguage { name: String, language: String, available: Vec<String> },
    #[error("template `{name}` is {}: {}", .status.to_lowercase(), status_advice(.status))]
    NotApproved { name: String, status: String },
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

fn status_advice(status: &str) -> &'static str {
    match status {
        "PENDING" | "IN_APPEAL" => "wait until Meta has approved it",
        "PAUSED" => "people marked it as spam, Meta lifts the pause by itself",
        "REJECTED" => "read Meta's reason in WhatsApp Manager and edit it",
        _ => "use another template",
    }
}

/// The template that a message is sent by.
pub fn check<'a>(
    message: &TemplateMessage,
    templates: &'a [FetchedTemplate],
) -> Result<&'a FetchedTemplate, TemplateMismatch> {
    let template = find(message, templates)?;
    let name = template.name.clone();
    if template.status != "APPROVED" {
        return Err(TemplateMismatch::NotApproved { name, status: template.status.clone() });
    }
    let mut faults = header_faults(message, template);
    faults.extend(body_faults(message, template));
    faults.extend(button_faults(message, template));
    if faults.is_empty() { Ok(template) } else { Err(TemplateMismatch::Variables { name, faults }) }
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
    let keys = (1..).zip(given).map(|(number, parameter): (usize, _)| match parameter {
        TemplateParameter::Text { name: Some(name), .. } => name.clone(),
        // Meta's other types may stand for a name, which is not looked for.
        TemplateParameter::Text { name: None, .. } | TemplateParameter::Other(_) => number.to_string(),
    });
    let keys: Vec<String> = keys.collect();
    let missing = wanted.iter().filter(|variable| !keys.contains(variable));
    let missing = missing.map(|variable| VariableMismatch::NoValue { place, variable: variable.clone() });
    let unknown = keys.iter().filter(|key| !wanted.contains(key));
    let unknown = unknown.map(|key| VariableMismatch::NoSuchVariable { place, variable: key.clone() });
    missing.chain(unknown).collect()
}

fn button_faults(message: &TemplateMessage, template: &FetchedTemplate) -> Vec<VariableMismatch> {
    let given: Vec<&TemplateButton> = message
        .components()
        .iter()
        .filter_map(|part| match part {
            TemplateComponent::Button(button) => Some(button),
            _ => None,
        })
        .collect();
    let missing = template.buttons.iter().enumerate().filter_map(|(index, kind)| {
        let is_given = given.iter().any(|button| usize::from(button.index) == index);
        needed_button(kind).filter(|_| !is_given).map(|needed| VariableMismatch::ButtonNeeded { index, needed })
    });
    let wrong = given.iter().filter_map(|button| wrong_button(button, &template.buttons));
    missing.chain(wrong).collect()
}

/// What cannot be left out.
const fn needed_button(kind: &ButtonKind) -> Option<&'static str> {
    match kind {
        ButtonKind::Url { has_variable: true } => Some("the end of its address"),
        ButtonKind::CopyCode => Some("a code"),
        ButtonKind::Products => Some("its products"),
        ButtonKind::QuickReply
        | ButtonKind::Url { has_variable: false }
        | ButtonKind::Catalog
        | ButtonKind::Other(_) => None,
    }
}

fn wrong_button(given: &TemplateButton, buttons: &[ButtonKind]) -> Option<VariableMismatch> {
    let index = usize::from(given.index);
    let Some(kind) = buttons.get(index) else { return Some(VariableMismatch::NoSuchButton { index }) };
    let other = |kind| Some(VariableMismatch::OtherButton { index, kind });
    match (kind, &given.action) {
        (ButtonKind::QuickReply, ButtonAction::QuickReply { .. })
        | (ButtonKind::Url { has_variable: true }, ButtonAction::Url { .. })
        | (ButtonKind::CopyCode, ButtonAction::CopyCode { .. })
        | (ButtonKind::Catalog, ButtonAction::Catalog { .. })
        | (ButtonKind::Products, ButtonAction::Products { .. })
        // One-time passwords are addresses on the wire.
        | (ButtonKind::Other(_), _) => None,
        (ButtonKind::QuickReply, _) => other("a quick reply"),
        (ButtonKind::Url { has_variable: true }, _) => other("an address"),
        (ButtonKind::Url { has_variable: false }, _) => other("an address without a variable"),
        (ButtonKind::CopyCode, _) => other("a code to copy"),
        (ButtonKind::Catalog, _) => other("a catalog"),
        (ButtonKind::Products, _) => other("a list of products"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn templates() -> Vec<FetchedTemplate> {
        let item = |name: &str, language: &str, status: &str, components: Value| {
            let mut item = json!({ "name": name, "language": language, "status": status });
            item["components"] = components;
            FetchedTemplate::read(&item).unwrap()
        };
        let raya = json!([
            { "type": "HEADER", "format": "IMAGE" },
            { "type": "BODY", "text": "{{1}}: only {{2}}" },
            { "type": "BUTTONS", "buttons": [
                { "type": "URL", "url": "https://shop.example/{{1}}" }, { "type": "QUICK_REPLY", "text": "Stop" } ] }
        ]);
        let named = json!([
            { "type": "HEADER", "format": "TEXT", "text": "Hi {{who}}" }, { "type": "BODY", "text": "{{offer}}" } ]);
        vec![
            item("raya_promo", "en_US", "APPROVED", raya.clone()),
            item("raya_promo", "ms", "PAUSED", raya),
            item("named", "ms", "APPROVED", named),
            item("plain", "ms", "APPROVED", json!([{ "type": "BODY", "text": "Salam" }])),
        ]
    }

    fn checked(message: Value) -> Result<(), String> {
        let message = TemplateMessage::try_from(message).unwrap();
        check(&message, &templates()).map(drop).map_err(|mismatch| mismatch.to_string())
    }

    fn good() -> Value {
        json!({ "name": "raya_promo", "language": "en_US", "variables": ["Bali", "RM 45"],
            "header": { "image": "https://shop.example/a.png" }, "buttons": [{ "type": "url", "text": "a" }] })
    }

    fn refused(key: &str, value: Value) -> String {
        let mut message = good();
        message[key] = value;
        checked(message).unwrap_err()
    }

    #[test]
    fn a_message_that_fits_passes() {
        assert_eq!(checked(good()), Ok(()));
        assert_eq!(checked(json!({ "name": "plain", "language": "ms" })), Ok(()));
        let parameters = json!([{ "type": "text", "text": "x", "parameter_name": "who" }]);
        let header = json!({ "type": "header", "parameters": parameters });
        let named = json!({ "name": "named", "language": "ms", "variables": { "offer": "x" }, "components": [header] });
        assert_eq!(checked(named), Ok(()));
    }

    #[test]
    fn a_template_that_is_not_there_is_refused_with_the_one_that_was_meant() {
        assert_eq!(
            refused("name", json!("raya_pormo")),
            "the account has no template `raya_pormo`: did you mean `raya_promo`?"
        );
        assert_eq!(refused("name", json!("zzz")), "the account has no template `zzz`");
        assert_eq!(refused("language", json!("en")), "template `raya_promo` does not exist in en, but in en_US, ms");
        assert_eq!(
            refused("language", json!("ms")),
            "template `raya_promo` is paused: people marked it as spam, Meta lifts the pause by itself"
        );
    }

    #[test]
    fn every_variable_that_does_not_fit_is_named() {
        let start = "template `raya_promo` does not fit: ";
        for (key, value, fault) in [
            ("variables", json!(["Bali"]), "body {{2}} has no value"),
            ("variables", json!(["Bali", "x", "y"]), "body has no variable {{3}}"),
            (
                "variables",
                json!({ "city": "Bali" }),
                "body {{1}} has no value; body {{2}} has no value; body has no variable {{city}}",
            ),
            ("header", json!(null), "its header needs an image"),
            ("header", json!("Sale"), "its header needs an image"),
            ("header", json!({ "video": "https://shop.example/a.mp4" }), "its header needs an image"),
            ("buttons", json!([]), "button 0 needs the end of its address"),
            ("buttons", json!([{ "type": "copy_code", "code": "x" }]), "button 0 is an address"),
            (
                "buttons",
                json!([{ "type": "url", "text": "a" }, { "type": "url", "text": "a" }]),
                "button 1 is a quick reply",
            ),
            (
                "buttons",
                json!([{ "type": "url", "text": "a" }, { "type": "catalog", "index": 4 }]),
                "it has no button 4",
            ),
        ] {
            assert_eq!(refused(key, value), format!("{start}{fault}"));
        }
        let header = json!({ "name": "plain", "language": "ms", "header": "Sale" });
        assert_eq!(checked(header).unwrap_err(), "template `plain` does not fit: its header takes no value");
    }
}

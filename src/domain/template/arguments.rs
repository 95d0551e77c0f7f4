//! A template message as the options of a command line that makes it again.

use super::{ButtonAction, MediaSource, TemplateComponent, TemplateHeader, TemplateMessage, TemplateParameter};
use crate::domain::text::shell_quoted;

impl TemplateMessage {
    /// `--template raya --language ms --var '1={name}'`. `None` where something of it has no option, such as an uploaded picture.
    pub fn arguments(&self) -> Option<String> {
        let mut arguments =
            vec![format!("--template {} --language {}", shell_quoted(&self.name), shell_quoted(&self.language))];
        for component in &self.components {
            match component {
                TemplateComponent::Header(header) => arguments.push(of_header(header)?),
                TemplateComponent::Body(parameters) => arguments.extend(of_body(parameters)?),
                TemplateComponent::Button(button) => {
                    let (kind, value) = match &button.action {
                        ButtonAction::QuickReply { payload } => ("quick_reply", payload),
                        ButtonAction::Url { suffix } => ("url", suffix),
                        ButtonAction::CopyCode { code } => ("copy_code", code),
                        ButtonAction::Catalog { .. } | ButtonAction::Products { .. } => return None,
                    };
                    let value = format!("{}:{kind}={}", button.index, value.source());
                    arguments.push(format!("--button {}", shell_quoted(&value)));
                }
                TemplateComponent::Other(_) => return None,
            }
        }
        Some(arguments.join(" "))
    }
}

fn of_header(header: &TemplateHeader) -> Option<String> {
    let (option, value) = match header {
        TemplateHeader::Text(parameters) => match parameters.as_slice() {
            [TemplateParameter::Text { value, .. }] => ("text", value),
            _ => return None,
        },
        TemplateHeader::Media { kind, source: MediaSource::Link(link), .. } => (kind.as_str(), link),
        TemplateHeader::Media { .. } | TemplateHeader::Location(_) => return None,
    };
    Some(format!("--header-{option} {}", shell_quoted(value.source())))
}

fn of_body(parameters: &[TemplateParameter]) -> Option<Vec<String>> {
    let argument = |(at, parameter): (usize, &TemplateParameter)| {
        let TemplateParameter::Text { name, value } = parameter else { return None };
        let name = name.clone().unwrap_or_else(|| (at + 1).to_string());
        Some(format!("--var {}", shell_quoted(&format!("{name}={}", value.source()))))
    };
    parameters.iter().enumerate().map(argument).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::TemplateMessage;

    fn arguments(template: &Value) -> Option<String> {
        TemplateMessage::parse(template).unwrap().arguments()
    }

    #[test]
    fn a_template_is_written_as_the_options_that_make_it() {
        let template = json!({
            "name": "raya", "language": "ms", "variables": { "1": "{name}", "2": "it's Bali" },
            "header": { "image": { "link": "https://kedai.example/{photo}.jpg" } },
            "components": [{ "type": "button", "sub_type": "url", "index": "0",
                             "parameters": [{ "type": "text", "text": "abc" }] }],
        });

        let arguments = arguments(&template).unwrap();

        assert!(arguments.starts_with("--template 'raya' --language 'ms' "), "{arguments}");
        for option in [
            "--header-image 'https://kedai.example/{photo}.jpg'",
            "--var '1={name}'",
            r"--var '2=it'\''s Bali'",
            "--button '0:url=abc'",
        ] {
            assert!(arguments.contains(option), "{option} is not in {arguments}");
        }
    }

    #[test]
    fn what_has_no_option_is_not_written_in_part() {
        let uploaded = json!({ "name": "raya", "language": "ms", "header": { "image": { "id": "123" } } });
        assert_eq!(arguments(&uploaded), None);
    }
}

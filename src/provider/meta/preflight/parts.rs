//! What a template consists of, in words.

use super::template::{ButtonKind, FetchedTemplate, HeaderFormat};
use crate::domain::template::HeaderMedia;
use crate::domain::text::{clean, count_of};

impl FetchedTemplate {
    /// Its components, in a few words each: `body of 2 variables`, `picture`, `buttons: url, quick reply`.
    pub fn parts(&self) -> Vec<String> {
        let body = (!self.body.is_empty()).then(|| with_variables("body", &self.variables));
        let header = self.header.as_ref().map(header);
        let footer = self.page.footer.as_ref().map(|_| "footer".to_owned());
        let further = self.further.iter().map(|kind| kind.replace('_', " "));
        let buttons = self.buttons.iter().map(button).collect::<Vec<_>>().join(", ");
        let buttons = (!buttons.is_empty()).then(|| format!("buttons: {buttons}"));
        body.into_iter().chain(header).chain(footer).chain(further).chain(buttons).collect()
    }

    /// How people receive it, where Meta rates it: `green`.
    pub fn rating(&self) -> Option<String> {
        let word = self.quality.as_ref()?.to_lowercase();
        (!matches!(word.as_str(), "" | "na" | "unknown")).then_some(word)
    }
}

fn with_variables(part: &str, variables: &[String]) -> String {
    match variables.len() {
        0 => part.to_owned(),
        number => format!("{part} of {}", count_of(number, "variable", "variables")),
    }
}

fn header(format: &HeaderFormat) -> String {
    match format {
        HeaderFormat::Text { variables } => with_variables("header", variables),
        HeaderFormat::Media(HeaderMedia::Image) => "picture".to_owned(),
        HeaderFormat::Media(HeaderMedia::Video) => "video".to_owned(),
        HeaderFormat::Media(HeaderMedia::Document) => "document".to_owned(),
        HeaderFormat::Location => "location".to_owned(),
        HeaderFormat::Other(word) => format!("header of kind {}", word.to_lowercase()),
    }
}

fn button(kind: &ButtonKind) -> String {
    let words = match kind {
        ButtonKind::QuickReply => "quick reply",
        ButtonKind::Url { has_variable: true } => "url",
        ButtonKind::Url { has_variable: false } => "url without a variable",
        ButtonKind::CopyCode => "copy code",
        ButtonKind::Catalog => "catalog",
        ButtonKind::Products => "mpm",
        ButtonKind::Flow => "flow",
        ButtonKind::OneTimePassword => "one-time password",
        ButtonKind::Other(word) if word.is_empty() => "a button",
        ButtonKind::Other(word) => return clean(word).to_lowercase().replace('_', " "),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parts(components: Value) -> String {
        let mut item = json!({ "name": "raya", "language": "ms", "status": "APPROVED" });
        item["components"] = components;
        FetchedTemplate::read(&item).unwrap().parts().join(", ")
    }

    #[test]
    fn a_template_is_described_by_its_components() {
        let body = json!({ "type": "BODY", "text": "{{1}}: only {{2}}" });
        let buttons = json!({ "type": "BUTTONS", "buttons": [
            { "type": "URL", "url": "https://shop.example/{{1}}" }, { "type": "QUICK_REPLY", "text": "Stop" },
            { "type": "PHONE_NUMBER" }, {} ] });
        let picture = json!({ "type": "HEADER", "format": "IMAGE" });

        assert_eq!(
            parts(json!([picture, body, buttons])),
            "body of 2 variables, picture, buttons: url, quick reply, phone number, a button"
        );
        let header = json!({ "type": "HEADER", "format": "TEXT", "text": "For {{1}}" });
        let footer = json!({ "type": "FOOTER", "text": "Kedai Aina" });
        let offer = json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "x" } });
        let plain = json!({ "type": "BODY", "text": "Salam" });
        assert_eq!(
            parts(json!([header, plain, footer, offer])),
            "body, header of 1 variable, footer, limited time offer"
        );
        assert_eq!(parts(json!([])), "");
    }

    #[test]
    fn only_a_rating_that_meta_has_made_is_shown() {
        let rating = |score: &str| {
            let mut item = json!({ "name": "raya", "language": "ms", "status": "APPROVED" });
            item["quality_score"] = json!({ "score": score });
            FetchedTemplate::read(&item).unwrap().rating()
        };

        assert_eq!(rating("GREEN").as_deref(), Some("green"));
        assert_eq!(rating("Sparkling").as_deref(), Some("sparkling"));
        assert_eq!(rating("UNKNOWN"), None);
    }
}

//! A template as people see it, part by part, and one message by it.

use serde::{Deserialize, Serialize};

use super::RenderedTemplate;

/// The parts of a template that people see, with its variables in them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplatePage {
    /// The text of the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    pub body: String,
    /// The title of a limited-time offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footer: Option<String>,
    /// What the buttons say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<String>,
}

impl TemplatePage {
    /// As it is kept with a blast.
    pub fn stored(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| self.body.clone())
    }

    /// The reverse. Earlier versions kept the body alone.
    pub fn of_stored(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self { body: text.to_owned(), ..Self::default() })
    }

    /// What one person sees: header, body with their values in it, offer, footer, cards and buttons, a line each.
    pub fn preview(&self, message: &RenderedTemplate) -> String {
        let header = self.header.as_ref().map(|text| message.preview_of("header", text)).or_else(|| medium(message));
        let offer = self.offer.as_ref().map(|text| format!("({text})"));
        let cards = message.component("carousel").and_then(|part| part.get("cards")?.as_array());
        let cards = cards
            .map(|cards| if cards.len() == 1 { "(1 card)".to_owned() } else { format!("({} cards)", cards.len()) });
        let buttons: Vec<String> = self.buttons.iter().map(|label| format!("[{label}]")).collect();
        let buttons = Some(buttons.join(" ")).filter(|buttons| !buttons.is_empty());
        let body = Some(message.preview(&self.body)).filter(|body| !body.is_empty());
        let lines = [header, body, offer, self.footer.clone(), cards, buttons];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

/// `(image)`, `(document Offer.pdf)`, `(location Kedai)`.
fn medium(message: &RenderedTemplate) -> Option<String> {
    let value = message.values("header").next()?;
    // The text of a header that is not known says nothing by itself.
    let kind = value.get("type")?.as_str().filter(|kind| *kind != "text")?;
    let name = ["filename", "name"].iter().find_map(|key| value.get(kind)?.get(*key)?.as_str());
    Some(name.map_or_else(|| format!("({kind})"), |name| format!("({kind} {name})")))
}

//! What one person sees of a template message, as a page of plain text.

use serde_json::Value;

use super::super::super::lenient::at;
use super::template::FetchedTemplate;
use crate::domain::template::RenderedTemplate;

/// The parts of a template that are no body, as Meta lists them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplatePage {
    /// The text of the header.
    header: Option<String>,
    footer: Option<String>,
    /// The title of a limited-time offer.
    offer: Option<String>,
    /// What the buttons say.
    buttons: Vec<String>,
}

impl TemplatePage {
    pub(super) fn read(components: &[Value]) -> Self {
        let of_type = |kind: &str| {
            components.iter().find(|component| {
                component.get("type").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(kind))
            })
        };
        let text = |kind: &str, place: &str| at(of_type(kind)?, place)?.as_str().map(str::to_owned);
        let buttons = of_type("BUTTONS").and_then(|part| part.get("buttons")?.as_array());
        let label = |button: &Value| {
            let words = button.get("text").or_else(|| button.get("type")).and_then(Value::as_str);
            words.unwrap_or("button").to_owned()
        };
        Self {
            header: text("HEADER", "/text"),
            footer: text("FOOTER", "/text"),
            offer: text("LIMITED_TIME_OFFER", "/limited_time_offer/text"),
            buttons: buttons.into_iter().flatten().map(label).collect(),
        }
    }
}

impl FetchedTemplate {
    /// What one person sees: header, body with their values in it, offer, footer, cards and buttons, a line each.
    pub fn preview(&self, message: &RenderedTemplate) -> String {
        let page = &self.page;
        let header = page.header.as_ref().map(|text| message.preview_of("header", text)).or_else(|| medium(message));
        let offer = page.offer.as_ref().map(|text| format!("({text})"));
        let cards = message.component("carousel").and_then(|part| part.get("cards")?.as_array());
        let cards = cards
            .map(|cards| if cards.len() == 1 { "(1 card)".to_owned() } else { format!("({} cards)", cards.len()) });
        let buttons: Vec<String> = page.buttons.iter().map(|label| format!("[{label}]")).collect();
        let buttons = Some(buttons.join(" ")).filter(|buttons| !buttons.is_empty());
        let body = Some(message.preview(&self.body)).filter(|body| !body.is_empty());
        let lines = [header, body, offer, page.footer.clone(), cards, buttons];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

/// `(image)`, `(document Offer.pdf)`, `(location Kedai)`.
fn medium(message: &RenderedTemplate) -> Option<String> {
    let value = message.values("header").next()?;
    let kind = value.get("type")?.as_str()?;
    let name = ["filename", "name"].iter().find_map(|key| value.get(kind)?.get(*key)?.as_str());
    Some(name.map_or_else(|| format!("({kind})"), |name| format!("({kind} {name})")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn preview(listed: Value, sent: Value) -> String {
        let mut item = json!({ "name": "raya", "language": "ms", "status": "APPROVED" });
        item["components"] = listed;
        let mut message = json!({ "name": "raya" });
        message["components"] = sent;
        FetchedTemplate::read(&item).unwrap().preview(&RenderedTemplate::new(message))
    }

    #[test]
    fn every_part_that_people_see_has_its_line() {
        let listed = json!([
            { "type": "HEADER", "format": "TEXT", "text": "Hi {{who}}" },
            { "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": "Ends soon", "has_expiration": true } },
            { "type": "BODY", "text": "Only {{price}}" }, { "type": "FOOTER", "text": "Kedai Aina" },
            { "type": "BUTTONS", "buttons": [
                { "type": "URL", "text": "Shop", "url": "https://shop.example/{{1}}" }, { "type": "CATALOG" } ] } ]);
        let text = |name: &str, text: &str| json!([{ "type": "text", "parameter_name": name, "text": text }]);
        let sent = json!([{ "type": "header", "parameters": text("who", "Aina") },
            { "type": "body", "parameters": text("price", "RM 45") } ]);

        assert_eq!(preview(listed, sent), "Hi Aina\nOnly RM 45\n(Ends soon)\nKedai Aina\n[Shop] [CATALOG]");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let body = json!({ "type": "BODY", "text": "See below" });
        let document = json!({ "type": "document", "document": { "id": "1", "filename": "Offer.pdf" } });
        let header = json!({ "type": "HEADER", "format": "DOCUMENT" });
        let sent = json!([{ "type": "header", "parameters": [document] }]);
        assert_eq!(preview(json!([header, body]), sent), "(document Offer.pdf)\nSee below");

        let sent = json!([{ "type": "header", "parameters": [{ "type": "image", "image": { "id": "1" } }] },
            { "type": "carousel", "cards": [{}, {}] }]);
        assert_eq!(preview(json!([body, { "type": "CAROUSEL", "cards": [] }]), sent), "(image)\nSee below\n(2 cards)");
    }
}

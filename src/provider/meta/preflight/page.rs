//! What people see of a template, as Meta lists it.

use serde_json::Value;

use super::super::super::lenient::at;
use super::template::FetchedTemplate;
use crate::domain::template::{RenderedTemplate, TemplatePage};

/// The parts of a template as Meta lists them.
pub(super) fn page_of(components: &[Value]) -> TemplatePage {
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
    TemplatePage {
        header: text("HEADER", "/text"),
        body: text("BODY", "/text").unwrap_or_default(),
        footer: text("FOOTER", "/text"),
        offer: text("LIMITED_TIME_OFFER", "/limited_time_offer/text"),
        buttons: buttons.into_iter().flatten().map(label).collect(),
    }
}

impl FetchedTemplate {
    /// What one person sees of it.
    pub fn preview(&self, message: &RenderedTemplate) -> String {
        self.page.preview(message)
    }

    /// The buttons whose values one person gets, a line each: what they open, or the code that they copy.
    pub fn preview_of_buttons(&self, message: &RenderedTemplate) -> Vec<String> {
        let labels = self.page.buttons.iter().enumerate();
        labels
            .filter_map(|(index, label)| {
                let value = message.button_text(index)?;
                let address = self.addresses.get(index).and_then(Option::as_deref);
                let opens = address.map_or_else(|| value.to_owned(), |address| with_end(address, value));
                Some(format!("[{label}] {opens}"))
            })
            .collect()
    }
}

/// An address with a value in place of its variable.
fn with_end(address: &str, value: &str) -> String {
    match (address.split_once("{{"), address.split_once("}}")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{value}{after}"),
        _ => address.to_owned(),
    }
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

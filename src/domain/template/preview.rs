//! What people read of a template message: the approved text with their values in it.

use serde_json::Value;

use super::{RenderedTemplate, TemplatePage};

impl RenderedTemplate {
    /// A template's text with this message's values in place of its variables.
    pub fn preview(&self, text: &str) -> String {
        self.preview_of("body", text)
    }

    /// The same of another component, such as the header.
    pub fn preview_of(&self, component: &str, text: &str) -> String {
        let values = (1..).zip(self.values(component)).map(|(number, value): (usize, _)| {
            let name = value.get("parameter_name").and_then(Value::as_str).map(str::to_owned);
            (name.unwrap_or_else(|| number.to_string()), words(value))
        });
        filled(text, &values.collect::<Vec<_>>())
    }

    /// What was sent in words, where the template's text is not known: its name, its language and the values.
    fn in_words(&self) -> String {
        let of = |pointer: &str| self.0.pointer(pointer).and_then(Value::as_str);
        let language = of("/language/code").or_else(|| of("/language")).unwrap_or("?");
        let values: Vec<&str> = self.values("body").map(words).collect();
        let with = if values.is_empty() { String::new() } else { format!(": {}", values.join(", ")) };
        format!("template {} ({language}){with}", of("/name").unwrap_or("?"))
    }

    /// The parameters of a component, by its type.
    pub fn values(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let component = self.component(kind);
        component.and_then(|component| component.get("parameters")?.as_array()).into_iter().flatten()
    }

    /// The text of the button at this place, from 0: the end of its address, or its code.
    pub fn button_text(&self, index: usize) -> Option<&str> {
        let components = self.0.get("components")?.as_array()?;
        let is_it = |part: &&Value| {
            let place = part.get("index").and_then(|index| index.as_u64().or_else(|| index.as_str()?.parse().ok()));
            let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
            kind.eq_ignore_ascii_case("button") && place.is_some_and(|place| usize::try_from(place) == Ok(index))
        };
        let value = components.iter().find(is_it)?.get("parameters")?.get(0)?;
        ["text", "coupon_code"].iter().find_map(|key| value.get(key)?.as_str())
    }

    /// A component as it is sent, by its type.
    pub fn component(&self, kind: &str) -> Option<&Value> {
        let components = self.0.get("components").and_then(Value::as_array);
        let is_it = |component: &&Value| {
            component.get("type").and_then(Value::as_str).is_some_and(|known| known.eq_ignore_ascii_case(kind))
        };
        components.into_iter().flatten().find(is_it)
    }
}

/// What somebody read of a template message as it is kept with its outcome; `text` is the template as it is kept with the blast,
/// where it is known.
/// Anything but a template's JSON is returned as it is.
pub fn as_read(sent: &str, text: Option<&str>) -> String {
    let Ok(template @ Value::Object(_)) = serde_json::from_str::<Value>(sent) else { return sent.to_owned() };
    let template = RenderedTemplate::new(template);
    text.map_or_else(|| template.in_words(), |text| TemplatePage::of_stored(text).preview(&template))
}

/// A text, or what stands for an amount or a date where WhatsApp cannot write it by itself.
fn words(value: &Value) -> &str {
    let fallback = || ["currency", "date_time"].iter().find_map(|kind| value.get(kind)?.get("fallback_value"));
    value.get("text").or_else(fallback).and_then(Value::as_str).unwrap_or("…")
}

/// The text with values in place of its variables. Braces in a value mean nothing.
fn filled(text: &str, values: &[(String, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let variable = after.split_once("}}");
        let value = variable.and_then(|(name, _)| values.iter().find(|(known, _)| known == name.trim()));
        if let (Some((_, behind)), Some((_, value))) = (variable, value) {
            out.push_str(value);
            rest = behind;
        } else {
            out.push_str("{{");
            rest = after;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{TemplatePage, as_read};

    #[test]
    fn a_sent_template_reads_as_its_text_with_the_values_in_it() {
        let body = json!([{ "type": "text", "text": "Aina {{2}}" }, { "type": "text", "text": "20%" }]);
        let sent = json!({ "name": "tour", "language": { "code": "en_US" },
                           "components": [{ "type": "body", "parameters": body }] })
        .to_string();

        assert_eq!(as_read(&sent, Some("Hi {{1}}, {{2}} off {{3}}")), "Hi Aina {{2}}, 20% off {{3}}");
        assert_eq!(as_read(&sent, None), "template tour (en_US): Aina {{2}}, 20%");
        assert_eq!(as_read("Salam Aina", Some("Hi {{1}}")), "Salam Aina");
        assert_eq!(as_read("[1]", None), "[1]");
    }

    #[test]
    fn every_part_of_a_kept_template_is_read() {
        let page = TemplatePage {
            header: Some("Order {{1}}".to_owned()),
            body: "Hi {{1}}".to_owned(),
            footer: Some("Kedai Aina".to_owned()),
            buttons: vec!["Shop".to_owned(), "Stop".to_owned()],
            ..TemplatePage::default()
        };
        let text = |text: &str| json!([{ "type": "text", "text": text }]);
        let parts =
            json!([{ "type": "header", "parameters": text("7") }, { "type": "body", "parameters": text("Aina") }]);
        let sent = json!({ "name": "tour", "components": parts }).to_string();

        assert_eq!(as_read(&sent, Some(&page.stored())), "Order 7\nHi Aina\nKedai Aina\n[Shop] [Stop]");
        assert_eq!(as_read(&sent, Some("{\"body\": 1}")), "{\"body\": 1}", "an older version's text");
    }

    #[test]
    fn amounts_and_dates_read_as_the_words_that_stand_for_them() {
        let amount =
            json!({ "type": "currency", "currency": { "fallback_value": "$10", "code": "USD", "amount_1000": 1 } });
        let date = json!({ "type": "date_time", "date_time": { "fallback_value": "1 May" } });
        let sent = json!({ "name": "tour", "components": [{ "type": "body", "parameters": [amount, date] }] });

        assert_eq!(as_read(&sent.to_string(), Some("{{1}} until {{2}}")), "$10 until 1 May");
    }

    #[test]
    fn variables_with_names_are_found_by_them() {
        let body = json!([{ "type": "text", "parameter_name": "city", "text": "Ipoh" }]);
        let sent = json!({ "name": "tour", "language": "en", "components": [{ "type": "BODY", "parameters": body }] });

        assert_eq!(as_read(&sent.to_string(), Some("See {{ city }}!")), "See Ipoh!");
        assert_eq!(as_read(&json!({ "name": "tour", "language": "en" }).to_string(), None), "template tour (en)");
    }
}

//! A template whose JSON is written once for all people of a blast, with gaps for what differs from person to person.

use super::length::{PAYLOAD_MAX, within};
use super::value::refuse_layout;
use super::write::{self, GapWriter};
use super::{ParameterValue, TemplateError, TemplateJson, TemplateMessage, ValueError};
use crate::domain::message::Variables;

/// A template, ready for many people.
#[derive(Debug)]
pub struct PreparedTemplate {
    message: TemplateMessage,
    /// `None`: it has columns within JSON that this version does not know, and is written anew for each person.
    text: Option<GappedText>,
}

/// JSON up to the first gap, and each gap with the JSON after it.
#[derive(Debug)]
struct GappedText {
    start: String,
    gaps: Vec<(Blank, String)>,
}

/// A value that may differ from person to person.
#[derive(Debug, Clone)]
pub(super) struct Blank {
    /// A person's own value of this name or number comes first.
    pub own: Option<String>,
    pub value: ParameterValue,
    pub kind: BlankKind,
}

/// What stands in a gap: it decides what is refused in it.
#[derive(Debug, Clone, Copy)]
pub(super) enum BlankKind {
    Text,
    /// Of a file.
    Address,
    /// Of a quick reply.
    Payload,
}

impl TemplateMessage {
    /// Its variables whose value is given, each with that: a person's own column of that name comes first.
    pub fn values_with_columns(&self) -> Vec<(String, String)> {
        let mut writer = GapWriter::new("");
        let _ = write::with_gaps(self, &mut writer);
        let value = |blank: Blank| Some((blank.own?, blank.value.source().to_owned()));
        writer.into_gaps().into_iter().filter_map(value).collect()
    }
}

impl PreparedTemplate {
    pub fn new(message: TemplateMessage) -> Self {
        // The length of a header shows only once it is written.
        let text = if message.header_text.is_none() { gapped(&message) } else { None };
        Self { message, text }
    }

    /// As [`TemplateMessage::render`].
    pub fn render(&self, variables: &Variables) -> Result<TemplateJson, TemplateError> {
        // What is refused is refused by the one that knows the places.
        match self.text.as_ref().and_then(|text| text.fill(variables)) {
            Some(text) => Ok(TemplateJson(text)),
            None => Ok(self.message.render(variables)?.into()),
        }
    }
}

fn gapped(message: &TemplateMessage) -> Option<GappedText> {
    let source = message.source().to_string();
    let mut writer = GapWriter::new(&source);
    let text = write::with_gaps(message, &mut writer)?.to_string();
    // Each mark is the whole of a string.
    let mut parts = text.split(writer.mark());
    let start = parts.next()?.to_owned();
    let gaps = parts.map(|part| {
        let (number, after) = part.split_once(GapWriter::END)?;
        Some((writer.gap(number.parse().ok()?)?.clone(), after.to_owned()))
    });
    let gaps = gaps.collect::<Option<Vec<_>>>()?;
    Some(without_quotes(GappedText { start, gaps }))
}

/// A value is written with its quotes: those around the marks go.
fn without_quotes(mut text: GappedText) -> GappedText {
    let GappedText { start, gaps } = &mut text;
    let pieces = std::iter::once(start).chain(gaps.iter_mut().map(|(_, after)| after));
    let last = pieces.size_hint().0 - 1;
    for (at, piece) in pieces.enumerate() {
        if at < last {
            piece.pop();
        }
        if at > 0 {
            piece.remove(0);
        }
    }
    text
}

impl GappedText {
    /// `None` where a value is missing or refused.
    fn fill(&self, variables: &Variables) -> Option<String> {
        let room = self.gaps.iter().map(|(_, after)| after.len() + 24).sum::<usize>();
        let mut text = Vec::with_capacity(self.start.len() + room);
        text.extend_from_slice(self.start.as_bytes());
        for (gap, after) in &self.gaps {
            gap.write(variables, &mut text).ok()?;
            text.extend_from_slice(after.as_bytes());
        }
        String::from_utf8(text).ok()
    }
}

impl Blank {
    fn write(&self, variables: &Variables, text: &mut Vec<u8>) -> Result<(), ValueError> {
        let own = self.own.as_ref().and_then(|key| variables.get(key));
        // Text always serialises.
        let _ = match own {
            Some(own) => {
                refuse_layout(own)?;
                serde_json::to_writer(text, own)
            }
            None => serde_json::to_writer(text, &self.rendered(variables)?),
        };
        Ok(())
    }

    fn rendered(&self, variables: &Variables) -> Result<String, ValueError> {
        match self.kind {
            BlankKind::Text => self.value.render(variables),
            BlankKind::Address => self.value.render_address(variables),
            BlankKind::Payload => within(self.value.render(variables)?, PAYLOAD_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Prepared once or written anew, a person gets the same, or the same refusal.
    fn same(template: &Value, people: &[Variables]) -> PreparedTemplate {
        let message = TemplateMessage::parse(template).unwrap();
        let prepared = PreparedTemplate::new(message.clone());
        for person in people {
            let anew = message.render(person).map(TemplateJson::from);
            assert_eq!(prepared.render(person), anew, "{template} for {person:?}");
        }
        prepared
    }

    fn people() -> Vec<Variables> {
        let of = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Variables>();
        vec![
            of(&[("name", "Aina"), ("city", "Bali"), ("sku", "sku-7"), ("file", "https://shop.example/a.png")]),
            of(&[("name", "Aina"), ("city", "Bali"), ("file", "nope")]),
            of(&[("name", "\"Aina\\ \u{e000}0\u{e001}"), ("city", "Kota Bharu ☕"), ("1", "own"), ("x", "1")]),
            of(&[("name", "Aina"), ("1", "four    spaces"), ("city", "Bali")]),
            of(&[("city", "a\tb"), ("name", "Aina")]),
            of(&[]),
        ]
    }

    fn with(components: &Value) -> Value {
        json!({ "name": "promo", "language": "en_US", "components": components })
    }

    #[test]
    fn every_kind_of_value_is_filled_in_as_if_it_were_written_anew() {
        let text = |text: &str| json!({ "type": "text", "text": text });
        let named = json!({ "type": "text", "parameter_name": "city", "text": "to {city}" });
        let templates = [
            json!({ "name": "tour", "language": "en_US" }),
            json!({ "name": "tour", "language": "ms", "variables": { "1": "{name}", "2": "20% \"off\" {city}!" } }),
            with(&json!([{ "type": "header", "parameters": [text("Hi {name}")] },
                        { "type": "body", "parameters": [text("{city}"), text("a \u{e000} mark"), text("{{name}}")] }])),
            with(&json!([{ "type": "body", "parameters": [named] }])),
            with(&json!([{ "type": "header", "parameters":
                [{ "type": "document", "document": { "link": "https://shop.example/{sku}.pdf", "filename": "{name}" } }] }])),
            with(&json!([{ "type": "header", "parameters": [{ "type": "image", "image": { "link": "{file}" } }] }])),
            with(&json!([{ "type": "button", "sub_type": "url", "index": "0", "parameters": [text("{sku}")] },
                        { "type": "button", "sub_type": "quick_reply", "index": 1,
                          "parameters": [{ "type": "payload", "payload": "STOP" }] }])),
        ];
        for template in templates {
            assert!(same(&template, &people()).text.is_some(), "{template}");
        }
    }

    #[test]
    fn columns_within_json_that_is_not_known_are_written_anew_for_each_person() {
        let offer =
            |text: &str| json!({ "type": "limited_time_offer", "parameters": [{ "type": "x", "x": { "y": text } }] });

        assert!(same(&with(&json!([offer("for {name}")])), &people()).text.is_none());
        assert!(same(&with(&json!([offer("for all")])), &people()).text.is_some());
    }
}

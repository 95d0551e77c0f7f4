//! Lengths that Meta refuses, in characters. Others are left to Meta.

use super::{RenderedTemplate, TemplateComponent, TemplateError, TemplateFault, TemplateMessage, ValueError};
use crate::domain::message::Variables;

/// A header's text with its value in it: beyond it Meta answers 132005.
const HEADER_TEXT_MAX: usize = 60;
/// What a quick reply returns when somebody presses it.
pub(super) const PAYLOAD_MAX: usize = 256;

/// A value of at most so many characters.
pub(super) fn within(text: String, limit: usize) -> Result<String, ValueError> {
    let length = text.chars().count();
    if length > limit { Err(ValueError::TooLong { length, limit }) } else { Ok(text) }
}

impl TemplateMessage {
    /// Refuses from now on whoever's value makes the approved text of the header too long. It is not stored with the message.
    ///
    /// # Errors
    /// It is too long for everybody.
    pub fn with_header_text(mut self, text: &str) -> Result<Self, TemplateError> {
        self.header_text = Some(text.to_owned());
        let is_header = |part: &&TemplateComponent| matches!(part, TemplateComponent::Header(_));
        let components = self.components.iter().filter(is_header).cloned().collect();
        let header = Self { components, ..self.clone() };
        match header.render(&Variables::default()) {
            Err(error @ TemplateError { fault: TemplateFault::Value(ValueError::TooLong { .. }), .. }) => Err(error),
            // A value that is missing comes from a column.
            _ => Ok(self),
        }
    }

    /// Refuses a header's text that is too long with the values of one person.
    pub(super) fn refuse_long_header(&self, rendered: &RenderedTemplate) -> Result<(), TemplateError> {
        let Some(text) = &self.header_text else { return Ok(()) };
        let filled = within(rendered.preview_of("header", text), HEADER_TEXT_MAX);
        filled.map(drop).map_err(|error| TemplateError { place: "header".to_owned(), fault: error.into() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::template::PreparedTemplate;

    fn offer(header: &str) -> Result<TemplateMessage, String> {
        let message = json!({ "name": "offer", "language": "ms", "header": header });
        let message = TemplateMessage::parse(&message).unwrap();
        // 19 characters around the value.
        message.with_header_text("For {{1}}, until Friday!").map_err(|error| error.to_string())
    }

    #[test]
    fn a_header_that_its_value_makes_too_long_is_refused_for_everybody_or_for_one_person() {
        let long = "header: 61 characters, and Meta takes at most 60: shorten it";
        let person = |name: &str| [("name", name)].into_iter().collect::<Variables>();

        assert_eq!(offer(&"é".repeat(42)).map(drop), Err(long.to_owned()));
        offer(&"é".repeat(41)).unwrap();
        let by_name = offer("{name}").unwrap();
        for message in [by_name.render(&person(&"é".repeat(41))), offer("Aina").unwrap().render(&person("x"))] {
            message.unwrap();
        }
        assert_eq!(by_name.render(&person(&"é".repeat(42))).unwrap_err().to_string(), long);
        let prepared = PreparedTemplate::new(by_name);
        assert_eq!(prepared.render(&person(&"é".repeat(42))).unwrap_err().to_string(), long);
    }

    #[test]
    fn a_payload_beyond_what_meta_takes_is_refused_for_everybody_or_for_one_person() {
        let message = |payload: &str| {
            let button = json!({ "type": "quick_reply", "payload": payload });
            TemplateMessage::parse(&json!({ "name": "offer", "language": "ms", "buttons": [button] }))
        };
        let long = "button 0: 257 characters, and Meta takes at most 256: shorten it";
        let person = |code: usize| [("code", "é".repeat(code))].into_iter().collect::<Variables>();
        let error = |result: Result<Value, TemplateError>| result.unwrap_err().to_string();

        message(&"é".repeat(256)).unwrap();
        assert_eq!(message(&"é".repeat(257)).unwrap_err().to_string(), long);
        let by_code = message("{code}").unwrap();
        by_code.render(&person(256)).unwrap();
        assert_eq!(error(by_code.render(&person(257)).map(|message| message.as_json().clone())), long);
        let prepared = PreparedTemplate::new(by_code);
        prepared.render(&person(256)).unwrap();
        assert_eq!(prepared.render(&person(257)).unwrap_err().to_string(), long);
    }
}

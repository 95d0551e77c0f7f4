//! The account's templates as Meta lists them.

use serde_json::Value;

use super::super::super::lenient::{short, template_name};
use super::page::page_of;
use crate::domain::template::{HeaderMedia, TemplatePage, normal_language};

pub(super) const FIELDS: &str = "id,name,language,status,category,parameter_format,components,quality_score";

/// The templates of an account. Items that could not be read are counted, and spoil no other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplateList {
    pub templates: Vec<FetchedTemplate>,
    pub unreadable: usize,
    /// There are more than were read.
    pub is_cut: bool,
}

impl TemplateList {
    pub(super) fn add(&mut self, items: &[Value]) {
        for item in items {
            match FetchedTemplate::read(item) {
                // Pages that begin again name each one once more.
                Some(template) if self.templates.contains(&template) => {}
                Some(template) => self.templates.push(template),
                None => self.unreadable += 1,
            }
        }
    }
}

/// One template in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedTemplate {
    pub name: String,
    /// As Meta writes it: `en_US`.
    pub language: String,
    /// `APPROVED`, `PENDING`, `REJECTED`, `PAUSED`, `DISABLED` and others.
    pub status: String,
    /// `MARKETING`, `UTILITY` or `AUTHENTICATION`.
    pub category: String,
    /// `GREEN`, `YELLOW`, `RED`; nothing while it is not rated.
    pub quality: Option<String>,
    pub header: Option<HeaderFormat>,
    /// The text that people read, with its variables.
    pub body: String,
    /// The body's variables, by name or number, in the order of the text.
    pub variables: Vec<String>,
    pub buttons: Vec<ButtonKind>,
    /// The buttons' addresses, with their variables in them; `None` of those that open none.
    pub addresses: Vec<Option<String>>,
    /// Components of other types that a message must have too, as Meta writes them there: `carousel`,
    /// `limited_time_offer`.
    pub further: Vec<String>,
    /// The rest of what people see.
    /// As people see it.
    pub page: TemplatePage,
}

/// Types of components that are sent as they are written, and cannot be left out.
pub(super) const FURTHER: [&str; 2] = ["carousel", "limited_time_offer"];

/// What a template's header wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderFormat {
    /// Its variables; none for a text that is the same for everybody.
    Text {
        variables: Vec<String>,
    },
    Media(HeaderMedia),
    Location,
    /// A format that this version does not know.
    Other(String),
}

/// What a template's button wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonKind {
    /// A payload may be given.
    QuickReply,
    /// With a variable at its end, or the same for everybody.
    Url {
        has_variable: bool,
    },
    CopyCode,
    Catalog,
    Products,
    /// Its component must stand in the message, even without a value.
    Flow,
    /// Of a one-time password: an address on the wire.
    OneTimePassword,
    /// A call or another kind: nothing that a blast gives a value for, or not known.
    Other(String),
}

impl FetchedTemplate {
    /// `None` without a name, a language or a status.
    pub fn read(item: &Value) -> Option<Self> {
        let text = |key: &str| item.get(key).and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
        let components = item.get("components").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let of_type = |kind: &str| components.iter().find(|component| word(component, "type") == kind);
        let body = of_type("BODY").and_then(|body| body.get("text")?.as_str()).unwrap_or_default().to_owned();
        Some(Self {
            name: item.get("name").and_then(Value::as_str).map(template_name).filter(|name| !name.is_empty())?,
            language: normal_language(&text("language")?),
            status: text("status")?.to_ascii_uppercase(),
            category: text("category").unwrap_or_default().to_ascii_uppercase(),
            quality: item.pointer("/quality_score/score").and_then(Value::as_str).map(short),
            header: of_type("HEADER").map(header),
            variables: variables(&body),
            body,
            buttons: of_type("BUTTONS").map(buttons).unwrap_or_default(),
            addresses: of_type("BUTTONS").map(addresses).unwrap_or_default(),
            page: page_of(components),
            further: FURTHER
                .iter()
                .filter(|kind| of_type(&kind.to_ascii_uppercase()).is_some())
                .map(ToString::to_string)
                .collect(),
        })
    }

    /// Whether its status says that it may be sent, and is no word that this version does not know.
    pub fn has_known_status(&self) -> bool {
        self.status == "APPROVED"
    }

    /// The variables of its text header.
    pub fn header_variables(&self) -> &[String] {
        match &self.header {
            Some(HeaderFormat::Text { variables }) => variables,
            _ => &[],
        }
    }

    /// Whether Meta counts it as marketing, which is not delivered to the United States.
    pub fn is_marketing(&self) -> bool {
        self.category == "MARKETING"
    }

    /// Whether its variables have names.
    pub fn is_named(&self) -> bool {
        self.variables.iter().any(|name| name.parse::<usize>().is_err())
    }
}

fn word(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase()
}

fn header(component: &Value) -> HeaderFormat {
    let format = word(component, "format");
    match (HeaderMedia::of_word(&format), format.as_str()) {
        (Some(media), _) => HeaderFormat::Media(media),
        (None, "TEXT" | "") => HeaderFormat::Text {
            variables: variables(component.get("text").and_then(Value::as_str).unwrap_or_default()),
        },
        (None, "LOCATION") => HeaderFormat::Location,
        (None, _) => HeaderFormat::Other(short(&format)),
    }
}

fn buttons(component: &Value) -> Vec<ButtonKind> {
    listed_buttons(component).map(button).collect()
}

fn addresses(component: &Value) -> Vec<Option<String>> {
    listed_buttons(component).map(|button| button.get("url").and_then(Value::as_str).map(short)).collect()
}

fn listed_buttons(component: &Value) -> impl Iterator<Item = &Value> {
    component.get("buttons").and_then(Value::as_array).into_iter().flatten()
}

fn button(button: &Value) -> ButtonKind {
    let kind = word(button, "type");
    match kind.as_str() {
        "QUICK_REPLY" => ButtonKind::QuickReply,
        "URL" => {
            let url = button.get("url").and_then(Value::as_str).unwrap_or_default();
            ButtonKind::Url { has_variable: !variables(url).is_empty() }
        }
        "COPY_CODE" => ButtonKind::CopyCode,
        "CATALOG" => ButtonKind::Catalog,
        "MPM" => ButtonKind::Products,
        "FLOW" => ButtonKind::Flow,
        "OTP" => ButtonKind::OneTimePassword,
        _ => ButtonKind::Other(short(&kind)),
    }
}

/// The variables of a text, `{{1}}` or `{{name}}`, once each: numbers in their order, names in that of the text.
fn variables(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for after in text.split("{{").skip(1) {
        let Some((name, _)) = after.split_once("}}") else { continue };
        let name = name.trim();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if is_name && !found.iter().any(|known| known == name) {
            found.push(name.to_owned());
        }
    }
    found.sort_by_key(|name| name.parse::<usize>().unwrap_or_default());
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::template::RenderedTemplate;

    #[test]
    fn a_template_is_read_with_what_it_wants() {
        let item = json!({
            "id": "1", "name": "raya", "language": "en-us", "status": "approved", "category": "MARKETING",
            "parameter_format": "POSITIONAL", "quality_score": { "score": "GREEN", "date": 1_730_000_000 },
            "components": [
                { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": ["4::aW"] } },
                { "type": "BODY", "text": "Hi {{2}}, {{1}} and {{ 2 }}: {{10}} {{" },
                { "type": "FOOTER", "text": "Kedai" },
                { "type": "BUTTONS", "buttons": [
                    { "type": "URL", "text": "Shop", "url": "https://shop.example/{{1}}" },
                    { "type": "URL", "text": "Home", "url": "https://shop.example/" },
                    { "type": "QUICK_REPLY", "text": "Stop" }, { "type": "COPY_CODE", "example": "RAYA" },
                    { "type": "CATALOG" }, { "type": "MPM" }, { "type": "PHONE_NUMBER" }, {} ] }
            ]
        });

        let template = FetchedTemplate::read(&item).unwrap();

        assert_eq!((template.language.as_str(), template.status.as_str()), ("en_US", "APPROVED"));
        assert_eq!(template.quality.as_deref(), Some("GREEN"));
        assert_eq!(template.header, Some(HeaderFormat::Media(HeaderMedia::Image)));
        assert_eq!(template.variables, ["1", "2", "10"]);
        assert!(!template.is_named());
        assert_eq!(
            template.buttons,
            [
                ButtonKind::Url { has_variable: true },
                ButtonKind::Url { has_variable: false },
                ButtonKind::QuickReply,
                ButtonKind::CopyCode,
                ButtonKind::Catalog,
                ButtonKind::Products,
                ButtonKind::Other("PHONE_NUMBER".to_owned()),
                ButtonKind::Other(String::new()),
            ]
        );
    }

    #[test]
    fn names_stand_in_the_order_of_the_text() {
        let item = json!({ "name": "raya", "language": "ms", "status": "PAUSED", "components": [
            { "type": "HEADER", "format": "TEXT", "text": "Hi {{first_name}}" },
            { "type": "BODY", "text": "{{offer}} until {{day}}, {{first_name}}" } ] });

        let template = FetchedTemplate::read(&item).unwrap();

        assert!(template.is_named());
        assert_eq!(template.variables, ["offer", "day", "first_name"]);
        assert_eq!(template.header, Some(HeaderFormat::Text { variables: vec!["first_name".to_owned()] }));
    }

    #[test]
    fn a_preview_is_what_one_person_reads() {
        let read = |body: &str, parameters: Value| {
            let components = json!([{ "type": "BODY", "text": body }]);
            let item = json!({ "name": "raya", "language": "ms", "status": "APPROVED", "components": components });
            let sent = RenderedTemplate::new(json!({ "components": [{ "type": "body", "parameters": parameters }] }));
            FetchedTemplate::read(&item).unwrap().preview(&sent)
        };

        let numbered = json!([{ "type": "text", "text": "Aina {{2}}" }, { "type": "text", "text": "RM 45" }]);
        assert_eq!(read("Hi {{1}}, {{ 2 }} {{", numbered), "Hi Aina {{2}}, RM 45 {{");
        let named = json!([{ "type": "text", "parameter_name": "who", "text": "Aina" }, { "type": "currency" }]);
        assert_eq!(read("Hi {{who}}, {{2}}, {{x}}", named), "Hi Aina, …, {{x}}");
    }

    #[test]
    fn an_item_that_cannot_be_read_is_counted_and_spoils_no_other() {
        let mut list = TemplateList::default();

        list.add(&[
            json!(3),
            json!({ "name": "a" }),
            json!({ "name": "raya", "language": "ms", "status": "APPROVED" }),
        ]);

        assert_eq!((list.templates.len(), list.unreadable), (1, 2));
        let longest = "n".repeat(512);
        list.add(&[json!({ "name": longest, "language": "ms", "status": "APPROVED" })]);
        assert_eq!(list.templates[1].name, longest);
        assert_eq!(list.templates[0].header, None);
    }
}

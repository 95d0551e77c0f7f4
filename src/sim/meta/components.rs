//! Whether the components of a send fit their template, checked as strictly as Meta documents it.

use serde_json::{Map, Value};

use super::{
    catalogue::{CatalogueButton, CatalogueHeader, CatalogueTemplate, TEMPLATES, VariableNames, places, variables},
    keys::{known_keys, text_field},
    refusal::CloudRefusal,
};

/// The longest body with its values, in characters.
const BODY_LIMIT: usize = 1_024;
/// The longest header text with its values, in characters.
const HEADER_LIMIT: usize = 60;

/// What stands around a variable's name in a text, in characters.
const BRACES: usize = 4;

type Checked<T = ()> = Result<T, CloudRefusal>;

/// What a check needs to know beside the request.
pub struct ComponentContext<'a> {
    pub template: &'static CatalogueTemplate,
    /// Whether an uploaded file has this id.
    pub is_uploaded: &'a dyn Fn(&str) -> bool,
}

/// The template of this name and language, if messages may be sent with it.
pub fn sendable(name: &str, language: &str) -> Checked<&'static CatalogueTemplate> {
    let missing = || {
        let details = format!("template name ({name}) does not exist in {language}");
        CloudRefusal::new(132_001, details)
    };
    let found = TEMPLATES.iter().find(|template| template.name == name && template.language == language);
    let template = found.ok_or_else(missing)?;
    match template.status {
        "APPROVED" => Ok(template),
        "PAUSED" => Err(CloudRefusal::new(132_015, "Template is paused due to low quality")),
        "DISABLED" => Err(CloudRefusal::new(132_016, "Template is disabled due to low quality")),
        _ => Err(missing()),
    }
}

impl ComponentContext<'_> {
    /// Checks all components of a request.
    pub fn check(&self, components: &[Value]) -> Checked {
        let sorted = SortedComponents::of(components)?;
        self.header(sorted.header)?;
        self.body(sorted.body)?;
        self.buttons(&sorted.buttons)
    }

    fn header(&self, given: Option<&[Value]>) -> Checked {
        match self.template.header {
            CatalogueHeader::None => count("header", given, 0),
            CatalogueHeader::Text(text) => self.texts("header", text, given, (HEADER_LIMIT, 132_005)),
            CatalogueHeader::Image => self.media_header("image", given),
            CatalogueHeader::Video => self.media_header("video", given),
            CatalogueHeader::Document => self.media_header("document", given),
            CatalogueHeader::Location => location(header_parameter("location", given)?),
        }
    }

    fn body(&self, given: Option<&[Value]>) -> Checked {
        self.texts("body", self.template.body, given, (BODY_LIMIT, 132_005))
    }

    /// Checks the text parameters of one component against the template's text.
    fn texts(&self, part: &str, text: &str, given: Option<&[Value]>, limit: (usize, u32)) -> Checked {
        let wanted = variables(text);
        count(part, given, wanted.len())?;
        let mut length = text.chars().count();
        let mut filled = Vec::with_capacity(wanted.len());
        for (place, parameter) in given.unwrap_or_default().iter().enumerate() {
            let value = text_parameter(part, parameter)?.chars().count();
            let name = self.variable(part, &wanted, place, parameter)?;
            let times = places(text).filter(|place| *place == name).count();
            length = length + times * value - times * (BRACES + name.chars().count());
            filled.push(name);
        }
        if wanted.iter().any(|name| !filled.contains(name)) {
            return Err(CloudRefusal::new(
                132_000,
                format!("{part}: a parameter is given twice and another is missing"),
            ));
        }
        if length > limit.0 {
            return Err(CloudRefusal::new(limit.1, format!("{part}: the text is longer than {} characters", limit.0)));
        }
        Ok(())
    }

    /// The variable that the parameter at `place` is for.
    fn variable<'a>(&self, part: &str, wanted: &[&'a str], place: usize, parameter: &Value) -> Checked<&'a str> {
        let name = parameter.get("parameter_name");
        match (self.template.names, name.and_then(Value::as_str)) {
            (VariableNames::Positional, None) if name.is_none() => Ok(wanted[place]),
            (VariableNames::Positional, _) => {
                Err(CloudRefusal::parameter(format!("{part}: parameter_name is for templates with named parameters")))
            }
            (VariableNames::Named, Some(name)) => {
                wanted.iter().find(|wanted| **wanted == name).copied().ok_or_else(|| {
                    CloudRefusal::parameter(format!("{part}: the template has no parameter named {name}"))
                })
            }
            (VariableNames::Named, None) => {
                Err(CloudRefusal::parameter(format!("{part}: Parameter name is missing or empty")))
            }
        }
    }

    fn media_header(&self, kind: &str, given: Option<&[Value]>) -> Checked {
        let media = header_parameter(kind, given)?;
        let allowed: &[&str] = if kind == "document" { &["id", "link", "filename"] } else { &["id", "link"] };
        known_keys(kind, media, allowed)?;
        match (media.get("id"), media.get("link").and_then(Value::as_str)) {
            (Some(Value::String(id)), None) if (self.is_uploaded)(id) => Ok(()),
            (Some(id), None) => {
                Err(CloudRefusal::new(131_009, format!("header: there is no uploaded media with id {id}")))
            }
            (None, Some(link)) if ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme)) => Ok(()),
            (None, Some(_)) => Err(CloudRefusal::new(131_009, "header: link is not a valid URL")),
            _ => Err(CloudRefusal::parameter(format!("header: {kind} requires exactly one of id and link"))),
        }
    }

    fn buttons(&self, given: &[GivenButton<'_>]) -> Checked {
        for button in given {
            let known = self.template.buttons.get(button.index);
            let known = known.ok_or_else(|| {
                let details = format!("buttons: there is no button at index {}", button.index);
                CloudRefusal::new(132_000, details)
            })?;
            button.check(*known)?;
        }
        for (index, known) in self.template.buttons.iter().enumerate() {
            let is_given = given.iter().any(|button| button.index == index);
            let required = match known {
                CatalogueButton::Url(url) => !variables(url).is_empty(),
                CatalogueButton::CopyCode | CatalogueButton::Products => true,
                CatalogueButton::QuickReply(_) | CatalogueButton::Catalog => false,
            };
            if required && !is_given {
                let kind = known.sub_type();
                let details = format!("buttons: Button at index {index} of type {kind} requires a parameter");
                return Err(CloudRefusal::new(131_008, details));
            }
        }
        Ok(())
    }
}

/// The parameters of a request's components; header and body at most once each.
#[derive(Default)]
struct SortedComponents<'a> {
    header: Option<&'a [Value]>,
    body: Option<&'a [Value]>,
    buttons: Vec<GivenButton<'a>>,
}

impl<'a> SortedComponents<'a> {
    fn of(components: &'a [Value]) -> Checked<Self> {
        let mut sorted = Self::default();
        for component in components {
            let component = component.as_object();
            let component = component.ok_or_else(|| CloudRefusal::parameter("each component must be a JSON object"))?;
            sorted.add(component)?;
        }
        Ok(sorted)
    }

    fn add(&mut self, component: &'a Map<String, Value>) -> Checked {
        let kind = text_field(component, "components[type]")?.to_ascii_lowercase();
        let allowed: &[&str] =
            if kind == "button" { &["type", "sub_type", "index", "parameters"] } else { &["type", "parameters"] };
        known_keys("components", component, allowed)?;
        let parameters = match component.get("parameters") {
            None => &[][..],
            Some(Value::Array(parameters)) => parameters,
            Some(_) => {
                return Err(CloudRefusal::parameter("Param template['components']['parameters'] must be an array."));
            }
        };
        let place = match kind.as_str() {
            "header" => &mut self.header,
            "body" => &mut self.body,
            "button" => {
                self.buttons.push(GivenButton::of(component, parameters)?);
                return Ok(());
            }
            _ => {
                return Err(CloudRefusal::parameter(
                    "Param template['components']['type'] must be one of {HEADER, BODY, BUTTON}",
                ));
            }
        };
        match place.replace(parameters) {
            None => Ok(()),
            Some(_) => Err(CloudRefusal::parameter(format!("there are two components of type {kind}"))),
        }
    }
}

/// One button component of a request.
struct GivenButton<'a> {
    index: usize,
    sub_type: String,
    parameters: &'a [Value],
}

impl<'a> GivenButton<'a> {
    /// The index is text in Meta's examples and a number in its reference: both are accepted.
    fn of(component: &Map<String, Value>, parameters: &'a [Value]) -> Checked<Self> {
        let sub_type = text_field(component, "sub_type")?.to_ascii_lowercase();
        let index = match component.get("index") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(Value::Number(number)) => number.as_u64().and_then(|index| usize::try_from(index).ok()),
            _ => None,
        };
        let index = index.filter(|index| *index < 10);
        let index = index.ok_or_else(|| CloudRefusal::parameter("buttons: index must be a number from 0 to 9"))?;
        Ok(Self { index, sub_type, parameters })
    }

    fn check(&self, known: CatalogueButton) -> Checked {
        let index = self.index;
        if self.sub_type != known.sub_type() {
            let details = format!("buttons: the button at index {index} is of type {}", known.sub_type());
            return Err(CloudRefusal::new(132_012, details));
        }
        let [parameter] = self.parameters else {
            return Err(CloudRefusal::new(
                132_000,
                format!("buttons: the button at index {index} takes one parameter"),
            ));
        };
        match known {
            CatalogueButton::QuickReply(_) => typed(parameter, "payload").and_then(not_empty),
            CatalogueButton::Url(url) if variables(url).is_empty() => {
                Err(CloudRefusal::new(132_000, format!("buttons: the URL at index {index} has no variable")))
            }
            CatalogueButton::Url(_) => text_parameter("buttons", parameter).map(drop),
            CatalogueButton::CopyCode => typed(parameter, "coupon_code").and_then(not_empty),
            CatalogueButton::Catalog => action(parameter).map(drop),
            CatalogueButton::Products => sections(action(parameter)?),
        }
    }
}

impl CatalogueButton {
    fn sub_type(self) -> &'static str {
        match self {
            Self::QuickReply(_) => "quick_reply",
            Self::Url(_) => "url",
            Self::CopyCode => "copy_code",
            Self::Catalog => "catalog",
            Self::Products => "mpm",
        }
    }
}

fn count(part: &str, given: Option<&[Value]>, wanted: usize) -> Checked {
    let given = given.unwrap_or_default().len();
    if given == wanted {
        return Ok(());
    }
    let details = format!(
        "{part}: number of localizable_params ({given}) does not match the expected number of params ({wanted})"
    );
    Err(CloudRefusal::new(132_000, details))
}

/// The value of a text parameter.
fn text_parameter<'a>(part: &str, parameter: &'a Value) -> Checked<&'a str> {
    if let Some(parameter) = parameter.as_object() {
        known_keys("parameters", parameter, &["type", "text", "parameter_name"])?;
    }
    let Some(text) = typed(parameter, "text")?.as_str() else {
        return Err(CloudRefusal::parameter("Param text must be a string."));
    };
    if text.trim().is_empty() {
        return Err(CloudRefusal::new(131_008, format!("{part}: Parameter of type text is missing text value")));
    }
    if text.contains(['\n', '\r', '\t']) || text.contains("    ") {
        let details = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces";
        return Err(CloudRefusal::new(132_018, format!("{part}: {details}")));
    }
    Ok(text)
}

/// The content of a parameter of this type, under the key of the same name.
fn typed<'a>(parameter: &'a Value, kind: &str) -> Checked<&'a Value> {
    let given = parameter.get("type").and_then(Value::as_str).unwrap_or("UNKNOWN");
    if !given.eq_ignore_ascii_case(kind) {
        let details = format!("Format mismatch, expected {}, received {}", kind.to_uppercase(), given.to_uppercase());
        return Err(CloudRefusal::new(132_012, details));
    }
    let missing = || CloudRefusal::new(131_008, format!("Parameter of type {kind} is missing {kind} value"));
    parameter.get(kind).filter(|value| !value.is_null()).ok_or_else(missing)
}

fn not_empty(value: &Value) -> Checked {
    match value.as_str() {
        Some(text) if !text.is_empty() && text.chars().count() <= 256 => Ok(()),
        _ => Err(CloudRefusal::new(131_009, "buttons: the value must be text of 1 to 256 characters")),
    }
}

fn header_parameter<'a>(kind: &str, given: Option<&'a [Value]>) -> Checked<&'a Map<String, Value>> {
    let Some([parameter]) = given else {
        let details = format!("header: Format mismatch, expected {}, received UNKNOWN", kind.to_uppercase());
        return Err(CloudRefusal::new(132_012, details));
    };
    let object = typed(parameter, kind)?.as_object();
    object.ok_or_else(|| CloudRefusal::parameter(format!("Param {kind} must be a JSON object.")))
}

fn location(location: &Map<String, Value>) -> Checked {
    known_keys("location", location, &["latitude", "longitude", "name", "address"])?;
    for (field, bound) in [("latitude", 90.0), ("longitude", 180.0)] {
        let degrees = match location.get(field) {
            Some(Value::String(text)) => text.parse().ok(),
            other => other.and_then(Value::as_f64),
        };
        if !degrees.is_some_and(|degrees: f64| degrees.abs() <= bound) {
            return Err(CloudRefusal::new(131_009, format!("header: location requires a valid {field}")));
        }
    }
    for field in ["name", "address"] {
        text_field(location, field)?;
    }
    Ok(())
}

fn action(parameter: &Value) -> Checked<&Map<String, Value>> {
    let action = typed(parameter, "action")?.as_object();
    action.ok_or_else(|| CloudRefusal::parameter("Param action must be a JSON object."))
}

fn sections(action: &Map<String, Value>) -> Checked {
    let sections = action.get("sections").and_then(Value::as_array).filter(|sections| !sections.is_empty());
    let sections = sections.ok_or_else(|| CloudRefusal::new(131_008, "buttons: action requires sections"))?;
    for section in sections {
        let items = section.get("product_items").and_then(Value::as_array).filter(|items| !items.is_empty());
        let items = items.ok_or_else(|| CloudRefusal::new(131_008, "buttons: a section requires product_items"))?;
        let has_ids = items.iter().all(|item| item.get("product_retailer_id").is_some_and(Value::is_string));
        if !has_ids {
            return Err(CloudRefusal::new(131_008, "buttons: a product item requires product_retailer_id"));
        }
    }
    Ok(())
}

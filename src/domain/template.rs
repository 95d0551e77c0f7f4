//! Messages by a template that Meta approved beforehand: only its values differ from person to person. Knows neither
//! files nor HTTP.
//!
//! It reads the short form that operators write (`name`, `language`, `variables`, `header`, `buttons`) and Meta's own
//! (`components`), and writes Meta's, literally as its documentation prints it (`docs/META.md`).

use std::borrow::Cow;

use serde_json::Value;
use thiserror::Error;

use super::message::Variables;

mod arguments;
mod length;
mod page;
mod prepared;
mod preview;
mod read;
mod value;
mod write;

pub use page::TemplatePage;
pub use prepared::PreparedTemplate;
pub use preview::as_read;
pub use value::{ParameterValue, RawParameter, ValueError, refuse_layout};

/// A template message of a blast: its values have columns in them. Immutable once read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct TemplateMessage {
    name: String,
    /// As Meta writes it: `en_US`.
    language: String,
    components: Vec<TemplateComponent>,
    /// The approved text of the header, where it is known and has a value to be filled in.
    header_text: Option<String>,
}

/// The part of a template that values go into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateComponent {
    Header(TemplateHeader),
    Body(Vec<TemplateParameter>),
    Button(TemplateButton),
    /// A kind that this version does not know (a carousel, a limited-time offer): sent as it was written.
    Other(RawParameter),
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateHeader {
    Text(Vec<TemplateParameter>),
    Media { kind: HeaderMedia, source: MediaSource, filename: Option<ParameterValue> },
    Location(HeaderLocation),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderLocation {
    pub latitude: ParameterValue,
    pub longitude: ParameterValue,
    pub name: Option<ParameterValue>,
    pub address: Option<ParameterValue>,
}

/// What a header shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeaderMedia {
    Image,
    Video,
    Document,
}

impl HeaderMedia {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Document => "document",
        }
    }

    /// With its article, for sentences.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Image => "an image",
            Self::Video => "a video",
            Self::Document => "a document",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Image, Self::Video, Self::Document].into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }
}

/// Where a picture, video or document is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSource {
    /// A public address, `https` or `http`, that Meta fetches it from.
    Link(ParameterValue),
    /// The id that Meta gave it when it was uploaded; valid for 30 days.
    Id(ParameterValue),
}

/// One value of a header or body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateParameter {
    /// `name` is set in templates whose variables have names.
    Text { name: Option<String>, value: ParameterValue },
    /// Another type of Meta's (`currency`, `date_time`): sent as it was written.
    Other(RawParameter),
}

impl TemplateParameter {
    /// The variable's name, where it has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Text { name, .. } => name.as_deref(),
            Self::Other(raw) => raw.source().get("parameter_name").and_then(Value::as_str),
        }
    }

    /// The type of one that does not stand for a variable: only texts, amounts and dates do.
    pub fn foreign_type(&self) -> Option<&str> {
        let Self::Other(raw) = self else { return None };
        let kind = raw.source().get("type").and_then(Value::as_str)?;
        let is_known = ["text", "currency", "date_time"].iter().any(|known| kind.eq_ignore_ascii_case(known));
        (!is_known).then_some(kind)
    }
}

/// The value of one button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateButton {
    /// Its place among the template's buttons, from 0.
    pub index: u8,
    pub action: ButtonAction,
    spelling: ButtonSpelling,
}

/// How kind and index are written. Meta's documentation has both in two ways: what came in Meta's form is sent as it
/// was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ButtonSpelling {
    kind: Cow<'static, str>,
    index: IndexSpelling,
}

impl ButtonAction {
    /// As Meta's documentation mostly prints it: the index of quick replies and addresses as text, of the others as a
    /// number.
    const fn spelling(&self) -> ButtonSpelling {
        let (kind, index) = match self {
            Self::QuickReply { .. } => ("quick_reply", IndexSpelling::Text),
            Self::Url { .. } => ("url", IndexSpelling::Text),
            Self::CopyCode { .. } => ("COPY_CODE", IndexSpelling::Number),
            Self::Catalog { .. } => ("CATALOG", IndexSpelling::Number),
            Self::Products { .. } => ("mpm", IndexSpelling::Number),
        };
        ButtonSpelling { kind: Cow::Borrowed(kind), index }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IndexSpelling {
    Text,
    Number,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonAction {
    /// Returned in the webhook when somebody presses it.
    QuickReply {
        payload: ParameterValue,
    },
    /// What is appended to the template's address.
    Url {
        suffix: ParameterValue,
    },
    CopyCode {
        code: ParameterValue,
    },
    /// Without a product, the picture of the catalog's first one is shown.
    Catalog {
        thumbnail: Option<ParameterValue>,
    },
    /// Several products, in sections.
    Products {
        thumbnail: Option<ParameterValue>,
        sections: Vec<ProductSection>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductSection {
    pub title: ParameterValue,
    /// The products' ids in the catalog (`product_retailer_id`).
    pub products: Vec<ParameterValue>,
}

/// Why a template message is refused, with the place of the fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{place}: {fault}")]
pub struct TemplateError {
    /// Such as `body {{2}}` or `button 0`.
    pub place: String,
    pub fault: TemplateFault,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateFault {
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error("`{0}` is not known here")]
    UnknownKey(String),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("expected {0}")]
    Expected(&'static str),
    #[error(
        "named and numbered variables cannot stand in one template: where they have names, each value has its own (`parameter_name`)"
    )]
    MixedNames,
    #[error("{{{{{0}}}}} is missing: the numbers begin at 1 and leave none out")]
    Gap(usize),
    #[error("this belongs to the definition of a template: give the values only, as in a message")]
    Definition,
    #[error("it stands there twice")]
    Twice,
    #[error(
        "`{value}` is no address that Meta can fetch a file from: write it in full, as https://shop.example/picture.jpg; \
         `--header-{kind} FILE` of `blastdeck blast new` uploads a file of this machine"
    )]
    NoFile { kind: &'static str, value: String },
    #[error("`{value}` is no {what}: write a number from -{bound} to {bound}")]
    OutOfBounds { what: &'static str, value: String, bound: u8 },
    /// With the keys that a button of its kind takes.
    #[error("`{key}` is not known here: a button of this type takes {}", .known.join(", "))]
    UnknownButtonKey { key: String, known: &'static [&'static str] },
}

impl TemplateMessage {
    /// Reads either form. Unknown keys are refused, so that a slip is noticed before anybody is written to.
    pub fn parse(json: &Value) -> Result<Self, TemplateError> {
        read::message(json)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// As Meta writes it: `en_US`.
    pub fn language(&self) -> &str {
        &self.language
    }

    pub fn components(&self) -> &[TemplateComponent] {
        &self.components
    }

    /// Meta's form, with the columns still in it. Reads to the same message again.
    pub fn source(&self) -> Value {
        write::source(self)
    }

    /// The template for one person. A value of the blast gives way to the person's own of the same name or number,
    /// unless it names that column itself.
    pub fn render(&self, variables: &Variables) -> Result<RenderedTemplate, TemplateError> {
        let rendered = RenderedTemplate(write::rendered(self, variables)?);
        self.refuse_long_header(&rendered)?;
        Ok(rendered)
    }

    /// Every column that its values name, once each.
    pub fn columns(&self) -> Vec<String> {
        write::columns(self)
    }

    /// Whether a person's value of this column goes out: a value names it, or it comes before one of the blast's. It is folded.
    pub fn sends(&self, column: &str) -> bool {
        write::sends(self, column)
    }

    /// Takes a body variable that the blast gives no value from the column of its name or number.
    pub fn fill_body(mut self, variables: &[String]) -> Result<Self, TemplateError> {
        read::fill_body(&mut self.components, variables)?;
        Ok(self)
    }

    /// Gives a text header's value the name that the template has for it; a named one without a value takes the column of
    /// its name. A number is left alone: the header's `{{1}}` is another one than the body's.
    pub fn fill_header(mut self, variables: &[String]) -> Result<Self, TemplateError> {
        read::fill_header(&mut self.components, variables)?;
        Ok(self)
    }

    /// Replaces the source of the header's picture, video or document: a local file by the id of its upload.
    #[must_use]
    pub fn with_media(mut self, media: &MediaSource) -> Self {
        for component in &mut self.components {
            if let TemplateComponent::Header(TemplateHeader::Media { source, .. }) = component {
                source.clone_from(media);
            }
        }
        self
    }
}

impl TryFrom<Value> for TemplateMessage {
    type Error = TemplateError;

    fn try_from(json: Value) -> Result<Self, Self::Error> {
        Self::parse(&json)
    }
}

impl From<TemplateMessage> for Value {
    fn from(message: TemplateMessage) -> Self {
        message.source()
    }
}

/// A language as Meta writes it: `en-us` becomes `en_US`.
pub fn normal_language(language: &str) -> String {
    match language.trim().split_once(['-', '_']) {
        Some((language, region)) => format!("{}_{}", language.to_lowercase(), region.to_uppercase()),
        None => language.trim().to_lowercase(),
    }
}

/// A template message for one person: the `template` object of the request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct RenderedTemplate(Value);

impl RenderedTemplate {
    pub const fn new(template: Value) -> Self {
        Self(template)
    }

    pub const fn as_json(&self) -> &Value {
        &self.0
    }
}

/// The same as the JSON text that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateJson(String);

impl TemplateJson {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_text(self) -> String {
        self.0
    }

    pub fn rendered(&self) -> RenderedTemplate {
        RenderedTemplate(serde_json::from_str(&self.0).unwrap_or_default())
    }
}

impl From<RenderedTemplate> for TemplateJson {
    fn from(template: RenderedTemplate) -> Self {
        Self(template.0.to_string())
    }
}

#[cfg(test)]
mod tests;

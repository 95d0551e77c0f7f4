//! The options of `blast new` for a template of Meta's.

use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use color_eyre::Result;
use serde_json::{Value, json};

use super::message::MESSAGE_FILE_MAX;
use super::new::open;
use crate::app::{App, AppError, FittedTemplate, TemplateRefusal};
use crate::cli::exit::{RefusedError, UsageError};
use crate::cli::output::talk;
use crate::domain::exact_numbers::exact;
use crate::domain::template::{HeaderMedia, TemplateMessage};
use crate::domain::text::clean;

/// The largest file that Meta takes in a header, in bytes.
const HEADER_FILE_MAX: u64 = 100 * 1024 * 1024;

/// The mend of a template that does not fit.
const WHERE_VALUES_GO: &str = "--var 1=… is the body's, --header-text or --header-image the header's, --button 0:url=… a button's; what has no \
                               option, such as products or a location, goes into --template-file";

#[derive(Debug, Args)]
pub(super) struct TemplateArgs {
    /// A template that Meta has approved, instead of a message. Needs a sender with provider = "meta".
    #[arg(long, groups = ["text", "any_template"], value_name = "NAME")]
    template: Option<String>,
    /// The same from a JSON file, with `name`, `language` and `components` as in Meta's messages call, or with `variables`,
    /// `header` and `buttons`. A header that is given beside it takes the place of the file's `header`.
    #[arg(long, groups = ["text", "any_template"], value_name = "FILE")]
    template_file: Option<PathBuf>,
    /// The template's language, as Meta writes it; en_US by default.
    #[arg(long, value_name = "CODE", requires = "template")]
    language: Option<String>,
    /// A variable of the template's body, by number or name: 1=Bali or 1={city}. One that is not given is taken from the column of
    /// its number or name; a person's own column of that name comes first.
    #[arg(long = "var", value_name = "NAME=VALUE", requires = "template", value_parser = assignment)]
    variables: Vec<(String, String)>,
    /// The variable of a text header.
    #[arg(long, value_name = "TEXT", group = "header", requires = "any_template")]
    header_text: Option<String>,
    /// The header's picture: an https or http address, a {column} of addresses, or a file, which is uploaded once.
    #[arg(long, value_name = "FILE|URL|{COLUMN}", group = "header", requires = "any_template")]
    header_image: Option<String>,
    /// The header's video.
    #[arg(long, value_name = "FILE|URL|{COLUMN}", group = "header", requires = "any_template")]
    header_video: Option<String>,
    /// The header's document.
    #[arg(long, value_name = "FILE|URL|{COLUMN}", group = "header", requires = "any_template")]
    header_document: Option<String>,
    /// The value of a button, by its place from 0 and its kind: 0:url=abc, 1:quick_reply=STOP, 2:copy_code=SAVE10.
    #[arg(long = "button", value_name = "INDEX:KIND=VALUE", requires = "template", value_parser = button)]
    buttons: Vec<TemplateButtonValue>,
}

/// A button's place, kind and value.
#[derive(Debug, Clone)]
struct TemplateButtonValue {
    index: u8,
    kind: String,
    value: String,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as 1=Bali")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

fn button(text: &str) -> Result<TemplateButtonValue, String> {
    let mend = "write INDEX:KIND=VALUE, such as 0:url=abc; kinds are url, quick_reply and copy_code";
    let (place, value) = text.split_once('=').ok_or(mend)?;
    let (index, kind) = place.split_once(':').ok_or(mend)?;
    let index = index.trim().parse().map_err(|_| mend)?;
    let kind = kind.trim().to_ascii_lowercase();
    let is_known = ["url", "quick_reply", "copy_code"].contains(&kind.as_str());
    if is_known { Ok(TemplateButtonValue { index, kind, value: value.to_owned() }) } else { Err(mend.to_owned()) }
}

impl TemplateArgs {
    /// The template as it was given, not yet compared with Meta's. `None`: none was given.
    pub(super) fn read(&self) -> Result<Option<TemplateMessage>> {
        self.refuse_unused()?;
        if let Some(path) = &self.template_file {
            return Ok(Some(from_file(path, self.header())?));
        }
        let Some(name) = &self.template else { return Ok(None) };
        let mut template = json!({ "name": name, "language": self.language.as_deref().unwrap_or("en_US") });
        if !self.variables.is_empty() {
            template["variables"] = Value::Object(self.numbered_columns().chain(self.given()).collect());
        }
        if let Some(header) = self.header() {
            template["header"] = header;
        }
        if !self.buttons.is_empty() {
            template["components"] = self.buttons.iter().map(TemplateButtonValue::component).collect();
        }
        Ok(Some(TemplateMessage::parse(&template).map_err(|error| UsageError(format!("--template {error}")))?))
    }

    /// Refuses what belongs to a template where none is given. clap does not where something else is that excludes one, such as a message.
    fn refuse_unused(&self) -> Result<()> {
        let of_name = [
            ("--language", self.language.is_some()),
            ("--var", !self.variables.is_empty()),
            ("--button", !self.buttons.is_empty()),
        ];
        let given = of_name.into_iter().find(|(_, is_given)| *is_given && self.template.is_none());
        if let Some((option, _)) = given {
            return Err(UsageError(format!("{option} belongs to --template: give both or neither")).into());
        }
        if self.header().is_some() && self.template.is_none() && self.template_file.is_none() {
            return Err(UsageError(
                "a header belongs to --template or --template-file: give both or neither".to_owned(),
            )
            .into());
        }
        Ok(())
    }

    fn given(&self) -> impl Iterator<Item = (String, Value)> {
        self.variables.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())))
    }

    /// Below the largest number that was given, each number's own column.
    fn numbered_columns(&self) -> impl Iterator<Item = (String, Value)> {
        let largest = self.variables.iter().filter_map(|(name, _)| name.parse::<u8>().ok()).max().unwrap_or(0);
        (1..largest).map(|number| (number.to_string(), Value::String(format!("{{{number}}}"))))
    }

    fn header(&self) -> Option<Value> {
        if let Some(text) = &self.header_text {
            return Some(Value::String(text.clone()));
        }
        let (kind, source) = self.media()?;
        // A file is replaced by the id of its upload once Meta has it.
        let link = if is_file(source) { "https://example.invalid/upload" } else { source };
        let mut medium = json!({ "link": link });
        if let Some(name) = filename(source).filter(|_| kind == HeaderMedia::Document) {
            medium["filename"] = name.into();
        }
        Some(json!({ kind.as_str(): medium }))
    }

    fn media(&self) -> Option<(HeaderMedia, &str)> {
        let given = [
            (HeaderMedia::Image, &self.header_image),
            (HeaderMedia::Video, &self.header_video),
            (HeaderMedia::Document, &self.header_document),
        ];
        given.into_iter().find_map(|(kind, source)| Some((kind, source.as_deref()?)))
    }

    /// Compares it with Meta's template, and uploads a header's file.
    pub(super) async fn fit(&self, app: &App, sender: &str, template: TemplateMessage) -> Result<FittedTemplate> {
        let mut fitted = match app.fit_template(sender, &template).await {
            Ok(fitted) => fitted,
            Err(error @ TemplateRefusal::Unreadable { .. }) => {
                talk(&format!("{error}; it is checked again at launch"));
                FittedTemplate { message: template, is_marketing: false }
            }
            Err(TemplateRefusal::NoSender(why)) => return Err(AppError::NotFound(why).into()),
            Err(error) if error.is_about_values() => {
                return Err(RefusedError(format!("{error}; {WHERE_VALUES_GO}")).into());
            }
            Err(error) => return Err(RefusedError(error.to_string()).into()),
        };
        if let Some((kind, path)) = self.media().filter(|(_, source)| is_file(source)) {
            let path = Path::new(path);
            let mut bytes = Vec::new();
            let read = open(path)?.take(HEADER_FILE_MAX + 1).read_to_end(&mut bytes);
            read.map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
            let uploaded = app.upload_header(sender, kind, (path, bytes)).await;
            fitted.message = fitted.message.with_media(&uploaded.map_err(|error| RefusedError(error.to_string()))?);
        }
        Ok(fitted)
    }
}

impl TemplateButtonValue {
    /// Meta's component.
    fn component(&self) -> Value {
        let parameter = match self.kind.as_str() {
            "quick_reply" => json!({ "type": "payload", "payload": self.value }),
            "copy_code" => json!({ "type": "coupon_code", "coupon_code": self.value }),
            _ => json!({ "type": "text", "text": self.value }),
        };
        json!({ "type": "button", "sub_type": self.kind, "index": self.index.to_string(), "parameters": [parameter] })
    }
}

/// Neither an address nor a column.
fn is_file(source: &str) -> bool {
    !source.starts_with("https://") && !source.starts_with("http://") && !source.contains('{')
}

/// The name that people see of a document; without one, WhatsApp writes `Untitled`.
fn filename(source: &str) -> Option<String> {
    let name = match source.split_once("://") {
        None if is_file(source) => Path::new(source).file_name()?.to_str()?,
        None => return None,
        Some((_, address)) => address.split(['?', '#']).next()?.split_once('/')?.1.rsplit('/').next()?,
    };
    let is_name = name.contains('.') && !name.contains('{');
    // A brace would be taken for a column, and Meta refuses spaces in a row.
    let plain = clean(name).replace('}', ")").split_whitespace().collect::<Vec<_>>().join(" ");
    is_name.then_some(plain)
}

fn from_file(path: &Path, header: Option<Value>) -> Result<TemplateMessage> {
    let mut text = String::new();
    let read = open(path)?.take(MESSAGE_FILE_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| UsageError(format!("{}: {error}; it must be JSON", path.display())))?;
    let mut template: Value = serde_json::from_slice(&exact(text.as_bytes()))
        .map_err(|error| UsageError(format!("{} is not JSON: {error}", path.display())))?;
    if let Some(header) = header {
        let inner = if template["template"].is_object() { &mut template["template"] } else { &mut template };
        if let Some(fields) = inner.as_object_mut() {
            fields.insert("header".to_owned(), header);
        }
    }
    Ok(TemplateMessage::parse(&template).map_err(|error| UsageError(format!("{}: {error}", path.display())))?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        template: TemplateArgs,
    }

    fn read(args: &[&str]) -> Value {
        let args = ["new", "--template", "raya"].iter().chain(args);
        Command::parse_from(args).template.read().unwrap().unwrap().source()
    }

    #[test]
    fn what_belongs_to_a_template_is_refused_without_one() {
        let none = || Command::parse_from(["new"]).template;
        let refused = |template: TemplateArgs| template.read().unwrap_err().to_string();

        assert!(none().read().unwrap().is_none());
        let language = TemplateArgs { language: Some("ms".to_owned()), ..none() };
        assert_eq!(refused(language), "--language belongs to --template: give both or neither");
        let variables = TemplateArgs { variables: vec![("1".to_owned(), "Bali".to_owned())], ..none() };
        assert_eq!(refused(variables), "--var belongs to --template: give both or neither");
        let header = TemplateArgs { header_text: Some("Raya".to_owned()), ..none() };
        assert!(refused(header).starts_with("a header belongs to --template"));
    }

    #[test]
    fn a_document_keeps_the_name_of_its_file() {
        let name = |source: &str| {
            let message = read(&["--header-document", source]);
            message["components"][0]["parameters"][0]["document"]["filename"].clone()
        };

        assert_eq!(name("/home/aina/Offer Raya}.pdf"), "Offer Raya).pdf");
        assert_eq!(name("https://shop.example/files/offer.pdf?x=1"), "offer.pdf");
        assert_eq!(name("https://shop.example/offer"), Value::Null);
        assert_eq!(name("{brochure}"), Value::Null);
    }
}

//! A send to Meta, read as strictly as Meta documents it.

use serde_json::{Map, Value};

use super::{
    super::post_log::SendKind,
    components::{ComponentContext, sendable},
    identity,
    keys::{known_keys, object_field, text_field},
    refusal::CloudRefusal,
};

/// The longest text message, in characters.
const TEXT_LIMIT: usize = 4_096;
/// The longest callback data, in characters.
const CALLBACK_LIMIT: usize = 512;

/// The keys of a send that are known here.
const KEYS: [&str; 11] = [
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "template",
    "text",
    "context",
    "biz_opaque_callback_data",
    "message_activity_sharing",
    "product_policy",
];

/// The call that a send came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendCallEdge {
    Messages,
    MarketingMessages,
}

/// Which calls send marketing templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketingCalls {
    Either,
    /// `/marketing_messages` only.
    OwnOnly,
}

/// Who a send is to and what it sends, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudSend {
    /// International digits; empty when the request has no recipient.
    pub phone: String,
    /// The recipient as the request names them.
    pub input: String,
    pub kind: SendKind,
}

/// What a request is read against.
pub struct RequestContext<'a> {
    pub edge: SendCallEdge,
    /// The country code of the business's own number.
    pub country_code: &'a str,
    pub is_uploaded: &'a dyn Fn(&str) -> bool,
    pub marketing: MarketingCalls,
}

impl RequestContext<'_> {
    /// The send, and why it is refused, if it is.
    pub fn read(&self, content_type: &str, body: &[u8]) -> (CloudSend, Option<CloudRefusal>) {
        let mut send = CloudSend { phone: String::new(), input: String::new(), kind: SendKind::CloudText };
        let parsed = serde_json::from_slice(body).ok().filter(|_| content_type.starts_with("application/json"));
        let Some(Value::Object(request)) = parsed else {
            return (send, Some(CloudRefusal::parameter("The parameter messaging_product is required.")));
        };
        if request.get("type").and_then(Value::as_str) == Some("template") {
            send.kind = SendKind::CloudTemplate;
        }
        // The recipient is read first, so that a refused send is logged under its phone.
        let recipient = self.recipient(&request);
        if let Ok((phone, input)) = &recipient {
            send.phone.clone_from(phone);
            send.input.clone_from(input);
        }
        let checked = envelope(&request).and(recipient.map(drop)).and_then(|()| self.content(&request));
        (send, checked.err())
    }

    /// The digits that the message goes to, and the recipient as typed.
    fn recipient(&self, request: &Map<String, Value>) -> Result<(String, String), CloudRefusal> {
        if !request.contains_key("to") && request.contains_key("recipient") {
            let id = text_field(request, "recipient")?;
            let phone = identity::phone_of(id);
            let phone = phone.ok_or_else(|| CloudRefusal::new(131_009, "recipient is not a known user id"))?;
            return Ok((phone.to_string(), id.to_owned()));
        }
        let to = text_field(request, "to")?;
        let plain: String = to.chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')).collect();
        let digits = match plain.strip_prefix('+') {
            Some(digits) => digits.to_owned(),
            // As Meta does: without a plus it is a number of the business's own country.
            None => format!("{}{plain}", self.country_code),
        };
        let is_number = (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if is_number {
            Ok((digits, to.to_owned()))
        } else {
            Err(CloudRefusal::new(131_009, "to is not a phone number"))
        }
    }

    fn content(&self, request: &Map<String, Value>) -> Result<(), CloudRefusal> {
        match request.get("type") {
            None => text(request),
            Some(Value::String(kind)) if kind == "text" => text(request),
            Some(Value::String(kind)) if kind == "template" => self.template(request),
            Some(kind) => Err(CloudRefusal::new(131_051, format!("Message type {kind} is not supported"))),
        }?;
        let is_template = request.get("type").is_some_and(|kind| kind == "template");
        if self.edge == SendCallEdge::MarketingMessages && !is_template {
            return Err(CloudRefusal::new(134_100, "Only marketing templates can be sent with this call"));
        }
        Ok(())
    }

    fn template(&self, request: &Map<String, Value>) -> Result<(), CloudRefusal> {
        let given = object_field(request, "template")?;
        known_keys("template", given, &["name", "language", "components", "namespace"])?;
        let name = text_field(given, "template[name]")?;
        let language = object_field(given, "language")?;
        known_keys("language", language, &["code", "policy"])?;
        let template = sendable(name, text_field(language, "language[code]")?)?;
        if self.edge == SendCallEdge::MarketingMessages && template.category != "MARKETING" {
            return Err(CloudRefusal::new(
                134_100,
                format!("The template {name} is of category {}", template.category),
            ));
        }
        let is_off = self.marketing == MarketingCalls::OwnOnly && self.edge == SendCallEdge::Messages;
        if is_off && template.category == "MARKETING" {
            return Err(CloudRefusal::new(131_063, "Marketing messages on Cloud API are disabled for this account"));
        }
        let components = match given.get("components") {
            None => &[][..],
            Some(Value::Array(components)) => components,
            Some(_) => return Err(CloudRefusal::parameter("Param template['components'] must be an array.")),
        };
        ComponentContext { template, is_uploaded: self.is_uploaded }.check(components)
    }
}

fn envelope(request: &Map<String, Value>) -> Result<(), CloudRefusal> {
    if text_field(request, "messaging_product")? != "whatsapp" {
        return Err(CloudRefusal::parameter("Param messaging_product must be one of {whatsapp}."));
    }
    known_keys("message", request, &KEYS)?;
    if request.get("recipient_type").is_some_and(|kind| kind != "individual") {
        return Err(CloudRefusal::parameter("Param recipient_type must be one of {INDIVIDUAL}."));
    }
    if let Some(data) = request.get("biz_opaque_callback_data") {
        let fits = data.as_str().is_some_and(|data| data.chars().count() <= CALLBACK_LIMIT);
        if !fits {
            return Err(CloudRefusal::parameter(
                "Param biz_opaque_callback_data must be a string of at most 512 characters.",
            ));
        }
    }
    Ok(())
}

fn text(request: &Map<String, Value>) -> Result<(), CloudRefusal> {
    let given = object_field(request, "text")?;
    known_keys("text", given, &["body", "preview_url"])?;
    if given.get("preview_url").is_some_and(|preview| !preview.is_boolean()) {
        return Err(CloudRefusal::parameter("Param text['preview_url'] must be a boolean."));
    }
    let body = text_field(given, "text[body]")?;
    if body.chars().count() > TEXT_LIMIT {
        return Err(CloudRefusal::parameter("Param text['body'] must be at most 4096 characters long."));
    }
    Ok(())
}

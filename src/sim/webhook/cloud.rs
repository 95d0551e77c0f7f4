//! Meta's webhooks: the bodies, as its reference prints them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    super::{
        chance::{Chance, Draw},
        fate::{Fate, PlannedReply, Population},
        fault::FaultKind,
        meta::{self, identity, picture, refusal::title},
        post_log::Accepted,
    },
    plan::Occurrence,
};

/// One event with what its announcement needs.
#[derive(Debug, Clone)]
pub struct AnnouncedEvent {
    pub what: Occurrence,
    pub occurred: DateTime<Utc>,
    pub accepted: Accepted,
    /// The sender: phone number id or device.
    pub device: String,
    /// The body of the send.
    pub request: String,
}

/// Names of people, most of them not in ASCII: what is signed has them escaped.
const NAMES: [&str; 8] =
    ["Siti Aminah", "陈小明", "முரளி", "Nurul Ain 🌸", "José da Silva", "Kamal/Ali", "Zoë", "Muhammad Hafiz"];

/// The body of a request that announces these events.
pub fn body(waba_id: &str, events: &[AnnouncedEvent], population: Population) -> Vec<u8> {
    let mut values: BTreeMap<(&str, &str), ChangeValue> = BTreeMap::new();
    for event in events {
        let item = CloudItem::of(event, population);
        let (field, list, value) = item.change();
        values.entry((&event.device, field)).or_default().add(list, value, item.contact());
    }
    let entries = values.into_iter().map(|((device, field), value)| {
        let change = json!({ "field": field, "value": value.finish(device) });
        json!({ "id": waba_id, "changes": [change] })
    });
    let body = json!({ "object": "whatsapp_business_account", "entry": entries.collect::<Vec<_>>() });
    escaped(&body.to_string())
}

/// JSON as Meta writes and signs it: everything outside ASCII as `\uxxxx`, slashes escaped.
fn escaped(json: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(json.len() + json.len() / 8);
    for character in json.chars() {
        match u8::try_from(character) {
            Ok(b'/') => bytes.extend_from_slice(br"\/"),
            Ok(byte) if byte.is_ascii() => bytes.push(byte),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    bytes.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
    }
    bytes
}

/// The lists of one `value`.
#[derive(Default)]
struct ChangeValue {
    lists: BTreeMap<&'static str, Vec<Value>>,
}

impl ChangeValue {
    fn add(&mut self, list: &'static str, item: Value, contact: Option<Value>) {
        self.lists.entry(list).or_default().push(item);
        if let Some(contact) = contact {
            self.lists.entry("contacts").or_default().push(contact);
        }
    }

    fn finish(self, phone_number_id: &str) -> Value {
        let mut value = Map::new();
        value.insert("messaging_product".to_owned(), "whatsapp".into());
        let number = meta::display_number(phone_number_id);
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        value.insert(
            "metadata".to_owned(),
            json!({ "display_phone_number": digits, "phone_number_id": phone_number_id }),
        );
        value.extend(self.lists.into_iter().map(|(name, items)| (name.to_owned(), Value::Array(items))));
        Value::Object(value)
    }
}

/// What of a send comes back in its webhooks.
#[derive(Debug, Default, Deserialize)]
struct SendEcho {
    biz_opaque_callback_data: Option<String>,
    template: Option<TemplateEcho>,
}

#[derive(Debug, Default, Deserialize)]
struct TemplateEcho {
    #[serde(default)]
    name: String,
    #[serde(default)]
    components: Vec<Value>,
}

impl TemplateEcho {
    /// The payloads of its quick replies.
    fn payloads(&self) -> Vec<&str> {
        let parameters = self.components.iter().filter_map(|component| component.get("parameters")?.as_array());
        parameters.flatten().filter_map(|parameter| parameter.get("payload")?.as_str()).collect()
    }
}

/// One event as Meta announces it.
struct CloudItem<'a> {
    event: &'a AnnouncedEvent,
    fate: Fate,
    chance: Chance,
    person: Chance,
    echo: SendEcho,
}

impl<'a> CloudItem<'a> {
    fn of(event: &'a AnnouncedEvent, population: Population) -> Self {
        let message = event.accepted.message;
        Self {
            event,
            fate: population.fate(message),
            chance: Chance::of(population.seed, message.phone, message.nth),
            person: Chance::of(population.seed, message.phone, 0),
            echo: serde_json::from_str(&event.request).unwrap_or_default(),
        }
    }

    /// The field of the change, the list in its value, and the item.
    fn change(&self) -> (&'static str, &'static str, Value) {
        match self.event.what {
            Occurrence::Sent => ("messages", "statuses", self.status("sent")),
            Occurrence::Delivered => ("messages", "statuses", self.status("delivered")),
            Occurrence::Read => ("messages", "statuses", self.status("read")),
            Occurrence::Failed => ("messages", "statuses", self.status("failed")),
            Occurrence::Reply => ("messages", "messages", self.reply()),
            Occurrence::Preference => ("user_preferences", "user_preferences", self.preference()),
        }
    }

    fn has(&self, kind: FaultKind) -> bool {
        self.event.accepted.knobs.has(kind)
    }

    /// The number, unless webhooks about this person have none. The first status always has it.
    fn wa_id(&self) -> Option<String> {
        let is_hidden = self.has(FaultKind::NoPhone) && self.event.what != Occurrence::Sent;
        (!is_hidden).then(|| meta::wa_id(&self.event.accepted))
    }

    /// The business-scoped user id; in the older shape only people without a number have one.
    fn user_id(&self) -> Option<String> {
        let is_shown = self.has(FaultKind::NoPhone) || !self.has(FaultKind::WebhookV23);
        is_shown.then(|| identity::user_id(self.event.accepted.message.phone))
    }

    fn seconds(&self) -> String {
        self.event.occurred.timestamp().to_string()
    }

    fn status(&self, name: &str) -> Value {
        let mut status = json!({ "id": &*self.event.accepted.id, "status": name, "timestamp": self.seconds() });
        put(&mut status, "recipient_id", self.wa_id());
        put(&mut status, "recipient_user_id", self.user_id());
        put(&mut status, "biz_opaque_callback_data", self.echo.biz_opaque_callback_data.clone());
        if let Fate::Refused { code, .. } = self.fate {
            status["errors"] = json!([error(code)]);
            return status;
        }
        if self.is_priced() {
            status["pricing"] = self.pricing();
            if self.has(FaultKind::WebhookV23) {
                status["conversation"] = self.conversation();
            }
        }
        status
    }

    /// Prices come with `sent`, and once more with the first of `delivered` and `read`.
    fn is_priced(&self) -> bool {
        match self.event.what {
            Occurrence::Read => self.has(FaultKind::NoDelivered),
            what => what != Occurrence::Failed,
        }
    }

    fn pricing(&self) -> Value {
        match self.category() {
            None => {
                json!({ "billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": "service" })
            }
            Some(category) => {
                json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": category })
            }
        }
    }

    /// The template's category; none for free text.
    fn category(&self) -> Option<String> {
        let template = self.echo.template.as_ref()?;
        Some(meta::category(&template.name).unwrap_or("MARKETING").to_ascii_lowercase())
    }

    fn conversation(&self) -> Value {
        let id = format!("{:032x}", self.person.bits(Draw::Secret));
        let category = self.category().unwrap_or_else(|| "service".to_owned());
        let mut conversation = json!({ "id": id, "origin": { "type": category } });
        if self.event.what == Occurrence::Sent {
            conversation["expiration_timestamp"] = (self.event.occurred.timestamp() + 86_400).to_string().into();
        }
        conversation
    }

    fn contact(&self) -> Option<Value> {
        if !matches!(self.event.what, Occurrence::Reply | Occurrence::Preference) {
            return None;
        }
        let mut contact = json!({ "profile": { "name": self.person.pick(Draw::Text, &NAMES) } });
        put(&mut contact, "wa_id", self.wa_id());
        put(&mut contact, "user_id", self.user_id());
        Some(contact)
    }

    fn reply(&self) -> Value {
        let id = &*self.event.accepted.id;
        let own_id = format!("wamid.HBgM{}", id.get(10..).unwrap_or(id));
        let mut message = json!({ "id": own_id, "timestamp": self.seconds() });
        put(&mut message, "from", self.wa_id());
        put(&mut message, "from_user_id", self.user_id());
        if let Some(reply) = self.fate.reply() {
            self.fill(&mut message, reply);
        }
        message
    }

    /// Half of those who have a button to press press it. Of the others one in five picks from a list, and as many
    /// buyers send a picture with the text as its caption.
    fn fill(&self, message: &mut Value, reply: &PlannedReply) {
        let drawn = self.chance.unit(Draw::ReplyShape);
        let context = json!({ "from": meta::display_number(&self.event.device), "id": &*self.event.accepted.id });
        if let Some(payload) = self.payload(reply).filter(|_| drawn < 0.5) {
            message["type"] = "button".into();
            message["button"] = json!({ "payload": payload, "text": reply.text });
            message["context"] = context;
        } else if (0.8..0.9).contains(&drawn) && reply.buys.is_some() {
            let message_of = self.event.accepted.message;
            message["type"] = "image".into();
            message["image"] = json!({
                "id": picture::id(message_of.phone, message_of.nth),
                "mime_type": "image/png",
                "sha256": picture::DIGEST,
                "caption": reply.text,
            });
        } else if drawn >= 0.9 && reply.text != "STOP" {
            message["type"] = "interactive".into();
            let row = json!({ "id": "row-1", "title": reply.text, "description": "" });
            message["interactive"] = json!({ "type": "list_reply", "list_reply": row });
            message["context"] = context;
        } else {
            message["type"] = "text".into();
            message["text"] = json!({ "body": reply.text });
        }
    }

    /// The payload of the button that this reply would press.
    fn payload(&self, reply: &PlannedReply) -> Option<&str> {
        let is_stop = |payload: &str| payload.to_ascii_uppercase().contains("STOP");
        let payloads = self.echo.template.as_ref().map(TemplateEcho::payloads).unwrap_or_default();
        payloads.into_iter().find(|payload| is_stop(payload) == (reply.text == "STOP"))
    }

    fn preference(&self) -> Value {
        let mut preference = json!({
            "detail": "User requested to stop marketing messages",
            "category": "marketing_messages",
            "value": "stop",
            "timestamp": self.event.occurred.timestamp(),
        });
        put(&mut preference, "wa_id", self.wa_id());
        put(&mut preference, "user_id", self.user_id());
        preference
    }
}

/// An error of a status.
fn error(code: u32) -> Value {
    let title = title(code);
    json!({
        "code": code,
        "title": title,
        "message": title,
        "error_data": { "details": title },
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    })
}

fn put(object: &mut Value, key: &str, value: Option<String>) {
    if let Some(value) = value {
        object[key] = value.into();
    }
}

//! A message from a person.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::super::error::MetaError;
use super::content::InboundContent;
use super::fields::{flag, list, message_id, time};
use super::person::{Contact, WebhookPerson};
use crate::domain::ids::MessageId;
use crate::domain::text::hex;

/// An item of `messages`.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundMessage {
    /// A digest of the item where it has none.
    pub id: MessageId,
    pub from: WebhookPerson,
    /// The name in their profile.
    pub name: Option<String>,
    pub at: Option<DateTime<Utc>>,
    /// The message that this one answers. Typed replies usually name none.
    pub quoted: Option<MessageId>,
    pub is_forwarded: bool,
    pub content: InboundContent,
    pub errors: Vec<MetaError>,
}

impl InboundMessage {
    pub(super) fn read(item: &Value, contacts: &[Contact], now: DateTime<Utc>) -> Result<Self, &'static str> {
        if !item.is_object() {
            return Err("a message that is not an object");
        }
        let mut from = WebhookPerson::read(item, &["/from"], &["/from_user_id", "/user_id"]);
        from.complete_or_only(contacts);
        let content = InboundContent::read(item);
        let made_up = || id_of(item).filter(|_| content.is_reply());
        let id = message_id(item, "/id").or_else(made_up).ok_or("a message without an id")?;
        // The number may be withheld, but somebody wrote.
        if !from.is_known() && content.is_reply() {
            return Err("a message from nobody");
        }
        let name = from.contact(contacts).and_then(|contact| contact.name.clone());
        Ok(Self {
            id,
            from,
            name,
            at: time(item, "/timestamp", now),
            quoted: message_id(item, "/context/id"),
            is_forwarded: ["/context/forwarded", "/context/frequently_forwarded"]
                .iter()
                .any(|place| flag(item, place) == Some(true)),
            content,
            errors: list(item, "/errors").iter().map(MetaError::of).collect(),
        })
    }
}

/// Stands for an id that is missing or unreadable: the same item is the same message. What somebody wrote must not be lost
/// by it, least of all a stop.
fn id_of(item: &Value) -> Option<MessageId> {
    MessageId::new(&format!("digest:{}", hex(&Sha256::digest(item.to_string()))))
}

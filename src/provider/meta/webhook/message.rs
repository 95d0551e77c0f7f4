//! A message from a person.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::error::MetaError;
use super::content::InboundContent;
use super::fields::{flag, list, message_id, time};
use super::person::{Contact, WebhookPerson};
use crate::domain::ids::MessageId;

/// An item of `messages`.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundMessage {
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
        let id = message_id(item, "/id").ok_or("a message without an id")?;
        let mut from = WebhookPerson::read(item, &["/from"], &["/from_user_id", "/user_id"]);
        from.complete_or_only(contacts);
        let content = InboundContent::read(item);
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

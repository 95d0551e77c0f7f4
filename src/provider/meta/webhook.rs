//! Meta's webhooks: whether a request is Meta's, and what is in it. Parses only; knows neither database nor HTTP.
//!
//! Each item stands on its own: one that cannot be read becomes [`WebhookEvent::Unreadable`] and spoils no other.
//! Enums are open, numbers come as text and text as numbers (`docs/META.md`).

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::error::MetaError;

mod account;
mod content;
mod fields;
mod message;
mod person;
mod signature;
mod status;
mod walk;

pub use account::{
    AccountEffect, AccountEvent, CapabilityEvent, NumberEvent, TemplateChange, TemplateEvent, TemplateSubject,
};
pub use content::{FormReply, InboundContent, InboundMedia, InboundOrder, MediaKind, OrderItem, SystemChange};
pub use message::InboundMessage;
pub use person::{BusinessUserId, IdentityChange, PersonIdentity, WebhookPerson};
pub use signature::{Handshake, SignatureError, require_signature, verify_signature};
pub use status::{MessagePricing, StatusEvent};
pub use walk::parse;

/// One item of a webhook, with where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookItem {
    pub origin: Arc<WebhookOrigin>,
    pub event: WebhookEvent,
}

/// The account and number that an item is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookOrigin {
    /// The WhatsApp business account's id.
    pub waba_id: Option<String>,
    pub phone_number_id: Option<String>,
    pub display_phone_number: Option<String>,
    /// When Meta wrote the entry.
    pub at: Option<DateTime<Utc>>,
}

/// What an item says.
#[derive(Debug, Clone, PartialEq)]
pub enum WebhookEvent {
    /// Of a message that we sent.
    Status(Box<StatusEvent>),
    /// From a person.
    Message(Box<InboundMessage>),
    /// A phone number and an id of one person, learned from any item that has both.
    Identity(PersonIdentity),
    /// Somebody's id within the business changed.
    IdentityChange(IdentityChange),
    /// Somebody stops or resumes marketing.
    Preference(PreferenceEvent),
    Account(AccountEvent),
    Template(TemplateEvent),
    Number(NumberEvent),
    Capability(CapabilityEvent),
    /// An error outside of any item.
    Error(MetaError),
    /// A field that this version does not know, as it came.
    Other {
        field: String,
        value: Value,
    },
    /// As it came, and why it cannot be read.
    Unreadable {
        raw: Value,
        why: String,
    },
}

/// Somebody's wish about marketing messages. The last one counts, by Meta's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferenceEvent {
    pub person: WebhookPerson,
    pub wish: MarketingWish,
    pub at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarketingWish {
    Stop,
    Resume,
}

impl MarketingWish {
    pub fn of_word(word: &str) -> Option<Self> {
        match word.trim().to_ascii_lowercase().as_str() {
            "stop" => Some(Self::Stop),
            "resume" => Some(Self::Resume),
            _ => None,
        }
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Resume => "resume",
        }
    }
}

#[cfg(test)]
mod tests;

//! The status of a message that we sent.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::callback::CallbackData;
use super::super::codes;
use super::super::error::MetaError;
use super::super::stage_of;
use super::fields::{flag, list_or_one, message_id, text, time, word};
use super::person::{Contact, WebhookPerson};
use crate::domain::ids::MessageId;
use crate::provider::ProviderStage;

/// An item of `statuses`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEvent {
    pub message_id: MessageId,
    /// As Meta wrote it.
    pub status: String,
    /// `None` for one that changes nothing, such as `deleted`.
    pub stage: Option<ProviderStage>,
    /// Whole seconds: which of two statuses is later follows from their stages, not from this.
    pub at: Option<DateTime<Utc>>,
    pub recipient: WebhookPerson,
    /// Which attempt of which installation it was, where that is ours.
    pub callback: Option<CallbackData>,
    /// The callback data as it came, ours or another program's.
    pub callback_text: Option<String>,
    pub pricing: Option<MessagePricing>,
    /// Why it failed.
    pub errors: Vec<MetaError>,
}

/// What Meta charges a message as. Comes with `sent` and again later: a message counts once, when it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessagePricing {
    pub is_billable: Option<bool>,
    /// `regular`, `free_customer_service`, `free_entry_point`.
    pub kind: Option<String>,
    /// `marketing`, `utility`, `authentication`, `service` and others.
    pub category: Option<String>,
    /// `PMP` or `CBP`.
    pub model: Option<String>,
}

impl StatusEvent {
    pub(super) fn read(item: &Value, contacts: &[Contact], now: DateTime<Utc>) -> Result<Self, &'static str> {
        let message_id = message_id(item, "/id").ok_or("a status without a message id")?;
        let status = word(item, "/status").ok_or("a status without its word")?;
        let mut recipient = WebhookPerson::read(item, &["/recipient_id"], &["/recipient_user_id", "/user_id"]);
        recipient.complete(contacts);
        let callback_text = text(item, "/biz_opaque_callback_data");
        Ok(Self {
            message_id,
            stage: stage_of(&status),
            status,
            at: time(item, "/timestamp", now),
            recipient,
            callback: callback_text.as_ref().and_then(|text| text.parse().ok()),
            callback_text,
            pricing: item.get("pricing").filter(|pricing| pricing.is_object()).map(MessagePricing::read),
            errors: list_or_one(item, "/errors").iter().map(MetaError::of).collect(),
        })
    }

    /// Why it failed, where several reasons are named: what asks for the most caution, and the first of those that ask for as
    /// much. An opt-out stands above everything.
    pub fn strictest_error(&self) -> Option<&MetaError> {
        let strictness = |error: &MetaError| error.code.map(|code| codes::caution(&code.to_string()));
        // The last of equals is the maximum.
        self.errors.iter().rev().max_by_key(|error| strictness(error))
    }
}

impl MessagePricing {
    fn read(pricing: &Value) -> Self {
        Self {
            is_billable: flag(pricing, "/billable"),
            kind: word(pricing, "/type"),
            category: word(pricing, "/category"),
            model: word(pricing, "/pricing_model"),
        }
    }
}

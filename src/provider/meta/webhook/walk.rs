//! Walks a webhook's body: entries, changes, items.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::super::lenient::{describe, exact_json};
use super::super::error::MetaError;
use super::fields::{list, time, word};
use super::person::{Contact, IdentityChange, PersonIdentity, WebhookPerson};
use super::{
    AccountEvent, CapabilityEvent, InboundContent, InboundMessage, MarketingWish, NumberEvent, PreferenceEvent,
    StatusEvent, SystemChange, TemplateEvent, WebhookEvent, WebhookItem, WebhookOrigin,
};

/// What is in a webhook, in its order; identities come before the items of the same change, so that these find their
/// people. `now` bounds the times that are believed. Never fails: what cannot be read is an item that says so.
pub fn parse(raw_body: &[u8], now: DateTime<Utc>) -> Vec<WebhookItem> {
    let mut walk = Walk { now, origin: Arc::default(), items: Vec::new() };
    match exact_json(raw_body) {
        Some(Value::Array(bodies)) => bodies.iter().for_each(|body| walk.body(body)),
        Some(body) => walk.body(&body),
        None => {
            let text = String::from_utf8_lossy(&raw_body[..raw_body.len().min(KEPT)]).into_owned();
            walk.unreadable(&Value::String(text), describe(raw_body));
        }
    }
    walk.items
}

/// How much of a body without JSON an item keeps, in bytes.
const KEPT: usize = 4 * 1024;

struct Walk {
    now: DateTime<Utc>,
    origin: Arc<WebhookOrigin>,
    items: Vec<WebhookItem>,
}

impl Walk {
    fn push(&mut self, event: WebhookEvent) {
        self.items.push(WebhookItem { origin: Arc::clone(&self.origin), event });
    }

    fn unreadable(&mut self, raw: &Value, why: &str) {
        self.push(WebhookEvent::Unreadable { raw: raw.clone(), why: why.to_owned() });
    }

    fn body(&mut self, body: &Value) {
        self.origin = Arc::default();
        match word(body, "/object").as_deref() {
            None | Some("whatsapp_business_account") => {}
            Some(other) => return self.push(WebhookEvent::Other { field: other.to_owned(), value: body.clone() }),
        }
        let Some(entries) = body.get("entry").and_then(Value::as_array) else {
            return self.unreadable(body, "a webhook without entries");
        };
        for entry in entries {
            self.entry(entry);
        }
    }

    fn entry(&mut self, entry: &Value) {
        let origin = WebhookOrigin {
            waba_id: word(entry, "/id"),
            at: time(entry, "/time", self.now),
            ..WebhookOrigin::default()
        };
        self.origin = Arc::new(origin.clone());
        let Some(changes) = entry.get("changes").and_then(Value::as_array) else {
            return self.unreadable(entry, "an entry without changes");
        };
        for change in changes {
            self.origin = Arc::new(WebhookOrigin {
                phone_number_id: word(change, "/value/metadata/phone_number_id"),
                display_phone_number: word(change, "/value/metadata/display_phone_number"),
                ..origin.clone()
            });
            self.change(change);
        }
    }

    fn change(&mut self, change: &Value) {
        let field = word(change, "/field").unwrap_or_default();
        let Some(value) = change.get("value").filter(|value| value.is_object()) else {
            return self.unreadable(change, "a change without a value");
        };
        for error in list(value, "/errors") {
            self.push(WebhookEvent::Error(MetaError::of(error)));
        }
        match field.as_str() {
            // What another app of the account answers comes as `standby`: its replies and stops are news to us all the same.
            "messages" | "standby" | "user_preferences" | "user_id_update" => self.messages(&field, value),
            "account_update" => self.one(change, AccountEvent::read(value, self.now).map(WebhookEvent::Account)),
            "message_template_status_update" => {
                self.one(change, TemplateEvent::status(value).map(WebhookEvent::Template));
            }
            "message_template_quality_update" => {
                self.one(change, TemplateEvent::quality(value).map(WebhookEvent::Template));
            }
            "template_category_update" => {
                self.one(change, TemplateEvent::category(value, self.now).map(WebhookEvent::Template));
            }
            "phone_number_quality_update" => self.one(change, NumberEvent::read(value).map(WebhookEvent::Number)),
            "business_capability_update" => {
                self.one(change, CapabilityEvent::read(value).map(WebhookEvent::Capability));
            }
            _ => self.push(WebhookEvent::Other { field, value: value.clone() }),
        }
    }

    fn one(&mut self, change: &Value, event: Option<WebhookEvent>) {
        match event {
            Some(event) => self.push(event),
            None => self.unreadable(change, "a change without the fields of its kind"),
        }
    }

    fn messages(&mut self, field: &str, value: &Value) {
        let contacts: Vec<Contact> = list(value, "/contacts").iter().map(Contact::read).collect();
        let before = self.items.len();
        let mut identities: Vec<_> = contacts.iter().filter_map(|contact| contact.person.identity()).collect();
        for item in list(value, "/statuses") {
            let status = StatusEvent::read(item, &contacts, self.now);
            identities.extend(status.iter().filter_map(|status| status.recipient.identity()));
            self.read(item, status.map(|status| WebhookEvent::Status(Box::new(status))));
        }
        for item in list(value, "/messages") {
            // Not written to us alone: no reply to a blast, and no window in which to answer.
            if item.get("group_id").is_some_and(|group| !group.is_null()) {
                self.push(WebhookEvent::Other { field: "a message in a group".to_owned(), value: item.clone() });
                continue;
            }
            let message = InboundMessage::read(item, &contacts, self.now);
            identities.extend(message.iter().filter_map(identity_of));
            self.read(item, message.map(event_of));
        }
        for item in list(value, "/user_preferences") {
            let preference = preference(item, &contacts, self.now);
            identities.extend(preference.iter().filter_map(|preference| preference.person.identity()));
            self.read(item, preference.map(WebhookEvent::Preference));
        }
        for item in list(value, "/user_id_update") {
            let at = time(item, "/timestamp", self.now);
            let change = IdentityChange::read(item).map(|change| IdentityChange { at, ..change });
            let change = change.ok_or("a change of an id that names nobody");
            identities.extend(change.iter().filter_map(IdentityChange::identity));
            self.read(item, change.map(WebhookEvent::IdentityChange));
        }
        self.learn(before, identities);
        let lists = ["statuses", "messages", "user_preferences", "user_id_update"];
        if lists.iter().any(|key| value.get(*key).is_some_and(|items| !items.is_array())) {
            self.unreadable(value, "items that are not a list");
        } else if lists.iter().chain(&["errors"]).all(|key| value.get(*key).is_none()) {
            self.push(WebhookEvent::Other { field: field.to_owned(), value: value.clone() });
        }
    }

    fn read(&mut self, raw: &Value, event: Result<WebhookEvent, &'static str>) {
        match event {
            Ok(event) => self.push(event),
            Err(why) => self.unreadable(raw, why),
        }
    }

    /// Puts each identity once in front of the items of its change.
    fn learn(&mut self, before: usize, identities: Vec<PersonIdentity>) {
        let mut known = std::collections::HashSet::new();
        let once = identities.into_iter().filter(|identity| known.insert(identity.clone()));
        let origin = Arc::clone(&self.origin);
        let items =
            once.map(|identity| WebhookItem { origin: Arc::clone(&origin), event: WebhookEvent::Identity(identity) });
        let items: Vec<_> = items.collect();
        self.items.splice(before..before, items);
    }
}

/// Of who wrote; or, where the system says that somebody's number or id changed, the new one.
fn identity_of(message: &InboundMessage) -> Option<PersonIdentity> {
    match &message.content {
        InboundContent::System(SystemChange::Identity(change)) => change.identity(),
        InboundContent::Contacts { own_number: Some(phone), .. } => {
            WebhookPerson { phone: Some(phone.clone()), user_id: message.from.user_id.clone() }.identity()
        }
        _ => message.from.identity(),
    }
}

/// A change of preference, number or id may come as a message of the system.
fn event_of(message: InboundMessage) -> WebhookEvent {
    match message.content {
        InboundContent::System(SystemChange::Preference(wish)) => {
            WebhookEvent::Preference(PreferenceEvent { person: message.from, wish, at: message.at })
        }
        InboundContent::System(SystemChange::Identity(change)) => {
            let previous_phone =
                message.from.phone.filter(|before| change.phone.as_ref().is_some_and(|now| now != before));
            WebhookEvent::IdentityChange(IdentityChange { previous_phone, at: message.at, ..change })
        }
        _ => WebhookEvent::Message(Box::new(message)),
    }
}

fn preference(item: &Value, contacts: &[Contact], now: DateTime<Utc>) -> Result<PreferenceEvent, &'static str> {
    let mut person = WebhookPerson::read(item, &["/wa_id"], &["/user_id"]);
    person.complete_or_only(contacts);
    if !person.is_known() {
        return Err("a preference of nobody");
    }
    let category = word(item, "/category").unwrap_or_default();
    if !matches!(category.as_str(), "" | "marketing_messages") {
        return Err("a preference of a category that is not known");
    }
    let wish = word(item, "/value").as_deref().and_then(MarketingWish::of_word);
    let wish = wish.ok_or("a preference that is neither stop nor resume")?;
    Ok(PreferenceEvent { person, wish, at: time(item, "/timestamp", now) })
}

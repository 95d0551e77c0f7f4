//! Whom an item is about: a phone number, an id within the business, or both.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::fields::{text, word};

/// Meta's id of a person within a business portfolio, such as `MY.1a2B`: never a phone number.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusinessUserId(String);

impl BusinessUserId {
    /// A country's two letters, a point, and at most 128 letters and digits (with points between, for ids of a parent
    /// business).
    pub fn new(text: &str) -> Option<Self> {
        let (country, id) = text.trim().split_once('.')?;
        let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_id = (1..=128).contains(&id.len()) && id.split('.').all(is_word);
        (is_country && is_id).then(|| Self(text.trim().to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl fmt::Display for BusinessUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Either may be missing: people with a username show no number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookPerson {
    /// E.164 digits as Meta writes them (`wa_id`), without the plus.
    pub phone: Option<String>,
    pub user_id: Option<BusinessUserId>,
}

/// Both of one person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PersonIdentity {
    /// E.164 digits, without the plus.
    pub phone: String,
    pub user_id: BusinessUserId,
}

/// Somebody has another number, another id, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityChange {
    /// The number now.
    pub phone: Option<String>,
    /// The id now.
    pub user_id: Option<BusinessUserId>,
    pub previous_user_id: Option<BusinessUserId>,
    /// The number before, where there is another now: the message's sender.
    pub previous_phone: Option<String>,
    /// When it changed, by Meta's clock.
    pub at: Option<DateTime<Utc>>,
}

impl IdentityChange {
    /// `None` where nothing is new.
    pub(super) fn read(item: &Value) -> Option<Self> {
        let id = |places: &[&str]| places.iter().find_map(|place| BusinessUserId::new(&text(item, place)?));
        let number = ["/wa_id", "/new_wa_id"].iter().find_map(|place| phone(&text(item, place)?));
        let user_id = id(&["/user_id/current", "/user_id", "/new_user_id", "/wa_id"]);
        let previous_user_id = id(&["/user_id/previous", "/previous_user_id", "/old_user_id"]);
        (number.is_some() || user_id.is_some()).then_some(Self {
            phone: number,
            user_id,
            previous_user_id,
            previous_phone: None,
            at: None,
        })
    }

    /// Of a message of the system: the old id is named, is the sender's, or stands in the sentence for people.
    pub(super) fn of_system(item: &Value, system: &Value) -> Option<Self> {
        let mut change = Self::read(system)?;
        let is_old = |id: &BusinessUserId| Some(id) != change.user_id.as_ref();
        let of_sender = || BusinessUserId::new(&text(item, "/from_user_id")?).filter(is_old);
        let previous = change.previous_user_id.clone().or_else(of_sender);
        change.previous_user_id = previous.or_else(|| named_before(&text(system, "/body")?).filter(is_old));
        Some(change)
    }

    pub fn identity(&self) -> Option<PersonIdentity> {
        Some(PersonIdentity { phone: self.phone.clone()?, user_id: self.user_id.clone()? })
    }
}

/// The old id in `User NAME changed from ID to ID`. People choose their names: only what follows the last `from` counts.
fn named_before(body: &str) -> Option<BusinessUserId> {
    let (_, ids) = body.rsplit_once(" from ")?;
    ids.split_whitespace().find_map(BusinessUserId::new)
}

impl WebhookPerson {
    /// From the fields that hold them. A user id in a number's place is taken for what it is.
    pub(in super::super) fn read(item: &Value, phones: &[&str], ids: &[&str]) -> Self {
        let texts: Vec<String> = phones.iter().chain(ids).filter_map(|place| text(item, place)).collect();
        Self {
            phone: phones.iter().find_map(|place| phone(&text(item, place)?)),
            user_id: texts.iter().find_map(|text| BusinessUserId::new(text)),
        }
    }

    pub fn is_known(&self) -> bool {
        self.phone.is_some() || self.user_id.is_some()
    }

    pub fn identity(&self) -> Option<PersonIdentity> {
        Some(PersonIdentity { phone: self.phone.clone()?, user_id: self.user_id.clone()? })
    }

    /// Adds what the contacts of the same webhook know of the person.
    pub(super) fn complete(&mut self, contacts: &[Contact]) {
        if let Some(contact) = self.contact(contacts) {
            let Self { phone, user_id } = contact.person.clone();
            self.phone = self.phone.take().or(phone);
            self.user_id = self.user_id.take().or(user_id);
        }
    }
}

impl WebhookPerson {
    /// The same; an item that names nobody is of the only contact.
    pub(super) fn complete_or_only(&mut self, contacts: &[Contact]) {
        match contacts {
            [only] if !self.is_known() => self.clone_from(&only.person),
            _ => self.complete(contacts),
        }
    }

    /// The contact of the same number or the same id.
    pub(super) fn contact<'a>(&self, contacts: &'a [Contact]) -> Option<&'a Contact> {
        contacts.iter().find(|Contact { person, .. }| {
            person.phone.is_some() && person.phone == self.phone
                || person.user_id.is_some() && person.user_id == self.user_id
        })
    }
}

/// Digits of a phone number, with or without a plus; `None` for anything else.
pub(super) fn phone(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_phone = (6..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_phone.then(|| digits.to_owned())
}

/// An item of `contacts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contact {
    pub person: WebhookPerson,
    pub name: Option<String>,
}

impl Contact {
    pub fn read(item: &Value) -> Self {
        let person = WebhookPerson::read(item, &["/wa_id"], &["/user_id"]);
        Self { person, name: word(item, "/profile/name").or_else(|| word(item, "/profile/username")) }
    }
}

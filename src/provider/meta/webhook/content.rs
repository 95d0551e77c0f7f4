//! What a person wrote, pressed, ordered or sent.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use super::MarketingWish;
use super::fields::{flag, list, message_id, text, time, word};
use super::person::{IdentityChange, phone};
use crate::domain::ids::MessageId;

/// The content of a message, by its `type`.
#[derive(Debug, Clone, PartialEq)]
pub enum InboundContent {
    Text(String),
    /// A quick reply of a template was pressed.
    Button {
        text: String,
        payload: Option<String>,
    },
    /// A button of a session message was pressed.
    ButtonReply {
        id: String,
        title: String,
    },
    ListReply {
        id: String,
        title: String,
        description: Option<String>,
    },
    Form(FormReply),
    Media(InboundMedia),
    Location {
        latitude: String,
        longitude: String,
        name: Option<String>,
        address: Option<String>,
    },
    /// Business cards, as they came. `own_number` is the sender's own, where they were asked for it.
    Contacts {
        own_number: Option<String>,
        raw: Value,
    },
    Order(InboundOrder),
    /// Without an emoji, a reaction was taken back.
    Reaction {
        message: Option<MessageId>,
        emoji: Option<String>,
    },
    /// An earlier message reads differently now: no new reply.
    Edit {
        original: Option<MessageId>,
        raw: Value,
    },
    /// An earlier message was deleted: no new reply.
    Revoke {
        original: Option<MessageId>,
    },
    System(SystemChange),
    /// Meta does not pass on what it was.
    Unsupported {
        kind: Option<String>,
    },
    /// A type that this version does not know, as it came.
    Other {
        kind: String,
        raw: Value,
    },
}

/// A form (a flow) that was filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormReply {
    pub name: Option<String>,
    pub body: Option<String>,
    /// JSON as text, as it came.
    pub response: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMedia {
    pub kind: MediaKind,
    /// What it is fetched by, for some days.
    pub id: String,
    pub mime_type: Option<String>,
    pub sha256: Option<String>,
    pub caption: Option<String>,
    pub filename: Option<String>,
    pub is_voice: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaKind {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

impl MediaKind {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "image" => Self::Image,
            "video" => Self::Video,
            "audio" | "voice" => Self::Audio,
            "document" => Self::Document,
            "sticker" => Self::Sticker,
            _ => return None,
        })
    }

    /// A word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Image => "picture",
            Self::Video => "video",
            Self::Audio => "voice message",
            Self::Document => "document",
            Self::Sticker => "sticker",
        }
    }
}

/// A cart that was sent. Meta gives no total and no names.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundOrder {
    pub catalog_id: Option<String>,
    pub text: Option<String>,
    pub items: Vec<OrderItem>,
    /// Items that cannot be read.
    pub unreadable: usize,
    /// As it came.
    pub raw: Value,
    /// By the message's own time, also where that is too far ahead for the message.
    pub dated: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    pub product_retailer_id: String,
    pub quantity: Decimal,
    /// Of one, in major units.
    pub price: Option<Decimal>,
    pub currency: Option<String>,
}

/// Something about the person changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemChange {
    /// `user_changed_number`, `user_changed_user_id` and others.
    Identity(IdentityChange),
    Preference(MarketingWish),
    Other {
        kind: Option<String>,
        body: Option<String>,
    },
}

impl InboundContent {
    /// Whether somebody answers by it, also by what this version does not know. Edits, revocations and reactions are no new
    /// replies, nor is what the system says.
    pub fn is_reply(&self) -> bool {
        match self {
            Self::Edit { .. }
            | Self::Revoke { .. }
            | Self::Reaction { .. }
            | Self::System(_)
            | Self::Unsupported { .. } => false,
            Self::Other { kind, .. } => !NO_REPLIES.contains(&kind.as_str()),
            _ => true,
        }
    }

    /// The kind of a reply that this version does not know, for people: `brand new`.
    pub fn unknown_kind(&self) -> Option<String> {
        let Self::Other { kind, raw } = self else { return None };
        let within = word(raw, "/interactive/type").filter(|_| kind == "interactive");
        let kind = within.as_ref().unwrap_or(kind).to_lowercase().replace('_', " ");
        Some(kind.chars().take(KIND_MAX).collect())
    }

    /// For people: the text, or a word for what it is.
    pub fn words(&self) -> String {
        match self {
            Self::Text(text) | Self::Button { text, .. } => text.clone(),
            Self::ButtonReply { title, .. } | Self::ListReply { title, .. } => title.clone(),
            Self::Form(form) => form.body.clone().unwrap_or_else(|| "(form)".to_owned()),
            Self::Media(media) => match media.caption.as_ref().or(media.filename.as_ref()) {
                Some(caption) => format!("({}) {caption}", media.kind.word()),
                None => format!("({})", media.kind.word()),
            },
            Self::Location { name: Some(name), .. } => format!("(location) {name}"),
            Self::Location { .. } => "(location)".to_owned(),
            Self::Contacts { .. } => "(contact)".to_owned(),
            Self::Order(order) => match &order.text {
                Some(text) => format!("(order) {text}"),
                None => "(order)".to_owned(),
            },
            Self::Reaction { emoji, .. } => emoji.clone().unwrap_or_default(),
            Self::System(SystemChange::Other { body: Some(body), .. }) => body.clone(),
            Self::Other { .. } => format!("({})", self.unknown_kind().unwrap_or_default()),
            Self::Edit { .. } | Self::Revoke { .. } | Self::System(_) | Self::Unsupported { .. } => String::new(),
        }
    }

    /// What an earlier message says from now on, if this is an edit that contains it.
    pub fn edited(&self) -> Option<Self> {
        let Self::Edit { raw, .. } = self else { return None };
        let message = raw.pointer("/edit/message").or_else(|| raw.get("edit"))?;
        Some(Self::read(message)).filter(Self::is_reply)
    }

    /// By `type`, else by the one content that it has; what does not fit its type is [`InboundContent::Other`], as it came.
    pub(super) fn read(item: &Value) -> Self {
        let kind = word(item, "/type").unwrap_or_default().to_ascii_lowercase();
        let kind = if kind.is_empty() { only_kind(item).unwrap_or_default().to_owned() } else { kind };
        known(item, &kind).unwrap_or_else(|| Self::Other { kind, raw: item.clone() })
    }
}

/// The most characters of a kind that this version does not know.
const KIND_MAX: usize = 40;

/// What nobody wrote, where its content does not fit it: no kind at all, what the system says, and that somebody opened the chat.
const NO_REPLIES: [&str; 3] = ["", "system", "request_welcome"];

/// The types of content, each under a key of its own name.
const KINDS: [&str; 16] = [
    "text",
    "button",
    "interactive",
    "image",
    "video",
    "audio",
    "voice",
    "document",
    "sticker",
    "location",
    "contacts",
    "order",
    "reaction",
    "edit",
    "revoke",
    "system",
];

/// What a message without a type is; nothing where that is not certain.
fn only_kind(item: &Value) -> Option<&'static str> {
    let mut kinds = KINDS.into_iter().filter(|kind| item.get(*kind).is_some());
    kinds.next().filter(|_| kinds.next().is_none())
}

fn known(item: &Value, kind: &str) -> Option<InboundContent> {
    if let Some(kind_of_media) = MediaKind::of_word(kind) {
        return media(item.get(kind)?, kind_of_media).map(InboundContent::Media);
    }
    Some(match kind {
        "text" => {
            InboundContent::Text(text(item, "/text/body").or_else(|| Some(item.get("text")?.as_str()?.to_owned()))?)
        }
        "button" => {
            let payload = text(item, "/button/payload");
            InboundContent::Button { text: text(item, "/button/text").or_else(|| payload.clone())?, payload }
        }
        "interactive" => interactive(item.get("interactive")?)?,
        "location" => InboundContent::Location {
            latitude: text(item, "/location/latitude")?,
            longitude: text(item, "/location/longitude")?,
            name: text(item, "/location/name"),
            address: text(item, "/location/address"),
        },
        "contacts" => InboundContent::Contacts { own_number: own_number(item), raw: item.get("contacts")?.clone() },
        "order" => InboundContent::Order(order(item, item.get("order")?)),
        "reaction" => InboundContent::Reaction {
            message: message_id(item, "/reaction/message_id"),
            emoji: text(item, "/reaction/emoji"),
        },
        "edit" => InboundContent::Edit { original: original(item, "edit"), raw: item.clone() },
        "revoke" => InboundContent::Revoke { original: original(item, "revoke") },
        "system" => InboundContent::System(system(item, item.get("system")?)),
        "unsupported" | "unknown" => InboundContent::Unsupported { kind: word(item, "/unsupported/type") },
        _ => return None,
    })
}

/// The number that somebody without one gave when a template's button asked for it.
fn own_number(item: &Value) -> Option<String> {
    let is_asked = word(item, "/origin").as_deref() == Some("contact_request");
    let number =
        || phone(&text(item, "/contacts/0/phones/0/phone").or_else(|| text(item, "/contacts/0/phones/0/wa_id"))?);
    is_asked.then(number).flatten()
}

/// Which earlier message is meant.
fn original(item: &Value, kind: &str) -> Option<MessageId> {
    let places = ["original_message_id", "message_id", "id"].map(|key| format!("/{kind}/{key}"));
    places.iter().find_map(|place| message_id(item, place)).or_else(|| message_id(item, "/context/id"))
}

fn interactive(interactive: &Value) -> Option<InboundContent> {
    let kinds = ["button_reply", "list_reply", "nfm_reply"];
    let kind = word(interactive, "/type").filter(|kind| kinds.contains(&kind.as_str()));
    let kind = kind.or_else(|| kinds.iter().find(|kind| interactive.get(**kind).is_some()).map(ToString::to_string))?;
    let reply = interactive.get(&kind)?;
    if kind == "nfm_reply" {
        return Some(InboundContent::Form(form(reply)));
    }
    let id = text(reply, "/id").unwrap_or_default();
    let title = text(reply, "/title").or_else(|| text(reply, "/id"))?;
    Some(match kind.as_str() {
        "button_reply" => InboundContent::ButtonReply { id, title },
        _ => InboundContent::ListReply { id, title, description: text(reply, "/description") },
    })
}

fn form(reply: &Value) -> FormReply {
    let response = text(reply, "/response_json");
    let response = response.or_else(|| reply.get("response_json").map(Value::to_string)).unwrap_or_default();
    FormReply { name: text(reply, "/name"), body: text(reply, "/body"), response }
}

fn media(media: &Value, kind: MediaKind) -> Option<InboundMedia> {
    Some(InboundMedia {
        kind,
        id: text(media, "/id")?,
        mime_type: word(media, "/mime_type"),
        sha256: word(media, "/sha256"),
        caption: text(media, "/caption"),
        filename: text(media, "/filename"),
        is_voice: flag(media, "/voice") == Some(true),
    })
}

/// The most digits of a number that are kept exactly.
const DIGITS_MAX: usize = 28;

/// The first second of the year 9999: later times are of no calendar.
const LATEST: i64 = 253_370_764_800;

fn order(item: &Value, raw: &Value) -> InboundOrder {
    let given = list(raw, "/product_items");
    let items: Vec<OrderItem> = given.iter().filter_map(order_item).collect();
    InboundOrder {
        catalog_id: word(raw, "/catalog_id"),
        text: text(raw, "/text"),
        unreadable: given.len() - items.len(),
        items,
        raw: raw.clone(),
        dated: DateTime::from_timestamp(LATEST, 0).and_then(|latest| time(item, "/timestamp", latest)),
    }
}

fn order_item(item: &Value) -> Option<OrderItem> {
    Some(OrderItem {
        product_retailer_id: text(item, "/product_retailer_id")?,
        quantity: decimal(item, "/quantity")?,
        price: decimal(item, "/item_price"),
        currency: word(item, "/currency"),
    })
}

/// The number as it was written, to the last digit. `None` where a digit would be lost.
fn decimal(value: &Value, place: &str) -> Option<Decimal> {
    let written = text(value, place)?;
    let written = written.trim();
    Decimal::from_str_exact(written)
        .ok()
        .or_else(|| Decimal::from_scientific(written).ok().filter(|_| is_scientific(written)))
}

/// `1e3`; anything else was read, or has too many digits.
fn is_scientific(written: &str) -> bool {
    written.contains(['e', 'E']) && written.chars().filter(char::is_ascii_digit).count() <= DIGITS_MAX
}

/// A new number or id is a change whatever the type says: Meta has named it in four ways.
fn system(item: &Value, system: &Value) -> SystemChange {
    if let Some(wish) = word(system, "/marketing").as_deref().and_then(MarketingWish::of_word) {
        return SystemChange::Preference(wish);
    }
    match IdentityChange::of_system(item, system) {
        Some(change) => SystemChange::Identity(change),
        None => SystemChange::Other { kind: word(system, "/type"), body: word(system, "/body") },
    }
}

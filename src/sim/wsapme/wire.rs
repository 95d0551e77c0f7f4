//! WSAPME's wire format: the bodies it sends, field by field and in their order.
//!
//! What is not documented anywhere (how a status is wrapped, the refusal texts) is marked as our guess.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::{
    chance::{Chance, Draw},
    fate::WireStatus,
};

/// The envelope of every response: `{"success":…,"message":…,"data":…}`.
#[derive(Debug, Serialize)]
pub struct Envelope<'a, T> {
    pub success: bool,
    pub message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
}

/// An empty object.
#[derive(Debug, Serialize)]
pub struct Empty {}

/// One message as the gateway knows it: the response to a send, and (our guess) to a status request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebMessage<'a> {
    key: MessageKey<'a>,
    message: Content<'a>,
    /// The time of sending, seconds as text.
    message_timestamp: String,
    status: &'static str,
    /// When the server received it: seconds or milliseconds, as text.
    #[serde(rename = "messageC2STimestamp", skip_serializing_if = "Option::is_none")]
    c2s_timestamp: Option<String>,
}

/// The facts about a message.
#[derive(Debug, Clone, Copy)]
pub struct MessageFacts<'a> {
    pub phone: &'a str,
    pub id: &'a str,
    pub text: &'a str,
    pub sent: DateTime<Utc>,
    pub status: WireStatus,
    /// When the server received it, if it has.
    pub server_ack: Option<DateTime<Utc>>,
    /// Chooses between the formats that were seen.
    pub chance: Chance,
}

impl<'a> WebMessage<'a> {
    pub fn of(facts: MessageFacts<'a>) -> Self {
        Self {
            key: MessageKey { remote_jid: jid(facts.phone), from_me: true, id: facts.id },
            message: Content::of(facts.text, facts.chance),
            message_timestamp: facts.sent.timestamp().to_string(),
            status: facts.status.as_str(),
            c2s_timestamp: facts.server_ack.map(|at| c2s(at, facts.chance)),
        }
    }
}

/// `60123456789@s.whatsapp.net`.
pub fn jid(phone: &str) -> String {
    format!("{phone}@s.whatsapp.net")
}

/// Both units were seen; each in half of the messages.
fn c2s(at: DateTime<Utc>, chance: Chance) -> String {
    if chance.happens(Draw::C2sUnit, 0.5) { at.timestamp_millis().to_string() } else { at.timestamp().to_string() }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageKey<'a> {
    remote_jid: String,
    from_me: bool,
    id: &'a str,
}

/// The text, in the two shapes that were seen.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    #[serde(rename_all = "camelCase")]
    Extended {
        extended_text_message: ExtendedText<'a>,
        message_context_info: ContextInfo,
    },
    Plain {
        conversation: &'a str,
    },
}

impl<'a> Content<'a> {
    /// Three in four are the extended shape.
    fn of(text: &'a str, chance: Chance) -> Self {
        if chance.happens(Draw::Shape, 0.25) {
            return Self::Plain { conversation: text };
        }
        Self::Extended {
            extended_text_message: ExtendedText { text, context_info: Expiration { expiration: 0 } },
            message_context_info: ContextInfo { message_secret: secret(chance) },
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtendedText<'a> {
    text: &'a str,
    context_info: Expiration,
}

#[derive(Debug, Serialize)]
struct Expiration {
    expiration: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ContextInfo {
    message_secret: String,
}

/// Looks like base64 of 32 bytes: 43 characters, the last of them with two zero bits, and one `=`.
fn secret(chance: Chance) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const LAST: &[u8; 16] = b"AEIMQUYcgkosw048";

    let mut text = String::with_capacity(44);
    for place in 0..42 {
        let digit = usize::try_from(chance.nth_bits(Draw::Secret, place) % 64).unwrap_or(0);
        text.push(char::from(ALPHABET[digit]));
    }
    text.push(char::from(chance.pick(Draw::Secret, LAST)));
    text.push('=');
    text
}

/// The response of the older call.
#[derive(Debug, Serialize)]
pub struct FlatMessage<'a> {
    #[serde(rename = "messageId")]
    pub message_id: &'a str,
    pub id_device: &'a str,
    pub jid: String,
    pub message: &'a str,
    pub status: &'static str,
    /// The number of messages (our guess).
    pub qt: u32,
}

/// One linked phone.
#[derive(Debug, Serialize)]
pub struct LinkedPhone<'a> {
    pub id_device: &'a str,
    pub device_name: String,
    pub status: &'static str,
}

//! What is in a message as WhatsApp's own clients have it: one key for each kind, under as many wrappers as it came in.

use serde_json::Value;

use super::super::wire;
use super::text;
use crate::domain::ids::MessageId;

/// What a message may be wrapped in: one that disappears, is seen once, has a document with words, or replaces an earlier one.
const WRAPPERS: [&str; 6] = [
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "viewOnceMessageV2Extension",
    "documentWithCaptionMessage",
    "editedMessage",
];
/// Wrappers within each other, at most.
const WRAPPED_MAX: usize = 8;

/// Where words are, the likeliest first.
const WORDS: [&str; 8] = [
    "/conversation",
    "/extendedTextMessage/text",
    "/imageMessage/caption",
    "/videoMessage/caption",
    "/documentMessage/caption",
    "/buttonsResponseMessage/selectedDisplayText",
    "/listResponseMessage/title",
    "/templateButtonReplyMessage/selectedDisplayText",
];

/// What says something without words.
const WORDLESS: [(&str, &str); 7] = [
    ("imageMessage", "image"),
    ("videoMessage", "video"),
    ("documentMessage", "document"),
    ("audioMessage", "audio"),
    ("stickerMessage", "sticker"),
    ("locationMessage", "location"),
    ("contactMessage", "contact"),
];

/// What nobody wrote: reactions, votes, and what clients tell each other.
const NOTHING: [&str; 8] = [
    "reactionMessage",
    "encReactionMessage",
    "pollUpdateMessage",
    "protocolMessage",
    "senderKeyDistributionMessage",
    "messageContextInfo",
    "keepInChatMessage",
    "pinInChatMessage",
];

/// The message in a record, out of its wrappers.
pub(super) fn content(record: &Value) -> Option<&Value> {
    let mut content = record.get("message").filter(|message| message.is_object())?;
    for _ in 0..WRAPPED_MAX {
        let wrapped = WRAPPERS.iter().find_map(|wrapper| content.get(*wrapper)?.get("message"));
        let inner = wrapped.or_else(|| content.pointer("/protocolMessage/editedMessage"));
        match inner.filter(|inner| inner.is_object()) {
            Some(inner) => content = inner,
            None => break,
        }
    }
    Some(content)
}

/// Its words, in each place that has some.
pub(super) fn words(content: &Value) -> impl Iterator<Item = String> {
    WORDS.iter().filter_map(move |place| text(content, place))
}

/// What it is where it needs no words.
pub(super) fn kind(content: &Value) -> Option<&'static str> {
    WORDLESS.iter().find(|(key, _)| content.get(*key).is_some_and(Value::is_object)).map(|(_, kind)| *kind)
}

/// A kind by the word that replies have for it, whichever provider they came by.
pub(super) fn word(kind: &str) -> &str {
    match kind {
        "image" => "picture",
        "audio" | "voice" | "ptt" => "voice message",
        other => other,
    }
}

/// Whether it has anything that somebody wrote.
pub(super) fn is_written(content: &Value) -> bool {
    content.as_object().is_some_and(|parts| parts.keys().any(|key| !NOTHING.contains(&key.as_str())))
}

/// The message that it quotes.
pub(super) fn quoted(content: &Value) -> Option<MessageId> {
    content.as_object()?.values().find_map(|part| wire::message_id(part, &["/contextInfo/stanzaId"]))
}

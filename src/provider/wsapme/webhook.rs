//! WSAPME's webhooks. They carry no signature; the secret in our address is the proof. No status event was ever recorded, so
//! that three shapes are read, each alone, under `data` or in a list, as JSON or as a form, in one part or in several (`docs/WSAPME.md`).

mod content;
mod multipart;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::Sha256;

use self::content::{content, is_written};
use self::multipart::MultipartForm;
use super::status::{stage_of, status_text};
use super::wire;
use crate::domain::ids::MessageId;
use crate::provider::ProviderStage;

/// What one record of a webhook says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WsapmeEvent {
    Status(WsapmeStatus),
    Message(WsapmeMessage),
    /// It changes nothing; what it is, for the log.
    Other(String),
    Unreadable(String),
}

/// The status of a message that we sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsapmeStatus {
    pub message_id: MessageId,
    /// In upper case, or its number as text.
    pub status: String,
    /// `None` for one that changes nothing.
    pub stage: Option<ProviderStage>,
    /// When the stage was reached, where that is said.
    pub at: Option<DateTime<Utc>>,
    /// Client to server: never a delivery time.
    pub c2s_at: Option<DateTime<Utc>>,
    pub error_code: Option<String>,
}

/// A message from a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsapmeMessage {
    /// E.164 digits without the plus; `None` for a privacy id without a number beside it.
    pub from: Option<String>,
    /// The gateway gives none, as a rule.
    pub id: Option<MessageId>,
    /// `text`, `image` and so on.
    pub kind: String,
    pub text: String,
    /// The address of a picture or document.
    pub file: Option<String>,
    pub name: Option<String>,
    pub quoted: Option<MessageId>,
    pub at: Option<DateTime<Utc>>,
}

/// Whether a secret in an address is this one, compared in a time that says nothing about where they differ.
pub fn is_secret(known: &SecretString, given: &str) -> bool {
    let keyed = || Hmac::<Sha256>::new_from_slice(b"webhook").ok();
    let (Some(mut left), Some(mut right)) = (keyed(), keyed()) else { return false };
    left.update(known.expose_secret().as_bytes());
    right.update(given.as_bytes());
    !given.is_empty() && left.verify(&right.finalize().into_bytes()).is_ok()
}

/// What is in a webhook, in its order. `now` bounds the times that are believed. Never fails.
pub fn parse(body: &[u8], now: DateTime<Utc>) -> Vec<WsapmeEvent> {
    let mut events = Vec::new();
    if multipart::is_multipart(body) {
        match multipart::read(body) {
            Ok(form) => of_multipart(form, now, &mut events),
            Err(why) => events.push(WsapmeEvent::Unreadable(format!("a multipart form {why}"))),
        }
        return events;
    }
    match wire::json(body).or_else(|| form(body)) {
        Some(value) => records(&value, now, &mut events),
        None => events.push(WsapmeEvent::Unreadable(wire::describe(body).to_owned())),
    }
    events
}

/// What its fields say counts, whatever becomes of a file beside them.
fn of_multipart(form: MultipartForm, now: DateTime<Utc>, events: &mut Vec<WsapmeEvent>) {
    let MultipartForm { fields, files } = form;
    if !fields.is_empty() {
        records(&object(fields), now, events);
    }
    if files > 0 {
        events.push(WsapmeEvent::Unreadable("a multipart form with a file: only its other fields are read".to_owned()));
    }
}

/// Records nest in `data` and in lists; deeper than this nothing is looked for.
fn records(value: &Value, now: DateTime<Utc>, events: &mut Vec<WsapmeEvent>) {
    if let Value::Array(items) = value {
        return items.iter().for_each(|item| records(item, now, events));
    }
    if !value.is_object() {
        return events.push(WsapmeEvent::Unreadable("a record that is no object".to_owned()));
    }
    if let Some(event) = record(value, now) {
        return events.push(event);
    }
    match value.get("data").or_else(|| value.get("messages")) {
        Some(inner @ (Value::Array(_) | Value::Object(_))) => records(inner, now, events),
        _ => events.push(WsapmeEvent::Other("neither a status nor a message".to_owned())),
    }
}

/// A status before anything else: one of the shapes of a status also has a message in it. Not where somebody else wrote it, by
/// its flag or, without one, by the name of who it is from.
fn record(value: &Value, now: DateTime<Utc>) -> Option<WsapmeEvent> {
    let status = || status(value, now).map(WsapmeEvent::Status);
    let is_ours = flag(value.pointer("/key/fromMe")).or_else(|| flag(value.get("fromMe")));
    let is_update = value.get("update").is_some_and(Value::is_object);
    let event = match is_ours {
        Some(false) => message(value, now),
        None if !is_update && value.get("from").is_some() => message(value, now).or_else(status),
        Some(true) | None => status().or_else(|| message(value, now)),
    };
    event.or_else(|| wordless(value).filter(|_| is_ours != Some(true)))
}

/// A message of somebody's in which no words are found: kept as one that cannot be read, since it may ask to stop.
fn wordless(value: &Value) -> Option<WsapmeEvent> {
    let (jid, content) = (text(value, "/key/remoteJid")?, content(value)?);
    if matches!(writer(&jid), Writer::Group) {
        return Some(WsapmeEvent::Other("a message in a group".to_owned()));
    }
    if !is_written(content) {
        return Some(WsapmeEvent::Other("a message in which nothing is written".to_owned()));
    }
    let keys: Vec<&str> = content.as_object()?.keys().map(String::as_str).collect();
    Some(WsapmeEvent::Unreadable(format!("a message without words that are known: {}", wire::short(&keys.join(", ")))))
}

fn status(value: &Value, now: DateTime<Utc>) -> Option<WsapmeStatus> {
    let message_id = wire::message_id(value, &["/key/id", "/messageId", "/message_id", "/id"])?;
    let update = value.get("update").filter(|update| update.is_object());
    let texts = [update.and_then(|update| update.get("status")), value.get("status"), value.get("messageStatus")];
    let status = texts.into_iter().flatten().find_map(status_text)?;
    let stage = stage_of(&status);
    let time = |record: &Value, key: &str| record.get(key).and_then(|at| wire::timestamp(at, now));
    // In an update it is the time of the receipt; in a message's record that of sending, whatever came since.
    let sent_at = || time(value, "messageTimestamp").filter(|_| stage == Some(ProviderStage::Sent));
    let error = update.unwrap_or(value);
    Some(WsapmeStatus {
        at: update.and_then(|update| time(update, "messageTimestamp")).or_else(sent_at),
        c2s_at: time(value, "messageC2STimestamp").or_else(|| time(error, "messageC2STimestamp")),
        error_code: (stage == Some(ProviderStage::Failed)).then(|| error_code(error)).flatten(),
        message_id,
        status,
        stage,
    })
}

fn error_code(record: &Value) -> Option<String> {
    let places = ["/messageStubParameters/0", "/errorCode", "/error/code", "/code", "/error"];
    places.iter().find_map(|place| wire::integer(record.pointer(place)?)).map(|code| code.to_string())
}

fn message(value: &Value, now: DateTime<Utc>) -> Option<WsapmeEvent> {
    let from = text(value, "/from").or_else(|| text(value, "/key/remoteJid"))?;
    let content = content(value);
    let beside = ["/text", "/body"].iter().filter_map(|place| text(value, place));
    let mut words =
        text(value, "/message").into_iter().chain(content.into_iter().flat_map(content::words)).chain(beside);
    let first = words.next();
    let words = first.iter().cloned().chain(words).find(|text| !text.trim().is_empty()).or(first);
    let file = text(value, "/file").filter(|file| !file.is_empty());
    let known = || content.and_then(content::kind).map(str::to_owned);
    let kind = text(value, "/type").or_else(known).unwrap_or_else(|| "text".to_owned());
    if words.is_none() && file.is_none() && kind == "text" {
        return None;
    }
    if flag(value.pointer("/key/fromMe")) == Some(true) || flag(value.get("fromMe")) == Some(true) {
        return Some(WsapmeEvent::Other("a message of our own".to_owned()));
    }
    if flag(value.get("is_broadcast")) == Some(true) {
        return Some(WsapmeEvent::Other("a message to a broadcast list".to_owned()));
    }
    let from = match writer(&from) {
        Writer::Person(digits) => Some(digits),
        Writer::Nameless => number_beside(value),
        Writer::Group => return Some(WsapmeEvent::Other("a message in a group".to_owned())),
    };
    let at = ["timestamp", "messageTimestamp"].iter().find_map(|key| wire::timestamp(value.get(*key)?, now));
    Some(WsapmeEvent::Message(WsapmeMessage {
        from,
        id: wire::message_id(value, &["/key/id", "/messageId", "/id"]),
        kind: content::word(&wire::short(&kind).to_lowercase()).to_owned(),
        text: words.unwrap_or_default(),
        file,
        name: text(value, "/pushName").or_else(|| text(value, "/dataSender/name")),
        quoted: content.and_then(content::quoted).or_else(|| wire::message_id(value, &["/quotedMessageId"])),
        at,
    }))
}

/// Who wrote, by the name of the chat.
enum Writer {
    Person(String),
    Nameless,
    Group,
}

/// The number that stands beside a privacy id.
fn number_beside(value: &Value) -> Option<String> {
    let places = ["/key/senderPn", "/key/remoteJidAlt", "/senderPn", "/remoteJidAlt"];
    places.iter().find_map(|place| match writer(&text(value, place)?) {
        Writer::Person(digits) => Some(digits),
        Writer::Nameless | Writer::Group => None,
    })
}

/// `60…@s.whatsapp.net`, `60…@c.us`, `60…:12@s.whatsapp.net`, or the bare digits.
fn writer(jid: &str) -> Writer {
    let (user, server) = jid.trim().split_once('@').unwrap_or((jid.trim(), ""));
    match server.to_ascii_lowercase().as_str() {
        "g.us" | "broadcast" | "newsletter" => return Writer::Group,
        "lid" | "hosted.lid" => return Writer::Nameless,
        _ => {}
    }
    let digits = user.split_once(':').map_or(user, |(digits, _device)| digits);
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let is_phone = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_phone { Writer::Person(digits.to_owned()) } else { Writer::Nameless }
}

/// `true`, or the word.
fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

fn text(value: &Value, place: &str) -> Option<String> {
    match value.pointer(place)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Fields of a form that hold what somebody wrote: `true` and `[1]` are words there.
const WORDS: [&str; 7] = ["message", "text", "body", "conversation", "caption", "selectedDisplayText", "title"];

/// A form as an object; values that are JSON are read as such, and `key[id]=…` is an object within it, as PHP and `qs` write one.
fn form(body: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(body).ok()?.trim();
    if !text.contains('=') || text.starts_with('<') {
        return None;
    }
    let mut url = Url::parse("http://form/").ok()?;
    url.set_query(Some(text));
    Some(object(url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned()))))
}

fn object(fields: impl IntoIterator<Item = (String, String)>) -> Value {
    let mut form = Map::new();
    for (key, value) in fields {
        let path: Vec<&str> = key.split('[').map(|step| step.strip_suffix(']').unwrap_or(step)).collect();
        let is_words = path.last().is_some_and(|last| WORDS.contains(last));
        let parsed = wire::json(value.as_bytes()).filter(|parsed| !is_words || parsed.is_object());
        insert(&mut form, &path, parsed.unwrap_or(Value::String(value)));
    }
    Value::Object(form)
}

/// Objects in a form that stand within each other, at most.
const FORM_DEPTH: usize = 8;

/// Puts a value where its path leads, in objects that are made on the way. Not where a value stands, nor deeper than anything is read.
fn insert(form: &mut Map<String, Value>, path: &[&str], value: Value) {
    let Some((last, steps)) = path.split_last().filter(|(_, steps)| steps.len() < FORM_DEPTH) else { return };
    let within = steps.iter().try_fold(form, |object, step| {
        object.entry(*step).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
    });
    if let Some(object) = within {
        object.insert((*last).to_owned(), value);
    }
}

#[cfg(test)]
mod tests;

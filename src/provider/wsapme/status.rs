//! Parses the response to a status request: a known status in a known place, or nothing.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::http::HttpAnswer;
use super::super::{ProviderStage, StatusFinding, StatusQuery, StatusReport};
use super::refusal::{RefusalMeaning, UNAUTHORISED, meaning};
use super::wire::{self, Success};
use crate::domain::ids::MessageId;
use crate::domain::retry::ErrorClass;

/// The records that may hold a status, in the order of `docs/WSAPME.md`.
const RECORDS: [&str; 3] = ["/data", "", "/data/0"];

/// The fields of a record that may hold a status.
const FIELDS: [&str; 2] = ["status", "messageStatus"];

/// WhatsApp's statuses and their numbers, as the gateway's library defines them.
const STAGES: [(&str, i64, ProviderStage); 7] = [
    ("ERROR", 0, ProviderStage::Failed),
    ("PENDING", 1, ProviderStage::Sent),
    ("SERVER_ACK", 2, ProviderStage::Sent),
    ("DELIVERY_ACK", 3, ProviderStage::Delivered),
    ("READ", 4, ProviderStage::Read),
    ("READ_ACK", 4, ProviderStage::Read),
    ("PLAYED", 5, ProviderStage::Read),
];

/// The stage of a status (in any case) or of its number as text.
pub fn stage_of(status: &str) -> Option<ProviderStage> {
    let status = status.trim();
    let number = status.bytes().all(|byte| byte.is_ascii_digit()).then(|| status.parse::<i64>().ok()).flatten();
    let known = STAGES.iter().find(|(name, value, _)| name.eq_ignore_ascii_case(status) || number == Some(*value));
    known.map(|(_, _, stage)| *stage)
}

/// A status in upper case, or its number as text, known or not. A boolean is never one: other calls return account data
/// with `"status": true`.
pub(super) fn status_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(wire::short(text).to_uppercase()).filter(|status| !status.is_empty()),
        Value::Number(number) => number.as_i64().map(|number| number.to_string()),
        _ => None,
    }
}

/// Parses the response to a status request. `None` when it is about another message or another person.
pub(super) fn read(answer: &HttpAnswer, asked: StatusQuery<'_>, now: DateTime<Utc>) -> Option<StatusFinding> {
    let body = wire::json(&answer.body);
    if body.as_ref().is_some_and(|value| is_about_another(value, asked)) {
        return None;
    }
    Some(match (answer.status, &body) {
        (401 | 403, _) => {
            let sentence = body.as_ref().map(wire::sentence).filter(|sentence| !sentence.is_empty());
            let message = sentence.unwrap_or_else(|| format!("HTTP {}", answer.status));
            StatusFinding::Refused { code: UNAUTHORISED.to_owned(), message }
        }
        (429, _) => StatusFinding::Throttled { retry_after: answer.retry_after },
        // A gateway that is down for a while may report until when.
        (503, _) if answer.retry_after.is_some() => StatusFinding::Throttled { retry_after: answer.retry_after },
        (_, Some(value)) if wire::success(value) == Success::No => no(value, answer),
        (200..=299, Some(value)) => report(value, now),
        (status, _) => StatusFinding::Nothing { why: format!("HTTP {status}: {}", wire::describe(&answer.body)) },
    })
}

/// Where an answer may name its message.
const IDS: [&str; 6] =
    ["/data/key/id", "/key/id", "/data/0/key/id", "/data/messageId", "/messageId", "/data/0/messageId"];

fn is_about_another(value: &Value, asked: StatusQuery<'_>) -> bool {
    wire::message_id(value, &IDS).is_some_and(|other| other != *asked.id) || wire::names_another(value, asked.to)
}

/// Whether an answer names the message that was asked about, or its recipient.
pub(super) fn names_asked(answer: &HttpAnswer, asked: StatusQuery<'_>) -> bool {
    wire::json(&answer.body).is_some_and(|value| {
        wire::message_id(&value, &IDS).is_some_and(|id| id == *asked.id) || wire::names(&value, asked.to)
    })
}

/// Whether it says no, in words that can be read.
pub(super) fn is_refusal(answer: &HttpAnswer) -> bool {
    wire::json(&answer.body).is_some_and(|value| wire::success(&value) == Success::No)
}

/// `success: false`: usually "not available", sometimes a sender that cannot poll at all.
fn no(value: &Value, answer: &HttpAnswer) -> StatusFinding {
    let sentence = wire::sentence(value);
    match meaning(&sentence) {
        RefusalMeaning::Refused { class: ErrorClass::StopSender, code } => {
            StatusFinding::Refused { code: code.to_owned(), message: sentence }
        }
        RefusalMeaning::Refused { class: ErrorClass::SlowSender, .. } => {
            StatusFinding::Throttled { retry_after: answer.retry_after }
        }
        _ => StatusFinding::Nothing { why: format!("not available: {sentence}") },
    }
}

fn report(value: &Value, now: DateTime<Utc>) -> StatusFinding {
    let places = RECORDS.iter().filter_map(|record| value.pointer(record));
    let statuses = places
        .flat_map(|record| FIELDS.iter().filter_map(move |field| Some((record, status_text(record.get(field)?)?))));
    let statuses: Vec<_> = statuses.collect();
    let known = statuses.iter().find_map(|(record, status)| Some((*record, status, stage_of(status)?)));
    match (known, statuses.first()) {
        (Some((record, status, stage)), _) => StatusFinding::Known(learned(record, status, stage, now)),
        (None, Some((_, status))) => StatusFinding::Unrecognised { status: status.clone() },
        (None, None) => StatusFinding::Nothing { why: "no status in the answer".to_owned() },
    }
}

fn learned(record: &Value, status: &str, stage: ProviderStage, now: DateTime<Utc>) -> StatusReport {
    let time = |field: &str| record.get(field).and_then(|at| wire::timestamp(at, now));
    StatusReport {
        stage,
        status: status.to_owned(),
        // In a message's record it is the time of sending, whatever stage the message has reached since.
        at: time("messageTimestamp").filter(|_| stage == ProviderStage::Sent),
        c2s_at: time("messageC2STimestamp"),
        error_code: (stage == ProviderStage::Failed).then(|| error_code(record)).flatten(),
    }
}

/// WhatsApp's own code of a failure, such as 463 (restricted): the gateway's library puts it into the stub parameters.
fn error_code(record: &Value) -> Option<String> {
    let places = ["/messageStubParameters/0", "/errorCode", "/error/code", "/code", "/error"];
    places.iter().find_map(|place| wire::integer(record.pointer(place)?)).map(|code| code.to_string())
}

/// The body of `messageInfo`, which has to repeat the response to the send verbatim.
#[derive(Serialize)]
pub(super) struct MessageInfo<'a> {
    id_device: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jid: Option<String>,
    messages: Box<RawValue>,
}

pub(super) fn message_info<'a>(device: &'a str, id: &MessageId, send_reply: &[u8]) -> MessageInfo<'a> {
    let jid = wire::json(send_reply).and_then(|value| Some(value.pointer("/data/key/remoteJid")?.as_str()?.to_owned()));
    let verbatim = serde_json::from_slice::<WithData>(send_reply).ok().map(|reply| reply.data);
    let messages = verbatim.filter(|_| jid.is_some()).unwrap_or_else(|| key_alone(id));
    MessageInfo { id_device: device, jid, messages }
}

#[derive(serde::Deserialize)]
struct WithData {
    data: Box<RawValue>,
}

/// The minimal reference to a message, for when the response to its send is missing.
fn key_alone(id: &MessageId) -> Box<RawValue> {
    let key = serde_json::json!({ "key": { "fromMe": true, "id": id.as_str() } });
    RawValue::from_string(key.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests;

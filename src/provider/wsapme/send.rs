//! Classifies the response to a send: accepted, known not to be accepted, or unknown.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::super::http::HttpAnswer;
use super::super::{NOT_CONNECTED, SendOutcome, bare_status};
use super::refusal::{RefusalMeaning, UNAUTHORISED, meaning};
use super::status::status_text;
use super::wire::{self, Success};
use crate::domain::ids::MessageId;
use crate::domain::retry::ErrorClass;

/// Where a message's id may be, the most reliable first.
const ID_PLACES: [&str; 3] = ["/data/key/id", "/messageId", "/data/messageId"];

/// Classifies by HTTP status and body. Only an explicit refusal is known not to be accepted; all else is unknown.
/// `None` when the response names somebody other than `to`, and so is about another message.
pub(super) fn classify(answer: &HttpAnswer, to: &str, now: DateTime<Utc>) -> Option<SendOutcome> {
    let body = wire::json(&answer.body);
    if body.as_ref().is_some_and(|value| wire::names_another(value, to)) {
        return None;
    }
    Some(match (answer.status, &body) {
        (status, Some(value)) if !(200..=299).contains(&status) && accepts(value) => {
            unknown(answer, "refuses, and yet says yes or gives a message id")
        }
        (429, _) => throttled(answer, body.as_ref()),
        (401 | 403, _) => rejected(ErrorClass::StopSender, UNAUTHORISED, http_sentence(answer, body.as_ref())),
        (200..=299, Some(value)) => accepted_or_not(value, answer, now),
        (_, Some(value)) if wire::success(value) == Success::No => refused(value, answer),
        (status, _) => bare(status, answer, body.as_ref()),
    })
}

/// The connection failed before a byte was sent.
pub(super) fn not_connected(why: String) -> SendOutcome {
    rejected(ErrorClass::PauseBlast, NOT_CONNECTED, why)
}

/// This machine cannot create a client: an operator has to fix it.
pub(super) fn no_client(why: String) -> SendOutcome {
    rejected(ErrorClass::StopSender, "client", why)
}

/// A linked phone sends texts only. Such a blast is refused before it starts, so that this is never reached.
pub(super) fn no_templates() -> SendOutcome {
    rejected(ErrorClass::PauseBlast, "template", "WSAPME sends texts only: use a sender of Meta's".to_owned())
}

fn accepted_or_not(value: &Value, answer: &HttpAnswer, now: DateTime<Utc>) -> SendOutcome {
    let id = wire::message_id(value, &ID_PLACES);
    match (wire::success(value), id) {
        (Success::No, _) => refused(value, answer),
        (Success::Yes, Some(id)) => accepted(id, value, now),
        // The bare record of the older call: it has no `success`, and its id is at the top level.
        (Success::Unsaid, Some(id)) if is_bare_record(value) => accepted(id, value, now),
        (Success::Yes, None) => unknown(answer, "says yes, but gives no readable message id"),
        (Success::Unsaid, _) => unknown(answer, wire::describe(&answer.body)),
    }
}

/// Whether a body, taken alone, says that the message was accepted.
fn accepts(value: &Value) -> bool {
    wire::success(value) == Success::Yes || wire::message_id(value, &ID_PLACES).is_some()
}

fn is_bare_record(value: &Value) -> bool {
    value.get("success").is_none() && value.get("messageId").is_some() && value.get("id_device").is_some()
}

fn accepted(message_id: MessageId, value: &Value, now: DateTime<Utc>) -> SendOutcome {
    let record = value.get("data").filter(|data| data.is_object()).unwrap_or(value);
    SendOutcome::Accepted {
        message_id,
        provider_status: record.get("status").and_then(status_text),
        message_timestamp: record.get("messageTimestamp").and_then(|at| wire::timestamp(at, now)),
        known_as: None,
    }
}

fn refused(value: &Value, answer: &HttpAnswer) -> SendOutcome {
    if wire::message_id(value, &ID_PLACES).is_some() {
        return unknown(answer, "says no, and yet gives a message id");
    }
    let sentence = wire::sentence(value);
    match meaning(&sentence) {
        RefusalMeaning::Refused { class, code } => {
            let code = own_code(value).unwrap_or_else(|| code.to_owned());
            SendOutcome::Rejected { class, code, message: sentence, retry_after: answer.retry_after }
        }
        RefusalMeaning::Unclear => unknown(answer, &format!("says: {sentence}")),
    }
}

/// The gateway's own code, if it has one.
fn own_code(value: &Value) -> Option<String> {
    let code = ["/code", "/error/code", "/errorCode"].iter().find_map(|place| value.pointer(place))?;
    wire::integer(code).map(|code| code.to_string())
}

fn throttled(answer: &HttpAnswer, body: Option<&Value>) -> SendOutcome {
    SendOutcome::Rejected {
        class: ErrorClass::SlowSender,
        code: super::refusal::THROTTLED.to_owned(),
        message: http_sentence(answer, body),
        retry_after: answer.retry_after,
    }
}

/// Classifies statuses whose body is no explicit refusal.
fn bare(status: u16, answer: &HttpAnswer, body: Option<&Value>) -> SendOutcome {
    match bare_status::refusal(status, ": check base_url and the account") {
        Some((class, rest)) => rejected(class, &format!("http_{status}"), http_sentence(answer, body) + rest),
        None => unknown(answer, wire::describe(&answer.body)),
    }
}

fn rejected(class: ErrorClass, code: &str, message: String) -> SendOutcome {
    SendOutcome::Rejected { class, code: code.to_owned(), message, retry_after: None }
}

fn unknown(answer: &HttpAnswer, what: &str) -> SendOutcome {
    SendOutcome::Unknown { why: format!("WSAPME answers HTTP {}: {what}", answer.status) }
}

/// The gateway's sentence, else one with the HTTP status.
fn http_sentence(answer: &HttpAnswer, body: Option<&Value>) -> String {
    let sentence = body.map(wire::sentence).unwrap_or_default();
    if sentence.is_empty() { format!("HTTP {}", answer.status) } else { sentence }
}

#[cfg(test)]
mod tests;

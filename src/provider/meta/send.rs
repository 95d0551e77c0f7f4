//! The request of a send, and what its answer means: accepted, known not to be accepted, or unknown.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::http::HttpAnswer;
use super::super::lenient::{describe, exact_json, json, short};
use super::super::{MessageContent, NOT_CONNECTED, Outgoing, SendOutcome, bare_status};
use super::codes;
use super::error::MetaError;
use super::usage::ApiUsage;
use super::webhook::BusinessUserId;
use crate::domain::ids::MessageId;
use crate::domain::phone::PersonKey;
use crate::domain::retry::ErrorClass;

/// The body of `POST /{phone_number_id}/messages` but for its content, the keys in the order of Meta's examples.
#[derive(Serialize)]
struct MessageRequest<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    /// With a plus: without it Meta puts the business's own country code in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// Instead of a number, the person's id within the business.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct RequestText<'a> {
    preview_url: bool,
    body: &'a str,
}

/// The body of a send.
pub(super) fn body(message: &Outgoing) -> Vec<u8> {
    let is_by_id = BusinessUserId::new(&message.to).is_some();
    let request = MessageRequest {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        to: (!is_by_id).then(|| format!("+{}", message.to)),
        recipient: is_by_id.then_some(message.to.as_str()),
        kind: if matches!(message.content, MessageContent::Text(_)) { "text" } else { "template" },
    };
    let mut body = Vec::with_capacity(512);
    // It consists of strings, which always serialise.
    let _ = serde_json::to_writer(&mut body, &request);
    // The object stays open: its further fields follow.
    body.pop();
    match &message.content {
        MessageContent::Text(text) => add(&mut body, "text", &RequestText { preview_url: true, body: text }),
        // JSON already, written once for all people but for their values: reading it again took longer than writing it.
        MessageContent::Template(template) => {
            add_key(&mut body, "template");
            body.extend_from_slice(template.as_str().as_bytes());
        }
    }
    if let Some(data) = &message.callback_data {
        add(&mut body, "biz_opaque_callback_data", data);
    }
    body.push(b'}');
    body
}

/// Adds a field to an object that is open and has some.
fn add(object: &mut Vec<u8>, key: &str, value: &impl Serialize) {
    add_key(object, key);
    let _ = serde_json::to_writer(object, value);
}

fn add_key(object: &mut Vec<u8>, key: &str) {
    object.extend_from_slice(b",\"");
    object.extend_from_slice(key.as_bytes());
    object.extend_from_slice(b"\":");
}

/// What an answer has that accepts a message, as Meta writes it. Whatever is written otherwise is read with more patience.
#[derive(Deserialize)]
struct Acceptance<'a> {
    #[serde(borrow, default)]
    contacts: Vec<AcceptedContact<'a>>,
    #[serde(borrow)]
    messages: Vec<AcceptedMessage<'a>>,
    error: Option<IgnoredAny>,
    errors: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct AcceptedContact<'a> {
    input: Option<&'a str>,
    wa_id: Option<&'a str>,
}

#[derive(Deserialize)]
struct AcceptedMessage<'a> {
    id: &'a str,
    message_status: Option<&'a str>,
}

/// The outcome of an answer that accepts a message in the usual form; `None` for any other, and for one that names somebody else.
fn accepted(answer: &HttpAnswer, to: &str) -> Option<SendOutcome> {
    let body: Acceptance<'_> = serde_json::from_slice(&answer.body).ok().filter(|_| answer.status < 300)?;
    let is_named =
        body.contacts.iter().all(|contact| contact.input.and_then(|input| is_another(input, to)) != Some(true));
    let message = body.messages.first().filter(|_| is_named && body.error.is_none() && body.errors.is_none())?;
    let provider_status = message.message_status.map(short).filter(|status| !status.is_empty());
    let known_as = body.contacts.first().and_then(|contact| known_as(contact.wa_id?, to));
    let message_id = MessageId::new(message.id)?;
    Some(SendOutcome::Accepted { message_id, provider_status, message_timestamp: None, known_as })
}

/// Classifies by Meta's code, and without one by the HTTP status. Only an explicit refusal is known not to be accepted;
/// all else is unknown. `None` when the answer names somebody other than `to`, and so is about another message.
pub(super) fn classify(answer: &HttpAnswer, to: &str) -> Option<SendOutcome> {
    if let Some(accepted) = accepted(answer, to) {
        return Some(accepted);
    }
    let body = exact_json(&answer.body);
    if body.as_ref().is_some_and(|value| names_another(value, to)) {
        return None;
    }
    let error = body.as_ref().and_then(MetaError::of_answer);
    let id = body.as_ref().and_then(message_id);
    Some(match (error, id) {
        (Some(_), Some(_)) => unknown(answer, "refuses, and yet gives a message id"),
        (Some(error), None) => refused(&error, answer),
        (None, Some(message_id)) if answer.status < 300 => {
            let provider_status = body.as_ref().and_then(message_status);
            let known_as = wa_id(&answer.body).and_then(|wa_id| known_as(&wa_id, to));
            SendOutcome::Accepted { message_id, provider_status, message_timestamp: None, known_as }
        }
        (None, Some(_)) => unknown(answer, "gives a message id, and yet does not accept"),
        (None, None) => bare(answer),
    })
}

/// The connection failed before a byte was sent.
pub(super) fn not_connected(why: String) -> SendOutcome {
    rejected(ErrorClass::PauseBlast, NOT_CONNECTED, why, None)
}

/// This machine cannot create a client: an operator has to fix it.
pub(super) fn no_client(why: String) -> SendOutcome {
    rejected(ErrorClass::StopSender, "client", why, None)
}

/// Text, or a number as text.
fn message_id(body: &Value) -> Option<MessageId> {
    match body.get("messages")?.get(0)?.get("id")? {
        Value::String(id) => MessageId::new(id),
        Value::Number(id) => MessageId::new(&id.to_string()),
        _ => None,
    }
}

/// Whether Meta holds a template back at first: `accepted`, `held_for_quality_assessment` or `paused`.
fn message_status(body: &Value) -> Option<String> {
    let status = body.get("messages")?.get(0)?.get("message_status")?.as_str()?;
    Some(short(status)).filter(|status| !status.is_empty())
}

/// Meta's id of the person as a number, where it is another one than `to` and not only its other spelling.
fn known_as(wa_id: &str, to: &str) -> Option<String> {
    const E164_DIGITS: RangeInclusive<usize> = 7..=15;
    let own = PersonKey::of_digits(to.trim_start_matches('+'))?;
    let other = PersonKey::of_digits(wa_id).filter(|_| E164_DIGITS.contains(&wa_id.len()))?;
    (other != own).then(|| format!("+{wa_id}"))
}

/// Meta's id of the person, which is another spelling of the number in Brazil, Mexico and Argentina, and an older number where an
/// account was made before a renumbering.
pub fn wa_id(body: &[u8]) -> Option<String> {
    let body = json(body)?;
    let id = body.get("contacts")?.get(0)?.get("wa_id")?;
    let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    Some(id).filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether every number that the answer repeats is somebody else's. Only the last digits count: the country code may be
/// missing. Meta's own id of a person proves nothing.
fn names_another(body: &Value, to: &str) -> bool {
    // Sent to by their id, a person may be named by their number.
    if BusinessUserId::new(to).is_some() {
        return false;
    }
    let Some(contacts) = body.get("contacts").and_then(Value::as_array) else { return false };
    let inputs = contacts.iter().filter_map(|contact| match contact.get("input")? {
        Value::String(input) => Some(input.clone()),
        Value::Number(input) => Some(input.to_string()),
        _ => None,
    });
    let mut named = inputs.filter_map(|input| is_another(&input, to)).peekable();
    named.peek().is_some() && named.all(|is_another| is_another)
}

/// `None` for what is too short to name anybody.
fn is_another(input: &str, to: &str) -> Option<bool> {
    const LAST_DIGITS: usize = 8;
    const FEWEST_DIGITS: usize = 6;
    let pairs = digits_from_end(input).zip(digits_from_end(to)).take(LAST_DIGITS);
    let (compared, differs) = pairs.fold((0, false), |(n, differs), (one, other)| (n + 1, differs || one != other));
    (compared >= FEWEST_DIGITS).then_some(differs)
}

fn digits_from_end(number: &str) -> impl Iterator<Item = u8> {
    number.bytes().rev().filter(u8::is_ascii_digit)
}

/// Within 100, which stands for any wrong parameter: there is no such number, or it is not ours. Kept as 33, whose advice is about that.
const NO_SUCH_NUMBER: (Option<i64>, Option<i64>) = (Some(100), Some(33));

fn refused(error: &MetaError, answer: &HttpAnswer) -> SendOutcome {
    let message = if error.message.is_empty() { format!("HTTP {}", answer.status) } else { error.message.clone() };
    let reject = |class, wait| rejected(class, &error.code_text(), message.clone(), wait);
    if (error.code, error.subcode) == NO_SUCH_NUMBER {
        return rejected(ErrorClass::StopSender, "33", message, None);
    }
    let known = error.code.and_then(codes::of);
    match (known, answer.status) {
        (Some(entry), _) => reject(entry.class, wait(answer, entry)),
        (None, 429) => reject(ErrorClass::SlowSender, answer.retry_after),
        (None, 401) => reject(ErrorClass::StopSender, None),
        (None, 408 | 409 | 425 | 499) => unknown(answer, &message),
        (None, 400..=499) => reject(ErrorClass::FailRecipient, answer.retry_after),
        (None, 500..=599) if error.is_transient => reject(ErrorClass::Retry, answer.retry_after),
        (None, _) => unknown(answer, &message),
    }
}

/// What Meta asks for, else what its usage header foretells to a throttled app.
fn wait(answer: &HttpAnswer, entry: &codes::CodeEntry) -> Option<Duration> {
    let foretold = || ApiUsage::of(&answer.headers).blocked_for.filter(|_| entry.class == ErrorClass::SlowSender);
    answer.retry_after.or_else(foretold)
}

/// Classifies an answer without an error of Meta's.
fn bare(answer: &HttpAnswer) -> SendOutcome {
    let status = answer.status;
    let code = format!("http_{status}");
    let sentence = |rest: &str| format!("HTTP {status}, {}{rest}", describe(&answer.body));
    match status {
        401 | 403 => rejected(ErrorClass::StopSender, &code, sentence(": check the token and base_url"), None),
        429 => rejected(ErrorClass::SlowSender, &code, sentence(""), answer.retry_after),
        _ => match bare_status::refusal(status, ": check base_url and api_version") {
            Some((class, rest)) => {
                let retry_after = answer.retry_after.filter(|_| class == ErrorClass::FailRecipient);
                rejected(class, &code, sentence(rest), retry_after)
            }
            None => unknown(answer, describe(&answer.body)),
        },
    }
}

fn rejected(class: ErrorClass, code: &str, message: String, retry_after: Option<Duration>) -> SendOutcome {
    SendOutcome::Rejected { class, code: code.to_owned(), message, retry_after }
}

fn unknown(answer: &HttpAnswer, what: &str) -> SendOutcome {
    SendOutcome::Unknown { why: format!("Meta answers HTTP {}: {what}", answer.status) }
}

#[cfg(test)]
mod tests;

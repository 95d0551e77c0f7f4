//! WhatsApp over HTTP: the trait that the engine sends through, and its implementations.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

pub use crate::domain::content::MessageContent;
use crate::domain::ids::MessageId;
pub use crate::domain::recipient::ProviderStage;
use crate::domain::retry::{CodeRule, ErrorClass};
use crate::domain::sender::ProviderKind;

mod bare_status;
pub mod hook;
mod http;
mod lenient;
pub mod meta;
pub mod wsapme;

use self::http::HttpAnswer;

/// Selects the TLS library for the process. Call it first in `main`: building a client panics without it. Calling it
/// again has no effect.
pub fn init() {
    // An error only means that a library is already selected.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The longest response body, in bytes; a longer one is truncated and counts as unreadable.
pub const BODY_MAX: usize = 1024 * 1024;

/// The code of a send for which no connection could be made: nothing was sent, and nobody knows how long it lasts.
pub const NOT_CONNECTED: &str = "connect";

/// One message to one person, ready to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// E.164 digits, without the plus; at Meta also a person's id within the business (`MY.1a2B`).
    pub to: String,
    pub content: MessageContent,
    /// Returned in every webhook about this message, where the provider has such a field.
    pub callback_data: Option<String>,
}

impl Outgoing {
    /// A text without callback data.
    pub const fn text(to: String, text: String) -> Self {
        Self { to, content: MessageContent::Text(text), callback_data: None }
    }

    /// What was sent, to be kept with its outcome: the text, or the template's JSON.
    pub fn into_text(self) -> String {
        self.content.into_text()
    }
}

/// Whether a message is still wanted: asked once more where a connection had to be made for it first, which may take seconds.
pub type IsWanted<'a> = &'a (dyn Fn() -> bool + Sync);

/// The outcome of one POST, always with the exact response body.
#[derive(Debug, Clone)]
pub struct SendReply {
    pub outcome: SendOutcome,
    pub raw: RawResponse,
}

/// A request for a message's status.
#[derive(Debug, Clone, Copy)]
pub struct StatusQuery<'a> {
    pub id: &'a MessageId,
    /// The recipient: E.164 digits, without the plus.
    pub to: &'a str,
}

/// A response as received, byte for byte; both fields are empty when there was none.
#[derive(Debug, Clone, Default)]
pub struct RawResponse {
    pub http_status: Option<u16>,
    pub body: Bytes,
}

/// The three outcomes of a POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider accepted it and returned an id.
    Accepted {
        message_id: MessageId,
        provider_status: Option<String>,
        message_timestamp: Option<DateTime<Utc>>,
        /// Another number than the one sent to, with its plus, by which WhatsApp knows the person.
        known_as: Option<String>,
    },
    /// Known not to have been accepted. `code` is the provider's own (or a short one of ours, such as `connect`),
    /// `message` its sentence, for people.
    Rejected { class: ErrorClass, code: String, message: String, retry_after: Option<Duration> },
    /// It may or may not have been accepted. Never retried automatically. `why` is a sentence for the operator.
    Unknown { why: String },
}

impl SendOutcome {
    /// A refusal names nobody. One on which another answer followed may be about nothing, and the other about this message.
    async fn unless_followed(self, answer: &mut HttpAnswer, provider: &str) -> Self {
        match self {
            Self::Rejected { code, .. } if !answer.is_the_only_one().await => Self::Unknown {
                why: format!(
                    "{provider} refuses ({code}), and another answer followed: which of them counts is not known"
                ),
            },
            outcome => outcome,
        }
    }
}

/// The result of asking for one message's status.
#[derive(Debug, Clone)]
pub struct StatusReply {
    pub finding: StatusFinding,
    pub raw: RawResponse,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusFinding {
    /// The response held a known status.
    Known(StatusReport),
    /// An unknown status: stored, but changes nothing.
    Unrecognised { status: String },
    /// No status now (not available, a gateway error, no response): polled again later. `why` is for the log.
    Nothing { why: String },
    /// The response is about another message, or may be: nobody has answered. Polled again later. `why` is for the log.
    OfAnother { why: String },
    /// The provider wants fewer status calls, and none for `retry_after`.
    Throttled { retry_after: Option<Duration> },
    /// The sender cannot poll until an operator fixes something (token, device).
    Refused { code: String, message: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    pub stage: ProviderStage,
    /// The provider's own status in upper case (`DELIVERY_ACK`), or its number as text.
    pub status: String,
    /// When the stage was reached, by the provider's clock, if reported.
    pub at: Option<DateTime<Utc>>,
    /// `messageC2STimestamp`: client to server. Never a delivery time.
    pub c2s_at: Option<DateTime<Utc>>,
    /// For [`ProviderStage::Failed`]: the code, if the provider reported one.
    pub error_code: Option<String>,
}

/// A sender's health as its provider reports it. Advisory: shown, but never a reason not to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub verdict: HealthVerdict,
    /// One line for people: "device 5850 paired, named Kedai".
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthVerdict {
    Good,
    /// Reachable, but reports a problem (device offline).
    Doubtful,
    /// Reachable, but its answer cannot be read: sending may well work.
    Unknown,
    /// Cannot work as configured (unreachable, banned).
    Bad,
    /// The provider does not take the token.
    TokenRefused,
}

impl HealthVerdict {
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Bad | Self::TokenRefused)
    }
}

/// How near a provider is to refusing calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaPressure {
    /// Most of the quota is used: at least so many times half the rate.
    Ease { steps: u32 },
    /// All of it: no calls for so long.
    Wait(Duration),
}

/// A connection to WhatsApp. One value per sender; calls may run concurrently.
pub trait Provider: Send + Sync + 'static {
    /// Sends one POST and never repeats it. Always returns a reply; gives up within the configured timeout.
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendReply> {
        self.send_if(message, &|| true)
    }

    /// The same, unless it is not wanted any more once it has a new connection: nothing is sent then, as if there had been none.
    fn send_if<'a>(&'a self, message: &'a Outgoing, is_wanted: IsWanted<'a>) -> BoxFuture<'a, SendReply>;

    /// Whether it sends [`MessageContent::Template`]. Where it does not, such a blast is refused before anything is sent.
    fn sends_templates(&self) -> bool {
        false
    }

    /// Whether webhooks return [`Outgoing::callback_data`], so that it is worth making.
    fn returns_callback_data(&self) -> bool {
        false
    }

    /// Whether [`Provider::status`] can answer. Where it cannot, statuses arrive by webhook and nothing is polled.
    fn answers_status(&self) -> bool {
        true
    }

    /// Asks for the status of a message.
    fn status<'a>(&'a self, asked: StatusQuery<'a>) -> BoxFuture<'a, StatusReply>;

    /// Whether [`Provider::status_of`] uses the send's reply, so that it is worth loading.
    fn wants_send_reply(&self) -> bool {
        false
    }

    /// Asks for the status of a message, given the response body of its send: some calls need more than the id.
    fn status_of<'a>(&'a self, asked: StatusQuery<'a>, _send_reply: &'a [u8]) -> BoxFuture<'a, StatusReply> {
        self.status(asked)
    }

    /// The stage of a status of this provider; `None` for one that changes nothing.
    fn stage_of(&self, _word: &str) -> Option<ProviderStage> {
        None
    }

    /// What an operator can do about an error code; `None` for codes that explain themselves.
    fn advice(&self, _code: &str) -> Option<&'static str> {
        None
    }

    /// The class of a failure that is reported after acceptance, by the code in [`StatusReport::error_code`]. Never
    /// [`ErrorClass::Retry`]: the message was accepted.
    fn failure_class(&self, _code: Option<&str>) -> ErrorClass {
        ErrorClass::FailRecipient
    }

    /// What the newest answer says of the provider's quota, once; `None` where it says nothing, or nothing that matters.
    fn quota_pressure(&self) -> Option<QuotaPressure> {
        None
    }

    /// When a code is tried again, beyond what its class says.
    fn code_rule(&self, _code: &str) -> CodeRule {
        CodeRule::default()
    }

    /// Asks for the sender's health; sends nothing.
    fn health(&self) -> BoxFuture<'_, Health>;
}

/// [`Provider::failure_class`] by the provider alone: the same for senders that are configured elsewhere.
pub fn failure_class(kind: ProviderKind, code: Option<&str>) -> ErrorClass {
    match kind {
        ProviderKind::Meta => meta::failure_class(code),
        ProviderKind::Wsapme => wsapme::failure_class(code),
    }
}

/// What a code means for its sender and its blast, whichever way it came: also *slow sender*, where [`failure_class`] says what
/// becomes of somebody whose message had an id.
pub fn refusal_class(kind: ProviderKind, code: &str) -> ErrorClass {
    match kind {
        ProviderKind::Meta => meta::refusal_class(code).unwrap_or(ErrorClass::FailRecipient),
        ProviderKind::Wsapme => wsapme::failure_class(Some(code)),
    }
}

/// Whether a code is of a refusal because too much was sent, which concerns the sender and not the person.
pub fn asks_to_slow_down(kind: ProviderKind, code: &str) -> bool {
    match kind {
        ProviderKind::Meta => meta::refusal_class(code) == Some(ErrorClass::SlowSender) || code == "http_429",
        ProviderKind::Wsapme => wsapme::asks_to_slow_down(code),
    }
}

/// Whether a code says that the provider does not take the token: another process's may work.
pub fn refuses_token(kind: ProviderKind, code: &str) -> bool {
    match kind {
        ProviderKind::Meta => meta::refuses_token(code),
        ProviderKind::Wsapme => wsapme::refuses_token(code),
    }
}

/// Whether a look at the provider's health shows that what a code stopped the sender for is over: a token that works, a phone that is
/// paired, a number that is registered. Of a restriction, for spam or by policy, it shows nothing: that is for a person to say.
pub fn is_shown_by_health(kind: ProviderKind, code: &str) -> bool {
    match kind {
        ProviderKind::Meta => meta::is_shown_by_health(code),
        ProviderKind::Wsapme => wsapme::is_shown_by_health(code),
    }
}

/// A refusal's words, with what an operator can do about its code where the provider's table says it.
pub fn advised(kind: ProviderKind, code: &str, words: &str) -> String {
    let advice = match kind {
        ProviderKind::Meta => meta::advice(code),
        ProviderKind::Wsapme => wsapme::advice(code),
    };
    // Codes of our own explain themselves.
    match advice.filter(|_| code.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(advice) if words.is_empty() => advice.to_owned(),
        // A webhook's words lack the code that those of an answer begin with; an operator looks it up.
        Some(advice) if !words.contains(code) => format!("(#{code}) {}; {advice}", words.trim_end_matches('.')),
        Some(advice) => format!("{}; {advice}", words.trim_end_matches('.')),
        None => words.to_owned(),
    }
}

/// [`Provider::code_rule`] by the provider alone.
pub fn code_rule(kind: ProviderKind, code: &str) -> CodeRule {
    match kind {
        ProviderKind::Meta => meta::code_rule(code),
        ProviderKind::Wsapme => CodeRule::default(),
    }
}

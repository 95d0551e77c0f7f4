//! WhatsApp, over HTTP: the trait that the engine sends through, and its implementations.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::domain::ids::MessageId;
pub use crate::domain::recipient::ProviderStage;
use crate::domain::retry::ErrorClass;

mod http;
pub mod wsapme;

/// Chooses the TLS library once for the process. To be called first in `main`: building a client panics without it.
/// Calling it again changes nothing.
pub fn init() {
    // An error only says that somebody was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Bodies are read up to this many bytes; a longer one is cut there and counts as unreadable.
pub const BODY_MAX: usize = 1024 * 1024;

/// One message to one person, ready to go.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// E.164 digits, without the plus.
    pub to: String,
    pub text: String,
}

/// What came of one POST. The exact body travels with it, whatever it says.
#[derive(Debug, Clone)]
pub struct SendReply {
    pub outcome: SendOutcome,
    pub raw: RawResponse,
}

/// A message to ask about.
#[derive(Debug, Clone, Copy)]
pub struct StatusQuery<'a> {
    pub id: &'a MessageId,
    /// Whom it was sent to: E.164 digits, without the plus.
    pub to: &'a str,
}

/// A response as received, byte for byte; both empty when none came.
#[derive(Debug, Clone, Default)]
pub struct RawResponse {
    pub http_status: Option<u16>,
    pub body: Bytes,
}

/// The three things that a POST can come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// The provider has it, and gave an id.
    Accepted { message_id: MessageId, provider_status: Option<String>, message_timestamp: Option<DateTime<Utc>> },
    /// Known not to have been accepted. `code` is the provider's own (or a short word of ours, such as `connect`),
    /// `message` its sentence, for people.
    Rejected { class: ErrorClass, code: String, message: String, retry_after: Option<Duration> },
    /// Nobody can know. Never sent again by itself. `why` is a sentence for the operator.
    Unknown { why: String },
}

/// What asking for one message's status came to.
#[derive(Debug, Clone)]
pub struct StatusReply {
    pub finding: StatusFinding,
    pub raw: RawResponse,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatusFinding {
    /// A known word or number was there.
    Known(StatusReport),
    /// An unknown word: kept, changes nothing.
    Unrecognised { word: String },
    /// Nothing to learn now (not available, gateway trouble, no answer): asked again later. `why` is for the log.
    Nothing { why: String },
    /// The provider wants fewer questions, and none for as long as it says.
    Throttled { retry_after: Option<Duration> },
    /// The sender cannot be asked at all until a person mends something (token, device).
    Refused { code: String, message: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    pub stage: ProviderStage,
    /// The provider's own word, upper case (`DELIVERY_ACK`), or the number as text.
    pub word: String,
    /// When the stage was reached, by the provider's clock, if it says.
    pub at: Option<DateTime<Utc>>,
    /// `messageC2STimestamp`: client to server. Never a delivery time.
    pub c2s_at: Option<DateTime<Utc>>,
    /// For [`ProviderStage::Failed`]: a code if the provider gave one.
    pub error_code: Option<String>,
}

/// A sender's state as its provider tells it. Advisory: shown, never a reason not to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    pub verdict: HealthVerdict,
    /// One line for people: "device 5850 paired, named Kedai".
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthVerdict {
    Good,
    /// Reachable, but says something is off (device offline).
    Doubtful,
    /// Cannot work as configured (token refused, unreachable).
    Bad,
}

/// A way to WhatsApp. One value per sender; calls may run side by side.
pub trait Provider: Send + Sync + 'static {
    /// One POST, never repeated inside. Always comes to a reply; gives up by itself within the configured timeout.
    fn send<'a>(&'a self, message: &'a Outgoing) -> BoxFuture<'a, SendReply>;

    /// Asks what became of a message.
    fn status<'a>(&'a self, asked: StatusQuery<'a>) -> BoxFuture<'a, StatusReply>;

    /// Whether [`Provider::status_of`] makes use of the send's reply, so that it is worth loading.
    fn wants_send_reply(&self) -> bool {
        false
    }

    /// Asks what became of a message, with the body that its send was answered with: some calls want more than the id.
    fn status_of<'a>(&'a self, asked: StatusQuery<'a>, _send_reply: &'a [u8]) -> BoxFuture<'a, StatusReply> {
        self.status(asked)
    }

    /// The stage that a status word of this provider stands for; `None` for words that change nothing.
    fn stage_of(&self, _word: &str) -> Option<ProviderStage> {
        None
    }

    /// What a person can do about an error code, in plain words; `None` for codes that speak for themselves.
    fn advice(&self, _code: &str) -> Option<&'static str> {
        None
    }

    /// What a failure that is reported after acceptance asks of us, by the code in [`StatusReport::error_code`]. Never
    /// [`ErrorClass::Retry`]: the message had been taken.
    fn failure_class(&self, _code: Option<&str>) -> ErrorClass {
        ErrorClass::FailRecipient
    }

    /// Asks how the sender is; sends nothing.
    fn health(&self) -> BoxFuture<'_, Health>;
}

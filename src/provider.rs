//! WhatsApp, over HTTP: the trait that the engine sends through, and its implementations.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use crate::domain::ids::MessageId;

/// One message to one person, ready to go.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// E.164 digits, without the plus.
    pub to: String,
    pub text: String,
}

/// What became of one POST. The exact body travels with it, whatever it says.
#[derive(Debug, Clone)]
pub struct Reply {
    pub outcome: Outcome,
    /// The response body as received, byte for byte; empty when none came. At most [`BODY_MAX`].
    pub body: Bytes,
    /// HTTP status, when a response began.
    pub http_status: Option<u16>,
}

/// Bodies above this many bytes are cut and count as unreadable.
pub const BODY_MAX: usize = 1024 * 1024;

/// The three things that a POST can come to (`design.md` §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it, and gave an id.
    Accepted { message_id: MessageId, provider_status: Option<String>, message_timestamp: Option<DateTime<Utc>> },
    /// Known not to have been accepted.
    Rejected { class: ErrorClass, code: String, message: String, retry_after: Option<Duration> },
    /// Nobody can know. Never sent again by itself.
    Unknown { why: String },
}

/// What a refusal asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub enum ErrorClass {
    /// Backoff, a few tries.
    Retry,
    /// Cut the rate, then retry.
    SlowSender,
    /// The message or template is refused: the blast pauses.
    PauseBlast,
    /// The account, token or device: the sender stops until a person mends it.
    StopSender,
    /// This person will not be reached.
    FailRecipient,
    /// The person asked not to be messaged.
    OptOut,
    /// Not before a day or more has passed.
    NotNow,
}

//! Evidence on its way into the database, and what became of it.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::domain::ids::{BlastId, MessageId, RecipientId, SenderId};
use crate::domain::recipient::{AttemptOutcome, Evidence, Mark, ProviderStage, Resolution, StampedEvidence, Undone};
use crate::domain::retry::CodeRetry;
use crate::domain::status::Status;
use crate::store::alias::NumberAlias;
use crate::store::claim::ClaimSnapshot;

/// One piece of evidence to record.
#[derive(Debug, Clone)]
pub struct EvidenceEntry {
    pub blast: BlastId,
    pub recipient: RecipientId,
    pub stamped: StampedEvidence,
    pub source: EvidenceSource,
    /// The operator, for marks.
    pub by: Option<String>,
    /// Further facts for the history: the provider's status, a reply's text.
    pub metadata: Option<Value>,
    /// The provider's answer to an attempt, to be kept byte for byte.
    pub answer: Option<AttemptAnswer>,
    /// From 0 to 1: spreads retries.
    pub jitter: f64,
    /// The provider's own wish for when to try again.
    pub retry_after: Option<TimeDelta>,
    /// Of a refusal or a failure: what its code says of trying again.
    pub retry: CodeRetry,
    /// The person's row, where it is known from its claim.
    pub snapshot: Option<ClaimSnapshot>,
}

impl EvidenceEntry {
    /// Whether an operator says what became of an uncertain message.
    pub const fn is_decision(&self) -> bool {
        matches!(self.stamped.evidence, Evidence::Manual(Mark::Resolve(_)))
    }

    /// Evidence without anything beside it.
    pub const fn new(blast: BlastId, recipient: RecipientId, stamped: StampedEvidence, source: EvidenceSource) -> Self {
        Self {
            blast,
            recipient,
            stamped,
            source,
            by: None,
            metadata: None,
            answer: None,
            jitter: 0.5,
            retry_after: None,
            retry: CodeRetry::ByClass,
            snapshot: None,
        }
    }

    /// The attempt that it is about.
    pub(super) const fn of(&self) -> (RecipientId, i32) {
        (self.recipient, self.stamped.attempt)
    }

    /// Of an answer by which the message was not accepted: under which lease its attempt was claimed.
    pub(super) const fn denied_under(&self) -> Option<i64> {
        match (&self.stamped.evidence, &self.answer) {
            (Evidence::Rejected { .. } | Evidence::Released { .. }, Some(answer)) => Some(answer.epoch),
            _ => None,
        }
    }

    /// Whether somebody may be queued again because of it: their blast is held meanwhile.
    pub(super) const fn may_requeue(&self) -> bool {
        may_requeue(&self.stamped.evidence, self.retry)
    }

    /// Whether somebody settled may be.
    pub(super) const fn may_reopen(&self) -> bool {
        may_reopen(&self.stamped.evidence, self.retry)
    }

    /// Whether it is a failure after acceptance that its code may have tried again.
    pub(super) const fn is_late_failure(&self) -> bool {
        matches!(self.stamped.evidence, Evidence::Provider { stage: ProviderStage::Failed, .. }) && self.may_reopen()
    }

    /// Whether somebody is allowed again by it.
    pub(super) const fn takes_opt_out_back(&self) -> bool {
        matches!(self.stamped.evidence, Evidence::Undo(Undone::OptOut))
    }

    /// Whether it can be written without reading the row: an acceptance of somebody whose row is known. It asks neither for
    /// the blast's state nor for the time.
    pub const fn is_known(&self) -> bool {
        self.snapshot.is_some() && matches!(self.stamped.evidence, Evidence::Accepted { .. })
    }
}

/// Whether somebody may be queued again because of such evidence.
pub(super) const fn may_requeue(evidence: &Evidence, retry: CodeRetry) -> bool {
    matches!(
        evidence,
        Evidence::Rejected { .. }
            | Evidence::Released { .. }
            | Evidence::Manual(Mark::Resolve(Resolution::Resend) | Mark::Retry)
    ) || may_reopen(evidence, retry)
}

/// Whether somebody settled may be open again after it: a completed blast is not over then.
pub(super) const fn may_reopen(evidence: &Evidence, retry: CodeRetry) -> bool {
    match evidence {
        Evidence::Provider { stage: ProviderStage::Failed, .. } => match retry {
            CodeRetry::Automatic { .. } => true,
            CodeRetry::OnRequest { after } => !after.is_zero(),
            CodeRetry::ByClass | CodeRetry::UpTo { .. } | CodeRetry::Growing { .. } | CodeRetry::Never => false,
        },
        Evidence::Undo(Undone::Resolve(_) | Undone::OptOut) | Evidence::Manual(Mark::Retry) => true,
        _ => false,
    }
}

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvidenceSource {
    Send,
    Poll,
    Webhook,
    Operator,
    Engine,
}

impl EvidenceSource {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Poll => "poll",
            Self::Webhook => "webhook",
            Self::Operator => "operator",
            Self::Engine => "engine",
        }
    }
}

/// What came back for one attempt.
#[derive(Debug, Clone)]
pub struct AttemptAnswer {
    pub sender: SenderId,
    /// Under which lease the attempt was claimed.
    pub epoch: i64,
    pub claimed_at: DateTime<Utc>,
    pub outcome: AttemptOutcome,
    pub message_id: Option<MessageId>,
    pub http_status: Option<u16>,
    pub error_code: Option<String>,
    pub body: Bytes,
    /// The text as it was sent.
    pub text: Option<String>,
    /// WhatsApp knows the person by another number.
    pub known_as: Option<NumberAlias>,
    /// Why it is stored short of what was said.
    pub flagged: Option<&'static str>,
}

/// What became of one entry, in the order they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryOutcome {
    /// Written. The status before and after; they may be equal.
    Changed { before: Status, after: Status },
    /// Nothing new.
    Nothing,
    /// An operator's wish that cannot be; why.
    Refused(String),
    /// Somebody else has the row locked: record the entry again.
    Locked,
    /// The person is gone from the database.
    Gone,
}

/// What to do about rows that somebody else has locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenLocked {
    /// Leave them for the next batch, so that one hand-typed transaction does not hold up a thousand.
    Skip,
    /// Wait, up to the session's lock timeout.
    Wait,
}

//! The one rule by which evidence changes a recipient.
//!
//! [`apply`] is pure and total. Provider evidence may come late, twice and in any order: it only ever raises.
//! What an operator says is kept apart from what the provider says (`delivery_status` beside the marks), so that undoing
//! a mark means recomputing from what remains.

mod acceptance;
mod evidence;
mod manual;
mod shown;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

pub use evidence::{
    AttemptOutcome, Evidence, Mark, NotBefore, OUT_OF_HOURS, ProviderError, ProviderStage, Quoted, Resolution,
    StampedEvidence, TOO_RECENTLY, Undone,
};
pub use manual::wait_words;
pub use shown::ShownAttempts;

use crate::domain::blast::BlastState;
use crate::domain::ids::{MessageId, RecipientId};
use crate::domain::retry::{AutomaticRetry, ErrorClass};
use crate::domain::status::Status;
use acceptance::{accept, forget_acceptance, reached};

/// The state of one person in one blast, as far as evidence can change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub id: RecipientId,
    /// The number of the newest attempt; 0 when none was made.
    pub attempt: i32,
    /// Attempts that were refused for a reason that allows a retry.
    pub tries: i32,
    /// The delivery status, without replies and operator marks.
    pub delivery_status: Status,
    pub claimed_at: Option<DateTime<Utc>>,
    pub next_attempt_at: DateTime<Utc>,
    pub message_id: Option<MessageId>,
    pub message_timestamp: Option<DateTime<Utc>>,
    pub c2s_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
    /// A reply reported by the provider.
    pub reply_seen_at: Option<DateTime<Utc>>,
    /// A reply marked by an operator.
    pub replied_marked_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    pub failed_at: Option<DateTime<Utc>>,
    /// The attempt that the provider failed after accepting it.
    pub failed_attempt: Option<i32>,
    pub opted_out_at: Option<DateTime<Utc>>,
    pub amount: Option<Decimal>,
    pub note: Option<String>,
    pub provider_status: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// Why somebody is uncertain or skipped, in words.
    pub reason: Option<String>,
}

impl Recipient {
    /// A person at their first attempt, with nothing before its claim.
    pub const fn first_claimed(id: RecipientId, claimed_at: DateTime<Utc>, next_attempt_at: DateTime<Utc>) -> Self {
        Self {
            id,
            attempt: 1,
            tries: 0,
            delivery_status: Status::Sending,
            claimed_at: Some(claimed_at),
            next_attempt_at,
            message_id: None,
            message_timestamp: None,
            c2s_at: None,
            sent_at: None,
            delivered_at: None,
            read_at: None,
            reply_seen_at: None,
            replied_marked_at: None,
            closed_at: None,
            failed_at: None,
            failed_attempt: None,
            opted_out_at: None,
            amount: None,
            note: None,
            provider_status: None,
            error_code: None,
            error_message: None,
            reason: None,
        }
    }

    /// The status that everybody reads: the highest stage with evidence, operator marks included.
    pub fn status(&self) -> Status {
        if self.closed_at.is_some() {
            Status::Closed
        } else if self.reply_seen_at.is_some() || self.replied_marked_at.is_some() {
            Status::Replied
        } else {
            self.delivery_status
        }
    }

    /// An accepted attempt that is known not to have arrived, and after which they are tried again: only a delivery of it counts.
    fn is_void(&self, attempt: i32) -> bool {
        use Status::{Queued, Sending, Skipped, Uncertain};
        let is_open = matches!(self.delivery_status, Queued | Sending | Uncertain | Skipped);
        self.failed_attempt == Some(attempt) && (is_open || attempt < self.attempt)
    }

    /// An attempt whose outcome negative evidence may still decide.
    fn is_open_attempt(&self, attempt: i32) -> bool {
        attempt == self.attempt && matches!(self.delivery_status, Status::Sending | Status::Uncertain)
    }
}

/// The circumstances under which evidence is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApplyContext {
    pub blast: BlastState,
    /// How often a refusal of class *retry* or *slow sender* is tried again.
    pub max_tries: i32,
    /// How long before the next try, backoff and jitter included.
    pub retry_after: TimeDelta,
    /// Whether a failure that its class makes final is tried again by itself, once the message had an id, too.
    pub automatic: Option<AutomaticRetry>,
    /// Why that is not so for this person once the message had an id, and nothing goes to them once their opt-out is taken back.
    pub no_retry: Option<&'static str>,
    /// How long a *not now* waits.
    pub not_now_after: TimeDelta,
    /// How old an attempt must be before an operator may send again.
    pub resend_after: TimeDelta,
    /// The time by the database's clock.
    pub now: DateTime<Utc>,
}

impl ApplyContext {
    /// Whether a failure is followed by another try by itself.
    fn tries_again(&self, person: &Recipient) -> bool {
        let is_open = !matches!(self.blast, BlastState::Cancelled | BlastState::Failed);
        is_open
            && person.opted_out_at.is_none()
            && self.automatic.is_some_and(|again| person.tries.saturating_add(1) < again.tries)
    }
}

/// The result of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// The person as they are now. The status may be the same, with a new fact.
    Changed(Box<Recipient>),
    /// Nothing new.
    Nothing,
    /// An operator asked for something impossible; the reason, in a sentence.
    Refused(String),
}

impl Applied {
    fn from_change(before: &Recipient, after: Recipient) -> Self {
        if *before == after { Self::Nothing } else { Self::Changed(Box::new(after)) }
    }
}

/// Applies one piece of evidence. Idempotent; for provider evidence the outcome does not depend on order.
pub fn apply(before: &Recipient, news: &StampedEvidence, policy: &ApplyContext) -> Applied {
    let mut after = before.clone();
    match &news.evidence {
        Evidence::Accepted { message_id, provider_status, message_timestamp } => {
            accept(&mut after, news);
            if message_id.is_some() && news.attempt >= before.attempt {
                after.message_id.clone_from(message_id);
                after.message_timestamp = message_timestamp.or(after.message_timestamp);
            }
            if after.provider_status.is_none() {
                after.provider_status.clone_from(provider_status);
            }
        }
        Evidence::Rejected { class, code, message } => reject(&mut after, news, (*class, code, message), policy),
        Evidence::Unknown { why } => doubt(&mut after, news, why),
        Evidence::Released { not_before } => release(&mut after, news, *not_before, policy),
        Evidence::Provider { stage, word, c2s_at, error } => {
            after.c2s_at = after.c2s_at.or(*c2s_at);
            provider_stage(&mut after, news, (*stage, word, error.as_ref()), policy);
        }
        Evidence::Reply { quoted } => reply(&mut after, news, *quoted),
        Evidence::OptOut => opt_out(&mut after, news.at),
        Evidence::Manual(mark) => return manual::mark(before, mark, news, policy),
        Evidence::Undo(undone) => return manual::undo(before, undone, policy),
    }
    Applied::from_change(before, after)
}

fn clear_error(person: &mut Recipient) {
    person.error_code = None;
    person.error_message = None;
    person.failed_at = None;
    person.failed_attempt = None;
}

/// Negative evidence: only the current, open attempt can be refused.
fn reject(
    person: &mut Recipient,
    news: &StampedEvidence,
    error: (ErrorClass, &String, &String),
    policy: &ApplyContext,
) {
    if !person.is_open_attempt(news.attempt) {
        return;
    }
    let (class, code, message) = error;
    person.error_code = Some(code.clone());
    person.error_message = Some(message.clone());
    person.reason = None;
    match class {
        ErrorClass::FailRecipient | ErrorClass::NotNow if policy.tries_again(person) => try_again(person, policy),
        ErrorClass::Retry | ErrorClass::SlowSender if person.tries < policy.max_tries => {
            person.tries = person.tries.saturating_add(1);
            requeue(person, policy.now + policy.retry_after, policy);
        }
        // The person is not the cause: they wait with the sender or the blast until somebody fixes it.
        ErrorClass::StopSender | ErrorClass::PauseBlast => requeue(person, policy.now, policy),
        ErrorClass::OptOut => {
            person.delivery_status = Status::OptedOut;
            person.opted_out_at = Some(news.at);
        }
        ErrorClass::Retry | ErrorClass::SlowSender | ErrorClass::NotNow | ErrorClass::FailRecipient => {
            person.delivery_status = Status::Failed;
            person.failed_at = Some(news.at);
        }
    }
}

/// Queued for another try by itself, after a failure.
fn try_again(person: &mut Recipient, policy: &ApplyContext) {
    person.tries = person.tries.saturating_add(1);
    let wait = policy.automatic.map_or(policy.retry_after, |again| again.after.max(policy.retry_after));
    forget_acceptance(person);
    requeue(person, policy.now + wait, policy);
}

/// Back to the queue, unless the person opted out or the blast was cancelled meanwhile.
fn requeue(person: &mut Recipient, due: DateTime<Utc>, policy: &ApplyContext) {
    if person.opted_out_at.is_some() {
        person.delivery_status = Status::OptedOut;
    } else if policy.blast == BlastState::Cancelled {
        person.delivery_status = Status::Skipped;
        person.reason = Some("cancelled".to_owned());
    } else {
        person.delivery_status = Status::Queued;
        person.next_attempt_at = due;
    }
}

fn doubt(person: &mut Recipient, news: &StampedEvidence, why: &str) {
    let is_forgotten = news.attempt > person.attempt && person.delivery_status == Status::Queued;
    if is_forgotten || news.attempt == person.attempt && person.delivery_status == Status::Sending {
        person.attempt = news.attempt;
        person.delivery_status = Status::Uncertain;
        person.reason = Some(why.to_owned());
        // That an earlier attempt was refused would read as if this one had not been sent.
        (person.error_code, person.error_message) = (None, None);
    }
}

fn release(person: &mut Recipient, news: &StampedEvidence, not_before: Option<NotBefore>, policy: &ApplyContext) {
    if person.is_open_attempt(news.attempt) {
        let due = person.next_attempt_at;
        person.reason = not_before.map(|not_before| not_before.why.to_owned());
        requeue(person, not_before.map_or(due, |not_before| due.max(not_before.at)), policy);
    }
}

fn provider_stage(
    person: &mut Recipient,
    news: &StampedEvidence,
    (stage, word, error): (ProviderStage, &str, Option<&ProviderError>),
    policy: &ApplyContext,
) {
    match stage {
        ProviderStage::Failed => return provider_failure(person, news, (word, error), policy),
        ProviderStage::Sent => accept(person, news),
        ProviderStage::Delivered => {
            raise(person, Status::Delivered);
            reached(person, news);
            person.delivered_at = Some(earliest(person.delivered_at, news.at));
        }
        ProviderStage::Read => {
            raise(person, Status::Read);
            reached(person, news);
            person.read_at = Some(earliest(person.read_at, news.at));
        }
    }
    keep_highest_word(person, stage, word);
}

/// Keeps the provider's status of the highest stage, so that late evidence does not seem to lower it.
fn keep_highest_word(person: &mut Recipient, stage: ProviderStage, word: &str) {
    let rank = match stage {
        ProviderStage::Sent => 1,
        ProviderStage::Failed => 2,
        ProviderStage::Delivered => 3,
        ProviderStage::Read => 4,
    };
    if person.delivery_status.evidence_rank().is_some_and(|held| rank >= held) {
        person.provider_status = Some(word.to_owned());
    }
}

fn raise(person: &mut Recipient, to: Status) {
    if person.delivery_status.evidence_rank() < to.evidence_rank() {
        person.delivery_status = to;
        person.reason = None;
        clear_error(person);
    }
}

fn earliest(held: Option<DateTime<Utc>>, new: DateTime<Utc>) -> DateTime<Utc> {
    held.map_or(new, |old| old.min(new))
}

/// A failure reported after acceptance: for the newest attempt only, and only for somebody who had not received it.
fn provider_failure(
    person: &mut Recipient,
    news: &StampedEvidence,
    (word, error): (&str, Option<&ProviderError>),
    policy: &ApplyContext,
) {
    let undecided = matches!(person.delivery_status, Status::Sending | Status::Uncertain | Status::Sent);
    if news.attempt != person.attempt || !undecided {
        return;
    }
    if error.is_some_and(|error| error.class == ErrorClass::OptOut) {
        person.delivery_status = Status::OptedOut;
        person.opted_out_at = Some(earliest(person.opted_out_at, news.at));
    } else {
        person.delivery_status = Status::Failed;
        person.failed_at = Some(news.at);
    }
    person.failed_attempt = Some(news.attempt);
    person.provider_status = Some(word.to_owned());
    person.reason = None;
    if let Some(error) = error {
        person.error_code = Some(error.code.clone());
        person.error_message = Some(error.message.clone());
    }
    // Of a message that had a reply nothing is sent again, whatever its code says.
    if person.delivery_status == Status::Failed && !person.status().is_in_funnel() && policy.tries_again(person) {
        match policy.no_retry {
            Some(why) => person.reason = Some(why.to_owned()),
            None => try_again(person, policy),
        }
    }
}

/// A reply that quotes our message proves that it arrived; any other counts only for people whom we know we reached.
fn reply(person: &mut Recipient, news: &StampedEvidence, quoted: Quoted) {
    if quoted == Quoted::Yes && person.delivery_status.evidence_rank().is_none_or(|rank| rank < 3) {
        let known = person.sent_at;
        accept(person, news);
        // When they wrote is not when they were sent to.
        person.sent_at = known;
        reached(person, news);
    }
    if quoted == Quoted::Yes || person.status().is_in_funnel() {
        person.reply_seen_at = Some(earliest(person.reply_seen_at, news.at));
    }
}

/// Before anything was accepted it is the final status; afterwards it is a fact beside the stage.
fn opt_out(person: &mut Recipient, at: DateTime<Utc>) {
    if person.delivery_status == Status::Queued {
        person.delivery_status = Status::OptedOut;
    }
    person.opted_out_at = Some(earliest(person.opted_out_at, at));
}

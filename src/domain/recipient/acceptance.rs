//! When somebody was sent to: known by the acceptance, or else by what came after it.

use super::{Recipient, StampedEvidence, clear_error};
use crate::domain::status::Status;

/// Positive evidence, for any attempt: lifts a person out of every delivery status that means "not accepted".
pub(super) fn accept(person: &mut Recipient, news: &StampedEvidence) {
    if person.is_void(news.attempt) {
        return;
    }
    // A database that went back in time has forgotten the claim.
    person.attempt = person.attempt.max(news.attempt);
    let failed_after_acceptance = person.delivery_status == Status::Failed && person.failed_attempt.is_some();
    let only_this_one_failed = person.failed_attempt == Some(news.attempt);
    let lifts = match person.delivery_status {
        Status::Failed => !failed_after_acceptance || !only_this_one_failed,
        Status::OptedOut => !only_this_one_failed,
        other => other.evidence_rank().is_none(),
    };
    if lifts {
        person.delivery_status = Status::Sent;
        person.reason = None;
        clear_error(person);
    }
    // What was put in place of it, while it was not known.
    let known = person.sent_at.filter(|at| Some(*at) != person.claimed_at);
    person.sent_at = known.or(Some(news.at));
}

/// Whoever it reached was sent to, also where the acceptance was not read yet, or was forgotten with a failure that was none: limits, steps
/// and replies go by when.
pub(super) fn reached(person: &mut Recipient, news: &StampedEvidence) {
    person.sent_at = person.sent_at.or(person.claimed_at).or(Some(news.at));
}

/// What was accepted did not arrive: it counts no more. The attempt stays known, so that late news of it lifts nobody.
pub(super) fn forget_acceptance(person: &mut Recipient) {
    person.sent_at = None;
    person.failed_at = None;
    person.provider_status = None;
}

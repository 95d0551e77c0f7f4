//! Applies and undoes operator marks. Refusals are sentences for the operator.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{
    Applied, ApplyContext, Mark, Recipient, Resolution, StampedEvidence, Undone, forget_acceptance, opt_out, requeue,
};
use crate::domain::amount::BELOW;
use crate::domain::blast::BlastState;
use crate::domain::retry::{OperatorRetry, is_known_unsent};
use crate::domain::status::Status;
use crate::domain::text::count_of;

pub(super) fn mark(before: &Recipient, mark: &Mark, news: &StampedEvidence, policy: &ApplyContext) -> Applied {
    match mark {
        Mark::Replied => replied(before, news.at),
        Mark::Closed(amount) => closed(before, *amount, news.at),
        Mark::Ordered(amount) => ordered(before, *amount, news.at),
        Mark::OptOut => changed(before, |after| opt_out(after, news.at)),
        Mark::Note(text) => {
            changed(before, |after| after.note = Some(text.trim().to_owned()).filter(|note| !note.is_empty()))
        }
        Mark::Resolve(resolution) => resolve(before, *resolution, news, policy),
        Mark::Retry => retry(before, policy),
    }
}

fn changed(before: &Recipient, change: impl FnOnce(&mut Recipient)) -> Applied {
    let mut after = before.clone();
    change(&mut after);
    Applied::from_change(before, after)
}

fn refuse(why: &str) -> Applied {
    Applied::Refused(why.to_owned())
}

/// A person can only answer what may have reached them.
fn unreached(person: &Recipient) -> Option<Applied> {
    match person.status() {
        Status::Queued | Status::Sending => Some(refuse("nothing was sent to them yet")),
        Status::Uncertain => Some(refuse(
            "it is not known whether the message was sent: resolve that first (`blastdeck uncertain resolve`, or enter in the dashboard)",
        )),
        Status::Skipped | Status::OptedOut => Some(refuse("they were left out of this blast")),
        _ => None,
    }
}

fn replied(before: &Recipient, at: DateTime<Utc>) -> Applied {
    if let Some(refusal) = unreached(before) {
        return refusal;
    }
    if before.replied_marked_at.is_some() || before.status() >= Status::Replied && before.status() != Status::Failed {
        return Applied::Nothing;
    }
    changed(before, |after| after.replied_marked_at = Some(at))
}

fn closed(before: &Recipient, amount: Option<Decimal>, at: DateTime<Utc>) -> Applied {
    if let Some(refusal) = unreached(before) {
        return refusal;
    }
    if amount.is_some_and(|amount| amount.is_sign_negative() && !amount.is_zero()) {
        return refuse("an amount cannot be negative");
    }
    changed(before, |after| {
        after.closed_at = after.closed_at.or(Some(at));
        after.amount = amount.or(after.amount);
    })
}

/// What a person bought before stays, and the order's amount is added to it.
fn ordered(before: &Recipient, amount: Option<Decimal>, at: DateTime<Utc>) -> Applied {
    let sum = match (before.amount, amount) {
        (Some(before), Some(amount)) => before.checked_add(amount),
        (before, amount) => before.or(amount),
    };
    match sum {
        Some(sum) if sum >= Decimal::from(BELOW) => refuse("their amount would be too large to be counted"),
        sum => closed(before, sum, at),
    }
}

fn resolve(before: &Recipient, resolution: Resolution, news: &StampedEvidence, policy: &ApplyContext) -> Applied {
    if before.delivery_status != Status::Uncertain {
        return Applied::Refused(format!("the status is {} now, not uncertain", before.status()));
    }
    match news.attempt.cmp(&before.attempt) {
        Ordering::Less => return refuse("another attempt was made meanwhile"),
        Ordering::Greater => {
            let (meant, newest) = (news.attempt, before.attempt);
            return Applied::Refused(format!("no attempt {meant} was made: their newest one is {newest}"));
        }
        Ordering::Equal => {}
    }
    match resolution {
        Resolution::Sent => changed(before, |after| {
            after.delivery_status = Status::Sent;
            after.sent_at = before.claimed_at.or(Some(news.at));
            after.reason = None;
        }),
        Resolution::Drop => changed(before, |after| {
            after.delivery_status = Status::Skipped;
            after.reason = Some("left out while uncertain".to_owned());
        }),
        Resolution::Resend => resend(before, policy),
    }
}

/// Once the provider has accepted the message, a failure does not mean that it never arrived, unless its code says so.
fn retry(before: &Recipient, policy: &ApplyContext) -> Applied {
    if before.delivery_status != Status::Failed {
        return Applied::Refused(format!("the status is {} now, not failed", before.status()));
    }
    let rule = OperatorRetry::of(before.error_code.as_deref().unwrap_or_default());
    let was_taken = before.failed_attempt == Some(before.attempt) || before.sent_at.is_some();
    if rule == OperatorRetry::Never {
        return refuse("Meta would refuse this message again: correct the row, and send to them in a new blast");
    }
    if was_taken && rule == OperatorRetry::WhereNeverTaken {
        return refuse("the provider had taken the message before it failed: it may have arrived");
    }
    if rule == OperatorRetry::NextDay && before.failed_at.is_none_or(|at| policy.now < at + policy.not_now_after) {
        return refuse("Meta wants a day to pass before this person gets it: try again later");
    }
    if policy.blast == BlastState::Cancelled {
        return refuse("the blast was cancelled: nothing more is sent");
    }
    changed(before, |after| {
        after.tries = 0;
        forget_acceptance(after);
        requeue(after, policy.now, policy);
    })
}

/// Sending again waits until a late answer to the attempt can no longer come.
fn resend(before: &Recipient, policy: &ApplyContext) -> Applied {
    if policy.blast == BlastState::Cancelled {
        return refuse("the blast was cancelled: nothing more is sent");
    }
    let safe_from = before.claimed_at.map(|claimed| claimed + policy.resend_after);
    match safe_from {
        Some(safe_from) if policy.now < safe_from => {
            let wait = wait_words(safe_from - policy.now);
            Applied::Refused(format!("an answer may still come: you can send again in {wait}"))
        }
        _ => changed(before, |after| {
            after.reason = None;
            requeue(after, policy.now, policy);
        }),
    }
}

/// How long somebody waits, never too short: in seconds below a minute, as all of it is in a fast rehearsal.
pub fn wait_words(wait: TimeDelta) -> String {
    let seconds = (wait.num_milliseconds() + 999) / 1_000;
    if seconds < 60 {
        return count_of(seconds, "second", "seconds");
    }
    count_of((seconds + 59) / 60, "minute", "minutes")
}

pub(super) fn undo(before: &Recipient, undone: &Undone, policy: &ApplyContext) -> Applied {
    match undone {
        Undone::Replied => changed(before, |after| after.replied_marked_at = None),
        Undone::Closed(left) => changed(before, |after| {
            after.closed_at = after.closed_at.filter(|_| left.is_some());
            after.amount = left.and_then(|sale| sale.amount);
        }),
        Undone::Note(previous) => changed(before, |after| after.note.clone_from(previous)),
        Undone::OptOut => changed(before, |after| undo_opt_out(after, policy)),
        Undone::Resolve(resolution) => undo_resolution(before, *resolution),
    }
}

/// Somebody who was still to be sent to is queued again while the blast is open, as if they had not been opted out. In one
/// that is over they stay left out: undoing a mark starts no message there. So do those whose message lost a number: in a draft, too, nobody looks
/// at what each of them reads.
fn undo_opt_out(person: &mut Recipient, policy: &ApplyContext) {
    person.opted_out_at = None;
    if person.delivery_status != Status::OptedOut {
        return;
    }
    let is_tried_again = person.error_code.as_deref().is_some_and(is_known_unsent) && person.failed_at.is_none();
    if person.failed_attempt == Some(person.attempt) && person.failed_at.is_none() && person.error_code.is_none() {
        // A machine posted to them before the database went back in time: nobody knows what came of it.
        person.failed_attempt = None;
        person.delivery_status = Status::Uncertain;
        person.reason = Some("not known whether the message went that was posted before they opted out".to_owned());
        return;
    }
    if person.failed_attempt.is_some() && !is_tried_again {
        // The provider had taken the message: it is not sent again.
        person.delivery_status = Status::Failed;
        return;
    }
    let left_out = match policy.blast {
        BlastState::Draft | BlastState::Scheduled | BlastState::Sending | BlastState::Paused => policy.no_retry,
        _ => Some("opt-out taken back after the blast was over"),
    };
    match left_out {
        None => person.delivery_status = Status::Queued,
        Some(why) => {
            person.delivery_status = Status::Skipped;
            person.reason = Some(why.to_owned());
        }
    }
}

impl Resolution {
    /// Whether somebody is as this left them, so that it can be taken back.
    pub fn is_undoable(self, person: &Recipient) -> bool {
        let is_as_it_left = match self {
            Self::Sent => person.delivery_status == Status::Sent && person.message_id.is_none(),
            Self::Resend => person.delivery_status == Status::Queued,
            Self::Drop => person.delivery_status == Status::Skipped,
        };
        is_as_it_left && person.status() == person.delivery_status
    }
}

fn undo_resolution(before: &Recipient, resolution: Resolution) -> Applied {
    if !resolution.is_undoable(before) {
        return Applied::Refused(format!(
            "too late to take back what you decided about their message: it is {} by now",
            before.status()
        ));
    }
    changed(before, |after| {
        after.delivery_status = Status::Uncertain;
        after.reason = Some("uncertain again: the answer was taken back".to_owned());
        if resolution == Resolution::Sent {
            after.sent_at = None;
        }
    })
}

//! What came of a POST: evidence for the ledger, and what it means for the others.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::time::Duration;

use super::failure_policy::FAILED_AT_ONCE;
use super::next_action::ClaimPause;
use super::post::{BadRow, FinishedPost, Post, PostResult, cut_off};
use super::{Sender, SenderContext};
use crate::domain::ids::BlastId;
use crate::domain::recipient::{AttemptOutcome, Evidence, NotBefore, ProviderError, ProviderStage, StampedEvidence};
use crate::domain::retry::{CodeRetry, ErrorClass};
use crate::provider::{NOT_CONNECTED, QuotaPressure, RawResponse, SendOutcome, SendReply};
use crate::store::alias::NumberAlias;
use crate::store::evidence::{AttemptAnswer, EvidenceEntry, EvidenceSource};
use crate::store::fence::POSTED_BEFORE;

impl Sender {
    /// Takes in a POST that has ended: limits, failure policy, evidence.
    pub(super) fn finish(&mut self, finished: FinishedPost) {
        let FinishedPost { post, result } = finished;
        match result {
            PostResult::Withdrawn => self.withdraw(post),
            PostResult::BadRow(BadRow { code, why }) => {
                self.uncount(&post);
                post.record_bad_row(code, why);
            }
            // No failure of the provider's.
            PostResult::CutOff { text } => post.record_reply(cut_off(), text),
            PostResult::Answered { reply, text, at } => self.answered(post, reply, text, at),
        }
    }

    fn answered(&mut self, post: Post, reply: SendReply, text: String, at: DateTime<Utc>) {
        // The provider may have seen it as late as now: the gap to the next message to this number counts from here.
        self.pace.cooldown.posted(&post.person.phone_number, at);
        if let Some(took) = post.posted_at.and_then(|posted| (at - posted).to_std().ok()) {
            self.answer_time.observe(took);
        }
        let blast = post.claim.blast;
        self.heed_quota();
        match &reply.outcome {
            SendOutcome::Accepted { .. } if self.context.sender.has_failed(&reply.outcome) => {
                self.failures.failed(blast, "error", FAILED_AT_ONCE);
            }
            SendOutcome::Accepted { .. } => self.failures.went_well(blast),
            SendOutcome::Unknown { why } => self.failures.failed(blast, "no answer", why),
            SendOutcome::Rejected { class: ErrorClass::OptOut, .. } => {
                self.uncount(&post);
                return self.opted_out(post, reply, text);
            }
            SendOutcome::Rejected { class, code, message, retry_after } => {
                self.uncount(&post);
                let wish = self.context.wait_after(code, *retry_after).and_then(|wait| TimeDelta::from_std(wait).ok());
                match (class, wish) {
                    (ErrorClass::SlowSender, _) => {
                        let (now, before) = (self.context.clock.now(), self.pace.steps());
                        self.failures.slowed(self.pace.slow(&self.context.sender, wish, now));
                        // Refusals of messages that were in flight together are one.
                        if self.pace.steps() != before {
                            self.failures.refused(blast, *class, code, message);
                        }
                    }
                    _ if code == NOT_CONNECTED => {
                        let wait = self.context.sender.limits.speed.shrink(self.failures.unconnected_wait(blast));
                        let wait = TimeDelta::from_std(wait).unwrap_or_default();
                        self.hold_blast(blast, wait, code, message);
                    }
                    (ErrorClass::PauseBlast, Some(wait)) => self.hold_blast(blast, wait, code, message),
                    _ => self.failures.refused(blast, *class, code, message),
                }
            }
        }
        post.record_reply(reply, text);
    }

    /// Slows down, or waits, before the provider refuses calls.
    fn heed_quota(&mut self) {
        let slowed = match self.context.sender.provider.quota_pressure() {
            None => return,
            Some(QuotaPressure::Ease { steps }) => self.pace.slow_to(&self.context.sender, steps),
            Some(QuotaPressure::Wait(wait)) => {
                let wish = TimeDelta::from_std(wait).ok();
                self.pace.slow(&self.context.sender, wish, self.context.clock.now())
            }
        };
        self.failures.slowed(slowed);
    }

    /// What passes by itself holds the blast for a while; several times in a row it pauses it like any other failure. Refusals of
    /// messages that were in flight together count once.
    fn hold_blast(&mut self, blast: BlastId, wait: TimeDelta, code: &str, why: &str) {
        let now = self.context.clock.now();
        let Some(queue) = self.queues.iter_mut().find(|queue| queue.id == blast) else { return };
        if queue.provider_hold.as_ref().is_some_and(|hold| hold.until > now) {
            return;
        }
        tracing::warn!(blast = blast.0, code, why, "this blast waits for its provider");
        let (until, advised) = (now + wait, self.failures.advised(code, why));
        queue.provider_hold = Some(ClaimPause { until, why: advised.clone() });
        self.failures.held(blast, until, advised);
        self.failures.failed(blast, code, why);
    }

    /// The opt-out is written before anything else about this person, and for as long as it takes: no later outcome would
    /// say it again.
    fn opted_out(&self, post: Post, reply: SendReply, text: String) {
        self.opt_outs.spawn(async move {
            super::failure_policy::suppress(&post.claim.context, &post.person.phone_number).await;
            post.record_reply(reply, text);
        });
    }

    /// Nothing was sent: neither the day nor the number had a message at that time.
    pub(super) fn withdraw(&mut self, post: Post) {
        if let Some(at) = post.posted_at {
            self.pace.cooldown.withdrawn(&post.person.phone_number, at);
        }
        self.uncount(&post);
        post.give_back(None);
    }

    /// The daily cap does not count what is known not to have been accepted.
    fn uncount(&mut self, post: &Post) {
        if let Some(at) = post.posted_at {
            self.pace.not_accepted(&post.person.phone_number, at);
        }
    }
}

impl SenderContext {
    /// How long to wait after a refusal: as the provider asks, else as it says of the code.
    fn wait_after(&self, code: &str, asked: Option<Duration>) -> Option<Duration> {
        asked.or_else(|| self.sender.code_rule(code).wait.map(|wait| self.sender.limits.speed.shrink(wait)))
    }
}

impl Post {
    /// Back to the queue, perhaps for later: nothing was sent.
    pub(super) fn give_back(self, not_before: Option<NotBefore>) {
        let answer = self.answer(AttemptOutcome::Released, &RawResponse::default());
        self.record(Evidence::Released { not_before }, None, answer);
    }

    /// Nothing is sent now, and whether they got their message before is not known here.
    pub(super) fn mark_as_posted_before(self) {
        let answer = self.answer(AttemptOutcome::Unknown, &RawResponse::default());
        self.record(Evidence::Unknown { why: POSTED_BEFORE.to_owned() }, None, answer);
    }

    fn record_bad_row(self, code: &str, message: String) {
        let evidence = Evidence::Rejected { class: ErrorClass::FailRecipient, code: code.to_owned(), message };
        let answer = AttemptAnswer {
            error_code: Some(code.to_owned()),
            ..self.answer(AttemptOutcome::Rejected, &RawResponse::default())
        };
        self.record(evidence, None, answer);
    }

    fn record_reply(self, reply: SendReply, text: String) {
        let answer = self.answer(attempt_outcome(&reply.outcome), &reply.raw);
        match reply.outcome {
            SendOutcome::Accepted { message_id, provider_status, message_timestamp, known_as } => {
                let phone = self.person.phone_number.as_str();
                let known_as = known_as.map(|alias| NumberAlias { alias, phone: phone.to_owned() });
                let answer =
                    AttemptAnswer { message_id: Some(message_id.clone()), text: Some(text), known_as, ..answer };
                let message_id = Some(message_id);
                self.record_failure_at_once(provider_status.as_deref());
                self.record(Evidence::Accepted { message_id, provider_status, message_timestamp }, None, answer);
            }
            SendOutcome::Rejected { class, code, message, retry_after } => {
                let retry_after = self.claim.context.wait_after(&code, retry_after);
                let answer = AttemptAnswer { error_code: Some(code.clone()), ..answer };
                self.record(Evidence::Rejected { class, code, message }, retry_after, answer);
            }
            SendOutcome::Unknown { why } => {
                let answer = AttemptAnswer { text: Some(text), ..answer };
                self.record(Evidence::Unknown { why }, None, answer);
            }
        }
    }

    /// A provider may accept a message and report its failure in one answer: the status is evidence of its own.
    fn record_failure_at_once(&self, status: Option<&str>) {
        let Some(status) = status.filter(|status| self.claim.context.sender.is_failure(status)) else { return };
        let error = ProviderError {
            code: "error".to_owned(),
            message: FAILED_AT_ONCE.to_owned(),
            class: ErrorClass::FailRecipient,
        };
        let evidence = Evidence::Provider {
            stage: ProviderStage::Failed,
            word: status.to_owned(),
            c2s_at: None,
            error: Some(error),
        };
        let entry = self.entry(evidence, None, None);
        self.claim.context.recorder.record(entry, None);
    }

    fn answer(&self, outcome: AttemptOutcome, raw: &RawResponse) -> AttemptAnswer {
        AttemptAnswer {
            sender: self.claim.context.sender.id,
            epoch: self.person.epoch,
            claimed_at: self.person.claimed_at,
            outcome,
            message_id: None,
            http_status: raw.http_status,
            error_code: None,
            body: raw.body.clone(),
            text: None,
            known_as: None,
            flagged: None,
        }
    }

    fn record(self, evidence: Evidence, retry_after: Option<Duration>, answer: AttemptAnswer) {
        let entry = self.entry(evidence, retry_after, Some(answer));
        self.claim.context.recorder.record(entry, Some(self.slot));
    }

    fn entry(&self, evidence: Evidence, retry_after: Option<Duration>, answer: Option<AttemptAnswer>) -> EvidenceEntry {
        let retry = match &evidence {
            Evidence::Rejected { code, .. } => self.claim.context.sender.code_rule(code).retry,
            _ => CodeRetry::ByClass,
        };
        EvidenceEntry {
            blast: self.claim.blast,
            recipient: self.person.id,
            snapshot: self.person.snapshot(),
            metadata: metadata(&evidence),
            stamped: StampedEvidence { attempt: self.person.attempt, at: self.claim.context.clock.now(), evidence },
            source: EvidenceSource::Send,
            by: None,
            answer,
            jitter: rand::random(),
            retry_after: retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()),
            retry,
        }
    }
}

const fn attempt_outcome(outcome: &SendOutcome) -> AttemptOutcome {
    match outcome {
        SendOutcome::Accepted { .. } => AttemptOutcome::Accepted,
        SendOutcome::Rejected { .. } => AttemptOutcome::Rejected,
        SendOutcome::Unknown { .. } => AttemptOutcome::Unknown,
    }
}

/// The words with which providers say of an acceptance no more than that it is one: WSAPME's, before and after WhatsApp's server has it, and
/// Meta's.
const PLAIN_ACCEPTANCES: [&str; 3] = ["PENDING", "SERVER_ACK", "accepted"];

/// What the history says beside the change. Of an acceptance that is like any other, nothing: the step then needs no row of its own
/// (`store/history.rs`).
fn metadata(evidence: &Evidence) -> Option<Value> {
    match evidence {
        Evidence::Accepted { provider_status: Some(word), .. } if !PLAIN_ACCEPTANCES.contains(&word.as_str()) => {
            Some(json!({ "word": word }))
        }
        Evidence::Rejected { code, message, .. } => Some(json!({ "code": code, "why": message })),
        Evidence::Unknown { why } => Some(json!({ "why": why })),
        Evidence::Released { not_before: None } => Some(json!({ "why": "given back before it was sent" })),
        Evidence::Released { not_before: Some(not_before) } => Some(json!({ "why": not_before.why })),
        _ => None,
    }
}

//! One POST: the last checks, the request, and what came of it as evidence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::SenderContext;
use super::failure_policy::{FAILED_AT_ONCE, FailurePolicy};
use super::gate::Gate;
use crate::domain::ids::BlastId;
use crate::domain::message::{Message, Variables};
use crate::domain::pace::{RecipientCooldown, Window};
use crate::domain::phone::Phone;
use crate::domain::recipient::{AttemptOutcome, Evidence, ProviderError, ProviderStage, StampedEvidence, TOO_RECENTLY};
use crate::domain::retry::ErrorClass;
use crate::domain::text::clean;
use crate::engine::recorder::Slot;
use crate::engine::sync::Mutex;
use crate::provider::{Outgoing, RawResponse, SendOutcome, SendReply};
use crate::store::claim::{self, Claimed};
use crate::store::evidence::{AttemptAnswer, EvidenceEntry, EvidenceSource};
use crate::store::fence::POSTED_BEFORE;

/// Longer than this after the claim, pause and opt-out are read again before the POST.
const RECHECK_AFTER: Duration = Duration::from_secs(1);

/// What the POSTs of one claim have in common: one counter goes up and down for each, rather than a dozen.
pub(super) struct SendContext {
    pub context: Arc<SenderContext>,
    pub failure_policy: Arc<FailurePolicy>,
    pub pairs: Arc<Mutex<RecipientCooldown>>,
    pub posts: Arc<Semaphore>,
    pub gate: Option<Arc<Gate>>,
    pub orders: watch::Receiver<u64>,
    pub orders_seen: u64,
    pub claimed_at: Instant,
    pub blast: BlastId,
    /// `None`: the blast is not among those to send for.
    pub message: Option<Arc<Result<Message, String>>>,
    pub window: Option<Window>,
    pub stop: CancellationToken,
}

/// Somebody claimed, on the way to their POST. The slot goes along until the evidence is durable.
pub(super) struct Post {
    round: Arc<SendContext>,
    pub person: Claimed,
    /// When its pace let it go, by the database's clock.
    pub posted_at: Option<DateTime<Utc>>,
    slot: Slot,
}

impl Post {
    pub(super) fn new(round: &Arc<SendContext>, person: Claimed, permit: OwnedSemaphorePermit) -> Self {
        let slot = Slot::new(permit, &round.context.in_flight, (person.id, person.attempt));
        Self { round: round.clone(), person, posted_at: None, slot }
    }

    pub(super) fn blast(&self) -> BlastId {
        self.round.blast
    }

    pub(super) async fn run(self) {
        let text = match self.round.message.as_deref().map(|message| self.text(message)) {
            None => return self.withdraw(),
            Some(Ok(text)) => text,
            Some(Err(why)) => return self.file_refusal("message", format!("no text could be made: {why}")),
        };
        if !self.person.phone_number.is_e164() {
            let why = no_number(&self.person.phone_number);
            return self.file_refusal("number", why);
        }
        let round = self.round.clone();
        let Ok(under_way) = round.posts.acquire().await else { return };
        if let Some(gate) = &round.gate {
            gate.pass().await;
        }
        let lease_is_over = round.context.lease.over();
        if !self.may_go().await {
            return self.withdraw();
        }
        let outgoing = Outgoing { to: self.person.phone_number.digits().to_owned(), text };
        // Dropping the call closes its connection: nothing of it leaves later. That is no failure of the provider's, so it
        // has no failure_policy.
        let reply = tokio::select! {
            biased;
            reply = round.context.sender.provider.send(&outgoing) => reply,
            () = lease_is_over => return self.file(cut_off(), outgoing.text),
        };
        self.note_answered();
        if let Some(consequences) = self.settle(reply, outgoing.text) {
            // After a refusal the next in line goes only when it is known what the refusal means for all.
            consequences.await;
        } else if !round.failure_policy.is_untroubled(round.blast) {
            drop(under_way);
            Box::pin(round.failure_policy.went_well(round.blast)).await;
        }
    }

    /// Files a message that went well; returns what else is to be done after any other outcome. Looks at the reply outside of
    /// the future of a POST, which would hold it to its end.
    fn settle(self, reply: SendReply, text: String) -> Option<BoxFuture<'static, ()>> {
        let is_accepted = matches!(reply.outcome, SendOutcome::Accepted { .. });
        if is_accepted && !self.round.context.sender.has_failed(&reply.outcome) {
            self.file(reply, text);
            return None;
        }
        Some(Box::pin(self.not_accepted(reply, text)))
    }

    async fn not_accepted(self, reply: SendReply, text: String) {
        let round = self.round.clone();
        let (outcome, phone) = (reply.outcome.clone(), self.person.phone_number.clone());
        if stops_others(&outcome) {
            // The others must not go out while this one's evidence is written.
            round.failure_policy.of(round.blast, &outcome, &phone).await;
            self.file(reply, text);
        } else {
            self.file(reply, text);
            round.failure_policy.of(round.blast, &outcome, &phone).await;
        }
    }

    /// Back to the queue, perhaps for later: nothing was sent.
    pub(super) fn give_back(self, not_before: Option<DateTime<Utc>>) {
        let answer = self.answer(AttemptOutcome::Released, &RawResponse::default());
        self.bring(Evidence::Released { not_before }, None, answer);
    }

    /// Nothing is sent now, and whether they got their message before is not known here.
    pub(super) fn mark_as_posted_before(self) {
        let answer = self.answer(AttemptOutcome::Unknown, &RawResponse::default());
        self.bring(Evidence::Unknown { why: POSTED_BEFORE.to_owned() }, None, answer);
    }

    /// The text for this person, from the frozen message and their own row.
    fn text(&self, message: &Result<Message, String>) -> Result<String, String> {
        let message = message.as_ref().map_err(Clone::clone)?;
        message.render(&variables(&self.person)).map_err(|error| error.to_string())
    }

    /// The last check before the request. Nothing can fence a POST that has passed it.
    async fn may_go(&self) -> bool {
        if !self.is_clear() {
            return false;
        }
        let is_news =
            *self.round.orders.borrow() != self.round.orders_seen || self.round.claimed_at.elapsed() > RECHECK_AFTER;
        if !is_news {
            return true;
        }
        // Rare, and large: boxed, so that a POST is small.
        Box::pin(self.is_still_wanted()).await
    }

    async fn is_still_wanted(&self) -> bool {
        let context = &self.round.context;
        if !claim::is_wanted(&context.pool, self.person.id).await.unwrap_or(false) {
            return false;
        }
        // Many may have waited for such an answer together: they must not arrive together.
        while let Some(wait) = self.round.failure_policy.pass_again() {
            tokio::time::sleep(wait).await;
        }
        self.is_clear()
    }

    /// What can be seen without asking anybody.
    fn is_clear(&self) -> bool {
        let is_open = self.round.window.is_none_or(|window| window.is_open(self.round.context.clock.now()));
        is_open
            && !self.round.stop.is_cancelled()
            && self.round.context.lease.is_fresh()
            && !self.round.failure_policy.is_held()
    }

    /// The provider may have seen it as late as now: the pair gap counts from here.
    fn note_answered(&self) {
        self.round.pairs.lock().posted(&self.person.phone_number, self.round.context.clock.now());
    }

    /// Nothing was sent: neither the day nor the number had a message at that time.
    fn withdraw(self) {
        if let Some(at) = self.posted_at {
            self.round.pairs.lock().withdrawn(&self.person.phone_number, at);
        }
        self.round.failure_policy.not_accepted();
        self.give_back(None);
    }

    /// Nothing is posted: what is in this person's own row does not allow it.
    fn file_refusal(self, code: &str, message: String) {
        let evidence = Evidence::Rejected { class: ErrorClass::FailRecipient, code: code.to_owned(), message };
        let answer = AttemptAnswer {
            error_code: Some(code.to_owned()),
            ..self.answer(AttemptOutcome::Rejected, &RawResponse::default())
        };
        self.bring(evidence, None, answer);
    }

    fn file(self, reply: SendReply, text: String) {
        let answer = self.answer(attempt_outcome(&reply.outcome), &reply.raw);
        match reply.outcome {
            SendOutcome::Accepted { message_id, provider_status, message_timestamp } => {
                let answer = AttemptAnswer { message_id: Some(message_id.clone()), text: Some(text), ..answer };
                let message_id = Some(message_id);
                self.file_word(provider_status.as_deref());
                self.bring(Evidence::Accepted { message_id, provider_status, message_timestamp }, None, answer);
            }
            SendOutcome::Rejected { class, code, message, retry_after } => {
                let answer = AttemptAnswer { error_code: Some(code.clone()), ..answer };
                self.bring(Evidence::Rejected { class, code, message }, retry_after, answer);
            }
            SendOutcome::Unknown { why } => {
                let answer = AttemptAnswer { text: Some(text), ..answer };
                self.bring(Evidence::Unknown { why }, None, answer);
            }
        }
    }

    /// An answer may accept and tell a failure in one breath: the word is evidence of its own.
    fn file_word(&self, word: Option<&str>) {
        let Some(word) = word.filter(|word| self.round.context.sender.is_failure(word)) else { return };
        let error = ProviderError { code: "error".to_owned(), message: FAILED_AT_ONCE.to_owned() };
        let evidence = Evidence::Provider {
            stage: ProviderStage::Failed,
            word: word.to_owned(),
            c2s_at: None,
            error: Some(error),
        };
        let entry = self.entry(evidence, None, None);
        self.round.context.recorder.record(entry, None);
    }

    fn answer(&self, outcome: AttemptOutcome, raw: &RawResponse) -> AttemptAnswer {
        AttemptAnswer {
            sender: self.round.context.sender.id,
            outcome,
            message_id: None,
            http_status: raw.http_status,
            error_code: None,
            body: raw.body.clone(),
            text: None,
            flagged: None,
        }
    }

    fn bring(self, evidence: Evidence, retry_after: Option<Duration>, answer: AttemptAnswer) {
        let entry = self.entry(evidence, retry_after, Some(answer));
        self.round.context.recorder.record(entry, Some(self.slot));
    }

    fn entry(&self, evidence: Evidence, retry_after: Option<Duration>, answer: Option<AttemptAnswer>) -> EvidenceEntry {
        EvidenceEntry {
            blast: self.round.blast,
            recipient: self.person.id,
            snapshot: self.person.snapshot(),
            metadata: metadata(&evidence),
            stamped: StampedEvidence { attempt: self.person.attempt, at: self.round.context.clock.now(), evidence },
            source: EvidenceSource::Send,
            by: None,
            answer,
            jitter: rand::random(),
            retry_after: retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()),
        }
    }
}

/// What is known of a request that was dropped.
fn cut_off() -> SendReply {
    let why = "the lease ended while the request was under way".to_owned();
    SendReply { outcome: SendOutcome::Unknown { why }, raw: RawResponse::default() }
}

/// Whether an outcome keeps others from being sent to.
const fn stops_others(outcome: &SendOutcome) -> bool {
    matches!(
        outcome,
        SendOutcome::Rejected { class: ErrorClass::StopSender | ErrorClass::PauseBlast | ErrorClass::OptOut, .. }
    )
}

/// What somebody typed into the database in a number's place is never posted to.
fn no_number(phone: &Phone) -> String {
    let typed: String = clean(phone.as_str()).chars().take(40).collect();
    format!("`{typed}` is not a phone number: nothing was sent")
}

const fn attempt_outcome(outcome: &SendOutcome) -> AttemptOutcome {
    match outcome {
        SendOutcome::Accepted { .. } => AttemptOutcome::Accepted,
        SendOutcome::Rejected { .. } => AttemptOutcome::Rejected,
        SendOutcome::Unknown { .. } => AttemptOutcome::Unknown,
    }
}

/// What the history tells beside the change.
fn metadata(evidence: &Evidence) -> Option<Value> {
    match evidence {
        Evidence::Accepted { provider_status: Some(word), .. } => Some(json!({ "word": word })),
        Evidence::Rejected { code, message, .. } => Some(json!({ "code": code, "why": message })),
        Evidence::Unknown { why } => Some(json!({ "why": why })),
        Evidence::Released { not_before: None } => Some(json!({ "why": "given back before it was sent" })),
        Evidence::Released { not_before: Some(_) } => Some(json!({ "why": TOO_RECENTLY })),
        _ => None,
    }
}

/// A person's variables: their row's columns, and the name.
pub fn variables(person: &Claimed) -> Variables {
    let mut variables = Variables::default();
    if let Some(Value::Object(columns)) = &person.variables {
        for (column, value) in columns {
            if let Value::String(value) = value {
                variables.set(column, value);
            }
        }
    }
    if let Some(name) = &person.name {
        variables.set("name", name);
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::Post;

    fn size_of_future<T, F: Future>(_: impl FnOnce(T) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_post_under_way_is_small() {
        // It is moved when it starts and when it ends, fifteen thousand times a second: whatever is rare is boxed.
        let size = size_of_future(Post::run);
        assert!(size <= 600, "{size} bytes");
    }
}

//! One POST: the last checks, the request, and what came of it as evidence.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::Parts;
use super::aftermath::Aftermath;
use crate::domain::ids::BlastId;
use crate::domain::message::{Message, Variables};
use crate::domain::pace::{Pairs, Window};
use crate::domain::recipient::{Evidence, ProviderError, ProviderStage, Stamped, TOO_RECENTLY};
use crate::domain::retry::ErrorClass;
use crate::engine::filing::Slot;
use crate::provider::{Outcome, Outgoing, Raw, SendReply};
use crate::store::claim::{self, Claimed};
use crate::store::ledger::{Answer, Entry, Source};

/// Longer than this after the claim, pause and opt-out are read again before the POST.
const RECHECK_AFTER: Duration = Duration::from_secs(1);

/// Somebody claimed, on the way to their POST. The slot goes along until the evidence is durable.
pub(super) struct Post {
    pub parts: Arc<Parts>,
    pub aftermath: Arc<Aftermath>,
    pub pairs: Arc<Mutex<Pairs>>,
    pub posts: Arc<Semaphore>,
    pub orders: watch::Receiver<u64>,
    pub orders_seen: u64,
    pub claimed_at: Instant,
    /// When its pace let it go, by the database's clock.
    pub posted_at: Option<DateTime<Utc>>,
    pub blast: BlastId,
    pub message: Option<Arc<Result<Message, String>>>,
    pub person: Claimed,
    pub window: Option<Window>,
    pub slot: Slot,
    pub stop: CancellationToken,
}

impl Post {
    pub(super) async fn run(self) {
        let text = match self.text() {
            Ok(text) => text,
            Err(why) => return self.file_refusal(&why),
        };
        let Ok(under_way) = self.posts.clone().acquire_owned().await else { return };
        if !self.may_go().await {
            return self.withdraw();
        }
        let outgoing = Outgoing { to: self.person.phone_number.digits().to_owned(), text };
        let reply = self.parts.desk.provider.send(&outgoing).await;
        self.note_answered();
        let (aftermath, blast, person) = (self.aftermath.clone(), self.blast, self.person.clone());
        let outcome = reply.outcome.clone();
        // After a refusal the next in line goes only when it is known what the refusal means for all.
        let held = (!matches!(outcome, Outcome::Accepted { .. })).then_some(under_way);
        if stops_others(&outcome) {
            // The others must not go out while this one's evidence is written.
            aftermath.of(blast, &outcome, &person).await;
            self.file(reply, outgoing.text);
        } else {
            self.file(reply, outgoing.text);
            aftermath.of(blast, &outcome, &person).await;
        }
        drop(held);
    }

    /// Back to the queue, perhaps for later: nothing was sent.
    pub(super) fn give_back(self, not_before: Option<DateTime<Utc>>) {
        let answer = self.answer("released", &Raw::default());
        self.bring(Evidence::Released { not_before }, None, answer);
    }

    /// The text for this person, from the frozen message and their own row.
    fn text(&self) -> Result<String, String> {
        let message = self.message.as_deref().ok_or("the blast's message is gone")?;
        let message = message.as_ref().map_err(Clone::clone)?;
        message.render(&variables(&self.person)).map_err(|error| error.to_string())
    }

    /// The last check before the request. Nothing can fence a POST that has passed it.
    async fn may_go(&self) -> bool {
        if !self.is_clear() {
            return false;
        }
        let is_news = *self.orders.borrow() != self.orders_seen || self.claimed_at.elapsed() > RECHECK_AFTER;
        if !is_news {
            return true;
        }
        let withdrawn = claim::withdrawn(&self.parts.pool, &[self.person.id], &self.parts.desk.business).await;
        if !withdrawn.is_ok_and(|withdrawn| withdrawn.is_empty()) {
            return false;
        }
        // Many may have waited for such an answer together: they must not arrive together.
        while let Some(wait) = self.aftermath.pass_again() {
            tokio::time::sleep(wait).await;
        }
        self.is_clear()
    }

    /// What can be seen without asking anybody.
    fn is_clear(&self) -> bool {
        let is_open = self.window.is_none_or(|window| window.is_open(self.parts.clock.now()));
        is_open && !self.stop.is_cancelled() && self.parts.lease.is_fresh() && !self.aftermath.is_held()
    }

    /// The provider may have seen it as late as now: the pair gap counts from here.
    fn note_answered(&self) {
        if let Ok(mut pairs) = self.pairs.lock() {
            pairs.posted(&self.person.phone_number, self.parts.clock.now());
        }
    }

    /// Nothing was sent: neither the day nor the number had a message at that time.
    fn withdraw(self) {
        if let Some(at) = self.posted_at
            && let Ok(mut pairs) = self.pairs.lock()
        {
            pairs.withdrawn(&self.person.phone_number, at);
        }
        self.aftermath.not_accepted();
        self.give_back(None);
    }

    fn file_refusal(self, why: &str) {
        let evidence = Evidence::Rejected {
            class: ErrorClass::FailRecipient,
            code: "message".to_owned(),
            message: format!("no text could be made: {why}"),
        };
        let answer = Answer { error_code: Some("message".to_owned()), ..self.answer("rejected", &Raw::default()) };
        self.bring(evidence, None, answer);
    }

    fn file(self, reply: SendReply, text: String) {
        let answer = self.answer(outcome_word(&reply.outcome), &reply.raw);
        match reply.outcome {
            Outcome::Accepted { message_id, provider_status, message_timestamp } => {
                let answer = Answer { message_id: Some(message_id.clone()), text: Some(text), ..answer };
                let message_id = Some(message_id);
                self.file_word(provider_status.as_deref());
                self.bring(Evidence::Accepted { message_id, provider_status, message_timestamp }, None, answer);
            }
            Outcome::Rejected { class, code, message, retry_after } => {
                let answer = Answer { error_code: Some(code.clone()), ..answer };
                self.bring(Evidence::Rejected { class, code, message }, retry_after, answer);
            }
            Outcome::Unknown { why } => {
                let answer = Answer { text: Some(text), ..answer };
                self.bring(Evidence::Unknown { why }, None, answer);
            }
        }
    }

    /// An answer may accept and tell a failure in one breath: the word is evidence of its own.
    fn file_word(&self, word: Option<&str>) {
        let Some(word) = word.filter(|word| self.parts.desk.provider.stage_of(word) == Some(ProviderStage::Failed))
        else {
            return;
        };
        let error = ProviderError {
            code: "error".to_owned(),
            message: "the provider took the message and reported a failure at once".to_owned(),
        };
        let evidence = Evidence::Provider {
            stage: ProviderStage::Failed,
            word: word.to_owned(),
            c2s_at: None,
            error: Some(error),
        };
        let entry = self.entry(evidence, None, None);
        self.parts.ledger.file(entry, None);
    }

    fn answer(&self, outcome: &'static str, raw: &Raw) -> Answer {
        Answer {
            sender: self.parts.desk.id,
            outcome,
            message_id: None,
            http_status: raw.http_status,
            error_code: None,
            body: raw.body.to_vec(),
            text: None,
            flagged: None,
        }
    }

    fn bring(self, evidence: Evidence, retry_after: Option<Duration>, answer: Answer) {
        let entry = self.entry(evidence, retry_after, Some(answer));
        self.parts.ledger.file(entry, Some(self.slot));
    }

    fn entry(&self, evidence: Evidence, retry_after: Option<Duration>, answer: Option<Answer>) -> Entry {
        Entry {
            blast: self.blast,
            recipient: self.person.id,
            metadata: metadata(&evidence),
            stamped: Stamped { attempt: self.person.attempt, at: Utc::now(), evidence },
            source: Source::Send,
            by: None,
            answer,
            jitter: rand::random(),
            retry_after: retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()),
        }
    }
}

/// Whether an outcome keeps others from being sent to.
const fn stops_others(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Rejected { class: ErrorClass::StopSender | ErrorClass::PauseBlast | ErrorClass::OptOut, .. }
    )
}

const fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Unknown { .. } => "unknown",
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
pub(in crate::engine) fn variables(person: &Claimed) -> Variables {
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

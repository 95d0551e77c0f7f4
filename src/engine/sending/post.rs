//! One POST: the text, the last checks, the request. What came of it goes back to the sender's loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::SenderContext;
use crate::domain::content::{MessageContent, PreparedContent};
use crate::domain::ids::BlastId;
use crate::domain::message::Variables;
use crate::domain::pace::Window;
use crate::domain::person_name::kept_name;
use crate::domain::phone::Phone;
use crate::domain::text::clean;
use crate::engine::clock::Moment;
use crate::engine::recorder::Slot;
use crate::provider::meta::callback::{CallbackAttempt, CallbackData};
use crate::provider::{Outgoing, RawResponse, SendOutcome, SendReply};
use crate::store::claim::Claimed;

/// What the POSTs of one claim have in common. They only read it: what changes belongs to the sender's loop.
pub(super) struct ClaimContext {
    pub context: Arc<SenderContext>,
    pub orders: watch::Receiver<u64>,
    pub blast: BlastId,
    /// As it was at the claim: the blast may be paused meanwhile.
    pub content: Arc<Result<PreparedContent, String>>,
    /// Hash of the message, as this machine's journal notes it.
    pub content_key: i64,
    pub window: Option<Window>,
    pub stop: CancellationToken,
}

impl ClaimContext {
    /// Whether a POST may begin, as far as that can be seen without asking anybody.
    pub(super) fn is_open(&self) -> bool {
        !self.stop.is_cancelled()
            && self.context.lease.is_fresh()
            && self.window.is_none_or(|window| window.is_open(self.context.clock.now()))
    }
}

/// When somebody was last known to be wanted: after the claim, or after reading pauses and opt-outs again.
#[derive(Debug, Clone, Copy)]
pub(super) struct WantedAsOf {
    pub orders_seen: u64,
    /// By a clock that goes on while the machine sleeps.
    pub at: Moment,
}

/// Somebody claimed, on the way to their POST. The slot goes along until the evidence is durable.
pub(super) struct Post {
    pub claim: Arc<ClaimContext>,
    pub person: Claimed,
    pub wanted: WantedAsOf,
    /// When their pace let them go, by the database's clock.
    pub posted_at: Option<DateTime<Utc>>,
    pub slot: Slot,
}

/// A POST that has ended, one way or another.
pub(super) struct FinishedPost {
    pub post: Post,
    pub result: PostResult,
}

pub(super) enum PostResult {
    /// Nothing was sent, and the person goes back to the queue: an order, a stop or the end of the lease came first.
    Withdrawn,
    /// Nothing was sent: this person's own row does not allow it.
    BadRow(BadRow),
    /// The lease ended while the request was in flight, and the connection was closed: nothing of it leaves later.
    CutOff {
        text: String,
    },
    Answered {
        reply: SendReply,
        text: String,
        at: DateTime<Utc>,
    },
}

/// Why a request has no reply.
enum NoReply {
    /// It did not begin.
    Withdrawn,
    /// It was dropped.
    CutOff,
}

/// Why nothing can be sent to somebody; `code` as errors are counted by.
pub(super) struct BadRow {
    pub code: &'static str,
    pub why: String,
}

impl Post {
    pub(super) fn new(claim: &Arc<ClaimContext>, wanted: WantedAsOf, person: Claimed) -> Self {
        let slot = Slot::new(&claim.context.in_flight, &person, wanted.at);
        Self { claim: claim.clone(), person, wanted, posted_at: None, slot }
    }

    /// Sends the request. Nothing can fence a POST that has passed the check in here.
    pub(super) async fn run(self) -> FinishedPost {
        // Made before the first wait, and only once in the future: a POST is moved as a whole.
        let outgoing = match self.outgoing() {
            Ok(outgoing) => outgoing,
            Err(bad) => return FinishedPost { post: self, result: PostResult::BadRow(bad) },
        };
        let sent = self.send(&outgoing).await;
        let (text, at) = (outgoing.into_text(), self.claim.context.clock.now());
        let result = match sent {
            Ok(reply) => PostResult::Answered { reply, text, at },
            Err(NoReply::CutOff) => PostResult::CutOff { text },
            Err(NoReply::Withdrawn) => PostResult::Withdrawn,
        };
        FinishedPost { post: self, result }
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<SendReply, NoReply> {
        let context = &self.claim.context;
        let lease_is_over = context.lease.over();
        if !self.is_wanted() {
            return Err(NoReply::Withdrawn);
        }
        let is_withdrawn = AtomicBool::new(false);
        let is_wanted = || {
            let is_wanted = self.is_wanted();
            is_withdrawn.store(!is_wanted, Ordering::Relaxed);
            is_wanted
        };
        let reply = tokio::select! {
            biased;
            reply = context.sender.provider.send_if(outgoing, &is_wanted) => reply,
            () = lease_is_over => return Err(NoReply::CutOff),
        };
        if is_withdrawn.load(Ordering::Relaxed) { Err(NoReply::Withdrawn) } else { Ok(reply) }
    }

    /// Whether nothing was ordered since they were claimed or read again, as far as that can be seen without asking anybody.
    fn is_wanted(&self) -> bool {
        self.claim.is_open() && *self.claim.orders.borrow() == self.wanted.orders_seen
    }

    fn outgoing(&self) -> Result<Outgoing, BadRow> {
        let to = self.person.phone_number.digits().to_owned();
        Ok(Outgoing { to, content: self.content()?, callback_data: self.callback_data() })
    }

    /// Names this attempt in every webhook about it, where the provider returns it.
    fn callback_data(&self) -> Option<String> {
        let context = &self.claim.context;
        if !context.sender.provider.returns_callback_data() {
            return None;
        }
        let Claimed { id: recipient, attempt, .. } = self.person;
        let claimed_at = self.person.claimed_at;
        let of = CallbackAttempt { blast: self.claim.blast, recipient, attempt, claimed_at };
        CallbackData::new(&context.installation, of).ok().map(|data| data.to_string())
    }

    /// What this person receives, from the frozen content and their own row.
    fn content(&self) -> Result<MessageContent, BadRow> {
        let content = match self.claim.content.as_ref() {
            Ok(content) => {
                let values = variables(self.person.name.as_deref(), self.person.variables.as_ref());
                content.render(&values).map_err(|error| error.to_string())
            }
            Err(why) => Err(why.clone()),
        };
        if !self.person.phone_number.is_e164() {
            return Err(BadRow { code: "number", why: not_a_number(&self.person.phone_number) });
        }
        content.map_err(|why| BadRow { code: "message", why: format!("no text could be made: {why}") })
    }
}

/// Whatever stands in the database in a number's place is never posted to.
fn not_a_number(phone: &Phone) -> String {
    let typed: String = clean(phone.as_str()).chars().take(40).collect();
    format!("`{typed}` is not a phone number: nothing was sent")
}

/// What is known of a request that was dropped.
pub(super) fn cut_off() -> SendReply {
    let why = "the lease ended while the request was under way".to_owned();
    SendReply { outcome: SendOutcome::Unknown { why }, raw: RawResponse::default() }
}

/// A person's variables: their row's columns, and the name. The one beside the number may be cut and cleaned for screens: where it is what
/// is kept of the row's, that is sent, as the import has rendered it. Any other was corrected since.
pub fn variables(name: Option<&str>, columns: Option<&Value>) -> Variables {
    let mut variables = Variables::default();
    if let Some(Value::Object(columns)) = columns {
        for (column, value) in columns {
            if let Value::String(value) = value {
                variables.set(column, value);
            }
        }
    }
    let is_kept =
        |name: &str| variables.get("name").is_some_and(|row| row == name || kept_name(row).as_deref() == Some(name));
    if let Some(name) = name.filter(|name| !is_kept(name)) {
        variables.set("name", name);
    }
    variables
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn size_of_future<T, F: Future>(_: impl FnOnce(T) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_name_is_sent_as_the_import_has_rendered_it() {
        let name_of =
            |columns: serde_json::Value| variables(Some("Siti"), Some(&columns)).get("name").map(str::to_owned);
        let whole = format!("Ana\n{}", "a".repeat(300));
        let kept = kept_name(&whole).unwrap();

        assert_eq!(variables(Some(&kept), Some(&json!({ "name": whole }))).get("name"), Some(whole.as_str()));
        assert_eq!(name_of(json!({ "name": "Siti" })).unwrap(), "Siti");
        assert_eq!(name_of(json!({ "city": "Ipoh" })).unwrap(), "Siti");
        assert_eq!(name_of(json!({ "name": "Person 0" })).unwrap(), "Siti", "it was corrected");
    }

    #[test]
    fn a_post_in_flight_is_small() {
        // It is moved when it starts and when it ends, fifteen thousand times a second.
        let size = size_of_future(Post::run);
        assert!(size <= 700, "{size} bytes");
    }
}

//! What people write back: attributed to the newest message they had from the sender, opt-outs taken at once.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::App;
use super::AppError;
use super::suppressions::Suppression;
use crate::domain::ids::{RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::recipient::{Evidence, Quoted, StampedEvidence};
use crate::store::evidence::{EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::person;

/// Somebody wrote to a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub sender: SenderId,
    pub from: Phone,
    pub text: String,
    pub at: DateTime<Utc>,
}

/// What an incoming message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    Replied,
    OptedOut,
    /// From somebody whom no message of this sender is known to have reached.
    Nothing,
}

impl App {
    /// Takes an incoming message: a stop word alone is an opt-out, anything else a reply to the newest message that
    /// this person had from this sender. Tells whose it was.
    pub async fn hear(&self, incoming: &Incoming) -> Result<(Heard, Option<RecipientId>), AppError> {
        let is_stop = self.is_stop_word(&incoming.text);
        let mut tx = self.pool().begin().await?;
        if is_stop {
            // Whoever says so, and whatever we know of them: nobody is messaged after a STOP.
            self.suppress_in(&mut tx, &Suppression::by_themselves(incoming.sender, &incoming.from)).await?;
        }
        let Some(person) = person::newest_reached(&mut tx, incoming.sender, incoming.from.as_str()).await? else {
            tx.commit().await?;
            return Ok((if is_stop { Heard::OptedOut } else { Heard::Nothing }, None));
        };
        let evidence = if is_stop { Evidence::OptOut } else { Evidence::Reply { quoted: Quoted::No } };
        let stamped = StampedEvidence { attempt: person.recipient.attempt, at: incoming.at, evidence };
        let entry = EvidenceEntry::new(person.blast_id, person.id, stamped, EvidenceSource::Webhook);
        let entry = EvidenceEntry { metadata: Some(json!({ "text": incoming.text })), ..entry };
        record_in(&mut tx, &[entry], &self.engine().settings.retry, WhenLocked::Wait).await?;
        tx.commit().await?;
        self.tell(person.blast_id).await?;
        Ok((if is_stop { Heard::OptedOut } else { Heard::Replied }, Some(person.id)))
    }

    /// The whole message is one of the configured words, in any case; inside a sentence it means nothing.
    fn is_stop_word(&self, text: &str) -> bool {
        let text = text.trim().trim_end_matches(['.', '!']).to_lowercase();
        self.config().opt_out.keywords.iter().any(|word| word.to_lowercase() == text)
    }
}

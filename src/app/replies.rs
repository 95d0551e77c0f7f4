//! Incoming messages: attributed to the newest message that the person had from the sender; opt-outs take effect at once. And
//! reading what people wrote.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use tokio::task::spawn_blocking;

use super::App;
use super::AppError;
use super::suppressions::Suppression;
use crate::domain::ids::{BlastId, RecipientId, ReplyId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::pricing::MessageCharges;
use crate::domain::recipient::{Evidence, Quoted, StampedEvidence};
use crate::store::evidence::{EvidenceEntry, EvidenceSource, WhenLocked, record_in};
use crate::store::person::{self, PersonRow};
use crate::store::reply::{self, AnsweredMessage, NewReply};
use crate::store::view::charges::{self, ChargeDetail};
use crate::store::view::replies::{self, NoticeRow, ReplyCounts, ReplyQuery, ReplyRow};

/// Somebody wrote to a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    pub sender: SenderId,
    pub from: Phone,
    pub text: String,
    pub at: DateTime<Utc>,
}

/// How an incoming message was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncomingOutcome {
    Replied,
    OptedOut,
    /// From somebody whom no message of this sender is known to have reached.
    Unattributed,
}

impl App {
    /// A page of what people wrote, newest first.
    pub async fn replies(&self, query: &ReplyQuery) -> Result<Vec<ReplyRow>, AppError> {
        Ok(replies::list(self.pool(), query).await?)
    }

    /// Whether a reply is an opt-out, by its words or by its button. Of somebody who is known by no number and no id it is none.
    pub fn is_stop(&self, reply: &ReplyRow) -> bool {
        let is_known = reply.phone.is_some() || reply.user_id.is_some();
        is_known && self.asks_to_stop(reply)
    }

    /// Whether a reply asks to stop, though nothing may show who wrote it.
    pub fn asks_to_stop(&self, reply: &ReplyRow) -> bool {
        let words = &self.engine().stop_words;
        let beside = [reply.payload.as_deref(), reply.caption()].into_iter().flatten();
        words.is_stop(&reply.body) || beside.into_iter().any(|text| words.is_stop(text))
    }

    /// How much was written back to a blast.
    pub async fn reply_counts(&self, blast: BlastId) -> Result<ReplyCounts, AppError> {
        Ok(replies::counts(self.pool(), blast).await?)
    }

    /// What the delivered messages of a blast are charged as, and what they cost by the rate card.
    pub async fn charges(&self, blast: BlastId) -> Result<MessageCharges, AppError> {
        let card = &self.config().pricing.card;
        let detail = if card.is_empty() { ChargeDetail::Category } else { ChargeDetail::DayAndCountry };
        Ok(card.charges(&charges::delivered(self.pool(), blast, detail).await?))
    }

    /// The file that came with a reply, as this machine stored it.
    pub async fn reply_file(&self, reply: &ReplyRow) -> Result<Vec<u8>, AppError> {
        let refused = |why: String| AppError::Refused(format!("reply {}: {why}", reply.id));
        let file = &reply.file;
        let digest = match (file.file_state.as_deref(), &file.file_digest) {
            (Some("stored"), Some(digest)) => digest.clone(),
            (Some("wanted"), _) => {
                return Err(refused(match &file.file_reason {
                    None => "its file has not been fetched yet: an engine does, try again soon".to_owned(),
                    Some(why) => format!("its file could not be fetched yet ({why}): an engine goes on trying"),
                }));
            }
            (Some("dropped"), _) => return Err(refused("its file is no longer kept: see keep_inbox_days".to_owned())),
            (Some(_), _) => {
                return Err(refused(file.file_reason.clone().unwrap_or_else(|| "its file is lost".to_owned())));
            }
            (None, _) => return Err(refused("it has no saved file".to_owned())),
        };
        if let Some(host) = file.file_host.as_ref().filter(|host| **host != *self.engine().host) {
            return Err(refused(format!("its file is on {host}: run this there")));
        }
        let media = self.engine().media.clone();
        let read = spawn_blocking(move || media.read(&digest)).await.map_err(std::io::Error::other).flatten();
        read.map_err(|error| refused(format!("its file cannot be read: {error}")))
    }

    /// One reply.
    pub async fn reply(&self, id: ReplyId) -> Result<ReplyRow, AppError> {
        let found = replies::get(self.pool(), id).await?;
        found.ok_or_else(|| AppError::NotFound(format!("there is no reply {id}: `blastdeck replies` lists them")))
    }

    /// What providers said of accounts, numbers and templates, newest first: a page of what is older than `before`.
    pub async fn notices(
        &self,
        since: Option<DateTime<Utc>>,
        before: Option<&NoticeRow>,
        limit: u32,
    ) -> Result<Vec<NoticeRow>, AppError> {
        Ok(replies::notices(self.pool(), since, before.map(|row| (row.at, row.id)), limit).await?)
    }

    /// Keeps what somebody wrote, and marks nobody: that is left to an operator. Returns whose it is; nobody's is not kept.
    pub async fn keep_unmarked(&self, incoming: &Incoming) -> Result<Option<RecipientId>, AppError> {
        let mut tx = self.begin().await?;
        let reached = person::newest_reached(&mut tx, incoming.sender, incoming.from.as_str()).await?;
        let Some(person) = reached else { return Ok(None) };
        keep(&mut tx, incoming, &person).await?;
        tx.commit().await?;
        self.notify(person.blast_id).await;
        Ok(Some(person.id))
    }

    /// Takes an incoming message: a stop word alone is an opt-out, anything else a reply to the newest message that
    /// this person had from this sender. Returns whose it was.
    pub async fn receive(&self, incoming: &Incoming) -> Result<(IncomingOutcome, Option<RecipientId>), AppError> {
        let is_stop = self.engine().stop_words.is_stop(&incoming.text);
        let mut tx = self.begin().await?;
        if is_stop {
            // Nobody is messaged after a STOP, known or not.
            let opt_out = Suppression::by_themselves(incoming.sender, &incoming.from);
            let noted = self.suppress_in(&mut tx, &opt_out).await?;
            self.remember(&mut tx, noted.opt_outs().collect()).await?;
        }
        let Some(person) = person::newest_reached(&mut tx, incoming.sender, incoming.from.as_str()).await? else {
            tx.commit().await?;
            return Ok((if is_stop { IncomingOutcome::OptedOut } else { IncomingOutcome::Unattributed }, None));
        };
        let evidence = if is_stop { Evidence::OptOut } else { Evidence::Reply { quoted: Quoted::No } };
        let stamped = StampedEvidence { attempt: person.recipient.attempt, at: incoming.at, evidence };
        let entry = EvidenceEntry::new(person.blast_id, person.id, stamped, EvidenceSource::Webhook);
        let entry = EvidenceEntry { metadata: Some(json!({ "text": incoming.text })), ..entry };
        record_in(&mut tx, &[entry], &self.engine().settings.retry, WhenLocked::Wait).await?;
        tx.commit().await?;
        self.notify(person.blast_id).await;
        Ok((if is_stop { IncomingOutcome::OptedOut } else { IncomingOutcome::Replied }, Some(person.id)))
    }
}

/// Keeps the text of an incoming message, once.
async fn keep(tx: &mut PgConnection, incoming: &Incoming, person: &PersonRow) -> Result<(), AppError> {
    let answers =
        AnsweredMessage { blast_id: person.blast_id, recipient_id: person.id, attempt: person.recipient.attempt };
    let message_id = format!("{}-{}", incoming.from.as_str(), incoming.at.timestamp_micros());
    let new = NewReply {
        sender: incoming.sender,
        answers: Some(answers),
        phone: Some(incoming.from.as_str()),
        user_id: None,
        name: None,
        kind: "text",
        body: &incoming.text,
        payload: None,
        media_id: None,
        message_id: &message_id,
        quoted_id: None,
        at: incoming.at,
        is_undecided: false,
    };
    reply::add(tx, &new, &[incoming.sender]).await?;
    Ok(())
}

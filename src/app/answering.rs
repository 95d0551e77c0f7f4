//! Answers to people who wrote: text within the hours that Meta allows it. An answer is a blast of its own to one person, and goes
//! the way of every message; nothing here sends.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::commands::no_blast;
use super::marks::gone;
use super::still_suppressed::StillSuppressed;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::message::Message;
use crate::domain::sender::{StopCode, stop_mend};
use crate::domain::session::{SESSION, SessionWindow, is_same_text};
use crate::domain::status::Status;
use crate::store::action::{self, NewAction};
use crate::store::person::{self, PersonRow};
use crate::store::session::{self, NewSessionAnswer, SessionAnswer};
use crate::store::{blast, sender};

/// Text to somebody of a blast who wrote.
#[derive(Debug, Clone)]
pub struct AnswerRequest {
    pub blast: BlastId,
    /// Their number, in any spelling.
    pub phone: String,
    pub text: String,
    pub repeat: RepeatedAnswer,
}

/// What becomes of an answer with a text that the person has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatedAnswer {
    Refuse,
    SendAgain,
}

/// An answer that is queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedAnswer {
    /// Its own blast.
    pub id: BlastId,
    pub who: String,
    /// Nothing is sent from then on.
    pub until: DateTime<Utc>,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerOutcome {
    /// Queued or in flight.
    Open,
    Accepted,
    Failed,
    Uncertain,
    /// Left out: the time was over, they opted out, or somebody cancelled it.
    LeftOut,
}

impl AnswerOutcome {
    pub const fn of(status: Status) -> Self {
        match status {
            Status::Queued | Status::Sending => Self::Open,
            Status::Sent | Status::Delivered | Status::Read | Status::Replied | Status::Closed => Self::Accepted,
            Status::Failed => Self::Failed,
            Status::Uncertain => Self::Uncertain,
            Status::OptedOut | Status::Skipped => Self::LeftOut,
        }
    }
}

impl App {
    /// Queues text to somebody who wrote within the last 24 hours. Refused outside of them, for whoever opted out or was forgotten, and for a
    /// sender that has a phone to answer with; and for a text that they have already, unless it is wanted.
    pub async fn answer(&self, request: &AnswerRequest) -> Result<QueuedAnswer, AppError> {
        let message = Message::literal(&request.text).map_err(|error| AppError::invalid("text", error.to_string()))?;
        let row = self.recipient_by_phone(request.blast, &request.phone).await?;
        let mut tx = self.begin_about_people(&[row.id]).await?;
        self.refuse_unable(&mut tx, request.blast).await?;
        let person = person::lock_all(&mut tx, &[row.id]).await?.pop().ok_or_else(gone)?;
        let until = self.open_until(&mut tx, &person).await?;
        let head = blast::head(&mut tx, request.blast).await?.ok_or_else(|| no_blast(request.blast))?;
        if request.repeat == RepeatedAnswer::Refuse {
            refuse_repeated(&mut tx, (&person, head.sender_id), &request.text, until).await?;
        }
        let who = person.who();
        let new = NewSessionAnswer {
            sender: head.sender_id,
            blast: request.blast,
            recipient: person.id,
            phone: person.phone_number.as_str(),
            name: person.name.as_deref(),
            tag: &format!("Answer to {who}"),
            message: &message,
            until,
            by: self.operator(),
        };
        let id = session::add(&mut tx, new).await?;
        let act = NewAction {
            operator: self.acting_operator(),
            action: Act::Answer,
            blast: Some(request.blast),
            recipient: Some(person.id),
            phone: Some(person.phone_number.as_str()),
            detail: json!({ "answer": id }),
        };
        action::log(&mut tx, act).await?;
        tx.commit().await?;
        self.notify(id).await;
        Ok(QueuedAnswer { id, who, until })
    }

    /// An answer as it stands, by its own blast.
    pub async fn session_answer(&self, id: BlastId) -> Result<SessionAnswer, AppError> {
        let found = session::get(self.pool(), id).await?;
        let mut answer =
            found.ok_or_else(|| AppError::NotFound(format!("there is no answer {id}: its blast was deleted")))?;
        answer.advice = self.advice_to(id, answer.error_code.as_deref()).await?;
        Ok(answer)
    }

    /// Refuses where the blast's sender cannot answer now.
    async fn refuse_unable(&self, tx: &mut PgConnection, id: BlastId) -> Result<(), AppError> {
        let head = blast::head(&mut *tx, id).await?.ok_or_else(|| no_blast(id))?;
        let name = self.blast_row_in(&mut *tx, id).await?.sender;
        if let Some(why) = self.unusable(head.sender_id) {
            return Err(AppError::Refused(format!("sender {name} cannot be used: {why}")));
        }
        let Some(configured) = self.sender(head.sender_id) else {
            return Err(AppError::Refused(self.no_sender(&name)));
        };
        if configured.meta.is_none() {
            return Err(AppError::Refused(format!(
                "sender {name} is a phone that is linked to WSAPME: answer on the phone, where the whole conversation is; \
                 blastdeck answers for numbers of Meta's Cloud API, which have no phone"
            )));
        }
        let Some((code, why)) = sender::stop_of(tx, head.sender_id).await? else { return Ok(()) };
        // What stopped a restored database says how to go on itself.
        let mend = if code == StopCode::Restored { String::new() } else { format!("; {}", stop_mend(&code, &name)) };
        Err(AppError::Refused(format!("sender {name} is stopped: {why}{mend}")))
    }

    /// Until when a person may be answered.
    async fn open_until(&self, tx: &mut PgConnection, person: &PersonRow) -> Result<DateTime<Utc>, AppError> {
        let who = person.who();
        let head = blast::head(&mut *tx, person.blast_id).await?.ok_or_else(|| no_blast(person.blast_id))?;
        if person.is_suppressed {
            let still = self.still_suppressed(&mut *tx, &[person]).await?;
            return Err(AppError::Refused(format!(
                "{who} opted out, and nobody writes to people who did. If they ask for an answer all the same, {}",
                lifted_first(&still)
            )));
        }
        if self.forgotten_people(tx).await?.has(&person.phone_number) {
            return Err(AppError::Refused(format!(
                "{who} asked to be forgotten, and is in this database again since it was restored: nobody writes to them"
            )));
        }
        let last = session::last_word(tx, head.sender_id, person.phone_number.as_str()).await?;
        match SessionWindow::after(last, person.read_at) {
            SessionWindow::Open { until } => Ok(until),
            SessionWindow::Never => Err(AppError::Refused(format!(
                "{who} has not written to this number (reactions and edits do not count): text may be sent only within 24 hours of a \
                 person's last message; until they do, only a template can be sent"
            ))),
            SessionWindow::Over { until } => Err(AppError::Refused(format!(
                "{who} could be answered until {}: text may be sent only within 24 hours of a person's last message; a \
                 template still reaches them",
                self.local(until)
            ))),
        }
    }

    /// A time on the screen's clock, with its date.
    pub(super) fn local(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.config().ui.timezone).format("%-d %b %Y %H:%M").to_string()
    }
}

/// `` `blastdeck suppress remove +60… --business 'kedai'` lifts it first``: the opt-out of each business that holds, also that of all.
fn lifted_first(still: &[StillSuppressed]) -> String {
    let mut lines: Vec<String> = still.iter().map(StillSuppressed::lifting_line).collect();
    lines.dedup();
    match &lines[..] {
        // It was lifted in this moment.
        [] => "ask for it once more".to_owned(),
        [one] => format!("{one} lifts it first"),
        several => format!("{} lift it first", several.join(" and ")),
    }
}

/// Refuses a text that the person has since they wrote last, or that they may have or are about to get, from any blast.
async fn refuse_repeated(
    tx: &mut PgConnection,
    (person, sender): (&PersonRow, SenderId),
    text: &str,
    until: DateTime<Utc>,
) -> Result<(), AppError> {
    let since = until - SESSION;
    let standing = session::standing(tx, (sender, person.phone_number.as_str()), since).await?;
    let Some(same) = standing.into_iter().find(|answer| is_same_text(&answer.text, text)) else { return Ok(()) };
    let (who, state) = (person.who(), same.status);
    Err(AppError::Refused(format!(
        "{who} was answered with this text already, and it is {state}: nothing is sent; on the command line --again sends it once more"
    )))
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn of_business(business: &str) -> StillSuppressed {
        StillSuppressed {
            phone_number: "+60100000001".to_owned(),
            business: business.to_owned(),
            source: "operator".to_owned(),
            reason: None,
            by: None,
            marked_in: None,
            marked_as: None,
        }
    }

    #[test]
    fn an_opt_out_of_every_business_is_lifted_by_a_line_without_one_and_each_that_holds_is_named() {
        let [all, own] = [of_business("*"), of_business("kedai")];
        let marked = StillSuppressed { marked_in: Some(BlastId(7)), ..own.clone() };

        assert_eq!(lifted_first(from_ref(&all)), "`blastdeck suppress remove +60100000001` lifts it first");
        let line = "`blastdeck suppress remove +60100000001 --business 'kedai'`";
        assert_eq!(lifted_first(from_ref(&own)), format!("{line} lifts it first"));
        assert_eq!(lifted_first(&[marked]), format!("{line} lifts it first"), "whatever holds it");
        let both = lifted_first(&[all, own]);
        assert_eq!(both, format!("`blastdeck suppress remove +60100000001` and {line} lift it first"));
    }
}

//! Taking acts back: one's own newest, or a person's last mark. Never starts a message.

use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};

use super::App;
use super::commands::no_blast;
use super::marks::{outcome, person_of};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Evidence, Resolution, Undone};
use crate::domain::status::Status;
use crate::engine::error::EngineError;
use crate::store::action::{self, Action, NewAction};
use crate::store::ledger::{WhenLocked, record_in};
use crate::store::person::Person;
use crate::store::suppression;

/// What an undo took back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    pub recipient: Option<RecipientId>,
    /// One sentence: "Siti Aminah: replied -> read, taken back".
    pub sentence: String,
    pub command_line: String,
}

impl App {
    /// Takes back this operator's own newest act that is not taken back yet. Refused if somebody changed that person
    /// since.
    pub async fn undo_mine(&self) -> Result<TakenBack, EngineError> {
        let mut tx = self.pool().begin().await?;
        let Some(mine) = action::newest_of(&mut tx, self.operator()).await? else {
            return Err(EngineError::Refused("there is nothing of yours to take back".to_owned()));
        };
        if matches!(mine.action.as_str(), "launch" | "resume") {
            return self.undo_launch(tx, &mine).await;
        }
        let recipient = mine.recipient_id.ok_or_else(|| EngineError::NotFound("that person is gone".to_owned()))?;
        let newest = action::newest_on(&mut tx, recipient).await?;
        if let Some(newest) = newest.filter(|newest| newest.id != mine.id) {
            let person = person_of(&mut tx, recipient).await?;
            return Err(EngineError::Refused(format!(
                "{} was changed since, by {}: U takes that back first",
                person.who(),
                newest.operator
            )));
        }
        self.undo_mark(tx, &mine).await
    }

    /// Takes back the newest mark on this person, whoever made it.
    pub async fn undo_person(&self, recipient: RecipientId) -> Result<TakenBack, EngineError> {
        let mut tx = self.pool().begin().await?;
        if let Some(newest) = action::newest_on(&mut tx, recipient).await? {
            return self.undo_mark(tx, &newest).await;
        }
        let person = person_of(&mut tx, recipient).await?;
        Err(EngineError::Refused(format!("{} has no mark to take back", person.who())))
    }

    async fn undo_mark(&self, mut tx: Transaction<'_, Postgres>, act: &Action) -> Result<TakenBack, EngineError> {
        let recipient = act.recipient_id.ok_or_else(|| EngineError::NotFound("that person is gone".to_owned()))?;
        let undone = undone(act).ok_or_else(|| EngineError::Refused("that act cannot be taken back".to_owned()))?;
        let evidence = Evidence::Undo(undone.clone());
        let seen = person_of(&mut tx, recipient).await?;
        let person = self.hold(&mut tx, &seen, &evidence).await?;
        let entry = self.manual(&person, evidence);
        let settled = record_in(&mut tx, &[entry], &self.rules(), WhenLocked::Wait).await?;
        let (before, after) = outcome(&settled, &person)?;
        if undone == Undone::OptOut && act.detail.get("was_suppressed") != Some(&Value::Bool(true)) {
            suppression::remove_own(&mut tx, &person.business, person.phone_number.as_str(), act.id).await?;
        }
        self.close_act(&mut tx, act, &person).await?;
        tx.commit().await?;
        self.tell(person.blast_id).await?;
        Ok(TakenBack {
            recipient: Some(recipient),
            sentence: sentence(&person, &act.action, before, after),
            command_line: format!("blastdeck mark {} {} undo", person.blast_id, person.phone_number.as_str()),
        })
    }

    async fn close_act(&self, tx: &mut PgConnection, act: &Action, person: &Person) -> Result<(), EngineError> {
        if !action::mark_undone(tx, act.id, self.operator()).await? {
            return Err(EngineError::Refused(format!("{}: that was taken back a moment ago", person.who())));
        }
        let new = NewAction {
            operator: self.operator(),
            action: "undo",
            blast: act.blast_id,
            recipient: act.recipient_id,
            phone: Some(person.phone_number.as_str()),
            detail: serde_json::json!({ "of": act.id, "action": act.action }),
        };
        action::log(tx, new).await?;
        Ok(())
    }

    async fn undo_launch(&self, mut tx: Transaction<'_, Postgres>, act: &Action) -> Result<TakenBack, EngineError> {
        let blast = act.blast_id.ok_or_else(|| EngineError::NotFound("that blast is gone".to_owned()))?;
        let (head, state) = match self.disarm(&mut tx, blast).await {
            Err(EngineError::NotFound(_)) => return Err(no_blast(blast)),
            other => other?,
        };
        action::mark_undone(&mut tx, act.id, self.operator()).await?;
        tx.commit().await?;
        self.tell(blast).await?;
        Ok(TakenBack {
            recipient: None,
            sentence: match state {
                BlastState::Draft => format!("{} is a draft again: nothing was sent", head.blast_tag),
                _ => format!("{} is paused again: nothing more was sent", head.blast_tag),
            },
            command_line: format!("blastdeck blast pause {blast}"),
        })
    }
}

fn sentence(person: &Person, act: &str, before: Status, after: Status) -> String {
    if before == after {
        return format!("{}: {act} taken back", person.who());
    }
    format!("{}: {before} -> {after}, taken back", person.who())
}

/// What the ledger has to take back for a logged act.
fn undone(act: &Action) -> Option<Undone> {
    let text = |key: &str| act.detail.get(key).and_then(Value::as_str).map(str::to_owned);
    let amount = |key: &str| text(key).and_then(|amount| amount.parse::<Decimal>().ok());
    match act.action.as_str() {
        "replied" => Some(Undone::Replied),
        "closed" if act.detail.get("amends") == Some(&Value::Bool(true)) => {
            Some(Undone::Amount(amount("amount_before")))
        }
        "closed" => Some(Undone::Closed),
        "opt-out" => Some(Undone::OptOut),
        "note" => Some(Undone::Note(text("note_before"))),
        "resolve" => {
            let resolution = act.detail.get("resolution").cloned()?;
            serde_json::from_value::<Resolution>(resolution).ok().map(Undone::Resolve)
        }
        _ => None,
    }
}

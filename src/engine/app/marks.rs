//! An operator's marks: through the ledger, with the act logged in the same transaction.

use chrono::{TimeDelta, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::App;
use super::suppressions::Suppression;
use crate::domain::ids::{ActionId, RecipientId};
use crate::domain::recipient::{Evidence, Mark, Resolution, Stamped};
use crate::domain::status::Status;
use crate::engine::error::EngineError;
use crate::store::action::{self, NewAction};
use crate::store::ledger::{Entry, Settled, Source, WhenLocked, hold_blasts, record_in};
use crate::store::person::{self, Person};

/// A mark that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub action: ActionId,
    pub recipient: RecipientId,
    /// The person's name, else the number.
    pub who: String,
    pub before: Status,
    pub after: Status,
    /// What was done, as `replied`, `closed`, `opt-out`, `note`, `resolve`.
    pub act: String,
    /// The same as a command line: `blastdeck mark 7 +60… replied`.
    pub command_line: String,
}

/// An amount that follows its close within this is part of it.
const SAME_ACT: TimeDelta = TimeDelta::minutes(5);

impl App {
    /// Writes an operator's mark. Refused with a sentence when it cannot be, or when somebody else was first.
    pub async fn mark(&self, recipient: RecipientId, mark: Mark) -> Result<Marked, EngineError> {
        let mut tx = self.pool().begin().await?;
        let seen = person_of(&mut tx, recipient).await?;
        let evidence = Evidence::Manual(mark.clone());
        let person = self.hold(&mut tx, &seen, &evidence).await?;
        self.refuse_lost_race(&mut tx, &person, &mark).await?;
        let entry = self.manual(&person, evidence);
        let settled = record_in(&mut tx, &[entry], &self.rules(), WhenLocked::Wait).await?;
        let (before, after) = outcome(&settled, &person)?;
        if mark == Mark::OptOut {
            self.suppress_in(&mut tx, &Suppression::of(&person, self.operator())).await?;
        }
        let action = self.log_mark(&mut tx, &person, &mark).await?;
        tx.commit().await?;
        self.tell(person.blast_id).await?;
        Ok(Marked {
            action,
            recipient,
            who: person.who(),
            before,
            after,
            act: act(&mark).to_owned(),
            command_line: command_line(&person, &mark),
        })
    }

    /// The person under lock, as they are now: the blast first where the evidence may requeue, in the ledger's order.
    pub(super) async fn hold(
        &self,
        tx: &mut PgConnection,
        seen: &Person,
        evidence: &Evidence,
    ) -> Result<Person, EngineError> {
        hold_blasts(tx, &[self.manual(seen, evidence.clone())], WhenLocked::Wait).await?;
        person::lock(tx, seen.id).await?.ok_or_else(|| EngineError::NotFound("that person is gone".to_owned()))
    }

    /// The entry for an operator's word about a person's present attempt.
    pub(super) fn manual(&self, person: &Person, evidence: Evidence) -> Entry {
        let stamped = Stamped { attempt: person.attempt, at: Utc::now(), evidence };
        let entry = Entry::new(person.blast_id, person.id, stamped, Source::Operator);
        Entry { by: Some(self.operator().to_owned()), ..entry }
    }

    /// Two operators on one sale: who was first is told, the second is not written. One's own close may be amended.
    async fn refuse_lost_race(&self, tx: &mut PgConnection, person: &Person, mark: &Mark) -> Result<(), EngineError> {
        if !matches!(mark, Mark::Closed(_)) || person.closed_at.is_none() {
            return Ok(());
        }
        let Some(first) = action::newest_close(tx, person.id).await? else { return Ok(()) };
        if first.operator == self.operator() {
            return Ok(());
        }
        let amount = person.amount.map_or_else(String::new, |amount| format!(", {amount}"));
        Err(EngineError::Refused(format!(
            "{} closed {} first{amount}; yours is not written",
            first.operator,
            person.who()
        )))
    }

    async fn log_mark(&self, tx: &mut PgConnection, person: &Person, mark: &Mark) -> Result<ActionId, EngineError> {
        if let Some(close) = self.own_fresh_close(tx, person, mark).await? {
            action::amend(tx, close, &detail(person, mark)).await?;
            return Ok(close);
        }
        let new = NewAction {
            operator: self.operator(),
            action: act(mark),
            blast: Some(person.blast_id),
            recipient: Some(person.id),
            phone: Some(person.phone_number.as_str()),
            detail: detail(person, mark),
        };
        Ok(action::log(tx, new).await?)
    }
}

impl App {
    /// The close that an amount belongs to, typed a moment after it: both are one act, and one undo takes both back.
    async fn own_fresh_close(
        &self,
        tx: &mut PgConnection,
        person: &Person,
        mark: &Mark,
    ) -> Result<Option<ActionId>, EngineError> {
        if !matches!(mark, Mark::Closed(_)) || person.closed_at.is_none() {
            return Ok(None);
        }
        let close = action::newest_close(tx, person.id).await?;
        let is_own = |close: &action::Action| close.operator == self.operator() && Utc::now() - close.at < SAME_ACT;
        Ok(close.filter(is_own).map(|close| close.id))
    }
}

/// Somebody, or the sentence that they are gone.
pub(super) async fn person_of(tx: &mut PgConnection, id: RecipientId) -> Result<Person, EngineError> {
    person::get(tx, id).await?.ok_or_else(|| EngineError::NotFound("that person is gone".to_owned()))
}

/// The word an act is logged under.
fn act(mark: &Mark) -> &'static str {
    match mark {
        Mark::Replied => "replied",
        Mark::Closed(_) => "closed",
        Mark::OptOut => "opt-out",
        Mark::Note(_) => "note",
        Mark::Resolve(_) => "resolve",
        Mark::Retry => "retry",
    }
}

/// What an undo needs to know.
fn detail(person: &Person, mark: &Mark) -> Value {
    match mark {
        Mark::Closed(amount) => json!({
            "amount": amount.map(|amount| amount.to_string()),
            "amends": person.closed_at.is_some(),
            "amount_before": person.amount.map(|amount| amount.to_string()),
        }),
        Mark::Note(note) => json!({ "note": note, "note_before": person.note }),
        Mark::Resolve(resolution) => json!({ "resolution": resolution }),
        Mark::OptOut => json!({ "was_suppressed": person.is_suppressed }),
        Mark::Replied | Mark::Retry => json!({}),
    }
}

/// The same act as a command line, so that people learn to script it.
fn command_line(person: &Person, mark: &Mark) -> String {
    let (blast, phone) = (person.blast_id, &person.phone_number);
    let amount = |amount: &Option<Decimal>| amount.map_or_else(String::new, |amount| format!(" --amount {amount}"));
    match mark {
        Mark::Replied => format!("blastdeck mark {blast} {phone} replied"),
        Mark::Retry => format!("blastdeck blast retry {blast}"),
        Mark::Closed(sum) => format!("blastdeck mark {blast} {phone} closed{}", amount(sum)),
        Mark::OptOut => format!("blastdeck mark {blast} {phone} opt-out"),
        Mark::Note(note) => format!("blastdeck mark {blast} {phone} note --note '{}'", note.replace('\'', "'\\''")),
        Mark::Resolve(resolution) => {
            let word = match resolution {
                Resolution::Sent => "sent",
                Resolution::Resend => "resend",
                Resolution::Drop => "drop",
            };
            format!("blastdeck uncertain resolve {blast} {phone} {word}")
        }
    }
}

/// The status before and after; a refusal as an error.
pub(super) fn outcome(settled: &[Settled], person: &Person) -> Result<(Status, Status), EngineError> {
    match settled.first() {
        Some(Settled::Changed { before, after }) => Ok((*before, *after)),
        Some(Settled::Refused(why)) => Err(EngineError::Refused(format!("{}: {why}", person.who()))),
        Some(Settled::Nothing) => {
            Err(EngineError::Refused(format!("{} is {} already: nothing changed", person.who(), person.status)))
        }
        Some(Settled::Locked) => {
            Err(EngineError::Refused(format!("{} is being changed by somebody else: try again", person.who())))
        }
        Some(Settled::Gone) | None => Err(EngineError::NotFound("that person is gone".to_owned())),
    }
}

//! An operator's marks: recorded as evidence, with the act logged in the same transaction.

mod forgotten;
mod marked;
mod outcomes;
mod replaced_orders;
mod resolving;

pub(super) use forgotten::refuse_words_on_forgotten;
pub use marked::Marked;
use marked::later_message;
use outcomes::is_said_anew;
pub(super) use outcomes::{outcome, outcome_of_mark};
use replaced_orders::{counting_before, replaces_order};
pub(super) use resolving::news_waits;
use resolving::refuse_opted_out;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::App;
use super::AppError;
use super::customers::NOTE_MAX;
use super::suppressions::Suppression;
use crate::domain::act::Act;
use crate::domain::amount::in_currency;
use crate::domain::ids::{ActionId, RecipientId};
use crate::domain::recipient::{Evidence, Mark, Resolution, ShownAttempts, StampedEvidence};
use crate::domain::status::Status;
use crate::store::DbTransaction;
use crate::store::action::{self, LoggedAction, NewAction};
use crate::store::evidence::{EntryOutcome, EvidenceEntry, EvidenceSource, record_locked};
use crate::store::order;
use crate::store::person::{self, PersonRow};
use crate::store::reply;

/// An amount that first follows its close within this time is part of it; a later one amends it.
pub(super) const SAME_ACT: TimeDelta = TimeDelta::minutes(5);

/// What a mark belongs to.
#[derive(Debug, Default)]
struct MarkContext {
    /// The act that an amount is part of.
    close: Option<ActionId>,
    shown: ShownAttempts,
}

impl App {
    /// Writes an operator's mark. Refused, with a sentence, where the mark is impossible or somebody else was first.
    pub async fn mark(&self, recipient: RecipientId, mark: Mark) -> Result<Marked, AppError> {
        self.mark_shown(recipient, mark, ShownAttempts::default()).await
    }

    /// The same, where an answer is about the attempt that was shown.
    async fn mark_shown(&self, recipient: RecipientId, mark: Mark, shown: ShownAttempts) -> Result<Marked, AppError> {
        refuse_unfit_note(&mark)?;
        let mut tx = self.begin_marks(recipient, std::slice::from_ref(&mark)).await?;
        let person = self.hold(&mut tx, recipient, &mark).await?;
        refuse_opted_out(&person, &mark)?;
        let named = self.named_in_webhooks(&mut tx, std::slice::from_ref(&person), &mark, &shown).await?;
        if !named.is_empty() {
            return Err(AppError::Refused(news_waits(&person.who())));
        }
        self.refuse_lost_race(&mut tx, &person, &mark).await?;
        let close = self.own_fresh_close(&mut tx, &person, &mark).await?;
        let marked = self.write(&mut tx, &person, mark, MarkContext { close, shown }).await?;
        self.end_marks(tx).await?;
        Ok(marked)
    }

    /// The same as an act of its own, also where it is the amount of a sale that was closed a moment ago: each command line
    /// is undone alone. An amount may be written over that of an order, which then says so.
    pub async fn mark_apart(&self, recipient: RecipientId, mark: Mark) -> Result<Marked, AppError> {
        let mut marked = self.mark_each_apart(recipient, vec![mark]).await?;
        marked.pop().ok_or_else(gone)
    }

    /// The same of several marks of one person: all of them are written, or none.
    pub async fn mark_each_apart(&self, recipient: RecipientId, marks: Vec<Mark>) -> Result<Vec<Marked>, AppError> {
        marks.iter().try_for_each(refuse_unfit_note)?;
        let mut tx = self.begin_marks(recipient, &marks).await?;
        let mut marked = Vec::with_capacity(marks.len());
        for mark in marks {
            let person = self.hold(&mut tx, recipient, &mark).await?;
            if !replaces_order(&mut tx, &person, &mark).await? {
                self.refuse_lost_race(&mut tx, &person, &mark).await?;
            }
            marked.push(self.write(&mut tx, &person, mark, MarkContext::default()).await?);
        }
        self.end_marks(tx).await?;
        Ok(marked)
    }

    async fn end_marks(&self, tx: DbTransaction) -> Result<(), AppError> {
        tx.commit().await?;
        self.engine().notifier.wake_all();
        Ok(())
    }

    /// Writes another amount for a sale that was closed earlier, whoever closed it: an act of its own. Refused where the
    /// amount is not `seen` any more, so that of two operators who amend one sale the second is refused.
    pub async fn amend(
        &self,
        recipient: RecipientId,
        seen: Option<Decimal>,
        amount: Decimal,
    ) -> Result<Marked, AppError> {
        let mut tx = self.begin().await?;
        let mark = Mark::Closed(Some(amount));
        let person = self.hold(&mut tx, recipient, &mark).await?;
        if person.recipient.closed_at.is_none() {
            let (who, status) = (person.who(), person.status);
            return Err(AppError::Refused(format!("{who} is {status} now, not closed: the amount is not written")));
        }
        if person.recipient.amount != seen {
            let now = person.recipient.amount.map_or_else(|| "nothing".to_owned(), |amount| self.money(amount));
            let newest = action::newest_close(&mut tx, person.id).await?;
            let by = newest.map_or_else(|| "somebody".to_owned(), |newest| who_closed(&newest).to_owned());
            return Err(AppError::Refused(format!(
                "{by} changed the amount of {} to {now} a moment ago; yours, {}, is not written",
                person.who(),
                self.money(amount)
            )));
        }
        let marked = self.write(&mut tx, &person, mark, MarkContext::default()).await?;
        self.end_marks(tx).await?;
        Ok(marked)
    }

    /// Records a mark of somebody under lock, and logs it (as part of an earlier act, where there is one).
    async fn write(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        mark: Mark,
        MarkContext { close, shown }: MarkContext,
    ) -> Result<Marked, AppError> {
        refuse_words_on_forgotten(person, &mark)?;
        let entry = self.manual_shown(person, &mark, &shown);
        let people = std::slice::from_ref(person);
        let settled = record_locked(tx, &[entry], people, &self.engine().settings.retry).await?;
        if settled.first() == Some(&EntryOutcome::Nothing) && !is_said_anew(person, &mark) {
            self.refuse_second(tx, person, &mark).await?;
            if let Some(fact) = known_fact(&mark) {
                return Err(AppError::Refused(format!("{} {fact} already: nothing changed", person.who())));
            }
        }
        // Whoever is uncertain has not been answered for: the refusal has the reason.
        let is_settled = person.status != Status::Uncertain;
        if is_settled && matches!((&mark, settled.first()), (Mark::Resolve(_), Some(EntryOutcome::Refused(_)))) {
            self.refuse_second(tx, person, &mark).await?;
        }
        let (before, after) = outcome_of_mark(settled.first(), person, &mark)?;
        if matches!(mark, Mark::Resolve(_)) {
            reply::decide(tx, &[person.id]).await?;
        }
        if mark == Mark::OptOut {
            let noted = self.suppress_in(tx, &Suppression::of(person, self.operator())).await?;
            self.remember(tx, noted.opt_outs().collect()).await?;
        }
        let counted = counting_before(tx, person, &mark).await?;
        let amount_by = self.others_amount(tx, person, &mark).await?;
        let action = self.log_mark(tx, person, &mark, close).await?;
        let counting = if counted.is_empty() { Vec::new() } else { order::counting(tx, person.id).await? };
        Ok(Marked {
            action,
            recipient: person.id,
            who: person.who(),
            before,
            after,
            act: act(&mark).word().to_owned(),
            amount_before: person.recipient.amount,
            amount_by,
            replaced: counted.into_iter().filter(|order| !counting.contains(order)).collect(),
            later_message: later_message(person, &mark),
            command_line: command_line(person, &mark),
        })
    }

    /// Who wrote the amount that a mark takes the place of, where it was another operator.
    async fn others_amount(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        mark: &Mark,
    ) -> Result<Option<String>, AppError> {
        if person.recipient.amount.is_none() || !matches!(mark, Mark::Closed(Some(_))) {
            return Ok(None);
        }
        let newest = action::newest_on_each(tx, &[person.id]).await?.pop();
        let others = newest.filter(|act| act.action == Act::Closed && act.operator != self.operator());
        Ok(others.map(|act| act.operator))
    }

    /// The person under lock, as they are now.
    pub(super) async fn hold(
        &self,
        tx: &mut PgConnection,
        id: RecipientId,
        mark: &Mark,
    ) -> Result<PersonRow, AppError> {
        let mut held = self.hold_all(tx, &[(id, Evidence::Manual(mark.clone()))]).await?;
        held.pop().ok_or_else(gone)
    }

    /// The entry for an operator's evidence about a person's current attempt, as of the time that it was read.
    pub(super) fn manual(&self, person: &PersonRow, evidence: Evidence) -> EvidenceEntry {
        let stamped = StampedEvidence { attempt: person.recipient.attempt, at: person.read_at, evidence };
        let entry = EvidenceEntry::new(person.blast_id, person.id, stamped, EvidenceSource::Operator);
        EvidenceEntry { by: Some(self.operator().to_owned()), ..entry }
    }

    /// Two operators on one sale: the refusal names the first, and the second is not written. One's own close may be amended.
    pub(super) async fn refuse_lost_race(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        mark: &Mark,
    ) -> Result<(), AppError> {
        if !matches!(mark, Mark::Closed(_)) || person.recipient.closed_at.is_none() {
            return Ok(());
        }
        let Some(first) = action::newest_close(tx, person.id).await? else { return Ok(()) };
        if first.operator == self.operator() {
            return Ok(());
        }
        let amount = person.recipient.amount.map_or_else(String::new, |amount| format!(", {}", self.money(amount)));
        let yours = match mark {
            Mark::Closed(Some(sum)) => format!("yours, {}, is not written", self.money(*sum)),
            _ => "yours is not written".to_owned(),
        };
        let by = who_closed(&first);
        Err(AppError::Refused(format!("{by} closed {} first{amount}; {yours}", person.who())))
    }

    /// `RM 120.00`.
    fn money(&self, sum: Decimal) -> String {
        in_currency(sum, &self.config().ui.currency)
    }

    /// Two operators with the same mark: the refusal names the first.
    async fn refuse_second(&self, tx: &mut PgConnection, person: &PersonRow, mark: &Mark) -> Result<(), AppError> {
        let newest = action::newest_on_each(tx, &[person.id]).await?.pop();
        let Some(first) = newest.filter(|newest| newest.action == act(mark) && newest.operator != self.operator())
        else {
            return Ok(());
        };
        let (by, who) = (first.operator, person.who());
        Err(AppError::Refused(match mark {
            Mark::OptOut => format!("{by} noted first that {who} wants no more; nothing changed"),
            Mark::Resolve(_) => {
                format!("{by} answered for {who} first: they are {} now; yours is not written", person.status)
            }
            Mark::Note(_) => format!("{by} wrote the same note on {who} first; nothing changed"),
            _ => format!("{by} marked {who} {} first; nothing changed", person.status),
        }))
    }

    async fn log_mark(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        mark: &Mark,
        close: Option<ActionId>,
    ) -> Result<ActionId, AppError> {
        if let Some(close) = close {
            action::amend(tx, close, &detail(person, mark)).await?;
            return Ok(close);
        }
        Ok(action::log(tx, self.new_action(person, mark)).await?)
    }

    /// A mark as it is logged.
    pub(super) fn new_action<'a>(&'a self, person: &'a PersonRow, mark: &Mark) -> NewAction<'a> {
        NewAction {
            operator: self.acting_operator(),
            action: act(mark),
            blast: Some(person.blast_id),
            recipient: Some(person.id),
            phone: Some(person.phone_number.as_str()),
            detail: detail(person, mark),
        }
    }
}

impl App {
    /// The close that an amount belongs to, if it was typed a moment later and nothing was done to the person between: both
    /// are one act, undone together.
    async fn own_fresh_close(
        &self,
        tx: &mut PgConnection,
        person: &PersonRow,
        mark: &Mark,
    ) -> Result<Option<ActionId>, AppError> {
        if !matches!(mark, Mark::Closed(_)) || person.recipient.closed_at.is_none() {
            return Ok(None);
        }
        let close = action::newest_on_each(tx, &[person.id]).await?.pop().filter(|act| act.action == Act::Closed);
        // A second amount is an act of its own: its undo leaves the sale and the first amount.
        let is_first = person.recipient.amount.is_none();
        let is_own = |close: &LoggedAction| {
            let is_order = close.detail.get("order").is_some();
            is_first && !is_order && close.operator == self.operator() && person.read_at - close.at < SAME_ACT
        };
        Ok(close.filter(is_own).map(|close| close.id))
    }
}

/// The person, or the error that they are gone.
pub(super) async fn person_of(tx: &mut PgConnection, id: RecipientId) -> Result<PersonRow, AppError> {
    person::get(tx, id).await?.ok_or_else(gone)
}

pub(super) fn gone() -> AppError {
    AppError::NotFound("that person is gone".to_owned())
}

/// What a dashboard's field could not hold would be cut there.
pub(super) fn refuse_unfit_note(mark: &Mark) -> Result<(), AppError> {
    match mark {
        Mark::Note(note) if note.contains('\0') => Err(AppError::invalid("note", "NUL is no text: leave it out")),
        Mark::Note(note) if note.chars().count() > NOTE_MAX => {
            Err(AppError::invalid("note", format!("a note has at most {NOTE_MAX} characters")))
        }
        _ => Ok(()),
    }
}

/// The act that a mark is logged as.
pub(super) fn act(mark: &Mark) -> Act {
    match mark {
        Mark::Replied => Act::Replied,
        Mark::Closed(_) | Mark::Ordered(_) => Act::Closed,
        Mark::OptOut => Act::OptOut,
        Mark::Note(_) => Act::Note,
        Mark::Resolve(_) => Act::Resolve,
        Mark::Retry => Act::Retry,
    }
}

/// What an undo needs to know.
fn detail(person: &PersonRow, mark: &Mark) -> Value {
    match mark {
        Mark::Closed(amount) => json!({
            "amount": amount.map(|amount| amount.to_string()),
        }),
        Mark::Note(note) => json!({ "note": note, "note_before": person.recipient.note }),
        Mark::Resolve(resolution) => json!({ "resolution": resolution }),
        Mark::Ordered(amount) => json!({
            "amount": amount.map(|amount| amount.to_string()),
            "order": null,
        }),
        Mark::OptOut => json!({ "was_suppressed": person.is_suppressed }),
        Mark::Replied | Mark::Retry => json!({}),
    }
}

/// The same act as a command line, so that people learn to script it.
pub(super) fn command_line(person: &PersonRow, mark: &Mark) -> String {
    let (blast, phone) = (person.blast_id, person.phone_number.as_str());
    let amount = |amount: &Option<Decimal>| amount.map_or_else(String::new, |amount| format!(" --amount {amount}"));
    match mark {
        Mark::Replied => format!("blastdeck mark {blast} {phone} replied"),
        Mark::Retry => format!("blastdeck blast retry {blast}"),
        Mark::Ordered(_) => format!("blastdeck order add {blast} {phone}"),
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

/// Who wrote that somebody bought.
fn who_closed(close: &LoggedAction) -> &str {
    if close.detail.get("order").is_some() { "an order" } else { &close.operator }
}

/// What a mark without a change of status says about a person, if that was known before.
const fn known_fact(mark: &Mark) -> Option<&'static str> {
    match mark {
        Mark::OptOut => Some("has opted out"),
        Mark::Note(note) if note.is_empty() => Some("has no note"),
        Mark::Note(_) => Some("has that note"),
        Mark::Closed(Some(_)) => Some("is closed with that amount"),
        _ => None,
    }
}

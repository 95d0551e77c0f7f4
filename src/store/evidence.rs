//! The only place where evidence changes a recipient. Sender results, polls, webhooks and operator marks
//! all come through here: read under lock (or known from the claim), [`apply`], write rows, history and raw answers, commit.
//!
//! Lock order, the same everywhere: blasts, then recipients by id.

mod blasts;
mod entry;
mod ids;
mod lost;
mod people;
mod rows;
mod statement;
mod write;

use std::borrow::Cow;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

pub(super) use rows::{COLUMNS, show_in_flight};

pub use blasts::hold_blasts_of;
pub use entry::{AttemptAnswer, EntryOutcome, EvidenceEntry, EvidenceSource, WhenLocked};

use super::person::PersonRow;
use super::settings;
use super::{StoreError, answered, fence};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Applied, ApplyContext, Evidence, Recipient, apply};
use crate::domain::retry::RetryRules;
use crate::domain::status::Status;
use blasts::{HeldBlast, hold_blasts};
use lost::LostNumbers;
use people::RecipientChange;
use statement::StatementBuilder;

/// At most this many pieces of evidence in one transaction.
pub const BATCH_MAX: usize = 1_000;

/// Records a batch: in one transaction, or two where it begins with entries that are known from their claim
/// ([`EvidenceEntry::is_known`]): these are written without being read, which is most of what is ever recorded.
pub async fn record(
    pool: &PgPool,
    entries: &[EvidenceEntry],
    rules: &RetryRules,
) -> Result<Vec<EntryOutcome>, StoreError> {
    let known = entries.iter().take_while(|entry| entry.is_known()).count();
    let (known, others) = entries.split_at(known);
    let mut settled = Vec::with_capacity(entries.len());
    if !known.is_empty() {
        settled.extend(match record_once(pool, known, rules, Assumption::Claims).await {
            Err(StoreError::Moved | StoreError::IdTaken | StoreError::Busy(_) | StoreError::Data(_)) => {
                record_read(pool, known, rules).await?
            }
            other => other?,
        });
    }
    if !others.is_empty() {
        settled.extend(record_read(pool, others, rules).await?);
    }
    Ok(settled)
}

/// Records a batch in one transaction. When one row's data is refused by the database, the batch is halved until the
/// culprit is alone, and that one is stored without what the database would not take.
async fn record_read(
    pool: &PgPool,
    entries: &[EvidenceEntry],
    rules: &RetryRules,
) -> Result<Vec<EntryOutcome>, StoreError> {
    let first = match record_once(pool, entries, rules, Assumption::Ids).await {
        // An id that was there already: rarely another message's, more often evidence written again after a commit
        // whose answer was lost. Checked only then.
        Err(StoreError::IdTaken) => record_once(pool, entries, rules, Assumption::Nothing).await,
        other => other,
    };
    match first {
        Err(StoreError::Data(_)) if entries.len() > 1 => {
            let (left, right) = entries.split_at(entries.len() / 2);
            let mut settled = Box::pin(record_read(pool, left, rules)).await?;
            settled.extend(Box::pin(record_read(pool, right, rules)).await?);
            Ok(settled)
        }
        Err(StoreError::Data(refusal)) => {
            tracing::warn!(%refusal, "one piece of evidence was stored short of what the database would not take");
            let bare: Vec<_> = entries.iter().map(bare).collect();
            record_once(pool, &bare, rules, Assumption::Nothing).await
        }
        other => other,
    }
}

/// The entry without anything that came from outside, but with its meaning.
fn bare(entry: &EvidenceEntry) -> EvidenceEntry {
    let mut bare = entry.clone();
    bare.metadata = None;
    if let Some(answer) = &mut bare.answer {
        answer.message_id = None;
        answer.error_code = None;
        answer.text = None;
    }
    match &mut bare.stamped.evidence {
        Evidence::Accepted { message_id, provider_status, message_timestamp } => {
            (*message_id, *provider_status, *message_timestamp) = (None, None, None);
        }
        Evidence::Rejected { code, message, .. } => {
            "unreadable".clone_into(code);
            message.clear();
        }
        Evidence::Unknown { why } => why.clear(),
        _ => {}
    }
    bare
}

/// What may be assumed unread; a wrong guess fails the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Assumption {
    /// Nothing happened to people since their first claim, and ids are new.
    Claims,
    /// Message ids are new, as ids are.
    Ids,
    Nothing,
}

async fn record_once(
    pool: &PgPool,
    entries: &[EvidenceEntry],
    rules: &RetryRules,
    trust: Assumption,
) -> Result<Vec<EntryOutcome>, StoreError> {
    let mut tx = match trust {
        Assumption::Claims => settings::begin_impatient(pool).await?,
        Assumption::Ids | Assumption::Nothing => settings::begin_hot_path(pool).await?,
    };
    match record_with(&mut tx, entries, rules, WhenLocked::Skip, trust).await {
        Ok(settled) => {
            tx.commit().await?;
            Ok(settled)
        }
        Err(error) => {
            // Now, not when the connection is next used: whoever tries again would meet their own locks.
            let _ = tx.rollback().await;
            Err(error)
        }
    }
}

/// Records within a transaction of the caller's, who writes something of their own beside it (an operator's act).
pub async fn record_in(
    tx: &mut PgConnection,
    entries: &[EvidenceEntry],
    rules: &RetryRules,
    when_locked: WhenLocked,
) -> Result<Vec<EntryOutcome>, StoreError> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    record_with(tx, entries, rules, when_locked, Assumption::Nothing).await
}

async fn record_with(
    tx: &mut PgConnection,
    entries: &[EvidenceEntry],
    rules: &RetryRules,
    when_locked: WhenLocked,
    trust: Assumption,
) -> Result<Vec<EntryOutcome>, StoreError> {
    let blasts = hold_blasts(tx, entries, when_locked).await?;
    let (held, now) = match trust {
        Assumption::Claims => rows::remembered(entries),
        Assumption::Ids | Assumption::Nothing => rows::lock(tx, entries, when_locked).await?,
    };
    let lost = LostNumbers::among(tx, entries).await?;
    let entries = match trust {
        Assumption::Claims | Assumption::Ids => Cow::Borrowed(entries),
        Assumption::Nothing => ids::without_taken(tx, entries).await?,
    };
    let batch = Batch { held, blasts, now, rules, lost, steps: Vec::new() };
    write_batch(tx, &entries, batch, trust).await
}

/// Records what an operator said of people whom the caller has under lock: they are not read again. No entry has an answer.
pub async fn record_locked(
    tx: &mut PgConnection,
    entries: &[EvidenceEntry],
    people: &[PersonRow],
    rules: &RetryRules,
) -> Result<Vec<EntryOutcome>, StoreError> {
    let blasts = hold_blasts(tx, entries, WhenLocked::Wait).await?;
    let held = people.iter().map(|person| (person.id.0, LockedRow::of(person.recipient.clone()))).collect();
    let now = people.first().map_or_else(Utc::now, |person| person.read_at);
    let lost = LostNumbers::among(tx, entries).await?;
    let batch = Batch { held, blasts, now, rules, lost, steps: Vec::new() };
    let settled = write_batch(tx, entries, batch, Assumption::Nothing).await?;
    let decided: Vec<_> = entries.iter().filter(|entry| entry.is_decision()).map(|entry| entry.recipient).collect();
    fence::decided(tx, &decided).await?;
    Ok(settled)
}

async fn write_batch<'a>(
    tx: &mut PgConnection,
    entries: &'a [EvidenceEntry],
    mut batch: Batch<'a>,
    trust: Assumption,
) -> Result<Vec<EntryOutcome>, StoreError> {
    let settled: Vec<_> = entries.iter().map(|entry| batch.settle(entry)).collect();
    let mut writing = match trust {
        Assumption::Claims => StatementBuilder::of_known(),
        Assumption::Ids | Assumption::Nothing => StatementBuilder::default(),
    };
    let recorded = batch.recorded(entries, &settled);
    write::answers(tx, &mut writing, &recorded, trust).await?;
    write::history(&mut writing, &batch.steps, trust)?;
    write::reopen(tx, &batch.reopened()).await?;
    write::return_first(tx, &batch.steps).await?;
    let answered = batch.answered();
    let changes = batch.into_changes();
    people::write(&mut writing, &changes, entries, trust)?;
    match trust {
        Assumption::Claims => {
            let claims = people::require_claims(&mut writing, &recorded)?;
            write_all(tx, writing, changes.len() + claims).await?;
        }
        Assumption::Ids | Assumption::Nothing => {
            people::end_unanswered(&mut writing, &changes, &recorded)?;
            writing.execute(tx).await?;
        }
    }
    if !answered.is_empty() {
        answered::leave_out_of_launched(tx, &answered).await?;
    }
    Ok(settled)
}

/// Writes people as their claims knew them. A database that went back in time has lost claims, and somebody else may have written a
/// person since: everybody's row is written and each claim found, `all` together, or nothing is written.
async fn write_all(tx: &mut PgConnection, writing: StatementBuilder, all: usize) -> Result<(), StoreError> {
    let written = writing.execute_and_count(tx).await?;
    if usize::try_from(written).is_ok_and(|written| written == all) { Ok(()) } else { Err(StoreError::Moved) }
}

/// The people of one batch while evidence is applied to them.
struct Batch<'a> {
    held: HashMap<i64, LockedRow>,
    blasts: HashMap<i64, HeldBlast>,
    now: DateTime<Utc>,
    rules: &'a RetryRules,
    lost: LostNumbers,
    steps: Vec<StatusChange<'a>>,
}

/// A row as far as this batch could get hold of it.
enum LockedRow {
    Row {
        read: Box<Recipient>,
        /// After the evidence so far, if that changed anything.
        now: Option<Box<Recipient>>,
        /// Under which lease the attempt was claimed that may still be denied; `None` where nobody asked, or that is not known.
        epoch: Option<i64>,
    },
    Locked,
}

impl LockedRow {
    fn of(person: Recipient) -> Self {
        Self::claimed(None, person)
    }

    fn claimed(epoch: Option<i64>, person: Recipient) -> Self {
        Self::Row { read: Box::new(person), now: None, epoch }
    }

    /// Whether an answer denies another claim than the one that was read, which has the same number: of a database that has forgotten the
    /// first. It is no news of this one, whose message may have been accepted.
    fn is_strange_to(&self, entry: &EvidenceEntry) -> bool {
        match (self, entry.denied_under()) {
            (Self::Row { read, epoch: Some(claimed), .. }, Some(denied)) => {
                entry.stamped.attempt == read.attempt && denied != *claimed
            }
            _ => false,
        }
    }

    fn person(&self) -> Option<&Recipient> {
        match self {
            Self::Row { read, now, .. } => Some(now.as_ref().unwrap_or(read)),
            Self::Locked => None,
        }
    }
}

/// One change of status, for the history.
struct StatusChange<'a> {
    entry: &'a EvidenceEntry,
    old: Status,
    new: Status,
}

impl StatusChange<'_> {
    /// Whether all of it can be read from the answer to the attempt: a send was accepted like any other.
    fn stands_with_its_attempt(&self) -> bool {
        let Self { entry, old: Status::Sending, new: Status::Sent } = self else { return false };
        entry.source == EvidenceSource::Send && entry.answer.is_some() && entry.by.is_none() && entry.metadata.is_none()
    }

    /// Whether somebody who was claimed is queued again.
    fn is_requeue(&self) -> bool {
        self.new == Status::Queued && matches!(self.old, Status::Sending | Status::Uncertain | Status::Failed)
    }
}

impl<'a> Batch<'a> {
    fn settle(&mut self, entry: &'a EvidenceEntry) -> EntryOutcome {
        if entry.may_requeue() && !self.blasts.contains_key(&entry.blast.0) {
            // Somebody holds the blast's row (a cancel, a hand-typed transaction): others must not wait for it.
            return if self.held.contains_key(&entry.recipient.0) { EntryOutcome::Locked } else { EntryOutcome::Gone };
        }
        let policy = self.policy(entry);
        let Some(held) = self.held.get_mut(&entry.recipient.0) else { return EntryOutcome::Gone };
        if held.is_strange_to(entry) {
            return EntryOutcome::Nothing;
        }
        let LockedRow::Row { read, now, .. } = held else { return EntryOutcome::Locked };
        if self.lost.is_open_for(entry) {
            return EntryOutcome::Locked;
        }
        let before = now.as_ref().unwrap_or(read);
        match apply(before, &entry.stamped, &policy) {
            Applied::Nothing => EntryOutcome::Nothing,
            Applied::Refused(why) => EntryOutcome::Refused(why),
            Applied::Changed(after) => {
                let (old, new) = (before.status(), after.status());
                *now = Some(after);
                if old != new {
                    self.steps.push(StatusChange { entry, old, new });
                }
                EntryOutcome::Changed { before: old, after: new }
            }
        }
    }

    fn policy(&self, entry: &EvidenceEntry) -> ApplyContext {
        let tries = self.held.get(&entry.recipient.0).and_then(LockedRow::person).map_or(0, |person| person.tries);
        let (rules, blast) = (self.rules, self.blasts.get(&entry.blast.0));
        let next_day = blast.is_some_and(|blast| blast.retry_next_day);
        ApplyContext {
            blast: blast.map_or(BlastState::Sending, |blast| blast.state),
            max_tries: rules.retries_of(entry.retry),
            retry_after: rules.delay_of(entry.retry, tries, entry.jitter).max(entry.retry_after.unwrap_or_default()),
            automatic: rules.automatic(entry.retry, next_day, entry.jitter),
            no_retry: self.lost.why(entry),
            not_now_after: rules.not_now_after,
            resend_after: rules.resend_after,
            now: self.now,
        }
    }

    /// Entries whose answers are to be kept: all but those that come again, and those of claims that are not there.
    fn recorded(&self, entries: &'a [EvidenceEntry], settled: &[EntryOutcome]) -> Vec<&'a EvidenceEntry> {
        let is_strange =
            |entry: &EvidenceEntry| self.held.get(&entry.recipient.0).is_some_and(|held| held.is_strange_to(entry));
        let known = |(entry, settled): (&'a EvidenceEntry, &EntryOutcome)| {
            let is_over = !matches!(settled, EntryOutcome::Locked | EntryOutcome::Gone);
            (is_over && !is_strange(entry)).then_some(entry)
        };
        entries.iter().zip(settled).filter_map(known).collect()
    }

    /// Blasts in which somebody settled is open again.
    fn reopened(&self) -> Vec<i64> {
        let opens = |step: &&StatusChange| step.new.is_open() && !step.old.is_open();
        self.steps.iter().filter(opens).map(|step| step.entry.blast.0).collect()
    }

    /// Whoever replied or bought: a follow-up may still have them queued.
    fn answered(&self) -> Vec<RecipientId> {
        let answers = |step: &&StatusChange| matches!(step.new, Status::Replied | Status::Closed);
        self.steps.iter().filter(answers).map(|step| step.entry.recipient).collect()
    }

    /// Whoever changed, once each, in id order.
    fn into_changes(self) -> Vec<RecipientChange> {
        let change = |held| match held {
            LockedRow::Row { read, now: Some(after), .. } => Some(RecipientChange { before: read, after }),
            LockedRow::Row { now: None, .. } | LockedRow::Locked => None,
        };
        let mut changes: Vec<_> = self.held.into_values().filter_map(change).collect();
        changes.sort_unstable_by_key(|change| change.before.id.0);
        changes
    }
}

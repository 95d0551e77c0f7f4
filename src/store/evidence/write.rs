//! Writing what a batch came to, in one statement.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::statement::{StatementBuilder, rows};
use super::{Assumption, AttemptAnswer, EvidenceEntry, StatusChange};
use crate::store::StoreError;
use crate::store::alias::{self, NumberAlias};

/// Text that Postgres takes: without NUL.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "").into() } else { text.into() }
}

pub(super) fn storable_option(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| storable(text))
}

/// An entry with its answer.
type AnsweredEntry<'a> = (&'a EvidenceEntry, &'a AttemptAnswer);

/// What becomes known of an attempt that has ended already (an engine that was taken over from says what came of its POST, a
/// webhook teaches an id) is added to its row. An acceptance outweighs whatever was said before; bytes that are there stay.
const ADDED: &str = "on conflict (recipient_id, attempt) do update
    set outcome = case when excluded.outcome = 'accepted' or provider_message.outcome = 'unknown'
                       then excluded.outcome else provider_message.outcome end,
        received_at = case when provider_message.outcome = 'unknown'
                           then excluded.received_at else provider_message.received_at end,
        message_id = coalesce(provider_message.message_id, excluded.message_id),
        http_status = coalesce(provider_message.http_status, excluded.http_status),
        error_code = coalesce(provider_message.error_code, excluded.error_code),
        body = case when provider_message.body = '' then excluded.body else provider_message.body end,
        flagged = coalesce(provider_message.flagged, excluded.flagged)";

const ANSWER: &str = "outcome, message_id, http_status, error_code, body, flagged";

const ANSWER_COLUMNS: [&str; 11] = [
    "recipient_id",
    "attempt",
    "sender_id",
    "epoch",
    "claimed_at",
    "outcome",
    "message_id",
    "http_status",
    "error_code",
    "body",
    "flagged",
];

/// Of a claim that this database does not have, since it went back in time, the answer is no sign that it has: the machine that made
/// the claim would not notice that others are missing as well.
const EPOCH_OF_ITS_CLAIM: &str = "case when exists (select from in_flight f where f.recipient_id = x.recipient_id
                                    and f.attempt = x.attempt and f.epoch = x.epoch) then x.epoch else 0 end";

/// Of such a claim nothing is kept where the message is known not to have been accepted: the person is queued as if it had never been made, the
/// next claim of theirs has its number, and what becomes of that would be taken for more news of this one.
const KNOWN_OR_ACCEPTED: &str = "where x.outcome not in ('released', 'rejected')
    or exists (select from in_flight f where f.recipient_id = x.recipient_id and f.attempt = x.attempt)
    or exists (select from blast_recipients r where r.id = x.recipient_id and r.attempt >= x.attempt)";

/// Keeps the provider's answers, byte for byte, as the ends of their attempts. Whatever was there already, the id or the end of the
/// attempt, fails the write where claims are trusted, and an id that another message has where ids are.
pub(super) async fn answers(
    tx: &mut PgConnection,
    writing: &mut StatementBuilder,
    entries: &[&EvidenceEntry],
    trust: Assumption,
) -> Result<(), StoreError> {
    let how = match trust {
        Assumption::Claims => AnswerWriting { epoch: "x.epoch", kept: "", added: "" },
        // A third slower, so only where it is needed.
        Assumption::Ids | Assumption::Nothing => {
            AnswerWriting { epoch: EPOCH_OF_ITS_CLAIM, kept: KNOWN_OR_ACCEPTED, added: ADDED }
        }
    };
    let (mut answered, mut attempts) = (Vec::with_capacity(entries.len()), HashSet::with_capacity(entries.len()));
    for entry in entries {
        let Some(answer) = &entry.answer else { continue };
        if !attempts.insert(entry.of()) {
            // One statement cannot write a row twice.
            let mut before = StatementBuilder::default();
            insert_answers(&mut before, &answered, how)?;
            before.execute(&mut *tx).await?;
            answered.clear();
            attempts = HashSet::from([entry.of()]);
        }
        answered.push((*entry, answer));
    }
    insert_answers(writing, &answered, how)
}

/// The parts of the statement that depend on what is trusted.
#[derive(Clone, Copy)]
struct AnswerWriting {
    epoch: &'static str,
    /// Which answers are kept.
    kept: &'static str,
    /// What an answer adds to one that is there.
    added: &'static str,
}

fn insert_answers(
    writing: &mut StatementBuilder,
    answered: &[AnsweredEntry<'_>],
    AnswerWriting { epoch, kept, added }: AnswerWriting,
) -> Result<(), StoreError> {
    if answered.is_empty() {
        return Ok(());
    }
    let arrays = [
        writing.array("bigint", column(answered, |(entry, _)| entry.recipient.0))?,
        writing.column("int", column(answered, |(entry, _)| entry.stamped.attempt))?,
        writing.column("bigint", column(answered, |(_, answer)| answer.sender.0))?,
        writing.column("bigint", column(answered, |(_, answer)| answer.epoch))?,
        writing.array("timestamptz", column(answered, |(_, answer)| answer.claimed_at))?,
        writing.column("text", column(answered, |(_, answer)| answer.outcome.word()))?,
        writing.array(
            "text",
            column(answered, |(_, answer)| answer.message_id.as_ref().map(|id| storable(id.as_str()))),
        )?,
        writing.column(
            "smallint",
            column(answered, |(_, answer)| answer.http_status.and_then(|s| i16::try_from(s).ok())),
        )?,
        writing.column("text", column(answered, |(_, answer)| storable_option(answer.error_code.as_ref())))?,
        writing.array("bytea", column(answered, |(_, answer)| &answer.body[..]))?,
        writing.column("text", column(answered, |(_, answer)| answer.flagged))?,
    ];
    writing.part(format!(
        "insert into provider_message
                (recipient_id, attempt, sender_id, epoch, claimed_at, {ANSWER})
         select x.recipient_id, x.attempt, x.sender_id, {epoch}, x.claimed_at, {ANSWER}
           from {} {kept} {added}",
        rows(&ANSWER_COLUMNS, &arrays),
    ));
    insert_aliases(writing, answered)
}

/// A few people's, if anybody's.
fn insert_aliases(writing: &mut StatementBuilder, answered: &[AnsweredEntry<'_>]) -> Result<(), StoreError> {
    let known: Vec<&NumberAlias> = answered.iter().filter_map(|(_, answer)| answer.known_as.as_ref()).collect();
    if known.is_empty() {
        return Ok(());
    }
    let aliases = writing.array("text", column(&known, |one| one.alias.as_str()))?;
    let phones = writing.array("text", column(&known, |one| one.phone.as_str()))?;
    let [kept, followed] = alias::learning(&aliases, &phones);
    writing.named_part("learned_aliases", kept);
    writing.part(followed);
    Ok(())
}

pub(super) fn column<'a, T, U>(rows: &'a [T], of: impl Fn(&'a T) -> U) -> Vec<U> {
    rows.iter().map(of).collect()
}

/// A blast that was complete is not any more.
pub(super) async fn reopen(tx: &mut PgConnection, blasts: &[i64]) -> Result<(), StoreError> {
    if blasts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update blasts set state = 'sending', version = version + 1, updated_at = now(), completed_at = null
          where id = any($1) and state = 'completed' and deleted_at is null",
    )
    .bind(blasts)
    .execute(tx)
    .await?;
    Ok(())
}

/// Whoever is queued again is not one of the first people of their blast that it waits for: somebody else, or they, may be claimed in
/// their place. Once it waits for somebody to look, it has waited for them. Their blasts are locked
/// ([`hold_blasts`](super::hold_blasts)).
pub(super) async fn return_first(tx: &mut PgConnection, steps: &[StatusChange<'_>]) -> Result<(), StoreError> {
    let blasts: Vec<i64> = steps.iter().filter(|step| step.is_requeue()).map(|step| step.entry.blast.0).collect();
    if blasts.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update blasts b set first_left = least(first_left + x.people, first_people)
           from (select id, count(*) as people from unnest($1::bigint[]) id group by 1) x
          where b.id = x.id and first_left is not null and not (state = 'paused' and state_by = 'engine' and first_left = 0)",
    )
    .bind(blasts)
    .execute(tx)
    .await?;
    Ok(())
}

/// Appends the changes of status, in order; where claims are trusted, those that stand with their attempt only for hooks
/// (`store/history.rs`).
pub(super) fn history(
    writing: &mut StatementBuilder,
    steps: &[StatusChange<'_>],
    trust: Assumption,
) -> Result<(), StoreError> {
    let (accepted, others): (Vec<_>, Vec<_>) =
        steps.iter().partition(|step| trust == Assumption::Claims && step.stands_with_its_attempt());
    history_for_hooks(writing, &accepted)?;
    history_rows(writing, &others)
}

/// A hook that begins to read meanwhile begins behind these: they happened before it was there.
fn history_for_hooks(writing: &mut StatementBuilder, accepted: &[&StatusChange<'_>]) -> Result<(), StoreError> {
    if accepted.is_empty() {
        return Ok(());
    }
    let arrays = [
        writing.array("bigint", column(accepted, |step| step.entry.blast.0))?,
        writing.array("bigint", column(accepted, |step| step.entry.recipient.0))?,
        writing.array("int", column(accepted, |step| step.entry.stamped.attempt))?,
        writing.array("timestamptz", column(accepted, |step| step.entry.stamped.at))?,
    ];
    writing.part(format!(
        "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, happened_at, source)
         select x.blast_id, x.recipient_id, x.attempt, 'sending', 'sent', x.at, 'send'
           from {}
          where exists (select from hooks where told_history is not null)",
        rows(&["blast_id", "recipient_id", "attempt", "at"], &arrays),
    ));
    Ok(())
}

fn history_rows(writing: &mut StatementBuilder, steps: &[&StatusChange<'_>]) -> Result<(), StoreError> {
    if steps.is_empty() {
        return Ok(());
    }
    let arrays = [
        writing.array("bigint", column(steps, |step| step.entry.blast.0))?,
        writing.array("bigint", column(steps, |step| step.entry.recipient.0))?,
        writing.array("int", column(steps, |step| step.entry.stamped.attempt))?,
        writing.statuses(&column(steps, |step| step.old))?,
        writing.statuses(&column(steps, |step| step.new))?,
        writing.array("timestamptz", column(steps, |step| step.entry.stamped.at))?,
        writing.array("text", column(steps, |step| step.entry.source.word()))?,
        writing.array("text", column(steps, |step| step.entry.by.as_deref()))?,
        writing.array(
            "jsonb",
            column(steps, |step| step.entry.metadata.as_ref().map(|facts| Json(storable_json(facts)))),
        )?,
    ];
    let columns = [
        "blast_id",
        "recipient_id",
        "attempt",
        "old_status",
        "new_status",
        "happened_at",
        "source",
        "by_whom",
        "metadata",
    ];
    writing.part(format!(
        "insert into status_history ({}) select * from {}",
        columns.join(", "),
        rows(&columns, &arrays)
    ));
    Ok(())
}

/// `jsonb` refuses `\u0000` anywhere.
fn storable_json(value: &Value) -> Cow<'_, Value> {
    if has_nul(value) { Cow::Owned(without_nul(value)) } else { Cow::Borrowed(value) }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn without_nul(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable(text).into_owned()),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (storable(key).into_owned(), without_nul(value))).collect()
        }
        other => other.clone(),
    }
}

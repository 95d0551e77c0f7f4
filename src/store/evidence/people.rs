//! Writing the changed people, and only the columns in which somebody of the batch changed. A send that
//! was accepted changes six of twenty-four; to write them all costs a quarter more.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::write::{StatementBuilder, column, storable, storable_option};
use super::{Assumption, EvidenceEntry};
use crate::domain::ids::{MessageId, RecipientId};
use crate::domain::recipient::Recipient;
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::in_flight::ends_flights;

/// Somebody as they were read, and as they are now.
pub(super) struct RecipientChange {
    pub before: Box<Recipient>,
    pub after: Box<Recipient>,
}

impl RecipientChange {
    /// Whether their row learns of an attempt. Of whoever stays in flight it does not yet.
    fn ends_an_attempt(&self) -> bool {
        self.lands() || self.before.attempt != self.after.attempt
    }

    /// Whether it ends their flight.
    fn lands(&self) -> bool {
        self.before.delivery_status == Status::Sending && self.after.delivery_status != Status::Sending
    }
}

/// As a row has it: who is in flight is queued there.
fn stored(status: Status) -> Status {
    if status == Status::Sending { Status::Queued } else { status }
}

/// A column that evidence can change.
struct EvidenceColumn {
    name: &'static str,
    kind: &'static str,
    differs: fn(&RecipientChange) -> bool,
    array: fn(&mut StatementBuilder, &'static str, &[RecipientChange]) -> Result<String, StoreError>,
}

macro_rules! column {
    ($name:literal, $kind:literal, $person:ident => $value:expr) => {
        EvidenceColumn {
            name: $name,
            kind: $kind,
            differs: |change| {
                let of_before = {
                    let $person = &change.before;
                    $value
                };
                let $person = &change.after;
                of_before != $value
            },
            array: |writing, kind, changes| {
                let values = column(changes, |change| {
                    let $person = &change.after;
                    $value
                });
                writing.array(kind, values)
            },
        }
    };
}

const COLUMNS: [EvidenceColumn; 22] = [
    column!("standing", "recipient_status", p => stored(p.delivery_status)),
    column!("tries", "int", p => p.tries),
    column!("next_attempt_at", "timestamptz", p => p.next_attempt_at),
    column!("message_id", "text", p => p.message_id.as_ref().map(MessageId::as_str)),
    column!("message_timestamp", "timestamptz", p => p.message_timestamp),
    column!("message_c2s_timestamp", "timestamptz", p => p.c2s_at),
    column!("sent_at", "timestamptz", p => p.sent_at),
    column!("delivered_at", "timestamptz", p => p.delivered_at),
    column!("read_timestamp", "timestamptz", p => p.read_at),
    column!("reply_seen_at", "timestamptz", p => p.reply_seen_at),
    column!("replied_marked_at", "timestamptz", p => p.replied_marked_at),
    column!("closed_at", "timestamptz", p => p.closed_at),
    column!("failed_at", "timestamptz", p => p.failed_at),
    column!("failed_attempt", "int", p => p.failed_attempt),
    column!("opted_out_at", "timestamptz", p => p.opted_out_at),
    column!("amount", "numeric", p => p.amount),
    column!("note", "text", p => storable_option(p.note.as_ref())),
    column!("provider_status", "text", p => storable_option(p.provider_status.as_ref())),
    column!("error_code", "text", p => storable_option(p.error_code.as_ref())),
    column!("error_message", "text", p => storable_option(p.error_message.as_ref())),
    column!("reason", "text", p => storable_option(p.reason.as_ref())),
    column!("status", "recipient_status", p => stored(p.status())),
];

/// Writes them, as the last part: their flights are deleted after their rows are locked. Joined on the primary key only: any further
/// condition that an index could serve invites a plan that scans.
pub(super) fn write(
    writing: &mut StatementBuilder,
    changes: &[RecipientChange],
    entries: &[EvidenceEntry],
    trust: Assumption,
) -> Result<(), StoreError> {
    let texts = texts(entries);
    let columns: Vec<&EvidenceColumn> = COLUMNS.iter().filter(|column| changes.iter().any(column.differs)).collect();
    let lands = changes.iter().any(RecipientChange::lands);
    if columns.is_empty() && texts.is_empty() && !lands {
        return Ok(());
    }
    let mut sets: Vec<String> = columns.iter().map(|column| format!("{0} = x.{0}", column.name)).collect();
    let mut names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let ids = writing.array("bigint", column(changes, |change| change.before.id.0))?;
    let mut arrays = vec![ids];
    for column in columns {
        arrays.push((column.array)(writing, column.kind, changes)?);
    }
    let mut add = |name: &'static str, set: &str, array: String| {
        names.push(name);
        sets.push(set.to_owned());
        arrays.push(array);
    };
    if changes.iter().any(|change| change.before.status() != change.after.status()) {
        let moves = column(changes, |change| change.before.status() != change.after.status());
        add(
            "moves",
            "changed_at = case when x.moves then now() else r.changed_at end",
            writing.array("boolean", moves)?,
        );
    }
    if changes.iter().any(RecipientChange::ends_an_attempt) {
        let attempts = column(changes, |change| change.ends_an_attempt().then_some(change.after.attempt));
        add("attempt", "attempt = coalesce(x.attempt, r.attempt)", writing.array("int", attempts)?);
    }
    if lands {
        let claimed = column(changes, |change| change.after.claimed_at.filter(|_| change.lands()));
        let claimed = writing.array("timestamptz", claimed)?;
        add("claimed_at", "claimed_at = coalesce(x.claimed_at, r.claimed_at)", claimed);
    }
    if !texts.is_empty() {
        let texts = column(changes, |change| texts.get(&change.before.id.0).cloned());
        let texts = writing.array("text", texts)?;
        add("message_text", "message_text = coalesce(x.message_text, r.message_text)", texts);
    }
    // A database that went back in time has lost the claim: the flight is looked for, too. The status by its text, which no index
    // serves: one would be walked for everybody who is queued.
    let only = match trust {
        Assumption::Claims => {
            "and r.attempt = x.attempt - 1 and r.status::text = 'queued'
             and exists (select from in_flight f where f.recipient_id = x.id and f.attempt = x.attempt)"
        }
        Assumption::Ids | Assumption::Nothing => "",
    };
    writing.part(format!(
        "update blast_recipients r set {} from unnest({}) as x (id, {}) where r.id = x.id {only}",
        sets.join(", "),
        arrays.join(", "),
        names.join(", "),
    ));
    Ok(())
}

/// Ends the flights of whoever lands, by attempt: one of theirs that was begun since stays. Of an attempt that ends before its
/// answer is here (a webhook was quicker) it is not known what came of it.
pub(super) fn end_flights(
    writing: &mut StatementBuilder,
    changes: &[RecipientChange],
    recorded: &[&EvidenceEntry],
) -> Result<(), StoreError> {
    let answered: HashSet<_> = recorded.iter().filter(|entry| entry.answer.is_some()).map(|entry| entry.of()).collect();
    let landing =
        changes.iter().filter(|change| change.lands()).map(|change| (change.before.id, change.before.attempt));
    let (answered, early): (Vec<_>, Vec<_>) = landing.partition(|of| answered.contains(of));
    if !answered.is_empty() {
        let flights = delete_flights(writing, &answered)?;
        writing.part(flights);
    }
    if !early.is_empty() {
        let flights = delete_flights(writing, &early)?;
        writing.named_part(
            "early",
            format!("{flights} returning f.recipient_id, f.attempt, f.sender_id, f.epoch, f.claimed_at"),
        );
        writing.part(
            "insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
             select recipient_id, attempt, sender_id, 'unknown', epoch, claimed_at from early"
                .to_owned(),
        );
    }
    Ok(())
}

fn delete_flights(writing: &mut StatementBuilder, of: &[(RecipientId, i32)]) -> Result<String, StoreError> {
    let ids = writing.array("bigint", column(of, |(id, _)| id.0))?;
    let attempts = writing.array("int", column(of, |(_, attempt)| *attempt))?;
    Ok(format!(
        concat!(
            "delete from in_flight f using unnest({}, {}) as x (id, attempt)
              where f.recipient_id = x.id and f.attempt = x.attempt and ",
            ends_flights!()
        ),
        ids, attempts
    ))
}

/// The text of the newest answer to each person in the batch.
fn texts(entries: &[EvidenceEntry]) -> HashMap<i64, Cow<'_, str>> {
    let texts = entries.iter().filter_map(|entry| Some((entry.recipient.0, entry.answer.as_ref()?.text.as_deref()?)));
    texts.map(|(person, text)| (person, storable(text))).collect()
}

//! Writing the changed people, and only the columns in which somebody of the batch changed. A send that
//! was accepted changes six of twenty-four; to write them all costs a quarter more.

use std::borrow::Cow;
use std::collections::HashMap;

use super::write::{StatementBuilder, column, storable, storable_option};
use super::{Assumption, EvidenceEntry};
use crate::domain::ids::MessageId;
use crate::domain::recipient::Recipient;
use crate::store::StoreError;

/// Somebody as they were read, and as they are now.
pub(super) struct RecipientChange {
    pub before: Box<Recipient>,
    pub after: Box<Recipient>,
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
    column!("standing", "recipient_status", p => p.delivery_status),
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
    column!("status", "recipient_status", p => p.status()),
];

/// Writes them, as the last part. Joined on the primary key only: any further condition but that on the row's version
/// invites a plan that scans.
pub(super) fn write(
    writing: &mut StatementBuilder,
    changes: &[RecipientChange],
    entries: &[EvidenceEntry],
    trust: Assumption,
) -> Result<(), StoreError> {
    let texts = texts(entries);
    let columns: Vec<&EvidenceColumn> = COLUMNS.iter().filter(|column| changes.iter().any(column.differs)).collect();
    if columns.is_empty() && texts.is_empty() {
        return Ok(());
    }
    let mut sets: Vec<String> = columns.iter().map(|column| format!("{0} = x.{0}", column.name)).collect();
    let mut names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    if names.contains(&"status") {
        sets.push("changed_at = case when r.status = x.status then r.changed_at else now() end".to_owned());
    }
    let ids = writing.array("bigint", column(changes, |change| change.before.id.0))?;
    let mut arrays = vec![ids];
    for column in columns {
        arrays.push((column.array)(writing, column.kind, changes)?);
    }
    if !texts.is_empty() {
        sets.push("message_text = coalesce(x.message_text, r.message_text)".to_owned());
        names.push("message_text");
        arrays.push(writing.array("text", column(changes, |change| texts.get(&change.before.id.0).cloned()))?);
    }
    let mut only = "";
    if trust == Assumption::Claims {
        names.push("written_by");
        arrays.push(writing.array("int", versions(changes, entries))?);
        only = "and r.xmin = x.written_by";
    }
    writing.part(format!(
        "update blast_recipients r set {} from unnest({}) as x (id, {}) where r.id = x.id {only}",
        sets.join(", "),
        arrays.join(", "),
        names.join(", "),
    ));
    Ok(())
}

/// By which claim each of them was written last, in the same order.
fn versions(changes: &[RecipientChange], entries: &[EvidenceEntry]) -> Vec<Option<i32>> {
    let claims = entries.iter().filter_map(|entry| Some((entry.recipient.0, entry.snapshot?.written_by)));
    let claims: HashMap<i64, i32> = claims.collect();
    column(changes, |change| claims.get(&change.before.id.0).copied())
}

/// The text of the newest answer to each person in the batch.
fn texts(entries: &[EvidenceEntry]) -> HashMap<i64, Cow<'_, str>> {
    let texts = entries.iter().filter_map(|entry| Some((entry.recipient.0, entry.answer.as_ref()?.text.as_deref()?)));
    texts.map(|(person, text)| (person, storable(text))).collect()
}

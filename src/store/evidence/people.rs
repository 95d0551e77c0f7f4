//! Writing the changed people, and only the columns in which somebody of the batch changed. A send that
//! was accepted changes six of twenty-four; to write them all costs a quarter more.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::statement::{CLAIMS, StatementBuilder, WRITTEN, rows};
use super::write::{column, storable, storable_option};
use super::{Assumption, EvidenceEntry};
use crate::domain::ids::MessageId;
use crate::domain::recipient::Recipient;
use crate::domain::status::Status;
use crate::store::StoreError;

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

    fn moves(&self) -> bool {
        self.before.status() != self.after.status()
    }
}

/// As a row has it: who is in flight is queued there.
fn stored(status: Status) -> Status {
    if status == Status::Sending { Status::Queued } else { status }
}

/// A column that evidence can change.
struct EvidenceColumn {
    name: &'static str,
    differs: fn(&RecipientChange) -> bool,
    array: fn(&mut StatementBuilder, &[RecipientChange]) -> Result<String, StoreError>,
}

macro_rules! column {
    ($name:literal, status, $person:ident => $value:expr) => {
        column!($name, $person => $value; |writing, values| writing.statuses(&values))
    };
    ($name:literal, $kind:literal, $person:ident => $value:expr) => {
        column!($name, $person => $value; |writing, values| writing.array($kind, values))
    };
    ($name:literal, $person:ident => $value:expr; |$writing:ident, $values:ident| $array:expr) => {
        EvidenceColumn {
            name: $name,
            differs: |change| {
                let of_before = {
                    let $person = &change.before;
                    $value
                };
                let $person = &change.after;
                of_before != $value
            },
            array: |$writing, changes| {
                let $values = column(changes, |change| {
                    let $person = &change.after;
                    $value
                });
                $array
            },
        }
    };
}

const COLUMNS: [EvidenceColumn; 22] = [
    column!("standing", status, p => stored(p.delivery_status)),
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
    column!("status", status, p => stored(p.status())),
];

/// Writes them. Joined on the primary key only: any further
/// condition that an index could serve invites a plan that scans.
pub(super) fn write(
    writing: &mut StatementBuilder,
    changes: &[RecipientChange],
    entries: &[EvidenceEntry],
    trust: Assumption,
) -> Result<(), StoreError> {
    let texts = texts(entries);
    let differing: Vec<&EvidenceColumn> = COLUMNS.iter().filter(|column| changes.iter().any(column.differs)).collect();
    if differing.is_empty() && texts.is_empty() && !changes.iter().any(RecipientChange::lands) {
        return Ok(());
    }
    let mut update = Update::of(writing, changes)?;
    for column in differing {
        let array = (column.array)(writing, changes)?;
        update.set(column.name, format!("{0} = x.{0}", column.name), array);
    }
    update.add_attempts(writing, changes)?;
    if !texts.is_empty() {
        let texts = column(changes, |change| texts.get(&change.before.id.0).cloned());
        let texts = writing.array("text", texts)?;
        update.set("message_text", "message_text = coalesce(x.message_text, r.message_text)", texts);
    }
    writing.named_part(WRITTEN, update.statement(trust));
    Ok(())
}

/// An update of many people by arrays, one for each column.
struct Update {
    /// Of the arrays.
    names: Vec<&'static str>,
    sets: Vec<Cow<'static, str>>,
    arrays: Vec<String>,
}

impl Update {
    fn of(writing: &mut StatementBuilder, changes: &[RecipientChange]) -> Result<Self, StoreError> {
        let ids = writing.array("bigint", column(changes, |change| change.before.id.0))?;
        Ok(Self { names: vec!["id"], sets: Vec::new(), arrays: vec![ids] })
    }

    fn set(&mut self, name: &'static str, set: impl Into<Cow<'static, str>>, array: String) {
        self.sets.push(set.into());
        self.add_column(name, array);
    }

    /// Adds a column that what is set reads.
    fn add_column(&mut self, name: &'static str, array: String) {
        self.names.push(name);
        self.arrays.push(array);
    }

    /// When they moved, and which attempt ended or landed. Who was sent to has the clock's time, not the transaction's: no two of a batch have
    /// the same, by which polling distinguishes them, and an index by it grows at its end.
    fn add_attempts(&mut self, writing: &mut StatementBuilder, changes: &[RecipientChange]) -> Result<(), StoreError> {
        if changes.iter().any(RecipientChange::moves) {
            let moves = writing.column("boolean", column(changes, RecipientChange::moves))?;
            let are_sent = column(changes, |change| change.after.status() == Status::Sent);
            let are_sent = writing.column("boolean", are_sent)?;
            let moved_at = "changed_at = case when not x.moves then r.changed_at when x.is_sent then clock_timestamp() else now() end";
            self.set("moves", moved_at, moves);
            self.add_column("is_sent", are_sent);
        }
        if changes.iter().any(RecipientChange::ends_an_attempt) {
            let attempts = column(changes, |change| change.ends_an_attempt().then_some(change.after.attempt));
            let attempts = writing.column("int", attempts)?;
            self.set("attempt", "attempt = coalesce(x.attempt, r.attempt)", attempts);
        }
        if changes.iter().any(RecipientChange::lands) {
            let claimed = column(changes, |change| change.after.claimed_at.filter(|_| change.lands()));
            let claimed = writing.array("timestamptz", claimed)?;
            self.set("claimed_at", "claimed_at = coalesce(x.claimed_at, r.claimed_at)", claimed);
        }
        Ok(())
    }

    fn statement(self, trust: Assumption) -> String {
        // The status by its text, which no index serves: one would be walked for everybody who is queued. The counters need look
        // nobody up (`count_updated`).
        let only = match trust {
            Assumption::Claims => {
                "and r.attempt = x.attempt - 1 and r.status::text = 'queued'
                 and (select set_config('blastdeck.all_land', 'on', true)) = 'on' returning 1"
            }
            Assumption::Ids | Assumption::Nothing => "",
        };
        let (sets, rows) = (self.sets.join(", "), rows(&self.names, &self.arrays));
        format!("update blast_recipients r set {sets} from {rows} where r.id = x.id {only}")
    }
}

/// Checks that the claims are here by which these people are known: a database that went back in time has forgotten them, or has others.
/// Returns how many claims there have to be.
pub(super) fn require_claims(writing: &mut StatementBuilder, recorded: &[&EvidenceEntry]) -> Result<usize, StoreError> {
    // By one person of each.
    let mut claims = HashMap::new();
    for entry in recorded {
        if let (Some(answer), Some(known)) = (&entry.answer, &entry.snapshot) {
            claims.insert((entry.stamped.attempt, answer.epoch, known.claimed_at), entry.recipient.0);
        }
    }
    let claims: Vec<_> = claims.into_iter().collect();
    let arrays = [
        writing.array("bigint", column(&claims, |(_, recipient)| *recipient))?,
        writing.array("int", column(&claims, |((attempt, _, _), _)| *attempt))?,
        writing.array("bigint", column(&claims, |((_, epoch, _), _)| *epoch))?,
        writing.array("timestamptz", column(&claims, |((_, _, claimed_at), _)| *claimed_at))?,
    ];
    writing.named_part(
        CLAIMS,
        format!(
            "select from {} join claims c on c.last_id >= x.recipient_id and c.first_id <= x.recipient_id
                and c.attempt_number = x.attempt and c.epoch = x.epoch and c.claimed_at = x.claimed_at
                and x.recipient_id = any (c.recipients)",
            rows(&["recipient_id", "attempt", "epoch", "claimed_at"], &arrays)
        ),
    );
    Ok(claims.len())
}

/// Keeps the attempts of whoever lands before their answer is here (a webhook was quicker): it is not known what came of them.
pub(super) fn end_unanswered(
    writing: &mut StatementBuilder,
    changes: &[RecipientChange],
    recorded: &[&EvidenceEntry],
) -> Result<(), StoreError> {
    let answered: HashSet<_> = recorded.iter().filter(|entry| entry.answer.is_some()).map(|entry| entry.of()).collect();
    let landing =
        changes.iter().filter(|change| change.lands()).map(|change| (change.before.id, change.before.attempt));
    let early: Vec<_> = landing.filter(|of| !answered.contains(of)).collect();
    if early.is_empty() {
        return Ok(());
    }
    let ids = writing.array("bigint", column(&early, |(id, _)| id.0))?;
    let attempts = writing.array("int", column(&early, |(_, attempt)| *attempt))?;
    writing.part(format!(
        "insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
         select f.recipient_id, f.attempt, f.sender_id, 'unknown', f.epoch, f.claimed_at
           from {} join in_flight f on f.recipient_id = x.id and f.attempt = x.attempt",
        rows(&["id", "attempt"], &[ids, attempts]),
    ));
    Ok(())
}

/// The text of the newest answer to each person in the batch.
fn texts(entries: &[EvidenceEntry]) -> HashMap<i64, Cow<'_, str>> {
    let texts = entries.iter().filter_map(|entry| Some((entry.recipient.0, entry.answer.as_ref()?.text.as_deref()?)));
    texts.map(|(person, text)| (person, storable(text))).collect()
}

//! Reading recipients under lock, as the domain wants them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{Decode, FromRow, PgConnection, Postgres, Row, Type};

use super::{EvidenceEntry, LockedRow, WhenLocked};
use crate::domain::ids::{MessageId, RecipientId};
use crate::domain::recipient::Recipient;
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::claim::ClaimSnapshot;
use crate::store::fence::{is_whole, whole_or_incomplete};
use crate::store::in_flight::{self, Flight};

/// The columns that evidence can change.
pub(in crate::store) const COLUMNS: &str =
    "id, attempt, tries, standing::text, claimed_at, next_attempt_at, message_id, message_timestamp,
    message_c2s_timestamp, sent_at, delivered_at, read_timestamp, reply_seen_at, replied_marked_at, closed_at,
    failed_at, failed_attempt, opted_out_at, amount, note, provider_status, error_code, error_message, reason";

impl FromRow<'_, PgRow> for Recipient {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let mut cells = RowCells { row, next: 0 };
        Ok(Self {
            id: cells.take()?,
            attempt: cells.take()?,
            tries: cells.take()?,
            delivery_status: cells.take()?,
            claimed_at: cells.take()?,
            next_attempt_at: cells.take()?,
            message_id: cells.take::<Option<&str>>()?.and_then(MessageId::new),
            message_timestamp: cells.take()?,
            c2s_at: cells.take()?,
            sent_at: cells.take()?,
            delivered_at: cells.take()?,
            read_at: cells.take()?,
            reply_seen_at: cells.take()?,
            replied_marked_at: cells.take()?,
            closed_at: cells.take()?,
            failed_at: cells.take()?,
            failed_attempt: cells.take()?,
            opted_out_at: cells.take()?,
            amount: cells.take()?,
            note: cells.take()?,
            provider_status: cells.take()?,
            error_code: cells.take()?,
            error_message: cells.take()?,
            reason: cells.take()?,
        })
    }
}

/// A row's cells in the order of [`COLUMNS`]: finding each by its name is most of the work of reading a row.
struct RowCells<'r> {
    row: &'r PgRow,
    next: usize,
}

impl<'r> RowCells<'r> {
    fn take<T: Decode<'r, Postgres> + Type<Postgres>>(&mut self) -> Result<T, sqlx::Error> {
        self.next += 1;
        self.row.try_get(self.next - 1)
    }
}

/// A person with the database's time.
struct TimedRecipient {
    at: DateTime<Utc>,
    is_whole: bool,
    person: Recipient,
}

impl FromRow<'_, PgRow> for TimedRecipient {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self { at: row.try_get("read_at")?, is_whole: row.try_get("is_whole")?, person: Recipient::from_row(row)? })
    }
}

/// The people of a batch as their claims left them, with the time of the newest claim.
pub(super) fn remembered(entries: &[EvidenceEntry]) -> (HashMap<i64, LockedRow>, DateTime<Utc>) {
    let fresh = entries.iter().filter_map(|entry| Some((entry.recipient, entry.snapshot?)));
    let row = |(id, ClaimSnapshot { claimed_at, next_attempt_at }): (RecipientId, ClaimSnapshot)| {
        (id.0, LockedRow::of(Recipient::first_claimed(id, claimed_at, next_attempt_at)))
    };
    let held = fresh.map(row).collect();
    (
        held,
        entries.iter().filter_map(|entry| entry.snapshot).map(|fresh| fresh.claimed_at).max().unwrap_or_else(Utc::now),
    )
}

/// Locks the people of a batch in id order, and returns the database's time. People locked by somebody else are
/// distinguished from deleted ones.
pub(super) async fn lock(
    tx: &mut PgConnection,
    entries: &[EvidenceEntry],
    when_locked: WhenLocked,
) -> Result<(HashMap<i64, LockedRow>, DateTime<Utc>), StoreError> {
    let mut ids: Vec<i64> = entries.iter().map(|entry| entry.recipient.0).collect();
    ids.sort_unstable();
    ids.dedup();
    let tail = match when_locked {
        WhenLocked::Skip => "skip locked",
        WhenLocked::Wait => "",
    };
    let is_whole = is_whole!();
    let sql = format!(
        "select {COLUMNS}, now() as read_at, {is_whole} as is_whole
           from blast_recipients where id = any($1) order by id for update {tail}"
    );
    let rows: Vec<TimedRecipient> = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(&ids).fetch_all(&mut *tx).await?;
    whole_or_incomplete(rows.first().is_none_or(|row| row.is_whole))?;
    // Without a row there is nobody for whom the time could matter.
    let now = rows.first().map_or_else(Utc::now, |row| row.at);
    let mut people: Vec<Recipient> = rows.into_iter().map(|row| row.person).collect();
    let flights = show_in_flight(tx, &mut people.iter_mut().collect::<Vec<_>>()).await?;
    let mut epochs = doubted_epochs(tx, entries, &people).await?;
    epochs.extend(flights.into_iter().map(|(id, flight)| (id, flight.epoch)));
    let row = |person: Recipient| (person.id.0, LockedRow::claimed(epochs.get(&person.id).copied(), person));
    let mut held: HashMap<i64, LockedRow> = people.into_iter().map(row).collect();
    if held.len() < ids.len() {
        mark_locked(tx, &ids, &mut held).await?;
    }
    Ok((held, now))
}

/// Under which lease the attempt was made of which nobody knows what came of it, of whoever an answer says now that it was not accepted.
async fn doubted_epochs(
    tx: &mut PgConnection,
    entries: &[EvidenceEntry],
    people: &[Recipient],
) -> Result<HashMap<RecipientId, i64>, StoreError> {
    let denied: HashSet<RecipientId> =
        entries.iter().filter(|entry| entry.denied_under().is_some()).map(|entry| entry.recipient).collect();
    let doubted = people.iter().filter(|person| person.delivery_status == Status::Uncertain);
    let (ids, attempts): (Vec<i64>, Vec<i32>) =
        doubted.filter(|person| denied.contains(&person.id)).map(|person| (person.id.0, person.attempt)).unzip();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    // Otherwise it is not known.
    let epochs: Vec<(RecipientId, i64)> = sqlx::query_as(
        "select m.recipient_id, m.epoch
           from unnest($1::bigint[], $2::int[]) x (id, attempt)
           join provider_message m on m.recipient_id = x.id and m.attempt = x.attempt
          where m.epoch > 0",
    )
    .bind(ids)
    .bind(attempts)
    .fetch_all(tx)
    .await?;
    Ok(epochs.into_iter().collect())
}

/// Has those of the people who are in flight say so, and returns their flights. They are locked: only who is queued by their own row can be.
pub(in crate::store) async fn show_in_flight(
    tx: &mut PgConnection,
    people: &mut [&mut Recipient],
) -> Result<HashMap<RecipientId, Flight>, StoreError> {
    let queued = people.iter().filter(|person| person.status() == Status::Queued).map(|person| person.id);
    let flights = in_flight::among(tx, queued).await?;
    for person in people {
        if let Some(flight) = flights.get(&person.id) {
            flight.show_in(person);
        }
    }
    Ok(flights)
}

async fn mark_locked(tx: &mut PgConnection, ids: &[i64], held: &mut HashMap<i64, LockedRow>) -> Result<(), StoreError> {
    let missing: Vec<i64> = ids.iter().copied().filter(|id| !held.contains_key(id)).collect();
    let there: Vec<i64> =
        sqlx::query_scalar("select id from blast_recipients where id = any($1)").bind(missing).fetch_all(tx).await?;
    held.extend(there.into_iter().map(|id| (id, LockedRow::Locked)));
    Ok(())
}

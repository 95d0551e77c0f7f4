//! Who is in flight: claimed, and what came of it not written yet. A claim is one row that lists its people, and is never changed. Their
//! own rows say *queued* with the attempt before, and everybody reads *sending* of them; what came of an attempt is written with its
//! number, and so ends their flight. A claim so writes no person, and neither it nor an outcome a row for each of them.
//!
//! The claim locks the people it takes and changes nothing of their rows. A statement that locked somebody queued may therefore have
//! looked for their flight in an older snapshot than the lock: whoever locks looks in a *second* statement.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::StoreError;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Recipient;
use crate::domain::status::Status;

/// Claims `c` that the person of a row is in flight by: one at most. Their ids are between the lowest and the highest of a claim's, by
/// which nearly all other claims of their blast are passed over.
macro_rules! flights_of {
    ($row:literal) => {
        concat!(
            "claims c where c.blast_id = ",
            $row,
            "blast_id and c.last_id >= ",
            $row,
            "id and c.first_id <= ",
            $row,
            "id and c.attempt_number - 1 = ",
            $row,
            "attempt and ",
            $row,
            "id = any (c.recipients)"
        )
    };
}
pub(super) use flights_of;

/// A condition: the person of a row is not in flight. `not_in_flight!("r.")`, as [`current`].
macro_rules! not_in_flight {
    ($row:literal) => {
        concat!("not exists (select from ", $crate::store::in_flight::flights_of!($row), ")")
    };
}
pub(super) use not_in_flight;

/// A column as everybody reads it, also of whoever is in flight: `current!("r.", status)`, or with `""` where the row has no name.
/// `status_word` is what a row of ours is read from.
macro_rules! current {
    ($row:literal, status) => {
        $crate::store::in_flight::current!($row, "'sending'::recipient_status", "status")
    };
    ($row:literal, status_word) => {
        concat!("(", $crate::store::in_flight::current!($row, status), ")::text")
    };
    ($row:literal, attempt) => {
        $crate::store::in_flight::current!($row, "c.attempt_number", "attempt")
    };
    ($row:literal, changed_at) => {
        $crate::store::in_flight::current!($row, "c.claimed_at", "changed_at")
    };
    ($row:literal, claimed_at) => {
        $crate::store::in_flight::current!($row, "c.claimed_at", "claimed_at")
    };
    ($row:literal, $flight:literal, $column:literal) => {
        concat!(
            "case when ",
            $row,
            "status = 'queued' then coalesce((select ",
            $flight,
            " from ",
            $crate::store::in_flight::flights_of!($row),
            "), ",
            $row,
            $column,
            ") else ",
            $row,
            $column,
            " end"
        )
    };
}
pub(super) use current;

/// Deletes claims of sender `$sender` made since `$since` and before `$before` whose people have all landed: what is in flight is read
/// without them from then on. Who says so by the setting has looked; else the table's own trigger makes whoever is in flight uncertain. Those
/// that another transaction has, maybe one that hangs, are left to the next. What was deleted is walked over as long as any transaction is
/// open that might see it: whoever does this often looks no further back than a sweep comes round.
macro_rules! forget_landed {
    ($sender:literal, $since:literal, $before:literal) => {
        concat!(
            "delete from claims
              where claim_id = any (array(
                    select c.claim_id from claims c
                     where c.sender_id = ",
            $sender,
            " and c.claimed_at >= ",
            $since,
            " and c.claimed_at < ",
            $before,
            " and not exists (select from blast_recipients r
                                       where r.id = any (c.recipients) and r.id >= c.first_id and r.id <= c.last_id
                                         and r.attempt = c.attempt_number - 1)
                       for update of c skip locked))
                and (select set_config('blastdeck.ends_flights', 'on', true)) = 'on'"
        )
    };
}
pub(super) use forget_landed;

/// An attempt in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Flight {
    pub attempt: i32,
    /// The lease under which it was claimed.
    pub epoch: i64,
    pub claimed_at: DateTime<Utc>,
}

impl Flight {
    /// The person as everybody reads them, from a row that was read without this.
    pub(super) const fn show_in(self, person: &mut Recipient) {
        person.attempt = self.attempt;
        person.delivery_status = Status::Sending;
        person.claimed_at = Some(self.claimed_at);
    }
}

/// Which of these people are in flight. Of people who are locked already, this is how they stay until the transaction ends.
pub(super) async fn among(
    tx: &mut PgConnection,
    people: impl IntoIterator<Item = RecipientId>,
) -> Result<HashMap<RecipientId, Flight>, StoreError> {
    let ids: Vec<i64> = people.into_iter().map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found =
        sqlx::query_as("select recipient_id, attempt, epoch, claimed_at from in_flight where recipient_id = any($1)");
    let found: Vec<(RecipientId, i32, i64, DateTime<Utc>)> = found.bind(ids).fetch_all(tx).await?;
    let flight = |(id, attempt, epoch, claimed_at)| (id, Flight { attempt, epoch, claimed_at });
    Ok(found.into_iter().map(flight).collect())
}

/// Those of the people, all locked by this transaction, who are not in flight.
pub(super) async fn landed(tx: &mut PgConnection, locked: Vec<RecipientId>) -> Result<Vec<RecipientId>, StoreError> {
    let flying: HashSet<RecipientId> = among(tx, locked.iter().copied()).await?.into_keys().collect();
    Ok(locked.into_iter().filter(|id| !flying.contains(id)).collect())
}

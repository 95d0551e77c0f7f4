//! Who is in flight: claimed, and what came of it not written yet. They stand in a table of their own, and their own row says *queued*
//! with the attempt before; everybody reads *sending* of them. A claim so writes no person.
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

/// A condition: the person of a row is not in flight. `not_in_flight!("r.")`, as [`current`].
macro_rules! not_in_flight {
    ($row:literal) => {
        concat!("not exists (select from in_flight f where f.recipient_id = ", $row, "id)")
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
        $crate::store::in_flight::current!($row, "f.attempt", "attempt")
    };
    ($row:literal, changed_at) => {
        $crate::store::in_flight::current!($row, "f.claimed_at", "changed_at")
    };
    ($row:literal, claimed_at) => {
        $crate::store::in_flight::current!($row, "f.claimed_at", "claimed_at")
    };
    ($row:literal, $flight:literal, $column:literal) => {
        concat!(
            "case when ",
            $row,
            "status = 'queued' then coalesce((select ",
            $flight,
            " from in_flight f where f.recipient_id = ",
            $row,
            "id), ",
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

/// A condition that has the deletion of a row in flight say that its person is written in the same statement: else the table's own
/// trigger makes them uncertain. Computed once a statement.
macro_rules! ends_flights {
    () => {
        "(select set_config('blastdeck.ends_flights', 'on', true)) = 'on'"
    };
}
pub(super) use ends_flights;

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

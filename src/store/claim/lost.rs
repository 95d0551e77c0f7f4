//! People in flight whom nobody knows of: the connection broke before their claim was answered.

use sqlx::{PgPool, Row};

use super::{Claim, Claimed};
use crate::domain::ids::{BlastId, RecipientId};
use crate::store::fence::{Incarnation, incarnation};
use crate::store::lease::Lease;
use crate::store::{StoreError, settings};

/// A blast's people who are in flight under this lease and whom nobody holds. None of them was ever posted to by a claim that was not
/// answered. To be asked by whoever makes the lease's claims, while none is on its way.
///
/// # Errors
/// [`StoreError::Busy`] where the claim's transaction is still open at the server: nobody can say yet what becomes of it.
pub async fn lost(pool: &PgPool, lease: Lease, blast: BlastId, held: &[RecipientId]) -> Result<Claim, StoreError> {
    let mut tx = settings::begin_impatient(pool).await?;
    // For update: a claim has its `key share` until its transaction is over.
    let now: Option<Incarnation> = sqlx::query_as(concat!(
        "select ",
        incarnation!(),
        " from sender_leases where sender_id = $1 and epoch = $2 and expires_at > now() for update"
    ))
    .bind(lease.sender)
    .bind(lease.epoch)
    .fetch_optional(&mut *tx)
    .await?;
    match now {
        None => return Ok(Claim::Fenced),
        Some(now) if now != lease.incarnation => return Ok(Claim::OtherServer),
        Some(_) => {}
    }
    let rows = sqlx::query(
        "select r.id, f.attempt, r.phone_number, r.name, r.variables, r.next_attempt_at, f.claimed_at
           from in_flight f join blast_recipients r on r.id = f.recipient_id
          where f.sender_id = $1 and f.epoch = $2 and f.blast_id = $3 and f.recipient_id <> all($4)
          order by r.id",
    )
    .bind(lease.sender)
    .bind(lease.epoch)
    .bind(blast)
    .bind(held.iter().map(|person| person.0).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let people = rows.iter().map(|row| {
        let person = row.try_get(6).and_then(|claimed_at| Claimed::from_row(row, (claimed_at, lease.epoch), false));
        person.map_err(|error| StoreError::Unreadable { recipient: row.get(0), error })
    });
    Ok(Claim::People(people.collect::<Result<_, _>>()?))
}

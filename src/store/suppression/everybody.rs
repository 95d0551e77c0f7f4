//! Everybody with a number.

use sqlx::PgConnection;

use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::store::StoreError;
use crate::store::in_flight::current;

/// Somebody of a blast.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NumberedPerson {
    pub id: RecipientId,
    pub blast: BlastId,
    pub attempt: i32,
    pub phone_number: Phone,
}

/// The next of them by id, over all blasts, who have no opt-out on record: a walk over everybody, for what is rarely asked.
pub async fn everybody(
    tx: &mut PgConnection,
    after: RecipientId,
    at_most: usize,
) -> Result<Vec<NumberedPerson>, StoreError> {
    let people = sqlx::query_as(concat!(
        "select r.id, r.blast_id as blast, ",
        current!("r.", attempt),
        " as attempt, r.phone_number
           from blast_recipients r
          where r.id > $1 and r.opted_out_at is null and starts_with(r.phone_number, '+')
          order by r.id limit $2"
    ));
    Ok(people.bind(after).bind(i64::try_from(at_most).unwrap_or(i64::MAX)).fetch_all(tx).await?)
}

//! Why a draft cannot be sent yet.

use sqlx::PgConnection;

use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// Says why a draft cannot be sent yet, or that it can.
pub async fn set_unfinished(tx: &mut PgConnection, id: BlastId, why: Option<&str>) -> Result<(), StoreError> {
    sqlx::query("update blasts set unfinished = $2 where id = $1").bind(id).bind(why).execute(tx).await?;
    Ok(())
}

/// The same of a draft that has this version. `false`: somebody changed it, or it is none any more.
pub async fn begin_unfinished(
    tx: &mut PgConnection,
    (id, version): (BlastId, i64),
    why: &str,
) -> Result<bool, StoreError> {
    let begun = sqlx::query("update blasts set unfinished = $3 where id = $1 and version = $2 and state = 'draft'");
    let begun = begun.bind(id).bind(version).bind(why).execute(tx).await?;
    Ok(begun.rows_affected() == 1)
}

/// Ends what was begun so and came to nothing: whatever somebody else said of the draft since stays.
pub async fn end_unfinished(
    tx: &mut PgConnection,
    id: BlastId,
    (begun, why): (&str, Option<&str>),
) -> Result<(), StoreError> {
    let ended = sqlx::query("update blasts set unfinished = $3 where id = $1 and unfinished = $2");
    ended.bind(id).bind(begun).bind(why).execute(tx).await?;
    Ok(())
}

//! Of how many people of a blast a list has a row.

use sqlx::PgConnection;

use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// How many people of a blast are of no row of a list.
pub async fn without_row(tx: &mut PgConnection, id: BlastId) -> Result<i64, StoreError> {
    let people =
        sqlx::query_scalar("select count(*) from blast_recipients where blast_id = $1 and coalesce(list_row, 0) = 0");
    Ok(people.bind(id).fetch_one(tx).await?)
}

/// Whether anybody in a blast is of a row of a list.
pub async fn has_rows(tx: &mut PgConnection, id: BlastId) -> Result<bool, StoreError> {
    let any = sqlx::query_scalar("select exists (select from blast_recipients where blast_id = $1 and list_row > 0)");
    Ok(any.bind(id).fetch_one(tx).await?)
}

//! Why people of a blast failed.

use sqlx::PgPool;

use super::ErrorRow;
use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// Failed people by code, most frequent first. Without a code they stand under `unknown`.
pub async fn by_code(pool: &PgPool, blast: BlastId) -> Result<Vec<ErrorRow>, StoreError> {
    let errors = sqlx::query_as(
        "select coalesce(nullif(error_code, ''), 'unknown') as code, count(*) as count,
                coalesce(min(error_message), '') as title
           from blast_recipients
          where blast_id = $1 and status = 'failed'
          group by 1
          order by 2 desc, 1",
    );
    Ok(errors.bind(blast).fetch_all(pool).await?)
}

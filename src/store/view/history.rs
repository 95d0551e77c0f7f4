//! What happened in a span of time.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::Since;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::store::StoreError;

/// How many status changes there were since, by new status, in the screen's order; of one blast or of all.
pub async fn since(pool: &PgPool, blast: Option<BlastId>, from: DateTime<Utc>) -> Result<Since, StoreError> {
    let reached: Vec<(Status, i64)> = sqlx::query_as(
        "select new_status, count(*)
           from status_history
          where changed_at > $1 and ($2::bigint is null or blast_id = $2) and new_status not in ('queued', 'sending')
          group by new_status
          order by new_status",
    )
    .bind(from)
    .bind(blast)
    .fetch_all(pool)
    .await?;
    Ok(Since { from: Some(from), reached })
}

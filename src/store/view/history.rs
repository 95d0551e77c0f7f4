//! What happened in a span of time.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::ChangesSince;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::store::StoreError;

/// How many people came to which status since, in the screen's order; of one blast or of all. What an operator took back
/// is not among it: whoever an operator changed counts by where they stand now, against where they stood before.
pub async fn since(pool: &PgPool, blast: Option<BlastId>, from: DateTime<Utc>) -> Result<ChangesSince, StoreError> {
    // A cancel is an operator's too, and of everybody: who was only queued is counted as all others are.
    let reached: Vec<(Status, i64)> = sqlx::query_as(
        "with theirs as materialized (
             select distinct recipient_id
               from status_history
              where changed_at > $1 and ($2::bigint is null or blast_id = $2)
                and source = 'operator' and old_status not in ('queued', 'sending')),
         marked as (
             select (array_agg(old_status order by id))[1] as before, (array_agg(new_status order by id desc))[1] as after,
                    array_agg(distinct new_status) as through
               from theirs
               join status_history using (recipient_id)
              where changed_at > $1
              group by recipient_id),
         reached (status) as (
             select new_status
               from status_history
              where changed_at > $1 and ($2::bigint is null or blast_id = $2)
                and recipient_id not in (select recipient_id from theirs)
             union all
             select status
               from marked
              cross join unnest(through) as status
              where case when status between 'sent' and 'closed'
                         then after between status and 'closed' and not before between status and 'closed'
                         else status = after and status <> before end)
         select status, count(*)
           from reached
          where status not in ('queued', 'sending')
          group by status
          order by status",
    )
    .bind(from)
    .bind(blast)
    .fetch_all(pool)
    .await?;
    Ok(ChangesSince { from: Some(from), reached })
}

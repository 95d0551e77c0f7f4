//! What happened in a span of time.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::ChangesSince;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::store::StoreError;

/// How many people came to which status since, in the screen's order; of one blast or of all, without answers to
/// people who wrote. Whoever stands at a stage now
/// counts at each that they passed on the way, told or not, as in the funnel; at nothing else stands who went through it and
/// is somewhere else now, as those who failed after they were sent to, or what an operator took back.
pub async fn since(pool: &PgPool, blast: Option<BlastId>, from: DateTime<Utc>) -> Result<ChangesSince, StoreError> {
    let reached: Vec<(Status, i64)> = sqlx::query_as(
        "with changed as (
             select (array_agg(old_status order by id))[1] as before, (array_agg(new_status order by id desc))[1] as after
               from status_history
              where changed_at > $1 and ($2::bigint is null or blast_id = $2)
                and ($2 is not null or blast_id not in (select id from blasts where answer_until is not null))
              group by recipient_id),
         moved as materialized (
             select before, after, count(*) as people from changed where after <> before group by before, after)
         select status, sum(people)::bigint
           from moved
          cross join unnest(enum_range(null::recipient_status)) as status
          where status not in ('queued', 'sending')
            and case when after between 'sent' and 'closed'
                     then status between 'sent' and after and not (before between 'sent' and 'closed' and status <= before)
                     else status = after end
          group by status
          order by status",
    )
    .bind(from)
    .bind(blast)
    .fetch_all(pool)
    .await?;
    Ok(ChangesSince { from: Some(from), reached })
}

//! What a plan asks before a launch.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::claim::Claimed;
use super::{StoreError, settings};
use crate::domain::ids::BlastId;

/// People of a blast who are also somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Overlap {
    /// Had a message of this business since the time asked.
    pub recently_messaged: i64,
    /// Still queued in another running blast of this business.
    pub queued_elsewhere: i64,
}

/// How many queued people of a blast other blasts of the business reach too: one look a person by their number. Right
/// after an import the planner knows nothing of its people, and any plan that it is free to choose may be one that compares
/// everybody with everybody.
pub async fn overlap(pool: &PgPool, id: BlastId, business: &str, since: DateTime<Utc>) -> Result<Overlap, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let overlap = sqlx::query_as(
        "with others as materialized (
             select b.id, b.state in ('sending', 'paused') as is_live
               from blasts b join senders s on s.id = b.sender_id and s.business = $2
              where b.id <> $1 and (b.state in ('sending', 'paused') or b.updated_at > $3))
         select count(*) filter (where o.recent) as recently_messaged,
                count(*) filter (where o.waiting) as queued_elsewhere
           from blast_recipients r
          cross join lateral (
                select bool_or(o.sent_at > $3 and o.blast_id in (select id from others)) as recent,
                       bool_or(o.status in ('queued', 'sending')
                               and o.blast_id in (select id from others where is_live)) as waiting
                  from blast_recipients o
                 where person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> r.blast_id) o
          where r.blast_id = $1 and r.status = 'queued' and exists (select from others)",
    )
    .bind(id)
    .bind(business)
    .bind(since)
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(overlap)
}

/// A few queued people: the first, the shortest name and the longest.
pub async fn samples(pool: &PgPool, id: BlastId) -> Result<Vec<Claimed>, StoreError> {
    let people = sqlx::query_as(
        "with head as (select id, attempt, phone_number, name, variables, next_attempt_at from blast_recipients
                        where blast_id = $1 and status = 'queued' order by next_attempt_at, id limit 1000),
              chosen as ((select id from head order by id limit 1)
                         union (select id from head order by length(name) nulls last, id limit 1)
                         union (select id from head order by length(name) desc nulls last, id limit 1))
         select head.* from head join chosen using (id) order by id",
    )
    .bind(id)
    .fetch_all(pool)
    .await?;
    Ok(people)
}

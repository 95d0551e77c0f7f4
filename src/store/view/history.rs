//! What happened in a span of time.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgPool};

use super::ChangesSince;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::history::{first_row_of_attempt, is_accepted_without_row};
use crate::store::in_flight::not_in_flight;

/// The steps since `$1`, but for those into *sending*: the rows of the history, and the acceptances that have none.
const STEPS_SINCE: &str = concat!(
    "select id::float8 as place, blast_id, recipient_id, old_status, new_status from status_history where changed_at > $1
      union all
     select coalesce(h.id - 0.25, 2e300), r.blast_id, a.recipient_id, 'sending', 'sent'
       from provider_message a
       join blast_recipients r on r.id = a.recipient_id
       left join lateral (",
    first_row_of_attempt!("id, old_status"),
    ") h on true
      where a.received_at > $1 and ",
    is_accepted_without_row!(),
);

/// How many people came to which status since, in the screen's order; of one blast or of all, without answers to
/// people who wrote. Whoever stands at a stage now
/// counts at each that they passed on the way, reported or not, as in the funnel; at nothing else stands who went through it and
/// is somewhere else now, as those who failed after they were sent to, or what an operator took back.
pub async fn since(pool: &PgPool, blast: Option<BlastId>, from: DateTime<Utc>) -> Result<ChangesSince, StoreError> {
    // In one blast nobody is twice: those who moved alike are counted before it is asked what they passed.
    let counted = match blast {
        Some(_) => {
            "moved as materialized (
                 select before, after, count(*) as people from changed where after <> before group by before, after)
             select status::text as word, sum(people)::bigint from moved"
        }
        None => {
            "moved as (
                 select before, after, person_key(r.phone_number) as person
                   from changed join blast_recipients r on r.id = changed.recipient_id where after <> before)
             select status::text as word, count(distinct person) from moved"
        }
    };
    let sql = format!(
        "with step as ({STEPS_SINCE}),
         changed as (
             select recipient_id, (array_agg(old_status order by place))[1] as before,
                    (array_agg(new_status order by place desc))[1] as after
               from step
              where ($2::bigint is null or blast_id = $2)
                and ($2 is not null or blast_id not in (select id from blasts where answer_until is not null))
              group by recipient_id),
         {counted}
          cross join unnest(enum_range(null::recipient_status)) as status
          where status not in ('queued', 'sending')
            and case when after between 'sent' and 'closed'
                     then status between 'sent' and after and not (before between 'sent' and 'closed' and status <= before)
                     else status = after end
          group by status
          order by status",
    );
    let reached: Vec<(Status, i64)> = sqlx::query_as(AssertSqlSafe(sql)).bind(from).bind(blast).fetch_all(pool).await?;
    Ok(ChangesSince { from: Some(from), reached })
}

/// How many people of a blast wait for another try.
pub async fn queued_again(pool: &PgPool, blast: BlastId) -> Result<i64, StoreError> {
    let again = concat!(
        "select count(*) from blast_recipients r where blast_id = $1 and status = 'queued' and attempt > 0 and ",
        not_in_flight!("r.")
    );
    Ok(sqlx::query_scalar(again).bind(blast).fetch_one(pool).await?)
}

/// How many people reached a stage within an hour.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow, utoipa::ToSchema)]
#[schema(as = TimelineHour)]
pub struct TimelineRow {
    /// Its beginning.
    pub hour: DateTime<Utc>,
    pub sent: i64,
    pub delivered: i64,
    pub read: i64,
    pub replied: i64,
    pub closed: i64,
    pub failed: i64,
}

/// The most hours of a timeline.
const HOURS_MAX: i64 = 1_000;

/// A blast hour by hour, oldest first; of a very long one the newest hours. One pass over its people.
pub async fn timeline(pool: &PgPool, blast: BlastId) -> Result<Vec<TimelineRow>, StoreError> {
    let hours = sqlx::query_as(
        "select * from (
             select date_trunc('hour', at, 'UTC') as hour,
                    count(*) filter (where stage = 1) as sent, count(*) filter (where stage = 2) as delivered,
                    count(*) filter (where stage = 3) as read, count(*) filter (where stage = 4) as replied,
                    count(*) filter (where stage = 5) as closed, count(*) filter (where stage = 6) as failed
               from blast_recipients r
              cross join lateral (values (1, sent_at), (2, delivered_at), (3, read_timestamp), (4, replied_at), (5, closed_at),
                                         (6, case when status = 'failed' then failed_at end)) as reached (stage, at)
              where blast_id = $1 and at is not null
              group by 1
              order by 1 desc
              limit $2) as newest
          order by hour",
    );
    Ok(hours.bind(blast).bind(HOURS_MAX).fetch_all(pool).await?)
}

//! When people of a blast reached their stages, from a sample that is the same each time: at most so many people of each status,
//! evenly spread over the list. Cheap at any size, and exact for blasts that are no larger.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::PgPool;

use crate::domain::ids::BlastId;
use crate::domain::progress::{SampledPerson, StageTimes};
use crate::domain::status::Status;
use crate::store::{StoreError, settings};

/// How many people of one status are read at most.
pub const SAMPLE_MAX: i64 = 2_000;

/// People of one status of a blast that has so many of them. Each of the sample is found by one walk of the index
/// `(blast_id, status, id)`.
pub async fn sample(
    pool: &PgPool,
    blast: BlastId,
    (status, people): (Status, i64),
) -> Result<Vec<SampledPerson>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let found: Vec<StageTimes> = if people <= SAMPLE_MAX {
        sqlx::query_as(
            "select id, status::text as status, sent_at, delivered_at, read_timestamp as read_at, replied_at, closed_at, changed_at
               from blast_recipients r
              where blast_id = $1 and status >= $2::text::recipient_status and status <= $2::text::recipient_status
              order by r.status, id limit $3",
        )
    } else {
        sqlx::query_as(
            "with edges as materialized (
                 select (select id from blast_recipients
                          where blast_id = $1 and status >= $2::text::recipient_status and status <= $2::text::recipient_status
                          order by status, id limit 1) as low,
                        (select id from blast_recipients
                          where blast_id = $1 and status >= $2::text::recipient_status and status <= $2::text::recipient_status
                          order by status desc, id desc limit 1) as high)
             select distinct on (r.id) r.*
               from edges
              cross join generate_series(0, $3 - 1) as n
              cross join lateral (
                    select id, status::text as status, sent_at, delivered_at, read_timestamp as read_at, replied_at, closed_at,
                           changed_at
                      from blast_recipients p
                     where blast_id = $1 and status >= $2::text::recipient_status and status <= $2::text::recipient_status
                       and id >= low + (high - low) * n / $3
                     order by p.status, id limit 1) r
              order by r.id",
        )
    }
    .bind(blast)
    .bind(status)
    .bind(SAMPLE_MAX)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    #[expect(clippy::cast_precision_loss, reason = "numbers of people")]
    let weight = if found.is_empty() { 0.0 } else { (people.max(0) as f64 / found.len() as f64).max(1.0) };
    Ok(found.into_iter().map(|times| SampledPerson { times, weight }).collect())
}

/// How many sales of a blast have no amount.
pub async fn unpriced(pool: &PgPool, blast: BlastId) -> Result<i64, StoreError> {
    let unpriced = sqlx::query_scalar(
        "select count(*) from blast_recipients where blast_id = $1 and status = 'closed' and amount is null",
    );
    Ok(unpriced.bind(blast).fetch_one(pool).await?)
}

/// The money of a blast's sales, by the hour in which they were closed.
pub async fn revenue(pool: &PgPool, blast: BlastId) -> Result<Vec<(DateTime<Utc>, Decimal)>, StoreError> {
    let revenue = sqlx::query_as(
        "select date_trunc('hour', coalesce(closed_at, changed_at), 'UTC') as hour, sum(amount)
           from blast_recipients
          where blast_id = $1 and status = 'closed' and amount > 0
          group by 1 order by 1",
    );
    Ok(revenue.bind(blast).fetch_all(pool).await?)
}

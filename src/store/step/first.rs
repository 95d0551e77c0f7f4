//! Since when a step's people wait.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgPool};

use crate::domain::ids::BlastId;
use crate::domain::step::StepSince;
use crate::store::view::time_column;
use crate::store::{StoreError, settings};

/// When the first of a blast's people reached a stage, or since when the first of its carts waits.
pub async fn first_at(pool: &PgPool, blast: BlastId, since: StepSince) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = match since {
        StepSince::Stage(stage) => {
            format!("select min({}) from blast_recipients where blast_id = $1", time_column(stage))
        }
        StepSince::Cart => "select min(since) from waiting_carts where blast_id = $1".to_owned(),
    };
    let mut tx = settings::begin_hot_path(pool).await?;
    let first = sqlx::query_scalar(AssertSqlSafe(sql)).bind(blast).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(first)
}

/// The same of those among them who have these numbers.
pub async fn first_of(
    pool: &PgPool,
    (blast, since): (BlastId, StepSince),
    phones: &[&str],
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let sql = match since {
        StepSince::Stage(stage) => format!(
            "select min({}) from unnest($2::text[]) as phone
              cross join lateral (select * from blast_recipients
                                   where person_key(phone_number) = person_key(phone) and blast_id = $1 offset 0) r",
            time_column(stage)
        ),
        StepSince::Cart => "select min(w.since) from waiting_carts w join blast_recipients r on r.id = w.recipient_id
                             where w.blast_id = $1 and r.phone_number = any($2)"
            .to_owned(),
    };
    Ok(sqlx::query_scalar(AssertSqlSafe(sql)).bind(blast).bind(phones).fetch_one(pool).await?)
}

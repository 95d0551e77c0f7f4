//! Who has a dashboard open, and what each operator has not seen of what happened.

use std::ops::Bound;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use sqlx::postgres::types::PgRange;

use super::StoreError;
use crate::domain::unseen::{SeenSpan, Unseen, UnseenGap};

#[derive(sqlx::FromRow)]
struct SeenRecord {
    seen_at: DateTime<Utc>,
    passed_over: Vec<PgRange<DateTime<Utc>>>,
}

impl SeenRecord {
    fn unseen(self) -> Unseen {
        let end = |bound| match bound {
            Bound::Included(at) | Bound::Excluded(at) => Some(at),
            Bound::Unbounded => None,
        };
        let gap = |range: PgRange<DateTime<Utc>>| Some(UnseenGap { after: end(range.start)?, before: end(range.end)? });
        Unseen::stored(self.passed_over.into_iter().filter_map(gap).collect(), self.seen_at)
    }
}

/// What an operator has not seen of what happened. Whoever never looked has seen what was before now.
pub async fn activity_unseen(pool: &PgPool, operator: &str) -> Result<Unseen, StoreError> {
    let seen: Option<SeenRecord> = sqlx::query_as(
        "with new as (insert into activity_seen (operator) values ($1) on conflict (operator) do nothing
                      returning seen_at, passed_over)
         select seen_at, passed_over from new
         union all select seen_at, passed_over from activity_seen where operator = $1 limit 1",
    )
    .bind(operator)
    .fetch_optional(pool)
    .await?;
    // Another window of theirs wrote the row at this very moment.
    Ok(seen.map_or_else(|| Unseen::since(Utc::now()), SeenRecord::unseen))
}

/// The same where nothing may be written.
pub async fn activity_unseen_before(pool: &PgPool, operator: &str) -> Result<Option<Unseen>, StoreError> {
    let seen: Option<SeenRecord> = sqlx::query_as("select seen_at, passed_over from activity_seen where operator = $1")
        .bind(operator)
        .fetch_optional(pool)
        .await?;
    Ok(seen.map(SeenRecord::unseen))
}

/// An operator was shown what happened at these times, beside what any window of theirs showed them.
pub async fn see_activity(pool: &PgPool, operator: &str, shown: &[SeenSpan]) -> Result<Unseen, StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query("insert into activity_seen (operator) values ($1) on conflict (operator) do nothing")
        .bind(operator)
        .execute(&mut *transaction)
        .await?;
    let seen: SeenRecord =
        sqlx::query_as("select seen_at, passed_over from activity_seen where operator = $1 for update")
            .bind(operator)
            .fetch_one(&mut *transaction)
            .await?;
    let mut unseen = seen.unseen();
    for span in shown {
        unseen.show(*span);
    }
    let gaps = unseen.passed_over().iter();
    let gaps: Vec<_> =
        gaps.map(|gap| PgRange { start: Bound::Excluded(gap.after), end: Bound::Excluded(gap.before) }).collect();
    sqlx::query("update activity_seen set seen_at = $2, passed_over = $3 where operator = $1")
        .bind(operator)
        .bind(unseen.seen_at())
        .bind(gaps)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(unseen)
}

/// Whether a dashboard was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    New,
    Known,
}

/// A dashboard is open. Written once a minute; rows of windows that ended a day ago without saying so are removed.
pub async fn renew(pool: &PgPool, window: &str, operator: &str) -> Result<Arrival, StoreError> {
    let is_new: bool = sqlx::query_scalar(
        "with gone as (delete from open_dashboards where renewed_at < now() - interval '1 day' and window_name <> $1)
         insert into open_dashboards (window_name, operator) values ($1, $2)
         on conflict (window_name) do update set renewed_at = now(), operator = excluded.operator
         returning xmax = 0",
    )
    .bind(window)
    .bind(operator)
    .fetch_one(pool)
    .await?;
    Ok(if is_new { Arrival::New } else { Arrival::Known })
}

/// A dashboard was closed.
pub async fn leave(pool: &PgPool, window: &str) -> Result<(), StoreError> {
    sqlx::query("delete from open_dashboards where window_name = $1").bind(window).execute(pool).await?;
    Ok(())
}

/// The other operators with a dashboard open, by name: whoever renewed within two and a half minutes.
pub async fn others(pool: &PgPool, operator: &str) -> Result<Vec<String>, StoreError> {
    let others = sqlx::query_scalar(
        "select distinct operator from open_dashboards
          where operator <> $1 and renewed_at > now() - interval '150 seconds' order by operator limit 20",
    );
    Ok(others.bind(operator).fetch_all(pool).await?)
}

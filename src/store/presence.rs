//! Who has a dashboard open, and up to where each operator has seen what happened.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;

/// Up to when an operator has seen what happened. Whoever never looked has seen what was before now.
pub async fn activity_seen(pool: &PgPool, operator: &str) -> Result<DateTime<Utc>, StoreError> {
    let seen = sqlx::query_scalar(
        "with new as (insert into activity_seen (operator) values ($1) on conflict (operator) do nothing returning seen_at)
         select seen_at from new union all select seen_at from activity_seen where operator = $1 limit 1",
    )
    .bind(operator)
    .fetch_optional(pool)
    .await?;
    // Another window of theirs wrote the row at this very moment.
    Ok(seen.unwrap_or_else(Utc::now))
}

/// The same where nothing may be written.
pub async fn activity_seen_before(pool: &PgPool, operator: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let seen = sqlx::query_scalar("select seen_at from activity_seen where operator = $1").bind(operator);
    Ok(seen.fetch_optional(pool).await?)
}

/// An operator has seen what happened up to a moment; an earlier moment changes nothing.
pub async fn see_activity(pool: &PgPool, operator: &str, up_to: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "insert into activity_seen as s (operator, seen_at) values ($1, $2)
         on conflict (operator) do update set seen_at = excluded.seen_at where s.seen_at < excluded.seen_at",
    )
    .bind(operator)
    .bind(up_to)
    .execute(pool)
    .await?;
    Ok(())
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

//! Tables that are kept by months: the months ahead are made, the months that are over long enough are dropped whole.

use sqlx::{AssertSqlSafe, PgPool};

use super::StoreError;

/// Tables in partitions of a month, by the time of their rows.
const BY_MONTH: [&str; 1] = ["status_history"];

/// Makes the months ahead where they are missing. Returns how many were made.
pub async fn make(pool: &PgPool) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar("select ensure_history_partitions()").fetch_one(pool).await?)
}

/// What came of dropping old months, by the partitions' names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DroppedPartitions {
    pub gone: Vec<String>,
    /// Somebody works with these, or with their table, just now: to be tried again.
    pub busy: Vec<String>,
}

/// Drops the months that ended at least `months` whole months ago, by the database's clock and in UTC.
pub async fn drop_old(pool: &PgPool, months: u32) -> Result<DroppedPartitions, StoreError> {
    let mut dropped = DroppedPartitions::default();
    for table in BY_MONTH {
        for month in old(pool, table, months).await? {
            match drop_one(pool, &month.sql_name).await {
                Ok(()) => dropped.gone.push(month.name),
                Err(StoreError::Busy(_)) => dropped.busy.push(month.name),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(dropped)
}

/// A partition, and its name with its schema as a statement needs it.
#[derive(sqlx::FromRow)]
struct Partition {
    name: String,
    sql_name: String,
}

/// A table's old partitions, oldest first: only its own, and only in its own schema. The bounds are the catalogue's, for
/// a name proves nothing.
async fn old(pool: &PgPool, table: &str, months: u32) -> Result<Vec<Partition>, StoreError> {
    let found = sqlx::query_as(
        "select name, sql_name
           from (select c.relname::text as name, format('%I.%I', n.nspname, c.relname) as sql_name,
                        substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)')::timestamptz as until
                   from pg_inherits i
                   join pg_class p on p.oid = i.inhparent
                   join pg_class c on c.oid = i.inhrelid and c.relnamespace = p.relnamespace
                   join pg_namespace n on n.oid = c.relnamespace
                  where i.inhparent = to_regclass($1)) as part
          where until <= (date_trunc('month', now() at time zone 'UTC') - make_interval(months => $2)) at time zone 'UTC'
          order by until",
    )
    .bind(table)
    .bind(i32::try_from(months).unwrap_or(i32::MAX))
    .fetch_all(pool)
    .await?;
    Ok(found)
}

/// Takes the table's lock for an instant, or not at all: whoever writes history waits behind us no longer than that.
async fn drop_one(pool: &PgPool, sql_name: &str) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::query("set local lock_timeout = '100ms'").execute(&mut *tx).await?;
    sqlx::query(AssertSqlSafe(format!("drop table {sql_name}"))).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(())
}

//! Tables that are kept by months or days: the partitions ahead are made, those that are over long enough are dropped whole.

use sqlx::{AssertSqlSafe, PgExecutor, PgPool, Row};

use super::{StoreError, begin};

/// Tables in partitions of a month, by the time of their rows.
const BY_MONTH: [&str; 1] = ["status_history"];

/// Tables in partitions of a day, by the day on which their rows were received.
const BY_DAY: [&str; 1] = ["webhook_inbox"];

/// Makes the months and days ahead where they are missing. Returns how many were made.
pub async fn make(executor: impl PgExecutor<'_>) -> Result<i32, StoreError> {
    // In one trip to the server: every command begins with it.
    Ok(sqlx::raw_sql(MAKE).fetch_one(executor).await?.try_get(0)?)
}

/// The functions compare each month and day, which takes them milliseconds. They make all that is missing, so that the partitions of
/// now and the furthest ones show whether anything is; one between them that is gone nevertheless is made when its time comes.
const MAKE: &str = "select case when to_regclass('status_history_' || to_char(at, 'YYYY_MM')) is null
                   or to_regclass('status_history_' || to_char(at + interval '3 months', 'YYYY_MM')) is null
                   or to_regclass('webhook_inbox_' || to_char(at, 'YYYY_MM_DD')) is null
                   or to_regclass('webhook_inbox_' || to_char(at + interval '7 days', 'YYYY_MM_DD')) is null
                 then ensure_history_partitions() + ensure_inbox_partitions() else 0 end
       from (select now() at time zone 'UTC') as utc (at)";

/// What came of dropping old partitions, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DroppedPartitions {
    pub gone: Vec<String>,
    /// Somebody works with these, or with their table, just now: to be tried again.
    pub busy: Vec<String>,
    /// Something of these is still to be applied.
    pub unapplied: Vec<String>,
}

/// Drops the months that ended at least `months` whole months ago, by the database's clock and in UTC.
pub async fn drop_old(pool: &PgPool, months: u32) -> Result<DroppedPartitions, StoreError> {
    let until = "(date_trunc('month', now() at time zone 'UTC') - make_interval(months => $2)) at time zone 'UTC'";
    drop_partitions(pool, &BY_MONTH, until, months).await
}

/// Drops the days of which everything was applied or has failed, and that ended at least `days` whole days ago, by the database's clock and in UTC.
pub async fn drop_old_days(pool: &PgPool, days: u32) -> Result<DroppedPartitions, StoreError> {
    let until = "(date_trunc('day', now() at time zone 'UTC') - make_interval(days => $2)) at time zone 'UTC'";
    drop_partitions(pool, &BY_DAY, until, days).await
}

async fn drop_partitions(
    pool: &PgPool,
    tables: &[&str],
    until: &str,
    kept: u32,
) -> Result<DroppedPartitions, StoreError> {
    let mut dropped = DroppedPartitions::default();
    for table in tables {
        for part in old(pool, table, until, kept).await? {
            match drop_one(pool, table, &part.sql_name).await {
                Ok(PartitionFate::Gone) => dropped.gone.push(part.name),
                Ok(PartitionFate::Unapplied) => dropped.unapplied.push(part.name),
                Err(StoreError::Busy(_)) => dropped.busy.push(part.name),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(dropped)
}

/// What became of an old partition.
enum PartitionFate {
    Gone,
    Unapplied,
}

/// A partition, and its name with its schema as a statement needs it.
#[derive(sqlx::FromRow)]
struct Partition {
    name: String,
    sql_name: String,
}

/// A table's old partitions, oldest first: only its own, and only in its own schema. The bounds are the catalogue's, for
/// a name proves nothing. A bound that is a date is the midnight of UTC.
async fn old(pool: &PgPool, table: &str, until: &str, kept: u32) -> Result<Vec<Partition>, StoreError> {
    let found = sqlx::query_as(AssertSqlSafe(format!(
        "select name, sql_name
           from (select c.relname::text as name, format('%I.%I', n.nspname, c.relname) as sql_name,
                        (substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \\(''([^'']+)''\\)')
                         || case when key.atttypid = 'date'::regtype then ' 00:00:00+00' else '' end)::timestamptz as until
                   from pg_inherits i
                   join pg_class p on p.oid = i.inhparent
                   join pg_class c on c.oid = i.inhrelid and c.relnamespace = p.relnamespace
                   join pg_namespace n on n.oid = c.relnamespace
                   join pg_partitioned_table t on t.partrelid = p.oid
                   join pg_attribute key on key.attrelid = p.oid and key.attnum = t.partattrs[0]
                  where i.inhparent = to_regclass($1)) as part
          where until <= {until}
          order by until"
    )))
    .bind(table)
    .bind(i32::try_from(kept).unwrap_or(i32::MAX))
    .fetch_all(pool)
    .await?;
    Ok(found)
}

/// Takes the table's lock for an instant, or not at all: whoever writes history waits behind us no longer than that.
async fn drop_one(pool: &PgPool, table: &str, sql_name: &str) -> Result<PartitionFate, StoreError> {
    let mut tx = begin(pool).await?;
    sqlx::query("set local lock_timeout = '100ms'").execute(&mut *tx).await?;
    if BY_DAY.contains(&table) {
        // Nobody has it applied again in between.
        sqlx::query(AssertSqlSafe(format!("lock table {sql_name} in share mode"))).execute(&mut *tx).await?;
        let is_open = format!("select exists (select 1 from {sql_name} where state in ('new', 'parked'))");
        if sqlx::query_scalar(AssertSqlSafe(is_open)).fetch_one(&mut *tx).await? {
            return Ok(PartitionFate::Unapplied);
        }
    }
    sqlx::query(AssertSqlSafe(format!("drop table {sql_name}"))).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(PartitionFate::Gone)
}

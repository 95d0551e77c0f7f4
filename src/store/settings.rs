//! Settings of one transaction. `set local` only: a pooled host keeps nothing of a session.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::types::PgInterval;
use sqlx::{PgExecutor, PgPool};

use super::StoreError;
use super::transaction::{DbTransaction, begin_with};

/// The database's time: within a transaction the time at which that began, as logged acts and the history have it.
pub async fn now(executor: impl PgExecutor<'_>) -> Result<DateTime<Utc>, StoreError> {
    Ok(sqlx::query_scalar("select now()").fetch_one(executor).await?)
}

/// Whether the server accepts writes from here: not a replica, nor where the database or the role was set to read only.
pub async fn takes_changes(executor: impl PgExecutor<'_>) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar("select current_setting('transaction_read_only') = 'off'").fetch_one(executor).await?)
}

/// How many connections this role may have to this database, by its own limit, the database's and the server's.
pub async fn connection_limit(executor: impl PgExecutor<'_>) -> Result<i32, StoreError> {
    let limit = sqlx::query_scalar(
        "select least(case when r.rolconnlimit >= 0 then r.rolconnlimit end, case when d.datconnlimit >= 0 then d.datconnlimit end,
                      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int)
           from pg_roles r cross join pg_database d where r.rolname = current_user and d.datname = current_database()",
    );
    Ok(limit.fetch_one(executor).await?)
}

/// What a role may not do with our tables.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MissingRights {
    pub role: String,
    /// Tables and sequences that it may not read and write.
    pub closed: Vec<String>,
    /// The owner of the tables, where the role does not act for them: only they make a new month's table, and migrate.
    pub owner: Option<String>,
}

/// The rights to our tables that the role of this connection lacks.
pub async fn missing_rights(executor: impl PgExecutor<'_>) -> Result<MissingRights, StoreError> {
    let missing = sqlx::query_as(
        "with ours as (
            select c.oid, c.relname::text as name, c.relkind, c.relowner
              from pg_class c
             where c.relnamespace = (select relnamespace from pg_class where oid = 'blasts'::regclass)
               and c.relkind in ('r', 'p', 'S') and c.relname <> '_sqlx_migrations')
         select current_user::text as role,
                coalesce(array_agg(name order by name) filter (where not case
                    when relkind = 'S' then has_sequence_privilege(oid, 'usage') and has_sequence_privilege(oid, 'select')
                    else has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
                         and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete') end), '{}') as closed,
                (select pg_get_userbyid(relowner)::text from ours where name = 'blasts' and not pg_has_role(relowner, 'usage')) as owner
           from ours",
    );
    Ok(missing.fetch_one(executor).await?)
}

/// The database's time at this moment, also within a transaction that waited for a lock.
pub async fn moment(executor: impl PgExecutor<'_>) -> Result<DateTime<Utc>, StoreError> {
    Ok(sqlx::query_scalar("select clock_timestamp()").fetch_one(executor).await?)
}

/// A span as Postgres keeps it, which counts microseconds: what is finer is cut off.
///
/// # Errors
/// Beyond 2^31 days either way.
pub(super) fn interval(span: TimeDelta) -> Result<PgInterval, StoreError> {
    let span = TimeDelta::microseconds(span.num_microseconds().unwrap_or(i64::MAX));
    PgInterval::try_from(span).map_err(|error| StoreError::Other(sqlx::Error::Encode(error)))
}

/// Begins a transaction of the hot path, or of what is asked again and again. An engine that freezes in the middle of one
/// lets go of its locks after 5 s, so that a takeover is not held up.
///
/// These statements have one good plan each, through an index and by nested loop. With statistics that have not seen the
/// newest rows the planner chooses others, two hundred times slower, by luck. And "is anybody queued in this blast?"
/// seems cheap by a scan of the table, if half the table is queued; where it is the other half, the scan passes a
/// million people, each second. What has no index all the same (a scan of the few who are in flight) would look dear enough to be
/// compiled, which takes 80 ms: behind a pooler that lends transactions, only this keeps it from that.
pub(super) async fn begin_hot_path(pool: &PgPool) -> Result<DbTransaction, StoreError> {
    // One trip to the server for all of it.
    begin_with(pool, HOT_PATH).await
}

/// The same for a claim. How many people it asks for is unknown to a plan for all claims, which so looks dearer to the planner than
/// one for this claim alone: it would plan each anew, which takes more than a millisecond (docs/PROOF.md).
pub(super) async fn begin_claim(pool: &PgPool) -> Result<DbTransaction, StoreError> {
    begin_with(pool, ONE_PLAN_FOR_ALL).await
}

/// Begins a transaction whose commit is on disk when it returns, whatever the database's default.
pub(super) async fn begin_durable(pool: &PgPool) -> Result<DbTransaction, StoreError> {
    begin_with(pool, "begin isolation level read committed; set local synchronous_commit = on").await
}

/// The same as on the hot path with a short lock timeout, for callers that have another way.
pub(super) async fn begin_impatient(pool: &PgPool) -> Result<DbTransaction, StoreError> {
    begin_with(pool, IMPATIENT).await
}

macro_rules! begin_with_lock_timeout {
    ($longest:literal) => {
        concat!(
            "begin isolation level read committed; set local jit = off; set local enable_seqscan = off; set local enable_hashjoin = off;
             set local enable_mergejoin = off; set local enable_bitmapscan = off; set local synchronous_commit = on;
             set local idle_in_transaction_session_timeout = '5s'; set local lock_timeout = '",
            $longest,
            "'"
        )
    };
}

const HOT_PATH: &str = begin_with_lock_timeout!("5s");
const IMPATIENT: &str = begin_with_lock_timeout!("100ms");
const ONE_PLAN_FOR_ALL: &str =
    concat!(begin_with_lock_timeout!("5s"), "; set local plan_cache_mode = force_generic_plan");

//! Pools of connections, and the migrations.

mod adopt;
mod fill;
pub(super) mod read_only;

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, FromRow, PgConnection, PgPool, Row};

use self::adopt::OpenConnection;
use super::StoreError;
use super::endpoint::{Endpoint, Pooling, SessionAccess, first_answer};
use crate::domain::text::hex;

/// The migrations in the binary. Forward only.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The key of the lock under which one program migrates at a time.
const MIGRATION_LOCK: i64 = 0x626c_6173_7464_6563;

/// What a command has. A question waits until the connection was given back from the one before it, which takes a trip to the
/// server; another connection would take several. Whoever holds a transaction asks within it.
pub const COMMAND_CONNECTIONS: u32 = 1;

/// The most that a server of the API opens for its readers.
pub const SERVER_CONNECTIONS: u32 = 3;

/// What a process has while nothing happens: one connection that listens, and one for questions. A pool gives connections
/// back a moment after they were used, and would open another for each question that comes in that moment.
pub const IDLE_CONNECTIONS: u32 = 2;

/// The most that a process opens to send, and for what its operator does.
pub const SENDING_CONNECTIONS: u32 = 4;

/// The most that it opens beside all these, for questions that cannot wait for those before them.
pub const BESIDE_CONNECTIONS: u32 = 2;

/// How often idle connections are counted, and how many counts in a row they must have been idle.
const TRIM_EVERY: Duration = Duration::from_secs(1);
const TRIM_AFTER: u32 = 3;
/// While there is nothing to close, each look is twice as long after the one before, up to this: waking for nothing is most of what an
/// idle process costs.
const TRIM_REST: Duration = Duration::from_secs(24);

/// A dashboard or an engine where nothing happens reads every half minute: it keeps the connection, and what was prepared on it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// A connection that was idle for longer is asked whether it still lives before it is used.
const PING_AFTER: Duration = Duration::from_secs(1);

/// Opens a pool of at most `connections`. Connects lazily: an unreachable database shows at the first statement. Where a pooler lends
/// transactions, a process that may not write is refused, since no session is ours there.
pub fn open(endpoint: &Endpoint, connections: u32) -> Result<PgPool, StoreError> {
    endpoint.refuse_shared_readers()?;
    let options = pool(endpoint.clone(), connections, OpenConnection::default());
    Ok(options.connect_lazy_with(endpoint.options()))
}

/// The same with a first connection, whose session was begun as the endpoint's are.
pub async fn open_with(endpoint: &Endpoint, connections: u32, connection: PgConnection) -> Result<PgPool, StoreError> {
    endpoint.refuse_shared_readers()?;
    let open = OpenConnection::new(connection);
    let options = pool(endpoint.clone(), connections, open.clone());
    Ok(adopt::pool(options, endpoint.options(), open).await)
}

/// The first connection is replaced by the open one, if there is one. Behind a pooler, sessions get their settings by statements when
/// they begin, not by startup options.
fn pool(endpoint: Endpoint, connections: u32, open: OpenConnection) -> PgPoolOptions {
    PgPoolOptions::new()
        .after_connect(move |connection, _| {
            let (endpoint, open) = (endpoint.clone(), open.take());
            Box::pin(async move {
                match open {
                    Some(open) => *connection = open,
                    None => endpoint.apply_settings(connection).await?,
                }
                Ok(())
            })
        })
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(IDLE_TIMEOUT)
        // A ping before every use is one more trip to the server; one after a pause finds what died meanwhile.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if read_only::is_outdated(meta.age) {
                    return Ok(false);
                }
                if meta.idle_for > PING_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Closes connections that were opened for a busy moment, all but those to be kept, until the pool is closed: a server takes only so
/// many. A pool gives its connections out in turn, so that none of them would ever be idle for long.
pub async fn trim(pool: PgPool, kept: u32) {
    let mut rest = TRIM_EVERY * TRIM_AFTER;
    while !pool.is_closed() {
        let mut spare = pool.size().saturating_sub(kept);
        if spare == 0 {
            tokio::time::sleep(rest).await;
            rest = (rest * 2).min(TRIM_REST);
            continue;
        }
        rest = TRIM_EVERY * TRIM_AFTER;
        for _ in 0..TRIM_AFTER {
            tokio::time::sleep(TRIM_EVERY).await;
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            spare = spare.min(idle).min(pool.size().saturating_sub(kept));
        }
        for _ in 0..spare {
            let Some(connection) = pool.try_acquire() else { break };
            // One that is broken is gone as well.
            let _ = connection.close().await;
        }
    }
}

/// A database whose schema is this program's, and the connection that found that out: a far server takes a second to make another.
pub struct Reached {
    pub endpoint: Endpoint,
    pub connection: PgConnection,
    /// Others wait to migrate until the connection is closed.
    pub holds_lock: bool,
    /// How many migrations ran.
    pub migrated: usize,
}

/// What to do with a database that has no tables yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyDatabase {
    /// It is a new one.
    Fill,
    /// It is more likely one that a dump is about to be restored into, which would find our tables in its way.
    Refuse,
}

/// Brings the schema up to what this binary knows, under a lock when two start at once.
pub async fn migrate(url: &str, empty: EmptyDatabase) -> Result<Reached, StoreError> {
    let (endpoint, mut connection) = Endpoint::reach(url, SessionAccess::ReadWrite).await?;
    let mut before = first_answer(applied(&mut connection)).await?;
    require_ended(&before)?;
    if is_ours(&before) {
        return Ok(Reached { endpoint, connection, holds_lock: false, migrated: 0 });
    }
    if before.is_empty() {
        before = applied_in_unmigrated(&mut connection, empty).await?;
    }
    if before.len() < MIGRATOR.iter().count() && endpoint.pooling() != Pooling::Transaction {
        wait_for_other_programs(&mut connection).await?;
        before = applied(&mut connection).await?;
    }
    if before.is_empty()
        && let Err(error) = fill::fill(&mut connection).await
    {
        tracing::debug!(%error, "one migration after the other");
    }
    let outcome = match endpoint.pooling() {
        Pooling::Transaction => migrate_in_one(&mut connection).await,
        Pooling::Direct | Pooling::Session => MIGRATOR.run(&mut connection).await,
    };
    let after = applied(&mut connection).await?;
    match outcome {
        Ok(()) => Ok(Reached { endpoint, connection, holds_lock: true, migrated: after.len() - before.len() }),
        Err(MigrateError::VersionMissing(found)) => Err(StoreError::Newer { found, known: newest_known() }),
        Err(MigrateError::VersionMismatch(version)) => Err(StoreError::Changed { version }),
        Err(MigrateError::ExecuteMigration(error, version)) if is_there_already(&error) => {
            Err(StoreError::Unrecorded { version })
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Err(error.into()),
        Err(other) => Err(StoreError::Other(sqlx::Error::Migrate(Box::new(other)))),
    }
}

/// Waits, however long it takes, until no other program migrates, and keeps others waiting as long as the connection is open. The
/// migrations' own lock is subject to the usual timeout: a second program would give up during a long migration.
async fn wait_for_other_programs(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set local lock_timeout = 0; set local statement_timeout = 0").execute(&mut *tx).await?;
    sqlx::query("select pg_advisory_lock($1)").bind(MIGRATION_LOCK).execute(&mut *tx).await?;
    tx.commit().await
}

/// All of it in one transaction, under a lock that ends with it: where a pooler lends transactions, a session's lock would
/// stay behind on a connection that is somebody else's by then.
async fn migrate_in_one(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let mut migrator = sqlx::migrate!("./migrations");
    migrator.set_locking(false);
    let mut tx = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *tx).await?;
    migrator.run(&mut *tx).await?;
    Ok(tx.commit().await?)
}

/// Whether the database can be reached, and its schema is this program's. Every session at this endpoint refuses to write.
pub async fn check(url: &str) -> Result<Reached, StoreError> {
    let (endpoint, mut connection) = Endpoint::reach(url, SessionAccess::ReadOnly).await?;
    let mut applied = first_answer(applied(&mut connection)).await?;
    if applied.is_empty() {
        applied = applied_in_unmigrated(&mut connection, EmptyDatabase::Refuse).await.map_err(|error| match error {
            StoreError::Emptied => StoreError::Unmade,
            other => other,
        })?;
    }
    require_ended(&applied)?;
    let newest = applied.iter().map(|one| one.version).max().unwrap_or(0);
    if newest > newest_known() {
        return Err(StoreError::Newer { found: newest, known: newest_known() });
    }
    if newest < newest_known() {
        return Err(StoreError::Older);
    }
    Ok(Reached { endpoint, connection, holds_lock: false, migrated: 0 })
}

/// Refuses a schema that this version does not know: a newer one may have migrated it under a running engine.
pub(super) fn require_known_schema(schema: i64) -> Result<(), StoreError> {
    let known = newest_known();
    if schema > known { Err(StoreError::Newer { found: schema, known }) } else { Ok(()) }
}

/// How a database's schema stands to this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// This program's, or an older one that it works with.
    Known,
    /// A newer blastdeck has migrated it.
    Newer { found: i64, known: i64 },
    /// The database is gone, or everything in it.
    Absent,
}

/// What has become of the schema under a process that goes on.
pub async fn schema(pool: &PgPool) -> Result<SchemaState, StoreError> {
    let newest =
        sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations").fetch_one(pool).await;
    let known = newest_known();
    match newest {
        Ok(Some(found)) if found > known => Ok(SchemaState::Newer { found, known }),
        Ok(Some(_)) => Ok(SchemaState::Known),
        Ok(None) => Ok(SchemaState::Absent),
        Err(error) if is_absence(&error) => Ok(SchemaState::Absent),
        Err(error) => Err(error.into()),
    }
}

/// No such database (3D000), no such table (42P01).
fn is_absence(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| matches!(code.as_ref(), "3D000" | "42P01"))
}

/// A table, a column, an index or a type of that name is there: 42P07, 42701, 42710, 42723.
fn is_there_already(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| matches!(code.as_ref(), "42P07" | "42701" | "42710" | "42723"))
}

/// Refuses a record of migrations in which one did not end: somebody changed it.
fn require_ended(applied: &[AppliedMigration]) -> Result<(), StoreError> {
    match applied.iter().find(|one| !one.success) {
        Some(AppliedMigration { version, .. }) => Err(StoreError::HalfMigrated { version: *version }),
        None => Ok(()),
    }
}

pub(super) fn newest_known() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// A migration that the database has.
#[derive(FromRow)]
struct AppliedMigration {
    version: i64,
    /// In hexadecimal: as text, its bytes come as the database's `bytea_output` has it.
    checksum: String,
    success: bool,
}

/// The migrations applied so far; none in an empty database. Asked once in a process's life: to prepare it would be one more trip to the
/// server.
async fn applied(connection: &mut PgConnection) -> Result<Vec<AppliedMigration>, StoreError> {
    let applied = sqlx::raw_sql(
        "select version, encode(checksum, 'hex') as checksum, success from _sqlx_migrations order by version",
    );
    match applied.fetch_all(connection).await {
        Err(error) if is_absence(&error) => Ok(Vec::new()),
        rows => Ok(rows?.iter().map(AppliedMigration::from_row).collect::<Result<_, _>>()?),
    }
}

/// Whether a database without a migration may be migrated, and what was applied to it meanwhile.
async fn applied_in_unmigrated(
    connection: &mut PgConnection,
    empty: EmptyDatabase,
) -> Result<Vec<AppliedMigration>, StoreError> {
    let has_tables: bool = sqlx::raw_sql("select to_regclass('blast_recipients') is not null")
        .fetch_one(&mut *connection)
        .await?
        .try_get(0)?;
    // Read after that question: another program may have migrated in between.
    let applied = applied(connection).await?;
    match (applied.is_empty(), has_tables, empty) {
        (false, ..) | (true, false, EmptyDatabase::Fill) => Ok(applied),
        (true, true, _) => Err(StoreError::Incomplete),
        (true, false, EmptyDatabase::Refuse) => Err(match other_schema(connection).await? {
            Some(schema) => StoreError::OtherSchema { schema },
            None => StoreError::Emptied,
        }),
    }
}

/// A schema with our tables in which nobody looks.
async fn other_schema(connection: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let found = sqlx::raw_sql(
        "select quote_ident(n.nspname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relname = 'blast_recipients' and c.relkind = 'r' and n.nspname <> all(current_schemas(false)) order by 1 limit 1",
    );
    found.fetch_optional(connection).await?.map(|row| row.try_get(0)).transpose()
}

/// Whether these are exactly the migrations of this binary, so that nothing is to be done.
fn is_ours(applied: &[AppliedMigration]) -> bool {
    let ours = MIGRATOR.iter().map(|migration| (migration.version, hex(&migration.checksum), true));
    ours.eq(applied.iter().map(|one| (one.version, one.checksum.clone(), one.success)))
}

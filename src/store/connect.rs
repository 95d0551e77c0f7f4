//! Connections: how they are made, what every session is told, and the migrations.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use tokio::time::timeout;

use super::StoreError;

/// The migrations in the binary. Forward only.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Enough for a dashboard with its engine.
pub const CONNECTIONS: u32 = 5;

/// How long a first connection may take; a database that sleeps needs some seconds to wake.
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);

/// A connection that was idle for longer is asked whether it still lives before it is used.
const PING_AFTER: Duration = Duration::from_secs(1);

/// What every session is told: nobody waits for ever, and nothing of ours holds others up for long.
const SESSION: [(&str, &str); 4] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("timezone", "UTC"),
];

/// Opens a pool of at most `connections`. Connects lazily: an unreachable database shows at the first statement.
pub fn open(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    Ok(pool(connections).connect_lazy_with(connect_options(url)?))
}

/// The same for a process that changes nothing: every session refuses to write.
pub fn open_read_only(url: &str, connections: u32) -> Result<PgPool, StoreError> {
    let options = connect_options(url)?.options([("default_transaction_read_only", "on")]);
    Ok(pool(connections).connect_lazy_with(options))
}

fn pool(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(Duration::from_secs(120))
        // A ping before every use is one more trip to the server; one after a pause finds what died meanwhile.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > PING_AFTER {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

fn connect_options(url: &str) -> Result<PgConnectOptions, StoreError> {
    // Statements are not logged: their parameters are people.
    let options = PgConnectOptions::from_str(url)?.application_name("blastdeck").disable_statement_logging();
    // A pooler takes no session settings; there the server's own defaults hold.
    Ok(if is_pooled(&options) { options } else { options.options(SESSION) })
}

/// Neon's pooled hosts are named `…-pooler.…`.
fn is_pooled(options: &PgConnectOptions) -> bool {
    options.get_host().contains("-pooler.")
}

/// Whether LISTEN works over this URL: not behind a pooler.
pub fn has_sessions(url: &str) -> bool {
    !url.contains("-pooler.")
}

/// Brings the schema up to what this binary knows, under a lock when two start at once. Returns how many migrations ran.
pub async fn migrate(url: &str) -> Result<usize, StoreError> {
    let mut connection = connect(&url.replacen("-pooler.", ".", 1)).await?;
    let before = applied(&mut connection).await?;
    let outcome = MIGRATOR.run(&mut connection).await;
    let after = applied(&mut connection).await?;
    connection.close().await?;
    match outcome {
        Ok(()) => Ok(after.len() - before.len()),
        Err(MigrateError::VersionMissing(found)) => Err(StoreError::Newer { found, known: newest_known() }),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Err(error.into()),
        Err(other) => Err(StoreError::Other(sqlx::Error::Migrate(Box::new(other)))),
    }
}

/// One connection, made now: whoever cannot be reached is told of by name.
async fn connect(url: &str) -> Result<PgConnection, StoreError> {
    let options = connect_options(url)?;
    match timeout(CONNECT_PATIENCE, PgConnection::connect_with(&options)).await {
        Ok(connection) => Ok(connection?),
        Err(_) => Err(sqlx::Error::Io(std::io::Error::from(std::io::ErrorKind::TimedOut)).into()),
    }
}

/// Whether the database can be reached, and its schema is this program's.
pub async fn check(url: &str) -> Result<(), StoreError> {
    let mut connection = connect(url).await?;
    let newest = applied(&mut connection).await?.into_iter().max().unwrap_or(0);
    connection.close().await?;
    if newest > newest_known() {
        return Err(StoreError::Newer { found: newest, known: newest_known() });
    }
    if newest < newest_known() {
        return Err(StoreError::Older);
    }
    Ok(())
}

/// Whether this version knows a schema: a newer one may have migrated it under a running engine.
pub(super) fn is_known(schema: i64) -> Result<(), StoreError> {
    let known = newest_known();
    if schema > known { Err(StoreError::Newer { found: schema, known }) } else { Ok(()) }
}

fn newest_known() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Versions applied so far; none when the database is fresh.
async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>, StoreError> {
    let fresh: bool =
        sqlx::query_scalar("select to_regclass('_sqlx_migrations') is null").fetch_one(&mut *connection).await?;
    if fresh {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar("select version from _sqlx_migrations order by version").fetch_all(connection).await?)
}

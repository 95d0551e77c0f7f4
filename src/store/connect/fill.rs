//! The first migration of an empty database.

use std::fmt::Write as _;

use sqlx::migrate::{Migrate as _, MigrateError};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{MIGRATION_LOCK, MIGRATOR};
use crate::domain::text::hex;

/// Runs every migration in one transaction and a few trips: several for each would take a far database a minute. Nothing is changed
/// where that fails, as on a server with little room for locks.
pub(super) async fn fill(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let mut tx = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *tx).await?;
    tx.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let is_empty = "select not exists (select from _sqlx_migrations)";
    if sqlx::query_scalar(AssertSqlSafe(is_empty)).fetch_one(&mut *tx).await? {
        sqlx::raw_sql(AssertSqlSafe(script())).execute(&mut *tx).await?;
    }
    Ok(tx.commit().await?)
}

/// Each migration, and that it was applied.
fn script() -> String {
    let mut script = String::new();
    for migration in MIGRATOR.iter() {
        let (version, description) = (migration.version, migration.description.replace('\'', "''"));
        script.push_str(migration.sql.as_str());
        let _ = write!(
            script,
            "\n;\ninsert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values ({version}, '{description}', true, decode('{}', 'hex'), 0);\n",
            hex(&migration.checksum)
        );
    }
    script
}

//! Equal failures in a row of a blast's sends, which the sender's engine keeps.

use sqlx::PgPool;

use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// How many equal failures in a row a blast has seen; written with every change, so that a restart does not forget.
pub async fn set_streak(pool: &PgPool, id: BlastId, streak: Option<(&str, i32)>) -> Result<(), StoreError> {
    let query = match streak {
        None => sqlx::query("delete from blast_streaks where blast_id = $1").bind(id),
        Some((code, length)) => sqlx::query(
            "insert into blast_streaks (blast_id, code, length) values ($1, $2, $3)
             on conflict (blast_id) do update set code = excluded.code, length = excluded.length",
        )
        .bind(id)
        .bind(code.replace('\0', ""))
        .bind(length),
    };
    query.execute(pool).await?;
    Ok(())
}

pub async fn streak(pool: &PgPool, id: BlastId) -> Result<Option<(String, i32)>, StoreError> {
    Ok(sqlx::query_as("select code, length from blast_streaks where blast_id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?)
}

//! Equal failures in a row that were reported after acceptance.

use sqlx::PgConnection;

use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// How many messages of a blast failed in a row with the same code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateStreak {
    pub code: String,
    pub length: i32,
}

/// The rows of these blasts, held until the transaction ends; those that had none are made, so that whoever counts at the same time waits.
pub async fn hold(tx: &mut PgConnection, blasts: &[BlastId]) -> Result<Vec<(BlastId, LateStreak)>, StoreError> {
    sqlx::query(
        "insert into blast_late_streaks (blast_id, code, length)
         select b.id, '', 0 from blasts b where b.id = any($1) order by b.id on conflict do nothing",
    )
    .bind(ids(blasts))
    .execute(&mut *tx)
    .await?;
    let rows: Vec<(BlastId, String, i32)> = sqlx::query_as(
        "select blast_id, code, length from blast_late_streaks where blast_id = any($1) order by blast_id for update",
    )
    .bind(ids(blasts))
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(blast, code, length)| (blast, LateStreak { code, length })).collect())
}

/// Writes them.
pub async fn set(tx: &mut PgConnection, rows: &[(BlastId, LateStreak)]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into blast_late_streaks (blast_id, code, length)
         select x.blast_id, x.code, x.length from unnest($1::bigint[], $2::text[], $3::int[]) as x (blast_id, code, length)
          where exists (select from blasts b where b.id = x.blast_id)
         on conflict (blast_id) do update set code = excluded.code, length = excluded.length",
    )
    .bind(rows.iter().map(|(blast, _)| blast.0).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.code.replace('\0', "")).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| row.length).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Their rows are over.
pub async fn end(tx: &mut PgConnection, blasts: &[BlastId]) -> Result<(), StoreError> {
    if !blasts.is_empty() {
        sqlx::query("delete from blast_late_streaks where blast_id = any($1)").bind(ids(blasts)).execute(tx).await?;
    }
    Ok(())
}

fn ids(blasts: &[BlastId]) -> Vec<i64> {
    blasts.iter().map(|blast| blast.0).collect()
}

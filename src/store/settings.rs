//! Settings of one transaction. `set local` only: a pooled host keeps nothing of a session.

use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::StoreError;

/// Comes first in its transaction: an engine that freezes in the middle of one lets go of its locks after 5 s, so that a
/// takeover is not held up. The statements of the hot path have one good plan each, through an index and by nested loop. With statistics that
/// have not seen the newest rows the planner chooses others, two hundred times slower, by luck.
pub(super) async fn hot_path(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query(
        "select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
                set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true),
                set_config('synchronous_commit', 'on', true), set_config('lock_timeout', '5s', true),
                set_config('idle_in_transaction_session_timeout', '5s', true)",
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A transaction for what is asked again and again. "Is anybody queued in this blast?" looks cheap to the planner by a walk
/// over the table, if half the table is queued; where it is the other half, the walk is over a million people, each second.
pub(super) async fn by_index(pool: &PgPool) -> Result<Transaction<'static, Postgres>, StoreError> {
    let mut tx = pool.begin().await?;
    hot_path(&mut tx).await?;
    Ok(tx)
}

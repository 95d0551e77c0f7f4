//! The pause of a blast, or the wait of a draft that made itself: why and by whom, and how a blast that was started waits again as it did.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::StoreError;
use crate::domain::ids::BlastId;

/// Why a blast is paused, or a draft that made itself waits for a yes, and whether it waits for somebody to look at its first people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct PauseRecord {
    pub state_reason: Option<String>,
    pub state_by: Option<String>,
    pub first_left: Option<i32>,
}

/// What is known of the pause of a paused blast, or of why a draft waits that made itself.
pub async fn of(tx: &mut PgConnection, id: BlastId) -> Result<Option<PauseRecord>, StoreError> {
    let pause = sqlx::query_as(
        "select state_reason, state_by, first_left from blasts
          where id = $1 and (state = 'paused' or state = 'draft' and state_reason is not null)",
    );
    Ok(pause.bind(id).fetch_optional(tx).await?)
}

/// A blast that is paused, or a draft, again before anything was sent waits as it did.
pub async fn put_back(tx: &mut PgConnection, id: BlastId, pause: &PauseRecord) -> Result<(), StoreError> {
    sqlx::query(
        "update blasts set state_reason = $2, state_by = $3, first_left = $4 where id = $1 and state in ('paused', 'draft')",
    )
    .bind(id)
    .bind(&pause.state_reason)
    .bind(&pause.state_by)
    .bind(pause.first_left)
    .execute(tx)
    .await?;
    Ok(())
}

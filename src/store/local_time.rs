//! When each person of a blast is due, where that is by their own clocks.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::{StoreError, settings};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;

/// Somebody to whom nothing was sent yet.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LocalPerson {
    pub id: RecipientId,
    pub phone_number: Phone,
    /// What their row says.
    pub zone: Option<String>,
    pub next_attempt_at: DateTime<Utc>,
}

/// When somebody is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalDue {
    pub id: RecipientId,
    pub at: DateTime<Utc>,
}

/// How many people one statement writes.
const AT_ONCE: usize = 5_000;

/// Everybody who waits for the first message ever, in the order of the list.
pub async fn people(pool: &PgPool, blast: BlastId) -> Result<Vec<LocalPerson>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sqlx::query_as(
        "select id, phone_number, coalesce(variables ->> 'timezone', variables ->> 'time_zone') as zone, next_attempt_at
           from blast_recipients where blast_id = $1 and status = 'queued' and attempt = 0
          order by status, id",
    );
    let people = people.bind(blast).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

/// Has people wait until then, each for themselves.
pub async fn set_due(tx: &mut PgConnection, blast: BlastId, due: &[LocalDue]) -> Result<(), StoreError> {
    if !due.is_empty() {
        // By the primary key, which nothing else here leaves a choice of: right after an import the planner knows nothing of these people,
        // and may walk over all of them for each.
        let by_key =
            "set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off";
        sqlx::raw_sql(by_key).execute(&mut *tx).await?;
    }
    for some in due.chunks(AT_ONCE) {
        let (ids, times): (Vec<i64>, Vec<DateTime<Utc>>) = some.iter().map(|due| (due.id.0, due.at)).unzip();
        sqlx::query(
            "update blast_recipients r set next_attempt_at = d.at
               from unnest($2::bigint[], $3::timestamptz[]) as d (id, at)
              where r.id = d.id and r.blast_id + 0 = $1 and r.status >= 'queued' and r.status <= 'queued' and r.attempt = 0",
        )
        .bind(blast)
        .bind(ids)
        .bind(times)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

//! Drafts of steps whose people were all taken out of them.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use crate::domain::ids::{BlastId, SenderId};
use crate::domain::step::BETWEEN_DRAFTS;
use crate::store::StoreError;
use crate::store::step::StepKey;

/// The newest of each step, with nobody in it, whose step's next look has come: its people may be due again meanwhile, as a distance to
/// another step is over. A day after it was made the step makes a new one.
pub async fn emptied(
    pool: &PgPool,
    senders: &[SenderId],
    now: DateTime<Utc>,
) -> Result<Vec<(StepKey, BlastId)>, StoreError> {
    let senders: Vec<i64> = senders.iter().map(|sender| sender.0).collect();
    let found: Vec<(BlastId, i32, BlastId)> = sqlx::query_as(
        "select s.blast, s.number, d.id from blasts d
           join blast_steps s on s.blast = d.follows_blast and s.number = d.step_number
           join blasts b on b.id = s.blast and b.state in ('sending', 'completed') and b.deleted_at is null
          where d.state = 'draft' and d.deleted_at is null and d.sender_id = any($1) and s.last_made_at > $3
            and s.paused_at is null and s.removed_at is null and coalesce(s.next_look_at <= $2, true)
            and d.id = (select max(n.id) from blasts n where n.follows_blast = s.blast and n.step_number = s.number)
            and not exists (select from blast_recipients r where r.blast_id = d.id and r.status = 'queued')
          order by d.id",
    )
    .bind(senders)
    .bind(now)
    .bind(now - BETWEEN_DRAFTS)
    .fetch_all(pool)
    .await?;
    Ok(found.into_iter().map(|(blast, number, draft)| (StepKey { blast, number }, draft)).collect())
}

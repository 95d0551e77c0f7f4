//! Times that were written by a database's clock that was ahead, and was set right since.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::domain::ids::{BlastId, SenderId};
use crate::store::StoreError;

/// How many people are made due with one statement.
const AT_ONCE: u64 = 10_000;

/// Has due now what a sender would otherwise keep waiting until a time comes again: launches further ahead than any is announced, and
/// people further ahead than anybody waits who was never tried, where what wrote them stands in the future as well. How many people those
/// were.
pub async fn make_due_now(pool: &PgPool, sender: SenderId) -> Result<u64, StoreError> {
    sqlx::query(
        "update blasts set send_after = now(), version = version + 1, updated_at = now()
          where sender_id = $1 and state = 'sending' and send_after > now() + interval '1 minute'
            and greatest(launched_at, updated_at) > now()",
    )
    .bind(sender)
    .execute(pool)
    .await?;
    let mut people = 0;
    loop {
        let done = sqlx::query(
            "update blast_recipients set next_attempt_at = now()
              where id in (select r.id
                             from blasts b
                             cross join lateral (select id from blast_recipients
                                                  where blast_id = b.id and status = 'queued' and tries = 0
                                                    and next_attempt_at > now() + interval '2 hours' and changed_at > now()
                                                  order by next_attempt_at desc limit $2) r
                            where b.sender_id = $1 and b.state = 'sending' and b.local_time is null)
                and status = 'queued' and tries = 0",
        )
        .bind(sender)
        .bind(i64::try_from(AT_ONCE).unwrap_or(i64::MAX))
        .execute(pool)
        .await?;
        people += done.rows_affected();
        if done.rows_affected() < AT_ONCE {
            return Ok(people);
        }
    }
}

/// Blasts of these senders that repeat and were moved on by a clock that was ahead: their next time is one that follows the times that
/// had come by that clock.
pub async fn patterns_ahead(pool: &PgPool, senders: &[SenderId]) -> Result<Vec<BlastId>, StoreError> {
    let senders: Vec<i64> = senders.iter().map(|sender| sender.0).collect();
    let found = sqlx::query_scalar(
        "select id from blasts
          where repeat_rule is not null and state = 'scheduled' and deleted_at is null and sender_id = any($1)
            and updated_at > now() + interval '1 minute' and scheduled_for > now()
          order by id",
    );
    Ok(found.bind(senders).fetch_all(pool).await?)
}

/// Gives such a blast its next time; the times that had come by that clock are still to come. Whoever skipped one skipped it.
pub async fn set_pattern_back(tx: &mut PgConnection, id: BlastId, next: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "with ahead as (
             delete from blast_occurrences where pattern = $1 and at > now() and outcome <> 'skipped' returning 1)
         update blasts
            set scheduled_for = $2, send_after = $2, blast_date = $2, state_reason = null, version = version + 1, updated_at = now(),
                repeat_seen = greatest(coalesce(repeat_seen, 0) - (select count(*) from ahead), 0)
          where id = $1 and state = 'scheduled' and updated_at > now()",
    )
    .bind(id)
    .bind(next)
    .execute(tx)
    .await?;
    Ok(())
}

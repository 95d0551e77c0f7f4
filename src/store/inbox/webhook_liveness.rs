//! Whether senders hear of their messages: when their webhooks came last, and which of them hear nothing.

use sqlx::{PgConnection, PgPool};

use crate::domain::ids::SenderId;
use crate::store::StoreError;

/// Webhooks of these senders came. Written no more often than every ten seconds, unless somebody was asked about them.
pub async fn heard(tx: &mut PgConnection, senders: &[SenderId]) -> Result<(), StoreError> {
    if senders.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "update senders set webhook_seen_at = now(), unheard_since = null
          where id = any(array(
                select id from senders
                 where id = any($1) and (unheard_since is not null or webhook_seen_at is null
                                         or webhook_seen_at < now() - interval '10 seconds')
                 order by id for no key update skip locked))",
    )
    .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes the senders whose messages Meta has accepted for five minutes without any webhook since; returns the names of those that
/// were not noted before. Of sends in the first moments after a webhook nothing is concluded: it is noted every ten seconds only.
pub async fn note_unheard(pool: &PgPool) -> Result<Vec<String>, StoreError> {
    let names = sqlx::query_scalar(
        "update senders s set unheard_since = first.claimed_at
           from (select o.id, a.claimed_at
                   from senders o
                  cross join lateral (
                        select m.claimed_at from provider_message m
                         where m.sender_id = o.id and m.claimed_at <= now() - interval '5 minutes'
                           and m.claimed_at > greatest(o.webhook_seen_at + interval '15 seconds', now() - interval '1 day')
                           and m.outcome = 'accepted'
                         order by m.claimed_at limit 1) a
                  where o.provider = 'meta' and o.unheard_since is null) as first
          where s.id = first.id
         returning s.name",
    )
    .fetch_all(pool)
    .await?;
    Ok(names)
}

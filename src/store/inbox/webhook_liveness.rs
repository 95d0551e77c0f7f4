//! Whether senders hear of their messages: when their webhooks came last, and which of them hear nothing.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

use crate::domain::ids::SenderId;
use crate::store::StoreError;

/// Webhooks of these senders came then, whenever they are applied. Written no more often than every ten seconds, unless somebody was asked
/// about them.
pub async fn heard(tx: &mut PgConnection, senders: &[(SenderId, DateTime<Utc>)]) -> Result<(), StoreError> {
    if senders.is_empty() {
        return Ok(());
    }
    let (ids, times): (Vec<i64>, Vec<DateTime<Utc>>) = senders.iter().map(|(sender, at)| (sender.0, *at)).unzip();
    sqlx::query(
        "with news as (
             select s.id, x.at
               from senders s join unnest($1::bigint[], $2::timestamptz[]) as x (id, at) on x.id = s.id
              where s.webhook_seen_at is null or s.webhook_seen_at < x.at - interval '10 seconds' or s.unheard_since < x.at
              order by s.id for no key update of s skip locked)
         update senders s
            set webhook_seen_at = greatest(s.webhook_seen_at, news.at),
                unheard_since = case when s.unheard_since >= news.at then s.unheard_since end
           from news where s.id = news.id",
    )
    .bind(ids)
    .bind(times)
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes the senders whose messages Meta has accepted for five minutes without any webhook since; returns the names of those that
/// were not noted before. Of sends in the first moments after a webhook nothing is concluded: it is noted every ten seconds only. Nor is
/// anything while webhooks of Meta's wait to be applied: theirs may be among them.
pub async fn note_unheard(executor: impl PgExecutor<'_>) -> Result<Vec<String>, StoreError> {
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
            and not exists (select from webhook_inbox w
                             where w.state = 'new' and w.provider = 'meta' and w.received_at < now() - interval '1 minute')
         returning s.name",
    )
    .fetch_all(executor)
    .await?;
    Ok(names)
}

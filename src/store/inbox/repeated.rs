//! What WSAPME says without a time may be somebody's second stop, after they were let back in: the same bytes on the same day are applied anew,
//! unless they come within a minute. With a time in them that changes nothing.

use sqlx::PgPool;

use super::{NewWebhook, digest};
use crate::domain::opt_out::may_hold_opt_out;
use crate::store::{StoreError, fence, notify, settings};

/// So long an engine, or another request of the same bytes, may have one in its hands: who asks gets an error then, and sends it again.
const LOCKED_AT_MOST: &str = "set local lock_timeout = '2s'";

/// Whether a request that was there already may be a second stop.
pub fn may_stop(webhook: &NewWebhook) -> bool {
    webhook.provider == "wsapme" && may_hold_opt_out(webhook.provider, &webhook.body)
}

/// Of requests that were kept just now, those that were there for longer. What another transaction is about to do with one may be undone: it is
/// waited for. Durable once it returns.
pub async fn apply_anew(pool: &PgPool, webhooks: &[NewWebhook]) -> Result<(), StoreError> {
    let mut tx = settings::begin_durable(pool).await?;
    fence::require_triggers(&mut tx).await?;
    sqlx::query(LOCKED_AT_MOST).execute(&mut *tx).await?;
    let senders = webhooks.iter().map(|webhook| {
        let ids = webhook.senders.as_ref()?.iter().map(ToString::to_string);
        Some(ids.collect::<Vec<_>>().join(","))
    });
    sqlx::query(concat!(
        "with came as materialized (
             select distinct ",
        digest!(),
        " as digest from unnest($1::text[], $2::text[], $3::bytea[]) as x (provider, senders, body)),
              again as materialized (
             select w.received_on, w.id from came c
               join webhook_inbox w on w.received_on = (now() at time zone 'UTC')::date and w.digest = c.digest
              where w.received_at < now() - interval '1 minute'
              order by w.received_on, w.id
                for update of w),
              anew as (
             update webhook_inbox w
                set id = default, received_at = now(), state = 'new', open_items = null, failed_items = null, waits_for = null,
                    reason = null, tries = 0, next_try_at = now()
               from again a where w.received_on = a.received_on and w.id = a.id
             returning 1)
         select pg_notify($4, '') from (select count(*) from anew) as n (anew) where anew > 0"
    ))
    .bind(webhooks.iter().map(|webhook| webhook.provider).collect::<Vec<_>>())
    .bind(senders.collect::<Vec<_>>())
    .bind(webhooks.iter().map(|webhook| &webhook.body[..]).collect::<Vec<_>>())
    .bind(notify::INBOX)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

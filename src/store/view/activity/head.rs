//! The head of what happened: how much of it an operator has not seen.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::super::Total;
use super::{UNREAD_MAX, first_opt_out, shown_act, standing_change};
use crate::store::StoreError;
use crate::store::inbox::NO_NUMBER;

/// What of it an operator has not seen, and what of that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityHead {
    /// Up to when this operator has seen it.
    pub seen_at: DateTime<Utc>,
    /// The newest event.
    pub newest: Option<DateTime<Utc>>,
    /// Events since, without the operator's own.
    pub unread: Total,
    /// Replies since.
    pub replies: i64,
    /// Of these, those that answer no message that is known: nobody is marked by them.
    pub strangers: i64,
    /// What providers said since.
    pub notices: i64,
    /// Webhooks that wait for a writer's number, of whom Meta's id alone is known; there may be an order in them.
    pub nameless: i64,
    /// Webhooks of which something could not be applied; there may be an opt-out in them.
    pub failed_webhooks: i64,
}

#[derive(sqlx::FromRow)]
struct HeadRecord {
    newest: Option<DateTime<Utc>>,
    unread: i64,
    replies: i64,
    strangers: i64,
    notices: i64,
    nameless: i64,
    failed_webhooks: i64,
}

const HEAD: &str = concat!(
    "select greatest((select max(received_at) from replies), (select max(created_at) from suppressions),
                     (select max(changed_at) from status_history where new_status in ('failed', 'uncertain')),
                     (select a.at from operator_actions a where ",
    shown_act!(),
    " order by a.at desc, a.id desc limit 1),
                     (select max(at) from blast_changes),
                     (select max(received_at) from provider_notices)) as newest,
            (select count(*) from (select 1 from replies where received_at > $1 limit 250) n)
            + (select count(*) from (select 1 from suppressions x
                                      where created_at > $1 and created_by is distinct from $2 and ",
    first_opt_out!(),
    " order by created_at desc, id desc limit 250) n)
            + (select count(*) from (select 1 from status_history
                                      where changed_at > $1 and new_status in ('failed', 'uncertain')
                                      order by changed_at desc, id desc limit 250) n)
            + (select count(*) from (select 1 from operator_actions a where at > $1 and operator <> $2 and ",
    shown_act!(),
    " order by at desc, id desc limit 250) n)
            + (select count(*) from (select 1 from blast_changes c
                                      where c.at > $1 and c.by_whom is distinct from $2 and ",
    standing_change!(),
    " limit 250) n)
            + (select count(*) from (select 1 from provider_notices where received_at > $1 limit 250) n) as unread,
            (select count(*) from (select 1 from replies where received_at > $1 limit 250) n) as replies,
            (select count(*) from (select 1 from replies
                                    where received_at > $1 and recipient_id is null
                                    order by received_at desc limit 250) n) as strangers,
            (select count(*) from (select 1 from provider_notices where received_at > $1 limit 250) n) as notices,
            (select count(*) from (select 1 from webhook_inbox where state = 'parked' and reason = $3 limit 250) n) as nameless,
            (select count(*) from (select 1 from webhook_inbox where state = 'failed' limit 250) n)
            + (select count(*) from (select 1 from webhook_inbox
                                      where state in ('new', 'parked') and failed_items is not null limit 250) n)
              as failed_webhooks"
);

/// What an operator has not seen; without `seen_at`, since they looked last. An operator who never looked has seen what was before.
pub async fn head(pool: &PgPool, operator: &str, seen_at: DateTime<Utc>) -> Result<ActivityHead, StoreError> {
    let head: HeadRecord = sqlx::query_as(HEAD).bind(seen_at).bind(operator).bind(NO_NUMBER).fetch_one(pool).await?;
    let unread = if head.unread >= UNREAD_MAX { Total::AtLeast(UNREAD_MAX) } else { Total::Exactly(head.unread) };
    Ok(ActivityHead {
        seen_at,
        newest: head.newest,
        unread,
        replies: head.replies,
        strangers: head.strangers,
        notices: head.notices,
        nameless: head.nameless,
        failed_webhooks: head.failed_webhooks,
    })
}

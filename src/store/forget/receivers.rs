//! Which hooks called their receivers with events about a person.

use sqlx::PgConnection;

use super::PersonTraces;
use crate::domain::status::Status;
use crate::store::StoreError;

/// What a hook reads, by its configuration.
#[derive(Debug, Clone)]
pub struct HookReadings<'a> {
    pub name: &'a str,
    /// Of these senders' people only; `None`: everybody's, or not known any more.
    pub senders: Option<&'a [String]>,
    /// Of the history, steps to these.
    pub statuses: Vec<Status>,
}

/// Rows of the person behind the hook's cursors, written since there is the hook, and in no call that was never tried.
const GOT: &str = "
    select exists (
        select from hooks h,
               lateral (
                   select 'history' as source, x.id, x.changed_at as at, b.sender_id, null as business, h.told_history as cursor
                     from status_history x join blasts b on b.id = x.blast_id
                    where x.recipient_id = any($3) and x.new_status = any($6::text[]::recipient_status[])
                      and b.answer_until is null
                    union all
                   select 'replies', id, received_at, sender_id, null, h.told_replies from replies
                    where person_key(phone_number) = any($2) or recipient_id = any($3) or user_id = any($4)
                    union all
                   select 'orders', c.id, c.at, o.sender_id, null, h.told_orders
                     from orders o join order_changes c on c.order_id = o.id
                    where person_key(o.phone_number) = any($2) or o.recipient_id = any($3) or o.user_id = any($4)
                    union all
                   select 'opt_outs', id, created_at, null, business, h.told_opt_outs from suppressions
                    where person_key(phone_number) = any($2)
                    union all
                   select 'opt_out_removals', id, at, null, business, h.told_opt_out_removals from opt_out_removals
                    where person_key(phone_number) = any($2)) x
         where h.name = $1 and x.id <= x.cursor and x.at >= h.created_at
           and ($5::text[] is null or x.business = '*'
                or exists (select from senders s where s.name = any($5) and (s.id = x.sender_id or s.business = x.business)))
           and not exists (select from hook_deliveries d
                            where d.hook_id = h.id and d.source = x.source and d.tries = 0
                              and x.id > d.after_row and x.id <= d.last_row))";

/// Every hook that there is or was, by name.
pub async fn hook_names(tx: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar("select name from hooks order by name").fetch_all(tx).await?)
}

/// Whether a hook's receiver got events about them.
pub async fn got_events(tx: &mut PgConnection, hook: &HookReadings<'_>, of: &PersonTraces) -> Result<bool, StoreError> {
    let got = sqlx::query_scalar(GOT).bind(hook.name).bind(&of.people).bind(&of.rows).bind(&of.ids);
    let statuses: Vec<_> = hook.statuses.iter().map(|status| status.word()).collect();
    Ok(got.bind(hook.senders).bind(statuses).fetch_one(tx).await?)
}

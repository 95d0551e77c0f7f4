//! A phone that has several names in the database, as two configurations may give it: one engine at a time sends from it.

use sqlx::{PgConnection, PgPool};

use crate::domain::ids::SenderId;
use crate::store::StoreError;
use crate::store::sender::of_its_phone;

/// Whether somebody holds a sender's phone under another name, as an engine with another configuration does: its cap, its rate and its
/// pair gap are of the phone, and two engines would keep each its own. Asked under lock of all its names, in the order of their ids.
///
/// Where nobody does, a lease of another name that has run out is over with this transaction: its holder, whose renewal may be on its way,
/// has an epoch of the past then. One that is renewed or used in this very moment counts as held, so that nobody waits for it here with
/// locks that its holder may wait for.
pub(super) async fn is_in_use(tx: &mut PgConnection, sender: SenderId) -> Result<bool, StoreError> {
    let names: Vec<i64> = sqlx::query_scalar(concat!(
        "select id from senders where id = any(",
        of_its_phone!("$1"),
        ") order by id for no key update"
    ))
    .bind(sender)
    .fetch_all(&mut *tx)
    .await?;
    if names.len() < 2 {
        return Ok(false);
    }
    let held = sqlx::query_scalar(
        "with others as materialized (
             select sender_id from sender_leases where sender_id = any($1) and sender_id <> $2 and holder is not null),
         lapsed as materialized (
             select sender_id from sender_leases
              where sender_id in (select sender_id from others) and (expires_at is null or expires_at < now())
              order by sender_id for update skip locked),
         ended as (
             update sender_leases l set epoch = l.epoch + 1 from lapsed where l.sender_id = lapsed.sender_id)
         select exists (select from others where sender_id not in (select sender_id from lapsed))",
    );
    Ok(held.bind(names).bind(sender).fetch_one(tx).await?)
}

/// Those of the senders, none of whom has anything to send, whose phone an engine wants under another name: to send, or to ask about
/// messages as well, for which the names take turns by the minute. `sending` have somebody to send to.
pub async fn yielding(pool: &PgPool, idle: &[SenderId], sending: &[SenderId]) -> Result<Vec<SenderId>, StoreError> {
    let [idle, sending] = [idle, sending].map(|ids| ids.iter().map(|id| id.0).collect::<Vec<i64>>());
    let found = sqlx::query_scalar(
        "select i.id from unnest($1::bigint[]) i (id)
          where exists (select from senders m
                          join senders o on (o.provider, o.address, o.device) = (m.provider, m.address, m.device) and o.id <> m.id
                          join sender_leases l on l.sender_id = o.id and l.wanted_at > now() - interval '10 minutes'
                         where m.id = i.id
                           and (o.id = any($2) or (extract(minute from now())::int % 2 = 1) = (m.id < o.id)))",
    );
    Ok(found.bind(idle).bind(sending).fetch_all(pool).await?)
}

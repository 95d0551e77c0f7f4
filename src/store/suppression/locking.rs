//! The rows that an opt-out changes are locked before any of them is written.

use chrono::TimeDelta;
use sqlx::PgConnection;

use crate::domain::ids::SenderId;
use crate::store::StoreError;
use crate::store::alias::known_numbers;
use crate::store::settings::interval;

/// From now on, no lock is waited for longer than a moment in this transaction: the caller comes back to whom it is refused for.
pub async fn wait_briefly(tx: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("set local lock_timeout = '100ms'").execute(tx).await?;
    Ok(())
}

/// Locks the rows that opt-outs of these numbers from a business (any, for `*`) change, in the order of their ids: number by number they
/// would be locked in any order. Those in which one of a person's numbers is open; and the newest that reached them by these senders within
/// a window, for which an opt-out counts as a reply does.
pub async fn lock_rows_of(
    tx: &mut PgConnection,
    (business, phones): (&str, &[&str]),
    (senders, window): (&[SenderId], TimeDelta),
) -> Result<(), StoreError> {
    let lock = sqlx::query(concat!(
        "with ",
        known_numbers!(),
        ",
         opened as (
             select r.id
               from (select distinct person_key(number) as person from known_numbers) p
              cross join lateral (select id, blast_id, status from blast_recipients
                                   where person_key(phone_number) = p.person offset 0) r
               join blasts b on b.id = r.blast_id join senders s on s.id = b.sender_id
              where r.status in ('queued', 'uncertain')
                and ($2 in (s.business, '*')
                     or s.business in (select x.business from suppressions x where person_key(x.phone_number) = p.person))),
         reached as (
             select distinct on (p.person) r.id
               from (select distinct person from asked) p
              cross join lateral (
                    select p.person as key
                     union
                    select person_key(a.phone_number) from number_aliases a where person_key(a.alias) = p.person) k
              cross join lateral (select id, blast_id, status, sent_at from blast_recipients
                                   where person_key(phone_number) = k.key offset 0) r
               join blasts b on b.id = r.blast_id
              where b.sender_id = any($3) and b.answer_until is null
                and r.status in ('sent', 'delivered', 'read', 'replied', 'closed')
                and r.sent_at >= now() - $4::interval and r.sent_at <= now() + interval '2 minutes'
              order by p.person, r.sent_at desc, r.id desc)
         select 1 from blast_recipients
          where id = any(array(select id from opened union select id from reached))
          order by id for update"
    ));
    lock.bind(phones)
        .bind(business)
        .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
        .bind(interval(window)?)
        .execute(tx)
        .await?;
    Ok(())
}

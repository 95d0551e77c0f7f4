//! Launched blasts that an opt-out at another number of theirs keeps somebody out of.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::taken_back::{ACTS_THAT_HOLD, TAKEN_BACK, stays};
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::store::StoreError;
use crate::store::claim::{is_for_people, opted_out_elsewhere};
use crate::store::customer::other_numbers;

/// Somebody who waits for the message of a blast at a number of theirs.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct WaitingNumber {
    pub blast: BlastId,
    pub phone: Phone,
}

/// Blasts in which another number of this person waits for its message, and nothing suppresses it: asked once an opt-out is lifted, these
/// are the ones that it has held. Only blasts that are for people respect opt-outs at other numbers.
pub async fn queued_at_other_numbers(
    tx: &mut PgConnection,
    business: &str,
    phone: &Phone,
) -> Result<Vec<WaitingNumber>, StoreError> {
    let waiting = sqlx::query_as(concat!(
        "with own as (
             select coalesce((select customer from customer_numbers where person = person_key($1)), person_key($1)) as customer),
         others as (
             select customer as person from own union select n.person from own join customer_numbers n on n.customer = own.customer)
         select distinct r.blast_id as blast, r.phone_number as phone
           from others o
           join blast_recipients r on person_key(r.phone_number) = o.person and r.status >= 'queued' and r.status <= 'queued'
           join blasts b on b.id = r.blast_id and ",
        is_for_people!("b."),
        " and b.state in ('sending', 'scheduled')
                        and b.repeat_rule is null and b.deleted_at is null
           join senders s on s.id = b.sender_id and $2 in (s.business, '*')
          where o.person <> person_key($1)
            and not exists (select from suppressions x
                             where person_key(x.phone_number) = person_key(r.phone_number) and x.business in (s.business, '*'))
            and not ",
        opted_out_elsewhere!("r.", "s.business"),
        " order by r.blast_id, r.phone_number"
    ));
    Ok(waiting.bind(phone).bind(business).fetch_all(tx).await?)
}

/// The other numbers of whoever has this one that are suppressed for a business, `*` for any: blasts that are for people leave them out.
pub async fn suppressed_other_numbers(pool: &PgPool, business: &str, phone: &Phone) -> Result<Vec<Phone>, StoreError> {
    let numbers = sqlx::query_scalar(concat!(
        "select distinct s.phone_number from (select $1::text as phone_number) x cross join lateral ",
        other_numbers!("x."),
        " n join suppressions s on person_key(s.phone_number) = n.person and ($2 = '*' or s.business in ($2, '*'))
          order by s.phone_number"
    ));
    Ok(numbers.bind(phone).bind(business).fetch_all(pool).await?)
}

/// Somebody who waits for the message of a blast, and whom an opt-out at another number of theirs alone keeps from it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldPerson {
    pub id: RecipientId,
    pub blast: BlastId,
    /// The number that opted out.
    pub opted_out: String,
}

const HELD_BY_WHAT_IS_TAKEN_BACK: &str = concat!(
    "others as (
         select distinct on (x.business, n.person) x.business, x.phone_number as opted_out, n.person
           from suppressions x
          cross join lateral ",
    other_numbers!("x."),
    " n
          where x.source = 'operator' and x.id in (select id from taken_back)
          order by x.business, n.person, x.phone_number)
     select distinct on (r.id) r.id, r.blast_id as blast, o.opted_out
       from others o
       join blast_recipients r on person_key(r.phone_number) = o.person and r.status >= 'queued' and r.status <= 'queued'
       join blasts b on b.id = r.blast_id and ",
    is_for_people!("b."),
    " and b.state in ('sending', 'scheduled')
                    and b.repeat_rule is null and b.deleted_at is null
       join senders s on s.id = b.sender_id and o.business in (s.business, '*')
      where not exists (select from suppressions x
                         where person_key(x.phone_number) = person_key(r.phone_number) and x.business in (s.business, '*')
                           and ",
    stays!(),
    ")
        and not exists (select from ",
    other_numbers!("r."),
    " n join suppressions x on person_key(x.phone_number) = n.person and x.business in (s.business, '*')
                         where ",
    stays!(),
    ")
      order by r.id, o.opted_out"
);

/// Who goes on once these acts on these numbers are taken back, and whatever of them was before.
pub async fn held_until_taken_back(
    tx: &mut PgConnection,
    phones: &[&str],
    undone: &[ActionId],
) -> Result<Vec<HeldPerson>, StoreError> {
    let held = sqlx::query_as(AssertSqlSafe(format!("{ACTS_THAT_HOLD}, {TAKEN_BACK}, {HELD_BY_WHAT_IS_TAKEN_BACK}")));
    Ok(held.bind(phones).bind(undone).fetch_all(tx).await?)
}

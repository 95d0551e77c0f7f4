//! Which acts of operators suppress a number, and what goes with those that are taken back.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::domain::ids::{ActionId, RecipientId};
use crate::domain::phone::Phone;
use crate::store::StoreError;
use crate::store::alias::known_numbers;
use crate::store::claim::is_for_people;
use crate::store::customer::other_numbers;

/// Of the numbers `$1`, every act that suppressed or allowed one, and in `held` those that hold still, each for the businesses that
/// it holds for: neither taken back nor followed by an *unsuppress*. A business is null where the act's blast is gone. A mark is one act
/// for all numbers by which WhatsApp knows the person; whatever else is noted has an act for each.
pub(super) const ACTS_THAT_HOLD: &str = concat!(
    "with recursive ",
    known_numbers!(),
    ",
 acts as (
     select a.id, n.person, a.action, a.at, a.operator, a.undone_at, a.blast_id, a.phone_number,
            coalesce(a.detail ->> 'business', s.business) as business
       from (select distinct person, person_key(number) as number from known_numbers) n
       join operator_actions a on person_key(a.phone_number) = n.number and (n.number = n.person or a.action = 'opt-out')
       left join blasts b on b.id = a.blast_id
       left join senders s on s.id = b.sender_id
      where a.action in ('opt-out', 'suppress', 'unsuppress')),
 held (id, person, business) as (
     select a.id, a.person, a.business
       from acts a
      where a.undone_at is null and a.action <> 'unsuppress'
        and not exists (select 1 from acts u
                         where u.person = a.person and u.action = 'unsuppress' and u.id > a.id
                           and u.business = a.business)
      union
     select h.id, h.person, l.business from held h join opt_out_links l on l.source = h.business)"
);

/// Behind the acts on the numbers `$1`: what those that are taken back added, and the acts `$2` as if they were by now, for every business
/// that the act held for, also where the opt-out was carried on since. A row and the act that added it have the same time and author.
/// Whatever another act, one that stands, holds for is not among it.
pub(super) const TAKEN_BACK: &str = "taken_back as (
     select x.id
       from acts a join suppressions x on person_key(x.phone_number) = a.person
      where a.action = 'opt-out' and (a.undone_at is not null or a.id = any($2::bigint[]))
        and (x.source = 'operator' and x.created_at = a.at and x.created_by = a.operator
             or x.source <> 'operator' and x.operator_at = a.at and x.operator_by = a.operator)
        and not exists (select 1 from held h
                         where h.person = a.person and (h.business = x.business or h.business is null)
                           and not h.id = any($2::bigint[])))";

/// A condition: the suppression `x` stands once those acts are taken back.
macro_rules! stays {
    () => {
        "not (x.source = 'operator' and x.id in (select id from taken_back))"
    };
}
pub(super) use stays;

/// Removes what acts on these numbers added that are taken back by now. What the person said stays, and so does whatever another act
/// holds for too. Returns what was removed.
pub async fn remove_taken_back(tx: &mut PgConnection, phones: &[&str]) -> Result<Vec<(String, Phone)>, StoreError> {
    let removed = sqlx::query_as(AssertSqlSafe(format!(
        "{ACTS_THAT_HOLD},
         {TAKEN_BACK},
         theirs_alone as (
             update suppressions set operator_reason = null, operator_by = null, operator_at = null
              where id in (select id from taken_back) and source <> 'operator')
         delete from suppressions x
          where x.id in (select id from taken_back) and x.source = 'operator'
         returning x.business, x.phone_number"
    )));
    let none: &[ActionId] = &[];
    Ok(removed.bind(phones).bind(none).fetch_all(tx).await?)
}

/// A condition: such a suppression keeps out whoever the row `r` is of, in the business of `s`; in a blast `b` that is for people, also one
/// of another number of theirs.
const STAYS_OUT: &str = concat!(
    "(exists (select from suppressions x
               where person_key(x.phone_number) = person_key(r.phone_number) and x.business in (s.business, '*')
                 and ",
    stays!(),
    ")
      or ",
    is_for_people!("b."),
    " and exists (select from ",
    other_numbers!("r."),
    " n join suppressions x on person_key(x.phone_number) = n.person and x.business in (s.business, '*')
                   where ",
    stays!(),
    "))"
);

/// Which of these people, who have some of these numbers, stay suppressed once these acts are taken back.
pub async fn suppressed_without(
    tx: &mut PgConnection,
    phones: &[&str],
    undone: &[ActionId],
    people: &[RecipientId],
) -> Result<Vec<RecipientId>, StoreError> {
    let suppressed = sqlx::query_scalar(AssertSqlSafe(format!(
        "{ACTS_THAT_HOLD},
         {TAKEN_BACK}
         select r.id
           from blast_recipients r
           join blasts b on b.id = r.blast_id
           join senders s on s.id = b.sender_id
          where r.id = any($3) and {STAYS_OUT}"
    )));
    Ok(suppressed.bind(phones).bind(undone).bind(people).fetch_all(tx).await?)
}

/// Whether it is a mark that suppressed a number for this business: taking the mark back would lift it. A suppression and the act
/// that added it have the same time and author.
pub async fn may_be_taken_back(tx: &mut PgConnection, business: &str, phone: &str) -> Result<bool, StoreError> {
    let may_be = sqlx::query_scalar(
        "select exists (select 1 from suppressions x
                          join operator_actions a
                            on (a.at, a.operator) in ((x.created_at, x.created_by), (x.operator_at, x.operator_by))
                         where x.business = $1 and person_key(x.phone_number) = person_key($2)
                           and a.action = 'opt-out' and a.undone_at is null)",
    );
    Ok(may_be.bind(business).bind(phone).fetch_one(tx).await?)
}

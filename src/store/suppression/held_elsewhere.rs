//! Launched blasts that an opt-out at another number of theirs keeps somebody out of.

use sqlx::PgConnection;

use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;
use crate::store::StoreError;
use crate::store::claim::{is_for_people, opted_out_elsewhere};

/// Blasts in which another number of this person waits for its message, and nothing suppresses it: asked once an opt-out is lifted, these
/// are the ones that it has held. Only blasts that are for people respect opt-outs at other numbers.
pub async fn queued_at_other_numbers(
    tx: &mut PgConnection,
    business: &str,
    phone: &Phone,
) -> Result<Vec<BlastId>, StoreError> {
    let blasts = sqlx::query_scalar(concat!(
        "with own as (
             select coalesce((select customer from customer_numbers where person = person_key($1)), person_key($1)) as customer),
         others as (
             select customer as person from own union select n.person from own join customer_numbers n on n.customer = own.customer)
         select distinct r.blast_id
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
        " order by r.blast_id"
    ));
    Ok(blasts.bind(phone).bind(business).fetch_all(tx).await?)
}

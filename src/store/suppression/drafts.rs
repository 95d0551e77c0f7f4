//! Drafts that people are in who opted out before they came in: they stand there as queued, and are left out until that is lifted.

use sqlx::PgConnection;

use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::store::StoreError;
use crate::store::claim::{is_for_people, opted_out_elsewhere};
use crate::store::customer::other_numbers;

/// The drafts in which somebody gets the message once these opt-outs, by business and number, are lifted, not counting these rows. A draft
/// for people has left them out at their other numbers as well.
pub async fn back_in_drafts(
    tx: &mut PgConnection,
    lifted: &[(String, Phone)],
    but_for: &[RecipientId],
) -> Result<Vec<BlastId>, StoreError> {
    if lifted.is_empty() {
        return Ok(Vec::new());
    }
    let drafts = sqlx::query_scalar(concat!(
        "with lifted as (
             select business, phone_number from unnest($1::text[], $2::text[]) as l (business, phone_number)),
         people as (
             select x.business, person_key(x.phone_number) as person, false as is_other from lifted x
              union
             select x.business, n.person, true from lifted x cross join lateral ",
        other_numbers!("x."),
        " n)
         select distinct r.blast_id
           from people p
           join blast_recipients r on person_key(r.phone_number) = p.person and r.status >= 'queued' and r.status <= 'queued'
           join blasts b on b.id = r.blast_id and b.state = 'draft' and b.deleted_at is null
                        and (not p.is_other or ",
        is_for_people!("b."),
        ")
           join senders d on d.id = b.sender_id and p.business in (d.business, '*')
          where r.id <> all($3)
            and not exists (select from suppressions x
                             where person_key(x.phone_number) = person_key(r.phone_number) and x.business in (d.business, '*'))
            and not (",
        is_for_people!("b."),
        " and ",
        opted_out_elsewhere!("r.", "d.business"),
        ")
          order by r.blast_id"
    ));
    let (businesses, phones): (Vec<&str>, Vec<&str>) =
        lifted.iter().map(|(business, phone)| (business.as_str(), phone.as_str())).unzip();
    let but_for: Vec<i64> = but_for.iter().map(|id| id.0).collect();
    Ok(drafts.bind(businesses).bind(phones).bind(but_for).fetch_all(tx).await?)
}

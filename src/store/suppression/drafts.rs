//! Drafts that people are in who opted out before they came in: they stand there as queued, and are left out until that is lifted. And those
//! whose filter may find them again.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;
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

/// A draft whose people a filter names, and what that is read with.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FilterDraft {
    pub id: BlastId,
    pub segment: String,
    pub business: String,
    pub sender_id: SenderId,
    pub timezone: Option<String>,
    pub follows: Option<BlastId>,
    /// The step that made it, and the stage up to which that follows people up.
    pub step: Option<i32>,
    pub until: Option<Status>,
    pub scheduled_for: Option<DateTime<Utc>>,
    pub message: String,
    pub template: Option<Value>,
}

/// Such drafts for the businesses in which these opt-outs are lifted, without those that have one of these rows.
pub async fn filter_drafts(
    tx: &mut PgConnection,
    lifted: &[(String, Phone)],
    but_for: &[RecipientId],
) -> Result<Vec<FilterDraft>, StoreError> {
    if lifted.is_empty() {
        return Ok(Vec::new());
    }
    let drafts = sqlx::query_as(
        "select b.id, b.segment, d.business, b.sender_id, b.timezone, b.follows_blast as follows, p.number as step,
                p.until::text as until, b.scheduled_for, b.message, b.template
           from blasts b
           join senders d on d.id = b.sender_id and (d.business = any($1) or '*' = any($1))
           left join blast_steps p on p.blast = b.follows_blast and p.number = b.step_number
          where b.state = 'draft' and b.deleted_at is null and b.segment is not null
            and not exists (select from blast_recipients r where r.id = any($2) and r.blast_id = b.id)
          order by b.id",
    );
    let businesses: Vec<&str> = lifted.iter().map(|(business, _)| business.as_str()).collect();
    let but_for: Vec<i64> = but_for.iter().map(|id| id.0).collect();
    Ok(drafts.bind(businesses).bind(but_for).fetch_all(tx).await?)
}

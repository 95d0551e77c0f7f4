//! Drafts, and blasts that repeat, that people are in who opted out before they came in: they stand there as queued, and are left out until
//! that is lifted. And those whose filter may find them again.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::claim::{is_for_people, opted_out_elsewhere};
use crate::store::customer::other_numbers;

/// A condition: a blast repeats, and its times come, or come again once it is resumed.
macro_rules! is_repeating {
    () => {
        "b.repeat_rule is not null and b.state in ('scheduled', 'paused')"
    };
}

/// Somebody who stands as queued in a draft, or in the list of a blast that repeats, and is left out of it while an opt-out holds.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct BackInDraft {
    pub blast: BlastId,
    pub name: Option<String>,
    pub phone: Phone,
    /// The number of theirs whose opt-out is lifted.
    pub opted_out: String,
    /// It repeats, and its next time comes without anybody's further yes.
    pub is_awaited: bool,
}

/// Who gets the message of a draft, or of a blast that repeats, once these opt-outs, by business and number, are lifted, not counting these
/// rows. A draft for people has left them out at their other numbers as well. Of a blast that repeats for people its filter alone says it.
pub async fn back_in_drafts(
    tx: &mut PgConnection,
    lifted: &[(String, Phone)],
    but_for: &[RecipientId],
) -> Result<Vec<BackInDraft>, StoreError> {
    if lifted.is_empty() {
        return Ok(Vec::new());
    }
    let drafts = sqlx::query_as(concat!(
        "with lifted as (
             select business, phone_number from unnest($1::text[], $2::text[]) as l (business, phone_number)),
         people as (
             select x.business, person_key(x.phone_number) as person, false as is_other, x.phone_number as opted_out from lifted x
              union
             select x.business, n.person, true, x.phone_number from lifted x cross join lateral ",
        other_numbers!("x."),
        " n)
         select distinct on (r.blast_id, r.id) r.blast_id as blast, r.name, r.phone_number as phone, p.opted_out,
                b.repeat_rule is not null and b.state = 'scheduled' as is_awaited
           from people p
           join blast_recipients r on person_key(r.phone_number) = p.person and r.status >= 'queued' and r.status <= 'queued'
           join blasts b on b.id = r.blast_id and b.deleted_at is null
                        and (b.state = 'draft' or b.segment is null and ",
        is_repeating!(),
        ")
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
          order by r.blast_id, r.id, p.is_other, p.opted_out"
    ));
    let (businesses, phones): (Vec<&str>, Vec<&str>) =
        lifted.iter().map(|(business, phone)| (business.as_str(), phone.as_str())).unzip();
    let but_for: Vec<i64> = but_for.iter().map(|id| id.0).collect();
    Ok(drafts.bind(businesses).bind(phones).bind(but_for).fetch_all(tx).await?)
}

/// Whether any blast that repeats comes without anybody's further yes.
pub async fn is_any_repeat_awaited(tx: &mut PgConnection) -> Result<bool, StoreError> {
    let any = sqlx::query_scalar(
        "select exists (select from blasts where repeat_rule is not null and state = 'scheduled' and deleted_at is null)",
    );
    Ok(any.fetch_one(tx).await?)
}

/// Which of these numbers are of whoever has one of the others, at any of theirs.
pub async fn of_whom(tx: &mut PgConnection, numbers: &[&str], others: &[&str]) -> Result<Vec<String>, StoreError> {
    let of_whom = sqlx::query_scalar(concat!(
        "with others as (select person_key(phone) as person from unnest($2::text[]) as phone)
         select x.phone_number from unnest($1::text[]) as x (phone_number)
          where person_key(x.phone_number) in (select person from others)
             or exists (select from ",
        other_numbers!("x."),
        " n join others o on o.person = n.person)
          order by x.phone_number"
    ));
    Ok(of_whom.bind(numbers).bind(others).fetch_all(tx).await?)
}

/// A draft, or a blast that repeats, whose people a filter names, and what that is read with.
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
    /// Its filter is read anew at each of its times.
    pub repeats: bool,
    /// It repeats, and its next time comes without anybody's further yes.
    pub is_awaited: bool,
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
    let drafts = sqlx::query_as(concat!(
        "select b.id, b.segment, d.business, b.sender_id, b.timezone, b.follows_blast as follows, p.number as step,
                p.until::text as until, b.scheduled_for, b.message, b.template, ",
        is_repeating!(),
        " as repeats, b.repeat_rule is not null and b.state = 'scheduled' as is_awaited
           from blasts b
           join senders d on d.id = b.sender_id and (d.business = any($1) or '*' = any($1))
           left join blast_steps p on p.blast = b.follows_blast and p.number = b.step_number
          where (b.state = 'draft' or ",
        is_repeating!(),
        ") and b.deleted_at is null and b.segment is not null
            and not exists (select from blast_recipients r where r.id = any($2) and r.blast_id = b.id)
          order by b.id"
    ));
    let businesses: Vec<&str> = lifted.iter().map(|(business, _)| business.as_str()).collect();
    let but_for: Vec<i64> = but_for.iter().map(|id| id.0).collect();
    Ok(drafts.bind(businesses).bind(but_for).fetch_all(tx).await?)
}

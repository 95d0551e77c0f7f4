//! Who the counts of a plan are about, and how the first people of a blast fared beside those of earlier ones.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgPool};

use super::super::claim::{is_for_people, opted_out_elsewhere};
use super::super::customer::other_numbers;
use super::super::deleted_messages::messages_of_deleted_blasts;
use super::super::{StoreError, settings};
use crate::domain::blast::TEST_STAGE;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;

/// The most people that are listed.
const LISTED: i64 = 500;

/// How many people of an earlier blast are compared with, and how many such blasts.
const COMPARED: i64 = 1_000;
const EARLIER: i64 = 4;

/// Somebody whom a count of a plan is about.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PlanPerson {
    pub phone_number: Phone,
    pub name: Option<String>,
    /// The other blast's name, where it is about one.
    pub tag: Option<String>,
    /// When they opted out, were sent to, became uncertain, or wrote.
    pub at: Option<DateTime<Utc>>,
    /// Nobody knows whether they had the message.
    pub is_uncertain: bool,
}

/// What a count of a plan is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlanGroup {
    /// Left out: they opted out.
    OptedOut,
    /// Left out: nobody knows whether they had it already.
    Uncertain,
    /// Had the same message by another blast, or may have had it.
    SameMessage,
    /// Had a message lately, or may have had one.
    Recent,
    /// Queued in another blast as well.
    Elsewhere,
    /// Of a follow-up: wrote after the blast that it follows, and is not marked as replied.
    Wrote,
    /// One of several numbers of a customer in the same blast.
    TwoNumbers,
    /// Of a text over Meta's Cloud API: has not written to the sender within 24 hours, so that the text fails.
    NoSession,
}

/// Of a follow-up those of the blast that it follows, of people whom a filter found those of any: each with their newest reply. One
/// lookup a number, as for the others.
macro_rules! who_wrote {
    () => {
        "select r.phone_number, r.name, o.tag, o.at, false as is_uncertain
           from blasts own
           join blast_recipients r on r.blast_id = own.id
          cross join lateral (
                select b.blast_tag as tag, p.received_at as at
                  from blast_recipients x join blasts b on b.id = x.blast_id and b.deleted_at is null
                  join senders s on s.id = b.sender_id join replies p on p.recipient_id = x.id
                 where person_key(x.phone_number) = person_key(r.phone_number) and x.blast_id <> r.blast_id
                   and s.business = $2 and x.status in ('sent', 'delivered', 'read') and x.opted_out_at is null
                   and (own.segment is not null or x.blast_id = own.follows_blast)
                 order by p.received_at desc limit 1) o
          where own.id = $1 and (own.segment is not null or own.follows_blast is not null)
            and r.status = 'queued' and $3::timestamptz is not null and r.id <> all($5)
            and not exists (select from suppressions s
                             where person_key(s.phone_number) = person_key(r.phone_number) and s.business in ($2, '*'))
          order by r.id limit $4"
    };
}
const WROTE: &str = who_wrote!();

/// From the numbers of merged customers, of which there are few, to the people: one lookup a number.
macro_rules! with_two_numbers {
    () => {
        "select r.phone_number, r.name, null::text as tag, null::timestamptz as at, false as is_uncertain
           from (select x.id, x.phone_number, x.name, count(*) over (partition by n.customer) as numbers
                   from (select person, customer from customer_numbers
                         union select customer, customer from customer_numbers) n
                  cross join lateral (
                        select id, phone_number, name from blast_recipients
                         where person_key(phone_number) = n.person and blast_id + 0 = $1
                           and status >= 'queued' and status <= 'queued' offset 0) x
                  where x.id <> all($5) and $3::timestamptz is not null
                    and not exists (select from suppressions s
                                     where person_key(s.phone_number) = n.person and s.business in ($2, '*'))) r
          where r.numbers > 1
          order by r.id limit $4"
    };
}
const TWO_NUMBERS: &str = with_two_numbers!();

/// Whoever may not be sent text now. Any spelling of their number counts, as for an answer.
macro_rules! without_session {
    () => {
        "select r.phone_number, r.name, null::text as tag, o.at, false as is_uncertain
           from blasts own
           join senders meta on meta.id = own.sender_id and meta.provider = 'meta'
           join blast_recipients r on r.blast_id = own.id
          cross join lateral (
                select max(least(p.at, p.received_at)) as at
                  from replies p
                 where p.sender_id = own.sender_id and person_key(p.phone_number) = any(array(
                       select person_key(r.phone_number) union
                       select person_key(alias) from number_aliases
                        where person_key(phone_number) = person_key(r.phone_number)))) o
          where own.id = $1 and own.template is null and own.message <> ''
            and (o.at is null or o.at <= now() - interval '24 hours')
            and r.status = 'queued' and $3::timestamptz is not null and r.id <> all($5)
            and not exists (select from suppressions s
                             where person_key(s.phone_number) = person_key(r.phone_number) and s.business in ($2, '*'))
          order by r.id limit $4"
    };
}
const WITHOUT_SESSION: &str = without_session!();

/// The first people of a group, in the order of the draft. `left_out`: who gets nothing for another reason than an opt-out of
/// their own number.
pub async fn of_group(
    pool: &PgPool,
    (id, group): (BlastId, PlanGroup),
    (business, since): (&str, DateTime<Utc>),
    left_out: &[RecipientId],
) -> Result<Vec<PlanPerson>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sqlx::query_as(match group {
        PlanGroup::OptedOut => OPTED_OUT,
        PlanGroup::Uncertain => UNCERTAIN,
        PlanGroup::SameMessage => SAME_MESSAGE,
        PlanGroup::Recent => RECENT,
        PlanGroup::Elsewhere => ELSEWHERE,
        PlanGroup::Wrote => WROTE,
        PlanGroup::TwoNumbers => TWO_NUMBERS,
        PlanGroup::NoSession => WITHOUT_SESSION,
    });
    let left_out: Vec<_> = left_out.iter().map(|id| id.0).collect();
    let people = people.bind(id).bind(business).bind(since).bind(LISTED).bind(left_out).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

/// How many people of a follow-up wrote and are not marked.
pub async fn wrote(pool: &PgPool, of: (BlastId, &str), left_out: &[RecipientId]) -> Result<i64, StoreError> {
    count(pool, concat!("select count(*) from (", who_wrote!(), ") as wrote"), of, left_out).await
}

/// How many numbers of a blast are of customers with another number in it.
pub async fn two_numbers(pool: &PgPool, of: (BlastId, &str), left_out: &[RecipientId]) -> Result<i64, StoreError> {
    count(pool, concat!("select count(*) from (", with_two_numbers!(), ") as two_numbers"), of, left_out).await
}

/// How many people a text over Meta's Cloud API would fail for.
pub async fn without_session(pool: &PgPool, of: (BlastId, &str), left_out: &[RecipientId]) -> Result<i64, StoreError> {
    count(pool, concat!("select count(*) from (", without_session!(), ") as without_session"), of, left_out).await
}

/// Of all of a group, by its statement.
async fn count(
    pool: &PgPool,
    statement: &'static str,
    (id, business): (BlastId, &str),
    left_out: &[RecipientId],
) -> Result<i64, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let count = sqlx::query_scalar(statement);
    let left_out: Vec<_> = left_out.iter().map(|id| id.0).collect();
    let since = DateTime::UNIX_EPOCH;
    let count = count.bind(id).bind(business).bind(since).bind(None::<i64>).bind(left_out).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(count)
}

const OPTED_OUT: &str = concat!(
    "
    select r.phone_number, r.name, null::text as tag, coalesce(r.opted_out_at, s.at) as at, false as is_uncertain
      from blast_recipients r
     cross join lateral (select min(created_at) as at from suppressions
                          where person_key(phone_number) = person_key(r.phone_number) and business in ($2, '*')) s
     where r.blast_id = $1
       and (r.status = 'opted_out'
            or r.status = 'queued' and (s.at is not null or (select ",
    is_for_people!(""),
    " from blasts where id = $1) and ",
    opted_out_elsewhere!("r.", "$2"),
    "))
       and $3::timestamptz is not null and $5::bigint[] is not null
     order by r.id limit $4"
);

const UNCERTAIN: &str = "
    select phone_number, name, null::text as tag, changed_at as at, true as is_uncertain
      from blast_recipients
     where blast_id = $1 and status = 'uncertain'
       and $2::text is not null and $3::timestamptz is not null and $5::bigint[] is not null
     order by id limit $4";

/// People with the newest message by another blast that fulfils a condition on its row `x`, its blast `b` and the planned one `p`.
macro_rules! who_had {
    ($also:expr; $($which:expr),+) => {
        concat!(
            "
    select r.phone_number, r.name, o.tag, o.at, o.is_uncertain
      from blast_recipients r
     cross join lateral (select * from ((
           select b.blast_tag as tag, coalesce(x.sent_at, x.changed_at) as at, x.status = 'uncertain' as is_uncertain
             from blast_recipients x join blasts b on b.id = x.blast_id join senders s on s.id = b.sender_id
             join blasts p on p.id = $1
            where person_key(x.phone_number) = person_key(r.phone_number) and x.blast_id <> r.blast_id
              and s.business = $2 and b.answer_until is null
              and ",
            $($which),+,
            "
            order by 2 desc limit 1)",
            $also,
            ") had order by 2 desc limit 1) o
     where r.blast_id = $1 and r.status = 'queued' and $3::timestamptz is not null and r.id <> all($5)
       and not exists (select from suppressions s
                        where person_key(s.phone_number) = person_key(r.phone_number) and s.business in ($2, '*'))
     order by r.id limit $4"
        )
    };
}

/// Also by a blast that was deleted meanwhile, whose name is gone.
const RECENT: &str = who_had!(
    concat!(
        " union all (select null, max(d.at), false ",
        messages_of_deleted_blasts!("r"),
        " and ds.business = $2 and d.at > $3 having max(d.at) is not null)"
    );
    had_message_since!("x", "$3")
);
const SAME_MESSAGE: &str =
    who_had!(""; has_same_message!(), " and (x.status between 'sent' and 'closed' or x.status = 'uncertain')");

const ELSEWHERE: &str = concat!(
    "
    select r.phone_number, r.name, o.tag, null::timestamptz as at, false as is_uncertain
      from blast_recipients r
     cross join lateral (
           select b.blast_tag as tag
             from (select blast_id, status from blast_recipients
                    where person_key(phone_number) = person_key(r.phone_number)
                   union all
                   select o.blast_id, o.status from ",
    other_numbers!("r."),
    " n
                    cross join lateral (select blast_id, status from blast_recipients
                                         where person_key(phone_number) = n.person offset 0) o) x
             join blasts b on b.id = x.blast_id join senders s on s.id = b.sender_id
            where x.blast_id <> r.blast_id and s.business = $2 and b.answer_until is null and ",
    still_to_send!("$1"),
    "
              and x.status = 'queued' limit 1) o
     where r.blast_id = $1 and r.status = 'queued' and $3::timestamptz is not null and r.id <> all($5)
       and not exists (select from suppressions s
                        where person_key(s.phone_number) = person_key(r.phone_number) and s.business in ($2, '*'))
     order by r.id limit $4"
);

/// How people of a blast fared up to some age of it. As in the funnel, whoever read the message has received it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct FirstFared {
    pub tag: String,
    pub stage: String,
    pub sent: i64,
    pub received: i64,
    pub read: i64,
    pub replied: i64,
    pub failed: i64,
}

/// When somebody had reached each stage at the latest: at the first of the known times of it and of the stages after it, and where
/// none is known, when their status changed. One home with [`crate::domain::progress`], which does the same to people it has read.
const REACHED: &str = "select
       case when status in ('sent', 'delivered', 'read', 'replied', 'closed')
            then least(sent_at, delivered_at, read_timestamp, replied_at, closed_at, changed_at) end as sent,
       case when status in ('delivered', 'read', 'replied', 'closed')
            then least(delivered_at, read_timestamp, replied_at, closed_at, changed_at) end as received,
       case when status in ('read', 'replied', 'closed')
            then least(read_timestamp, replied_at, closed_at, changed_at) end as read,
       case when status in ('replied', 'closed') then least(replied_at, closed_at, changed_at) end as replied,
       case when status = 'failed' then least(failed_at, changed_at) end as failed";

/// Of a blast as it is now, and of the first people of the newest ones before it of the same business as they were at the same age,
/// counted from the first message. The blast itself comes first. One to oneself is none of them.
pub async fn fared(pool: &PgPool, id: BlastId, business: &str) -> Result<Vec<FirstFared>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let fared = sqlx::query_as(AssertSqlSafe(format!(
        "with compared as (
                 (select id, blast_tag, follow_up_stage, blast_date from blasts where id = $1)
                  union all
                 (select b.id, b.blast_tag, b.follow_up_stage, b.blast_date
                    from blasts b join senders s on s.id = b.sender_id and s.business = $2
                   where b.id <> $1 and b.launched_at is not null and b.deleted_at is null and b.answer_until is null
                     and not (b.follow_up_stage = $5 and b.total_recipients <= 1)
                   order by b.blast_date desc limit $3)),
             people as materialized (
                 select c.id as blast, p.*
                   from compared c
                  cross join lateral ({REACHED} from blast_recipients where blast_id = c.id order by id limit $4) p),
             begun as (select blast, min(sent) as at from people group by blast),
             age as (select now() - at as age from begun where blast = $1)
             select c.blast_tag as tag, c.follow_up_stage as stage, p.*
               from compared c
               join begun on begun.blast = c.id
              cross join age
              cross join lateral (
                    select count(*) filter (where sent <= begun.at + age.age) as sent,
                           count(*) filter (where received <= begun.at + age.age) as received,
                           count(*) filter (where read <= begun.at + age.age) as read,
                           count(*) filter (where replied <= begun.at + age.age) as replied,
                           count(*) filter (where failed <= begun.at + age.age) as failed
                      from people where blast = c.id) p
              where c.id = $1 or begun.at is not null
              order by c.id = $1 desc, c.blast_date desc"
    )))
    .bind(id)
    .bind(business)
    .bind(EARLIER)
    .bind(COMPARED)
    .bind(TEST_STAGE)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(fared)
}

//! What a plan asks before a launch.

/// Whether another blast `b` has messages to send: also at a time that is to come, or again and again, but not for the plan of what is made
/// of it. Of one that repeats to whom a filter finds nobody knows yet who that is.
macro_rules! still_to_send {
    ($plan:literal) => {
        concat!(
            "(b.state in ('scheduled', 'sending', 'paused') and b.deleted_at is null
              and (b.repeat_rule is null or b.segment is null)
              and b.id is distinct from (select pattern_blast from blasts where id = ",
            $plan,
            "))"
        )
    };
}

/// Whether somebody's row had a message since a time, or may have had one: what failed, or went to somebody who opted out before it
/// arrived, was none.
macro_rules! had_message_since {
    ($row:literal, $since:literal) => {
        concat!(
            "(",
            $row,
            ".status between 'sent' and 'closed' and ",
            $row,
            ".sent_at > ",
            $since,
            " or ",
            $row,
            ".status = 'uncertain' and ",
            $row,
            ".changed_at > ",
            $since,
            ")"
        )
    };
}

/// A blast's message as people would compare it: any white space is one space, and what stands in for a missing value does not count.
macro_rules! comparable_message {
    ($row:literal) => {
        concat!("btrim(regexp_replace(regexp_replace(", $row, ".message, '[|][^{}]*[}]', '}', 'g'), '\\s+', ' ', 'g'))")
    };
}

/// Whether another blast `b` has the same message as the planned one `p`.
macro_rules! has_same_message {
    () => {
        concat!(
            "(",
            comparable_message!("b"),
            ", b.template) is not distinct from (",
            comparable_message!("p"),
            ", p.template) and (p.message <> '' or p.template is not null)"
        )
    };
}

mod people;

use chrono::{DateTime, NaiveTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgPool, Row};

use super::customer::other_numbers;
use super::deleted_messages::messages_of_deleted_blasts;
use super::draft::RecipientValues;
use super::{StoreError, settings};
use crate::domain::blast::RepeatColumns;
use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::domain::pace::LimitColumns;
use crate::domain::phone::Phone;

pub use people::{FirstFared, PlanGroup, PlanPerson, fared, of_group, two_numbers, without_session, wrote};

/// People of a blast who are also somewhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Overlap {
    /// Had a message of this business since the time asked, or may have had one: it is uncertain.
    pub recently_messaged: i64,
    /// Still queued in another blast of this business that is launched, also for a time that is to come, and at another number of theirs.
    pub queued_elsewhere: i64,
    /// Had the same message by another blast of this business, whenever that was, or may have had it.
    pub had_this_message: i64,
}

const OVERLAP: &str = concat!(
    "with others as materialized (
             select b.id, ",
    still_to_send!("$1"),
    " as is_live, ",
    has_same_message!(),
    " as is_same
               from blasts b join senders s on s.id = b.sender_id and s.business = $2 join blasts p on p.id = $1
              where b.id <> $1 and b.answer_until is null
                and (b.state in ('scheduled', 'sending', 'paused') or b.updated_at > $3 or ",
    has_same_message!(),
    "))
         select count(*) filter (where o.gets_it and (o.recent or exists (select ",
    messages_of_deleted_blasts!("r"),
    " and ds.business = $2 and d.at > $3))) as recently_messaged,
                count(*) filter (where o.gets_it and (o.waiting is true or exists (select from customer_numbers) and exists (
                    select from ",
    other_numbers!("r."),
    " n
                     cross join lateral (select blast_id, status from blast_recipients
                                          where person_key(phone_number) = n.person offset 0) x
                     where x.status = 'queued' and x.blast_id <> $1
                       and x.blast_id in (select id from others where is_live)))) as queued_elsewhere,
                count(*) filter (where o.again and o.gets_it) as had_this_message
           from (select phone_number from blast_recipients
                  where blast_id = $1 and status = 'queued' and id <> all($4) and $5::text[] is null
                 union all
                 select unnest($5::text[])) r
          cross join lateral (
                select not exists (select 1 from suppressions s
                                    where person_key(s.phone_number) = person_key(r.phone_number)
                                      and s.business in ($2, '*')) as gets_it,
                       bool_or(",
    had_message_since!("o", "$3"),
    " and o.blast_id in (select id from others)) as recent,
                       bool_or(o.status = 'queued'
                               and o.blast_id in (select id from others where is_live)) as waiting,
                       bool_or((o.status between 'sent' and 'closed' or o.status = 'uncertain')
                               and o.blast_id in (select id from others where is_same)) as again
                  from blast_recipients o
                 where person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> $1) o
          where (exists (select from others) or exists (select from deleted_attempts where at > $3))"
);

/// How many queued people of a blast other blasts of the business reach too, not counting who gets nothing here, because
/// they opted out or are among `left_out`; of those whom its filter has `found`, where they are not all in it: one index lookup per number. Right after an import the planner knows nothing of its people, and any plan that
/// it is free to choose may be one that compares everybody with everybody.
pub async fn overlap(
    pool: &PgPool,
    id: BlastId,
    (business, since): (&str, DateTime<Utc>),
    left_out: &[RecipientId],
    found: Option<&[Phone]>,
) -> Result<Overlap, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let overlap = sqlx::query_as(OVERLAP)
        .bind(id)
        .bind(business)
        .bind(since)
        .bind(left_out.iter().map(|id| id.0).collect::<Vec<_>>())
        .bind(found.map(|found| found.iter().map(Phone::as_str).collect::<Vec<_>>()))
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(overlap)
}

/// How many queued people have a number of the country code 1, by country and area code (`+1650`).
pub async fn queued_areas(pool: &PgPool, id: BlastId) -> Result<Vec<(String, i64)>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let areas = sqlx::query_as(
        "select left(phone_number, 5) as area, count(*) as people
           from blast_recipients
          where blast_id = $1 and status = 'queued' and phone_number like '+1%'
          group by 1",
    )
    .bind(id)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(areas)
}

/// A blast that a sender is sending, or that will start by itself.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ConcurrentRow {
    pub blast: BlastId,
    pub sender_id: SenderId,
    pub tag: String,
    pub stage: String,
    /// Of one that waits for somebody after its first people, no more than are left of those.
    pub queued: i64,
    /// When it starts by itself; `None`: it is being sent.
    pub starts_at: Option<DateTime<Utc>>,
    /// When the first of its people is due.
    pub due_at: Option<DateTime<Utc>>,
    /// A filter names its people.
    pub has_segment: bool,
    pub repeat_rule: Option<String>,
    pub repeat_until: Option<DateTime<Utc>>,
    pub repeat_times: Option<i32>,
    pub repeat_seen: i32,
    /// Each of its people is due by their own clock.
    pub local_time: Option<NaiveTime>,
    /// Its hours hold by the clock of each of its people.
    pub window_local: bool,
    /// Its own limits: its hours decide when it takes turns, its pace how many.
    #[sqlx(flatten)]
    pub limits: LimitColumns,
}

impl ConcurrentRow {
    pub fn repeat(&self) -> RepeatColumns {
        RepeatColumns {
            rule: self.repeat_rule.clone(),
            until: self.repeat_until,
            times: self.repeat_times,
            seen: self.repeat_seen,
            at_most: None,
        }
    }
}

/// What a sender is sending or will by itself, with how many are queued there; those whose start can still be taken back, too. One that
/// repeats counts with the people whom it had when it was sent.
pub async fn concurrent(pool: &PgPool, sender: SenderId) -> Result<Vec<ConcurrentRow>, StoreError> {
    let blasts = sqlx::query_as(
        "select b.id as blast, b.sender_id, b.blast_tag as tag, b.follow_up_stage as stage, least(c.people, b.first_left) as queued,
                case when b.state = 'scheduled' then b.send_after end as starts_at,
                greatest(b.send_after, b.provider_hold_until, q.due_at) as due_at, b.segment is not null as has_segment,
                b.repeat_rule, b.repeat_until, b.repeat_times, coalesce(b.repeat_seen, 0) as repeat_seen,
                b.local_time, b.window_local is true as window_local,
                b.rate, b.gap, b.send_window, b.weekdays, b.timezone
           from blasts b
          cross join lateral (select people from blast_status_counts where blast_id = b.id and status = 'queued') c
           left join lateral (select next_attempt_at as due_at from blast_recipients
                               where blast_id = b.id and status = 'queued' order by next_attempt_at limit 1) q on true
          where b.sender_id = $1 and b.state in ('scheduled', 'sending') and b.deleted_at is null
            and b.answer_until is null and least(c.people, b.first_left) > 0
          order by b.id",
    )
    .bind(sender)
    .fetch_all(pool)
    .await?;
    Ok(blasts)
}

/// Why somebody is shown as a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    First,
    ShortestName,
    LongestName,
    /// Has nothing in one of the columns of the message.
    EmptyColumn,
}

/// Somebody who gets a message, why they are shown, and their row in the list where that is known.
pub struct SamplePerson {
    pub why: SampleKind,
    pub person: RecipientValues,
    pub list_row: Option<i32>,
}

/// A few people who get a message: the first in turn, and of the first thousand those with the shortest name, which is none where
/// somebody has none, and the longest, and the
/// first who has nothing in one of `columns`, in this order. Somebody who is several of these is listed once. None of `left_out` is.
pub async fn samples(
    pool: &PgPool,
    id: BlastId,
    business: &str,
    columns: &[String],
    left_out: &[RecipientId],
) -> Result<Vec<SamplePerson>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let rows = sqlx::query(
        "with head as materialized (
             select id, phone_number, name, variables, next_attempt_at, list_row from blast_recipients r
              where blast_id = $1 and status = 'queued' and id <> all($3)
                and not exists (select 1 from suppressions s
                                 where person_key(s.phone_number) = person_key(r.phone_number)
                                   and s.business in ($2, '*'))
              order by next_attempt_at, id limit 1000),
         chosen as (
             (select 0 as why, id from head order by next_attempt_at, id limit 1)
              union all
             (select 1, id from head order by length(coalesce(btrim(name), '')), id limit 1)
              union all
             (select 2, id from head where name is not null order by length(name) desc, id limit 1)
              union all
             (select 3, id from head where not coalesce(variables, '{}') ?& $4 order by next_attempt_at, id limit 1))
         select h.id, h.phone_number, h.name, h.variables, c.why, nullif(h.list_row, 0)
           from (select id, min(why) as why from chosen group by id) c join head h on h.id = c.id
          order by c.why",
    )
    .bind(id)
    .bind(business)
    .bind(left_out.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind(columns)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let sample = |row: &PgRow| {
        let why = match row.try_get::<i32, _>(4)? {
            0 => SampleKind::First,
            1 => SampleKind::ShortestName,
            2 => SampleKind::LongestName,
            _ => SampleKind::EmptyColumn,
        };
        Ok(SamplePerson { why, person: RecipientValues::from_row(row)?, list_row: row.try_get(5)? })
    };
    Ok(rows.iter().map(sample).collect::<Result<_, sqlx::Error>>()?)
}

/// Whether somebody of a blast is still sent to, or being sent to.
pub async fn has_people_left(tx: &mut PgConnection, id: BlastId) -> Result<bool, StoreError> {
    // Whoever is in flight is queued by their row.
    let has_people =
        sqlx::query_scalar("select exists (select from blast_recipients where blast_id = $1 and status = 'queued')");
    Ok(has_people.bind(id).fetch_one(tx).await?)
}

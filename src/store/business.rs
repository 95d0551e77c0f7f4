//! What Meta lets a business do, over all of its numbers, and who counts against it.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};

use super::StoreError;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::CountedPeople;
use crate::domain::phone::Phone;

/// How many people a business may write to first within 24 hours, as Meta said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeopleLimit {
    Unlimited,
    People(u32),
}

impl PeopleLimit {
    pub const fn people(self) -> Option<u32> {
        match self {
            Self::Unlimited => None,
            Self::People(people) => Some(people),
        }
    }
}

/// The limit of a sender's business; `None` where Meta has not said it, or where the sender is not Meta's.
pub async fn limit(pool: &PgPool, sender: SenderId) -> Result<Option<PeopleLimit>, StoreError> {
    let found: Option<Option<i32>> = sqlx::query_scalar(
        "select l.people from senders s join business_limits l on l.business = s.business
          where s.id = $1 and s.provider = 'meta'",
    )
    .bind(sender)
    .fetch_optional(pool)
    .await?;
    let limit = |people: Option<i32>| people.and_then(|people| u32::try_from(people).ok());
    Ok(found.map(|people| limit(people).map_or(PeopleLimit::Unlimited, PeopleLimit::People)))
}

/// Keeps what Meta said of the businesses of these senders at a time; what it said later stays.
pub async fn set_limit(
    executor: impl PgExecutor<'_>,
    senders: &[SenderId],
    limit: PeopleLimit,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into business_limits as l (business, people, learned_at)
         select distinct business, $2::int, least($3, now()) from senders where id = any($1)
         on conflict (business) do update set people = excluded.people, learned_at = excluded.learned_at
          where l.learned_at <= excluded.learned_at",
    )
    .bind(senders.iter().map(|sender| sender.0).collect::<Vec<_>>())
    .bind(limit.people().map(|people| i32::try_from(people).unwrap_or(i32::MAX)))
    .bind(at)
    .execute(executor)
    .await?;
    Ok(())
}

/// How many messages a second Meta lets a sender's number send, as far as it said so.
pub async fn throughput(pool: &PgPool, sender: SenderId) -> Result<Option<u32>, StoreError> {
    let found: Option<i32> =
        sqlx::query_scalar("select throughput from senders where id = $1").bind(sender).fetch_one(pool).await?;
    Ok(found.and_then(|count| u32::try_from(count).ok()))
}

/// Keeps how people receive the messages of a sender's number, as Meta says it; `None`: it is not rated.
pub async fn set_quality(
    executor: impl PgExecutor<'_>,
    sender: SenderId,
    quality: Option<&str>,
) -> Result<(), StoreError> {
    sqlx::query("update senders set quality = left($2, 60) where id = $1 and quality is distinct from left($2, 60)")
        .bind(sender)
        .bind(quality)
        .execute(executor)
        .await?;
    Ok(())
}

pub async fn set_throughput(
    executor: impl PgExecutor<'_>,
    sender: SenderId,
    per_second: u32,
) -> Result<(), StoreError> {
    sqlx::query("update senders set throughput = $2 where id = $1 and throughput is distinct from $2")
        .bind(sender)
        .bind(i32::try_from(per_second).unwrap_or(i32::MAX))
        .execute(executor)
        .await?;
    Ok(())
}

/// Whom the numbers of a sender's business wrote to since a time, and when: every attempt not known to be unaccepted, also of those who
/// were deleted meanwhile. An answer to somebody who wrote does not count.
macro_rules! people {
    ($whose:literal) => {
        concat!(
            "select r.phone_number, a.claimed_at as at
               from senders me
               join senders s on s.business = me.business and s.provider = 'meta' and s.rehearsal = me.rehearsal",
            $whose,
            " cross join lateral (select * from attempts where sender_id = s.id and claimed_at >= $2 offset 0) a
               cross join lateral (select phone_number, blast_id from blast_recipients where id = a.recipient_id offset 0) r
               join blasts b on b.id = r.blast_id and b.answer_until is null
              where me.id = $1
                and coalesce(a.outcome, 'unknown') not in ('released', 'rejected')
             union all
             select x.phone_number, x.at
               from senders me
               join senders s on s.business = me.business and s.provider = 'meta' and s.rehearsal = me.rehearsal",
            $whose,
            " join deleted_attempts x on x.sender_id = s.id and x.at >= $2 and x.phone_number is not null and not x.refused
              where me.id = $1"
        )
    };
}

/// Of all of its numbers.
pub async fn people_since(
    pool: &PgPool,
    sender: SenderId,
    since: DateTime<Utc>,
) -> Result<Vec<(Phone, DateTime<Utc>)>, StoreError> {
    Ok(sqlx::query_as(people!("")).bind(sender).bind(since).fetch_all(pool).await?)
}

/// Of its other numbers.
pub async fn people_of_others_since(
    pool: &PgPool,
    sender: SenderId,
    since: DateTime<Utc>,
) -> Result<Vec<(Phone, DateTime<Utc>)>, StoreError> {
    Ok(sqlx::query_as(people!(" and s.id <> me.id")).bind(sender).bind(since).fetch_all(pool).await?)
}

/// Who counts, by the time of their last message, the oldest first: how many, and how many of them are queued in a blast. One index
/// lookup per number: no plan that compares everybody with everybody.
pub async fn people_counted(
    pool: &PgPool,
    sender: SenderId,
    blast: BlastId,
    since: DateTime<Utc>,
) -> Result<Vec<CountedPeople>, StoreError> {
    let counted = sqlx::query_as(concat!(
        "select at, count(*),
                count(*) filter (where exists (select from blast_recipients q
                                                where person_key(q.phone_number) = person and q.blast_id = $3
                                                  and q.status = 'queued'))
           from (select person_key(phone_number) as person, max(at) as at from (",
        people!(""),
        ") as tried group by 1) as counted
          group by at order by at"
    ));
    let counted: Vec<(DateTime<Utc>, i64, i64)> = counted.bind(sender).bind(since).bind(blast).fetch_all(pool).await?;
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let counted = counted.into_iter();
    Ok(counted
        .map(|(at, people, queued)| CountedPeople { at, people: number(people), queued: number(queued) })
        .collect())
}

//! When each person of a blast is due, where that is by their own clocks.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::claim::QueuePosition;
use super::in_flight::not_in_flight;
use super::{StoreError, settings};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::recipient::TOO_RECENTLY;

/// Somebody to whom nothing was sent yet.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LocalPerson {
    pub id: RecipientId,
    pub phone_number: Phone,
    /// What their row says.
    pub zone: Option<String>,
    pub next_attempt_at: DateTime<Utc>,
}

/// When somebody is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalDue {
    pub id: RecipientId,
    pub at: DateTime<Utc>,
}

/// How many people one statement writes.
const AT_ONCE: usize = 5_000;

/// Everybody who waits for the first message ever, in the order of the list.
pub async fn people(pool: &PgPool, blast: BlastId) -> Result<Vec<LocalPerson>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = people_in(&mut tx, blast).await?;
    tx.commit().await?;
    Ok(people)
}

/// The same within a transaction.
pub async fn people_in(tx: &mut PgConnection, blast: BlastId) -> Result<Vec<LocalPerson>, StoreError> {
    let people = sqlx::query_as(
        "select id, phone_number, coalesce(variables ->> 'timezone', variables ->> 'time_zone') as zone, next_attempt_at
           from blast_recipients where blast_id = $1 and status = 'queued' and attempt = 0
          order by status, id",
    );
    Ok(people.bind(blast).fetch_all(tx).await?)
}

/// Everybody who gets the first message ever, in the order of the list: none who opted out, none of `left_out`.
pub async fn sent_to(
    pool: &PgPool,
    (blast, business): (BlastId, &str),
    left_out: &[RecipientId],
) -> Result<Vec<LocalPerson>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sqlx::query_as(
        "select id, phone_number, coalesce(variables ->> 'timezone', variables ->> 'time_zone') as zone, next_attempt_at
           from blast_recipients r
          where blast_id = $1 and status = 'queued' and attempt = 0 and id <> all($3)
            and not exists (select 1 from suppressions s
                             where person_key(s.phone_number) = person_key(r.phone_number) and s.business in ($2, '*'))
          order by status, id",
    );
    let people = people.bind(blast).bind(business).bind(left_out.iter().map(|id| id.0).collect::<Vec<_>>());
    let people = people.fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

/// People who are due in the same minute, and whose zone is the same.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LocalGroup {
    /// One of them.
    pub phone_number: Phone,
    /// What their rows say.
    pub zone: Option<String>,
    pub due: DateTime<Utc>,
    pub people: i64,
}

/// No more people of a blast are looked at.
const LOOKED_AT: i64 = 20_000;

/// When the queued are due, of many those who are last; the first digits of a number tell its country.
pub async fn groups(pool: &PgPool, blast: BlastId) -> Result<Vec<LocalGroup>, StoreError> {
    let groups = sqlx::query_as(
        "select min(phone_number) as phone_number, zone, max(next_attempt_at) as due, count(*) as people
           from (select phone_number, next_attempt_at, coalesce(variables ->> 'timezone', variables ->> 'time_zone') as zone
                   from blast_recipients where blast_id = $1 and status = 'queued'
                  order by next_attempt_at desc limit $2) r
          group by zone, left(phone_number, 8), date_trunc('minute', next_attempt_at)
          order by due, zone, phone_number",
    );
    Ok(groups.bind(blast).bind(LOOKED_AT).fetch_all(pool).await?)
}

/// Those of the queued who are due first, and whether they are all.
pub async fn due_first(pool: &PgPool, blast: BlastId) -> Result<(Vec<LocalGroup>, bool), StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let groups = sqlx::query_as(
        "select min(phone_number) as phone_number, zone, max(next_attempt_at) as due, count(*) as people
           from (select phone_number, next_attempt_at, coalesce(variables ->> 'timezone', variables ->> 'time_zone') as zone
                   from blast_recipients where blast_id = $1 and status = 'queued'
                  order by next_attempt_at, id limit $2) r
          group by zone, left(phone_number, 8)
          order by zone, phone_number",
    );
    let groups: Vec<LocalGroup> = groups.bind(blast).bind(LOOKED_AT).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let are_all = groups.iter().map(|group| group.people).sum::<i64>() < LOOKED_AT;
    Ok((groups, are_all))
}

/// Has people wait until then, each for themselves. Few moments are different: one for each zone, or a few.
pub async fn set_due(tx: &mut PgConnection, blast: BlastId, due: &[LocalDue]) -> Result<(), StoreError> {
    let mut moments = BTreeMap::<DateTime<Utc>, Vec<i64>>::new();
    for person in due {
        moments.entry(person.at).or_default().push(person.id.0);
    }
    if !moments.is_empty() {
        sqlx::raw_sql("set local enable_seqscan = off").execute(&mut *tx).await?;
    }
    for (at, people) in &moments {
        for some in people.chunks(AT_ONCE) {
            set_due_at(tx, blast, *at, some).await?;
        }
    }
    Ok(())
}

/// By the primary key, which the conditions leave no choice of: right after an import the planner knows nothing of these people, and
/// walks over all who are queued, for each of them.
async fn set_due_at(
    tx: &mut PgConnection,
    blast: BlastId,
    at: DateTime<Utc>,
    people: &[i64],
) -> Result<(), StoreError> {
    sqlx::query(
        "update blast_recipients set next_attempt_at = $3
          where id = any($2) and blast_id + 0 = $1 and status::text = 'queued' and attempt = 0",
    )
    .bind(blast)
    .bind(people)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Those who are due and wait behind a place in a blast's queue, in its order: at most so many.
pub async fn due_behind(
    pool: &PgPool,
    blast: BlastId,
    place: QueuePosition,
    most: i64,
) -> Result<Vec<LocalPerson>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sqlx::query_as(concat!(
        "select r.id, r.phone_number, coalesce(r.variables ->> 'timezone', r.variables ->> 'time_zone') as zone, r.next_attempt_at
           from blast_recipients r
          where r.blast_id = $1 and r.status = 'queued' and r.next_attempt_at <= now() and (r.next_attempt_at, r.id) > ($2, $3)
            and ",
        not_in_flight!("r."),
        " order by r.next_attempt_at, r.id limit $4"
    ));
    let people = people.bind(blast).bind(place.next_attempt_at).bind(place.id).bind(most).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

/// Has queued people wait until then, each for themselves, as long as nobody holds their rows. That they had a message too recently is no
/// reason any more. Only the engine that claims from this blast calls it, and not while a claim is on its way: nobody comes into flight
/// meanwhile.
pub async fn put_off(pool: &PgPool, blast: BlastId, due: &[LocalDue]) -> Result<(), StoreError> {
    if due.is_empty() {
        return Ok(());
    }
    let (people, times): (Vec<i64>, Vec<DateTime<Utc>>) = due.iter().map(|person| (person.id.0, person.at)).unzip();
    let mut tx = settings::begin_hot_path(pool).await?;
    // By the primary key, as in [`set_due`].
    sqlx::query(concat!(
        "with later as materialized (
             select r.id, x.at
               from unnest($2::bigint[], $3::timestamptz[]) as x (id, at)
               join blast_recipients r on r.id = x.id
              where r.blast_id + 0 = $1 and r.status::text = 'queued' and r.next_attempt_at < x.at and ",
        not_in_flight!("r."),
        "     order by r.id for no key update of r skip locked)
         update blast_recipients r set next_attempt_at = later.at, reason = nullif(r.reason, $4)
           from later where r.id = later.id"
    ))
    .bind(blast)
    .bind(people)
    .bind(times)
    .bind(TOO_RECENTLY)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

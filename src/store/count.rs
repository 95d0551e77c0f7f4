//! The counters: folding what the triggers appended, and recounting to prove them.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use sqlx::PgPool;

use super::history::{newest_change, oldest_month};
use super::in_flight::current;
use super::{StoreError, begin};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;

/// The most deltas that one call of [`fold`] moves.
pub const FOLDED_AT_ONCE: u64 = 10_000;

/// Moves appended deltas into the counts, at most [`FOLDED_AT_ONCE`]; deltas of blasts that are gone are dropped.
/// Returns how many were folded. Two folders at once share the work. A blast whose row somebody holds is left for later:
/// its counts refer to it, and waiting would hold up the others.
pub async fn fold(pool: &PgPool) -> Result<u64, StoreError> {
    let folded: i64 = sqlx::query_scalar(
        "with next as (
             select id, blast_id from blast_count_deltas order by id limit $1 for update skip locked),
         free as (
             select id from blasts where id = any(array(select distinct blast_id from next)) for key share skip locked),
         taken as (
             delete from blast_count_deltas
              where id = any(array(select n.id from next n
                                    where n.blast_id = any(array(select id from free))
                                       or not exists (select 1 from blasts b where b.id = n.blast_id)))
             returning blast_id, status, people, amount, held),
         sums as (
             select t.blast_id, t.status, sum(t.people)::bigint as people, sum(t.amount) as amount, sum(t.held)::bigint as held
               from taken t where exists (select 1 from blasts b where b.id = t.blast_id)
              group by 1, 2),
         added as (
             insert into blast_counts as c (blast_id, status, people, amount, held)
             select blast_id, status, people, amount, held from sums order by blast_id, status
             on conflict (blast_id, status) do update
                set people = c.people + excluded.people, amount = c.amount + excluded.amount, held = c.held + excluded.held)
         select count(*) from taken",
    )
    .bind(FOLDED_AT_ONCE.cast_signed())
    .fetch_one(pool)
    .await?;
    Ok(folded.cast_unsigned())
}

/// Where the counters and a recount differ.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct CountDifference {
    pub blast_id: BlastId,
    pub status: Status,
    pub counted: i64,
    pub recounted: i64,
    /// The money of sales, counted and recounted.
    pub counted_amount: Decimal,
    pub recounted_amount: Decimal,
    /// Of these people, those whom Meta holds back.
    pub counted_held: i64,
    pub recounted_held: i64,
}

/// Counters and a recount of everybody (of blast `$1`, or of all), where they differ.
macro_rules! differences {
    () => {
        concat!(
            "select coalesce(c.blast_id, r.blast_id) as blast_id, coalesce(c.status, r.status)::text as status,
                coalesce(c.people, 0)::bigint as counted, coalesce(r.people, 0)::bigint as recounted,
                coalesce(c.amount, 0) as counted_amount, coalesce(r.amount, 0) as recounted_amount,
                coalesce(c.held, 0)::bigint as counted_held, coalesce(r.held, 0)::bigint as recounted_held
           from (select blast_id, status, people, amount, held from blast_status_counts
                  where exists (select 1 from blasts b where b.id = blast_id)) c
           full join (select blast_id, ",
            current!("", status),
            " as status, count(*) as people, coalesce(sum(amount), 0) as amount,
                             count(*) filter (where is_held(status, provider_status)) as held
                        from blast_recipients group by 1, 2) r
             on r.blast_id = c.blast_id and r.status = c.status
          where ($1::bigint is null or coalesce(c.blast_id, r.blast_id) = $1)
            and (coalesce(c.people, 0) <> coalesce(r.people, 0) or coalesce(c.amount, 0) <> coalesce(r.amount, 0)
                 or coalesce(c.held, 0) <> coalesce(r.held, 0))
          order by 1, coalesce(c.status, r.status)"
        )
    };
}

/// Recounts everybody (of one blast, or of all) and compares, in one snapshot. Empty: the counters are true.
pub async fn audit(pool: &PgPool, blast: Option<BlastId>) -> Result<Vec<CountDifference>, StoreError> {
    Ok(sqlx::query_as(differences!()).bind(blast).fetch_all(pool).await?)
}

/// The key of the lock under which counters are repaired: two repairs at once would both add the same difference.
const REPAIR_LOCK: i64 = 0x7265_7061_6972;

/// Makes the counters (of one blast, or of all) equal to a recount; returns what differed. The difference is seen in one
/// snapshot and appended like any other change, so people may be sent to and marked meanwhile.
pub async fn repair(pool: &PgPool, blast: Option<BlastId>) -> Result<Vec<CountDifference>, StoreError> {
    let mut tx = begin(pool).await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(REPAIR_LOCK).execute(&mut *tx).await?;
    let repaired = sqlx::query_as(concat!(
        "with difference as materialized (",
        differences!(),
        "), added as (
             insert into blast_count_deltas (blast_id, status, people, amount, held)
             select blast_id, status::recipient_status, recounted - counted, recounted_amount - counted_amount, recounted_held - counted_held
               from difference)
         select * from difference"
    ))
    .bind(blast)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(repaired)
}

/// Somebody whose message the provider took more than once, though nothing said in between that it did not arrive, and nobody asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct TakenTwice {
    pub blast_id: BlastId,
    pub recipient_id: RecipientId,
    /// The attempts that were taken.
    pub first: i32,
    pub second: i32,
}

/// Who has two attempts that were accepted, of which nothing failed or queued them again after the first. Whoever has no history of that
/// attempt any more, because its month was dropped, is not judged. In pages, as [`audit_history`] is.
pub async fn audit_attempts(pool: &PgPool, blast: Option<BlastId>) -> Result<Vec<TakenTwice>, StoreError> {
    let mut twice = Vec::new();
    let mut after = Some(RecipientId(0));
    while let Some(last) = after {
        after = last_of_page(pool, blast, last).await?;
        if let Some(until) = after {
            twice.extend(taken_twice(pool, blast, (last, until)).await?);
        }
    }
    Ok(twice)
}

/// The last of the next people by id.
async fn last_of_page(
    pool: &PgPool,
    blast: Option<BlastId>,
    after: RecipientId,
) -> Result<Option<RecipientId>, StoreError> {
    let last = sqlx::query_scalar(
        "select max(id) from (
             select id from blast_recipients
              where id > $2 and ($1::bigint is null or blast_id = $1) order by id limit $3) page",
    );
    Ok(last.bind(blast).bind(after).bind(HISTORIES_AT_ONCE).fetch_one(pool).await?)
}

async fn taken_twice(
    pool: &PgPool,
    blast: Option<BlastId>,
    (after, until): (RecipientId, RecipientId),
) -> Result<Vec<TakenTwice>, StoreError> {
    let twice = sqlx::query_as(concat!(
        "select r.blast_id, r.id as recipient_id, x.attempt as first, min(y.attempt) as second
           from blast_recipients r
           join provider_message x on x.recipient_id = r.id and x.outcome = 'accepted'
           join provider_message y on y.recipient_id = r.id and y.outcome = 'accepted' and y.attempt > x.attempt
          where r.id > $2 and r.id <= $3 and ($1::bigint is null or r.blast_id = $1)
            and (exists (select from status_history h where h.recipient_id = r.id and h.attempt = x.attempt)
                 or x.received_at >= ",
        oldest_month!(),
        ")
            and not exists (select from status_history h
                             where h.recipient_id = r.id and h.attempt = x.attempt and h.new_status in ('queued', 'failed'))
          group by r.blast_id, r.id, x.attempt order by r.id, x.attempt",
    ));
    Ok(twice.bind(blast).bind(after).bind(until).fetch_all(pool).await?)
}

/// People compared in one statement of [`audit_history`] or [`audit_attempts`].
const HISTORIES_AT_ONCE: i64 = 20_000;

/// Blasts with somebody whose newest history is not their status: the other half of the audit. Whoever has no history
/// (nothing happened yet, or its months were dropped) contradicts nothing; an acceptance says *sent* without a row. Of whoever is in flight the history says what it said before
/// (or *sending*, by an earlier version). In pages: a million people outlast the longest
/// statement.
pub async fn audit_history(pool: &PgPool, blast: Option<BlastId>) -> Result<Vec<BlastId>, StoreError> {
    let mut torn = BTreeSet::new();
    let mut after = Some(RecipientId(0));
    while let Some(last) = after {
        let (next, found) = torn_after(pool, blast, last).await?;
        torn.extend(found.into_iter().map(|id| id.0));
        after = next;
    }
    Ok(torn.into_iter().map(BlastId).collect())
}

/// Looks at the next people by id: the last of them, and the blasts with somebody torn.
async fn torn_after(
    pool: &PgPool,
    blast: Option<BlastId>,
    after: RecipientId,
) -> Result<(Option<RecipientId>, Vec<BlastId>), StoreError> {
    let page = sqlx::query_as(concat!(
        "with page as materialized (
             select id, blast_id, attempt, status as stored, ",
        current!("", status),
        " as status from blast_recipients
              where id > $2 and ($1::bigint is null or blast_id = $1) order by id limit $3)
         select max(p.id), coalesce(array_agg(distinct p.blast_id) filter (where n.newest not in (p.status, p.stored)), '{}')
           from page p
          cross join lateral (select ",
        newest_change!("p.id", "p.attempt", kept),
        ") n (newest)"
    ))
    .bind(blast)
    .bind(after)
    .bind(HISTORIES_AT_ONCE)
    .fetch_one(pool)
    .await?;
    Ok(page)
}

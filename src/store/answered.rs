//! Who of a follow-up's people answered since it was made: replied in the blast that it follows (or in one that this follows), or
//! bought by the word of any blast of the business. They are not stuck any more. Nor does a follow-up go to whom another one of the same
//! blast, launched since it was made or scheduled, writes to. Where a filter names a follow-up's people, that is
//! read again until it is launched; whoever answers then is left out here of a step's draft, and of one to people who are stuck.

mod since_failed;
mod taken_back;

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

pub use self::since_failed::not_to_retry;
pub use self::taken_back::{LaunchedWithout, LeftOutStill, launched_without, left_out_still};
use super::claim::{OPTED_OUT_EARLIER, is_for_people, opted_out_elsewhere};
use super::deleted_messages::followed_by_deleted;
use super::in_flight::not_in_flight;
use super::reply::wrote_undecided;
use super::view::segment::{ExclusionCount, LeftOutPerson};
use super::{StoreError, settings};
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::{BlastId, OrderId, RecipientId};

/// A step after a cart (`f`), which has no stage: only a purchase is an answer.
macro_rules! waits_for_an_order {
    () => {
        "f.step_number is not null and f.follows_stage is null"
    };
}

/// Whether a blast (`f`) keeps the people that it was made with, and leaves out who answers since: a follow-up to those who are stuck, a
/// step's, or a copy of one whose people a filter named. Such a filter itself is read again instead.
macro_rules! leaves_out_who_answers {
    () => {
        "(f.step_number is not null or f.follows_stage is not null or f.follows_blast is not null and f.segment is null)"
    };
}
use leaves_out_who_answers;

/// The blasts that follow-ups follow, as far as a reply there is news: of those who are stuck at a reply it is not. Above a follow-up
/// whose people a filter named, who may have replied before, it is since that was made.
const LINKS: &str = "
    recursive links as (
        select id as draft, follows_blast as above, follows_stage as stage,
               case when follows_stage is null then created_at else '-infinity' end as since, 1 as depth from blasts
         where id = any($1) and follows_blast is not null and (follows_stage is not null or segment is null)
         union all
        select l.draft, b.follows_blast, b.follows_stage,
               greatest(l.since, case when b.follows_stage is null then b.created_at else '-infinity' end), l.depth + 1
          from links l join blasts b on b.id = l.above and b.follows_blast is not null
         where l.stage is distinct from 'replied' and l.depth < 100)";

/// The people (`r`) of follow-ups (`f`) who answered, without those who opted out and are left out for that, as a launch counts them: also at
/// another number of theirs. Of a step after a cart only a purchase is an answer, and every order that came in since is one: whoever bought
/// before stays closed since then. What keeps steps apart is their own rule.
const ANSWERED: &str = concat!(
    "
    select r.id, r.phone_number as phone, r.name, case when a.closed then 'closed' when a.replied or w.wrote then 'replied' else 'followed' end as left_out
      from blast_recipients r
      join blasts f on f.id = r.blast_id and ",
    leaves_out_who_answers!(),
    "
      join senders fs on fs.id = f.sender_id
     cross join lateral (
           select bool_or(o.status = 'closed' and (l.above is not null and coalesce(o.closed_at, o.changed_at) >= l.since
                                                   or o.closed_at >= f.created_at))
                  or ",
    waits_for_an_order!(),
    " and exists (select from orders p join senders ps on ps.id = p.sender_id and ps.business = fs.business
                                         where person_key(p.phone_number) = person_key(r.phone_number)
                                           and p.state <> 'cancelled' and p.created_at >= f.created_at
                                           and not exists (select from operator_actions t
                                                            where t.id = p.action_id and t.undone_at is not null)) as closed,
                  bool_or(o.status = 'replied' and (l.above is not null and l.stage is distinct from 'replied'
                                                    and coalesce(o.replied_at, o.changed_at) >= l.since
                                                    or f.step_number is not null and f.follows_stage <> 'replied'
                                                    and b.follows_blast = f.follows_blast)) as replied,
                  bool_or(f.step_number is null and b.follows_blast = f.follows_blast
                          and (b.launched_at > f.created_at or b.launched_at is null and b.state in ('scheduled', 'paused'))
                          and o.status not in ('skipped', 'failed', 'opted_out')) as followed
             from blast_recipients o
             join blasts b on b.id = o.blast_id and b.deleted_at is null
             join senders s on s.id = b.sender_id and s.business = fs.business
             left join links l on l.draft = r.blast_id and l.above = o.blast_id
            where person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> r.blast_id) a
     -- It is not known yet which message they answered.
     cross join lateral (
           select f.follows_stage <> 'replied' and exists (
                  select from blast_recipients o
                   where o.blast_id = f.follows_blast and person_key(o.phone_number) = person_key(r.phone_number)
                     and ",
    wrote_undecided!("r.phone_number", "coalesce(o.sent_at, o.changed_at)"),
    "fs.business)) as wrote) w
     where (a.closed or a.replied or w.wrote or a.followed or f.step_number is null and ",
    followed_by_deleted!("r", "f.follows_blast"),
    ")
       and not exists (select from suppressions x
                        where person_key(x.phone_number) = person_key(r.phone_number) and x.business in (fs.business, '*'))
       and not (",
    is_for_people!("f."),
    " and ",
    opted_out_elsewhere!("r.", "fs.business"),
    ")"
);

/// Those of them who are queued and not in flight, in words that only one index fits.
fn queued() -> String {
    let landed = not_in_flight!("r.");
    format!("{ANSWERED} and r.status >= 'queued' and r.status <= 'queued' and {landed}")
}

/// The people of blasts who opted out.
const OPTED_OUT: &str = concat!(
    "
    select r.id, r.phone_number as phone, r.name, 'opted_out' as left_out
      from blast_recipients r join blasts b on b.id = r.blast_id join senders s on s.id = b.sender_id
     where r.blast_id = any($1)
       and (r.status = 'opted_out'
            or r.status = 'queued' and (exists (select from suppressions x
                                                 where person_key(x.phone_number) = person_key(r.phone_number)
                                                   and x.business in (s.business, '*'))
                                        or ",
    is_for_people!("b."),
    " and ",
    opted_out_elsewhere!("r.", "s.business"),
    "))"
);

/// The most people who are listed.
const LISTED: i64 = 500;

/// How many of a follow-up's queued people answered since it was made, by what they did.
pub async fn counts(pool: &PgPool, id: BlastId) -> Result<Vec<ExclusionCount>, StoreError> {
    let answered = queued();
    let sql = format!(
        "with {LINKS} select left_out, count(*) as people from ({answered} and r.blast_id = any($1)) found group by 1"
    );
    let mut tx = settings::begin_hot_path(pool).await?;
    let counts = sqlx::query_as(AssertSqlSafe(sql)).bind(vec![id.0]).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(counts)
}

/// The first of them, and of those who opted out.
pub async fn people(pool: &PgPool, id: BlastId) -> Result<Vec<LeftOutPerson>, StoreError> {
    let answered = queued();
    let sql = format!(
        "with {LINKS}
         select phone, name, left_out
           from ({answered} and r.blast_id = any($1)
                 union all {OPTED_OUT}) found
          order by id limit $2"
    );
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sqlx::query_as(AssertSqlSafe(sql)).bind(vec![id.0]).bind(LISTED).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

/// The rows of all of them.
pub async fn rows(pool: &PgPool, id: BlastId) -> Result<Vec<RecipientId>, StoreError> {
    let answered = queued();
    let sql = format!("with {LINKS} select id from ({answered} and r.blast_id = any($1)) found");
    let mut tx = settings::begin_hot_path(pool).await?;
    let rows = sqlx::query_scalar(AssertSqlSafe(sql)).bind(vec![id.0]).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows)
}

/// Whom a follow-up was made for, as a filter is written; `None` where it is none, or a filter names its people.
pub async fn made_for(pool: &PgPool, id: BlastId) -> Result<Option<String>, StoreError> {
    let made_for = sqlx::query_scalar(
        "select coalesce('blast:' || follows_blast, 'a blast that is gone,') || coalesce(' stuck:' || follows_stage, '')
                || case when coalesce(follows_seconds, 0) = 0 then ''
                        when follows_seconds % 3600 = 0 then ' older:' || follows_seconds / 3600 || 'h'
                        else ' older:' || follows_seconds / 60 || 'm' end
           from blasts
          where id = $1 and (follows_stage is not null or follows_blast is not null) and segment is null",
    );
    Ok(made_for.bind(id).fetch_optional(pool).await?)
}

/// A follow-up of a blast that leaves out who answers there, while somebody in it is still queued.
pub async fn follow_up_under_way(tx: &mut PgConnection, of: BlastId) -> Result<Option<BlastId>, StoreError> {
    let found = sqlx::query_scalar(concat!(
        "select f.id from blasts f
          where f.follows_blast = $1 and f.deleted_at is null and f.repeat_rule is null and ",
        leaves_out_who_answers!(),
        " and (f.state in ('scheduled', 'sending', 'paused') or f.state = 'draft' and f.segment is null)
            and exists (select from blast_recipients r where r.blast_id = f.id and r.status = 'queued')
          order by f.id limit 1"
    ));
    Ok(found.bind(of).fetch_optional(tx).await?)
}

/// Drafts whose people a filter finds in a blast that they follow: without it, it finds nobody.
pub async fn drafts_that_follow(pool: &PgPool, of: BlastId) -> Result<Vec<BlastId>, StoreError> {
    let found = sqlx::query_scalar(
        "select id from blasts
          where follows_blast = $1 and deleted_at is null and state = 'draft' and segment is not null order by id",
    );
    Ok(found.bind(of).fetch_all(pool).await?)
}

/// The lock that whoever has people of a follow-up sent to takes: follow-ups of one blast, launched at the same moment, would not see
/// each other otherwise, and somebody in two of them would get both. Held until the transaction ends; no blast's row is locked for it,
/// since others lock rows of several blasts in any order.
async fn lock_follow_ups(tx: &mut PgConnection, id: BlastId) -> Result<(), StoreError> {
    sqlx::query(
        "select pg_advisory_xact_lock(hashtextextended('follow-ups of ' || follows_blast, 0))
           from blasts where id = $1 and follows_blast is not null",
    )
    .bind(id)
    .execute(tx)
    .await?;
    Ok(())
}

/// Leaves out whoever of a follow-up answered since it was made, or has another one. Returns how many. Whom somebody else has locked is
/// waited for: passed over, they would be one fewer beside somebody who answered meanwhile.
pub async fn leave_out(tx: &mut PgConnection, id: BlastId) -> Result<i64, StoreError> {
    lock_follow_ups(tx, id).await?;
    skip(tx, vec![id.0], None).await
}

/// Leaves out people who have just answered wherever a follow-up that was launched has them queued. Whoever starts one in this moment, or
/// changes when one starts, waits for this transaction, and a launch leaves them out then, or is refused where a filter that was read
/// before names its people; or this one waits for them.
pub async fn leave_out_of_launched(tx: &mut PgConnection, answered: &[RecipientId]) -> Result<(), StoreError> {
    let queued: Vec<(i64, i64, bool)> = sqlx::query_as(concat!(
        "select q.blast_id, q.id, f.state <> 'sending'
           from blast_recipients a
           join blast_recipients q on person_key(q.phone_number) = person_key(a.phone_number) and q.blast_id <> a.blast_id
                                  and q.status >= 'queued' and q.status <= 'queued'
           join blasts f on f.id = q.blast_id and f.state in ('draft', 'scheduled', 'sending', 'paused') and ",
        leaves_out_who_answers!(),
        " where a.id = any($1)"
    ))
    .bind(answered.iter().map(|id| id.0).collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    leave_out_queued(tx, queued).await
}

/// The same of whoever has just ordered and waits in a step after a cart: where they had bought before, the order changes nothing else
/// of them.
pub async fn leave_out_who_ordered(tx: &mut PgConnection, order: OrderId) -> Result<(), StoreError> {
    let queued: Vec<(i64, i64, bool)> = sqlx::query_as(concat!(
        "select q.blast_id, q.id, f.state <> 'sending'
           from orders o
           join blast_recipients q on person_key(q.phone_number) = person_key(o.phone_number)
                                  and q.status >= 'queued' and q.status <= 'queued'
           join blasts f on f.id = q.blast_id and f.state in ('draft', 'scheduled', 'sending', 'paused') and ",
        waits_for_an_order!(),
        " where o.id = $1"
    ))
    .bind(order)
    .fetch_all(&mut *tx)
    .await?;
    leave_out_queued(tx, queued).await
}

/// Leaves out whoever answered of these people, each with their blast and whether that is still to start. Drafts keep theirs until the
/// launch, which looks at them once more; those whose people a filter names are read again by it.
async fn leave_out_queued(tx: &mut PgConnection, queued: Vec<(i64, i64, bool)>) -> Result<(), StoreError> {
    let to_start: Vec<i64> = queued.iter().filter(|(_, _, starts)| *starts).map(|(blast, ..)| *blast).collect();
    let drafts = if to_start.is_empty() { to_start } else { hold_to_start(tx, to_start).await? };
    let launched = queued.into_iter().filter(|(blast, ..)| !drafts.contains(blast));
    let (blasts, people): (Vec<i64>, Vec<i64>) = launched.map(|(blast, person, _)| (blast, person)).unzip();
    if !people.is_empty() {
        skip(tx, blasts, Some(people)).await?;
    }
    Ok(())
}

/// Keeps blasts that are still to start as they are until the end of the transaction, and returns those that are drafts. Whoever starts one,
/// or changes when people of it are due, holds its people for as long as it takes to write that: they are waited for here, since nobody in
/// somebody's hands is left out. A launch may have read a filter already that does not see this transaction: its draft has another version
/// after it, which refuses that launch, and the next one reads the filter again. Written at once, not shared first: two that did so would
/// wait for each other.
async fn hold_to_start(tx: &mut PgConnection, blasts: Vec<i64>) -> Result<Vec<i64>, StoreError> {
    let kept = "select id, state = 'draft' from blasts
                 where id = any($1) and (state <> 'draft' or segment is null) order by id for share";
    let kept: Vec<(i64, bool)> = sqlx::query_as(kept).bind(&blasts).fetch_all(&mut *tx).await?;
    let mut drafts: Vec<i64> = kept.into_iter().filter(|(_, is_draft)| *is_draft).map(|(blast, _)| blast).collect();
    let read_again = sqlx::query_scalar(
        "with held as materialized (
             select id from blasts where id = any($1) and state = 'draft' and segment is not null order by id for no key update)
         update blasts b set version = b.version + 1, updated_at = now() from held where b.id = held.id returning b.id",
    );
    let read_again: Vec<i64> = read_again.bind(&blasts).fetch_all(tx).await?;
    drafts.extend(read_again);
    Ok(drafts)
}

/// Of certain people, whom a claim holds at this moment is sent to: nobody waits for anybody. No claim has people of a blast that is about
/// to start.
async fn skip(tx: &mut PgConnection, blasts: Vec<i64>, people: Option<Vec<i64>>) -> Result<i64, StoreError> {
    let (of, locked) = match people {
        Some(_) => ("r.id = any($2)", "skip locked"),
        None => ("r.blast_id = any($1) and f.segment is null", ""),
    };
    let [closed, replied, followed] =
        [Exclusion::Closed, Exclusion::Replied, Exclusion::Followed].map(Exclusion::words);
    let answered = queued();
    let sql = format!(
        "with {LINKS}
         select h.id, case x.left_out when 'closed' then '{closed}' when 'replied' then '{replied}' else '{followed}' end as why
           from ({answered} and {of}) x join blast_recipients h on h.id = x.id
          where h.status = 'queued' order by h.id for update of h {locked}"
    );
    let mut query = sqlx::query_as(AssertSqlSafe(sql)).bind(blasts);
    if let Some(people) = people {
        query = query.bind(people);
    }
    let locked: Vec<(i64, String)> = query.fetch_all(&mut *tx).await?;
    skip_locked(tx, locked).await
}

/// Queues again whom a launch left out, of a blast that is a draft again: whoever answered or opted out is looked at anew by its next launch,
/// and until then by its plan. Also where a filter names its people: the next look at it takes out whoever it does not find any more, and
/// keeps as they are those whom it finds. `by` took the launch back. Whom somebody else has locked stays out: nobody waits for anybody.
pub async fn queue_again(tx: &mut PgConnection, id: BlastId, by: &str) -> Result<(), StoreError> {
    let answers = [Exclusion::Closed, Exclusion::Replied, Exclusion::Followed].map(Exclusion::words);
    sqlx::query(
        "with left_out as materialized (
             select r.id, r.status from blast_recipients r join blasts b on b.id = r.blast_id and b.state = 'draft'
              where r.blast_id = $1 and r.status in ('skipped', 'opted_out') and r.attempt = 0
                and (r.status = 'skipped' and r.reason = any($2) or r.status = 'opted_out' and r.reason = $3)
              order by r.id for update of r skip locked),
         again as (
             update blast_recipients r
                set status = 'queued', standing = 'queued', changed_at = now(), reason = null, opted_out_at = null
               from left_out x where r.id = x.id
             returning r.id, r.blast_id, r.attempt, x.status)
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, by_whom, metadata)
         select blast_id, id, attempt, status, 'queued', 'operator', $4, jsonb_build_object('why', 'the launch was taken back')
           from again",
    )
    .bind(id)
    .bind(answers.to_vec())
    .bind(OPTED_OUT_EARLIER)
    .bind(by)
    .execute(tx)
    .await?;
    Ok(())
}

/// Leaves out people who are locked, each for a reason, unless they came into flight before that.
pub(super) async fn skip_locked(tx: &mut PgConnection, locked: Vec<(i64, String)>) -> Result<i64, StoreError> {
    if locked.is_empty() {
        return Ok(0);
    }
    let (ids, reasons): (Vec<i64>, Vec<String>) = locked.into_iter().unzip();
    let done = sqlx::query(concat!(
        "with left_out as (
             update blast_recipients r set status = 'skipped', standing = 'skipped', changed_at = now(), reason = x.why
               from unnest($1::bigint[], $2::text[]) as x (id, why)
              where r.id = x.id and ",
        not_in_flight!("r."),
        " returning r.id, r.blast_id, r.attempt, x.why)
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
         select blast_id, id, attempt, 'queued', 'skipped', 'engine', jsonb_build_object('why', why) from left_out"
    ))
    .bind(ids)
    .bind(reasons)
    .execute(tx)
    .await?;
    Ok(i64::try_from(done.rows_affected()).unwrap_or(i64::MAX))
}

//! Steps of a blast: follow-ups that make themselves. Whoever makes a draft of a step notes that in the step's row, in the draft's own
//! transaction, so that one time has one draft, whichever engines live.

mod emptied;
mod first;
mod row;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};

pub use self::emptied::emptied;
pub use self::first::{first_at, first_of};
pub use self::row::{StepKey, StepRow};
use super::StoreError;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::status::Status;
use crate::domain::step::{BETWEEN_DRAFTS, StepSince};

/// What is written of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepColumns {
    pub after: TimeDelta,
    pub since: StepSince,
    pub until: Option<Status>,
    /// `None`: `Follow-up` and its number, or the next number that no other follow-up of the blast has.
    pub stage: Option<String>,
    pub message: String,
    pub template: Option<Value>,
    pub first: Option<i32>,
    pub at_most: Option<i32>,
}

/// A draft that a step makes, noted in the transaction that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepNote {
    pub step: StepKey,
    /// When its newest draft was made as far as was seen before its people were read.
    pub seen: Option<DateTime<Utc>>,
    /// When the step was changed last, as far as was seen by then.
    pub due_from: DateTime<Utc>,
    pub now: DateTime<Utc>,
    /// Why the draft waits for somebody; `None`: it is sent by itself.
    pub waits: Option<String>,
}

macro_rules! steps {
    ($tail:literal) => {
        concat!(
            "select s.blast, s.number, s.after_seconds, s.since::text as since, s.until::text as until, s.stage, s.message, s.template,
                    s.first_people, s.at_most,
                    s.paused_at, s.last_made_at, s.next_look_at, coalesce(s.due_from, s.created_at) as due_from, s.lost_number
               from blast_steps s join blasts b on b.id = s.blast and b.deleted_at is null
              where s.removed_at is null and ",
            $tail
        )
    };
}

/// The steps of a blast, by their numbers.
pub async fn of_blast(executor: impl PgExecutor<'_>, blast: BlastId) -> Result<Vec<StepRow>, StoreError> {
    let steps = sqlx::query_as(steps!("s.blast = $1 order by s.number"));
    Ok(steps.bind(blast).fetch_all(executor).await?)
}

/// Up to which stage a step's people are followed up, where it is for a stage; also of one that was removed. `None`: there is no such step.
pub async fn until(pool: &PgPool, step: StepKey) -> Result<Option<Option<Status>>, StoreError> {
    let until = sqlx::query_scalar("select until::text from blast_steps where blast = $1 and number = $2");
    Ok(until.bind(step.blast).bind(step.number).fetch_optional(pool).await?)
}

/// One of them, under lock.
pub async fn lock(tx: &mut PgConnection, step: StepKey) -> Result<Option<StepRow>, StoreError> {
    let found = sqlx::query_as(steps!("s.blast = $1 and s.number = $2 for update of s"));
    Ok(found.bind(step.blast).bind(step.number).fetch_optional(tx).await?)
}

/// Steps of these senders whose next look has come, the longest ago first: of blasts that go on or are over, and where no draft of
/// theirs waits with somebody in it, and none was made within the last day.
pub async fn due(pool: &PgPool, senders: &[SenderId], now: DateTime<Utc>) -> Result<Vec<StepRow>, StoreError> {
    let senders: Vec<i64> = senders.iter().map(|sender| sender.0).collect();
    let due = sqlx::query_as(steps!(
        "s.paused_at is null and b.sender_id = any($1) and b.state in ('sending', 'completed') and b.repeat_rule is null
           and coalesce(s.next_look_at <= $2, true) and coalesce(s.last_made_at <= $3, true)
           and not exists (select from blasts d where d.follows_blast = s.blast and d.step_number = s.number
                              and d.state = 'draft' and d.deleted_at is null
                              and exists (select from blast_recipients r where r.blast_id = d.id and r.status = 'queued'))
         order by s.next_look_at nulls first, s.blast, s.number"
    ));
    Ok(due.bind(senders).bind(now).bind(now - BETWEEN_DRAFTS).fetch_all(pool).await?)
}

/// Whether any blast has a step.
pub async fn is_any(pool: &PgPool) -> Result<bool, StoreError> {
    let any =
        sqlx::query_scalar("select exists (select from blast_steps where removed_at is null and paused_at is null)");
    Ok(any.fetch_one(pool).await?)
}

/// Whether a step of somebody's is to come first within so long, or came within it: an engine stays up for it.
pub async fn is_near(pool: &PgPool, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let near = sqlx::query_scalar(
        "select exists (
            select from blast_steps s join blasts b on b.id = s.blast and b.deleted_at is null
             where s.removed_at is null and s.paused_at is null and b.state in ('sending', 'completed') and b.repeat_rule is null
               and (s.since is not null
                    and coalesce(b.completed_at, b.launched_at) + make_interval(secs => s.after_seconds) + interval '1 day' > $1
                    or s.since is null
                    and exists (select from waiting_carts w
                                 where w.blast_id = s.blast
                                   and w.since + make_interval(secs => s.after_seconds) + interval '1 day' > $1)))",
    );
    Ok(near.bind(now).fetch_one(pool).await?)
}

/// Says when it is looked again who is due.
pub async fn look_again(pool: &PgPool, step: StepKey, at: DateTime<Utc>) -> Result<(), StoreError> {
    let query = sqlx::query("update blast_steps set next_look_at = $3 where blast = $1 and number = $2");
    query.bind(step.blast).bind(step.number).bind(at).execute(pool).await?;
    Ok(())
}

/// Notes that a draft of a step went to nobody: it counts as not made, and who is due is looked for again at this time.
pub async fn forget_draft(
    pool: &PgPool,
    step: StepKey,
    (draft, look_at): (BlastId, DateTime<Utc>),
) -> Result<(), StoreError> {
    let query = sqlx::query(
        "update blast_steps s
            set last_made_at = (select max(d.created_at) from blasts d
                                 where d.follows_blast = s.blast and d.step_number = s.number and d.id <> $3
                                   and d.total_recipients > 0),
                next_look_at = $4
          where s.blast = $1 and s.number = $2",
    );
    query.bind(step.blast).bind(step.number).bind(draft).bind(look_at).execute(pool).await?;
    Ok(())
}

/// Notes that a step makes a draft. `false`: somebody was first, or the step or its blast was changed, paused, removed or ended meanwhile.
pub async fn note(tx: &mut PgConnection, note: &StepNote, draft: BlastId) -> Result<bool, StoreError> {
    let noted = sqlx::query(
        "update blast_steps s
            set last_made_at = $4, next_look_at = null
          where s.blast = $1 and s.number = $2 and s.last_made_at is not distinct from $3
            and coalesce(s.due_from, s.created_at) = $5 and s.removed_at is null and s.paused_at is null
            and exists (select from blasts b where b.id = s.blast and b.state in ('sending', 'completed') and b.deleted_at is null)",
    )
    .bind(note.step.blast)
    .bind(note.step.number)
    .bind(note.seen)
    .bind(note.now)
    .bind(note.due_from)
    .execute(&mut *tx)
    .await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("update blasts set step_number = $2, state_reason = $3, state_by = case when $3 is not null then 'engine' end where id = $1")
        .bind(draft)
        .bind(note.step.number)
        .bind(&note.waits)
        .execute(tx)
        .await?;
    Ok(true)
}

/// Drafts of these senders that are to be sent by themselves, and nobody has done anything to: whoever made them may have ended in
/// between. Not while the step or its blast is paused or over.
pub async fn unlaunched(pool: &PgPool, senders: &[SenderId]) -> Result<Vec<BlastId>, StoreError> {
    let senders: Vec<i64> = senders.iter().map(|sender| sender.0).collect();
    let found = sqlx::query_scalar(
        "select d.id from blasts d
           join blast_steps s on s.blast = d.follows_blast and s.number = d.step_number
           join blasts b on b.id = s.blast and b.state in ('sending', 'completed') and b.deleted_at is null
          where d.state = 'draft' and d.state_by is null and d.deleted_at is null and d.sender_id = any($1)
            and s.at_most is not null and s.paused_at is null and s.removed_at is null
          order by d.id",
    );
    Ok(found.bind(senders).fetch_all(pool).await?)
}

/// Has a draft wait for somebody, and says why. `false`: somebody was first.
pub async fn ask(tx: &mut PgConnection, draft: BlastId, reason: &str) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts set state_reason = $2, state_by = 'engine', version = version + 1, updated_at = now()
          where id = $1 and state = 'draft' and state_by is null",
    );
    Ok(done.bind(draft).bind(reason.replace('\0', "")).execute(tx).await?.rows_affected() == 1)
}

/// Whether somebody queued in a draft of a step had the step by another one. Nobody else launches one of the step until this
/// transaction ends.
pub async fn has_twice(tx: &mut PgConnection, step: StepKey, draft: BlastId) -> Result<bool, StoreError> {
    sqlx::query("select 1 from blast_steps where blast = $1 and number = $2 for update")
        .bind(step.blast)
        .bind(step.number)
        .execute(&mut *tx)
        .await?;
    let twice = sqlx::query_scalar(
        "select exists (
            select from blast_recipients r
              join blast_recipients o on person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> r.blast_id
                                     and o.status <> 'skipped'
              join blasts b on b.id = o.blast_id and b.follows_blast = $1 and b.step_number = $2 and b.state <> 'draft'
             where r.blast_id = $3 and r.status = 'queued')",
    );
    Ok(twice.bind(step.blast).bind(step.number).bind(draft).fetch_one(tx).await?)
}

/// Whether a draft of a step goes by itself: the step is there, not paused, asks nobody, and is the one that made it.
pub async fn sends_by_itself(tx: &mut PgConnection, step: StepKey, draft: BlastId) -> Result<bool, StoreError> {
    let sends = sqlx::query_scalar(
        "select exists (select from blast_steps s where blast = $1 and number = $2 and removed_at is null
                           and paused_at is null and at_most is not null
                           and not exists (select from blasts d where d.id = $3 and d.created_at < s.due_from))",
    );
    Ok(sends.bind(step.blast).bind(step.number).bind(draft).fetch_one(tx).await?)
}

/// Keeps who of these people had a step, or may have had it, by a deleted blast, before their rows in it go: until then these say so
/// themselves. What came of them is known: nobody of them is in flight. A draft that was never sent had nobody.
pub async fn keep_people(tx: &mut PgConnection, deleted: BlastId, people: &[i64]) -> Result<(), StoreError> {
    sqlx::query(
        "insert into blast_step_people (blast, number, recipient)
         select b.follows_blast, b.step_number, p.id
           from blasts b
           join blast_steps s on s.blast = b.follows_blast and s.number = b.step_number
           join blast_recipients r on r.blast_id = b.id and r.id = any($2) and r.status not in ('skipped', 'queued')
           join blast_recipients p on person_key(p.phone_number) = person_key(r.phone_number) and p.blast_id = b.follows_blast
          where b.id = $1 and b.launched_at is not null
             on conflict do nothing",
    )
    .bind(deleted)
    .bind(people)
    .execute(tx)
    .await?;
    Ok(())
}

/// The number that the next step of a blast gets: one that was removed keeps its own.
pub async fn next_number(pool: &PgPool, blast: BlastId) -> Result<i32, StoreError> {
    let next = sqlx::query_scalar("select coalesce(max(number), 0) + 1 from blast_steps where blast = $1");
    Ok(next.bind(blast).fetch_one(pool).await?)
}

/// Adds a step. Returns its number. By default its stage counts on from that of a blast which is a follow-up itself.
pub async fn add(tx: &mut PgConnection, blast: BlastId, new: StepColumns) -> Result<i32, StoreError> {
    let number = sqlx::query_scalar(
        "with recursive up as (
             select id, follows_blast, 0 as depth from blasts where id = $1
              union all
             select b.id, b.follows_blast, u.depth + 1 from up u join blasts b on b.id = u.follows_blast where u.depth < 100)
         insert into blast_steps (blast, number, after_seconds, since, until, stage, message, template, first_people, at_most)
         select $1, n.number, $2, $3::text::recipient_status, $4::text::recipient_status, coalesce($5, free.stage), $6, $7, $8, $9
           from (select coalesce(max(number), 0) + 1 as number from blast_steps where blast = $1) n
          cross join lateral (
                -- A name that no other follow-up of the blast has: there are no more of these than it has steps and follow-ups. The
                -- series is made as a whole, whatever is read of it.
                select 'Follow-up ' || k as stage
                  from (select n.number + (select max(depth) from up) as lowest,
                               (select count(*) from blast_steps where blast = $1)
                             + (select count(*) from blasts where follows_blast = $1) as taken) names
                 cross join generate_series(lowest, lowest + taken) k
                 where not exists (select from blast_steps s where s.blast = $1 and s.removed_at is null and s.stage = 'Follow-up ' || k)
                   and not exists (select from blasts f where f.follows_blast = $1 and f.deleted_at is null
                                                           and f.follow_up_stage = 'Follow-up ' || k)
                 order by k limit 1) free
         returning number",
    );
    let number =
        number.bind(blast).bind(new.after.num_seconds()).bind(new.since.stage()).bind(new.until).bind(new.stage);
    let number = number.bind(new.message).bind(new.template).bind(new.first).bind(new.at_most);
    Ok(number.fetch_one(tx).await?)
}

/// Changes a step: what it makes from now on. Other words are looked at by whoever writes them, whatever was taken out of those before.
pub async fn set(tx: &mut PgConnection, step: StepKey, to: StepColumns) -> Result<(), StoreError> {
    let query = sqlx::query(
        "update blast_steps
            set after_seconds = $3, since = $4::text::recipient_status, until = $5::text::recipient_status,
                stage = coalesce($6, stage), message = $7, template = $8, first_people = $9, at_most = $10,
                next_look_at = null, due_from = now(),
                lost_number = lost_number and message = $7 and template is not distinct from $8
          where blast = $1 and number = $2",
    );
    let query =
        query.bind(step.blast).bind(step.number).bind(to.after.num_seconds()).bind(to.since.stage()).bind(to.until);
    let query = query.bind(to.stage).bind(to.message).bind(to.template).bind(to.first).bind(to.at_most);
    query.execute(tx).await?;
    Ok(())
}

/// What may be done to a step at any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepChange {
    Pause,
    Resume,
    Remove,
}

/// Does it. Returns since when the step is paused: each pause has its own time, by which it is known.
pub async fn change(tx: &mut PgConnection, step: StepKey, to: StepChange) -> Result<Option<DateTime<Utc>>, StoreError> {
    let set = match to {
        StepChange::Pause => "paused_at = now()",
        StepChange::Resume => "paused_at = null, next_look_at = null, due_from = now()",
        StepChange::Remove => "removed_at = now()",
    };
    let sql = format!("update blast_steps set {set} where blast = $1 and number = $2 returning paused_at");
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(step.blast).bind(step.number);
    Ok(query.fetch_optional(tx).await?.flatten())
}

/// Notes that somebody lets a step send by itself as it is, though it lost the number of somebody who was forgotten.
pub async fn send_as_it_is(tx: &mut PgConnection, step: StepKey) -> Result<(), StoreError> {
    let query = sqlx::query("update blast_steps set lost_number = false where blast = $1 and number = $2");
    query.bind(step.blast).bind(step.number).execute(tx).await?;
    Ok(())
}

/// Gives a blast the steps of another one, as they are there.
pub async fn copy(tx: &mut PgConnection, from: BlastId, to: BlastId) -> Result<(), StoreError> {
    let query = sqlx::query(
        "insert into blast_steps (blast, number, after_seconds, since, until, stage, message, template, first_people, at_most, paused_at,
                                  lost_number)
         select $2, number, after_seconds, since, until, stage, message, template, first_people, at_most, paused_at, lost_number
           from blast_steps where blast = $1 and removed_at is null",
    );
    query.bind(from).bind(to).execute(tx).await?;
    Ok(())
}

/// A blast that a step made.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize, utoipa::ToSchema)]
pub struct StepBlast {
    /// The step that made it.
    #[schema(example = 1)]
    pub step: i32,
    #[schema(value_type = i64, example = 9)]
    pub blast: BlastId,
    pub state: BlastState,
    #[schema(example = 250)]
    pub people: i32,
    pub made_at: DateTime<Utc>,
    /// Why it waits for somebody.
    #[schema(example = json!(null))]
    pub reason: Option<String>,
    /// Nobody did anything to it since it was made: where its step sends by itself, it is sent next.
    #[serde(skip)]
    pub is_untouched: bool,
    /// Somebody in it could still be written to: of a draft, not all opted out since.
    #[serde(skip)]
    pub has_people_left: bool,
}

/// The blasts that the steps of a blast made, the newest first.
pub async fn blasts(pool: &PgPool, of: BlastId) -> Result<Vec<StepBlast>, StoreError> {
    let blasts = sqlx::query_as(
        "select step_number as step, id as blast, state::text as state, total_recipients as people, created_at as made_at, state_reason as reason,
                state_by is null as is_untouched,
                exists (select from blast_recipients r where r.blast_id = blasts.id and r.status = 'queued') as has_people_left
           from blasts where follows_blast = $1 and step_number is not null and deleted_at is null order by id desc",
    );
    Ok(blasts.bind(of).fetch_all(pool).await?)
}

/// The names and values of some of a blast's people.
pub async fn values(
    pool: &PgPool,
    blast: BlastId,
    limit: i64,
) -> Result<Vec<(Option<String>, Option<Value>)>, StoreError> {
    let values =
        sqlx::query_as("select name, variables from blast_recipients where blast_id = $1 order by id limit $2");
    Ok(values.bind(blast).bind(limit).fetch_all(pool).await?)
}

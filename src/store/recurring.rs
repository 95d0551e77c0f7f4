//! Blasts that repeat: their patterns, and a row for each time that has come. Whoever notes a time moves the pattern on in the same
//! statement's transaction, under the pattern's lock: no time is noted twice, whichever engines live.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use super::{StoreError, step};
use crate::domain::act::Actor;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::stored::stored_by_word;

/// What became of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OccurrenceOutcome {
    /// A blast was made of it.
    Made,
    /// It came while no engine ran, or while the blast of an earlier time waited for the opening at which its own would have gone.
    Missed,
    /// Somebody left it out.
    Skipped,
}

stored_by_word!(OccurrenceOutcome);

impl OccurrenceOutcome {
    const ALL: [Self; 3] = [Self::Made, Self::Missed, Self::Skipped];

    /// The word in SQL and JSON.
    const fn word(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Missed => "missed",
            Self::Skipped => "skipped",
        }
    }
}

/// A time of a pattern that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OccurrenceNote {
    pub pattern: BlastId,
    pub at: DateTime<Utc>,
    pub outcome: OccurrenceOutcome,
    /// The pattern's next time; `None`: this was the last.
    pub next: Option<DateTime<Utc>>,
}

/// A pattern whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct DuePattern {
    pub id: BlastId,
    pub at: DateTime<Utc>,
    /// That time has its row already: a hand, or a clock that was set right, gave the pattern a time of before.
    pub is_noted: bool,
}

/// Patterns of these senders whose time has come, or is noted already, the longest ago first.
pub async fn due(pool: &PgPool, senders: &[SenderId], now: DateTime<Utc>) -> Result<Vec<DuePattern>, StoreError> {
    let senders: Vec<i64> = senders.iter().map(|sender| sender.0).collect();
    let due = sqlx::query_as(
        "select id, at, is_noted
           from (select b.id, b.scheduled_for as at,
                        exists (select from blast_occurrences o where o.pattern = b.id and o.at = b.scheduled_for) as is_noted
                   from blasts b
                  where b.repeat_rule is not null and b.state = 'scheduled' and b.deleted_at is null
                    and b.sender_id = any($1)) p
          where at <= $2 or is_noted
          order by at, id",
    );
    Ok(due.bind(senders).bind(now).fetch_all(pool).await?)
}

/// The times of a pattern after a moment that somebody left out.
pub async fn skipped_after(
    pool: &PgPool,
    pattern: BlastId,
    after: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let skipped =
        sqlx::query_scalar("select at from blast_occurrences where pattern = $1 and at > $2 and outcome = 'skipped'");
    Ok(skipped.bind(pattern).bind(after).fetch_all(pool).await?)
}

/// The blasts of the newest times of a pattern before this one that went to somebody, or may yet, with their times: an opening of hours is
/// less than five weeks away.
pub async fn made_before(
    pool: &PgPool,
    pattern: BlastId,
    at: DateTime<Utc>,
) -> Result<Vec<(BlastId, DateTime<Utc>)>, StoreError> {
    let made = sqlx::query_as(
        "select b.id, o.at
           from blast_occurrences o join blasts b on b.id = o.blast
          where o.pattern = $1 and o.at < $2 and o.at > $2 - interval '5 weeks' and b.deleted_at is null
            and b.state not in ('cancelled', 'failed') and (b.state <> 'draft' or b.state_by is null)
            and exists (select from blast_recipients r where r.blast_id = b.id)
          order by o.at desc limit 20",
    );
    Ok(made.bind(pattern).bind(at).fetch_all(pool).await?)
}

/// When the next time of any pattern comes.
pub async fn next_due(pool: &PgPool) -> Result<Option<DateTime<Utc>>, StoreError> {
    let next = sqlx::query_scalar(
        "select min(scheduled_for) from blasts where repeat_rule is not null and state = 'scheduled' and deleted_at is null",
    );
    Ok(next.fetch_one(pool).await?)
}

/// Occurrences of these senders that were made and not launched yet, and that nobody has done anything to: whoever made them may have ended in
/// between. One whose start was taken back is a draft until somebody sends it.
pub async fn unlaunched(pool: &PgPool, senders: &[SenderId]) -> Result<Vec<BlastId>, StoreError> {
    let senders: Vec<i64> = senders.iter().map(|sender| sender.0).collect();
    let found = sqlx::query_scalar(
        "select id from blasts
          where pattern_blast is not null and state = 'draft' and state_by is null and occurrence_at is not null
            and deleted_at is null and sender_id = any($1)
          order by id",
    );
    Ok(found.bind(senders).fetch_all(pool).await?)
}

/// Notes a time, and moves its pattern on, by whoever has it so. `false`: somebody was first, the time is noted already, or the pattern was
/// paused, changed or ended meanwhile.
pub async fn note(tx: &mut PgConnection, note: OccurrenceNote, by: &str) -> Result<bool, StoreError> {
    let locked = sqlx::query(
        "select 1 from blasts
          where id = $1 and repeat_rule is not null and state = 'scheduled' and scheduled_for = $2 and deleted_at is null
            for update",
    )
    .bind(note.pattern)
    .bind(note.at)
    .execute(&mut *tx)
    .await?;
    if locked.rows_affected() == 0 {
        return Ok(false);
    }
    let noted =
        sqlx::query("insert into blast_occurrences (pattern, at, outcome) values ($1, $2, $3) on conflict do nothing")
            .bind(note.pattern)
            .bind(note.at)
            .bind(note.outcome)
            .execute(&mut *tx)
            .await?;
    if noted.rows_affected() == 0 {
        return Ok(false);
    }
    move_on(tx, (note, by), 1).await?;
    Ok(true)
}

/// Moves a pattern on that stands at a time which is noted already. `false`: it stands at another one by now.
pub async fn pass_noted(
    tx: &mut PgConnection,
    due: DuePattern,
    next: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    let noted = sqlx::query_scalar(
        "select o.outcome
           from blasts b join blast_occurrences o on o.pattern = b.id and o.at = b.scheduled_for
          where b.id = $1 and b.scheduled_for = $2 and b.repeat_rule is not null and b.state = 'scheduled' and b.deleted_at is null
            for update of b",
    );
    let noted = noted.bind(due.id).bind(due.at).fetch_optional(&mut *tx).await?;
    let Some(outcome) = noted else { return Ok(false) };
    let note = OccurrenceNote { pattern: due.id, at: due.at, outcome, next };
    move_on(tx, (note, Actor::ENGINE), 0).await?;
    Ok(true)
}

/// Why a pattern is over, by what became of its last time.
const fn last_words(outcome: OccurrenceOutcome) -> &'static str {
    match outcome {
        OccurrenceOutcome::Made => "it occurred for the last time",
        OccurrenceOutcome::Missed => "its last time was missed",
        OccurrenceOutcome::Skipped => "its last time was skipped",
    }
}

/// `seen`: how many of its times have come by that which had not been counted.
async fn move_on(tx: &mut PgConnection, (note, by): (OccurrenceNote, &str), seen: i32) -> Result<(), StoreError> {
    sqlx::query(
        "update blasts
            set scheduled_for = $2, send_after = $2, blast_date = coalesce($2, least(blast_date, now())),
                repeat_seen = coalesce(repeat_seen, 0) + $5, version = version + 1, updated_at = now(),
                state = (case when $2 is null then 'completed' else 'scheduled' end)::blast_state, state_by = $4,
                state_reason = case when $2 is null then $3 end,
                completed_at = case when $2 is null then now() end
          where id = $1",
    )
    .bind(note.pattern)
    .bind(note.next)
    .bind(last_words(note.outcome))
    .bind(by)
    .bind(seen)
    .execute(tx)
    .await?;
    Ok(())
}

/// Keeps with a pattern why no blast was made of the time that has come, until it moves on. `false`: that is known, or its time is another one
/// by now. Of engines that have different reasons one is kept for a minute.
pub async fn keep_failure(pool: &PgPool, id: BlastId, now: DateTime<Utc>, why: &str) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts set state_reason = $3, version = version + 1, updated_at = now()
          where id = $1 and repeat_rule is not null and state = 'scheduled' and scheduled_for <= $2 and deleted_at is null
            and state_reason is distinct from $3 and (state_reason is null or updated_at < now() - interval '1 minute')",
    )
    .bind(id)
    .bind(now)
    .bind(why.replace('\0', ""))
    .execute(pool)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Says of a blast which time of which pattern it is; what its pattern says beyond message, pace and people is its own as well.
pub async fn attach(tx: &mut PgConnection, note: OccurrenceNote, blast: BlastId) -> Result<(), StoreError> {
    sqlx::query(
        "update blasts n
            set pattern_blast = p.id, occurrence_at = $2, retry_next_day = p.retry_next_day, first_people = p.first_people,
                first_left = p.first_people, description = p.description, at_most = p.at_most, follows_blast = p.follows_blast,
                follow_up_stage = p.follow_up_stage, local_time = p.local_time, window_local = p.window_local,
                for_people = p.for_people
           from blasts p
          where p.id = $1 and n.id = $3",
    )
    .bind(note.pattern)
    .bind(note.at)
    .bind(blast)
    .execute(&mut *tx)
    .await?;
    sqlx::query("update blast_occurrences set blast = $3 where pattern = $1 and at = $2")
        .bind(note.pattern)
        .bind(note.at)
        .bind(blast)
        .execute(&mut *tx)
        .await?;
    step::copy(tx, note.pattern, blast).await
}

/// Has an occurrence that was not launched wait for an operator, and says why. `false`: somebody was first.
pub async fn ask(tx: &mut PgConnection, id: BlastId, reason: &str) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts
            set state = 'paused', state_reason = $2, state_by = 'engine', version = version + 1, updated_at = now()
          where id = $1 and state = 'draft'",
    )
    .bind(id)
    .bind(reason.replace('\0', ""))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An occurrence to nobody is over. `false`: somebody was first.
pub async fn end_empty(tx: &mut PgConnection, id: BlastId, reason: &str) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts
            set state = 'completed', state_reason = $2, state_by = 'engine', version = version + 1, updated_at = now(),
                completed_at = now()
          where id = $1 and state = 'draft'
            and not exists (select from blast_recipients where blast_id = $1)",
    )
    .bind(id)
    .bind(reason.replace('\0', ""))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets a pattern's next time before it is launched, and the largest number of people where none was given, or a larger one was confirmed
/// when it was resumed. `false`: somebody was first.
pub async fn arm(
    tx: &mut PgConnection,
    id: BlastId,
    (version, next): (i64, DateTime<Utc>),
    (people, is_confirmed): (i64, bool),
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "update blasts
            set scheduled_for = $3,
                at_most = greatest(coalesce(at_most, $4), case when $5 and state = 'paused' then $4 end)
          where id = $1 and version = $2 and repeat_rule is not null",
    )
    .bind(id)
    .bind(version)
    .bind(next)
    .bind(i32::try_from(people.max(1)).unwrap_or(i32::MAX))
    .bind(is_confirmed)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A pattern, with what became of its times so far.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PatternRow {
    pub id: BlastId,
    pub made: i64,
    pub missed: i64,
    pub skipped: i64,
    /// The newest that was missed.
    pub last_missed: Option<DateTime<Utc>>,
}

/// Every pattern, the newest first; for a caller that acts for one sender, that sender's.
pub async fn patterns(pool: &PgPool, sender: Option<SenderId>) -> Result<Vec<PatternRow>, StoreError> {
    let rows = sqlx::query_as(
        "select b.id, count(*) filter (where o.outcome = 'made') as made, count(*) filter (where o.outcome = 'missed') as missed,
                count(*) filter (where o.outcome = 'skipped') as skipped,
                max(o.at) filter (where o.outcome = 'missed') as last_missed
           from blasts b left join blast_occurrences o on o.pattern = b.id
          where b.repeat_rule is not null and b.deleted_at is null and ($1::bigint is null or b.sender_id = $1)
          group by b.id order by b.id desc",
    );
    Ok(rows.bind(sender).fetch_all(pool).await?)
}

/// A time of a pattern that has come.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize, utoipa::ToSchema)]
pub struct OccurrenceRow {
    pub at: DateTime<Utc>,
    pub outcome: OccurrenceOutcome,
    /// The blast that was made of it.
    #[schema(value_type = Option<i64>, example = 8)]
    pub blast: Option<BlastId>,
}

/// The newest times of a pattern, at most `limit`.
pub async fn occurrences(pool: &PgPool, pattern: BlastId, limit: i64) -> Result<Vec<OccurrenceRow>, StoreError> {
    let rows =
        sqlx::query_as("select at, outcome, blast from blast_occurrences where pattern = $1 order by at desc limit $2");
    Ok(rows.bind(pattern).bind(limit).fetch_all(pool).await?)
}

/// The people of a pattern that has a list, as they would be given for another blast.
pub async fn people(pool: &PgPool, pattern: BlastId) -> Result<Vec<PatternPerson>, StoreError> {
    let people = sqlx::query_as(
        "select phone_number, name, variables, external_id from blast_recipients
          where blast_id = $1 and status = 'queued' order by id",
    );
    Ok(people.bind(pattern).fetch_all(pool).await?)
}

/// Somebody whom every occurrence goes to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct PatternPerson {
    pub phone_number: String,
    pub name: Option<String>,
    pub variables: Option<serde_json::Value>,
    pub external_id: Option<String>,
}

//! Blasts with their counts. The counts are read in the statement of the row itself: one snapshot.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use sqlx::{FromRow, PgExecutor, PgPool};

use super::{BlastFilter, BlastRow, Total};
use crate::domain::act::Actor;
use crate::domain::blast::{BlastOrigin, BlastState, FirstPeople, RepeatColumns};
use crate::domain::funnel::Counts;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::{DueLater, LimitColumns};
use crate::domain::status::Status;
use crate::store::StoreError;
use crate::store::in_flight::not_in_flight;

#[derive(FromRow)]
struct BlastRecord {
    id: BlastId,
    blast_tag: String,
    follow_up_stage: String,
    state: BlastState,
    version: i64,
    sender_id: SenderId,
    sender: String,
    rehearsal: bool,
    total_recipients: i32,
    message: String,
    template: Option<serde_json::Value>,
    #[sqlx(flatten)]
    limits: LimitColumns,
    send_after: Option<DateTime<Utc>>,
    armed_at: Option<DateTime<Utc>>,
    scheduled_for: Option<DateTime<Utc>>,
    scheduled_local: Option<NaiveDateTime>,
    state_reason: Option<String>,
    state_by: Option<String>,
    blast_date: DateTime<Utc>,
    launched_at: Option<DateTime<Utc>>,
    completed_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    external_id: Option<String>,
    description: Option<String>,
    follows_blast: Option<BlastId>,
    unfinished: Option<String>,
    first_people: Option<i32>,
    first_left: Option<i32>,
    segment: Option<String>,
    repeat_rule: Option<String>,
    repeat_until: Option<DateTime<Utc>>,
    repeat_times: Option<i32>,
    repeat_seen: Option<i32>,
    at_most: Option<i32>,
    pattern_blast: Option<BlastId>,
    occurrence_at: Option<DateTime<Utc>>,
    local_time: Option<NaiveTime>,
    window_local: Option<bool>,
    retry_next_day: Option<bool>,
    step_number: Option<i32>,
    has_steps: bool,
    is_follow_up: bool,
    updated_at: DateTime<Utc>,
    next_due_at: Option<DateTime<Utc>>,
    next_due_reason: Option<String>,
    next_due_code: Option<String>,
    /// `None` where nobody's own clock decides anything.
    has_untried: Option<bool>,
    later_people: Option<i64>,
    later_first: Option<DateTime<Utc>>,
    later_last: Option<DateTime<Utc>>,
    unasked: i64,
    people: Option<Json<BTreeMap<String, i64>>>,
    amount: Option<Decimal>,
    held: i64,
    opted_out_later: i64,
}

/// The blasts that a condition lets through, each with its counts and who is due next; and how many were never asked about where
/// that is wanted: counting them costs more than all the rest.
macro_rules! blasts {
    ($unasked:literal, $tail:literal) => {
        concat!(
            "select b.state::text as state, b.id, b.blast_tag, b.follow_up_stage, b.version, b.sender_id, b.total_recipients,
                    b.message, b.template, b.send_after, b.armed_at, b.scheduled_for, b.scheduled_local, b.state_reason,
                    b.state_by, b.blast_date, b.launched_at, b.completed_at, b.created_at, b.external_id,
                    b.description, b.follows_blast, b.unfinished, b.first_people, b.first_left, b.segment,
                    b.repeat_rule, b.repeat_until, b.repeat_times, b.repeat_seen, b.at_most, b.pattern_blast,
                    b.occurrence_at, b.local_time, b.window_local, b.retry_next_day, b.step_number, b.updated_at, b.rate, b.gap,
                    b.send_window, b.weekdays, b.timezone,
                    s.name as sender, s.rehearsal, c.people, c.amount, coalesce(c.held, 0) as held, q.next_due_at, q.next_due_reason,
                    q.next_due_code,
                    case when b.local_time is not null or b.window_local
                         then exists (select from blast_recipients w
                                       where w.blast_id = b.id and w.status = 'queued' and w.tries = 0) end as has_untried,
                    d.later_people, d.later_first, d.later_last, coalesce(u.unasked, 0) as unasked, o.opted_out_later,
                    exists (select from blast_steps p where p.blast = b.id and p.removed_at is null) as has_steps,
                    b.follows_stage is not null or b.follows_blast is not null and b.segment is null as is_follow_up
               from blasts b
               join senders s on s.id = b.sender_id
               left join lateral (select jsonb_object_agg(status, people) as people, sum(amount) as amount, sum(held)::bigint as held
                                    from blast_status_counts where blast_id = b.id) c on true
               left join lateral (select next_attempt_at as next_due_at, reason as next_due_reason,
                                         case when tries > 0 then error_code end as next_due_code
                                    from blast_recipients r
                                   where blast_id = b.id and status = 'queued' and ",
            not_in_flight!("r."),
            " order by next_attempt_at limit 1) q on true
               left join lateral (select count(*) as later_people, min(at) as later_first, max(at) as later_last
                                    from (select next_attempt_at as at from blast_recipients
                                           where blast_id = b.id and status = 'queued' and next_attempt_at > now()
                                           order by next_attempt_at desc limit 10000) due) d on true
               left join lateral (select count(*) as opted_out_later from blast_recipients
                                   where blast_id = b.id and opted_out_at is not null and status <> 'opted_out') o on true
               left join lateral (
                    select count(*) as unasked from (
                        select from unnest(tstzmultirange(tstzrange(null, null))
                                           - coalesce((select asked from blast_polls where blast_id = b.id), '{}')) as gap
                         cross join lateral (
                               select from blast_recipients r
                                where r.blast_id = b.id and r.status = 'sent' and r.message_id is not null
                                  and r.changed_at >= coalesce(lower(gap), '-infinity')
                                  and r.changed_at <= coalesce(upper(gap), 'infinity') and gap @> r.changed_at
                                order by r.changed_at limit 50001) person
                         limit 50001) as unheard where ",
            $unasked,
            ") u on c.people ? 'sent' and s.provider <> 'meta'
              where b.deleted_at is null and ",
            $tail
        )
    };
}

/// What a list and its count ask alike: `$1` to `$11`, as [`bind_listed`] binds them. `$9` and `$10` are the states that match where
/// nobody was reached, and elsewhere; `$11` are the statuses of whoever was.
macro_rules! listed {
    () => {
        "($1::text is null or lower(b.blast_tag) = lower($1))
            and ($2::text is null or lower(b.follow_up_stage) = lower($2))
            and ($3::text is null or b.state = $3::blast_state)
            and ($4::timestamptz is null or b.blast_date >= $4)
            and ($5::timestamptz is null or b.blast_date < $5)
            and ($6::bigint is null or b.sender_id = $6)
            and ($7::text is null or b.external_id = $7)
            and ($8::boolean is null or (b.template is not null) = $8)
            and ($9::text[] is null
                 or b.state::text = any(case when (select coalesce(sum(f.people) filter (where f.status = 'failed'), 0) > 0
                                                     and coalesce(sum(f.people) filter (where f.status::text = any($11)), 0) = 0
                                                     from blast_status_counts f where f.blast_id = b.id)
                                             then $9 else $10::text[] end))"
    };
}

macro_rules! bind_listed {
    ($query:expr, $filter:expr) => {{
        let words = |nobody_reached: bool| {
            let states = $filter.campaign_state.map(|state| state.blast_states(nobody_reached));
            states.map(|states| states.into_iter().map(BlastState::word).collect::<Vec<_>>())
        };
        let reached = Status::ALL.into_iter().filter(|status| status.is_in_funnel()).map(Status::word);
        $query
            .bind($filter.tag.as_deref().map(str::trim))
            .bind($filter.follow_up_stage.as_deref().map(str::trim))
            .bind($filter.state)
            .bind($filter.from)
            .bind($filter.to)
            .bind($filter.sender)
            .bind($filter.external_id.as_deref())
            .bind($filter.is_template)
            .bind(words(true))
            .bind(words(false))
            .bind(reached.collect::<Vec<_>>())
    }};
}

/// An answer to somebody who wrote is listed only while it needs an operator.
macro_rules! needed {
    () => {
        " and (b.answer_until is null or b.state = 'paused' or c.people ? 'uncertain' and (c.people ->> 'uncertain')::bigint > 0)"
    };
}

/// Blasts that match, newest first. An answer to somebody who wrote is among them only while it needs an operator.
pub async fn list(pool: &PgPool, filter: &BlastFilter) -> Result<Vec<BlastRow>, StoreError> {
    const LIST: &str = concat!(
        blasts!("not $18", ""),
        listed!(),
        needed!(),
        "
            and (not $12 or b.state in ('scheduled', 'sending') and b.send_after > now())
            and (not $13 or b.answer_until is null)
            and ($14::timestamptz is null or (b.blast_date, b.id) < ($14, $15))
          order by b.blast_date desc, b.id desc
          limit $16 offset $17"
    );
    if filter.is_for_all() {
        return all(pool, filter).await;
    }
    let found: Vec<BlastRecord> = bind_listed!(sqlx::query_as(LIST), filter)
        .bind(filter.is_armed)
        .bind(filter.without_answers)
        .bind(filter.after.map(|after| after.blast_date))
        .bind(filter.after.map(|after| after.id))
        .bind(filter.limit.map(i64::from))
        .bind(i64::from(filter.offset))
        .bind(filter.without_unasked)
        .fetch_all(pool)
        .await?;
    Ok(found.into_iter().map(BlastRow::from).collect())
}

/// All of them from a place on. Without conditions that may be absent the statement is planned once: planning was nine tenths of what a
/// list cost the database.
async fn all(pool: &PgPool, filter: &BlastFilter) -> Result<Vec<BlastRow>, StoreError> {
    const ALL: &str = concat!(
        blasts!("false", "($1::timestamptz is null or (b.blast_date, b.id) < ($1, $2))"),
        needed!(),
        " order by b.blast_date desc, b.id desc limit $3"
    );
    let found: Vec<BlastRecord> = sqlx::query_as(ALL)
        .bind(filter.after.map(|after| after.blast_date))
        .bind(filter.after.map(|after| after.id))
        .bind(filter.limit.map(i64::from))
        .fetch_all(pool)
        .await?;
    Ok(found.into_iter().map(BlastRow::from).collect())
}

/// How many there would be in the whole list, without those that are not listed for being answers.
pub async fn count_listed(pool: &PgPool, filter: &BlastFilter) -> Result<i64, StoreError> {
    const COUNT: &str =
        concat!("select count(*) from blasts b where b.deleted_at is null and b.answer_until is null and ", listed!());
    Ok(bind_listed!(sqlx::query_scalar(COUNT), filter).fetch_one(pool).await?)
}

/// One blast, if there is one.
pub async fn get(executor: impl PgExecutor<'_>, id: BlastId) -> Result<Option<BlastRow>, StoreError> {
    let found = sqlx::query_as(blasts!("true", "b.id = $1")).bind(id).fetch_optional(executor);
    Ok(found.await?.map(|found: BlastRecord| BlastRow::from(found)))
}

/// The same without how many of its people were never asked about.
pub async fn get_without_unasked(pool: &PgPool, id: BlastId) -> Result<Option<BlastRow>, StoreError> {
    let found = sqlx::query_as(blasts!("false", "b.id = $1")).bind(id).fetch_optional(pool);
    Ok(found.await?.map(|found: BlastRecord| BlastRow::from(found)))
}

/// Whose a blast is, if there is one: all that some callers must know.
pub async fn sender(pool: &PgPool, id: BlastId) -> Result<Option<SenderId>, StoreError> {
    let sender = sqlx::query_scalar("select sender_id from blasts where id = $1 and deleted_at is null");
    Ok(sender.bind(id).fetch_optional(pool).await?)
}

impl BlastRecord {
    fn counts(&self) -> Counts {
        let (amount, held_by_meta) = (self.amount.unwrap_or_default(), self.held);
        let mut counts = Counts { held_by_meta, amount, ..Counts::default() };
        for (word, people) in self.people.iter().flat_map(|people| people.iter()) {
            if let Some(status) = Status::from_word(word) {
                counts.add(status, *people);
            }
        }
        counts
    }
}

impl From<BlastRecord> for BlastRow {
    fn from(found: BlastRecord) -> Self {
        Self {
            counts: found.counts(),
            opted_out_later: found.opted_out_later,
            id: found.id,
            tag: found.blast_tag,
            follow_up_stage: found.follow_up_stage,
            state: found.state,
            version: found.version,
            sender_id: found.sender_id,
            sender: found.sender,
            rehearsal: found.rehearsal,
            total_recipients: i64::from(found.total_recipients),
            message: found.message,
            template: found.template,
            limits: found.limits,
            send_after: found.send_after,
            armed_at: found.armed_at,
            scheduled_for: found.scheduled_for,
            scheduled_local: found.scheduled_local,
            // A cancelled blast's reason for those left out is its state's own word, and is not repeated.
            state_reason: found.state_reason.filter(|reason| reason != found.state.word()),
            state_by: found.state_by.map(Actor::from),
            blast_date: found.blast_date,
            launched_at: found.launched_at,
            completed_at: found.completed_at,
            created_at: found.created_at,
            external_id: found.external_id,
            description: found.description,
            follows: found.follows_blast,
            unfinished: found.unfinished,
            first: FirstPeople::of(found.first_people, found.first_left),
            origin: BlastOrigin {
                segment: found.segment,
                repeat: RepeatColumns {
                    rule: found.repeat_rule,
                    until: found.repeat_until,
                    times: found.repeat_times,
                    seen: found.repeat_seen.unwrap_or_default(),
                    at_most: found.at_most,
                },
                pattern: found.pattern_blast,
                occurrence_at: found.occurrence_at,
                local_time: found.local_time,
                window_local: found.window_local == Some(true),
                // Of a blast that is gone it is no step any more.
                step: found.step_number.filter(|_| found.follows_blast.is_some()),
                has_steps: found.has_steps,
                is_follow_up: found.is_follow_up,
            },
            retry_next_day: found.retry_next_day == Some(true),
            updated_at: found.updated_at,
            next_due_at: found.next_due_at,
            next_due_reason: found.next_due_reason,
            next_due_code: found.next_due_code,
            has_untried: found.has_untried == Some(true),
            due_later: due_later((found.later_people, found.later_first, found.later_last)),
            unasked: unasked(found.unasked),
        }
    }
}

fn due_later((people, first, last): (Option<i64>, Option<DateTime<Utc>>, Option<DateTime<Utc>>)) -> Option<DueLater> {
    let people = u64::try_from(people?).ok().filter(|people| *people > 0)?;
    Some(DueLater { people, first: first?, last: last? })
}

/// Counting stops here, so that nobody waits for a million when a blast was sent a moment ago.
pub const UNASKED_MAX: i64 = 50_000;

const fn unasked(found: i64) -> Total {
    if found > UNASKED_MAX { Total::AtLeast(UNASKED_MAX) } else { Total::Exactly(found) }
}

/// How many people are in each status, in one reading.
pub async fn counts(pool: &PgPool, id: BlastId) -> Result<Counts, StoreError> {
    let rows: Vec<(Status, i64, Decimal, i64)> =
        sqlx::query_as("select status::text, people, amount, held from blast_status_counts where blast_id = $1")
            .bind(id)
            .fetch_all(pool)
            .await?;
    let mut counts = Counts::default();
    for (status, people, amount, held) in rows {
        counts.add(status, people);
        counts.held_by_meta += held;
        counts.amount += amount;
    }
    Ok(counts)
}

pub async fn state(pool: &PgPool, id: BlastId) -> Result<Option<BlastState>, StoreError> {
    Ok(sqlx::query_scalar("select state::text from blasts where id = $1 and deleted_at is null")
        .bind(id)
        .fetch_optional(pool)
        .await?)
}

/// Whether a blast is an answer to somebody who wrote.
pub async fn is_answer(pool: &PgPool, id: BlastId) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar("select answer_until is not null from blasts where id = $1 and deleted_at is null");
    Ok(found.bind(id).fetch_optional(pool).await?.unwrap_or(false))
}

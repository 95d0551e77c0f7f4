//! Whom a filter over the people of earlier blasts finds, and who of them is left out.

mod by_hand;
mod cap;
pub(super) mod merged;
mod once;
mod only;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};

use self::by_hand::BY_HAND;
use super::condition;
use crate::domain::filter::segment::{Exclusion, Segment};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::retry::OPT_OUT_CODE;
use crate::domain::status::Status;
use crate::store::deleted_messages::followed_by_deleted;
use crate::store::in_flight::flights_of;
use crate::store::reply::wrote_undecided;
use crate::store::step::StepColumns;
use crate::store::{StoreError, settings};

pub use cap::{CapWindow, capped_of, is_capped, is_capped_meanwhile, is_near_step, leave_out_capped};
pub use only::{OnlyPeople, taken};

/// A segment, and by what people are left out of it.
#[derive(Debug, Clone, Copy)]
pub struct SegmentQuery<'a> {
    pub segment: &'a Segment,
    /// Whose opt-outs, sales and messages count.
    pub business: &'a str,
    /// Whoever had a message of another blast within it, or is about to get one, is left out.
    pub capped: Option<CapWindow>,
    /// Whoever is in a follow-up of this blast is left out.
    pub follows: Option<BlastId>,
    /// Of a follow-up that makes itself: whoever had the same step is left out, or its very message in a follow-up by hand, not whoever is
    /// in another follow-up.
    pub step: Option<&'a StepAudience>,
    /// Nobody else.
    pub only: Option<OnlyPeople<'a>>,
    /// A draft of the same segment: its own people are not counted as written to.
    pub draft: Option<BlastId>,
}

/// Which step of the blast that is followed, and the stage up to which its people are followed up: none of those with a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepAudience {
    pub number: i32,
    pub until: Option<Status>,
    pub now: DateTime<Utc>,
    /// The step as it would be, where nobody has written it yet; `None`: as it is kept.
    pub unwritten: Option<StepColumns>,
}

/// Somebody whom a segment finds, as they would be given for another blast.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SegmentPerson {
    pub id: RecipientId,
    pub phone: Phone,
    pub name: Option<String>,
    pub variables: Option<serde_json::Value>,
    pub external_id: Option<String>,
    #[sqlx(try_from = "Option<String>")]
    pub left_out: ExclusionColumn,
}

/// Why somebody is left out, as the statements spell it; nothing for most people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExclusionColumn(pub Option<Exclusion>);

impl TryFrom<Option<String>> for ExclusionColumn {
    type Error = String;

    fn try_from(word: Option<String>) -> Result<Self, String> {
        let Some(word) = word else { return Ok(Self(None)) };
        let reason = Exclusion::ALL.into_iter().find(|reason| reason.key() == word);
        reason.map(|reason| Self(Some(reason))).ok_or_else(|| format!("no such reason: {word}"))
    }
}

/// Those whom a segment finds, in the order of their rows, also those who are left out.
pub async fn people(pool: &PgPool, query: SegmentQuery<'_>) -> Result<Vec<SegmentPerson>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("");
    push_people(&mut sql, query);
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

/// Whether a segment finds somebody who is not left out of it.
pub async fn takes_anybody(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<bool, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select exists (select from (");
    push_people(&mut sql, query);
    sql.push(") found where left_out is null)");
    Ok(sql.build_query_scalar().fetch_one(tx).await?)
}

fn push_people(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>) {
    sql.push("select r.id, r.phone_number as phone, r.name, r.variables, r.external_id, case");
    // Of whoever was left out there by an opt-out the suppressions know whether it still holds. Any other code is of an earlier try.
    sql.push(" when r.opted_out_at is not null and (r.status <> 'opted_out' or r.error_code = ")
        .push_bind(OPT_OUT_CODE)
        .push(")");
    sql.push(" or exists (select from suppressions s where person_key(s.phone_number) = ");
    sql.push("person_key(r.phone_number) and s.business in (").push_bind(query.business.to_owned());
    sql.push(", '*'))");
    merged::push_opted_out(sql, query.business);
    sql.push(" then 'opted_out'");
    if !query.segment.asks_for_closed() {
        sql.push(" when r.status = 'closed'");
        if query.segment.asks_for_cart() {
            sql.push(" and r.closed_at >= ").push(bought_after(query.segment));
        }
        sql.push(" or o.closed");
        merged::push_bought(sql, query.business, bought_after(query.segment));
        sql.push(" then 'closed'");
    }
    if query.segment.asks_for_who_is_stuck() {
        let wrote = wrote_undecided!("r.phone_number", "coalesce(r.sent_at, r.changed_at)");
        sql.push(" when r.status <> 'replied' and ").push(wrote).push_bind(query.business).push(") then 'replied'");
    }
    if let Some(step) = query.step {
        if let Some(until) = step.until {
            sql.push(" when o.answered");
            merged::push_answered(sql, query, until);
            sql.push(" then '").push(reached(until).key()).push("'");
        }
        sql.push(" when ");
        once::push_had_by_deleted(sql, query.follows, step);
        by_hand::push_had_words(sql, (query.follows, step));
        sql.push(" then 'followed' when o.near");
        by_hand::push_near(sql, (query.follows, step));
        sql.push(" then 'near_step'");
    }
    if query.follows.is_some() {
        sql.push(" when o.followed");
        if query.step.is_none() {
            sql.push(" or exists (select from (select ").push_bind(query.follows).push("::bigint as id) f where ");
            sql.push(followed_by_deleted!("r", "f.id")).push(")");
        }
        sql.push(" then 'followed'");
    }
    if let Some(step) = query.step {
        sql.push(" when o.same_words");
        by_hand::push_had_words_of_deleted(sql, query.business, (query.follows, step));
        sql.push(" then 'same_words'");
    }
    sql.push(" when o.recent");
    cap::push_recent_of_deleted(sql, query);
    merged::push_recent(sql, query);
    sql.push(" then 'frequency_cap' end as left_out from (");
    push_found(sql, query);
    sql.push(") r cross join lateral (");
    push_elsewhere(sql, query);
    sql.push(") o order by r.id");
}

/// From when on a purchase leaves somebody out: since the message; where a cart is asked for, since they put it together.
fn bought_after(segment: &Segment) -> &'static str {
    if segment.asks_for_cart() {
        "(select max(c.created_at) from waiting_carts w join carts c on c.id = w.id where w.recipient_id = r.id)"
    } else {
        "coalesce(r.sent_at, r.changed_at)"
    }
}

/// What a person did and had in other blasts of the business; where no blast is named, also in the one that they were found by, which is
/// only their newest.
fn push_elsewhere(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>) {
    sql.push("select bool_or(o.closed_at >= ").push(bought_after(query.segment));
    sql.push(") as closed, bool_or(b.follows_blast = ");
    sql.push_bind(query.follows).push(" and o.status <> 'skipped'");
    let was_to_reach = " and o.status not in ('failed', 'opted_out')";
    if query.step.is_none() {
        sql.push(was_to_reach);
    }
    if let Some(step) = query.step {
        sql.push(" and (b.step_number = ").push_bind(step.number);
        sql.push(" or b.launched_at is not null").push(was_to_reach).push(" and ");
        by_hand::push_repeats(sql, (query.follows, step));
        sql.push(")) as followed, bool_or(");
        by_hand::push_same_words(sql, (query.follows, step));
        sql.push(") as same_words, bool_or(");
        push_answered(sql, query.follows, step.until);
    }
    sql.push(if query.step.is_some() { ") as answered, " } else { ") as followed, " });
    if let Some(step) = query.step {
        push_near_step(sql, query.follows, step);
        sql.push(", ");
    }
    match query.capped {
        None => _ = sql.push("false"),
        Some(cap) => {
            sql.push("bool_or(");
            cap::push_capped(sql, query, cap);
            sql.push(")");
        }
    }
    sql.push(" as recent from blast_recipients o join blasts b on b.id = o.blast_id and b.deleted_at is null");
    sql.push(" join senders s on s.id = b.sender_id and s.business = ").push_bind(query.business.to_owned());
    sql.push(" where person_key(o.phone_number) = person_key(r.phone_number)");
    if !query.segment.blasts.is_empty() {
        sql.push(" and o.blast_id <> r.blast_id");
    }
    sql.push(" and o.blast_id is distinct from ").push_bind(query.draft);
}

/// How many seconds lie between a step and the step that made the blast `b`: null where that is the same one, none, or counts from another
/// stage.
fn push_step_gap(sql: &mut QueryBuilder<Postgres>, follows: Option<BlastId>, step: &StepAudience) {
    sql.push("(select abs(own.after_seconds - other.after_seconds) from ");
    by_hand::push_own(sql, (follows, step));
    sql.push(
        " join blast_steps other on other.blast = own.blast and other.number <> own.number and other.since is not distinct from own.since",
    );
    sql.push(" where other.number = b.step_number and own.blast = ").push_bind(follows);
    sql.push(" and own.number = ").push_bind(step.number).push(")");
}

/// Whether a person has another step of the same blast before them, or had it a shorter time ago than lies between the two: steps that are late
/// keep their distance. Of those that count from the same stage. From a follow-up by hand a step keeps its own time.
fn push_near_step(sql: &mut QueryBuilder<Postgres>, follows: Option<BlastId>, step: &StepAudience) {
    sql.push("bool_or(b.follows_blast = ").push_bind(follows);
    sql.push(" and (o.status = 'queued' and (b.state in ('sending', 'paused') or exists (select from ");
    sql.push(flights_of!("o.")).push(")) and (").push(BY_HAND).push(" or ");
    push_step_gap(sql, follows, step);
    sql.push(" is not null) or o.status = 'queued' and b.step_number is null and b.state = 'scheduled'");
    sql.push(" and b.scheduled_for < ").push_bind(step.now).push(" + make_interval(secs => ");
    by_hand::push_wait(sql, (follows, step));
    sql.push(") or o.status not in ('queued', 'failed', 'skipped', 'opted_out')");
    sql.push(" and coalesce(o.sent_at, o.changed_at) > ").push_bind(step.now);
    sql.push(" - make_interval(secs => case when ").push(BY_HAND).push(" then ");
    by_hand::push_wait(sql, (follows, step));
    sql.push(" else ");
    push_step_gap(sql, follows, step);
    sql.push(" end))) as near");
}

/// Why somebody is left out who reached the stage in another blast.
const fn reached(until: Status) -> Exclusion {
    if matches!(until, Status::Replied) { Exclusion::Replied } else { Exclusion::Further }
}

/// Whether a person answered elsewhere since, as far as that is what a step waits for: replied to any message of the business, or
/// got as far in a follow-up of the same blast.
fn push_answered(sql: &mut QueryBuilder<Postgres>, follows: Option<BlastId>, until: Option<Status>) {
    let further: &[Status] = match until {
        Some(Status::Delivered) => &[Status::Delivered, Status::Read],
        Some(Status::Read) => &[Status::Read],
        Some(Status::Replied) => &[],
        // Who replied is asked for, or has a cart all the same, and who bought is left out anyway.
        _ => {
            sql.push("false");
            return;
        }
    };
    sql.push("o.replied_at >= coalesce(r.sent_at, r.changed_at) or b.follows_blast = ").push_bind(follows);
    sql.push(" and (o.status = 'replied' or o.status::text = any(");
    sql.push_bind(further.iter().map(|status| status.word()).collect::<Vec<_>>()).push("))");
}

/// The rows that the terms let through, one a person: the newest of the blasts that are named, or of all.
fn push_found(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>) {
    if let Some(list) = query.segment.list_itself() {
        push_list(sql, list);
        query.segment.filter.terms.iter().for_each(|term| condition::push(sql, term));
        only::push_only(sql, query.only.filter(|only| matches!(only, OnlyPeople::Phones(_))));
        return;
    }
    sql.push("select * from blast_recipients where ");
    push_blasts(sql, "blast_id", query);
    only::push_only(sql, query.only);
    for term in &query.segment.filter.terms {
        condition::push(sql, term);
    }
    if query.segment.blasts.len() != 1 {
        sql.push(" and not exists (select from blast_recipients n where ");
        push_blasts(sql, "n.blast_id", query);
        sql.push(" and person_key(n.phone_number) = person_key(blast_recipients.phone_number)");
        sql.push(" and n.id > blast_recipients.id)");
    }
    if query.segment.blasts.is_empty() {
        // Whoever has another number by now gets it there.
        sql.push(" and person_key(phone_number) not in (select person from customer_numbers)");
        merged::push_moved(sql, query);
    }
}

/// The people of a list as rows of a blast in which nothing happened yet, one a person, in the list's order. Whoever has another number by now
/// gets it there, by the name beside that number where the list has both. Their ids are nobody's: far below zero.
fn push_list(sql: &mut QueryBuilder<Postgres>, list: &str) {
    sql.push("select * from (select x.* from (select distinct on (person_key(m.phone_number)) m.* from (");
    sql.push("select p.id, coalesce(n.customer, p.phone_number) as phone_number, n.customer is not null as has_moved,");
    sql.push(" p.name, p.variables from saved_list_people p");
    sql.push(
        " join saved_lists l on l.id = p.list_id left join customer_numbers n on n.person = person_key(p.phone_number)",
    );
    sql.push(" where lower(l.name) = lower(").push_bind(list.to_owned()).push(")) m");
    sql.push(" order by person_key(m.phone_number), m.has_moved, m.id) p cross join lateral jsonb_populate_record(null::blast_recipients,");
    sql.push(" jsonb_build_object('id', p.id - 9000000000000000000, 'blast_id', 0, 'phone_number', p.phone_number,");
    sql.push(" 'name', p.name, 'variables', p.variables, 'status', 'queued', 'attempt', 0, 'changed_at', now())) x");
    sql.push(") blast_recipients where true");
}

/// The blasts that are named; where none is, those of the business that were launched. Of one that is deleted nobody, also while its rows
/// are still there.
fn push_blasts(sql: &mut QueryBuilder<Postgres>, column: &str, query: SegmentQuery<'_>) {
    if !query.segment.blasts.is_empty() {
        sql.push(format_args!("{column} = any(array(select id from blasts where id = any("));
        sql.push_bind(ids(query.segment)).push(") and deleted_at is null))");
        return;
    }
    sql.push(format_args!("exists (select from blasts b join senders s on s.id = b.sender_id where b.id = {column}"));
    sql.push(" and b.launched_at is not null and b.deleted_at is null and b.answer_until is null and s.business = ");
    sql.push_bind(query.business.to_owned()).push(")");
}

fn ids(segment: &Segment) -> Vec<i64> {
    segment.blasts.iter().map(|id| id.0).collect()
}

/// Who is in a draft, and not among these numbers.
pub async fn members_besides(pool: &PgPool, id: BlastId, phones: &[Phone]) -> Result<Vec<RecipientId>, StoreError> {
    let besides = sqlx::query_scalar("select id from blast_recipients where blast_id = $1 and phone_number <> all($2)");
    let phones: Vec<_> = phones.iter().map(Phone::as_str).collect();
    Ok(besides.bind(id).bind(phones).fetch_all(pool).await?)
}

/// Somebody who is in a draft, with what their message is made of.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SegmentMember {
    pub phone_number: String,
    pub name: Option<String>,
    pub variables: Option<serde_json::Value>,
    pub external_id: Option<String>,
}

/// Whoever is in a draft.
pub async fn members(pool: &PgPool, blast: BlastId) -> Result<Vec<SegmentMember>, StoreError> {
    let members =
        sqlx::query_as("select phone_number, name, variables, external_id from blast_recipients where blast_id = $1");
    Ok(members.bind(blast).fetch_all(pool).await?)
}

/// Those of these blasts that are of another business, or not there.
pub async fn strangers(pool: &PgPool, blasts: &[BlastId], business: &str) -> Result<Vec<BlastId>, StoreError> {
    let ids: Vec<i64> = blasts.iter().map(|id| id.0).collect();
    let strangers = sqlx::query_scalar(
        "select n.id from unnest($1::bigint[]) n (id)
          where not exists (select from blasts b join senders s on s.id = b.sender_id
                             where b.id = n.id and b.deleted_at is null and b.answer_until is null and s.business = $2)
          order by n.id",
    );
    Ok(strangers.bind(ids).bind(business).fetch_all(pool).await?)
}

/// How many of those whom a segment finds are left out for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct ExclusionCount {
    #[sqlx(try_from = "Option<String>")]
    pub left_out: ExclusionColumn,
    pub people: i64,
}

/// Those whom a segment finds, by the reason for which they are left out.
pub async fn counts(pool: &PgPool, query: SegmentQuery<'_>) -> Result<Vec<ExclusionCount>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select left_out, count(*) as people from (");
    push_people(&mut sql, query);
    sql.push(") found group by 1");
    let mut tx = settings::begin_hot_path(pool).await?;
    let counts = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(counts)
}

/// Somebody whom a segment finds, and who gets no message.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LeftOutPerson {
    pub phone: Phone,
    pub name: Option<String>,
    #[sqlx(try_from = "Option<String>")]
    pub left_out: ExclusionColumn,
}

/// The most people who are listed.
const LISTED: i64 = 500;

/// The first of those whom a segment finds and who are left out.
pub async fn left_out(pool: &PgPool, query: SegmentQuery<'_>) -> Result<Vec<LeftOutPerson>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select phone, name, left_out from (");
    push_people(&mut sql, query);
    sql.push(") found where left_out is not null order by id limit ").push_bind(LISTED);
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

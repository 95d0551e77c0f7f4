//! Whom a follow-up reaches, and what came of it.

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::{PgExecutor, PgPool, Postgres, QueryBuilder};

use super::condition;
use super::segment::merged;
use crate::domain::filter::{Sense, Term, Test};
use crate::domain::follow_up::LeftOut;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;
use crate::store::deleted_messages::followed_by_deleted;
use crate::store::reply::wrote_undecided;
use crate::store::{StoreError, settings};

/// Those who are stuck at a stage of a blast.
#[derive(Debug, Clone, Copy)]
pub struct StuckQuery<'a> {
    pub blast: BlastId,
    pub stage: Status,
    /// Whose opt-outs count.
    pub business: &'a str,
}

/// Somebody who is stuck, as they would be given for another blast.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StuckPerson {
    pub id: RecipientId,
    pub phone: Phone,
    pub name: Option<String>,
    pub variables: Option<serde_json::Value>,
    pub external_id: Option<String>,
    /// Since when they are there.
    pub since: DateTime<Utc>,
    /// Why no follow-up goes to them, whatever their age.
    #[sqlx(try_from = "Option<String>")]
    pub left_out: LeftOutColumn,
}

/// A reason as the statements spell it; none for most people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftOutColumn(pub Option<LeftOut>);

impl TryFrom<Option<String>> for LeftOutColumn {
    type Error = String;

    fn try_from(word: Option<String>) -> Result<Self, String> {
        let Some(word) = word else { return Ok(Self(None)) };
        let reason = LeftOut::ALL.into_iter().find(|reason| reason.key() == word);
        reason.map(|reason| Self(Some(reason))).ok_or_else(|| format!("no such reason: {word}"))
    }
}

/// How many people are equally old at a stage and left out for the same reason, and wrote something or not.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StuckCount {
    /// How many of the ages that were asked about they are past: 0 for none.
    pub past: i32,
    #[sqlx(try_from = "Option<String>")]
    pub left_out: LeftOutColumn,
    pub wrote: bool,
    pub people: i64,
}

/// Since when somebody is at their stage: by the stage's own time, as the screen shows it.
const SINCE: &str = "coalesce(case r.status when 'sent' then r.sent_at when 'delivered' then r.delivered_at
                                            when 'read' then r.read_timestamp when 'replied' then r.replied_at end, r.changed_at)";

/// Everybody who is stuck, by age and reason, in one pass over them: each is looked up in other blasts by their number.
pub async fn counts(
    pool: &PgPool,
    stuck: StuckQuery<'_>,
    now: DateTime<Utc>,
    ages: &[TimeDelta],
) -> Result<Vec<StuckCount>, StoreError> {
    let seconds: Vec<f64> = ages.iter().map(|age| age.as_seconds_f64()).collect();
    let mut sql = QueryBuilder::<Postgres>::new("select width_bucket(extract(epoch from ");
    sql.push_bind(now).push(" - since)::float8, ").push_bind(seconds).push("::float8[]) as past, left_out,");
    sql.push(" w.recipient_id is not null as wrote, count(*) as people from (");
    push_people(&mut sql, stuck, None);
    sql.push(") as stuck left join (select distinct recipient_id from replies where blast_id = ")
        .push_bind(stuck.blast);
    sql.push(") as w on w.recipient_id = stuck.id group by 1, 2, 3 order by 1, 2, 3");
    let mut tx = settings::begin_hot_path(pool).await?;
    let counts = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(counts)
}

/// Those who are stuck, in the order of the list: at most `limit` after `after`, also those who are left out.
pub async fn page(
    pool: &PgPool,
    stuck: StuckQuery<'_>,
    after: RecipientId,
    limit: i64,
) -> Result<Vec<StuckPerson>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("");
    push_people(&mut sql, stuck, Some((after, limit)));
    sql.push(" order by id");
    let mut tx = settings::begin_hot_path(pool).await?;
    let people = sql.build_query_as().fetch_all(&mut *tx).await?;
    tx.commit().await?;
    Ok(people)
}

fn push_people(sql: &mut QueryBuilder<Postgres>, stuck: StuckQuery<'_>, page: Option<(RecipientId, i64)>) {
    sql.push("select r.id, r.phone_number as phone, r.name, r.variables, r.external_id, ")
        .push(SINCE)
        .push(" as since, case ");
    sql.push(
        "when r.opted_out_at is not null or exists (select from suppressions s where person_key(s.phone_number) = ",
    );
    sql.push("person_key(r.phone_number) and s.business in (").push_bind(stuck.business.to_owned());
    sql.push(", '*'))");
    merged::push_opted_out(sql, stuck.business);
    sql.push(" then 'opted_out' when o.bought");
    merged::push_bought(sql, stuck.business, "coalesce(r.sent_at, r.changed_at)");
    sql.push(" then 'bought' when o.replied");
    if stuck.stage != Status::Replied {
        sql.push(" or ").push(wrote_undecided!("r.phone_number", "coalesce(r.sent_at, r.changed_at)"));
        sql.push_bind(stuck.business.to_owned()).push(")");
    }
    sql.push(" then 'replied' when o.followed or ");
    sql.push(followed_by_deleted!("r", "r.blast_id")).push(" then 'followed' end as left_out from (");
    push_stuck(sql, stuck, page);
    sql.push(
        ") r cross join lateral (select bool_or(o.closed_at >= coalesce(r.sent_at, r.changed_at) and s.business = ",
    );
    sql.push_bind(stuck.business.to_owned());
    sql.push(") as bought, bool_or(b.follows_blast = ").push_bind(stuck.blast);
    sql.push(" and o.status not in ('skipped', 'failed', 'opted_out')) as followed, bool_or(o.status = 'replied' and coalesce(o.replied_at, o.changed_at) >= ((");
    push_above(sql, stuck);
    sql.push(
        ") ->> o.blast_id::text)::timestamptz) as replied from blast_recipients o join blasts b on b.id = o.blast_id",
    );
    sql.push(" and b.deleted_at is null join senders s on s.id = b.sender_id");
    sql.push(" where person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> r.blast_id) o");
}

/// The blasts that a blast follows, and those that these follow, each with the time from which a reply there is news. Of those who are
/// stuck at a reply none is; where a filter named a follow-up's people, one since it was made is, since they may have replied before. As the
/// plan of a follow-up leaves them out ([`crate::store::answered`]).
fn push_above(sql: &mut QueryBuilder<Postgres>, stuck: StuckQuery<'_>) {
    sql.push(
        "with recursive above as (select follows_blast as id, 1 as depth,
                 case when follows_stage is null then created_at else '-infinity' end as since from blasts where id = ",
    )
    .push_bind(stuck.blast)
    .push(" and follows_blast is not null and follows_stage is distinct from 'replied' and ")
    .push_bind(stuck.stage != Status::Replied);
    sql.push(
        " union all select b.follows_blast, a.depth + 1,
                 greatest(a.since, case when b.follows_stage is null then b.created_at else '-infinity' end)
            from above a join blasts b on b.id = a.id
           where b.follows_blast is not null and b.follows_stage is distinct from 'replied' and a.depth < 100)
         select jsonb_object_agg(id, since) from above",
    );
}

fn push_stuck(sql: &mut QueryBuilder<Postgres>, stuck: StuckQuery<'_>, page: Option<(RecipientId, i64)>) {
    let word = stuck.stage.word();
    sql.push("select * from blast_recipients where blast_id = ").push_bind(stuck.blast);
    // A range of one, so that ordering by it is not redundant and the index is walked.
    sql.push(format_args!(" and status >= '{word}' and status <= '{word}'"));
    condition::push(sql, &Term { sense: Sense::Is, test: Test::Stuck(stuck.stage) });
    if let Some((after, limit)) = page {
        sql.push(" and id > ").push_bind(after).push(" order by status, id limit ").push_bind(limit);
    }
}

/// Whom a follow-up was made for, whose people stay those of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Followed {
    pub blast: BlastId,
    pub stage: Status,
    /// For how long at least.
    pub seconds: i64,
}

/// The same of this blast, where its people were chosen by the stage that they were stuck at.
pub async fn followed(pool: &PgPool, blast: BlastId) -> Result<Option<Followed>, StoreError> {
    let followed = sqlx::query_as(
        "select follows_blast as blast, follows_stage as stage, coalesce(follows_seconds, 0) as seconds from blasts
          where id = $1 and follows_blast is not null and follows_stage is not null and segment is null",
    );
    Ok(followed.bind(blast).fetch_optional(pool).await?)
}

/// When somebody last marked people of a blast as replied or closed by hand, and who.
pub async fn last_mark(pool: &PgPool, blast: BlastId) -> Result<Option<(DateTime<Utc>, String)>, StoreError> {
    let mark = sqlx::query_as(
        "select at, operator from operator_actions
          where blast_id = $1 and action in ('replied', 'closed', 'opt-out') and undone_at is null and detail -> 'order' is null
          order by id desc limit 1",
    );
    Ok(mark.bind(blast).fetch_optional(pool).await?)
}

/// The follow-ups of a blast, also drafts, by id.
pub async fn follow_ups_of(db: impl PgExecutor<'_>, blast: BlastId) -> Result<Vec<BlastId>, StoreError> {
    let made = sqlx::query_scalar("select id from blasts where follows_blast = $1 order by id");
    Ok(made.bind(blast).fetch_all(db).await?)
}

/// A blast, the one that it follows, and so on: those of its business that are still there, by id.
pub async fn with_followed(db: impl PgExecutor<'_>, blast: BlastId) -> Result<Vec<BlastId>, StoreError> {
    let chain = sqlx::query_scalar(
        "with recursive up as (
             select id, follows_blast, sender_id, deleted_at, 1 as depth from blasts where id = $1
              union all
             select b.id, b.follows_blast, b.sender_id, b.deleted_at, u.depth + 1
               from up u join blasts b on b.id = u.follows_blast where u.depth < 100)
         select up.id
           from up
           join senders s on s.id = up.sender_id
          where up.deleted_at is null
            and s.business = (select o.business from blasts b join senders o on o.id = b.sender_id where b.id = $1)
          order by up.id",
    );
    Ok(chain.bind(blast).fetch_all(db).await?)
}

/// The number of the next follow-up of the blast that a chain begins with: behind every one by which a follow-up of it, a draft too, or
/// what a step makes is named.
pub async fn next_number(pool: &PgPool, blast: BlastId) -> Result<i64, StoreError> {
    let next = sqlx::query_scalar(
        "with recursive up as (
             select id, follows_blast, 1 as depth from blasts where id = $1
              union all
             select b.id, b.follows_blast, u.depth + 1 from up u join blasts b on b.id = u.follows_blast where u.depth < 100),
         down as (
             select id, 1 as depth from up where follows_blast is null
              union all
             select b.id, d.depth + 1 from down d join blasts b on b.follows_blast = d.id
              where b.deleted_at is null and d.depth < 100),
         named as (
             select b.follow_up_stage as stage from down d join blasts b on b.id = d.id
              union all
             select s.stage from blast_steps s join down d on d.id = s.blast where s.removed_at is null)
         select coalesce(max(substr(stage, 11)::bigint), 0) + 1 from named where stage ~ '^Follow-up [0-9]{1,9}$'",
    );
    Ok(next.bind(blast).fetch_one(pool).await?)
}

/// Who came back only after a follow-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, sqlx::FromRow)]
pub struct FollowUpResponses {
    /// Replied to a follow-up, or bought, and had not done so before; each counts once.
    pub replied: i64,
    /// Bought after a follow-up and not here, whether they had replied before or not.
    pub closed: i64,
    /// What those paid.
    pub amount: Decimal,
}

/// Who came back after the follow-ups of a blast, and theirs. Walks whoever replied there, and looks each up here.
pub async fn came_back(pool: &PgPool, blast: BlastId) -> Result<FollowUpResponses, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let came_back = sqlx::query_as(
        "with recursive chain as (
             select id, 1 as depth from blasts where follows_blast = $1 and deleted_at is null
              union all
             select b.id, c.depth + 1 from chain c join blasts b on b.follows_blast = c.id
              where b.deleted_at is null and c.depth < 100),
         back as (
             select person_key(r.phone_number) as person, bool_or(r.status = 'closed') as closed, sum(r.amount) as amount
               from chain c
              cross join lateral (
                    (select phone_number, status, amount from blast_recipients where blast_id = c.id and status = 'replied')
                     union all
                    (select phone_number, status, amount from blast_recipients where blast_id = c.id and status = 'closed')) r
              group by 1)
         select count(*) filter (where here.status is null or here.status not in ('replied', 'closed')) as replied,
                count(*) filter (where back.closed and here.status is distinct from 'closed') as closed,
                coalesce(sum(back.amount) filter (where back.closed and here.status is distinct from 'closed'), 0) as amount
           from back
           left join lateral (select max(status) as status from blast_recipients h
                               where person_key(h.phone_number) = back.person and h.blast_id = $1) here on true",
    );
    let came_back = came_back.bind(blast).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(came_back)
}

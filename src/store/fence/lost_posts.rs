//! What a confirmation writes of the attempts that a machine remembers and the database has forgotten.

use std::ops::AddAssign;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};

use super::{PostedAttempt, PostedColumns};
use crate::domain::ids::{BlastId, RecipientId, SenderId};
use crate::store::StoreError;

/// Why somebody is uncertain whom the database lost sight of.
pub const POSTED_BEFORE: &str = "this machine posted to them before the database went back in time";

/// What came of a confirmation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// People queued whom this machine had posted to: they are uncertain now.
    pub uncertain: i64,
    /// Opt-outs that this machine had noted and the database had forgotten: they are noted again.
    pub opt_outs: i64,
    /// Opt-outs that this machine had noted and that cannot be read any more.
    pub unreadable_opt_outs: i64,
    /// Opt-outs of people who were forgotten, whom this machine does not recognize without their key.
    pub unrecognized: i64,
    /// People with attempts newer than anything the database has, who are not in it, nor queued again: it lost their blast.
    pub unknown: i64,
    /// Posts that this machine had noted and that cannot be read any more: whoever of them is queued gets the message again.
    pub unreadable_posts: i64,
    /// More may be lost, and nobody knows how many.
    pub has_unknown_gap: bool,
}

impl AddAssign for Confirmed {
    fn add_assign(&mut self, more: Self) {
        self.uncertain += more.uncertain;
        self.unknown += more.unknown;
        self.opt_outs += more.opt_outs;
        self.unreadable_opt_outs += more.unreadable_opt_outs;
        self.unrecognized += more.unrecognized;
        self.unreadable_posts += more.unreadable_posts;
        self.has_unknown_gap |= more.has_unknown_gap;
    }
}

/// When the newest attempt of a sender was claimed, as the database has it.
pub async fn newest_attempt(connection: &mut PgConnection, sender: SenderId) -> Result<DateTime<Utc>, StoreError> {
    // Of a blast that was deleted they are gone on purpose.
    let newest = sqlx::query_scalar(
        "select greatest((select max(claimed_at) from attempts where sender_id = $1),
                         (select max(at) from deleted_attempts where sender_id = $1), 'epoch')",
    );
    Ok(newest.bind(sender).fetch_one(connection).await?)
}

/// The attempts that a machine remembers, as a common table expression.
macro_rules! posted {
    () => {
        "posted as (
             select * from unnest($4::bigint[], $5::integer[], $6::bigint[], $7::text[], $8::timestamptz[], $9::bigint[],
                                  $10::bigint[])
                           as p (recipient, attempt, epoch, phone, claimed_at, blast, content))"
    };
}

/// Records attempts that the database has forgotten, and makes uncertain whoever of their people would get another message:
/// who is queued though no answer says what came of the attempt, and who had failed before a lost one in a blast that is open. Whoever opted out, or failed in a blast that is
/// over, stays so, and is not queued again by a retry or an undo. Where somebody is in flight by the same number, two posts may have been
/// made: by no answer to one of them the other is known not to have been accepted, so the attempt gets the lease of neither. `$lost` are common
/// table expressions, one of which names them: `lost (id, status, attempt, epoch, claimed_at)`, their rows
/// locked. `$unknown` counts whom the database does not have at all. `$1` is the sender, `$2` the reason.
macro_rules! restore_lost {
    ($($lost:expr),+; $unknown:literal) => {
        concat!(
            "with ",
            $($lost,)+
            ", tried as (
             insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
             select id, attempt, $1, 'unknown',
                    case when exists (select from in_flight f where f.recipient_id = lost.id and f.attempt = lost.attempt)
                         then -1 else max(epoch) end,
                    max(claimed_at)
               from lost group by id, attempt
             on conflict (recipient_id, attempt) do update
                set epoch = excluded.epoch, claimed_at = excluded.claimed_at where provider_message.epoch = 0),
         known as (
             update blast_recipients r
                set attempt = greatest(r.attempt, l.attempt, case when l.is_open then l.flying end),
                    status = case when l.is_open then 'uncertain' else r.status end,
                    standing = case when l.is_open then 'uncertain' else r.standing end,
                    claimed_at = case when l.is_open then l.claimed_at else r.claimed_at end,
                    changed_at = case when l.is_open then now() else r.changed_at end,
                    failed_at = case when l.is_open then null else r.failed_at end,
                    failed_attempt = case when l.is_open then null
                                          when l.status in ('failed', 'opted_out') and l.attempt > r.attempt then l.attempt
                                          else r.failed_attempt end,
                    -- What an earlier attempt was refused for says nothing of the lost one. 131050 is the opt-out itself.
                    error_code = case when l.status = 'opted_out' and l.attempt > r.attempt and r.error_code <> '131050' then null
                                      else r.error_code end,
                    reason = case when l.is_open then $2 else r.reason end
               from (select distinct on (lost.id) lost.*,
                            lost.status = 'queued'
                                and not exists (select from provider_message m
                                                 where m.recipient_id = lost.id and m.attempt = lost.attempt
                                                   and m.epoch = 0 and m.outcome <> 'unknown')
                                or lost.status = 'failed' and lost.attempt > p.attempt and p.state in ('sending', 'paused') as is_open,
                            (select f.attempt from in_flight f where f.recipient_id = lost.id) as flying
                       from lost
                       -- `offset 0` has each person looked up by key: where nothing was analyzed yet, a join reads their whole blast.
                      cross join lateral (select one.attempt, b.state
                                            from blast_recipients one join blasts b on b.id = one.blast_id
                                           where one.id = lost.id offset 0) p
                      order by lost.id, lost.attempt desc, lost.claimed_at desc) l
              where r.id = l.id
             returning r.id, r.blast_id, r.attempt, l.status as before, l.is_open),
         moved as (select * from known where is_open),
         landed as (
             select f.* from in_flight f join moved on f.recipient_id = moved.id),
         ended as (
             insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
             select recipient_id, attempt, sender_id, 'unknown', epoch, claimed_at from landed
              where not exists (select from lost l where l.id = landed.recipient_id and l.attempt = landed.attempt)
             on conflict (recipient_id, attempt) do nothing),
         logged as (
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
             select blast_id, id, attempt,
                    case when exists (select from in_flight f where f.recipient_id = moved.id) then 'sending' else before end,
                    'uncertain', 'engine', jsonb_build_object('why', $2)
               from moved)
         select (select count(*) from moved), ",
            $unknown
        )
    };
}

/// Whether a person's row `r`, of the blast `b`, is the one that `p` was posted to: a database that went back in time gives its ids again, to
/// rows that were made after the post. Of the phone 0 this machine forgot whose it was.
macro_rules! is_row_of_post {
    () => {
        "r.id = p.recipient and b.created_at <= p.claimed_at and (p.blast is null or b.id = p.blast)"
    };
}

/// Whether a blast `b`, with its `content`, brings the message that was posted as `p`: the same blast, or the same words. A later time of one that
/// repeats is another message, unless somebody made the pattern only after the post.
macro_rules! is_same_message {
    () => {
        "(p.content is null or p.blast = b.id and b.created_at <= p.claimed_at or p.content = b.content)
         and (b.occurrence_at is null or b.occurrence_at <= p.claimed_at or b.pattern_made_at > p.claimed_at)"
    };
}

/// When the pattern was made of which the blast `b` is one time.
macro_rules! pattern_made_at {
    () => {
        "(select made.created_at from blasts made where made.id = b.pattern_blast) as pattern_made_at"
    };
}

/// Whom the database knows by their row and of whom it has
/// forgotten an attempt. One that was made again under a later epoch counts as lost while it is the newest one. Locks their rows.
macro_rules! lost_by_id {
    () => {
        concat!(
            "select r.id, r.status, p.attempt, p.epoch, p.claimed_at, p.phone, p.blast, p.content
               from posted p
               join blast_recipients r on r.id = p.recipient and p.phone in (ltrim(r.phone_number, '+'), '0')
               join blasts b on b.id = r.blast_id
              where p.claimed_at > $3 and ",
            is_row_of_post!(),
            " and not exists (select 1 from attempts a
                             where a.recipient_id = p.recipient and a.attempt = p.attempt
                               and (a.epoch in (p.epoch, -1) or r.attempt > p.attempt)
                            offset 0)
              order by r.id
                for update of r"
        )
    };
}

/// Beginning of the common table expression that keeps posts for the time when the rows that they make uncertain are gone.
macro_rules! kept_posts {
    () => {
        "kept as (
             insert into lost_posts (sender_id, phone_number, blast, content, epoch, claimed_at, spent_on)"
    };
}

const LOCK_BY_ID: &str = concat!("with ", posted!(), lost_by_id!());

/// For those who are further, a late answer gives the outcome.
const BY_ID: &str = restore_lost!(
    posted!(), ", lost as (", lost_by_id!(), ") , ", kept_posts!(), " select $1, '+' || phone, blast, content, max(epoch), claimed_at, min(id)
               from lost where content is not null and phone <> '0'
              group by phone, blast, content, claimed_at
             on conflict do nothing)";
    "0::bigint"
);

/// By the numbers of people whose rows the database does not have: whoever is to get that message again. Another machine may have confirmed its
/// own posts before, so that the newest attempt is no limit: of a blast that was deleted it is known for 32 days what was posted.
const BY_NUMBER: &str = restore_lost!(
    posted!(),
    ", forgotten as (
             select p.*, person_key('+' || p.phone) as person
               from posted p
              where p.phone <> '0' and (p.claimed_at > $3 or p.claimed_at > now() - interval '32 days' and not exists (
                        select from deleted_attempts d
                         where d.sender_id = $1 and person_key(d.phone_number) = person_key('+' || p.phone)
                           and case when d.epoch is null then d.at between p.claimed_at and p.claimed_at + interval '10 minutes'
                                    else d.epoch in (p.epoch, -1) and d.claimed_at = p.claimed_at end))
                and not exists (select 1 from blast_recipients r join blasts b on b.id = r.blast_id
                                 where (p.phone = ltrim(r.phone_number, '+') or starts_with(r.phone_number, 'forgotten-'))
                                   and ",
    is_row_of_post!(),
    ")),
         unsent as materialized (
             select id, created_at, occurrence_at, ",
    pattern_made_at!(),
    ", content_key(message, template) as content
               from blasts b
              where sender_id = $1 and deleted_at is null and repeat_rule is null
                and state in ('draft', 'scheduled', 'sending', 'paused')),
         lost as (
             select r.id, r.status, r.attempt + 1 as attempt, p.epoch, p.claimed_at, p.person
               from forgotten p
               join blast_recipients r on person_key(r.phone_number) = p.person and r.status = 'queued'
               join unsent b on b.id = r.blast_id
              where ",
    is_same_message!(),
    " order by r.id
                for update of r),
         ",
    kept_posts!(),
    " select $1, '+' || p.phone, p.blast, p.content, max(p.epoch), p.claimed_at,
                    (select min(l.id) from lost l where l.person = p.person and l.claimed_at = p.claimed_at)
               from forgotten p
              where p.content is not null
              group by p.person, p.phone, p.blast, p.content, p.claimed_at
             on conflict do nothing)";
    "(select count(distinct person) from forgotten p where not exists (select from lost l where l.person = p.person))"
);

/// For how long a post that the database has forgotten speaks against the same words in a blast that somebody made. What an engine makes by itself
/// goes to a person once.
const KEPT_POST: &str = "7 days";

/// In the blast `$3`, whoever is queued to get what was posted to them before the database went back in time.
const IN_BLAST: &str = restore_lost!(
    "found as (
             select r.id, r.status, r.attempt + 1 as attempt, p.epoch, p.claimed_at, p.phone_number,
                    p.content = b.content as has_its_words
               from (select id, created_at, occurrence_at, ",
    pattern_made_at!(),
    ", step_number, content_key(message, template) as content
                       from blasts b where id = $3 and sender_id = $1 and repeat_rule is null) b
               join blast_recipients r on r.blast_id = b.id and r.status = 'queued'
               join lost_posts p on p.sender_id = $1 and person_key(p.phone_number) = person_key(r.phone_number)
              where (p.noted_at > now() - $4::interval or b.step_number is not null or b.occurrence_at is not null)
                and not exists (select from blast_recipients s where s.id = p.spent_on and s.status <> 'uncertain')
                -- Of a blast that brings other words than it posted each row is asked about once.
                and (p.content = b.content
                     or not exists (select from provider_message m
                                     where m.recipient_id = r.id and m.epoch = p.epoch and m.claimed_at = p.claimed_at)) and ",
    is_same_message!(),
    " order by r.id
                for update of r),
         -- One post each: the same words may have gone to somebody twice on purpose.
         lost as (select distinct on (id) * from found order by id, has_its_words desc, claimed_at),
         -- What will be decided about other words, of the blast that it was posted for, says nothing of the post.
         spent as (
             update lost_posts p set spent_on = l.id from lost l
              where p.sender_id = $1 and p.phone_number = l.phone_number and p.claimed_at = l.claimed_at and l.has_its_words
                and not exists (select from blast_recipients s where s.id = p.spent_on))";
    "0::bigint"
);

/// Whoever failed or was left out by their row, and stays so, had the message all the same, and so had whoever is in a blast that brings other
/// words by now: the post speaks against other rows, for what is decided about that one is not about it.
const NOT_DOUBTED: &str = "update lost_posts p set spent_on = null
   from blast_recipients s join blasts b on b.id = s.blast_id
  where p.sender_id = $1 and p.noted_at = now() and s.id = p.spent_on
    and (s.status in ('failed', 'opted_out', 'skipped') or p.content <> content_key(b.message, b.template))";

/// What is decided about people who are uncertain for a lost post, or were, is decided about the post, in whichever blast that was.
const DECIDED: &str = "update lost_posts p set spent_on = s.id
   from blast_recipients s join blasts b on b.id = s.blast_id join provider_message m on m.recipient_id = s.id
  where s.id = any($1) and s.status <> 'uncertain' and p.sender_id = b.sender_id
    and person_key(p.phone_number) = person_key(s.phone_number) and p.epoch = m.epoch and p.claimed_at = m.claimed_at
    and p.content = content_key(b.message, b.template)";

/// An operator has said what became of the messages of these people.
pub async fn decided(connection: &mut PgConnection, people: &[RecipientId]) -> Result<(), StoreError> {
    if people.is_empty() {
        return Ok(());
    }
    // As a rule nothing was ever lost.
    let is_any: bool = sqlx::query_scalar("select exists (select from lost_posts)").fetch_one(&mut *connection).await?;
    if is_any {
        sqlx::query(DECIDED).bind(people.iter().map(|id| id.0).collect::<Vec<_>>()).execute(connection).await?;
    }
    Ok(())
}

/// Makes uncertain whoever is queued in a blast to get a message that was posted to them before the database went back in time, as a machine
/// said when its sender was confirmed. Returns how many.
pub async fn mark_lost_posts_uncertain(connection: &mut PgConnection, blast: BlastId) -> Result<i64, StoreError> {
    let sender = sqlx::query_scalar::<_, SenderId>(
        "select sender_id from blasts b where id = $1 and exists (select from lost_posts p where p.sender_id = b.sender_id)",
    );
    let Some(sender) = sender.bind(blast).fetch_optional(&mut *connection).await? else { return Ok(0) };
    let doubt = sqlx::query(IN_BLAST).bind(sender).bind(POSTED_BEFORE).bind(blast).bind(KEPT_POST);
    Ok(restore(connection, doubt).await?.uncertain)
}

/// What is decided about a row that brings other words by now says nothing of the post.
const OTHER_WORDS: &str = "update lost_posts p set spent_on = null
   from blast_recipients s join blasts b on b.id = s.blast_id
  where s.id = p.spent_on and b.id = $1 and p.sender_id = b.sender_id and s.status in ('uncertain', 'queued')
    and p.content <> content_key(b.message, b.template)";

/// A draft has other words by now: what was decided, or will be, about its people says nothing of a post with the former ones.
/// Whoever had the new ones in the lost time becomes uncertain, as for a list.
pub async fn doubt_other_words(connection: &mut PgConnection, blast: BlastId) -> Result<i64, StoreError> {
    sqlx::query(OTHER_WORDS).bind(blast).execute(&mut *connection).await?;
    mark_lost_posts_uncertain(connection, blast).await
}

/// Records attempts that the database has forgotten, and makes uncertain whoever of them is queued; of the others it is
/// known by a late answer what came of them.
pub async fn restore_attempts(
    connection: &mut PgConnection,
    sender: SenderId,
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    // What another engine writes of an attempt while its person's row is waited for is seen by the next statement only.
    of_posted(LOCK_BY_ID, sender, DateTime::UNIX_EPOCH, posted).execute(&mut *connection).await?;
    let confirmed = restore(connection, of_posted(BY_ID, sender, DateTime::UNIX_EPOCH, posted)).await?;
    leave_undecided(connection, sender).await?;
    Ok(confirmed)
}

/// Makes uncertain whoever is queued to get what this machine posted to them after `since`, though the database does not have the row that it
/// was posted to: a list that was imported again after a restore has other ids.
pub async fn doubt_imported_again(
    connection: &mut PgConnection,
    (sender, since): (SenderId, DateTime<Utc>),
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    let confirmed = restore(connection, of_posted(BY_NUMBER, sender, since, posted)).await?;
    leave_undecided(connection, sender).await?;
    Ok(confirmed)
}

async fn leave_undecided(connection: &mut PgConnection, sender: SenderId) -> Result<(), StoreError> {
    sqlx::query(NOT_DOUBTED).bind(sender).execute(connection).await?;
    Ok(())
}

async fn restore(
    connection: &mut PgConnection,
    statement: Query<'_, Postgres, PgArguments>,
) -> Result<Confirmed, StoreError> {
    let counted = statement.fetch_one(connection).await?;
    Ok(Confirmed { uncertain: counted.try_get(0)?, unknown: counted.try_get(1)?, ..Confirmed::default() })
}

/// A statement over [`posted`], with all that any of them asks for.
fn of_posted<'q>(
    statement: &'static str,
    sender: SenderId,
    since: DateTime<Utc>,
    posted: &[PostedAttempt],
) -> Query<'q, Postgres, PgArguments> {
    let columns = PostedColumns::of(posted);
    sqlx::query(statement)
        .bind(sender)
        .bind(POSTED_BEFORE)
        .bind(since)
        .bind(columns.recipients)
        .bind(columns.attempts)
        .bind(columns.epochs)
        .bind(columns.phones)
        .bind(columns.claimed_at)
        .bind(columns.blasts)
        .bind(columns.contents)
}

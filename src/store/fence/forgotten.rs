//! What a confirmation writes of the attempts that a machine remembers and the database has forgotten.

use std::ops::AddAssign;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row};

use super::{PostedAttempt, PostedColumns};
use crate::domain::ids::SenderId;
use crate::store::StoreError;
use crate::store::in_flight::ends_flights;

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
    /// Attempts newer than anything the database has, whose people are not in it: it lost their blast.
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
    let newest = sqlx::query_scalar("select coalesce(max(claimed_at), 'epoch') from attempts where sender_id = $1");
    Ok(newest.bind(sender).fetch_one(connection).await?)
}

/// The attempts that a machine remembers, as a common table expression.
macro_rules! posted {
    () => {
        "with posted as (
             select * from unnest($2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::timestamptz[])
                           as p (recipient, attempt, epoch, phone, claimed_at))"
    };
}

/// Records attempts that the database has forgotten, and makes uncertain whoever of their people would get another message:
/// who is queued though no answer says what came of the attempt, and who had failed before a lost one in a blast that is open. Whoever opted out, or failed in a blast that is
/// over, stays so, and is not queued again by a retry or an undo. `$lost` are common
/// table expressions over `posted`, the last of which names them: `lost (id, status, attempt, epoch, claimed_at)`, their rows
/// locked. `$unknown` counts whom the database does not have at all.
macro_rules! restore_lost {
    ($($lost:expr),+; $unknown:literal) => {
        concat!(
            posted!(),
            ",",
            $($lost,)+
            ", tried as (
             insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
             select id, attempt, $1, 'unknown', max(epoch), max(claimed_at) from lost group by id, attempt
             on conflict (recipient_id, attempt) do update
                set epoch = excluded.epoch, claimed_at = excluded.claimed_at where provider_message.epoch = 0),
         known as (
             update blast_recipients r
                set attempt = greatest(r.attempt, l.attempt),
                    status = case when l.is_open then 'uncertain' else r.status end,
                    standing = case when l.is_open then 'uncertain' else r.standing end,
                    claimed_at = case when l.is_open then l.claimed_at else r.claimed_at end,
                    changed_at = case when l.is_open then now() else r.changed_at end,
                    failed_at = case when l.is_open then null else r.failed_at end,
                    failed_attempt = case when l.is_open then null
                                          when l.status in ('failed', 'opted_out') and l.attempt > r.attempt then l.attempt
                                          else r.failed_attempt end,
                    reason = case when l.is_open then $7 else r.reason end
               from (select distinct on (lost.id) lost.*,
                            lost.status = 'queued'
                                and not exists (select from provider_message m
                                                 where m.recipient_id = lost.id and m.attempt = lost.attempt
                                                   and m.epoch = 0 and m.outcome <> 'unknown')
                                or lost.status = 'failed' and lost.attempt > p.attempt and p.state in ('sending', 'paused') as is_open
                       from lost
                       -- `offset 0` has each person looked up by key: where nothing was analyzed yet, a join reads their whole blast.
                      cross join lateral (select one.attempt, b.state
                                            from blast_recipients one join blasts b on b.id = one.blast_id
                                           where one.id = lost.id offset 0) p
                      order by lost.id, lost.attempt desc) l
              where r.id = l.id
             returning r.id, r.blast_id, r.attempt, l.status as before, l.is_open),
         moved as (select * from known where is_open),
         landed as (
             delete from in_flight f using moved where f.recipient_id = moved.id and ",
            ends_flights!(),
            " returning f.recipient_id, f.attempt, f.sender_id, f.epoch, f.claimed_at),
         ended as (
             insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
             select recipient_id, attempt, sender_id, 'unknown', epoch, claimed_at from landed
             on conflict (recipient_id, attempt) do nothing),
         logged as (
             insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
             select blast_id, id, attempt,
                    case when exists (select from in_flight f where f.recipient_id = moved.id) then 'sending' else before end,
                    'uncertain', 'engine', jsonb_build_object('why', $7)
               from moved)
         select (select count(*) from moved), ",
            $unknown
        )
    };
}

/// Whom the database knows by their id (and by that alone where the phone is 0: this machine forgot whose it was) and of whom it has
/// forgotten an attempt. One that was made again under a later epoch counts as lost while it is the newest one. Locks their rows.
macro_rules! lost_by_id {
    () => {
        "select r.id, r.status, p.attempt, p.epoch, p.claimed_at
           from posted p join blast_recipients r on r.id = p.recipient and p.phone in (ltrim(r.phone_number, '+'), '0')
          where p.claimed_at > $8
            and not exists (select 1 from attempts a
                             where a.recipient_id = p.recipient and a.attempt = p.attempt
                               and (a.epoch in (p.epoch, -1) or r.attempt > p.attempt)
                            offset 0)
          order by r.id
            for update of r"
    };
}

const LOCK_BY_ID: &str = concat!(posted!(), lost_by_id!());

/// For those who are further, a late answer gives the outcome.
const BY_ID: &str = restore_lost!(" lost as (", lost_by_id!(), ")"; "0::bigint");

/// By the numbers of people whose ids the database does not have: a list that was imported again after a restore has others.
const BY_NUMBER: &str = restore_lost!(
    " forgotten as (
             select person_key('+' || p.phone) as person, max(p.epoch) as epoch, max(p.claimed_at) as claimed_at
               from posted p
              where p.claimed_at > $8
                and not exists (select 1 from blast_recipients r
                                 where r.id = p.recipient
                                    and (p.phone in (ltrim(r.phone_number, '+'), '0') or starts_with(r.phone_number, 'forgotten-')))
              group by 1),
         lost as (
             select r.id, r.status, r.attempt + 1 as attempt, f.epoch, f.claimed_at
               from forgotten f
               join blast_recipients r on person_key(r.phone_number) = f.person and r.status = 'queued'
               join blasts b on b.id = r.blast_id and b.sender_id = $1
              order by r.id
                for update of r)";
    "(select count(*) from forgotten)"
);

/// Records attempts that the database has forgotten, and makes uncertain whoever of them is queued; of the others it is
/// known by a late answer what came of them.
pub async fn restore_attempts(
    connection: &mut PgConnection,
    sender: SenderId,
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    // What another engine writes of an attempt while its person's row is waited for is seen by the next statement only.
    of_posted(LOCK_BY_ID, sender, DateTime::UNIX_EPOCH, posted).execute(&mut *connection).await?;
    restore(connection, of_posted(BY_ID, sender, DateTime::UNIX_EPOCH, posted)).await
}

/// Makes uncertain whoever is queued with the number of somebody whom this machine posted to after `since` and whom the
/// database does not have: a list that was imported again after a restore has other ids.
pub async fn doubt_imported_again(
    connection: &mut PgConnection,
    (sender, since): (SenderId, DateTime<Utc>),
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    restore(connection, of_posted(BY_NUMBER, sender, since, posted)).await
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
        .bind(columns.recipients)
        .bind(columns.attempts)
        .bind(columns.epochs)
        .bind(columns.phones)
        .bind(columns.claimed_at)
        .bind(POSTED_BEFORE)
        .bind(since)
}

//! The facts that a restored, copied or failed-over database gives itself away by, and what a confirmation writes.

use std::ops::AddAssign;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use super::in_flight::ends_flights;
use super::{StoreError, lease};
use crate::domain::ids::{RecipientId, SenderId};

/// A database as its server describes it. Each part changes with one way of becoming another: a dump restored elsewhere
/// has another system identifier or oid, a promoted replica or a recovery to an earlier point another timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct DatabaseIdentity {
    pub system_identifier: String,
    pub database_oid: i64,
    pub timeline: i64,
}

/// A running server. Within one start neither its system identifier nor, for a session that may write, its timeline
/// changes, so that its identity is read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// `pg_postmaster_start_time()`.
    pub started_at: DateTime<Utc>,
    pub likeness: DatabaseIdentity,
}

/// One attempt that this machine posted, as its own record has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostedAttempt {
    pub recipient: RecipientId,
    pub attempt: i32,
    pub epoch: i64,
    pub claimed_at: DateTime<Utc>,
    /// The number's digits: ids come again when a sequence goes back in time, and must not then name somebody else.
    pub phone: u64,
}

/// What the database itself says of a sender, read in the transaction that depends on it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SenderFacts {
    /// When the server that answers was started.
    pub server_started_at: DateTime<Utc>,
    /// The server that this sender last sent from.
    #[sqlx(json(nullable))]
    pub sent_from: Option<DatabaseIdentity>,
    /// Something was sent for this sender.
    pub has_sent: bool,
    pub epoch: i64,
    pub renewals: i64,
    /// The highest id that a recipient was ever given.
    pub newest_recipient: i64,
}

/// The database's own random id: the same under whatever address it is reached.
pub async fn database_id(connection: &mut PgConnection) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar("select id::text from database_id").fetch_one(connection).await?)
}

/// The server that answers. Where a host refuses the control functions, the oid and the start time alone speak.
pub async fn server(pool: &PgPool) -> Result<Server, StoreError> {
    let (started_at, database_oid): (DateTime<Utc>, i64) = sqlx::query_as(
        "select pg_postmaster_start_time(), oid::bigint from pg_database where datname = current_database()",
    )
    .fetch_one(pool)
    .await?;
    let system: Option<String> =
        permitted(sqlx::query_scalar("select system_identifier::text from pg_control_system()").fetch_one(pool).await)?;
    // The control file shows a promotion only after the next checkpoint; the name of the current WAL file at once.
    let timeline: Option<i64> = permitted(
        sqlx::query_scalar("select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint")
            .fetch_one(pool)
            .await,
    )?;
    let likeness = DatabaseIdentity {
        system_identifier: system.unwrap_or_default(),
        database_oid,
        timeline: timeline.unwrap_or(0),
    };
    Ok(Server { started_at, likeness })
}

/// `None`: the host refuses the function (42501), does not have it (42883, 0A000), or is a replica (55000).
fn permitted<T>(answer: Result<T, sqlx::Error>) -> Result<Option<T>, StoreError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(sqlx::Error::Database(refusal))
            if matches!(refusal.code().as_deref(), Some("42501" | "42883" | "0A000" | "55000")) =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// What the database says of a sender.
pub async fn facts(connection: &mut PgConnection, sender: SenderId) -> Result<SenderFacts, StoreError> {
    let facts = sqlx::query_as(
        "select pg_postmaster_start_time() as server_started_at, s.sent_from,
                exists (select 1 from attempts where sender_id = s.id)
                    or exists (select 1 from deleted_attempts where sender_id = s.id) as has_sent,
                coalesce(l.epoch, 0) as epoch, coalesce(l.renewals, 0) as renewals,
                (select case when is_called then last_value else 0 end from blast_recipients_id_seq) as newest_recipient
           from senders s left join sender_leases l on l.sender_id = s.id
          where s.id = $1",
    )
    .bind(sender)
    .fetch_one(connection)
    .await?;
    Ok(facts)
}

/// Fails where the transaction's connection is gone.
pub async fn is_alive(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("select 1").execute(connection).await?;
    Ok(())
}

/// How many of these attempts the database does not have, although it has their people. An id that is somebody else's now was
/// given a second time, which only a database that went back in time does. Of an attempt that an engine of an earlier version had in
/// flight while the database was upgraded, the lease is not known (-1).
pub async fn missing(connection: &mut PgConnection, posted: &[PostedAttempt]) -> Result<i64, StoreError> {
    if posted.is_empty() {
        return Ok(0);
    }
    let columns = PostedColumns::of(posted);
    let missing = sqlx::query_scalar(
        "select count(*)
           from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[]) as p (recipient, attempt, epoch, phone)
           join blast_recipients r on r.id = p.recipient
           left join attempts a on a.recipient_id = p.recipient and a.attempt = p.attempt and a.epoch in (p.epoch, -1)
          where a.recipient_id is null
             or (p.phone not in (ltrim(r.phone_number, '+'), '0') and not starts_with(r.phone_number, 'forgotten-'))",
    )
    .bind(columns.recipients)
    .bind(columns.attempts)
    .bind(columns.epochs)
    .bind(columns.phones)
    .fetch_one(connection)
    .await?;
    Ok(missing)
}

/// Records the server that a sender sends from.
pub async fn record_identity(
    connection: &mut PgConnection,
    sender: SenderId,
    likeness: &DatabaseIdentity,
) -> Result<(), StoreError> {
    sqlx::query("update senders set sent_from = $2 where id = $1")
        .bind(sender)
        .bind(Json(likeness))
        .execute(connection)
        .await?;
    Ok(())
}

/// Locks a sender's lease against claims and takeovers, and raises its counters to what a machine remembers: epochs of
/// the time that was lost are never given out again.
pub async fn raise(
    connection: &mut PgConnection,
    sender: SenderId,
    (epoch, renewals): (i64, i64),
) -> Result<(), StoreError> {
    sqlx::query("insert into sender_leases (sender_id) values ($1) on conflict do nothing")
        .bind(sender)
        .execute(&mut *connection)
        .await?;
    lease::lock(connection, sender).await?;
    sqlx::query(
        "update sender_leases set epoch = greatest(epoch, $2), renewals = greatest(renewals, $3) where sender_id = $1",
    )
    .bind(sender)
    .bind(epoch)
    .bind(renewals)
    .execute(connection)
    .await?;
    Ok(())
}

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
        self.unreadable_posts += more.unreadable_posts;
        self.has_unknown_gap |= more.has_unknown_gap;
    }
}

/// When the newest attempt of a sender was claimed, as the database has it.
pub async fn newest_attempt(connection: &mut PgConnection, sender: SenderId) -> Result<DateTime<Utc>, StoreError> {
    let newest = sqlx::query_scalar("select coalesce(max(claimed_at), 'epoch') from attempts where sender_id = $1");
    Ok(newest.bind(sender).fetch_one(connection).await?)
}

/// Records attempts that the database has forgotten, and makes uncertain whoever of their people would get another message:
/// who is queued, and who had failed before a lost attempt in a blast that is open. Whoever opted out, or failed in a blast that is
/// over, stays so, and is not queued again by a retry or an undo. `$lost` are common
/// table expressions over `posted`, the last of which names them: `lost (id, status, attempt, epoch, claimed_at)`, their rows
/// locked. `$unknown` counts whom the database does not have at all.
macro_rules! restore_lost {
    ($lost:literal, $unknown:literal) => {
        concat!(
            "with posted as (
             select * from unnest($2::bigint[], $3::integer[], $4::bigint[], $5::text[], $6::timestamptz[])
                           as p (recipient, attempt, epoch, phone, claimed_at)),",
            $lost,
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
                                or lost.status = 'failed' and lost.attempt > p.attempt and b.state in ('sending', 'paused') as is_open
                       from lost join blast_recipients p on p.id = lost.id join blasts b on b.id = p.blast_id
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

/// By the ids that the database knows (and that alone where the phone is 0: this machine forgot whose it was): of those who are further a late answer tells the outcome. An attempt that was made
/// again under a later epoch counts as lost while it is the newest one.
const BY_ID: &str = restore_lost!(
    " lost as (
             select r.id, r.status, p.attempt, p.epoch, p.claimed_at
               from posted p join blast_recipients r on r.id = p.recipient and p.phone in (ltrim(r.phone_number, '+'), '0')
              where p.claimed_at > $8
                and not exists (select 1 from attempts a
                                 where a.recipient_id = p.recipient and a.attempt = p.attempt
                                   and (a.epoch in (p.epoch, -1) or r.attempt > p.attempt))
              order by r.id
                for update of r)",
    "0::bigint"
);

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
                for update of r)",
    "(select count(*) from forgotten)"
);

/// Records attempts that the database has forgotten, and makes uncertain whoever of them is queued; of the others it is
/// known by a late answer what came of them.
pub async fn restore_attempts(
    connection: &mut PgConnection,
    sender: SenderId,
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    restore(connection, BY_ID, (sender, DateTime::UNIX_EPOCH), posted).await
}

/// Makes uncertain whoever is queued with the number of somebody whom this machine posted to after `since` and whom the
/// database does not have: a list that was imported again after a restore has other ids.
pub async fn doubt_imported_again(
    connection: &mut PgConnection,
    (sender, since): (SenderId, DateTime<Utc>),
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    restore(connection, BY_NUMBER, (sender, since), posted).await
}

async fn restore(
    connection: &mut PgConnection,
    statement: &'static str,
    (sender, since): (SenderId, DateTime<Utc>),
    posted: &[PostedAttempt],
) -> Result<Confirmed, StoreError> {
    let columns = PostedColumns::of(posted);
    let (uncertain, unknown) = sqlx::query_as(statement)
        .bind(sender)
        .bind(columns.recipients)
        .bind(columns.attempts)
        .bind(columns.epochs)
        .bind(columns.phones)
        .bind(columns.claimed_at)
        .bind(POSTED_BEFORE)
        .bind(since)
        .fetch_one(connection)
        .await?;
    Ok(Confirmed { uncertain, unknown, ..Confirmed::default() })
}

/// Attempts column by column, as `unnest` takes them.
struct PostedColumns {
    recipients: Vec<i64>,
    attempts: Vec<i32>,
    epochs: Vec<i64>,
    phones: Vec<String>,
    claimed_at: Vec<DateTime<Utc>>,
}

impl PostedColumns {
    fn of(posted: &[PostedAttempt]) -> Self {
        Self {
            recipients: posted.iter().map(|one| one.recipient.0).collect(),
            attempts: posted.iter().map(|one| one.attempt).collect(),
            epochs: posted.iter().map(|one| one.epoch).collect(),
            phones: posted.iter().map(|one| one.phone.to_string()).collect(),
            claimed_at: posted.iter().map(|one| one.claimed_at).collect(),
        }
    }
}

/// How a server's changes get to its replicas: what a failover may lose.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Replication {
    /// Replicas that are connected now. Some hosts show none of theirs.
    pub replicas: i64,
    /// A commit waits for at least one of them.
    pub is_synchronous: bool,
}

pub async fn replication(pool: &PgPool) -> Result<Replication, StoreError> {
    let replication = sqlx::query_as(
        "select (select count(*) from pg_stat_replication) as replicas,
                current_setting('synchronous_standby_names') <> '' as is_synchronous",
    )
    .fetch_one(pool)
    .await?;
    Ok(replication)
}

//! The facts that a restored, copied or failed-over database gives itself away by, and what a confirmation writes.

/// Whether the triggers that count people are there, and the foreign keys, which a restore makes last and drops first: an expression that is
/// evaluated once a statement.
macro_rules! is_whole {
    () => {
        "((select count(*) from pg_trigger
            where tgrelid = 'blast_recipients'::regclass
              and tgname in ('count_inserted', 'count_updated', 'count_deleted')) = 3
          and exists (select from pg_constraint
                       where conrelid = 'sender_leases'::regclass and conname = 'sender_leases_sender_fkey'))"
    };
}
pub(super) use is_whole;

mod lost_posts;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{FromRow, PgConnection, PgPool, Row};

use super::connect::newest_known;
use super::{StoreError, lease};
use crate::domain::ids::{BlastId, RecipientId, SenderId};

pub use lost_posts::{
    Confirmed, POSTED_BEFORE, decided, doubt_imported_again, doubt_other_words, mark_lost_posts_uncertain,
    newest_attempt, restore_attempts,
};

/// A database as its server describes it. Each part changes with one way of becoming another: a dump restored elsewhere
/// has another system identifier or oid, a promoted replica or a recovery to an earlier point another timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct DatabaseIdentity {
    pub system_identifier: String,
    pub database_oid: i64,
    pub timeline: i64,
}

impl DatabaseIdentity {
    /// Whether both are of one database of one cluster, whatever became of it since.
    pub fn is_of_cluster(&self, other: &Self) -> bool {
        (&self.system_identifier, self.database_oid) == (&other.system_identifier, other.database_oid)
    }
}

/// What stays as it is for as long as a server runs and nobody puts its tables back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Incarnation {
    /// When the server that answers was started.
    pub server_started_at: DateTime<Utc>,
    /// The oid of `blast_recipients`: another one where the table was dropped and made again, as a dump does that is restored in place.
    /// `vacuum full` and the like keep it, and so has every migration to.
    pub people_table: i64,
}

/// The columns of an [`Incarnation`].
macro_rules! incarnation {
    () => {
        "pg_postmaster_start_time() as server_started_at, 'blast_recipients'::regclass::oid::bigint as people_table"
    };
}
pub(super) use incarnation;

/// A running server. Within one start neither its system identifier nor, for a session that may write, its timeline
/// changes, so that its identity is read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub incarnation: Incarnation,
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
    /// What was posted; earlier versions did not note it.
    pub message: Option<PostedMessage>,
}

/// Which message was posted: the same content may come to a person again from a blast that a restored database makes once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostedMessage {
    pub blast: BlastId,
    /// A hash of its text or template, before anybody's values: `content_key` in the database.
    pub content: i64,
}

/// What the database itself says of a sender, read in the transaction that depends on it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SenderFacts {
    /// What answers.
    #[sqlx(flatten)]
    pub incarnation: Incarnation,
    /// The server that this sender was registered on, last sent from or was last confirmed on.
    #[sqlx(json(nullable))]
    pub sent_from: Option<DatabaseIdentity>,
    /// [`Incarnation::people_table`] when this sender was registered, or last confirmed, as its database had it then: another one where a dump was
    /// restored in place.
    pub registered_table: i64,
    /// Something was sent for this sender.
    pub has_sent: bool,
    /// A blast waits or is sent that was launched in another database than this one, before its server was started, or in other tables.
    pub is_launched_elsewhere: bool,
    pub epoch: i64,
    pub renewals: i64,
    /// Somebody or something has stopped it.
    pub is_stopped: bool,
    /// The highest id that a recipient was ever given.
    pub newest_recipient: i64,
}

/// Which database it is.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DatabaseKey {
    /// Its own random id: the same under whatever address it is reached.
    pub id: String,
    /// Also if all of them were deleted since.
    pub has_blasts: bool,
}

/// Which database this is.
pub async fn database_key(connection: &mut PgConnection) -> Result<DatabaseKey, StoreError> {
    // Not prepared: every command asks it once.
    let key = sqlx::raw_sql("select id::text as id, exists (select from blasts) as has_blasts from database_id");
    Ok(DatabaseKey::from_row(&key.fetch_one(connection).await?)?)
}

/// The server that answers. Where a host refuses the control functions, the oid and the start time alone speak.
pub async fn server(pool: &PgPool) -> Result<Server, StoreError> {
    let row = sqlx::query(concat!(
        "select oid::bigint as database_oid, ",
        incarnation!(),
        " from pg_database where datname = current_database()"
    ));
    let row = row.fetch_one(pool).await?;
    let (incarnation, database_oid) = (Incarnation::from_row(&row)?, row.try_get("database_oid")?);
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
    Ok(Server { incarnation, likeness })
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
    let facts = sqlx::query_as(concat!(
        "select ",
        incarnation!(),
        ", s.sent_from, s.people_table as registered_table,
                exists (select 1 from attempts where sender_id = s.id)
                    or exists (select 1 from deleted_attempts where sender_id = s.id) as has_sent,
                exists (select 1 from blasts b
                         where b.sender_id = s.id and b.state in ('scheduled', 'sending', 'paused') and b.deleted_at is null
                           and not starts_with(server_start() || ' ', b.launched_on || ' ')) as is_launched_elsewhere,
                coalesce(l.epoch, 0) as epoch, coalesce(l.renewals, 0) as renewals,
                s.stopped_at is not null as is_stopped,
                (select case when is_called then last_value else 0 end from blast_recipients_id_seq) as newest_recipient
           from senders s left join sender_leases l on l.sender_id = s.id
          where s.id = $1"
    ))
    .bind(sender)
    .fetch_one(connection)
    .await?;
    Ok(facts)
}

/// Fails in a database whose rows are there and whose triggers are not, as in the middle of a restore: what is written then is in no count.
pub async fn require_triggers(connection: &mut PgConnection) -> Result<(), StoreError> {
    let is_whole: bool = sqlx::query_scalar(concat!("select ", is_whole!())).fetch_one(connection).await?;
    whole_or_incomplete(is_whole)
}

/// All of the schema's foreign keys, and the triggers of its own tables, as the newest migration leaves them; those of partitions count once.
pub const FOREIGN_KEYS: i64 = 39;
pub const TRIGGERS: i64 = 16;

/// Fails as long as any foreign key or trigger of the schema is missing: a restore that runs several jobs makes them in no order. Whoever deletes
/// a row that another one of the dump refers to costs the database that key. An older schema may have fewer of both.
pub async fn require_whole(connection: &mut PgConnection) -> Result<(), StoreError> {
    let is_whole = sqlx::query_scalar(concat!(
        "with ours as (select relnamespace as id from pg_class where oid = 'blast_recipients'::regclass)
         select ",
        is_whole!(),
        " and ((select max(version) from _sqlx_migrations) <> $1
               or (select count(*) from pg_constraint
                    where contype = 'f' and conparentid = 0 and connamespace = (select id from ours)) >= $2
              and (select count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid
                    where not tgisinternal and tgparentid = 0 and c.relnamespace = (select id from ours)) >= $3)"
    ));
    let is_whole: Option<bool> =
        is_whole.bind(newest_known()).bind(FOREIGN_KEYS).bind(TRIGGERS).fetch_one(connection).await?;
    whole_or_incomplete(is_whole == Some(true))
}

/// The same, where a statement that is needed anyway asked for [`is_whole!`].
pub(super) const fn whole_or_incomplete(is_whole: bool) -> Result<(), StoreError> {
    if is_whole { Ok(()) } else { Err(StoreError::Incomplete) }
}

/// Fails where the transaction's connection is gone.
pub async fn require_connection(connection: &mut PgConnection) -> Result<(), StoreError> {
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
        // `offset 0` has each attempt looked up by its key: a join reads all of the view.
        "select count(*)
           from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::text[]) as p (recipient, attempt, epoch, phone)
           join blast_recipients r on r.id = p.recipient
          where not exists (select from attempts a
                             where a.recipient_id = p.recipient and a.attempt = p.attempt and a.epoch in (p.epoch, -1)
                            offset 0)
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

/// Notes that somebody vouches for a sender in the tables that are there, and for those that are registered in them from now on.
pub async fn record_tables(connection: &mut PgConnection, sender: SenderId) -> Result<(), StoreError> {
    let noted = sqlx::query("update senders set people_table = people_table() where id = $1").bind(sender);
    noted.execute(&mut *connection).await?;
    let of_database = "update database_id set people_table = people_table() where people_table <> people_table()";
    sqlx::query(of_database).execute(connection).await?;
    Ok(())
}

/// Locks a sender's lease against claims and takeovers, and raises its counters to what a machine remembers: epochs of
/// the time that was lost are never given out again.
pub async fn raise(
    connection: &mut PgConnection,
    sender: SenderId,
    (epoch, renewals): (i64, i64),
) -> Result<(), StoreError> {
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

/// Attempts column by column, as `unnest` takes them.
struct PostedColumns {
    recipients: Vec<i64>,
    attempts: Vec<i32>,
    epochs: Vec<i64>,
    phones: Vec<String>,
    claimed_at: Vec<DateTime<Utc>>,
    blasts: Vec<Option<i64>>,
    contents: Vec<Option<i64>>,
}

impl PostedColumns {
    fn of(posted: &[PostedAttempt]) -> Self {
        Self {
            recipients: posted.iter().map(|one| one.recipient.0).collect(),
            attempts: posted.iter().map(|one| one.attempt).collect(),
            epochs: posted.iter().map(|one| one.epoch).collect(),
            phones: posted.iter().map(|one| one.phone.to_string()).collect(),
            claimed_at: posted.iter().map(|one| one.claimed_at).collect(),
            blasts: posted.iter().map(|one| one.message.map(|message| message.blast.0)).collect(),
            contents: posted.iter().map(|one| one.message.map(|message| message.content)).collect(),
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

//! What a bench asks of its database, and the schema that it works in. No other face has statements of its own: these measure
//! what the use cases are compared with.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use color_eyre::Result;
use futures_util::TryStreamExt as _;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};
use tokio_util::sync::CancellationToken;

use crate::app::connection;
use crate::cli::exit::RefusedError;
use crate::domain::ids::{BlastId, RecipientId, SenderId};

/// A piece of a COPY, in bytes.
const PIECE: usize = 256 * 1024;

/// From claim to result, in milliseconds: the median and the 99th percentile.
pub(super) async fn durable_after(pool: &PgPool, blast: BlastId) -> Result<(f64, f64)> {
    let percentiles: Vec<f64> = sqlx::query_scalar(
        "select unnest(percentile_cont(array[0.5, 0.99]) within group (
                    order by extract(epoch from m.received_at - m.claimed_at)::float8 * 1000))
           from provider_message m
           join blast_recipients r on r.id = m.recipient_id
          where r.blast_id = $1",
    )
    .bind(blast)
    .fetch_all(pool)
    .await?;
    match percentiles[..] {
        [median, slow] => Ok((median, slow)),
        _ => Ok((0.0, 0.0)),
    }
}

/// What a server has done so far.
#[derive(sqlx::FromRow)]
pub(super) struct ServerCounters {
    /// The process that answers.
    pub backend: i32,
    /// Whether it runs on this machine, as far as its address says.
    pub is_local: bool,
    /// Bytes of WAL, of all databases.
    pub wal: f64,
    /// Transactions that were committed in this database.
    pub commits: f64,
    /// Versions of rows in this schema that an update or a delete has left behind.
    pub dead_rows: f64,
}

pub(super) async fn server_counters(pool: &PgPool) -> Result<ServerCounters> {
    let counters = sqlx::query_as(
        "select pg_backend_pid() as backend, coalesce(inet_server_addr() = inet_client_addr(), true) as is_local,
                (pg_current_wal_insert_lsn() - '0/0')::float8 as wal,
                (select xact_commit from pg_stat_database where datname = current_database())::float8 as commits,
                (select coalesce(sum(n_tup_upd + n_tup_del), 0) from pg_stat_user_tables
                  where schemaname = current_schema())::float8 as dead_rows",
    );
    Ok(counters.fetch_one(pool).await?)
}

/// People as COPY writes them, in pieces.
pub(super) struct CopiedRows(Vec<Bytes>);

/// Takes everybody out of every blast: for a bench's own schema only.
pub(super) async fn empty(pool: &PgPool) -> Result<()> {
    sqlx::query("truncate blast_recipients").execute(pool).await?;
    Ok(())
}

/// The people of a blast, in memory.
pub(super) async fn rows(pool: &PgPool, blast: BlastId) -> Result<CopiedRows> {
    let mut connection = pool.acquire().await?;
    let statement = format!(
        "copy (select blast_id, phone_number, name, variables from blast_recipients where blast_id = {blast} order by id) to stdout"
    );
    let pieces: Vec<Bytes> = connection.copy_out_raw(&statement).await?.try_collect().await?;
    Ok(CopiedRows(pieces))
}

/// Writes people back as `\copy` does: the same table with its indexes, keys and triggers, one statement, one
/// transaction, without checks. Returns how long it took.
pub(super) async fn copy(pool: &PgPool, CopiedRows(pieces): CopiedRows) -> Result<Duration> {
    let began = Instant::now();
    let mut tx = pool.begin().await?;
    sqlx::query("set local statement_timeout = 0").execute(&mut *tx).await?;
    let mut copying =
        tx.copy_in_raw("copy blast_recipients (blast_id, phone_number, name, variables) from stdin").await?;
    for piece in join(pieces) {
        copying.send(piece).await?;
    }
    copying.finish().await?;
    tx.commit().await?;
    Ok(began.elapsed())
}

/// A message for every row would cost more than the rows.
fn join(pieces: Vec<Bytes>) -> impl Iterator<Item = Vec<u8>> {
    let mut pieces = pieces.into_iter();
    std::iter::from_fn(move || {
        let mut piece = Vec::with_capacity(PIECE + 1024);
        while piece.len() < PIECE {
            let Some(row) = pieces.next() else { break };
            piece.extend_from_slice(&row);
        }
        (!piece.is_empty()).then_some(piece)
    })
}

/// A message that was sent.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct BenchMessage {
    pub recipient: RecipientId,
    pub phone_number: String,
    pub message_id: String,
    pub claimed_at: DateTime<Utc>,
}

/// Writes a blast to so many people as it is after it was sent, whom no status has reached yet.
pub(super) async fn sent_blast(url: &str, sender: SenderId, people: u32) -> Result<BlastId> {
    // Without the timeouts of the app's connections.
    let mut connection = connection(url).await?;
    let blast: i64 = sqlx::query_scalar(
        "insert into blasts (blast_tag, sender_id, message, state, total_recipients, launched_at, completed_at)
         values ('bench', $1, 'Salam', 'completed', $2, now(), now()) returning id",
    )
    .bind(sender)
    .bind(i32::try_from(people)?)
    .fetch_one(&mut connection)
    .await?;
    let statements = format!(
        // Ids in no order, as Meta's are.
        "insert into blast_recipients
                (blast_id, phone_number, name, status, standing, attempt, message_id, sent_at, claimed_at)
         select {blast}, '+6010' || lpad(n::text, 8, '0'), 'P' || n, 'sent', 'sent', 1,
                'wamid.HBgLNjAxMDAw' || md5(n::text) || 'AERgSQjA=', now(), now() from generate_series(1, {people}) as n;
         insert into provider_message
                (recipient_id, attempt, sender_id, epoch, claimed_at, outcome, message_id, http_status, body)
         select id, 1, {sender}, 0, claimed_at, 'accepted', message_id, 200, convert_to(message_id, 'UTF8')
           from blast_recipients where blast_id = {blast} order by id;
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
         select {blast}, id, 1, 'queued', 'sent', 'send' from blast_recipients where blast_id = {blast} order by id;"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await?;
    for table in ["blast_recipients", "provider_message"] {
        sqlx::query(AssertSqlSafe(format!("vacuum (analyze) {table}"))).execute(&mut connection).await?;
    }
    connection.close().await?;
    Ok(BlastId(blast))
}

/// The messages of a blast that were sent last, in no order: statuses are about those, as a rule.
pub(super) async fn newest(pool: &PgPool, blast: BlastId, count: u32) -> Result<Vec<BenchMessage>> {
    let newest = sqlx::query_as(
        "select * from (select id as recipient, phone_number, message_id, claimed_at from blast_recipients
                         where blast_id = $1 order by id desc limit $2) as newest
          order by md5(message_id)",
    );
    Ok(newest.bind(blast).bind(i64::from(count)).fetch_all(pool).await?)
}

/// Takes away what the provider said of a number's throughput: a simulated number of 80 a second would be all that is measured.
pub(super) async fn lift_throughput(pool: &PgPool) -> Result<()> {
    sqlx::query("update senders set throughput = null").execute(pool).await?;
    Ok(())
}

/// Whether a webhook is kept that is not wholly applied.
pub(super) async fn has_unapplied_webhooks(pool: &PgPool) -> Result<bool> {
    let query = "select exists (select 1 from webhook_inbox where state in ('new', 'parked'))";
    Ok(sqlx::query_scalar(query).fetch_one(pool).await?)
}

/// How many of a blast's messages were read.
pub(super) async fn read_count(pool: &PgPool, blast: BlastId) -> Result<i64> {
    let query =
        "select coalesce(sum(people), 0)::bigint from blast_status_counts where blast_id = $1 and status = 'read'";
    Ok(sqlx::query_scalar(query).bind(blast).fetch_one(pool).await?)
}

/// Makes an empty schema. Returns the address under which everything happens in it. Where no address can, nothing is left of it.
pub(super) async fn make_schema(url: &str, name: &str) -> Result<String> {
    let mut connection = connection(url).await?;
    sqlx::query(AssertSqlSafe(format!("create schema {name}"))).execute(&mut connection).await?;
    connection.close().await?;
    let separator = if url.contains('?') { '&' } else { '?' };
    let within = format!("{url}{separator}options=-c%20search_path%3D{name}");
    let works_there = works_in(&within, name).await;
    if matches!(works_there, Ok(true)) {
        return Ok(within);
    }
    drop_schema(url, name).await?;
    works_there?;
    let why =
        "sessions at this address cannot be kept in the bench's own schema (a pooler ignores or refuses their options)";
    Err(RefusedError(format!("{why}: give the address of the server itself")).into())
}

/// Whether a session at this address works in that schema. A pooler may drop what the address says of it, and the bench would empty the tables of
/// the database's owner. Asked without a prepared statement: not every pooler knows them.
async fn works_in(url: &str, schema: &str) -> Result<bool> {
    let mut connection = match connection(url).await {
        Err(error) if error.is_refused_parameter() => return Ok(false),
        connected => connected?,
    };
    let question = format!("select coalesce(current_schema() = '{schema}', false)");
    let is_there = sqlx::raw_sql(AssertSqlSafe(question)).fetch_one(&mut connection).await?.try_get(0)?;
    connection.close().await?;
    Ok(is_there)
}

pub(super) async fn drop_schema(url: &str, name: &str) -> Result<()> {
    let mut connection = connection(url).await?;
    sqlx::query(AssertSqlSafe(format!("drop schema if exists {name} cascade"))).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Changes of a blast's people, one after the other.
pub(super) struct Changes {
    connection: PgConnection,
    /// The next who changes.
    next: i64,
    last: i64,
}

impl Changes {
    /// Of a blast whose messages were all sent. Those who were sent to last are not among them: they are the ones on the screen.
    pub(super) async fn of(url: &str, blast: BlastId) -> Result<Self> {
        let mut connection = connection(url).await?;
        let ids = "select min(id), max(id) from blast_recipients where blast_id = $1";
        let (next, last) = sqlx::query_as(ids).bind(blast).fetch_one(&mut connection).await?;
        Ok(Self { connection, next, last })
    }

    /// Marks the messages of the next so many people as delivered, and notifies whoever listens.
    pub(super) async fn next(&mut self, people: u32) -> Result<()> {
        let people = i64::from(people).min(self.last - self.next);
        sqlx::query(
            "update blast_recipients
                set status = 'delivered', standing = 'delivered', delivered_at = now(), changed_at = now()
              where id >= $1 and id < $1 + $2",
        )
        .bind(self.next)
        .bind(people)
        .execute(&mut self.connection)
        .await?;
        sqlx::query("select pg_notify('blastdeck', '1')").execute(&mut self.connection).await?;
        self.next += people;
        Ok(())
    }

    /// So many a second, a tenth at a time, until the stop.
    pub(super) async fn every_second(mut self, people: u32, stop: CancellationToken) -> Result<()> {
        let mut beat = tokio::time::interval(Duration::from_millis(100));
        while stop.run_until_cancelled(beat.tick()).await.is_some() {
            self.next(people.div_ceil(10)).await?;
        }
        self.connection.close().await?;
        Ok(())
    }
}

//! Leases: a sender belongs to one engine at a time, by the database's clock. Epochs only grow, and fence claims.

mod phone;
mod waiting;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{PgConnection, PgPool, Postgres, Row};

pub use self::phone::yielding;
pub use self::waiting::{write_refused, write_waiting};
use super::connect::require_known_schema;
use super::fence::{Incarnation, incarnation, whole_or_incomplete};
use super::in_flight::forget_landed;
use super::settings::interval;
use super::{DbTransaction, StoreError, settings};
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::{RecipientId, SenderId};

/// A lease as granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub sender: SenderId,
    pub epoch: i64,
    /// The database's time when it was granted.
    pub granted_at: DateTime<Utc>,
    /// Until when somebody held it before; `None` for the first time.
    pub idle_since: Option<DateTime<Utc>>,
    /// When its last holder reached the database last; `None` for the first time.
    pub reached_at: Option<DateTime<Utc>>,
    /// How often it was taken or renewed, this time included.
    pub renewals: i64,
    /// What granted it: claims under another one are refused.
    pub incarnation: Incarnation,
}

impl Lease {
    /// What the database counted once it was granted.
    pub fn counters(&self) -> LeaseCounters {
        LeaseCounters { epoch: self.epoch, renewals: self.renewals }
    }
}

/// What moves while a holder lives: both only ever grow, unless the database goes back in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub struct LeaseCounters {
    pub epoch: i64,
    pub renewals: i64,
}

impl LeaseCounters {
    /// Whether a database that counts so has gone back in time, where it counted `before`.
    pub const fn is_before(self, before: Self) -> bool {
        self.epoch < before.epoch || self.renewals < before.renewals
    }

    /// The furthest that it has come by either.
    #[must_use]
    pub fn furthest(self, other: Self) -> Self {
        Self { epoch: self.epoch.max(other.epoch), renewals: self.renewals.max(other.renewals) }
    }
}

impl fmt::Display for LeaseCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "epoch {} and renewal {}", self.epoch, self.renewals)
    }
}

/// A lease that somebody else holds, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RivalLease {
    /// Its name.
    pub holder: String,
    pub counters: LeaseCounters,
    /// When the server was started that says so.
    pub server_started_at: DateTime<Utc>,
    /// How long its holder may trust each renewal; `None`: an older version holds it.
    pub valid: Option<Duration>,
}

/// Who asks for a lease.
#[derive(Debug, Clone, Copy)]
pub struct LeaseRequest<'a> {
    pub holder: &'a str,
    pub host: &'a str,
    pub role: EngineRole,
    /// Identifies the token that it sends with.
    pub token: &'a str,
    pub valid: TimeDelta,
    /// The counters of a holder that was seen to be dead: the lease is free if it still has those counters, whatever
    /// `expires_at` says.
    pub dead: Option<LeaseCounters>,
}

/// A lease that is granted but not committed, so that checks can run in the same transaction.
#[derive(Debug)]
pub struct PendingLease {
    pub lease: Lease,
    /// What the database counted before it was granted.
    pub before: LeaseCounters,
    pub tx: DbTransaction,
}

impl PendingLease {
    /// Makes uncertain whoever was in flight under an older epoch, and commits.
    pub async fn sweep_and_commit(mut self) -> Result<Lease, StoreError> {
        sweep_in(&mut self.tx, self.lease.sender, self.lease.epoch, SweepScope::OtherEpochs).await?;
        self.tx.commit().await?;
        Ok(self.lease)
    }
}

type OptionalTime = Option<DateTime<Utc>>;

/// Takes a sender that nobody holds; `None` while somebody does. Whoever was in flight under an older epoch becomes
/// uncertain in the same transaction. Locking the lease row *before* bumping the epoch makes claims in flight finish
/// first, so that the sweep sees them. Takes effect with [`PendingLease::sweep_and_commit`].
///
/// # Errors
/// [`StoreError::Newer`] where a newer version has migrated the database.
pub async fn acquire(
    pool: &PgPool,
    sender: SenderId,
    asking: LeaseRequest<'_>,
) -> Result<Option<PendingLease>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    make_row(&mut tx, sender).await?;
    let (free, idle_since, reached_at, schema, epoch, renewals): (bool, OptionalTime, OptionalTime, i64, i64, i64) = sqlx::query_as(
        "select holder is null or holder = $2 or expires_at is null or expires_at < now()
                    or (epoch, renewals) is not distinct from ($3, $4),
                case when expires_at is not null then least(expires_at, now()) end,
                case when expires_at is not null
                     then least(case when holder is null then expires_at else coalesce(expires_at - valid, expires_at) end, now()) end,
                (select max(version) from _sqlx_migrations), epoch, renewals
           from sender_leases where sender_id = $1 for update",
    )
    .bind(sender)
    .bind(asking.holder)
    .bind(asking.dead.map(|counters| counters.epoch))
    .bind(asking.dead.map(|counters| counters.renewals))
    .fetch_one(&mut *tx)
    .await?;
    require_known_schema(schema)?;
    if !free {
        return Ok(None);
    }
    // The rows of senders behind the lease's, as a move locks them.
    if phone::is_in_use(&mut tx, sender).await? {
        let wanted = sqlx::query(
            "update sender_leases set wanted_at = now()
              where sender_id = $1 and (wanted_at is null or wanted_at < now() - interval '1 minute')",
        );
        wanted.bind(sender).execute(&mut *tx).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let before = LeaseCounters { epoch, renewals };
    let (epoch, granted_at, renewals, server_started_at, people_table): (i64, DateTime<Utc>, i64, DateTime<Utc>, i64) =
        sqlx::query_as(concat!(
            "update sender_leases
            set holder = $2, host = $3, epoch = epoch + 1, renewals = renewals + 1, expires_at = now() + $4, valid = $4,
                engine = $5, token = $6, waiting = null, wanted_at = null
          where sender_id = $1
         returning epoch, now(), renewals, ",
            incarnation!()
        ))
        .bind(sender)
        .bind(asking.holder)
        .bind(asking.host)
        .bind(interval(asking.valid)?)
        .bind(asking.role.word())
        .bind(asking.token)
        .fetch_one(&mut *tx)
        .await?;
    let incarnation = Incarnation { server_started_at, people_table };
    let lease = Lease { sender, epoch, granted_at, idle_since, reached_at, renewals, incarnation };
    Ok(Some(PendingLease { lease, before, tx }))
}

/// Reads without a lock: whoever waits for a lease must not block its holder's claims.
pub async fn held_by_other(pool: &PgPool, sender: SenderId, by_us: &str) -> Result<Option<RivalLease>, StoreError> {
    #[derive(sqlx::FromRow)]
    struct RivalRow {
        holder: String,
        #[sqlx(flatten)]
        counters: LeaseCounters,
        valid: Option<f64>,
        server_started_at: DateTime<Utc>,
    }
    let held: Option<RivalRow> = sqlx::query_as(
        "select holder, epoch, renewals, extract(epoch from valid)::double precision as valid,
                pg_postmaster_start_time() as server_started_at
           from sender_leases
          where sender_id = $1 and holder is not null and holder <> $2 and expires_at >= now()",
    )
    .bind(sender)
    .bind(by_us)
    .fetch_optional(pool)
    .await?;
    Ok(held.map(|RivalRow { holder, counters, valid, server_started_at }| RivalLease {
        holder,
        counters,
        server_started_at,
        valid: valid.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    }))
}

/// Which rows in flight are swept.
enum SweepScope<'a> {
    /// Those of every other epoch. For the holder of the lease's lock: no other epoch is left, whatever it is, and
    /// whatever state its blast is in.
    OtherEpochs,
    /// Those of older epochs, and of the present one those that are not held in memory and were not claimed a moment ago.
    AllButHeld(&'a [i64]),
    /// All: the lease's holder is about to release it, and has nobody in flight any more.
    All,
}

/// Makes uncertain whoever is in flight and held by nobody: of an older epoch, or of ours but not among `held` (a claim
/// whose answer was lost, and whose transaction was still open when it was asked about). Rows that somebody has locked are left for
/// the next sweep. Returns how many.
pub async fn sweep(pool: &PgPool, sender: SenderId, epoch: i64, held: &[RecipientId]) -> Result<u64, StoreError> {
    let held: Vec<i64> = held.iter().map(|id| id.0).collect();
    let mut tx = settings::begin_hot_path(pool).await?;
    let swept = sweep_in(&mut tx, sender, epoch, SweepScope::AllButHeld(&held)).await?;
    tx.commit().await?;
    Ok(swept)
}

async fn sweep_in(
    tx: &mut PgConnection,
    sender: SenderId,
    epoch: i64,
    scope: SweepScope<'_>,
) -> Result<u64, StoreError> {
    sqlx::query(forget_landed!("$1", "'-infinity'", "now()")).bind(sender).execute(&mut *tx).await?;
    let held = bind_sweep(sqlx::query(LOCK_LOST), sender, epoch, &scope).fetch_all(&mut *tx).await?;
    let locked = held.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
    if locked.is_empty() {
        return Ok(0);
    }
    let ended = bind_sweep(sqlx::query(END_LOST), sender, epoch, &scope).bind(locked).execute(tx).await?;
    Ok(ended.rows_affected())
}

/// Binds what [`is_lost!`] asks about.
fn bind_sweep<'q>(
    statement: Query<'q, Postgres, PgArguments>,
    sender: SenderId,
    epoch: i64,
    scope: &SweepScope<'q>,
) -> Query<'q, Postgres, PgArguments> {
    let is_takeover = matches!(scope, SweepScope::OtherEpochs);
    let (own_too, held, older_than) = match *scope {
        SweepScope::OtherEpochs => (false, &[][..], 0.0),
        SweepScope::AllButHeld(held) => (true, held, 30.0),
        SweepScope::All => (true, &[][..], 0.0),
    };
    statement.bind(sender).bind(epoch).bind(own_too).bind(held).bind(older_than).bind(is_takeover)
}

/// A condition: a flight `f` that a sweep ends.
macro_rules! is_lost {
    () => {
        "f.sender_id = $1
           and (f.epoch < $2 or $6 and f.epoch <> $2
                or $3 and f.epoch = $2 and f.claimed_at <= now() - make_interval(secs => $5) and f.recipient_id <> all($4))"
    };
}

const LOCK_LOST: &str = concat!(
    "select r.id from in_flight f join blast_recipients r on r.id = f.recipient_id where ",
    is_lost!(),
    " order by r.id for no key update of r skip locked"
);

/// Of those who are locked now. Asked again, since nobody else writes them from here on: what came of an attempt may have been written
/// meanwhile, and the next one begun.
const END_LOST: &str = concat!(
    "with lost as (
         select f.*, r.status = 'queued' as is_open
           from in_flight f join blast_recipients r on r.id = f.recipient_id
          where f.recipient_id = any($7) and ",
    is_lost!(),
    "),
     ended as (
         insert into provider_message (recipient_id, attempt, sender_id, outcome, epoch, claimed_at)
         select recipient_id, attempt, sender_id, 'unknown', epoch, claimed_at from lost
             on conflict (recipient_id, attempt) do nothing),
     doubted as (
         update blast_recipients r
            set attempt = lost.attempt, claimed_at = lost.claimed_at,
                status = case when lost.is_open then 'uncertain' else r.status end,
                standing = case when lost.is_open then 'uncertain' else r.standing end,
                changed_at = case when lost.is_open then now() else r.changed_at end,
                reason = case when lost.is_open then 'the engine that was sending stopped before it knew' else r.reason end,
                error_code = case when not lost.is_open then r.error_code end,
                error_message = case when not lost.is_open then r.error_message end
           from lost where r.id = lost.recipient_id
         returning r.id, r.blast_id, r.attempt, lost.is_open)
     insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
     select blast_id, id, attempt, 'sending', 'uncertain', 'engine',
            jsonb_build_object('why', 'the engine that was sending stopped before it knew')
       from doubted where is_open"
);

/// A renewal: the database's time, and how many there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Renewal {
    pub at: DateTime<Utc>,
    pub renewals: i64,
}

/// Renews; `None` when the lease is no longer ours, or ended longer ago than `too_late`: a machine that stood still acquires it
/// anew, as one that was off does, and asks before it sends. Nor where it had run out when its phone was taken under another name.
pub async fn renew(
    pool: &PgPool,
    lease: Lease,
    (valid, too_late): (TimeDelta, TimeDelta),
) -> Result<Option<Renewal>, StoreError> {
    let renewed = sqlx::query_as(
        "update sender_leases set expires_at = now() + $3, valid = $3, renewals = renewals + 1
          where sender_id = $1 and epoch = $2 and holder is not null and expires_at >= now() - $4
         returning now() as at, renewals",
    )
    .bind(lease.sender)
    .bind(lease.epoch)
    .bind(interval(valid)?)
    .bind(interval(too_late)?)
    .fetch_optional(pool)
    .await?;
    Ok(renewed)
}

/// Locks a lease against claims, renewals and takeovers until the transaction ends: also that of a sender whom no engine has taken yet,
/// which the first to do so waits for.
pub async fn lock(tx: &mut PgConnection, sender: SenderId) -> Result<(), StoreError> {
    make_row(tx, sender).await?;
    sqlx::query("select 1 from sender_leases where sender_id = $1 for update").bind(sender).execute(tx).await?;
    Ok(())
}

/// A sender has none before its first lease, and what is not there cannot be locked. In the middle of a restore the key that finds a row
/// may be missing still: a second one would keep it from being made.
async fn make_row(tx: &mut PgConnection, sender: SenderId) -> Result<(), StoreError> {
    let has_key = sqlx::query_scalar(
        "with made as (insert into sender_leases (sender_id) values ($1) on conflict do nothing)
         select exists (select from pg_constraint where conrelid = 'sender_leases'::regclass and contype = 'p')",
    );
    whole_or_incomplete(has_key.bind(sender).fetch_one(tx).await?)
}

/// Gives the lease up, so that the next engine has it at once; a lease that has expired keeps its expiry. Whoever is still in flight then
/// (a claim whose answer was lost) is held by nobody: the row's lock makes such a claim finish first, and the sweep sees it.
pub async fn release(pool: &PgPool, lease: Lease) -> Result<(), StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    lock(&mut tx, lease.sender).await?;
    let released = sqlx::query(
        "update sender_leases
            set holder = null, host = null, expires_at = least(expires_at, now()), waiting = null
          where sender_id = $1 and epoch = $2",
    )
    .bind(lease.sender)
    .bind(lease.epoch)
    .execute(&mut *tx)
    .await?;
    if released.rows_affected() > 0 {
        sweep_in(&mut tx, lease.sender, lease.epoch, SweepScope::All).await?;
    }
    tx.commit().await?;
    Ok(())
}

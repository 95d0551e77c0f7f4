//! The claim: people of one blast come into flight, listed in one row of `claims`, before any POST.

mod lost;
mod suppressed;

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgPool, Row};

use super::StoreError;
use super::connect::require_known_schema;
use super::fence::{Incarnation, incarnation};
use super::history::newest_change;
use super::in_flight::{forget_landed, not_in_flight};
use super::lease::Lease;
use super::{fence, settings};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::phone::Phone;

pub use lost::lost;
pub use suppressed::skip_suppressed;
pub(super) use suppressed::{OPTED_OUT_EARLIER, is_for_people, opted_out_elsewhere, suppressed_in};

/// Somebody claimed: the POST may follow once this was returned, which is after the commit.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: RecipientId,
    pub attempt: i32,
    pub phone_number: Phone,
    pub name: Option<String>,
    pub variables: Option<Value>,
    /// When they were due.
    pub next_attempt_at: DateTime<Utc>,
    /// When they were claimed, as the row of the attempt has it.
    pub claimed_at: DateTime<Utc>,
    /// Under which lease.
    pub epoch: i64,
    /// Nothing had happened to them before.
    pub is_fresh: bool,
}

/// A row to which nothing had happened before its claim: all of it is known without reading it again, as long as it is still queued
/// with no attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimSnapshot {
    pub claimed_at: DateTime<Utc>,
    pub next_attempt_at: DateTime<Utc>,
}

/// At most this many people are listed by one claim (`claims_people_check`).
const PEOPLE_MAX: i64 = 512;

/// A position in a blast's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueuePosition {
    pub next_attempt_at: DateTime<Utc>,
    pub id: RecipientId,
}

impl Claimed {
    /// By position: finding each column by its name is most of the work of reading a row.
    pub(super) fn from_row(
        row: &PgRow,
        (claimed_at, epoch): (DateTime<Utc>, i64),
        is_fresh: bool,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            attempt: row.try_get(1)?,
            phone_number: row.try_get(2)?,
            name: row.try_get(3)?,
            variables: row.try_get(4)?,
            next_attempt_at: row.try_get(5)?,
            claimed_at,
            epoch,
            is_fresh,
        })
    }

    /// All of their row, where that is known.
    pub fn snapshot(&self) -> Option<ClaimSnapshot> {
        let Self { claimed_at, next_attempt_at, .. } = *self;
        self.is_fresh.then_some(ClaimSnapshot { claimed_at, next_attempt_at })
    }

    /// Where they stood in the queue.
    pub const fn place(&self) -> QueuePosition {
        QueuePosition { next_attempt_at: self.next_attempt_at, id: self.id }
    }
}

/// What to claim.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    pub blast: BlastId,
    /// At most this many.
    pub people: i64,
    /// Only those behind this place; `None`: from the start of the list. In front of it are dead entries, which a long
    /// transaction anywhere in the database keeps, and each claim from the start walks over.
    pub after: Option<QueuePosition>,
    /// A claim that the database kept waiting for longer, and whose blast's time came meanwhile, claims nobody: nobody could take its
    /// launch back before that.
    pub patience: Duration,
    /// When the oldest claim was made of whose people somebody is still held; `None`: nobody is. Older ones are forgotten whose people
    /// have all landed.
    pub oldest: Option<DateTime<Utc>>,
}

/// What a claim came to.
#[derive(Debug)]
pub enum Claim {
    People(Vec<Claimed>),
    /// The lease is no longer ours: stop sending at once.
    Fenced,
    /// Another server answers than the one that granted the lease, or its tables were put back: it has to be verified first.
    OtherServer,
    /// Nobody was claimed: the database stood still while the time ran out in which the launch can be taken back.
    Late,
}

/// What the lease row's lock says of the transaction that claims.
#[derive(FromRow)]
struct LeaseCheck {
    at: DateTime<Utc>,
    #[sqlx(flatten)]
    incarnation: Incarnation,
    /// The newest migration.
    schema: i64,
    /// Whether the blast waits for somebody after its first people.
    is_first: bool,
    /// Whether a machine remembers posts of the sender that the database has forgotten.
    has_lost_posts: bool,
    /// For how many seconds the blast's launch could not be taken back any more; `None` where it never waited for that.
    began_ago: Option<f64>,
}

/// Claims the people who are due first. Nobody is claimed when the lease was lost, the sender is stopped or the blast is not sending (or
/// still armed, or an answer that comes too late), and people who opted out never are. Whoever stops one of them under the lease's lock
/// knows that nobody is claimed any more: a claim that waited for that lock sees it.
///
/// # Errors
/// [`StoreError::Newer`] where a newer version has migrated the database meanwhile.
pub async fn claim(pool: &PgPool, lease: Lease, want: ClaimRequest) -> Result<Claim, StoreError> {
    let asked = Instant::now();
    let mut tx = settings::begin_claim(pool).await?;
    let Some(ours) = lock_lease(&mut tx, lease, want.blast).await? else { return Ok(Claim::Fenced) };
    require_known_schema(ours.schema)?;
    if ours.incarnation != lease.incarnation {
        return Ok(Claim::OtherServer);
    }
    // The blast's row before anybody's.
    let people = if ours.is_first { first_people(&mut tx, want).await? } else { want.people.min(PEOPLE_MAX) };
    if ours.has_lost_posts {
        // Whoever was queued since by anything else than a new list: a retry, an opt-out that was lifted.
        fence::mark_lost_posts_uncertain(&mut tx, want.blast).await?;
    }
    let rows = sqlx::query(CLAIM)
        .bind(want.blast)
        .bind(people)
        .bind(lease.epoch)
        .bind(lease.sender)
        .bind(want.after.map_or(DateTime::UNIX_EPOCH, |place| place.next_attempt_at))
        .bind(want.after.map_or(0, |place| place.id.0))
        .bind(want.oldest)
        .fetch_all(&mut *tx)
        .await?;
    let (put_back, rows): (Vec<PgRow>, Vec<PgRow>) = rows.into_iter().partition(|row| row.get("is_by_hand"));
    doubt_put_back(&mut tx, &put_back).await?;
    let people = rows.iter().map(|row| {
        let person = Claimed::from_row(row, (ours.at, lease.epoch), row.get(6));
        person.map_err(|error| StoreError::Unreadable { recipient: row.get(0), error })
    });
    // Before the commit: of whoever was claimed nobody may be unreadable.
    let people = people.collect::<Result<Vec<Claimed>, StoreError>>()?;
    let waited = asked.elapsed();
    if waited > want.patience && ours.began_ago.is_some_and(|ago| ago <= waited.as_secs_f64()) {
        tx.rollback().await?;
        return Ok(Claim::Late);
    }
    if ours.is_first {
        count_first(&mut tx, want.blast, people.len()).await?;
    }
    tx.commit().await?;
    Ok(Claim::People(people))
}

/// Locks a lease against takeovers until the transaction ends; `None` where it is no longer ours.
async fn lock_lease(tx: &mut PgConnection, lease: Lease, blast: BlastId) -> Result<Option<LeaseCheck>, StoreError> {
    // `key share` conflicts with a takeover's `for update` and with nothing else: takeovers wait for this commit, and
    // after a takeover the epoch no longer matches.
    let ours = sqlx::query_as(concat!(
        "select now() as at, ",
        incarnation!(),
        ",
                (select max(version) from _sqlx_migrations) as schema,
                exists (select from blasts where id = $3 and first_left is not null) as is_first,
                exists (select from lost_posts where sender_id = $1) as has_lost_posts,
                (select extract(epoch from now() - send_after)::float8 from blasts
                  where id = $3 and armed_at is not null) as began_ago
           from sender_leases
          where sender_id = $1 and epoch = $2 and expires_at > now() for key share"
    ))
    .bind(lease.sender)
    .bind(lease.epoch)
    .bind(blast)
    .fetch_optional(tx)
    .await?;
    Ok(ours)
}

/// Whose row was put back to *queued* by hand: their next attempt was made before, nothing that happened to them has queued them
/// again, or no number comes after that of their attempt. Nobody knows by it whether they have their message: they are not claimed, and become uncertain.
async fn doubt_put_back(tx: &mut PgConnection, people: &[PgRow]) -> Result<(), StoreError> {
    if people.is_empty() {
        return Ok(());
    }
    sqlx::query(
        concat!("with doubted as (
             update blast_recipients r
                set status = 'uncertain', standing = 'uncertain', changed_at = now(),
                    attempt = greatest(r.attempt, (select max(m.attempt) from provider_message m where m.recipient_id = r.id)),
                    reason = 'their row was put back to queued by hand after attempt ' || greatest(r.attempt, (
                        select max(m.attempt) from provider_message m where m.recipient_id = r.id))
              where id = any($1)
             returning id, blast_id, attempt, reason)
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, metadata)
         select blast_id, id, attempt,
                coalesce(", newest_change!("d.id", "d.attempt"), ", 'queued'),
                'uncertain', 'engine', jsonb_build_object('why', reason)
           from doubted d"),
    )
    .bind(people.iter().map(|row| row.get(0)).collect::<Vec<i64>>())
    .execute(tx)
    .await?;
    Ok(())
}

/// How many of a blast's first people may be claimed still, at most as many as are wanted. Its row stays locked until the claim
/// commits: however many engines there are, no claim counts by what another one is about to change.
async fn first_people(tx: &mut PgConnection, want: ClaimRequest) -> Result<i64, StoreError> {
    let left: Option<i32> = sqlx::query_scalar("select first_left from blasts where id = $1 for update")
        .bind(want.blast)
        .fetch_one(tx)
        .await?;
    Ok(left.map_or(want.people, |left| want.people.min(i64::from(left))).min(PEOPLE_MAX))
}

/// Whoever is claimed is one of them, until they are queued again (`store/evidence/write.rs`).
async fn count_first(tx: &mut PgConnection, blast: BlastId, people: usize) -> Result<(), StoreError> {
    if people > 0 {
        sqlx::query("update blasts set first_left = first_left - $2 where id = $1")
            .bind(blast)
            .bind(i32::try_from(people).unwrap_or(i32::MAX))
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// The order is one that only the to-do index can give; any other plan walks over everybody already sent. Nobody's row is written:
/// who is in flight is listed by the claim. Somebody who came into flight since this began (by a claim that was given up, and
/// committed all the same) is listed already, which fails the claim as a whole (the trigger `count_claimed` looks again, behind the locks):
/// only who was inserted is ever posted to. The history has no
/// row for it: when somebody was claimed stands with their attempt, and whoever reads the history reads it there
/// (`store/history.rs`).
const CLAIM: &str = concat!(
    "with claimed as materialized (
        select r.id, case when r.attempt < 2147483647 then r.attempt + 1 end as attempt, r.phone_number, r.name, r.variables, r.next_attempt_at,
               r.attempt = 0 and r.tries = 0
               and (r.message_id, r.message_timestamp, r.message_c2s_timestamp, r.sent_at, r.delivered_at, r.read_timestamp,
                    r.reply_seen_at, r.replied_marked_at, r.closed_at, r.failed_at, r.failed_attempt, r.opted_out_at, r.amount,
                    r.note, r.provider_status, r.error_code, r.error_message, r.reason) is null as is_fresh,
               (select true from provider_message m
                 where m.recipient_id = r.id and m.attempt - 1 = r.attempt limit 1) is not null
               or r.attempt = 2147483647 or r.attempt > 0
                  and coalesce(",
    newest_change!("r.id", "r.attempt"),
    ", 'queued') <> 'queued' as is_by_hand
          from blast_recipients r
         where r.blast_id = $1 and r.status = 'queued' and r.next_attempt_at <= now()
           and (r.next_attempt_at, r.id) > ($5, $6)
           and exists (select 1 from blasts b
                        where b.id = $1 and b.state = 'sending' and (b.send_after is null or b.send_after <= now())
                          and (b.answer_until is null or b.answer_until > now()))
           and exists (select 1 from senders o where o.id = $4 and o.stopped_at is null)
           and not exists (select 1 from suppressions s
                            where person_key(s.phone_number) = person_key(r.phone_number)
                              and s.business in ((select o.business from senders o where o.id = $4), '*'))
           and not ((select ",
    is_for_people!("b."),
    " from blasts b where b.id = $1)
                    and ",
    opted_out_elsewhere!("r.", "(select o.business from senders o where o.id = $4)"),
    ")
           and ",
    not_in_flight!("r."),
    "
         order by r.next_attempt_at, r.id
         limit $2
           for no key update of r skip locked),
    flown as (
        insert into claims (blast_id, sender_id, attempt_number, epoch, first_id, last_id, recipients)
        select $1, $4, attempt, $3, min(id), max(id), array_agg(id) from claimed where not is_by_hand group by attempt),
    landed as (",
    forget_landed!("$4", "now() - interval '30 seconds'", "coalesce($7::timestamptz, 'infinity')"),
    ")
    select id, attempt, phone_number, name, variables, next_attempt_at, is_fresh, is_by_hand from claimed order by id"
);

/// When the next queued person of a blast is due, of whoever is not in flight; `None` when there is nobody.
pub async fn next_due(pool: &PgPool, blast: BlastId) -> Result<Option<DateTime<Utc>>, StoreError> {
    let due = sqlx::query_scalar(concat!(
        "select next_attempt_at from blast_recipients r
              where blast_id = $1 and status = 'queued' and ",
        not_in_flight!("r."),
        " order by next_attempt_at, id limit 1"
    ))
    .bind(blast)
    .fetch_optional(pool)
    .await?;
    Ok(due)
}

/// Who of these may still get the POST they were claimed for: their blast is sending, its sender was neither stopped nor
/// taken over, and they have not opted out since. Deleted people are not found, and so get none.
pub async fn still_wanted(pool: &PgPool, people: &[RecipientId]) -> Result<Vec<RecipientId>, StoreError> {
    let ids: Vec<i64> = people.iter().map(|person| person.0).collect();
    let wanted = sqlx::query_scalar(concat!(
        "select r.id
           from in_flight f
           join blast_recipients r on r.id = f.recipient_id
           join blasts b on b.id = r.blast_id join senders o on o.id = b.sender_id
          where f.recipient_id = any($1)
            and exists (select 1 from sender_leases l where l.sender_id = o.id and l.epoch = f.epoch)
            and b.state = 'sending' and b.deleted_at is null and o.stopped_at is null
            and (b.answer_until is null or b.answer_until > now())
            and not exists (select 1 from suppressions s
                             where person_key(s.phone_number) = person_key(r.phone_number)
                               and s.business in (o.business, '*'))
            and not (",
        is_for_people!("b."),
        " and ",
        opted_out_elsewhere!("r.", "o.business"),
        ")"
    ))
    .bind(ids)
    .fetch_all(pool)
    .await?;
    Ok(wanted)
}

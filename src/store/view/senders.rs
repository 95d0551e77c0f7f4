//! Senders as they stand: stopped or not, and who sends for them, by the database's clock.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgExecutor, PgPool};

use super::{LeaseRow, SenderRow, SenderStop};
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::waiting::{Waiting, WaitingReport};
use crate::store::StoreError;
use crate::store::connect::read_only::note_refusal;
use crate::store::in_flight::not_in_flight;

#[derive(FromRow)]
struct SenderRecord {
    id: SenderId,
    name: String,
    provider: String,
    business: String,
    rehearsal: bool,
    stopped_at: Option<DateTime<Utc>>,
    stopped_code: Option<String>,
    stopped_reason: Option<String>,
    waits_for_token: bool,
    unheard_since: Option<DateTime<Utc>>,
    slowed: i32,
    held_until: Option<DateTime<Utc>>,
    throughput: Option<i32>,
    quality: Option<String>,
    holder: Option<String>,
    host: Option<String>,
    engine: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    waiting: Option<Value>,
    phone_held_as: Option<String>,
    queued_answers: i64,
    is_unwritable: bool,
}

/// All senders by name. A lease that has run out is none, and what its engine said it waits for is no longer so; what a
/// process without a lease says of its token is.
pub async fn list(pool: &PgPool) -> Result<Vec<SenderRow>, StoreError> {
    let found: Vec<SenderRecord> = sqlx::query_as(concat!(
        "select s.id, s.name, s.provider, s.business, s.rehearsal, s.stopped_at, s.stopped_code, s.stopped_reason,
                s.refused_token is not null as waits_for_token,
                s.unheard_since, s.slowed, s.held_until, s.throughput, s.quality, l.holder, l.host, l.engine, l.expires_at,
                coalesce(l.waiting, refused.waiting) as waiting,
                (select min(o.name) from senders o join sender_leases h on h.sender_id = o.id
                  where (o.provider, o.address, o.device) = (s.provider, s.address, s.device) and o.id <> s.id
                    and h.holder is not null and h.expires_at > now()) as phone_held_as,
                (select count(*) from blasts b join blast_recipients r on r.blast_id = b.id and r.status = 'queued' and ",
        not_in_flight!("r."),
        "   where b.sender_id = s.id and b.state = 'sending' and b.answer_until is not null and b.deleted_at is null) as queued_answers,
                current_setting('transaction_read_only') = 'on' as is_unwritable
           from senders s
           left join sender_leases l on l.sender_id = s.id and l.holder is not null and l.expires_at > now()
           left join sender_leases refused
                  on refused.sender_id = s.id and refused.waiting #>> '{sender,reason}' = 'token_refused'
          order by s.name",
    ))
    .fetch_all(pool)
    .await?;
    if found.iter().any(|sender| sender.is_unwritable) {
        // Perhaps by this session alone, which was begun while nobody might write: another one will know.
        note_refusal();
    }
    Ok(found.into_iter().map(SenderRow::from).collect())
}

/// A lease that has not run out, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LeaseHolder {
    pub holder: String,
    /// Grows with each renewal: the sign that its holder lives.
    pub renewals: i64,
    pub epoch: i64,
    /// The fingerprint of the token that it sends with; `None`: an older version holds it.
    pub token: Option<String>,
    pub host: Option<String>,
    /// An [`EngineRole`] as a word.
    pub engine: Option<String>,
}

/// Who holds a sender now.
pub async fn lease_holder(pool: &PgPool, sender: SenderId) -> Result<Option<LeaseHolder>, StoreError> {
    let held = sqlx::query_as(
        "select holder, renewals, epoch, token, host, engine from sender_leases
          where sender_id = $1 and holder is not null and expires_at > now()",
    )
    .bind(sender)
    .fetch_optional(pool)
    .await?;
    Ok(held)
}

/// How many of the newest attempts are looked at.
const NEWEST: i64 = 5_000;

/// Whether a message was accepted lately under this epoch of a sender.
pub async fn has_accepted(pool: &PgPool, sender: SenderId, epoch: i64) -> Result<bool, StoreError> {
    let has = sqlx::query_scalar(
        "select exists (
            select 1 from (select epoch, outcome from provider_message
                            where sender_id = $1 order by claimed_at desc limit $3) m
             where m.epoch = $2 and m.outcome = 'accepted')",
    )
    .bind(sender)
    .bind(epoch)
    .bind(NEWEST)
    .fetch_one(pool)
    .await?;
    Ok(has)
}

/// When the last message of a sender was accepted, among its newest attempts.
pub async fn last_accepted(pool: &PgPool, sender: SenderId) -> Result<Option<DateTime<Utc>>, StoreError> {
    let last = sqlx::query_scalar(
        "select max(claimed_at) from (select claimed_at, outcome from provider_message
                                       where sender_id = $1 order by claimed_at desc limit $2) m
          where outcome = 'accepted'",
    );
    Ok(last.bind(sender).bind(NEWEST).fetch_one(pool).await?)
}

/// Whether a sender is stopped now.
pub async fn is_stopped(executor: impl PgExecutor<'_>, sender: SenderId) -> Result<bool, StoreError> {
    let stopped = sqlx::query_scalar("select exists (select 1 from senders where id = $1 and stopped_at is not null)");
    Ok(stopped.bind(sender).fetch_one(executor).await?)
}

impl From<SenderRecord> for SenderRow {
    fn from(found: SenderRecord) -> Self {
        let stop = |at| SenderStop {
            at,
            code: found.stopped_code.unwrap_or_default().into(),
            reason: found.stopped_reason.unwrap_or_default(),
            waits_for_token: found.waits_for_token,
        };
        let lease = |(holder, expires_at)| LeaseRow {
            holder,
            host: found.host.unwrap_or_default(),
            role: found.engine.as_deref().and_then(EngineRole::from_word),
            expires_at,
        };
        Self {
            id: found.id,
            name: found.name,
            provider: found.provider,
            business: found.business,
            rehearsal: found.rehearsal,
            unheard_since: found.unheard_since,
            slowed: u32::try_from(found.slowed).unwrap_or_default(),
            held_until: found.held_until,
            throughput: found.throughput.and_then(|most| u32::try_from(most).ok()),
            quality: found.quality,
            stopped: found.stopped_at.map(stop),
            lease: found.holder.zip(found.expires_at).map(lease),
            waiting: found.waiting.as_ref().map(waiting_report).unwrap_or_default(),
            phone_held_as: found.phone_held_as,
            queued_answers: found.queued_answers,
            is_unwritable: found.is_unwritable,
        }
    }
}

/// A newer engine may wait for reasons that this program does not know: those are left out, one by one.
fn waiting_report(value: &Value) -> WaitingReport {
    let reason = |value: &Value| serde_json::from_value::<Waiting>(value.clone()).ok();
    let of = |(id, value): (&String, &Value)| Some((BlastId(id.parse().ok()?), reason(value)?));
    let blasts = value.get("blasts").and_then(Value::as_object);
    WaitingReport {
        sender: value.get("sender").and_then(reason),
        blasts: blasts.map(|blasts| blasts.iter().filter_map(of).collect()).unwrap_or_default(),
        lease_ms: value.get("lease_ms").and_then(Value::as_i64),
        token: value.get("token").and_then(Value::as_str).map(str::to_owned),
    }
}

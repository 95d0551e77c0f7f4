//! Senders as they stand: stopped or not, and who sends for them, by the database's clock.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgPool};

use super::{LeaseRow, SenderRow, SenderStop};
use crate::domain::engine_role::EngineRole;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::waiting::{Waiting, WaitingReport};
use crate::store::StoreError;

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
    unheard_since: Option<DateTime<Utc>>,
    slowed: i32,
    throughput: Option<i32>,
    holder: Option<String>,
    host: Option<String>,
    engine: Option<String>,
    expires_at: Option<DateTime<Utc>>,
    waiting: Option<Value>,
}

/// All senders by name. A lease that has run out is none, and what its engine said it waits for is no longer so.
pub async fn list(pool: &PgPool) -> Result<Vec<SenderRow>, StoreError> {
    let found: Vec<SenderRecord> = sqlx::query_as(
        "select s.id, s.name, s.provider, s.business, s.rehearsal, s.stopped_at, s.stopped_code, s.stopped_reason,
                s.unheard_since, s.slowed, s.throughput, l.holder, l.host, l.engine, l.expires_at, l.waiting
           from senders s
           left join sender_leases l on l.sender_id = s.id and l.holder is not null and l.expires_at > now()
          order by s.name",
    )
    .fetch_all(pool)
    .await?;
    Ok(found.into_iter().map(SenderRow::from).collect())
}

/// A lease that has not run out, by the database's clock.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LeaseHolder {
    pub holder: String,
    /// Grows with each renewal: the sign that its holder lives.
    pub renewals: i64,
}

/// Who holds a sender now.
pub async fn lease_holder(pool: &PgPool, sender: SenderId) -> Result<Option<LeaseHolder>, StoreError> {
    let held = sqlx::query_as(
        "select holder, renewals from sender_leases
          where sender_id = $1 and holder is not null and expires_at > now()",
    )
    .bind(sender)
    .fetch_optional(pool)
    .await?;
    Ok(held)
}

impl From<SenderRecord> for SenderRow {
    fn from(found: SenderRecord) -> Self {
        let stop = |at| SenderStop {
            at,
            code: found.stopped_code.unwrap_or_default().into(),
            reason: found.stopped_reason.unwrap_or_default(),
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
            throughput: found.throughput.and_then(|most| u32::try_from(most).ok()),
            stopped: found.stopped_at.map(stop),
            lease: found.holder.zip(found.expires_at).map(lease),
            waiting: found.waiting.as_ref().map(waiting_report).unwrap_or_default(),
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
    }
}

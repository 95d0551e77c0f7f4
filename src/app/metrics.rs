//! What monitoring reads: the counters of this process, and the database's numbers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::time::timeout;

use super::App;
use super::AppError;
use super::view::BlastFilter;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::waiting::Waiting;
use crate::engine::ENGINE_METER;
use crate::store::view;

pub use crate::engine::{MeterReading, PoolReading};
pub use crate::store::inbox::InboxSummary;
pub use crate::store::view::metrics::{BlastNumbers, PollLag};

/// A database that takes longer counts as one that does not answer.
const READ_PATIENCE: Duration = Duration::from_secs(5);

/// Everything that monitoring is given.
#[derive(Debug, Clone)]
pub struct MetricsView {
    pub engine: MeterReading,
    pub pools: Vec<PoolReading>,
    /// `None`: the database does not answer.
    pub database: Option<DatabaseNumbers>,
}

/// The database's numbers.
#[derive(Debug, Clone)]
pub struct DatabaseNumbers {
    pub blasts: Vec<BlastNumbers>,
    pub waiting: Vec<BlastWait>,
    pub senders: Vec<SenderNumbers>,
    pub poll_lags: Vec<PollLag>,
    pub inbox: InboxSummary,
    /// How long the oldest webhook waits to be applied.
    pub inbox_lag: Duration,
}

/// Why a blast does not send as fast as it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlastWait {
    pub blast: BlastId,
    pub sender: String,
    /// The reason's word, as in `blast show --json`.
    pub reason: String,
}

/// How a sender stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderNumbers {
    pub name: String,
    /// An engine holds it.
    pub is_attended: bool,
    /// It sends nothing until a person mends something.
    pub is_stopped: bool,
}

impl App {
    /// Reads what monitoring asks for: a handful of queries.
    pub async fn metrics(&self) -> MetricsView {
        let own = PoolReading::of("serve", self.pool());
        let database = match timeout(READ_PATIENCE, self.database_numbers()).await {
            Ok(Ok(numbers)) => Some(numbers),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database's numbers cannot be read");
                None
            }
            Err(_) => None,
        };
        let pools = ENGINE_METER.pools().into_iter().chain([own]).collect();
        MetricsView { engine: ENGINE_METER.read(), pools, database }
    }

    async fn database_numbers(&self) -> Result<DatabaseNumbers, AppError> {
        let senders = self.senders_by_id().await?;
        let filter = BlastFilter { state: Some(BlastState::Sending), ..BlastFilter::default() };
        let now = self.engine().clock.now();
        let sending = view::blasts::list(self.pool(), &filter).await?;
        let waiting = sending.into_iter().filter_map(|row| {
            let reason = word(&self.waiting_of(&row, senders.get(&row.sender_id), now)?)?;
            Some(BlastWait { blast: row.id, sender: row.sender, reason })
        });
        let inbox = self.inbox_summary().await?;
        let mut senders: Vec<_> = senders
            .values()
            .map(|row| SenderNumbers {
                name: row.name.clone(),
                is_attended: row.lease.is_some(),
                is_stopped: row.stopped.is_some(),
            })
            .collect();
        senders.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(DatabaseNumbers {
            waiting: waiting.collect(),
            blasts: view::metrics::blasts(self.pool()).await?,
            poll_lags: view::metrics::poll_lags(self.pool()).await?,
            senders,
            inbox_lag: inbox.oldest.map(|at| age(at, now)).unwrap_or_default(),
            inbox,
        })
    }
}

fn age(at: DateTime<Utc>, now: DateTime<Utc>) -> Duration {
    (now - at).to_std().unwrap_or_default()
}

/// The reason's own word: its tag in JSON.
fn word(waiting: &Waiting) -> Option<String> {
    match serde_json::to_value(waiting).ok()?.get("reason")? {
        Value::String(word) => Some(word.clone()),
        _ => None,
    }
}

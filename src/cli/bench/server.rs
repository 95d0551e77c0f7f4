//! What a run costs the server: its processor time where it stands on this machine, and what it writes.

use color_eyre::Result;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::database::{self, ServerCounters};
use super::process::family_cpu;
use super::round;

/// The server's counters at a moment.
pub(super) struct ServerCost {
    counters: ServerCounters,
    /// Processor time of all of its processes so far, in seconds. `None` for a server elsewhere.
    cpu: Option<f64>,
}

impl ServerCost {
    pub(super) async fn so_far(pool: &PgPool) -> Result<Self> {
        let counters = database::server_counters(pool).await?;
        let cpu = if counters.is_local { family_cpu(counters.backend, "postgres")? } else { None };
        Ok(Self { counters, cpu })
    }

    /// What was spent since for each of so many sends. Whatever else the server did is in it.
    pub(super) fn since(&self, before: &Self, sends: u32) -> Value {
        let each = |now: f64, before: f64| round((now - before) / f64::from(sends));
        let (now, then) = (&self.counters, &before.counters);
        let cpu = self.cpu.zip(before.cpu).map(|(now, before)| each(now * 1e6, before * 1e6));
        json!({
            "postgres_cpu_us_per_send": cpu, "wal_bytes_per_send": each(now.wal, then.wal),
            "dead_rows_per_send": each(now.dead_rows, then.dead_rows), "commits_per_send": each(now.commits, then.commits),
        })
    }
}

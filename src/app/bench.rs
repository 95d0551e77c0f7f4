//! What a bench measures inside the engine: the bare loop to compare with, and how long results took to be durable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::{App, AppError};
use crate::domain::ids::{BlastId, SenderId};
use crate::engine::post_runtime;
use crate::provider::{Outgoing, SendOutcome};
use crate::store::bench;

/// What a loop of POSTs came to.
#[derive(Debug, Clone, Copy)]
pub struct Loop {
    pub accepted: u64,
    pub took: Duration,
}

impl App {
    /// The same client against the same provider, `count` messages, with neither database nor promises.
    pub async fn bare_loop(&self, sender: SenderId, count: u64) -> Option<Loop> {
        let sender = self.sender(sender)?.clone();
        let turns = Arc::new(Semaphore::new(sender.in_flight));
        let accepted = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let tasks = TaskTracker::new();
        let runtime = post_runtime::handle();
        let began = Instant::now();
        for n in 0..count {
            let Ok(turn) = turns.clone().acquire_owned().await else { break };
            let (provider, accepted) = (sender.provider.clone(), accepted.clone());
            let post = async move {
                let outgoing = Outgoing { to: format!("6010{n:08}"), text: format!("Salam {n}, promo!") };
                let reply = provider.send(&outgoing).await;
                if matches!(reply.outcome, SendOutcome::Accepted { .. }) {
                    accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
                drop(turn);
            };
            tasks.spawn_on(post, &runtime);
        }
        tasks.close();
        tasks.wait().await;
        Some(Loop { accepted: accepted.load(std::sync::atomic::Ordering::Relaxed), took: began.elapsed() })
    }

    /// Deletes the people of a bench's own blasts.
    pub async fn bench_empty(&self) -> Result<(), AppError> {
        Ok(bench::empty(self.pool()).await?)
    }

    /// The people of a blast as COPY writes them.
    pub async fn bench_rows(&self, blast: BlastId) -> Result<bench::CopiedRows, AppError> {
        Ok(bench::rows(self.pool(), blast).await?)
    }

    /// Writes such rows back by one plain COPY, without looking at them; tells how long that took.
    pub async fn bench_copy(&self, rows: bench::CopiedRows) -> Result<Duration, AppError> {
        Ok(bench::copy(self.pool(), rows).await?)
    }

    /// From a claim's commit to its result's, in milliseconds: the median and the 99th percentile.
    pub async fn durable_after(&self, blast: BlastId) -> Result<(f64, f64), AppError> {
        Ok(bench::durable_after(self.pool(), blast).await?)
    }
}

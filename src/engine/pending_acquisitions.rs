//! Whether the engine of this process is about to see to a sender. One that rests holds no lease, and looks again only now and then:
//! what changed by hand in the database sends it no order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::mutex::Mutex;
use crate::domain::ids::SenderId;

/// How long an engine that was woken may take to acquire a sender. After that something keeps it from it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shared by the engine of a process and whoever reads what its blasts wait for.
#[derive(Clone, Default)]
pub struct PendingAcquisitions(Arc<PendingAcquisitionsState>);

#[derive(Default)]
struct PendingAcquisitionsState {
    engines: AtomicUsize,
    /// Since when a sender with something to send has been seen without a lease.
    unattended: Mutex<HashMap<SenderId, Instant>>,
}

/// An engine runs in this process until this is dropped.
pub struct RunningEngine(PendingAcquisitions);

impl PendingAcquisitions {
    pub(super) fn begin(&self) -> RunningEngine {
        self.0.engines.fetch_add(1, Ordering::Relaxed);
        RunningEngine(self.clone())
    }

    /// A sender with something to send is held by nobody. Whether the engine of this process will acquire it now: to be woken for it.
    pub fn is_pending(&self, sender: SenderId) -> bool {
        if self.0.engines.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let since = *self.0.unattended.lock().entry(sender).or_insert_with(Instant::now);
        since.elapsed() < PATIENCE
    }

    /// Somebody holds it.
    pub fn acquired(&self, sender: SenderId) {
        self.0.unattended.lock().remove(&sender);
    }
}

impl Drop for RunningEngine {
    fn drop(&mut self) {
        self.0.0.engines.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::PendingAcquisitions;
    use crate::domain::ids::SenderId;

    #[tokio::test(start_paused = true)]
    async fn an_engine_that_rests_is_coming_until_it_had_the_time_to() {
        let pending = PendingAcquisitions::default();
        assert!(!pending.is_pending(SenderId(1)), "none runs");
        let engine = pending.begin();

        assert!(pending.is_pending(SenderId(1)));
        advance(Duration::from_secs(4)).await;
        assert!(pending.is_pending(SenderId(1)) && pending.is_pending(SenderId(2)));
        advance(Duration::from_secs(2)).await;
        assert!(!pending.is_pending(SenderId(1)), "something keeps it from it");
        pending.acquired(SenderId(1));
        assert!(pending.is_pending(SenderId(1)));

        drop(engine);
        assert!(!pending.is_pending(SenderId(1)));
    }
}

//! Opt-outs in a process that receives webhooks and runs no engine: they are recorded, and remembered by this machine, before an engine gets
//! to the rest. Whoever asked to be left alone is so as soon as it was received, also in a database that goes back in time before an engine
//! was started.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::opt_outs_first::{self, AppliedOptOuts, ScanOutcome};
use crate::engine::context::EngineContext;
use crate::engine::fence::FenceRefusal;
use crate::store::{self, SchemaState, StoreError, fence};

/// However many webhooks come, the inbox is looked through no more often: what came meanwhile is recorded together.
const PAUSE: Duration = Duration::from_millis(100);
/// What keeps failing is tried again with the next webhook, else after this: a database that takes nothing may rest.
const FAILING_PAUSE: Duration = Duration::from_secs(300);
/// While a machine cannot remember opt-outs it tries so often.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// So many failures in a row are no passing ones.
const FAILURES_IN_A_ROW: u32 = 20;

/// Records the opt-outs of what is received, in whichever process, until stopped. What the stop cuts off is recorded by whoever comes next.
pub async fn record_opt_outs(engine: EngineContext, stop: CancellationToken) {
    let mut recorder = OptOutRecorder { engine: &engine, applied: AppliedOptOuts::default(), refused: None };
    stop.run_until_cancelled(recorder.run()).await;
}

struct OptOutRecorder<'a> {
    engine: &'a EngineContext,
    applied: AppliedOptOuts,
    /// Why this machine's opt-outs could not be compared with the database's, as it was logged last.
    refused: Option<String>,
}

impl OptOutRecorder<'_> {
    async fn run(&mut self) {
        let mut received = self.engine.notifier.inbox();
        let mut failures = 0;
        loop {
            received.mark_unchanged();
            let is_done = match self.turn().await {
                Ok(ScanOutcome::Done) => true,
                Ok(ScanOutcome::HeldUp) => false,
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(%error, "opt-outs that were received are recorded later");
                    }
                    false
                }
            };
            if is_done {
                failures = 0;
                sleep(PAUSE).await;
                self.until_received(&mut received).await;
                continue;
            }
            failures += 1;
            if failures < FAILURES_IN_A_ROW {
                sleep(StoreError::backoff(failures)).await;
            } else {
                let _ = timeout(FAILING_PAUSE, received.changed()).await;
            }
        }
    }

    /// Until a webhook comes. What this machine could not remember it is asked for again.
    async fn until_received(&self, received: &mut watch::Receiver<u64>) {
        // The notifier lives as long as the engine context does.
        if self.refused.is_none() {
            let _ = received.changed().await;
        } else {
            let _ = timeout(REFUSED_PAUSE, received.changed()).await;
        }
    }

    async fn turn(&mut self) -> Result<ScanOutcome, StoreError> {
        if let SchemaState::Newer { found, known } = store::schema(&self.engine.pool).await? {
            return Err(StoreError::Newer { found, known });
        }
        let mut connection = self.engine.pool.acquire().await?;
        fence::require_triggers(&mut connection).await?;
        drop(connection);
        self.engine.clock.read(&self.engine.pool).await;
        // What a restored database has forgotten comes first: an engine elsewhere does not remember it.
        self.compare().await?;
        let advances = self.applied.advances();
        let before = advances.load(Ordering::Relaxed);
        let outcome = opt_outs_first::scan(self.engine, &mut self.applied).await?;
        if advances.load(Ordering::Relaxed) > before {
            // What could not be remembered with them, on a full disk say, is noted in the database alone.
            self.compare().await?;
        }
        Ok(outcome)
    }

    /// What this machine cannot compare, an engine that is to send asks about. Opt-outs are recorded all the same.
    async fn compare(&mut self) -> Result<(), StoreError> {
        let refused = match self.engine.fence.compare_opt_outs(&self.engine.pool).await {
            Ok(()) => None,
            Err(FenceRefusal::Store(error)) => return Err(error),
            Err(refusal) => Some(refusal.to_string()),
        };
        if let Some(why) = refused.as_ref().filter(|_| refused != self.refused) {
            tracing::warn!(why, "opt-outs that this machine remembers are not compared with the database's");
        }
        self.refused = refused;
        Ok(())
    }
}

//! Opt-outs in a process that receives webhooks and runs no engine: they are recorded, and remembered by this machine, before an engine gets
//! to the rest. Whoever asked to be left alone is so as soon as it was received, also in a database that goes back in time before an engine
//! was started.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::opt_outs_first::{self, AppliedOptOuts};
use crate::engine::context::EngineContext;
use crate::engine::fence::FenceRefusal;
use crate::store::StoreError;

/// However many webhooks come, the inbox is looked through no more often: what came meanwhile is recorded together.
const PAUSE: Duration = Duration::from_millis(100);

/// Records the opt-outs of what is received, in whichever process, until stopped. What the stop cuts off is recorded by whoever comes next.
pub async fn record_opt_outs(engine: EngineContext, stop: CancellationToken) {
    let mut recording = Recording { engine: &engine, applied: AppliedOptOuts::default(), refused: None };
    stop.run_until_cancelled(recording.run()).await;
}

struct Recording<'a> {
    engine: &'a EngineContext,
    applied: AppliedOptOuts,
    /// Why this machine's opt-outs could not be compared with the database's, as it was logged last.
    refused: Option<String>,
}

impl Recording<'_> {
    async fn run(&mut self) {
        self.engine.clock.read(&self.engine.pool).await;
        let mut received = self.engine.notifier.inbox();
        let mut failures = 0;
        loop {
            received.mark_unchanged();
            match self.turn().await {
                Ok(()) => {
                    failures = 0;
                    sleep(PAUSE).await;
                    if received.changed().await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(%error, "opt-outs that were received are recorded later");
                    }
                    failures += 1;
                    sleep(StoreError::backoff(failures)).await;
                }
            }
        }
    }

    async fn turn(&mut self) -> Result<(), StoreError> {
        // What a restored database has forgotten comes first: an engine elsewhere does not remember it.
        self.compare().await?;
        opt_outs_first::scan(self.engine, &mut self.applied).await
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

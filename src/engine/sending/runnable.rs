//! What a sender may send for now.

use super::Sender;
use crate::store::StoreError;
use crate::store::blast::{self, RunnableBlast};

impl Sender {
    /// What was launched and could not be taken back while the database did not answer gets its time for that anew.
    pub(super) async fn arm_again(&mut self) -> Result<(), StoreError> {
        let Some(since) = self.unreached_since else { return Ok(()) };
        let (pool, sender) = (&self.context.pool, &self.context.sender);
        for blast in blast::arm_again(pool, sender.id, since).await? {
            tracing::info!(sender = %sender.name, blast = blast.0, "it starts in ten seconds: nobody could take it back before");
            self.context.notifier.order(pool, Some(blast)).await?;
        }
        self.unreached_since = None;
        Ok(())
    }

    /// What is being sent; what is due to start by itself is started first, and everybody is notified.
    pub(super) async fn runnable(&self) -> Result<Vec<RunnableBlast>, StoreError> {
        let (pool, sender) = (&self.context.pool, self.context.sender.id);
        let runnable = blast::runnable(pool, sender).await?;
        if !runnable.iter().any(|blast| blast.is_due) {
            return Ok(runnable);
        }
        for blast in blast::start_scheduled(pool, sender, self.fenced.engine.settings.too_late).await? {
            tracing::info!(blast = blast.0, "its time has come");
            self.context.notifier.order(pool, Some(blast)).await?;
        }
        let runnable = blast::runnable(pool, sender).await?;
        Ok(runnable.into_iter().filter(|blast| !blast.is_due).collect())
    }
}

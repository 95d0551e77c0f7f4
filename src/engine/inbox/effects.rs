//! What follows from webhooks once they are applied durably: others are notified.

use std::collections::HashSet;
use std::mem;

use crate::domain::ids::BlastId;
use crate::engine::context::EngineContext;
use crate::engine::machine_memory::RememberedOptOut;
use crate::store::{DbTransaction, StoreError};

/// Gathered within the transaction, published after it.
#[derive(Debug, Default)]
pub(super) struct Effects {
    pub changed: HashSet<BlastId>,
    /// Something was paused or stopped, or somebody opted out: every sender reads again before its next POST.
    pub ordered: bool,
    /// Ids of messages and people that were taught: what waits for them can be applied.
    pub learned_ids: Vec<String>,
    /// Opt-outs that this machine is to remember, noted and lifted in this order: before the commit, all at once, since a disk takes
    /// as long for one.
    pub remembered: Vec<RememberedOptOut>,
}

impl Effects {
    pub(super) fn add(&mut self, other: Self) {
        self.changed.extend(other.changed);
        self.ordered |= other.ordered;
        self.learned_ids.extend(other.learned_ids);
        self.remembered.extend(other.remembered);
    }

    /// Commits what they follow from, and publishes them.
    pub(super) async fn commit(mut self, engine: &EngineContext, mut tx: DbTransaction) -> Result<(), StoreError> {
        engine.fence.remember_in(&mut tx, mem::take(&mut self.remembered)).await?;
        tx.commit().await?;
        self.publish(engine).await;
        Ok(())
    }

    /// A notification that is lost costs a moment: everybody polls as well.
    async fn publish(self, engine: &EngineContext) {
        for blast in self.changed {
            let _ = engine.notifier.changed().send(Some(blast));
        }
        if self.ordered {
            let _ = engine.notifier.order(&engine.sending_pool, None).await;
        }
    }
}

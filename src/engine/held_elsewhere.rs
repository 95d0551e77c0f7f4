//! What an engine looks at while other processes send all that is due: their leases, and nothing else. A window that only stands by
//! costs next to nothing so. Whether those of this machine live it sees more often, without the database.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::context::EngineContext;
use super::lease_watch::{HolderState, LeaseWatch};
use crate::domain::ids::SenderId;
use crate::store::{StoreError, lease};

/// How often a standby looks whether those whom it stands by for live, where they are on this machine.
const HOLDERS_LOOK_EVERY: Duration = Duration::from_secs(1);

/// The senders with something to do, where live processes elsewhere hold each of them.
#[derive(Debug)]
pub struct HeldElsewhere {
    senders: Vec<SenderId>,
    seen_at: Instant,
    /// The names of their holders, as they were seen last.
    holders: BTreeSet<String>,
}

impl HeldElsewhere {
    /// `None` where there are none: then there is nothing to wait for.
    pub async fn see(senders: Vec<SenderId>, engine: &EngineContext) -> Result<Option<Self>, StoreError> {
        let mut seen = Self { senders, seen_at: Instant::now(), holders: BTreeSet::new() };
        for sender in &seen.senders {
            let held = lease::held_by_other(&engine.pool, *sender, engine.identity.name()).await?;
            seen.holders.extend(held.map(|held| held.holder));
        }
        Ok(Some(seen).filter(|seen| !seen.senders.is_empty()))
    }

    /// Whether it was seen this long ago, and all its senders are still held by live processes. Whatever else may be due waits for an
    /// order, or for the next look at everything.
    pub async fn holds_for(
        &mut self,
        at_most: Duration,
        engine: &EngineContext,
        watch: &mut LeaseWatch,
    ) -> Result<bool, StoreError> {
        if self.seen_at.elapsed() >= at_most {
            return Ok(false);
        }
        // Whoever held one of them before may have ended, and have been followed by another than this process.
        self.holders.clear();
        for sender in &self.senders {
            let held = lease::held_by_other(&engine.pool, *sender, engine.identity.name()).await?;
            let Some(held) = held else { return Ok(false) };
            if engine.identity.has_ended(&held.holder)
                || watch.look(*sender, &held, engine.settings.lease.valid) != HolderState::Alive
            {
                return Ok(false);
            }
            self.holders.insert(held.holder);
        }
        Ok(true)
    }

    /// Resolves once a process of this machine that held one of them has ended.
    pub async fn is_left(held: Option<&Self>, engine: &EngineContext) {
        let Some(held) = held else { return std::future::pending().await };
        while !held.holders.iter().any(|holder| engine.identity.has_ended(holder)) {
            tokio::time::sleep(HOLDERS_LOOK_EVERY).await;
        }
    }
}

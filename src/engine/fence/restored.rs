//! The senders that wait for somebody's word since their database was restored, as an engine sees them.

use std::collections::HashMap;

use super::stops::add_what_is_remembered;
use crate::domain::ids::SenderId;
use crate::engine::context::EngineContext;
use crate::store::{StoreError, sender};

/// Their reasons, as this process last saw or left them.
#[derive(Debug, Default)]
pub struct RestoredSenders(HashMap<SenderId, String>);

impl RestoredSenders {
    /// Where another machine asks whether a restored database may be sent from, this one says whom it remembers posting to.
    pub async fn look(&mut self, engine: &EngineContext) -> Result<(), StoreError> {
        let before = std::mem::take(&mut self.0);
        for (id, known) in sender::restored(&engine.pool).await? {
            let sender = engine.senders.iter().find(|sender| sender.id == id);
            let reason = match sender.filter(|_| before.get(&id) != Some(&known)) {
                Some(sender) => add_what_is_remembered(engine, sender, known).await?,
                None => known,
            };
            self.0.insert(id, reason);
        }
        Ok(())
    }
}

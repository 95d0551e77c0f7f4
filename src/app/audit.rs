//! Whether what is counted and written down agrees with itself.

use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::ids::BlastId;
use crate::store::action::{self, NewAction};
use crate::store::count::{self, CountDifference, TakenTwice};

impl App {
    /// Recounts and compares. Empty: the counters are right.
    pub async fn audit(&self, blast: Option<BlastId>) -> Result<Vec<CountDifference>, AppError> {
        Ok(count::audit(self.pool(), blast).await?)
    }

    /// Makes the counters equal to a recount; returns what differed.
    pub async fn repair(&self, blast: Option<BlastId>) -> Result<Vec<CountDifference>, AppError> {
        let repaired = count::repair(self.pool(), blast).await?;
        if !repaired.is_empty() {
            self.log_repair(blast, repaired.len()).await?;
            let _ = self.engine().notifier.order(self.pool(), blast).await;
        }
        Ok(repaired)
    }

    async fn log_repair(&self, blast: Option<BlastId>, counters: usize) -> Result<(), AppError> {
        let mut connection = self.pool().acquire().await?;
        let act = NewAction {
            operator: self.acting_operator(),
            action: Act::Repair,
            blast,
            recipient: None,
            phone: None,
            detail: serde_json::json!({ "counters": counters }),
        };
        action::log(&mut connection, act).await?;
        Ok(())
    }

    /// Whose message the provider took twice, though nothing asked for the second.
    pub async fn audit_attempts(&self, blast: Option<BlastId>) -> Result<Vec<TakenTwice>, AppError> {
        Ok(count::audit_attempts(self.pool(), blast).await?)
    }

    /// Blasts with somebody whose newest history entry is not their status. Empty: the history is complete.
    pub async fn audit_history(&self, blast: Option<BlastId>) -> Result<Vec<BlastId>, AppError> {
        Ok(count::audit_history(self.pool(), blast).await?)
    }
}

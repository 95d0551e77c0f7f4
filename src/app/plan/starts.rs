//! Whether a blast may start as somebody asks for it, before anything else is asked, and what it does where it starts at once.

use chrono_tz::Tz;

use super::Plan;
use crate::app::{App, AppError};
use crate::domain::blast::{BlastCommand, BlastState, transition};
use crate::domain::ids::BlastId;
use crate::store::view::BlastRow;

/// What a launch would do other than its caller said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartMismatch {
    /// Send at once what starts by itself.
    Early,
    /// Schedule what was to be sent at once.
    Later,
}

impl Plan {
    /// Refuses a command that the blast's state does not allow, before anything is asked.
    pub fn in_state_for(&self, command: BlastCommand) -> Result<(), AppError> {
        let Err(refused) = transition(self.blast.state, command) else { return Ok(()) };
        let first = self.blast.started_by().filter(|_| command == BlastCommand::Launch);
        Err(AppError::Refused(first.unwrap_or_else(|| refused.to_string())))
    }

    /// What a launch would do that its caller does not mean: what starts by itself is sent at once only where `now` says so. A script
    /// that runs twice, or two of them, would send what the first has scheduled. What repeats is never sent at once.
    pub fn start_mismatch(&self, now: bool) -> Option<StartMismatch> {
        match self.blast.state {
            BlastState::Scheduled if !now && self.repeat.is_none() => Some(StartMismatch::Early),
            BlastState::Draft if now && self.start.is_some() => Some(StartMismatch::Later),
            _ => None,
        }
    }

    /// What an operator has to do before it starts by itself, or at the times by which it repeats; `None` where nothing is left to do.
    pub const fn start_condition(&self) -> Option<&'static str> {
        match self.blast.state {
            BlastState::Draft => Some("once it is sent"),
            BlastState::Paused => Some("but not while it is paused"),
            _ => None,
        }
    }
}

impl App {
    /// What a launch of what starts by itself would do, as it goes where it is sent now.
    pub async fn plan_at_once(&self, id: BlastId, days: Tz) -> Result<Plan, AppError> {
        let (row, found) = self.with_its_people(id).await?;
        let now = BlastRow {
            state: BlastState::Draft,
            scheduled_for: None,
            scheduled_local: None,
            send_after: None,
            next_due_at: None,
            ..row
        };
        self.plan_with_health((now, found), Some(days)).await
    }
}

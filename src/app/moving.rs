//! Moves a sender to another phone, on purpose.

use serde_json::json;

use super::App;
use super::AppError;
use crate::domain::act::Act;
use crate::domain::sender::SenderDevice;
use crate::engine::registration;
use crate::store::action::{self, NewAction};
use crate::store::sender;

/// What a move came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderMoved {
    /// Which phone it was; `None` if that was not known.
    pub before: Option<SenderDevice>,
    pub now: SenderDevice,
}

impl SenderMoved {
    /// Whether it was that phone already.
    pub fn is_unchanged(&self) -> bool {
        self.before.as_ref() == Some(&self.now)
    }
}

impl App {
    /// Makes a sender the phone that this configuration names. An engine that sends for it from another phone is fenced off; whoever it had in flight becomes uncertain unless their answer arrives.
    pub async fn move_sender(&self, name: &str) -> Result<SenderMoved, AppError> {
        let sender = self.config().sender(name).ok_or_else(|| AppError::NotFound(self.no_sender(name)))?;
        let registered = registration(sender, &self.engine().stop_words);
        let known = sender::look_up(self.pool(), std::slice::from_ref(&registered)).await?;
        let now = sender.identity();
        if let Some(sender::RegistrationOutcome::Ours(_)) = known.get(&sender.name) {
            return Ok(SenderMoved { before: Some(now.clone()), now });
        }
        let mut tx = self.begin().await?;
        let before = sender::move_to(&mut tx, &registered).await?;
        let from = before.as_ref().map(ToString::to_string);
        let new = NewAction {
            operator: self.acting_operator(),
            action: Act::MoveSender,
            blast: None,
            recipient: None,
            phone: None,
            detail: json!({ "sender": sender.name, "from": from, "to": now.to_string() }),
        };
        action::log(&mut tx, new).await?;
        tx.commit().await?;
        Ok(SenderMoved { before, now })
    }
}

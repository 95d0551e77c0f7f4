//! A blast right after an edit, which its engine takes up a moment later.

use std::collections::HashMap;

use super::commands::no_blast;
use super::view::BlastView;
use super::{App, AppError};
use crate::domain::waiting::Waiting;
use crate::store::view;

impl App {
    /// A blast as it is after an edit. What its engine reported before it is left out where that is a limit which the blast has no more.
    pub async fn blast_after_edit(&self, before: &BlastView) -> Result<BlastView, AppError> {
        let id = before.id;
        let row = view::blasts::get_without_unasked(self.pool(), id).await?.ok_or_else(|| no_blast(id))?;
        self.refuse_other_sender(id, row.sender_id)?;
        let mut senders = if row.state.is_under_way() { self.senders_by_id().await? } else { HashMap::new() };
        let mut sender = senders.remove(&row.sender_id);
        if let Some(sender) = &mut sender {
            let is_so = |waiting: &Waiting| !waiting.is_ended_by(&before.limits, &row.limits);
            sender.waiting.blasts.retain(|of, waiting| *of != id || is_so(waiting));
        }
        self.blast_view(row, sender.as_ref(), &mut HashMap::new()).await
    }
}

//! What waits for a person: each thing with the place where it is mended.

use super::{Model, paused_by_itself};
use crate::app::view::BlastRow;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::waiting::Waiting;

/// Something that waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttentionItem {
    /// A sender that stands still until somebody mends it.
    Sender(SenderId),
    /// A blast that paused by itself.
    Paused(BlastId),
    /// People of a blast of whom nobody knows whether their message went.
    Uncertain(BlastId),
}

impl Model {
    /// Everything that waits for a person, in the order it is shown in.
    pub fn needs_list(&self) -> Vec<AttentionItem> {
        let stopped = self.senders.iter().filter(|sender| sender.stopped.is_some());
        let mut needs: Vec<AttentionItem> = stopped.map(|sender| AttentionItem::Sender(sender.id)).collect();
        for blast in self.blasts.rows() {
            if paused_by_itself(blast) {
                needs.push(AttentionItem::Paused(blast.id));
            }
            if blast.counts.uncertain > 0 {
                needs.push(AttentionItem::Uncertain(blast.id));
            }
        }
        needs
    }

    /// The blast where something is mended: of a stopped sender the one that waits for it, else one that is open.
    pub fn blast_of(&self, need: AttentionItem) -> Option<BlastId> {
        let id = match need {
            AttentionItem::Paused(id) | AttentionItem::Uncertain(id) => {
                return self.blasts.get(id).map(|blast| blast.id);
            }
            AttentionItem::Sender(id) => id,
        };
        let of_sender = || self.blasts.rows().iter().filter(move |blast| blast.sender_id == id);
        let waits = |blast: &&BlastRow| matches!(blast.waiting, Some(Waiting::SenderStopped { .. }));
        let is_open = |blast: &&BlastRow| matches!(blast.state, BlastState::Sending | BlastState::Paused);
        of_sender().find(waits).or_else(|| of_sender().find(is_open)).map(|blast| blast.id)
    }
}

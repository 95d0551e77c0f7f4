//! What needs a person, and the blast where it is fixed.

use super::{Model, paused_by_itself};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::waiting::Waiting;

/// Something that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttentionItem {
    /// A sender that stays stopped until somebody fixes it.
    Sender(SenderId),
    /// A sender of whose accepted messages no webhook arrives.
    Unheard(SenderId),
    /// A blast that paused by itself.
    Paused(BlastId),
    /// Recipients of a blast whose message may or may not have been sent.
    Uncertain(BlastId),
}

impl Model {
    /// Everything that needs a person, in the order of the screen.
    pub fn needs_list(&self) -> Vec<AttentionItem> {
        let stopped = self.senders.iter().filter(|sender| sender.stopped.is_some());
        let mut needs: Vec<AttentionItem> = stopped.map(|sender| AttentionItem::Sender(sender.id)).collect();
        let unheard = self.senders.iter().filter(|sender| sender.unheard_since.is_some());
        needs.extend(unheard.map(|sender| AttentionItem::Unheard(sender.id)));
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

    /// The blast where it is fixed; for a sender the blast that waits for it, else one that is open.
    pub fn blast_of(&self, need: AttentionItem) -> Option<BlastId> {
        let id = match need {
            AttentionItem::Paused(id) | AttentionItem::Uncertain(id) => {
                return self.blasts.get(id).map(|blast| blast.id);
            }
            AttentionItem::Sender(id) | AttentionItem::Unheard(id) => id,
        };
        let of_sender = || self.blasts.rows().iter().filter(move |blast| blast.sender_id == id);
        let waits = |blast: &&BlastView| matches!(blast.waiting, Some(Waiting::SenderStopped { .. }));
        let is_open = |blast: &&BlastView| matches!(blast.state, BlastState::Sending | BlastState::Paused);
        of_sender().find(waits).or_else(|| of_sender().find(is_open)).map(|blast| blast.id)
    }
}

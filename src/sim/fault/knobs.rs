//! How one message is announced: every independent fault, drawn once when the message is accepted.
//!
//! Kept with the message, so that a change of the rates changes nothing about messages that are out already.

use super::{
    super::chance::{Chance, Draw},
    FaultKind, FaultRates,
};

/// The faults of a whole message, by bit.
const MESSAGE: [FaultKind; 6] = [
    FaultKind::NoMessageStatus,
    FaultKind::WaIdRewritten,
    FaultKind::NoPhone,
    FaultKind::WebhookV23,
    FaultKind::NoDelivered,
    FaultKind::WebhookEarly,
];

/// The faults that each event of a message meets by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKnob {
    Lost,
    Repeated,
    Duplicate,
    Reorder,
}

impl EventKnob {
    const ALL: [(Self, FaultKind); 4] = [
        (Self::Lost, FaultKind::WebhookLost),
        (Self::Repeated, FaultKind::WebhookRepeated),
        (Self::Duplicate, FaultKind::WebhookDuplicate),
        (Self::Reorder, FaultKind::WebhookReorder),
    ];

    fn bit(self, event: u32) -> u32 {
        1 << (8 + self as u32 * MessageKnobs::EVENTS + event)
    }
}

/// The independent faults that one message meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct MessageKnobs(u32);

impl MessageKnobs {
    /// The number of distinct events of a message.
    pub const EVENTS: u32 = 6;

    /// Draws them. What is about the person is the same for all of the person's messages.
    pub fn draw(rates: &FaultRates, person: Chance, message: Chance) -> Self {
        let mut bits = 0;
        for (place, kind) in (0..).zip(MESSAGE) {
            let chance = if matches!(kind, FaultKind::NoPhone | FaultKind::WaIdRewritten) { person } else { message };
            bits |= u32::from(happens(rates, kind, chance, 0)) << place;
        }
        for (knob, kind) in EventKnob::ALL {
            for event in 0..Self::EVENTS {
                let is_met = happens(rates, kind, message, u64::from(event) + 1);
                bits |= if is_met { knob.bit(event) } else { 0 };
            }
        }
        Self(bits)
    }

    /// Whether the message meets a fault of whole messages.
    pub fn has(self, kind: FaultKind) -> bool {
        (0..).zip(MESSAGE).any(|(place, known)| known == kind && self.0 & (1 << place) != 0)
    }

    /// Whether its event number `event` (below `EVENTS`) meets a fault.
    pub fn event(self, knob: EventKnob, event: u32) -> bool {
        self.0 & knob.bit(event) != 0
    }
}

fn happens(rates: &FaultRates, kind: FaultKind, chance: Chance, nth: u64) -> bool {
    let rate = rates.rate(kind);
    rate > 0.0 && chance.nth_unit(Draw::NewsFault, nth * 64 + kind as u64) < rate
}

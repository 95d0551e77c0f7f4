//! Faults on demand: their names, their rates, and what meets them.
//!
//! A fault is drawn by (seed, phone, nth POST or message to the phone), so that the order of sending does not matter.

use std::{fmt, str::FromStr};

pub use self::knobs::{EventKnob, MessageKnobs};
use super::{
    chance::{Chance, Draw},
    fate::CloudEnding,
};

mod knobs;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// WSAPME: HTTP 429 with `Retry-After`. Meta: 130429 with HTTP 400. Not accepted.
    Throttle,
    /// WSAPME: HTTP 200, `success:false` and a text. Meta: 131000 with HTTP 500. Not accepted.
    Error,
    /// Accepted, then the connection is closed without a response.
    AcceptThenHangup,
    /// Accepted; the response comes after 40 simulated seconds, at least one real second.
    Slow,
    /// WSAPME: HTTP 200, `success:false`, the device is offline. Meta: 133010. Not accepted. While its rate is above 0,
    /// so is it in the device list and in the number's health.
    Offline,
    /// An HTML page with 502; not accepted.
    Html,
    /// As throttle, with HTTP 429 from Meta too.
    Throttle429,
    /// Meta: 131056, too many messages to one person. As throttle from WSAPME.
    PairLimit,
    /// Meta: accepted, then failed with the code of the name.
    Async131026,
    Async131049,
    Async131050,
    Async130472,
    Async131053,
    /// Meta: accepted as held, released after minutes of simulated time.
    PacingHold,
    /// Meta: accepted as held, then failed with 132015.
    PacingDrop,
    /// While its rate is above 0, Meta refuses marketing templates on `/messages` with 131063.
    MarketingOff,
    /// Meta: the response has no `message_status`.
    NoMessageStatus,
    /// Meta: `wa_id` is the other spelling of a Brazilian, Mexican or Argentinian number.
    WaIdRewritten,
    /// Webhooks about this person have no phone number but a business-scoped user id, or a privacy id from WSAPME. Only
    /// the first status still has both.
    NoPhone,
    /// Meta: webhooks in the shape of v23 (`conversation`, no user ids) rather than v24.
    WebhookV23,
    /// No `delivered` webhook for a message that will be read.
    NoDelivered,
    /// The first webhook goes out before the HTTP response.
    WebhookEarly,
    /// The webhook of an event is never sent.
    WebhookLost,
    /// The same request is sent again after it was answered with 200.
    WebhookRepeated,
    /// The event comes once or twice more, in later requests.
    WebhookDuplicate,
    /// The event comes late, after those that happened later.
    WebhookReorder,
    /// The share of the time in which no webhook gets through: stretches of a simulated minute.
    WebhookOutage,
}

/// Which faults exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FaultGroup {
    /// A send meets at most one.
    Answer,
    /// An accepted message meets at most one.
    Ending,
    /// Beside any other.
    Independent,
}

/// Every fault in the order of its declaration, which is the order in which rates are added up for a draw.
const KINDS: [(FaultKind, &str, FaultGroup); 27] = [
    (FaultKind::Throttle, "throttle", FaultGroup::Answer),
    (FaultKind::Error, "error", FaultGroup::Answer),
    (FaultKind::AcceptThenHangup, "accept-then-hangup", FaultGroup::Answer),
    (FaultKind::Slow, "slow", FaultGroup::Answer),
    (FaultKind::Offline, "offline", FaultGroup::Answer),
    (FaultKind::Html, "html", FaultGroup::Answer),
    (FaultKind::Throttle429, "throttle-429", FaultGroup::Answer),
    (FaultKind::PairLimit, "pair-limit", FaultGroup::Answer),
    (FaultKind::Async131026, "async-131026", FaultGroup::Ending),
    (FaultKind::Async131049, "async-131049", FaultGroup::Ending),
    (FaultKind::Async131050, "async-131050", FaultGroup::Ending),
    (FaultKind::Async130472, "async-130472", FaultGroup::Ending),
    (FaultKind::Async131053, "async-131053", FaultGroup::Ending),
    (FaultKind::PacingHold, "pacing-hold", FaultGroup::Ending),
    (FaultKind::PacingDrop, "pacing-drop", FaultGroup::Ending),
    (FaultKind::MarketingOff, "marketing-off", FaultGroup::Independent),
    (FaultKind::NoMessageStatus, "no-message-status", FaultGroup::Independent),
    (FaultKind::WaIdRewritten, "wa-id-rewritten", FaultGroup::Independent),
    (FaultKind::NoPhone, "no-phone", FaultGroup::Independent),
    (FaultKind::WebhookV23, "webhook-v23", FaultGroup::Independent),
    (FaultKind::NoDelivered, "no-delivered", FaultGroup::Independent),
    (FaultKind::WebhookEarly, "webhook-early", FaultGroup::Independent),
    (FaultKind::WebhookLost, "webhook-lost", FaultGroup::Independent),
    (FaultKind::WebhookRepeated, "webhook-repeated", FaultGroup::Independent),
    (FaultKind::WebhookDuplicate, "webhook-duplicate", FaultGroup::Independent),
    (FaultKind::WebhookReorder, "webhook-reorder", FaultGroup::Independent),
    (FaultKind::WebhookOutage, "webhook-outage", FaultGroup::Independent),
];

impl FaultKind {
    pub fn name(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// What Meta does with a message that meets this fault.
    fn ending(self) -> CloudEnding {
        match self {
            Self::Async131026 => CloudEnding::Fails(131_026),
            Self::Async131049 => CloudEnding::Fails(131_049),
            Self::Async131050 => CloudEnding::Fails(131_050),
            Self::Async130472 => CloudEnding::Fails(130_472),
            Self::Async131053 => CloudEnding::Fails(131_053),
            Self::PacingHold => CloudEnding::Held,
            Self::PacingDrop => CloudEnding::Dropped,
            _ => CloudEnding::Usual,
        }
    }
}

/// One fault and its rate, written `NAME=RATE`; the rate is a share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    kind: FaultKind,
    rate: f64,
}

/// Why a fault is invalid, and what would be valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("\"{0}\" is not NAME=RATE, such as throttle=0.1")]
    Form(String),
    #[error("\"{0}\" is not a fault: use one of {known}", known = Fault::names())]
    Name(String),
    #[error("the rate \"{0}\" is not a share from 0 to 1")]
    Rate(String),
    #[error("the fault rates add up to more than 1; each send meets at most one fault")]
    Sum,
}

impl Fault {
    /// The names of all faults.
    pub fn names() -> String {
        KINDS.map(|(_, name, _)| name).join(", ")
    }

    /// Refuses those that exclude each other and exceed 1 together.
    pub fn check_together(faults: &[Self]) -> Result<(), FaultError> {
        FaultRates::new(faults).map(drop)
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, rate) = text.split_once('=').ok_or_else(|| FaultError::Form(text.to_owned()))?;
        let kind = KINDS.into_iter().find(|(_, known, _)| *known == name.trim()).map(|(kind, _, _)| kind);
        let kind = kind.ok_or_else(|| FaultError::Name(name.trim().to_owned()))?;
        let known = rate.trim().parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
        let rate = known.ok_or_else(|| FaultError::Rate(rate.trim().to_owned()))?;
        Ok(Self { kind, rate })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind.name(), self.rate)
    }
}

/// The rates in force, one per kind.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FaultRates([f64; KINDS.len()]);

impl FaultRates {
    /// A fault that occurs twice has its last rate. Faults that exclude each other must not exceed 1 together.
    pub fn new(faults: &[Fault]) -> Result<Self, FaultError> {
        let mut rates = Self::default();
        for fault in faults {
            rates.0[fault.kind as usize] = fault.rate;
        }
        for group in [FaultGroup::Answer, FaultGroup::Ending] {
            // Ten times 0.1 is slightly above 1 in floating point.
            if rates.of_group(group).map(|(_, rate)| rate).sum::<f64>() > 1.0 + 1e-9 {
                return Err(FaultError::Sum);
            }
        }
        Ok(rates)
    }

    pub fn rate(&self, kind: FaultKind) -> f64 {
        self.0[kind as usize]
    }

    /// The faults with a rate above 0, as they would be typed.
    pub fn in_force(&self) -> Vec<String> {
        let all = KINDS.map(|(kind, _, _)| Fault { kind, rate: self.rate(kind) });
        all.iter().filter(|fault| fault.rate > 0.0).map(Fault::to_string).collect()
    }

    /// The fault that one POST meets, if any.
    pub fn draw(&self, chance: Chance) -> Option<FaultKind> {
        self.pick(FaultGroup::Answer, chance.unit(Draw::Fault))
    }

    /// What Meta does with an accepted message.
    pub fn ending(&self, message: Chance) -> CloudEnding {
        let drawn = self.pick(FaultGroup::Ending, message.unit(Draw::Ending));
        drawn.map_or(CloudEnding::Usual, FaultKind::ending)
    }

    fn pick(&self, group: FaultGroup, mut left: f64) -> Option<FaultKind> {
        for (kind, rate) in self.of_group(group) {
            if left < rate {
                return Some(kind);
            }
            left -= rate;
        }
        None
    }

    fn of_group(&self, group: FaultGroup) -> impl Iterator<Item = (FaultKind, f64)> {
        let of_group = KINDS.iter().zip(self.0).filter(move |((_, _, own), _)| *own == group);
        of_group.map(|((kind, _, _), rate)| (*kind, rate))
    }
}

#[cfg(test)]
mod tests;

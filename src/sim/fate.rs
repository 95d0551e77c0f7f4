//! What becomes of a message: the population, as a pure function of seed, phone and the number of messages before.
//!
//! Knows neither HTTP nor clocks. Stateless, so that neither order nor concurrency can change a fate.

use std::time::Duration;

use super::chance::{Chance, Draw};

/// The share of numbers that are not on WhatsApp: their messages stay PENDING for ever.
const UNREACHABLE: f64 = 0.025;
/// The share that WhatsApp refuses after the gateway accepted it.
const REFUSED: f64 = 0.015;
/// Of the delivered, the share that is reported as read; the others have read receipts off.
const READ: f64 = 0.74;
/// Of the read, the share that is replied to: 8 % of all messages.
const REPLY_WHEN_READ: f64 = 0.08 / (0.96 * READ);
/// Of the replies, the share that buys.
const BUY: f64 = 1.0 / 3.0;
/// One person in this many replies STOP. A prime: any regular list of 250 numbers holds each remainder once.
const STOP_ONE_IN: u64 = 251;

const ORDERS: [&str; 6] = [
    "Ya, saya nak dua kotak",
    "Boleh, tolong simpan satu untuk saya",
    "Yes please, one set. COD can?",
    "Nak! Macam mana nak bayar?",
    "Ok, I'll take three, deliver to the office ya",
    "Saya ambil satu, pos ke Johor boleh?",
];
const ANSWERS: [&str; 8] = [
    "Berapa harga satu kotak?",
    "Ada warna lain tak?",
    "Sorry, not this month",
    "Terima kasih, nanti saya fikir dulu",
    "Kedai buka pukul berapa hari Sabtu?",
    "Is this still available?",
    "Siapa ni ya?",
    "Ok noted, thanks 🙏",
];

/// The simulated public: one seed, one speed.
#[derive(Debug, Clone, Copy)]
pub struct Population {
    pub seed: u64,
    /// Simulated seconds per real second; above 0.
    pub speed: f64,
}

/// One accepted message: the phone, its position (from 1) among the messages to that phone, and the API it came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NthMessage {
    pub phone: u64,
    pub nth: u32,
    pub channel: Channel,
}

/// The API that a message came by. The same person meets the same chances by both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// WSAPME's gateway.
    Gateway,
    /// Meta's Cloud API.
    Cloud(CloudEnding),
}

/// What Meta does with an accepted message, apart from the person's own chances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloudEnding {
    Usual,
    /// Held for a quality assessment, then released.
    Held,
    /// Held for a quality assessment, then dropped: 132015.
    Dropped,
    /// Fails with this code after the 200.
    Fails(u32),
}

/// Meta's code for free text outside the session window.
pub const OUTSIDE_WINDOW: u32 = 131_047;
/// Meta's code for a number that is not on WhatsApp.
const UNDELIVERABLE: u32 = 131_026;
/// Meta's code for a template that was paused while its messages were held.
const TEMPLATE_PAUSED: u32 = 132_015;
/// Meta's codes for a refusal after the 200, the most frequent one twice.
const REFUSALS: [u32; 4] = [131_049, 131_049, 130_472, 131_026];
/// WhatsApp's code for a restricted linked phone.
const RESTRICTED: u32 = 463;
/// How long Meta holds a message, in simulated seconds.
const HOLD: (f64, f64) = (120.0, 900.0);

/// What will become of a message. Durations are from acceptance, in real time (speed already applied).
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// Not on WhatsApp, and the gateway does not find out: PENDING for ever.
    Unreachable,
    /// Failed after the 200.
    Refused { after: Duration, code: u32 },
    /// On the recipient's device.
    Delivered(SimDelivery),
}

#[derive(Debug, Clone, PartialEq)]
pub struct SimDelivery {
    /// One tick. Zero when the response to the send already reports it.
    pub server_ack: Duration,
    pub delivered: Duration,
    pub read: Option<Duration>,
    /// Only after a read.
    pub reply: Option<PlannedReply>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PlannedReply {
    pub after: Duration,
    pub text: &'static str,
    pub buys: Option<Cents>,
}

/// An amount of money in hundredths; printed with two decimals (`120.00`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cents(pub u64);

impl std::fmt::Display for Cents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A message's status as WhatsApp spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireStatus {
    Pending,
    ServerAck,
    DeliveryAck,
    Read,
    Error,
}

impl WireStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::ServerAck => "SERVER_ACK",
            Self::DeliveryAck => "DELIVERY_ACK",
            Self::Read => "READ",
            Self::Error => "ERROR",
        }
    }
}

impl Population {
    /// How long after a person's last message free text may be sent to them: 24 simulated hours.
    pub fn session_window(self) -> Duration {
        self.real(86_400.0)
    }

    /// The fate of one message. Reachability and read receipts depend on the person, the rest on the message.
    pub fn fate(self, sent: NthMessage) -> Fate {
        let message = Chance::of(self.seed, sent.phone, sent.nth);
        match sent.channel {
            Channel::Gateway => self.own_fate(sent, RESTRICTED),
            Channel::Cloud(ending) => self.cloud_fate(sent, ending, message),
        }
    }

    /// What becomes of it by the person's chances alone.
    fn own_fate(self, sent: NthMessage, refusal: u32) -> Fate {
        let person = Chance::of(self.seed, sent.phone, 0);
        let message = Chance::of(self.seed, sent.phone, sent.nth);
        let stops = self.says_stop(sent);
        if !stops && person.happens(Draw::Reachable, UNREACHABLE) {
            return Fate::Unreachable;
        }
        if !stops && message.happens(Draw::Refused, REFUSED / (1.0 - UNREACHABLE)) {
            return self.refused(message, refusal);
        }
        Fate::Delivered(self.delivery(person, message, Intention { stops }))
    }

    fn cloud_fate(self, sent: NthMessage, ending: CloudEnding, message: Chance) -> Fate {
        let hold = || self.real(message.between(Draw::Hold, HOLD.0, HOLD.1));
        match ending {
            CloudEnding::Fails(code) => return self.refused(message, code),
            CloudEnding::Dropped => return Fate::Refused { after: hold(), code: TEMPLATE_PAUSED },
            CloudEnding::Usual | CloudEnding::Held => {}
        }
        let fate = match self.own_fate(sent, message.pick(Draw::FailureCode, &REFUSALS)) {
            Fate::Unreachable => self.refused(message, UNDELIVERABLE),
            fate => fate,
        };
        if ending == CloudEnding::Held { fate.later(hold()) } else { fate }
    }

    fn refused(self, message: Chance, code: u32) -> Fate {
        Fate::Refused { after: self.real(message.between(Draw::Delivery, 2.0, 20.0)), code }
    }

    fn delivery(self, person: Chance, message: Chance, wants: Intention) -> SimDelivery {
        let delivered = message.between(Draw::Delivery, 1.0, 40.0);
        let server_ack =
            if message.happens(Draw::EarlyAck, 0.125) { 0.0 } else { message.between(Draw::Ack, 0.2, 0.9) };
        let read = (wants.stops || person.happens(Draw::Receipts, READ)).then(|| delivered + reading_time(message));
        let reply = read.and_then(|read| self.reply(message, wants, read));
        SimDelivery {
            server_ack: self.real(server_ack),
            delivered: self.real(delivered),
            read: read.map(|after| self.real(after)),
            reply,
        }
    }

    fn reply(self, message: Chance, wants: Intention, read: f64) -> Option<PlannedReply> {
        if !wants.stops && !message.happens(Draw::Reply, REPLY_WHEN_READ) {
            return None;
        }
        let after = self.real(read + message.skewed(Draw::ReplyTime, 15.0, 1_800.0));
        let buys = (!wants.stops && message.happens(Draw::Buys, BUY)).then(|| amount(message));
        let text = match (wants.stops, buys) {
            (true, _) => "STOP",
            (false, Some(_)) => message.pick(Draw::Text, &ORDERS),
            (false, None) => message.pick(Draw::Text, &ANSWERS),
        };
        Some(PlannedReply { after, text, buys })
    }

    /// Chosen by remainder rather than by chance: 250 numbers of a list hold one such person, not none or four.
    fn says_stop(self, message: NthMessage) -> bool {
        let turn = Chance::of(self.seed, 0, message.nth).below(Draw::Stop, STOP_ONE_IN);
        message.phone % STOP_ONE_IN == turn
    }

    /// Converts simulated seconds to real time.
    pub fn real(self, simulated_seconds: f64) -> Duration {
        Duration::try_from_secs_f64(simulated_seconds / self.speed).unwrap_or(Duration::MAX)
    }
}

/// What this person will do, decided before reading.
#[derive(Debug, Clone, Copy)]
struct Intention {
    stops: bool,
}

/// Seconds from delivery to reading: half within five minutes, all within 45.
fn reading_time(message: Chance) -> f64 {
    if message.happens(Draw::ReadsSoon, 0.5) {
        message.skewed(Draw::ReadTime, 4.0, 300.0)
    } else {
        message.skewed(Draw::ReadTime, 300.0, 2_700.0)
    }
}

/// 35.00 to 250.00, in steps of ten sen.
fn amount(message: Chance) -> Cents {
    Cents(3_500 + 10 * message.below(Draw::Amount, 2_151))
}

impl Fate {
    /// The status `elapsed` after acceptance.
    pub fn status(&self, elapsed: Duration) -> WireStatus {
        match self {
            Self::Refused { after, .. } if *after <= elapsed => WireStatus::Error,
            Self::Unreachable | Self::Refused { .. } => WireStatus::Pending,
            Self::Delivered(delivery) => delivery.status(elapsed),
        }
    }

    /// The first delivery, read, reply or refusal after `elapsed`.
    pub fn next_event(&self, elapsed: Duration) -> Option<Duration> {
        self.events().into_iter().flatten().filter(|event| *event > elapsed).min()
    }

    /// The time of the last event.
    pub fn last_event(&self) -> Option<Duration> {
        self.events().into_iter().flatten().max()
    }

    /// The reply this person will write, if any.
    pub fn reply(&self) -> Option<&PlannedReply> {
        match self {
            Self::Delivered(delivery) => delivery.reply.as_ref(),
            Self::Unreachable | Self::Refused { .. } => None,
        }
    }

    /// When WhatsApp's server acknowledges it, if ever.
    pub fn server_ack(&self) -> Option<Duration> {
        match self {
            Self::Delivered(delivery) => Some(delivery.server_ack),
            Self::Unreachable | Self::Refused { .. } => None,
        }
    }

    /// The same, with everything later by `hold`.
    fn later(self, hold: Duration) -> Self {
        let add = |at: Duration| at.saturating_add(hold);
        match self {
            Self::Unreachable => Self::Unreachable,
            Self::Refused { after, code } => Self::Refused { after: add(after), code },
            Self::Delivered(delivery) => Self::Delivered(SimDelivery {
                server_ack: add(delivery.server_ack),
                delivered: add(delivery.delivered),
                read: delivery.read.map(add),
                reply: delivery.reply.map(|reply| PlannedReply { after: add(reply.after), ..reply }),
            }),
        }
    }

    fn events(&self) -> [Option<Duration>; 3] {
        match self {
            Self::Unreachable => [None; 3],
            Self::Refused { after, .. } => [Some(*after), None, None],
            Self::Delivered(delivery) => {
                [Some(delivery.delivered), delivery.read, delivery.reply.as_ref().map(|reply| reply.after)]
            }
        }
    }
}

impl SimDelivery {
    fn status(&self, elapsed: Duration) -> WireStatus {
        if self.read.is_some_and(|read| read <= elapsed) {
            WireStatus::Read
        } else if self.delivered <= elapsed {
            WireStatus::DeliveryAck
        } else if self.server_ack <= elapsed {
            WireStatus::ServerAck
        } else {
            WireStatus::Pending
        }
    }
}

#[cfg(test)]
mod tests;

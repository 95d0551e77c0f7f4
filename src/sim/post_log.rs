//! The log of every POST: what it contained, how it was answered, and what became of it by any time.
//!
//! Pure: the time is passed in and there are no timers. A stage is computed from fate and time on demand.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{
    chance::{Chance, Draw},
    fate::{Channel, CloudEnding, NthMessage, OUTSIDE_WINDOW, Population},
    fault::{FaultRates, MessageKnobs},
};

/// Real time since the simulator started.
pub type SimTime = Duration;

/// How a send was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    Ok,
    Throttle,
    Error,
    Hangup,
    Slow,
    Html,
    Offline,
    Unauthorised,
    /// The request was invalid: not JSON, a missing field, no phone number, too large.
    Refused,
    /// Verbatim what a script defined.
    Scripted,
}

/// Whether a request carried the token that this simulator requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenCheck {
    Right,
    Wrong,
}

/// The API that a send came by, and what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendKind {
    /// Text, by WSAPME.
    Gateway,
    /// A template, by Meta.
    CloudTemplate,
    /// Free text, by Meta: only within the session window.
    CloudText,
}

impl SendKind {
    /// The provider, as the truth names it.
    pub fn provider(self) -> &'static str {
        match self {
            Self::Gateway => "wsapme",
            Self::CloudTemplate | Self::CloudText => "meta",
        }
    }
}

/// One send as received.
#[derive(Debug, Clone, Copy)]
pub struct IncomingSend<'a> {
    pub kind: SendKind,
    /// Digits only; empty when the request named none.
    pub phone: &'a str,
    /// WSAPME's device, as text whether it was sent as text or number; Meta's phone number id.
    pub device: &'a str,
    pub content_type: &'a str,
    pub token: TokenCheck,
    /// Verbatim, as far as it was UTF-8.
    pub body: &'a str,
}

/// One entry of the log, numbered from 1 by its position.
#[derive(Debug)]
pub struct LoggedPost {
    pub at: SimTime,
    /// Phone, device, content type and body in one allocation, since there may be millions of sends.
    texts: Box<str>,
    /// Where the first three end.
    ends: [usize; 3],
    pub kind: SendKind,
    pub token: TokenCheck,
    pub answered: Answered,
    pub accepted: Option<Accepted>,
}

impl LoggedPost {
    fn new(at: SimTime, arrival: IncomingSend<'_>, answered: Answered, accepted: Option<Accepted>) -> Self {
        let IncomingSend { kind, phone, device, content_type, token, body } = arrival;
        let device_end = phone.len() + device.len();
        Self {
            at,
            texts: [phone, device, content_type, body].concat().into(),
            ends: [phone.len(), device_end, device_end + content_type.len()],
            kind,
            token,
            answered,
            accepted,
        }
    }

    pub fn phone(&self) -> &str {
        &self.texts[..self.ends[0]]
    }

    pub fn device(&self) -> &str {
        &self.texts[self.ends[0]..self.ends[1]]
    }

    pub fn content_type(&self) -> &str {
        &self.texts[self.ends[1]..self.ends[2]]
    }

    pub fn body(&self) -> &str {
        &self.texts[self.ends[2]..]
    }
}

/// What a message got when it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    pub id: Arc<str>,
    pub message: NthMessage,
    pub at: SimTime,
    pub knobs: MessageKnobs,
}

/// What holds for a send when it is decided.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    pub now: SimTime,
    pub rates: &'a FaultRates,
}

/// The decision about a send: how to answer, and under which id to accept it, if at all.
#[derive(Debug, Clone)]
pub struct Decision {
    pub answered: Answered,
    pub acceptance: SimAcceptance,
}

#[derive(Debug, Clone)]
pub enum SimAcceptance {
    Not,
    /// Under an id of our own.
    Generated,
    /// Under the id that a script names.
    Named(String),
}

#[derive(Debug, Default, Clone, Copy)]
struct Traffic {
    posts: u32,
    accepted: u32,
    /// When the person writes first and last, as far as known.
    writes: Option<(SimTime, SimTime)>,
}

impl Traffic {
    fn will_write(&mut self, at: SimTime) {
        let (first, last) = self.writes.unwrap_or((at, at));
        self.writes = Some((first.min(at), last.max(at)));
    }

    /// Whether the person has written within the `window` before `now`.
    fn is_open(&self, now: SimTime, window: Duration) -> bool {
        let since = now.saturating_sub(window);
        self.writes.is_some_and(|(first, last)| [first, last].iter().any(|at| (since..=now).contains(at)))
    }
}

/// All POSTs, indexed by number, by message id, and by the time of their replies.
#[derive(Debug)]
pub struct PostLog {
    population: Population,
    /// Differs between runs, so that message ids do too, even with the same seed.
    run: u64,
    posts: Vec<LoggedPost>,
    ids: HashMap<Arc<str>, usize>,
    traffic: HashMap<u64, Traffic>,
    accepted: usize,
    last_event: SimTime,
    replies_to_come: BinaryHeap<Reverse<(SimTime, usize)>>,
    replies_come: Vec<usize>,
}

impl PostLog {
    pub fn new(population: Population, run: u64) -> Self {
        Self {
            population,
            run,
            posts: Vec::new(),
            ids: HashMap::new(),
            traffic: HashMap::new(),
            accepted: 0,
            last_event: SimTime::ZERO,
            replies_to_come: BinaryHeap::new(),
            replies_come: Vec::new(),
        }
    }

    /// The chance that decides what happens to the next POST to this phone. Counts the POST.
    pub fn next_attempt(&mut self, phone: u64) -> Chance {
        let traffic = self.traffic.entry(phone).or_default();
        traffic.posts = traffic.posts.saturating_add(1);
        Chance::of(self.population.seed, phone, traffic.posts)
    }

    /// Logs a send, before it is answered. A phone that is not a number is never accepted.
    pub fn record(
        &mut self,
        circumstances: Circumstances<'_>,
        arrival: IncomingSend<'_>,
        decision: Decision,
    ) -> Option<Accepted> {
        let accepted = self.take(circumstances, arrival, decision.acceptance);
        self.posts.push(LoggedPost::new(circumstances.now, arrival, decision.answered, accepted.clone()));
        accepted
    }

    fn take(
        &mut self,
        circumstances: Circumstances<'_>,
        arrival: IncomingSend<'_>,
        acceptance: SimAcceptance,
    ) -> Option<Accepted> {
        let named = match acceptance {
            SimAcceptance::Not => return None,
            SimAcceptance::Generated => None,
            SimAcceptance::Named(id) => Some(id),
        };
        let phone = arrival.phone.parse().ok()?;
        let message = self.next_message(circumstances, arrival.kind, phone);
        let seed = self.population.seed;
        let (person, own) = (Chance::of(seed, phone, 0), Chance::of(seed, phone, message.nth));
        let knobs = MessageKnobs::draw(circumstances.rates, person, own);
        let id: Arc<str> = named.unwrap_or_else(|| message_id(self.run, message)).into();
        self.expect(circumstances.now, message);
        self.ids.insert(Arc::clone(&id), self.posts.len());
        self.accepted += 1;
        Some(Accepted { id, message, at: circumstances.now, knobs })
    }

    fn next_message(&mut self, circumstances: Circumstances<'_>, kind: SendKind, phone: u64) -> NthMessage {
        let Population { seed, .. } = self.population;
        let window = self.population.session_window();
        let traffic = self.traffic.entry(phone).or_default();
        traffic.accepted = traffic.accepted.saturating_add(1);
        let nth = traffic.accepted;
        let channel = match kind {
            SendKind::Gateway => Channel::Gateway,
            SendKind::CloudText if !traffic.is_open(circumstances.now, window) => {
                Channel::Cloud(CloudEnding::Fails(OUTSIDE_WINDOW))
            }
            SendKind::CloudTemplate | SendKind::CloudText => {
                Channel::Cloud(circumstances.rates.ending(Chance::of(seed, phone, nth)))
            }
        };
        NthMessage { phone, nth, channel }
    }

    fn expect(&mut self, now: SimTime, message: NthMessage) {
        let fate = self.population.fate(message);
        if let Some(last) = fate.last_event() {
            self.last_event = self.last_event.max(now.saturating_add(last));
        }
        if let Some(reply) = fate.reply() {
            let at = now.saturating_add(reply.after);
            self.replies_to_come.push(Reverse((at, self.posts.len())));
            self.traffic.entry(message.phone).or_default().will_write(at);
        }
    }

    pub fn len(&self) -> usize {
        self.posts.len()
    }

    pub fn accepted(&self) -> usize {
        self.accepted
    }

    /// Distinct phones that were posted to, accepted or not.
    pub fn people(&self) -> usize {
        self.traffic.len()
    }

    /// Up to `count` POSTs after number `after`, each with its number.
    pub fn page(&self, after: usize, count: usize) -> impl Iterator<Item = (usize, &LoggedPost)> {
        self.posts.iter().enumerate().skip(after).take(count).map(|(index, post)| (index + 1, post))
    }

    /// The message with this id, if this device sent it.
    pub fn find(&self, device: &str, id: &str) -> Option<(&LoggedPost, &Accepted)> {
        let post = self.posts.get(*self.ids.get(id)?)?;
        let accepted = post.accepted.as_ref()?;
        (post.device() == device).then_some((post, accepted))
    }

    /// The POST at `index` (from 0), if it was accepted.
    pub fn accepted_at(&self, index: usize) -> Option<(&LoggedPost, &Accepted)> {
        let post = self.posts.get(index)?;
        Some((post, post.accepted.as_ref()?))
    }

    /// Whether no delivery, read, reply or refusal is still to come.
    pub fn settled(&self, now: SimTime) -> bool {
        self.last_event <= now
    }

    /// The replies that are due, after number `after`, each with its number. Numbers are stable.
    pub fn replies(&mut self, now: SimTime, after: usize) -> impl Iterator<Item = (usize, &LoggedPost)> {
        while let Some(Reverse((due, index))) = self.replies_to_come.peek().copied() {
            if due > now {
                break;
            }
            self.replies_to_come.pop();
            self.replies_come.push(index);
        }
        let come = self.replies_come.iter().enumerate().skip(after);
        come.filter_map(|(place, index)| Some((place + 1, self.posts.get(*index)?)))
    }
}

fn message_id(run: u64, message: NthMessage) -> String {
    match message.channel {
        Channel::Gateway => gateway_id(run, message),
        Channel::Cloud(_) => cloud_id(run, message),
    }
}

/// An id like Meta's: `wamid.` and base64, with characters that a URL would need escaped.
fn cloud_id(run: u64, message: NthMessage) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    let chance = Chance::of(run, message.phone, message.nth);
    let mut id = String::with_capacity(64);
    id.push_str("wamid.HBgL");
    for draw in 0..4 {
        let bits = chance.nth_bits(Draw::IdLow, draw);
        let digits = (0..10).map(|place| usize::try_from((bits >> (6 * place)) % 64).unwrap_or(0));
        id.extend(digits.map(|digit| char::from(ALPHABET[digit])));
    }
    id.push_str("AA==");
    id
}

/// An id like WSAPME's: `3EB0` and 18 capitals and digits, the first of which is never a hex digit.
fn gateway_id(run: u64, message: NthMessage) -> String {
    const NOT_HEX: &[u8; 20] = b"GHIJKLMNOPQRSTUVWXYZ";
    const ANY: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    let chance = Chance::of(run, message.phone, message.nth);
    let mut id = String::with_capacity(22);
    id.push_str("3EB0");
    id.push(char::from(chance.pick(Draw::IdHigh, NOT_HEX)));
    for place in 1..18 {
        let digit = usize::try_from(chance.nth_bits(Draw::IdLow, place) % 36).unwrap_or(0);
        id.push(char::from(ANY[digit]));
    }
    id
}

#[cfg(test)]
mod tests;

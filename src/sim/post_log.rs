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
    fate::{Fate, NthMessage, Population},
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

/// One send as received.
#[derive(Debug, Clone, Copy)]
pub struct IncomingSend<'a> {
    /// Digits only; empty when the request named none.
    pub phone: &'a str,
    /// As text, whether it was sent as text or number.
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
    pub token: TokenCheck,
    pub answered: Answered,
    pub accepted: Option<Accepted>,
}

impl LoggedPost {
    fn new(at: SimTime, arrival: IncomingSend<'_>, answered: Answered, accepted: Option<Accepted>) -> Self {
        let IncomingSend { phone, device, content_type, token, body } = arrival;
        let device_end = phone.len() + device.len();
        Self {
            at,
            texts: [phone, device, content_type, body].concat().into(),
            ends: [phone.len(), device_end, device_end + content_type.len()],
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
}

/// The decision about a send: how to answer, and under which id to accept it, if at all.
#[derive(Debug, Clone)]
pub struct Decision {
    pub answered: Answered,
    pub acceptance: Acceptance,
}

#[derive(Debug, Clone)]
pub enum Acceptance {
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
    pub fn record(&mut self, now: SimTime, arrival: IncomingSend<'_>, decision: Decision) -> Option<Accepted> {
        let accepted = self.take(now, arrival.phone, decision.acceptance);
        self.posts.push(LoggedPost::new(now, arrival, decision.answered, accepted.clone()));
        accepted
    }

    fn take(&mut self, now: SimTime, phone: &str, acceptance: Acceptance) -> Option<Accepted> {
        let named = match acceptance {
            Acceptance::Not => return None,
            Acceptance::Generated => None,
            Acceptance::Named(id) => Some(id),
        };
        let message = self.next_parcel(phone.parse().ok()?);
        let id: Arc<str> = named.unwrap_or_else(|| message_id(self.run, message)).into();
        self.expect(now, &self.population.fate(message));
        self.ids.insert(Arc::clone(&id), self.posts.len());
        self.accepted += 1;
        Some(Accepted { id, message, at: now })
    }

    fn next_parcel(&mut self, phone: u64) -> NthMessage {
        let traffic = self.traffic.entry(phone).or_default();
        traffic.accepted = traffic.accepted.saturating_add(1);
        NthMessage { phone, nth: traffic.accepted }
    }

    fn expect(&mut self, now: SimTime, fate: &Fate) {
        if let Some(last) = fate.last_event() {
            self.last_event = self.last_event.max(now.saturating_add(last));
        }
        if let Some(reply) = fate.reply() {
            self.replies_to_come.push(Reverse((now.saturating_add(reply.after), self.posts.len())));
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

/// An id like WSAPME's: `3EB0` and 18 capitals and digits, the first of which is never a hex digit.
fn message_id(run: u64, message: NthMessage) -> String {
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

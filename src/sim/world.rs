//! What all calls share: the ledger, the faults and scripts in force, the clock, the count of sends under way.
//!
//! One lock, held for a few microseconds and never across an await: tens of thousands of sends a second pass it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::{
    GRACE, Options,
    fate::Population,
    fault::{FaultError, FaultKind, FaultRates},
    ledger::{Accepted, Answered, Arrival, Decision, Ledger, Moment, Taking, Token},
    script::{Call, HangUp, ScriptedAnswer, Scripts},
};

/// How long a slow answer takes in simulated time, and at least in real time.
const SLOW: f64 = 40.0;
const SLOW_AT_LEAST: Duration = Duration::from_secs(1);

/// The simulator's whole state.
#[derive(Debug)]
pub struct World {
    latency: Duration,
    token: Option<SecretString>,
    devices: Vec<String>,
    pub population: Population,
    began: Instant,
    began_at: DateTime<Utc>,
    book: Mutex<Book>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    status_calls: AtomicU64,
    shutdown: CancellationToken,
}

/// What changes together, under the one lock.
#[derive(Debug)]
pub struct Book {
    pub ledger: Ledger,
    pub scripts: Scripts,
    pub rates: FaultRates,
}

/// What to say to a send, and when.
#[derive(Debug)]
pub struct Verdict {
    pub saying: Saying,
    pub accepted: Option<Accepted>,
    pub wait: Duration,
}

#[derive(Debug)]
pub enum Saying {
    /// That it was sent.
    Sent,
    Unauthorised,
    /// Why the request makes no sense.
    Refused(&'static str),
    /// Of a fault that refuses in words of its own.
    Fault(FaultKind),
    Literally(ScriptedAnswer),
    /// Nothing: the connection is closed.
    Nothing,
}

impl World {
    pub fn new(options: Options, shutdown: CancellationToken) -> Result<Self, FaultError> {
        let population = Population { seed: options.seed, speed: options.speed };
        // Together, the wall's second: a machine that pauses us between them would have calls come before they were made.
        let (began, began_at) = (Instant::now(), Utc::now());
        let run = began_at.timestamp_nanos_opt().unwrap_or_default().cast_unsigned();
        let rates = FaultRates::new(&options.faults)?;
        let book = Book { ledger: Ledger::new(population, run), scripts: Scripts::default(), rates };
        Ok(Self {
            latency: options.latency,
            token: options.token,
            devices: options.devices,
            population,
            began,
            began_at,
            book: Mutex::new(book),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            status_calls: AtomicU64::new(0),
            shutdown,
        })
    }

    pub fn now(&self) -> Moment {
        self.began.elapsed()
    }

    /// The time of day of a moment.
    pub fn wall(&self, moment: Moment) -> DateTime<Utc> {
        let since = chrono::TimeDelta::from_std(moment).unwrap_or(chrono::TimeDelta::MAX);
        self.began_at.checked_add_signed(since).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The state, for as short as possible. A panic elsewhere leaves it usable: every change is a single push.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token of a call, compared. Without a token of our own any is right, but none at all is not.
    pub fn judge(&self, given: Option<&str>) -> Token {
        let right = match (given, &self.token) {
            (None | Some(""), _) => false,
            (Some(_), None) => true,
            (Some(given), Some(wanted)) => given == wanted.expose_secret(),
        };
        if right { Token::Right } else { Token::Wrong }
    }

    pub fn devices(&self) -> &[String] {
        &self.devices
    }

    /// Decide about a send and write it down. `problem` is what is wrong with the request, if anything.
    pub fn receive(&self, arrival: Arrival<'_>, problem: Option<&'static str>) -> Verdict {
        let mut book = self.book();
        let (saying, decision, wait) = match (arrival.token, problem) {
            (Token::Wrong, _) => (Saying::Unauthorised, not_taken(Answered::Unauthorised), self.latency),
            (_, Some(why)) => (Saying::Refused(why), not_taken(Answered::Refused), self.latency),
            (Token::Right, None) => self.decide(&mut book, arrival.phone),
        };
        let now = self.now();
        let accepted = book.ledger.record(now, arrival, decision);
        Verdict { saying, accepted, wait }
    }

    fn decide(&self, book: &mut Book, phone: &str) -> (Saying, Decision, Duration) {
        let chance = book.ledger.next_attempt(phone.parse().unwrap_or_default());
        if let Some(answer) = book.scripts.next(Call::Send, phone) {
            return self.scripted(answer);
        }
        match book.rates.draw(chance) {
            None => (Saying::Sent, taken(Answered::Ok), self.latency),
            Some(FaultKind::Slow) => (Saying::Sent, taken(Answered::Slow), self.slowness()),
            Some(FaultKind::AcceptThenHangup) => (Saying::Nothing, taken(Answered::Hangup), self.latency),
            Some(kind) => (Saying::Fault(kind), not_taken(refusal(kind)), self.latency),
        }
    }

    fn scripted(&self, answer: ScriptedAnswer) -> (Saying, Decision, Duration) {
        let wait = answer.delay().unwrap_or(self.latency);
        let taking = match (answer.takes_the_message(), &answer.message_id) {
            (false, _) => Taking::Not,
            (true, None) => Taking::Fresh,
            (true, Some(id)) => Taking::Named(id.clone()),
        };
        let (saying, answered) = match answer.hang_up {
            Some(HangUp::Before | HangUp::After) => (Saying::Nothing, Answered::Hangup),
            None if answer.is_literal() => (Saying::Literally(answer), Answered::Scripted),
            None if matches!(taking, Taking::Not) => (Saying::Fault(FaultKind::Error), Answered::Error),
            None => (Saying::Sent, Answered::Ok),
        };
        (saying, Decision { answered, taking }, wait)
    }

    fn slowness(&self) -> Duration {
        self.sped_up(SLOW).max(SLOW_AT_LEAST)
    }

    /// Simulated seconds in real time.
    pub fn sped_up(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds / self.population.speed).unwrap_or(Duration::MAX)
    }

    /// Wait, unless the simulator is being stopped.
    pub async fn pause(&self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        if wait < GRACE {
            // Over before the stop is: to watch for it is most of the work of a short wait.
            return tokio::time::sleep(wait).await;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.shutdown.cancelled() => {}
        }
    }

    /// Count one send as under way until the returned guard goes.
    pub fn enter(&self) -> UnderWay<'_> {
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_under_way.fetch_max(now, Ordering::Relaxed);
        UnderWay(&self.under_way)
    }

    pub fn count_status_call(&self) {
        self.status_calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters, cheap at any size.
    pub fn stats(&self) -> Stats {
        let now = self.now();
        let book = self.book();
        Stats {
            posts: book.ledger.len(),
            accepted: book.ledger.accepted(),
            people: book.ledger.people(),
            in_flight: self.under_way.load(Ordering::Relaxed),
            max_in_flight: self.most_under_way.load(Ordering::Relaxed),
            status_calls: self.status_calls.load(Ordering::Relaxed),
            settled: book.ledger.settled(now),
        }
    }
}

/// `GET /sim/stats`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    posts: usize,
    accepted: usize,
    people: usize,
    in_flight: usize,
    max_in_flight: usize,
    status_calls: u64,
    settled: bool,
}

/// One send under way; gone with its answer or its caller.
pub struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn taken(answered: Answered) -> Decision {
    Decision { answered, taking: Taking::Fresh }
}

fn not_taken(answered: Answered) -> Decision {
    Decision { answered, taking: Taking::Not }
}

fn refusal(kind: FaultKind) -> Answered {
    match kind {
        FaultKind::Throttle => Answered::Throttle,
        FaultKind::Error => Answered::Error,
        FaultKind::AcceptThenHangup => Answered::Hangup,
        FaultKind::Slow => Answered::Slow,
        FaultKind::Offline => Answered::Offline,
        FaultKind::Html => Answered::Html,
    }
}

//! The shared state of all requests: the log, the faults and scripts in force, the clock, the count of sends in flight.
//!
//! One lock, held for a few microseconds and never across an await: it serves tens of thousands of sends a second.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::extract::State;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

use super::{
    CloudAccount, GRACE, Options,
    fate::Population,
    fault::{FaultError, FaultKind, FaultRates},
    post_log::{
        Accepted, Answered, Circumstances, Decision, IncomingSend, PostLog, SendKind, SimAcceptance, SimTime,
        TokenCheck,
    },
    script::{Call, HangUp, ScriptedAnswer, Scripts},
    webhook::{WebhookQueue, WebhookStats, plan::plan},
};

/// How long a slow response takes: in simulated time, and at least in real time.
const SLOW: f64 = 40.0;
const SLOW_AT_LEAST: Duration = Duration::from_secs(1);
/// How long a response waits for an early webhook.
const HEAD_START: Duration = Duration::from_millis(300);
/// How long after a response the first webhook goes out.
const AFTER_RESPONSE: Duration = Duration::from_millis(5);
/// The length of an outage of webhooks, in simulated seconds.
const OUTAGE: f64 = 60.0;

/// The simulator's whole state.
#[derive(Debug)]
pub struct World {
    latency: Duration,
    token: Option<SecretString>,
    devices: Vec<String>,
    pub account: CloudAccount,
    pub population: Population,
    began: Instant,
    began_at: DateTime<Utc>,
    state: Mutex<LockedState>,
    in_flight: AtomicUsize,
    max_in_flight: AtomicUsize,
    status_calls: AtomicU64,
    shutdown: CancellationToken,
}

/// The simulator's state, as handlers extract it.
pub type SharedWorld = State<Arc<World>>;

/// What changes together, under the lock.
#[derive(Debug)]
pub struct LockedState {
    pub post_log: PostLog,
    pub scripts: Scripts,
    pub rates: FaultRates,
    /// How many files were uploaded.
    pub uploads: u64,
    pub webhooks: WebhookQueue,
}

impl LockedState {
    /// Whether nothing is still to come, and everything that is announced was received.
    pub fn settled(&self, now: SimTime) -> bool {
        self.post_log.settled(now) && self.webhooks.is_idle()
    }
}

/// How to respond to a send, and when.
#[derive(Debug)]
pub struct SendResponse {
    pub kind: ResponseKind,
    pub accepted: Option<Accepted>,
    pub wait: Duration,
}

#[derive(Debug)]
pub enum ResponseKind {
    /// The message was sent.
    Sent,
    Unauthorised,
    /// Why the request is invalid.
    Refused(&'static str),
    /// A fault with its own response.
    Fault(FaultKind),
    Literally(ScriptedAnswer),
    /// No response: the connection is closed.
    Nothing,
}

impl World {
    pub fn new(options: Options, shutdown: CancellationToken) -> Result<Self, FaultError> {
        let population = Population { seed: options.seed, speed: options.speed };
        // Read together, the wall clock second: a pause between them would otherwise log requests before they were
        // made.
        let (began, began_at) = (Instant::now(), Utc::now());
        let run = began_at.timestamp_nanos_opt().unwrap_or_default().cast_unsigned();
        let rates = FaultRates::new(&options.faults)?;
        let state = LockedState {
            post_log: PostLog::new(population, run),
            scripts: Scripts::default(),
            rates,
            uploads: 0,
            webhooks: WebhookQueue::new(options.webhooks),
        };
        Ok(Self {
            latency: options.latency,
            token: options.token,
            devices: options.devices,
            account: options.account,
            population,
            began,
            began_at,
            state: Mutex::new(state),
            in_flight: AtomicUsize::new(0),
            max_in_flight: AtomicUsize::new(0),
            status_calls: AtomicU64::new(0),
            shutdown,
        })
    }

    pub fn now(&self) -> SimTime {
        self.began.elapsed()
    }

    /// The wall-clock time of a simulator time.
    pub fn wall(&self, moment: SimTime) -> DateTime<Utc> {
        let since = chrono::TimeDelta::from_std(moment).unwrap_or(chrono::TimeDelta::MAX);
        self.began_at.checked_add_signed(since).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Locks the state; hold it as briefly as possible. A panic elsewhere leaves it usable: every change is a single
    /// push.
    pub fn state(&self) -> MutexGuard<'_, LockedState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the token of a request. Without a token of our own any is right, but a missing one is wrong.
    pub fn judge(&self, given: Option<&str>) -> TokenCheck {
        let right = match (given, &self.token) {
            (None | Some(""), _) => false,
            (Some(_), None) => true,
            (Some(given), Some(wanted)) => given == wanted.expose_secret(),
        };
        if right { TokenCheck::Right } else { TokenCheck::Wrong }
    }

    pub fn is_stopped(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Resolves when the simulator is stopped.
    pub async fn stopped(&self) {
        self.shutdown.cancelled().await;
    }

    /// Whether webhooks do not get through now: for the first simulated minute of each stretch of time that gives the
    /// wanted share.
    pub fn is_outage(&self) -> bool {
        let rate = self.state().rates.rate(FaultKind::WebhookOutage);
        let simulated = self.now().as_secs_f64() * self.population.speed;
        rate > 0.0 && simulated % (OUTAGE / rate) < OUTAGE
    }

    pub fn devices(&self) -> &[String] {
        &self.devices
    }

    /// Decides about a send and logs it. `problem` is what is wrong with the request, if anything.
    pub fn receive(&self, arrival: IncomingSend<'_>, problem: Option<&'static str>) -> SendResponse {
        let mut state = self.state();
        let (kind, decision, wait) = match (arrival.token, problem) {
            (TokenCheck::Wrong, _) => (ResponseKind::Unauthorised, not_taken(Answered::Unauthorised), self.latency),
            (_, Some(why)) => (ResponseKind::Refused(why), not_taken(Answered::Refused), self.latency),
            (TokenCheck::Right, None) => self.decide(&mut state, arrival.phone),
        };
        let rates = state.rates;
        let circumstances = Circumstances { now: self.now(), rates: &rates };
        let accepted = state.post_log.record(circumstances, arrival, decision);
        let wait = accepted.as_ref().map_or(wait, |accepted| self.announce(&mut state, arrival.kind, accepted, wait));
        SendResponse { kind, accepted, wait }
    }

    /// Queues the webhooks of a message that was just accepted. Returns when the response is due, which an early webhook
    /// puts off.
    fn announce(&self, state: &mut LockedState, kind: SendKind, accepted: &Accepted, wait: Duration) -> Duration {
        if !state.webhooks.has_receiver() {
            return wait;
        }
        let post = state.post_log.len().saturating_sub(1);
        state.webhooks.follow(kind, post, accepted, &plan(accepted, self.population, self.answered()));
        if accepted.knobs.has(FaultKind::WebhookEarly) { wait.max(HEAD_START) } else { wait }
    }

    /// When the response to a send has gone out, counted from its acceptance.
    pub fn answered(&self) -> Duration {
        self.latency.saturating_add(AFTER_RESPONSE)
    }

    fn decide(&self, state: &mut LockedState, phone: &str) -> (ResponseKind, Decision, Duration) {
        let chance = state.post_log.next_attempt(phone.parse().unwrap_or_default());
        if let Some(answer) = state.scripts.next(Call::Send, phone) {
            return self.scripted(answer);
        }
        match state.rates.draw(chance) {
            None => (ResponseKind::Sent, taken(Answered::Ok), self.latency),
            Some(FaultKind::Slow) => (ResponseKind::Sent, taken(Answered::Slow), self.slowness()),
            Some(FaultKind::AcceptThenHangup) => (ResponseKind::Nothing, taken(Answered::Hangup), self.latency),
            Some(kind) => (ResponseKind::Fault(kind), not_taken(refusal(kind)), self.latency),
        }
    }

    fn scripted(&self, answer: ScriptedAnswer) -> (ResponseKind, Decision, Duration) {
        let wait = answer.delay().unwrap_or(self.latency);
        let acceptance = match (answer.takes_the_message(), &answer.message_id) {
            (false, _) => SimAcceptance::Not,
            (true, None) => SimAcceptance::Generated,
            (true, Some(id)) => SimAcceptance::Named(id.clone()),
        };
        let (kind, answered) = match answer.hang_up {
            Some(HangUp::Before | HangUp::After) => (ResponseKind::Nothing, Answered::Hangup),
            None if answer.is_literal() => (ResponseKind::Literally(answer), Answered::Scripted),
            None if matches!(acceptance, SimAcceptance::Not) => {
                (ResponseKind::Fault(FaultKind::Error), Answered::Error)
            }
            None => (ResponseKind::Sent, Answered::Ok),
        };
        (kind, Decision { answered, acceptance }, wait)
    }

    fn slowness(&self) -> Duration {
        self.sped_up(SLOW).max(SLOW_AT_LEAST)
    }

    /// Converts simulated seconds to real time.
    pub fn sped_up(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds / self.population.speed).unwrap_or(Duration::MAX)
    }

    /// Waits, unless the simulator is being stopped.
    pub async fn pause(&self, wait: Duration) {
        if wait.is_zero() {
            return;
        }
        if wait < GRACE {
            // Ends before the grace period does: watching for the stop would be most of the work of a short wait.
            return tokio::time::sleep(wait).await;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.shutdown.cancelled() => {}
        }
    }

    /// Counts one send as in flight until the returned guard is dropped.
    pub fn enter(&self) -> InFlightGuard<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.max_in_flight.fetch_max(now, Ordering::Relaxed);
        InFlightGuard(&self.in_flight)
    }

    pub fn count_status_call(&self) {
        self.status_calls.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters; cheap at any size.
    pub fn stats(&self) -> SimStats {
        let now = self.now();
        let state = self.state();
        SimStats {
            posts: state.post_log.len(),
            accepted: state.post_log.accepted(),
            people: state.post_log.people(),
            uploads: state.uploads,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            max_in_flight: self.max_in_flight.load(Ordering::Relaxed),
            status_calls: self.status_calls.load(Ordering::Relaxed),
            settled: state.settled(now),
            webhooks: state.webhooks.stats(),
        }
    }
}

/// `GET /sim/stats`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SimStats {
    posts: usize,
    accepted: usize,
    people: usize,
    uploads: u64,
    in_flight: usize,
    max_in_flight: usize,
    status_calls: u64,
    settled: bool,
    webhooks: WebhookStats,
}

/// One send in flight; dropped with its response or its client.
pub struct InFlightGuard<'a>(&'a AtomicUsize);

impl Drop for InFlightGuard<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn taken(answered: Answered) -> Decision {
    Decision { answered, acceptance: SimAcceptance::Generated }
}

fn not_taken(answered: Answered) -> Decision {
    Decision { answered, acceptance: SimAcceptance::Not }
}

fn refusal(kind: FaultKind) -> Answered {
    match kind {
        FaultKind::Throttle | FaultKind::Throttle429 | FaultKind::PairLimit => Answered::Throttle,
        FaultKind::AcceptThenHangup => Answered::Hangup,
        FaultKind::Slow => Answered::Slow,
        FaultKind::Offline => Answered::Offline,
        FaultKind::Html => Answered::Html,
        // The others are never drawn for an answer.
        _ => Answered::Error,
    }
}

//! One sender's loop, and with it the life of a message:
//!
//! 1. [`refresh`](Sender::refresh) reads which blasts there are to send for.
//! 2. [`claim_next`](Sender::claim_next) waits for the pace, then claims people (`claiming`).
//! 3. [`start_posts`](Sender::start_posts) lets each go when their turn has come (`starting`).
//! 4. A POST runs as a task that owns its request and reads whether it may go (`post`).
//! 5. [`finish`](Sender::finish) takes in what came of it: limits, failure policy, evidence (`outcome`).
//!
//! Everything that changes belongs to the loop. It waits in one place, [`wait`](Sender::wait), for whatever comes first. Where
//! there is a gap, claims come after it, so that a kill while waiting leaves nobody uncertain.

mod bottleneck;
mod claim_cursor;
mod claiming;
mod failure_policy;
mod next_action;
mod outcome;
mod own_hours;
mod pace;
mod post;
mod runnable;
mod sliding_window;
mod starting;
mod throughput;
mod waiting_report;

pub(super) use failure_policy::{equal_failures, pause_in, stop_sender};
pub use post::variables;
pub use throughput::post_runtime;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::DatabaseClock;
use super::configured_sender::ConfiguredSender;
use super::context::EngineContext;
use super::fence::Fence;
use super::lease::HeldLease;
use super::machine_memory::Journal;
use super::notifier::Notifier;
use super::recorder::{InFlight, RecorderHandle};
use crate::domain::ids::BlastId;
use crate::domain::waiting::{DatabaseTrouble, WaitingReport};
use crate::store::claim::Claim;
use crate::store::lease::Lease;
use crate::store::{StoreError, blast};
use bottleneck::{Bottleneck, CurrentWait};
use claiming::PendingClaim;
use failure_policy::FailurePolicy;
use next_action::BlastQueue;
use pace::{LONGEST_MEMORY, SenderPace};
use post::{ClaimContext, FinishedPost, Post};
use runnable::DatabaseContact;
use throughput::AnswerTime;

/// What a sender's loop works with.
pub struct SenderContext {
    pub pool: PgPool,
    pub sender: ConfiguredSender,
    pub lease: Arc<HeldLease>,
    pub recorder: RecorderHandle,
    pub in_flight: InFlight,
    pub notifier: Notifier,
    pub clock: Arc<DatabaseClock>,
    pub failures_in_a_row: i32,
    pub fence: Arc<Fence>,
    /// This process, as an operator finds it.
    pub process: Arc<str>,
    /// Identifies this database among others that send through the same number.
    pub installation: Arc<str>,
    /// All blasts of this sender wait for long: nobody needs to read often.
    pub rests: Arc<AtomicBool>,
}

/// What a sender needs beside its context to verify its database again and to note whom it posts to.
pub struct SendingDeps {
    pub engine: EngineContext,
    /// This machine's record of whom it posted to.
    pub journal: Journal,
}

/// A lease that is too old to send under is renewed, or lost, a moment later.
const LEASE_PAUSE: Duration = Duration::from_millis(200);

/// Further back than this, a clock was set: what the limits wait for would have to come a second time.
const CLOCK_SET_BACK: TimeDelta = TimeDelta::seconds(5);

/// One sender's loop.
pub struct Sender {
    context: Arc<SenderContext>,
    deps: SendingDeps,
    /// As it was granted; with the server that was verified last.
    lease: Lease,
    stop: CancellationToken,
    orders: watch::Receiver<u64>,
    settled: watch::Receiver<u64>,

    pace: SenderPace,
    failures: FailurePolicy,
    queues: Vec<BlastQueue>,
    /// Why the database says that nothing is to be sent for this sender.
    stopped: Option<String>,
    refreshed_at: Option<Instant>,
    claim: Option<PendingClaim>,
    /// A claim that was not answered: it may be committed all the same.
    lost_claim: Option<Arc<ClaimContext>>,
    /// How long a claim takes, about.
    claim_takes: Duration,
    answer_time: AnswerTime,
    /// Claimed, not yet sent to.
    ready: VecDeque<Post>,
    posts: JoinSet<FinishedPost>,
    /// Opt-outs that the provider reported, on their way into the database.
    opt_outs: TaskTracker,

    /// What was written last about what the blasts wait for.
    report: WaitingReport,
    current_wait: CurrentWait,
    /// Why the database could not be used last.
    trouble: Option<DatabaseTrouble>,
    /// When the blasts were last read, by the database's clock.
    reached_at: DateTime<Utc>,
    /// Since when nobody may have been able to take a launch back: the database did not answer.
    unreached_since: Option<DateTime<Utc>>,
    contact: DatabaseContact,
    /// The latest time that the database's clock has shown.
    latest: DateTime<Utc>,
}

/// What the loop waits for.
#[derive(Default)]
struct Wait {
    until: Option<DateTime<Utc>>,
    /// No longer than this.
    at_most: Option<Duration>,
    /// What the time goes into, and for which blast if only for one.
    bottleneck: Option<Bottleneck>,
    blast: Option<BlastId>,
    /// Nobody is to be sent to now.
    is_idle: bool,
}

impl Wait {
    fn for_event(bottleneck: Option<Bottleneck>) -> Self {
        Self { bottleneck, ..Self::default() }
    }

    fn for_lease() -> Self {
        Self { at_most: Some(LEASE_PAUSE), ..Self::default() }
    }
}

/// What ended a wait.
#[expect(clippy::large_enum_variant, reason = "made and taken apart in one place, once a wait")]
enum Wakeup {
    Stop,
    Order,
    Answer(Option<Result<FinishedPost, JoinError>>),
    Claimed(Result<Claim, StoreError>),
    /// Time passed, or something was written.
    Other,
}

impl Sender {
    /// Makes the loop, its limits seeded with what was attempted before: a restart never bursts over one.
    pub async fn new(
        context: Arc<SenderContext>,
        deps: SendingDeps,
        stop: CancellationToken,
    ) -> Result<Self, StoreError> {
        blast::make_due_now(&context.pool, context.sender.id).await?;
        Ok(Self {
            pace: SenderPace::load(&context).await?,
            failures: FailurePolicy::new(context.clone()),
            orders: context.notifier.orders(),
            settled: context.recorder.settled(),
            queues: Vec::new(),
            stopped: None,
            refreshed_at: None,
            claim: None,
            lost_claim: None,
            claim_takes: Duration::ZERO,
            answer_time: AnswerTime::default(),
            ready: VecDeque::new(),
            posts: JoinSet::new(),
            opt_outs: TaskTracker::new(),
            report: WaitingReport::default(),
            current_wait: CurrentWait::default(),
            trouble: None,
            reached_at: context.clock.now(),
            unreached_since: context.lease.lease.reached_at,
            contact: DatabaseContact::default(),
            latest: context.clock.now(),
            lease: context.lease.lease,
            stop,
            deps,
            context,
        })
    }

    /// Sends until stopped, or until the lease is lost. Then waits for the POSTs in flight.
    pub async fn run(mut self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() && !self.context.lease.is_lost() && !self.check_clock_set_back() {
            match self.step().await {
                Ok(()) => {
                    failures = 0;
                    self.trouble = None;
                }
                Err(error @ StoreError::Newer { .. }) => {
                    tracing::error!(sender = %self.context.sender.name, %error, "nothing more is sent");
                    break;
                }
                Err(error) => {
                    tracing::warn!(sender = %self.context.sender.name, %error, "nothing is sent until the database answers");
                    self.trouble = error.trouble();
                    self.unreached_since.get_or_insert(self.reached_at);
                    // If it can be written at all.
                    let _ = self.write_report().await;
                    self.rest(StoreError::backoff(failures)).await;
                    self.refreshed_at = None;
                    failures += 1;
                }
            }
        }
        self.end().await;
    }

    /// Notes the time. Returns whether the database's clock went back: the sender begins anew under another lease, with limits by the clock
    /// as it is.
    fn check_clock_set_back(&mut self) -> bool {
        let now = self.context.clock.now();
        let back = self.latest - now;
        self.latest = self.latest.max(now);
        if back > CLOCK_SET_BACK {
            let seconds = back.num_seconds();
            tracing::warn!(sender = %self.context.sender.name, seconds, "the database's clock was set back: sending begins anew");
        }
        back > CLOCK_SET_BACK
    }

    async fn step(&mut self) -> Result<(), StoreError> {
        self.take_answers().await;
        self.failures.begin_writing();
        // Also while others keep this sender busy: somebody may be queued again in a blast that had nobody left.
        if self.settled.has_changed().unwrap_or(false) {
            self.settled.mark_unchanged();
            self.wake_drained();
        }
        self.refresh().await?;
        self.report_now_and_then().await?;
        let start = self.start_posts().await;
        self.put_off_closed().await?;
        let claim = self.claim_next();
        let wait = start.or(claim).unwrap_or_default();
        if wait.is_idle {
            let rests = waiting_report::is_long(wait.until, self.context.clock.now());
            self.context.rests.store(rests, Ordering::Relaxed);
            if rests {
                self.write_report().await?;
            }
        }
        self.wait(wait).await
    }

    /// Takes in every POST that has ended by now.
    async fn take_answers(&mut self) {
        let mut answers = 0;
        while let Some(ended) = self.posts.try_join_next() {
            self.ended(ended);
            answers += 1;
        }
        throughput::gather(answers).await;
    }

    fn ended(&mut self, ended: Result<FinishedPost, JoinError>) {
        match ended {
            Ok(finished) => self.finish(finished),
            // Its slot is free again, and the next sweep makes the person uncertain.
            Err(error) => tracing::error!(sender = %self.context.sender.name, %error, "a POST ended in a panic"),
        }
    }

    /// Waits for whatever comes first; never so long that the blasts are due to be read again.
    async fn wait(&mut self, wait: Wait) -> Result<(), StoreError> {
        let until = wait.until.map(|until| (until - self.context.clock.now()).to_std().unwrap_or_default());
        let longest = wait.at_most.unwrap_or(runnable::REFRESH_AT_REST_EVERY).min(self.refresh_every());
        let pause = until.map_or(longest, |until| until.min(longest));
        self.waits_for(wait.bottleneck.map(|bottleneck| (wait.blast, bottleneck)));
        let began = Instant::now();
        let event = tokio::select! {
            biased;
            () = self.stop.cancelled() => Wakeup::Stop,
            _ = self.orders.changed() => Wakeup::Order,
            answer = self.posts.join_next(), if !self.posts.is_empty() => Wakeup::Answer(answer),
            claim = PendingClaim::done(&mut self.claim) => Wakeup::Claimed(claim),
            () = self.failures.written() => Wakeup::Other,
            settled = self.settled.changed() => {
                if settled.is_err() {
                    // The recorder is gone: what comes of a POST could not be written any more.
                    self.context.lease.lose();
                }
                self.wake_drained();
                Wakeup::Other
            }
            () = tokio::time::sleep(pause) => Wakeup::Other,
        };
        self.contact.waited(began.elapsed());
        match event {
            Wakeup::Order => self.refreshed_at = None,
            Wakeup::Answer(Some(ended)) => self.ended(ended),
            Wakeup::Claimed(claim) => self.claimed(claim).await?,
            Wakeup::Stop | Wakeup::Answer(None) | Wakeup::Other => {}
        }
        Ok(())
    }

    /// Does nothing for a while but take in what comes back.
    async fn rest(&mut self, pause: Duration) {
        let over = tokio::time::Instant::now() + pause;
        loop {
            let ended = tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(over) => return,
                ended = self.posts.join_next(), if !self.posts.is_empty() => ended,
            };
            if let Some(ended) = ended {
                self.ended(ended);
            }
        }
    }

    /// Gives back who was not sent to, and waits for the POSTs in flight and for what they lead to.
    async fn end(mut self) {
        self.give_back_claims().await;
        while let Some(ended) = self.posts.join_next().await {
            self.ended(ended);
        }
        self.failures.finish().await;
        self.opt_outs.close();
        self.opt_outs.wait().await;
    }
}

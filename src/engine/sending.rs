//! One sender's loop: choose a blast, wait for its pace, claim, POST, bring the evidence to the ledger.
//!
//! Claims come after the wait where there is a gap, so that a kill while waiting leaves nobody uncertain. Every wait
//! ends at once when an order comes (pause, cancel, opt-out, stop).

mod bottleneck;
mod claim_cursor;
mod failure_policy;
mod gate;
mod next_action;
mod pacing;
mod post;
mod throttle;
mod waiting_report;

pub(super) use failure_policy::{equal_failures, pause};
pub use post::variables;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::DatabaseClock;
use super::configured_sender::ConfiguredSender;
use super::context::EngineContext;
use super::fence::{self, Refusal};
use super::lease::HeldLease;
use super::memory::Journal;
use super::notifier::Notifier;
use super::post_runtime;
use super::recorder::{InFlight, RecorderHandle};
use super::sync::Mutex;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Pacer, PairGap, PastAttempts, RecipientCooldown, day_start};
use crate::domain::waiting::{DatabaseTrouble, WaitingReport};
use crate::store::claim::{self, Claim, Claimed};
use crate::store::fence::PostedAttempt;
use crate::store::lease::Lease;
use crate::store::{StoreError, blast, sender};
use bottleneck::Bottleneck;
use failure_policy::FailurePolicy;
use gate::Gate;
use next_action::{BlastQueue, NextAction};
use pacing::{Ahead, Claiming};
use throttle::ProviderThrottle;

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
    /// All blasts of this sender wait for long: nobody needs to look often.
    pub rests: Arc<AtomicBool>,
}

/// What holds a sender to the database that it was verified against.
pub struct Fenced {
    pub engine: EngineContext,
    /// Whom this machine posts to.
    pub journal: Journal,
}

/// Without an order, blasts are looked at again this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while everything waits for long.
const LOOK_AT_REST_EVERY: Duration = Duration::from_secs(5);
/// No gap is longer than a day, and no rate's period: what was attempted before needs no remembering.
const LONGEST_MEMORY: TimeDelta = TimeDelta::hours(25);
/// A blast in which nobody was due is asked again no sooner.
const AGAIN_AFTER: TimeDelta = TimeDelta::milliseconds(100);

/// One sender's loop.
pub struct Sender {
    context: Arc<SenderContext>,
    fenced: Fenced,
    /// As it was granted; with the server that was verified last.
    lease: Lease,
    failure_policy: Arc<FailurePolicy>,
    throttle: Arc<ProviderThrottle>,
    pacer: Arc<Mutex<Pacer>>,
    pairs: Arc<Mutex<RecipientCooldown>>,
    /// Freed when evidence is durable.
    slots: Arc<Semaphore>,
    /// POSTs under way at once.
    posts: Arc<Semaphore>,
    tasks: TaskTracker,
    gate: Option<Arc<Gate>>,
    /// Where POSTs run that no rate holds back.
    room: Handle,
    orders: watch::Receiver<u64>,
    settled: watch::Receiver<u64>,
    queues: Vec<BlastQueue>,
    stopped: Option<String>,
    looked_at: Option<Instant>,
    /// What was told last.
    told: WaitingReport,
    /// Why the last claim was refused.
    trouble: Option<DatabaseTrouble>,
    /// A claim made while those before are paced out.
    ahead: Option<Ahead>,
    /// How long a claim takes, about.
    claim_takes: Duration,
    /// Somebody was posted to since it was last seen that nobody is under way.
    is_busy: bool,
}

impl Sender {
    /// Makes the loop, its limits seeded with what was attempted before: a restart never bursts over one.
    pub async fn new(context: Arc<SenderContext>, fenced: Fenced) -> Result<Self, StoreError> {
        let now = context.lease.lease.granted_at;
        let times = sender::recent_attempts(&context.pool, context.sender.id, now - LONGEST_MEMORY).await?;
        let mut past = PastAttempts::from_times(times, now, context.sender.zone());
        let today =
            sender::attempts_since(&context.pool, context.sender.id, day_start(now, context.sender.zone())).await?;
        past.today = u32::try_from(today).unwrap_or(u32::MAX);
        let mut pairs = RecipientCooldown::new(context.sender.pair_gap.map(PairGap::get), context.sender.limits.speed);
        if let Some(reach) = pairs.reach() {
            let tried = sender::recent_numbers(&context.pool, context.sender.id, now - reach).await?;
            for (phone, at) in &tried {
                pairs.posted(phone, *at);
            }
        }
        let pacer = Arc::new(Mutex::new(Pacer::new(context.sender.limits, &past, now)));
        let throttle = Arc::new(ProviderThrottle::new(context.clone(), pacer.clone()).await?);
        Ok(Self {
            failure_policy: Arc::new(FailurePolicy::new(context.clone(), pacer.clone(), throttle.clone())),
            throttle,
            pacer,
            pairs: Arc::new(Mutex::new(pairs)),
            slots: Arc::new(Semaphore::new(context.sender.slots())),
            posts: Arc::new(Semaphore::new(context.sender.in_flight)),
            tasks: TaskTracker::new(),
            gate: Gate::of(context.sender.limits).map(Arc::new),
            room: post_runtime::handle(),
            orders: context.notifier.orders(),
            settled: context.recorder.settled(),
            queues: Vec::new(),
            stopped: None,
            looked_at: None,
            told: WaitingReport::default(),
            trouble: None,
            ahead: None,
            claim_takes: Duration::ZERO,
            is_busy: false,
            lease: context.lease.lease,
            fenced,
            context,
        })
    }

    /// Sends until stopped, or until the lease is lost. Then waits for the POSTs under way.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() && !self.context.lease.is_lost() {
            match self.turn(&stop).await {
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
                    // If it can be told at all.
                    let _ = self.tell().await;
                    self.rest(StoreError::backoff(failures), &stop).await;
                    self.looked_at = None;
                    failures += 1;
                }
            }
        }
        if let Some(ahead) = self.ahead.take() {
            self.give_back(ahead, &stop).await;
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// One turn: look, choose, and send or wait.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        // Also while others keep this sender busy: somebody may be queued again in a blast that had nobody left.
        if self.settled.has_changed().unwrap_or(false) {
            self.settled.mark_unchanged();
            self.wake_drained();
        }
        self.look().await?;
        self.tell_now_and_then().await?;
        if let Some(ahead) = self.ahead.take() {
            let blast = ahead.blast();
            let sent = self.send_claimed(ahead, stop).await;
            return self.set_aside(blast, sent);
        }
        match self.choose() {
            NextAction::Send(blast) => {
                let sent = self.send_some(blast, stop).await;
                self.set_aside(blast, sent)
            }
            NextAction::Wait { until, bound } => {
                let rests = waiting_report::is_long(until, self.context.clock.now());
                self.context.rests.store(rests, Ordering::Relaxed);
                if rests {
                    self.tell().await?;
                }
                let began = Instant::now();
                self.wait_until(until, stop).await;
                self.spend(bound, began.elapsed());
                Ok(())
            }
        }
    }

    /// Reads what there is to send for, after an order or now and then.
    async fn look(&mut self) -> Result<(), StoreError> {
        let ordered = self.looked_at.is_none() || self.orders.has_changed().unwrap_or(false);
        if !ordered && self.looked_at.is_some_and(|at| at.elapsed() < self.look_every()) {
            return Ok(());
        }
        self.orders.mark_unchanged();
        self.throttle.climb().await?;
        let runnable = blast::runnable(&self.context.pool, self.context.sender.id).await?;
        self.stopped = sender::stopped(&self.context.pool, self.context.sender.id).await?;
        let now = self.context.clock.now();
        let known = std::mem::take(&mut self.queues);
        self.queues = next_action::renew_queues(known, runnable, &self.context, now).await?;
        if self.context.recorder.trouble().is_some() {
            self.tell().await?;
        }
        if ordered {
            self.throttle.lift().await?;
            for queue in &mut self.queues {
                (queue.nobody_due_before, queue.refused) = (None, None);
            }
        }
        self.looked_at = Some(Instant::now());
        Ok(())
    }

    /// Orders are heard at once; whoever waits for long looks less often beside that.
    fn look_every(&self) -> Duration {
        if self.context.rests.load(Ordering::Relaxed) { LOOK_AT_REST_EVERY } else { LOOK_EVERY }
    }

    /// Claims from one blast, as many as may go now, and starts their POSTs.
    async fn send_some(&mut self, blast: BlastId, stop: &CancellationToken) -> Result<(), StoreError> {
        self.context.rests.store(false, Ordering::Relaxed);
        let Some(slots) = self.take_slots(blast, stop).await else { return Ok(()) };
        if self.orders.has_changed().unwrap_or(true) || !self.context.lease.is_fresh() {
            return self.hold_for_lease(stop).await;
        }
        // Between the claim and the POSTs nothing may fail.
        let claiming = self.claiming(blast, slots);
        let began = Instant::now();
        let claim = claim::claim(&self.context.pool, self.lease, Self::want(&claiming)).await;
        self.note_claim(began.elapsed());
        self.spend(Some(Bottleneck::Database), began.elapsed());
        self.send(claiming, claim?, stop).await
    }

    /// Starts the POSTs of a claim.
    async fn send(&mut self, claiming: Claiming, claim: Claim, stop: &CancellationToken) -> Result<(), StoreError> {
        let people = match claim {
            Claim::People(people) => people,
            Claim::Fenced => {
                self.context.lease.lose();
                return Ok(());
            }
            Claim::OtherServer => return self.verify_server().await,
        };
        self.move_cursor(claiming.blast, &people, claiming.slots.len());
        if people.is_empty() {
            return if claiming.after.is_some() { Ok(()) } else { self.nobody_due(claiming.blast).await };
        }
        let epoch = self.lease.epoch;
        let attempts: Vec<PostedAttempt> = people.iter().map(|person| posted(person, epoch)).collect();
        if attempts.iter().any(|attempt| self.fenced.journal.has_posted(attempt)) {
            return self.stop_for_repeated(claiming, people, &attempts, stop).await;
        }
        let is_remembered = self.remember(&attempts);
        let posts = self.posts_of(claiming, people, stop);
        if is_remembered {
            self.start_posts(posts, stop).await;
        } else {
            for post in posts {
                post.give_back(None);
            }
        }
        Ok(())
    }

    /// Puts a claim on this machine's record, before its first POST. Where that cannot be done nobody is posted to; the
    /// lease is given up, and acquiring it again asks.
    fn remember(&mut self, attempts: &[PostedAttempt]) -> bool {
        let Err(error) = self.fenced.journal.append(attempts) else { return true };
        tracing::warn!(sender = %self.context.sender.name, %error, "nothing is sent that this machine cannot remember");
        self.context.lease.lose();
        false
    }

    /// This machine has posted some of these attempts before: the database has gone back in time since, as a whole or for
    /// these people. They become uncertain, the others return to the queue, and the sender stops until somebody confirms.
    async fn stop_for_repeated(
        &mut self,
        claiming: Claiming,
        people: Vec<Claimed>,
        attempts: &[PostedAttempt],
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        for (post, attempt) in self.posts_of(claiming, people, stop).into_iter().zip(attempts) {
            if self.fenced.journal.has_posted(attempt) {
                post.mark_as_posted_before();
            } else {
                post.give_back(None);
            }
        }
        self.context.lease.lose();
        fence::close(&self.fenced.engine, &self.context.sender, &Refusal::BackInTime).await
    }

    /// The database's server was started anew, or is another one: goes on only if it is as this machine remembers it.
    async fn verify_server(&mut self) -> Result<(), StoreError> {
        let engine = &self.fenced.engine;
        match engine.fence.verify_again(&self.context.pool, self.lease).await {
            Ok(verified) => {
                self.lease.server_started_at = verified.server.started_at;
                self.fenced.journal = verified.journal;
            }
            Err(Refusal::Store(error)) => return Err(error),
            Err(why) => {
                fence::close(engine, &self.context.sender, &why).await?;
                self.context.lease.lose();
            }
        }
        Ok(())
    }

    /// With an old lease nothing is sent; a moment later it is renewed, or lost.
    async fn hold_for_lease(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        if !self.context.lease.is_fresh() {
            self.rest(Duration::from_millis(200), stop).await;
        }
        Ok(())
    }

    /// Waits for one free slot; takes more where claims may go in batches. `None`: an order or a stop came first, or it
    /// took so long that it is time to look and tell.
    async fn take_slots(&mut self, blast: BlastId, stop: &CancellationToken) -> Option<Vec<OwnedSemaphorePermit>> {
        let (began, bound) = (Instant::now(), self.what_holds_slots());
        let first = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            slot = self.slots.clone().acquire_owned() => slot.ok(),
            _ = self.orders.changed() => {
                self.looked_at = None;
                None
            }
            () = tokio::time::sleep(LOOK_EVERY) => None,
        };
        self.spend(Some(bound), began.elapsed());
        let mut slots = vec![first?];
        self.take_more(&mut slots, self.batch(blast));
        Some(slots)
    }

    /// What the slots in use are mostly in use for.
    fn what_holds_slots(&self) -> Bottleneck {
        let under_way =
            self.context.sender.in_flight - self.posts.available_permits().min(self.context.sender.in_flight);
        if under_way * 2 >= self.context.sender.in_flight { Bottleneck::Answers } else { Bottleneck::Database }
    }

    /// Waits until a time, an order, settled evidence or a stop, whichever is first; never so long that a look is due.
    async fn wait_until(&mut self, until: Option<DateTime<Utc>>, stop: &CancellationToken) {
        let wait = until.and_then(|until| (until - self.context.clock.now()).to_std().ok());
        let wait = if until.is_some() { wait.unwrap_or_default() } else { LOOK_AT_REST_EVERY };
        let wait = wait.min(self.look_every());
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            _ = self.orders.changed() => self.looked_at = None,
            _ = self.settled.changed() => self.wake_drained(),
            () = tokio::time::sleep(wait) => {}
        }
    }

    /// Evidence became durable: a blast that seemed done may be done now, or have somebody queued again. Asked at once when
    /// the last one under way came in, else a moment later, so that a stream of polls does not ask with each of them.
    fn wake_drained(&mut self) {
        let was_last = self.is_busy && self.context.in_flight.is_empty();
        self.is_busy &= !was_last;
        let soon = self.context.clock.now() + if was_last { TimeDelta::zero() } else { AGAIN_AFTER };
        for queue in &mut self.queues {
            queue.nobody_due_before = queue.nobody_due_before.map(|before| before.min(soon));
        }
    }

    async fn rest(&self, pause: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

fn posted(person: &Claimed, epoch: i64) -> PostedAttempt {
    PostedAttempt {
        recipient: person.id,
        attempt: person.attempt,
        epoch,
        claimed_at: person.claim.as_ref().map_or_else(Utc::now, |claim| claim.at),
        // At most fifteen digits (E.164), and never a leading zero.
        phone: person.phone_number.digits().parse().unwrap_or(0),
    }
}

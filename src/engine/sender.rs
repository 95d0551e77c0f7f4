//! One sender's loop: choose a blast, wait for its pace, claim, POST, bring the evidence to the ledger.
//!
//! Claims come after the wait where there is a gap, so that a kill while waiting leaves nobody uncertain. Every wait
//! ends at once when an order comes (pause, cancel, opt-out, stop).

mod aftermath;
mod bookmark;
mod brake;
mod choice;
mod post;

pub(super) use post::variables;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::DatabaseClock;
use super::desk::Desk;
use super::filing::{InFlight, Ledger};
use super::lease::HeldLease;
use super::news::News;
use super::post_room;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Pace, Pacer, Past, day_start};
use crate::domain::waiting::{Trouble, Waiting};
use crate::store::claim::{self, Claim, Want};
use crate::store::{StoreError, blast, sender};
use aftermath::Aftermath;
use brake::Brake;
use choice::{Choice, Lane};
use post::{Post, Round};

/// What a sender's loop works with.
pub struct Parts {
    pub pool: PgPool,
    pub desk: Desk,
    pub lease: Arc<HeldLease>,
    pub ledger: Ledger,
    pub in_flight: InFlight,
    pub news: News,
    pub clock: Arc<DatabaseClock>,
    pub failures_in_a_row: i32,
}

/// Without an order, blasts are looked at again this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A shorter wait is over before anybody has read of it.
const WORTH_TELLING: TimeDelta = TimeDelta::seconds(2);
/// A claimed person waits at most this long for their POST.
const A_MOMENT: Duration = Duration::from_secs(1);
/// No gap is longer than a day, and no rate's period: what was attempted before needs no remembering.
const LONGEST_MEMORY: TimeDelta = TimeDelta::hours(25);
/// A blast in which nobody was due is asked again no sooner.
const AGAIN_AFTER: TimeDelta = TimeDelta::milliseconds(100);

/// One sender's loop.
pub struct Sender {
    parts: Arc<Parts>,
    aftermath: Arc<Aftermath>,
    brake: Arc<Brake>,
    pacer: Arc<Mutex<Pacer>>,
    /// Freed when evidence is durable.
    slots: Arc<Semaphore>,
    /// POSTs under way at once.
    posts: Arc<Semaphore>,
    tasks: TaskTracker,
    /// Where POSTs run.
    room: Handle,
    orders: watch::Receiver<u64>,
    settled: watch::Receiver<u64>,
    lanes: Vec<Lane>,
    stopped: Option<String>,
    looked_at: Option<Instant>,
    told: Option<Waiting>,
    /// Why the last claim was refused.
    trouble: Option<Trouble>,
}

impl Sender {
    /// Makes the loop, its limits seeded with what was attempted before: a restart never bursts over one.
    pub async fn new(parts: Arc<Parts>) -> Result<Self, StoreError> {
        let now = parts.lease.lease.granted_at;
        let times = sender::recent_attempts(&parts.pool, parts.desk.id, now - LONGEST_MEMORY).await?;
        let mut past = Past::from_times(times, now, parts.desk.zone());
        let today = sender::attempts_since(&parts.pool, parts.desk.id, day_start(now, parts.desk.zone())).await?;
        past.today = u32::try_from(today).unwrap_or(u32::MAX);
        let pacer = Arc::new(Mutex::new(Pacer::new(parts.desk.limits, &past, now)));
        let brake = Arc::new(Brake::new(parts.clone(), pacer.clone()).await?);
        Ok(Self {
            aftermath: Arc::new(Aftermath::new(parts.clone(), pacer.clone(), brake.clone())),
            brake,
            pacer,
            slots: Arc::new(Semaphore::new(parts.desk.slots())),
            posts: Arc::new(Semaphore::new(parts.desk.in_flight)),
            tasks: TaskTracker::new(),
            room: post_room::handle(),
            orders: parts.news.orders(),
            settled: parts.ledger.settled(),
            lanes: Vec::new(),
            stopped: None,
            looked_at: None,
            told: None,
            trouble: None,
            parts,
        })
    }

    /// Sends until stopped, or until the lease is lost. Then waits for the POSTs under way.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut failures = 0;
        while !stop.is_cancelled() && !self.parts.lease.is_lost() {
            match self.turn(&stop).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    tracing::warn!(sender = %self.parts.desk.name, %error, "nothing is sent until the database answers");
                    self.trouble = error.trouble();
                    // If it can be told at all.
                    let _ = self.tell(None).await;
                    self.rest(StoreError::backoff(failures), &stop).await;
                    self.looked_at = None;
                    failures += 1;
                }
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// One turn: look, choose, and send or wait.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        self.look().await?;
        match self.choose() {
            Choice::Send(blast) => self.send_some(blast, stop).await,
            Choice::Wait { waiting, until } => {
                let now = self.parts.clock.now();
                let is_long = until.is_none_or(|until| until - now > WORTH_TELLING);
                self.tell(waiting.filter(|_| is_long)).await?;
                self.wait_until(until, stop).await;
                Ok(())
            }
        }
    }

    /// Reads what there is to send for, after an order or now and then.
    async fn look(&mut self) -> Result<(), StoreError> {
        let ordered = self.looked_at.is_none() || self.orders.has_changed().unwrap_or(false);
        if !ordered && self.looked_at.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return Ok(());
        }
        self.orders.mark_unchanged();
        self.brake.climb().await?;
        let runnable = blast::runnable(&self.parts.pool, self.parts.desk.id).await?;
        self.stopped = sender::stopped(&self.parts.pool, self.parts.desk.id).await?;
        let now = self.parts.clock.now();
        let known = std::mem::take(&mut self.lanes);
        self.lanes = choice::renew_lanes(known, runnable, &self.parts, now).await?;
        if self.parts.ledger.trouble().is_some() {
            self.tell(None).await?;
        }
        if ordered {
            self.lanes.iter_mut().for_each(|lane| lane.nobody_due_before = None);
        }
        self.looked_at = Some(Instant::now());
        Ok(())
    }

    /// Claims from one blast, as many as may go now, and starts their POSTs.
    async fn send_some(&mut self, blast: BlastId, stop: &CancellationToken) -> Result<(), StoreError> {
        let Some(slots) = self.take_slots(stop).await else { return Ok(()) };
        if self.orders.has_changed().unwrap_or(true) || !self.parts.lease.is_fresh() {
            return self.hold_for_lease(stop).await;
        }
        // Before the claim: between it and the POSTs nothing may fail.
        self.tell(None).await?;
        let (after, wanted) = (self.claims_after(blast), slots.len());
        let want = Want { blast, business: &self.parts.desk.business, people: wanted.try_into().unwrap_or(1), after };
        let orders_seen = *self.orders.borrow();
        let people = match claim::claim(&self.parts.pool, self.parts.lease.lease, want).await? {
            Claim::People(people) => people,
            Claim::Fenced => {
                self.parts.lease.lose();
                return Ok(());
            }
        };
        self.move_bookmark(blast, &people, wanted);
        self.trouble = None;
        if people.is_empty() {
            return if after.is_some() { Ok(()) } else { self.nobody_due(blast).await };
        }
        let round = self.round(blast, orders_seen, stop);
        let post = |(person, permit)| Post::new(&round, person, permit);
        // From here on a slot holds them.
        let posts: Vec<Post> = people.into_iter().zip(slots).map(post).collect();
        self.start_posts(blast, posts, stop).await;
        Ok(())
    }

    /// Starts the POSTs of one claim, each after its pace; where that is longer than a moment, gives the rest back.
    async fn start_posts(&mut self, blast: BlastId, posts: Vec<Post>, stop: &CancellationToken) {
        for post in posts {
            match self.wait_for_pace(blast, stop).await {
                Turn::Go => {
                    self.note_posted(blast);
                    self.tasks.spawn_on(post.run(), &self.room);
                }
                Turn::NotNow => post.give_back(),
            }
        }
    }

    /// With an old lease nothing is sent; a moment later it is renewed, or lost.
    async fn hold_for_lease(&mut self, stop: &CancellationToken) -> Result<(), StoreError> {
        if !self.parts.lease.is_fresh() {
            self.rest(Duration::from_millis(200), stop).await;
        }
        Ok(())
    }

    /// Waits for one free slot; takes more where claims may go in batches. `None`: an order or a stop came first.
    async fn take_slots(&mut self, stop: &CancellationToken) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            slot = self.slots.clone().acquire_owned() => slot.ok()?,
            _ = self.orders.changed() => {
                self.looked_at = None;
                return None;
            }
            // Slots that stay taken may be a matter to tell.
            () = tokio::time::sleep(LOOK_EVERY) => return None,
        };
        let mut slots = vec![first];
        while slots.len() < self.batch() {
            match self.slots.clone().try_acquire_owned() {
                Ok(slot) => slots.push(slot),
                Err(_) => break,
            }
        }
        Some(slots)
    }

    /// How many are claimed at once: one where a gap or a slow rate binds, a twentieth of a second's worth where a fast
    /// rate does, else whatever slots are free.
    fn batch(&self) -> usize {
        let limits = self.parts.desk.limits;
        let own = self.lanes.iter().map(|lane| lane.limits.limits);
        let rates = own.clone().chain([limits]).filter_map(|limits| limits.rate.per_second()).reduce(f64::min);
        if own.chain([limits]).any(|limits| limits.gap.is_some()) {
            return 1;
        }
        let left = limits.daily_cap.map_or(usize::MAX, |cap| {
            let today = self.pacer.lock().map_or(0, |pacer| pacer.today());
            usize::try_from(cap.get().saturating_sub(today)).unwrap_or(usize::MAX).max(1)
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate of at most 10,000 a second"
        )]
        rates.map_or(256, |rate| ((rate * limits.speed.factor() / 20.0) as usize).clamp(1, 256)).min(left)
    }

    /// What is common to the POSTs of the claim that was just made.
    fn round(&self, blast: BlastId, orders_seen: u64, stop: &CancellationToken) -> Arc<Round> {
        let lane = self.lanes.iter().find(|lane| lane.id == blast);
        Arc::new(Round {
            parts: self.parts.clone(),
            aftermath: self.aftermath.clone(),
            posts: self.posts.clone(),
            orders: self.orders.clone(),
            orders_seen,
            claimed_at: Instant::now(),
            blast,
            message: lane.map(|lane| lane.message.clone()),
            window: lane.and_then(|lane| lane.limits.window),
            stop: stop.clone(),
        })
    }

    /// Within a batch of a fast rate: waits the rest of the interval to the next POST, if that is a moment.
    async fn wait_for_pace(&mut self, blast: BlastId, stop: &CancellationToken) -> Turn {
        loop {
            let now = self.parts.clock.now();
            let until = match self.pace_of(blast, now) {
                Pace::Go => return Turn::Go,
                Pace::Wait { until, .. } => until,
            };
            let wait = (until - now).to_std().unwrap_or_default();
            if wait > A_MOMENT {
                return Turn::NotNow;
            }
            tokio::select! {
                () = stop.cancelled() => return Turn::NotNow,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// The longer of the sender's wait and the blast's own.
    fn pace_of(&mut self, blast: BlastId, now: DateTime<Utc>) -> Pace {
        let own = self.lanes.iter_mut().find(|lane| lane.id == blast).map(|lane| lane.pacer.next(now, rand::random()));
        match (self.next_pace(), own) {
            (Pace::Wait { until, reason }, Some(Pace::Wait { until: own, .. })) if until >= own => {
                Pace::Wait { until, reason }
            }
            (Pace::Wait { until, reason }, Some(Pace::Go) | None) => Pace::Wait { until, reason },
            (_, Some(own)) => own,
            (Pace::Go, None) => Pace::Go,
        }
    }

    fn next_pace(&self) -> Pace {
        let now = self.parts.clock.now();
        self.pacer.lock().map_or(Pace::Go, |mut pacer| pacer.next(now, rand::random()))
    }

    fn note_posted(&mut self, blast: BlastId) {
        let now = self.parts.clock.now();
        if let Ok(mut pacer) = self.pacer.lock() {
            pacer.posted(now);
        }
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == blast) {
            lane.pacer.posted(now);
            lane.served += 1;
        }
    }

    /// A claim that found nobody: somebody is due later, or opted out, or the blast is done.
    async fn nobody_due(&mut self, blast: BlastId) -> Result<(), StoreError> {
        let due = claim::next_due(&self.parts.pool, blast).await?;
        let now = self.parts.clock.now();
        if due.is_some_and(|due| due <= now) {
            claim::skip_suppressed(&self.parts.pool, blast, &self.parts.desk.business).await?;
        }
        let soon = now + AGAIN_AFTER;
        let next = match due {
            Some(due) => due.max(soon),
            None if blast::complete(&self.parts.pool, blast).await? => {
                self.parts.news.order(&self.parts.pool, Some(blast)).await?;
                now + TimeDelta::days(1)
            }
            None => now + TimeDelta::days(1),
        };
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == blast) {
            lane.nobody_due_before = Some(next);
        }
        Ok(())
    }

    /// Waits until a time, an order, settled evidence or a stop, whichever is first; never longer than a second
    /// without looking.
    async fn wait_until(&mut self, until: Option<DateTime<Utc>>, stop: &CancellationToken) {
        let wait = until.and_then(|until| (until - self.parts.clock.now()).to_std().ok());
        let wait = if until.is_some() { wait.unwrap_or_default() } else { LOOK_EVERY };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            _ = self.orders.changed() => self.looked_at = None,
            _ = self.settled.changed() => self.wake_drained(),
            () = tokio::time::sleep(wait.min(LOOK_EVERY)) => {}
        }
    }

    /// Evidence became durable: a blast that seemed done may be done now, or have somebody queued again. Asked a moment
    /// later, so that a stream of polls does not ask with each of them.
    fn wake_drained(&mut self) {
        let soon = self.parts.clock.now() + AGAIN_AFTER;
        for lane in &mut self.lanes {
            lane.nobody_due_before = lane.nobody_due_before.map(|before| before.min(soon));
        }
    }

    async fn rest(&self, pause: Duration, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Whether the next POST of a claim goes now.
enum Turn {
    Go,
    NotNow,
}

//! From a claim to its POSTs: how many are claimed, and each POST at its own pace. Where a fast rate binds, the next few
//! are claimed while those before are paced out, so that the database's time does not come on top of the pace.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Sender;
use super::bottleneck::Bottleneck;
use super::next_action::BlastQueue;
use super::post::{Post, SendContext};
use crate::domain::ids::BlastId;
use crate::domain::message::Message;
use crate::domain::pace::{Limits, Pace, PaceReason, Window};
use crate::store::StoreError;
use crate::store::claim::{self, Claim, ClaimRequest, Claimed, QueuePosition};

/// A claimed person waits at most this long for their POST.
const A_MOMENT: Duration = Duration::from_secs(1);
/// Claims are made ahead from this rate on, per second: the wait for each POST is then a part of a moment.
const FAST: f64 = 4.0;
/// Of a fast rate, so much is claimed at once: some milliseconds' worth, or what goes while two claims are made.
const AT_ONCE: Duration = Duration::from_millis(25);
const AT_ONCE_MAX: Duration = Duration::from_millis(300);
/// People in one claim.
const BATCH_MAX: usize = 256;

/// What is common to the people of one claim, and the slots for them.
pub(super) struct Claiming {
    pub blast: BlastId,
    pub orders_seen: u64,
    pub at: Instant,
    pub slots: Vec<OwnedSemaphorePermit>,
    /// Where in the list it looks.
    pub after: Option<QueuePosition>,
    /// The blast's, as they were then: it may be paused while the claim is made.
    message: Option<Arc<Result<Message, String>>>,
    window: Option<Window>,
}

/// A claim under way.
pub(super) struct Ahead {
    claiming: Claiming,
    /// With how long it took.
    claim: JoinHandle<(Result<Claim, StoreError>, Duration)>,
}

impl Ahead {
    pub(super) const fn blast(&self) -> BlastId {
        self.claiming.blast
    }
}

/// Whether the next POST of a claim goes now.
enum Turn {
    Go,
    NotNow,
}

impl Sender {
    pub(super) fn claiming(&mut self, blast: BlastId, slots: Vec<OwnedSemaphorePermit>) -> Claiming {
        let after = self.claims_after(blast);
        let queue = self.queues.iter().find(|queue| queue.id == blast);
        Claiming {
            blast,
            orders_seen: *self.orders.borrow(),
            at: Instant::now(),
            slots,
            after,
            message: queue.map(|queue| queue.message.clone()),
            window: queue.and_then(|queue| queue.limits.window),
        }
    }

    pub(super) fn want(claiming: &Claiming) -> ClaimRequest {
        let people = claiming.slots.len().try_into().unwrap_or(1);
        ClaimRequest { blast: claiming.blast, people, after: claiming.after }
    }

    /// As many slots as are free, up to a number.
    pub(super) fn take_more(&self, slots: &mut Vec<OwnedSemaphorePermit>, most: usize) {
        while slots.len() < most {
            match self.slots.clone().try_acquire_owned() {
                Ok(slot) => slots.push(slot),
                Err(_) => break,
            }
        }
    }

    /// How many of a blast are claimed at once: one where a gap or a slow rate binds, a moment's worth where a fast rate
    /// does, else whatever slots are free.
    pub(super) fn batch(&self, blast: BlastId) -> usize {
        let (limits, rate) = (self.context.sender.limits, self.rate_of(blast));
        if self.has_gap(blast) {
            return 1;
        }
        let left = limits.daily_cap.map_or(usize::MAX, |cap| {
            let today = self.pacer.lock().today();
            usize::try_from(cap.get().saturating_sub(today)).unwrap_or(usize::MAX).max(1)
        });
        let at_once = (self.claim_takes * 2).clamp(AT_ONCE, AT_ONCE_MAX).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate of at most 10,000 a second"
        )]
        rate.map_or(BATCH_MAX, |rate| ((rate * at_once) as usize).clamp(1, BATCH_MAX)).min(left)
    }

    /// The rate that binds a blast, per second: its own or its sender's.
    fn rate_of(&self, blast: BlastId) -> Option<f64> {
        let speed = self.context.sender.limits.speed.factor();
        let rates = self.limits_of(blast).filter_map(|limits| limits.rate.per_second());
        rates.reduce(f64::min).map(|rate| rate * speed)
    }

    fn has_gap(&self, blast: BlastId) -> bool {
        self.limits_of(blast).any(|limits| limits.gap.is_some())
    }

    fn limits_of(&self, blast: BlastId) -> impl Iterator<Item = Limits> {
        let own = self.queues.iter().find(|queue| queue.id == blast).map(|queue| queue.limits.limits);
        own.into_iter().chain([self.context.sender.limits])
    }

    /// Begins the next claim of a fast rate, if slots are free for it and nothing but the rate is waited for. Not while a
    /// blast with a pace of its own goes out beside others: it might be chosen again, and they would wait for its pace.
    fn claim_ahead(&mut self, now_sending: BlastId) {
        let has_own_pace = |queue: &BlastQueue| queue.id == now_sending && queue.has_own_pace();
        if self.queues.len() > 1 && self.queues.iter().any(has_own_pace) {
            return;
        }
        let Some(blast) = self.least_served_or_paced() else { return };
        let is_fast = !self.has_gap(blast) && self.rate_of(blast).is_some_and(|rate| rate >= FAST);
        let is_ordered = self.orders.has_changed().unwrap_or(true);
        if !is_fast || is_ordered || self.obstacle().is_some() || !self.context.lease.is_fresh() {
            return;
        }
        if let Pace::Wait { until, reason } = self.next_pace()
            && !(matches!(reason, PaceReason::Rate(_)) && is_soon(until, self.context.clock.now()))
        {
            return;
        }
        let mut slots = Vec::new();
        self.take_more(&mut slots, self.batch(blast));
        if slots.is_empty() {
            return;
        }
        let claiming = self.claiming(blast, slots);
        let (pool, lease, want) = (self.context.pool.clone(), self.lease, Self::want(&claiming));
        let claim = async move { claim::claim(&pool, lease, want).await };
        let claim = tokio::spawn(timed(claim));
        self.ahead = Some(Ahead { claiming, claim });
    }

    /// The blast to claim from next, though its own rate may make it wait for a moment.
    fn least_served_or_paced(&mut self) -> Option<BlastId> {
        let now = self.context.clock.now();
        self.least_served().or_else(|| {
            let paced = self.queues.iter().filter(|queue| {
                queue.hold.as_ref().is_some_and(|hold| {
                    matches!(hold.bound, Some(Bottleneck::Blast(PaceReason::Rate(_)))) && is_soon(hold.until, now)
                })
            });
            paced.min_by_key(|queue| queue.served).map(|queue| queue.id)
        })
    }

    /// Sends to those who were claimed ahead.
    pub(super) async fn send_claimed(&mut self, ahead: Ahead, stop: &CancellationToken) -> Result<(), StoreError> {
        self.context.rests.store(false, Ordering::Relaxed);
        let began = Instant::now();
        let (claim, took) = finish(ahead.claim).await;
        self.note_claim(took);
        self.spend(Some(Bottleneck::Database), began.elapsed());
        self.send(ahead.claiming, claim?, stop).await
    }

    /// Gives everybody back who was claimed ahead: the sender ends.
    pub(super) async fn give_back(&mut self, ahead: Ahead, stop: &CancellationToken) {
        if let (Ok(Claim::People(people)), _) = finish(ahead.claim).await {
            self.posts_of(ahead.claiming, people, stop).into_iter().for_each(|post| post.give_back(None));
        }
    }

    /// How long claims take, on a moving average.
    pub(super) fn note_claim(&mut self, took: Duration) {
        self.claim_takes = (self.claim_takes * 3 + took.min(AT_ONCE_MAX)) / 4;
    }

    /// Everybody claimed, with what their POST needs. From here on a slot holds them.
    pub(super) fn posts_of(&mut self, claiming: Claiming, people: Vec<Claimed>, stop: &CancellationToken) -> Vec<Post> {
        let Claiming { blast, orders_seen, at, slots, message, window, .. } = claiming;
        if let Some(queue) = self.queues.iter_mut().find(|queue| queue.id == blast) {
            queue.served += people.len() as u64;
        }
        let round = Arc::new(SendContext {
            context: self.context.clone(),
            failure_policy: self.failure_policy.clone(),
            pairs: self.pairs.clone(),
            posts: self.posts.clone(),
            gate: self.gate.clone(),
            orders: self.orders.clone(),
            orders_seen,
            claimed_at: at,
            blast,
            message,
            window,
            stop: stop.clone(),
        });
        let post = |(person, permit)| Post::new(&round, person, permit);
        people.into_iter().zip(slots).map(post).collect()
    }

    /// Starts the POSTs of one claim, each after its pace. Where that turns out to be longer than a moment (a cap
    /// reached, the provider's wish), the rest are given back unsent; so is whoever had a message too recently.
    pub(super) async fn start_posts(&mut self, posts: Vec<Post>, stop: &CancellationToken) {
        let people = posts.len();
        self.is_busy |= people > 0;
        for (n, mut post) in posts.into_iter().enumerate() {
            if self.ahead.is_none() && people - n <= self.lead(post.blast()) {
                self.claim_ahead(post.blast());
            }
            if let Some(until) = self.closed_until(&post.person) {
                post.give_back(Some(until));
                continue;
            }
            match self.wait_for_pace(post.blast(), stop).await {
                Turn::Go => {
                    post.posted_at = Some(self.note_posted(post.blast(), &post.person));
                    let room = self.room_for(post.blast());
                    self.tasks.spawn_on(post.run(), &room);
                }
                Turn::NotNow => post.give_back(None),
            }
        }
    }

    /// Where a POST runs. Where a rate binds, on the thread that has waited for its moment: another one may be late, and then
    /// as many as were due meanwhile would arrive together.
    fn room_for(&self, blast: BlastId) -> Handle {
        if self.rate_of(blast).is_some() { Handle::current() } else { self.room.clone() }
    }

    /// With so many left to post, it is time for the next claim: sooner would only fill slots.
    fn lead(&self, blast: BlastId) -> usize {
        let takes = (self.claim_takes * 2).min(AT_ONCE_MAX).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a moment of at most 10,000 a second"
        )]
        self.rate_of(blast).map_or(0, |rate| (rate * takes).ceil() as usize + 1)
    }

    fn closed_until(&self, person: &Claimed) -> Option<DateTime<Utc>> {
        self.pairs.lock().closed_until(&person.phone_number, self.context.clock.now())
    }

    /// Within a batch of a fast rate: waits the rest of the interval to the next POST, if that is a moment.
    async fn wait_for_pace(&mut self, blast: BlastId, stop: &CancellationToken) -> Turn {
        loop {
            let now = self.context.clock.now();
            let Some((until, bound)) = self.pace_of(blast, now) else { return Turn::Go };
            if !is_soon(until, now) {
                return Turn::NotNow;
            }
            let began = Instant::now();
            tokio::select! {
                () = stop.cancelled() => return Turn::NotNow,
                () = tokio::time::sleep((until - now).to_std().unwrap_or_default()) => {}
            }
            self.spend_on(blast, bound, began.elapsed());
        }
    }

    /// A wait for a blast's own pace is nobody else's; whoever has something of their own to wait for waits for that.
    fn spend_on(&mut self, blast: BlastId, bound: Bottleneck, time: Duration) {
        let shared = matches!(bound, Bottleneck::Sender(_)).then_some(bound);
        for queue in &mut self.queues {
            let own = queue.hold.as_ref().map_or(shared, |hold| hold.bound);
            let bound = if queue.id == blast { Some(bound) } else { own };
            if let Some(bound) = bound {
                queue.meter.add(bound, time);
            }
        }
    }

    /// The longer of the sender's wait and the blast's own.
    fn pace_of(&mut self, blast: BlastId, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Bottleneck)> {
        let queue = self.queues.iter_mut().find(|queue| queue.id == blast);
        let own = queue.map_or(Pace::Go, |queue| queue.pacer.next(now, rand::random()));
        let waits = [(self.next_pace(), Bottleneck::Sender as fn(PaceReason) -> Bottleneck), (own, Bottleneck::Blast)];
        let longest = waits.into_iter().filter_map(|(pace, bound)| match pace {
            Pace::Go => None,
            Pace::Wait { until, reason } => Some((until, bound(reason))),
        });
        longest.max_by_key(|(until, _)| *until)
    }

    pub(super) fn next_pace(&self) -> Pace {
        let now = self.context.clock.now();
        self.pacer.lock().next(now, rand::random())
    }

    fn note_posted(&mut self, blast: BlastId, person: &Claimed) -> DateTime<Utc> {
        let now = self.context.clock.now();
        self.pacer.lock().posted(now);
        self.pairs.lock().posted(&person.phone_number, now);
        if let Some(queue) = self.queues.iter_mut().find(|queue| queue.id == blast) {
            queue.pacer.posted(now);
            if queue.has_own_pace() {
                queue.look(now);
            }
        }
        now
    }
}

/// Whether that is only a moment away.
fn is_soon(until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (until - now).to_std().unwrap_or_default() <= A_MOMENT
}

/// A claim under way is never dropped: its people would be held by nobody.
async fn finish(claim: JoinHandle<(Result<Claim, StoreError>, Duration)>) -> (Result<Claim, StoreError>, Duration) {
    claim.await.unwrap_or_else(|_| (Err(StoreError::from(sqlx::Error::WorkerCrashed)), Duration::ZERO))
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = Instant::now();
    (work.await, began.elapsed())
}

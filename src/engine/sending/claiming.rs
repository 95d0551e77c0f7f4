//! Claims: when the next one is made, for how many people, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::bottleneck::Bottleneck;
use super::next_action::NextAction;
use super::post::{ClaimContext, Post, WantedAsOf};
use super::{Sender, Wait};
use crate::domain::ids::BlastId;
use crate::domain::pace::Limits;
use crate::engine::clock::Moment;
use crate::engine::fence::{self, FenceRefusal, Regression};
use crate::store::StoreError;
use crate::store::claim::{self, Claim, ClaimRequest, Claimed, QueuePosition};
use crate::store::fence::{PostedAttempt, PostedMessage};

/// Of a fast rate, so much is claimed at once: some milliseconds' worth, or what goes while two claims are made.
const AT_ONCE: Duration = Duration::from_millis(25);
pub(super) const AT_ONCE_MAX: Duration = Duration::from_millis(300);
/// How long a sender that ends asks whom a claim has claimed that was not answered.
const ASKED_AT_THE_END: Duration = Duration::from_secs(3);
/// People in one claim: as many as one lists (`claims_people_check`).
pub(super) const BATCH_MAX: usize = 512;

/// A claim on its way through the database.
pub(super) struct PendingClaim {
    context: Arc<ClaimContext>,
    orders_seen: u64,
    began: Moment,
    /// How many people it asked for.
    most: usize,
    /// Where in the queue it begins.
    after: Option<QueuePosition>,
    /// Whether it asks whom an earlier one has claimed, and claims nobody.
    is_for_lost: bool,
    task: JoinHandle<Result<Claim, StoreError>>,
}

impl PendingClaim {
    /// Resolves when the claim is committed or refused. A claim in progress is never dropped: nobody would hold its people.
    pub(super) async fn done(pending: &mut Option<Self>) -> Result<Claim, StoreError> {
        let Some(pending) = pending else { return std::future::pending().await };
        (&mut pending.task).await.unwrap_or_else(|_| Err(StoreError::from(sqlx::Error::WorkerCrashed)))
    }

    /// From which blast.
    pub(super) fn blast(&self) -> BlastId {
        self.context.blast
    }

    /// Everybody claimed, with what their POST needs. From here on a slot holds them.
    fn into_posts(self, people: Vec<Claimed>) -> impl Iterator<Item = Post> {
        let wanted = WantedAsOf { orders_seen: self.orders_seen, at: self.began };
        let context = self.context;
        people.into_iter().map(move |person| Post::new(&context, wanted, person))
    }
}

impl Sender {
    /// Begins the next claim where it is time for one. `Some`: what is waited for where nobody is ready to be sent to.
    pub(super) fn claim_next(&mut self) -> Option<Wait> {
        if self.claim.is_some() {
            return self.ready.is_empty().then(|| Wait::for_event(Some(Bottleneck::Database)));
        }
        if self.failures.stops_others() || self.is_ordered() {
            return Some(Wait::for_event(None));
        }
        if !self.context.lease.is_fresh() {
            return Some(Wait::for_lease());
        }
        if let Some(lost) = self.lost_claim.clone() {
            return Some(self.ask_for_lost(lost));
        }
        if !self.ready.is_empty() {
            if let Some(blast) = self.blast_ahead() {
                self.begin_claim(blast);
            }
            return None;
        }
        match self.choose() {
            NextAction::Send(blast) => self.begin_claim(blast),
            NextAction::Wait { until, bottleneck } => {
                Some(Wait { until, bottleneck, is_idle: true, ..Wait::default() })
            }
        }
    }

    /// Claims from one blast, as many as may go now. `Some`: no slot is free, or too few are.
    fn begin_claim(&mut self, blast: BlastId) -> Option<Wait> {
        self.context.rests.store(false, Ordering::Relaxed);
        let (batch, slots) = (self.batch(blast), self.slots());
        let most = batch.min(slots.free);
        if most < batch.min(slots.worth_a_claim) {
            // Both what frees a slot and what allows for more ends the wait: durable evidence, an answer.
            return Some(Wait::for_event(Some(self.what_holds_slots())));
        }
        let queue = self.queues.iter_mut().find(|queue| queue.id == blast)?;
        let after = queue.cursor.next();
        let context = Arc::new(ClaimContext {
            context: self.context.clone(),
            orders: self.orders.clone(),
            blast,
            content: queue.content.clone(),
            content_key: queue.source.content_key,
            window: queue.limits.window,
            stop: self.stop.clone(),
        });
        let request = ClaimRequest {
            blast,
            people: most.try_into().unwrap_or(1),
            after,
            patience: self.contact.patience(),
            oldest: self.context.in_flight.oldest(),
        };
        let (pool, lease) = (self.context.pool.clone(), self.lease);
        // Read before the claim is: an order that comes meanwhile is none that it has seen.
        let (orders_seen, began) = (*self.orders.borrow(), Moment::now());
        let task = tokio::spawn(async move { claim::claim(&pool, lease, request).await });
        self.claim = Some(PendingClaim { context, orders_seen, began, most, after, is_for_lost: false, task });
        Some(Wait::for_event(Some(Bottleneck::Database)))
    }

    /// Asks whom a claim that was not answered has brought into flight.
    fn ask_for_lost(&mut self, context: Arc<ClaimContext>) -> Wait {
        let (pool, lease, blast) = (self.context.pool.clone(), self.lease, context.blast);
        let held = self.context.in_flight.people();
        let (orders_seen, began) = (*self.orders.borrow(), Moment::now());
        let task = tokio::spawn(async move { claim::lost(&pool, lease, blast, &held).await });
        let most = BATCH_MAX;
        self.claim = Some(PendingClaim { context, orders_seen, began, most, after: None, is_for_lost: true, task });
        Wait::for_event(Some(Bottleneck::Database))
    }

    /// What the slots in use are mostly in use for.
    fn what_holds_slots(&self) -> Bottleneck {
        if self.posts.len() * 2 >= self.context.sender.in_flight { Bottleneck::Answers } else { Bottleneck::Database }
    }

    /// How many of a blast are claimed at once: one where a gap or a slow rate binds, a moment's worth where a fast rate
    /// does, else whatever slots are free.
    fn batch(&mut self, blast: BlastId) -> usize {
        let (limits, rate) = (self.context.sender.limits, self.rate_of(blast));
        if self.has_gap(blast) {
            return 1;
        }
        let left = limits.daily_cap.map_or(usize::MAX, |cap| {
            let left = usize::try_from(cap.get().saturating_sub(self.pace.pacer.today())).unwrap_or(usize::MAX);
            left.saturating_sub(self.ready.len()).max(1)
        });
        let left = self.people_left().map_or(left, |people| left.min(people.max(1)));
        let at_once = (self.claim_takes * 2).clamp(AT_ONCE, AT_ONCE_MAX).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate of at most 10,000 a second"
        )]
        rate.map_or(BATCH_MAX, |rate| ((rate * at_once) as usize).clamp(1, BATCH_MAX)).min(left)
    }

    /// How many more people may be claimed under Meta's limit, beside those who are ready; `None`: any number.
    pub(super) fn people_left(&mut self) -> Option<usize> {
        let left = self.pace.people.left(self.context.clock.now())?;
        Some(usize::try_from(left).unwrap_or(usize::MAX).saturating_sub(self.ready.len()))
    }

    /// The rate that binds a blast, per second: its own, or its sender's as far as the provider has slowed it.
    pub(super) fn rate_of(&self, blast: BlastId) -> Option<f64> {
        let rates = self.limits_of(blast).filter_map(|limits| Some(limits.rate.per_second()? * limits.speed.factor()));
        rates.reduce(f64::min)
    }

    pub(super) fn has_gap(&self, blast: BlastId) -> bool {
        self.limits_of(blast).any(|limits| limits.gap.is_some())
    }

    fn limits_of(&self, blast: BlastId) -> impl Iterator<Item = Limits> {
        let own = self.queues.iter().find(|queue| queue.id == blast).map(|queue| queue.limits.limits);
        own.into_iter().chain([self.context.sender.limits.slowed(self.pace.steps())])
    }

    /// Takes in a claim that is done. A blast with rows that the database refuses to claim holds up no other.
    pub(super) async fn claimed(&mut self, claim: Result<Claim, StoreError>) -> Result<(), StoreError> {
        let Some(pending) = self.claim.take() else { return Ok(()) };
        let (blast, took) = (pending.context.blast, pending.began.age());
        self.claim_takes = (self.claim_takes * 3 + took.min(AT_ONCE_MAX)) / 4;
        if pending.is_for_lost {
            return self.take_lost(pending, claim).await;
        }
        let taken = match claim {
            Ok(claim) => self.take_claim(pending, claim).await,
            Err(error) => {
                if error.is_transient() {
                    self.lost_claim = Some(pending.context);
                }
                Err(error)
            }
        };
        self.set_aside(blast, taken)
    }

    /// Whom a claim that was not answered has brought into flight returns to the queue: nobody posted to them. Where its transaction is still
    /// open, the sweep finds them.
    async fn take_lost(&mut self, pending: PendingClaim, found: Result<Claim, StoreError>) -> Result<(), StoreError> {
        let people = match found {
            Ok(Claim::People(people)) => people,
            Ok(Claim::OtherServer) => return self.verify_server().await,
            Ok(Claim::Fenced) => {
                self.context.lease.lose();
                return Ok(());
            }
            Ok(Claim::Late) | Err(StoreError::Busy(_)) => Vec::new(),
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                self.lost_claim = None;
                return self.set_aside(pending.context.blast, Err(error));
            }
        };
        self.lost_claim = None;
        if !people.is_empty() {
            tracing::warn!(
                sender = %self.context.sender.name, people = people.len(),
                "the answer to a claim was lost: whom it claimed returns to the queue"
            );
            let attempts = self.attempts_of(&pending.context, &people);
            self.give_back_unposted(pending.into_posts(people), &attempts);
        }
        Ok(())
    }

    /// Between the claim and the POSTs nothing may fail.
    async fn take_claim(&mut self, pending: PendingClaim, claim: Claim) -> Result<(), StoreError> {
        let people = match claim {
            Claim::People(people) => people,
            Claim::Fenced => {
                self.context.lease.lose();
                return Ok(());
            }
            Claim::OtherServer => return self.verify_server().await,
            Claim::Late => {
                self.unreached_since.get_or_insert(self.reached_at);
                self.refreshed_at = None;
                return Ok(());
            }
        };
        let blast = pending.context.blast;
        if let Some(queue) = self.queues.iter_mut().find(|queue| queue.id == blast) {
            queue.cursor.moved(&people, pending.most);
            queue.served += people.len() as u64;
            queue.is_busy |= !people.is_empty();
        }
        if people.is_empty() {
            return if pending.after.is_some() { Ok(()) } else { self.nobody_due(blast).await };
        }
        let attempts = self.attempts_of(&pending.context, &people);
        if attempts.iter().any(|attempt| self.deps.journal.has_posted(attempt)) {
            return self.stop_for_repeated(pending.into_posts(people), &attempts).await;
        }
        if self.remember(&attempts) {
            self.ready.extend(pending.into_posts(people));
        } else {
            pending.into_posts(people).for_each(|post| post.give_back(None));
        }
        Ok(())
    }

    /// Puts a claim on this machine's record, before its first POST. Where that cannot be done nobody is posted to; the
    /// lease is given up, and acquiring it again asks.
    fn remember(&mut self, attempts: &[PostedAttempt]) -> bool {
        let Err(error) = self.deps.journal.append(attempts) else { return true };
        tracing::warn!(sender = %self.context.sender.name, %error, "nothing is sent that this machine cannot remember");
        self.context.lease.lose();
        false
    }

    /// This machine has posted some of these attempts before: the database has gone back in time since, as a whole or for
    /// these people. They become uncertain, the others return to the queue, and the sender stops until somebody confirms.
    async fn stop_for_repeated(
        &self,
        posts: impl Iterator<Item = Post>,
        attempts: &[PostedAttempt],
    ) -> Result<(), StoreError> {
        self.give_back_unposted(posts, attempts);
        self.context.lease.lose();
        let why = FenceRefusal::BackInTime(Regression::AttemptRepeated);
        fence::close(&self.deps.engine, &self.context.sender, &why).await
    }

    /// The database's server was started anew, or is another one, or its tables were put back: goes on only if it is as this machine remembers it.
    async fn verify_server(&mut self) -> Result<(), StoreError> {
        let engine = &self.deps.engine;
        match engine.fence.verify_again(&self.context.pool, self.context.sender.key()).await {
            Ok(verified) => {
                self.lease.incarnation = verified.server.incarnation;
                self.deps.journal = verified.journal;
            }
            Err(FenceRefusal::Store(error)) => return Err(error),
            Err(why) => {
                fence::close(engine, &self.context.sender, &why).await?;
                self.context.lease.lose();
            }
        }
        Ok(())
    }

    /// Gives everybody back who is claimed and not sent to: the sender ends.
    pub(super) async fn give_back_claims(&mut self) {
        for post in std::mem::take(&mut self.ready) {
            post.give_back(None);
        }
        self.give_back_claim().await;
        if let Some(lost) = self.lost_claim.take() {
            // Once: whom it cannot name by then, a sweep makes uncertain.
            self.ask_for_lost(lost);
            let _ = timeout(ASKED_AT_THE_END, self.give_back_claim()).await;
        }
    }

    /// The same of the claim that is on its way. One that is not answered may be committed all the same.
    async fn give_back_claim(&mut self) {
        if self.claim.is_none() {
            return;
        }
        let claim = PendingClaim::done(&mut self.claim).await;
        let Some(pending) = self.claim.take() else { return };
        match claim {
            Ok(Claim::People(people)) => {
                if pending.is_for_lost {
                    self.lost_claim = None;
                }
                let attempts = self.attempts_of(&pending.context, &people);
                self.give_back_unposted(pending.into_posts(people), &attempts);
            }
            Err(error) if error.is_transient() => self.lost_claim = Some(pending.context),
            Ok(Claim::Fenced | Claim::OtherServer | Claim::Late) | Err(_) => {}
        }
    }

    fn attempts_of(&self, of: &ClaimContext, people: &[Claimed]) -> Vec<PostedAttempt> {
        let message = PostedMessage { blast: of.blast, content: of.content_key };
        people.iter().map(|person| posted(person, self.lease.epoch, message)).collect()
    }

    /// Returns people to the queue; whom this machine has posted to with the same attempt become uncertain.
    fn give_back_unposted(&self, posts: impl Iterator<Item = Post>, attempts: &[PostedAttempt]) {
        for (post, attempt) in posts.zip(attempts) {
            if self.deps.journal.has_posted(attempt) {
                post.mark_as_posted_before();
            } else {
                post.give_back(None);
            }
        }
    }
}

fn posted(person: &Claimed, epoch: i64, message: PostedMessage) -> PostedAttempt {
    PostedAttempt {
        recipient: person.id,
        attempt: person.attempt,
        epoch,
        claimed_at: person.claimed_at,
        // At most fifteen digits (E.164), and never a leading zero.
        phone: person.phone_number.digits().parse().unwrap_or(0),
        message: Some(message),
    }
}

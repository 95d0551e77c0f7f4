//! From the people who are claimed to their POSTs: each at its pace, and after a last look at what may have changed since
//! the claim.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::bottleneck::Bottleneck;
use super::next_action::BlastQueue;
use super::post::{Post, WantedAsOf};
use super::{Sender, Wait};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::pace::{Pace, PaceReason};
use crate::domain::recipient::{NotBefore, OUT_OF_HOURS, TOO_RECENTLY};
use crate::engine::clock::Moment;
use crate::store::claim;

/// A claimed person waits at most this long for their POST.
const A_MOMENT: Duration = Duration::from_secs(1);
/// Longer than this after the claim, pause and opt-out are read again before the POST.
const RECHECK_AFTER: Duration = Duration::from_secs(1);

/// What the first of those who are ready has to do.
enum ReadyAction {
    Go,
    /// In a moment.
    Wait(Wait),
    /// Back to the queue: it would take longer, they had a message too recently, or it is too early or too late for them.
    GiveBack(Option<NotBefore>),
    /// The hours are over, or the sender stops.
    Withdraw,
}

impl Sender {
    /// Starts the POST of everybody whose turn it is. `Some`: what the next one waits for.
    pub(super) async fn start_posts(&mut self) -> Option<Wait> {
        if !self.ready.is_empty() && self.failures.stops_others() {
            return Some(Wait::for_event(None));
        }
        self.recheck().await;
        while let Some(post) = self.ready.pop_front() {
            match self.action_for(&post) {
                ReadyAction::Go => self.start(post),
                ReadyAction::GiveBack(not_before) => post.give_back(not_before),
                ReadyAction::Withdraw => self.withdraw(post),
                ReadyAction::Wait(wait) => {
                    self.ready.push_front(post);
                    return Some(wait);
                }
            }
        }
        None
    }

    fn action_for(&mut self, post: &Post) -> ReadyAction {
        if !self.context.lease.is_lost() && !self.context.lease.is_fresh() {
            return ReadyAction::Wait(Wait::for_lease());
        }
        if !post.claim.is_open() {
            return ReadyAction::Withdraw;
        }
        let now = self.context.clock.now();
        if let Some(at) = self.pace.cooldown.closed_until(&post.person.phone_number, now) {
            return ReadyAction::GiveBack(Some(NotBefore { at, why: TOO_RECENTLY }));
        }
        let mut queue = self.queues.iter_mut().find(|queue| queue.id == post.claim.blast);
        if !queue.as_deref().is_some_and(BlastQueue::is_answer) && self.pace.people.next(now) != Pace::Go {
            return ReadyAction::GiveBack(None);
        }
        if let Some(queue) = &mut queue
            && let Some(at) = queue.closed_for(&post.person, now)
        {
            queue.note_closed(&post.person);
            return ReadyAction::GiveBack(Some(NotBefore { at, why: OUT_OF_HOURS }));
        }
        if let Some((until, bottleneck)) = self.pace_of(post.claim.blast, now) {
            let wait = Wait {
                until: Some(until),
                bottleneck: Some(bottleneck),
                blast: Some(post.claim.blast),
                ..Wait::default()
            };
            return if is_soon(until, now) { ReadyAction::Wait(wait) } else { ReadyAction::GiveBack(None) };
        }
        if self.posts.len() >= self.context.sender.in_flight {
            return ReadyAction::Wait(Wait::for_event(Some(Bottleneck::Answers)));
        }
        match self.pace.window.as_mut().and_then(|window| window.enter(Instant::now())) {
            None => ReadyAction::Go,
            Some(wait) => {
                let until = now + TimeDelta::from_std(wait).unwrap_or_default();
                let bottleneck = Bottleneck::Sender(PaceReason::Rate(self.context.sender.limits.rate));
                ReadyAction::Wait(Wait { until: Some(until), bottleneck: Some(bottleneck), ..Wait::default() })
            }
        }
    }

    fn start(&mut self, mut post: Post) {
        post.posted_at = Some(self.note_posted(&post));
        let runtime = self.runtime_for(post.claim.blast);
        self.posts.spawn_on(post.run(), &runtime);
    }

    fn note_posted(&mut self, post: &Post) -> DateTime<Utc> {
        let now = self.context.clock.now();
        self.pace.pacer.posted(now);
        self.pace.cooldown.posted(&post.person.phone_number, now);
        let queue = self.queues.iter_mut().find(|queue| queue.id == post.claim.blast);
        if !queue.as_ref().is_some_and(|queue| queue.is_answer()) {
            self.pace.people.posted(&post.person.phone_number, now);
        }
        if let Some(queue) = queue {
            queue.pacer.posted(now);
            if queue.has_own_pace() {
                queue.look(now, self.pace.people.next(now));
            }
        }
        now
    }

    /// After an order, or a second after the claim, asks for everybody who is ready whether they are still to be sent to.
    /// Who is not goes back, and so does everybody where the database does not say.
    async fn recheck(&mut self) {
        let now = WantedAsOf { orders_seen: *self.orders.borrow(), at: Moment::now() };
        let is_stale = |post: &Post| post.wanted.orders_seen != now.orders_seen || post.wanted.at.age() > RECHECK_AFTER;
        if !self.ready.front().is_some_and(is_stale) && !self.ready.back().is_some_and(is_stale) {
            return;
        }
        let people: Vec<RecipientId> = self.ready.iter().map(|post| post.person.id).collect();
        let wanted: HashSet<RecipientId> =
            claim::still_wanted(&self.context.pool, &people).await.unwrap_or_default().into_iter().collect();
        for mut post in std::mem::take(&mut self.ready) {
            if wanted.contains(&post.person.id) {
                post.wanted = now;
                self.ready.push_back(post);
            } else {
                self.withdraw(post);
            }
        }
    }

    /// The longer of the sender's wait and the blast's own.
    fn pace_of(&mut self, blast: BlastId, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Bottleneck)> {
        let queue = self.queues.iter_mut().find(|queue| queue.id == blast);
        let own = queue.map_or(Pace::Go, |queue| queue.pacer.next(now, rand::random()));
        let sender = self.pace.pacer.next(now, rand::random());
        let waits = [(sender, Bottleneck::Sender as fn(PaceReason) -> Bottleneck), (own, Bottleneck::Blast)];
        let longest = waits.into_iter().filter_map(|(pace, by)| match pace {
            Pace::Go => None,
            Pace::Wait { until, reason } => Some((until, by(reason))),
        });
        longest.max_by_key(|(until, _)| *until)
    }

    pub(super) fn next_pace(&mut self) -> Pace {
        let now = self.context.clock.now();
        self.pace.next(now)
    }
}

/// Whether that is only a moment away.
pub(super) fn is_soon(until: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    (until - now).to_std().unwrap_or_default() <= A_MOMENT
}

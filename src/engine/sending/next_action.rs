//! Which blast is served next, and what is waited for when none can be.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

use super::bottleneck::{Bottleneck, BottleneckMeter};
use super::claim_cursor::ClaimCursor;
use super::own_hours::PeopleZones;
use super::{LONGEST_MEMORY, Sender, SenderContext};
use crate::domain::content::{BlastContent, PreparedContent};
use crate::domain::ids::BlastId;
use crate::domain::pace::{BlastLimits, Limits, Pace, PaceReason, Pacer, PastAttempts, Rate, UnreadableLimit, Window};
use crate::domain::waiting::{LimitOwner, Waiting};
use crate::store::blast::{self, RunnableBlast};
use crate::store::claim::QueuePosition;
use crate::store::{StoreError, claim, session};

/// A blast in which nobody was due is asked again no sooner.
const AGAIN_AFTER: TimeDelta = TimeDelta::milliseconds(100);
/// The same for one that nobody was claimed from of late.
const QUIET_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(5);
/// A blast in which nobody is queued is asked again by itself: somebody may have been queued again by another engine.
const DRAINED_AGAIN_AFTER: TimeDelta = TimeDelta::seconds(30);

/// A blast of which the database refused a claim is tried again this much later.
const REFUSED_FOR: TimeDelta = TimeDelta::seconds(10);

/// A blast of this sender, with its own pace.
pub(super) struct BlastQueue {
    pub id: BlastId,
    pub content: Arc<Result<PreparedContent, String>>,
    pub limits: BlastLimits,
    /// One of its own limits cannot be read: `limits` are incomplete, and nobody of it is claimed until somebody fixes it.
    unreadable: Option<UnreadableLimit>,
    pub pacer: Pacer,
    /// When people may be sent to by their own clocks; its zone is not looked at.
    pub people_window: Option<Window>,
    /// Where these hours hold.
    pub people_zones: PeopleZones,
    /// Behind whom people are to be put off whose own hours are over; `None`: nobody was claimed to whom that happened.
    pub closed_behind: Option<QueuePosition>,
    /// How many were served: the least served queue goes first. One that could not be served falls behind nobody.
    pub served: u64,
    /// A claim found nobody: not asked again before this, unless news comes.
    pub nobody_due_before: Option<DateTime<Utc>>,
    /// Somebody was claimed from it since it was last seen that nobody is in flight.
    pub is_busy: bool,
    /// The database refused a claim for what is in this blast's rows.
    pub refused: Option<ClaimPause>,
    /// The provider does not take this blast's messages yet.
    pub provider_hold: Option<ClaimPause>,
    pub cursor: ClaimCursor,
    /// What held it when it was last looked at; `None`: it may send.
    pub hold: Option<Hold>,
    pub meter: BottleneckMeter,
    pub(super) source: RunnableBlast,
}

/// Why nobody of a blast is claimed, and when that is tried again.
#[derive(Clone)]
pub(super) struct ClaimPause {
    pub until: DateTime<Utc>,
    pub why: String,
}

/// Why a blast may not send now by its own limits.
pub(super) struct Hold {
    pub until: DateTime<Utc>,
    pub waiting: Option<Waiting>,
    /// What its time goes into meanwhile.
    pub bottleneck: Option<Bottleneck>,
}

impl Hold {
    /// Whether it is over by then. One that a person must end is not.
    pub(super) fn ends_before(&self, at: DateTime<Utc>) -> bool {
        self.until < at && !self.waiting.as_ref().is_some_and(Waiting::is_open_ended)
    }
}

/// What to do now.
pub(super) enum NextAction {
    Send(BlastId),
    Wait { until: Option<DateTime<Utc>>, bottleneck: Option<Bottleneck> },
}

/// The queues for what is runnable now; what was known of a blast is kept while its limits are the same. A blast with a
/// pace of its own begins with what was attempted before.
pub(super) async fn renew_queues(
    mut old: Vec<BlastQueue>,
    runnable: Vec<RunnableBlast>,
    context: &SenderContext,
    now: DateTime<Utc>,
) -> Result<Vec<BlastQueue>, StoreError> {
    let least = old.iter().map(|queue| queue.served).min().unwrap_or(0);
    let mut queues = Vec::with_capacity(runnable.len());
    for blast in runnable {
        let at = old.iter().position(|queue| queue.has_limits_of(&blast));
        queues.push(match at.map(|at| old.swap_remove(at)) {
            Some(queue) => BlastQueue { source: blast, ..queue },
            None => BlastQueue::new(blast, context, least, now).await?,
        });
    }
    queues.iter_mut().for_each(BlastQueue::heed_provider);
    Ok(queues)
}

impl BlastQueue {
    async fn new(
        source: RunnableBlast,
        context: &SenderContext,
        served: u64,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let mut queue = Self::unseeded(source, &context.sender.limits, (served, now));
        if queue.has_own_pace() {
            let times = blast::recent_attempts(&context.pool, queue.id, now - LONGEST_MEMORY).await?;
            queue.pacer = Pacer::new(queue.limits.limits, &PastAttempts { times, today: 0 }, now);
        }
        queue.read_zones(context).await?;
        Ok(queue)
    }

    /// As if nothing of it had been attempted yet.
    fn unseeded(source: RunnableBlast, sender: &Limits, (served, now): (u64, DateTime<Utc>)) -> Self {
        let (mut limits, unreadable) = limits_of(&source, sender);
        let people_window = limits.window.take_if(|_| source.window_local);
        Self {
            id: source.id,
            content: Arc::new(
                BlastContent::parse(&source.message, source.template.as_ref())
                    .map(PreparedContent::new)
                    .map_err(|error| error.to_string()),
            ),
            pacer: Pacer::new(limits.limits, &PastAttempts::default(), now),
            people_window,
            people_zones: PeopleZones::default(),
            closed_behind: None,
            limits,
            unreadable,
            served,
            nobody_due_before: None,
            is_busy: false,
            refused: None,
            provider_hold: None,
            cursor: ClaimCursor::default(),
            hold: None,
            meter: BottleneckMeter::new(Instant::now()),
            source,
        }
    }

    /// The same blast, unchanged but for when it was started, for what its provider asks, and for how many of its first people are
    /// left.
    fn has_limits_of(&self, blast: &RunnableBlast) -> bool {
        let RunnableBlast { send_after, provider_hold_until, ref provider_hold_why, first_left, .. } = self.source;
        let provider_hold_why = provider_hold_why.clone();
        self.source == RunnableBlast { send_after, provider_hold_until, provider_hold_why, first_left, ..blast.clone() }
    }

    /// What the provider asked for by webhook holds as what it asks for in an answer.
    fn heed_provider(&mut self) {
        let Some(until) = self.source.provider_hold_until else { return };
        if self.provider_hold.as_ref().is_none_or(|hold| hold.until < until) {
            let why = self.source.provider_hold_why.clone().unwrap_or_default();
            self.provider_hold = Some(ClaimPause { until, why });
        }
    }

    /// Waits for the end of the time in which its launch can be taken back.
    pub(super) fn is_armed(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| matches!(hold.waiting, Some(Waiting::Armed { .. })))
    }

    /// Answers somebody who wrote.
    pub(super) const fn is_answer(&self) -> bool {
        self.source.is_answer
    }

    pub(super) fn has_own_pace(&self) -> bool {
        self.limits.limits.gap.is_some() || self.limits.limits.rate != Rate::Unlimited
    }

    /// Looks whether this blast may send now, by its own limits and by how many people its business may write to: whoever is
    /// answered is not counted there.
    pub(super) fn look(&mut self, now: DateTime<Utc>, people: Pace) {
        let full = match people {
            Pace::Wait { until, reason } if !self.source.is_answer => {
                let waiting = Some(waiting(reason, until, LimitOwner::Sender, 0));
                Some(Hold { until, waiting, bottleneck: Some(Bottleneck::Sender(reason)) })
            }
            _ => None,
        };
        // Whatever lasts longer, unless a person must end the other.
        self.hold = match (self.held_by(now), full) {
            (Some(own), Some(full)) if own.ends_before(full.until) => Some(full),
            (own, full) => own.or(full),
        };
    }

    /// Why nobody of it can be claimed until somebody fixes that: for as long as no claim has passed, also while one is tried.
    pub(super) fn refusal(&self) -> Option<Waiting> {
        let refused = self.refused.as_ref().map(|refused| refused.why.clone());
        let why = self.unreadable.as_ref().map(ToString::to_string).or(refused)?;
        Some(Waiting::Unreadable { why })
    }

    fn held_by(&mut self, now: DateTime<Utc>) -> Option<Hold> {
        if let Some(until) = self.source.send_after.filter(|until| *until > now) {
            return Some(Hold { until, waiting: Some(Waiting::Armed { until }), bottleneck: None });
        }
        if self.unreadable.is_some() {
            return Some(Hold { until: now + REFUSED_FOR, waiting: self.refusal(), bottleneck: None });
        }
        if let Some(window) = self.limits.window
            && let Pace::Wait { until, .. } = window.pace(now)
        {
            let waiting = Some(Waiting::Window { window: window.to_string(), until });
            return Some(Hold { until, waiting, bottleneck: None });
        }
        if let Some(until) = self.refused.as_ref().map(|refused| refused.until).filter(|until| *until > now) {
            return Some(Hold { until, waiting: self.refusal(), bottleneck: None });
        }
        if let Some(ClaimPause { until, why }) = self.provider_hold.clone().filter(|hold| hold.until > now) {
            return Some(Hold { until, waiting: Some(Waiting::Provider { why, until }), bottleneck: None });
        }
        if self.closed_behind.is_some() {
            return Some(Hold { until: now, waiting: None, bottleneck: None });
        }
        if let Some(until) = self.nobody_due_before.filter(|until| *until > now) {
            return Some(Hold { until, waiting: None, bottleneck: None });
        }
        match self.pacer.next(now, rand::random()) {
            Pace::Go => None,
            Pace::Wait { until, reason } => {
                let waiting = Some(waiting(reason, until, LimitOwner::Blast, 0));
                Some(Hold { until, waiting, bottleneck: Some(Bottleneck::Blast(reason)) })
            }
        }
    }
}

impl Sender {
    /// The least served blast that may send now; else when the first one may.
    pub(super) fn choose(&mut self) -> NextAction {
        match (self.least_served(), self.obstacle()) {
            (_, Some(_)) => NextAction::Wait { until: None, bottleneck: None },
            (Some(blast), None) => self.paced(blast),
            (None, None) => {
                let held = || self.queues.iter().filter_map(|queue| queue.hold.as_ref());
                // Time that goes into the pace of one is accounted for to each as its own.
                NextAction::Wait {
                    until: held().map(|hold| hold.until).min(),
                    bottleneck: held().find_map(|hold| hold.bottleneck),
                }
            }
        }
    }

    /// Looks at every blast; of those that may send, the one served least. Whoever could not be served claims no
    /// arrears later: a blast that opens in the evening does not make the others wait until it has caught up.
    pub(super) fn least_served(&mut self) -> Option<BlastId> {
        let now = self.context.clock.now();
        let people = self.pace.people.next(now);
        self.queues.iter_mut().for_each(|queue| queue.look(now, people));
        let ready = self.queues.iter().filter(|queue| queue.hold.is_none());
        let (served, blast) = ready.map(|queue| (queue.served, queue.id)).min()?;
        for queue in self.queues.iter_mut().filter(|queue| queue.hold.is_some()) {
            queue.served = queue.served.max(served);
        }
        Some(blast)
    }

    /// The sender's own pace comes last: it binds all blasts, answers too.
    fn paced(&mut self, blast: BlastId) -> NextAction {
        match self.next_pace() {
            Pace::Go => NextAction::Send(blast),
            Pace::Wait { until, reason } => {
                NextAction::Wait { until: Some(until), bottleneck: Some(Bottleneck::Sender(reason)) }
            }
        }
    }
}

impl Sender {
    /// A claim that found nobody: somebody is due later, or opted out, or the blast is done, or the first
    /// people of it are through.
    pub(super) async fn nobody_due(&mut self, blast: BlastId) -> Result<(), StoreError> {
        let due = claim::next_due(&self.context.pool, blast).await?;
        let now = self.context.clock.now();
        if due.is_some_and(|due| due <= now) {
            claim::skip_suppressed(&self.context.pool, blast).await?;
            session::lapse(&self.context.pool, blast).await?;
        }
        let soon = now + AGAIN_AFTER;
        if due.is_some() {
            self.pause_after_first(blast).await?;
        }
        if due.is_none() && blast::complete(&self.context.pool, blast).await? {
            self.context.notifier.order(&self.context.pool, Some(blast)).await?;
        }
        let next = due.map_or(now + DRAINED_AGAIN_AFTER, |due| due.max(soon));
        if let Some(queue) = self.queues.iter_mut().find(|queue| queue.id == blast) {
            queue.nobody_due_before = Some(next);
        }
        Ok(())
    }

    /// Pauses a blast whose first people are through. `false`: they are not.
    async fn pause_after_first(&self, blast: BlastId) -> Result<bool, StoreError> {
        let is_paused = blast::pause_after_first(&self.context.pool, blast).await?;
        if is_paused {
            self.context.notifier.order(&self.context.pool, Some(blast)).await?;
        }
        Ok(is_paused)
    }

    /// Of the blasts to send for, those that go on. One whose first people are all claimed is not left until its pace allows the
    /// next claim, which would find nobody: it asks for a person as soon as the last of them has an outcome.
    pub(super) async fn without_paused(&self, runnable: Vec<RunnableBlast>) -> Result<Vec<RunnableBlast>, StoreError> {
        let mut going = Vec::with_capacity(runnable.len());
        for blast in runnable {
            let are_claimed = blast.first_left == Some(0);
            let is_paused = are_claimed
                && claim::next_due(&self.context.pool, blast.id).await?.is_some()
                && self.pause_after_first(blast.id).await?;
            if !is_paused {
                going.push(blast);
            }
        }
        Ok(going)
    }

    /// Evidence became durable: a blast that seemed done may be done now, or have somebody queued again. One that was claimed
    /// from is asked at once when the last one in flight came in, else a moment later, so that a stream of polls does not ask
    /// with each of them. The evidence is hardly ever about the others: forty of them, each with somebody uncertain, would
    /// keep the database busier than the messages do.
    pub(super) fn wake_drained(&mut self) {
        let (now, nobody_flies) = (self.context.clock.now(), self.context.in_flight.is_empty());
        for queue in &mut self.queues {
            let pause = match (queue.is_busy, nobody_flies) {
                (true, true) => TimeDelta::zero(),
                (true, false) => AGAIN_AFTER,
                (false, _) => QUIET_AGAIN_AFTER,
            };
            if queue.is_busy && nobody_flies && queue.source.first_left.is_some() {
                // It may have been the last of the first people.
                self.refreshed_at = None;
            }
            queue.is_busy &= !nobody_flies;
            queue.nobody_due_before = queue.nobody_due_before.map(|before| before.min(now + pause));
        }
    }

    /// A blast with a row that cannot be read, or that the database refuses to change, does not hold up the others.
    pub(super) fn set_aside(&mut self, blast: BlastId, sent: Result<(), StoreError>) -> Result<(), StoreError> {
        let Some(queue) = self.queues.iter_mut().find(|queue| queue.id == blast) else { return sent };
        let why = match sent {
            // Nothing that this version does is right in a schema that it does not know: the sender ends.
            Err(error) if !error.is_transient() && !matches!(error, StoreError::Newer { .. }) => error.to_string(),
            Ok(()) => {
                queue.refused = None;
                return Ok(());
            }
            other => return other,
        };
        if queue.refused.as_ref().is_none_or(|refused| refused.why != why) {
            tracing::warn!(blast = blast.0, why, "this blast sends nothing until somebody fixes that");
        }
        queue.refused = Some(ClaimPause { until: self.context.clock.now() + REFUSED_FOR, why });
        Ok(())
    }
}

/// A blast's own limits, and which of them cannot be read.
fn limits_of(blast: &RunnableBlast, sender: &Limits) -> (BlastLimits, Option<UnreadableLimit>) {
    let unreadable = match blast.limits.under(sender) {
        Ok(limits) => return (limits, None),
        Err(unreadable) => unreadable,
    };
    tracing::warn!(blast = blast.id.0, why = %unreadable, "this blast sends nothing until somebody fixes that");
    (BlastLimits { limits: Limits { daily_cap: None, ..*sender }, window: None }, Some(unreadable))
}

/// A pace's reason in words.
pub(super) fn waiting(reason: PaceReason, until: DateTime<Utc>, whose: LimitOwner, slowed: u32) -> Waiting {
    match reason {
        PaceReason::Rate(rate) => Waiting::Rate { rate: rate.to_string(), next: Some(until), whose, slowed },
        PaceReason::Gap(gap) => Waiting::Gap { gap: gap.to_string(), next: Some(until), slowed },
        PaceReason::DailyCap { cap, .. } => Waiting::DailyCap { cap: i64::from(cap.get()), until, hours: None },
        PaceReason::Closed(opening) => Waiting::Window { window: opening.to_string(), until },
        PaceReason::Throttled => Waiting::Throttled { until },
        PaceReason::People { limit } => Waiting::PeopleLimit { people: i64::from(limit), until },
    }
}

#[cfg(test)]
mod tests;

//! What holds a sender's messages back in time: its pace, the gap between two messages to one number, the rate as it
//! really goes out, and the provider's "slow down", which halves the rate at once and wears off one step a quiet minute.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use super::SenderContext;
use super::sliding_window::SlidingWindow;
use crate::domain::pace::throttle::{HOLD, HOLD_MAX, RECOVER_AFTER, SAME_REQUEST, STEPS_MAX};
use crate::domain::pace::{
    Limits, PEOPLE_DAY, Pace, Pacer, PairGap, PastAttempts, PeopleWindow, RecipientCooldown, day_start,
};
use crate::domain::phone::Phone;
use crate::engine::configured_sender::ConfiguredSender;
use crate::store::StoreError;
use crate::store::business::{self, PeopleLimit};
use crate::store::sender::{self, SlowDown};

/// Claims of other numbers are committed a moment after the time that they bear.
const READ_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// While the limit is reached, everybody of the day is read anew this often: attempts of other numbers that were in flight when they were
/// read count no more where they were refused.
const READ_ANEW: TimeDelta = TimeDelta::minutes(10);
/// Neither a gap nor a rate's period is longer than a day: what was attempted before needs no remembering.
pub(super) const LONGEST_MEMORY: TimeDelta = TimeDelta::hours(25);

/// A sender's own limits, with what counts towards them.
pub(super) struct SenderPace {
    pub pacer: Pacer,
    pub cooldown: RecipientCooldown,
    pub window: Option<SlidingWindow>,
    /// Whom the business wrote to within a day, where Meta limits that.
    pub people: PeopleWindow,
    /// Up to when the business's other numbers were read.
    people_read: DateTime<Utc>,
    /// When everybody of the day was.
    day_read: DateTime<Utc>,
    throttle: ThrottleState,
}

/// A pause is written again once it ends at least so much later.
const LONGER_BY: TimeDelta = TimeDelta::seconds(5);

/// How far a sender is slowed. Outlives a process.
struct ThrottleState {
    /// How many times the rate is halved.
    steps: u32,
    changed: Instant,
    /// Until when the provider asked to wait, as far as that is written.
    held_until: Option<DateTime<Utc>>,
    /// When an operator last ended a pause, as far as this process knows.
    lifted_at: Option<DateTime<Utc>>,
    /// What the provider last asked for by webhook, as far as this process knows. Its times are of whole seconds.
    asked: Option<SlowDown>,
}

impl ThrottleState {
    /// Notes a pause until then if it is much longer than the one that is written. Returns whether it is: that is news.
    fn prolong(&mut self, until: DateTime<Utc>) -> bool {
        let is_longer = self.held_until.is_none_or(|held| until - held >= LONGER_BY);
        if is_longer {
            self.held_until = Some(until);
        }
        is_longer
    }
}

/// A throttle that has changed, to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slowed {
    pub steps: u32,
    pub held_until: Option<DateTime<Utc>>,
}

impl SenderPace {
    /// Seeded with what was attempted before: a restart never bursts over a limit.
    pub(super) async fn load(context: &SenderContext) -> Result<Self, StoreError> {
        let (pool, of, now) = (&context.pool, &context.sender, context.lease.lease.granted_at);
        let times = sender::recent_attempts(pool, of.id, now - LONGEST_MEMORY).await?;
        let mut past = PastAttempts::from_times(times, now, of.zone());
        let today = sender::attempts_since(pool, of.id, day_start(now, of.zone())).await?;
        past.today = u32::try_from(today).unwrap_or(u32::MAX);
        let mut cooldown = RecipientCooldown::new(of.pair_gap.map(PairGap::get), of.limits.speed);
        if let Some(reach) = cooldown.reach() {
            for (phone, at) in &sender::recent_numbers(pool, of.id, now - reach).await? {
                // Before a clock was set back it may have shown a later time.
                cooldown.posted(phone, (*at).min(now));
            }
        }
        let (steps, held_until) = sender::slowed(pool, of.id).await?;
        let mut steps = u32::try_from(steps).unwrap_or(0).min(STEPS_MAX);
        if steps > 0 && has_recovered(of.limits, held_until, now) {
            steps = 0;
            sender::set_slowed(pool, of.id, 0, None).await?;
        }
        let lifted_at = sender::hold_lifted_at(pool, of.id).await?;
        let mut pace = Self {
            // What went before went at the limits of then: a slower rate holds for what comes.
            pacer: Pacer::new(of.limits, &past, now),
            cooldown,
            window: SlidingWindow::of(of.limits),
            people: PeopleWindow::default(),
            people_read: now,
            day_read: now,
            throttle: ThrottleState { steps, changed: Instant::now(), held_until, lifted_at, asked: None },
        };
        pace.pacer.limit(of.limits.slowed(steps));
        if let Some(until) = held_until {
            // Also where an older version wrote down a longer one.
            pace.pacer.hold(until.min(now + HOLD_MAX));
        }
        pace.read_people(context, now).await?;
        Ok(pace)
    }

    /// Reads Meta's limit, and whom the business's other numbers have written to since the last time; the first time, and now and then while
    /// it is reached, whom all of them have. Between two readings each number may use up what the others used as well.
    pub(super) async fn read_people(&mut self, context: &SenderContext, now: DateTime<Utc>) -> Result<(), StoreError> {
        let (pool, id) = (&context.pool, context.sender.id);
        if context.sender.meta.is_none() {
            return Ok(());
        }
        let limit = business::limit(pool, id).await?.and_then(PeopleLimit::people);
        let was_limited = self.people.limit().is_some();
        self.people.set_limit(limit);
        if limit.is_none() {
            return Ok(());
        }
        let people = if was_limited && !self.counts_anew(context.in_flight.is_empty(), now) {
            business::people_of_others_since(pool, id, self.people_read - READ_AGAIN).await?
        } else {
            let people = business::people_since(pool, id, now - PEOPLE_DAY).await?;
            self.people = PeopleWindow::default();
            self.people.set_limit(limit);
            self.day_read = now;
            people
        };
        self.people_read = now;
        for (phone, at) in &people {
            self.people.posted(phone, *at);
        }
        Ok(())
    }

    /// Whether all people of the day are to be counted anew. While somebody of this sender is in flight they are counted by when their POST
    /// began, which no row says.
    fn counts_anew(&mut self, nobody_flies: bool, now: DateTime<Utc>) -> bool {
        nobody_flies && now - self.day_read >= READ_ANEW && self.people.left(now) == Some(0)
    }

    /// When the next message may go by the sender's own limits.
    pub(super) fn next(&mut self, now: DateTime<Utc>) -> Pace {
        self.pacer.next(now, rand::random())
    }

    /// A message is known not to have been accepted.
    pub(super) fn not_accepted(&mut self, phone: &Phone, posted_at: DateTime<Utc>) {
        self.pacer.not_accepted(posted_at);
        self.people.withdrawn(phone, posted_at);
    }

    /// Much of the provider's quota is used: at least so many steps slower, until it says less for a minute. `Some`: that is news.
    pub(super) fn slow_to(&mut self, sender: &ConfiguredSender, steps: u32) -> Option<Slowed> {
        if self.throttle.steps >= steps {
            self.throttle.changed = Instant::now();
            return None;
        }
        self.set_steps(sender.limits, steps.min(STEPS_MAX));
        tracing::warn!(sender = %sender.name, steps, "most of the provider's quota is used");
        Some(Slowed { steps, held_until: None })
    }

    /// The provider said "slow down", and perhaps until when to wait. `Some`: that is news.
    pub(super) fn slow(
        &mut self,
        sender: &ConfiguredSender,
        wish: Option<TimeDelta>,
        now: DateTime<Utc>,
    ) -> Option<Slowed> {
        let limits = sender.limits;
        let until = now + wish.unwrap_or_else(|| real(limits, HOLD));
        self.pacer.hold(until);
        let ThrottleState { steps, changed, .. } = self.throttle;
        if steps > 0 && changed.elapsed() < limits.speed.shrink(SAME_REQUEST) {
            return self.throttle.prolong(until).then_some(Slowed { steps, held_until: Some(until) });
        }
        self.throttle.held_until = Some(until);
        let steps = (steps + 1).min(STEPS_MAX);
        self.set_steps(limits, steps);
        tracing::warn!(sender = %sender.name, steps, "the provider asks to slow down");
        Some(Slowed { steps, held_until: Some(until) })
    }

    /// After a quiet minute, one step back: a pause that the provider asked for is no such minute. `Some`: that is news.
    pub(super) fn recover_step(&mut self, limits: Limits, now: DateTime<Utc>) -> Option<Slowed> {
        let ThrottleState { steps, changed, .. } = self.throttle;
        let was_held = self.pacer.is_held(now - real(limits, RECOVER_AFTER));
        if steps == 0 || was_held || changed.elapsed() < limits.speed.shrink(RECOVER_AFTER) {
            return None;
        }
        self.set_steps(limits, steps - 1);
        Some(Slowed { steps: steps - 1, held_until: None })
    }

    /// An operator may have ended the pause that the provider asked for.
    pub(super) async fn lift(&mut self, context: &SenderContext) -> Result<(), StoreError> {
        let newest = sender::hold_lifted_at(&context.pool, context.sender.id).await?;
        if newest > self.throttle.lifted_at {
            self.throttle.lifted_at = newest;
            self.pacer.release();
        }
        Ok(())
    }

    /// The provider may have said "slow down" by webhook. `Some`: that is news.
    pub(super) async fn apply_webhooks(
        &mut self,
        context: &SenderContext,
        now: DateTime<Utc>,
    ) -> Result<Option<Slowed>, StoreError> {
        let newest = sender::slow_down(&context.pool, context.sender.id).await?;
        Ok(newest.and_then(|wish| self.asked(&context.sender, wish, now)))
    }

    /// One that is a minute old has worn off, and what an operator has ended since is over.
    fn asked(&mut self, sender: &ConfiguredSender, wish: SlowDown, now: DateTime<Utc>) -> Option<Slowed> {
        if self.throttle.asked.replace(wish) == Some(wish) {
            return None;
        }
        let is_over = now >= wish.until.max(wish.at + real(sender.limits, RECOVER_AFTER));
        let is_lifted = self.throttle.lifted_at.is_some_and(|lifted| lifted >= wish.at);
        if is_over || is_lifted {
            return None;
        }
        self.slow(sender, Some((wish.until - now).max(TimeDelta::zero())), now)
    }

    /// How many times the rate is halved now.
    pub(super) const fn steps(&self) -> u32 {
        self.throttle.steps
    }

    fn set_steps(&mut self, limits: Limits, steps: u32) {
        self.throttle.steps = steps;
        self.throttle.changed = Instant::now();
        self.pacer.limit(limits.slowed(steps));
    }
}

/// Whether so much time has passed since the last pause that no step is left: also time in which nobody sent counts.
fn has_recovered(limits: Limits, held_until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    held_until.is_some_and(|until| until + real(limits, RECOVER_AFTER * STEPS_MAX) <= now)
}

/// A span of real time in a rehearsal, whose time runs faster.
fn real(limits: Limits, span: Duration) -> TimeDelta {
    TimeDelta::from_std(limits.speed.shrink(span)).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pace::{Rate, Speed};

    fn limits() -> Limits {
        let rate: Rate = "80/s".parse().unwrap();
        Limits { rate, gap: None, daily_cap: None, zone: chrono_tz::UTC, speed: Speed::REAL }
    }

    fn slowed(steps: u32, now: DateTime<Utc>) -> SenderPace {
        let limits = limits();
        SenderPace {
            pacer: Pacer::new(limits.slowed(steps), &PastAttempts::default(), now),
            cooldown: RecipientCooldown::new(None, limits.speed),
            window: SlidingWindow::of(limits),
            people: PeopleWindow::default(),
            people_read: now,
            day_read: now,
            throttle: ThrottleState { steps, changed: Instant::now(), held_until: None, lifted_at: None, asked: None },
        }
    }

    #[test]
    fn while_metas_limit_is_reached_people_are_counted_anew_every_ten_minutes_once_nobody_flies() {
        let now = Utc::now();
        let mut pace = slowed(0, now);
        pace.people.set_limit(Some(1));
        assert!(!pace.counts_anew(true, now + READ_ANEW), "somebody may be written to");
        pace.people.posted(&Phone::parse("+60100000001", "MY".parse().unwrap()).unwrap(), now);

        assert!(pace.counts_anew(true, now + READ_ANEW));
        assert!(!pace.counts_anew(false, now + READ_ANEW));
        assert!(!pace.counts_anew(true, now + READ_ANEW - TimeDelta::seconds(1)));
    }

    #[test]
    fn a_throttled_sender_is_one_step_faster_after_each_quiet_minute_and_no_sooner() {
        let now = Utc::now();
        let mut pace = slowed(2, now);
        let mut climb_after = |quiet| {
            pace.throttle.changed -= quiet;
            pace.recover_step(limits(), now).map(|slowed| slowed.steps)
        };

        assert_eq!(climb_after(Duration::ZERO), None);
        assert_eq!(climb_after(RECOVER_AFTER), Some(1));
        assert_eq!(climb_after(Duration::ZERO), None, "the next step takes another minute");
        assert_eq!(climb_after(RECOVER_AFTER), Some(0));
        assert_eq!(climb_after(RECOVER_AFTER), None, "it is as fast as it may be");
    }

    #[test]
    fn the_quiet_minutes_begin_where_the_pause_ends_that_the_provider_asked_for() {
        let now = Utc::now();
        let mut pace = slowed(3, now);
        pace.pacer.hold(now + TimeDelta::minutes(10));
        let climb_at = |pace: &mut SenderPace, minutes| {
            pace.throttle.changed -= RECOVER_AFTER;
            pace.recover_step(limits(), now + TimeDelta::minutes(minutes)).map(|slowed| slowed.steps)
        };

        assert_eq!(climb_at(&mut pace, 5), None, "nothing is sent: nobody knows whether it would be taken");
        assert_eq!(climb_at(&mut pace, 10), None);
        assert_eq!(climb_at(&mut pace, 11), Some(2));
        pace.pacer.hold(now + TimeDelta::minutes(30));
        assert_eq!(climb_at(&mut pace, 12), None);
        pace.pacer.release();
        assert_eq!(climb_at(&mut pace, 12), Some(1), "an operator ended the pause");
    }
}

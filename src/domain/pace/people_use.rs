//! How much of the limit of people within a moving day is used, and how a forecast goes on from there: a place is taken when somebody
//! is written to, and is free again a day later.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};

use super::PEOPLE_DAY;
use super::spacing::{Spacing, nanos};

/// How many people a business may write to within 24 hours, over all of its numbers, and whom it has written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleUse {
    pub limit: u32,
    /// Who counts now, by the time of their last message, the oldest first.
    pub counted: Vec<CountedPeople>,
}

/// People who were last written to at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedPeople {
    pub at: DateTime<Utc>,
    pub people: u64,
    /// How many of them are queued in the blast that is forecast: they take no second place.
    pub queued: u64,
}

impl PeopleUse {
    pub fn used(&self) -> u32 {
        let used = self.counted.iter().map(|counted| counted.people).fold(0, u64::saturating_add);
        u32::try_from(used).unwrap_or(u32::MAX)
    }

    /// How many more people may be written to now.
    pub fn left(&self) -> u32 {
        self.limit.saturating_sub(self.used())
    }
}

/// Of more times than these, neighbours are taken together as evenly spread: a day of them is then exact to seconds.
const TIMES_MAX: usize = 4_096;

/// The places of the limit while a forecast walks on.
pub(super) struct PeopleWalk {
    /// How many more people may be written to; less than 0 under a limit that was lowered.
    free: i64,
    /// The places that are taken, in the order in which they are free again.
    taken: VecDeque<PlaceRun>,
    /// How many of those who count are still queued in the blast.
    queued: u64,
    /// The part of a person that is left over when those who count already are spread evenly over the blast.
    share: f64,
}

/// Places that are free again one after the other.
struct PlaceRun {
    /// When the first of them is.
    frees: DateTime<Utc>,
    /// How far apart they are.
    interval: TimeDelta,
    people: u64,
    queued: u64,
    /// Whether the first ones of it are free already.
    has_begun: bool,
}

/// A message to so many people, the first and the last of whom are sent to then.
#[derive(Clone, Copy)]
pub(super) struct SentStretch {
    pub people: u64,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

impl PeopleWalk {
    pub(super) fn new(now: &PeopleUse) -> Self {
        let many = now.counted.len().div_ceil(TIMES_MAX).max(1);
        let used = now.counted.iter().map(|counted| counted.people).fold(0, u64::saturating_add);
        Self {
            free: i64::from(now.limit).saturating_sub_unsigned(used),
            taken: now.counted.chunks(many).filter_map(PlaceRun::of).collect(),
            queued: now.counted.iter().map(|counted| counted.queued).fold(0, u64::saturating_add),
            share: 0.0,
        }
    }

    /// Until when nobody may be written to; `None` where somebody may. With `patience` a wait may be so much longer, until so many
    /// `people` may.
    pub(super) fn wait(&mut self, at: DateTime<Utc>, (people, patience): (u64, TimeDelta)) -> Option<DateTime<Utc>> {
        self.free_until(at);
        if self.free > 0 {
            return None;
        }
        let least = self.free.unsigned_abs() + 1;
        let first = self.nth_free(least).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let longest = first.checked_add_signed(patience).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let more = self.nth_free(least.saturating_add(people.saturating_sub(1))).unwrap_or(longest);
        Some(if people > 1 { more.min(longest) } else { first })
    }

    /// How many people may be written to now.
    pub(super) fn free(&self) -> u64 {
        u64::try_from(self.free).unwrap_or_default()
    }

    /// The same with those places that become free one by one from now on, and their spacing.
    pub(super) fn free_soon(&self) -> (u64, Option<Spacing>) {
        let free = self.free();
        let next = self.taken.front().filter(|run| run.has_begun && self.queued == 0 && free <= run.people);
        let Some(run) = next else { return (free, None) };
        let slack = i64::try_from(nanos(run.interval) * i128::from(free)).unwrap_or(i64::MAX);
        let slack = TimeDelta::nanoseconds(slack);
        (free.saturating_add(run.people), Some(Spacing { interval: run.interval, slack, due: Some(run.frees) }))
    }

    /// People of another blast are written to.
    pub(super) fn send(&mut self, sent: SentStretch) {
        self.take(sent, sent.people);
    }

    /// People of the blast are written to, of whom so many were `left`. Those of them who count already keep their place.
    pub(super) fn send_own(&mut self, sent: SentStretch, left: u64) {
        let again = self.again(sent.people, left);
        let mut moving = again;
        for run in &mut self.taken {
            let moved = run.queued.min(moving);
            (run.queued, run.people) = (run.queued - moved, run.people - moved);
            moving -= moved;
        }
        self.take(sent, sent.people - again);
    }

    /// How many of the next people of the blast count already.
    fn again(&mut self, people: u64, left: u64) -> u64 {
        if self.queued == 0 {
            return 0;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an even spread of people, which need be no better than the numbers of a forecast"
        )]
        let (share, again) = {
            let share = self.share + people as f64 * (self.queued as f64 / left.max(1) as f64).min(1.0);
            (share.fract(), share as u64)
        };
        let again = again.min(people).min(self.queued);
        (self.share, self.queued) = (share, self.queued - again);
        again
    }

    /// All of these people have a place from now on, `new` of them one that was free.
    fn take(&mut self, sent: SentStretch, new: u64) {
        let free = self.free().min(new);
        self.free = self.free.saturating_sub_unsigned(free);
        if let Some(next) = self.taken.front_mut() {
            next.pass((new - free).min(next.people));
        }
        self.taken.push_back(PlaceRun::evenly(sent.people, (sent.first, sent.last), 0));
        while self.taken.front().is_some_and(|run| run.people == 0) {
            self.taken.pop_front();
        }
    }

    /// Whose place is free again by then.
    fn free_until(&mut self, at: DateTime<Utc>) {
        while let Some(run) = self.taken.front_mut().filter(|run| run.frees <= at) {
            let passed = run.passed(at);
            let queued = run.pass(passed);
            self.free = self.free.saturating_add_unsigned(passed);
            self.queued -= queued;
            if run.people > 0 {
                return;
            }
            self.taken.pop_front();
        }
    }

    /// When the n-th place from now on is free, counted from 1.
    fn nth_free(&self, n: u64) -> Option<DateTime<Utc>> {
        let mut before = 0_u64;
        for run in &self.taken {
            if n - before <= run.people {
                return Some(run.nth(n - before));
            }
            before = before.saturating_add(run.people);
        }
        None
    }
}

impl PlaceRun {
    fn evenly(people: u64, (first, last): (DateTime<Utc>, DateTime<Utc>), queued: u64) -> Self {
        let intervals = i128::from(people.saturating_sub(1).max(1));
        let interval = i64::try_from(nanos(last - first) / intervals).unwrap_or(i64::MAX);
        let interval = TimeDelta::nanoseconds(interval.max(0));
        let frees = first.checked_add_signed(PEOPLE_DAY).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self { frees, interval, people, queued, has_begun: false }
    }

    fn of(times: &[CountedPeople]) -> Option<Self> {
        let (people, queued) = times.iter().fold((0_u64, 0_u64), |(people, queued), counted| {
            (people.saturating_add(counted.people), queued.saturating_add(counted.queued))
        });
        Some(Self::evenly(people, (times.first()?.at, times.last()?.at), queued))
    }

    /// When the n-th of them is free, counted from 1.
    fn nth(&self, n: u64) -> DateTime<Utc> {
        Spacing { interval: self.interval, slack: TimeDelta::zero(), due: Some(self.frees) }.nth(self.frees, n)
    }

    /// How many of them are free at a time from the first on.
    fn passed(&self, at: DateTime<Utc>) -> u64 {
        if self.interval.is_zero() {
            return self.people;
        }
        let intervals = nanos(at - self.frees) / nanos(self.interval);
        u64::try_from(intervals).unwrap_or(u64::MAX).saturating_add(1).min(self.people)
    }

    /// The first ones are free, or taken again. Returns how many of them were queued.
    fn pass(&mut self, people: u64) -> u64 {
        let queued = if people == 0 { 0 } else { share(self.queued, (people, self.people)) };
        (self.frees, self.has_begun) = (self.nth(people.saturating_add(1)), self.has_begun || people > 0);
        (self.people, self.queued) = (self.people - people, self.queued - queued);
        queued
    }
}

/// The part of a number that belongs to some of all.
fn share(number: u64, (some, all): (u64, u64)) -> u64 {
    u64::try_from(u128::from(number) * u128::from(some) / u128::from(all.max(1))).unwrap_or(u64::MAX)
}

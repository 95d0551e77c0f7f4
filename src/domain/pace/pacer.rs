//! One sender's pace: its rate, gap and daily cap together with the provider's throttling.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{DailyCap, Gap, Pace, PaceReason, Per, Rate, Speed, day_start, next_day_start, on_the_wall};

/// A sender's limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub rate: Rate,
    pub gap: Option<Gap>,
    pub daily_cap: Option<DailyCap>,
    /// Whose midnight begins the day that the cap counts.
    pub zone: Tz,
    /// Shrinks gaps and the rate's period, but not days.
    pub speed: Speed,
}

impl Limits {
    /// No limit at all, in real time.
    pub fn none(zone: Tz) -> Self {
        Self { rate: Rate::Unlimited, gap: None, daily_cap: None, zone, speed: Speed::REAL }
    }

    /// The same limits in a rehearsal: gaps shrunk and rates raised by `speed`.
    #[must_use]
    pub fn scaled(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }

    /// The same limits with a rate of at most so many a second; a slower one, and `None`, change nothing.
    #[must_use]
    pub fn capped(self, per_second: Option<u32>) -> Self {
        let Some(most) = per_second else { return self };
        let is_slower = self.rate.per_second().is_some_and(|rate| rate <= f64::from(most));
        if is_slower { self } else { Self { rate: Rate::Limited { count: most, per: Per::Second }, ..self } }
    }

    /// The same limits after the provider asked so many times to slow down: each time half the rate and twice the gap.
    /// A sender without either is only held ([`Pacer::hold`]).
    #[must_use]
    pub fn slowed(self, times: u32) -> Self {
        Self { speed: self.speed.halved(times), ..self }
    }
}

/// Attempts made before this pacer: the times of those that may still count, in any order, and how many fall in the
/// sender's day (which may be more than the times given).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastAttempts {
    pub times: Vec<DateTime<Utc>>,
    pub today: u32,
}

impl PastAttempts {
    /// From the times of all attempts since the day's start (and the rate's last period, if that is longer).
    pub fn from_times(times: Vec<DateTime<Utc>>, now: DateTime<Utc>, zone: Tz) -> Self {
        let start = day_start(now, zone);
        let today = times.iter().filter(|at| **at >= start).count();
        Self { times, today: u32::try_from(today).unwrap_or(u32::MAX) }
    }
}

/// Decides when the next message may go. Call [`Pacer::next`], post, then call [`Pacer::posted`].
///
/// A rate of N per period is paced evenly at 98.5 % of it, so that the receiver, who sees our posts a little earlier or
/// later, counts no more than N either. A timer that fires late may be caught up by 0.75 % of a period. Together this
/// holds N in any sliding period: N+1 posts take at least N intervals less the slack, 1.0077 periods.
///
/// All times are to come from one clock that never jumps (a start in the database's time plus what has elapsed since).
#[derive(Debug, Clone)]
pub struct Pacer {
    limits: Limits,
    even: Option<Gcra>,
    pause: Pause,
    day: CappedDay,
    held_until: Option<DateTime<Utc>>,
}

impl Pacer {
    /// Starts with past attempts, so that a restart never bursts over a limit. Times ahead of `now`, by
    /// another machine's clock, count as now.
    pub fn new(limits: Limits, past: &PastAttempts, now: DateTime<Utc>) -> Self {
        let mut times: Vec<_> = past.times.iter().map(|at| (*at).min(now)).collect();
        times.sort_unstable();
        let mut even = limits.rate.quota(limits.speed).map(|(count, period)| Gcra::new(count, period));
        for at in &times {
            if let Some(even) = &mut even {
                even.posted(*at);
            }
        }
        let pause = times.last().map_or(Pause::None, |last| Pause::Undrawn { since: *last });
        let day = CappedDay { start: day_start(now, limits.zone), posted: past.today };
        Self { limits, even, pause, day, held_until: None }
    }

    /// Whether a message may go now. `random`, from 0 up to 1, decides the gap after the last message: the first one
    /// passed in after it counts, later ones change nothing.
    pub fn next(&mut self, now: DateTime<Utc>, random: f64) -> Pace {
        self.draw(random);
        self.day.turn(now, self.limits.zone);
        let waits = [self.held(), self.rate(), self.gap(), self.daily_cap()];
        let longest = waits.into_iter().flatten().filter(|(until, _)| *until > now).max_by_key(|(until, _)| *until);
        longest.map_or(Pace::Go, |(until, reason)| Pace::Wait { until, reason })
    }

    /// A message went, or may have gone, at this time. Calls come in the order of their times.
    pub fn posted(&mut self, at: DateTime<Utc>) {
        if let Some(even) = &mut self.even {
            even.posted(at);
        }
        self.pause = Pause::Undrawn { since: at };
        self.day.turn(at, self.limits.zone);
        self.day.posted = self.day.posted.saturating_add(1);
    }

    /// A message that was posted at this time is known not to have been accepted: the daily cap of its day does not count
    /// it. Rate and gap do, since the provider saw it.
    pub fn not_accepted(&mut self, posted_at: DateTime<Utc>) {
        self.day.take_back(posted_at);
    }

    /// The provider asked for a pause until then. A shorter one does not end a longer one.
    pub fn hold(&mut self, until: DateTime<Utc>) {
        self.held_until = self.held_until.max(Some(until));
    }

    /// Somebody lifted the pause that the provider asked for.
    pub fn release(&mut self) {
        self.held_until = None;
    }

    /// Continues under other limits; everything posted so far still counts.
    pub fn limit(&mut self, limits: Limits) {
        let due = self.even.as_ref().and_then(|even| even.due);
        let quota = limits.rate.quota(limits.speed);
        self.even = quota.map(|(count, period)| Gcra { due, ..Gcra::new(count, period) });
        self.limits = limits;
    }

    /// Whether the provider asked for a pause that is not over.
    pub fn is_held(&self, now: DateTime<Utc>) -> bool {
        self.held_until.is_some_and(|until| until > now)
    }

    /// How many counted towards today's cap so far.
    pub fn today(&self) -> u32 {
        self.day.posted
    }

    fn draw(&mut self, random: f64) {
        let (Some(gap), Pause::Undrawn { since }) = (self.limits.gap, self.pause) else { return };
        self.pause = Pause::Until(later(since, gap.draw(random, self.limits.speed)));
    }

    fn held(&self) -> Option<(DateTime<Utc>, PaceReason)> {
        self.held_until.map(|until| (until, PaceReason::Throttled))
    }

    fn rate(&self) -> Option<(DateTime<Utc>, PaceReason)> {
        let allowed = self.even.as_ref()?.allowed()?;
        Some((allowed, PaceReason::Rate(self.limits.rate)))
    }

    fn gap(&self) -> Option<(DateTime<Utc>, PaceReason)> {
        let Pause::Until(until) = self.pause else { return None };
        Some((until, PaceReason::Gap(self.limits.gap?)))
    }

    fn daily_cap(&self) -> Option<(DateTime<Utc>, PaceReason)> {
        let cap = self.limits.daily_cap.filter(|cap| self.day.posted >= cap.get())?;
        let until = next_day_start(self.day.start, self.limits.zone);
        Some((until, PaceReason::DailyCap { cap, resumes: on_the_wall(until, self.limits.zone) }))
    }
}

/// The pause after the last message.
#[derive(Debug, Clone, Copy)]
enum Pause {
    None,
    Undrawn { since: DateTime<Utc> },
    Until(DateTime<Utc>),
}

/// Posts counted towards the cap of one day of the sender's zone.
#[derive(Debug, Clone, Copy)]
struct CappedDay {
    start: DateTime<Utc>,
    posted: u32,
}

impl CappedDay {
    /// Begins the next day once it is due. A clock set back does not return to the old day.
    fn turn(&mut self, now: DateTime<Utc>, zone: Tz) {
        let start = day_start(now, zone);
        if start > self.start {
            *self = Self { start, posted: 0 };
        }
    }

    /// One that was posted then does not count. What was posted on an earlier day is in no count any more.
    fn take_back(&mut self, posted_at: DateTime<Utc>) {
        if posted_at >= self.start {
            self.posted = self.posted.saturating_sub(1);
        }
    }
}

/// Even spacing with a little slack: the generic cell rate algorithm.
#[derive(Debug, Clone)]
pub(super) struct Gcra {
    pub(super) interval: TimeDelta,
    pub(super) slack: TimeDelta,
    period: TimeDelta,
    /// When the next post is due if all were on time.
    due: Option<DateTime<Utc>>,
}

impl Gcra {
    pub(super) fn new(count: u32, period: TimeDelta) -> Self {
        let nanos = i128::from(period.num_nanoseconds().unwrap_or(i64::MAX));
        let interval = (nanos * 1_000).div_euclid(i128::from(count) * 985) + 1;
        let slack = nanos * 75 / 10_000;
        let delta = |nanos| TimeDelta::nanoseconds(i64::try_from(nanos).unwrap_or(i64::MAX));
        Self { interval: delta(interval), slack: delta(slack), period, due: None }
    }

    fn allowed(&self) -> Option<DateTime<Utc>> {
        self.due.map(|due| due - self.slack)
    }

    fn posted(&mut self, at: DateTime<Utc>) {
        let due = self.due.map_or(at, |due| due.max(at)) + self.interval;
        // After a whole period of silence any sliding period is empty: a burst of the past, made under other limits,
        // holds back no longer than that (and never less than one interval).
        let emptied = at + self.period.max(self.interval) + self.slack * 2;
        self.due = Some(due.min(emptied));
    }
}

/// That long after it; the latest possible time on overflow.
pub(super) fn later(at: DateTime<Utc>, span: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(span).ok().and_then(|span| at.checked_add_signed(span)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

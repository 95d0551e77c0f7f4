//! Forecasts a queue: how many messages go today and tomorrow, and when the last one goes. It is computed from the limits,
//! one stretch of open time at a time (an opening of the window within one day of the sender), never person by person.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};

use super::pacer::Gcra;
use super::turns::BlastTurns;
use super::{ConcurrentBacklog, Gap, Limits, Rate, Window, day_start, next_day_start};

/// The people left to send to, and every limit that applies to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog {
    pub people: u64,
    /// All limits of the sender, as they are now.
    pub sender: Limits,
    /// The blast's own rate and gap. It has no daily cap of its own, and its zone is its window's.
    pub blast: Limits,
    pub window: Option<Window>,
    /// How many messages count towards the sender's daily cap so far.
    pub today: u32,
}

/// The people of one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ForecastShare {
    pub people: u64,
    /// When the first of them goes.
    pub from: DateTime<Utc>,
    /// When the last of them goes; `None` where no pace determines it, or if it is more than a year away.
    pub until: Option<DateTime<Utc>>,
}

/// What to expect if nothing else holds the blast up. Days are the sender's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forecast {
    /// `None`: nobody.
    pub today: Option<ForecastShare>,
    pub tomorrow: Option<ForecastShare>,
    /// On all days after tomorrow.
    pub later: Option<ForecastShare>,
    /// When the last one goes; `None` where no pace binds, nobody is left, or it takes more than a year.
    pub done_at: Option<DateTime<Utc>>,
}

/// People of a backlog who are due later, such as those who are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLater {
    pub people: u64,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

/// How far ahead a forecast reaches.
const HORIZON: TimeDelta = TimeDelta::days(366);

impl Backlog {
    /// The forecast at `now` if the first message goes at `begins` at the earliest.
    pub fn forecast(&self, now: DateTime<Utc>, begins: DateTime<Utc>) -> Forecast {
        self.forecast_in_turns(&[], now, begins)
    }

    /// The same where the sender's messages are shared with other blasts, at the pace of the sender and this one.
    pub(super) fn forecast_in_turns(
        &self,
        others: &[ConcurrentBacklog],
        now: DateTime<Utc>,
        begins: DateTime<Utc>,
    ) -> Forecast {
        let mut walk = Projection::new(self, others, (now, begins));
        while walk.turns.own_left() > 0 && walk.stretch(self) == Stretch::Continue {}
        walk.finish(now)
    }

    /// A forecast of everybody, where some are due later: it ends no sooner than they can have their message.
    #[must_use]
    pub fn held_back(&self, whole: Forecast, later: &DueLater, now: DateTime<Utc>) -> Forecast {
        if whole.last().is_none() {
            return whole;
        }
        let is_paced = !spacings(self).is_empty();
        let end_of = |forecast: Forecast| {
            if is_paced { forecast.done_at } else { forecast.last().map(|share| share.from) }
        };
        let ends = [(later.people, later.first), (1, later.last)]
            .map(|(people, begins)| end_of(Self { people, ..*self }.forecast(now, begins)));
        let all = ends.into_iter().chain([end_of(whole)]);
        let done_at = all.reduce(|one, other| Some(one?.max(other?))).flatten();
        Forecast { done_at, ..whole }
    }

    /// How many messages an hour on average, by the limit that binds; `None` where none does.
    pub fn per_hour(&self) -> Option<f64> {
        per_hour(&self.sender, &self.blast)
    }
}

impl Forecast {
    /// The stretch with the last of them.
    fn last(&self) -> Option<ForecastShare> {
        self.later.or(self.tomorrow).or(self.today)
    }
}

/// How many messages an hour on average, by the narrower of a sender's limits and a blast's own; `None` where none binds.
pub fn per_hour(sender: &Limits, blast: &Limits) -> Option<f64> {
    let by_rate =
        [sender, blast].into_iter().filter_map(|limits| Some(limits.rate.per_second()? * limits.speed.factor()));
    let slowest = by_rate.reduce(f64::min);
    let gap = mean_pause(sender, blast, &even_spacings(sender, blast)).map(f64::recip);
    [slowest, gap].into_iter().flatten().reduce(f64::min).map(|per_second| per_second * 3_600.0)
}

/// The limit that causes the longest pauses on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingLimit {
    Rate(Rate),
    Gap(Gap),
}

/// Which limit of a sender and its blast binds; `None` where none does.
pub fn binding(sender: &Limits, blast: &Limits) -> Option<BindingLimit> {
    let of = |limits: &Limits| {
        let rate =
            limits.rate.per_second().map(|rate| (1.0 / rate / limits.speed.factor(), BindingLimit::Rate(limits.rate)));
        let gap = limits.gap.map(|gap| (ends(limits, gap).mean(), BindingLimit::Gap(gap)));
        [rate, gap]
    };
    let all = [of(sender), of(blast)].into_iter().flatten().flatten().filter(|(pause, _)| *pause > 0.0);
    all.reduce(|longest, other| if other.0 > longest.0 { other } else { longest }).map(|(_, binding)| binding)
}

/// The sender's limit that binds where a blast has limits of its own which do not: the blast is no faster for them.
pub fn unheeded(sender: &Limits, blast: &Limits) -> Option<BindingLimit> {
    let own = binding(&Limits::none(blast.zone), blast)?;
    binding(sender, blast).filter(|binds| *binds != own)
}

impl fmt::Display for BindingLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(rate) => write!(f, "rate {rate}"),
            Self::Gap(gap) => write!(f, "gap {gap}"),
        }
    }
}

/// What follows a stretch.
#[derive(PartialEq, Eq)]
enum Stretch {
    Continue,
    BeyondHorizon,
}

/// Walks from stretch to stretch.
struct Projection {
    spacings: Vec<Spacing>,
    turns: BlastTurns,
    /// No message goes before this.
    at: DateTime<Utc>,
    /// The start of the sender's day that is being walked, and how many messages it has had.
    day: (DateTime<Utc>, u64),
    horizon: DateTime<Utc>,
    midnights: (DateTime<Utc>, DateTime<Utc>),
    /// Of today, of tomorrow, and of all later days.
    shares: [Option<ForecastShare>; 3],
}

impl Projection {
    fn new(backlog: &Backlog, others: &[ConcurrentBacklog], (now, begins): (DateTime<Utc>, DateTime<Utc>)) -> Self {
        let zone = backlog.sender.zone;
        let tomorrow = next_day_start(now, zone);
        Self {
            spacings: spacings(backlog),
            turns: BlastTurns::new(backlog, others),
            at: begins.max(now),
            day: (day_start(now, zone), backlog.today.into()),
            horizon: now.checked_add_signed(HORIZON).unwrap_or(DateTime::<Utc>::MAX_UTC),
            midnights: (tomorrow, next_day_start(tomorrow, zone)),
            shares: [None; 3],
        }
    }

    /// Sends to as many as go before a window opens or closes, the day ends or its cap is reached.
    fn stretch(&mut self, backlog: &Backlog) -> Stretch {
        let zone = backlog.sender.zone;
        let paced = self.spacings.iter().filter_map(Spacing::allowed).fold(self.at, DateTime::max);
        if paced > self.horizon {
            return Stretch::BeyondHorizon;
        }
        let Some((opens, closes)) = self.turns.open(paced) else { return Stretch::BeyondHorizon };
        let (today, midnight) = (day_start(opens, zone), next_day_start(opens, zone));
        if today > self.day.0 {
            self.day = (today, 0);
        }
        let left_today =
            backlog.sender.daily_cap.map_or(u64::MAX, |cap| u64::from(cap.get()).saturating_sub(self.day.1));
        if left_today == 0 {
            self.at = midnight;
            return Stretch::Continue;
        }
        let ends = closes.min(midnight);
        let fits = self.spacings.iter().map(|spacing| spacing.fits(opens, ends)).min().unwrap_or(u64::MAX);
        self.send(self.turns.until_through().min(left_today).min(fits), opens);
        // With a pace, the time of the next message says where to continue; without one, this stretch took everybody it could.
        self.at = if self.spacings.is_empty() { ends } else { opens };
        Stretch::Continue
    }

    fn send(&mut self, messages: u64, first: DateTime<Utc>) {
        let last = self.spacings.iter().map(|spacing| spacing.nth(first, messages)).fold(first, DateTime::max);
        for spacing in &mut self.spacings {
            spacing.send(first, messages);
        }
        self.day.1 = self.day.1.saturating_add(messages);
        let people = self.turns.send(messages);
        if people == 0 {
            return;
        }
        let share = match () {
            () if first < self.midnights.0 => &mut self.shares[0],
            () if first < self.midnights.1 => &mut self.shares[1],
            () => &mut self.shares[2],
        };
        let before = share.unwrap_or(ForecastShare { people: 0, from: first, until: None });
        *share = Some(ForecastShare { people: before.people + people, until: Some(last), ..before });
    }

    fn finish(self, now: DateTime<Utc>) -> Forecast {
        let (is_paced, left) = (!self.spacings.is_empty(), self.turns.own_left());
        let [today, tomorrow, later] = self
            .shares
            .map(|share| share.map(|share| ForecastShare { until: share.until.filter(|_| is_paced), ..share }));
        let last = [later, tomorrow, today].into_iter().flatten().next();
        // Those beyond the horizon go some day.
        let later = match (later, left) {
            (later, 0) => later,
            (Some(later), left) => Some(ForecastShare { people: later.people + left, until: None, ..later }),
            (None, left) => Some(ForecastShare { people: left, from: self.at.max(now), until: None }),
        };
        Forecast { today, tomorrow, later, done_at: last.and_then(|last| last.until).filter(|_| left == 0) }
    }
}

/// One limit as an even spacing: a rate, or the mean of the gaps.
#[derive(Debug, Clone, Copy)]
struct Spacing {
    interval: TimeDelta,
    /// How early a message may go, to catch up.
    slack: TimeDelta,
    /// When the next message is due if all are on time.
    due: Option<DateTime<Utc>>,
}

impl Spacing {
    fn allowed(&self) -> Option<DateTime<Utc>> {
        self.due.map(|due| due - self.slack)
    }

    /// When the first message of a stretch is due, if one goes at its beginning.
    fn base(&self, first: DateTime<Utc>) -> DateTime<Utc> {
        self.due.map_or(first, |due| due.max(first))
    }

    /// How many messages go from `first` on and before `ends`: at least one.
    fn fits(&self, first: DateTime<Utc>, ends: DateTime<Utc>) -> u64 {
        let span = ends - (self.base(first) - self.slack) - TimeDelta::nanoseconds(1);
        let intervals = nanos(span) / nanos(self.interval).max(1);
        u64::try_from(intervals.max(0) + 1).unwrap_or(u64::MAX)
    }

    /// When the n-th of them goes, counted from 1.
    fn nth(&self, first: DateTime<Utc>, n: u64) -> DateTime<Utc> {
        self.after(first, n.saturating_sub(1)) - self.slack
    }

    fn send(&mut self, first: DateTime<Utc>, people: u64) {
        self.due = Some(self.after(first, people));
    }

    fn after(&self, first: DateTime<Utc>, people: u64) -> DateTime<Utc> {
        let span = i64::try_from(nanos(self.interval) * i128::from(people)).unwrap_or(i64::MAX);
        self.base(first).checked_add_signed(TimeDelta::nanoseconds(span)).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Wide enough for centuries.
fn nanos(span: TimeDelta) -> i128 {
    i128::from(span.num_seconds()) * 1_000_000_000 + i128::from(span.subsec_nanos())
}

/// What spaces the messages of a blast; empty where neither it nor its sender has a pace.
fn spacings(backlog: &Backlog) -> Vec<Spacing> {
    let (sender, blast) = (&backlog.sender, &backlog.blast);
    let even_spacings = even_spacings(sender, blast);
    let spaced = even_spacings.iter().map(|even| Spacing { interval: even.interval, slack: even.slack, due: None });
    let mut spacings: Vec<_> = spaced.collect();
    if let Some(mean) = mean_pause(sender, blast, &even_spacings) {
        #[expect(clippy::cast_possible_truncation, reason = "a pause is at most a day, or a million slowed down")]
        let interval = TimeDelta::nanoseconds((mean * 1e9).round() as i64);
        spacings.push(Spacing { interval, slack: TimeDelta::zero(), due: None });
    }
    spacings
}

/// The even spacing of both rates.
fn even_spacings(sender: &Limits, blast: &Limits) -> Vec<Gcra> {
    let quotas = [sender, blast].into_iter().filter_map(|limits| limits.rate.quota(limits.speed));
    quotas.map(|(count, period)| Gcra::new(count, period)).collect()
}

/// The mean pause that the gaps of a sender and its blast cause together, in seconds; `None` without a gap. A rate beside
/// them lengthens the shorter pauses, less its slack, within which a late message catches up.
fn mean_pause(sender: &Limits, blast: &Limits, rates: &[Gcra]) -> Option<f64> {
    let gaps: Vec<GapBounds> =
        [sender, blast].into_iter().filter_map(|limits| Some(ends(limits, limits.gap?))).collect();
    if gaps.is_empty() {
        return None;
    }
    let least = rates.iter().map(|even| (even.interval - even.slack).as_seconds_f64()).fold(0.0, f64::max);
    Some(mean_of_longest(&gaps, least)).filter(|mean| *mean > 0.0)
}

/// A gap's shortest and longest pause, in seconds of real time.
#[derive(Debug, Clone, Copy)]
struct GapBounds {
    low: f64,
    high: f64,
}

fn ends(limits: &Limits, gap: Gap) -> GapBounds {
    let seconds = |span| limits.speed.shrink(span).as_secs_f64();
    GapBounds { low: seconds(gap.low()), high: seconds(gap.high()) }
}

impl GapBounds {
    fn mean(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }

    /// The probability of a pause no longer than `pause`.
    fn share_below(self, pause: f64) -> f64 {
        if pause >= self.high { 1.0 } else { ((pause - self.low) / (self.high - self.low)).clamp(0.0, 1.0) }
    }
}

/// The mean of the longest of several pauses, each uniform between its bounds and none counted as shorter than `least`:
/// the largest lower bound plus the integral, from there on, of the probability that any pause is longer. With at most two
/// pauses that probability is piecewise a parabola, which Simpson's rule integrates exactly.
fn mean_of_longest(gaps: &[GapBounds], least: f64) -> f64 {
    let low = gaps.iter().map(|gap| gap.low).fold(least, f64::max);
    let longer = |pause: f64| 1.0 - gaps.iter().map(|gap| gap.share_below(pause)).product::<f64>();
    let mut bounds: Vec<f64> = gaps.iter().map(|gap| gap.high.max(low)).chain([low]).collect();
    bounds.sort_unstable_by(f64::total_cmp);
    let piece = |ends: &[f64]| {
        let (from, to) = (ends[0], ends[1]);
        (to - from) / 6.0 * (longer(from) + 4.0 * longer(f64::midpoint(from, to)) + longer(to))
    };
    low + bounds.windows(2).map(piece).sum::<f64>()
}

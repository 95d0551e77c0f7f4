//! Forecasts a queue: how many messages go today and tomorrow, and when the last one goes. It is computed from the limits,
//! one stretch of open time at a time (an opening of the window within one day of the sender and of the reader), never person by person.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::people_use::{PeopleUse, PeopleWalk, SentStretch};
use super::spacing::{Spacing, ends, even_spacings, mean_pause, spacings};
use super::turns::DueShare;
use super::{DailyCap, Gap, Limits, Rate, Window, day_start, next_day_start};

/// The people left to send to, and every limit that applies to them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backlog<'a> {
    pub people: u64,
    /// All limits of the sender, as they are now.
    pub sender: Limits,
    /// The blast's own rate and gap. It has no daily cap of its own, and its zone is its window's.
    pub blast: Limits,
    pub window: Option<Window>,
    /// How many messages count towards the sender's daily cap so far.
    pub today: u32,
    /// The time zone of the forecast's days: that of whoever reads it.
    pub days: Tz,
    /// Meta's limit of people within a moving day, where the sender's business has one.
    pub people_use: Option<&'a PeopleUse>,
}

/// The people of one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ForecastShare {
    pub people: u64,
    /// When the first of them goes.
    pub from: DateTime<Utc>,
    /// When the last of them goes; `None` where neither a pace nor a time of their own determines it, or if it is more than a year away.
    pub until: Option<DateTime<Utc>>,
}

/// What to expect if nothing else holds the blast up. Days are those of [`Backlog::days`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forecast {
    /// `None`: nobody.
    pub today: Option<ForecastShare>,
    pub tomorrow: Option<ForecastShare>,
    /// On all days after tomorrow.
    pub later: Option<ForecastShare>,
    /// When the last one goes; `None` where neither a pace nor a time of their own determines it, nobody is left, or it takes more than a
    /// year.
    pub done_at: Option<DateTime<Utc>>,
}

/// People of a backlog who are due later, such as those who are tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLater {
    pub people: u64,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

impl DueLater {
    /// All but one of them as the first is due, and one as the last is: no day ends before the last of its people is due.
    pub fn shares(&self) -> [DueShare; 2] {
        let share = |people, due| DueShare { people, due, window: None };
        [share(self.people.saturating_sub(1), self.first), share(1, self.last)]
    }
}

/// How far ahead a forecast reaches.
const HORIZON: TimeDelta = TimeDelta::days(366);

/// When a forecast ends that is made now.
pub(super) fn horizon(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_add_signed(HORIZON).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Backlog<'_> {
    /// The forecast at `now` if the first message goes at `begins` at the earliest.
    pub fn forecast(&self, now: DateTime<Utc>, begins: DateTime<Utc>) -> Forecast {
        let mut walk = Projection::new(self, (now, begins));
        while walk.left > 0 && walk.stretch(self) == Stretch::Continue {}
        walk.shares.finish(walk.left, walk.at, EndOfDay::of_pace(!walk.spacings.is_empty()))
    }

    /// How many messages an hour on average, by the limit that binds; `None` where none does.
    pub fn per_hour(&self) -> Option<f64> {
        per_hour(&self.sender, &self.blast)
    }
}

impl Forecast {
    /// The stretch with the last of them.
    pub fn last(&self) -> Option<ForecastShare> {
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
            Self::Gap(gap) => write!(f, "gap {}", gap.words()),
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
    /// How many people are left.
    left: u64,
    /// No message goes before this.
    at: DateTime<Utc>,
    /// The start of the sender's day that is being walked, and how many messages it has had.
    day: (DateTime<Utc>, u64),
    people: Option<PeopleWalk>,
    horizon: DateTime<Utc>,
    shares: DayShares,
}

impl Projection {
    fn new(backlog: &Backlog<'_>, (now, begins): (DateTime<Utc>, DateTime<Utc>)) -> Self {
        Self {
            spacings: spacings(backlog),
            left: backlog.people,
            at: begins.max(now),
            day: (day_start(now, backlog.sender.zone), backlog.today.into()),
            people: backlog.people_use.map(PeopleWalk::new),
            horizon: horizon(now),
            shares: DayShares::new(now, backlog.days),
        }
    }

    /// Sends to as many as go before the window closes, the day ends, or its cap or the limit of people is reached.
    fn stretch(&mut self, backlog: &Backlog<'_>) -> Stretch {
        let zone = backlog.sender.zone;
        let paced = self.spacings.iter().filter_map(Spacing::allowed).fold(self.at, DateTime::max);
        if paced > self.horizon {
            return Stretch::BeyondHorizon;
        }
        let Some((opens, closes)) = opening(backlog.window, paced) else { return Stretch::BeyondHorizon };
        let (today, midnight) = (day_start(opens, zone), next_day_start(opens, zone));
        if today > self.day.0 {
            self.day = (today, 0);
        }
        let left_today = left_of(backlog.sender.daily_cap, self.day.1);
        if left_today == 0 {
            self.at = midnight;
            return Stretch::Continue;
        }
        let no_patience = (1, TimeDelta::zero());
        if let Some(until) = self.people.as_mut().and_then(|people| people.wait(opens, no_patience)) {
            self.at = until;
            return Stretch::Continue;
        }
        let (free, places) = self.people.as_ref().map_or((u64::MAX, None), PeopleWalk::free_soon);
        let ends = closes.min(midnight).min(self.shares.day_end(opens));
        let spacings = || self.spacings.iter().chain(&places);
        let fits = spacings().map(|spacing| spacing.fits(opens, ends)).min().unwrap_or(u64::MAX);
        let people = self.left.min(left_today).min(fits).min(free);
        let last = spacings().map(|spacing| spacing.nth(opens, people)).fold(opens, DateTime::max);
        self.send(SentStretch { people, first: opens, last });
        self.at = last;
        Stretch::Continue
    }

    fn send(&mut self, sent: SentStretch) {
        for spacing in &mut self.spacings {
            spacing.send(sent.first, sent.people);
        }
        if let Some(people) = &mut self.people {
            people.send_own(sent, self.left);
        }
        self.day.1 = self.day.1.saturating_add(sent.people);
        self.left -= sent.people;
        self.shares.add(sent.people, sent.first, sent.last);
    }
}

/// How many messages a day has left under its cap.
pub(super) fn left_of(cap: Option<DailyCap>, posted: u64) -> u64 {
    cap.map_or(u64::MAX, |cap| u64::from(cap.get()).saturating_sub(posted))
}

/// From when to when a blast with these hours is open, at `at` or next.
pub(super) fn opening(window: Option<Window>, at: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let Some(window) = window else { return Some((at, DateTime::<Utc>::MAX_UTC)) };
    window.next_opening(at).map(|(opens, closes)| (opens.max(at), closes))
}

/// The people of a forecast by days.
pub(super) struct DayShares {
    now: DateTime<Utc>,
    /// The ends of today and of tomorrow.
    midnights: (DateTime<Utc>, DateTime<Utc>),
    /// Of today, of tomorrow, and of all later days.
    shares: [Option<ForecastShare>; 3],
}

impl DayShares {
    pub(super) fn new(now: DateTime<Utc>, zone: Tz) -> Self {
        let tomorrow = next_day_start(now, zone);
        Self { now, midnights: (tomorrow, next_day_start(tomorrow, zone)), shares: [None; 3] }
    }

    /// When the day of a moment ends, as far as later days are distinguished.
    pub(super) fn day_end(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let ends = [self.midnights.0, self.midnights.1];
        ends.into_iter().find(|end| at < *end).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Counts people of one day, the first and the last of whom go then.
    pub(super) fn add(&mut self, people: u64, first: DateTime<Utc>, last: DateTime<Utc>) {
        let share = match () {
            () if first < self.midnights.0 => &mut self.shares[0],
            () if first < self.midnights.1 => &mut self.shares[1],
            () => &mut self.shares[2],
        };
        let before = share.unwrap_or(ForecastShare { people: 0, from: first, until: None });
        *share = Some(ForecastShare { people: before.people + people, until: Some(last), ..before });
    }

    /// The forecast, where so many are `left` at the horizon, the first of them not before `at`.
    pub(super) fn finish(self, left: u64, at: DateTime<Utc>, end: EndOfDay) -> Forecast {
        let [today, tomorrow, later] = self.shares;
        let last = [later, tomorrow, today].into_iter().flatten().next();
        let done_at = last.and_then(|last| last.until).filter(|_| left == 0 && end != EndOfDay::Unknown);
        let known = |share: ForecastShare| ForecastShare {
            until: share.until.filter(|at| end.is_known(*at, share.from)),
            ..share
        };
        let [today, tomorrow, later] = [today, tomorrow, later].map(|share| share.map(known));
        // Those beyond the horizon go some day.
        let later = match (later, left) {
            (later, 0) => later,
            (Some(later), left) => Some(ForecastShare { people: later.people + left, until: None, ..later }),
            (None, left) => Some(ForecastShare { people: left, from: at.max(self.now), until: None }),
        };
        Forecast { today, tomorrow, later, done_at }
    }
}

/// What determines when the last people of a day go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndOfDay {
    ByPace,
    /// By when they are due; no pace does.
    ByDue,
    Unknown,
}

impl EndOfDay {
    pub(super) const fn of_pace(is_paced: bool) -> Self {
        if is_paced { Self::ByPace } else { Self::Unknown }
    }

    fn is_known(self, until: DateTime<Utc>, from: DateTime<Utc>) -> bool {
        match self {
            Self::ByPace => true,
            Self::ByDue => until > from,
            Self::Unknown => false,
        }
    }
}

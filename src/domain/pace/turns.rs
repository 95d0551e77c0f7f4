//! Forecasts a blast while its sender sends others as well: they take even turns, the least served first.

use chrono::{DateTime, Utc};

use super::forecast::{Backlog, Forecast, ForecastShare};
use super::{Limits, Rate, Window, binding};

/// Another blast of the same sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcurrentBacklog {
    pub queued: u64,
    /// Its own hours: while they are closed it takes no turns.
    pub window: Option<Window>,
}

impl Backlog {
    /// The forecast at `now` while the same sender sends other blasts. Every blast that is open and has somebody left gets the
    /// same share of the sender's messages, whatever its own pace.
    pub fn forecast_beside(&self, others: &[ConcurrentBacklog], now: DateTime<Utc>, begins: DateTime<Utc>) -> Forecast {
        let alone = self.forecast(now, begins);
        if self.people == 0 || others.iter().all(|other| other.queued == 0) {
            return alone;
        }
        let unpaced = Limits::none(self.sender.zone);
        let shared = Self { blast: unpaced, ..*self }.forecast_in_turns(others, now, begins);
        if self.blast.gap.is_none() && self.blast.rate == Rate::Unlimited {
            return shared;
        }
        // Its own pace may be slower than its turns.
        slower(alone, shared, binding(&self.sender, &unpaced).is_some())
    }
}

/// A blast among those that take turns.
#[derive(Debug, Clone, Copy)]
struct Turn {
    left: u64,
    /// How many of its messages count where the least served goes first: whoever could not be served falls behind nobody.
    served: u64,
    window: Option<Window>,
    is_open: bool,
}

impl Turn {
    fn new(people: u64, window: Option<Window>) -> Self {
        Self { left: people, served: 0, window, is_open: false }
    }

    /// How many it sends until it is served as often as `level`.
    fn up_to(&self, level: u64) -> u64 {
        level.saturating_sub(self.served).min(self.left)
    }

    /// From when to when it is open, at `at` or next.
    fn opening(&self, at: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let Some(window) = self.window else { return Some((at, DateTime::<Utc>::MAX_UTC)) };
        window.next_opening(at).map(|(opens, closes)| (opens.max(at), closes))
    }
}

/// The blasts of a sender that take even turns, the least served first.
#[derive(Debug)]
pub(super) struct BlastTurns {
    own: Turn,
    others: Vec<Turn>,
}

impl BlastTurns {
    pub(super) fn new(own: &Backlog, others: &[ConcurrentBacklog]) -> Self {
        let others = others.iter().map(|other| Turn::new(other.queued, other.window)).collect();
        Self { own: Turn::new(own.people, own.window), others }
    }

    /// How many people are left of the blast that is forecast.
    pub(super) fn own_left(&self) -> u64 {
        self.own.left
    }

    /// The next stretch of time in which the same blasts are open; `None` where the own one never is again.
    pub(super) fn open(&mut self, at: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.own.opening(at)?;
        let waiting = self.all().filter(|turn| turn.left > 0);
        let openings: Vec<_> = waiting.filter_map(|turn| turn.opening(at)).collect();
        let begins = openings.iter().map(|(opens, _)| *opens).min()?;
        let bounds = openings.into_iter().map(|(opens, closes)| if opens > begins { opens } else { closes });
        let ends = bounds.min()?;
        for turn in self.others.iter_mut().chain([&mut self.own]) {
            turn.is_open = turn.left > 0 && turn.opening(at).is_some_and(|(opens, _)| opens <= begins);
        }
        Some((begins, ends))
    }

    /// How many messages the sender sends until the own blast is done, or until everybody else who is open is.
    pub(super) fn until_through(&self) -> u64 {
        let level = if self.own.is_open { self.own.served.saturating_add(self.own.left) } else { u64::MAX };
        self.up_to(level)
    }

    /// Takes so many messages, in turns; how many of them are the own blast's.
    pub(super) fn send(&mut self, messages: u64) -> u64 {
        let level = self.level(messages);
        let mut rest = messages - self.up_to(level);
        let before = self.own.left;
        // The own one is last in a turn.
        for turn in self.others.iter_mut().chain([&mut self.own]).filter(|turn| turn.is_open) {
            let goes_on = rest > 0 && turn.left > turn.up_to(level) && turn.served <= level;
            let sent = turn.up_to(level) + u64::from(goes_on);
            rest -= u64::from(goes_on);
            (turn.left, turn.served) = (turn.left - sent, turn.served.saturating_add(sent));
        }
        let most = self.all().filter(|turn| turn.is_open).map(|turn| turn.served).max().unwrap_or(0);
        for turn in self.others.iter_mut().chain([&mut self.own]).filter(|turn| !turn.is_open) {
            turn.served = turn.served.max(level.min(most));
        }
        before - self.own.left
    }

    /// How often every open blast has been served after so many messages, as far as it has people.
    fn level(&self, messages: u64) -> u64 {
        let (mut low, mut high) = (0, u64::MAX);
        while low < high {
            let middle = high - (high - low) / 2;
            if self.up_to(middle) <= messages { low = middle } else { high = middle - 1 }
        }
        low
    }

    fn up_to(&self, level: u64) -> u64 {
        let open = self.all().filter(|turn| turn.is_open);
        open.map(|turn| turn.up_to(level)).fold(0, u64::saturating_add)
    }

    fn all(&self) -> impl Iterator<Item = &Turn> {
        self.others.iter().chain([&self.own])
    }
}

/// The later of two forecasts for the same people, day by day. The second has times only if `is_paced`.
fn slower(one: Forecast, other: Forecast, is_paced: bool) -> Forecast {
    let total = |forecast: Forecast| people(forecast.today) + people(forecast.tomorrow);
    let by_tonight = people(one.today).min(people(other.today));
    let by_tomorrow = total(one).min(total(other));
    let all = total(one) + people(one.later);
    days(all, (by_tonight, by_tomorrow), |day| match (day.of(&one), day.of(&other)) {
        (Some(one), Some(other)) => Some(ForecastShare {
            people: 0,
            from: one.from.max(other.from),
            until: if is_paced { one.until.zip(other.until).map(|(a, b)| a.max(b)) } else { one.until },
        }),
        (one, other) => one.or(other),
    })
}

fn people(share: Option<ForecastShare>) -> u64 {
    share.map_or(0, |share| share.people)
}

#[derive(Clone, Copy)]
enum Day {
    Today,
    Tomorrow,
    Later,
}

impl Day {
    const fn of(self, forecast: &Forecast) -> Option<ForecastShare> {
        match self {
            Self::Today => forecast.today,
            Self::Tomorrow => forecast.tomorrow,
            Self::Later => forecast.later,
        }
    }
}

/// A forecast of `all` people, given how many are done by the end of today and of tomorrow, and each day's times.
fn days(all: u64, (tonight, tomorrow): (u64, u64), moments: impl Fn(Day) -> Option<ForecastShare>) -> Forecast {
    let share = |day, people: u64| moments(day).filter(|_| people > 0).map(|share| ForecastShare { people, ..share });
    let today = share(Day::Today, tonight);
    let tomorrow_share = share(Day::Tomorrow, tomorrow - tonight);
    let later = share(Day::Later, all - tomorrow);
    let last = [later, tomorrow_share, today].into_iter().flatten().next();
    Forecast { today, tomorrow: tomorrow_share, later, done_at: last.and_then(|last| last.until) }
}

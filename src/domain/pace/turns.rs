//! Forecasts a blast while its sender sends others as well: they take even turns, the least served first.

use chrono::{DateTime, Utc};

use super::forecast::{Backlog, Forecast, ForecastShare};
use super::{Limits, Rate, binding};

impl Backlog {
    /// The forecast at `now` while the same sender sends other blasts, with so many queued in each of `others`. Every blast
    /// that has somebody left gets the same share of the sender's messages, whatever its own limits.
    pub fn forecast_beside(&self, others: &[u64], now: DateTime<Utc>, begins: DateTime<Utc>) -> Forecast {
        let alone = self.forecast(now, begins);
        let turns = BlastTurns { people: self.people, others };
        if turns.until_through() == self.people {
            return alone;
        }
        let unpaced = Limits::none(self.sender.zone);
        let all = Self { people: turns.until_through(), blast: unpaced, ..*self }.forecast(now, begins);
        let shared = turns.own_part(all);
        if self.blast.gap.is_none() && self.blast.rate == Rate::Unlimited {
            return shared;
        }
        // Its own pace may be slower than its turns.
        slower(alone, shared, binding(&self.sender, &unpaced).is_some())
    }
}

/// How many people are left in a blast, and in each of the others.
struct BlastTurns<'a> {
    people: u64,
    others: &'a [u64],
}

impl BlastTurns<'_> {
    /// How many messages the sender sends until this blast is done: no other blast has more turns than it.
    fn until_through(&self) -> u64 {
        self.others.iter().map(|queued| *queued.min(&self.people)).fold(self.people, u64::saturating_add)
    }

    /// How many of the sender's first `messages` are this blast's own. Water-filling: all blasts rise to the same level,
    /// each up to as many people as it has.
    fn own(&self, messages: u64) -> u64 {
        let mut depths: Vec<u64> = self.others.iter().map(|queued| *queued.min(&self.people)).collect();
        depths.sort_unstable();
        let (mut left, mut level, mut sharing) = (messages, 0, self.others.len() as u64 + 1);
        for depth in depths {
            let filled = (depth - level).saturating_mul(sharing);
            if left < filled {
                return level + left / sharing;
            }
            (left, level, sharing) = (left - filled, depth, sharing - 1);
        }
        level.saturating_add(left).min(self.people)
    }

    /// This blast's share of what its sender sends until it is done.
    fn own_part(&self, all: Forecast) -> Forecast {
        let (today, tomorrow) = (people(all.today), people(all.tomorrow));
        let (by_tonight, by_tomorrow) = (self.own(today), self.own(today.saturating_add(tomorrow)));
        days(self.people, (by_tonight, by_tomorrow), |day| day.of(&all))
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

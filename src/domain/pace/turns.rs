//! Forecasts a blast while its sender sends others as well: they take turns, the least served first, each from its own start
//! on, within its own hours and at its own pace. The walk goes from message to message as the engine does; far ahead several
//! messages of a blast are one step, so that millions of people take little longer than thousands.

use chrono::{DateTime, TimeDelta, Utc};

use super::forecast::{Backlog, DayShares, EndOfDay, Forecast, horizon, left_of};
use super::people_use::{PeopleWalk, SentStretch};
use super::{Limits, Window, next_day_start};

mod due;
mod pace;

use due::DueQueue;
use pace::TurnPace;

pub use due::DueShare;

/// Another blast of the same sender.
#[derive(Debug, Clone, PartialEq)]
pub struct ConcurrentBacklog {
    pub queued: u64,
    /// Those of the queued who are due at times of their own; the others are due when it begins.
    pub dues: Vec<DueShare>,
    /// It was made before the one that is forecast: where both were served as often it goes first.
    pub is_older: bool,
    /// Its own rate and gap.
    pub limits: Limits,
    /// Its own hours: while they are closed it takes no turns.
    pub window: Option<Window>,
    /// When its first message goes at the earliest.
    pub begins: DateTime<Utc>,
}

/// When the first messages go at the earliest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForecastBegins {
    /// Of the sender, whatever the blast.
    pub sender: DateTime<Utc>,
    /// Of the blast that is forecast.
    pub blast: DateTime<Utc>,
}

impl Backlog<'_> {
    /// The forecast at `now` while the same sender sends other blasts. Of those that may send, the one that was served least goes
    /// first; one that may not, by its start, its hours or its own pace, falls behind nobody meanwhile.
    pub fn forecast_beside(
        &self,
        others: &[ConcurrentBacklog],
        now: DateTime<Utc>,
        begins: ForecastBegins,
    ) -> Forecast {
        if self.people == 0 || others.iter().all(|other| other.queued == 0) {
            return self.forecast(now, begins.blast.max(begins.sender));
        }
        self.forecast_dues(&[], others, now, begins).whole
    }

    /// The same where some of its people are due at times of their own; the others are due when it begins.
    pub fn forecast_dues(
        &self,
        dues: &[DueShare],
        others: &[ConcurrentBacklog],
        now: DateTime<Utc>,
        begins: ForecastBegins,
    ) -> DueForecast {
        let own = ConcurrentBacklog {
            queued: self.people,
            dues: dues.to_vec(),
            is_older: false,
            limits: self.blast,
            window: self.window,
            begins: begins.blast,
        };
        let mut walk = TurnWalk::new(self, (&own, others), now, begins);
        while walk.own().left() > 0 && walk.step() {}
        walk.finish()
    }
}

/// The forecast of a blast some of whose people are due at times of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueForecast {
    pub whole: Forecast,
    /// When the last of each share goes, in their order; `None` where no pace determines it, or if it is more than a year away.
    pub ends: Vec<Option<DateTime<Utc>>>,
}

/// One in so many of the messages, and of the time, that lie behind is how much one step may take at once.
const FINENESS: u16 = 1_024;

/// Walks from message to message of a sender.
struct TurnWalk<'a> {
    backlog: &'a Backlog<'a>,
    pace: TurnPace,
    /// The oldest first.
    turns: Vec<Turn>,
    /// Which of them is forecast.
    own: usize,
    begins: DateTime<Utc>,
    /// No message goes before this.
    at: DateTime<Utc>,
    sent: u64,
    day: TurnDay,
    people: Option<PeopleWalk>,
    horizon: DateTime<Utc>,
    shares: DayShares,
}

/// A day of the sender, and how many messages it has had.
struct TurnDay {
    midnight: DateTime<Utc>,
    posted: u64,
}

impl<'a> TurnWalk<'a> {
    fn new(
        backlog: &'a Backlog<'a>,
        (own, others): (&ConcurrentBacklog, &[ConcurrentBacklog]),
        now: DateTime<Utc>,
        begins: ForecastBegins,
    ) -> Self {
        let (sender, zone) = (&backlog.sender, backlog.sender.zone);
        let (older, newer): (Vec<_>, Vec<_>) = others.iter().partition(|other| other.is_older);
        let place = older.len();
        let turns = (0..).zip(older.into_iter().chain([own]).chain(newer));
        let starts = begins.sender.max(now);
        Self {
            backlog,
            pace: TurnPace::of_sender(sender),
            turns: turns.map(|(place, blast)| Turn::new(blast, sender, place)).collect(),
            own: place,
            begins: starts,
            at: starts,
            sent: 0,
            day: TurnDay { midnight: next_day_start(now, zone), posted: backlog.today.into() },
            people: backlog.people_use.map(PeopleWalk::new),
            horizon: horizon(now),
            shares: DayShares::new(now, backlog.days),
        }
    }

    fn own(&self) -> &Turn {
        &self.turns[self.own]
    }

    /// Sends what goes next, or waits until something may. `false` beyond the horizon.
    fn step(&mut self) -> bool {
        if self.at > self.horizon {
            return false;
        }
        if self.at >= self.day.midnight {
            self.day = TurnDay { midnight: next_day_start(self.at, self.backlog.sender.zone), posted: 0 };
        }
        match self.next() {
            // While it waits for the sender another one may become ready.
            NextTurn::Send(place) => match self.wait_of_sender() {
                Some(until) => self.at = until,
                None => self.send(place),
            },
            NextTurn::Wait(until) => self.at = until,
            NextTurn::Never => return false,
        }
        true
    }

    /// The least served that may send now; else when the first one may.
    fn next(&mut self) -> NextTurn {
        let (at, mut least, mut first) = (self.at, None, None);
        for (place, turn) in self.turns.iter_mut().enumerate().filter(|(_, turn)| turn.left() > 0) {
            turn.ready = turn.ready_at(at);
            match turn.ready {
                Some(ready) if ready <= at => least = least.into_iter().chain([(turn.served, place)]).min(),
                Some(ready) => first = first.into_iter().chain([ready]).min(),
                None => {}
            }
        }
        // Hours that never open again end the walk, whatever the others do.
        if self.own().ready.is_none() {
            return NextTurn::Never;
        }
        let Some((served, place)) = least else { return first.map_or(NextTurn::Never, NextTurn::Wait) };
        let is_held = |turn: &&mut Turn| turn.left() > 0 && turn.ready.is_none_or(|ready| ready > at);
        for held in self.turns.iter_mut().filter(is_held) {
            held.served = held.served.max(served);
        }
        NextTurn::Send(place)
    }

    /// Until when the sender sends nothing, whoever is ready.
    fn wait_of_sender(&mut self) -> Option<DateTime<Utc>> {
        let midnight = Some(self.day.midnight).filter(|_| self.left_today() == 0);
        let few = (self.sent / u64::from(FINENESS), (self.at - self.begins) / i32::from(FINENESS));
        let full = self.people.as_mut().and_then(|people| people.wait(self.at, few));
        self.pace.allowed().max(midnight).max(full).filter(|until| *until > self.at)
    }

    fn left_today(&self) -> u64 {
        left_of(self.backlog.sender.daily_cap, self.day.posted)
    }

    fn send(&mut self, place: usize) {
        let at = self.at;
        let free = self.people.as_ref().map_or(u64::MAX, PeopleWalk::free);
        let messages = self.at_once(&self.turns[place]).min(self.left_today()).min(free);
        let turn = &mut self.turns[place];
        let last = self.pace.nth(at, messages).max(turn.pace.nth(at, messages));
        self.pace.send(at, messages);
        let left = turn.left();
        turn.send(at, (messages, last));
        let sent = SentStretch { people: messages, first: at, last };
        match &mut self.people {
            Some(people) if place == self.own => people.send_own(sent, left),
            Some(people) => people.send(sent),
            None => {}
        }
        self.sent = self.sent.saturating_add(messages);
        self.day.posted = self.day.posted.saturating_add(messages);
        if place == self.own {
            self.shares.add(messages, at, last);
        }
    }

    /// How many messages a blast sends in one step: a small part of all before, in a small part of the time that they took.
    fn at_once(&self, turn: &Turn) -> u64 {
        let interval = nanos(self.pace.interval().max(turn.pace.interval()));
        let by_time = nanos(self.at - self.begins).checked_div(interval).unwrap_or(u64::MAX);
        let few = by_time.min(self.sent) / u64::from(FINENESS);
        if few <= 1 {
            return 1;
        }
        let (left, closes) = turn.queue.next_up();
        let ends = closes.min(self.day.midnight).min(self.shares.day_end(self.at));
        few.min(left).min(self.pace.fits(self.at, ends)).min(turn.pace.fits(self.at, ends)).max(1)
    }

    fn finish(self) -> DueForecast {
        let is_paced = self.pace.is_paced() || self.own().pace.is_paced();
        let left = self.own().left();
        let at = self.own().begins.max(self.at);
        let ends = self.own().queue.ends().map(|end| end.filter(|_| is_paced)).collect();
        let end = if self.own().has_dues && !is_paced { EndOfDay::ByDue } else { EndOfDay::of_pace(is_paced) };
        DueForecast { whole: self.shares.finish(left, at, end), ends }
    }
}

fn nanos(span: TimeDelta) -> u64 {
    span.num_nanoseconds().map_or(u64::MAX, |nanos| u64::try_from(nanos).unwrap_or_default())
}

/// What a sender does next.
enum NextTurn {
    Send(usize),
    Wait(DateTime<Utc>),
    Never,
}

/// A blast among those that take turns.
struct Turn {
    queue: DueQueue,
    /// Whether some of its people are due at times of their own.
    has_dues: bool,
    /// How many of its messages count where the least served goes first: whoever could not be served falls behind nobody.
    served: u64,
    pace: TurnPace,
    begins: DateTime<Utc>,
    /// When it may send next, as was found last.
    ready: Option<DateTime<Utc>>,
}

impl Turn {
    fn new(blast: &ConcurrentBacklog, sender: &Limits, place: u64) -> Self {
        Self {
            queue: DueQueue::new(blast),
            has_dues: !blast.dues.is_empty(),
            served: 0,
            pace: TurnPace::of_blast(&blast.limits, sender, place),
            begins: blast.begins,
            ready: None,
        }
    }

    const fn left(&self) -> u64 {
        self.queue.left()
    }

    /// When it may send, from `at` on; `None` where its hours never open again.
    fn ready_at(&mut self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let earliest = self.pace.allowed().map_or(self.begins, |allowed| allowed.max(self.begins)).max(at);
        self.queue.ready_at(earliest)
    }

    fn send(&mut self, at: DateTime<Utc>, (messages, last): (u64, DateTime<Utc>)) {
        self.pace.send(at, messages);
        self.queue.send(messages, last);
        self.served = self.served.saturating_add(messages);
    }
}

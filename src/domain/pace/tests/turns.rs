//! What is promised while a sender's blasts take turns, against a clock that is walked through step by step.

use super::forecast::{backlog, backlogs, gap, spread, window};
use super::*;

fn capped(people: u64) -> Backlog<'static> {
    let sender = Limits { rate: rate("20/min"), daily_cap: DailyCap::new(60), ..limits() };
    Backlog { sender, today: 60, ..backlog(people) }
}

/// A blast with so many queued that may send at once, and without limits of its own.
fn beside(queued: u64) -> ConcurrentBacklog {
    ConcurrentBacklog { queued, dues: Vec::new(), is_older: true, limits: limits(), window: None, begins: noon() }
}

/// Such blasts.
fn open<const N: usize>(queued: [u64; N]) -> [ConcurrentBacklog; N] {
    queued.map(beside)
}

fn at_once(now: DateTime<Utc>) -> ForecastBegins {
    ForecastBegins { sender: now, blast: now }
}

fn shares(forecast: Forecast) -> [u64; 3] {
    [forecast.today, forecast.tomorrow, forecast.later].map(|share| share.map_or(0, |share| share.people))
}

#[test]
fn blasts_that_share_a_days_cap_are_promised_their_turns_of_it() {
    let (ten, sixty, many) = (capped(10), capped(60), capped(200));
    let day = |forecast: Forecast| {
        forecast
            .done_at
            .unwrap()
            .with_timezone(&KL)
            .date_naive()
            .signed_duration_since(noon().with_timezone(&KL).date_naive())
            .num_days()
    };

    let ten = ten.forecast_beside(&open([200, 60]), noon(), at_once(noon()));
    let sixty = sixty.forecast_beside(&open([10, 200]), noon(), at_once(noon()));
    let many = many.forecast_beside(&open([60, 10]), noon(), at_once(noon()));

    assert_eq!((shares(ten), day(ten)), ([0, 10, 0], 1));
    // 10 for the first, 25 for each of the others; the second day 30 for each; then 5 and 5.
    assert_eq!((shares(sixty), day(sixty)), ([0, 25, 35], 3));
    assert_eq!((shares(many), day(many)), ([0, 25, 175], 5));
}

#[test]
fn a_blast_that_nobody_shares_with_is_promised_as_if_alone() {
    let alone = capped(90);

    assert_eq!(alone.forecast_beside(&open([]), noon(), at_once(noon())), alone.forecast(noon(), noon()));
    assert_eq!(alone.forecast_beside(&open([0, 0]), noon(), at_once(noon())), alone.forecast(noon(), noon()));
    assert_eq!(capped(0).forecast_beside(&open([5]), noon(), at_once(noon())), Forecast::default());
}

#[test]
fn a_blast_that_is_closed_by_its_own_hours_takes_no_turns_until_they_open() {
    // 137 are left today, a Monday at noon; the other opens tomorrow evening.
    let sender = Limits { rate: rate("5/s"), daily_cap: DailyCap::new(500), ..limits() };
    let many = Backlog { sender, today: 363, ..backlog(64_000) };
    let fridays = ConcurrentBacklog { window: Some(window("20:00-21:00", "fri", KL)), ..beside(60) };
    let evenings = ConcurrentBacklog { window: Some(window("20:00-21:00", "daily", KL)), ..beside(60) };

    let beside = |other| shares(many.forecast_beside(std::slice::from_ref(&other), noon(), at_once(noon())));

    assert_eq!(beside(fridays), [137, 500, 63_363], "tomorrow's limit is used up before the evening");
    assert_eq!(beside(evenings), [137, 500, 63_363]);
    assert_eq!(shares(many.forecast_beside(&open([60]), noon(), at_once(noon()))), [77, 500, 63_423]);
}

#[test]
fn a_blast_takes_its_turns_once_its_hours_open() {
    let sender = Limits { gap: Some(gap("1m")), ..limits() };
    let hour = ConcurrentBacklog { window: Some(window("13:00-14:00", "daily", KL)), ..beside(600) };

    let shared = Backlog { sender, ..backlog(120) }.forecast_beside(&[hour], noon(), at_once(noon()));

    // 60 until one, every other one of the next 60, then the last 30.
    assert_eq!(shared.done_at, Some(noon() + TimeDelta::minutes(149)));
}

#[test]
fn a_pace_is_shared_where_there_is_no_cap() {
    let sender = Limits { gap: Some(gap("1m")), ..limits() };

    let shared = Backlog { sender, ..backlog(10) }.forecast_beside(&open([100, 4]), noon(), at_once(noon()));

    assert_eq!(shared.done_at, Some(noon() + TimeDelta::minutes(23)), "the 24th message of the sender");
    assert_eq!(shares(shared), [10, 0, 0]);
}

#[test]
fn a_blasts_own_slow_pace_is_not_promised_away_by_its_turns() {
    let sender = Limits { gap: Some(gap("1s")), ..limits() };
    let slow = Backlog { sender, blast: Limits { gap: Some(gap("1h")), ..limits() }, ..backlog(5) };
    let quick = Backlog { blast: Limits { gap: Some(gap("2s")), ..limits() }, ..slow };
    let unpaced = Backlog { sender: limits(), ..slow };

    let shared = slow.forecast_beside(&open([100]), noon(), at_once(noon()));
    assert_eq!(
        (shares(shared), shared.done_at),
        ([5, 0, 0], Some(noon() + TimeDelta::hours(4) + TimeDelta::seconds(1)))
    );
    assert_eq!(
        quick.forecast_beside(&open([100, 100]), noon(), at_once(noon())).done_at,
        Some(noon() + TimeDelta::seconds(14))
    );
    assert_eq!(unpaced.forecast_beside(&open([100]), noon(), at_once(noon())), unpaced.forecast(noon(), noon()));
}

#[test]
fn without_a_pace_the_days_are_shared_and_no_moment_is_promised() {
    let sender = Limits { daily_cap: DailyCap::new(100), ..limits() };

    let shared = Backlog { sender, today: 40, ..backlog(70) }.forecast_beside(&open([1_000]), noon(), at_once(noon()));

    assert_eq!((shares(shared), shared.done_at), ([30, 40, 0], None));
}

#[test]
fn a_slow_blast_takes_no_more_of_the_days_cap_than_its_pace_lets_it() {
    // Ten a day; the other one has twelve people, ten minutes apart.
    let sender = Limits { rate: rate("600/min"), daily_cap: DailyCap::new(10), ..limits() };
    let ten_minutes = Limits { gap: Some(gap("10m")), ..limits() };
    let slow = ConcurrentBacklog { limits: ten_minutes, ..beside(12) };

    let quick = Backlog { sender, ..backlog(8) }.forecast_beside(&[slow], noon(), at_once(noon()));
    let slow =
        Backlog { sender, blast: ten_minutes, ..backlog(12) }.forecast_beside(&open([8]), noon(), at_once(noon()));

    assert_eq!((shares(quick), quick.today.unwrap().until), ([8, 0, 0], quick.done_at));
    assert!(quick.done_at.unwrap() < noon() + TimeDelta::seconds(1), "{quick:?}");
    assert_eq!(shares(slow), [2, 10, 0], "what the quick one leaves");
    assert_eq!(slow.done_at, Some(utc("2026-06-15T16:00:00Z") + TimeDelta::minutes(90)));
}

#[test]
fn a_blast_that_starts_before_another_is_done_takes_its_turns_from_then_on() {
    let sender = Limits { gap: Some(gap("1m")), daily_cap: DailyCap::new(100), ..limits() };
    let own = Backlog { sender, ..backlog(60) };
    let in_half_an_hour = ConcurrentBacklog { begins: noon() + TimeDelta::minutes(30), ..beside(40) };

    let now = own.forecast_beside(&[in_half_an_hour], noon(), at_once(noon()));
    let in_an_hour = ForecastBegins { sender: noon(), blast: noon() + TimeDelta::hours(1) };
    let later = own.forecast_beside(&[beside(80)], noon(), in_an_hour);
    let tomorrow = ForecastBegins { sender: noon(), blast: noon() + TimeDelta::days(1) };
    let next_day = own.forecast_beside(&[beside(120)], noon(), tomorrow);

    assert_eq!(now.done_at, Some(noon() + TimeDelta::minutes(89)), "30 alone, then every other one");
    assert_eq!((shares(later), later.today.unwrap().from), ([20, 40, 0], noon() + TimeDelta::minutes(61)));
    // The other one has the rest of its people from midnight on: they are through by noon.
    assert_eq!((shares(next_day), next_day.tomorrow.unwrap().from), ([0, 60, 0], noon() + TimeDelta::days(1)));
}

#[test]
fn many_people_are_walked_over_several_at_a_time_and_end_when_they_do_one_by_one() {
    let sender = Limits { rate: rate("10/s"), daily_cap: DailyCap::new(40_000), ..limits() };
    let three_a_minute = Limits { rate: rate("3/min"), ..limits() };
    let one = ConcurrentBacklog { limits: three_a_minute, ..beside(2_000) };
    let other = ConcurrentBacklog { begins: noon() + TimeDelta::minutes(20), ..beside(30_000) };
    let own = Backlog { sender, ..backlog(50_000) };

    let times = simulated_beside(&own, &[one.clone(), other.clone()], at_once(noon()), noon());
    let forecast = own.forecast_beside(&[one, other], noon(), at_once(noon()));

    let today = times.iter().filter(|at| **at < next_day_start(noon(), KL)).count() as u64;
    assert!(shares(forecast)[0].abs_diff(today) < 100, "{forecast:?}, sent {today}");
    let (done, last) = (forecast.done_at.unwrap(), *times.last().unwrap());
    assert!((done - last).abs() < (last - noon()) / 500, "promised {done}, sent {last}");
}

/// The moments of one blast's messages beside others: the start, the hours and the pacers of each let some of them send, the
/// least served takes the next message, and the sender's pacer lets that go.
fn simulated_beside(
    backlog: &Backlog<'_>,
    others: &[ConcurrentBacklog],
    begins: ForecastBegins,
    now: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let mut sender = Pacer::new(backlog.sender, &PastAttempts { times: Vec::new(), today: backlog.today }, now);
    let own = ConcurrentBacklog {
        dues: Vec::new(),
        queued: backlog.people,
        is_older: false,
        limits: backlog.blast,
        window: backlog.window,
        begins: begins.blast,
    };
    let place = others.iter().filter(|other| other.is_older).count();
    let mut queues: Vec<_> = others.iter().map(|other| SimulatedQueue::new(other, now)).collect();
    queues.insert(place, SimulatedQueue::new(&own, now));
    let (mut times, mut at, mut sent) = (Vec::new(), now.max(begins.sender), 0);
    while queues[place].blast.queued > 0 {
        let waiting: Vec<usize> = (0..queues.len()).filter(|queue| queues[*queue].blast.queued > 0).collect();
        let holds: Vec<_> = waiting.into_iter().map(|queue| (queue, queues[queue].held_until(at))).collect();
        let ready = holds.iter().filter(|(_, hold)| hold.is_none()).map(|(queue, _)| *queue);
        let Some(next) = ready.min_by_key(|queue| queues[*queue].served) else {
            at = holds.iter().filter_map(|(_, hold)| *hold).min().unwrap();
            continue;
        };
        let least = queues[next].served;
        for (held, _) in holds.iter().filter(|(_, hold)| hold.is_some()) {
            queues[*held].served = queues[*held].served.max(least);
        }
        if let Pace::Wait { until, .. } = sender.next(at, spread(sent, 0.569_840_290_998)) {
            at = until;
            continue;
        }
        sender.posted(at);
        queues[next].posted(at);
        sent += 1;
        if next == place {
            times.push(at);
        }
    }
    times
}

/// A blast as the engine keeps one.
struct SimulatedQueue {
    blast: ConcurrentBacklog,
    pacer: Pacer,
    served: u64,
    sent: usize,
}

impl SimulatedQueue {
    fn new(blast: &ConcurrentBacklog, now: DateTime<Utc>) -> Self {
        Self {
            blast: blast.clone(),
            pacer: Pacer::new(blast.limits, &PastAttempts::default(), now),
            served: 0,
            sent: 0,
        }
    }

    fn held_until(&mut self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let opens = self.blast.window.map_or(at, |window| window.next_open(at));
        let paced = match self.pacer.next(at, spread(self.sent, 0.754_877_666_246)) {
            Pace::Go => at,
            Pace::Wait { until, .. } => until,
        };
        Some(self.blast.begins.max(opens).max(paced)).filter(|until| *until > at)
    }

    fn posted(&mut self, at: DateTime<Utc>) {
        self.pacer.posted(at);
        (self.blast.queued, self.served, self.sent) = (self.blast.queued - 1, self.served + 1, self.sent + 1);
    }
}

#[test]
fn what_is_promised_beside_blasts_with_hours_of_their_own_is_what_a_step_by_step_clock_does() {
    let sender = Limits { rate: rate("5/s"), daily_cap: DailyCap::new(500), ..limits() };
    let many = Backlog { sender, today: 363, ..backlog(900) };
    let with_hours = |hours, days| ConcurrentBacklog { window: Some(window(hours, days, KL)), ..beside(60) };

    for other in
        [with_hours("20:00-21:00", "fri"), with_hours("20:00-21:00", "daily"), with_hours("00:00-00:01", "daily")]
    {
        let times = simulated_beside(&many, std::slice::from_ref(&other), at_once(noon()), noon());
        let forecast = many.forecast_beside(std::slice::from_ref(&other), noon(), at_once(noon()));

        let on = |start| times.iter().filter(|at| day_start(**at, KL) == start).count() as u64;
        let tomorrow = next_day_start(noon(), KL);
        let sent = [on(day_start(noon(), KL)), on(tomorrow)];
        assert_eq!(shares(forecast), [sent[0], sent[1], 900 - sent[0] - sent[1]], "{other:?}");
        assert!((forecast.done_at.unwrap() - *times.last().unwrap()).abs() < TimeDelta::seconds(1), "{other:?}");
    }
}

/// Other blasts of a sender, each with a pace, hours and a start of its own; the starts are minutes from now.
fn others() -> impl Strategy<Value = Vec<(Backlog<'static>, i64)>> {
    let starts = prop_oneof![Just(0), 0i64..300, 0i64..4_320];
    prop::collection::vec((backlogs(), starts), 1..=3)
}

proptest! {
    #[test]
    fn what_is_promised_beside_others_is_what_a_step_by_step_clock_does(
        minutes in 0i64..525_600,
        shared in backlogs(),
        others in others(),
        starts in prop_oneof![Just(0), 0i64..4_320],
        // Where it stands among them decides who goes first.
        older in 0usize..4,
    ) {
        let now = utc("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let other = |(place, (other, starts)): (usize, &(Backlog, i64))| ConcurrentBacklog {
        dues: Vec::new(),
            queued: other.people,
            is_older: place < older,
            limits: other.blast,
            window: other.window,
            begins: now + TimeDelta::minutes(*starts),
        };
        let others: Vec<_> = others.iter().enumerate().map(other).collect();
        let begins = ForecastBegins { sender: now, blast: now + TimeDelta::minutes(starts) };
        let times = simulated_beside(&shared, &others, begins, now);
        let last = *times.last().unwrap();
        let off = tolerance_beside(&shared, &others);
        let forecast = shared.forecast_beside(&others, now, begins);
        let of = |people| Backlog { people, ..shared }.forecast_beside(&others, now, begins);
        let zone = shared.sender.zone;

        if let Some(done) = forecast.done_at {
            // Of fewer people than stand in one turn, each may be the first or the last.
            let sooner = shared.people.checked_sub(off).filter(|people| *people > 0).map(of);
            let later = of(shared.people + off);
            let is_in_time = |sooner: Forecast| sooner.done_at.is_some_and(|sooner| sooner <= last);
            prop_assert!(sooner.is_none_or(is_in_time), "promised {done}, sent {last}");
            prop_assert!(later.done_at.is_none_or(|later| later >= last), "promised {done}, sent {last}");
        } else {
            let paced = binding(&shared.sender, &shared.blast).is_some();
            prop_assert!(!paced || last > now + TimeDelta::days(300), "nothing was promised, sent {last}");
        }
        let on = |start| times.iter().filter(|at| day_start(**at, zone) == start).count() as u64;
        let [today, tomorrow, later] = shares(forecast);
        let (sent_today, sent_tomorrow) = (on(day_start(now, zone)), on(next_day_start(now, zone)));
        prop_assert!(today.abs_diff(sent_today) <= off, "{:?}, sent {sent_today}", forecast.today);
        prop_assert!(tomorrow.abs_diff(sent_tomorrow) <= 2 * off, "{:?}, sent {sent_tomorrow}", forecast.tomorrow);
        prop_assert_eq!(today + tomorrow + later, shared.people);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_promise_beside_others_panics_or_takes_long_whatever_the_numbers(
        people in any::<u64>(),
        queued in any::<u64>(),
        minutes in 0i64..525_600,
        speed in 0.001f64..1e6,
    ) {
        let now = utc("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let paced = Limits { rate: rate("10000/s"), gap: Some(gap("0s..24h")), ..limits() };
        let paced = paced.scaled(Speed::new(speed).unwrap());
        for (sender, blast) in [(limits(), paced), (paced, limits()), (limits(), limits())] {
            let own = Backlog { people: people.max(1), sender, blast: limits(), window: None, today: 0, days: sender.zone, people_use: None };
            let other = ConcurrentBacklog { limits: blast, begins: now, ..beside(queued.max(1)) };
            let forecast = own.forecast_beside(&[other.clone(), other.clone()], now, at_once(now));
            prop_assert_eq!(shares(forecast).into_iter().sum::<u64>(), own.people);
            own.forecast_beside(std::slice::from_ref(&other), now, at_once(DateTime::<Utc>::MAX_UTC));
        }
    }
}

/// By how many people a forecast may be off: gaps that vary are two people off already where there is nobody else (`tolerance`), and meet the
/// turns of others by chance, each some at another time than the forecast has it.
fn tolerance_beside(shared: &Backlog<'_>, others: &[ConcurrentBacklog]) -> u64 {
    let limits = others.iter().map(|other| other.limits).chain([shared.blast, shared.sender]);
    let varies = limits.filter_map(|limits| limits.gap).any(|gap| gap.low() < gap.high());
    let all = others.iter().map(|other| other.queued).sum::<u64>() + shared.people;
    if varies { 2 + others.len() as u64 + all / 12 } else { 1 }
}

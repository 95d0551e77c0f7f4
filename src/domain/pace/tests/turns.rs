//! What is promised while a sender's blasts take turns, against a clock that is walked through step by step.

use super::forecast::{backlog, backlogs, gap, spread, tolerance, window};
use super::*;

fn capped(people: u64) -> Backlog {
    let sender = Limits { rate: rate("20/min"), daily_cap: DailyCap::new(60), ..limits() };
    Backlog { sender, today: 60, ..backlog(people) }
}

/// Blasts with so many queued, and no hours of their own.
fn open<const N: usize>(queued: [u64; N]) -> [ConcurrentBacklog; N] {
    queued.map(|queued| ConcurrentBacklog { queued, window: None })
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

    let ten = ten.forecast_beside(&open([200, 60]), noon(), noon());
    let sixty = sixty.forecast_beside(&open([10, 200]), noon(), noon());
    let many = many.forecast_beside(&open([60, 10]), noon(), noon());

    assert_eq!((shares(ten), day(ten)), ([0, 10, 0], 1));
    // 10 for the first, 25 for each of the others; the second day 30 for each; then 5 and 5.
    assert_eq!((shares(sixty), day(sixty)), ([0, 25, 35], 3));
    assert_eq!((shares(many), day(many)), ([0, 25, 175], 5));
}

#[test]
fn a_blast_that_nobody_shares_with_is_promised_as_if_alone() {
    let alone = capped(90);

    assert_eq!(alone.forecast_beside(&open([]), noon(), noon()), alone.forecast(noon(), noon()));
    assert_eq!(alone.forecast_beside(&open([0, 0]), noon(), noon()), alone.forecast(noon(), noon()));
    assert_eq!(capped(0).forecast_beside(&open([5]), noon(), noon()), Forecast::default());
}

#[test]
fn a_blast_that_is_closed_by_its_own_hours_takes_no_turns_until_they_open() {
    // 137 are left today, a Monday at noon; the other opens tomorrow evening.
    let sender = Limits { rate: rate("5/s"), daily_cap: DailyCap::new(500), ..limits() };
    let many = Backlog { sender, today: 363, ..backlog(64_000) };
    let fridays = ConcurrentBacklog { queued: 60, window: Some(window("20:00-21:00", "fri", KL)) };
    let evenings = ConcurrentBacklog { queued: 60, window: Some(window("20:00-21:00", "daily", KL)) };

    let beside = |other| shares(many.forecast_beside(&[other], noon(), noon()));

    assert_eq!(beside(fridays), [137, 500, 63_363], "tomorrow's limit is used up before the evening");
    assert_eq!(beside(evenings), [137, 500, 63_363]);
    assert_eq!(shares(many.forecast_beside(&open([60]), noon(), noon())), [77, 500, 63_423]);
}

#[test]
fn a_blast_takes_its_turns_once_its_hours_open() {
    let sender = Limits { gap: Some(gap("1m")), ..limits() };
    let hour = ConcurrentBacklog { queued: 600, window: Some(window("13:00-14:00", "daily", KL)) };

    let shared = Backlog { sender, ..backlog(120) }.forecast_beside(&[hour], noon(), noon());

    // 60 until one, every other one of the next 60, then the last 30.
    assert_eq!(shared.done_at, Some(noon() + TimeDelta::minutes(149)));
}

#[test]
fn a_pace_is_shared_where_there_is_no_cap() {
    let sender = Limits { gap: Some(gap("1m")), ..limits() };

    let shared = Backlog { sender, ..backlog(10) }.forecast_beside(&open([100, 4]), noon(), noon());

    assert_eq!(shared.done_at, Some(noon() + TimeDelta::minutes(23)), "the 24th message of the sender");
    assert_eq!(shares(shared), [10, 0, 0]);
}

#[test]
fn a_blasts_own_slow_pace_is_not_promised_away_by_its_turns() {
    let sender = Limits { gap: Some(gap("1s")), ..limits() };
    let slow = Backlog { sender, blast: Limits { gap: Some(gap("1h")), ..limits() }, ..backlog(5) };
    let quick = Backlog { blast: Limits { gap: Some(gap("2s")), ..limits() }, ..slow };
    let unpaced = Backlog { sender: limits(), ..slow };

    assert_eq!(slow.forecast_beside(&open([100]), noon(), noon()), slow.forecast(noon(), noon()));
    assert_eq!(quick.forecast_beside(&open([100, 100]), noon(), noon()).done_at, Some(noon() + TimeDelta::seconds(14)));
    assert_eq!(unpaced.forecast_beside(&open([100]), noon(), noon()), unpaced.forecast(noon(), noon()));
}

#[test]
fn without_a_pace_the_days_are_shared_and_no_moment_is_promised() {
    let sender = Limits { daily_cap: DailyCap::new(100), ..limits() };

    let shared = Backlog { sender, today: 40, ..backlog(70) }.forecast_beside(&open([1_000]), noon(), noon());

    assert_eq!((shares(shared), shared.done_at), ([30, 40, 0], None));
}

/// The moments of one blast's messages, where it stands at `place` among others: the sender's pacer and the hours let one go,
/// and the least served blast takes it.
fn simulated_beside(
    backlog: &Backlog,
    others: &[ConcurrentBacklog],
    place: usize,
    now: DateTime<Utc>,
) -> Vec<DateTime<Utc>> {
    let mut pacer = Pacer::new(backlog.sender, &PastAttempts { times: Vec::new(), today: backlog.today }, now);
    let mut blasts = others.to_vec();
    blasts.insert(place, ConcurrentBacklog { queued: backlog.people, window: backlog.window });
    let mut left: Vec<u64> = blasts.iter().map(|blast| blast.queued).collect();
    let mut served = vec![0; left.len()];
    let (mut times, mut at, mut sent) = (Vec::new(), now, 0);
    while left[place] > 0 {
        let opens = |blast: &usize| blasts[*blast].window.map_or(at, |window| window.next_open(at));
        let waiting: Vec<usize> = (0..left.len()).filter(|blast| left[*blast] > 0).collect();
        let opens_at = waiting.iter().map(opens).min().unwrap();
        let paced = match pacer.next(at, spread(sent, 0.414_213_562_37)) {
            Pace::Go => at,
            Pace::Wait { until, .. } => until,
        };
        if opens_at.max(paced) > at {
            at = opens_at.max(paced);
            continue;
        }
        let (ready, closed): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|blast| opens(blast) <= at);
        let next = ready.into_iter().min_by_key(|blast| served[*blast]).unwrap();
        for blast in closed {
            served[blast] = served[blast].max(served[next]);
        }
        pacer.posted(at);
        (left[next], served[next], sent) = (left[next] - 1, served[next] + 1, sent + 1);
        if next == place {
            times.push(at);
        }
    }
    times
}

#[test]
fn what_is_promised_beside_blasts_with_hours_of_their_own_is_what_a_step_by_step_clock_does() {
    let sender = Limits { rate: rate("5/s"), daily_cap: DailyCap::new(500), ..limits() };
    let many = Backlog { sender, today: 363, ..backlog(900) };
    let beside = |hours, days| ConcurrentBacklog { queued: 60, window: Some(window(hours, days, KL)) };

    for other in [beside("20:00-21:00", "fri"), beside("20:00-21:00", "daily"), beside("00:00-00:01", "daily")] {
        let times = simulated_beside(&many, &[other], 1, noon());
        let forecast = many.forecast_beside(&[other], noon(), noon());

        let on = |start| times.iter().filter(|at| day_start(**at, KL) == start).count() as u64;
        let tomorrow = next_day_start(noon(), KL);
        let sent = [on(day_start(noon(), KL)), on(tomorrow)];
        assert_eq!(shares(forecast), [sent[0], sent[1], 900 - sent[0] - sent[1]], "{other:?}");
        assert!((forecast.done_at.unwrap() - *times.last().unwrap()).abs() < TimeDelta::seconds(1), "{other:?}");
    }
}

proptest! {
    #[test]
    fn what_is_promised_beside_others_is_what_a_step_by_step_clock_does(
        minutes in 0i64..525_600,
        shared in backlogs(),
        queued in prop::collection::vec(1u64..250, 1..=2),
        // Where it stands among them decides who goes first.
        place in 0usize..3,
    ) {
        let now = utc("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        // All have the same hours: with others, the turns begin anew whenever one opens.
        let others: Vec<_> = queued.into_iter().map(|queued| ConcurrentBacklog { queued, window: shared.window }).collect();
        // A pace of their own would let the others overtake it: here it is the sender's alone.
        let shared = Backlog { blast: Limits::none(shared.sender.zone), ..shared };
        let times = simulated_beside(&shared, &others, place.min(others.len()), now);
        let last = *times.last().unwrap();
        let all = others.iter().map(|other| other.queued).sum::<u64>() + shared.people;
        let off = tolerance(&Backlog { people: all, ..shared }) + others.len() as u64;
        let forecast = shared.forecast_beside(&others, now, now);
        let of = |people| Backlog { people, ..shared }.forecast_beside(&others, now, now);
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

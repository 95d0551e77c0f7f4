//! What is promised, against a clock that is walked through step by step.

use super::*;

const BERLIN: Tz = chrono_tz::Europe::Berlin;
const ZONES: [Tz; 5] =
    [KL, BERLIN, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe, chrono_tz::Africa::Cairo];

pub(super) fn backlog(people: u64) -> Backlog<'static> {
    Backlog { people, sender: limits(), blast: limits(), window: None, today: 0, days: KL, people_use: None }
}

pub(super) fn gap(text: &str) -> Gap {
    text.parse().unwrap()
}

pub(super) fn window(hours: &str, days: &str, zone: Tz) -> Window {
    Window { hours: hours.parse().unwrap(), days: days.parse().unwrap(), zone }
}

/// Evenly spread numbers from 0 up to 1: chance without luck.
pub(super) fn spread(n: usize, step: f64) -> f64 {
    (f64::from(u32::try_from(n).unwrap()) * step).fract()
}

/// The moment of every message, by the pacers that send them.
fn simulated(backlog: &Backlog<'_>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let past = PastAttempts { times: Vec::new(), today: backlog.today };
    let mut sender = Pacer::new(backlog.sender, &past, now);
    let mut blast = Pacer::new(backlog.blast, &PastAttempts::default(), now);
    let (mut times, mut at) = (Vec::new(), now);
    while times.len() < usize::try_from(backlog.people).unwrap() {
        let (golden, silver) = (spread(times.len(), 0.618_033_988_75), spread(times.len(), 0.414_213_562_37));
        let window = backlog.window.map_or(Pace::Go, |window| window.pace(at));
        let paces = [window, blast.next(at, golden), sender.next(at, silver)];
        let until = paces.into_iter().filter_map(|pace| match pace {
            Pace::Go => None,
            Pace::Wait { until, .. } => Some(until),
        });
        if let Some(until) = until.max() {
            at = until;
        } else {
            sender.posted(at);
            blast.posted(at);
            times.push(at);
        }
    }
    times
}

fn on_day(times: &[DateTime<Utc>], start: DateTime<Utc>, zone: Tz) -> u64 {
    let count = times.iter().filter(|at| day_start(**at, zone) == start).count();
    u64::try_from(count).unwrap()
}

#[test]
fn hours_that_open_in_the_evening_are_waited_for() {
    let evening = Backlog {
        sender: Limits { rate: rate("60/h"), ..limits() },
        window: Some(window("20:00-22:00", "daily", KL)),
        ..backlog(90)
    };

    let forecast = evening.forecast(noon(), noon());

    let today = forecast.today.unwrap();
    assert_eq!(today.from, utc("2026-06-15T12:00:00Z"), "20:00, not noon");
    assert!((118..=119).contains(&evening_share(&evening, 300)), "two hours at 59.1 an hour, and the slack");
    assert_eq!((today.people, forecast.tomorrow), (90, None));
    let done = forecast.done_at.unwrap();
    assert!(done > utc("2026-06-15T13:29:00Z") && done < utc("2026-06-15T13:32:00Z"), "{done}");
}

fn evening_share(evening: &Backlog<'_>, people: u64) -> u64 {
    Backlog { people, ..*evening }.forecast(noon(), noon()).today.unwrap().people
}

#[test]
fn the_blasts_slower_gap_counts_not_the_senders_rate() {
    let slow = Backlog {
        sender: Limits { rate: rate("20/min"), ..limits() },
        blast: Limits { gap: Some(gap("2m..4m")), ..limits() },
        ..backlog(21)
    };

    let forecast = slow.forecast(noon(), noon());

    assert_eq!(forecast.done_at, Some(noon() + TimeDelta::minutes(60)));
    assert_eq!(slow.per_hour().map(f64::round), Some(20.0));
    assert_eq!(binding(&slow.sender, &slow.blast), Some(BindingLimit::Gap("2m..4m".parse().unwrap())));
}

#[test]
fn a_senders_own_limit_is_named_where_the_blasts_does_not_bind() {
    let sender = Limits { gap: Some(gap("20s..60s")), ..limits() };
    let unheeded = |own: Limits| unheeded(&sender, &own).map(|limit| limit.to_string());

    assert_eq!(unheeded(Limits { gap: Some(gap("5s..6s")), ..limits() }).as_deref(), Some("gap 20-60 s"));
    assert_eq!(unheeded(Limits { rate: rate("80/s"), ..limits() }).as_deref(), Some("gap 20-60 s"));
    assert_eq!(unheeded(Limits { gap: Some(gap("2m..4m")), ..limits() }), None);
    assert_eq!(unheeded(limits()), None, "it asked for nothing");
}

#[test]
fn a_daily_cap_and_weekdays_spread_a_blast_over_days() {
    // Monday, noon; 146 of 500 gone. Tuesday is no day of sending.
    let shared = Backlog {
        sender: Limits { gap: Some(gap("1s")), daily_cap: DailyCap::new(500), ..limits() },
        window: Some(window("09:00-21:00", "mon,wed,thu", KL)),
        today: 146,
        ..backlog(900)
    };

    let forecast = shared.forecast(noon(), noon());

    assert_eq!(forecast.today.unwrap().people, 354);
    assert_eq!(forecast.tomorrow, None, "Tuesday");
    let later = forecast.later.unwrap();
    assert_eq!((later.people, later.from), (546, utc("2026-06-17T01:00:00Z")));
    assert_eq!(forecast.done_at, Some(utc("2026-06-18T01:00:45Z")), "the last 46 on Thursday");
}

#[test]
fn the_days_of_a_forecast_are_the_readers_and_its_cap_is_the_senders() {
    // Noon in Kuala Lumpur, 04:00 UTC: the sender's day ends at 16:00 UTC. One a minute, 800 a day.
    let sender = Limits { gap: Some(gap("1m")), daily_cap: DailyCap::new(800), ..limits() };
    let own = Backlog { sender, ..backlog(2_000) };
    let there = Backlog { days: chrono_tz::UTC, ..own };
    let days = |forecast: Forecast| {
        [forecast.today, forecast.tomorrow, forecast.later].map(|day| day.map_or(0, |day| day.people))
    };

    let (own, there) = (own.forecast(noon(), noon()), there.forecast(noon(), noon()));

    assert_eq!((days(own), own.done_at), ([720, 800, 480], there.done_at));
    assert_eq!(days(there), [1_200, 800, 0], "{there:?}");
}

#[test]
fn without_a_pace_no_moment_is_promised_but_each_days_share_is() {
    let capped = Backlog { sender: Limits { daily_cap: DailyCap::new(500), ..limits() }, today: 400, ..backlog(700) };

    let forecast = capped.forecast(noon(), noon());

    let [today, tomorrow, later] = [forecast.today, forecast.tomorrow, forecast.later].map(Option::unwrap);
    assert_eq!((today.people, today.until, tomorrow.people, later.people), (100, None, 500, 100));
    assert_eq!(forecast.done_at, None);
    assert_eq!(backlog(5).forecast(noon(), noon()).done_at, None);
}

#[test]
fn nobody_left_and_more_than_a_year_promise_nothing() {
    let slow = Limits { rate: rate("1/day"), ..limits() };

    assert_eq!(backlog(0).forecast(noon(), noon()), Forecast::default());
    let years = Backlog { sender: slow, ..backlog(1_000) }.forecast(noon(), noon());
    assert_eq!((years.done_at, years.today.unwrap().people, years.later.unwrap().until), (None, 1, None));
    let total = [years.today, years.tomorrow, years.later].into_iter().flatten().map(|share| share.people).sum::<u64>();
    assert_eq!(total, 1_000, "everybody is in one of the shares");
    // Open for ten minutes that a clock change skips, once a year.
    let never = Backlog { window: Some(window("02:10-02:20", "sun", BERLIN)), sender: slow, ..backlog(3) };
    assert!(never.forecast(utc("2026-03-29T00:30:00Z"), noon()).done_at.is_some());
}

#[test]
fn the_first_message_goes_no_sooner_than_told_and_a_new_day_has_its_whole_cap() {
    let held = Backlog {
        sender: Limits { gap: Some(gap("1m")), daily_cap: DailyCap::new(10), ..limits() },
        today: 10,
        ..backlog(5)
    };

    assert_eq!(held.forecast(noon(), noon()).tomorrow.unwrap().from, utc("2026-06-15T16:00:00Z"), "its midnight");
    let tomorrow = noon() + TimeDelta::days(1);
    assert_eq!(held.forecast(noon(), tomorrow).done_at, Some(tomorrow + TimeDelta::minutes(4)));
}

#[test]
fn a_rehearsals_speed_and_a_slowed_sender_change_the_pace_and_not_the_day() {
    let fast = Speed::new(600.0).unwrap();
    let real = Limits { gap: Some(gap("20s..60s")), ..limits() };
    let done = |limits: Limits| Backlog { sender: limits, ..backlog(91) }.forecast(noon(), noon()).done_at.unwrap();

    assert_eq!(done(real), noon() + TimeDelta::hours(1));
    assert!((done(real.scaled(fast)) - noon() - TimeDelta::seconds(6)).abs() < TimeDelta::microseconds(1));
    assert_eq!(done(real.slowed(2)), noon() + TimeDelta::hours(4));
}

fn limits_of(zone: Tz) -> impl Strategy<Value = Limits> {
    let rates = prop::sample::select(vec!["unlimited", "1/s", "20/min", "90/h", "7/h", "500/day"]);
    let gaps = prop::sample::select(vec!["", "", "0s", "30s", "20s..60s", "5s..10m", "7m..9m"]);
    (rates, gaps).prop_map(move |(text, pause)| Limits {
        rate: rate(text),
        gap: Some(pause).filter(|pause| !pause.is_empty()).map(gap),
        ..Limits::none(zone)
    })
}

pub(super) fn backlogs() -> impl Strategy<Value = Backlog<'static>> {
    let zones = (prop::sample::select(&ZONES[..]), prop::sample::select(&ZONES[..]));
    zones.prop_flat_map(|(senders, windows)| {
        let days = prop::sample::select(vec!["daily", "mon-fri", "sat,sun", "wed"]);
        // A gap of minutes in a window of minutes is a matter of luck.
        let hours = prop::option::of((0u16..24 * 60, 180u16..23 * 60, days)).prop_map(move |open| {
            let (from, length, days) = open?;
            let to = (from + length) % 1_440;
            let hours = format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
            Some(window(&hours, days, windows))
        });
        let cap = prop::option::of(1u32..120).prop_map(|cap| cap.and_then(DailyCap::new));
        (limits_of(senders), limits_of(senders), hours, cap, 0u32..100, 1u64..250).prop_map(
            |(sender, blast, window, daily_cap, today, people)| {
                let sender = Limits { daily_cap, ..sender };
                Backlog { people, sender, blast, window, today, days: sender.zone, people_use: None }
            },
        )
    })
}

/// By how many people a forecast may be off. Where gaps vary about a rate it takes them as even, and the rate lets some of
/// the longer ones be caught up: an eighth at most. Where hours close, some openings fit one person
/// more than even gaps do: one in 32 people at most.
fn tolerance(backlog: &Backlog<'_>) -> u64 {
    let gaps = [backlog.sender.gap, backlog.blast.gap].into_iter().flatten();
    let varies = gaps.clone().filter(|gap| gap.low() < gap.high()).count();
    let has_rate = [backlog.sender.rate, backlog.blast.rate].iter().any(|rate| *rate != Rate::Unlimited);
    match (varies, has_rate || gaps.count() > 1) {
        (0, _) => 1,
        (_, false) if backlog.window.is_some() => 3 + backlog.people / 32,
        (_, false) => 2,
        _ => 3 + backlog.people / 8,
    }
}

proptest! {
    #[test]
    fn what_is_promised_is_what_a_step_by_step_clock_does(
        // Any minute of 2026, clock changes of five zones included.
        minutes in 0i64..525_600,
        backlog in backlogs(),
    ) {
        let now = utc("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let times = simulated(&backlog, now);
        let last = *times.last().unwrap();
        let off = tolerance(&backlog);
        let forecast = backlog.forecast(now, now);
        let of = |people| Backlog { people, ..backlog }.forecast(now, now);
        let zone = backlog.sender.zone;

        // The promise lies between those for a few people less and a few more: a day's end makes hours of one person.
        if let Some(done) = forecast.done_at {
            let (sooner, later) = (of(backlog.people.saturating_sub(off).max(1)), of(backlog.people + off));
            prop_assert!(sooner.done_at.is_some_and(|sooner| sooner <= last), "promised {done}, sent {last}");
            prop_assert!(later.done_at.is_none_or(|later| later >= last), "promised {done}, sent {last}");
        } else {
            let paced = binding(&backlog.sender, &backlog.blast).is_some();
            prop_assert!(!paced || last > now + TimeDelta::days(300), "nothing was promised, sent {last}");
        }
        let today = on_day(&times, day_start(now, zone), zone);
        let tomorrow = on_day(&times, next_day_start(now, zone), zone);
        let people = |share: Option<ForecastShare>| share.map_or(0, |share| share.people);
        prop_assert!(people(forecast.today).abs_diff(today) <= off, "{:?}, sent {today}", forecast.today);
        prop_assert!(people(forecast.tomorrow).abs_diff(tomorrow) <= 2 * off, "{:?}, sent {tomorrow}", forecast.tomorrow);
        // The first one is never off.
        let shares = [forecast.today, forecast.tomorrow, forecast.later];
        prop_assert_eq!(shares.into_iter().flatten().next().unwrap().from, times[0]);
        prop_assert_eq!(shares.into_iter().map(people).sum::<u64>(), backlog.people);
    }

    #[test]
    fn no_promise_panics_whatever_the_numbers(
        people in any::<u64>(),
        today in any::<u32>(),
        minutes in 0i64..525_600,
        speed in 0.001f64..1e6,
    ) {
        let now = utc("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let limits = Limits { rate: rate("10000/s"), gap: Some(gap("0s..24h")), ..limits() };
        let limits = limits.scaled(Speed::new(speed).unwrap());
        let some = Backlog { people: people.max(1), sender: limits, blast: limits, window: None, today, days: limits.zone, people_use: None };

        let unpaced = Backlog { sender: super::limits(), blast: super::limits(), ..some };
        let capped = Backlog { sender: Limits { daily_cap: DailyCap::new(1), ..limits }, ..some };
        for backlog in [some, unpaced, capped] {
            let forecast = backlog.forecast(now, DateTime::<Utc>::MAX_UTC);
            prop_assert_eq!(forecast.done_at, None, "farther away than any promise");
            backlog.forecast(now, now);
        }
    }
}

#[test]
fn two_gaps_together_pause_as_long_as_the_longer_of_both_does() {
    for (one, other, least) in
        [("20s..60s", "20s..60s", "unlimited"), ("20s..60s", "10s..2m", "1/min"), ("5s", "1s..9s", "unlimited")]
    {
        let (sender, blast) = (
            Limits { gap: Some(gap(one)), ..limits() },
            Limits { gap: Some(gap(other)), rate: rate(least), ..limits() },
        );
        let floor = if least == "1/min" { 60.0 / 0.985 - 0.45 } else { 0.0 };
        let n = 400;
        let draw = |gap: Gap, i: u32| gap.draw((f64::from(i) + 0.5) / f64::from(n), Speed::REAL).as_secs_f64();
        let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
        let sum: f64 =
            pairs.map(|(i, j)| draw(sender.gap.unwrap(), i).max(draw(blast.gap.unwrap(), j)).max(floor)).sum();

        let pause = 3_600.0 / per_hour(&sender, &blast).unwrap();

        assert!((pause - sum / f64::from(n * n)).abs() < 0.05, "{one}, {other}: {pause}");
    }
}

#[test]
fn people_who_are_tried_again_hours_later_hold_the_end_back() {
    let hours = |hours| noon() + TimeDelta::hours(hours);
    let later = |people, first, last| DueLater { people, first: hours(first), last: hours(last) };
    let slow = Backlog { sender: Limits { gap: Some(gap("1m")), ..limits() }, ..backlog(10) };
    let begins = ForecastBegins { sender: noon(), blast: noon() };
    let held = |backlog: &Backlog<'_>, later: DueLater| {
        backlog.forecast_dues(&later.shares(), &[], noon(), begins).whole.done_at
    };

    assert_eq!(held(&slow, later(1, 4, 4)), Some(hours(4)));
    assert_eq!(held(&slow, later(5, 4, 4)), Some(hours(4) + TimeDelta::minutes(4)), "they have a pace as well");
    assert_eq!(held(&slow, later(1, 0, 0)), slow.forecast(noon(), noon()).done_at, "the others take longer");
    assert_eq!(held(&backlog(10), later(2, 4, 5)), Some(hours(5)));
    let evenings = Backlog { window: Some(window("20:00-22:00", "daily", KL)), ..backlog(10) };
    assert_eq!(held(&evenings, later(2, 4, 11)), Some(utc("2026-06-16T12:00:00Z")), "the next evening");
    assert_eq!(held(&backlog(0), later(1, 4, 4)), None);
}

#[test]
fn a_day_ends_when_the_last_of_its_people_is_due() {
    let minutes = |minutes| noon() + TimeDelta::minutes(minutes);
    let begins = ForecastBegins { sender: noon(), blast: noon() };
    let forecast =
        |backlog: Backlog<'_>, later: DueLater| backlog.forecast_dues(&later.shares(), &[], noon(), begins).whole;
    let later = DueLater { people: 6, first: minutes(15), last: minutes(29) };

    let quick = Backlog { sender: Limits { rate: rate("80/s"), ..limits() }, ..backlog(6) };
    for forecast in [forecast(quick, later), forecast(backlog(6), later)] {
        let today = ForecastShare { people: 6, from: minutes(15), until: Some(minutes(29)) };
        assert_eq!((forecast.today, forecast.done_at), (Some(today), Some(minutes(29))), "{forecast:?}");
    }
    let tomorrow = forecast(quick, DueLater { last: minutes(24 * 60), ..later });
    assert_eq!([tomorrow.today, tomorrow.tomorrow].map(|share| share.map(|share| share.people)), [Some(5), Some(1)]);
}

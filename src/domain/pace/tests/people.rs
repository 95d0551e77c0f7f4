//! What is promised under Meta's limit of people within a moving day, against the window that an engine counts with.

use super::forecast::{backlog, gap};
use super::*;
use crate::domain::phone::Phone;

fn counted(at: DateTime<Utc>, people: u64) -> CountedPeople {
    CountedPeople { at, people, queued: 0 }
}

fn by_gap(text: &str, people: u64) -> Backlog<'static> {
    Backlog { sender: Limits { gap: Some(gap(text)), ..limits() }, ..backlog(people) }
}

fn shares(forecast: Forecast) -> [u64; 3] {
    [forecast.today, forecast.tomorrow, forecast.later].map(|share| share.map_or(0, |share| share.people))
}

fn phone(n: usize) -> Phone {
    Phone::parse(&format!("+60100{n:06}"), "MY".parse().unwrap()).unwrap()
}

/// The moment of every message, by the pacer and the window that decide about them. The first of those who count already are the first
/// numbers, and `queue` has the numbers of the blast.
fn simulated(backlog: &Backlog<'_>, queue: &[usize], now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let people = backlog.people_use.unwrap();
    let mut window = PeopleWindow::default();
    window.set_limit(Some(people.limit));
    let groups = people.counted.iter().flat_map(|group| (0..group.people).map(|_| group.at));
    for (n, at) in groups.enumerate() {
        window.posted(&phone(n), at);
    }
    let mut pacer = Pacer::new(backlog.sender, &PastAttempts { times: Vec::new(), today: backlog.today }, now);
    let (mut times, mut at) = (Vec::new(), now);
    for n in queue {
        loop {
            let paces = [window.next(at), pacer.next(at, 0.5)];
            let until = paces.into_iter().filter_map(|pace| match pace {
                Pace::Go => None,
                Pace::Wait { until, .. } => Some(until),
            });
            let Some(until) = until.max() else { break };
            at = until;
        }
        pacer.posted(at);
        window.posted(&phone(*n), at);
        times.push(at);
    }
    times
}

fn strangers(people: u64) -> Vec<usize> {
    (0..usize::try_from(people).unwrap()).map(|n| 100_000 + n).collect()
}

fn on_days(times: &[DateTime<Utc>], now: DateTime<Utc>) -> [u64; 3] {
    let midnight = next_day_start(now, KL);
    let next = next_day_start(midnight, KL);
    let count = |from, to| times.iter().filter(|at| (from..to).contains(*at)).count() as u64;
    [count(now, midnight), count(midnight, next), count(next, DateTime::<Utc>::MAX_UTC)]
}

#[test]
fn a_place_is_free_again_a_day_after_it_was_taken_and_not_at_midnight() {
    // 200 were written to at 14:00 yesterday and 50 at 09:00 today; it is noon.
    let yesterday = noon() - TimeDelta::hours(22);
    let people =
        PeopleUse { limit: 250, counted: vec![counted(yesterday, 200), counted(noon() - TimeDelta::hours(3), 50)] };
    let own = Backlog { people_use: Some(&people), ..by_gap("1s", 260) };

    let forecast = own.forecast(noon(), noon());

    assert_eq!(people.left(), 0);
    let [today, tomorrow] = [forecast.today, forecast.tomorrow].map(Option::unwrap);
    assert_eq!((today.people, today.from), (200, noon() + TimeDelta::hours(2)), "the two hundred places of yesterday");
    assert_eq!((tomorrow.people, tomorrow.from), (60, noon() + TimeDelta::hours(21)));
    // Fifty at nine tomorrow, the last ten once the first of today count no more.
    assert_eq!(forecast.done_at, Some(noon() + TimeDelta::hours(26) + TimeDelta::seconds(9)));
}

#[test]
fn a_lowered_limit_waits_until_enough_people_count_no_more() {
    let ago = |hours| noon() - TimeDelta::hours(hours);
    let people = PeopleUse { limit: 2, counted: vec![counted(ago(20), 3), counted(ago(10), 2)] };
    let own = Backlog { people_use: Some(&people), ..by_gap("1s", 2) };

    let forecast = own.forecast(noon(), noon());

    assert_eq!(
        forecast.done_at,
        Some(noon() + TimeDelta::hours(14) + TimeDelta::seconds(1)),
        "two of five remain at 16:00"
    );
    let none = PeopleUse { limit: 0, counted: Vec::new() };
    let never = Backlog { people_use: Some(&none), ..own }.forecast(noon(), noon());
    assert_eq!((never.done_at, shares(never)), (None, [0, 0, 2]));
}

#[test]
fn whoever_counts_already_takes_no_second_place() {
    let ago = noon() - TimeDelta::hours(5);
    let all = PeopleUse { limit: 210, counted: vec![CountedPeople { at: ago, people: 200, queued: 200 }] };
    let again = Backlog { people_use: Some(&all), ..by_gap("1s", 200) };
    assert_eq!(shares(again.forecast(noon(), noon())), [200, 0, 0]);
    assert_eq!(
        shares(again.forecast_beside(&[], noon(), ForecastBegins { sender: noon(), blast: noon() })),
        [200, 0, 0]
    );

    // Every other one of a list of 40 is new: ten places last for twenty people, and then all wait.
    let half = PeopleUse { limit: 30, counted: vec![CountedPeople { at: ago, people: 20, queued: 20 }] };
    let mixed = Backlog { people_use: Some(&half), ..by_gap("1m", 40) };
    let queue: Vec<usize> = (0..20).flat_map(|n| [100_000 + n, n]).collect();

    let times = simulated(&mixed, &queue, noon());
    let forecast = mixed.forecast(noon(), noon());

    assert!((19..=21).contains(&on_days(&times, noon())[0]), "{:?}", on_days(&times, noon()));
    assert!(shares(forecast)[0].abs_diff(on_days(&times, noon())[0]) <= 1, "{forecast:?}");
    let off = (forecast.done_at.unwrap() - *times.last().unwrap()).abs();
    assert!(off <= TimeDelta::minutes(2), "{off}");
}

#[test]
fn blasts_that_take_turns_share_the_places() {
    let people = PeopleUse { limit: 100, counted: vec![counted(noon() - TimeDelta::hours(23), 60)] };
    let own = Backlog { people_use: Some(&people), ..by_gap("1s", 60) };
    let other = ConcurrentBacklog {
        queued: 60,
        dues: Vec::new(),
        is_older: true,
        limits: limits(),
        window: None,
        begins: noon(),
    };

    let forecast = own.forecast_beside(&[other], noon(), ForecastBegins { sender: noon(), blast: noon() });

    // Twenty each at noon, thirty each at 13:00, and the last ten of each tomorrow at noon.
    assert_eq!(shares(forecast), [50, 10, 0], "{forecast:?}");
    assert_eq!(forecast.done_at, Some(noon() + TimeDelta::hours(24) + TimeDelta::seconds(19)), "{forecast:?}");
}

#[test]
fn a_million_people_under_a_limit_of_a_hundred_thousand_are_forecast_in_a_moment() {
    let times = (0..50_000_i64).map(|n| counted(noon() - TimeDelta::hours(20) + TimeDelta::milliseconds(n * 900), 2));
    let people = PeopleUse { limit: 100_000, counted: times.collect() };
    let sender = Limits { rate: rate("80/s"), ..limits() };
    let own = Backlog { sender, people_use: Some(&people), ..backlog(1_000_000) };
    let began = std::time::Instant::now();

    let forecast = own.forecast(noon(), noon());

    assert_eq!(shares(forecast).iter().sum::<u64>(), 1_000_000);
    let days = (forecast.done_at.unwrap() - noon()).num_hours();
    assert!((9 * 24..=10 * 24).contains(&days), "{forecast:?}");
    in_a_moment(began);
}

fn uses() -> impl Strategy<Value = PeopleUse> {
    let group = (0i64..24 * 60, 1u64..20);
    (1u32..60, prop::collection::vec(group, 0..8)).prop_map(|(limit, mut groups)| {
        groups.sort_unstable_by_key(|(minutes, _)| std::cmp::Reverse(*minutes));
        let counted = groups.into_iter().map(|(ago, people)| counted(noon() - TimeDelta::minutes(ago), people));
        PeopleUse { limit, counted: counted.collect() }
    })
}

proptest! {
    #[test]
    fn what_is_promised_is_what_the_moving_window_lets_go(
        people_use in uses(),
        people in 1u64..150,
        pause in prop::sample::select(vec!["1s", "40s", "7m", "50m"]),
        cap in prop::option::of(1u32..80),
        is_beside in any::<bool>(),
    ) {
        let own = by_gap(pause, people);
        let sender = Limits { daily_cap: cap.and_then(DailyCap::new), ..own.sender };
        let own = Backlog { sender, people_use: Some(&people_use), ..own };
        let times = simulated(&own, &strangers(people), noon());

        // The walk from message to message promises the same as the one from stretch to stretch.
        let begins = ForecastBegins { sender: noon(), blast: noon() };
        let forecast = if is_beside { own.forecast_dues(&[], &[], noon(), begins).whole } else { own.forecast(noon(), noon()) };

        let (done, last) = (forecast.done_at.unwrap(), *times.last().unwrap());
        prop_assert!((done - last).abs() < TimeDelta::seconds(1), "promised {done}, sent {last}");
        prop_assert_eq!(shares(forecast), on_days(&times, noon()));
        let first = [forecast.today, forecast.tomorrow, forecast.later].into_iter().flatten().next().unwrap();
        prop_assert_eq!(first.from, times[0]);
    }
}

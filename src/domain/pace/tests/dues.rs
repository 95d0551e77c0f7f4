//! What is promised to people who are due by their own clocks.

use super::forecast::{backlog, gap, window};
use super::*;

fn at_once() -> ForecastBegins {
    ForecastBegins { sender: noon(), blast: noon() }
}

/// So many people who are due so many hours after noon.
fn due(people: u64, hours: i64) -> DueShare {
    DueShare { people, due: noon() + TimeDelta::hours(hours), window: None }
}

fn by_gap(people: u64) -> Backlog<'static> {
    Backlog { sender: Limits { gap: Some(gap("1m")), ..limits() }, ..backlog(people) }
}

fn other(queued: u64) -> ConcurrentBacklog {
    ConcurrentBacklog { queued, dues: Vec::new(), is_older: true, limits: limits(), window: None, begins: noon() }
}

#[test]
fn three_who_are_due_together_are_through_two_gaps_later() {
    let forecast = by_gap(3).forecast_dues(&[due(3, 6)], &[], noon(), at_once());

    let last = noon() + TimeDelta::hours(6) + TimeDelta::minutes(2);
    assert_eq!((forecast.whole.done_at, forecast.ends), (Some(last), vec![Some(last)]));
    assert_eq!(forecast.whole.today.map(|share| (share.people, share.from)), Some((3, noon() + TimeDelta::hours(6))));
}

#[test]
fn who_is_due_by_their_own_clock_waits_for_the_days_limit_and_takes_turns() {
    // Ten a day, all of which were sent today; another blast has twelve queued, which go at midnight.
    let sender = Limits { gap: Some(gap("1m")), daily_cap: DailyCap::new(10), ..limits() };
    let own = Backlog { sender, today: 10, ..backlog(8) };
    let dues = [due(3, 1), due(5, 18)];

    let forecast = own.forecast_dues(&dues, &[other(12)], noon(), at_once());

    // Three of the ten each until the first three are through at 00:05, then four more of the other until ten are sent.
    let midnight = |days: i64| utc("2026-06-14T16:00:00Z") + TimeDelta::days(days);
    let shares = [forecast.whole.today, forecast.whole.tomorrow, forecast.whole.later];
    assert_eq!(shares.map(|share| share.map_or(0, |share| share.people)), [0, 3, 5], "{forecast:?}");
    assert_eq!(forecast.ends[0], Some(midnight(1) + TimeDelta::minutes(5)), "{forecast:?}");
    assert!(forecast.ends[1].is_some_and(|end| end > midnight(2)), "{forecast:?}");
}

#[test]
fn whoever_comes_up_while_their_own_hours_are_closed_is_due_when_these_open() {
    // Due at 13:00 and 13:30 by a gap of an hour; their hours close at 14:00.
    let sender = Limits { gap: Some(gap("1h")), ..limits() };
    let own = Backlog { sender, ..backlog(3) };
    let hours = Some(window("09:00-14:00", "daily", KL));
    let dues = [DueShare { window: hours, ..due(2, 1) }, due(1, 1)];

    let forecast = own.forecast_dues(&dues, &[], noon(), at_once());

    let next_nine = noon() + TimeDelta::hours(21);
    assert_eq!(forecast.ends, [Some(next_nine), Some(noon() + TimeDelta::hours(2))]);
}

#[test]
fn a_first_few_are_those_who_are_due_first_and_the_others_go_when_it_begins() {
    let few = by_gap(4).forecast_dues(&[due(3, 2), due(9, 1)], &[], noon(), at_once());
    let more = by_gap(5).forecast_dues(&[due(3, 2)], &[], noon(), at_once());

    assert_eq!((few.whole.done_at, few.ends[0]), (Some(noon() + TimeDelta::minutes(63)), None));
    assert_eq!(more.whole.today.map(|share| share.from), Some(noon()));
    assert_eq!(more.whole.done_at, Some(noon() + TimeDelta::minutes(122)));
}

#[test]
fn a_million_people_of_forty_zones_are_forecast_in_a_moment() {
    let sender = Limits { rate: rate("80/s"), ..limits() };
    let dues: Vec<_> = (0..40).map(|zone| due(25_000, zone / 2)).collect();
    let began = std::time::Instant::now();

    let forecast = Backlog { sender, ..backlog(1_000_000) }.forecast_dues(&dues, &[other(9_000)], noon(), at_once());

    assert!(forecast.ends.iter().all(Option::is_some));
    in_a_moment(began);
}

#[test]
fn who_is_due_while_the_senders_hours_are_closed_goes_when_they_open() {
    let opens = noon() + TimeDelta::hours(2);
    let own = Backlog { window: Some(window("14:00-15:00", "daily", KL)), ..by_gap(2) };

    let forecast = own.forecast_dues(&[due(2, 1)], &[], noon(), at_once());

    let last = opens + TimeDelta::minutes(1);
    assert_eq!((forecast.whole.done_at, forecast.ends), (Some(last), vec![Some(last)]));
    assert_eq!(forecast.whole.today.map(|share| share.from), Some(opens));
}

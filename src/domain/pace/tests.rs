use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;

mod day;
mod dues;
mod forecast;
mod limits;
mod people;
mod turns;

/// How fast, only a quiet machine can show.
fn in_a_moment(began: std::time::Instant) {
    let is_long = std::env::var_os("BLASTDECK_LONG_TESTS").is_some();
    assert!(!is_long || began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

const KL: Tz = chrono_tz::Asia::Kuala_Lumpur;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    utc("2026-06-15T04:00:00Z")
}

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn limits() -> Limits {
    Limits::none(KL)
}

fn fresh(limits: Limits) -> Pacer {
    Pacer::new(limits, &PastAttempts::default(), noon())
}

fn error<T: FromStr<Err = PaceError> + std::fmt::Debug>(text: &str) -> String {
    text.parse::<T>().unwrap_err().to_string()
}

// Rate

#[test]
fn a_rate_of_one_a_minute_waits_a_little_over_a_minute() {
    let mut pacer = fresh(Limits { rate: rate("1/min"), ..limits() });
    assert_eq!(pacer.next(noon(), 0.5), Pace::Go);

    pacer.posted(noon());

    let Pace::Wait { until, reason } = pacer.next(noon(), 0.5) else { panic!("it must wait") };
    assert!(until > noon() + TimeDelta::seconds(60) && until < noon() + TimeDelta::seconds(62));
    assert_eq!(reason.to_string(), "sender rate 1/min");
    assert_eq!(pacer.next(until, 0.5), Pace::Go);
}

#[test]
fn a_restart_does_not_burst_over_the_rate() {
    let limits = Limits { rate: rate("20/min"), ..limits() };
    let burst = vec![noon(); 20];

    let mut pacer = Pacer::new(limits, &PastAttempts::from_times(burst, noon(), KL), noon());

    let Pace::Wait { until, .. } = pacer.next(noon(), 0.5) else { panic!("it must wait") };
    assert!(until > noon() + TimeDelta::seconds(60));
}

#[test]
fn a_burst_under_older_limits_holds_back_no_longer_than_one_period() {
    let limits = Limits { rate: rate("20/min"), ..limits() };

    let mut pacer = Pacer::new(limits, &PastAttempts::from_times(vec![noon(); 5_000], noon(), KL), noon());

    assert_eq!(pacer.next(noon() + TimeDelta::seconds(63), 0.5), Pace::Go);
}

#[test]
fn attempts_stamped_in_the_future_by_another_clock_count_as_now() {
    let limits = Limits { rate: rate("20/min"), ..limits() };
    let ahead = PastAttempts { times: vec![noon() + TimeDelta::days(3)], today: 1 };

    let mut pacer = Pacer::new(limits, &ahead, noon());

    assert_eq!(pacer.next(noon() + TimeDelta::seconds(4), 0.5), Pace::Go);
}

/// Posts whenever allowed, each timer firing late by what `lateness` says; the times of all posts, past ones included.
fn work(limits: Limits, past: &[i64], lateness: &[i64], posts: usize) -> Vec<DateTime<Utc>> {
    let mut times: Vec<_> = past.iter().map(|ago| noon() - TimeDelta::milliseconds(*ago)).collect();
    times.sort_unstable();
    let mut pacer = Pacer::new(limits, &PastAttempts::from_times(times.clone(), noon(), KL), noon());
    let mut now = noon();
    for late in lateness.iter().cycle().take(posts) {
        if let Pace::Wait { until, .. } = pacer.next(now, 0.5) {
            now = until + TimeDelta::microseconds(*late);
        }
        assert_eq!(pacer.next(now, 0.5), Pace::Go);
        pacer.posted(now);
        times.push(now);
    }
    times
}

/// The most posts of `times[from..]`, together with all before, that fall into one closed period.
fn fullest(times: &[DateTime<Utc>], from: usize, period: TimeDelta) -> usize {
    (from..times.len())
        .map(|last| times[..=last].iter().rev().take_while(|at| times[last] - **at <= period).count())
        .max()
        .unwrap_or(0)
}

proptest! {
    #[test]
    fn no_sliding_period_holds_more_than_the_rate(
        count in 1u32..90,
        unit in prop::sample::select(vec![("s", 1), ("min", 60)]),
        // A past that obeyed the rate itself: spread so that no period of it is over the cap.
        past in prop::collection::vec(0i64..10, 0..40),
        lateness in prop::collection::vec(0i64..200_000, 1..50),
    ) {
        let period = TimeDelta::seconds(unit.1);
        let step = period.num_milliseconds() / i64::from(count) + 1;
        let past: Vec<i64> = past.iter().enumerate()
            .map(|(i, jitter)| (i64::try_from(i).unwrap() + 1) * (step + 10) + jitter.min(&9)).collect();
        let limits = Limits { rate: rate(&format!("{count}/{}", unit.0)), ..limits() };

        let times = work(limits, &past, &lateness, 3 * count as usize + 5);

        prop_assert!(fullest(&times, past.len(), period) <= count as usize);
    }

    #[test]
    fn any_past_at_all_leaves_no_period_over_the_rate_once_we_post(
        count in 1u32..40,
        past in prop::collection::vec(0i64..5_000, 0..200),
        lateness in prop::collection::vec(0i64..50_000, 1..20),
    ) {
        let limits = Limits { rate: rate(&format!("{count}/s")), ..limits() };

        let times = work(limits, &past, &lateness, 3 * count as usize);

        // Where the past itself was over the rate, no post of ours may fall into the same period.
        for last in past.len()..times.len() {
            let within = times[..=last].iter().rev().take_while(|at| times[last] - **at <= TimeDelta::seconds(1)).count();
            prop_assert!(within <= count as usize, "{within} in a second at {count}/s");
        }
    }

    #[test]
    fn a_rate_reaches_98_percent_although_timers_fire_late(
        count in prop::sample::select(vec![1u32, 20, 80, 200]),
        late in 0i64..2_000,
    ) {
        let limits = Limits { rate: rate(&format!("{count}/s")), ..limits() };
        let posts = count as usize * 50;

        let times = work(limits, &[], &[late, 0, late / 2], posts + 1);

        let seconds = (times[posts] - times[0]).as_seconds_f64();
        let reached = f64::from(count) * 50.0 / seconds / f64::from(count);
        prop_assert!(reached >= 0.98, "{reached}");
        prop_assert!(reached <= 1.0, "{reached}");
    }
}

// Gap

#[test]
fn the_gap_is_drawn_once_after_each_message() {
    let mut pacer = fresh(Limits { gap: Some("20s..60s".parse().unwrap()), ..limits() });
    pacer.posted(noon());

    let Pace::Wait { until, reason } = pacer.next(noon(), 0.5) else { panic!("it must wait") };

    assert_eq!(until, noon() + TimeDelta::seconds(40));
    assert_eq!(reason.to_string(), "pause of 20s..1m between messages");
    assert_eq!(pacer.next(noon(), 0.0), Pace::Wait { until, reason }, "asking again draws nothing anew");
    assert_eq!(pacer.next(until, 0.0), Pace::Go);
    pacer.posted(until);
    assert_eq!(pacer.next(until, 0.0), Pace::Wait { until: until + TimeDelta::seconds(20), reason });
}

#[test]
fn after_a_restart_the_gap_still_counts_from_the_last_message() {
    let limits = Limits { gap: Some("20s..60s".parse().unwrap()), ..limits() };
    let past = PastAttempts::from_times(vec![noon() - TimeDelta::seconds(10)], noon(), KL);

    let mut pacer = Pacer::new(limits, &past, noon());

    assert!(matches!(pacer.next(noon(), 0.0), Pace::Wait { until, .. } if until == noon() + TimeDelta::seconds(10)));
}

proptest! {
    #[test]
    fn a_gap_stays_between_its_ends_whatever_the_random_number(random in any::<f64>()) {
        let gap: Gap = "20s..60s".parse().unwrap();

        let drawn = gap.draw(random, Speed::REAL);

        prop_assert!(drawn >= Duration::from_secs(20) && drawn <= Duration::from_secs(60));
    }
}

// Speed

#[test]
fn a_rehearsal_shrinks_gaps_and_raises_rates_alike() {
    let speed: Speed = "600".parse().unwrap();
    let real = Limits { rate: rate("20/min"), gap: Some("20s..60s".parse().unwrap()), ..limits() };
    let mut pacer = fresh(real.scaled(speed));
    pacer.posted(noon());

    let Pace::Wait { until, .. } = pacer.next(noon(), 1.0) else { panic!("it must wait") };
    assert_eq!(until, noon() + TimeDelta::milliseconds(100));

    let times = work(Limits { gap: None, ..real }.scaled(speed), &[], &[0], 60);
    assert!(fullest(&times, 0, TimeDelta::milliseconds(100)) <= 20);
    assert!(times[59] - times[0] < TimeDelta::milliseconds(310));
}

#[test]
fn a_sender_told_to_slow_down_halves_its_rate_and_doubles_its_gap_without_forgetting_its_day() {
    let real = Limits { rate: rate("20/min"), daily_cap: DailyCap::new(2), ..limits() };
    let mut pacer = fresh(real);
    pacer.posted(noon());

    pacer.limit(real.slowed(1));

    let Pace::Wait { until: first, .. } = pacer.next(noon(), 0.5) else { panic!("it must wait") };
    pacer.posted(first);
    assert!(matches!(pacer.next(first, 0.5), Pace::Wait { reason: PaceReason::DailyCap { .. }, .. }));
    let gap: Gap = "20s..60s".parse().unwrap();
    assert_eq!(gap.draw(0.0, Speed::REAL.halved(1)), Duration::from_secs(40));
    let slowed = work(Limits { daily_cap: None, ..real }.slowed(1), &[], &[0], 41);
    assert!(slowed[40] - slowed[0] > TimeDelta::minutes(4));
}

#[test]
fn at_real_speed_a_length_of_time_is_exactly_itself() {
    assert_eq!(Speed::REAL.shrink(Duration::from_nanos(1_234_567_891)), Duration::from_nanos(1_234_567_891));
    assert_eq!(Speed::new(1e6).unwrap().shrink(Duration::ZERO), Duration::ZERO);
    assert_eq!(Speed::new(60.0).unwrap().shrink(Duration::from_secs(30)), Duration::from_millis(500));
}

// All together

#[test]
fn the_longest_wait_wins_and_gives_the_reason() {
    let mut pacer = fresh(Limits { rate: rate("20/min"), gap: Some("20s..60s".parse().unwrap()), ..limits() });
    pacer.posted(noon());
    assert!(matches!(pacer.next(noon(), 0.0), Pace::Wait { reason: PaceReason::Gap(_), .. }));

    pacer.hold(noon() + TimeDelta::minutes(5));
    pacer.hold(noon() + TimeDelta::minutes(1));

    let Pace::Wait { until, reason } = pacer.next(noon(), 0.0) else { panic!("it must wait") };
    assert_eq!(until, noon() + TimeDelta::minutes(5));
    assert_eq!(reason.to_string(), "the provider asked to slow down");
}

//! The daily cap, by the sender's own day.

use super::*;

#[test]
fn the_daily_cap_counts_the_senders_own_day() {
    // 23:59 in Kuala Lumpur.
    let late = utc("2026-06-15T15:59:00Z");
    let limits = Limits { daily_cap: DailyCap::new(2), ..limits() };
    let yesterday = utc("2026-06-14T15:59:59Z");
    let mut pacer = Pacer::new(limits, &PastAttempts::from_times(vec![yesterday, late], late, KL), late);

    assert_eq!(pacer.next(late, 0.5), Pace::Go, "yesterday's message does not count");
    pacer.posted(late);

    let Pace::Wait { until, reason } = pacer.next(late, 0.5) else { panic!("it must wait") };
    assert_eq!(until, utc("2026-06-15T16:00:00Z"));
    assert_eq!(reason.to_string(), "daily cap 2 reached, goes on 00:00 +08");
    assert_eq!(pacer.next(until, 0.5), Pace::Go);
    assert_eq!(pacer.today(), 0);
}

#[test]
fn the_daily_cap_counts_days_of_23_and_of_25_hours_whole() {
    let berlin = chrono_tz::Europe::Berlin;
    // The first and the last minute of the day, by the clock on the wall, on both days on which the clock changes.
    for (first, last, next) in [
        ("2026-03-28T23:00:30Z", "2026-03-29T21:59:30Z", "2026-03-29T22:00:00Z"),
        ("2026-10-24T22:00:30Z", "2026-10-25T22:59:30Z", "2026-10-25T23:00:00Z"),
    ] {
        let limits = Limits { daily_cap: DailyCap::new(1), ..Limits::none(berlin) };
        let mut pacer = Pacer::new(limits, &PastAttempts::from_times(vec![utc(first)], utc(last), berlin), utc(last));

        assert!(matches!(pacer.next(utc(last), 0.5), Pace::Wait { until, .. } if until == utc(next)), "{first}");
        assert_eq!(pacer.next(utc(next), 0.5), Pace::Go);

        let before = PastAttempts::from_times(vec![utc(first) - TimeDelta::minutes(1)], utc(last), berlin);
        assert_eq!(before.today, 0, "{first}: a minute earlier was the day before");
    }
}

#[test]
fn what_is_known_not_to_have_been_accepted_does_not_use_up_the_day() {
    let mut pacer = fresh(Limits { daily_cap: DailyCap::new(1), ..limits() });
    pacer.posted(noon());
    assert!(matches!(pacer.next(noon(), 0.5), Pace::Wait { .. }));

    pacer.not_accepted(noon());

    assert_eq!(pacer.next(noon(), 0.5), Pace::Go);
}

#[test]
fn a_refusal_of_yesterdays_message_leaves_the_count_of_today_as_it_is() {
    let mut pacer = fresh(Limits { daily_cap: DailyCap::new(1), ..limits() });
    let tomorrow = noon() + TimeDelta::days(1);
    pacer.posted(noon());
    pacer.posted(tomorrow);

    pacer.not_accepted(noon());

    assert!(matches!(pacer.next(tomorrow, 0.5), Pace::Wait { .. }));
}

#[test]
fn a_clock_set_back_over_midnight_does_not_give_the_day_again() {
    let mut pacer = fresh(Limits { daily_cap: DailyCap::new(1), ..limits() });
    pacer.posted(noon());

    assert!(matches!(pacer.next(noon() - TimeDelta::days(1), 0.5), Pace::Wait { .. }));
}

#[test]
fn what_is_left_of_a_cap_says_by_whose_clocks_its_day_ends() {
    let until = "2026-11-23T16:00:00Z".parse().unwrap();
    let left = CapLeft { messages: 1_206, until, zone: Tz::Asia__Kuala_Lumpur };

    let elsewhere = "1,206 left of the daily cap until 24 Nov 00:00 in Kuala Lumpur (23 Nov 16:00 here)";
    assert_eq!(left.sentence_in(Tz::UTC, "16:00"), elsewhere);
    assert_eq!(left.sentence_in(Tz::Asia__Singapore, "00:00"), "1,206 left of the daily cap until 00:00");
    assert_eq!(left.days_in(Tz::UTC).unwrap(), "days are counted in Kuala Lumpur time, as for the daily cap");
    assert_eq!(left.days_in(Tz::Asia__Singapore), None);
}

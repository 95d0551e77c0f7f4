use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use crate::domain::pace::Hours;
use crate::domain::pace::{DailyCap, Gap, Pace, Rate, Speed, Weekdays, Window, day_start, next_day_start, parse_span};

const KL: Tz = chrono_tz::Asia::Kuala_Lumpur;
const BERLIN: Tz = chrono_tz::Europe::Berlin;

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn noon() -> DateTime<Utc> {
    utc("2026-06-15T04:00:00Z")
}

fn window(hours: &str, days: &str, zone: Tz) -> Window {
    Window { hours: hours.parse().unwrap(), days: days.parse().unwrap(), zone }
}

#[test]
fn a_window_is_open_between_its_hours_on_its_days() {
    let shop = window("09:00-21:00", "mon-fri", KL);
    // Monday 2026-06-15, Kuala Lumpur is eight hours ahead.
    let cases = [
        ("2026-06-15T00:59:59Z", false),
        ("2026-06-15T01:00:00Z", true),
        ("2026-06-15T12:59:59Z", true),
        ("2026-06-15T13:00:00Z", false),
        ("2026-06-20T04:00:00Z", false),
    ];
    for (at, open) in cases {
        assert_eq!(shop.is_open(utc(at)), open, "{at}");
    }
    assert_eq!(shop.next_open(utc("2026-06-15T04:00:00Z")), utc("2026-06-15T04:00:00Z"));
    assert_eq!(shop.next_open(utc("2026-06-15T13:00:00Z")), utc("2026-06-16T01:00:00Z"));
    assert_eq!(shop.next_open(utc("2026-06-19T13:00:00Z")), utc("2026-06-22T01:00:00Z"));
}

#[test]
fn hours_may_be_written_as_people_say_them() {
    let read = |text: &str| text.parse::<Hours>().map(|hours| hours.to_string()).map_err(drop);

    for (typed, hours) in [
        ("9am-6pm", "09:00-18:00"),
        ("9:30 AM - 12:15pm", "09:30-12:15"),
        ("12pm-12am", "12:00-24:00"),
        ("12am-11:59pm", "00:00-23:59"),
        ("09:00-6pm", "09:00-18:00"),
        ("9-18", "09:00-18:00"),
        ("0-24", "00:00-24:00"),
        ("9-6pm", "09:00-18:00"),
    ] {
        assert_eq!(read(typed), Ok(hours.to_owned()), "{typed}");
    }
    for typed in [
        "13am-6pm",
        "0am-6pm",
        "9-6",
        "22-2",
        "9-25",
        "9.30-18",
        "am-pm",
        "9:60am-6pm",
        "9am-9:00",
        "9ampm-6pm",
        "9am",
        "-",
        "ümm-9pm",
    ] {
        assert_eq!(read(typed), Err(()), "{typed}");
    }
}

#[test]
fn a_closed_window_says_when_it_opens() {
    let shop = window("09:00-21:00", "mon-fri", KL);

    let early = shop.pace(utc("2026-06-15T00:00:00Z"));
    let friday_night = shop.pace(utc("2026-06-19T15:00:00Z"));
    let newfoundland = window("09:00-21:00", "daily", chrono_tz::America::St_Johns).pace(utc("2026-06-15T04:00:00Z"));

    for (pace, said) in
        [(early, "opens 09:00 +08"), (friday_night, "opens Mon 09:00 +08"), (newfoundland, "opens 09:00 -02:30")]
    {
        let Pace::Wait { reason, .. } = pace else { panic!("it must wait") };
        assert_eq!(reason.to_string(), said);
    }
    assert_eq!(shop.pace(utc("2026-06-15T01:00:00Z")), Pace::Go);
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_on_which_it_opens() {
    let bar = window("22:00-02:00", "fri", KL);
    // Friday 2026-06-19 22:00 to Saturday 02:00.
    for (at, open) in [
        ("2026-06-19T13:59:59Z", false),
        ("2026-06-19T14:00:00Z", true),
        ("2026-06-19T17:59:59Z", true),
        ("2026-06-19T18:00:00Z", false),
        ("2026-06-18T17:00:00Z", false),
        ("2026-06-20T14:00:00Z", false),
    ] {
        assert_eq!(bar.is_open(utc(at)), open, "{at}");
    }
    assert_eq!(bar.next_open(utc("2026-06-19T18:00:00Z")), utc("2026-06-26T14:00:00Z"));
}

#[test]
fn when_the_clock_springs_forward_a_skipped_opening_opens_at_the_change() {
    // Berlin, Sunday 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    let early = window("02:30-09:00", "daily", BERLIN);

    assert_eq!(early.next_open(utc("2026-03-29T00:30:00Z")), utc("2026-03-29T01:00:00Z"));
    assert!(!early.is_open(utc("2026-03-29T00:59:59Z")));
    assert!(early.is_open(utc("2026-03-29T01:00:00Z")));
    assert!(!early.is_open(utc("2026-03-29T07:00:00Z")), "09:00 summer time is 07:00 UTC");

    let within = window("02:10-02:50", "daily", BERLIN);
    assert_eq!(within.next_open(utc("2026-03-29T00:30:00Z")), utc("2026-03-30T00:10:00Z"), "skipped altogether");
}

#[test]
fn when_the_clock_falls_back_the_hour_that_comes_twice_counts_once() {
    // Berlin, Sunday 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
    let late = window("01:00-02:30", "daily", BERLIN);

    assert!(late.is_open(utc("2026-10-25T00:29:59Z")), "02:29:59 for the first time");
    assert!(!late.is_open(utc("2026-10-25T00:30:00Z")));
    assert!(!late.is_open(utc("2026-10-25T01:15:00Z")), "02:15 for the second time");

    let shop = window("09:00-21:00", "daily", BERLIN);
    assert_eq!(shop.next_open(utc("2026-10-25T00:00:00Z")), utc("2026-10-25T08:00:00Z"), "09:00 winter time");
    assert_eq!(shop.next_open(utc("2026-10-24T00:00:00Z")), utc("2026-10-24T07:00:00Z"), "09:00 summer time");
}

#[test]
fn a_window_that_closes_within_the_skipped_hour_closes_at_the_change() {
    // Berlin, 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    let night = window("01:00-02:30", "daily", BERLIN);

    assert!(night.is_open(utc("2026-03-29T00:00:00Z")), "01:00 winter time");
    assert!(night.is_open(utc("2026-03-29T00:59:59Z")));
    assert!(!night.is_open(utc("2026-03-29T01:00:00Z")), "03:00 summer time");

    let over_midnight = window("22:00-02:30", "sat", BERLIN);
    assert!(over_midnight.is_open(utc("2026-03-28T21:00:00Z")));
    assert!(!over_midnight.is_open(utc("2026-03-29T01:00:00Z")));
    let is_whole_day = window("00:00-24:00", "sun", BERLIN);
    assert!(is_whole_day.is_open(utc("2026-03-28T23:00:00Z")) && is_whole_day.is_open(utc("2026-03-29T21:59:59Z")));
    assert!(!is_whole_day.is_open(utc("2026-03-29T22:00:00Z")), "23 hours after it began");
}

#[test]
fn a_window_that_opens_in_the_hour_that_comes_twice_opens_the_first_time_and_stays_open() {
    // Berlin, 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
    let early = window("02:30-09:00", "daily", BERLIN);

    assert_eq!(early.next_open(utc("2026-10-25T00:00:00Z")), utc("2026-10-25T00:30:00Z"), "02:30 summer time");
    for at in ["2026-10-25T00:30:00Z", "2026-10-25T01:15:00Z", "2026-10-25T07:59:59Z"] {
        assert!(early.is_open(utc(at)), "{at}: it does not close when the clock shows 02:15 again");
    }
    assert!(!early.is_open(utc("2026-10-25T08:00:00Z")), "09:00 winter time");
    let within = window("02:15-02:45", "daily", BERLIN);
    assert!(within.is_open(utc("2026-10-25T00:15:00Z")) && !within.is_open(utc("2026-10-25T01:15:00Z")));
}

#[test]
fn a_window_tells_the_wall_clock_of_the_day_it_opens_on() {
    let shop = window("09:00-21:00", "daily", BERLIN);
    for (before, said) in
        [("2026-03-28T21:00:00Z", "opens Sun 09:00 +02"), ("2026-10-24T21:00:00Z", "opens Sun 09:00 +01")]
    {
        let Pace::Wait { reason, .. } = shop.pace(utc(before)) else { panic!("it must wait") };
        assert_eq!(reason.to_string(), said);
    }
}

#[test]
fn a_day_begins_at_midnight_or_where_the_clock_change_skips_it() {
    assert_eq!(day_start(noon(), KL), utc("2026-06-14T16:00:00Z"));
    assert_eq!(next_day_start(noon(), KL), utc("2026-06-15T16:00:00Z"));
    // Cairo, Friday 2026-04-24: 00:00 becomes 01:00.
    let cairo = chrono_tz::Africa::Cairo;
    assert_eq!(day_start(utc("2026-04-24T10:00:00Z"), cairo), utc("2026-04-23T22:00:00Z"));
    // A day of 25 hours.
    let fall_back = utc("2026-10-25T12:00:00Z");
    assert_eq!(next_day_start(fall_back, BERLIN) - day_start(fall_back, BERLIN), TimeDelta::hours(25));
    // And one of 23.
    let spring_forward = utc("2026-03-29T12:00:00Z");
    assert_eq!(next_day_start(spring_forward, BERLIN) - day_start(spring_forward, BERLIN), TimeDelta::hours(23));
}

proptest! {
    #[test]
    fn wherever_it_is_closed_it_opens_when_it_says(
        seconds in 0i64..31_536_000,
        from in 0u32..1440,
        length in 1u32..1439,
        days in prop::sample::select(vec!["daily", "mon-fri", "sun", "sat-mon"]),
        zone in prop::sample::select(vec![KL, BERLIN, chrono_tz::America::New_York, chrono_tz::Australia::Lord_Howe]),
    ) {
        let to = (from + length) % 1440;
        let hours = format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
        let window = window(&hours, days, zone);
        let now = Utc.timestamp_opt(1_767_225_600 + seconds, 0).unwrap();

        let opens = window.next_open(now);

        prop_assert!(window.is_open(opens));
        prop_assert_eq!(window.is_open(now), opens == now);
        prop_assert!(opens == now || !window.is_open(opens - TimeDelta::seconds(1)));
    }

    #[test]
    fn the_limits_of_pacing_never_panic_on_any_text(text in any::<String>()) {
        let _ = (text.parse::<Rate>(), text.parse::<Gap>(), text.parse::<DailyCap>(), text.parse::<Speed>());
        let _ = (text.parse::<Hours>(), text.parse::<Weekdays>(), parse_span(&text));
    }
}

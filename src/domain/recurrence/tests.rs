use chrono::{Datelike, Days, NaiveDate, Weekday};
use chrono_tz::{America, Asia, Europe};

use super::*;

fn rule(text: &str) -> Recurrence {
    text.parse().unwrap()
}

fn after(text: &str, moment: &str, zone: Tz, count: usize) -> Vec<String> {
    let rule = rule(text);
    let mut at: DateTime<Utc> = moment.parse().unwrap();
    let mut times = Vec::new();
    while times.len() < count {
        at = rule.next(at, zone).unwrap().at;
        times.push(at.with_timezone(&zone).format("%Y-%m-%dT%H:%M%z").to_string());
    }
    times
}

#[test]
fn rules_are_words_or_cron() {
    let kl = Asia::Kuala_Lumpur;
    let start = "2026-11-21T09:00:00Z";

    assert_eq!(after("every mon 09:00", start, kl, 2), ["2026-11-23T09:00+0800", "2026-11-30T09:00+0800"]);
    assert_eq!(after("Every  Mon-Fri 09:30", start, kl, 1), ["2026-11-23T09:30+0800"]);
    for same in ["every day 09:00", "every day 9am", "every day 9:00AM", "every day 9:0"] {
        assert_eq!(after(same, start, kl, 1), ["2026-11-22T09:00+0800"], "{same}");
    }
    let days = [
        "every mon,thu 09:00",
        "mon,thu 9:00",
        "Monday and Thursday at 9am",
        "every Monday, Thursday 09:00",
        "mon, thu 9am",
    ];
    for same in days {
        assert_eq!(after(same, start, kl, 2), ["2026-11-23T09:00+0800", "2026-11-26T09:00+0800"], "{same}");
    }
    assert_eq!(rule("Monday and Thursday at 9am").to_string(), "every monday,thursday 9am");
    assert_eq!(after("daily 9:00", start, kl, 1), ["2026-11-22T09:00+0800"]);
    assert_eq!(rule("daily 9:00").to_string(), "every day 9:00");
    assert_eq!(after("every weekday 9am", start, kl, 1), ["2026-11-23T09:00+0800"]);
    assert_eq!(after("weekends at 9am", start, kl, 1), ["2026-11-22T09:00+0800"]);
    assert_eq!(after("on mon & thu at 9:00", start, kl, 1), ["2026-11-23T09:00+0800"]);
    assert_eq!(after("every hour", start, kl, 1), ["2026-11-21T18:00+0800"]);
    assert_eq!(after("every month last 18:00", start, kl, 2), ["2026-11-30T18:00+0800", "2026-12-31T18:00+0800"]);
    assert_eq!(after("0 9 31 * *", start, kl, 3)[2], "2027-03-31T09:00+0800", "a month without a 31st has none");
    assert_eq!(after("0 9 * * 1#1", start, kl, 1), ["2026-12-07T09:00+0800"]);
}

#[test]
fn what_is_no_rule_says_how_one_is_written() {
    for text in ["", "every", "every mon 25:00", "soon", "* * * *", "0 0 9 * * 1", "every month 32 09:00", "\u{1b}[2J"]
    {
        let said = text.parse::<Recurrence>().unwrap_err().to_string();
        assert!(said.contains("every day 09:00") && !said.contains('\u{1b}'), "{text}: {said}");
    }
    for (text, says) in
        [("every Monday", "every monday 09:00"), ("mon", "every mon 09:00"), ("every day", "every day 09:00")]
    {
        let said = text.parse::<Recurrence>().unwrap_err().to_string();
        assert_eq!(said, format!("at which time? Write {says}"), "{text}");
    }
    assert!("0 9 30 2 *".parse::<Recurrence>().unwrap_err().to_string().contains("never comes"));
    assert!("*/5 * * * *".parse::<Recurrence>().unwrap_err().to_string().contains("too often"));
    assert!("*/15 * * * *".parse::<Recurrence>().is_ok());
}

#[test]
fn a_skipped_time_occurs_right_after_and_one_that_comes_twice_once() {
    let berlin = Europe::Berlin;
    assert_eq!(
        after("every day 02:30", "2027-03-27T12:00:00Z", berlin, 2),
        ["2027-03-28T03:00+0200", "2027-03-29T02:30+0200"]
    );
    assert_eq!(
        after("every day 02:30", "2026-10-24T12:00:00Z", berlin, 2),
        ["2026-10-25T02:30+0200", "2026-10-26T02:30+0100"]
    );
    let now = "2026-11-21T09:00:00Z".parse().unwrap();
    let notes = rule("every day 02:30").clock_notes(now, None, berlin);
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("does not exist") && notes[1].contains("comes twice"), "{notes:?}");
    assert!(notes[0].contains("on 28 Mar 2027"), "{notes:?}");
    let ends = |last: &str| rule("every day 02:30").clock_notes(now, Some(last.parse().unwrap()), berlin).len();
    assert_eq!(
        (ends("2027-03-27T01:30:00Z"), ends("2027-03-28T01:00:00Z"), ends("2027-04-01T00:30:00Z")),
        (0, 1, 1),
        "none after its last time"
    );
    assert_eq!(rule("every day 09:00").clock_notes(now, None, berlin), [""; 0]);
    for minutes in (0..24 * 60).step_by(10) {
        let notes = rule("every day 02:30").clock_notes(now + TimeDelta::minutes(minutes), None, berlin);
        assert_eq!(notes.len(), 2, "whatever the hour is: {minutes} minutes later: {notes:?}");
    }
}

#[test]
fn times_that_the_clocks_skip_together_are_named_and_counted_in_one_sentence() {
    let notes = |text: &str, now: &str, zone| rule(text).clock_notes(now.parse().unwrap(), None, zone);

    assert_eq!(
        notes("*/15 2 * * *", "2026-11-21T09:00:00Z", Europe::Berlin),
        [
            "02:00, 02:15, 02:30 and 02:45 do not exist in Europe/Berlin on 28 Mar 2027, when the clocks go forward: these 4 times \
             become one, which starts 03:00",
            "02:00, 02:15, 02:30 and 02:45 come twice in Europe/Berlin on 31 Oct 2027, when the clocks go back: each starts the \
             first time",
        ]
    );
    // A whole day that Samoa left out.
    let skipped = notes("0 * * * *", "2011-12-28T09:00:00Z", chrono_tz::Pacific::Apia);
    let named = "00:00, 01:00, 02:00, 03:00, 04:00 and 19 more do not exist in Pacific/Apia on 30 Dec 2011, when the clocks go forward: \
                 these 24 times become one, which starts 00:00";
    assert!(skipped.contains(&named.to_owned()), "{skipped:?}");
}

/// Which local times a rule means, by the calendar alone.
type Means = fn(NaiveDate) -> bool;

/// The moments of a year at which a clock on the wall first shows a time, or one after it that was skipped: minute by minute, by the
/// offsets alone.
fn independent(
    zone: Tz,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    hours: &[u32],
    means: Means,
) -> Vec<DateTime<Utc>> {
    let mut found: Vec<DateTime<Utc>> = Vec::new();
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let mut latest = local(from - TimeDelta::days(1));
    let mut at = from - TimeDelta::days(1);
    while at < to {
        at += TimeDelta::minutes(1);
        // The clock has come to `now` for the first time: every full hour that it passed on its way occurs.
        let now = local(at);
        let mut wanted = latest;
        while wanted < now {
            wanted += TimeDelta::minutes(1);
            let is_due = wanted.minute() == 0 && hours.contains(&wanted.hour()) && means(wanted.date());
            if is_due && at > from && found.last() != Some(&at) {
                found.push(at);
            }
        }
        latest = latest.max(now);
    }
    found
}

#[test]
fn a_year_of_rules_in_three_zones_is_what_a_clock_on_the_wall_shows() {
    let all: Vec<u32> = (0..24).collect();
    let last = |day: NaiveDate| (day + Days::new(1)).month() != day.month();
    let rules: [(&str, &[u32], Means); 6] = [
        ("every hour", &all, |_| true),
        ("every day 02:00", &[2], |_| true),
        ("every day 09:00", &[9], |_| true),
        ("every sun 02:00", &[2], |day| day.weekday() == Weekday::Sun),
        ("every month last 23:00", &[23], last),
        ("0 1 31 * *", &[1], |day| day.day() == 31),
    ];
    let from: DateTime<Utc> = "2026-01-01T00:30:00Z".parse().unwrap();
    let to: DateTime<Utc> = "2027-01-01T00:30:00Z".parse().unwrap();
    for zone in [Europe::Berlin, America::New_York, Asia::Kuala_Lumpur] {
        for (text, hours, means) in rules {
            let rule = rule(text);
            let ours = std::iter::successors(rule.next(from, zone), |last| rule.next(last.at, zone));
            let ours: Vec<_> = ours.map(|occurrence| occurrence.at).take_while(|at| *at <= to).collect();
            assert_eq!(ours, independent(zone, (from, to), hours, means), "{text} in {zone}");
        }
    }
}

#[test]
fn crons_own_letters_are_said_as_they_were_written() {
    assert_eq!(rule("30 18 L * *").to_string(), "30 18 L * *");
    assert_eq!(rule("Every Mon 09:00").to_string(), "every mon 09:00");
}

/// What the documentation lists, and nothing else.
const DOCUMENTED: [&str; 24] = [
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
    "0 9 1,15 * *",
    "0 9-17 * * *",
    "0 8-18/2 * * *",
    "*/30 9 * * *",
    "0 9 * jan-mar *",
    "0 9 * * mon-fri",
    "0 9 * * 0",
    "0 9 * * 7",
    "30 18 L * *",
    "0 9 15W * *",
    "0 9 LW * *",
    "0 9 * * 1#1",
    "0 9 * * fri#2",
    "0 9 * * 5L",
    "0 9 * * 5#L",
    "0 9 ? * 1",
    "0 9 13 * 5",
    "0 9 13 * +5",
];

#[test]
fn what_the_documentation_says_of_cron_is_accepted() {
    let page = include_str!("../../../docs/SCHEDULES.md");
    for text in DOCUMENTED {
        assert!(text.parse::<Recurrence>().is_ok(), "{text}");
        assert!(page.contains(&format!("`{text}`")), "docs/SCHEDULES.md lacks {text}");
    }
    let both = after("0 9 13 * +5", "2026-11-23T00:00:00Z", Tz::UTC, 1);
    assert_eq!(both, ["2027-08-13T09:00+0000"], "a Friday the 13th");
    assert_eq!(after("0 9 LW * *", "2027-01-02T00:00:00Z", Tz::UTC, 1), ["2027-01-29T09:00+0000"]);
}

#[test]
fn what_it_does_not_list_is_refused() {
    for text in [
        "@midnight",
        "@reboot",
        "@every 1h",
        "0 9 L-3 * *",
        "0 9 1-5W * *",
        "0 9 1/2 * *",
        "0 9 * * L",
        "0 9 * * 8",
        "0 9 * * 1#6",
        "0 9 * * monday",
        "0 9 * january *",
        "0 9 * * fri-mon",
        "0 22-2 * * *",
        "0 24 * * *",
        "60 9 * * *",
        "0 9 32 * *",
        "0 9 0 * *",
        "0 9 * 13 *",
        "H 9 * * *",
        "0 9 * *",
        "0 0 9 * * *",
        "0 9 * * * 2027",
        "0 9 ? ? *",
        "? 9 * * *",
        "+0 9 * * *",
        "0 9 +13 * *",
    ] {
        assert!(text.parse::<Recurrence>().is_err(), "{text}");
    }
}

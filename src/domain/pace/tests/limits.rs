//! Limits as they are written: read and printed.

use super::*;

#[test]
fn a_time_that_is_too_long_is_told_the_longest() {
    for text in ["400d", "366.5d", "8785h", "99999999999999999999999999d"] {
        let error = parse_span(text).unwrap_err().to_string();
        assert_eq!(error, format!("`{text}` is longer than 366 days, the longest time there is: write at most 366d"));
    }
    assert_eq!(parse_span("366d"), Ok(Duration::from_secs(366 * 86_400)));
    assert!(parse_span("400x").unwrap_err().to_string().contains("is not a length of time"));
}

#[test]
fn rates_are_read_and_printed_alike() {
    for (text, shown) in [
        ("20/min", "20/min"),
        ("80/s", "80/s"),
        ("90 / hour", "90/h"),
        ("500 per day", "500/day"),
        ("Unlimited", "unlimited"),
        ("20/minute", "20/min"),
        ("1/sec", "1/s"),
    ] {
        assert_eq!(rate(text).to_string(), shown);
        assert_eq!(rate(shown), rate(text));
    }
}

#[test]
fn a_rate_that_makes_no_sense_is_refused_with_the_mend() {
    for text in ["", "20", "fast", "20/fortnight", "/min", "1.5/min", "20/ms", "20//min", "0x14/min"] {
        assert_eq!(
            error::<Rate>(text),
            format!("`{text}` is not a valid rate: write 20/min, 80/s, 90/h, 500/day or unlimited")
        );
    }
    assert_eq!(
        error::<Rate>("-20/min"),
        "`-20/min` is not a valid rate: it cannot be negative; write 20/min, 80/s, 90/h, 500/day or unlimited"
    );
    assert_eq!(error::<Rate>("0/min"), "`0/min` would never send: write at least 1/h, or pause the blast");
    assert!(error::<Rate>("99999999999/min").contains("faster than any sender"));
}

#[test]
fn gaps_are_read_and_printed_alike() {
    for (text, shown) in [
        ("20s..60s", "20s..1m"),
        ("20s-60s", "20s..1m"),
        ("20-60", "20s..1m"),
        ("2..5", "2s..5s"),
        ("2 - 5", "2s..5s"),
        ("20..60s", "20s..1m"),
        ("500ms..1.5s", "500ms..1500ms"),
        ("30s", "30s"),
        ("1m..2m", "1m..2m"),
        ("0s..0s", "0s"),
    ] {
        let gap: Gap = text.parse().unwrap();
        assert_eq!(gap.to_string(), shown);
        assert_eq!(shown.parse::<Gap>().unwrap(), gap);
    }
}

#[test]
fn a_gap_that_makes_no_sense_is_refused_with_the_mend() {
    for text in ["", "20", "-5s..10s", "-5", "20s..", "20-", "..60s", "a..b", "1-2-3"] {
        assert!(error::<Gap>(text).contains("write the shortest and the longest pause, as in 20s..60s"), "{text}");
    }
    assert!(error::<Gap>("60s..20s").contains("ends before it begins"));
    assert!(error::<Gap>("1h..25h").contains("longer than a day"));
}

#[test]
fn a_pair_gap_is_one_length_of_at_most_a_day() {
    let gap: PairGap = "10m".parse().unwrap();
    assert_eq!((gap.to_string().as_str(), gap.get()), ("10m", Duration::from_secs(600)));
    for text in ["", "10", "10m..20m", "25h", "-1m"] {
        assert!(error::<PairGap>(text).contains("is not a valid pair gap: write one length of time"), "{text}");
    }
}

#[test]
fn caps_and_speeds_refuse_zero_and_nonsense() {
    assert_eq!("500".parse::<DailyCap>().unwrap().get(), 500);
    for text in ["0", "-1", "many", ""] {
        assert!(text.parse::<DailyCap>().is_err(), "{text}");
    }
    for text in ["0", "-1", "NaN", "inf", "1e9", ""] {
        assert!(text.parse::<Speed>().is_err(), "{text}");
    }
}

#[test]
fn hours_and_weekdays_are_read_and_printed_alike() {
    for (text, shown) in [
        ("09:00-21:00", "09:00-21:00"),
        ("9:30 - 12:00", "09:30-12:00"),
        ("22:00-02:00", "22:00-02:00"),
        ("00:00-24:00", "00:00-24:00"),
        ("18:00-00:00", "18:00-24:00"),
    ] {
        assert_eq!(text.parse::<Hours>().unwrap().to_string(), shown);
    }
    for (text, shown) in [
        ("mon-fri", "mon,tue,wed,thu,fri"),
        ("Sat-Mon", "mon,sat,sun"),
        ("daily", "daily"),
        ("mon, wednesday,SAT", "mon,wed,sat"),
        ("sun", "sun"),
        ("mon-sun", "daily"),
    ] {
        assert_eq!(text.parse::<Weekdays>().unwrap().to_string(), shown);
    }
    for text in ["", "21-9", "25:00-26:00", "09:60-10:00", "09:00", "24:00-09:00", "09:0-21:00", "-1:00-2:00"] {
        assert!(text.parse::<Hours>().is_err(), "{text}");
    }
    assert!(error::<Hours>("09:00-09:00").contains("write 00:00-24:00 for the whole day"));
    for text in ["", "mon-", "funday", "mon;tue"] {
        assert!(text.parse::<Weekdays>().is_err(), "{text}");
    }
}

//! How numbers, money and times are written: for a shopkeeper, in the options' zone.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::widget::{start_of, width};
use crate::app::view::{BlastView, Total};
pub use crate::domain::amount::{in_currency, money, symbol};
use crate::domain::blast::{blast_name, is_initial};
use crate::domain::filter::in_words;
use crate::domain::ids::BlastId;
use crate::domain::start_at::StartAt;
use crate::domain::text::clean_shown;
pub use crate::domain::text::{count_of, number, people as counted, span_words};
use crate::domain::zone::words::{city, has_same_time};

/// The fewest columns of a tag that gives way to its stage.
const TAG_LEAST: u16 = 4;

/// The longest name in a question, in characters.
const BRIEF_MAX: usize = 20;

/// In at most five columns: `9,999`, `12.3k`, `123k`, `1.2M`. Rounded, but never up to the next length: `99.9k` is less than `100k`.
pub fn compact(n: i64) -> String {
    let rounded = |unit: i64, most: i64| ((n + unit / 2) / unit).min(most);
    let tenths = |unit: i64, letter: char| {
        let tenths = rounded(unit / 10, 999);
        format!("{}.{}{letter}", tenths / 10, tenths % 10)
    };
    match n {
        ..=9_999 => number(n),
        10_000..=99_999 => tenths(1_000, 'k'),
        100_000..=999_999 => format!("{}k", rounded(1_000, 999)),
        1_000_000..=99_999_999 => tenths(1_000_000, 'M'),
        100_000_000..=9_999_999_999 => format!("{}M", rounded(1_000_000, 9_999)),
        10_000_000_000.. => ">9G".to_owned(),
    }
}

/// A filter in words, with its moments by the clocks of whoever reads it, and its stages by the names that the funnel has.
pub fn filter_words(filter: &str, clock: TimeFormat) -> String {
    let words = in_words(filter);
    let words = words.split(' ').map(|word| moment_words(word, clock).unwrap_or_else(|| word.to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

/// `older than 28 Nov 04:28,` for `older:2026-11-27T20:28:00Z,`; `None`: no moment.
fn moment_words(word: &str, clock: TimeFormat) -> Option<String> {
    let (term, moment) = match word.strip_prefix("older:") {
        Some(moment) => ("older than ", moment),
        None => ("", word),
    };
    let bare = moment.trim_end_matches(',');
    let at = DateTime::parse_from_rfc3339(bare).ok()?.with_timezone(&Utc);
    Some(format!("{term}{}{}", clock.long(at), &moment[bare.len()..]))
}

/// A count that may not have been finished.
pub fn total(total: Total) -> String {
    match total {
        Total::Exactly(n) => number(n),
        Total::AtLeast(n) => format!("{}+", number(n)),
    }
}

/// In five columns: `1,240`, `12.3k`, `123k`, `1.2M`; `-` for nothing.
pub fn short_money(amount: Decimal) -> String {
    use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    use rust_decimal::prelude::ToPrimitive;
    let whole = amount.round_dp_with_strategy(0, MidpointAwayFromZero).to_i64().unwrap_or(i64::MAX);
    if whole == 0 { "-".to_owned() } else { compact(whole) }
}

/// Short enough to leave room for what is typed after it, and without control characters.
pub fn brief(words: &str) -> String {
    let words = clean_shown(words);
    if words.chars().count() <= BRIEF_MAX {
        return words.into_owned();
    }
    let kept: String = words.chars().take(BRIEF_MAX - 1).collect();
    format!("{kept}~")
}

/// The same for a blast: its tag is cut, its stage is whole.
pub fn brief_name(blast: &BlastView) -> String {
    blast_name(&brief(&blast.tag), &clean_shown(&blast.follow_up_stage))
}

/// The name of a blast in so many columns: its tag is cut before its stage.
pub fn name_within(blast: &BlastView, room: u16) -> String {
    let name = blast.name();
    if width(&name) <= room || is_initial(&blast.follow_up_stage) {
        return name;
    }
    let tag = start_of(&blast.tag, room.saturating_sub(width(&blast.follow_up_stage) + 2).max(TAG_LEAST));
    blast_name(&tag, &blast.follow_up_stage)
}

/// A day further off than this is shown with its year: without it the next one of that date would be meant.
const FAR: TimeDelta = TimeDelta::days(270);

/// Where times are shown: the zone, and what is today.
#[derive(Debug, Clone, Copy)]
pub struct TimeFormat {
    pub zone: Tz,
    pub now: DateTime<Utc>,
}

impl TimeFormat {
    fn is_today(self, at: DateTime<Utc>) -> bool {
        at.with_timezone(&self.zone).date_naive() == self.now.with_timezone(&self.zone).date_naive()
    }

    /// `14:02` today, `3 Oct` otherwise.
    pub fn short(self, at: DateTime<Utc>) -> String {
        if self.is_today(at) { self.minute(at) } else { self.day(at) }
    }

    /// `14:02` today, `3 Oct 14:02` otherwise, `3 Oct 2027 14:02` more than nine months away.
    pub fn long(self, at: DateTime<Utc>) -> String {
        match (at - self.now).abs() > FAR {
            true => at.with_timezone(&self.zone).format("%-d %b %Y %H:%M").to_string(),
            false if self.is_today(at) => self.minute(at),
            false => format!("{} {}", self.day(at), self.minute(at)),
        }
    }

    /// `today`, or `3 Oct`.
    pub fn date(self, at: DateTime<Utc>) -> String {
        if self.is_today(at) { "today".to_owned() } else { self.day(at) }
    }

    /// `14:02`.
    pub fn minute(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M").to_string()
    }

    /// `14:02:41`, with the day before it when that is another one.
    pub fn second(self, at: DateTime<Utc>) -> String {
        let time = self.time_of_day(at);
        if self.is_today(at) { time } else { format!("{} {time}", self.day(at)) }
    }

    /// `14:02:41`, whichever day it is.
    pub fn time_of_day(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%H:%M:%S").to_string()
    }

    /// `3 Oct`.
    pub fn day(self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %b").to_string()
    }

    /// The zone's offset, `+08` or `+05:30`.
    pub fn offset(self) -> String {
        let full = self.now.with_timezone(&self.zone).format("%:z").to_string();
        if full == "+00:00" { "UTC".to_owned() } else { full.strip_suffix(":00").unwrap_or(&full).to_owned() }
    }
}

/// The next times of a rule by its own clocks, `23 Nov 09:00, 30 Nov 09:00`; for somebody whose clocks differ also which clocks they are, and
/// when the first of them is here.
pub fn rule_times(times: &[DateTime<Utc>], there: Tz, here: TimeFormat) -> String {
    let clock = TimeFormat { zone: there, ..here };
    let words = times.iter().map(|at| clock.long(*at)).collect::<Vec<_>>().join(", ");
    match times.first().filter(|at| !has_same_time(there, here.zone, **at)) {
        None => words,
        Some(first) => {
            let first_of = if times.len() > 1 { "the first " } else { "" };
            // Today has no day here: behind that of the other clocks it would be read as one of theirs.
            let is_same_day = clock.day(*first) == here.day(*first);
            let day = if is_same_day || !here.is_today(*first) { String::new() } else { here.day(*first) + " " };
            format!("{words} in {} ({first_of}{day}{} here)", city(there), here.long(*first))
        }
    }
}

/// A time to start at as it is typed: `2026-12-01 09:00`, or a moment with its offset.
pub fn start_at(start: StartAt) -> String {
    match start {
        StartAt::Local(local) if local.second() == 0 => local.format("%Y-%m-%d %H:%M").to_string(),
        StartAt::Local(local) => local.format("%Y-%m-%d %H:%M:%S").to_string(),
        moment @ StartAt::Moment(_) => moment.to_string(),
    }
}

/// The names of blasts that are shown together: one that stands for several of them has the id behind it, `Raya promo, Initial #7`.
pub fn told_apart(names: &[(BlastId, String)]) -> Vec<String> {
    let has_twin = |id: BlastId, name: &str| names.iter().any(|(other, said)| *other != id && said == name);
    let shown =
        |(id, name): &(BlastId, String)| if has_twin(*id, name) { format!("{name} #{id}") } else { name.clone() };
    names.iter().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};
    use chrono_tz::Asia::{Kolkata, Kuala_Lumpur};
    use rust_decimal::Decimal;

    use super::{TimeFormat, compact, filter_words, money, number, rule_times, short_money};

    #[test]
    fn short_numbers_are_rounded_but_never_up_to_a_length_that_they_have_not() {
        let cases = [
            (9_999, "9,999"),
            (36_250, "36.3k"),
            (36_786, "36.8k"),
            (36_249, "36.2k"),
            (99_960, "99.9k"),
            (123_500, "124k"),
            (999_900, "999k"),
            (1_250_000, "1.3M"),
            (99_990_000, "99.9M"),
            (9_999_999_999, "9999M"),
        ];
        for (n, expected) in cases {
            assert_eq!(compact(n), expected);
        }
    }

    #[test]
    fn a_filter_is_shown_with_its_moments_by_the_clocks_of_whoever_reads_it() {
        let now = "2026-11-27T20:40:00Z".parse().unwrap();
        let clock = TimeFormat { zone: chrono_tz::Tz::Asia__Kuala_Lumpur, now };
        let filter =
            "blast:10 stuck:delivered older:2026-11-27T20:28:55.423152785Z name:a.b sent>2026-11-23T08:53:55Z read<2h";
        let expected =
            "blast:10 stuck:received older than 04:28 name:a.b, sent since 23 Nov 16:53, read more than 2h ago";
        assert_eq!(filter_words(filter, clock), expected);
    }

    #[test]
    fn a_next_time_that_is_today_here_and_tomorrow_by_its_own_clocks_has_both_days() {
        let here = TimeFormat { zone: chrono_tz::Tz::UTC, now: "2026-11-30T15:50:00Z".parse().unwrap() };
        let times = |hour| [Utc.with_ymd_and_hms(2026, 11, 30, hour, 0, 0).unwrap()];

        let midnight = rule_times(&times(16), Kuala_Lumpur, here);
        assert_eq!(midnight, "1 Dec 00:00 in Kuala Lumpur (30 Nov 16:00 here)");
        let morning = TimeFormat { now: "2026-11-30T00:10:00Z".parse().unwrap(), ..here };
        assert_eq!(rule_times(&times(1), Kuala_Lumpur, morning), "09:00 in Kuala Lumpur (01:00 here)");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(number(287), "287");
        assert_eq!(number(1_240), "1,240");
        assert_eq!(number(-123_456_789), "-123,456,789");
        assert_eq!(money(Decimal::new(124_000, 2)), "1,240.00");
        assert_eq!(money(Decimal::new(5, 1)), "0.50");
    }

    #[test]
    fn short_money_always_fits_five_columns() {
        for whole in
            [0, 5, 9_999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 99_999_999, 100_000_000, 9_999_999_999, i64::MAX]
        {
            assert!(short_money(Decimal::from(whole)).len() <= 5, "{whole}");
        }
        assert_eq!(short_money(Decimal::from(12_345)), "12.3k");
    }

    #[test]
    fn times_are_short_today_and_days_otherwise_in_the_zone_shown() {
        let now = Utc.with_ymd_and_hms(2026, 11, 20, 6, 2, 0).unwrap();
        let clock = TimeFormat { zone: Kuala_Lumpur, now };

        assert_eq!(clock.short(now), "14:02");
        assert_eq!(clock.short(Utc.with_ymd_and_hms(2026, 11, 19, 15, 59, 0).unwrap()), "19 Nov");
        assert_eq!(clock.short(Utc.with_ymd_and_hms(2026, 11, 19, 16, 0, 0).unwrap()), "00:00");
        assert_eq!(clock.long(Utc.with_ymd_and_hms(2027, 7, 20, 16, 0, 0).unwrap()), "21 Jul 00:00");
        assert_eq!(clock.long(Utc.with_ymd_and_hms(2027, 9, 20, 16, 0, 0).unwrap()), "21 Sep 2027 00:00");
        assert_eq!(clock.long(Utc.with_ymd_and_hms(2025, 11, 19, 16, 0, 0).unwrap()), "20 Nov 2025 00:00");
        assert_eq!(clock.offset(), "+08");
        assert_eq!(TimeFormat { zone: Kolkata, now }.offset(), "+05:30");
    }
}

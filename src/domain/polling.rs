//! When an accepted message is polled: often while it is young, then less and less often, and finally never. Also how
//! many polls are allowed, and whose messages they covered.

use std::ops::Bound;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::pace::Speed;

/// A range of ages, and how often messages of that age are polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollBand {
    /// From this age, inclusive.
    pub from: TimeDelta,
    /// Up to this age.
    pub to: TimeDelta,
    pub every: TimeDelta,
}

/// The bands, youngest first: `interval` for ten minutes, a minute for the first hour, then 5, 30 minutes and 4 hours, up to
/// `give_up`. A rehearsal's time shrinks all of them.
pub fn poll_bands(interval: TimeDelta, give_up: TimeDelta, speed: Speed) -> Vec<PollBand> {
    let minutes = TimeDelta::minutes;
    let edges = [
        (minutes(10), interval),
        (minutes(60), minutes(1)),
        (minutes(6 * 60), minutes(5)),
        (minutes(24 * 60), minutes(30)),
        (TimeDelta::MAX, minutes(4 * 60)),
    ];
    let shrink = |span: TimeDelta| {
        let span = span.to_std().map(|span| speed.shrink(span)).unwrap_or_default();
        TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
    };
    let mut bands = Vec::new();
    let mut from = TimeDelta::zero();
    for (to, every) in edges {
        let to = to.min(give_up);
        if from < to {
            bands.push(PollBand { from: shrink(from), to: shrink(to), every: shrink(every.max(interval)) });
        }
        from = to;
    }
    bands
}

/// Polls a second where the configuration names no number: enough to ask about every message that a sender may send while it is
/// young, at least 2 and at most 100. `None`: it may send as fast as it can.
pub fn default_polls_per_second(messages_per_second: Option<f64>) -> f64 {
    messages_per_second.map_or(MOST_QUESTIONS, |rate| (rate * POLLS_WHILE_YOUNG).clamp(LEAST_QUESTIONS, MOST_QUESTIONS))
}

/// How often a message is asked about in its first ten minutes, every ten seconds, if nothing becomes of it.
const POLLS_WHILE_YOUNG: f64 = 60.0;
const LEAST_QUESTIONS: f64 = 2.0;
const MOST_QUESTIONS: f64 = 100.0;

/// A range of times.
pub type TimeRange = (Bound<DateTime<Utc>>, Bound<DateTime<Utc>>);

/// The ranges of send times whose people were all polled: from `begin` to `end`, without those who were sent to at
/// the times in `missed`.
pub fn asked_ranges(
    begin: Bound<DateTime<Utc>>,
    end: Bound<DateTime<Utc>>,
    missed: &[DateTime<Utc>],
) -> Vec<TimeRange> {
    let mut holes = missed.to_vec();
    holes.sort_unstable();
    let mut stretches = Vec::with_capacity(holes.len() + 1);
    let mut from = begin;
    for hole in holes {
        stretches.push((from, Bound::Excluded(hole)));
        from = Bound::Excluded(hole);
    }
    stretches.push((from, end));
    stretches.retain(|stretch| !is_empty(*stretch));
    stretches
}

fn is_empty((from, to): TimeRange) -> bool {
    match (from, to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Bound::{Excluded, Included};

    use chrono::{DateTime, TimeDelta, Utc};

    use super::{asked_ranges, default_polls_per_second, poll_bands};
    use crate::domain::pace::Speed;

    #[test]
    fn the_bands_meet_without_a_gap_and_end_where_we_give_up() {
        let bands = poll_bands(TimeDelta::seconds(10), TimeDelta::days(7), Speed::REAL);

        assert_eq!(bands.first().unwrap().from, TimeDelta::zero());
        assert!(bands.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].every < pair[1].every));
        assert_eq!(bands.last().unwrap().to, TimeDelta::days(7));
    }

    #[test]
    fn whoever_was_missed_is_a_hole_in_what_was_polled() {
        let at = |second| DateTime::<Utc>::from_timestamp(second, 0).unwrap();

        assert_eq!(asked_ranges(Included(at(1)), Included(at(9)), &[]), [(Included(at(1)), Included(at(9)))]);
        assert_eq!(
            asked_ranges(Included(at(1)), Excluded(at(9)), &[at(5), at(3), at(3)]),
            [
                (Included(at(1)), Excluded(at(3))),
                (Excluded(at(3)), Excluded(at(5))),
                (Excluded(at(5)), Excluded(at(9)))
            ]
        );
        assert_eq!(asked_ranges(Included(at(1)), Included(at(1)), &[at(1)]), []);
        assert_eq!(asked_ranges(Excluded(at(1)), Included(at(1)), &[]), [], "the end of a page that was missed");
        assert_eq!(asked_ranges(Included(at(1)), Included(at(1)), &[]), [(Included(at(1)), Included(at(1)))]);
        assert_eq!(asked_ranges(Included(at(4)), Included(at(9)), &[at(9)]), [(Included(at(4)), Excluded(at(9)))]);
    }

    #[test]
    fn the_budget_is_enough_for_all_young_messages() {
        assert!((default_polls_per_second(Some(0.02)) - 2.0).abs() < f64::EPSILON);
        assert!((default_polls_per_second(Some(20.0 / 60.0)) - 20.0).abs() < 1e-9, "20 a minute");
        assert!((default_polls_per_second(Some(80.0)) - 100.0).abs() < f64::EPSILON);
        assert!((default_polls_per_second(None) - 100.0).abs() < f64::EPSILON);
    }

    #[test]
    fn giving_up_early_leaves_out_the_later_bands() {
        assert_eq!(poll_bands(TimeDelta::seconds(10), TimeDelta::minutes(5), Speed::REAL).len(), 1);
    }

    #[test]
    fn a_rehearsal_asks_as_much_faster_as_its_time_runs() {
        let fast = poll_bands(TimeDelta::seconds(10), TimeDelta::days(7), Speed::new(60.0).unwrap());

        assert_eq!((fast[0].to, fast[0].every.num_milliseconds()), (TimeDelta::seconds(10), 166));
    }
}

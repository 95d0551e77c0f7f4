//! When an accepted message is asked about: often while it is young, then ever more seldom, and one day no more.

use chrono::TimeDelta;

use crate::domain::pace::Speed;

/// An age, and how often messages of that age are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// From this age, inclusive.
    pub from: TimeDelta,
    /// Up to this age.
    pub to: TimeDelta,
    pub every: TimeDelta,
}

/// The bands, youngest first: `interval` for ten minutes, a minute for the first hour, then 5, 30 minutes and 4 hours, up to
/// `give_up`. A rehearsal's time shrinks all of them.
pub fn bands(interval: TimeDelta, give_up: TimeDelta, speed: Speed) -> Vec<Band> {
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
            bands.push(Band { from: shrink(from), to: shrink(to), every: shrink(every.max(interval)) });
        }
        from = to;
    }
    bands
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::bands;
    use crate::domain::pace::Speed;

    #[test]
    fn the_bands_meet_without_a_gap_and_end_where_we_give_up() {
        let bands = bands(TimeDelta::seconds(10), TimeDelta::days(7), Speed::REAL);

        assert_eq!(bands.first().unwrap().from, TimeDelta::zero());
        assert!(bands.windows(2).all(|pair| pair[0].to == pair[1].from && pair[0].every < pair[1].every));
        assert_eq!(bands.last().unwrap().to, TimeDelta::days(7));
    }

    #[test]
    fn giving_up_early_leaves_out_the_later_bands() {
        assert_eq!(bands(TimeDelta::seconds(10), TimeDelta::minutes(5), Speed::REAL).len(), 1);
    }

    #[test]
    fn a_rehearsal_asks_as_much_faster_as_its_time_runs() {
        let fast = bands(TimeDelta::seconds(10), TimeDelta::days(7), Speed::new(60.0).unwrap());

        assert_eq!((fast[0].to, fast[0].every.num_milliseconds()), (TimeDelta::seconds(10), 166));
    }
}

//! What of the past somebody has not seen: everything after the newest moment that they were shown, and the gaps below it
//! that they passed over.

use std::iter::once;

use chrono::{DateTime, Utc};

/// The most gaps that are kept apart. With more, the two oldest become one: what was seen between them counts as unseen again.
pub const PASSED_OVER_MAX: usize = 16;

/// A stretch of time that was not seen. Neither end is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnseenGap {
    pub after: DateTime<Utc>,
    pub before: DateTime<Utc>,
}

/// A stretch of time that was shown, with both its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenSpan {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// What somebody has not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// Oldest first, apart from each other, all of them before `seen_at`.
    passed_over: Vec<UnseenGap>,
    /// The newest moment that was shown.
    seen_at: DateTime<Utc>,
}

impl SeenSpan {
    /// A moment alone.
    pub const fn at(at: DateTime<Utc>) -> Self {
        Self { from: at, to: at }
    }

    /// Everything up to a moment.
    pub const fn up_to(to: DateTime<Utc>) -> Self {
        Self { from: DateTime::<Utc>::MIN_UTC, to }
    }
}

impl Unseen {
    /// All of it was seen up to a moment.
    pub const fn since(seen_at: DateTime<Utc>) -> Self {
        Self { passed_over: Vec::new(), seen_at }
    }

    /// As it was stored: gaps, oldest first, and the newest moment that was shown.
    pub const fn stored(passed_over: Vec<UnseenGap>, seen_at: DateTime<Utc>) -> Self {
        Self { passed_over, seen_at }
    }

    pub const fn seen_at(&self) -> DateTime<Utc> {
        self.seen_at
    }

    pub fn passed_over(&self) -> &[UnseenGap] {
        &self.passed_over
    }

    /// All that was not seen, oldest first; the last never ends.
    pub fn gaps(&self) -> impl Iterator<Item = UnseenGap> {
        let open = UnseenGap { after: self.seen_at, before: DateTime::<Utc>::MAX_UTC };
        self.passed_over.iter().copied().chain(once(open))
    }

    pub fn contains(&self, at: DateTime<Utc>) -> bool {
        self.overlaps(SeenSpan::at(at))
    }

    /// Whether any of it is in a stretch.
    pub fn overlaps(&self, span: SeenSpan) -> bool {
        self.gaps().any(|gap| gap.after < span.to && span.from < gap.before)
    }

    /// This was shown.
    pub fn show(&mut self, span: SeenSpan) {
        let cut = |gap: UnseenGap| {
            [UnseenGap { before: gap.before.min(span.from), ..gap }, UnseenGap { after: gap.after.max(span.to), ..gap }]
        };
        let mut gaps: Vec<UnseenGap> = self.gaps().flat_map(cut).filter(|gap| gap.after < gap.before).collect();
        if let Some(open) = gaps.pop() {
            *self = Self { passed_over: gaps, seen_at: open.after };
        }
        while let [oldest, next, ..] = self.passed_over[..]
            && self.passed_over.len() > PASSED_OVER_MAX
        {
            self.passed_over.splice(..2, [UnseenGap { after: oldest.after, before: next.before }]);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::{PASSED_OVER_MAX, SeenSpan, Unseen, UnseenGap};

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn span(from: i64, to: i64) -> SeenSpan {
        SeenSpan { from: at(from), to: at(to) }
    }

    fn unseen(unseen: &Unseen, minutes: std::ops::Range<i64>) -> Vec<i64> {
        minutes.filter(|minute| unseen.contains(at(*minute))).collect()
    }

    #[test]
    fn what_was_passed_over_stays_unseen_until_it_is_shown() {
        let mut news = Unseen::since(at(0));

        news.show(span(7, 9));
        assert_eq!(unseen(&news, 0..12), [1, 2, 3, 4, 5, 6, 10, 11]);
        news.show(span(3, 7));
        assert_eq!(unseen(&news, 0..12), [1, 2, 10, 11]);
        news.show(span(0, 3));

        assert_eq!(news, Unseen::since(at(9)));
    }

    #[test]
    fn what_was_seen_before_changes_nothing() {
        let mut news = Unseen::since(at(5));

        news.show(span(1, 4));

        assert_eq!(news, Unseen::since(at(5)));
    }

    #[test]
    fn everything_up_to_a_moment_closes_the_gaps_before_it() {
        let mut news = Unseen::since(at(0));
        news.show(span(3, 4));
        news.show(span(8, 9));

        news.show(SeenSpan::up_to(at(6)));

        assert_eq!(news, Unseen::stored(vec![UnseenGap { after: at(6), before: at(8) }], at(9)));
    }

    #[test]
    fn with_too_many_gaps_the_oldest_become_one_and_nothing_unseen_counts_as_seen() {
        let mut news = Unseen::since(at(0));

        for minute in 1..=40 {
            news.show(span(minute * 2, minute * 2));
        }

        assert_eq!(news.passed_over().len(), PASSED_OVER_MAX);
        assert!((1..=79).step_by(2).all(|minute| news.contains(at(minute))));
        assert!(news.contains(at(2)) && !news.contains(at(78)));
    }
}

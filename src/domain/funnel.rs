//! The funnel of a blast: how many got how far, and where people are stuck.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::domain::status::Status;

/// How many people are in each status: one field a status, as reports spell them, and who of them is held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    #[schema(example = 0)]
    pub queued: i64,
    #[schema(example = 0)]
    pub sending: i64,
    #[schema(example = 0)]
    pub uncertain: i64,
    #[schema(example = 10)]
    pub sent: i64,
    #[schema(example = 60)]
    pub delivered: i64,
    #[schema(example = 100)]
    pub read: i64,
    #[schema(example = 55)]
    pub replied: i64,
    #[schema(example = 25)]
    pub closed: i64,
    #[schema(example = 0)]
    pub failed: i64,
    #[schema(example = 0)]
    pub opted_out: i64,
    #[schema(example = 0)]
    pub skipped: i64,
    /// Of those at *sent*, whom Meta holds back: it accepted their message and has not sent it yet.
    /// Reports print it apart.
    #[serde(skip)]
    pub held_by_meta: i64,
    /// Money of closed people; reports print it apart.
    #[serde(skip)]
    pub amount: Decimal,
}

/// Cumulative counts: each stage holds everybody who got at least that far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Funnel {
    #[schema(example = 250)]
    pub sent: i64,
    #[schema(example = 240)]
    pub received: i64,
    #[schema(example = 180)]
    pub read: i64,
    #[schema(example = 80)]
    pub replied: i64,
    #[schema(example = 25)]
    pub closed: i64,
}

/// Who reached a stage and no further. Nobody is stuck at closed, nor at sent until their message was asked about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Stuck {
    #[schema(example = 10)]
    pub sent: i64,
    #[schema(example = 60)]
    pub delivered: i64,
    #[schema(example = 100)]
    pub read: i64,
    #[schema(example = 55)]
    pub replied: i64,
}

/// Shares of Sent, from 0 to 1, rounded to four places. All 0 when nothing was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Rates {
    #[schema(example = 0.96)]
    pub received: f64,
    #[schema(example = 0.72)]
    pub read: f64,
    #[schema(example = 0.32)]
    pub replied: f64,
    #[schema(example = 0.1)]
    pub closed: f64,
}

impl Counts {
    /// Somebody failed for good, and nothing was accepted for anybody.
    pub fn nobody_reached(&self) -> bool {
        self.failed > 0 && self.funnel().sent == 0
    }

    pub fn get(&self, status: Status) -> i64 {
        let mut copy = *self;
        *copy.slot(status)
    }

    pub fn add(&mut self, status: Status, people: i64) {
        *self.slot(status) += people;
    }

    fn slot(&mut self, status: Status) -> &mut i64 {
        match status {
            Status::Queued => &mut self.queued,
            Status::Sending => &mut self.sending,
            Status::Uncertain => &mut self.uncertain,
            Status::Sent => &mut self.sent,
            Status::Delivered => &mut self.delivered,
            Status::Read => &mut self.read,
            Status::Replied => &mut self.replied,
            Status::Closed => &mut self.closed,
            Status::Failed => &mut self.failed,
            Status::OptedOut => &mut self.opted_out,
            Status::Skipped => &mut self.skipped,
        }
    }

    /// Everybody in the blast.
    pub fn total(&self) -> i64 {
        Status::ALL.into_iter().map(|status| self.get(status)).sum()
    }

    /// Whether anybody was sent to, or it was tried: who is left out, as by an opt-out, was not.
    pub fn has_tried(&self) -> bool {
        self.tried() > 0
    }

    /// How many were sent to, or it was tried.
    pub fn tried(&self) -> i64 {
        self.total() - self.queued - self.opted_out - self.skipped
    }

    /// Still to be decided: queued, sending or uncertain.
    pub const fn open(&self) -> i64 {
        self.queued + self.sending + self.uncertain
    }

    /// How many of a hundred people are settled, from 0 to 100: 100 is all of them. 0 for an empty blast.
    pub fn settled_percent(&self) -> i64 {
        percent(self.total() - self.open(), self.total())
    }

    /// The same without people who opted out, and with those who were left out as not done: how far a cancelled blast came.
    pub fn reached_or_failed_percent(&self) -> i64 {
        let wanted = self.total() - self.opted_out;
        percent(wanted - self.open() - self.skipped, wanted)
    }

    pub const fn funnel(&self) -> Funnel {
        let closed = self.closed;
        let replied = closed + self.replied;
        let read = replied + self.read;
        let received = read + self.delivered;
        Funnel { sent: received + self.sent, received, read, replied, closed }
    }

    /// Who got no further, as far as that is known: of those at *sent*, `unasked` were never asked about, and others are held.
    pub const fn stuck(&self, unasked: i64) -> Stuck {
        let unknown = unasked + self.held_by_meta;
        let sent = if unknown < self.sent { self.sent - unknown } else { 0 };
        Stuck { sent, delivered: self.delivered, read: self.read, replied: self.replied }
    }
}

impl Funnel {
    /// How many got at least to a stage; 0 for what is no stage of the funnel.
    pub const fn get(&self, stage: Status) -> i64 {
        match stage {
            Status::Sent => self.sent,
            Status::Delivered => self.received,
            Status::Read => self.read,
            Status::Replied => self.replied,
            Status::Closed => self.closed,
            _ => 0,
        }
    }

    /// The people of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            received: self.received + other.received,
            read: self.read + other.read,
            replied: self.replied + other.replied,
            closed: self.closed + other.closed,
        }
    }

    pub fn rates(&self) -> Rates {
        Rates {
            received: share(self.received, self.sent),
            read: share(self.read, self.sent),
            replied: share(self.replied, self.sent),
            closed: share(self.closed, self.sent),
        }
    }
}

/// A share in percent with one decimal; `100.0%` only for all of them, `-` of nobody.
pub fn percent_words(part: i64, whole: i64) -> String {
    if whole <= 0 {
        return "-".to_owned();
    }
    let (part, whole) = (i128::from(part), i128::from(whole));
    let rounded = (part * 2_000 + whole) / (whole * 2);
    let shown = if part < whole { rounded.min(999) } else { rounded };
    format!("{}.{}%", shown / 10, shown % 10)
}

#[expect(clippy::cast_precision_loss, reason = "a share for people; counts stay far below 2^52")]
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0 }
}

/// To the nearest whole, but 100 only for all of them.
const fn percent(part: i64, whole: i64) -> i64 {
    let rounded = if whole == 0 { 0 } else { (part * 200 + whole) / (whole * 2) };
    if rounded == 100 && part < whole { 99 } else { rounded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

    use super::{Counts, Funnel, Stuck, percent_words};
    use crate::domain::status::Status;

    fn requirement_example() -> Counts {
        Counts { sent: 10, delivered: 60, read: 100, replied: 55, closed: 25, ..Counts::default() }
    }

    #[test]
    fn the_example_of_250_people_comes_out_as_its_list_says() {
        let counts = requirement_example();

        assert_eq!(counts.funnel(), Funnel { sent: 250, received: 240, read: 180, replied: 80, closed: 25 });
        assert_eq!(counts.stuck(0), Stuck { sent: 10, delivered: 60, read: 100, replied: 55 });
        assert_eq!((counts.stuck(4).sent, counts.stuck(11).sent), (6, 0), "who was not asked about is not stuck");
        assert_eq!(Counts { held_by_meta: 7, ..counts }.stuck(0).sent, 3, "nor who is held");
        assert_eq!(counts.funnel().rates().read.to_string(), "0.72");
    }

    #[test]
    fn failed_and_skipped_people_are_not_in_the_funnel() {
        let counts = Counts { failed: 3, skipped: 2, opted_out: 1, uncertain: 4, ..requirement_example() };

        assert_eq!(counts.funnel().sent, 250);
        assert_eq!(counts.total(), 260);
    }

    #[test]
    fn an_empty_blast_has_no_rates_to_divide_by() {
        assert!(Counts::default().funnel().rates().received.abs() < f64::EPSILON);
        assert!(!Counts { queued: 2, opted_out: 1, skipped: 1, ..Counts::default() }.has_tried());
        assert!(Counts { queued: 2, failed: 1, ..Counts::default() }.has_tried());
        assert_eq!(Counts::default().settled_percent(), 0);
    }

    #[test]
    fn who_was_left_out_is_settled_but_was_not_reached() {
        let counts = Counts { queued: 10, sent: 30, failed: 10, skipped: 50, ..Counts::default() };

        assert_eq!((counts.settled_percent(), counts.reached_or_failed_percent()), (90, 40));
        let cancelled_at_once = Counts { skipped: 15, opted_out: 5, ..Counts::default() };
        assert_eq!(cancelled_at_once.reached_or_failed_percent(), 0, "who opted out was not reached");
    }

    #[test]
    fn a_share_has_one_decimal_and_is_whole_only_for_everybody() {
        assert_eq!(percent_words(136, 142), "95.8%");
        assert_eq!(percent_words(142, 142), "100.0%");
        assert_eq!(percent_words(999_999, 1_000_000), "99.9%");
        assert_eq!(percent_words(0, 0), "-");
    }

    #[test]
    fn a_hundred_percent_are_all_of_them() {
        let counts = Counts { queued: 1, sent: 9_999, ..Counts::default() };

        assert_eq!(counts.settled_percent(), 99);
    }

    proptest! {
        #[test]
        fn a_funnel_never_widens(people in proptest::collection::vec(0..1_000_000_i64, 11).prop_map(|people| {
            let mut counts = Counts::default();
            for (status, n) in Status::ALL.into_iter().zip(people) {
                counts.add(status, n);
            }
            counts
        })) {
            let funnel = people.funnel();
            prop_assert!(funnel.sent >= funnel.received && funnel.received >= funnel.read);
            prop_assert!(funnel.read >= funnel.replied && funnel.replied >= funnel.closed);
            let stuck = people.stuck(0);
            prop_assert_eq!(stuck.sent + stuck.delivered + stuck.read + stuck.replied + funnel.closed, funnel.sent);
        }
    }
}

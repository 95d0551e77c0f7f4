//! In which order blasts are listed. Follow-ups stay under the blast that they follow.

use std::cmp::{Ordering, Reverse};

use crate::app::view::BlastView;

/// What blasts are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BlastOrder {
    /// Drafts and the newest first.
    #[default]
    Newest,
    Name,
    /// Those that send or wait for somebody first.
    State,
    /// The most money first.
    Money,
    /// The largest share of replies first.
    Replies,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlastSorting {
    pub order: BlastOrder,
    pub is_reversed: bool,
}

impl BlastSorting {
    pub const NEWEST: Self = Self { order: BlastOrder::Newest, is_reversed: false };

    /// The next order; the first follows the last.
    #[must_use]
    pub const fn next(self) -> Self {
        let order = match self.order {
            BlastOrder::Newest => BlastOrder::Name,
            BlastOrder::Name => BlastOrder::State,
            BlastOrder::State => BlastOrder::Money,
            BlastOrder::Money => BlastOrder::Replies,
            BlastOrder::Replies => BlastOrder::Newest,
        };
        Self { order, is_reversed: false }
    }

    pub const fn words(self) -> &'static str {
        match (self.order, self.is_reversed) {
            (BlastOrder::Newest, false) => "newest first",
            (BlastOrder::Newest, true) => "oldest first",
            (BlastOrder::Name, false) => "by name",
            (BlastOrder::Name, true) => "by name, from Z",
            (BlastOrder::State, false) => "running first",
            (BlastOrder::State, true) => "running last",
            (BlastOrder::Money, false) => "most money first",
            (BlastOrder::Money, true) => "least money first",
            (BlastOrder::Replies, false) => "most replies first",
            (BlastOrder::Replies, true) => "fewest replies first",
        }
    }

    /// Rows in this order; among equals the newest first.
    pub fn sorted(self, mut rows: Vec<BlastView>) -> Vec<BlastView> {
        rows.sort_by(|a, b| {
            let ordering = self.compare(a, b);
            if self.is_reversed { ordering.reverse() } else { ordering }
        });
        rows
    }

    fn compare(self, a: &BlastView, b: &BlastView) -> Ordering {
        let by_age = (Reverse(a.blast_date), Reverse(a.id.0)).cmp(&(Reverse(b.blast_date), Reverse(b.id.0)));
        match self.order {
            BlastOrder::Newest => by_age,
            BlastOrder::Name => a.tag.to_lowercase().cmp(&b.tag.to_lowercase()).then(by_age),
            BlastOrder::State => rank(a).cmp(&rank(b)).then(by_age),
            BlastOrder::Money => b.counts.amount.cmp(&a.counts.amount).then(by_age),
            BlastOrder::Replies => by_replies(a, b).then(by_age),
        }
    }
}

fn rank(blast: &BlastView) -> usize {
    use crate::domain::blast::BlastState::{Cancelled, Completed, Draft, Failed, Paused, Scheduled, Sending};
    let order = [Sending, Paused, Scheduled, Draft, Completed, Failed, Cancelled];
    order.iter().position(|state| *state == blast.state).unwrap_or(order.len())
}

/// By their share of sent; who sent nothing comes last.
fn by_replies(a: &BlastView, b: &BlastView) -> Ordering {
    let (a, b) = (a.counts.funnel(), b.counts.funnel());
    match (a.sent, b.sent) {
        (0, 0) => Ordering::Equal,
        (0, _) => Ordering::Greater,
        (_, 0) => Ordering::Less,
        _ => (i128::from(b.replied) * i128::from(a.sent)).cmp(&(i128::from(a.replied) * i128::from(b.sent))),
    }
}
